"""Lives on a Ray cluster: the only importer of ray.

A job is cut into pieces, ranges of lives, and every piece is a stateless task: any worker can do it, and do it again.
A life depends on its newborn and its key alone, so results are those of one process, bit for bit, whatever the pieces,
the workers and the accidents.
"""

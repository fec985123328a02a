"""The same lives as tasks of Ray, bit for bit: the only importer of ray.

A job is cut into pieces, ranges of lives, and every piece is a stateless task: any worker can do it, and do it again.
A life depends on its newborn and its key alone, so results are those of one process, whatever the pieces, the workers
and the accidents.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

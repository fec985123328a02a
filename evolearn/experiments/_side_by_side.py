"""Independent jobs in threads, with results in order and word of how far they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def side_by_side(
    one: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    done: Callable[[float], None],
    size: Callable[[Job], float] = lambda job: 1.0,
) -> list[Result]:
    """Do every job; the same for any number of workers if no job reads what another writes.

    Args:
        one: does a job.
        jobs: in the order of the results.
        workers: threads.
        done: told the share of the work that is done.
        size: of a job, in any unit.
    """
    total, finished, results = sum(map(size, jobs)), 0.0, []
    pool = ThreadPoolExecutor(workers)
    try:
        for job, result in zip(jobs, pool.map(one, jobs), strict=True):
            results.append(result)
            finished += size(job)
            done(finished / total)
    finally:
        pool.shutdown(cancel_futures=True)
    return results

"""A cluster that is simulated: the real `evolearn.cluster.schedule`, workers and a driver that only take time.

The driver does one thing at a time: it hands a piece out or takes one back. A piece begins when a worker is free and
has got it. That is all the model there is; what it leaves out stands in cluster/SCALING.md.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools

from evolearn.cluster import Piece, Schedule


@dataclasses.dataclass(frozen=True)
class Costs:
    """What handling a piece costs, seconds."""

    handling: float  # of the driver's time, for handing out and taking back together
    latency: float  # between handing out, or a worker's becoming free, and the beginning of the work


@dataclasses.dataclass(frozen=True)
class Simulated:
    """What came out of one evaluation."""

    seconds: float  # from the first piece handed out to the last one taken back
    useful: float  # 0 .. 1: share of the workers' time spent in lives
    driver_busy: float  # 0 .. 1: share of the driver's time spent in handling
    pieces: int


def simulate(workers: int, lives: int, life_seconds: float, costs: Costs, known: bool = True) -> Simulated:
    """Evaluate so many lives.

    Args:
        workers: that share them, all alike.
        lives: of equal length.
        life_seconds: that one takes a worker.
        costs: of handling a piece.
        known: the driver knows `life_seconds` from the generation before.
    """
    schedule = Schedule(lives, life_seconds if known else None)
    free = [0.0] * workers  # when each worker is free; a heap
    back: list[tuple[float, int, Piece, float]] = []  # when a piece is done; a heap
    order = itertools.count()
    now = handled = 0.0
    pieces = 0
    while not schedule.is_done:
        while schedule.has_room(workers, now) and (piece := schedule.next_piece(workers, now)) is not None:
            now += costs.handling / 2
            handled += costs.handling / 2
            pieces += 1
            seconds = piece.units * life_seconds
            done = max(now, heapq.heappop(free)) + costs.latency + seconds
            heapq.heappush(free, done)
            heapq.heappush(back, (done, next(order), piece, seconds))
        done, _, piece, seconds = heapq.heappop(back)
        now = max(now, done) + costs.handling / 2
        handled += costs.handling / 2
        schedule.finished(piece, seconds)
    return Simulated(now, lives * life_seconds / (workers * now), handled / now, pieces)

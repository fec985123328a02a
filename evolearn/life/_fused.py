"""The fused driver: compiled worlds, on threads.

A thread takes small pieces of consecutive lives. Which thread lives which life changes nothing: see
`evolearn.life._kernel`.
"""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evolearn.config import HANG_SECONDS
from evolearn.life._kernel import life_kernel
from evolearn.life.live import (
    FAULTS,
    Conditions,
    Driver,
    Job,
    Plan,
    fault_in,
    machinery,
    name_culprit,
    one_after_another,
    raised_in,
)
from evolearn.life.records import UNFINISHED, Desk, Outcome, new_desks
from evolearn.life.watch import Watch
from evolearn.world import World, compile_world

PIECE_STEPS = 60_000  # world steps in a piece: a few hundredths of a second between two looks at the clock


class FusedDriver:
    """Lives compiled worlds with the fused kernel, on threads."""

    def __init__(self, conditions: Conditions, workers: int = 1, hang_seconds: float = HANG_SECONDS) -> None:
        """Compile or load what `conditions` need; a life without a finished step for `hang_seconds` is a fault."""
        if not isinstance(conditions.world, World):
            raise TypeError(f"world {conditions.world.name} is not compiled")
        self.conditions = conditions
        self.workers = workers
        self.hang_seconds = hang_seconds
        self._world = compile_world(conditions.world, conditions.parameters)
        self._parts = machinery(conditions, self._world.state_size, self._world.parameters)
        self._kernel = life_kernel()

    def close(self) -> None:
        """Nothing to let go of: threads end with their job."""

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            LifeFault: the world raised, hung or gave a number that is not finite; names life and step.
        """
        count = len(job.genomes)
        size = max(1, PIECE_STEPS // job.plan.lifetime)
        pieces = iter([(first, min(first + size, count)) for first in range(0, count, size)])
        stop, taking = threading.Event(), threading.Lock()
        at_work: dict[int, tuple[int, int]] = {}  # thread -> its piece
        errors: list[BaseException] = []

        def work(thread: int) -> None:
            desks = self._desks(job.plan)
            while not stop.is_set():
                with taking:
                    piece = next(pieces, None)
                if piece is None:
                    break
                at_work[thread] = piece
                try:
                    self._live_piece(job, desks, *piece)
                except BaseException as error:  # handed to the caller's thread
                    errors.append(error)
                    stop.set()
            at_work.pop(thread, None)

        # Daemons: a life that hangs must not keep the program from ending.
        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(min(self.workers, count))]
        for thread in threads:
            thread.start()
        watch = Watch(self.hang_seconds)
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(timeout=0.2 / len(threads))
                for number, piece in list(at_work.items()):
                    life = _life_under_way(job.outcome, *piece)
                    if watch.stands_still(number, (life, int(job.outcome.age[life]))):
                        reason = (
                            f"no step finished for {self.hang_seconds:g} s; look for a loop without end in the "
                            "world's code"
                        )
                        raise fault_in(self.conditions, job, life, reason)
        finally:
            stop.set()
        if errors:
            raise errors[0]
        self._report_faults(job)

    def over_blocks(self, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]) -> list[Any]:
        """`function(driver, shared, block)` for every block, in order: one block per thread, each with a driver of one.

        A block's lives are too few to keep several threads busy, and drawing and summing are no lives.
        """
        if self.workers == 1:
            return one_after_another(self, function, shared, blocks)
        alone = copy.copy(self)
        alone.workers = 1
        waiting = iter(enumerate(blocks))
        stop, taking = threading.Event(), threading.Lock()
        answers: list[Any] = [None] * len(blocks)
        errors: dict[int, BaseException] = {}

        def work() -> None:
            while not stop.is_set():
                with taking:
                    place, block = next(waiting, (-1, -1))
                if place < 0:
                    break
                try:
                    answers[place] = function(alone, shared, block)
                except BaseException as error:  # handed to the caller's thread
                    errors[place] = error
                    stop.set()

        # Daemons, as in `live`.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self.workers, len(blocks)))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            stop.set()
        if errors:
            raise errors[min(errors)]  # every block before it has been tried
        return answers

    def _desks(self, plan: Plan) -> Desk:
        course = self._parts.course(self.conditions, plan)
        return new_desks(1, self._parts.body, course, self.conditions.brain.weights, len(self.conditions.drive_names))

    def _live_piece(self, job: Job, desks: Desk, first: int, last: int) -> None:
        parts = self._parts
        world = self._world
        try:
            self._kernel(
                *(world.born, world.begin, world.observe, world.step, world.oracle),
                *(parts.think, parts.backward, parts.choose, parts.deltas, parts.learn, parts.feel),
                *(parts.body, parts.course(self.conditions, job.plan), self.conditions.settings, desks),
                *(job.newborns, job.surgeries, job.genomes, job.keys, job.outcome, job.trace, first, last),
            )
        except Exception as error:
            life = _life_under_way(job.outcome, first, last)
            raise fault_in(self.conditions, job, life, raised_in(self.conditions, error)) from error

    def _report_faults(self, job: Job) -> None:
        """Raise for the first life at fault; it is lived again, alone, to see which number was not finite."""
        faulty = np.flatnonzero(np.isin(job.outcome.status, list(FAULTS)))
        if not faulty.size:
            return
        life = int(faulty[0])
        what = FAULTS[int(job.outcome.status[life])]
        desks = self._desks(job.plan)
        self._live_piece(dataclasses.replace(job, outcome=_blank_like(job.outcome)), desks, life, life + 1)
        reason = name_culprit(self.conditions, what, desks.observation[0], desks.drives[0])
        raise fault_in(self.conditions, job, life, reason)


def _life_under_way(outcome: Outcome, first: int, last: int) -> int:
    unfinished = np.flatnonzero(outcome.status[first:last] == UNFINISHED)
    return first + int(unfinished[0]) if unfinished.size else last - 1


def _blank_like(outcome: Outcome) -> Outcome:
    return Outcome(*(np.zeros_like(array) for array in outcome))

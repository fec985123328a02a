"""The fused driver: compiled worlds, on threads.

A thread takes small pieces of consecutive lives. Which thread lives which life changes nothing: see
`evolearn.life._kernel`.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evolearn.config import HANG_SECONDS
from evolearn.life._kernel import life_kernel
from evolearn.life._machinery import machinery, shares_weights, thought_shared
from evolearn.life.faults import FAULTS, fault_in, name_culprit, raised_in
from evolearn.life.live import Conditions, Driver, Job, Plan, one_after_another
from evolearn.life.records import (
    AGE,
    AGE_BIN,
    DEATHS,
    DRIVEN,
    EPISODE,
    EPISODES,
    FINISHED_RETURN,
    FIRST_LIFE,
    FITNESS,
    PLACE,
    UNFINISHED,
    Outcome,
    Team,
)
from evolearn.life.watch import Watch
from evolearn.numerics import cache_sizes, handle_of
from evolearn.world import World, compile_world

PIECE_STEPS = 60_000  # world steps in a piece, at least a team's: a few hundredths of a second between two looks
# Lives side by side: as many as keep the processor busy while one waits for a result of its own, and few enough for
# their weights to stay in its first cache, and all of their memory in its second. Of a first cache that is larger than
# 32 KB a fifth is left to what they do: full to the brim, 4-32-32 lives are 6% slower.
MOST_IN_TEAM = 8
_SMALLEST_CACHE, _LEFT = 32 * 1024, 5
# Lives of one genome that do not learn share its weights, and a vector holds sixteen of them. It takes as long for
# fewer: below half, each has a copy as in any team.
MOST_SHARING, LEAST_SHARING = 16, 8


def lives_in_team(weights: int, octets: int) -> int:
    """How many lives side by side, of so many weights each and so many bytes of memory in all."""
    first_cache, second_cache = cache_sizes()
    for_weights = max(_SMALLEST_CACHE, first_cache - first_cache // _LEFT)
    return max(1, min(MOST_IN_TEAM, for_weights // (4 * weights), second_cache // octets))


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
        self._parts = machinery(conditions)
        self._kernel = life_kernel()
        octets = self._parts.team(conditions, 1, Plan(1), self._world.state_size).memory.size
        self.team = lives_in_team(conditions.brain.weights, octets)
        self.sharing = MOST_SHARING

    def close(self) -> None:
        """Nothing to let go of: threads end with their job."""

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            LifeFault: the world raised, hung or gave a number that is not finite; names life and step.
        """
        count = len(job.genomes)
        shared = self._shares(job)
        pieces = iter(self._pieces(job, shared))
        stop, taking = threading.Event(), threading.Lock()
        at_work: dict[int, Team] = {}  # by thread
        errors: dict[int, BaseException] = {}  # by the piece's first life

        def work(thread: int) -> None:
            team = self._new_team(job.plan, shared)
            while not stop.is_set():
                with taking:
                    piece = next(pieces, None)
                if piece is None:
                    break
                at_work[thread] = team
                try:
                    self._live_piece(job, team, *piece)
                except BaseException as error:  # handed to the caller's thread
                    errors[piece[0]] = error
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
                for number, team in list(at_work.items()):
                    life, age = _under_way(team)
                    if watch.stands_still(number, (life, age)):
                        job.outcome.age[life] = age
                        reason = (
                            f"no step finished for {self.hang_seconds:g} s; look for a loop without end in the "
                            "world's code"
                        )
                        raise fault_in(self.conditions, job, life, reason)
        finally:
            stop.set()
        if errors:
            raise errors[min(errors)]  # every piece before it has been lived
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

    def _shares(self, job: Job) -> bool:
        """Whether lives of a team share their weights: what they are allows it, and neighbours are of one genome."""
        runs = 1 + int(np.count_nonzero(np.diff(job.genomes)))
        return (
            len(job.genomes) >= LEAST_SHARING * runs
            and shares_weights(self.conditions, job)
            and self._thought(shared=True) is not None
        )

    def _thought(self, shared: bool) -> Any:
        """What thinks for a team."""
        return thought_shared(self.conditions) if shared else self._parts.think_all

    def _pieces(self, job: Job, shared: bool) -> list[tuple[int, int]]:
        """Consecutive lives, first and end of each piece: whole teams, about as many lives for every thread."""
        count = len(job.genomes)
        size = max(self.sharing if shared else self.team, PIECE_STEPS // job.plan.lifetime)
        pieces = -(-count // size)
        pieces = min(count, -(-pieces // self.workers) * self.workers)
        ends = np.arange(1, pieces + 1) * count // pieces
        if shared:
            lives = np.arange(count)
            begins = np.append(0, np.flatnonzero(np.diff(job.genomes)) + 1)
            place = lives - begins[np.searchsorted(begins, lives, "right") - 1]  # among the lives of its genome
            whole = np.append(lives[place % self.sharing == 0], count)
            ends = np.unique(whole[np.searchsorted(whole, ends)])
        return list(itertools.pairwise([0, *map(int, ends)]))

    def _new_team(self, plan: Plan, shared: bool) -> Team:
        most = self.sharing if shared else self.team
        return self._parts.team(self.conditions, most, plan, self._world.state_size, shared)

    def _live_piece(self, job: Job, team: Team, first: int, last: int) -> None:
        try:
            self._live_together(job, team, first, last, team.body.lives)
        except Exception as error:
            # Which of a team's lives came first to their fault depends on the team. Alone, they come in their order.
            for life in range(first, last):
                try:
                    self._live_together(job, team, life, life + 1, 1)
                except Exception as alone:
                    _write_down(job.outcome, team, life)
                    raise fault_in(self.conditions, job, life, raised_in(self.conditions, alone)) from alone
            raise error

    def _live_together(self, job: Job, team: Team, first: int, last: int, most: int) -> None:
        """Live some lives, at most `most` side by side; rows of the outcome are written anew."""
        parts = self._parts
        world = self._world
        job.outcome.status[first:last] = UNFINISHED
        self._kernel(
            *(world.born, world.reborn, world.begin, world.observe, world.step_all, world.oracle),
            *(self._thought(team.body.stride == 0), parts.think, parts.backward, parts.backward_trunk),
            *(parts.choose_all, parts.deltas, parts.learn, parts.feel),
            *(self.conditions.settings, team.handle, team.at, team.body, parts.course(self.conditions, job)),
            *(
                handle_of(world.parameters),
                job.newborns,
                job.surgeries,
                job.teachers_of(self.conditions),
                job.genomes,
                job.keys,
                job.outcome,
                job.trace,
                first,
                last,
                most,
            ),
        )

    def _report_faults(self, job: Job) -> None:
        """Raise for the first life at fault; it is lived again, alone, to see which number was not finite."""
        faulty = np.flatnonzero(np.isin(job.outcome.status, list(FAULTS)))
        if not faulty.size:
            return
        life = int(faulty[0])
        what = FAULTS[int(job.outcome.status[life])]
        team = self._new_team(job.plan, self._shares(job))
        self._live_together(job, team, life, life + 1, 1)
        reason = name_culprit(self.conditions, what, team["observation"][0], team["felt"][0])
        raise fault_in(self.conditions, job, life, reason)


def _write_down(outcome: Outcome, team: Team, life: int) -> None:
    """Keep what the one life of a team did until it was cut short; its status stays that of a life without an end."""
    tally, age_bin = team["tally"][0], int(team["clock"][AGE_BIN])
    outcome.age[life] = team["where"][AGE]
    outcome.fitness[life, age_bin] = tally[FITNESS]
    outcome.finished_return[life, age_bin] = tally[FINISHED_RETURN]
    outcome.finished[life, age_bin] = tally[EPISODES]
    outcome.deaths[life, age_bin] = tally[DEATHS]
    outcome.open_return[life, age_bin] = tally[EPISODE]
    outcome.drives[life] = tally[DRIVEN:]


def _under_way(team: Team) -> tuple[int, int]:
    """The life that a team is at, and its age."""
    where = team["where"]
    return int(where[FIRST_LIFE] + where[PLACE]), int(where[AGE])

"""Does a life come out the same in an environment that was used before? Asked before lives count, and now and then.

A life must follow from its newborn and its key: only then is a result the same for any number of workers. An
environment can break that and pass Gymnasium's checker: a curriculum by episode, running means with a warm-up, tasks
in order, a generator that reset does not seed, a clock. So one life is lived over and over, first in fresh environments
and then in used ones, beside others, and must be the same to the last bit; at last in new processes, since those of the
next command are others too. What comes late, after more episodes than a rehearsal has, is found when that life is lived
again while a run goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.genome import Newborns
from evolearn.life.faults import LifeFault, LifeLost, fault_in
from evolearn.life.live import Conditions, Driver, Job, Plan, empty_outcome, empty_trace
from evolearn.life.records import Outcome, Trace
from evolearn.rng import KEY_SIZE
from evolearn.world import GymnasiumWorld

SHORT = 64  # steps of a life that is lived often
TIMES = 12  # that it is lived in a rehearsal
SECONDS = 6.0  # that the long lives of a rehearsal may take together, about
FEWEST = 4  # steps of a long life, where steps take long
TRACED = 1_000_000  # numbers of a trace, at most
FIRST_AGAIN = 500  # steps of lives until it is lived again; the next ones come after so many more times what went by
THEN_EVERY = 1.5
LARGE = (
    100 * SHORT
)  # steps of a job after which it is lived again in any case: the last lives of a run are looked at too


class KeepsState(LifeFault):
    """A life came out differently in an environment that was used before."""


class _Driver(Protocol):
    conditions: Conditions
    workers: int

    def renew(self) -> bool:
        """Have lives lived in a new process from now on; False: they are lived in this one."""


def rehearse(driver: Driver, newborns: Newborns, born_as: npt.NDArray[np.int64], keys: Any, plan: Plan) -> None:
    """Have a driver rehearse, if it is one that does, before anything depends on it; see `lives` for the arguments.

    What else may be wrong with the world is left to the lives that count.

    Raises:
        KeepsState: lives are not the same in used environments.
    """
    asked = getattr(driver, "rehearse", None)
    if asked is None:
        return
    conditions = driver.conditions
    outcome = empty_outcome(len(born_as), plan, len(conditions.drive_names), conditions.brain.weights)
    with contextlib.suppress(LifeLost):
        asked(Job(newborns, born_as, keys, plan, outcome, empty_trace(0, conditions)))


class _Lived(NamedTuple):
    outcome: Outcome
    trace: Trace


class Rehearsal:
    """One life of a driver's, lived again and again."""

    def __init__(self, driver: _Driver, live: Callable[[Job], None]) -> None:
        """Rehearse what `live` lives for `driver`."""
        self._driver = driver
        self._live = live
        self._job: Job | None = None  # of the one life
        self._beside: Job | None = None  # of another
        self._first: _Lived | None = None  # the short one; none: it ended by a fault
        self._steps = 0  # of lives that count, so far
        self._again_at = FIRST_AGAIN
        self._done = False

    def before(self, job: Job) -> None:
        """Rehearse once, with the first life of `job`.

        Raises:
            KeepsState: the environment is not fit to be used again.
            LifeLost: it hangs or ends its process in that life.
        """
        if self._done or not len(job.genomes):
            return
        self._done = True
        try:
            self._rehearse(job)
        except KeepsState:
            raise
        except LifeLost as fault:
            self._first = None
            if tuple(fault.key) == tuple(job.keys[0, :KEY_SIZE]):  # to wait for it once is enough
                job.outcome.age[0] = fault.step
                raise fault_in(self._driver.conditions, job, 0, fault.reason, LifeLost) from fault.__cause__
        except LifeFault:
            self._first = None  # lives that count come to it as well, or do not

    def after(self, job: Job) -> None:
        """Live the one life again if enough others have been lived since; `job` is one that counts.

        Raises:
            KeepsState: it is not the same any more.
        """
        steps = int(job.outcome.age.sum())
        self._steps += steps
        if self._first is None or (self._steps < self._again_at and steps < LARGE):
            return
        self._again_at = int(self._steps * THEN_EVERY)
        lived = self._lived(1, SHORT, beside=False)[0]
        if not self._same(self._first, lived):
            raise self._refusal(self._first, lived, f"after {self._steps:,} steps of lives")

    def _rehearse(self, job: Job) -> None:
        self._job = _alone(job, 0, other=False)
        self._beside = _alone(job, 0, other=True)
        workers = self._driver.workers
        lifetime = job.plan.lifetime
        for first in self._lived(workers, SHORT, beside=False):
            self._compare_first(first)
        began = time.perf_counter()
        self._compare(self._lived(workers, SHORT, beside=False))
        each = (time.perf_counter() - began) / min(SHORT, lifetime)
        for number in range(min(TIMES, int(SECONDS / (2 * max(each * SHORT, 1e-6))))):
            # Lives of other lengths in between: else what goes round in episodes may be where it was.
            self._lived(1, 1 + number, beside=False)
            self._compare(self._lived(1, SHORT, beside=False))
        steps = min(lifetime, max(FEWEST, int(SECONDS / (6 * max(each, 1e-7)))))
        long = self._lived(workers, steps, beside=False)[0]
        self._compare_long(long, steps, True, "beside others")
        self._compare_long(long, steps, False, "in a used environment")
        # The next command's processes are others too; and there another life comes first, to a cache or a counter.
        if self._driver.renew():
            self._compare_long(long, steps, True, "in another process, beside others")

    def _compare_long(self, long: _Lived, steps: int, beside: bool, when: str) -> None:
        for lived in self._lived(self._driver.workers, steps, beside):
            if not self._same(long, lived):
                raise self._refusal(long, lived, when)

    def _compare_first(self, lived: _Lived) -> None:
        if self._first is None:
            self._first = lived
        elif not self._same(self._first, lived):
            raise self._refusal(self._first, lived, "in another process")

    def _compare(self, others: list[_Lived]) -> None:
        assert self._first is not None
        for lived in others:
            if not self._same(self._first, lived):
                raise self._refusal(self._first, lived, "in a used environment")

    def _lived(self, copies: int, steps: int, beside: bool) -> list[_Lived]:
        """The one life, so many times at once, each with another before it in lock-step if `beside`."""
        assert self._job is not None
        assert self._beside is not None
        conditions = self._driver.conditions
        jobs = ([self._beside] if beside else []) + [self._job]
        plan = _cut(self._job.plan, steps)
        lives = len(jobs) * copies
        keys = np.ascontiguousarray(np.concatenate([job.keys for job in jobs] * copies))
        outcome = empty_outcome(lives, plan, len(conditions.drive_names), conditions.brain.weights)
        numbers = conditions.brain.told + len(conditions.world.observations) + conditions.world.action_size + 4
        trace = empty_trace(min(plan.lifetime, TRACED // numbers), conditions, lives)
        teachers = self._job.teachers.of_lives(np.zeros(lives, np.int64))
        self._live(Job(self._job.newborns, np.zeros(lives, np.int64), keys, plan, outcome, trace, teachers=teachers))
        rows = range(len(jobs) - 1, lives, len(jobs))
        return [
            _Lived(
                Outcome(*(array[row : row + 1] for array in outcome)), Trace(*(array[row : row + 1] for array in trace))
            )
            for row in rows
        ]

    def _same(self, one: _Lived, other: _Lived) -> bool:
        return all(
            mine.tobytes() == theirs.tobytes()
            for mine, theirs in zip((*one.outcome, *one.trace), (*other.outcome, *other.trace), strict=True)
        )

    def _refusal(self, fresh: _Lived, used: _Lived, when: str) -> KeepsState:
        assert self._job is not None
        step, what = _first_difference(fresh.trace, used.trace)
        reason = (
            f"the same life comes out otherwise {when}: {what}. The environment keeps something from before reset, or "
            "takes chance from elsewhere than its seed (a generator of its own or a global one, its spaces' sample, a "
            "clock, hash() or the order of a set, its process), so that results would depend on the number of workers. "
            "Set everything back in reset, and draw from self.np_random alone, which reset(seed=..) seeds; what is to "
            "change from episode to episode (a curriculum, a running mean) can be an argument (world.kwargs, "
            f"world.vary). {self._fresh()}If it is known and meant, set world.check=false, and say so with results: "
            "they hold for this number of workers and this order alone"
        )
        self._job.outcome.age[0] = step
        fault = fault_in(self._driver.conditions, self._job, 0, reason, KeepsState)
        assert isinstance(fault, KeepsState)
        return fault

    def _fresh(self) -> str:
        """The other remedy, for what an environment keeps; where it is taken already, it was of no use."""
        world = self._driver.conditions.world
        if isinstance(world, GymnasiumWorld) and world.part.fresh:
            return ""
        return (
            "Or set world.fresh=true: every life gets an environment of its own, at the cost of its constructor (of no "
            "use against chance, or what a class or a module keeps). "
        )


def _alone(job: Job, life: int, other: bool) -> Job:
    """The job of one life of a job, or of another with the same newborn."""
    newborns, genomes = job.newborns.of_lives(job.genomes[life : life + 1])
    keys = job.keys[life : life + 1].copy()
    if other:
        keys[0, 3] ^= 1
    plan = Plan(
        job.plan.lifetime, job.plan.learn_from, job.plan.learn_until, source=job.plan.source, final_weights=True
    )
    trace = Trace(*(array[:0] for array in job.trace))
    teachers = job.teachers.of_lives(slice(life, life + 1))
    return Job(newborns, genomes, keys, plan, empty_outcome(1, Plan(1), 0, 0), trace, teachers=teachers)


def _cut(plan: Plan, steps: int) -> Plan:
    steps = min(steps, plan.lifetime)
    until = plan.learn_until if plan.learn_until is None else min(plan.learn_until, steps)
    return Plan(steps, min(plan.learn_from, steps), until, source=plan.source, final_weights=True)


def _first_difference(one: Trace, other: Trace) -> tuple[int, str]:
    """Step of the first difference of two lives, and what it was; of the end, where their traces are the same."""
    named: Iterator[tuple[int, str, Any, Any]] = (
        (t, name, mine[0, t], theirs[0, t])
        for t in range(one.fitness.shape[1])
        for name, mine, theirs in (
            ("observation", one.observations, other.observations),
            ("reward", one.fitness, other.fitness),
            ("end of the episode", one.ends, other.ends),
            ("observation after it", one.next_observations, other.next_observations),
        )
    )
    for t, name, mine, theirs in named:
        if np.asarray(mine).tobytes() != np.asarray(theirs).tobytes():
            mine, theirs = np.atleast_1d(mine), np.atleast_1d(theirs)
            at = int(np.flatnonzero(~((mine == theirs) | (np.isnan(mine) & np.isnan(theirs))))[:1].sum())
            which = f"{name} {at}" if mine.size > 1 else name
            return t, f"from step {t} on ({which}: {mine[at]:.6g}, and {theirs[at]:.6g})"
    steps = one.fitness.shape[1]
    return steps, f"after step {steps}"

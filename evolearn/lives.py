"""Lives over a population: the two drivers behind one call, on as many workers as wanted.

A worker takes small pieces of consecutive lives. Which worker lives which life changes nothing: see `evolearn.life`.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.brain import BACKWARD_TYPE, THINK_TYPE, TRUNKS, BrainSpec
from evolearn.compiled import plug
from evolearn.compiled_world import compile_world
from evolearn.drives import compose
from evolearn.learning import LEARN_TYPE, LEARNERS, LearnerSettings
from evolearn.life import (
    BAD_FITNESS,
    BAD_OBSERVATION,
    BAD_SENSE,
    FROM_BRAIN,
    UNFINISHED,
    Body,
    Course,
    Desk,
    Newborns,
    Outcome,
    Trace,
    life_kernel,
    new_desks,
)
from evolearn.policy import CHOOSE_TYPE, DELTAS_TYPE, POLICIES
from evolearn.rng import LifeKey
from evolearn.world import Declaration, World, WorldError

PIECE_STEPS = 60_000  # world steps in a piece: a few hundredths of a second between two looks at the clock
FAULTS = {BAD_OBSERVATION: "observation", BAD_FITNESS: "fitness", BAD_SENSE: "sense or drive"}


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What all lives of a run share: the world, and what brains, learners and drives are made of."""

    world: Declaration
    parameters: Mapping[str, float]  # of the world, resolved
    brain: BrainSpec
    learner: str  # a name in LEARNERS
    settings: LearnerSettings
    window: int  # steps between two learning updates
    generic_drives: tuple[str, ...] = ()  # names in DRIVES

    @property
    def drive_names(self) -> tuple[str, ...]:
        """Every drive, in the order of the drive weights: fitness, the world's senses, generic ones."""
        return ("fitness", *(sense.name for sense in self.world.senses), *self.generic_drives)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to live: for how long, learning from when to when, acting from what."""

    lifetime: int  # world steps
    learn_from: int = 0  # age in steps
    learn_until: int | None = None  # age in steps; None: to the end, 0: never
    bin_steps: int | None = None  # steps per age bin; None: one bin
    source: int = FROM_BRAIN
    final_weights: bool = False

    @property
    def bins(self) -> int:
        """Age bins of a life; the last may be shorter."""
        return -(-self.lifetime // (self.bin_steps or self.lifetime))


def empty_outcome(lives: int, plan: Plan, drives: int, weights: int) -> Outcome:
    """An outcome to be written, all zeros."""
    bins = plan.bins
    return Outcome(
        fitness=np.zeros((lives, bins)),
        finished_return=np.zeros((lives, bins)),
        finished=np.zeros((lives, bins), np.int64),
        open_return=np.zeros((lives, bins)),
        deaths=np.zeros((lives, bins), np.int64),
        drives=np.zeros((lives, drives)),
        skipped_updates=np.zeros(lives, np.int64),
        age=np.zeros(lives, np.int64),
        status=np.zeros(lives, np.int64),
        final_weights=np.zeros((lives, weights) if plan.final_weights else (0, 0), np.float32),
    )


def empty_trace(steps: int, conditions: Conditions) -> Trace:
    """A trace to be written over the first `steps` steps of one life; 0 for none."""
    return Trace(
        observations=np.zeros((steps, len(conditions.world.observations)), np.float32),
        actions=np.zeros((steps, conditions.world.action_size), np.float32),
        drives=np.zeros((steps, len(conditions.drive_names)), np.float32),
        fitness=np.zeros(steps),
        ends=np.zeros(steps, np.int64),
    )


@dataclasses.dataclass(frozen=True)
class Machinery:
    """The compiled parts of a driver, ready to be handed to kernels."""

    think: Any
    backward: Any
    choose: Any
    deltas: Any
    learn: Any
    feel: Any
    body: Body
    learner_memory: int
    feel_memory: int

    def course(self, conditions: Conditions, plan: Plan) -> Course:
        """The kernel's form of a plan."""
        return Course(
            steps=plan.lifetime,
            window=conditions.window,
            learn_from=plan.learn_from,
            learn_until=plan.lifetime if plan.learn_until is None else plan.learn_until,
            bin_steps=plan.bin_steps or plan.lifetime,
            source=plan.source,
            choices=conditions.brain.actions if conditions.world.is_discrete else 0,
            memory=self.learner_memory,
            feel_memory=self.feel_memory,
        )


def machinery(conditions: Conditions, state_size: int, parameters: npt.NDArray[np.uint8]) -> Machinery:
    """Compile or load everything but the world."""
    brain = conditions.brain
    trunk = TRUNKS[brain.trunk]
    policy = POLICIES[brain.policy]
    learner = LEARNERS[conditions.learner]
    feel, feel_memory = compose(conditions.generic_drives, brain.observations, conditions.world.action_size)
    body = Body(
        layers=np.array(brain.layers, np.int64),
        units=sum(brain.hidden),
        outputs=brain.outputs,
        action_size=conditions.world.action_size,
        senses=len(conditions.world.senses),
        state_size=state_size,
        parameters=parameters,
    )
    return Machinery(
        think=plug(trunk.think, THINK_TYPE),
        backward=plug(trunk.backward, BACKWARD_TYPE),
        choose=plug(policy.choose, CHOOSE_TYPE),
        deltas=plug(policy.deltas, DELTAS_TYPE),
        learn=plug(learner.learn, LEARN_TYPE),
        feel=feel,
        body=body,
        learner_memory=learner.memory(brain, conditions.window),
        feel_memory=feel_memory,
    )


@dataclasses.dataclass(frozen=True)
class Job:
    """Lives to be lived, and where their outcome goes."""

    newborns: Newborns
    genomes: npt.NDArray[np.int64]  # [L], row of newborns
    keys: npt.NDArray[np.int64]  # [L, 4]
    plan: Plan
    outcome: Outcome
    trace: Trace


class Driver(Protocol):
    """What lives jobs: compiled worlds fused, others step by step."""

    def live(self, job: Job) -> None:
        """Live every life of `job` and write its outcome; raises WorldError if the world is at fault."""

    def close(self) -> None:
        """Let go of workers."""


class FusedDriver:
    """Lives compiled worlds with the fused kernel, on threads."""

    def __init__(self, conditions: Conditions, workers: int = 1, hang_seconds: float = 30.0) -> None:
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
            WorldError: the world raised, hung or gave a number that is not finite; names life and step.
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
        watch = _Watch(self.hang_seconds)
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(timeout=0.2 / len(threads))
                for number, piece in list(at_work.items()):
                    life = _life_under_way(job.outcome, *piece)
                    if watch.stands_still(number, (life, int(job.outcome.age[life]))):
                        raise WorldError(
                            f"{describe_life(self.conditions, job, life)}: no step finished for "
                            f"{self.hang_seconds:g} s; look for a loop without end in the world's code"
                        )
        finally:
            stop.set()
        if errors:
            raise errors[0]
        self._report_faults(job)

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
                *(job.newborns, job.genomes, job.keys, job.outcome, job.trace, first, last),
            )
        except Exception as error:
            life = _life_under_way(job.outcome, first, last)
            raise WorldError(
                f"{describe_life(self.conditions, job, life)}: raised {type(error).__name__}: {error}"
            ) from error

    def _report_faults(self, job: Job) -> None:
        """Raise for the first life at fault; it is lived again, alone, to see which number was not finite."""
        faulty = np.flatnonzero(np.isin(job.outcome.status, list(FAULTS)))
        if not faulty.size:
            return
        life = int(faulty[0])
        where = describe_life(self.conditions, job, life)
        what = FAULTS[int(job.outcome.status[life])]
        desks = self._desks(job.plan)
        self._live_piece(dataclasses.replace(job, outcome=_blank_like(job.outcome)), desks, life, life + 1)
        raise WorldError(f"{where}: {name_culprit(self.conditions, what, desks.observation[0], desks.drives[0])}")


def name_culprit(conditions: Conditions, what: str, observation: Any, drives: Any) -> str:
    """Say which number of a step was not finite, and what to do."""
    if what == FAULTS[BAD_OBSERVATION]:
        names: list[str] = [signal.name for signal in conditions.world.observations]
        values = observation
    elif what == FAULTS[BAD_SENSE]:
        names, values = list(conditions.drive_names), drives
    else:
        return "fitness is not finite; the world's step must return a finite number"
    culprits = [f"{name}={value}" for name, value in zip(names, values, strict=True) if not np.isfinite(value)]
    return f"{what} {', '.join(culprits)}: must be finite; check the world's arithmetic"


def describe_life(conditions: Conditions, job: Job, life: int) -> str:
    """Name a world, a life and a step, for error messages."""
    key = LifeKey(*(int(part) for part in job.keys[life]))
    return f"world {conditions.world.name}, life {key}, genome {job.genomes[life]}, step {job.outcome.age[life]}"


class _Watch:
    """Notices when what a worker shows has not changed for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[int, tuple[object, float]] = {}

    def stands_still(self, worker: int, shown: object) -> bool:
        """Whether `worker` has been showing the same for too long."""
        now = time.monotonic()
        before, since = self._seen.get(worker, (None, now))
        if shown != before:
            self._seen[worker] = (shown, now)
            return False
        return now - since > self._seconds


def _life_under_way(outcome: Outcome, first: int, last: int) -> int:
    unfinished = np.flatnonzero(outcome.status[first:last] == UNFINISHED)
    return first + int(unfinished[0]) if unfinished.size else last - 1


def _blank_like(outcome: Outcome) -> Outcome:
    return Outcome(*(np.zeros_like(array) for array in outcome))


def new_driver(conditions: Conditions, workers: int = 1, hang_seconds: float = 30.0) -> Driver:
    """The driver that the world needs, with `workers` threads or processes."""
    if isinstance(conditions.world, World):
        return FusedDriver(conditions, workers, hang_seconds)
    from evolearn.stepwise import StepwiseDriver

    return StepwiseDriver(conditions, workers)


def lives(
    driver: Driver,
    conditions: Conditions,
    newborns: Newborns,
    genomes: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    trace_steps: int = 0,
) -> tuple[Outcome, Trace]:
    """Live one life per entry of `genomes`.

    Args:
        driver: from `new_driver`, for the same conditions.
        conditions: what all lives share.
        newborns: decoded genomes.
        genomes: int64 [L], which newborn each life is born as.
        keys: int64 [L, 4], see `evolearn.rng.life_keys`.
        plan: for how long, and how.
        trace_steps: trace so many steps; of use for one life at a time.
    Returns:
        The outcome, [L, ..] in the order of `genomes`, and the trace.
    Raises:
        WorldError: the world is at fault; the message names life and step.
    """
    outcome = empty_outcome(len(genomes), plan, len(conditions.drive_names), conditions.brain.weights)
    trace = empty_trace(trace_steps, conditions)
    driver.live(Job(newborns, genomes, keys, plan, outcome, trace))
    return outcome, trace

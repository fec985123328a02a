"""Lives over a population: what they share, how they are to be lived, and one call for any driver."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec, LearnerSettings, ValueSpec, find_drive, trunk_of
from evolearn.genome import Newborns
from evolearn.life.records import FROM_BRAIN, Outcome, Trace
from evolearn.life.surgery import NO_SURGERIES, Surgeries, check_recall, check_surgeries
from evolearn.life.teachers import NO_TEACHERS, Teachers, TeacherSpec, check_teachers
from evolearn.plugins import short
from evolearn.rng import opponent_keys
from evolearn.world import Declaration

BEST, RANDOM = "best", "random"  # who of a generation is the elder of the next
STAYS, REDRAWN = "stays", "redrawn"  # what a cultural generation is born into
NOTHING, WEIGHTS, SHRUNK = "nothing", "weights", "shrunk"  # what the next is born with of what was learned


@dataclasses.dataclass(frozen=True)
class Lineage:
    """How lives follow one another."""

    generations: int  # cultural ones, >= 2
    siblings: int  # in each, >= 1
    elder: str = BEST  # or RANDOM
    inherit: str = NOTHING  # or WEIGHTS, the elder's, or SHRUNK, those of the sibling in one's own place, times `kept`
    kept: float = 0.5  # 0 .. 1
    elders: int = 1  # of each life, at most `siblings`; they teach by turns, and the first of them hands on weights
    world: str = STAYS  # or REDRAWN: what is fixed at birth is drawn anew for each generation

    @property
    def lives(self) -> int:
        """In a whole lineage."""
        return self.generations * self.siblings


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What all lives of a run share: the world, and what brains, learners and drives are made of."""

    world: Declaration
    parameters: Mapping[str, float]  # of the world, resolved
    brain: BrainSpec
    learner: str  # see `evolearn.agent.find_learner`
    settings: LearnerSettings
    window: int  # steps between two learning updates
    generic_drives: tuple[str, ...] = ()  # see `evolearn.agent.find_drive`
    found_as: str = ""  # the world's name for `evolearn.world.find.find_world`, for workers on other hosts
    switch_at: int | None = None  # age in steps at which the world is born a second time; None: never
    reset_from: int | None = None  # weights from this one on are as at birth again at the switch; None: none are
    centrings: tuple[str, ...] = ()  # of the generic drives, see `evolearn.agent.compose`
    imagined: int = 0  # updates from imagined steps for each step of life, see `evolearn.life._imagining`
    repeated: int = 0  # updates from the window once more for each step of life
    remembered: int = 512  # the last steps of a life that imagined ones begin at
    value: ValueSpec | None = None  # what newborns' innate value is made of; None: they have none
    opponent: Conditions | None = None  # of the second agent, in its own world; None: the world scripts its part
    teacher: TeacherSpec | None = None  # who teaches, where its learner imitates; None: nobody does
    lineage: Lineage | None = None  # how the lives of an evaluation follow one another; None: each is by itself
    grown_life: int = 0  # world steps that onsets and widths are shares of, where the brain grows

    @property
    def drive_names(self) -> tuple[str, ...]:
        """Every drive, in the order of the drive weights: fitness, the world's senses, generic ones."""
        return ("fitness", *(sense.name for sense in self.world.senses), *map(short, self.generic_drives))

    @property
    def reads_prediction(self) -> bool:
        """Whether a drive reads what the brain's prediction head foresees."""
        return any(find_drive(name).reads_prediction for name in self.generic_drives)

    @property
    def controls(self) -> int:
        """Choices, or numbers of an action, if a drive reads how what is foreseen depends on them; else 0."""
        return self.brain.actions if any(find_drive(name).reads_control for name in self.generic_drives) else 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to live: for how long, learning from when to when, operated on when, acting from what."""

    lifetime: int  # world steps
    learn_from: int = 0  # age in steps
    learn_until: int | None = None  # age in steps; None: to the end, 0: never
    bin_steps: int | None = None  # steps per age bin; None: one bin
    source: int = FROM_BRAIN
    final_weights: bool = False
    operate_at: int | None = None  # age in steps, before the brain acts at that age; None: never
    deprived_until: int = 0  # age in steps until which senses are at 0, and nothing is learned
    episode_at: int | None = None  # age in steps at which an episode begins, whatever the world says; None: at none

    @property
    def bin_size(self) -> int:
        """World steps in an age bin."""
        return self.bin_steps or self.lifetime

    @property
    def bins(self) -> int:
        """Age bins of a life; the last may be shorter."""
        return -(-self.lifetime // self.bin_size)


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
        taught=np.zeros(lives, np.int64),
        age=np.zeros(lives, np.int64),
        status=np.zeros(lives, np.int64),
        final_weights=np.zeros((lives, weights) if plan.final_weights else (0, 0), np.float32),
    )


def empty_trace(steps: int, conditions: Conditions, lives: int = 1) -> Trace:
    """A trace to be written over the first `steps` steps of each of the first `lives` lives, [lives, steps, ..]."""
    rows = (lives, steps)
    observations, told = len(conditions.world.observations), conditions.brain.told
    return Trace(
        observations=np.zeros((*rows, observations), np.float32),
        told=np.zeros((*rows, told if told > observations else 0), np.float32),
        next_observations=np.zeros((*rows, observations), np.float32),
        actions=np.zeros((*rows, conditions.world.action_size), np.float32),
        drives=np.zeros((*rows, len(conditions.drive_names)), np.float32),
        fitness=np.zeros(rows),
        ends=np.zeros(rows, np.int64),
    )


def states_of(brain: BrainSpec) -> int:
    """Numbers of the state that a brain's trunk carries from step to step, without the link."""
    return max(0, trunk_of(brain).carry(brain.layers) - 1)


@dataclasses.dataclass(frozen=True)
class Job:
    """Lives to be lived, and where their outcome goes."""

    newborns: Newborns
    genomes: npt.NDArray[np.int64]  # [L], row of newborns
    keys: npt.NDArray[np.int64]  # [L, 4], or [L, 12] or [L, 13] with births
    plan: Plan
    outcome: Outcome
    trace: Trace  # of the first lives, [.., T, ..]
    surgeries: Surgeries = NO_SURGERIES  # one row per newborn if `plan.operate_at` is an age
    opponent: Job | None = None  # the same lives as their opponents lead them, if the conditions have one
    teachers: Teachers = NO_TEACHERS  # of these lives alone; none: those that conditions name

    def __post_init__(self) -> None:
        """Raise ValueError if plan, surgeries or teachers do not fit newborns and lives."""
        _check_plan(self.plan)
        check_surgeries(self.surgeries, self.newborns, self.plan.operate_at, self.plan.lifetime)
        check_teachers(self.teachers, self.genomes, self.newborns.weights.shape[1])

    @property
    def sides(self) -> tuple[Job, ...]:
        """This job, and with it that of the opponents in the same lives, if the conditions have one."""
        return (self,) if self.opponent is None else (self, self.opponent)

    def is_taught(self, conditions: Conditions) -> bool:
        """Whether anybody teaches its lives: a life by itself has no elder."""
        teacher = conditions.teacher
        return teacher is not None and (not teacher.of_parent or len(self.teachers.weights) > 0)

    def teachers_of(self, conditions: Conditions) -> Teachers:
        """The brains that teach its lives: its own, or those of the conditions under which it is lived."""
        teacher, lives = conditions.teacher, len(self.genomes)
        if len(self.teachers.weights) or teacher is None:
            return self.teachers
        if teacher.of_parent:  # read, and never asked
            return Teachers(np.zeros((1, conditions.brain.weights), np.float32), np.zeros((lives, 1), np.int64))
        return teacher.teachers(lives)


def _check_plan(plan: Plan) -> None:
    learns = plan.learn_until is None or plan.learn_until > plan.learn_from
    if learns and plan.learn_from < plan.deprived_until:
        raise ValueError(
            f"plan.learn_from={plan.learn_from}: must be at least plan.deprived_until={plan.deprived_until}, since who "
            "is deprived learns nothing; or set plan.learn_until=0"
        )
    if plan.episode_at is not None and not 1 <= plan.episode_at < plan.lifetime:
        raise ValueError(f"plan.episode_at={plan.episode_at}: must be 1 .. {plan.lifetime - 1}, within the lifetime")


class Driver(Protocol):
    """What lives jobs: compiled worlds fused, others step by step; here or on a cluster."""

    conditions: Conditions

    @property
    def workers(self) -> int:
        """That share a job, at this moment."""

    def live(self, job: Job) -> None:
        """Live every life of `job` and write its outcome; raises LifeFault if the world is at fault."""

    def over_blocks(self, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]) -> list[Any]:
        """`function(driver, shared, block)` for every block, in the order of `blocks`.

        Args:
            function: of a module; gets a driver that lives under the same conditions, this one or a worker's own.
            shared: what all blocks need; sent to each host once, without conditions or worlds in it.
            blocks: their numbers.
        """

    def close(self) -> None:
        """Let go of workers."""


def one_after_another(
    driver: Driver, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]
) -> list[Any]:
    """`Driver.over_blocks` in this process and thread."""
    return [function(driver, shared, block) for block in blocks]


def lives(
    driver: Driver,
    conditions: Conditions,
    newborns: Newborns,
    genomes: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    trace_steps: int = 0,
    surgeries: Surgeries = NO_SURGERIES,
    opponent: Job | None = None,
    teachers: Teachers = NO_TEACHERS,
) -> tuple[Outcome, Trace]:
    """Live one life per entry of `genomes`.

    Args:
        driver: from `new_driver`, for the same conditions.
        conditions: what all lives share.
        newborns: decoded genomes.
        genomes: int64 [L], which newborn each life is born as.
        keys: int64 [L, 4], see `evolearn.rng.life_keys`; or [L, 12] or [L, 13], see `with_births` and `aged` there.
        plan: for how long, and how.
        trace_steps: trace so many steps of the first life.
        surgeries: what the newborns are operated on by, one row each, at `plan.operate_at`; no rows if that is None.
        opponent: the opponents' part of the same lives, see `opponent_job`; its outcome is written too.
        teachers: brains that teach these lives, if others than the conditions name.
    Returns:
        The outcome, [L, ..] in the order of `genomes`, and the trace, [T, ..].
    Raises:
        LifeFault: the world is at fault; the message names life and step.
        ValueError: surgeries or teachers that do not fit newborns, plan and lives.
    """
    check_recall(surgeries, states_of(conditions.brain))
    outcome = empty_outcome(len(genomes), plan, len(conditions.drive_names), conditions.brain.weights)
    trace = empty_trace(trace_steps, conditions)
    driver.live(Job(newborns, genomes, keys, plan, outcome, trace, surgeries, opponent, teachers))
    return outcome, trace.of(0)


def opponent_job(
    conditions: Conditions,
    newborns: Newborns,
    genomes: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    trace_steps: int = 0,
) -> Job:
    """The opponents' part of lives that two lead, to be lived along with the agents'; see `lives`.

    Args:
        conditions: of the opponents.
        newborns: their decoded genomes.
        genomes: int64 [L], which of them each life's opponent is born as.
        keys: int64 [L, ..] of the lives, as the agents have them; a body's own luck is another than its opponent's.
        plan: as long as the agents'.
        trace_steps: trace so many steps of the first life.
    """
    outcome = empty_outcome(len(genomes), plan, len(conditions.drive_names), conditions.brain.weights)
    trace = empty_trace(trace_steps, conditions)
    return Job(newborns, genomes, opponent_keys(keys), plan, outcome, trace)


def traced_lives(
    driver: Driver,
    newborns: Newborns,
    genomes: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    surgeries: Surgeries = NO_SURGERIES,
) -> tuple[Outcome, Trace]:
    """The same with every step of every life in the trace, [L, T, ..]."""
    conditions = driver.conditions
    check_recall(surgeries, states_of(conditions.brain))
    outcome = empty_outcome(len(genomes), plan, len(conditions.drive_names), conditions.brain.weights)
    trace = empty_trace(plan.lifetime, conditions, len(genomes))
    driver.live(Job(newborns, genomes, keys, plan, outcome, trace, surgeries))
    return outcome, trace

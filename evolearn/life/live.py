"""Lives over a population: what they share, how they are to be lived, and one call for any driver."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.agent import (
    BACKWARD_TYPE,
    DELTAS_TYPE,
    FOR_LIFE,
    GROWN,
    GROWN_ONSET,
    GROWN_WEIGHT,
    GROWN_WEIGHTS,
    GROWN_WIDTH,
    LAST_ACTION,
    LAST_OBSERVATION,
    LAST_REWARD,
    LATE_RATE,
    LEARNING_RATE,
    NEW_EPISODE,
    NOT_TAUGHT,
    PREDICTION_RATE,
    PREDICTION_WEIGHT,
    TAUGHT_FROM,
    TAUGHT_SHARE,
    THINK_ALL_TYPE,
    THINK_TYPE,
    BrainSpec,
    LearnerSettings,
    ValueSpec,
    compose,
    find_drive,
    find_learner,
    find_policy,
    plugged,
    ready_choice,
    ready_learner,
    timetable_names,
    timetables,
    trunk_of,
    whole_lines,
)
from evolearn.genome import Newborns
from evolearn.life.records import (
    FROM_BRAIN,
    Body,
    Course,
    Outcome,
    Team,
    Trace,
)
from evolearn.life.surgery import NO_SURGERIES, Surgeries, check_recall, check_surgeries
from evolearn.life.teachers import NO_TEACHERS, Teachers, TeacherSpec, check_teachers
from evolearn.numerics import COMPILES, plug
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


@dataclasses.dataclass(frozen=True)
class Machinery:
    """The compiled parts of a driver, ready to be handed to kernels."""

    think_all: Any
    think: Any
    backward: Any
    backward_trunk: Any  # the trunk's own, whatever its heads are
    choose_all: Any
    deltas: Any
    learn: Any
    feel: Any
    tiled: bool
    learner_memory: int  # floats
    feel_memory: int  # floats

    def course(self, conditions: Conditions, job: Job) -> Course:
        """The kernel's form of a job's plan."""
        plan = job.plan
        learn_until = plan.lifetime if plan.learn_until is None else plan.learn_until
        return Course(
            steps=plan.lifetime,
            learn_from=plan.learn_from,
            # Only what the brain did can be learned from.
            learn_until=learn_until if plan.source == FROM_BRAIN else 0,
            bin_steps=plan.bin_size,
            operate_at=-1 if plan.operate_at is None else plan.operate_at,
            switch_at=-1 if conditions.switch_at is None else conditions.switch_at,
            reset_from=-1 if conditions.reset_from is None else conditions.reset_from,
            source=plan.source,
            choices=conditions.brain.actions if conditions.world.is_discrete else 0,
            teaching=conditions.teacher.mode if conditions.teacher and job.is_taught(conditions) else NOT_TAUGHT,
            taught_life=0 if conditions.teacher is None else conditions.teacher.life,
            # With the first step of a window, so that the weights with which a window was lived are of one age.
            grow_every=conditions.window if conditions.brain.growth else 0,
            grown_life=conditions.grown_life,
            deprived_until=plan.deprived_until,
            episode_at=-1 if plan.episode_at is None else plan.episode_at,
        )

    def team(self, conditions: Conditions, lives: int, plan: Plan, state_size: int = 0, shared: bool = False) -> Team:
        """Memory for lives side by side.

        Args:
            conditions: of the lives.
            lives: at most so many.
            plan: that they follow.
            state_size: bytes of a compiled world's state.
            shared: whether there is one copy of the weights for all of them, see `shares_weights`.
        """
        brain = conditions.brain
        begins = brain.starts
        plastic = find_learner(conditions.learner).genes(brain)
        ends = itertools.accumulate(gene.size for gene in plastic)
        genes = {gene.name: end - gene.size for gene, end in zip(plastic, ends, strict=True)}
        value, has_value = conditions.value, find_policy(brain.policy).has_value
        teacher = None if shared else conditions.teacher  # who does not learn has none
        thinks = teacher is not None and teacher.source == FROM_BRAIN
        grows = GROWN_WEIGHTS in brain.growth
        body = Body(
            lives=lives,
            window=1 if shared else conditions.window,  # who does not learn looks back no further
            layers=len(brain.layers),
            observations=brain.observations,
            told=brain.told,
            last_observation=begins.get(LAST_OBSERVATION, -1),
            last_action=begins.get(LAST_ACTION, -1),
            last_reward=begins.get(LAST_REWARD, -1),
            new_episode=begins.get(NEW_EPISODE, -1),
            lasting=int(brain.memory == FOR_LIFE),
            units=brain.units,
            carry=trunk_of(brain).carry(brain.layers),
            outputs=brain.outputs,
            action_size=conditions.world.action_size,
            senses=len(conditions.world.senses),
            drives=len(conditions.drive_names),
            genes=sum(gene.size for gene in plastic),
            weights=brain.weights,
            thinking=brain.weights - brain.predicting,
            read=brain.read,
            outcomes=brain.outcomes,
            prediction_rate=genes.get(PREDICTION_RATE, -1),
            foreseen=brain.observations if conditions.reads_prediction else 0,
            controls=conditions.controls,
            trunk=brain.heads_from if brain.auxiliary else 0,
            gradient=gradient_size(brain, conditions.window) if brain.auxiliary else 0,
            prediction_weight=genes.get(PREDICTION_WEIGHT, -1),
            imagined=conditions.imagined,
            repeated=conditions.repeated,
            remembered=conditions.remembered if conditions.imagined else 0,
            stride=0 if shared else whole_lines(brain.weights),
            operated=0 if plan.operate_at is None else brain.weights,
            recalled=0 if plan.operate_at is None else states_of(brain),
            memory=0 if shared else whole_lines(self.learner_memory),
            feel_memory=self.feel_memory,
            state_size=state_size,
            tiled=int(self.tiled),
            value=0 if value is None else value.size,
            value_layers=0 if value is None else len(value.layers),
            value_scratch=0 if value is None else value.scratch,
            potential=int(value is not None and value.potential),
            acting=int(value is not None and value.acting),
            critic=int(value is not None and value.learned),
            # A policy gradient is that of the policy that acted; a temporal difference is one of values alone.
            undone=brain.outputs if value is not None and value.acting and not has_value else 0,
            discount=genes.get("discount", -1),
            lessons=0 if teacher is None else brain.actions,
            teaching=brain.weights if thinks else 0,
            pupils=lives if thinks else 0,
            taught_from=genes.get(TAUGHT_FROM, -1),
            taught_share=genes.get(TAUGHT_SHARE, -1),
            timetables=len(timetable_names(brain)) if grows else 0,
            grown=genes.get(GROWN, -1),
            grown_weight=genes.get(GROWN_WEIGHT, -1),
            grown_onset=genes.get(GROWN_ONSET, -1),
            grown_width=genes.get(GROWN_WIDTH, -1),
            late_rate=genes.get(LATE_RATE, -1),
            learning_rate=genes.get(LEARNING_RATE, -1),
        )
        return Team(body, brain.layers, () if value is None else value.layers, timetables(brain) if grows else ())


def machinery(conditions: Conditions) -> Machinery:
    """Compile or load everything but the world.

    Raises:
        PartError: a part does not compile; names it by its field.
    """
    brain = conditions.brain
    trunk = trunk_of(brain)
    policy = find_policy(brain.policy)
    learner = find_learner(conditions.learner)
    feel, feel_memory = compose(
        conditions.generic_drives,
        brain.observations,
        conditions.world.action_size,
        conditions.centrings,
        conditions.controls,
    )
    tiles = None
    if COMPILES and trunk.tiled is not None:
        tiles = trunk.tiled(brain.layers, brain.actions + 1, brain.log_stdevs, spare=brain.predicting)
    if tiles is not None:
        think_all, think, backward = tiles
    else:
        think_all = plug(think_nowhere, THINK_ALL_TYPE)
        think = plugged(trunk.think, THINK_TYPE, "brain.trunk", brain.trunk)
        backward = plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", brain.trunk)
    return Machinery(
        think_all=think_all,
        think=think,
        backward=backward,
        backward_trunk=(
            plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", brain.trunk) if brain.auxiliary else backward
        ),
        choose_all=ready_choice(policy, brain.policy),
        deltas=plugged(policy.deltas, DELTAS_TYPE, "policy", brain.policy),
        learn=ready_learner(learner, policy, conditions.learner, brain.policy),
        feel=feel,
        tiled=tiles is not None,
        learner_memory=learner.memory(brain.thinking, conditions.window),
        feel_memory=feel_memory,
    )


def gradient_size(brain: BrainSpec, window: int) -> int:
    """Floats in which the gradient of the prediction's errors by the trunk is worked out: see `find_gradient`."""
    trunk_and_heads = brain.heads_from + brain.read * (brain.read + 1)
    return 2 * trunk_and_heads + window * brain.read + brain.scratch(window)


def shares_weights(conditions: Conditions, job: Job) -> bool:
    """Whether lives of one genome have the same weights from birth to end, and nobody looks into how they think."""
    plan = job.plan
    return (
        plan.source == FROM_BRAIN
        and plan.learn_until == 0
        and plan.operate_at is None
        and job.newborns.initial_stdev.size == 0
        and conditions.brain.predicting == 0
    )


def thought_shared(conditions: Conditions) -> Any:
    """What thinks for lives that share their weights, see `evolearn.agent.trunks.trunk.Trunk`; None if nothing does."""
    brain = conditions.brain
    trunk = trunk_of(brain)
    if not COMPILES or trunk.shared is None:
        return None
    return trunk.shared(brain.layers, brain.actions + 1, brain.log_stdevs)


def states_of(brain: BrainSpec) -> int:
    """Numbers of the state that a brain's trunk carries from step to step, without the link."""
    return max(0, trunk_of(brain).carry(brain.layers) - 1)


def think_nowhere(
    observation: Any,
    weights: Any,
    observations: Any,
    activations: Any,
    outputs: Any,
    carry: Any,
    rows: int,
    count: int,
    row: int,
) -> None:
    """Stand in for the tiles of a trunk that has none; nobody calls it."""


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

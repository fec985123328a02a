"""What a life is lived with and what it leaves behind: the records that drivers hand to compiled code.

The views below count no references, see `evolearn.numerics.compiler.vector`: handing them on costs nothing, where
handing on an array costs an atomic operation for every field of every record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types

from evolearn.agent import Window
from evolearn.genome import Newborns
from evolearn.numerics import aligned_zeros, inlined, matrix, vector
from evolearn.rng import RNG_SIZE

# Where actions come from.
FROM_BRAIN, FROM_UNIFORM, FROM_ORACLE = 0, 1, 2

# How a life stands: the status word, written last.
UNFINISHED, FINISHED, BAD_OBSERVATION, BAD_FITNESS, BAD_SENSE, DIVERGED = 0, 1, 2, 3, 4, 5


class Course(NamedTuple):
    """How lives are to be lived: the same for all lives of a call."""

    steps: int  # world steps in a life
    window: int  # steps between two learning updates
    learn_from: int  # age in steps at which learning starts
    learn_until: int  # age in steps at which it stops; 0 switches learning off
    bin_steps: int  # steps per age bin of the outcome
    operate_at: int  # age in steps at which lives are operated on; -1: never
    source: int  # FROM_BRAIN, FROM_UNIFORM or FROM_ORACLE
    choices: int  # of a discrete world; 0 for a box
    memory: int  # floats of the learner's memory
    feel_memory: int  # floats of the generic drives' memory


class Body(NamedTuple):
    """Sizes that the arrays of one life are made by, and the data that all lives share."""

    layers: Any  # int64 [1 + trunk layers]
    units: int  # of all trunk layers together
    carry: int  # floats that a recurrent trunk carries from step to step
    outputs: int  # length of an output row
    action_size: int  # length of an action: 1 for a choice
    senses: int
    state_size: int  # bytes of a world's state
    parameters: Any  # uint8, the world's parameters


class Desk(NamedTuple):
    """Working memory of one life. `new_desks` makes several, with a leading axis on every array."""

    observations: Any  # float32 [N + 1, O]; this and the next seven are the `Window`
    activations: Any  # float32 [N + 1, units of all trunk layers]
    outputs: Any  # float32 [N + 1, policy parameters + 1]
    actions: Any  # float32 [N, action size]
    rewards: Any  # float32 [N]
    ends: Any  # int64 [N]
    final_outputs: Any  # float32 [N, policy parameters + 1]
    carry: Any  # float32
    weights: Any  # float32 [W]
    drive_weights: Any  # float32 [D]
    operated: Any  # float32 [W], weights right after an operation; [0] if there is none
    held: Any  # uint8 [W], which of them are held; likewise
    memory: Any  # float32, the learner's
    feel_memory: Any  # float32, the generic drives'
    observation: Any  # float32 [O], what the world shows now
    action: Any  # float32 [action size]
    sensed: Any  # float32 [senses]
    drives: Any  # float32 [D]
    rng: Any  # int64 [RNG_SIZE], the action stream
    counters: Any  # int64 [5]: ROW, UPDATE, AGE_BIN, BIN_END, HELD
    episode: Any  # float64 [1], return of the episode so far


# Places in a desk's counters: filled rows of the window, learning updates so far, age bin, age at which it ends,
# how many weights are held since an operation.
ROW, UPDATE, AGE_BIN, BIN_END, HELD = 0, 1, 2, 3, 4


class Outcome(NamedTuple):
    """What lives leave behind. L lives, B age bins, D drives."""

    fitness: Any  # float64 [L, B]: sum over the bin's steps
    finished_return: Any  # float64 [L, B]: sum of the returns of episodes that ended in the bin
    finished: Any  # int64 [L, B]: episodes that ended in the bin
    open_return: Any  # float64 [L, B]: return so far of the episode that goes on at the bin's end
    deaths: Any  # int64 [L, B]: episodes that terminated (were not truncated) in the bin
    drives: Any  # float64 [L, D]: sum over the life
    skipped_updates: Any  # int64 [L]: learning updates with a gradient that was not finite
    age: Any  # int64 [L]: steps begun; the step at fault where a life failed
    status: Any  # int64 [L]
    final_weights: Any  # float32 [L, W], or [0, 0] if not asked for


class Trace(NamedTuple):
    """Step by step record of a life; of the first lives of a call with a leading axis, of length 0 for none."""

    observations: Any  # float32 [T, O], before the step
    next_observations: Any  # float32 [T, O], after the step, before a new episode begins
    actions: Any  # float32 [T, action size]
    drives: Any  # float32 [T, D]
    fitness: Any  # float64 [T]
    ends: Any  # int64 [T]: GOES_ON, TERMINATED or TRUNCATED

    def of(self, life: int) -> Trace:
        """That of one life, where there are several."""
        return Trace(*(array[life] for array in self))


_I = types.int64
_F1, _F2, _F3 = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
_D2 = types.float64[:, ::1]
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
COURSE_TYPE = types.NamedUniTuple(_I, 10, Course)
BODY_TYPE = types.NamedTuple((_I1, _I, _I, _I, _I, _I, _I, types.uint8[::1]), Body)
DESKS_TYPE = types.NamedTuple(
    (*(_F3,) * 4, _F2, _I2, _F3, *(_F2,) * 4, types.uint8[:, ::1], *(_F2,) * 6, _I2, _I2, _D2), Desk
)
NEWBORNS_TYPE = types.NamedTuple((_F2, _F2, _F2, _F1, _F1, _F1), Newborns)
OUTCOME_TYPE = types.NamedTuple((_D2, _D2, _I2, _D2, _I2, _D2, _I1, _I1, _I1, _F2), Outcome)
TRACE_TYPE = types.NamedTuple((_F3, _F3, _F3, _F3, _D2, _I2), Trace)


def new_desks(count: int, body: Body, course: Course, weights: int, drives: int) -> Desk:
    """Desks for `count` lives at a time: a `Desk` whose arrays have a leading axis ``[count]``."""
    size = course.window
    observations = int(body.layers[0])
    operated = weights if course.operate_at >= 0 else 0
    return Desk(
        observations=aligned_zeros(count, size + 1, observations),
        activations=aligned_zeros(count, size + 1, body.units),
        outputs=aligned_zeros(count, size + 1, body.outputs),
        actions=aligned_zeros(count, size, body.action_size),
        rewards=aligned_zeros(count, size),
        ends=aligned_zeros(count, size, dtype=np.int64),
        final_outputs=aligned_zeros(count, size, body.outputs),
        carry=aligned_zeros(count, body.carry),
        weights=aligned_zeros(count, weights),
        drive_weights=aligned_zeros(count, drives),
        operated=aligned_zeros(count, operated),
        held=aligned_zeros(count, operated, dtype=np.uint8),
        memory=aligned_zeros(count, course.memory),
        feel_memory=aligned_zeros(count, course.feel_memory),
        observation=aligned_zeros(count, observations),
        action=aligned_zeros(count, body.action_size),
        sensed=aligned_zeros(count, body.senses),
        drives=aligned_zeros(count, drives),
        rng=aligned_zeros(count, RNG_SIZE, dtype=np.int64),
        counters=aligned_zeros(count, 5, dtype=np.int64),
        episode=aligned_zeros(count, 1, dtype=np.float64),
    )


@inlined
def copy(source: Any, target: Any) -> None:
    """Write `source` over `target`, both of one size."""
    for i in range(target.size):
        target[i] = source[i]


@inlined
def row_of(array: Any, row: int) -> Any:
    """Row of a matrix as a view that counts no references; see `evolearn.numerics.compiler.vector`."""
    return vector(array, row * array.shape[1], array.shape[1])


@inlined
def layer_of(array: Any, place: int) -> Any:
    """Matrix `place` of a stack of matrices, likewise."""
    rows, columns = array.shape[1], array.shape[2]
    return matrix(array, place * rows * columns, rows, columns)


@inlined
def desk_of(desks: Desk, place: int) -> Desk:
    """One life's desk among several, through views that count no references: handing them on costs nothing."""
    return Desk(
        layer_of(desks.observations, place),
        layer_of(desks.activations, place),
        layer_of(desks.outputs, place),
        layer_of(desks.actions, place),
        row_of(desks.rewards, place),
        row_of(desks.ends, place),
        layer_of(desks.final_outputs, place),
        row_of(desks.carry, place),
        row_of(desks.weights, place),
        row_of(desks.drive_weights, place),
        row_of(desks.operated, place),
        row_of(desks.held, place),
        row_of(desks.memory, place),
        row_of(desks.feel_memory, place),
        row_of(desks.observation, place),
        row_of(desks.action, place),
        row_of(desks.sensed, place),
        row_of(desks.drives, place),
        row_of(desks.rng, place),
        row_of(desks.counters, place),
        row_of(desks.episode, place),
    )


@inlined
def window_of(desk: Desk) -> Window:
    """The part of a desk that brain and learner see."""
    return Window(
        desk.observations,
        desk.activations,
        desk.outputs,
        desk.actions,
        desk.rewards,
        desk.ends,
        desk.final_outputs,
        desk.carry,
    )


@inlined
def whole(array: Any) -> Any:
    """All of a matrix as a view that counts no references."""
    return matrix(array, 0, array.shape[0], array.shape[1])


@inlined
def outcome_of(outcome: Outcome) -> Outcome:
    """The same outcome through views that count no references."""
    return Outcome(
        whole(outcome.fitness),
        whole(outcome.finished_return),
        whole(outcome.finished),
        whole(outcome.open_return),
        whole(outcome.deaths),
        whole(outcome.drives),
        vector(outcome.skipped_updates, 0, outcome.skipped_updates.size),
        vector(outcome.age, 0, outcome.age.size),
        vector(outcome.status, 0, outcome.status.size),
        whole(outcome.final_weights),
    )


@inlined
def trace_of(traces: Trace, life: int) -> Trace:
    """The trace of one life among several, through views that count no references; of no steps if it leaves none."""
    traced = life < traces.fitness.shape[0]
    place = life if traced else 0
    steps = traces.fitness.shape[1] if traced else 0
    start = place * traces.fitness.shape[1]
    return Trace(
        layer_of(traces.observations, place),
        layer_of(traces.next_observations, place),
        layer_of(traces.actions, place),
        layer_of(traces.drives, place),
        vector(traces.fitness, start, steps),
        vector(traces.ends, start, steps),
    )

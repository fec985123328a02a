"""The inner loop: one whole life, from birth to end, in one compiled piece.

A life observes, acts, steps its world, feels its drives, and every N steps learns. Its weights, world and optimiser
stay in the processor's nearest caches from birth to end. What it does depends on its newborn and its key alone, so
results are bitwise the same in any order, on any number of threads, in pieces of any size.

The stepwise driver (`evolearn.stepwise`) calls the same `act`, `feel` and `learn` for worlds that cannot be compiled.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types

from evolearn.compiled import aligned_zeros, compiled, inlined, locate, matrix, plug, vector
from evolearn.compiled_world import BEGIN_TYPE, BORN_TYPE, OBSERVE_TYPE, ORACLE_TYPE, STEP_TYPE
from evolearn.drives import FEEL_TYPE
from evolearn.learning import LEARN_TYPE, SETTINGS_TYPE
from evolearn.policy import CHOOSE_TYPE, DELTAS_TYPE
from evolearn.rng import ACTION, BIRTH, INIT, RNG_SIZE, WORLD, at_step, integer, normal, open_stream, uniform
from evolearn.trunk import BACKWARD_TYPE, GOES_ON, TERMINATED, THINK_TYPE, TRUNCATED, Window

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
    source: int  # FROM_BRAIN, FROM_UNIFORM or FROM_ORACLE
    choices: int  # of a discrete world; 0 for a box
    memory: int  # floats of the learner's memory
    feel_memory: int  # floats of the generic drives' memory


class Body(NamedTuple):
    """Sizes that the arrays of one life are made by, and the data that all lives share."""

    layers: Any  # int64 [1 + trunk layers]
    units: int  # of all trunk layers together
    outputs: int  # length of an output row
    action_size: int  # length of an action: 1 for a choice
    senses: int
    state_size: int  # bytes of a world's state
    parameters: Any  # uint8, the world's parameters


class Desk(NamedTuple):
    """Working memory of one life. `new_desks` makes several, with a leading axis on every array."""

    observations: Any  # float32 [N + 1, O]; this and the next six are the `Window`
    activations: Any  # float32 [N + 1, units of all trunk layers]
    outputs: Any  # float32 [N + 1, policy parameters + 1]
    actions: Any  # float32 [N, action size]
    rewards: Any  # float32 [N]
    ends: Any  # int64 [N]
    final_values: Any  # float32 [N]
    weights: Any  # float32 [W]
    memory: Any  # float32, the learner's
    feel_memory: Any  # float32, the generic drives'
    observation: Any  # float32 [O], what the world shows now
    action: Any  # float32 [action size]
    sensed: Any  # float32 [senses]
    drives: Any  # float32 [D]
    rng: Any  # int64 [RNG_SIZE], the action stream
    counters: Any  # int64 [4]: ROW, UPDATE, AGE_BIN, BIN_END
    episode: Any  # float64 [1], return of the episode so far


# Places in a desk's counters: filled rows of the window, learning updates so far, age bin, age at which it ends.
ROW, UPDATE, AGE_BIN, BIN_END = 0, 1, 2, 3


class Newborns(NamedTuple):
    """Decoded genomes. P genomes, each with W weights, D drive weights and K plasticity values."""

    weights: Any  # float32 [P, W]
    drives: Any  # float32 [P, D]
    plasticity: Any  # float32 [P, K]
    scale: Any  # float32 [P]: of weights drawn afresh
    initial_mean: Any  # float32 [W], or [0] if weights are inherited
    initial_stdev: Any  # float32 [W], likewise


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
    """Step by step record of the first life of a call; arrays of length 0 switch it off."""

    observations: Any  # float32 [T, O]
    actions: Any  # float32 [T, action size]
    drives: Any  # float32 [T, D]
    fitness: Any  # float64 [T]
    ends: Any  # int64 [T]: GOES_ON, TERMINATED or TRUNCATED


_I = types.int64
_F1, _F2, _F3 = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
_D1, _D2 = types.float64[::1], types.float64[:, ::1]
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
COURSE_TYPE = types.NamedUniTuple(_I, 9, Course)
BODY_TYPE = types.NamedTuple((_I1, _I, _I, _I, _I, _I, types.uint8[::1]), Body)
DESKS_TYPE = types.NamedTuple((*(_F3,) * 4, _F2, _I2, *(_F2,) * 8, _I2, _I2, _D2), Desk)
NEWBORNS_TYPE = types.NamedTuple((_F2, _F2, _F2, _F1, _F1, _F1), Newborns)
OUTCOME_TYPE = types.NamedTuple((_D2, _D2, _I2, _D2, _I2, _D2, _I1, _I1, _I1, _F2), Outcome)
TRACE_TYPE = types.NamedTuple((_F2, _F2, _F2, _D1, _I1), Trace)


@compiled
def draw_weights(newborns: Newborns, genome: int, key: Any, rng: Any, weights: Any) -> None:
    """Write a newborn's weights: inherited, or drawn afresh from the life's own init stream.

    Args:
        newborns: see Newborns.
        genome: row of it.
        key: int64 [4], the life's key.
        rng: overwritten.
        weights: float32 [W], written.
    """
    if newborns.initial_stdev.size == 0:
        for i in range(weights.size):
            weights[i] = newborns.weights[genome, i]
        return
    open_stream(rng, key, INIT)
    for i in range(weights.size):
        spread = newborns.scale[genome] * newborns.initial_stdev[i]
        weights[i] = newborns.initial_mean[i] + spread * normal(rng)


@inlined
def reward_of(drive_weights: Any, drives: Any) -> Any:
    """Reward of one step: the drives weighed by what the newborn was born to want."""
    total = np.float32(0.0)
    for i in range(drives.size):
        total += drive_weights[i] * drives[i]
    return total


@compiled
def act_uniformly(choices: int, rng: Any, action: Any) -> None:
    """Draw an action from the uniform distribution: over the choices, or over -1 .. 1 in each dimension."""
    if choices > 0:
        action[0] = integer(rng, 0, choices)
    else:
        for i in range(action.size):
            action[i] = 2.0 * uniform(rng) - 1.0


@inlined
def copy(source: Any, target: Any) -> None:
    """Write `source` over `target`, both of one size."""
    for i in range(target.size):
        target[i] = source[i]


@inlined
def all_finite(values: Any) -> bool:
    """Whether every entry is finite."""
    total = np.float32(0.0)
    for i in range(values.size):
        total += abs(values[i])
    return math.isfinite(total)


@inlined
def row_of(array: Any, row: int) -> Any:
    """Row of a matrix as a view that counts no references; see `evolearn.compiled.vector`."""
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
        row_of(desks.final_values, place),
        row_of(desks.weights, place),
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
        desk.final_values,
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
def trace_of(trace: Trace) -> Trace:
    """The same trace through views that count no references."""
    steps = trace.fitness.size
    return Trace(
        whole(trace.observations),
        whole(trace.actions),
        whole(trace.drives),
        vector(trace.fitness, 0, steps),
        vector(trace.ends, 0, steps),
    )


@inlined
def be_born(newborns: Newborns, genome: int, key: Any, course: Course, desk: Desk) -> None:
    """Make a desk ready for a life: weights as inherited or drawn, everything else empty."""
    draw_weights(newborns, genome, key, desk.rng, desk.weights)
    desk.memory[:] = 0.0
    desk.feel_memory[:] = 0.0
    desk.counters[:] = 0
    desk.counters[BIN_END] = course.bin_steps
    desk.episode[0] = 0.0
    open_stream(desk.rng, key, ACTION)


@inlined
def act(think: Any, choose: Any, layers: Any, course: Course, desk: Desk, t: int) -> int:
    """Decide what to do about `desk.observation` and write `desk.action`. Returns a status, FINISHED if all is well."""
    row = desk.counters[ROW]
    copy(desk.observation, row_of(desk.observations, row))
    if not all_finite(desk.observation):
        return BAD_OBSERVATION
    # Step 0 of the streams belongs to birth, so that a life's first step has draws of its own.
    at_step(desk.rng, t + 1)
    if course.source == FROM_BRAIN:
        think(desk.weights, layers, window_of(desk), row)
        output = row_of(desk.outputs, row)
        if not all_finite(output):
            return DIVERGED
        choose(output, desk.rng, desk.action)
    elif course.source == FROM_UNIFORM:
        act_uniformly(course.choices, desk.rng, desk.action)
    return FINISHED


@inlined
def experience(
    think: Any,
    feel: Any,
    layers: Any,
    course: Course,
    desk: Desk,
    drive_weights: Any,
    outcome: Outcome,
    trace: Trace,
    life: int,
    t: int,
    fitness: float,
    terminated: bool,
    truncated: bool,
) -> int:
    """Take in what a step brought: drives, reward, the end of an episode. Returns a status, FINISHED if all is well.

    `desk.observation` must hold the observation after the step, before a new episode begins.
    """
    if not math.isfinite(fitness):
        return BAD_FITNESS
    row = desk.counters[ROW]
    senses = desk.sensed.size
    generic = desk.drives.size - 1 - senses
    desk.drives[0] = fitness
    for i in range(senses):
        desk.drives[1 + i] = desk.sensed[i]
    if generic > 0:
        before = row_of(desk.observations, row)
        feel(desk.feel_memory, before, desk.action, desk.observation, vector(desk.drives, 1 + senses, generic))
    if not all_finite(desk.drives):
        return BAD_SENSE
    end = TERMINATED if terminated else (TRUNCATED if truncated else GOES_ON)
    if t < trace.fitness.size:
        copy(row_of(desk.observations, row), row_of(trace.observations, t))
        copy(desk.action, row_of(trace.actions, t))
        copy(desk.drives, row_of(trace.drives, t))
        trace.fitness[t] = fitness
        trace.ends[t] = end
    if t == desk.counters[BIN_END]:
        desk.counters[AGE_BIN] += 1
        desk.counters[BIN_END] += course.bin_steps
    age_bin = desk.counters[AGE_BIN]
    outcome.fitness[life, age_bin] += fitness
    for i in range(desk.drives.size):
        outcome.drives[life, i] += desk.drives[i]
    desk.episode[0] += fitness
    if course.learn_from <= t < course.learn_until:
        copy(desk.action, row_of(desk.actions, row))
        desk.rewards[row] = reward_of(drive_weights, desk.drives)
        desk.ends[row] = end
        if end == TRUNCATED:
            last = desk.rewards.size
            copy(desk.observation, row_of(desk.observations, last))
            think(desk.weights, layers, window_of(desk), last)
            desk.final_values[row] = desk.outputs[last, desk.outputs.shape[1] - 1]
        desk.counters[ROW] += 1
    if end != GOES_ON:
        outcome.finished_return[life, age_bin] += desk.episode[0]
        outcome.finished[life, age_bin] += 1
        outcome.deaths[life, age_bin] += end == TERMINATED
        desk.episode[0] = 0.0
    outcome.open_return[life, age_bin] = desk.episode[0]
    return FINISHED


@inlined
def learn_when_full(
    think: Any,
    backward: Any,
    deltas: Any,
    learn: Any,
    layers: Any,
    settings: Any,
    desk: Desk,
    plasticity: Any,
    outcome: Outcome,
    life: int,
) -> None:
    """Learn from the window if it is full. `desk.observation` must hold what the next step will see."""
    last = desk.rewards.size
    if desk.counters[ROW] < last:
        return
    window = window_of(desk)
    copy(desk.observation, row_of(desk.observations, last))
    think(desk.weights, layers, window, last)
    done = learn(
        think,
        backward,
        deltas,
        desk.weights,
        layers,
        plasticity,
        settings,
        window,
        desk.memory,
        desk.counters[UPDATE],
    )
    if not done:
        outcome.skipped_updates[life] += 1
    desk.counters[UPDATE] += 1
    desk.counters[ROW] = 0


@compiled
def close_life(outcome: Outcome, life: int, desk: Desk, status: int, age: int) -> None:
    """Write down how a life ended; the status word comes last, a life without one was not lived to its end."""
    outcome.age[life] = age
    if outcome.final_weights.shape[0] > 0:
        copy(desk.weights, row_of(outcome.final_weights, life))
    outcome.status[life] = status


def live(  # noqa: D417  # the plugs are described in groups
    born: Any,
    begin: Any,
    observe: Any,
    step: Any,
    oracle: Any,
    think: Any,
    backward: Any,
    choose: Any,
    deltas: Any,
    learn: Any,
    feel: Any,
    body: Body,
    course: Course,
    settings: Any,
    desks: Desk,
    newborns: Newborns,
    genomes: Any,
    keys: Any,
    outcomes: Outcome,
    traces: Trace,
    first: int,
    last: int,
) -> None:
    """Live the lives `first` .. `last` - 1, one after the other, each from birth to end.

    The first eleven arguments are the world's, the brain's, the learner's and the drives' functions. Numba has no
    record of functions that keeps the kernel independent of them, hence the long list.

    Args:
        born, begin, observe, step, oracle: see `evolearn.world.World`.
        think, backward: see `evolearn.trunk.Trunk`.
        choose, deltas: see `evolearn.policy.Policy`.
        learn: see `evolearn.learning.Learner`.
        feel: see `evolearn.drives.compose`.
        body: sizes and shared data.
        course: how to live.
        settings: what of the learner does not evolve.
        desks: one desk, overwritten; two calls at a time need two.
        newborns: decoded genomes.
        genomes: int64 [L], which row of `newborns` each life is born from.
        keys: int64 [L, 4], see `evolearn.rng.LifeKey`.
        outcomes: rows `first` .. `last` - 1 are written; they must be zero before.
        traces: written as far as its arrays reach; of use for one life at a time.
        first: first life of this piece.
        last: end of this piece.
    """
    layers = vector(body.layers, 0, body.layers.size)
    desk = desk_of(desks, 0)
    outcome = outcome_of(outcomes)
    trace = trace_of(traces)
    world_rng_owner = np.zeros(RNG_SIZE, np.int64)
    world_rng = vector(world_rng_owner, 0, RNG_SIZE)
    state_owner = np.zeros(body.state_size, np.uint8)
    state = locate(state_owner)
    parameters = locate(body.parameters)
    for life in range(first, last):
        drive_weights = row_of(newborns.drives, genomes[life])
        plasticity = row_of(newborns.plasticity, genomes[life])
        key = row_of(keys, life)
        be_born(newborns, genomes[life], key, course, desk)
        state_owner[:] = 0
        open_stream(world_rng, key, BIRTH)
        born(state, parameters, world_rng)
        open_stream(world_rng, key, WORLD)
        begin(state, parameters, world_rng)
        observe(state, parameters, desk.observation)
        status = FINISHED
        age = course.steps
        for t in range(course.steps):
            outcome.age[life] = t
            status = act(think, choose, layers, course, desk, t)
            if status != FINISHED:
                age = t
                break
            if course.source == FROM_ORACLE:
                oracle(state, parameters, desk.action)
            at_step(world_rng, t + 1)
            fitness, terminated, truncated = step(state, parameters, desk.action, desk.sensed, world_rng)
            observe(state, parameters, desk.observation)
            status = experience(
                think,
                feel,
                layers,
                course,
                desk,
                drive_weights,
                outcome,
                trace,
                life,
                t,
                fitness,
                terminated,
                truncated,
            )
            if status != FINISHED:
                age = t
                break
            if terminated or truncated:
                begin(state, parameters, world_rng)
                observe(state, parameters, desk.observation)
            learn_when_full(think, backward, deltas, learn, layers, settings, desk, plasticity, outcome, life)
        close_life(outcome, life, desk, status, age)
    # Numba frees an array after its last use, and a view does not count as one.
    world_rng_owner[0] = state_owner.size


LIVE_TYPE = types.void(
    *(
        types.FunctionType(signature)
        for signature in (
            BORN_TYPE,
            BEGIN_TYPE,
            OBSERVE_TYPE,
            STEP_TYPE,
            ORACLE_TYPE,
            THINK_TYPE,
            BACKWARD_TYPE,
            CHOOSE_TYPE,
            DELTAS_TYPE,
            LEARN_TYPE,
            FEEL_TYPE,
        )
    ),
    BODY_TYPE,
    COURSE_TYPE,
    SETTINGS_TYPE,
    DESKS_TYPE,
    NEWBORNS_TYPE,
    _I1,
    _I2,
    OUTCOME_TYPE,
    TRACE_TYPE,
    _I,
    _I,
)


def new_desks(count: int, body: Body, course: Course, weights: int, drives: int) -> Desk:
    """Desks for `count` lives at a time: a `Desk` whose arrays have a leading axis ``[count]``."""
    size = course.window
    observations = int(body.layers[0])
    return Desk(
        observations=aligned_zeros(count, size + 1, observations),
        activations=aligned_zeros(count, size + 1, body.units),
        outputs=aligned_zeros(count, size + 1, body.outputs),
        actions=aligned_zeros(count, size, body.action_size),
        rewards=aligned_zeros(count, size),
        ends=aligned_zeros(count, size, dtype=np.int64),
        final_values=aligned_zeros(count, size),
        weights=aligned_zeros(count, weights),
        memory=aligned_zeros(count, course.memory),
        feel_memory=aligned_zeros(count, course.feel_memory),
        observation=aligned_zeros(count, observations),
        action=aligned_zeros(count, body.action_size),
        sensed=aligned_zeros(count, body.senses),
        drives=aligned_zeros(count, drives),
        rng=aligned_zeros(count, RNG_SIZE, dtype=np.int64),
        counters=aligned_zeros(count, 4, dtype=np.int64),
        episode=aligned_zeros(count, 1, dtype=np.float64),
    )


def life_kernel() -> Any:
    """The compiled `live`, loaded from the cache on disk or compiled on first use."""
    return plug(live, LIVE_TYPE)

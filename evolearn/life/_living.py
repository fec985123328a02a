"""What happens in a life: being born, acting, experiencing a step, learning from a window. Shared by both drivers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.genome import Newborns
from evolearn.life.records import (
    AGE_BIN,
    BAD_FITNESS,
    BAD_OBSERVATION,
    BAD_SENSE,
    BIN_END,
    DIVERGED,
    FINISHED,
    FROM_BRAIN,
    FROM_UNIFORM,
    HELD,
    ROW,
    UPDATE,
    Course,
    Desk,
    Outcome,
    Trace,
    copy,
    row_of,
    window_of,
)
from evolearn.life.surgery import put_back
from evolearn.numerics import compiled, inlined, vector
from evolearn.rng import ACTION, INIT, at_step, integer, normal, open_stream, uniform


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
def all_finite(values: Any) -> bool:
    """Whether every entry is finite."""
    total = np.float32(0.0)
    for i in range(values.size):
        total += values[i] * np.float32(0.0)  # 0 for a finite number, NaN for any other
    return total == 0.0


@inlined
def be_born(newborns: Newborns, genome: int, key: Any, course: Course, desk: Desk) -> None:
    """Make a desk ready for a life: weights as inherited or drawn, drive weights inherited, everything else empty."""
    draw_weights(newborns, genome, key, desk.rng, desk.weights)
    copy(row_of(newborns.drives, genome), desk.drive_weights)
    desk.memory[:] = 0.0
    desk.feel_memory[:] = 0.0
    desk.carry[:] = 0.0
    desk.counters[:] = 0
    desk.counters[BIN_END] = course.bin_steps
    desk.episode[0] = 0.0
    open_stream(desk.rng, key, ACTION)


@inlined
def act(think: Any, choose: Any, layers: Any, course: Course, plasticity: Any, desk: Desk, t: int) -> int:
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
        choose(output, plasticity, desk.rng, desk.action)
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
    if not all_finite(desk.observation):
        return BAD_OBSERVATION
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
        copy(desk.observation, row_of(trace.next_observations, t))
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
        desk.rewards[row] = reward_of(desk.drive_weights, desk.drives)
        desk.ends[row] = end
        if end == TRUNCATED:
            last = desk.rewards.size
            copy(desk.observation, row_of(desk.observations, last))
            think(desk.weights, layers, window_of(desk), last)
            copy(row_of(desk.outputs, last), row_of(desk.final_outputs, row))
        desk.counters[ROW] += 1
    if end != GOES_ON:
        outcome.finished_return[life, age_bin] += desk.episode[0]
        outcome.finished[life, age_bin] += 1
        outcome.deaths[life, age_bin] += end == TERMINATED
        desk.episode[0] = 0.0
        desk.carry[:] = 0.0
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
    if desk.counters[HELD] > 0:
        put_back(desk.held, desk.operated, desk.weights)
    desk.counters[UPDATE] += 1
    desk.counters[ROW] = 0


@compiled
def close_life(outcome: Outcome, life: int, desk: Desk, status: int, age: int) -> None:
    """Write down how a life ended; the status word comes last, a life without one was not lived to its end."""
    outcome.age[life] = age
    if outcome.final_weights.shape[0] > 0:
        copy(desk.weights, row_of(outcome.final_weights, life))
    outcome.status[life] = status

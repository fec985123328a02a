"""Taking in what a step brought: faults, drives, the reward, the ends of episodes, the trace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.life._foreseeing import control_in, foresee_step, note_outcomes
from evolearn.life._imagining import remember_steps
from evolearn.life._living import think_for
from evolearn.life._remembering import forget_step, remember_all
from evolearn.life._teaching import earn_nothing, end_lesson, feel_no_reward
from evolearn.life._valuing import shape_all
from evolearn.life._views import (
    action_of,
    all_finite,
    clear,
    finite_together,
    seen_by,
    seen_in,
    tally_of,
    told_in,
    told_to,
)
from evolearn.life.records import (
    BAD_FITNESS,
    BAD_OBSERVATION,
    BAD_SENSE,
    DEATHS,
    DIVERGED,
    DRIVEN,
    EPISODE,
    EPISODES,
    FINISHED_RETURN,
    FITNESS,
    PLACE,
    ROW,
    UNFINISHED,
    Body,
    Course,
    Places,
    Trace,
    copy,
)
from evolearn.numerics import doubles, floats, inlined_within, integers, within

_ZERO = np.float32(0.0)


@inlined_within
def end_episodes(team: Any, at: Places, count: int) -> None:
    """Cut off the episodes under way: what comes next is another world's."""
    ended = integers(team, at.ended, count)
    for place in range(count):
        if ended[place] == GOES_ON:
            ended[place] = TRUNCATED


@inlined_within
def well_together(team: Any, at: Places, body: Body, count: int) -> bool:
    """Whether the worlds of all lives gave fitness and observations that are finite."""
    fitness = doubles(team, at.fitness, count)
    wrong = 0
    for place in range(count):
        wrong += not math.isfinite(fitness[place])
    return wrong == 0 and finite_together(floats(team, at.observation, count * body.observations))


@within
def find_faults(team: Any, at: Places, body: Body, count: int) -> int:
    """Let those fail whose worlds gave what is not finite; how many."""
    status = integers(team, at.status, count)
    faults = 0
    for place in range(count):
        if status[place] == UNFINISHED:
            if not math.isfinite(doubles(team, at.fitness, count)[place]):
                status[place] = BAD_FITNESS
            elif not all_finite(seen_by(team, at, body, place)):
                status[place] = BAD_OBSERVATION
            faults += status[place] != UNFINISHED
    return faults


@inlined_within
def feel_all(feel: Any, team: Any, at: Places, body: Body, row: int, choices: int, count: int) -> int:
    """Let every life that goes on feel its generic drives; how many of them foresaw what is not finite, and end."""
    generic = body.drives - 1 - body.senses
    status = integers(team, at.status, count)
    diverged = 0
    for place in range(count):
        if status[place] == UNFINISHED:
            integers(team, at.where, 3)[PLACE] = place
            if body.foreseen > 0 and not foresee_step(team, at, body, place, row, choices):
                status[place] = DIVERGED
                diverged += 1
                continue
            feel(
                floats(team, at.feel_memory + place * body.feel_memory, body.feel_memory),
                seen_in(team, at, body, place, row),
                action_of(team, at, body, place),
                seen_by(team, at, body, place),
                floats(team, at.foreseen, body.foreseen),
                control_in(team, at, body),
                floats(team, at.felt + place * body.drives + 1 + body.senses, generic),
            )
    return diverged


@inlined_within
def reward(team: Any, at: Places, body: Body, place: int, row: int, learns: bool) -> bool:
    """Weigh what one life felt, and write down what it learns from; False if a drive is not finite."""
    fitness = doubles(team, at.fitness + place, 1)[0]
    drives = floats(team, at.felt + place * body.drives, body.drives)
    drives[0] = fitness
    tally = tally_of(team, at, body, place)
    wanted = floats(team, at.drive_weights + place * body.drives, body.drives)
    # What the newborn was born to want, weighed: all that a learner sees.
    weighed, check = _ZERO, _ZERO
    for i in range(body.drives):
        weighed += wanted[i] * drives[i]
        check += drives[i] * _ZERO  # 0 for a finite number, NaN for any other
        tally[DRIVEN + i] += drives[i]
    if check != _ZERO:
        return False
    tally[FITNESS] += fitness
    tally[EPISODE] += fitness
    floats(team, at.rewards + place * body.window, body.window)[row] = weighed
    if learns:
        start = at.actions + (place * body.window + row) * body.action_size
        copy(action_of(team, at, body, place), floats(team, start, body.action_size))
        end = integers(team, at.ended + place, 1)[0]
        integers(team, at.ends + place * body.window, body.window)[row] = end
    return True


@inlined_within
def end_episode(
    think_all: Any, think: Any, team: Any, at: Places, body: Body, place: int, row: int, learns: bool
) -> None:
    """Count one life's episode, look ahead from where it was cut off, and forget it unless that outlasts it."""
    tally = tally_of(team, at, body, place)
    end = integers(team, at.ended + place, 1)[0]
    if learns and end == TRUNCATED:
        last = body.window
        think_for(think_all, think, team, at, body, place, 1, last)
        outputs = body.outputs
        copy(
            floats(team, at.outputs + (place * (last + 1) + last) * outputs, outputs),
            floats(team, at.final_outputs + (place * last + row) * outputs, outputs),
        )
    tally[FINISHED_RETURN] += tally[EPISODE]
    tally[EPISODES] += 1.0
    if end == TERMINATED:
        tally[DEATHS] += 1.0
    tally[EPISODE] = 0.0
    if body.lasting == 0:
        clear(floats(team, at.carry + place * body.carry, body.carry))
        end_lesson(team, at, body, place)
        if body.told > body.observations:
            forget_step(team, at, body, place)
    elif body.new_episode >= 0:
        told_to(team, at, body, place)[body.new_episode] = 1.0


@inlined_within
def any_ended(team: Any, at: Places, count: int) -> bool:
    """Whether an episode ended in this step."""
    ended = integers(team, at.ended, count)
    ends = 0
    for place in range(count):
        ends |= ended[place]
    return ends != GOES_ON


@inlined_within
def experience_all(
    think_all: Any, think: Any, feel: Any, team: Any, at: Places, body: Body, course: Course, count: int, t: int
) -> int:
    """Let every life that goes on take in what its step brought; the number of those at fault here.

    Fitness and ends are of this step, and observations are those after it, before a new episode begins. What is rare
    has loops of its own: beside it, every life would pay for keeping count of where its numbers lie.
    """
    status = integers(team, at.status, count)
    row = integers(team, at.clock, 4)[ROW]
    learns = course.learn_from <= t < course.learn_until
    faults = 0
    if not well_together(team, at, body, count):
        faults = find_faults(team, at, body, count)
    if body.drives > 1 + body.senses:
        faults += feel_all(feel, team, at, body, row, course.choices, count)
    taught = learns and body.lessons > 0
    if taught:
        earn_nothing(team, at, body, count)
    for place in range(count):
        if status[place] == UNFINISHED and not reward(team, at, body, place, row, learns):
            status[place] = BAD_SENSE
            faults += 1
    if body.potential > 0:
        shape_all(team, at, body, row, count)
        if taught:
            feel_no_reward(team, at, body, row, count)
    if body.told > body.observations:
        remember_all(team, at, body, course.choices, row, count)
    if any_ended(team, at, count):
        for place in range(count):
            if integers(team, at.ended, count)[place] != GOES_ON and status[place] == UNFINISHED:
                end_episode(think_all, think, team, at, body, place, row, learns)
    if learns and body.outcomes > 0:
        note_outcomes(team, at, body, count, row)
        if body.remembered > 0:
            remember_steps(team, at, body, count, row)
    return faults


@within
def record_steps(traces: Trace, team: Any, at: Places, body: Body, row: int, first: int, count: int, t: int) -> None:
    """Write this step of every life that leaves a trace, before a new episode begins.

    Args:
        traces: of the first lives of a call; the others leave none.
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        row: of the windows, that this step was seen in.
        first: life.
        count: lives.
        t: age of every life, below the traces' length.
    """
    for place in range(min(count, traces.fitness.shape[0] - first)):
        if integers(team, at.status, count)[place] == UNFINISHED:
            life = first + place
            copy(seen_in(team, at, body, place, row), traces.observations[life, t])
            if traces.told.shape[2] > 0:
                copy(told_in(team, at, body, place, row), traces.told[life, t])
            copy(seen_by(team, at, body, place), traces.next_observations[life, t])
            copy(action_of(team, at, body, place), traces.actions[life, t])
            copy(floats(team, at.felt + place * body.drives, body.drives), traces.drives[life, t])
            traces.fitness[life, t] = doubles(team, at.fitness, count)[place]
            traces.ends[life, t] = integers(team, at.ended, count)[place]

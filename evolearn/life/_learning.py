"""Learning from a window when it is full."""

from __future__ import annotations

from typing import Any

from evolearn.life._foreseeing import find_gradient, learn_to_foresee, move_trunk
from evolearn.life._imagining import imagine, repeat_window
from evolearn.life._living import think_for
from evolearn.life._remembering import hold
from evolearn.life._views import tally_of, thoughts_of
from evolearn.life.records import PLACE, ROW, SKIPPED, UNFINISHED, UPDATE, Body, Course, Places, window_of
from evolearn.numerics import floats, inlined_within, integers, within


@within
def learn_alone(
    think: Any,
    backward: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    place: int,
) -> None:
    """Let one life learn from its window."""
    integers(team, at.where, 3)[PLACE] = place
    done = learn(
        think,
        backward,
        deltas,
        thoughts_of(team, at, body, place),
        integers(team, at.layers, body.layers),
        floats(team, at.plasticity + place * body.genes, body.genes),
        settings,
        window_of(team, at, body, place),
        floats(team, at.memory + place * body.memory, body.memory),
        integers(team, at.clock, 4)[UPDATE],
    )
    if not done:
        tally_of(team, at, body, place)[SKIPPED] += 1.0
    hold(team, at, body, place)


@within
def learn_with_model(
    think: Any,
    backward: Any,
    backward_trunk: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    choices: int,
    place: int,
    t: int,
) -> None:
    """Let one life learn from its window to foresee, by what it foresees, and from steps that it imagines."""
    # The window's activations are those that were lived until the learner thinks it again.
    moves = body.trunk > 0 and find_gradient(backward_trunk, settings, team, at, body, choices, place)
    if body.outcomes > 0:
        learn_to_foresee(team, at, body, choices, place)
    learn_alone(think, backward, deltas, learn, settings, team, at, body, place)
    if moves:
        move_trunk(team, at, body, place)
    if body.repeated > 0:
        repeat_window(think, backward, deltas, learn, settings, team, at, body, place)
    if body.imagined > 0:
        imagine(think, backward, deltas, learn, settings, team, at, body, choices, place, t)
    hold(team, at, body, place)


@inlined_within
def learn_when_full(
    think_all: Any,
    think: Any,
    backward: Any,
    backward_trunk: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    count: int,
    t: int,
) -> None:
    """Let every life that goes on learn from its window if it is full. Worlds show what the next step will see."""
    clock = integers(team, at.clock, 4)
    if course.learn_from <= t < course.learn_until:
        clock[ROW] += 1
        if clock[ROW] == body.window:
            think_for(think_all, think, team, at, body, 0, count, body.window)
            for place in range(count):
                if integers(team, at.status, count)[place] != UNFINISHED:
                    continue
                if body.outcomes == 0 and body.repeated == 0:
                    learn_alone(think, backward, deltas, learn, settings, team, at, body, place)
                else:
                    choices = course.choices
                    learn_with_model(
                        think, backward, backward_trunk, deltas, learn, settings, team, at, body, choices, place, t
                    )
            clock[UPDATE] += 1
            clock[ROW] = 0

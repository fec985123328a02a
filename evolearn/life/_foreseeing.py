"""What a life makes of its prediction head, phase by phase: see `evolearn.agent.prediction`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent import TERMINATED, correct, foresee, foresee_control
from evolearn.life._views import action_of, model_of, read_in, seen_by, seen_in, tally_of
from evolearn.life.records import SKIPPED, UNFINISHED, Body, Places
from evolearn.numerics import floats, inlined_within, integers, matrix, within

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inlined_within
def control_in(team: Any, at: Places, body: Body) -> Any:
    """How what a life foresaw depends on the action, [O, controls]."""
    size = body.observations * body.controls
    return matrix(floats(team, at.control, size), 0, body.observations, body.controls)


@within
def foresee_step(team: Any, at: Places, body: Body, place: int, row: int, choices: int) -> bool:
    """Write what one life's brain foresaw of this step, and how that depends on the action, for its drives.

    Args:
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        place: of the life.
        row: of the window, that this step was seen in.
        choices: of a discrete world; 0 for a box.
    Returns:
        False if its squares are not finite.
    """
    model, source = model_of(team, at, body, place), read_in(team, at, body, place, row)
    foreseen = floats(team, at.foreseen, body.outcomes)
    check = _ZERO
    if body.controls > 0:
        foresee_control(model, source, choices, foreseen, control_in(team, at, body))
        control = floats(team, at.control, body.observations * body.controls)
        for i in range(control.size):
            check += control[i] * control[i]
    foresee(model, source, action_of(team, at, body, place), choices, foreseen)
    before = seen_in(team, at, body, place, row)
    for i in range(body.observations):
        foreseen[i] += before[i]
        check += foreseen[i] * foreseen[i]
    return math.isfinite(check)


@within
def note_outcomes(team: Any, at: Places, body: Body, count: int, row: int) -> None:
    """Write down what came of this step of every life that goes on, before a new episode begins.

    Args:
        team: handle of a team's memory; rewards and ends of the windows have been written.
        at: where everything is there.
        body: how much of it.
        count: lives.
        row: of the windows, that this step was seen in.
    """
    for place in range(count):
        if integers(team, at.status + place, 1)[0] != UNFINISHED:
            continue
        step = place * body.window + row
        target = floats(team, at.targets + step * body.outcomes, body.outcomes)
        before, after = seen_in(team, at, body, place, row), seen_by(team, at, body, place)
        for i in range(body.observations):
            target[i] = after[i] - before[i]
        target[body.observations] = floats(team, at.rewards + step, 1)[0]
        target[body.observations + 1] = _ONE if integers(team, at.ends + step, 1)[0] == TERMINATED else _ZERO


@within
def learn_to_foresee(team: Any, at: Places, body: Body, choices: int, count: int) -> None:
    """Let the prediction head of every life that goes on learn from its window, step by step, in order.

    Activations are those with which the window was lived, so this comes before learners think it again.

    Args:
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        choices: of a discrete world; 0 for a box.
        count: lives.
    """
    errors = floats(team, at.errors, body.outcomes)
    for place in range(count):
        if integers(team, at.status + place, 1)[0] != UNFINISHED:
            continue
        model = model_of(team, at, body, place)
        rate = floats(team, at.plasticity + place * body.genes + body.prediction_rate, 1)[0]
        well = True
        for row in range(body.window):
            step = place * body.window + row
            source = read_in(team, at, body, place, row)
            action = floats(team, at.actions + step * body.action_size, body.action_size)
            target = floats(team, at.targets + step * body.outcomes, body.outcomes)
            well = correct(model, source, action, choices, target, rate, body.layers > 1, errors) and well
        if not well:
            tally_of(team, at, body, place)[SKIPPED] += 1.0

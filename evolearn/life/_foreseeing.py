"""What a life makes of its prediction head, phase by phase: see `evolearn.agent.prediction`."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import TERMINATED, correct
from evolearn.life._views import model_of, read_in, seen_by, seen_in, tally_of
from evolearn.life.records import SKIPPED, UNFINISHED, Body, Places
from evolearn.numerics import floats, integers, within

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


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

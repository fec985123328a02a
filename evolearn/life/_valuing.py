"""What a life does with its innate value, which evolution wrote and nothing in life changes.

As a *potential* it shapes the reward felt: what is worth more by value is better to come to, by as much as leaving it
costs again, so that what is best to do stays as it was.

Source: Ng, Harada and Russell 1999, "Policy invariance under reward transformations", theorem 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import TERMINATED, value_of
from evolearn.life._views import seen_by, seen_in
from evolearn.life.records import UNFINISHED, Body, Places
from evolearn.numerics import floats, integers, within

_ZERO = np.float32(0.0)


@within
def potential_of(team: Any, at: Places, body: Body, place: int, row: int, end: int) -> Any:
    """What one life's potential adds to the reward of a step: discount x V(next) - V(now).

    After the last step of a terminated episode there is nothing to come, V(next) = 0; a truncated one was cut off, and
    V(next) is that of its last observation.

    Args:
        team: handle of a team's memory; what the world shows now is what follows the step.
        at: where everything is there.
        body: how much of it.
        place: of the life.
        row: of the window, that this step was seen in.
        end: GOES_ON, TERMINATED or TRUNCATED.
    Returns:
        float32.
    """
    numbers = floats(team, at.value + place * body.value, body.value)
    layers = integers(team, at.value_layers, body.value_layers)
    scratch = floats(team, at.value_scratch, body.value_scratch)
    after = _ZERO
    if end != TERMINATED:
        after = value_of(numbers, layers, seen_by(team, at, body, place), scratch)
    now = value_of(numbers, layers, seen_in(team, at, body, place, row), scratch)
    return floats(team, at.plasticity + place * body.genes, body.genes)[body.discount] * after - now


@within
def shape_all(team: Any, at: Places, body: Body, row: int, count: int) -> None:
    """Add what its potential makes of this step to the reward of every life that goes on.

    Args:
        team: handle of a team's memory; rewards of row `row` have been written.
        at: where everything is there.
        body: how much of it.
        row: of the windows, that this step was seen in.
        count: lives.
    """
    for place in range(count):
        if integers(team, at.status + place, 1)[0] == UNFINISHED:
            end = integers(team, at.ended + place, 1)[0]
            floats(team, at.rewards + place * body.window, body.window)[row] += potential_of(
                team, at, body, place, row, end
            )

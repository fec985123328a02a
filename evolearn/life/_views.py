"""Views of one life's share of a team's memory: cheap to make, and they count no references."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import Window
from evolearn.life.records import DRIVEN, Body, Places
from evolearn.numerics import LANES, doubles, floats, inlined_within, load_part, spread, total, vector

_ZERO = np.float32(0.0)


@inlined_within
def all_finite(values: Any) -> bool:
    """Whether every entry is finite."""
    total = _ZERO
    for i in range(values.size):
        total += values[i] * _ZERO  # 0 for a finite number, NaN for any other
    return total == 0.0


@inlined_within
def finite_together(values: Any) -> bool:
    """The same of many, sixteen at a time."""
    check = spread(_ZERO)
    for first in range(0, values.size, LANES):
        check = check + load_part(values, first, values.size - first) * _ZERO
    return total(check) == _ZERO


@inlined_within
def finite_rows(values: Any, row: int, rows: int, width: int, count: int) -> bool:
    """The same of row `row` of each of `count` matrices ``[rows, width]``."""
    check = spread(_ZERO)
    for place in range(count):
        start = (place * rows + row) * width
        for first in range(0, width, LANES):
            check = check + load_part(values, start + first, width - first) * _ZERO
    return total(check) == _ZERO


@inlined_within
def clear(values: Any) -> None:
    """Make every entry zero."""
    for i in range(values.size):
        values[i] = 0.0


@inlined_within
def weights_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """A life's weights."""
    return floats(team, at.weights + place * body.stride, body.weights)


@inlined_within
def thoughts_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """Those that its trunk, its policy and its value read, and its learner changes."""
    return floats(team, at.weights + place * body.stride, body.thinking)


@inlined_within
def model_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """Those of its prediction head."""
    return floats(team, at.weights + place * body.stride + body.thinking, body.weights - body.thinking)


@inlined_within
def tally_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """A life's sums."""
    return doubles(team, at.tally + place * (DRIVEN + body.drives), DRIVEN + body.drives)


@inlined_within
def seen_by(team: Any, at: Places, body: Body, place: int) -> Any:
    """What a life's world shows now."""
    return floats(team, at.observation + place * body.observations, body.observations)


@inlined_within
def told_to(team: Any, at: Places, body: Body, place: int) -> Any:
    """What a life's brain is told now."""
    return floats(team, at.told + place * body.told, body.told)


@inlined_within
def told_in(team: Any, at: Places, body: Body, place: int, row: int) -> Any:
    """What it was told in a row of its window."""
    return floats(team, at.observations + (place * (body.window + 1) + row) * body.told, body.told)


@inlined_within
def seen_in(team: Any, at: Places, body: Body, place: int, row: int) -> Any:
    """What a life saw in a row of its window."""
    return floats(team, at.observations + (place * (body.window + 1) + row) * body.told, body.observations)


@inlined_within
def read_in(team: Any, at: Places, body: Body, place: int, row: int) -> Any:
    """What its heads read in a row of its window: the last activations, or what it was told."""
    if body.layers == 1:
        return told_in(team, at, body, place, row)
    end = (place * (body.window + 1) + row + 1) * body.units
    return floats(team, at.activations + end - body.read, body.read)


@inlined_within
def read_from(window: Window, body: Body) -> Any:
    """What the heads read in the first row of a window."""
    if body.layers == 1:
        return vector(window.observations, 0, body.read)
    return vector(window.activations, body.units - body.read, body.read)


@inlined_within
def action_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """What a life does in this step."""
    return floats(team, at.action + place * body.action_size, body.action_size)

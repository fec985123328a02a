"""What a life makes of its prediction head, phase by phase: see `evolearn.agent.prediction`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent import TERMINATED, correct, errors_of, foresee, foresee_control, shorten, slopes_below_prediction
from evolearn.life._views import action_of, clear, model_of, read_in, seen_by, seen_in, tally_of
from evolearn.life.records import SKIPPED, UNFINISHED, Body, Places, copy, window_of
from evolearn.numerics import (
    LANES,
    floats,
    fma,
    inlined_within,
    integers,
    load_part,
    matrix,
    spread,
    store_part,
    total,
    vector,
    within,
)

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inlined_within
def done_in(team: Any, at: Places, body: Body, place: int, row: int) -> Any:
    """What a life did in a row of its window."""
    return floats(team, at.actions + (place * body.window + row) * body.action_size, body.action_size)


@inlined_within
def came_of(team: Any, at: Places, body: Body, place: int, row: int) -> Any:
    """What came of it: changes of what the world shows, reward, end."""
    return floats(team, at.targets + (place * body.window + row) * body.outcomes, body.outcomes)


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
    squares = spread(_ZERO)
    if body.controls > 0:
        foresee_control(model, source, choices, foreseen, control_in(team, at, body))
        size = body.observations * body.controls
        control = floats(team, at.control, size)
        for first in range(0, size, LANES):
            some = load_part(control, first, size - first)
            squares = fma(some, some, squares)
    foresee(model, source, action_of(team, at, body, place), choices, foreseen)
    before = seen_in(team, at, body, place, row)
    for first in range(0, body.observations, LANES):
        count = body.observations - first
        shown = load_part(foreseen, first, count) + load_part(before, first, count)
        store_part(foreseen, first, shown, count)
        squares = fma(shown, shown, squares)
    return math.isfinite(total(squares))


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
        target = came_of(team, at, body, place, row)
        before, after = seen_in(team, at, body, place, row), seen_by(team, at, body, place)
        for i in range(body.observations):
            target[i] = after[i] - before[i]
        target[body.observations] = floats(team, at.rewards + step, 1)[0]
        target[body.observations + 1] = _ONE if integers(team, at.ends + step, 1)[0] == TERMINATED else _ZERO


@within
def learn_to_foresee(team: Any, at: Places, body: Body, choices: int, place: int) -> None:
    """Let one life's prediction head learn from its window, step by step, in order.

    Args:
        team: handle of a team's memory; activations are those with which the window was lived.
        at: where everything is there.
        body: how much of it.
        choices: of a discrete world; 0 for a box.
        place: of the life.
    """
    model = model_of(team, at, body, place)
    errors = floats(team, at.errors, body.outcomes)
    rate = floats(team, at.plasticity + place * body.genes + body.prediction_rate, 1)[0]
    well = True
    for row in range(body.window):
        source = read_in(team, at, body, place, row)
        action, target = done_in(team, at, body, place, row), came_of(team, at, body, place, row)
        well = correct(model, source, action, choices, target, rate, body.layers > 1, errors) and well
    if not well:
        tally_of(team, at, body, place)[SKIPPED] += 1.0


@within
def find_gradient(
    backward_trunk: Any, settings: Any, team: Any, at: Places, body: Body, choices: int, place: int
) -> bool:
    """Work out by how much the trunk's weights have a part in what one life's prediction head errs by in its window.

    The loss is half the squared error, mean over outcomes and over the window. Its derivative by what the heads read is
    known, so the trunk's backward pass runs with heads that hand that on as it is: each reads one of these numbers.

    Args:
        backward_trunk: the trunk's backward pass for heads of any number.
        settings: `gradient_norm` is used: longer gradients are shortened to it.
        team: handle of a team's memory. Written are in `gradient`: the trunk's weights with those heads; as many
            numbers, whose first are the gradient; derivatives by what the heads read, [N, H]; and scratch.
        at: where everything is there.
        body: how much of it.
        choices: of a discrete world; 0 for a box.
        place: of the life.
    Returns:
        False if it is not finite.
    """
    read, rows, outcomes = body.read, body.window, body.outcomes
    size = body.trunk + read * (read + 1)
    whole = floats(team, at.gradient, size)
    gradient = floats(team, at.gradient + size, size)
    start = at.gradient + 2 * size
    slopes = matrix(floats(team, start, rows * read), 0, rows, read)
    start += rows * read
    scratch = floats(team, start, at.gradient + body.gradient - start)
    copy(floats(team, at.weights + place * body.stride, body.trunk), floats(team, at.gradient, body.trunk))
    for i in range(body.trunk, size):
        whole[i] = _ZERO
    for j in range(read):
        whole[body.trunk + j * read + j] = _ONE
    clear(gradient)
    model = model_of(team, at, body, place)
    errors = floats(team, at.errors, outcomes)
    share = _ONE / np.float32(rows * outcomes)
    for row in range(rows):
        action, target = done_in(team, at, body, place, row), came_of(team, at, body, place, row)
        errors_of(model, read_in(team, at, body, place, row), action, choices, target, errors)
        slopes_below_prediction(model, action, choices, errors, share, vector(slopes, row * read, read))
    window = window_of(team, at, body, place)
    backward_trunk(whole, integers(team, at.layers, body.layers), window, slopes, gradient, scratch)
    if shorten(vector(gradient, 0, body.trunk), settings.gradient_norm):
        return True
    tally_of(team, at, body, place)[SKIPPED] += 1.0
    return False


@within
def move_trunk(team: Any, at: Places, body: Body, place: int) -> None:
    """Move one life's trunk along the gradient that was found, by as much as its plasticity says."""
    size = body.trunk + body.read * (body.read + 1)
    gradient = floats(team, at.gradient + size, body.trunk)
    weights = floats(team, at.weights + place * body.stride, body.trunk)
    step = floats(team, at.plasticity + place * body.genes + body.prediction_weight, 1)[0]
    for i in range(body.trunk):
        weights[i] -= step * gradient[i]

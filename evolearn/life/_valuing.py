"""What a life does with its innate value, which evolution wrote and nothing in life changes, or reads in its place.

As a *potential* it shapes the reward felt: what is worth more by value is better to come to, by as much as leaving it
costs again, so that what is best to do stays as it was.
Source: Ng, Harada and Russell 1999, "Policy invariance under reward transformations", theorem 1.

*In acting* it is what a choice is predicted to lead to that is worth more or less: the prediction head, which learns in
life, says what would be seen next, value says how good that is, and the choice's output gets beta times as much. Where
outputs are logits it stays in the window, so that the policy that learns is the one that acted: that sum has the same
derivative by what the trunk thought. Where they are action values it is undone, since those are to become true.

What the critic expects may be read in the place of innate value: what life has taught of value, and no gene.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import TERMINATED, foresee_choice, value_of
from evolearn.life._imagining import dream_in
from evolearn.life._views import model_of, read_in, seen_by, seen_in, thoughts_of
from evolearn.life.records import UNFINISHED, Body, Places, copy
from evolearn.numerics import floats, integers, vector, within

_ZERO, _HALF = np.float32(0.0), np.float32(0.5)


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


@within
def expected_of(think: Any, team: Any, at: Places, body: Body, place: int, observation: Any) -> Any:
    """What one life's critic expects of an observation that it imagines, float32.

    Args:
        think: the trunk's forward pass.
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it; brains are told what the world shows, and carry nothing.
        place: of the life.
        observation: float32 [O].
    """
    dream = dream_in(team, at, body)
    copy(observation, vector(dream.observations, 0, body.observations))
    think(thoughts_of(team, at, body, place), integers(team, at.layers, body.layers), dream, 0)
    return dream.outputs[0, body.outputs - 1]


@within
def look_ahead(think: Any, team: Any, at: Places, body: Body, row: int, count: int) -> None:
    """Add to the output of every choice what it is predicted to lead to: beta x V of what would be seen next.

    V is innate, or what the critic expects. Where the end of the episode is predicted, with 0.5 or more, there is
    nothing to be valued.

    Args:
        think: the trunk's forward pass, for the critic.
        team: handle of a team's memory; every life that goes on has thought.
        at: where everything is there.
        body: how much of it.
        row: of the windows.
        count: lives.
    """
    layers = integers(team, at.value_layers, body.value_layers)
    scratch = floats(team, at.value_scratch, body.value_scratch)
    ahead = floats(team, at.errors, body.outcomes)  # nobody learns now
    for place in range(count):
        if integers(team, at.status + place, 1)[0] != UNFINISHED:
            continue
        output = floats(team, at.outputs + (place * (body.window + 1) + row) * body.outputs, body.outputs)
        if body.undone > 0:
            copy(output, floats(team, at.thought + place * body.undone, body.undone))
        numbers = floats(team, at.value + place * body.value, body.value)
        model, source = model_of(team, at, body, place), read_in(team, at, body, place, row)
        now = seen_in(team, at, body, place, row)
        for choice in range(body.outputs - 1):
            foresee_choice(model, source, choice, ahead)
            if ahead[body.observations + 1] >= _HALF:
                continue
            for i in range(body.observations):
                ahead[i] += now[i]
            if body.critic > 0:
                worth = expected_of(think, team, at, body, place, vector(ahead, 0, body.observations))
            else:
                worth = value_of(numbers, layers, ahead, scratch)
            output[choice] += numbers[body.value - 1] * worth


@within
def look_back(team: Any, at: Places, body: Body, row: int, count: int) -> None:
    """Give every life the outputs that it thought.

    Args:
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        row: of the windows.
        count: lives.
    """
    for place in range(count):
        if integers(team, at.status + place, 1)[0] == UNFINISHED:
            output = floats(team, at.outputs + (place * (body.window + 1) + row) * body.outputs, body.outputs)
            copy(floats(team, at.thought + place * body.undone, body.undone), output)

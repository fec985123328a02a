"""More updates than there are steps: from steps that a life imagines, and from those that it lived.

A step is imagined by the prediction head, from something that was seen and what was done then: Dyna. What a learner
makes of it is what it makes of a step of life; only learners that may learn from what they did not do are taught so.

Source: Sutton 1990, "Integrated architectures for learning, planning, and reacting based on approximating dynamic
programming"; Sutton and Barto 2018, section 8.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import GOES_ON, TERMINATED, Window, foresee, think_again
from evolearn.life._views import action_of, model_of, read_from, seen_in, tally_of, thoughts_of
from evolearn.life.records import SKIPPED, UNFINISHED, UPDATE, Body, Places, copy, window_of
from evolearn.numerics import floats, inlined_within, integers, matrix, vector, within
from evolearn.rng import RNG_SIZE, at_step, integer

_HALF = np.float32(0.5)


@within
def remember_steps(team: Any, at: Places, body: Body, count: int, row: int) -> None:
    """Let every life that goes on remember what it saw and did in this step, in the place of the longest ago.

    Args:
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        count: lives.
        row: of the windows, that this step was seen in.
    """
    here = (integers(team, at.clock, 4)[UPDATE] * body.window + row) % body.remembered
    for place in range(count):
        if integers(team, at.status + place, 1)[0] == UNFINISHED:
            seen, done = remembered_in(team, at, body, place, here)
            copy(seen_in(team, at, body, place, row), seen)
            copy(action_of(team, at, body, place), done)


@inlined_within
def remembered_in(team: Any, at: Places, body: Body, place: int, which: int) -> Any:
    """What one life saw, and did, in a step that it remembers."""
    step = place * body.remembered + which
    return (
        floats(team, at.remembered_observations + step * body.observations, body.observations),
        floats(team, at.remembered_actions + step * body.action_size, body.action_size),
    )


@inlined_within
def dream_in(team: Any, at: Places, body: Body) -> Window:
    """The window of one step that is imagined."""
    observations = at.dream
    activations = observations + 2 * body.observations
    outputs = activations + 2 * body.units
    actions = outputs + 2 * body.outputs
    rewards = actions + body.action_size
    final = rewards + 1
    return Window(
        matrix(floats(team, observations, 2 * body.observations), 0, 2, body.observations),
        matrix(floats(team, activations, 2 * body.units), 0, 2, body.units),
        matrix(floats(team, outputs, 2 * body.outputs), 0, 2, body.outputs),
        matrix(floats(team, actions, body.action_size), 0, 1, body.action_size),
        floats(team, rewards, 1),
        integers(team, at.dream_end, 1),
        matrix(floats(team, final, body.outputs), 0, 1, body.outputs),
        floats(team, at.carry, 0),
        matrix(floats(team, at.lessons, 0), 0, 0, body.lessons),
        integers(team, at.taught, 0),
    )


@within
def imagine(
    think: Any,
    backward: Any,
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
    """Let one life learn from `imagined` imagined steps for each step of its window.

    Each begins at a remembered observation with what was done there; all that are remembered are equally likely. The
    draws are a stream of their own. Arguments are those of `evolearn.life._learning.learn_alone`; `choices` are those
    of a discrete world, and `t` is the age.
    """
    weights, model = thoughts_of(team, at, body, place), model_of(team, at, body, place)
    layers = integers(team, at.layers, body.layers)
    plasticity = floats(team, at.plasticity + place * body.genes, body.genes)
    memory = floats(team, at.memory + place * body.memory, body.memory)
    update = integers(team, at.clock, 4)[UPDATE]
    known = min(body.remembered, (update + 1) * body.window)
    rng = integers(team, at.imagining + place * RNG_SIZE, RNG_SIZE)
    at_step(rng, t + 1)
    dream = dream_in(team, at, body)
    before = vector(dream.observations, 0, body.observations)
    after = vector(dream.observations, body.observations, body.observations)
    foreseen = floats(team, at.foreseen, body.outcomes)
    for _ in range(body.imagined * body.window):
        seen, done = remembered_in(team, at, body, place, integer(rng, 0, known))
        copy(seen, before)
        copy(done, vector(dream.actions, 0, body.action_size))
        think(weights, layers, dream, 0)
        foresee(model, read_from(dream, body), done, choices, foreseen)
        for i in range(body.observations):
            after[i] = before[i] + foreseen[i]
        dream.rewards[0] = foreseen[body.observations]
        dream.ends[0] = TERMINATED if foreseen[body.observations + 1] >= _HALF else GOES_ON
        think(weights, layers, dream, 1)
        if not learn(think, backward, deltas, weights, layers, plasticity, settings, dream, memory, update):
            tally_of(team, at, body, place)[SKIPPED] += 1.0


@within
def repeat_window(
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
    """Let one life learn from its window `repeated` times more, each time thought again with what its weights are now.

    Arguments are those of `evolearn.life._learning.learn_alone`.
    """
    weights = thoughts_of(team, at, body, place)
    layers = integers(team, at.layers, body.layers)
    plasticity = floats(team, at.plasticity + place * body.genes, body.genes)
    memory = floats(team, at.memory + place * body.memory, body.memory)
    window = window_of(team, at, body, place)
    update = integers(team, at.clock, 4)[UPDATE]
    for _ in range(body.repeated):
        think_again(think, weights, layers, window)
        think(weights, layers, window, body.window)
        if not learn(think, backward, deltas, weights, layers, plasticity, settings, window, memory, update):
            tally_of(team, at, body, place)[SKIPPED] += 1.0

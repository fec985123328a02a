"""Learning to do what a teacher does: by gradient, alone or beside reward.

What a teacher did, or would have done, is what the pupil should have put out: the cross-entropy of its choice, or the
squared error of a box's mean action. Steps in which the teacher acted in the pupil's place earned nothing and say
nothing of the pupil's own policy or value: of these the actor-critic learns nothing.
Source: Ross, Gordon and Bagnell 2011, DAgger, section 3; Schmitt et al. 2018, "Kickstarting deep reinforcement
learning", eq. 3, for both at once, with the teacher's action in the place of its distribution.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.brain import BrainSpec
from evolearn.agent.learners.actor_critic import (
    ACTOR_CRITIC,
    DISCOUNT,
    ENTROPY_BONUS,
    GAE_LAMBDA,
    LEARNING_RATE,
    VALUE_WEIGHT,
    actor_critic_memory,
    estimate_advantages,
)
from evolearn.agent.learners.learner import (
    INITIAL_SCALE_GENE,
    LEARNING_RATE as NAMED_RATE,
    TAUGHT_GENES,
    Learner,
    LearnerSettings,
    PlasticityGene,
)
from evolearn.agent.learners.optimisers import descend, shortening, whole_lines
from evolearn.agent.learners.workspace import descent_views, window_views
from evolearn.agent.policies.policy import slopes_by_steps
from evolearn.agent.trunks.trunk import NOT_TAUGHT, WATCHED, Window, think_again
from evolearn.numerics import compiled, exp32, matrix, select, vector

# Place in the plasticity of `learn_rewarded_imitation`, behind the actor-critic's; natural units.
IMITATION_WEIGHT = 6

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)

# Read as a global, see `evolearn.agent.learners.actor_critic`.
slopes_of_window = slopes_by_steps


@compiled
def add_lesson_slopes(window: Window, weight: Any, slopes: Any) -> None:
    """Add `weight` times the derivative of the mean error over a taught window by the outputs.

    The error of a step is ``-sum_k lesson_k log softmax(logits)_k`` of choices, and ``sum_k (mean_k - lesson_k)^2`` of
    a box.

    Args:
        window: lessons, and outputs of rows 0 .. N - 1, are read.
        weight: >= 0.
        slopes: float32 [N, outputs]; those of logits or means are changed.
    """
    rows, width = slopes.shape
    actions = window.lessons.shape[1]
    share = np.float32(weight) / np.float32(rows)
    for row in range(rows):
        if width - 1 > actions:  # a box: behind its means are log standard deviations
            for k in range(actions):
                slopes[row, k] += share * _TWO * (window.outputs[row, k] - window.lessons[row, k])
            continue
        largest = window.outputs[row, 0]
        for k in range(1, actions):
            largest = select(window.outputs[row, k] > largest, window.outputs[row, k], largest)
        total = _ZERO
        for k in range(actions):
            total += exp32(window.outputs[row, k] - largest)
        for k in range(actions):
            chance = exp32(window.outputs[row, k] - largest) / total
            slopes[row, k] += share * (chance - window.lessons[row, k])


@compiled
def learn_imitation(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """Take a gradient step (one per epoch) on a taught window's mean error; of others nothing is learned.

    Args:
        think: the trunk's forward pass, needed from the second epoch on.
        backward: the trunk's backward pass.
        deltas: not used.
        weights: float32 [W], changed.
        layers: int64, the trunk's description.
        plasticity: float32 [4]: learning rate, initial scale, and when it is taught.
        settings: epochs, bound on the gradient, optimiser.
        window: N steps; rewards and ends change nothing.
        memory: float32 [imitation_memory(spec, N)], zero at birth, kept from window to window.
        update: not used: windows that are not taught are no steps of the optimiser.
    Returns:
        False if a gradient was not finite; that step and the rest of the window are then skipped.
    Source: see the module.
    """
    if window.taught[0] == NOT_TAUGHT:
        return True
    size = weights.size
    rows = window.rewards.size
    width = window.outputs.shape[1]
    gradient, first, second, at = descent_views(memory, size)
    slopes = matrix(memory, at, rows, width)
    at += rows * width
    steps = vector(memory, at, 1)  # that the optimiser made
    scratch = vector(memory, at + 1, memory.size - at - 1)
    for epoch in range(settings.epochs):
        if epoch > 0:
            think_again(think, weights, layers, window)
        gradient[:] = _ZERO
        slopes[:] = _ZERO
        add_lesson_slopes(window, _ONE, slopes)
        backward(weights, layers, window, slopes, gradient, scratch)
        scale = shortening(gradient, settings.gradient_norm)
        if math.isnan(scale):
            return False
        steps[0] += _ONE
        descend(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, int(steps[0]), scale)
    return True


def imitation_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_imitation` needs for one life."""
    return 3 * whole_lines(spec.weights) + window * spec.outputs + 1 + spec.scratch(window)


@compiled
def learn_rewarded_imitation(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """Learn from one window by reward, from lessons, or from both; see `learn_actor_critic` for the arguments.

    The loss is the actor-critic's where the teacher was not watched, plus ``imitation_weight`` times the error of
    `add_lesson_slopes` where there were lessons. At a weight of 0 lessons change nothing.

    Args:
        think: ..
        backward: ..
        deltas: ..
        weights: ..
        layers: ..
        plasticity: float32 [9]: the actor-critic's, the weight of imitation, and when it is taught.
        settings: ..
        window: ..
        memory: float32 [actor_critic_memory(spec, N)], zero at birth, kept from window to window.
        update: ..
    Returns:
        False if a gradient was not finite; that step and the rest of the window are then skipped.
    Source: see the module.
    """
    size = weights.size
    rows = window.rewards.size
    width = window.outputs.shape[1]
    gradient, first, second, at = descent_views(memory, size)
    advantages, returns, old, slopes, scratch = window_views(memory, at, rows, width)
    weight = plasticity[IMITATION_WEIGHT] if window.taught[0] != NOT_TAUGHT else _ZERO
    rewarded = window.taught[0] != WATCHED
    if not rewarded and weight == _ZERO:
        return True
    estimate_advantages(window, plasticity[DISCOUNT], plasticity[GAE_LAMBDA], advantages, returns)
    bonus = plasticity[ENTROPY_BONUS]
    value_weight = plasticity[VALUE_WEIGHT]
    for epoch in range(settings.epochs):
        if epoch > 0:
            think_again(think, weights, layers, window)
        if rewarded:
            slopes_of_window(
                deltas, window, epoch, advantages, returns, old, settings.clip, bonus, value_weight, slopes, scratch
            )
        else:
            slopes[:] = _ZERO
        if weight != _ZERO:
            add_lesson_slopes(window, weight, slopes)
        for i in range(size):
            gradient[i] = _ZERO
        backward(weights, layers, window, slopes, gradient, scratch)
        scale = shortening(gradient, settings.gradient_norm)
        if math.isnan(scale):
            return False
        step = update * settings.epochs + epoch + 1
        descend(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, step, scale)
    return True


IMITATION = Learner(
    learn=learn_imitation,
    memory=imitation_memory,
    policies=ACTOR_CRITIC.policies,
    settings=frozenset(LearnerSettings._fields) - {"clip"},
    plasticity=(
        PlasticityGene(NAMED_RATE, "log", 0.001, "Kingma and Ba 2015, algorithm 1"),
        INITIAL_SCALE_GENE,
        *TAUGHT_GENES,
    ),
    recurrent=True,
    imitates=True,
)

REWARDED_IMITATION = Learner(
    learn=learn_rewarded_imitation,
    memory=actor_critic_memory,
    policies=ACTOR_CRITIC.policies,
    settings=ACTOR_CRITIC.settings,
    plasticity=(
        *ACTOR_CRITIC.plasticity,
        PlasticityGene("imitation_weight", "log", 1.0, "Schmitt et al. 2018, section 3: where its schedule begins"),
        *TAUGHT_GENES,
    ),
    value=ACTOR_CRITIC.value,
    recurrent=True,
    imitates=True,
)

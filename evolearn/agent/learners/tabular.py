"""The actor-critic of tables: no two of its states share a number, unless what is seen does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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
from evolearn.agent.learners.learner import Learner, LearnerSettings
from evolearn.agent.learners.optimisers import norm, sgd, whole_lines
from evolearn.agent.learners.workspace import window_views
from evolearn.agent.policies.policy import slopes_by_steps
from evolearn.agent.trunks.trunk import Window
from evolearn.numerics import compiled, vector

_ZERO = np.float32(0.0)

# Read as a global: `evolearn.agent.learners.ready.ready_learner` puts a policy's own in its place.
slopes_of_window = slopes_by_steps


@compiled
def learn_table(
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
    """Learn from one window by a plain step along the actor-critic's gradient; the heads' biases stay as at birth.

    A bias of the policy is shared by all that is ever seen. What an action was worth where it decided nothing would
    change, by it, what is done where it does.

    Args:
        think: not used.
        backward: the trunk's backward pass.
        deltas: the policy's derivative of the loss.
        weights: float32 [W], changed.
        layers: int64, the trunk's description.
        plasticity: float32 [6], as `evolearn.agent.learners.actor_critic` has it.
        settings: not used.
        window: N steps and the output row after them.
        memory: float32 [actor_critic_memory(spec, N)], overwritten.
        update: not used.
    Returns:
        False if the gradient was not finite; nothing is learned then.
    Source: Mnih et al. 2016, algorithm S3; Sutton and Barto 2018, section 13.5.
    """
    rows = window.rewards.size
    width = window.outputs.shape[1]
    gradient = vector(memory, 0, weights.size)
    at = whole_lines(weights.size)
    advantages, returns, old, slopes, scratch = window_views(memory, at, rows, width)
    estimate_advantages(window, plasticity[DISCOUNT], plasticity[GAE_LAMBDA], advantages, returns)
    bonus, worth = plasticity[ENTROPY_BONUS], plasticity[VALUE_WEIGHT]
    slopes_of_window(deltas, window, 0, advantages, returns, old, 1.0, bonus, worth, slopes, scratch)
    for i in range(weights.size):
        gradient[i] = _ZERO
    backward(weights, layers, window, slopes, gradient, scratch)
    if not math.isfinite(norm(gradient)):
        return False
    moving = weights.size - width  # behind them are the heads' biases, one for each output
    sgd(vector(weights, 0, moving), vector(gradient, 0, moving), plasticity[LEARNING_RATE])
    return True


TABULAR_ACTOR_CRITIC = Learner(
    learn=learn_table,
    memory=actor_critic_memory,
    policies={"discrete": "categorical"},
    settings=frozenset(),
    plasticity=ACTOR_CRITIC.plasticity,
    value=ACTOR_CRITIC.value,
)

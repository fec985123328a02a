"""A single-stream actor-critic with GAE, or PPO-clip with several epochs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.brain import BrainSpec
from evolearn.agent.learners.learner import (
    DISCOUNT as NAMED_DISCOUNT,
    INITIAL_SCALE_GENE,
    LEARNING_RATE as NAMED_RATE,
    Learner,
    LearnerSettings,
    PlasticityGene,
)
from evolearn.agent.learners.optimisers import descend, shortening, whole_lines
from evolearn.agent.learners.workspace import descent_views, window_views
from evolearn.agent.policies.policy import slopes_by_steps
from evolearn.agent.policies.table import find_policy
from evolearn.agent.trunks.trunk import GOES_ON, TRUNCATED, Window, think_again
from evolearn.numerics import compiled, fma, inlined, select

# Places of its plasticity; natural units, not logs.
LEARNING_RATE, DISCOUNT, GAE_LAMBDA, ENTROPY_BONUS, VALUE_WEIGHT = 0, 1, 2, 3, 4

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)

# Read as a global: `evolearn.agent.learners.ready.ready_learner` puts a policy's own in its place.
slopes_of_window = slopes_by_steps


@inlined
def estimate_advantages(window: Window, discount: float, gae_lambda: float, advantages: Any, returns: Any) -> None:
    """Generalised advantage estimation over one window.

    Args:
        window: rewards, ends, values (last column of outputs, row N included) and final outputs are read.
        discount: 0 .. 1.
        gae_lambda: 0 .. 1.
        advantages: float32 [N], written.
        returns: float32 [N], written: advantage + value, the critic's target.
    Source: Schulman et al. 2016, "High-dimensional continuous control using GAE", eq. 16.
    """
    value = window.outputs.shape[1] - 1
    keep = np.float32(discount)
    keep_next = keep * np.float32(gae_lambda)
    advantage_next = _ZERO
    value_after = window.outputs[window.rewards.size, value]
    for row in range(window.rewards.size - 1, -1, -1):
        value_t = window.outputs[row, value]
        goes_on = window.ends[row] == GOES_ON
        # No bootstrap: death ends the future.
        cut = select(window.ends[row] == TRUNCATED, window.final_outputs[row, value], _ZERO)
        error = fma(keep, select(goes_on, value_after, cut), window.rewards[row] - value_t)
        advantage_next = select(goes_on, fma(keep_next, advantage_next, error), error)
        advantages[row] = advantage_next
        returns[row] = advantage_next + value_t
        value_after = value_t


@compiled
def learn_actor_critic(
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
    """Learn from one window: change `weights` and `memory`.

    The loss is the mean over the window of ``-min(ratio A, clip(ratio) A) + value_weight (V - R)^2 / 2 - bonus H``.
    One epoch is the plain actor-critic (the ratio is 1); more are PPO on the whole window.

    Args:
        think: the trunk's forward pass, needed from the second epoch on.
        backward: the trunk's backward pass.
        deltas: the policy's derivative of the loss.
        weights: float32 [W], changed.
        layers: int64, the trunk's description.
        plasticity: float32 [6], see the module's constants.
        settings: what does not evolve.
        window: N steps and the output row after them.
        memory: float32 [actor_critic_memory(spec, N)], zero at birth, kept from window to window.
        update: 0 for the first window.
    Returns:
        False if a gradient was not finite; that step and the rest of the window are then skipped.
    Source: Mnih et al. 2016, algorithm S3; Schulman et al. 2017, eqs. 7 and 9.
    """
    size = weights.size
    rows = window.rewards.size
    width = window.outputs.shape[1]
    gradient, first, second, at = descent_views(memory, size)
    advantages, returns, old, slopes, scratch = window_views(memory, at, rows, width)
    estimate_advantages(window, plasticity[DISCOUNT], plasticity[GAE_LAMBDA], advantages, returns)
    bonus = plasticity[ENTROPY_BONUS]
    value_weight = plasticity[VALUE_WEIGHT]
    for epoch in range(settings.epochs):
        if epoch > 0:
            think_again(think, weights, layers, window)
        slopes_of_window(
            deltas, window, epoch, advantages, returns, old, settings.clip, bonus, value_weight, slopes, scratch
        )
        for i in range(size):
            gradient[i] = _ZERO
        backward(weights, layers, window, slopes, gradient, scratch)
        scale = shortening(gradient, settings.gradient_norm)
        if math.isnan(scale):
            return False
        step = update * settings.epochs + epoch + 1
        descend(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, step, scale)
    return True


def actor_critic_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_actor_critic` needs for one life."""
    # Slopes are ready when the trunk's backward pass begins: one scratch is enough for both.
    scratch = max(spec.scratch(window), find_policy(spec.policy).slopes_scratch(spec.outputs))
    return 3 * whole_lines(spec.weights) + 3 * window + window * spec.outputs + scratch


_PPO = "Schulman et al. 2017, table 3"
_A3C = "Mnih et al. 2016, section 8"
ACTOR_CRITIC = Learner(
    learn=learn_actor_critic,
    memory=actor_critic_memory,
    policies={"discrete": "categorical", "box": "gaussian"},
    settings=frozenset(LearnerSettings._fields),
    plasticity=(
        PlasticityGene(NAMED_RATE, "log", 3e-4, _PPO),
        PlasticityGene(NAMED_DISCOUNT, "logit", 0.99, _PPO),
        PlasticityGene("gae_lambda", "logit", 0.95, _PPO),
        PlasticityGene("entropy_bonus", "log", 0.01, _A3C),
        PlasticityGene("value_weight", "log", 0.5, _A3C),
        INITIAL_SCALE_GENE,
    ),
    value="expected sum of discounted rewards, reward = sum of drives x their signals",
    recurrent=True,
    torch_loss="evolearn.agent.torch_losses:actor_critic_loss",
)

"""A single-stream actor-critic with GAE, or PPO-clip with several epochs."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent.brain import BrainSpec
from evolearn.agent.learners.learner import INITIAL_SCALE_GENE, Learner, LearnerSettings, PlasticityGene
from evolearn.agent.learners.optimisers import descend, shorten, whole_lines
from evolearn.agent.trunks.trunk import GOES_ON, TRUNCATED, Window
from evolearn.numerics import compiled, matrix, vector

# Places of its plasticity; natural units, not logs.
LEARNING_RATE, DISCOUNT, GAE_LAMBDA, ENTROPY_BONUS, VALUE_WEIGHT = 0, 1, 2, 3, 4

_ZERO = np.float32(0.0)


@compiled
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
    advantage_next = _ZERO
    for row in range(window.rewards.size - 1, -1, -1):
        value_t = window.outputs[row, value]
        if window.ends[row] == GOES_ON:
            value_next = window.outputs[row + 1, value]
        elif window.ends[row] == TRUNCATED:
            value_next = window.final_outputs[row, value]
            advantage_next = _ZERO
        else:  # no bootstrap: death ends the future
            value_next = _ZERO
            advantage_next = _ZERO
        error = window.rewards[row] + discount * value_next - value_t
        advantage_next = error + discount * gae_lambda * advantage_next
        advantages[row] = advantage_next
        returns[row] = advantage_next + value_t


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
    action_size = window.actions.shape[1]
    padded = whole_lines(size)
    gradient = vector(memory, 0, size)
    first = vector(memory, padded, size)
    second = vector(memory, 2 * padded, size)
    at = 3 * padded
    advantages = vector(memory, at, rows)
    returns = vector(memory, at + rows, rows)
    old = vector(memory, at + 2 * rows, rows)
    at += 3 * rows
    slopes = matrix(memory, at, rows, width)
    at += rows * width
    scratch = vector(memory, at, memory.size - at)
    estimate_advantages(window, plasticity[DISCOUNT], plasticity[GAE_LAMBDA], advantages, returns)
    bonus = plasticity[ENTROPY_BONUS]
    value_weight = plasticity[VALUE_WEIGHT]
    share = np.float32(1.0 / rows)
    for row in range(rows):
        old[row] = np.nan
    for epoch in range(settings.epochs):
        for i in range(size):
            gradient[i] = _ZERO
        for row in range(rows):
            if epoch > 0:
                think(weights, layers, window, row)
            output = vector(window.outputs, row * width, width)
            action = vector(window.actions, row * action_size, action_size)
            slope = vector(slopes, row * width, width)
            deltas(output, action, advantages[row], vector(old, row, 1), settings.clip, bonus, slope)
            slope[width - 1] = value_weight * (output[width - 1] - returns[row])
            for k in range(width):
                slope[k] *= share
        backward(weights, layers, window, slopes, gradient, scratch)
        if not shorten(gradient, settings.gradient_norm):
            return False
        step = update * settings.epochs + epoch + 1
        descend(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, step)
    return True


def actor_critic_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_actor_critic` needs for one life."""
    return 3 * whole_lines(spec.weights) + 3 * window + window * spec.outputs + spec.scratch(window)


_PPO = "Schulman et al. 2017, table 3"
_A3C = "Mnih et al. 2016, section 8"
ACTOR_CRITIC = Learner(
    learn=learn_actor_critic,
    memory=actor_critic_memory,
    policies={"discrete": "categorical", "box": "gaussian"},
    settings=frozenset(LearnerSettings._fields),
    plasticity=(
        PlasticityGene("learning_rate", "log", 3e-4, _PPO),
        PlasticityGene("discount", "logit", 0.99, _PPO),
        PlasticityGene("gae_lambda", "logit", 0.95, _PPO),
        PlasticityGene("entropy_bonus", "log", 0.01, _A3C),
        PlasticityGene("value_weight", "log", 0.5, _A3C),
        INITIAL_SCALE_GENE,
    ),
    value="expected sum of discounted rewards, reward = sum of drives x their signals",
    torch_loss="evolearn.agent.torch_losses:actor_critic_loss",
)

"""The inner learner: a single-stream actor-critic with GAE and Adam, or PPO-clip with several epochs.

A learner turns one window of a life into one change of the weights. It sees rewards and never fitness.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types

from evolearn.brain import TRUNKS, BrainSpec
from evolearn.compiled import compiled, matrix, vector
from evolearn.policy import DELTAS_TYPE
from evolearn.trunk import BACKWARD_TYPE, GOES_ON, THINK_TYPE, TRUNCATED, WINDOW_TYPE, Window


class LearnerSettings(NamedTuple):
    """What of the learner does not evolve."""

    epochs: int  # passes over a window; 1 is the plain actor-critic
    clip: float  # PPO: largest change of a probability ratio from 1; used from the second epoch on
    gradient_norm: float  # longer gradients are shortened to this
    first_decay: float  # Adam's decay of the first moment
    second_decay: float  # Adam's decay of the second moment
    epsilon: float  # Adam's guard against a zero second moment


# Places of the actor-critic's plasticity; natural units, not logs.
LEARNING_RATE, DISCOUNT, GAE_LAMBDA, ENTROPY_BONUS, VALUE_WEIGHT = 0, 1, 2, 3, 4

_FLOATS = types.float32[::1]
SETTINGS_TYPE = types.NamedTuple(
    (types.int64, types.float64, types.float64, types.float64, types.float64, types.float64), LearnerSettings
)
LEARN_TYPE = types.boolean(
    types.FunctionType(THINK_TYPE),
    types.FunctionType(BACKWARD_TYPE),
    types.FunctionType(DELTAS_TYPE),
    _FLOATS,
    types.int64[::1],
    _FLOATS,
    SETTINGS_TYPE,
    WINDOW_TYPE,
    _FLOATS,
    types.int64,
)

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)


@compiled
def estimate_advantages(window: Window, discount: float, gae_lambda: float, advantages: Any, returns: Any) -> None:
    """Generalised advantage estimation over one window.

    Args:
        window: rewards, ends, values (last column of outputs, row N included) and final values are read.
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
            value_next = window.final_values[row]
            advantage_next = _ZERO
        else:  # no bootstrap: death ends the future
            value_next = _ZERO
            advantage_next = _ZERO
        error = window.rewards[row] + discount * value_next - value_t
        advantage_next = error + discount * gae_lambda * advantage_next
        advantages[row] = advantage_next
        returns[row] = advantage_next + value_t


@compiled
def shorten(gradient: Any, longest: float) -> bool:
    """Scale `gradient` to a norm of at most `longest`; False, and nothing done, if it is not finite.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    square = _ZERO
    for i in range(gradient.size):
        square += gradient[i] * gradient[i]
    norm = math.sqrt(square)
    if not math.isfinite(norm):
        return False
    if norm > longest:
        scale = np.float32(longest / norm)
        for i in range(gradient.size):
            gradient[i] *= scale
    return True


@compiled
def adam(weights: Any, gradient: Any, first: Any, second: Any, rate: float, settings: Any, step: int) -> None:
    """One step of Adam.

    Args:
        weights: float32 [W], changed.
        gradient: float32 [W].
        first: float32 [W], running mean of the gradient, changed.
        second: float32 [W], running mean of its square, changed.
        rate: learning rate.
        settings: decays and epsilon, see LearnerSettings.
        step: 1 for the first.
    Source: Kingma and Ba 2015, algorithm 1.
    """
    keep_first = np.float32(settings.first_decay)
    add_first = np.float32(1.0 - settings.first_decay)
    keep_second = np.float32(settings.second_decay)
    add_second = np.float32(1.0 - settings.second_decay)
    size = np.float32(rate / (1.0 - settings.first_decay**step))
    correction = np.float32(1.0 / (1.0 - settings.second_decay**step))
    epsilon = np.float32(settings.epsilon)
    for i in range(weights.size):
        slope = gradient[i]
        mean = keep_first * first[i] + add_first * slope
        square = keep_second * second[i] + add_second * slope * slope
        first[i] = mean
        second[i] = square
        weights[i] -= size * mean / (np.sqrt(square * correction) + epsilon)


@compiled
def _whole_lines(floats: int) -> int:
    """`floats` rounded up to whole cache lines of 16, so that blocks of memory begin on one."""
    return (floats + 15) // 16 * 16


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
    padded = _whole_lines(size)
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
        adam(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, step)
    return True


def actor_critic_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_actor_critic` needs for one life."""
    return (
        3 * _whole_lines(spec.weights)
        + 3 * window
        + window * spec.outputs
        + TRUNKS[spec.trunk].scratch(spec.layers, window)
    )


@dataclasses.dataclass(frozen=True)
class PlasticityGene:
    """One number of the inner learner that evolution may set."""

    name: str
    transform: str  # a name in `evolearn.genome.TRANSFORMS`: how the gene becomes the natural value
    default: float  # natural value of the published defaults
    source: str  # of the default


@dataclasses.dataclass(frozen=True)
class Learner:
    """A row of LEARNERS."""

    learn: Callable[..., bool]  # LEARN_TYPE
    memory: Callable[[BrainSpec, int], int]  # floats of memory for one life with a window of so many steps
    plasticity: tuple[PlasticityGene, ...]  # in the order of the plasticity array


# Scales weights that are drawn afresh; a learner without this gene draws them as they are.
INITIAL_SCALE = "initial_scale"
_PPO = "Schulman et al. 2017, table 3"
_A3C = "Mnih et al. 2016, section 8"
LEARNERS = {
    "actor_critic": Learner(
        learn_actor_critic,
        actor_critic_memory,
        (
            PlasticityGene("learning_rate", "log", 3e-4, _PPO),
            PlasticityGene("discount", "logit", 0.99, _PPO),
            PlasticityGene("gae_lambda", "logit", 0.95, _PPO),
            PlasticityGene("entropy_bonus", "log", 0.01, _A3C),
            PlasticityGene("value_weight", "log", 0.5, _A3C),
            PlasticityGene(INITIAL_SCALE, "log", 1.0, "1: the standard initialisation as it is"),
        ),
    ),
}

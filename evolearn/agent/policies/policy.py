"""Policies: how an action is drawn from an output row, and how a loss flows back to that row.

An output row is ``[logits.., value]`` for a categorical policy, ``[means.., log standard deviations.., value]`` for a
diagonal Gaussian, ``[action values.., not used]`` for an epsilon-greedy and ``[actions.., not used]`` for a
deterministic one. Which of them a brain has follows from its learner and the world's actions. A new policy is a row of
POLICIES.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from evolearn.agent.policies.deterministic import choose_deterministic
from evolearn.agent.policies.epsilon_greedy import choose_epsilon_greedy
from evolearn.numerics import compiled
from evolearn.rng import normal_pair, uniform

MIN_LOG_STDEV, MAX_LOG_STDEV = -5.0, 2.0

_FLOATS = types.float32[::1]
# output, plasticity, action stream, action (written)
CHOOSE_TYPE = types.void(_FLOATS, _FLOATS, types.int64[::1], _FLOATS)
DELTAS_TYPE = types.void(_FLOATS, _FLOATS, types.float64, _FLOATS, types.float64, types.float64, _FLOATS)

_ZERO = np.float32(0.0)


@dataclasses.dataclass(frozen=True)
class Policy:
    """A row of POLICIES."""

    has_log_stdev: bool  # one weight per action dimension, independent of the observation
    choose: Callable[..., None]  # CHOOSE_TYPE
    deltas: Callable[..., None]  # DELTAS_TYPE
    initial_scale: float  # of the policy head's weights at the start, see `evolearn.agent.trunks.heads.head_tensors`
    initial_value_scale: float  # of the value head's


@compiled
def choose_categorical(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Draw a choice from the softmax of an output row's logits.

    Args:
        output: float32 [choices + 1].
        plasticity: not used.
        rng: the action stream, at this step.
        action: float32 [1], written: the choice as a number.
    """
    choices = output.size - 1
    largest = output[0]
    for k in range(1, choices):
        largest = max(largest, output[k])
    total = 0.0
    for k in range(choices):
        total += math.exp(output[k] - largest)
    left = uniform(rng) * total
    choice = 0
    while choice < choices - 1:
        left -= math.exp(output[choice] - largest)
        if left <= 0.0:
            break
        choice += 1
    action[0] = choice


@compiled
def choose_gaussian(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Draw an action from an output row's diagonal Gaussian.

    Args:
        output: float32 [2 actions + 1]: means, log standard deviations, value.
        plasticity: not used.
        rng: the action stream, at this step.
        action: float32 [actions], written; not clipped.
    """
    actions = (output.size - 1) // 2
    for k in range(0, actions, 2):
        first, second = normal_pair(rng)
        action[k] = output[k] + bounded_stdev(output[actions + k]) * first
        if k + 1 < actions:
            action[k + 1] = output[k + 1] + bounded_stdev(output[actions + k + 1]) * second


@compiled
def bounded_stdev(log_stdev: Any) -> float:
    """The standard deviation of an action: the exponential of its log, held within the module's bounds."""
    return math.exp(min(max(log_stdev, MIN_LOG_STDEV), MAX_LOG_STDEV))


@compiled
def policy_weight(ratio: float, advantage: float, clip: float) -> float:
    """Derivative of PPO's clipped objective by the log probability of the action taken; 0 where the clip holds.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms", eq. 7.
    """
    if advantage > 0.0 and ratio > 1.0 + clip:
        return 0.0
    if advantage < 0.0 and ratio < 1.0 - clip:
        return 0.0
    return ratio * advantage


@compiled
def categorical_deltas(
    output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any
) -> None:
    """Derivative of ``-objective - bonus * entropy`` by the logits of one step.

    Args:
        output: float32 [choices + 1].
        action: float32 [1], the choice taken.
        advantage: of this step.
        old: float32 [1]: log probability of the action when it was taken; NaN in the first epoch, then written.
        clip: largest change of the probability ratio from 1.
        bonus: weight of the entropy.
        delta: float32 [choices + 1], all but the last written.
    """
    choices = output.size - 1
    largest = output[0]
    for k in range(1, choices):
        largest = max(largest, output[k])
    total = _ZERO
    for k in range(choices):
        delta[k] = math.exp(output[k] - largest)
        total += delta[k]
    log_total = math.log(total)
    entropy = _ZERO
    for k in range(choices):
        delta[k] /= total
        entropy -= delta[k] * (output[k] - largest - log_total)
    taken = int(action[0])
    log_probability = output[taken] - largest - log_total
    ratio = 1.0
    if math.isnan(old[0]):
        old[0] = log_probability
    else:
        ratio = math.exp(log_probability - old[0])
    weight = np.float32(policy_weight(ratio, advantage, clip))
    for k in range(choices):
        probability = delta[k]
        surprise = output[k] - largest - log_total + entropy
        delta[k] = probability * (weight + bonus * surprise)
    delta[taken] -= weight


@compiled
def gaussian_deltas(
    output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any
) -> None:
    """Derivative of ``-objective - bonus * entropy`` by the means and log standard deviations of one step.

    Log standard deviations beyond their bounds keep the objective's gradient, so that they can come back.

    Args:
        output: float32 [2 actions + 1].
        action: float32 [actions], as drawn.
        advantage: of this step.
        old: float32 [1]: log probability of the action when it was taken; NaN in the first epoch, then written.
        clip: largest change of the probability ratio from 1.
        bonus: weight of the entropy.
        delta: float32 [2 actions + 1], all but the last written.
    """
    actions = action.size
    log_probability = 0.0  # up to a constant that cancels in the ratio
    for k in range(actions):
        stdev = bounded_stdev(output[actions + k])
        z = (action[k] - output[k]) / stdev
        log_probability -= 0.5 * z * z + math.log(stdev)
    ratio = 1.0
    if math.isnan(old[0]):
        old[0] = log_probability
    else:
        ratio = math.exp(log_probability - old[0])
    weight = policy_weight(ratio, advantage, clip)
    for k in range(actions):
        stdev = bounded_stdev(output[actions + k])
        z = (action[k] - output[k]) / stdev
        delta[k] = -weight * z / stdev
        # Beyond the bound more spread changes no action: no bonus for drifting on.
        delta[actions + k] = -weight * (z * z - 1.0) - (bonus if output[actions + k] < MAX_LOG_STDEV else 0.0)


@compiled
def no_deltas(output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any) -> None:
    """Of policies that no policy gradient teaches."""


# A policy head a hundred times smaller than the value head: Andrychowicz et al. 2021, section 3.2, "What matters for
# on-policy deep actor-critic methods?". Action values start at 0: Sutton and Barto 2018, section 6.5, with Q arbitrary.
POLICIES = {
    "categorical": Policy(False, choose_categorical, categorical_deltas, 0.01, 1.0),
    "gaussian": Policy(True, choose_gaussian, gaussian_deltas, 0.01, 1.0),
    "epsilon_greedy": Policy(False, choose_epsilon_greedy, no_deltas, 0.0, 0.0),
    "deterministic": Policy(False, choose_deterministic, no_deltas, 1.0, 0.0),
}

"""Policies: how an action is drawn from an output row, and how a loss flows back to that row.

An output row is ``[logits.., value]`` for a categorical policy, ``[means.., log standard deviations.., value]`` for a
diagonal Gaussian, ``[action values.., not used]`` for an epsilon-greedy and ``[actions.., not used]`` for a
deterministic one. Which of them a brain has follows from its learner and the world's actions.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

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
    """A row of `evolearn.agent.policies.table.POLICIES`.

    The fields from `has_value` on are what a policy is known by elsewhere. Where one that is left out is missed, what
    needs it says so.
    """

    has_log_stdev: bool  # one weight per action dimension, independent of the observation
    choose: Callable[..., None]  # CHOOSE_TYPE
    deltas: Callable[..., None]  # DELTAS_TYPE
    initial_scale: float  # of the policy head's weights at the start, see `evolearn.agent.trunks.heads.head_tensors`
    initial_value_scale: float  # of the value head's
    has_value: bool = True  # whether anybody reads the value output
    genes: tuple[str, ...] = ()  # of the learner's plasticity that it reads, also in a life without learning
    is_relative: bool = False  # what is added to all outputs changes no action, as with logits
    output: str = "the policy's output"  # what one output is, in a sentence: "the value of a choice"
    curve: str = "policy output"  # what is drawn against an observation: "probability"
    curve_of: Callable[[Any], Any] | None = None  # from outputs [n, ..] to that, [n, A]; None: the first A outputs
    how_to_act: str | None = None  # for whoever gets the brain without evolearn: what it puts out, and what to do
    how_to_act_by_graph: str | None = None  # the same of an ONNX graph; None: the same
    torch_code: str | None = None  # the action, from ``brain``, ``weights`` and ``observation``, a line of Python
    torch_law: str | Callable[..., Any] | None = None  # log probability and entropy in torch, see `torch_losses`


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


def softmax(logits: Any) -> Any:
    """Probabilities [n, choices] of logits [n, choices], NumPy's."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# A policy head a hundred times smaller than the value head: Andrychowicz et al. 2021, section 3.2, "What matters for
# on-policy deep actor-critic methods?".
CATEGORICAL = Policy(
    has_log_stdev=False,
    choose=choose_categorical,
    deltas=categorical_deltas,
    initial_scale=0.01,
    initial_value_scale=1.0,
    is_relative=True,
    output="the logit of a choice (against the mean of all)",
    curve="probability",
    curve_of=softmax,
    how_to_act="policy holds a logit per action: draw the action from their softmax",
    torch_code="torch.distributions.Categorical(logits=brain(observation)).sample()",
    torch_law="evolearn.agent.torch_losses:categorical_law",
)
GAUSSIAN = Policy(
    has_log_stdev=True,
    choose=choose_gaussian,
    deltas=gaussian_deltas,
    initial_scale=0.01,
    initial_value_scale=1.0,
    output="the mean action",
    curve="mean action",
    how_to_act="policy holds a mean per action, and the tensor policy.log_stdev a log standard deviation per action "
    "that no observation changes: draw from the normal distribution",
    # There the standard deviations are part of the output.
    how_to_act_by_graph="policy holds a mean per action, then a log standard deviation per action that no observation "
    "changes: draw from the normal distribution",
    torch_code='torch.distributions.Normal(brain(observation), weights["policy.log_stdev"].exp()).sample()',
    torch_law="evolearn.agent.torch_losses:gaussian_law",
)

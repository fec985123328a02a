"""The heads of a brain: policy and value, linear in the trunk's last activations.

Their weights, in this order, for Y linear outputs (policy, then value) and S log standard deviations (none for a
categorical policy): matrix ``[Y, H]`` (one row per output), bias ``[Y]``, log standard deviations ``[S]``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.trunks.dense import add_product
from evolearn.agent.trunks.trunk import Tensor
from evolearn.numerics import compiled, vector

_ZERO = np.float32(0.0)


@compiled
def speak(weights: Any, source: Any, output: Any) -> None:
    """Run the heads: policy and value are linear in `source`, log standard deviations are copied.

    Args:
        weights: float32, the heads' share of the weights.
        source: float32 [H], the last activations.
        output: float32 [policy parameters + 1], written.
    """
    inputs = source.size
    parameters = output.size - 1
    # One row and one bias per linear output; what remains of the weights are the log standard deviations.
    linear = (weights.size - parameters - 1) // inputs
    actions = linear - 1
    for k in range(linear):
        factors = vector(weights, k * inputs, inputs)
        total = _ZERO
        for j in range(inputs):
            total += source[j] * factors[j]
        output[k if k < actions else parameters] = total + weights[linear * inputs + k]
    for k in range(actions, parameters):
        output[k] = weights[linear * inputs + 1 + k]


@compiled
def heads_backward(size: int, source: Any, column: int, deltas: Any, gradient: Any) -> None:
    """Add the heads' gradient.

    Args:
        size: H, inputs of the heads.
        source: float32 [at least N, ..]; the heads' inputs begin at `column`.
        column: see source.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        gradient: float32, the heads' share, added to.
    """
    rows, width = deltas.shape
    parameters = width - 1
    linear = (gradient.size - parameters - 1) // size
    actions = linear - 1
    for k in range(linear):
        output = k if k < actions else parameters
        target = vector(gradient, k * size, size)
        add_product(target, deltas, output, width, source, column, source.shape[1], rows)
        for row in range(rows):
            gradient[linear * size + k] += deltas[row, output]
    for k in range(actions, parameters):
        for row in range(rows):
            gradient[linear * size + 1 + k] += deltas[row, k]


@compiled
def slopes_below_heads(weights: Any, deltas: Any, slopes: Any) -> None:
    """Write the derivative of the loss by the heads' inputs.

    Args:
        weights: float32, the heads' share of the weights.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        slopes: float32 [N, H], written.
    """
    rows, inputs = slopes.shape
    width = deltas.shape[1]
    parameters = width - 1
    actions = (weights.size - parameters - 1) // inputs - 1
    slopes[:] = _ZERO
    for row in range(rows):
        slope = vector(slopes, row * inputs, inputs)
        add_product(slope, deltas, row * width, 1, weights, 0, inputs, actions)
        add_product(slope, deltas, row * width + parameters, 1, weights, actions * inputs, inputs, 1)


def head_tensors(
    inputs: int, actions: int, log_stdevs: int, policy_scale: float, value_scale: float, policy_mean: float = 0.0
) -> tuple[Tensor, ...]:
    """Policy and value heads.

    Args:
        inputs: units of the trunk's last layer.
        actions: choices or dimensions.
        log_stdevs: how many.
        policy_scale: standard deviation of the policy head's weights at the start, times the root of `inputs`.
        value_scale: of the value head's, likewise.
        policy_mean: biases of the policy head at the start.

    Source: Andrychowicz et al. 2021, "What matters for on-policy deep actor-critic methods?", section 3.2, for the
    standard deviation 0.5 of actions at the start.
    """
    policy_and_value = (
        Tensor("policy.weight", (actions, inputs), policy_scale / math.sqrt(inputs)),
        Tensor("value.weight", (1, inputs), value_scale / math.sqrt(inputs)),
        Tensor("policy.bias", (actions,), 0.0, policy_mean),
        Tensor("value.bias", (1,), 0.0),
    )
    if log_stdevs == 0:
        return policy_and_value
    return (*policy_and_value, Tensor("policy.log_stdev", (log_stdevs,), 0.0, math.log(0.5)))

"""The heads of a brain: policy and value, linear in the trunk's last activations.

Their weights, in this order, for Y linear outputs (policy, then value) and S log standard deviations (none for a
categorical policy): matrix ``[Y, H]`` (one row per output), bias ``[Y]``, log standard deviations ``[S]``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.compiled import compiled, vector
from evolearn.dense import add_product
from evolearn.trunk import Tensor

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
def speak_backward(weights: Any, activations: Any, column: int, deltas: Any, gradient: Any, slopes: Any) -> None:
    """Add the heads' gradient, and write the derivative of the loss by the last activations.

    Args:
        weights: float32, the heads' share of the weights.
        activations: float32 [at least N, ..]; the heads' inputs begin at `column`.
        column: see activations.
        deltas: float32 [N, policy parameters + 1].
        gradient: float32, the heads' share, added to.
        slopes: float32 [N, H], written.
    """
    rows, inputs = slopes.shape
    parameters = deltas.shape[1] - 1
    linear = (weights.size - parameters - 1) // inputs
    actions = linear - 1
    width = parameters + 1
    slopes[:] = _ZERO
    for row in range(rows):
        slope = vector(slopes, row * inputs, inputs)
        add_product(slope, deltas, row * width, 1, weights, 0, inputs, actions)
        add_product(slope, deltas, row * width + parameters, 1, weights, actions * inputs, inputs, 1)
    for k in range(linear):
        output = k if k < actions else parameters
        target = vector(gradient, k * inputs, inputs)
        add_product(target, deltas, output, width, activations, column, activations.shape[1], rows)
        for row in range(rows):
            gradient[linear * inputs + k] += deltas[row, output]
    for k in range(actions, parameters):
        for row in range(rows):
            gradient[linear * inputs + 1 + k] += deltas[row, k]


def head_tensors(inputs: int, actions: int, log_stdevs: int) -> tuple[Tensor, ...]:
    """Policy and value heads.

    The policy head starts a hundred times smaller than the value head, actions with standard deviation 0.5.
    Source: Andrychowicz et al. 2021, "What matters for on-policy deep actor-critic methods?", section 3.2.
    """
    policy_and_value = (
        Tensor("policy.weight", (actions, inputs), 0.01 / math.sqrt(inputs)),
        Tensor("value.weight", (1, inputs), 1.0 / math.sqrt(inputs)),
        Tensor("policy.bias", (actions,), 0.0),
        Tensor("value.bias", (1,), 0.0),
    )
    if log_stdevs == 0:
        return policy_and_value
    return (*policy_and_value, Tensor("policy.log_stdev", (log_stdevs,), 0.0, math.log(0.5)))

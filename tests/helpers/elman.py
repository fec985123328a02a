"""Shared by tests: ELMAN, a recurrent trunk of one layer, which learns as if the state that came in were a constant.

Source: Elman 1990, "Finding structure in time".
"""

import math

from evolearn.agent import Tensor, Trunk
from evolearn.agent.trunks.dense import tanh
from evolearn.agent.trunks.heads import heads_backward, slopes_below_heads, speak
from evolearn.numerics import compiled, matrix, vector


@compiled
def think_elman(weights, layers, window, row):
    inputs, units = layers[0], layers[1]
    kept = window.activations.shape[1]
    before = vector(window.activations, row * kept, units)
    state = vector(window.activations, row * kept + units, units)
    for j in range(units):
        before[j] = window.carry[j]
    for j in range(units):
        total = weights[(inputs + units) * units + j]
        for i in range(inputs):
            total += window.observations[row, i] * weights[i * units + j]
        for i in range(units):
            total += before[i] * weights[(inputs + i) * units + j]
        state[j] = tanh(total)
    if row < window.rewards.size:
        for j in range(units):
            window.carry[j] = state[j]
    start = (inputs + units + 1) * units
    width = window.outputs.shape[1]
    speak(
        vector(weights, start, weights.size - start),
        state,
        vector(window.outputs, row * width, width),
    )


@compiled
def backward_elman(weights, layers, window, deltas, gradient, scratch):
    inputs, units = layers[0], layers[1]
    start = (inputs + units + 1) * units
    heads = weights.size - start
    slopes = matrix(scratch, 0, deltas.shape[0], units)
    slopes_below_heads(vector(weights, start, heads), deltas, slopes)
    heads_backward(units, window.activations, units, deltas, vector(gradient, start, heads))
    for row in range(deltas.shape[0]):
        for j in range(units):
            state = window.activations[row, units + j]
            slope = slopes[row, j] * (1.0 - state * state)
            gradient[(inputs + units) * units + j] += slope
            for i in range(inputs):
                gradient[i * units + j] += slope * window.observations[row, i]
            for i in range(units):
                gradient[(inputs + i) * units + j] += slope * window.activations[row, i]


def elman_tensors(layers):
    inputs, units = layers
    spread = 1.0 / math.sqrt(inputs + units)
    return (
        Tensor("hidden1.inputs", (inputs, units), spread),
        Tensor("hidden1.state", (units, units), spread),
        Tensor("hidden1.bias", (units,), 0.0),
    )


ELMAN = Trunk(
    tensors=elman_tensors,
    think=think_elman,
    backward=backward_elman,
    scratch=lambda layers, window: window * layers[1],
    carry=lambda layers: layers[1],
    units=lambda layers: 2 * layers[1],
)

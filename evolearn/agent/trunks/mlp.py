"""Trunks of any number of dense layers with the heads on top, whatever their activation; and the tanh trunk.

Their weights, in this order: per layer matrix ``[inputs, units]``, bias ``[units]``; then those of the heads.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from evolearn.agent.trunks.dense import add_product, dense_backward, tanh, tanh_backward, transpose
from evolearn.agent.trunks.heads import heads_backward, slopes_below_heads, speak
from evolearn.agent.trunks.product import gains, multiply, multiply_backward
from evolearn.agent.trunks.tiles import dense_functions
from evolearn.agent.trunks.trunk import Layers, Tensor, Trunk, Window
from evolearn.numerics import compiled, matrix, spliced, vector

_ZERO = np.float32(0.0)


@spliced
def _run_layers(weights: Any, layers: Any, depth: int, window: Window, row: int, activation: Any) -> int:
    """Run the first `depth` layers on one row; where in the weights those of what is above begin."""
    start = 0
    place = row * window.activations.shape[1]
    for layer in range(1, depth + 1):
        inputs = layers[layer - 1]
        units = layers[layer]
        target = vector(window.activations, place, units)
        bias = vector(weights, start + inputs * units, units)
        for j in range(units):
            target[j] = bias[j]
        if layer == 1:
            add_product(target, window.observations, row * inputs, 1, weights, start, units, inputs)
        else:
            add_product(target, window.activations, place - inputs, 1, weights, start, units, inputs)
        for j in range(units):
            target[j] = activation(target[j])
        start += (inputs + 1) * units
        place += units
    return start


@spliced
def think_dense(weights: Any, layers: Any, window: Window, row: int, activation: Any) -> None:
    """Run the brain on one row of a window: read its observation, write its activations and its output row.

    Args:
        weights: float32 [W], laid out as the module says.
        layers: int64 [1 + trunk layers], units per layer, observations first.
        window: see `Window`.
        row: which row, 0 .. N.
        activation: compiled function of one float32.
    """
    start = _run_layers(weights, layers, layers.size - 1, window, row, activation)
    units = layers[layers.size - 1]
    source = vector(window.activations, (row + 1) * window.activations.shape[1] - units, units)
    width = window.outputs.shape[1]
    speak(vector(weights, start, weights.size - start), source, vector(window.outputs, row * width, width))


@spliced
def think_dense_product(weights: Any, layers: Any, window: Window, row: int, activation: Any) -> None:
    """`think_dense` with the readout of `evolearn.agent.trunks.product`; `layers` has the world's observations last."""
    start = _run_layers(weights, layers, layers.size - 2, window, row, activation)
    known = layers[layers.size - 1]
    units = layers[layers.size - 2]
    length = window.activations.shape[1]
    multiply(vector(weights, start, known * units), known, window, row, length - 3 * units, units)
    start += known * units
    source = vector(window.activations, (row + 1) * length - units, units)
    width = window.outputs.shape[1]
    speak(vector(weights, start, weights.size - start), source, vector(window.outputs, row * width, width))


@spliced
def backward_dense(
    weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any, activation_backward: Any
) -> None:
    """Add the gradient of a window's loss to `gradient`, by backpropagation through heads and trunk.

    Args:
        weights: float32 [W], those with which the window's activations were made.
        layers: int64 [1 + trunk layers].
        window: see `Window`; rows 0 .. N - 1 are used.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        gradient: float32 [W], added to.
        scratch: float32 [dense_scratch(layers, N)], overwritten.
        activation_backward: see `evolearn.agent.trunks.dense.tanh_backward`.
    """
    rows = deltas.shape[0]
    start = 0
    for layer in range(1, layers.size):
        start += (layers[layer - 1] + 1) * layers[layer]
    units = layers[layers.size - 1]
    column = window.activations.shape[1] - units
    heads = weights.size - start
    slopes = matrix(scratch, 0, rows, units)
    slopes_below_heads(vector(weights, start, heads), deltas, slopes)
    heads_backward(units, window.activations, column, deltas, vector(gradient, start, heads))
    _layers_backward(weights, layers, layers.size - 1, window, rows, start, gradient, scratch, activation_backward)


@spliced
def backward_dense_product(
    weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any, activation_backward: Any
) -> None:
    """`backward_dense` with the readout of `evolearn.agent.trunks.product`."""
    rows = deltas.shape[0]
    known = layers[layers.size - 1]
    units = layers[layers.size - 2]
    start = 0
    for layer in range(1, layers.size - 1):
        start += (layers[layer - 1] + 1) * layers[layer]
    above = start + known * units
    column = window.activations.shape[1] - units
    heads = weights.size - above
    slopes = matrix(scratch, 0, rows, units)
    slopes_below_heads(vector(weights, above, heads), deltas, slopes)
    heads_backward(units, window.activations, column, deltas, vector(gradient, above, heads))
    share = vector(gradient, start, known * units)
    spare = vector(scratch, rows * units, rows * units)
    multiply_backward(known, window, column - 2 * units, slopes, share, spare)
    _layers_backward(weights, layers, layers.size - 2, window, rows, start, gradient, scratch, activation_backward)


@spliced
def _layers_backward(
    weights: Any,
    layers: Any,
    depth: int,
    window: Window,
    rows: int,
    start: int,
    gradient: Any,
    scratch: Any,
    activation_backward: Any,
) -> None:
    """Add the gradient of the first `depth` layers, whose weights end at `start`.

    The scratch begins with the derivatives by the last of them, [N, units].
    """
    column = 0
    widest = 0
    for layer in range(1, depth + 1):
        column += layers[layer]
        widest = max(widest, layers[layer])
    above = 0
    below = rows * widest
    spare = 2 * rows * widest
    units = layers[depth]
    column -= units
    slopes = matrix(scratch, above, rows, units)
    for layer in range(depth, 0, -1):
        inputs = layers[layer - 1]
        start -= (inputs + 1) * units
        activation_backward(window.activations, column, slopes)
        share = vector(gradient, start, (inputs + 1) * units)
        column -= inputs
        if layer == 1:
            dense_backward(window.observations, 0, slopes, share)
        else:
            dense_backward(window.activations, column, slopes, share)
            transposed = matrix(scratch, spare, units, inputs)
            transpose(matrix(weights, start, inputs, units), transposed)
            slopes_below = matrix(scratch, below, rows, inputs)
            slopes_below[:] = _ZERO
            for row in range(rows):
                target = vector(slopes_below, row * inputs, inputs)
                add_product(target, slopes, row * units, 1, transposed, 0, inputs, units)
            slopes = slopes_below
            units = inputs
            above, below = below, above


def dense_tensors(layers: Layers, gain: float) -> tuple[Tensor, ...]:
    """Matrix and bias of every trunk layer; matrices start normal with variance gain / inputs, biases at zero."""
    tensors: list[Tensor] = []
    for number, (inputs, units) in enumerate(itertools.pairwise(layers), start=1):
        tensors.append(Tensor(f"hidden{number}.weight", (inputs, units), math.sqrt(gain) / math.sqrt(inputs)))
        tensors.append(Tensor(f"hidden{number}.bias", (units,), 0.0))
    return tuple(tensors)


def dense_scratch(layers: Layers, window: int) -> int:
    """Floats that `backward_dense` needs: two rows of deltas per step, and one transposed matrix."""
    matrices = [inputs * units for inputs, units in itertools.pairwise(layers[1:])]
    return 2 * window * max(layers[1:]) + max(matrices, default=0)


def product_of(
    think: Callable[..., None],
    backward: Callable[..., None],
    tensors: Callable[[Layers], tuple[Tensor, ...]],
    module: str,
    operator: str,
) -> Trunk:
    """The twin of a trunk of dense layers with the readout of `evolearn.agent.trunks.product`."""
    return Trunk(
        tensors=lambda layers: (*tensors(layers[:-1]), gains(layers)),
        think=think,
        backward=backward,
        scratch=lambda layers, window: dense_scratch(layers[:-1], window),
        carry=lambda layers: 0,
        units=lambda layers: sum(layers[1:-1]) + 2 * layers[-2],
        torch_module=module,
        onnx_operator=operator,
    )


@compiled
def think_mlp(weights: Any, layers: Any, window: Window, row: int) -> None:
    """`think_dense` with tanh."""
    think_dense(weights, layers, window, row, tanh)


@compiled
def backward_mlp(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """`backward_dense` with tanh."""
    backward_dense(weights, layers, window, deltas, gradient, scratch, tanh_backward)


@compiled
def think_mlp_product(weights: Any, layers: Any, window: Window, row: int) -> None:
    """`think_dense_product` with tanh."""
    think_dense_product(weights, layers, window, row, tanh)


@compiled
def backward_mlp_product(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """`backward_dense_product` with tanh."""
    backward_dense_product(weights, layers, window, deltas, gradient, scratch, tanh_backward)


def mlp_tensors(layers: Layers) -> tuple[Tensor, ...]:
    """Matrices start normal with variance 1 / inputs. Source: LeCun et al. 1998, "Efficient BackProp", eq. 16."""
    return dense_tensors(layers, 1.0)


MLP = Trunk(
    tensors=mlp_tensors,
    think=think_mlp,
    backward=backward_mlp,
    scratch=dense_scratch,
    carry=lambda layers: 0,
    tiled=functools.partial(dense_functions, activation="tanh"),
    torch_module="Tanh",
    onnx_operator="Tanh",
    symmetry="sign",
    product=product_of(think_mlp_product, backward_mlp_product, mlp_tensors, "Tanh", "Tanh"),
)

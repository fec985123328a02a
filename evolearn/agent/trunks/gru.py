"""The gated recurrent unit, in layers: a trunk that remembers.

A layer of H units with inputs x and state h, elementwise products, sigma the logistic function:

    r = sigma(x W_r + h U_r + b_r)                      reset
    z = sigma(x W_z + h U_z + b_z)                      update: what of the state is kept
    n = tanh(x W_n + b_n + r (h U_n + b_m))             candidate; m = h U_n + b_m is what is recalled
    h' = n + z (h - n)

Weights of a layer, in this order: inputs ``[inputs, 3 H]``, columns n, r, z; state ``[H, 3 H]``, columns r, z, m;
biases of n, r, z, m, ``[H]`` each. A row of activations: the states of all layers that came in and the link, see
`evolearn.agent.trunks.trunk`; then per layer n, r, z, m and h'. ``carry`` is the states of all layers and the link.

Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", eqs. 5 - 8, with the reset gate
after the product, as in torch.nn.GRUCell.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from evolearn.agent.trunks.dense import add_product, tanh, transpose
from evolearn.agent.trunks.gru_tiles import gru_functions, gru_shared
from evolearn.agent.trunks.heads import heads_backward, slopes_below_heads, speak
from evolearn.agent.trunks.product import gains, multiply, multiply_backward
from evolearn.agent.trunks.trunk import Layers, Tensor, Trunk, Window
from evolearn.numerics import compiled, matrix, spliced, vector

HOLD = 2.0  # bias of the update gate at the start: sigma(2) = 0.88 of the state is kept, half of it over 5 steps

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


@compiled
def sigmoid(x: Any) -> Any:
    """The logistic function of a float32, by `evolearn.agent.trunks.dense.tanh`."""
    return _HALF + _HALF * tanh(_HALF * x)


@spliced
def _remember(weights: Any, layers: Any, depth: int, window: Window, row: int) -> int:
    """Run the first `depth` layers on one row; where in the weights those of what is above begin."""
    states = 0
    for layer in range(1, depth + 1):
        states += layers[layer]
    begin = row * window.activations.shape[1]
    came_in = vector(window.activations, begin, states + 1)
    for i in range(states + 1):
        came_in[i] = window.carry[i]
    goes_on = row < window.rewards.size
    start = 0
    before = 0
    here = begin + states + 1
    for layer in range(1, depth + 1):
        inputs = layers[layer - 1]
        units = layers[layer]
        state = start + 3 * inputs * units
        bias = vector(weights, state + 3 * units * units, 4 * units)
        sums = vector(window.activations, here, 4 * units)
        for j in range(4 * units):
            sums[j] = bias[j]
        fed = vector(window.activations, here, 3 * units)
        if layer == 1:
            add_product(fed, window.observations, row * inputs, 1, weights, start, 3 * units, inputs)
        else:
            add_product(fed, window.activations, here - inputs, 1, weights, start, 3 * units, inputs)
        recalled = vector(window.activations, here + units, 3 * units)
        add_product(recalled, window.activations, begin + before, 1, weights, state, 3 * units, units)
        old = vector(window.activations, begin + before, units)
        new = vector(window.activations, here + 4 * units, units)
        for j in range(units):
            reset = sigmoid(sums[units + j])
            update = sigmoid(sums[2 * units + j])
            candidate = tanh(sums[j] + reset * sums[3 * units + j])
            sums[j] = candidate
            sums[units + j] = reset
            sums[2 * units + j] = update
            new[j] = candidate + update * (old[j] - candidate)
        if goes_on:
            for j in range(units):
                window.carry[before + j] = new[j]
        start = state + 3 * units * units + 4 * units
        before += units
        here += 5 * units
    if goes_on:
        window.carry[states] = _ONE
    return start


@compiled
def think_gru(weights: Any, layers: Any, window: Window, row: int) -> None:
    """Run the brain on one row of a window: read its observation and the state, write activations, output and state.

    Args:
        weights: float32 [W], laid out as the module says, then the heads'.
        layers: int64 [1 + trunk layers], units per layer, observations first.
        window: see `Window`; `carry` is changed but in row N.
        row: which row, 0 .. N.
    """
    start = _remember(weights, layers, layers.size - 1, window, row)
    units = layers[layers.size - 1]
    source = vector(window.activations, (row + 1) * window.activations.shape[1] - units, units)
    width = window.outputs.shape[1]
    speak(vector(weights, start, weights.size - start), source, vector(window.outputs, row * width, width))


@compiled
def think_gru_product(weights: Any, layers: Any, window: Window, row: int) -> None:
    """`think_gru` with the readout of `evolearn.agent.trunks.product`; `layers` has the world's observations last."""
    start = _remember(weights, layers, layers.size - 2, window, row)
    known = layers[layers.size - 1]
    units = layers[layers.size - 2]
    length = window.activations.shape[1]
    multiply(vector(weights, start, known * units), known, window, row, length - 3 * units, units)
    start += known * units
    source = vector(window.activations, (row + 1) * length - units, units)
    width = window.outputs.shape[1]
    speak(vector(weights, start, weights.size - start), source, vector(window.outputs, row * width, width))


@compiled
def gates_backward(
    state: Any,
    window: Window,
    before: int,
    place: int,
    link: int,
    slopes: Any,
    sums: Any,
    transposed: Any,
    flowing: Any,
) -> None:
    """Backpropagation through time of one layer, from the last row to the first.

    Args:
        state: float32 [H, 3 H], the layer's state weights.
        window: activations are read.
        before: place of the layer's incoming state in a row of activations.
        place: of its n, r, z, m there.
        link: place of the link there.
        slopes: float32 [N, H], derivative of the loss by h' through what is above.
        sums: float32 [N, 4 H], written: derivative by the sums below n, r, z, and by m.
        transposed: float32 [3 H, H], overwritten.
        flowing: float32 [H], overwritten: derivative by h' through the row after.
    Source: Werbos 1990, "Backpropagation through time", with the states before the window as constants.
    """
    rows, units = slopes.shape
    transpose(state, transposed)
    for j in range(units):
        flowing[j] = _ZERO
    for row in range(rows - 1, -1, -1):
        begin = row * window.activations.shape[1]
        old = vector(window.activations, begin + before, units)
        kept = vector(window.activations, begin + place, 4 * units)
        below = vector(sums, row * 4 * units, 4 * units)
        for j in range(units):
            candidate = kept[j]
            reset = kept[units + j]
            update = kept[2 * units + j]
            slope = slopes[row, j] + flowing[j]
            by_candidate = slope * (_ONE - update) * (_ONE - candidate * candidate)
            below[j] = by_candidate
            below[units + j] = by_candidate * kept[3 * units + j] * reset * (_ONE - reset)
            below[2 * units + j] = slope * (old[j] - candidate) * update * (_ONE - update)
            below[3 * units + j] = by_candidate * reset
            flowing[j] = slope * update
        if window.activations[row, link] == _ZERO:
            for j in range(units):
                flowing[j] = _ZERO
        elif row > 0:
            add_product(flowing, sums, row * 4 * units + units, 1, transposed, 0, units, 3 * units)


@spliced
def _remember_backward(
    weights: Any, layers: Any, depth: int, window: Window, rows: int, start: int, gradient: Any, scratch: Any
) -> None:
    """Add the gradient of the first `depth` layers, whose weights end at `start`.

    The scratch begins with the derivatives by the last of them, [N, H].
    """
    states = 0
    widest = 0
    for layer in range(1, depth + 1):
        states += layers[layer]
        widest = max(widest, layers[layer])
    length = window.activations.shape[1]
    before = states
    place = 6 * states + 1
    by_sums = rows * widest
    flow = 5 * rows * widest
    spare = flow + widest
    for layer in range(depth, 0, -1):
        inputs = layers[layer - 1]
        units = layers[layer]
        start -= 3 * (inputs + units) * units + 4 * units
        before -= units
        place -= 5 * units
        state = start + 3 * inputs * units
        sums = matrix(scratch, by_sums, rows, 4 * units)
        slopes = matrix(scratch, 0, rows, units)
        turned = matrix(scratch, spare, 3 * units, units)
        flowing = vector(scratch, flow, units)
        gates_backward(
            matrix(weights, state, units, 3 * units), window, before, place, states, slopes, sums, turned, flowing
        )
        for i in range(inputs):
            share = vector(gradient, start + 3 * i * units, 3 * units)
            if layer == 1:
                add_product(share, window.observations, i, inputs, sums, 0, 4 * units, rows)
            else:
                add_product(share, window.activations, place - inputs + i, length, sums, 0, 4 * units, rows)
        for i in range(units):
            share = vector(gradient, state + 3 * i * units, 3 * units)
            add_product(share, window.activations, before + i, length, sums, units, 4 * units, rows)
        bias = vector(gradient, state + 3 * units * units, 4 * units)
        for row in range(rows):
            for j in range(4 * units):
                bias[j] += sums[row, j]
        if layer > 1:
            turned = matrix(scratch, spare, 3 * units, inputs)
            transpose(matrix(weights, start, inputs, 3 * units), turned)
            slopes = matrix(scratch, 0, rows, inputs)
            slopes[:] = _ZERO
            for row in range(rows):
                target = vector(slopes, row * inputs, inputs)
                add_product(target, sums, row * 4 * units, 1, turned, 0, inputs, 3 * units)


@compiled
def backward_gru(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """Add the gradient of a window's loss to `gradient`, through heads, layers and time.

    The state at the window's beginning is a constant; where it was cleared within the window, no gradient passes.

    Args:
        weights: float32 [W], those with which the window's activations were made.
        layers: int64 [1 + trunk layers].
        window: see `Window`; rows 0 .. N - 1 are used.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        gradient: float32 [W], added to.
        scratch: float32 [gru_scratch(layers, N)], overwritten.
    """
    rows = deltas.shape[0]
    units = layers[layers.size - 1]
    start = 0
    for layer in range(1, layers.size):
        start += 3 * (layers[layer - 1] + layers[layer]) * layers[layer] + 4 * layers[layer]
    heads = weights.size - start
    slopes = matrix(scratch, 0, rows, units)
    slopes_below_heads(vector(weights, start, heads), deltas, slopes)
    column = window.activations.shape[1] - units
    heads_backward(units, window.activations, column, deltas, vector(gradient, start, heads))
    _remember_backward(weights, layers, layers.size - 1, window, rows, start, gradient, scratch)


@compiled
def backward_gru_product(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """`backward_gru` with the readout of `evolearn.agent.trunks.product`."""
    rows = deltas.shape[0]
    known = layers[layers.size - 1]
    units = layers[layers.size - 2]
    start = 0
    for layer in range(1, layers.size - 1):
        start += 3 * (layers[layer - 1] + layers[layer]) * layers[layer] + 4 * layers[layer]
    above = start + known * units
    heads = weights.size - above
    slopes = matrix(scratch, 0, rows, units)
    slopes_below_heads(vector(weights, above, heads), deltas, slopes)
    column = window.activations.shape[1] - units
    heads_backward(units, window.activations, column, deltas, vector(gradient, above, heads))
    share = vector(gradient, start, known * units)
    spare = vector(scratch, rows * units, rows * units)
    multiply_backward(known, window, column - 2 * units, slopes, share, spare)
    _remember_backward(weights, layers, layers.size - 2, window, rows, start, gradient, scratch)


def gru_tensors(layers: Layers) -> tuple[Tensor, ...]:
    """Blocks of every layer. Matrices start normal with variance 1 / rows, the bias of the update gate at `HOLD`.

    Sources: LeCun et al. 1998, "Efficient BackProp", eq. 16, for the matrices; Gers, Schmidhuber and Cummins 2000,
    "Learning to forget", section 3, for gates that hold at the start.
    """
    tensors: list[Tensor] = []
    for number, (inputs, units) in enumerate(itertools.pairwise(layers), start=1):
        name = f"hidden{number}"
        tensors += [
            Tensor(f"{name}.inputs.weight", (inputs, 3 * units), 1.0 / math.sqrt(inputs)),
            Tensor(f"{name}.state.weight", (units, 3 * units), 1.0 / math.sqrt(units)),
            Tensor(f"{name}.candidate.bias", (units,), 0.0),
            Tensor(f"{name}.reset.bias", (units,), 0.0),
            Tensor(f"{name}.update.bias", (units,), 0.0, HOLD),
            Tensor(f"{name}.recall.bias", (units,), 0.0),
        ]
    return tuple(tensors)


def gru_units(layers: Layers) -> int:
    """Floats of a row of activations: six per unit, and the link."""
    return 6 * sum(layers[1:]) + 1


def gru_scratch(layers: Layers, window: int) -> int:
    """Floats that `backward_gru` needs: five rows of derivatives per step, one more, and one transposed matrix."""
    widest = max(layers[1:])
    matrices = [3 * units * max(units, inputs if number else 0) for number, (inputs, units) in _numbered(layers)]
    return (5 * window + 1) * widest + max(matrices)


def _numbered(layers: Layers) -> enumerate[tuple[int, int]]:
    return enumerate(itertools.pairwise(layers))


GRU = Trunk(
    tensors=gru_tensors,
    think=think_gru,
    backward=backward_gru,
    scratch=gru_scratch,
    carry=lambda layers: sum(layers[1:]) + 1,
    tiled=gru_functions,
    shared=gru_shared,
    units=gru_units,
    product=Trunk(
        tensors=lambda layers: (*gru_tensors(layers[:-1]), gains(layers)),
        think=think_gru_product,
        backward=backward_gru_product,
        scratch=lambda layers, window: gru_scratch(layers[:-1], window),
        carry=lambda layers: sum(layers[1:-1]) + 1,
        tiled=functools.partial(gru_functions, by_product=True),
        shared=functools.partial(gru_shared, by_product=True),
        units=lambda layers: gru_units(layers[:-1]) + 2 * layers[-2],
        torch_cell="GRUCell",
    ),
    torch_cell="GRUCell",
)

"""The brain's forward pass: a tanh trunk with a policy head and a value head, on one flat weight vector.

Layout of the weights, in this order, for layers ``[O, H1, .., Hk]``, Y linear outputs (policy, then value) and S
log standard deviations (none for a categorical policy):

- per trunk layer: matrix ``[inputs, units]``, bias ``[units]``;
- head: matrix ``[Y, Hk]`` (one row per output), bias ``[Y]``;
- log standard deviations ``[S]``, independent of the observation.

An output row holds the policy's parameters, then the value: ``[logits.., value]`` for a categorical policy,
``[means.., log standard deviations.., value]`` for a diagonal Gaussian.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from evolearn.compiled import compiled, matrix, vector
from evolearn.policy import POLICIES

TANH_LIMIT = 7.6  # beyond it tanh is flat to 6e-7


class Window(NamedTuple):
    """What one life remembers between two learning updates: N steps, and the observation after them."""

    observations: Any  # float32 [N + 1, O]
    activations: Any  # float32 [N + 1, units of all trunk layers]
    outputs: Any  # float32 [N + 1, policy parameters + 1]
    actions: Any  # float32 [N, action dimensions]; a choice is one number
    rewards: Any  # float32 [N]
    ends: Any  # int64 [N]: GOES_ON, TERMINATED or TRUNCATED
    final_values: Any  # float32 [N]: value of the last observation of an episode truncated at this step


GOES_ON, TERMINATED, TRUNCATED = 0, 1, 2

_FLOATS = types.float32[::1]
_ROWS = types.float32[:, ::1]
_SIZES = types.int64[::1]
WINDOW_TYPE = types.NamedTuple((_ROWS, _ROWS, _ROWS, _ROWS, _FLOATS, _SIZES, _FLOATS), Window)
THINK_TYPE = types.void(_FLOATS, _SIZES, WINDOW_TYPE, types.int64)
BACKWARD_TYPE = types.void(_FLOATS, _SIZES, WINDOW_TYPE, _ROWS, _FLOATS, _FLOATS)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One named block of the flat weight vector."""

    name: str
    shape: tuple[int, ...]
    initial_stdev: float  # of the standard initialisation: normal, mean `initial_mean`
    initial_mean: float = 0.0

    @property
    def size(self) -> int:
        """Numbers in the block."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class BrainSpec:
    """What a brain is made of; enough to lay out and run its weights."""

    trunk: str  # a name in TRUNKS
    observations: int
    hidden: tuple[int, ...]
    actions: int  # choices or dimensions
    policy: str  # a name in POLICIES

    @property
    def layers(self) -> tuple[int, ...]:
        """Units per layer, observations first: the kernel's description of the trunk."""
        return (self.observations, *self.hidden)

    @property
    def log_stdevs(self) -> int:
        """Log standard deviations among the weights."""
        return self.actions if POLICIES[self.policy].has_log_stdev else 0

    @property
    def outputs(self) -> int:
        """Length of an output row: the policy's parameters and the value."""
        return self.actions + self.log_stdevs + 1

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The blocks of the weight vector, in order, with the standard initialisation of each."""
        return TRUNKS[self.trunk].tensors(self) + head_tensors(self)

    @property
    def weights(self) -> int:
        """Length of the flat weight vector."""
        return sum(tensor.size for tensor in self.tensors)


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A row of TRUNKS: how a trunk is laid out and run. A recurrent trunk is another row."""

    tensors: Callable[[BrainSpec], tuple[Tensor, ...]]
    think: Callable[..., None]  # THINK_TYPE
    backward: Callable[..., None]  # BACKWARD_TYPE
    scratch: Callable[[BrainSpec, int], int]  # floats that `backward` needs for a window of so many steps


# Numerator and denominator of tanh(x) / x in powers of x^2, fitted for this project by reweighted least squares on
# Chebyshev nodes of 0 .. TANH_LIMIT. float32, so that the loops below stay in float32 and vectorise.
_LIMIT = np.float32(TANH_LIMIT)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_P = tuple(np.float32(c) for c in (9.999999822e-01, 1.346297630e-01, 3.594074070e-03, 2.229368076e-05, 1.586441586e-08))
_Q = tuple(np.float32(c) for c in (1.0, 4.679630193e-01, 2.624851090e-02, 3.449179891e-04, 8.763015157e-07))


@compiled
def tanh(x: Any) -> Any:
    """The hyperbolic tangent of a float32, off by at most 6e-7, without a call, so that loops over it vectorise."""
    x = min(max(x, -_LIMIT), _LIMIT)
    s = x * x
    numerator = _P[0] + s * (_P[1] + s * (_P[2] + s * (_P[3] + s * _P[4])))
    denominator = _Q[0] + s * (_Q[1] + s * (_Q[2] + s * (_Q[3] + s * _Q[4])))
    return x * numerator / denominator


_CHAINS = 4  # independent sums per target: a multiply-add takes four cycles, and two can begin in each
_INDEX = ir.IntType(64)


def add_product(
    target: Any, source: Any, place: int, stride: int, factors: Any, start: int, width: int, rows: int
) -> None:
    """Add ``source[place + i stride] * factors[start + i width ..]`` to `target` for every i below `rows`.

    With strides, one function is the layer's product and both of its gradients. No index is checked. When compiled
    the target stays in vector registers; the plain loop, which the compiler vectorises too, loads and stores it
    every few rows and takes almost three times as long for a layer of 32 by 32.

    Args:
        target: float32 [units], added to.
        source: float32, C-contiguous, places counted flat.
        place: of the first row's weight in `source`.
        stride: from one row's weight to the next.
        factors: float32, C-contiguous, places counted flat; each row has `units` of them.
        start: of the first row in `factors`.
        width: from one row to the next.
        rows: how many.
    """
    units = target.size
    source = source.reshape(-1)
    factors = factors.reshape(-1)
    for i in range(rows):
        first = start + i * width
        target += source[place + i * stride] * factors[first : first + units]


@overload(add_product, jit_options={"error_model": "numpy", "nogil": True, "forceinline": True})
def _add_product_compiled(target, source, place, stride, factors, start, width, rows):  # type: ignore[no-untyped-def]
    def compiled(target, source, place, stride, factors, start, width, rows):  # type: ignore[no-untyped-def]
        units = target.size
        j = 0
        while j + 32 <= units:
            _add_columns(target, j, source, place, stride, factors, start + j, width, rows, 16, 2)
            j += 32
        if j + 16 <= units:
            _add_columns(target, j, source, place, stride, factors, start + j, width, rows, 16, 1)
            j += 16
        if j + 8 <= units:
            _add_columns(target, j, source, place, stride, factors, start + j, width, rows, 8, 1)
            j += 8
        while j < units:
            _add_columns(target, j, source, place, stride, factors, start + j, width, rows, 1, 1)
            j += 1

    return compiled


@intrinsic(prefer_literal=True)
def _add_columns(  # type: ignore[no-untyped-def]
    typing_context, target, column, source, place, stride, factors, start, width, rows, lanes, vectors
):
    """`add_product` for `lanes` times `vectors` columns from `column` on; both are literals."""
    size = lanes.literal_value
    count = vectors.literal_value
    vector = ir.VectorType(ir.FloatType(), size)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        _, column, _, place, stride, _, start, width, rows, _, _ = arguments
        data = {
            name: context.make_array(signature.args[at])(context, builder, arguments[at]).data
            for name, at in (("target", 0), ("source", 2), ("factors", 5))
        }

        def pointer(name: str, at: Any, number: int) -> Any:
            place = builder.add(at, _INDEX(size * number))
            return builder.bitcast(builder.gep(data[name], [place]), vector.as_pointer())

        def broadcast(value: Any) -> Any:
            nothing = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(nothing, value, ir.IntType(32)(0))
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), size), [0] * size)
            return builder.shuffle_vector(first, nothing, everywhere)

        sums = [[cgutils.alloca_once(builder, vector) for _ in range(count)] for _ in range(_CHAINS)]
        for chain in range(_CHAINS):
            for number in range(count):
                old = builder.load(pointer("target", column, number), align=4)
                builder.store(old if chain == 0 else ir.Constant(vector, [0.0] * size), sums[chain][number])

        def add_row(row: Any, chain: int) -> None:
            weight = broadcast(
                builder.load(builder.gep(data["source"], [builder.add(place, builder.mul(row, stride))]))
            )
            at = builder.add(start, builder.mul(row, width))
            for number in range(count):
                factor = builder.load(pointer("factors", at, number), align=4)
                # "contract": a fused multiply-add where the processor has one.
                product = builder.fmul(weight, factor, flags=("contract",))
                total = builder.fadd(product, builder.load(sums[chain][number]), flags=("contract",))
                builder.store(total, sums[chain][number])

        whole = builder.sdiv(rows, _INDEX(_CHAINS))
        with cgutils.for_range(builder, whole) as loop:
            first = builder.mul(loop.index, _INDEX(_CHAINS))
            for chain in range(_CHAINS):
                add_row(builder.add(first, _INDEX(chain)), chain)
        with cgutils.for_range(builder, rows, start=builder.mul(whole, _INDEX(_CHAINS))) as loop:
            add_row(loop.index, 0)
        for number in range(count):
            total = builder.load(sums[0][number])
            for chain in range(1, _CHAINS):
                total = builder.fadd(total, builder.load(sums[chain][number]))
            builder.store(total, pointer("target", column, number), align=4)
        return context.get_dummy_value()

    index = types.intp
    return types.void(target, index, source, index, index, factors, index, index, index, lanes, vectors), generate


@compiled
def think_mlp(weights: Any, layers: Any, window: Window, row: int) -> None:
    """Run the brain on one row of a window: read its observation, write its activations and its output row.

    Args:
        weights: float32 [W], laid out as the module says.
        layers: int64 [1 + trunk layers], units per layer, observations first.
        window: see `Window`.
        row: which row, 0 .. N.
    """
    start = 0
    place = row * window.activations.shape[1]
    for layer in range(1, layers.size):
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
            target[j] = tanh(target[j])
        start += (inputs + 1) * units
        place += units
    inputs = layers[layers.size - 1]
    source = vector(window.activations, place - inputs, inputs)
    width = window.outputs.shape[1]
    speak(vector(weights, start, weights.size - start), source, vector(window.outputs, row * width, width))


@compiled
def backward_mlp(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """Add the gradient of a window's loss to `gradient`, by backpropagation through heads and trunk.

    Args:
        weights: float32 [W], those with which the window's activations were made.
        layers: int64 [1 + trunk layers].
        window: see `Window`; rows 0 .. N - 1 are used.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        gradient: float32 [W], added to.
        scratch: float32 [mlp_scratch(spec, N)], overwritten.
    """
    rows = deltas.shape[0]
    start = 0
    column = 0
    widest = 0
    for layer in range(1, layers.size):
        start += (layers[layer - 1] + 1) * layers[layer]
        column += layers[layer]
        widest = max(widest, layers[layer])
    above = 0
    below = rows * widest
    spare = 2 * rows * widest
    units = layers[layers.size - 1]
    column -= units
    heads = weights.size - start
    slopes = matrix(scratch, above, rows, units)
    speak_backward(
        vector(weights, start, heads), window.activations, column, deltas, vector(gradient, start, heads), slopes
    )
    for layer in range(layers.size - 1, 0, -1):
        inputs = layers[layer - 1]
        start -= (inputs + 1) * units
        tanh_backward(window.activations, column, slopes)
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


@compiled
def transpose(original: Any, transposed: Any) -> None:
    """Write the transpose of a matrix: a product with it then runs along rows."""
    for i in range(original.shape[0]):
        for j in range(original.shape[1]):
            transposed[j, i] = original[i, j]


@compiled
def tanh_backward(activations: Any, column: int, slopes: Any) -> None:
    """Turn derivatives by activations into derivatives by sums, in place.

    Args:
        activations: float32 [at least N, ..]; the layer's begin at `column`.
        column: see activations.
        slopes: float32 [N, units], changed.
    """
    rows, units = slopes.shape
    for row in range(rows):
        active = vector(activations, row * activations.shape[1] + column, units)
        for j in range(units):
            slopes[row, j] *= _ONE - active[j] * active[j]


@compiled
def dense_backward(source: Any, column: int, slopes: Any, gradient: Any) -> None:
    """Add a dense layer's gradient: matrix ``[inputs, units]``, then bias.

    Args:
        source: float32 [at least N, ..]; the layer's inputs begin at `column`.
        column: see source.
        slopes: float32 [N, units], derivative of the loss by the layer's sums.
        gradient: float32 [(inputs + 1) x units], added to.
    """
    rows, units = slopes.shape
    inputs = gradient.size // units - 1
    bias = vector(gradient, inputs * units, units)
    for row in range(rows):
        for j in range(units):
            bias[j] += slopes[row, j]
    for i in range(inputs):
        target = vector(gradient, i * units, units)
        add_product(target, source, column + i, source.shape[1], slopes, 0, units, rows)


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


def mlp_tensors(spec: BrainSpec) -> tuple[Tensor, ...]:
    """Matrix and bias of every trunk layer; matrices start normal with variance 1 / inputs, biases at zero."""
    tensors: list[Tensor] = []
    for number, (inputs, units) in enumerate(itertools.pairwise(spec.layers), start=1):
        tensors.append(Tensor(f"hidden{number}.weight", (inputs, units), 1.0 / math.sqrt(inputs)))
        tensors.append(Tensor(f"hidden{number}.bias", (units,), 0.0))
    return tuple(tensors)


def mlp_scratch(spec: BrainSpec, window: int) -> int:
    """Floats that `backward_mlp` needs: two rows of deltas per step, and one transposed matrix."""
    matrices = [inputs * units for inputs, units in itertools.pairwise(spec.hidden)]
    return 2 * window * max(spec.hidden) + max(matrices, default=0)


def head_tensors(spec: BrainSpec) -> tuple[Tensor, ...]:
    """Policy and value heads.

    The policy head starts a hundred times smaller than the value head, actions with standard deviation 0.5.
    Source: Andrychowicz et al. 2021, "What matters for on-policy deep actor-critic methods?", section 3.2.
    """
    inputs = spec.layers[-1]
    policy_and_value = (
        Tensor("policy.weight", (spec.actions, inputs), 0.01 / math.sqrt(inputs)),
        Tensor("value.weight", (1, inputs), 1.0 / math.sqrt(inputs)),
        Tensor("policy.bias", (spec.actions,), 0.0),
        Tensor("value.bias", (1,), 0.0),
    )
    if spec.log_stdevs == 0:
        return policy_and_value
    return (*policy_and_value, Tensor("policy.log_stdev", (spec.log_stdevs,), 0.0, math.log(0.5)))


TRUNKS = {"mlp": Trunk(mlp_tensors, think_mlp, backward_mlp, mlp_scratch)}

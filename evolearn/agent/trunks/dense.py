"""Arithmetic of dense tanh layers, forwards and backwards, in float32 loops that vectorise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from evolearn.numerics import VectorCode, compiled, vector

TANH_LIMIT = 7.6  # beyond it tanh is flat to 6e-7
# Numerator and denominator of tanh(x) / x in powers of x^2, fitted for this project by reweighted least squares on
# Chebyshev nodes of 0 .. TANH_LIMIT.
TANH_NUMERATOR = (9.999999822e-01, 1.346297630e-01, 3.594074070e-03, 2.229368076e-05, 1.586441586e-08)
TANH_DENOMINATOR = (1.0, 4.679630193e-01, 2.624851090e-02, 3.449179891e-04, 8.763015157e-07)

# float32, so that the loops below stay in float32 and vectorise.
_LIMIT = np.float32(TANH_LIMIT)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_P = tuple(np.float32(c) for c in TANH_NUMERATOR)
_Q = tuple(np.float32(c) for c in TANH_DENOMINATOR)


@compiled
def tanh(x: Any) -> Any:
    """The hyperbolic tangent of a float32, off by at most 6e-7, without a call, so that loops over it vectorise."""
    x = min(max(x, -_LIMIT), _LIMIT)
    s = x * x
    numerator = _P[0] + s * (_P[1] + s * (_P[2] + s * (_P[3] + s * _P[4])))
    denominator = _Q[0] + s * (_Q[1] + s * (_Q[2] + s * (_Q[3] + s * _Q[4])))
    return x * numerator / denominator


_CHAINS = 4  # independent sums per target: a multiply-add takes four cycles, and two can begin in each


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
    offsets = [size * number for number in range(vectors.literal_value)]

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        code = VectorCode(builder)
        target, source, factors = (
            context.make_array(signature.args[at])(context, builder, arguments[at]).data for at in (0, 2, 5)
        )
        _, column, _, place, stride, _, start, width, rows, _, _ = arguments
        target, source, factors = code.move(target, column), code.move(source, place), code.move(factors, start)
        sums = [
            [code.variable(code.constant(0.0, size) if chain else code.load(target, at, size)) for at in offsets]
            for chain in range(_CHAINS)
        ]

        def add_row(row: Any, chain: int) -> None:
            weight = code.spread(code.load(code.move(source, code.times(row, stride)), 0, 1), size)
            here = code.move(factors, code.times(row, width))
            for total, at in zip(sums[chain], offsets, strict=True):
                total.value = code.fma(weight, code.load(here, at, size), total.value)

        whole = builder.sdiv(rows, code.place(_CHAINS))
        with code.loop(whole) as number:
            for chain in range(_CHAINS):
                add_row(code.plus(code.times(number, _CHAINS), chain), chain)
        done = code.times(whole, _CHAINS)
        with code.loop(builder.sub(rows, done)) as number:
            add_row(code.plus(done, number), 0)
        for number, at in enumerate(offsets):
            total = sums[0][number].value
            for part in sums[1:]:
                total = code.add(total, part[number].value)
            code.store(total, target, at)
        return context.get_dummy_value()

    index = types.intp
    return types.void(target, index, source, index, index, factors, index, index, index, lanes, vectors), generate


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

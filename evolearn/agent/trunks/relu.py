"""The trunk of rectified linear units."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from evolearn.agent.trunks.mlp import (
    backward_dense,
    backward_dense_product,
    dense_scratch,
    dense_tensors,
    product_of,
    think_dense,
    think_dense_product,
)
from evolearn.agent.trunks.tiles import dense_functions
from evolearn.agent.trunks.trunk import Layers, Tensor, Trunk, Window
from evolearn.numerics import compiled, vector

_ZERO = np.float32(0.0)


@compiled
def relu(x: Any) -> Any:
    """The rectifier of a float32. Source: Nair and Hinton 2010, section 2."""
    return _ZERO if x < _ZERO else x  # so, and not by `max`, a NaN stays one


@compiled
def relu_backward(activations: Any, column: int, slopes: Any) -> None:
    """Turn derivatives by activations into derivatives by sums, in place; the slope at 0 is 0.

    Args:
        activations: float32 [at least N, ..]; the layer's begin at `column`.
        column: see activations.
        slopes: float32 [N, units], changed.
    """
    rows, units = slopes.shape
    for row in range(rows):
        active = vector(activations, row * activations.shape[1] + column, units)
        for j in range(units):
            slopes[row, j] = slopes[row, j] if active[j] > _ZERO else _ZERO


@compiled
def think_relu(weights: Any, layers: Any, window: Window, row: int) -> None:
    """`think_dense` with rectified linear units."""
    think_dense(weights, layers, window, row, relu)


@compiled
def backward_relu(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """`backward_dense` with rectified linear units."""
    backward_dense(weights, layers, window, deltas, gradient, scratch, relu_backward)


@compiled
def think_relu_product(weights: Any, layers: Any, window: Window, row: int) -> None:
    """`think_dense_product` with rectified linear units."""
    think_dense_product(weights, layers, window, row, relu)


@compiled
def backward_relu_product(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """`backward_dense_product` with rectified linear units."""
    backward_dense_product(weights, layers, window, deltas, gradient, scratch, relu_backward)


def relu_tensors(layers: Layers) -> tuple[Tensor, ...]:
    """Matrices start normal with variance 2 / inputs. Source: He et al. 2015, "Delving deep", eq. 10."""
    return dense_tensors(layers, 2.0)


RELU = Trunk(
    tensors=relu_tensors,
    think=think_relu,
    backward=backward_relu,
    scratch=dense_scratch,
    carry=lambda layers: 0,
    tiled=functools.partial(dense_functions, activation="relu"),
    torch_module="ReLU",
    onnx_operator="Relu",
    symmetry="scale",
    product=product_of(think_relu_product, backward_relu_product, relu_tensors, "ReLU", "Relu"),
)

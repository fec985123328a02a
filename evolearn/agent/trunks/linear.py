"""The trunk without any layer: the heads read the observation. With one-hot observations it is a table."""

from __future__ import annotations

from typing import Any

from evolearn.agent.trunks.heads import heads_backward, speak
from evolearn.agent.trunks.tiles import dense_functions
from evolearn.agent.trunks.trunk import Trunk, Window
from evolearn.numerics import compiled, vector


@compiled
def think_linear(weights: Any, layers: Any, window: Window, row: int) -> None:
    """Run the brain on one row of a window: read its observation, write its output row.

    Args:
        weights: float32 [W], the heads'; see `evolearn.agent.trunks.heads`.
        layers: int64 [1], observations.
        window: see `Window`.
        row: which row, 0 .. N.
    """
    inputs = layers[0]
    width = window.outputs.shape[1]
    speak(weights, vector(window.observations, row * inputs, inputs), vector(window.outputs, row * width, width))


@compiled
def backward_linear(weights: Any, layers: Any, window: Window, deltas: Any, gradient: Any, scratch: Any) -> None:
    """Add the gradient of a window's loss to `gradient`.

    Args:
        weights: float32 [W].
        layers: int64 [1], observations.
        window: see `Window`; rows 0 .. N - 1 are used.
        deltas: float32 [N, policy parameters + 1], derivative of the loss by each output.
        gradient: float32 [W], added to.
        scratch: not used.
    """
    heads_backward(layers[0], window.observations, 0, deltas, gradient)


LINEAR = Trunk(
    tensors=lambda layers: (),
    think=think_linear,
    backward=backward_linear,
    scratch=lambda layers, window: 0,
    carry=lambda layers: 0,
    tiled=dense_functions,
    has_hidden=False,
)

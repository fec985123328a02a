"""Innate value: how good what the world shows is, by a small network that evolution writes and no life changes.

A network of tanh layers, or none, with one output. Its numbers lie side by side: matrix ``[inputs, units]`` and bias of
each layer, then `beta` where it is read in acting. Where what the critic expects is read instead, `beta` is all there
is. What a life does with it is in `evolearn.life._valuing`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np

from evolearn.agent.trunks.dense import tanh
from evolearn.agent.trunks.trunk import Layers, Tensor
from evolearn.numerics import inlined_within

_ZERO = np.float32(0.0)


@dataclasses.dataclass(frozen=True)
class ValueSpec:
    """What an innate value is made of, and what it is for."""

    observations: int  # that the world shows: it reads these alone
    hidden: tuple[int, ...] = ()  # tanh units per layer; none: it is linear
    potential: bool = False  # the reward felt is shaped by it
    acting: bool = False  # what is predicted to follow from each choice is valued before one is chosen
    learned: bool = False  # by the learner's critic then, and there is no network of its own

    @property
    def layers(self) -> Layers:
        """Units per layer, the observations first, one output last; none where value is the critic's."""
        return () if self.learned else (self.observations, *self.hidden, 1)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The blocks of the network in order; the last layer starts at 0, so that at first all is worth the same."""
        blocks: list[Tensor] = []
        last = len(self.layers) - 2
        for number, (inputs, units) in enumerate(itertools.pairwise(self.layers)):
            stdev = 0.0 if number == last else 1.0 / math.sqrt(inputs)
            blocks.append(Tensor(f"value.{number}.weight", (inputs, units), stdev))
            blocks.append(Tensor(f"value.{number}.bias", (units,), 0.0))
        return tuple(blocks)

    @property
    def weights(self) -> int:
        """Numbers of the network."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def size(self) -> int:
        """Numbers of the gene group: those of the network, and beta where it is read in acting."""
        return self.weights + self.acting

    @property
    def scratch(self) -> int:
        """Floats that `value_of` needs: two rows of units."""
        return 2 * max(self.layers[1:], default=0)


BETA = "value.beta"  # the gene that says how much predicted value weighs in acting


@inlined_within
def value_of(numbers: Any, layers: Any, observation: Any, scratch: Any) -> Any:
    """The innate value of an observation.

    Args:
        numbers: float32 [at least `ValueSpec.weights`].
        layers: int64, `ValueSpec.layers`.
        observation: float32 [layers[0]].
        scratch: float32 [`ValueSpec.scratch`], overwritten.
    Returns:
        float32.
    """
    half = scratch.size // 2
    start, below, above = 0, half, 0
    for layer in range(1, layers.size):
        inputs, units = layers[layer - 1], layers[layer]
        bias = start + inputs * units
        for j in range(units):
            scratch[above + j] = numbers[bias + j]
        for i in range(inputs):
            active = observation[i] if layer == 1 else scratch[below + i]
            for j in range(units):
                scratch[above + j] += active * numbers[start + i * units + j]
        if layer < layers.size - 1:
            for j in range(units):
                scratch[above + j] = tanh(scratch[above + j])
        start = bias + units
        below, above = above, below
    return scratch[below]

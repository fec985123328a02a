"""The multiplicative readout: the heads read m = h (1 + o G), each unit of the last layer weighed by what is observed.

A plain readout can only add what a brain remembers and what it sees; a product lets what is seen choose among what is
remembered. With it come H x W weights, the block ``readout.weight`` ``[W, H]`` between trunk and heads, for the W
observations of the world, the first numbers of an observation row. A row of activations ends in h, 1 + o G, and m.

Source: Perez et al. 2018, "FiLM", eq. 1, without its shift.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.trunks.dense import add_product
from evolearn.agent.trunks.trunk import Layers, Tensor, Window
from evolearn.numerics import compiled, matrix, vector

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_NEAR_PLAIN = 0.1


@compiled
def multiply(gains: Any, known: int, window: Window, row: int, place: int, units: int) -> None:
    """Write 1 + o G and m of one row.

    Args:
        gains: float32 [W x H].
        known: W.
        window: observations are read, activations changed.
        row: which row.
        place: of h in the row's activations.
        units: H.
    """
    start = row * window.activations.shape[1] + place
    active = vector(window.activations, start, units)
    factor = vector(window.activations, start + units, units)
    product = vector(window.activations, start + 2 * units, units)
    for j in range(units):
        factor[j] = _ONE
    add_product(factor, window.observations, row * window.observations.shape[1], 1, gains, 0, units, known)
    for j in range(units):
        product[j] = active[j] * factor[j]


@compiled
def multiply_backward(known: int, window: Window, place: int, slopes: Any, gradient: Any, spare: Any) -> None:
    """Add the gradient of the gains, and turn derivatives by m into derivatives by h, in place.

    Args:
        known: W.
        window: observations and activations are read.
        place: of h in a row of activations.
        slopes: float32 [N, H], changed.
        gradient: float32 [W x H], added to.
        spare: float32 [N x H], overwritten.
    """
    rows, units = slopes.shape
    for row in range(rows):
        start = row * window.activations.shape[1] + place
        active = vector(window.activations, start, units)
        factor = vector(window.activations, start + units, units)
        for j in range(units):
            spare[row * units + j] = slopes[row, j] * active[j]
            slopes[row, j] *= factor[j]
    by_factors = matrix(spare, 0, rows, units)
    for i in range(known):
        target = vector(gradient, i * units, units)
        add_product(target, window.observations, i, window.observations.shape[1], by_factors, 0, units, rows)


def gains(layers: Layers) -> Tensor:
    """The block of G; `layers` ends in W.

    Its standard deviation is small, so that over observations of the order of 1 the factors are 1 +- 0.1 at the start
    and the brain begins close to one with a plain readout; and not 0, so that a search that scales its steps by it
    has some.
    """
    known = layers[-1]
    return Tensor("readout.weight", (known, layers[-2]), _NEAR_PLAIN / math.sqrt(known))

"""What of a search must be finite, and what it is told where fitness is not, or tells nothing apart."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

# A fitness that differs by less than this share of its size is equal: means of equal numbers differ in the last bits.
ROUNDING = 1e-12
_LARGEST = float(torch.finfo(torch.float32).max)
# Squares of numbers between these stay among the float32.
_SMALL, _LARGE = 1e-15, 1e15
BY_VALUE = ("normalized", "raw")  # rankings that are no ranks: how far apart two genomes are counts


class LeftFinite(ArithmeticError):
    """A search left the finite numbers; the text says what of it."""


def require_finite(what: str, values: npt.NDArray[np.floating]) -> None:
    """Refuse numbers of a search that are not finite.

    Args:
        what: they are, for the text: "the centre".
        values: of any shape.
    Raises:
        LeftFinite: one of them is not.
    """
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise LeftFinite(f"{what} has {bad} of {values.size} numbers that are not finite")


def is_flat(fitness: npt.ArrayLike) -> bool:
    """Whether fitness [P] tells no genome from another: equal but for rounding, or finite in none.

    >>> is_flat([-200.0, -200.0]), is_flat([-200.0, -math.inf]), is_flat([0.1 + 0.2, 0.3]), is_flat([math.nan] * 2)
    (True, False, True, True)
    """
    values = np.asarray(fitness, np.float64)
    finite = values[np.isfinite(values)]
    if len(finite) < len(values):
        return len(finite) == 0
    # the halves, since a difference may overflow
    return bool(finite.max() / 2 - finite.min() / 2 <= ROUNDING * np.abs(finite).max() / 2)


def told(fitness: npt.ArrayLike, ranking: str | None) -> torch.Tensor:
    """Fitness as a search over one population is told it: float32 [P], all finite; equal throughout if it `is_flat`.

    What is not finite is the worst: by its rank; where an algorithm takes values, as far below the worst of the others
    as the best is above that. What float32 cannot tell apart, or not hold the squares of, is told by its rank, or
    centred and scaled, which changes no order and no ratio of differences.

    Args:
        fitness: float64 [P].
        ranking: method by which the algorithm takes it; None: by its order.
    """
    values = np.asarray(fitness, np.float64)
    if is_flat(values):
        return torch.full(values.shape, float(clipped(values)[0]))
    if ranking not in BY_VALUE:
        shown = clipped(values)
        collapsed = bool((shown == shown[0]).all())
        return torch.from_numpy(np.unique(values, return_inverse=True)[1].astype(np.float32)) if collapsed else shown
    values = _worst_last(values)
    shown, largest = clipped(values), np.abs(values).max()
    if bool((shown == shown[0]).all()) or not _SMALL < largest < _LARGE:
        shown = torch.from_numpy(_scaled(values).astype(np.float32))
    return shown


def clipped(fitness: npt.ArrayLike) -> torch.Tensor:
    """Fitness as float32 [P], what is not finite as the least number there is: one population's beside another's."""
    values = np.asarray(fitness, np.float64)
    ordered = np.where(np.isfinite(values), values, -np.inf)
    return torch.from_numpy(ordered.clip(-_LARGEST, _LARGEST).astype(np.float32))


def _worst_last(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    finite = np.isfinite(values)
    if finite.all():
        return values
    values = values / 4.0 if np.abs(values[finite]).max() > np.finfo(np.float64).max / 4.0 else values
    worst, best = values[finite].min(), values[finite].max()
    return np.where(finite, values, worst - ((best - worst) or abs(worst) or 1.0))


def _scaled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Centred, the largest between 1/2 and 1."""
    values = np.ldexp(values, -math.frexp(float(np.abs(values).max()))[1] - 1)  # first: a sum may overflow
    values = values - values.mean()
    return np.ldexp(values, -math.frexp(float(np.abs(values).max()))[1])

"""What lives of one animal can tell: intervals by bootstrap and tests by sign flips, over lives that are paired. Pure.

The unit is the life: what is found holds for this animal, and says nothing of what another evolution run would find.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from evolearn.verdict import ROUNDING, FloatArray, interval

LEVEL = 0.05
RESAMPLES = 2_000
FLIPS = 20_000  # at most so many ways to flip signs are looked at; all of them if there are no more
_SEED = 20_030  # of resamples and flips: the same for every question


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its interval; none where there are too few lives for one."""

    value: float
    low: float | None
    high: float | None

    def as_json(self) -> dict[str, Any]:
        """For inspection.json."""
        return dataclasses.asdict(self)


@functools.lru_cache(maxsize=4)
def life_counts(lives: int) -> FloatArray:
    """How often each life is drawn, [RESAMPLES, L], in a bootstrap over lives; not to be changed."""
    return (
        np.random.default_rng([_SEED, lives])
        .multinomial(lives, np.full(lives, 1 / lives), RESAMPLES)
        .astype(np.float64)
    )


def estimate(value: float, resamples: FloatArray, lives: int) -> Estimate:
    """A number and the ends of its 95% interval.

    Args:
        value: as lived.
        resamples: [S], the number in each resample.
        lives: L.
    """
    low, high = interval(resamples, LEVEL, lives)
    return Estimate(float(value), *(float(end) if math.isfinite(end) else None for end in (low, high)))


def mean_estimates(values: FloatArray) -> list[Estimate]:
    """Means over lives.

    Args:
        values: [L, K], one column per question.
    Returns:
        K estimates.
    """
    lives = len(values)
    resampled = life_counts(lives) @ values / lives
    return [estimate(column.mean(), draws, lives) for column, draws in zip(values.T, resampled.T, strict=True)]


def mean_over_lives(scores: FloatArray) -> dict[str, float | None]:
    """Mean over lives with its interval.

    Args:
        scores: [L].
    Returns:
        "mean", "low" and "high"; the ends are None with a single life.
    """
    found = mean_estimates(scores[:, None])[0]
    return {"mean": found.value, "low": found.low, "high": found.high}


def sign_flip_p(values: FloatArray) -> FloatArray:
    """Two-sided p that paired differences are symmetric about zero: each life's could as well have the other sign.

    Args:
        values: [L, K] differences, one column per question.
    Returns:
        [K]; 1 where all differences are zero. At best 2 / 2^L.
    Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010 for drawn flips.
    """
    signs = _signs(len(values))
    observed = np.abs(values.sum(axis=0))
    slack = ROUNDING * np.abs(values).sum(axis=0)  # sums of equal numbers differ in the last bits
    as_far = (np.abs(signs @ values) >= observed - slack).sum(axis=0)
    exact = len(signs) == 2 ** len(values)
    return np.asarray(as_far / len(signs) if exact else (as_far + 1) / (FLIPS + 1))


@functools.lru_cache(maxsize=4)
def _signs(lives: int) -> FloatArray:
    """Ways to flip the signs of lives, [ways, L]."""
    if 2**lives <= FLIPS:
        return np.asarray(1.0 - 2.0 * ((np.arange(2**lives)[:, None] >> np.arange(lives)) & 1))
    return np.random.default_rng([_SEED, lives]).choice([-1.0, 1.0], (FLIPS, lives))


def rank_p(value: float, others: FloatArray) -> float:
    """One-sided p that a number is one more of a sample, however that is distributed: by its rank among them.

    Args:
        value: the number.
        others: [n] the sample; as far as the number counts against it, ties too.
    Returns:
        At best 1 / (n + 1).
    Source: Dwass 1957; Phipson and Smyth 2010.

    >>> rank_p(3.0, np.array([0.0, 0.0, 5.0]))
    0.5
    """
    return float((1 + (others >= value - ROUNDING * abs(value)).sum()) / (len(others) + 1))


def least_p(lives: int) -> float:
    """The smallest p that `sign_flip_p` can give."""
    return max(2 / 2**lives, 1 / (FLIPS + 1)) if lives else 1.0

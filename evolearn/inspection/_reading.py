"""How well numbers can be read from others by a linear decoder, in lives that it was not fitted to. Pure.

Ridge regression: of classes the decoder regresses each class's indicator and names the largest. How strongly it is held
back is chosen within the lives that it is fitted to, so that nothing of what it is scored on has a part in it.

Sources: Hoerl and Kennard 1970, "Ridge regression"; Hastie, Tibshirani and Friedman 2009, The Elements of Statistical
Learning, section 4.2, for indicators.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from evolearn.inspection._over_lives import Estimate, estimate, life_counts
from evolearn.verdict import FloatArray

FOLDS = 5  # each is scored by a decoder that was fitted to the others
INNER = 4  # of the lives that it is fitted to, one in so many chooses the penalty
PENALTIES = (1e-4, 1e-2, 1.0, 100.0)  # of standardised features, in steps; times the number of rows / 100
MOST_CLASSES = 12
FEWEST_LIVES = 20

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Target:
    """Something to be read."""

    name: str
    values: FloatArray  # [n]
    is_class: bool  # a choice among few; else a number


@dataclasses.dataclass(frozen=True)
class Reading:
    """How well something was read."""

    score: float  # of classes the share that was named right; of numbers R^2
    chance: float  # the same by the best constant: the share of the most frequent class of the other lives; 0
    skill: Estimate  # from 0, no better than the constant, to 1, without error: 1 - loss / loss of the constant


def target_of(name: str, values: npt.ArrayLike) -> Target | None:
    """Something to be read, a class where it is a choice among few whole numbers; None if it never varies.

    Args:
        name: for people.
        values: [n].
    """
    numbers = np.asarray(values, np.float64)
    different = np.unique(numbers)
    if len(different) < 2:
        return None
    return Target(name, numbers, len(different) <= MOST_CLASSES and bool((different == np.round(different)).all()))


def read(features: FloatArray, targets: list[Target], lives: Ints) -> list[Reading | None]:
    """Read several things from the same numbers.

    Args:
        features: [n, F], what they are read from; n steps of several lives.
        targets: of n values each.
        lives: [n], whose step each is.
    Returns:
        A reading for each target; None where the lives are too few, `FEWEST_LIVES`, or nothing varied in those that
        were scored.
    """
    names, places = np.unique(lives, return_inverse=True)
    if len(names) < FEWEST_LIVES or not targets:
        return [None] * len(targets)
    wanted = [_indicators(target) for target in targets]
    all_wanted = np.concatenate(wanted, axis=1)
    predicted = np.empty_like(all_wanted)
    constant = np.empty_like(all_wanted)
    for fold in range(FOLDS):
        out = places % FOLDS == fold
        predicted[out] = _fitted(features[~out], all_wanted[~out], places[~out], features[out])
        constant[out] = all_wanted[~out].mean(axis=0)
    ends = np.cumsum([part.shape[1] for part in wanted])[:-1]
    return [
        _reading(target, truth, guess, constantly, places)
        for target, truth, guess, constantly in zip(
            targets, wanted, *(np.split(part, ends, axis=1) for part in (predicted, constant)), strict=True
        )
    ]


def _indicators(target: Target) -> FloatArray:
    """What is regressed, [n, K]: a column for each class, or the number itself."""
    if not target.is_class:
        return target.values[:, None]
    return np.asarray(target.values[:, None] == np.unique(target.values), np.float64)


def _fitted(features: FloatArray, wanted: FloatArray, lives: Ints, asked: FloatArray) -> FloatArray:
    """What a decoder that is fitted to some lives makes of the features of others, [m, K]."""
    kept_out = lives // FOLDS % INNER == 0
    losses = []
    scale = wanted.var(axis=0)
    scale[scale == 0.0] = 1.0
    guesses = _ridge(features[~kept_out], wanted[~kept_out], features[kept_out])
    for guess in guesses:
        losses.append((((guess - wanted[kept_out]) ** 2).mean(axis=0) / scale).sum())
    return _ridge(features, wanted, asked)[int(np.argmin(losses))]


def _ridge(features: FloatArray, wanted: FloatArray, asked: FloatArray) -> list[FloatArray]:
    """Predictions [m, K] for each of PENALTIES."""
    middle, spread = features.mean(axis=0), features.std(axis=0)
    varies = spread > 1e-9 * np.maximum(np.abs(middle), 1.0)
    given, asked = (((part - middle) / np.where(varies, spread, 1.0))[:, varies] for part in (features, asked))
    base = wanted.mean(axis=0)
    values, vectors = np.linalg.eigh(given.T @ given)
    turned = vectors.T @ (given.T @ (wanted - base))
    found = []
    for penalty in PENALTIES:
        weights = vectors @ (turned / (np.maximum(values, 0.0) + penalty * len(given) / 100.0)[:, None])
        found.append(base + asked @ weights)
    return found


def _reading(
    target: Target, truth: FloatArray, guess: FloatArray, constant: FloatArray, places: Ints
) -> Reading | None:
    """Losses life by life, and what they come to."""
    if target.is_class:
        right = truth.argmax(axis=1)
        lost = np.asarray(guess.argmax(axis=1) != right, np.float64)
        lost_by_constant = np.asarray(constant.argmax(axis=1) != right, np.float64)
    else:
        lost, lost_by_constant = ((part - truth)[:, 0] ** 2 for part in (guess, constant))
    by_life, by_constant = (np.bincount(places, weights=part) for part in (lost, lost_by_constant))
    if by_constant.sum() <= 1e-12 * max(float((truth**2).sum()), 1e-300):
        return None
    lives = len(by_life)
    counts = life_counts(lives)
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = 1.0 - (counts @ by_life) / (counts @ by_constant)
    skill = float(1.0 - by_life.sum() / by_constant.sum())
    chance = 1.0 - lost_by_constant.mean() if target.is_class else 0.0
    score = 1.0 - lost.mean() if target.is_class else skill
    return Reading(float(score), float(chance), estimate(skill, resampled, lives))

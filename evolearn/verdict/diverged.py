"""Lives that left the finite numbers, among others: counted last, whatever the sign of rewards. Pure.

A brain that diverges ends its life, and what the life had earned by then says nothing: where rewards are costs, the
life that ends first has lost least. So such a life counts as no better than the worst of all lives that stayed finite,
of any arm, at the same age; and a mean over lives can never be the better for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evolearn.verdict.metrics import OPTIONAL, SEEN, ArmLives, BoolArray
from evolearn.verdict.rules import DOUBLED
from evolearn.verdict.stats import FloatArray


def counted_last(values: Sequence[FloatArray], broken: Sequence[BoolArray]) -> list[FloatArray]:
    """Scores of several arms with those of broken lives no better than the worst of the others.

    Args:
        values: by arm, [.., L, ..]: scores in one metric, of one or several ages.
        broken: by arm: whether a life left the finite numbers, over the first axes of its values.
    Returns:
        By arm, the arrays themselves if no life is broken.

    >>> [scores.tolist() for scores in counted_last([np.array([0.0, -150.0]), np.array([-200.0])], \
[np.array([True, False]), np.array([False])])]
    [[-200.0, -150.0], [-200.0]]
    """
    if not any(mask.any() for mask in broken):
        return list(values)
    axes = broken[0].ndim
    masks = [
        mask.reshape(mask.shape + (1,) * (scores.ndim - axes)) for scores, mask in zip(values, broken, strict=True)
    ]
    finite = [np.isfinite(scores) for scores in values]
    stayed = [known & ~mask for known, mask in zip(finite, masks, strict=True)]
    worst = _lowest(values, stayed, axes)
    # where no life stayed finite, the worst of what is a number all the same
    worst = np.where(np.isfinite(worst), worst, _lowest(values, finite, axes))
    worst = np.where(np.isfinite(worst), worst, 0.0)
    return [
        np.where(mask, np.minimum(np.where(known, scores, worst), worst), scores)
        for scores, mask, known in zip(values, masks, finite, strict=True)
    ]


def _lowest(values: Sequence[FloatArray], kept: Sequence[BoolArray], axes: int) -> FloatArray:
    """The lowest of what is kept over the first axes of all arrays, infinite if nothing is.

    At each age; over all ages where the arms have different ones.
    """
    shown = [np.where(known, scores, np.inf) for scores, known in zip(values, kept, strict=True)]
    if len({scores.shape[axes:] for scores in shown}) > 1:
        return np.array(min(scores.min() for scores in shown))
    each = [scores.reshape(-1, *scores.shape[axes:]).min(axis=0) for scores in shown]
    return np.asarray(np.min(each, axis=0))


def diverged_last(lives: Mapping[str, ArmLives]) -> dict[str, ArmLives]:
    """Test lives of a condition with those that left the finite numbers counted last, in every metric.

    Args:
        lives: by arm; those of an arm evolved twice as long go by its name and `DOUBLED`, and set no standard.
    Returns:
        By arm, the records themselves if no life of any arm is broken.
    """
    if not any(of_arm.broken.any() or of_arm.broken_seen.any() for of_arm in lives.values()):
        return dict(lives)
    own = [arm for arm in lives if not arm.endswith(DOUBLED)]
    counted = dict(zip(own, _all_counted([lives[arm] for arm in own]), strict=True))
    for arm in lives:
        if arm not in counted:
            counted[arm] = _all_counted([*(lives[name] for name in own), lives[arm]])[-1]
    return {arm: counted[arm] for arm in lives}


def _optional_counted(arms: Sequence[ArmLives], metric: str) -> list[FloatArray | None]:
    """The scores of a metric that some arms may be without."""
    have = [one for one in arms if getattr(one, metric) is not None]
    broken = [one.broken_seen if metric in SEEN else one.broken_lives for one in have]
    counted = iter(counted_last([getattr(one, metric) for one in have], broken))
    return [None if getattr(one, metric) is None else next(counted) for one in arms]


def _all_counted(arms: Sequence[ArmLives]) -> list[ArmLives]:
    births, later = [one.broken_births for one in arms], [one.broken_lives for one in arms]
    either = [birth | life for birth, life in zip(births, later, strict=True)]

    def last(of: Callable[[ArmLives], FloatArray], broken: Sequence[BoolArray]) -> list[FloatArray]:
        return counted_last([of(one) for one in arms], broken)

    birth = last(lambda one: one.birth, births)
    reborn = last(lambda one: one.birth if one.birth_reborn is None else one.birth_reborn, births)
    running = last(lambda one: one.running, later)
    ceiling = last(lambda one: one.ceiling, later)
    totals = last(lambda one: one.totals, later)
    gain = last(lambda one: one.ceiling - one.birth, either)
    optional = {name: _optional_counted(arms, name) for name in OPTIONAL}
    return [
        dataclasses.replace(
            one,
            birth=birth[place],
            birth_reborn=None if one.birth_reborn is None else reborn[place],
            running=running[place],
            ceiling=ceiling[place],
            totals=totals[place],
            gain=gain[place],
            ever=optional["ever"][place],
            window_after=optional["window_after"][place],
            birth_seen=optional["birth_seen"][place],
            total_seen=optional["total_seen"][place],
            birth_diverged=births[place],
            diverged=later[place],
        )
        for place, one in enumerate(arms)
    ]

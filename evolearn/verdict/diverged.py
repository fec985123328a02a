"""Lives that left the finite numbers, among others: counted last, whatever the sign of rewards. Pure.

A brain that diverges ends its life, and what the life had earned by then says nothing: where rewards are costs, the
life that ends first has lost least. So such a life counts as no better than the worst of all lives that stayed finite,
of any arm, at any age; and a mean over lives can never be the better for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.verdict.stats import FloatArray

BoolArray = npt.NDArray[np.bool_]


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
    masks = [
        np.broadcast_to(mask.reshape(mask.shape + (1,) * (scores.ndim - mask.ndim)), scores.shape)
        for scores, mask in zip(values, broken, strict=True)
    ]
    whole, all_of_them = (
        np.concatenate([scores[np.isfinite(scores) & kept] for scores, kept in zip(values, these, strict=True)])
        for these in ([~mask for mask in masks], [np.ones_like(mask) for mask in masks])
    )
    known = whole if whole.size else all_of_them
    worst = known.min() if known.size else 0.0  # without any finite number there is nothing to be worse than
    return [
        np.where(mask, np.minimum(np.where(np.isfinite(scores), scores, worst), worst), scores)
        for scores, mask in zip(values, masks, strict=True)
    ]

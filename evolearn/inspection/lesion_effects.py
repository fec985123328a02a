"""From what intact, lesioned and sham-lesioned animals scored to effects, intervals and tests over lives. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from evolearn.inspection.lesion_rows import Lesion, Row
from evolearn.inspection.over_lives import LEVEL, Estimate, mean_estimates, outlier_p, sign_flip_p
from evolearn.stats import FloatArray, holm

METRICS = {
    "birth": "birth score",
    "ceiling": "ceiling",
    "speed": "time to threshold",
}
HARM = {"birth": -1.0, "ceiling": -1.0, "speed": 1.0}  # the sign of a change for the worse
AS_GIVEN = ("drive", "critic", "learner")  # none of them does anything before there is learning


@dataclasses.dataclass(frozen=True)
class Change:
    """A mean difference over lives with its interval and test; p is none where there was nothing to be tested."""

    of: Estimate
    p: float | None
    p_holm: float | None = None


@dataclasses.dataclass(frozen=True)
class Shams:
    """What shams of equal size did."""

    count: int
    mean: float  # change over the intact animal
    low: float  # 5% of the shams changed less
    high: float  # 5% changed more
    net: Change  # the lesion minus the mean sham; p: see `_beyond_p`
    outdone: float  # share of the shams that the lesion outdoes, to the worse if it harms, to the better if it helps


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a lesion did to a metric."""

    change: Change  # lesion minus intact
    shams: Shams | None  # none: there is no equal sham
    reading: str  # none, unclear, harm, help, harm as shams, help as shams


def effects(
    metric: str, lesions: Sequence[Lesion], rows: Sequence[Row], values: FloatArray, at_birth: bool = True
) -> list[Effect]:
    """What every lesion did to one metric.

    Args:
        metric: of METRICS.
        lesions: every one has rows.
        rows: what was lived; the first is intact.
        values: [rows, L] of the metric; the same lives in every row.
        at_birth: whether learning had not begun before the birth score.
    Returns:
        Effects in the order of `lesions`. The p-values of changes, and those of what is beyond the shams, are corrected
        after Holm over all lesions that could have changed the metric.
    """
    difference = values - values[0]
    own = np.stack([difference[_places(rows, lesion, "lesion")].mean(axis=0) for lesion in lesions])
    controls = [_controls(lesion, lesions, rows, own, difference) for lesion in lesions]
    net = np.stack(
        [mine - (other.mean(axis=0) if len(other) else 0.0) for mine, other in zip(own, controls, strict=True)]
    )
    tested = [not (metric == "birth" and at_birth and lesion.kind in AS_GIVEN) for lesion in lesions]
    changes = _changes(own, sign_flip_p(own.T), tested)
    beyond = _changes(
        net,
        np.array([_beyond_p(*each) for each in zip(lesions, own, controls, sign_flip_p(net.T), strict=True)]),
        [yes and len(other) > 0 for yes, other in zip(tested, controls, strict=True)],
    )
    found = []
    for change, other, surplus in zip(changes, controls, beyond, strict=True):
        shams = _shams(change, other, surplus) if len(other) else None
        found.append(Effect(change, shams, _reading(metric, change, shams)))
    return found


def _places(rows: Sequence[Row], lesion: Lesion, role: str) -> list[int]:
    return [
        place
        for place, row in enumerate(rows)
        if row.role == role
        and row.lesion is not None
        and (row.lesion == lesion if role == "lesion" else row.lesion.pool == lesion.pool)
    ]


def _controls(
    lesion: Lesion, lesions: Sequence[Lesion], rows: Sequence[Row], own: FloatArray, difference: FloatArray
) -> FloatArray:
    """What the shams of a lesion changed, [draws, L]; of a drive, the same done to each of the others."""
    if lesion.kind == "drive":
        others = [
            place
            for place, other in enumerate(lesions)
            if other.kind == "drive" and other.how == lesion.how and other != lesion
        ]
        return own[others]
    return difference[_places(rows, lesion, "sham")]


def _beyond_p(lesion: Lesion, own: FloatArray, controls: FloatArray, over_lives: float) -> float:
    """That a lesion is no more than a sham: neither in lives, with these shams, nor among shams, with these lives.

    Each of many random cuts does something else, and does so in every life: lives alone would find almost any two cuts
    to differ. A drive is held against all others there are, not against a sample: there lives alone decide.

    Source: Berger 1982 for the larger of two p-values as that of both.
    """
    if lesion.kind == "drive" or len(controls) < 2:
        return over_lives
    return max(over_lives, outlier_p(float(own.mean()), controls.mean(axis=1)))


def _changes(per_life: FloatArray, p_values: FloatArray, tested: Sequence[bool]) -> list[Change]:
    """Means over lives of [K, L] with intervals and, where tested, p-values [K] corrected together."""
    corrected = iter(holm([float(p) for p, yes in zip(p_values, tested, strict=True) if yes]))
    return [
        Change(of, float(p) if yes else None, next(corrected) if yes else None)
        for of, p, yes in zip(mean_estimates(per_life.T), p_values, tested, strict=True)
    ]


def _shams(change: Change, controls: FloatArray, net: Change) -> Shams:
    means = controls.mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    sign = math.copysign(1.0, change.of.value)
    outdone = float((sign * change.of.value > sign * means).mean())
    return Shams(len(means), float(means.mean()), float(low), float(high), net, outdone)


def _reading(metric: str, change: Change, shams: Shams | None) -> str:
    """What can be said of a lesion at the level of 5%."""
    value = change.of.value
    if value == 0.0 and change.of.low in (0.0, None) and change.of.high in (0.0, None):
        return "none"
    if change.p_holm is None or change.p_holm > LEVEL:
        return "unclear"
    what = "harm" if value * HARM[metric] > 0 else "help"
    if shams is None:
        return what
    beyond = shams.net.p_holm is not None and shams.net.p_holm <= LEVEL and shams.net.of.value * value > 0
    return what if beyond else f"{what} as shams"


def effects_by_metric(
    lesions: Sequence[Lesion], rows: Sequence[Row], values: Mapping[str, FloatArray]
) -> dict[str, list[Effect]]:
    """The effects on each metric, in the order of METRICS."""
    return {metric: effects(metric, lesions, rows, values[metric]) for metric in METRICS if metric in values}

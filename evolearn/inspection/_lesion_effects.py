"""From what intact, lesioned and sham-lesioned animals scored to effects, intervals and tests over lives. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from evolearn.inspection._lesion_rows import Lesion, Row
from evolearn.inspection._over_lives import LEVEL, Estimate, mean_estimates, rank_p, sign_flip_p
from evolearn.inspection._specimen import Json
from evolearn.verdict import FloatArray, holm

METRICS = {
    "birth": "birth score",
    "ceiling": "ceiling",
    "speed": "time to threshold",
}
HARM = {"birth": -1.0, "ceiling": -1.0, "speed": 1.0}  # the sign of a change for the worse
AS_GIVEN = ("drive", "learner")  # neither does anything before there is learning


@dataclasses.dataclass(frozen=True)
class LesionedLives:
    """One metric of every life; the same lives in every row."""

    values: FloatArray  # [rows, L], the first row intact; times that were never reached are infinite
    rest: float = math.inf  # world steps from the lesion to the end of life, at which means cut off times
    diverged: npt.NDArray[np.bool_] | None = None  # [rows, L], the brain left the finite numbers; none did

    @property
    def amounts(self) -> FloatArray:
        """Values with times cut off, [rows, L]."""
        return np.minimum(self.values, self.rest)

    @property
    def judged(self) -> FloatArray:
        """What is tested, [rows, L]: scores as they are, of times midranks among all, never reached tied last."""
        if math.isinf(self.rest):
            return self.values
        return np.asarray(stats.rankdata(self.values).reshape(self.values.shape))

    @property
    def broken(self) -> npt.NDArray[np.bool_]:
        """Lives whose brain diverged, [rows, L]."""
        return np.zeros(self.values.shape, bool) if self.diverged is None else self.diverged

    @property
    def never(self) -> npt.NDArray[np.bool_]:
        """Lives that never reached the threshold, [rows, L]; not those that reached it in their last window."""
        return np.isinf(self.values)


@dataclasses.dataclass(frozen=True)
class Count:
    """Lives of which something is true."""

    of: int  # lives, those of all draws together
    diverged: int
    never: int  # reached the threshold


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
    net: Change  # the lesion minus the mean sham
    outdone: int  # shams that the lesion outdoes, to the worse if it harms, to the better if it helps
    p: float  # of its rank among them, not corrected
    lives: Count


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a lesion did to a metric."""

    change: Change  # lesion minus intact
    shams: Shams | None  # none: there is no equal sham
    lives: Count
    reading: str  # none, unclear, harm, help, harm as shams, help as shams, diverged


def effects(metric: str, lesions: Sequence[Lesion], rows: Sequence[Row], lived: LesionedLives) -> list[Effect]:
    """What every lesion did to one metric.

    Args:
        metric: of METRICS.
        lesions: every one has rows.
        rows: what was lived; the first is intact.
        lived: the metric of each row and life.
    Returns:
        Effects in the order of `lesions`. The p-values of changes, and those of what is beyond the mean sham, are
        corrected after Holm over all lesions that could have changed the metric. The rank among the shams is not: few
        shams could never come out beside so many lesions. It is a condition of the reading all the same.
    """
    own, own_judged = (per_lesion(lesions, rows, values) for values in (lived.amounts, lived.judged))
    controls = [_places(rows, lesion, "sham") for lesion in lesions]
    net, net_judged = (
        np.stack(
            [mine - (_over(values, at).mean(axis=0) if at else 0.0) for mine, at in zip(each, controls, strict=True)]
        )
        for each, values in ((own, lived.amounts), (own_judged, lived.judged))
    )
    tested = [_could_change(metric, lesion) for lesion in lesions]
    changes = _changes(own, sign_flip_p(own_judged.T), tested)
    surplus = _changes(
        net, sign_flip_p(net_judged.T), [yes and bool(at) for yes, at in zip(tested, controls, strict=True)]
    )
    found = []
    for place, lesion in enumerate(lesions):
        shams = None
        mean = float(own_judged[place].mean())
        if controls[place]:
            shams = _shams(mean, controls[place], lived, surplus[place])
        mine = _places(rows, lesion, "lesion")
        lives = _count(lived, mine)
        sign = 0.0 if not _over(lived.judged, mine).any() else math.copysign(1.0, HARM[metric] * mean)
        beyond = float(net_judged[place].mean()) * mean > 0
        found.append(Effect(changes[place], shams, lives, _reading(changes[place], sign, shams, beyond, lives)))
    return found


def sense_effects(lesions: Sequence[Lesion], rows: Sequence[Row], values: FloatArray) -> Json:
    """What lesions did to what the world senses, which a score may hide: one half may be spoiled and the other spared.

    Args:
        lesions: every one has rows.
        rows: what was lived; the first is intact.
        values: [rows, L, senses], means per step of whole lives.
    Returns:
        ``intact``, an estimate for each sense; and for each lesion ``changes``, an estimate of lesion minus intact for
        each sense, and ``shams``, the mean change of its shams for each sense, null without. No test is made.
    """
    changes = [_over(values, _places(rows, lesion, "lesion")).mean(axis=0) for lesion in lesions]
    controls = [_places(rows, lesion, "sham") for lesion in lesions]
    return {
        "intact": [one.as_json() for one in mean_estimates(values[0])],
        "changes": [[one.as_json() for one in mean_estimates(change)] for change in changes],
        "shams": [_over(values, at).mean(axis=(0, 1)).tolist() if at else None for at in controls],
    }


def per_lesion(lesions: Sequence[Lesion], rows: Sequence[Row], values: FloatArray) -> FloatArray:
    """Lesion minus intact, the mean over draws, [lesions, L], of values [rows, L]."""
    return np.stack([_over(values, _places(rows, lesion, "lesion")).mean(axis=0) for lesion in lesions])


def largest(metric: str, own: FloatArray, judged: FloatArray, among: Sequence[int]) -> tuple[int, Estimate] | None:
    """Which lesion harms most, and by how much in lives that did not choose it.

    The largest of many noisy effects is too large by chance. So it is also chosen by one half of the lives and measured
    in the other half, both ways: the mean of that is not, and has an honest interval.

    Args:
        metric: of METRICS.
        own: [lesions, L] changes, from `per_lesion`.
        judged: likewise, of what is tested: by these it is chosen.
        among: places of the lesions to choose from.
    Returns:
        The place of the lesion that harms most in all lives, and the size; none if none harms.
    Source: Stone 1974, Cross-validatory choice and assessment of statistical predictions.
    """
    harm = HARM[metric] * judged[list(among)]
    if not len(harm) or harm.mean(axis=1).max() <= 0.0:
        return None
    first = int(among[int(harm.mean(axis=1).argmax())])
    if own.shape[1] < 2:
        return first, mean_estimates(own[first][:, None])[0]
    halves = np.arange(own.shape[1]) % 2 == 0
    checked = np.empty(own.shape[1])
    for half in (halves, ~halves):
        chosen = among[int(harm[:, half].mean(axis=1).argmax())]
        checked[~half] = own[chosen, ~half]
    return first, mean_estimates(checked[:, None])[0]


def intact_record(lived: LesionedLives) -> Json:
    """What the intact animal came to, for JSON: the mean over lives, and whether all lives are the same."""
    mean = mean_estimates(lived.amounts[0][:, None])[0].as_json()
    same = bool(np.ptp(lived.amounts[0]) == 0.0)
    return {**mean, "same": same, "diverged": int(lived.broken[0].sum()), "never": int(lived.never[0].sum())}


def largest_record(
    metric: str, lesions: Sequence[Lesion], rows: Sequence[Row], lived: LesionedLives, found: Sequence[Effect]
) -> Json:
    """The most harmful of ``all`` lesions, and of the ``parts`` but whole layers that harm beyond their shams."""
    own, judged = (per_lesion(lesions, rows, values) for values in (lived.amounts, lived.judged))
    among = {
        "all": [place for place, effect in enumerate(found) if effect.reading != "none"],
        "parts": [
            place
            for place, effect in enumerate(found)
            if effect.reading == "harm" and effect.shams is not None and lesions[place].kind != "layer"
        ],
    }
    chosen = {which: largest(metric, own, judged, some) for which, some in among.items()}
    return {which: one and {"lesion": one[0], "size": one[1].as_json()} for which, one in chosen.items()}


def _could_change(metric: str, lesion: Lesion) -> bool:
    return metric != "birth" or not (lesion.kind in AS_GIVEN or lesion.dormant)


def _places(rows: Sequence[Row], lesion: Lesion, role: str) -> list[int]:
    return [
        place
        for place, row in enumerate(rows)
        if row.role == role
        and row.lesion is not None
        and (row.lesion == lesion if role == "lesion" else row.lesion.pool == lesion.pool)
    ]


def _over(values: FloatArray, at: Sequence[int]) -> FloatArray:
    """Rows minus the intact one, [some, L]."""
    return np.asarray(values[list(at)] - values[0])


def _count(lived: LesionedLives, at: Sequence[int]) -> Count:
    some = list(at)
    return Count(lived.values[some].size, int(lived.broken[some].sum()), int(lived.never[some].sum()))


def _changes(per_life: FloatArray, p_values: FloatArray, tested: Sequence[bool]) -> list[Change]:
    """Means over lives of [K, L] with intervals and, where tested, p-values [K] corrected together."""
    corrected = iter(holm([float(p) for p, yes in zip(p_values, tested, strict=True) if yes]))
    return [
        Change(of, float(p) if yes else None, next(corrected) if yes else None)
        for of, p, yes in zip(mean_estimates(per_life.T), p_values, tested, strict=True)
    ]


def _shams(mean: float, at: Sequence[int], lived: LesionedLives, net: Change) -> Shams:
    """What shams did.

    A sham whose brain diverged counts as no less than the lesion: what its life earned says nothing.
    """
    amounts = _over(lived.amounts, at).mean(axis=1)
    low, high = np.quantile(amounts, [0.05, 0.95])
    sign = math.copysign(1.0, mean)
    others = sign * _over(lived.judged, at).mean(axis=1)
    others[lived.broken[list(at)].any(axis=1)] = math.inf
    p = rank_p(sign * mean, others)
    as_far = round(p * (len(others) + 1)) - 1
    return Shams(
        len(others), float(amounts.mean()), float(low), float(high), net, len(others) - as_far, p, _count(lived, at)
    )


def _reading(change: Change, harm: float, shams: Shams | None, beyond: bool, lives: Count) -> str:
    """What can be said of a lesion at the level of 5%.

    Beyond its shams is one that differs from their mean over lives, and outdoes each one of at least 19 of them: any
    two random cuts differ in every life, and shams are mostly without effect and at times disastrous.

    Args:
        change: over the intact animal.
        harm: 1 for the worse, -1 for the better, 0 if no life differs.
        shams: what they did.
        beyond: the lesion does more than the mean sham.
        lives: of the lesion.
    """
    if not harm:
        return "none"
    if change.p_holm is None or change.p_holm > LEVEL:
        return "unclear"
    what = "harm" if harm > 0 else "help"
    if what == "help" and lives.diverged:  # steps that are not lived earn 0, which may be the best there is
        return "diverged"
    if shams is None:
        return what
    over_lives = shams.net.p_holm is not None and shams.net.p_holm <= LEVEL and beyond
    every = shams.outdone == shams.count and shams.p <= LEVEL
    return what if over_lives and every else f"{what} as shams"

"""What rose first over the generations: the score that is innate, or the score after learning. Pure.

Genetic assimilation, the end of the Baldwin effect: what ancestors had to learn, descendants are born with. Then the
score after learning rises first, and what the same animals do without learning follows.
Source: Baldwin 1896, "A new factor in evolution"; Waddington 1953, "Genetic assimilation of an acquired character".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.inspection.over_lives import LEVEL, estimate, finite_or_none, life_counts
from evolearn.inspection.specimen import Json
from evolearn.verdict import interval

FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-9  # of the size of scores: a rise smaller than that is none

SMALL = 0.1  # of the generations: scores rose together if their lag is shown to be no larger

# What can come out. Close: one had risen at a generation at which the other had not, but perhaps only just.
ASSIMILATION, INSTINCT_FIRST, LEARNED_CLOSE, INNATE_CLOSE = (
    "assimilation", "instinct_first", "learned_close", "innate_close",
)  # fmt: skip
TOGETHER, CANNOT_TELL, NOTHING, ONLY_LEARNED, ONLY_INNATE = (
    "together", "cannot_tell", "nothing", "only_learned", "only_innate",
)  # fmt: skip


def assimilation(generations: Sequence[int], birth: FloatArray, innate: FloatArray, learned: FloatArray) -> Json:
    """Which of two scores rose first, and by how many generations.

    The two that are compared, innate and after learning, are of the same window of the same lives, so that nothing but
    learning lies between them. The birth score is of a younger age: it is followed too, and judges nothing.

    A score has risen if the last ancestor's is above the first's by more than chance over lives; it rose at the first
    generation from which on it stays above half of that rise. Lives are drawn again together for all ancestors and
    all scores, which were lived in the same worlds.

    Args:
        generations: [n], ascending, of the ancestors.
        birth: [n, L], score of each ancestor's first steps in each life, without learning.
        innate: [n, L], score late in the same lives, without learning.
        learned: [n, L], score late in the same lives, with learning.
    Returns:
        "generations", "birth", "innate" and "learned": "mean", "low", "high" [n], "rise" with its interval, "rose_at"
        (None: it did not rise) and "crossed" (the same between the generations that were kept); "lag" of innate
        behind learned in generations, with its interval (None unless both rose), "birth_lag" likewise of birth behind
        learned, and "outcome", one of the module's words.
    """
    lives = birth.shape[1]
    shares = life_counts(lives) / lives
    curves = {"birth": birth, "innate": innate, "learned": learned}
    resampled = {name: shares @ scores.T for name, scores in curves.items()}  # [S, n]
    found = {name: _rise(generations, scores, resampled[name]) for name, scores in curves.items()}
    lags = {
        name: _lag(generations, [curves[name], learned], [resampled[name], resampled["learned"]])
        if found[name]["rose_at"] is not None and found["learned"]["rose_at"] is not None
        else None
        for name in ("innate", "birth")
    }
    return {
        "generations": list(generations),
        **found,
        "lag": lags["innate"],
        "birth_lag": lags["birth"],
        "outcome": _outcome(generations, found, lags["innate"]),
        "small": SMALL,
        "level": LEVEL,
    }


def _outcome(generations: Sequence[int], found: Json, lag: Json | None) -> str:
    if lag is None:
        rose = [name for name in ("innate", "learned") if found[name]["rose_at"] is not None]
        return {"innate": ONLY_INNATE, "learned": ONLY_LEARNED}[rose[0]] if rose else NOTHING
    if lag["low"] > 0:
        return ASSIMILATION
    if lag["high"] < 0:
        return INSTINCT_FIRST
    small = SMALL * (generations[-1] - generations[0])
    if max(-lag["low"], lag["high"]) <= small:
        return TOGETHER
    if lag["low"] >= 0:
        return LEARNED_CLOSE
    return INNATE_CLOSE if lag["high"] <= 0 else CANNOT_TELL


def rose_at(curves: FloatArray) -> npt.NDArray[np.int64]:
    """Place in each curve from which on it stays at or above half of its total rise; its length where it fell.

    Args:
        curves: [.., n].
    Returns:
        [..].
    """
    first, last = curves[..., :1], curves[..., -1:]
    above = curves >= first + 0.5 * (last - first)
    stays = np.logical_and.accumulate(above[..., ::-1], axis=-1).sum(axis=-1)
    return np.where(last[..., 0] > first[..., 0], curves.shape[-1] - stays, curves.shape[-1])


def crossing(generations: Sequence[int], curve: FloatArray) -> float:
    """Generation at which a curve that rises passes half of its rise, on straight lines between those kept."""
    at = int(rose_at(curve))
    half = float(curve[0] + curve[-1]) / 2
    before, after = float(curve[at - 1]), float(curve[at])
    share = (half - before) / (after - before)
    return generations[at - 1] + share * (generations[at] - generations[at - 1])


def _rise(generations: Sequence[int], scores: FloatArray, resampled: FloatArray) -> Json:
    lives = scores.shape[1]
    mean = scores.mean(axis=1)
    low, high = interval(resampled, LEVEL, lives)
    rise = estimate(mean[-1] - mean[0], resampled[:, -1] - resampled[:, 0], lives)
    has_risen = rise.low is not None and rise.low > ROUNDING * float(np.abs(mean).max())
    return {
        "mean": mean.tolist(),
        "low": finite_or_none(low),
        "high": finite_or_none(high),
        "rise": rise.as_json(),
        "rose_at": generations[int(rose_at(mean))] if has_risen else None,
        "crossed": crossing(generations, mean) if has_risen else None,
    }


def _lag(generations: Sequence[int], curves: Sequence[FloatArray], resampled: Sequence[FloatArray]) -> Json:
    """By how many generations the first of two scores rose after the second.

    Few generations are kept: a score that had risen at one, and not yet at the one before, rose somewhere between. The
    interval reaches from the least to the most that this allows.
    """
    # A resample without a rise has it after the end, a whole run later.
    times = np.array([*generations, 2 * generations[-1] + 1], np.float64)
    late, early = (rose_at(means) for means in resampled)
    lives = curves[0].shape[1]
    least, most = times[late - 1] - times[early], times[late] - times[early - 1]
    low, _ = interval(least, LEVEL, lives)
    _, high = interval(most, LEVEL, lives)
    behind, ahead = (crossing(generations, scores.mean(axis=1)) for scores in curves)
    return {"value": behind - ahead, "low": float(low), "high": float(high)}

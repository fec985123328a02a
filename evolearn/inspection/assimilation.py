"""What rose first over the generations: the score at birth, or the score after learning. Pure.

Genetic assimilation, the end of the Baldwin effect: what ancestors had to learn, descendants are born with. Then the
score after learning rises first, and the birth score follows.
Source: Baldwin 1896, "A new factor in evolution"; Waddington 1953, "Genetic assimilation of an acquired character".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.inspection.over_lives import LEVEL, estimate, finite_or_none, life_counts
from evolearn.inspection.specimen import Json
from evolearn.stats import interval

FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-9  # of the size of scores: a rise smaller than that is none

# What can come out.
ASSIMILATION, INSTINCT_FIRST, TOGETHER, CANNOT_TELL, NOTHING, ONLY_LEARNED, ONLY_BIRTH = (
    "assimilation", "instinct_first", "together", "cannot_tell", "nothing", "only_learned", "only_birth",
)  # fmt: skip


def assimilation(generations: Sequence[int], birth: FloatArray, learned: FloatArray) -> Json:
    """Which of two scores rose first, and by how many generations.

    A score has risen if the last ancestor's is above the first's by more than chance over lives; it rose at the first
    generation from which on it stays above half of that rise. Lives are drawn again together for all ancestors and
    both scores, which were lived in the same worlds.

    Args:
        generations: [n], ascending, of the ancestors.
        birth: [n, L], birth score of each ancestor in each life.
        learned: [n, L], score after learning in the same lives.
    Returns:
        "generations", "birth" and "learned": "mean", "low", "high" [n], "rise" with its interval, "rose_at" (None: it
        did not rise); "lag" in generations, positive if learning was first, with its interval (None unless both rose),
        and "outcome", one of the module's words.
    """
    lives = birth.shape[1]
    shares = life_counts(lives) / lives
    curves = {"birth": birth, "learned": learned}
    resampled = {name: shares @ scores.T for name, scores in curves.items()}  # [S, n]
    found = {name: _rise(generations, scores, resampled[name]) for name, scores in curves.items()}
    rose = [name for name in curves if found[name]["rose_at"] is not None]
    lag, outcome = None, {"birth": ONLY_BIRTH, "learned": ONLY_LEARNED}[rose[0]] if rose else NOTHING
    if len(rose) == 2:
        lag, outcome = _lag(generations, curves, resampled)
    return {"generations": list(generations), **found, "lag": lag, "outcome": outcome, "level": LEVEL}


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
    }


def _lag(
    generations: Sequence[int], curves: dict[str, FloatArray], resampled: dict[str, FloatArray]
) -> tuple[Json, str]:
    """By how many generations learning was first, and what to call it."""
    places = {name: rose_at(means) for name, means in resampled.items()}
    # A resample without a rise has it after the end, a whole run later.
    times = np.array([*generations, 2 * generations[-1] + 1])
    lags = times[places["birth"]] - times[places["learned"]]
    steps = places["birth"] - places["learned"]
    lives = curves["birth"].shape[1]
    fewest, most = interval(steps.astype(np.float64), LEVEL, lives)
    value = times[rose_at(curves["birth"].mean(axis=1))] - times[rose_at(curves["learned"].mean(axis=1))]
    if fewest >= 1 or most <= -1:
        outcome = ASSIMILATION if fewest >= 1 else INSTINCT_FIRST
    else:
        outcome = TOGETHER if fewest >= -1 and most <= 1 else CANNOT_TELL
    return estimate(value, lags.astype(np.float64), lives).as_json(), outcome

"""What a calibration table says of a world, in words: can it tell nature from nurture? Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SOLVED = "already solved at birth"
INSTINCT = "instinct is enough here"
LEARNING = "learning is needed and possible"
NOTHING = "nothing can be learned in this lifetime"
UNDECIDED = "the numbers do not decide"

SMALL = 0.1  # a share of what there is to gain that does not count
MUCH = 0.5  # a share of it that counts as solving the world
SOLVED_AT = 0.05  # the best gains less than this share of the larger score: the world is solved

# Of a calibration, by what is read of it; blank: at the longest lifetime.
RANDOM, BLANK, UNLEARNING, EVOLVED, ORACLE = "random", "blank", "instinct", "evolved", "oracle"


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """Scores of an arm at one lifetime."""

    lives: FloatArray  # [L] by the world's rule; the same lives in the same order in every arm

    @property
    def mean(self) -> float:
        """Over lives."""
        return float(self.lives.mean())

    @property
    def error(self) -> float:
        """Standard error of the mean over lives."""
        return _error(self.lives)


@dataclasses.dataclass(frozen=True)
class Reading:
    """A sentence and its reason."""

    verdict: str
    because: str


def read_scores(scores: Mapping[str, Score], brief: bool = False) -> Reading:
    """Say what kind of world gives these scores.

    All gains are shares of what there is to gain: from random, 0, to the oracle, or the best arm if there is none, 1.
    A gain counts if it is larger than SMALL by more than twice its error, and does not if it is smaller by as much.
    All arms live the same lives, so that errors are those of differences within lives.

    Args:
        scores: at the longest lifetime, for random, blank, instinct, evolved, and oracle if the world has one.
        brief: the searches were too short to say that there is nothing to find.
    """
    random, oracle, instinct = scores[RANDOM], scores.get(ORACLE), scores[UNLEARNING]
    best = max((scores[name] for name in (BLANK, UNLEARNING, EVOLVED)), key=lambda score: score.mean)
    top = oracle if oracle is not None and oracle.mean >= best.mean else best
    headroom = top.lives - random.lives
    noticeable = SOLVED_AT * max(abs(top.mean), abs(random.mean))
    if headroom.mean() <= max(2.0 * _error(headroom), noticeable):
        return _without_headroom(headroom, noticeable, oracle is not None)
    learner = max((scores[name] for name in (BLANK, EVOLVED)), key=lambda score: score.mean)
    innate = _Gain(instinct.lives - random.lives, headroom)
    learned = _Gain(learner.lives - instinct.lives, headroom)
    possible = _Gain(learner.lives - random.lives, headroom)
    shares = f"of what there is to gain, instinct {innate.text}, the better learner {possible.text}"
    if learned.counts and possible.counts:
        return Reading(LEARNING, shares)
    if learned.is_small and innate.surely_above(MUCH):
        return Reading(INSTINCT, f"{shares}; learning adds nothing to speak of")
    if innate.is_small and possible.is_small:
        if oracle is None:
            return Reading(UNDECIDED, f"{shares}, and no oracle says that there is more")
        if brief:
            return Reading(UNDECIDED, f"{shares}: nothing was found yet, and the search was short")
        return Reading(NOTHING, shares)
    if learned.is_small:
        return Reading(UNDECIDED, f"{shares}; more generations may find what is missing, by instinct or by learning")
    return Reading(UNDECIDED, f"{shares}, within their errors either way; more lives or generations may decide")


@dataclasses.dataclass(frozen=True, eq=False)
class _Gain:
    """A gain against what there is to gain, both [L], life by life."""

    lives: FloatArray
    headroom: FloatArray

    def surely_above(self, share: float) -> bool:
        return _surely_positive(self.lives - share * self.headroom)

    def surely_below(self, share: float) -> bool:
        return _surely_positive(share * self.headroom - self.lives)

    @property
    def counts(self) -> bool:
        return self.surely_above(SMALL)

    @property
    def is_small(self) -> bool:
        return self.surely_below(SMALL)

    @property
    def text(self) -> str:
        percent = round(100 * float(self.lives.mean() / self.headroom.mean()))
        if percent < 0 and self.surely_below(0.0):
            return "is worse than random"
        return f"gets {max(percent, 0)}%"


def _without_headroom(headroom: FloatArray, noticeable: float, has_oracle: bool) -> Reading:
    if headroom.mean() + 2.0 * _error(headroom) > noticeable:
        return Reading(
            UNDECIDED,
            f"too few lives to tell whether anybody does noticeably better than uniform actions: over {len(headroom)} "
            f"lives the best gains {headroom.mean():.3g}, give or take {2.0 * _error(headroom):.2g}",
        )
    if has_oracle:
        return Reading(SOLVED, "nobody does noticeably better than uniform actions, the oracle included")
    return Reading(
        UNDECIDED,
        "nobody does noticeably better than uniform actions: the world is solved at birth, or nothing was found in so "
        "short a search; an oracle would tell",
    )


def _surely_positive(differences: FloatArray) -> bool:
    return bool(differences.mean() > 2.0 * _error(differences))


def _error(values: FloatArray) -> float:
    """Standard error of the mean over lives; infinite for a single one."""
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf

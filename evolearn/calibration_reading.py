"""What a calibration table says of a world, in words: can it tell nature from nurture? Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

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


@dataclasses.dataclass(frozen=True)
class Score:
    """A score of an arm at one lifetime."""

    mean: float  # over lives, by the world's rule
    error: float  # standard error of the mean over lives

    @property
    def interval(self) -> tuple[float, float]:
        """95% over lives."""
        return self.mean - 1.96 * self.error, self.mean + 1.96 * self.error


@dataclasses.dataclass(frozen=True)
class Reading:
    """A sentence and its reason."""

    verdict: str
    because: str


def read_scores(scores: Mapping[str, Score], brief: bool = False) -> Reading:
    """Say what kind of world gives these scores.

    All gains are shares of what there is to gain: from random, 0, to the oracle, or the best arm if there is none, 1.
    A gain counts if it is larger than SMALL by more than its error, and does not if it is smaller by as much.

    Args:
        scores: at the longest lifetime, for random, blank, instinct, evolved, and oracle if the world has one.
        brief: the searches were too short to say that there is nothing to find.
    """
    random, oracle = scores[RANDOM], scores.get(ORACLE)
    arms = [scores[name] for name in (BLANK, UNLEARNING, EVOLVED)]
    best = max(arms, key=lambda score: score.mean)
    top = oracle if oracle is not None and oracle.mean >= best.mean else best
    scale = top.mean - random.mean
    if scale <= max(2.0 * _error(top, random), SOLVED_AT * max(abs(top.mean), abs(random.mean))):
        return _without_headroom(oracle is not None)
    learner = max((scores[name] for name in (BLANK, EVOLVED)), key=lambda score: score.mean)
    instinct = scores[UNLEARNING]
    innate = _Gain.between(instinct, random, scale)
    learned = _Gain.between(learner, instinct, scale)
    possible = _Gain.between(learner, random, scale)
    shares = f"of what there is to gain, instinct gets {innate.text}, the better learner {possible.text}"
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


@dataclasses.dataclass(frozen=True)
class _Gain:
    share: float
    error: float

    @classmethod
    def between(cls, one: Score, other: Score, scale: float) -> _Gain:
        return cls((one.mean - other.mean) / scale, _error(one, other) / scale)

    def surely_above(self, share: float) -> bool:
        return self.share - 2.0 * self.error > share

    @property
    def counts(self) -> bool:
        return self.surely_above(SMALL)

    @property
    def is_small(self) -> bool:
        return self.share + 2.0 * self.error < SMALL

    @property
    def text(self) -> str:
        return f"{round(100 * self.share)}%"


def _without_headroom(has_oracle: bool) -> Reading:
    if has_oracle:
        return Reading(SOLVED, "nobody does noticeably better than uniform actions, the oracle included")
    return Reading(
        UNDECIDED,
        "nobody does noticeably better than uniform actions: the world is solved at birth, or nothing was found in so "
        "short a search; an oracle would tell",
    )


def _error(one: Score, other: Score) -> float:
    """Standard error of a difference; lives are the same, so it errs on the wide side."""
    return math.hypot(one.error, other.error)

"""Whether a search had ended: which of its runs still climb, which are stuck, and whose verdict that forbids. Pure.

A run is asked by the noise between its generations. A slow climb is lost in that noise, so all runs of an arm are asked
together as well, by how they differ.

Fitness is told on a scale of its own, from random (0) to the oracle (1), so that the same gain counts the same in every
world and for every arm, and noise about a plateau does not become the scale.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from evolearn.verdict.metrics import ArmLives, mean_over_lives
from evolearn.verdict.stats import FloatArray, iqm

FEWEST_GENERATIONS = 8  # two per quarter: fewer say nothing about convergence


@dataclasses.dataclass(frozen=True)
class Scale:
    """From where to where fitness is measured."""

    floor: float  # life fitness of the random arm
    top: float  # of the oracle, or of the best curve
    top_name: str  # in words

    def share(self, fitness: float) -> float:
        """Of the way from floor to top."""
        return (fitness - self.floor) / (self.top - self.floor)


@dataclasses.dataclass(frozen=True)
class LateGain:
    """What a search gained in its last quarter over the quarter before, and its interval, over generations or runs."""

    value: float  # share of the scale
    low: float
    high: float

    @property
    def words(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]"


@dataclasses.dataclass(frozen=True)
class RunSearch:
    """How the search of one run ended."""

    run: int
    gain: LateGain | None  # None: too few generations, or no scale
    climbing: bool | None
    end: float | None  # mean of the last quarter, share of the scale; None: no scale
    stuck: bool = False


@dataclasses.dataclass(frozen=True)
class ArmSearch:
    """How the searches of an arm ended."""

    runs: tuple[RunSearch, ...]
    scale: Scale | None
    gain: LateGain | None = None  # mean over runs, and its interval over them; None: too few runs can tell
    gaining: bool = False  # whether runs together surely gained more than the tolerance

    @property
    def climbing(self) -> tuple[int, ...]:
        """Runs that still climbed."""
        return tuple(row.run for row in self.runs if row.climbing)

    @property
    def stuck(self) -> tuple[int, ...]:
        """Runs that ended far below the best one."""
        return tuple(row.run for row in self.runs if row.stuck)

    @property
    def ended(self) -> bool | None:
        """Whether the search had ended: not if most runs still climbed, or all together; None if nobody can tell."""
        unknown = sum(row.climbing is None for row in self.runs)
        if self.gaining or self._most_climb:
            return False
        return None if 2 * (len(self.climbing) + unknown) > len(self.runs) else True

    @property
    def late(self) -> str:
        """In words, of a search that had not ended: what it still did."""
        if self._most_climb or self.gain is None:
            return f"{len(self.climbing)} of {len(self.runs)} run{'s' * (len(self.runs) > 1)} still climbed"
        return f"its runs gained {self.gain.words} late on average"

    @property
    def _most_climb(self) -> bool:
        return 2 * len(self.climbing) > len(self.runs)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Runs of an arm that ended alike."""

    runs: tuple[int, ...]
    stuck: bool
    centre: float  # mean of where they ended, share of the scale
    low: float  # the lowest end
    high: float  # the highest end


def find_scale(
    lives: Mapping[str, ArmLives], selection_lifetime: int, curves: Mapping[str, Sequence[FloatArray]]
) -> Scale | None:
    """The scale on which an arm's search is judged.

    Args:
        lives: test lives by arm. What random and the oracle score is their life fitness over the shortest evaluation
            lifetime that is no shorter than the selection lifetime, or over the longest if all are shorter.
        selection_lifetime: of the arm, world steps.
        curves: of all searches of the condition, by arm: [G] of each run. The best of them is the top if there is no
            oracle.
    Returns:
        None without a random arm, or if the top is no higher than the floor.
    """
    if "random" not in lives:
        return None
    floor, top = (
        _life_fitness(lives[arm], selection_lifetime) if arm in lives else None for arm in ("random", "oracle")
    )
    top_name = "the oracle"
    if top is None:
        top_name = "the best that any search reached"
        top = max((float(curve.max()) for runs in curves.values() for curve in runs if _whole(curve)), default=math.nan)
    return Scale(floor, top, top_name) if floor is not None and math.isfinite(top) and top > floor else None


def late_gain(curves: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What searches gained in the last quarter of their generations over the quarter before, with an interval.

    The interval is the residual bootstrap's over generations, about the line through both quarters: its standard error
    (in closed form, as if of infinitely many resamples, so that nothing is drawn) times Student's quantile. Percentiles
    of resamples cannot serve: from two generations per quarter they are bounded by what was seen, and flag 16% of pure
    noise, or 6% if residuals are pooled, where this flags 2%. About a line, since about two means a steady climb would
    count as noise. Generations are taken as independent; if neighbours correlate by .3, noise is flagged in 3 to 8%.

    Args:
        curves: [.., G] fitness by generation, G >= `FEWEST_GENERATIONS`; finite.
        level: the interval covers 1 - level.
    Returns:
        gain, low and high, [..] each, in units of fitness.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, sections 9.4 and 12.2.

    >>> [round(end.item(), 3) for end in late_gain(np.array([0.0, 0.0, 0.0, 0.0, 0.4, 0.6, 0.9, 1.1]), 0.05)]
    [0.5, 0.364, 0.636]
    """
    quarter = _quarter(curves.shape[-1])
    gain = curves[..., -quarter:].mean(axis=-1) - curves[..., -2 * quarter : -quarter].mean(axis=-1)
    reach = scipy.stats.t.ppf(1 - level / 2, _freedom(quarter)) * np.sqrt(2 * noise(curves) / quarter)
    return gain, gain - reach, gain + reach


def noise(curves: FloatArray) -> FloatArray:
    """Variance [..] of the fitness [.., G] of a generation about the line through the last two quarters."""
    quarter = _quarter(curves.shape[-1])
    late = curves[..., -2 * quarter :]
    time = np.arange(2 * quarter) - (2 * quarter - 1) / 2
    level = late.mean(axis=-1, keepdims=True)
    slope = (late @ time / (time @ time))[..., None]
    return np.asarray(((late - level - slope * time) ** 2).sum(axis=-1) / _freedom(quarter))


def judge_search(
    curves: Mapping[int, FloatArray], scale: Scale | None, tolerance: float, stuck_share: float, level: float
) -> ArmSearch:
    """How the searches of an arm ended.

    Args:
        curves: by run: [G] fitness by generation of the stretch that the result came from; lengths may differ.
        scale: of the arm, see `find_scale`.
        tolerance: a run climbs if the whole interval of its late gain lies above this share of the scale; and so do all
            together, if that of their mean does.
        stuck_share: a run is stuck if it ended below the best one by more than this share of the scale, what noise
            could explain of it taken off.
        level: of intervals; no more than so many arms whose runs differ by noise alone are said to have stuck runs.
    """
    if scale is None:
        return ArmSearch(tuple(RunSearch(run, None, None, None) for run in curves), None)
    stuck = _stuck({run: curve for run, curve in curves.items() if _long(curve)}, scale, stuck_share, level)
    rows = []
    for run, curve in curves.items():
        end = scale.share(_end(curve)) if _whole(curve) else None
        gain = _share_gained(curve, scale, level) if _long(curve) else None
        rows.append(RunSearch(run, gain, None if gain is None else gain.low > tolerance, end, run in stuck))
    together = mean_gain([row.gain.value for row in rows if row.gain is not None], len(rows), level)
    return ArmSearch(tuple(rows), scale, together, together is not None and together.low > tolerance)


def mean_gain(gains: Sequence[float], runs: int, level: float) -> LateGain | None:
    """What the runs of an arm gained late on average, with Student's interval over runs.

    Over runs and not over generations: runs are independent, whatever a search keeps from generation to generation.

    Args:
        gains: late gains of those runs of which they are known.
        runs: all runs of the arm.
        level: the interval covers 1 - level.
    Returns:
        None if fewer than two runs, or than half of them, can tell.

    >>> mean_gain([0.01, 0.03, 0.02], 3, 0.05).words
    '2.0% [-0.5%, 4.5%]'
    """
    if len(gains) < max(2, runs / 2):
        return None
    mean = float(np.mean(gains))
    reach = float(scipy.stats.t.ppf(1 - level / 2, len(gains) - 1) * scipy.stats.sem(gains))
    return LateGain(mean, mean - reach, mean + reach)


def clusters(search: ArmSearch) -> tuple[Cluster, ...]:
    """The runs that came through and those that are stuck, in this order; none if no run is stuck."""
    if not search.stuck:
        return ()
    found = []
    for stuck in (False, True):
        ends = {row.run: row.end for row in search.runs if row.stuck is stuck and row.end is not None}
        values = list(ends.values())
        found.append(Cluster(tuple(ends), stuck, float(np.mean(values)), min(values), max(values)))
    return tuple(found)


def unfinished(
    verdict: str, arm: str, against: str, searches: Mapping[str, ArmSearch], origins: Mapping[str, str]
) -> str | None:
    """Why a verdict must be withheld: the search of an arm that it disfavours had not ended, so more might come of it.

    A verdict "better" needs the rival's search to have ended, "worse" the claimed arm's, "equivalent" both. Where too
    few generations were searched to tell, nothing is withheld; a remark says so.

    Args:
        verdict: better, worse, equivalent or inconclusive.
        arm: that is claimed to differ.
        against: the rival.
        searches: by arm that evolved; those that did not, such as random, have no search to end.
        origins: by transplanted arm: whose DNA it has, and with whose search it counts.

    >>> climbing = ArmSearch((RunSearch(0, LateGain(0.2, 0.1, 0.3), True, 0.7),), Scale(0.0, 1.0, "the oracle"))
    >>> unfinished("better", "evolved", "shuffled", {"evolved": climbing}, {"shuffled": "evolved"})
    'the search of shuffled (that of evolved) had not ended: 1 of 1 run still climbed'
    >>> unfinished("worse", "blank", "evolved", {"evolved": climbing}, {})
    """
    needed = {"better": (against,), "worse": (arm,), "equivalent": (arm, against)}.get(verdict, ())
    reasons = []
    for name in needed:
        origin = _origin(name, origins)
        search = searches.get(origin)
        if search is not None and search.ended is False:
            whose = name if name == origin else f"{name} (that of {origin})"
            reasons.append(f"the search of {whose} had not ended: {search.late}")
    return "; ".join(reasons) or None


def _origin(arm: str, origins: Mapping[str, str]) -> str:
    while arm in origins:
        arm = origins[arm]
    return arm


def _life_fitness(lives: ArmLives, selection_lifetime: int) -> float:
    long_enough = [place for place, lifetime in enumerate(lives.lifetimes) if lifetime >= selection_lifetime]
    place = long_enough[0] if long_enough else -1
    return float(iqm(mean_over_lives(lives.totals)[:, place]))


def _quarter(generations: int) -> int:
    return max(1, generations // 4)


def _freedom(quarter: int) -> int:
    """Degrees of freedom of the noise about a line through two quarters."""
    return 2 * quarter - 2


def _end(curve: FloatArray) -> float:
    return float(curve[-_quarter(len(curve)) :].mean())


def _whole(curve: FloatArray) -> bool:
    return len(curve) > 0 and bool(np.isfinite(curve).all())


def _long(curve: FloatArray) -> bool:
    return len(curve) >= FEWEST_GENERATIONS and _whole(curve)


def _share_gained(curve: FloatArray, scale: Scale, level: float) -> LateGain:
    span = scale.top - scale.floor
    return LateGain(*(float(end) / span for end in late_gain(curve, level)))


def _stuck(curves: Mapping[int, FloatArray], scale: Scale, stuck_share: float, level: float) -> set[int]:
    """Runs that ended below the best by more than a share, and by more than noise could explain.

    The best of many runs was lucky: so every pair of runs is compared, under Bonferroni, with one noise for all.
    """
    if len(curves) < 2:
        return set()
    quarters = {run: _quarter(len(curve)) for run, curve in curves.items()}
    freedom = sum(map(_freedom, quarters.values()))
    variance = sum(_freedom(quarters[run]) * float(noise(curve)) for run, curve in curves.items()) / freedom
    quantile = float(scipy.stats.t.ppf(1 - level / (len(curves) * (len(curves) - 1)), freedom))
    ends = {run: _end(curve) for run, curve in curves.items()}
    best = max(ends, key=lambda run: ends[run])
    least = stuck_share * (scale.top - scale.floor)
    return {
        run
        for run, end in ends.items()
        if ends[best] - end - quantile * math.sqrt(variance * (1 / quarters[run] + 1 / quarters[best])) > least
    }

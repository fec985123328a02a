"""What is measured on test lives, and how one number per evolution run comes of it. Pure.

A run's value is always computed from the mean over the run's lives, since the run is the unit of every comparison.
Times that were never reached are infinite here: they are censored at the end of life, and never dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evolearn.verdict.stats import FloatArray

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

SCORE, STEPS, RATIO, SHARE = "score", "world steps", "ratio", "share of lives"
# Means of equal scores differ in the last bits with the order of the sum: a level missed by this share is reached.
ROUNDING = 1e-9
LARGEST = 1e150  # a score beyond has a square that is no number: no statistic holds it, it counts as not finite


@dataclasses.dataclass(frozen=True)
class ArmLives:
    """Test lives of one arm in one condition: R runs, L lives in each, K running windows, T evaluation lifetimes.

    Life i of run r is the same life (the same key) for every arm.
    """

    arm: str
    birth: FloatArray  # [R, L] score over the first birth_steps, learning off; if birth_reborn is given, of one body
    # [R, L, K] score in running windows of birth_steps, or wider in a life as long as an evolution; learning as it does
    running: FloatArray
    ages: IntArray  # [K] world steps at the end of each window, ascending
    ceiling: FloatArray  # [R, L] score over the last quarter of the longest lifetime
    totals: FloatArray  # [R, L, T] life fitness over the first lifetimes[t] steps
    lifetimes: tuple[int, ...]  # world steps, ascending; the last is the age of censoring
    deaths: FloatArray  # [R, L] episodes terminated in a life
    # where termination is a death; None elsewhere
    birth_reborn: FloatArray | None = None  # [R, L] as birth, of all bodies in its window
    birth_deaths: FloatArray | None = None  # [R, L] in that window, learning off
    # lives whose brain left the finite numbers; None: none did
    birth_diverged: BoolArray | None = None  # [R, L] in the window of the birth score, learning off
    diverged: BoolArray | None = None  # [R, L] learning as the arm does
    gain: FloatArray | None = None  # [R, L] ceiling minus birth where that does not say it; see `diverged_last`
    ever: FloatArray | None = None  # [R, L] 1 for lives that ever scored, else 0; None: nobody asked
    window_after: FloatArray | None = None  # [R, L] score in the window of that name; None: there is none
    # [R, M] of M other lives, born where evolution selected and with luck of their own; None: births were of no set
    birth_seen: FloatArray | None = None
    total_seen: FloatArray | None = None
    seen_diverged: BoolArray | None = None  # [R, M] likewise, learning off or on
    # by run without DNA, whose lives were never lived and count as diverged throughout: why there is none
    no_dna: Mapping[int, str] = dataclasses.field(default_factory=dict)

    @property
    def runs(self) -> int:
        """R: how many evolution runs (or blocks of lives, for arms without evolution)."""
        return self.birth.shape[0]

    @property
    def lifetime(self) -> int:
        """World steps at which times are censored."""
        return self.lifetimes[-1]

    @cached_property
    def broken_births(self) -> BoolArray:
        """Lives [R, L] that left the finite numbers in the window of the birth score."""
        scores = [self.birth, *([] if self.birth_reborn is None else [self.birth_reborn])]
        return _broken(self.birth_diverged, scores)

    @cached_property
    def broken_lives(self) -> BoolArray:
        """Lives [R, L] that left the finite numbers, learning as the arm does."""
        return _broken(self.diverged, [self.running, self.ceiling, self.totals])

    @cached_property
    def broken(self) -> BoolArray:
        """Lives [R, L] that left the finite numbers with learning off or on."""
        return self.broken_births | self.broken_lives

    @cached_property
    def broken_seen(self) -> BoolArray:
        """Lives [R, M] on seen births that left the finite numbers with learning off or on."""
        scores = [values for values in (self.birth_seen, self.total_seen) if values is not None]
        return _broken(self.seen_diverged, scores) if scores else np.zeros((self.runs, 0), np.bool_)

    @cached_property
    def lived(self) -> BoolArray:
        """Runs [R] whose lives were lived: those with DNA, or that need none."""
        return np.array([run not in self.no_dna for run in range(self.runs)])

    @cached_property
    def lost_runs(self) -> tuple[int, ...]:
        """Runs none of whose lives stayed finite: they have no score; those without DNA among them."""
        return tuple(np.flatnonzero(self.broken.all(axis=1)).tolist())


def _broken(diverged: BoolArray | None, scores: Sequence[FloatArray]) -> BoolArray:
    found = np.zeros(scores[0].shape[:2], np.bool_) if diverged is None else diverged.copy()
    for values in scores:
        if not (values.min() > -LARGEST and values.max() < LARGEST):
            found |= ~(np.abs(values.reshape(*found.shape, -1)) < LARGEST).all(axis=-1)
    return found


@dataclasses.dataclass(frozen=True)
class Metric:
    """One thing that is measured, a line of the metrics table."""

    name: str
    doc: str
    unit: str
    lower_is_better: bool = False
    censored: bool = False  # a time that may never be reached
    of_two: bool = False  # of one arm against another: an arm alone has no value


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "head_start",
            "steps that the other arm's run needs to reach the birth score of the run of the same number; equivalent: "
            "not ahead by the margin, and the other arm may be born better",
            STEPS,
            censored=True,
            of_two=True,
        ),
        Metric("birth", "birth score: learning off, first steps of life; after a death nothing counts", SCORE),
        Metric("birth_reborn", "the same with rebirths: every body in the window of the birth score counts", SCORE),
        Metric(
            "catch_up",
            "age at which the running score first reaches the birth score of the claim's arm",
            STEPS,
            True,
            True,
        ),
        Metric("threshold", "age at which the running score first reaches the study's threshold", STEPS, True, True),
        Metric("ceiling", "score over the last quarter of the longest evaluation lifetime", SCORE),
        Metric("gain", "ceiling minus birth score", SCORE),
        Metric("total", "life fitness over the longest evaluation lifetime", SCORE),
        Metric("ever", "share of lives that ever scored: whose fitness was above 0 in some age bin", SHARE),
        Metric(
            "window_after",
            "score in the window of evaluation.window_after, or in one as wide as birth_steps from world.switch_at on",
            SCORE,
        ),
        Metric("birth_seen", "birth score on births that evolution selected on (world.set), with other luck", SCORE),
        Metric("total_seen", "life fitness on births that evolution selected on (world.set), with other luck", SCORE),
        Metric("transfer_ratio", "(total - other arm's mean total) / |other arm's mean total|", RATIO, of_two=True),
    )
}

SEEN = ("birth_seen", "total_seen")  # of births that an evolution selected on: others for every evolution run

# Of arms that have what these need, and of no others: a metric, and why an arm may be without it.
OPTIONAL: Mapping[str, str] = {
    "ever": "the study did not ask which lives ever scored",
    "window_after": "there is no window to score in: set evaluation.window_after, or world.switch_at",
    "birth_seen": "births were drawn from no set (world.set), so that none is a seen one",
    "total_seen": "births were drawn from no set (world.set), so that none is a seen one",
}


@dataclasses.dataclass(frozen=True)
class Levels:
    """Scores that times are measured to: numbers, or arrays [S] with one entry per resample."""

    floor: float | FloatArray | None  # IQM over runs of the random arm's birth score; None: no random arm
    target: float | FloatArray | None  # IQM over runs of the birth score to catch up with; None: its arm has no score
    catch_up: float | FloatArray | None
    top: float | FloatArray | None  # of the threshold's scale; None: no arm gives it
    threshold: float | FloatArray | None


def find_levels(
    floor: npt.ArrayLike | None,
    target: npt.ArrayLike | None,
    top: npt.ArrayLike | None,
    catch_up_share: float,
    threshold_share: float,
) -> Levels:
    """The scores that times are measured to.

    Args:
        floor: number or [S], birth score of random actions; None: no such arm.
        target: number or [S], birth score to catch up with.
        top: number or [S], upper end of the threshold's scale; None: no such arm.
        catch_up_share: 0 .. 1, of the way from floor to target that counts as caught up.
        threshold_share: 0 .. 1, of the way from floor to top that counts as having learned.
    Returns:
        Levels. Without a floor below the target, catching up is reaching the target itself.
    """
    goal = None if target is None else np.asarray(target, np.float64)
    ground = None if floor is None else np.asarray(floor, np.float64)
    summit = None if top is None else np.asarray(top, np.float64)
    catch_up = goal
    if goal is not None and ground is not None and catch_up_share < 1:
        catch_up = np.where(goal > ground, ground + catch_up_share * (goal - ground), goal)
    threshold = None if ground is None or summit is None else ground + threshold_share * (summit - ground)
    return Levels(ground, goal, catch_up, summit, threshold)


def mean_over_lives(scores: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Mean over the lives of each run.

    Args:
        scores: [R, L, ..].
        weights: [S, R, L] summing to 1 over L, one set per resample; None: every life once.
    Returns:
        [R, ..], or [S, R, ..] with weights.
    """
    if weights is None:
        return scores.mean(axis=1)
    runs, lives, *rest = scores.shape
    # [R, S, L] @ [R, L, ..]: one matrix product per run
    means = np.matmul(weights.transpose(1, 0, 2), scores.reshape(runs, lives, -1))
    return means.transpose(1, 0, 2).reshape(len(weights), runs, *rest)


def first_age(curves: FloatArray, ages: IntArray, level: npt.ArrayLike) -> FloatArray:
    """Age at which curves first reach a level.

    Args:
        curves: [.., R, K] running scores.
        ages: [K] world steps at the end of each window.
        level: number, or [..] with one level for all runs of a resample.
    Returns:
        [.., R] world steps, infinite where it is never reached (censored).

    >>> first_age(np.array([[0.2, 0.7, 0.9], [0.2, 0.3, 0.4]]), np.array([600, 700, 800]), 0.6).tolist()
    [700.0, inf]
    """
    bar = np.asarray(level, np.float64)
    reached = curves >= (bar - ROUNDING * np.abs(bar))[..., None, None]
    return np.where(reached.any(axis=-1), ages[reached.argmax(axis=-1)], np.inf)


def head_start(births: FloatArray, floor: float | None, share: float, curves: FloatArray, ages: IntArray) -> FloatArray:
    """How far evolution puts its newborns ahead, run by run: steps that a rival must learn to be where they begin.

    Run r is measured by its own newborns: the level is never an average that some of the arm's own runs miss.

    Args:
        births: [R] birth scores of the claim's arm.
        floor: birth score of random actions; None: no such arm.
        share: 0 .. 1, of the way from the floor to each birth score that counts as reached.
        curves: [R, K] running scores of the rival's runs.
        ages: [K] world steps at the end of each window.
    Returns:
        [R] world steps, infinite where the rival's run never gets there (censored); 0 where a newborn is no better
        than random, so that there is nothing to catch up with.

    >>> curves, ages = np.array([[0.2, 0.7, 0.9], [0.2, 0.3, 0.4], [0.2, 0.3, 0.4]]), np.array([600, 700, 800])
    >>> head_start(np.array([0.6, 0.6, 0.1]), 0.2, 1.0, curves, ages).tolist()
    [700.0, inf, 0.0]
    """
    levels = find_levels(floor, births, None, share, 1.0).catch_up
    assert levels is not None, "there are births to catch up with"
    steps = first_age(curves[:, None], ages, np.asarray(levels))[:, 0]
    return steps if floor is None else np.where(births > floor, steps, 0.0)


def run_values(
    lives: ArmLives,
    metric: str,
    levels: Levels | None = None,
    weights: FloatArray | None = None,
    curves: FloatArray | None = None,
) -> FloatArray:
    """One number per run.

    Args:
        lives: of an arm.
        metric: of `METRICS`, but for those of two arms; of `OPTIONAL` only what the arm has.
        levels: for times.
        weights: [S, R, L], see `mean_over_lives`; of a metric of seen births, over their lives.
        curves: [.., R, K], `mean_over_lives(lives.running, weights)` if at hand.
    Returns:
        [R], or [S, R] with weights; world steps are infinite where never reached.
    Raises:
        ValueError: a time to a level that this study does not have, or a metric that the arm does not have.
        KeyError: no such metric.
    """
    if METRICS[metric].censored:
        level = None if levels is None else {"catch_up": levels.catch_up, "threshold": levels.threshold}[metric]
        if level is None:
            raise ValueError(f"{metric}: no level to reach")
        return first_age(mean_over_lives(lives.running, weights) if curves is None else curves, lives.ages, level)
    if metric in OPTIONAL:
        optional: FloatArray | None = getattr(lives, metric)
        if optional is None:
            raise ValueError(f"{metric}: {OPTIONAL[metric]}")
        return mean_over_lives(optional, weights)
    scores = {
        "birth": lives.birth,
        "birth_reborn": lives.birth if lives.birth_reborn is None else lives.birth_reborn,
        "ceiling": lives.ceiling,
        "gain": lives.ceiling - lives.birth if lives.gain is None else lives.gain,
        "total": lives.totals[..., -1],
    }[metric]
    return mean_over_lives(scores, weights)


def transfer_ratio(totals: FloatArray, totals_against: FloatArray) -> FloatArray:
    """What a head start is worth, as a share of the total without it; NaN if that total is 0.

    Args:
        totals: [.., R] life fitness by run.
        totals_against: [.., R'] of the arm that it is compared with.
    Returns:
        [.., R], (totals - m) / |m| with m the mean of totals_against.
    Source: Taylor and Stone 2009, Transfer Learning for Reinforcement Learning Domains, section 3.2.

    >>> transfer_ratio(np.array([0.75, 0.25]), np.array([0.4, 0.6])).tolist()
    [0.5, -0.5]
    """
    base = totals_against.mean(axis=-1, keepdims=True)
    return np.divide(totals - base, np.abs(base), out=np.full_like(totals, np.nan), where=base != 0)


def restricted(times: FloatArray, lifetime: int) -> FloatArray:
    """Times cut off at the end of life: what was not reached by then counts as the lifetime.

    Args:
        times: [..] world steps, infinite where censored.
        lifetime: world steps.
    Source: Royston and Parmar 2013, Restricted mean survival time.

    >>> restricted(np.array([600.0, np.inf]), 20_000).tolist()
    [600.0, 20000.0]
    """
    return np.minimum(times, lifetime)


def censored_at(times: FloatArray, lifetime: int) -> FloatArray:
    """Times as if life had ended at `lifetime` world steps: later ones become infinite."""
    return np.where(times <= lifetime, times, np.inf)

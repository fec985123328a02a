"""Statistics of small samples of evolution runs. Pure.

Library functions wherever they exist; what is added is what to do when all runs are equal, when there are too few runs
for a test, and when times are censored (infinite, tied last).
"""

from __future__ import annotations

import dataclasses
import gc
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy  # which loads scipy.stats when it is first used: whoever judges nothing does without that second

FloatArray = npt.NDArray[np.float64]

PARTITIONS = 20_000  # at most so many ways of dealing out the runs are looked at; all of them if there are no more
# Runs that differ by less than this share of their size are equal: sums of equal numbers differ in the last bits.
ROUNDING = 1e-12


def iqm(values: npt.ArrayLike, axis: int = -1) -> FloatArray:
    """Interquartile mean: the mean without the lowest and the highest quarter of the values.

    Of n values floor(n / 4) are left out at either end, so that below four values it is the mean.

    Args:
        values: [.., n], n >= 1; finite.
        axis: over which.

    >>> iqm([0.0, 0.2, 0.4, 1.0]).item()
    0.30000000000000004

    Source: Agarwal et al. 2021, Deep RL at the Edge of the Statistical Precipice, section 4.3.
    """
    # scipy.stats.trim_mean is the same number, three to thirty times slower: too slow for resamples
    ordered = np.sort(np.moveaxis(np.asarray(values, np.float64), axis, -1))
    cut = ordered.shape[-1] // 4
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1))


def midranks(values: npt.ArrayLike, against: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Ranks of two samples in their union; ties share their mean rank, and censored times (infinite) tie last.

    Args:
        values: [n], may be infinite.
        against: [m], likewise.
    Source: Gehan 1965 for censoring at one common age, where his scores are these ranks but for scale.

    >>> [ranks.tolist() for ranks in midranks([600, 900], [900, math.inf])]
    [[1.0, 2.5], [2.5, 4.0]]
    """
    ranks = scipy.stats.rankdata(np.concatenate([np.asarray(values), np.asarray(against)]))
    return ranks[: len(np.asarray(values))], ranks[len(np.asarray(values)) :]


def partitions(runs: int, runs_against: int) -> int:
    """In how many ways the labels of two samples can be dealt out.

    >>> partitions(5, 5)
    252
    """
    return math.comb(runs + runs_against, runs)


def smallest_p(runs: int, runs_against: int) -> float:
    """The smallest two-sided p that a permutation test of so many runs can give."""
    return min(1.0, 2 / partitions(runs, runs_against))


def too_few(runs: int, runs_against: int, level: float) -> str | None:
    """Why a permutation test of so many runs cannot come out at `level`, or None if it can.

    Args:
        runs: of one arm.
        runs_against: of the other.
        level: 0 .. .5, of the two-sided test.

    >>> too_few(3, 3, 0.05)
    '3 runs per arm can at best give p = 0.1; 4 per arm is the least'
    """
    best = smallest_p(runs, runs_against)
    if best <= level:
        return None
    least = next(count for count in range(2, 1000) if 2 / partitions(count, count) <= level)
    if runs == runs_against:
        have = f"{runs} run{'s' if runs > 1 else ''} per arm"
    else:
        have = f"{runs} against {runs_against} runs"
    return f"{have} can at best give p = {best:.2g}; {least} per arm is the least"


def permutation_p(values: npt.ArrayLike, against: npt.ArrayLike, seed: int = 0) -> FloatArray:
    """Two-sided p of a difference of means under all ways of dealing out the labels.

    Why this test: it is exact at any number of runs, and asks only that runs could be exchanged if the arms were the
    same. A percentile bootstrap interval is too narrow at ten runs, so a test read off it finds too much; a t test
    leans on normal runs, and learning leaves runs at the top of the scale, far off or all equal. Its power is near the
    t test's all the same. That both arms are judged on the same lives is not used, which errs on the careful side.

    Args:
        values: [.., n] one row per comparison; times as midranks.
        against: [.., m].
        seed: of the partitions drawn where there are more than `PARTITIONS`; the same ones for every row.
    Returns:
        [..], 1 where all runs are equal, or one of them is not finite: what is no number shows no difference.
    Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010 for drawn partitions.

    Five runs that all lie above five others, in one of 252 ways of dealing them out, or all below:

    >>> round(permutation_p([5, 6, 7, 8, 9], [0, 1, 2, 3, 4]).item(), 4)
    0.0079
    """
    first, second = np.asarray(values, np.float64), np.asarray(against, np.float64)
    known = np.isfinite(first).all(axis=-1, keepdims=True) & np.isfinite(second).all(axis=-1, keepdims=True)
    first, second = np.where(known, first, 0.0), np.where(known, second, 0.0)
    result = scipy.stats.permutation_test(
        (first, second),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        vectorized=True,
        n_resamples=PARTITIONS,
        batch=2_000,
        axis=-1,
        rng=np.random.default_rng(seed),
    )
    both = np.concatenate([first, second], axis=-1)
    equal = np.ptp(both, axis=-1) <= ROUNDING * np.abs(both).max(axis=-1)
    return np.where(equal, 1.0, result.pvalue)


def sign_test(values: npt.ArrayLike, bound: float) -> tuple[float, float]:
    """One-sided p that the median of some runs lies above a bound, and that it lies below.

    Why this test: it is exact at any number of runs and asks nothing of their shape; a time that was never reached
    counts as above, and how long it would have been does not matter.

    Args:
        values: [n], may be infinite; n >= 1. NaN, not known, speaks for neither.
        bound: in the unit of the values. What equals it speaks for neither.
    Returns:
        p above and p below, 0 .. 1.
    Source: Arbuthnott 1710; Dixon and Mood 1946, The statistical sign test.

    >>> sign_test([600, 14_000, 15_000, 16_000, math.inf], 2_000)
    (0.1875, 0.96875)
    """
    runs = np.asarray(values, np.float64)
    above, below = int((runs > bound).sum()), int((runs < bound).sum())
    p_above, p_below = (scipy.stats.binomtest(count, len(runs), 0.5, "greater").pvalue for count in (above, below))
    return float(p_above), float(p_below)


def smallest_sign_p(runs: int) -> float:
    """The smallest p that a sign test of so many runs can give, one-sided."""
    return float(0.5**runs)


def too_few_signs(runs: int, level: float) -> str | None:
    """Why a sign test of so many runs cannot come out at `level`, or None if it can.

    >>> too_few_signs(4, 0.05)
    '4 runs can at best give p = 0.062; 5 is the least'
    """
    best = smallest_sign_p(runs)
    if best < level:
        return None
    least = math.floor(-math.log2(level)) + 1
    return f"{runs} run{'s' if runs > 1 else ''} can at best give p = {best:.2g}; {least} is the least"


def cannot_decide(metric: str, runs: int, runs_against: int, level: float) -> str | None:
    """Why a test of so many runs cannot come out at a level, or None if it can.

    Args:
        metric: that the runs are compared in: a head start by its sign, others by permutation.
        runs: of one arm.
        runs_against: of the other.
        level: 0 .. .5.
    """
    return too_few_signs(runs, level) if metric == "head_start" else too_few(runs, runs_against, level)


def sign_bound(values: npt.ArrayLike, level: float) -> float | None:
    """The least bound that the median would be shown to lie below or at; None if there is no finite one.

    Args:
        values: [n], may be infinite.
        level: of the one-sided sign test.

    >>> sign_bound([600, 700, 700, 800, 900], 0.05), sign_bound([600, 700, 700, 800, math.inf], 0.05)
    (900.0, None)
    """
    runs = np.sort(np.asarray(values, np.float64))
    enough = [count for count in range(1, len(runs) + 1) if scipy.stats.binom.sf(count - 1, len(runs), 0.5) < level]
    return float(runs[enough[0] - 1]) if enough and math.isfinite(runs[enough[0] - 1]) else None


def median_interval(values: npt.ArrayLike, level: float) -> tuple[float, float]:
    """Ends of the exact interval of a median: order statistics, NaN if there are too few runs for one.

    Args:
        values: [n] finite.
        level: the interval covers 1 - level at least.
    Source: Conover 1999, Practical Nonparametric Statistics, section 3.2.

    >>> median_interval(range(1, 11), 0.05)
    (2.0, 9.0)
    """
    runs = np.asarray(values, np.float64)
    if not np.isfinite(runs).all():
        return math.nan, math.nan
    low, high = scipy.stats.quantile_test(runs, p=0.5).confidence_interval(1 - level)
    return float(low), float(high)


def proportion(hits: npt.ArrayLike, level: float) -> tuple[float, float, float]:
    """Share of runs of which something holds, and the ends of its exact interval.

    Args:
        hits: bool [n], n >= 1.
        level: the interval covers 1 - level at least.
    Source: Clopper and Pearson 1934.
    """
    runs = np.asarray(hits, np.bool_)
    result = scipy.stats.binomtest(int(runs.sum()), len(runs))
    low, high = result.proportion_ci(1 - level, method="exact")
    return float(result.statistic), float(low), float(high)


def permutation_words(runs: int, runs_against: int, censored: bool) -> str:
    """What `permutation_p` did, in words."""
    what = "permutation of run ranks, never reached tied last" if censored else "permutation of run means"
    ways = partitions(runs, runs_against)
    return f"{what}, " + (f"exact, {ways} partitions" if ways <= PARTITIONS else f"{PARTITIONS} random partitions")


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that the chance of any false finding among them keeps the level; NaN counts as 1.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    known = [1.0 if math.isnan(p) else p for p in p_values]
    if not known:
        return []
    from statsmodels.stats.multitest import multipletests

    gc.freeze()  # statsmodels collects garbage at every call, which takes a quarter of a second among many objects
    try:
        return [float(p) for p in multipletests(known, method="holm")[1]]
    finally:
        gc.unfreeze()


def improvement(values: FloatArray, against: FloatArray, lower_is_better: bool) -> FloatArray:
    """Probability that a run of one arm is better than a run of the other; ties count half.

    Args:
        values: [.., n], times may be infinite; NaN gives NaN.
        against: [.., m].
        lower_is_better: of the metric.
    Returns:
        [..] 0 .. 1, Mann and Whitney's U as a share of n m.
    Source: Mann and Whitney 1947; Agarwal et al. 2021, section 4.3.

    >>> improvement(np.array([0.9, 0.5]), np.array([0.2, 0.5]), lower_is_better=False).item()
    0.875
    """
    one, other = values[..., :, None], against[..., None, :]
    better = one < other if lower_is_better else one > other
    share = better.mean(axis=(-2, -1)) + 0.5 * (one == other).mean(axis=(-2, -1))
    return np.where(np.isnan(values).any(axis=-1) | np.isnan(against).any(axis=-1), np.nan, share)


def expanded_tail(level: float, runs: int) -> float:
    """Share of resamples beyond each end of a percentile interval, so that it covers 1 - level at few runs.

    A percentile interval is too narrow by sqrt((n - 1) / n), and by a normal quantile where a t quantile belongs.

    Args:
        level: 0 .. .5.
        runs: n >= 2 independent units.
    Source: Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 4.3.
    """
    t = scipy.stats.t.ppf(level / 2, runs - 1)
    return float(scipy.stats.norm.cdf(math.sqrt(runs / (runs - 1)) * t))


def interval(resamples: FloatArray, level: float, runs: int) -> tuple[FloatArray, FloatArray]:
    """Ends of the bootstrap interval; NaN with a single run, which says nothing of other runs.

    Args:
        resamples: [S, ..] the statistic in each resample; finite.
        level: the interval covers 1 - level.
        runs: of the smaller arm, which errs on the wide side.
    Returns:
        low and high, [..] each.
    """
    if runs < 2:
        nothing = np.full(resamples.shape[1:], np.nan)
        return nothing, nothing
    tail = expanded_tail(level, runs)
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(resamples, [tail, 1 - tail], axis=0)
    return low, high


@dataclasses.dataclass(frozen=True)
class Equivalence:
    """How surely two arms differ by less than a margin."""

    p: float | None  # None: no margin, or a single run
    smallest_margin: float | None  # the least margin at which these runs would have been equivalent


def equivalence(values: FloatArray, against: FloatArray, margin: float | None, level: float) -> Equivalence:
    """Two one-sided tests of unequal variances: are the means closer than the margin?

    Args:
        values: [n] finite.
        against: [m] finite.
        margin: in the unit of the values; None: no p.
        level: of the test.
    Returns:
        Equivalence. Where no run differs from its arm, the difference is taken as known; where a run is not finite,
        nothing is.
    Source: Schuirmann 1987; Welch 1947.
    """
    if min(len(values), len(against)) < 2 or not (np.isfinite(values).all() and np.isfinite(against).all()):
        return Equivalence(None, None)
    difference = abs(float(values.mean() - against.mean()))
    scale = max(float(np.abs(values).max()), float(np.abs(against).max()))
    if max(np.ptp(values), np.ptp(against)) <= ROUNDING * scale:
        return Equivalence(None if margin is None else float(difference >= margin), difference)
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind

    low, high = CompareMeans(DescrStatsW(values), DescrStatsW(against)).tconfint_diff(2 * level, usevar="unequal")
    p = None if margin is None else float(ttost_ind(values, against, -margin, margin, usevar="unequal")[0])
    return Equivalence(p, max(abs(float(low)), abs(float(high))))


@dataclasses.dataclass(frozen=True)
class Effect:
    """A weighted sum of the means of some arms."""

    estimate: float
    low: float
    high: float
    p: float | None  # two-sided; None with a single run


def effect(samples: Sequence[FloatArray], weights: Sequence[float], level: float) -> Effect:
    """A contrast of several means, variances unequal.

    Args:
        samples: [n] finite run values, one array per arm.
        weights: one per arm.
        level: the interval covers 1 - level.
    Returns:
        Effect. Without any variance the estimate is taken as known: p is 0, or 1 if it is 0. NaN without p if a run
        is not finite.
    Source: Welch 1947; Satterthwaite 1946 for the degrees of freedom.
    """
    if not all(np.isfinite(sample).all() for sample in samples):
        return Effect(math.nan, math.nan, math.nan, None)
    estimate = sum(weight * float(sample.mean()) for weight, sample in zip(weights, samples, strict=True))
    if min(len(sample) for sample in samples) < 2:
        return Effect(estimate, math.nan, math.nan, None)
    parts = [
        weight**2 * float(sample.var(ddof=1)) / len(sample) for weight, sample in zip(weights, samples, strict=True)
    ]
    error = math.sqrt(sum(parts))
    scale = max(float(np.abs(sample).max()) for sample in samples)
    if error <= ROUNDING * scale:
        return Effect(estimate, estimate, estimate, float(abs(estimate) <= ROUNDING * scale))
    freedom = sum(parts) ** 2 / sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, samples, strict=True))
    reach = float(scipy.stats.t.ppf(1 - level / 2, freedom)) * error
    return Effect(
        estimate, estimate - reach, estimate + reach, 2 * float(scipy.stats.t.sf(abs(estimate) / error, freedom))
    )


@dataclasses.dataclass(frozen=True)
class BreakEven:
    """After how many descendants the steps saved have paid for what one evolution cost more than the other."""

    descendants: float | None  # 0: with the first one
    bound: str  # exact, at most, at least, never, at once, until, unclear or unknown
    formula: str


def break_even(
    bill: int, bill_against: int, steps: float, steps_against: float, at_least: bool, against_at_least: bool
) -> BreakEven:
    """Descendants after which an evolution is paid for: what it cost more / what each descendant saves.

    Args:
        bill: of one evolution run, world steps.
        bill_against: of the rival's own search, likewise.
        steps: that each descendant needs.
        steps_against: that each of the rival's needs.
        at_least: the first is cut off at the end of life, so that it may be longer.
        against_at_least: likewise the second.
    Returns:
        BreakEven; unknown if it cannot be told, as where both are cut off; until: it is the cheaper one up to so many,
        since it cost less and saves nothing.

    >>> break_even(19_000_000, 0, 600, 20_000, at_least=False, against_at_least=True)
    BreakEven(descendants=979.3814432989691, bound='at most', formula='19,000,000 / (20,000 - 600) = 979.4')
    >>> break_even(13_200_000, 13_200_000, 600, 14_400, False, False).bound
    'at once'
    """
    saved, more = steps_against - steps, bill - bill_against
    if not math.isfinite(saved):
        return BreakEven(None, "unknown", "")
    cost = f"({bill:,} - {bill_against:,})" if bill_against else f"{bill:,}"
    formula = f"{cost} / ({steps_against:,.0f} - {steps:,.0f})"
    # A time that is cut off may be longer: what depends on how long cannot be told.
    open_end = at_least if saved > 0 and more <= 0 else against_at_least if saved <= 0 else False
    if open_end or (at_least and against_at_least):
        return BreakEven(None, "unknown", formula)
    if saved == 0 or (saved < 0 and more >= 0):
        return BreakEven(None, "never", formula)
    if saved > 0 and more <= 0:
        return BreakEven(0.0, "at once", formula)
    bound = "until" if saved < 0 else "at most" if against_at_least else "at least" if at_least else "exact"
    return BreakEven(more / saved, bound, f"{formula} = {more / saved:,.1f}")


def unless_unclear(row: BreakEven, low: float, high: float) -> BreakEven:
    """A break-even; unclear where chance over runs alone may have made the steps that descendants save.

    Args:
        row: from `break_even`.
        low: end of the interval of the steps that each descendant saves; NaN: there is none.
        high: likewise.

    >>> unless_unclear(break_even(20_100, 20_000, 86, 92, False, False), -300.0, 340.0)
    BreakEven(descendants=None, bound='unclear', formula='')
    """
    if row.bound == "unknown" or low == high or not low <= 0 <= high:
        return row
    return BreakEven(None, "unclear", "")

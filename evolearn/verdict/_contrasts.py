"""One arm against another: difference, test, equivalence, verdict. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from evolearn.verdict import metrics, stats
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.metrics import METRICS, OPTIONAL
from evolearn.verdict.rules import JudgingRules
from evolearn.verdict.stats import FloatArray

Verdict = Literal["better", "worse", "equivalent", "inconclusive"]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and its bootstrap interval; NaN where there is none."""

    value: float
    low: float
    high: float


NOTHING = Estimate(math.nan, math.nan, math.nan)
UNTESTED = stats.Equivalence(None, None)


@dataclasses.dataclass(frozen=True)
class Pair:
    """Run values of two arms in one metric."""

    arm: str
    against: str
    metric: str
    values: FloatArray  # [n] times infinite where never reached
    values_against: FloatArray  # [m]
    resampled: FloatArray  # [S, n]
    resampled_against: FloatArray  # [S, m]
    lifetimes: tuple[int, int]  # world steps at which times of either arm are censored

    runs_against: int | None = None  # where the metric has one value for a run of either arm: as many as of the first

    @property
    def runs(self) -> tuple[int, int]:
        """Runs of either arm."""
        return len(self.values), len(self.values_against) if self.runs_against is None else self.runs_against

    @property
    def hypothesis(self) -> tuple[str, str, str]:
        """What a test of this pair tests: a transfer ratio is a total in another unit."""
        metric = "total" if self.metric == "transfer_ratio" else self.metric
        return self.arm, self.against, f"{metric} {self.lifetimes}"


@dataclasses.dataclass(frozen=True)
class Family:
    """Pairs that are tested together."""

    pairs: Sequence[Pair]
    holm: bool  # adjust for how many they are, differences and equivalences each; or let each test stand alone


@dataclasses.dataclass(frozen=True)
class Tests:
    """What the tests of a pair came to."""

    withheld: str | None = None  # why there is no p
    p: float | None = None
    p_holm: float | None = None  # among several, adjusted as `adjustment` says; None: withheld, or alone
    equivalence: stats.Equivalence = UNTESTED
    equivalence_p_holm: float | None = None
    adjustment: str = "after Holm"  # how the two were adjusted, in words
    for_good: bool = False  # withheld, and more runs could not change that: there is one without a score

    @property
    def p_counted(self) -> float | None:
        """The p that the verdict rests on."""
        return self.p if self.p_holm is None else self.p_holm

    @property
    def adjusted(self) -> bool:
        """Whether these are tests among several."""
        return self.p_holm is not None or self.equivalence_p_holm is not None

    @property
    def equivalence_p_counted(self) -> float | None:
        """The same of equivalence."""
        return self.equivalence.p if self.equivalence_p_holm is None else self.equivalence_p_holm

    def conclusive(self, level: float) -> bool:
        """Whether a difference or equivalence is shown."""
        return any(p is not None and p < level for p in (self.p_counted, self.equivalence_p_counted))


@dataclasses.dataclass(frozen=True)
class Contrast:
    """What came of a pair."""

    arm: str
    against: str
    metric: str
    runs: tuple[int, int]
    censored: tuple[int, int]  # runs that never reached it
    at_least: tuple[bool, bool]  # whether the IQM includes such a run
    lifetimes: tuple[int, int]
    margin: float | None
    tests: Tests
    verdict: Verdict = "inconclusive"
    within_margin: bool = False  # shown to differ by less than the margin, whatever else was shown
    test: str = "none"  # in words
    sides: tuple[float, float] = (math.nan, math.nan)  # IQM of either arm; times cut off at its lifetime
    difference: Estimate = NOTHING  # of the two; of a head start, the median over runs
    improvement: Estimate = NOTHING  # probability that a run of `arm` is better
    head_start: FloatArray | None = None  # [n] steps by run, infinite where never reached
    unfinished: str | None = None  # why no verdict is passed though a test came out: a search had not ended


@dataclasses.dataclass(frozen=True)
class HeadStartScale:
    """What a head start is measured by."""

    floor: float | None  # birth score of random actions
    share: float  # of the way from there to a birth score that counts as caught up
    margin: float | None = None  # world steps that it must exceed


def pair_up(
    arm: ArmValues, against: ArmValues, metric: str, scale: HeadStartScale, lifetime: int | None = None
) -> Pair | str:
    """Run values of two arms in one metric.

    Args:
        arm: whose claim it is.
        against: the other.
        metric: of `METRICS`.
        scale: of head starts.
        lifetime: of totals, one of the lifetimes of both arms; None: the longest.
    Returns:
        Pair, or why the two cannot be compared: nothing is said of an arm with a run that left no finite life.
    """
    longest = arm.lives.lifetime, against.lives.lifetime
    if (lost := no_score(arm) or no_score(against)) is not None:
        return lost
    if metric == "head_start":
        return _pair_of_head_starts(arm, against, scale)
    if metric not in ("total", "transfer_ratio"):
        if metric in OPTIONAL and not (metric in arm.values and metric in against.values):
            return OPTIONAL[metric]
        if metric not in arm.values:
            return f"the study has no score that {metric} could be measured to"
        one, other = arm.values[metric], against.values[metric]
        resampled, resampled_other = arm.resampled[metric], against.resampled[metric]
        if METRICS[metric].censored:
            # what happened later in the longer lives nobody saw in the shorter ones
            longest = (min(longest),) * 2
            one, other, resampled, resampled_other = (
                metrics.censored_at(side, longest[0]) for side in (one, other, resampled, resampled_other)
            )
            if not (np.isfinite(one).any() or np.isfinite(other).any()):
                return f"no run of either arm ever reached it, within {longest[0]:,} steps"
        return Pair(arm.lives.arm, against.lives.arm, metric, one, other, resampled, resampled_other, longest)
    if lifetime is None and longest[0] != longest[1]:
        return f"lives of {longest[0]:,} and of {longest[1]:,} steps have no common total"
    of_arm, of_other = (side.lives.lifetimes.index(lifetime or longest[0]) for side in (arm, against))
    sides = (
        arm.totals[:, of_arm],
        against.totals[:, of_other],
        arm.resampled_totals[..., of_arm],
        against.resampled_totals[..., of_other],
    )
    if metric == "transfer_ratio":
        one, other, resampled, resampled_other = sides
        sides = (
            metrics.transfer_ratio(one, other),
            metrics.transfer_ratio(other, other),
            metrics.transfer_ratio(resampled, resampled_other),
            metrics.transfer_ratio(resampled_other, resampled_other),
        )
        if not all(np.isfinite(side).all() for side in sides):
            return f"the total of {against.lives.arm} is 0, so there is no ratio to it"
    return Pair(arm.lives.arm, against.lives.arm, metric, *sides, (lifetime or longest[0],) * 2)


def no_score(arm: ArmValues) -> str | None:
    """Why an arm has no score, if it has none."""
    lives = arm.lives
    without_dna = len(lives.no_dna)
    diverged = len(lives.lost_runs) - without_dna
    parts = []
    if diverged:
        parts.append(f"in {_of_runs(diverged, lives.runs)} of {lives.arm} every life left the finite numbers")
    if without_dna:
        parts.append(
            f"{_of_runs(without_dna, lives.runs)} of {lives.arm} came to no DNA, since an evolution left the finite "
            "numbers"
        )
    return f"{', and '.join(parts)}, so that it has no score" if parts else None


def _of_runs(count: int, runs: int) -> str:
    return f"{count} of {runs} runs" if runs > 1 else "the run"


def against_margin(steps: FloatArray, margin: float, lifetime: int) -> FloatArray:
    """Head starts [R] as a margin is held against them: NaN for what was never reached in lives too short to tell.

    Args:
        steps: [R] infinite where never reached.
        margin: world steps.
        lifetime: world steps at which the steps are censored.

    >>> against_margin(np.array([600.0, np.inf]), 2000, 20_000).tolist()
    [600.0, inf]
    >>> against_margin(np.array([600.0, np.inf]), 50_000, 20_000).tolist()
    [600.0, nan]
    """
    return np.where(np.isinf(steps) & (lifetime < margin), np.nan, steps)


def _pair_of_head_starts(arm: ArmValues, against: ArmValues, scale: HeadStartScale) -> Pair | str:
    """Run values, or why there are none.

    A rival that is seen through windows wider than the margin reaches nothing sooner than the first of them ends: every
    run of either kind would be beyond the margin, of an arm against itself too.
    """
    runs, others = arm.lives.runs, against.lives.runs
    if runs != others:
        return f"runs are paired by their numbers, and there are {runs} against {others}"
    first = int(against.lives.ages[0])
    if scale.margin is not None and first > scale.margin:
        return (
            f"the first window of {against.lives.arm} ends at {first:,} steps, so that whoever is there at once would "
            f"count as beyond {scale.margin:,.0f}"
        )
    nothing = np.zeros(0)
    curves = metrics.mean_over_lives(against.lives.running)
    steps = metrics.head_start(arm.values["birth"], scale.floor, scale.share, curves, against.lives.ages)
    names = arm.lives.arm, against.lives.arm, "head_start"
    return Pair(*names, steps, nothing, nothing, nothing, (against.lives.lifetime,) * 2, runs_against=others)


def unadjusted(pair: Pair, rules: JudgingRules, level: float) -> Tests:
    """The tests of a pair, as if there were no other.

    Args:
        pair: of arms.
        rules: of the study.
        level: that it is going to be judged at.
    """
    (p,) = _p_values([pair], rules, level)
    return _unadjusted([pair], [p], rules, level)[0]


def judge(families: Sequence[Family], rules: JudgingRules, level: float) -> list[list[Contrast]]:
    """Verdicts on pairs of arms.

    Args:
        families: of pairs to be judged.
        rules: of the study.
        level: of each family; intervals are of the study's.
    Returns:
        contrasts by family, in its order.
    """
    # all in one call: drawing partitions is what takes time, and the same ones serve every pair
    p_values = iter(_p_values([pair for family in families for pair in family.pairs], rules, level))
    return [
        _judge_family(family, list(itertools.islice(p_values, len(family.pairs))), rules, level) for family in families
    ]


def _judge_family(
    family: Family, p_values: Sequence[float | None], rules: JudgingRules, level: float
) -> list[Contrast]:
    pairs = family.pairs
    tests = _unadjusted(pairs, p_values, rules, level)
    if family.holm:
        p_holm = _holm([pair.hypothesis for pair in pairs], p_values)
        # a ratio's margin is not a total's: these are hypotheses of their own
        names = [(pair.arm, pair.against, f"{pair.metric} {pair.lifetimes}") for pair in pairs]
        equivalence_p_holm = _holm(names, [outcome.equivalence.p for outcome in tests])
        tests = [
            dataclasses.replace(outcome, p_holm=p, equivalence_p_holm=within)
            for outcome, p, within in zip(tests, p_holm, equivalence_p_holm, strict=True)
        ]
    return [conclude(pair, outcome, rules, level) for pair, outcome in zip(pairs, tests, strict=True)]


def _unadjusted(
    pairs: Sequence[Pair], p_values: Sequence[float | None], rules: JudgingRules, level: float
) -> list[Tests]:
    withheld = [_too_few(pair, level) for pair in pairs]
    equivalences = [_equivalence(pair, rules, level) for pair in pairs]
    equivalences = [
        found if _may_be_equivalent(pair, reason) else dataclasses.replace(found, p=None)
        for pair, found, reason in zip(pairs, equivalences, withheld, strict=True)
    ]
    return [Tests(*outcome) for outcome in zip(withheld, p_values, [None] * len(pairs), equivalences, strict=True)]


def _too_few(pair: Pair, level: float) -> str | None:
    return stats.cannot_decide(pair.metric, *pair.runs, level)


def _may_be_equivalent(pair: Pair, withheld: str | None) -> bool:
    """Runs too few to show a difference are too few to deny one, and times cut off look alike whatever they were."""
    sides = (pair.values, pair.values_against)
    timed = METRICS[pair.metric].censored and pair.metric != "head_start"
    unseen = timed and any(includes_censored(side) for side in sides)
    return withheld is None and not unseen


def not_comparable(arm: ArmValues, against: ArmValues, metric: str, margin: float | None, reason: str) -> Contrast:
    """The contrast of two arms that cannot be compared in a metric."""
    nothing = np.zeros(0)
    values, values_against = arm.values.get(metric, nothing), against.values.get(metric, nothing)
    return Contrast(
        arm=arm.lives.arm,
        against=against.lives.arm,
        metric=metric,
        runs=(arm.lives.runs, against.lives.runs),
        censored=(count_censored(values), count_censored(values_against)),
        at_least=(includes_censored(values), includes_censored(values_against)),
        lifetimes=(arm.lives.lifetime, against.lives.lifetime),
        margin=margin,
        tests=Tests(withheld=reason),
    )


def count_censored(values: FloatArray) -> int:
    """How many times [n] were never reached."""
    return int(np.isinf(values).sum())


def includes_censored(values: FloatArray) -> bool:
    """Whether the interquartile mean of times [n] includes one that was never reached."""
    return count_censored(values) > len(values) // 4


def _test_values(pair: Pair) -> tuple[FloatArray, FloatArray]:
    if METRICS[pair.metric].censored:
        return stats.midranks(pair.values, pair.values_against)
    return pair.values, pair.values_against


def _p_values(pairs: Sequence[Pair], rules: JudgingRules, level: float) -> list[float | None]:
    """None where there are too few runs for a test, or no margin that a head start could be tested against."""
    by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
    found: list[float | None] = [None] * len(pairs)
    for index, pair in enumerate(pairs):
        if _too_few(pair, level) is not None:
            continue
        if pair.metric == "head_start":
            margin = rules.margins.get(pair.metric)
            found[index] = None if margin is None else _sign_test(pair, margin)[0]
        else:
            by_shape[pair.runs].append(index)
    for rows in by_shape.values():
        sides = [_test_values(pairs[row]) for row in rows]
        p_values = stats.permutation_p(
            np.stack([one for one, _ in sides]), np.stack([two for _, two in sides]), rules.seed
        )
        for row, p in zip(rows, p_values, strict=True):
            found[row] = float(p)
    return found


def _finite(pair: Pair) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Values and resampled values of a pair, times cut off at the end of life."""
    parts = pair.values, pair.values_against, pair.resampled, pair.resampled_against
    if not METRICS[pair.metric].censored:
        return parts
    of_arm, of_other = pair.lifetimes
    cut = metrics.restricted
    return cut(parts[0], of_arm), cut(parts[1], of_other), cut(parts[2], of_arm), cut(parts[3], of_other)


def _equivalence(pair: Pair, rules: JudgingRules, level: float) -> stats.Equivalence:
    margin = rules.margins.get(pair.metric)
    if pair.metric == "head_start":
        p = None if margin is None else _sign_test(pair, margin)[1]
        return stats.Equivalence(p, stats.sign_bound(pair.values, level))
    values, values_against, _, _ = _finite(pair)
    return stats.equivalence(values, values_against, margin, level)


def _sign_test(pair: Pair, margin: float) -> tuple[float, float]:
    return stats.sign_test(against_margin(pair.values, margin, pair.lifetimes[0]), margin)


def _holm(hypotheses: Sequence[tuple[str, str, str]], p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p; a hypothesis that occurs twice counts once."""
    family = {name: p for name, p in zip(hypotheses, p_values, strict=True) if p is not None}
    adjusted = dict(zip(family, stats.holm(list(family.values())), strict=True))
    return [adjusted.get(name) for name in hypotheses]


def conclude(pair: Pair, tests: Tests, rules: JudgingRules, level: float) -> Contrast:
    """The contrast of a pair whose tests are done.

    Args:
        pair: of arms.
        tests: adjusted, where they are among several.
        rules: of the study.
        level: of these tests; intervals are of the study's.
    """
    if pair.metric == "head_start":
        return _head_start_contrast(pair, tests, rules, level)
    metric = METRICS[pair.metric]
    verdict, within = _verdict(pair, tests, level)
    value, value_against, resampled, resampled_against = (stats.iqm(side) for side in _finite(pair))
    chance = stats.improvement(pair.values, pair.values_against, metric.lower_is_better)
    chances = stats.improvement(pair.resampled, pair.resampled_against, metric.lower_is_better)
    return Contrast(
        arm=pair.arm,
        against=pair.against,
        metric=pair.metric,
        runs=pair.runs,
        censored=(count_censored(pair.values), count_censored(pair.values_against)),
        at_least=(includes_censored(pair.values), includes_censored(pair.values_against)),
        lifetimes=pair.lifetimes,
        margin=rules.margins.get(pair.metric),
        tests=tests,
        verdict=verdict,
        within_margin=within,
        test=stats.permutation_words(*pair.runs, metric.censored) if tests.withheld is None else "none",
        sides=(float(value), float(value_against)),
        difference=estimate(value - value_against, resampled - resampled_against, rules.level, min(pair.runs)),
        improvement=estimate(chance, chances, rules.level, min(pair.runs)),
    )


def _head_start_contrast(pair: Pair, tests: Tests, rules: JudgingRules, level: float) -> Contrast:
    """One number per pair of runs: its median with an exact interval, and the share of runs beyond the margin."""
    margin = rules.margins.get(pair.metric)
    lived = metrics.restricted(pair.values, pair.lifetimes[0])
    median = float(np.median(lived))
    share = NOTHING
    if margin is not None:
        beyond = against_margin(pair.values, margin, pair.lifetimes[0]) > margin
        share = Estimate(*stats.proportion(beyond, rules.level))
    shown, none_shown = (p is not None and p < level for p in (tests.p_counted, tests.equivalence_p_counted))
    return Contrast(
        arm=pair.arm,
        against=pair.against,
        metric=pair.metric,
        runs=pair.runs,
        censored=(0, count_censored(pair.values)),
        at_least=(False, bool(np.isinf(np.median(pair.values)))),
        lifetimes=pair.lifetimes,
        margin=margin,
        tests=tests,
        verdict="better" if shown else "equivalent" if none_shown else "inconclusive",
        within_margin=none_shown,
        test=f"one-sided sign test of {pair.runs[0]} paired runs against the margin"
        if tests.withheld is None
        else "none",
        sides=(median, 0.0),
        difference=Estimate(median, *stats.median_interval(lived, rules.level)),
        improvement=share,
        head_start=pair.values,
    )


def _verdict(pair: Pair, tests: Tests, level: float) -> tuple[Verdict, bool]:
    """The word, and whether the arms were shown to differ by less than the margin."""
    p, p_within = tests.p_counted, tests.equivalence_p_counted
    within = p_within is not None and p_within < level
    if p is not None and p < level:
        values, values_against = _test_values(pair)
        higher = bool(values.mean() > values_against.mean())
        return "worse" if higher == METRICS[pair.metric].lower_is_better else "better", within
    return "equivalent" if within else "inconclusive", within


def estimate(value: FloatArray, resampled: FloatArray, level: float, runs: int) -> Estimate:
    """A number with its bootstrap interval.

    Args:
        value: as lived, [].
        resampled: [S].
        level: the interval covers 1 - level.
        runs: of the smaller arm.
    """
    low, high = stats.interval(resampled, level, runs)
    return Estimate(float(value), float(low), float(high))

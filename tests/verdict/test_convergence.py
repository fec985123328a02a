"""Whether a search had ended: noise is no climb, a climb is no noise, and plateaus are named."""

import dataclasses

import numpy as np
import pytest
import scipy

from evolearn.verdict._convergence import (
    FEWEST_GENERATIONS,
    ArmSearch,
    LateGain,
    RunSearch,
    Scale,
    clusters,
    find_scale,
    judge_search,
    late_gain,
    mean_gain,
    noise,
    unfinished,
)
from tests.helpers.synthetic_lives import synthetic

GENERATIONS = (8, 24, 30, 60, 100)
ONE = Scale(0.0, 1.0, "the oracle")
SIMULATED = 4000


def search(*curves, scale=ONE, tolerance=0.02, stuck_share=0.25, level=0.05):
    by_run = {run: np.asarray(curve, np.float64) for run, curve in enumerate(curves)}
    return judge_search(by_run, scale, tolerance, stuck_share, level)


def climb(generations, per_quarter, deviation, runs=SIMULATED, seed=1):
    """Lines [runs, G] that gain so much per quarter, with noise."""
    slope = per_quarter / (generations // 4)
    return slope * np.arange(generations) + deviation * np.random.default_rng(seed).normal(size=(runs, generations))


# --- the gain of the last quarter ---


@pytest.mark.parametrize("generations", GENERATIONS)
@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_cauchy"])
def test_pure_noise_does_not_climb(generations, draw):
    """Of any size: only a tolerance of more than nothing makes it rarer."""
    curves = getattr(np.random.default_rng(0), draw)(size=(SIMULATED, generations))
    _, low, _ = late_gain(curves, level=0.05)
    assert (low > 0).mean() <= 0.05
    assert (low > 0).mean() > 0.001  # else the interval would be too wide to find anything


@pytest.mark.parametrize("generations", GENERATIONS)
@pytest.mark.parametrize("deviation", [0.001, 0.02, 1.0, 100.0])
def test_pure_noise_is_called_ended_whatever_its_size(generations, deviation):
    found = search(*climb(generations, 0.0, deviation, runs=400))
    assert len(found.climbing) <= 0.05 * 400
    assert found.ended is True


@pytest.mark.parametrize("generations", GENERATIONS)
def test_a_real_climb_climbs(generations):
    _, low, _ = late_gain(climb(generations, 0.2, 0.02), level=0.05)
    assert (low > 0.02).mean() > (0.95 if generations == FEWEST_GENERATIONS else 0.999)


@pytest.mark.parametrize("generations", GENERATIONS)
def test_the_interval_covers_what_is_gained(generations):
    curves = climb(generations, 0.2, 0.1)
    _, low, high = late_gain(curves, level=0.1)
    assert ((low <= 0.2) & (high >= 0.2)).mean() == pytest.approx(0.9, abs=0.02)


def test_late_gain_by_hand():
    gain, low, high = late_gain(np.array([9.0, 9.0, 9.0, 9.0, 0.0, 2.0, 2.0, 4.0]), level=0.05)
    # line 0.2, 1.4, 2.6, 3.8; residuals -.2, .6, -.6, .2; variance .8 / 2; t(2) = 4.303
    assert gain == pytest.approx(2.0)
    assert (high - gain, gain - low) == pytest.approx((4.303 * 0.4**0.5,) * 2, rel=1e-3)


def test_every_row_is_judged_by_itself():
    curves = climb(24, 0.1, 0.05, runs=5)
    together = late_gain(curves, 0.05)
    for row, curve in enumerate(curves):
        assert [end[row] for end in together] == pytest.approx(late_gain(curve, 0.05))


def test_without_noise_the_gain_is_known():
    gain, low, high = late_gain(np.arange(16) / 16, 0.05)
    assert (gain, low, high) == pytest.approx((0.25,) * 3)
    assert noise(np.ones(8)) == 0.0


# --- an arm ---


def test_a_climb_is_told_on_the_scale():
    line = np.arange(16.0)
    (row,) = search(line, scale=Scale(-4.0, 36.0, "the oracle")).runs
    assert (row.gain.value, row.gain.low, row.gain.high) == pytest.approx((0.1,) * 3)
    assert row.climbing is True
    assert row.end == pytest.approx((13.5 + 4) / 40)
    assert search(line, scale=Scale(-4.0, 36.0, "the oracle"), tolerance=0.11).climbing == ()


def test_an_arm_had_not_ended_if_more_than_half_of_its_runs_climb():
    up, flat, short = np.arange(16.0), np.ones(16), np.ones(FEWEST_GENERATIONS - 1)
    assert search(up, up, flat, flat).ended is True
    assert search(up, up, up, flat).ended is False
    assert search(up, up, up, short).ended is False  # whatever the short one would have said
    assert search(up, flat, short, short).ended is None
    assert search(flat, flat, short, short).ended is True  # they could not change it
    assert search(short).ended is None
    assert search(up, up, up, flat).climbing == (0, 1, 2)


@pytest.mark.parametrize("generations", GENERATIONS)
def test_runs_together_show_a_climb_that_none_shows_alone(generations):
    """A climb of three tolerances per quarter, in noise in which single runs are lost."""
    arms = climb(generations, 0.06, 0.01 * generations**0.5, runs=1000).reshape(100, 10, generations)
    found = [search(*curves) for curves in arms]
    assert np.mean([2 * len(arm.climbing) > 10 for arm in found]) < 0.05
    assert np.mean([arm.ended is False for arm in found]) > 0.9


@pytest.mark.parametrize("persistence", [0.0, 0.9])
def test_runs_together_that_gain_no_more_than_the_tolerance_have_ended(persistence):
    """At the tolerance itself the interval's own 2.5%, though what a generation is, the next one nearly is as well."""
    draws = np.random.default_rng(4)
    noise_of_all = draws.normal(size=(4000, 40))
    for now in range(1, 40):
        noise_of_all[:, now] += persistence * noise_of_all[:, now - 1]
    arms = (np.arange(40) * 0.002 + 0.02 * noise_of_all).reshape(400, 10, 40)
    assert np.mean([search(*curves).gaining for curves in arms]) == pytest.approx(0.025, abs=0.02)


def test_the_interval_of_all_runs_is_students():
    gains = np.random.default_rng(1).normal(0.1, 1.0, 9)
    expected = scipy.stats.ttest_1samp(gains, 0.0).confidence_interval(0.95)
    found = mean_gain(list(gains), 9, 0.05)
    assert (found.value, found.low, found.high) == pytest.approx((gains.mean(), *expected))
    assert mean_gain([0.1], 1, 0.05) is None
    assert mean_gain([0.1, 0.1], 5, 0.05) is None  # most runs cannot tell


def test_curves_may_be_of_any_lengths():
    found = search(np.arange(40.0) / 40, np.full(9, 0.9), [0.5, 0.7], [])
    assert [row.climbing for row in found.runs] == [True, False, None, None]
    assert [row.end for row in found.runs] == pytest.approx([0.8625, 0.9, 0.7, None])
    assert not found.stuck


def test_without_a_scale_nothing_is_said():
    found = search(np.arange(16.0), np.ones(16), scale=None)
    assert found.ended is None
    assert not found.stuck
    assert found.runs[0] == RunSearch(0, None, None, None)


def test_what_is_not_finite_is_not_judged():
    found = search([*np.arange(15.0), np.nan], [*np.arange(15.0), np.inf], np.ones(16))
    assert [row.climbing for row in found.runs] == [None, None, False]
    assert [row.end for row in found.runs] == [None, None, 1.0]


# --- stuck runs ---


def plateaus(ends, generations=40, deviation=0.02, seed=3):
    rise = 1 - np.exp(-np.arange(generations) / 3)
    return np.array(ends)[:, None] * rise + deviation * np.random.default_rng(seed).normal(
        size=(len(ends), generations)
    )


def test_stuck_runs_are_found_and_are_two_clusters():
    ends = [1.0, 0.97, 0.99, 0.44, 1.0, 1.0, 0.98, 0.44, 0.99, 1.0]
    found = search(*plateaus(ends))
    assert found.stuck == (3, 7)
    through, stuck = clusters(found)
    assert through.runs == (0, 1, 2, 4, 5, 6, 8, 9)
    assert stuck.runs == (3, 7)
    assert (through.centre, stuck.centre) == pytest.approx((0.99, 0.44), abs=0.01)
    assert stuck.low <= stuck.centre <= stuck.high < through.low <= through.centre <= through.high
    assert [stuck.stuck, through.stuck] == [True, False]
    assert clusters(search(*plateaus([1.0, 0.9, 0.8]))) == ()


def test_the_share_decides_who_is_stuck():
    curves = plateaus([1.0, 0.7], deviation=0.0)
    assert search(*curves, stuck_share=0.25).stuck == (1,)
    assert search(*curves, stuck_share=0.31).stuck == ()
    assert search(*curves, scale=Scale(-1.0, 1.0, "the oracle")).stuck == ()  # half as far on twice the scale


@pytest.mark.parametrize("generations", [8, 30])
def test_noise_is_not_stuck(generations):
    """The luckiest of ten runs is far above the unluckiest: their shortfalls alone would mark nearly all arms."""
    arms = climb(generations, 0.0, deviation=100.0, runs=2000).reshape(200, 10, generations)
    assert np.mean([bool(search(*curves).stuck) for curves in arms]) <= 0.05


def test_too_few_generations_are_not_stuck():
    short = FEWEST_GENERATIONS - 1
    assert not search(np.ones(short), np.zeros(short)).stuck


# --- the scale ---


def arms_on_scale(**arms):
    return {arm: synthetic(arm, birth=score, ceiling=score, noise=0.0) for arm, score in arms.items()}


def test_the_scale_is_that_of_lives_as_long_as_selections():
    """The random arm scores 0 over 1,200 steps, 1 over 6,000 and 2 over 20,000."""
    lives = arms_on_scale(random=0.0, oracle=5.0)
    lives["random"] = dataclasses.replace(lives["random"], totals=np.broadcast_to([0.0, 1.0, 2.0], (4, 8, 3)))
    floors = {lifetime: find_scale(lives, lifetime, {}).floor for lifetime in (600, 1200, 1201, 20_000, 50_000)}
    assert floors == {600: 0.0, 1200: 0.0, 1201: 1.0, 20_000: 2.0, 50_000: 2.0}
    assert find_scale(lives, 600, {}).top == pytest.approx(5.0)
    assert find_scale(lives, 600, {}).share(2.5) == pytest.approx(0.5)


def test_without_an_oracle_the_scale_ends_at_the_best_of_any_arm():
    curves = {"evolved": [np.array([0.2, 0.9, 0.4]), np.array([0.1])], "other": [np.array([0.5, np.nan]), np.ones(0)]}
    scale = find_scale(arms_on_scale(random=0.1), 600, curves)
    assert (scale.floor, scale.top) == pytest.approx((0.1, 0.9))
    assert scale.top_name == "the best that any search reached"
    assert find_scale(arms_on_scale(random=0.1, oracle=0.7), 600, curves).top_name == "the oracle"


def test_there_may_be_no_scale():
    assert find_scale(arms_on_scale(oracle=1.0), 600, {}) is None
    assert find_scale(arms_on_scale(random=0.1), 600, {}) is None
    assert find_scale(arms_on_scale(random=0.5, oracle=0.5), 600, {}) is None
    assert find_scale(arms_on_scale(random=0.5, oracle=0.4), 600, {"evolved": [np.ones(9)]}) is None


# --- whose verdict that forbids ---


def arm_with(climbing):
    rows = tuple(RunSearch(run, LateGain(0.1, 0.05, 0.15), state, 0.5) for run, state in enumerate(climbing))
    return ArmSearch(rows, ONE)


CLIMBING, ENDED, UNKNOWN = arm_with([True] * 3 + [False]), arm_with([False] * 4), arm_with([None] * 4)
BLANK = "the search of tuned_blank had not ended: 3 of 4 runs still climbed"
EVOLVED = "the search of evolved had not ended: 3 of 4 runs still climbed"


@pytest.mark.parametrize(
    ("verdict", "evolved", "blank", "reason"),
    [
        ("better", ENDED, CLIMBING, BLANK),
        ("better", CLIMBING, ENDED, None),  # more of it would only be better still
        ("worse", CLIMBING, ENDED, EVOLVED),
        ("worse", ENDED, CLIMBING, None),
        ("equivalent", CLIMBING, ENDED, EVOLVED),
        ("equivalent", ENDED, CLIMBING, BLANK),
        ("equivalent", CLIMBING, CLIMBING, f"{EVOLVED}; {BLANK}"),
        ("equivalent", ENDED, ENDED, None),
        ("inconclusive", CLIMBING, CLIMBING, None),
        ("better", ENDED, UNKNOWN, None),
    ],
)
def test_a_verdict_needs_the_disfavoured_search_to_have_ended(verdict, evolved, blank, reason):
    searches = {"evolved": evolved, "tuned_blank": blank}
    assert unfinished(verdict, "evolved", "tuned_blank", searches, {}) == reason


def test_a_transplanted_arm_counts_with_its_origin():
    origins = {"shuffled": "evolved", "frozen": "shuffled"}
    found = unfinished("better", "evolved", "frozen", {"evolved": CLIMBING}, origins)
    assert found == "the search of frozen (that of evolved) had not ended: 3 of 4 runs still climbed"
    together = ArmSearch(ENDED.runs, ONE, LateGain(0.05, 0.03, 0.07), gaining=True)
    found = unfinished("better", "evolved", "blank", {"blank": together}, {})
    assert found == "the search of blank had not ended: its runs gained 5.0% [3.0%, 7.0%] late on average"
    assert unfinished("better", "evolved", "blank", {"evolved": CLIMBING}, origins) is None

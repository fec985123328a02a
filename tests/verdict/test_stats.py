"""Statistics against published worked examples, hand-worked ones and the libraries."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import ttost_ind

from evolearn.verdict import stats


def sample(mean, deviation, count):
    """Numbers of exactly this mean and standard deviation."""
    places = np.linspace(-1.0, 1.0, count)
    return mean + deviation * places / places.std(ddof=1)


def test_iqm_by_hand():
    """Of eight values the lowest two and the highest two are left out: (3 + 4 + 5 + 6) / 4."""
    assert stats.iqm([100.0, 1.0, 3.0, 6.0, 5.0, 4.0, 2.0, 7.0]) == 4.5
    assert stats.iqm([1.0, 2.0, 9.0]) == 4.0  # below four values it is the mean


@pytest.mark.parametrize(("shape", "axis"), [((7, 10), -1), ((10, 7), 0), ((5, 9, 3), 1), ((1,), -1)])
def test_iqm_is_scipys_trimmed_mean(shape, axis):
    values = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(
        stats.iqm(values, axis), scipy_stats.trim_mean(values, 0.25, axis=axis), rtol=1e-13, atol=1e-15
    )


def test_permutation_by_hand():
    """Of the 70 ways to split 1 .. 8 only two are as far apart as 1 2 3 4 against 5 6 7 8."""
    p = stats.permutation_p([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 5.0]], [[5.0, 6.0, 7.0, 8.0], [4.0, 6.0, 7.0, 8.0]])
    np.testing.assert_allclose(p, [2 / 70, 4 / 70])


def test_permutation_counts_all_partitions():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=5), rng.normal(0.8, size=4)
    both, observed = np.concatenate([one, other]), one.mean() - other.mean()
    splits = [list(picked) for picked in itertools.combinations(range(9), 5)]
    found = [both[picked].mean() - np.delete(both, picked).mean() for picked in splits]
    tail = min(np.mean(np.array(found) <= observed + 1e-12), np.mean(np.array(found) >= observed - 1e-12))
    assert stats.permutation_p(one, other) == pytest.approx(min(1.0, 2 * tail))


def test_drawn_partitions_are_the_same_each_time_and_near_the_t_test():
    rng = np.random.default_rng(4)
    one, other = rng.normal(size=10), rng.normal(1.0, size=10)
    p = stats.permutation_p(one, other, seed=1)
    assert stats.permutation_p(one, other, seed=1) == p
    assert p == pytest.approx(scipy_stats.ttest_ind(one, other).pvalue, abs=0.01)
    assert "20000 random partitions" in stats.permutation_words(10, 10, censored=False)
    assert stats.permutation_words(4, 4, censored=True).endswith("never reached tied last, exact, 70 partitions")


@pytest.mark.parametrize("value", [1.0, 0.1, 0.0, 1 / 3])
@pytest.mark.parametrize("runs", [4, 10])
def test_equal_runs_have_an_answer(value, runs):
    same = np.full(runs, value)
    assert stats.permutation_p(same, same) == 1.0
    assert stats.equivalence(same, same, 0.05, 0.05) == stats.Equivalence(0.0, 0.0)
    assert stats.improvement(same, same, lower_is_better=False) == 0.5
    assert stats.effect([same] * 4, (-0.5, -0.5, 0.5, 0.5), 0.05).p == 1.0
    assert stats.equivalence(same, same + 0.2, 0.05, 0.05).p == 1.0
    assert stats.equivalence(same, same + 0.2, 0.05, 0.05).smallest_margin == pytest.approx(0.2)
    assert stats.effect([same, same + 0.2], (-1.0, 1.0), 0.05).p == 0.0


def test_last_bits_are_no_difference():
    assert stats.permutation_p(np.full(4, 0.3), np.full(4, 0.1 + 0.2)) == 1.0


@pytest.mark.parametrize(
    ("runs", "against", "reason"),
    [
        (3, 3, "3 runs per arm can at best give p = 0.1; 4 per arm is the least"),
        (1, 1, "1 run per arm can at best give p = 1; 4 per arm is the least"),
        (2, 5, "2 against 5 runs can at best give p = 0.095; 4 per arm is the least"),
        (4, 4, None),
        (3, 5, None),
    ],
)
def test_too_few_runs_for_a_test(runs, against, reason):
    assert stats.too_few(runs, against, 0.05) == reason


def test_a_stricter_level_needs_more_runs():
    assert stats.too_few(4, 4, 0.01) == "4 runs per arm can at best give p = 0.029; 5 per arm is the least"


def test_midranks_tie_the_censored_last():
    one, other = stats.midranks([600.0, np.inf, 600.0], [900.0, np.inf, np.inf])
    np.testing.assert_array_equal(one, [1.5, 5.0, 1.5])
    np.testing.assert_array_equal(other, [3.0, 5.0, 5.0])


def test_holm_by_hand():
    """Holm's steps: .005 x 4, .01 x 3, then .03 x 2, and .04 may not fall below .06."""
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []


def test_improvement_is_mann_whitney():
    rng = np.random.default_rng(6)
    one, other = rng.integers(0, 6, 9).astype(float), rng.integers(0, 6, 7).astype(float)
    share = scipy_stats.mannwhitneyu(one, other).statistic / 63
    assert stats.improvement(one, other, lower_is_better=False) == pytest.approx(share)
    assert stats.improvement(one, other, lower_is_better=True) == pytest.approx(1 - share)
    # times: 600 beats never reached, never reached ties with itself
    assert stats.improvement(np.array([600.0, np.inf]), np.array([np.inf]), lower_is_better=True) == 0.75


def test_equivalence_as_published():
    """Lakens 2017, his example of two means: t = -2.69, p = .004, margin .384 (.43 standard deviations)."""
    organic, control = sample(5.25, 0.95, 95), sample(5.22, 0.83, 89)
    found = stats.equivalence(organic, control, 0.384, 0.05)
    assert found.p == pytest.approx(0.004, abs=0.0005)
    assert found.p == pytest.approx(ttost_ind(organic, control, -0.384, 0.384, usevar="unequal")[0])


def test_the_smallest_margin_is_where_equivalence_begins():
    rng = np.random.default_rng(7)
    one, other = rng.normal(0.9, 0.02, 6), rng.normal(0.91, 0.05, 8)
    least = stats.equivalence(one, other, None, 0.05).smallest_margin
    assert (
        stats.equivalence(one, other, least * 1.001, 0.05).p
        < 0.05
        < stats.equivalence(one, other, least * 0.999, 0.05).p
    )
    assert stats.equivalence(one, other, None, 0.05).p is None
    assert stats.equivalence(one[:1], other, 0.1, 0.05) == stats.Equivalence(None, None)


def test_two_arms_are_welchs_t_test():
    rng = np.random.default_rng(8)
    one, other = rng.normal(size=6), rng.normal(1, 3, size=9)
    welch = scipy_stats.ttest_ind(other, one, equal_var=False)
    found = stats.effect([one, other], (-1.0, 1.0), 0.05)
    assert found.p == pytest.approx(welch.pvalue)
    interval = welch.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_the_factorial_is_least_squares_where_variances_are_equal():
    """With equal runs and equal spread in all four cells, Welch's degrees of freedom are those of the linear model."""
    noise = sample(0.0, 1.0, 5)
    cells = [mean + noise for mean in (1.0, 2.0, 1.5, 4.0)]  # neither, drives, weights, both
    design = np.repeat([[1, -0.5, -0.5, 0.25], [1, -0.5, 0.5, -0.25], [1, 0.5, -0.5, -0.25], [1, 0.5, 0.5, 0.25]], 5, 0)
    model = OLS(np.concatenate(cells), design).fit()
    for column, weights in ((1, (-0.5, -0.5, 0.5, 0.5)), (2, (-0.5, 0.5, -0.5, 0.5)), (3, (1.0, -1.0, -1.0, 1.0))):
        found = stats.effect(cells, weights, 0.05)
        assert found.estimate == pytest.approx(model.params[column])
        assert found.p == pytest.approx(model.pvalues[column])
        assert (found.low, found.high) == pytest.approx(tuple(model.conf_int(0.05)[column]))


def test_intervals_are_wider_than_percentiles_and_absent_for_one_run():
    """Hesterberg's expansion: at ten runs 95% takes the 0.9% tails, at thirty the 1.9% ones."""
    assert stats.expanded_tail(0.05, 10) == pytest.approx(0.00855, abs=5e-5)
    assert stats.expanded_tail(0.05, 1000) == pytest.approx(0.025, abs=2e-4)
    low, high = stats.interval(np.arange(1001.0), 0.05, 10)
    assert (low, high) == pytest.approx((8.55, 991.45), abs=0.05)
    assert np.isnan(stats.interval(np.zeros((5, 3)), 0.05, 1)).all()


@pytest.mark.parametrize(
    ("more", "steps", "against", "cut", "descendants", "bound"),
    [
        (3_000_000, 600, 20_600, (False, False), 150.0, "exact"),
        (3_000_000, 600, 20_600, (False, True), 150.0, "at most"),
        (3_000_000, 600, 20_600, (True, False), 150.0, "at least"),
        (3_000_000, 600, 600, (False, False), None, "never"),
        (3_000_000, 900, 600, (True, False), None, "never"),
        (3_000_000, 20_000, 20_000, (True, True), None, "unknown"),
        (3_000_000, 20_000, 20_000, (False, True), None, "unknown"),
        (0, 600, 20_600, (False, False), 0.0, "at once"),
        (-5, 600, 20_600, (False, True), 0.0, "at once"),
        (0, 600, 20_600, (True, False), None, "unknown"),
        (0, 900, 600, (False, False), None, "never"),
        (-3_000_000, 20_600, 600, (False, False), 150.0, "until"),
        (-3_000_000, 20_600, 600, (False, True), None, "unknown"),
    ],
)
@pytest.mark.parametrize("rival", [0, 7_000_000])
def test_break_even_by_hand(rival, more, steps, against, cut, descendants, bound):
    found = stats.break_even(rival + more, rival, steps, against, *cut)
    assert (found.descendants, found.bound) == (descendants, bound)
    if bound == "exact":
        bill = "(10,000,000 - 7,000,000)" if rival else "3,000,000"
        assert found.formula == f"{bill} / (20,600 - 600) = 150.0"

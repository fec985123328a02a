"""How often verdicts are right, over simulated studies whose truth is known.

Every bound is a quantile of the binomial distribution at the nominal rate, so that a right procedure fails a test with
the chance stated. Seeds are fixed: the tests are deterministic.
"""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from evolearn.verdict import stats
from evolearn.verdict._contrasts import Family, HeadStartScale, judge, pair_up
from evolearn.verdict._resamples import arm_values, draw, pick, study_levels
from tests.helpers.synthetic_lives import study_rules, synthetic

STUDIES = 200
CHANCE = 0.01  # that a right procedure fails one of these tests


def pairs_of(metric, studies=STUDIES, runs=10, shift=0.0, noise=0.02, resamples=2, **how):
    """One pair per simulated study: arm a against arm b, which is born `shift` higher and ends as much higher."""
    pairs = []
    for study in range(studies):
        both = {
            name: synthetic(
                name,
                runs,
                lives=4,
                birth=how.get("birth", 0.5) + add,
                ceiling=how.get("ceiling", 0.9) + add,
                learn_age=1500.0,
                noise=noise,
                seed=2 * study + place,
                luck=10_000 + study,
                lifetimes=(1200, 4000),
            )
            for place, (name, add) in enumerate((("a", 0.0), ("b", shift)))
        }
        lives = {
            **both,
            "random": synthetic("random", runs, 4, 0.1, 0.1, noise=0.01, seed=study, lifetimes=(1200, 4000)),
        }
        draws = draw(lives, resamples, study)
        scale = "a", 1.0, how.get("share", 0.9), "best"
        levels, drawn = study_levels(lives, None, *scale), study_levels(lives, draws, *scale)
        one, other = (arm_values(lives[name], draws[name], levels, drawn) for name in both)
        pair = pair_up(one, other, metric, HeadStartScale(None, 1.0))
        assert not isinstance(pair, str)
        pairs.append(pair)
    return pairs


def verdicts(pairs, **rules):
    how = study_rules(**rules)
    (contrasts,) = judge([Family(pairs, holm=False)], how, how.level)
    return contrasts


@pytest.mark.parametrize(
    ("metric", "runs"),
    [("birth", 4), ("catch_up", 4), ("birth", 10), ("catch_up", 10), ("threshold", 10), ("total", 10)],
)
def test_identical_arms_are_rarely_told_apart(metric, runs):
    """Better or worse in at most 5% of 200 studies of one arm against itself."""
    pairs = pairs_of(metric, runs=runs)
    found = [contrast.verdict for contrast in verdicts(pairs, margins={})]
    false = sum(verdict in ("better", "worse") for verdict in found)
    assert false <= binom.ppf(1 - CHANCE, STUDIES, 0.05)


@pytest.mark.parametrize("metric", ["catch_up", "threshold"])
def test_identical_arms_that_do_not_always_reach_it_are_rarely_told_apart(metric):
    """Times with many runs censored: no learning, so that the level is about what there is to reach."""
    pairs = pairs_of(metric, ceiling=0.5, share=1.0)
    censored = np.mean([np.isinf(np.concatenate([pair.values, pair.values_against])).mean() for pair in pairs])
    assert 0.1 < censored < 0.9
    found = [contrast.verdict for contrast in verdicts(pairs, margins={})]
    assert sum(verdict in ("better", "worse") for verdict in found) <= binom.ppf(1 - CHANCE, STUDIES, 0.05)


@pytest.mark.parametrize(("metric", "margin"), [("birth", 0.1), ("total", 0.1), ("catch_up", 2000.0)])
def test_equal_arms_are_found_equivalent_far_inside_the_margin(metric, margin):
    contrasts = verdicts(pairs_of(metric), margins={metric: margin})
    assert sum(contrast.within_margin for contrast in contrasts) > 0.95 * STUDIES
    assert sum(contrast.verdict == "equivalent" for contrast in contrasts) > 0.85 * STUDIES


def test_arms_at_the_margin_are_rarely_found_equivalent():
    contrasts = verdicts(pairs_of("birth", shift=0.04), margins={"birth": 0.04})
    assert sum(contrast.within_margin for contrast in contrasts) <= binom.ppf(1 - CHANCE, STUDIES, 0.05)


@pytest.mark.parametrize("metric", ["birth", "catch_up", "threshold"])
def test_a_planted_effect_is_found(metric):
    """1.5 standard deviations between 10 runs per arm: found in 80% at least (a t test: 89%), with its sign."""
    pairs = pairs_of(metric)
    effect = 1.5 * np.std(np.concatenate([np.concatenate([pair.values, pair.values_against]) for pair in pairs]))
    planted = [dataclasses.replace(pair, values_against=pair.values_against + effect) for pair in pairs]
    found = [contrast.verdict for contrast in verdicts(planted, margins={})]
    right, wrong = ("worse", "better") if metric == "birth" else ("better", "worse")
    assert found.count(right) >= 0.8 * STUDIES
    assert found.count(wrong) <= 1


@pytest.mark.parametrize("runs", [5, 10, 30])
@pytest.mark.parametrize("skewed", [False, True])
def test_bootstrap_intervals_cover_the_truth(runs, skewed):
    """Nominal 95%: at least what 92.5% would give, as skewed scores are covered a little less; and no sure thing."""
    studies, rng = 400, np.random.default_rng(runs)
    truth = 0.0
    values = rng.normal(size=(studies, runs))
    if skewed:
        values = rng.exponential(size=(studies, runs))
        truth = float(stats.iqm(rng.exponential(size=200_000)))
    covered = 0
    for study in range(studies):
        picks = rng.integers(runs, size=(1000, runs))
        resampled = stats.iqm(pick(np.broadcast_to(values[study], (1000, runs)), picks))
        low, high = stats.interval(resampled, 0.05, runs)
        covered += bool(low <= truth <= high)
    assert covered >= binom.ppf(CHANCE, studies, 0.925)
    assert covered <= binom.ppf(1 - CHANCE / 10, studies, 0.985)


def test_intervals_of_a_difference_cover_it():
    """Runs and lives are both drawn: intervals of a difference of arms hold the planted one."""
    studies, shift = 200, 0.05
    contrasts = verdicts(pairs_of("birth", studies, shift=shift, resamples=400), margins={})
    covered = sum(contrast.difference.low <= -shift <= contrast.difference.high for contrast in contrasts)
    assert covered >= binom.ppf(CHANCE, studies, 0.95)

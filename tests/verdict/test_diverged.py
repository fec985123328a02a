"""Lives that left the finite numbers, in a verdict: counted last, said, and never a reason to win."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from evolearn.verdict import METRICS, ConditionFacts, counted_last, judge_condition, judge_primary, stats
from evolearn.verdict.diverged import diverged_last
from evolearn.verdict.metrics import find_levels, run_values
from tests.helpers.synthetic_lives import (
    contrast,
    contrasts,
    evolution_record,
    study_rules,
    synthetic,
)

RUNS, LIVES = 6, 4
COMPARED = ("birth", "catch_up", "threshold", "ceiling", "gain", "total", "transfer_ratio")


def shifted(lives, by):
    """The same lives with other scores: rewards, or costs."""
    moved = {name: getattr(lives, name) + by for name in ("birth", "running", "ceiling", "totals")}
    return dataclasses.replace(lives, **moved)


def diverging(lives, which, kept=0.0):
    """Lives of which some diverged at birth and after: they keep what they had earned."""
    found = {
        name: np.where(which.reshape(*which.shape, *[1] * (getattr(lives, name).ndim - 2)), kept, getattr(lives, name))
        for name in ("birth", "running", "ceiling", "totals")
    }
    return dataclasses.replace(lives, **found, birth_diverged=which, diverged=which.copy())


def arms(by=-200.0, **of):
    """Four arms in a world of costs."""
    found = {
        "random": synthetic("random", RUNS, LIVES, 0.2, 0.2, seed=1),
        "blank": synthetic("blank", RUNS, LIVES, 0.2, 0.5, seed=2),
        "evolved": synthetic("evolved", RUNS, LIVES, 0.8, 0.9, seed=3),
    }
    return {arm: of.get(arm, lambda lives: lives)(shifted(lives, by)) for arm, lives in found.items()}


def all_lives():
    return np.ones((RUNS, LIVES), bool)


def some_lives():
    which = np.zeros((RUNS, LIVES), bool)
    which[[0, 3], 1] = True
    return which


def judged(lives, metric="total", evolution=None):
    rules = study_rules(runs=RUNS, resamples=20, secondary=(contrasts("evolved", "blank", COMPARED),))
    facts = ConditionFacts("mountain", "mountain", {}, 1200, None, evolutions=("evolved",), blank_slates=("blank",))
    records = [evolution_record(run) for run in range(RUNS)] if evolution is None else evolution
    return judge_condition(rules, facts, contrast("evolved", "blank", metric), lives, {}, {"evolved": records})


def every_contrast(condition):
    return [condition["primary"], *condition["secondary"], *condition["by_lifetime"]]


@pytest.mark.parametrize("metric", ["total", "head_start", "birth", "catch_up"])
@pytest.mark.parametrize("by", [-200.0, 0.0, 200.0])
def test_an_arm_none_of_whose_lives_stayed_finite_is_judged_in_nothing(by: float, metric: str) -> None:
    condition = judged(arms(by, evolved=lambda lives: diverging(lives, all_lives())), metric)
    json.dumps(condition, allow_nan=False)
    for row in every_contrast(condition):
        assert row["verdict"] == "inconclusive"
        assert row["p"] is None
        assert "in 6 of 6 runs of evolved every life left the finite numbers" in row["withheld"]
    assert "every life left the finite numbers, so that it has no score" in condition["sentence"]
    assert "0.000 against" not in condition["sentence"]
    assert (
        "In 24 of 24 test lives of evolved (runs 0, 1, 2, 3, 4 and 5) the brain or the score left the finite numbers. "
        "Each counts as no better than the worst life of any arm, in every score, whatever the sign of rewards: no "
        "life of runs 0, 1, 2, 3, 4 and 5 stayed finite, so evolved is judged in nothing."
    ) in condition["remarks"]
    assert [arm["diverged"] for arm in condition["arms"].values()] == [0, 0, 24]
    assert condition["factorial"] is None


def test_one_run_without_a_finite_life_is_enough_not_to_be_judged() -> None:
    which = np.zeros((RUNS, LIVES), bool)
    which[2] = True
    condition = judged(arms(blank=lambda lives: diverging(lives, which)))
    assert {row["verdict"] for row in every_contrast(condition)} == {"inconclusive"}
    assert "in 1 of 6 runs of blank every life left" in condition["primary"]["withheld"]


def without_dna(lives, *runs):
    """Lives that were never lived, since some runs have no DNA."""
    which = np.zeros((RUNS, LIVES), bool)
    which[list(runs)] = True
    return dataclasses.replace(diverging(lives, which), no_dna=dict.fromkeys(runs, "its evolution left"))


@pytest.mark.parametrize("runs", [(2,), range(RUNS)])
def test_an_arm_without_dna_changes_nothing_for_the_others(runs) -> None:
    lives = arms(0.0)
    alone = judged(lives)
    beside = judged({**lives, "wild": without_dna(synthetic("wild", RUNS, LIVES, 0.9, 5.0, seed=4), *runs)})
    assert beside["arms"].pop("wild")["metrics"]["total"]["iqm"] is None
    said = [text for text in beside.pop("remarks") if text not in alone["remarks"]]
    del alone["remarks"]
    for row in (alone, beside):
        for part in row["catch_up_by_lifetime"]:
            part["arms"].pop("wild", None)
    assert beside == alone
    assert len(said) == 1
    assert f"of {RUNS}, so wild is judged in nothing: its evolution left" in said[0]


def test_nothing_is_measured_to_the_birth_score_of_an_arm_without_dna() -> None:
    lives = arms(0.0, evolved=lambda lives: without_dna(lives, 4))
    condition = judged(lives)
    assert (condition["target"], condition["catch_up_level"]) == (None, None)
    assert condition["arms"]["blank"]["metrics"]["catch_up"]["iqm"] is None
    assert condition["arms"]["blank"]["metrics"]["threshold"]["iqm"] is not None
    (row,) = (row for row in condition["secondary"] if row["metric"] == "catch_up")
    assert row["withheld"].startswith("1 of 6 runs of evolved came to no DNA, since an evolution left the finite numb")
    assert not any("born no better than random" in said for said in condition["remarks"])
    which = np.zeros((RUNS, LIVES), bool)
    which[1] = True
    twice = dataclasses.replace(diverging(lives["evolved"], which | lives["evolved"].broken), no_dna={4: "so"})
    words = "in 1 of 6 runs of evolved every life left the finite numbers, and 1 of 6 runs of evolved came to no DNA"
    assert words in judged({**lives, "evolved": twice})["sentence"]


@pytest.mark.parametrize("by", [-200.0, 200.0])
def test_a_diverged_life_counts_as_the_worst_of_any_arm(by: float) -> None:
    kept = 0.0 if by < 0 else 1e6  # what such lives had earned: the best there is
    lives = arms(by, evolved=lambda lives: diverging(lives, some_lives(), kept))
    counted = diverged_last(lives)
    for name in ("birth", "running", "ceiling", "totals"):
        others = [getattr(of_arm, name)[~of_arm.broken] for of_arm in lives.values()]
        worst = np.concatenate(others).min(axis=0)
        assert np.all(getattr(counted["evolved"], name)[some_lives()] == worst)
        assert np.array_equal(
            getattr(counted["evolved"], name)[~some_lives()], getattr(lives["evolved"], name)[~some_lives()]
        )
        assert np.array_equal(getattr(counted["blank"], name), getattr(lives["blank"], name))
    condition = judged(lives)
    assert any("In 2 of 24 test lives of evolved (runs 0 and 3)" in said for said in condition["remarks"])
    assert any("means of evolved are with them" in said for said in condition["remarks"])
    assert [run["diverged"] for run in condition["arms"]["evolved"]["runs"]] == [1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("metric", ["total", "birth", "ceiling", "gain", "catch_up", "threshold"])
@pytest.mark.parametrize("lost", [1, LIVES - 1])
def test_diverging_never_makes_a_run_better(metric: str, lost: int) -> None:
    which = np.zeros((RUNS, LIVES), bool)
    which[:, :lost] = True
    whole = arms()
    levels = find_levels(-199.8, -199.4, -199.1, 1.0, 0.9)
    counted = diverged_last({**whole, "evolved": diverging(whole["evolved"], which)})
    before, after = (run_values(lives["evolved"], metric, levels) for lives in (whole, counted))
    assert np.isfinite(before).any()
    assert (after >= before).all() if METRICS[metric].lower_is_better else (after <= before).all()


def test_without_a_diverged_life_nothing_is_touched() -> None:
    lives = arms(0.0)
    assert all(of_arm is lives[arm] for arm, of_arm in diverged_last(lives).items())
    none = {arm: diverging(of_arm, np.zeros((RUNS, LIVES), bool)) for arm, of_arm in lives.items()}
    assert judged(none) == judged(lives)


def test_a_look_counts_them_as_the_verdict_does() -> None:
    lives = arms(evolved=lambda lives: diverging(lives, all_lives()))
    tests = judge_primary(study_rules(runs=RUNS, resamples=20), contrast("evolved", "blank", "total"), lives, 0.05)
    assert (tests.p, tests.equivalence.p, tests.conclusive(0.05)) == (None, None, False)
    assert tests.for_good, "no further run could change that"
    few = {arm: synthetic(arm, 2, LIVES) for arm in ("random", "blank", "evolved")}
    tests = judge_primary(study_rules(runs=2, resamples=20), contrast("evolved", "blank", "total"), few, 0.05)
    assert tests.withheld is not None
    assert not tests.for_good, "more runs could"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7e308])
def test_totals_that_are_not_finite_are_broken_lives(value: float) -> None:
    lives = arms(0.0)
    totals = lives["evolved"].totals.copy()
    totals[:, 0] = value
    condition = judged({**lives, "evolved": dataclasses.replace(lives["evolved"], totals=totals)})
    json.dumps(condition, allow_nan=False)
    assert condition["arms"]["evolved"]["diverged"] == RUNS


def test_an_arm_evolved_twice_as_long_sets_no_standard() -> None:
    lives = arms(evolved=lambda lives: diverging(lives, some_lives()))
    doubled = dataclasses.replace(shifted(lives["blank"], -1000.0), arm="evolved_x2")
    with_it, without = diverged_last({**lives, "evolved_x2": doubled}), diverged_last(lives)
    assert np.array_equal(with_it["evolved"].totals, without["evolved"].totals)


def test_generations_in_which_the_centre_diverged_are_left_out_of_its_curve() -> None:
    records = [evolution_record(run) for run in range(RUNS)]
    for record in records:
        record["centre"][2] = None
        record["best"][2] = None
    condition = judged(arms(0.0), evolution=records)
    assert condition["arms"]["evolved"]["evolution"]["converged"] is not None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_statistics_of_what_is_not_finite_show_nothing(bad: float) -> None:
    one, other = np.array([1.0, 2.0, bad, 3.0, 4.0]), np.array([10.0, 11.0, 12.0, 13.0, 14.0])
    assert stats.permutation_p(one, other).item() == 1.0
    assert stats.permutation_p(np.stack([one, other]), np.stack([other, one + 100.0])).tolist() == [1.0, 1.0]
    assert stats.equivalence(one, other, 1e9, 0.05) == stats.Equivalence(None, None)
    assert stats.effect([one, other], [1.0, -1.0], 0.05).p is None
    assert all(map(math.isnan, stats.median_interval(one, 0.05)))
    assert stats.break_even(10, 5, bad, 3.0, False, False).bound == "unknown"
    assert stats.holm([0.01, math.nan]) == [0.02, 1.0]
    stats.interval(one, 0.05, 5)
    stats.iqm([bad, -bad, bad, 0.0])
    share = stats.improvement(one, other, lower_is_better=False)
    assert math.isnan(share) == math.isnan(bad)


def test_scores_of_arms_none_of_which_stayed_finite_are_numbers() -> None:
    nothing = np.full((1, 2), math.nan)
    assert counted_last([nothing, nothing], [np.ones((1, 2), bool)] * 2)[0].tolist() == [[0.0, 0.0]]
    assert list(itertools.chain(*counted_last([np.array([3.0, 5.0])], [np.array([True, True])]))) == [3.0, 3.0]

"""The verdict on a condition: its record, its words, and what it refuses to say."""

import dataclasses
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from evolearn.verdict import METRICS, ConditionFacts, SearchFacts, for_json, judge_condition, stats
from evolearn.verdict._contrasts import Family, Pair, judge
from tests.helpers.synthetic_lives import (
    contrast,
    contrasts,
    evolution_record,
    full_verdict,
    study_rules,
    synthetic,
    zoo,
)

FACTS = ConditionFacts("alpha 0", "savannah", {"alpha": 0.0}, 6000, None)
CATCH_UP = contrast("evolved", "tuned_blank", "catch_up")
BIRTH = contrast("evolved", "tuned_blank", "birth")


def arms_of(runs=4, lives=6, noise=0.02, **ends):
    """Lives of a few arms; `ends` gives birth and ceiling of each."""
    ends = {"random": (0.18, 0.18), "tuned_blank": (0.2, 0.97), "evolved": (0.94, 0.97), **ends}
    return {
        arm: synthetic(arm, runs, lives, birth, ceiling, noise=noise, seed=place)
        for place, (arm, (birth, ceiling)) in enumerate(ends.items())
    }


def judged(arms, primary=CATCH_UP, outer=None, evolution=None, **rules):
    condition = judge_condition(study_rules(**rules), FACTS, primary, arms, outer or {}, evolution or {})
    json.dumps(condition, allow_nan=False)
    return condition


def never(lives):
    """The same lives with a running score that reaches nothing."""
    return dataclasses.replace(lives, running=np.zeros_like(lives.running))


@pytest.fixture(scope="module")
def verdict():
    return full_verdict()


def test_the_record_has_all_that_readers_rely_on(verdict):
    json.dumps(verdict, allow_nan=False)
    condition = verdict["conditions"][0]
    assert list(condition) == [
        "name", "world", "parameters", "selection_lifetime", "evolved_in", "sentence", "remarks", "floor", "target",
        "catch_up_level", "threshold_level", "top", "arms", "primary", "secondary", "by_lifetime", "doubled",
        "catch_up_by_lifetime", "factorial", "break_even",
    ]  # fmt: skip
    arm = condition["arms"]["evolved"]
    searched = {"selection_lifetime", "outer_steps", "settings_steps"}
    assert set(arm) == {"runs", "metrics", "totals", "curve", "evolution", "dna"} | searched
    assert set(arm["metrics"]) == set(METRICS) - {"transfer_ratio"}
    assert set(arm["metrics"]["birth"]) == {"iqm", "mean", "low", "high", "runs", "censored", "at_least"}
    assert set(arm["runs"][0]) == set(arm["metrics"]) | {"run", "seed", "totals", "deaths"}
    assert arm["runs"][1]["seed"] == 101
    assert set(condition["primary"]) == {
        "arm", "against", "metric", "verdict", "p", "withheld", "test", "difference", "improvement", "margin",
        "equivalence_p", "smallest_margin", "within_margin", "runs", "censored", "sentence",
    }  # fmt: skip
    assert set(condition["secondary"][0]) == set(condition["primary"]) | {"p_holm", "equivalence_p_holm"}
    assert [row["lifetime"] for row in condition["by_lifetime"][:3]] == [1200, 6000, 20000]
    assert condition["arms"]["random"]["evolution"] is None
    assert len(arm["dna"]) == 4


def test_the_same_lives_give_the_same_bytes(verdict):
    assert json.dumps(full_verdict()) == json.dumps(verdict)


def test_numbers_are_those_of_the_lives(verdict):
    lives = zoo(0.0, 4, 8, seed=0)["evolved"]
    found = verdict["conditions"][0]["arms"]["evolved"]
    births = lives.birth.mean(axis=1)
    assert [run["birth"] for run in found["runs"]] == pytest.approx(births, rel=1e-5)
    assert found["metrics"]["birth"]["iqm"] == pytest.approx(np.sort(births)[1:3].mean(), rel=1e-5)
    assert verdict["conditions"][0]["target"] == found["metrics"]["birth"]["iqm"]
    assert found["metrics"]["birth"]["low"] < found["metrics"]["birth"]["iqm"] < found["metrics"]["birth"]["high"]
    assert found["totals"][-1]["iqm"] == found["metrics"]["total"]["iqm"]
    assert len(found["curve"]["age"]) == len(found["curve"]["high"]) <= 80


def test_for_json_rounds_and_nulls():
    nested = {"a": [1 / 3, math.nan, np.float64(math.inf)], "b": np.array([123456.789]), "c": (True, 7, None), 4: "x"}
    assert for_json(nested) == {"a": [0.333333, None, None], "b": [123457.0], "c": [True, 7, None], "4": "x"}
    assert for_json(0.1234567891) == 0.123457
    assert for_json(1.1e-16) == 0.0  # what sums of equal numbers differ by


def test_a_head_start_said_in_a_sentence():
    condition = judged({**arms_of(), "tuned_blank": never(arms_of()["tuned_blank"])})
    assert condition["primary"]["verdict"] == "better"
    assert condition["primary"]["censored"] == [0, 4]
    sentence = condition["sentence"]
    assert sentence.startswith("alpha 0: evolved is better than tuned_blank in catch-up time to a running score of 0.9")
    assert "tuned_blank never reached it within 20,000 steps in 4 of 4 runs" in sentence
    assert "evolved had it by " in sentence
    assert "p = 0.029" in sentence
    assert "4 runs per arm (fewer than 10: exploratory)" in sentence
    assert sentence.endswith("selected on lives of 6,000 steps; brains are memoryless.")


def test_ten_runs_are_not_exploratory():
    assert "from 10 runs per arm, selected" in judged(arms_of(runs=10, lives=2), BIRTH)["sentence"]


def test_lower_is_better_only_for_times():
    arms = arms_of()
    worse = judged(arms, contrast("tuned_blank", "evolved", "birth"))["primary"]
    assert worse["verdict"] == "worse"
    assert worse["difference"]["iqm"] < 0
    assert worse["improvement"]["probability"] == 0.0
    faster = judged(arms, CATCH_UP)["primary"]
    assert (faster["verdict"], faster["improvement"]["probability"]) == ("better", 1.0)
    assert faster["difference"]["iqm"] < 0


def test_all_runs_equal_gives_an_answer():
    """Every score 1.00: no difference, equivalent, no NaN and no warning."""
    arms = arms_of(noise=0.0, evolved=(1.0, 1.0), tuned_blank=(1.0, 1.0))
    condition = judged(arms, BIRTH, secondary=(contrasts("evolved", "tuned_blank", tuple(METRICS)),))
    for row in (condition["primary"], *condition["secondary"]):
        assert row["p"] == 1.0
        assert row["difference"] == {"iqm": 0.0, "low": 0.0, "high": 0.0}
        assert row["improvement"]["probability"] == 0.5
        if row["margin"] is not None:
            assert row["verdict"] == "equivalent"
    assert "are equivalent in birth score: 1.000 against 1.000" in condition["sentence"]
    assert condition["arms"]["evolved"]["metrics"]["catch_up"]["iqm"] == 600


def test_a_difference_without_consequence_says_so():
    arms = arms_of(noise=0.001, evolved=(0.51, 0.9), tuned_blank=(0.5, 0.9))
    condition = judged(arms, BIRTH)
    assert condition["primary"]["verdict"] == "better"
    assert condition["primary"]["within_margin"]
    assert "yet it lies within the margin of 0.050, too little to matter" in condition["sentence"]


def test_nothing_shown_is_said_plainly():
    arms = arms_of(noise=0.1, evolved=(0.5, 0.9), tuned_blank=(0.48, 0.9))
    condition = judged(arms, BIRTH)
    assert condition["primary"]["verdict"] == "inconclusive"
    least = condition["primary"]["smallest_margin"]
    assert "neither a difference nor equivalence within the margin of 0.050 is shown" in condition["sentence"]
    assert f"(with these runs, only within {least:.3f})" in condition["sentence"]
    without = judged(arms, BIRTH, margins={})
    assert without["primary"]["equivalence_p"] is None
    assert "neither a difference nor equivalence is shown" in without["sentence"]


def test_too_few_runs_withhold_the_test():
    condition = judged(arms_of(runs=3))
    reason = "3 runs per arm can at best give p = 0.1; 4 per arm is the least"
    assert condition["primary"]["p"] is None
    assert condition["primary"]["withheld"] == reason
    assert condition["primary"]["difference"]["low"] is not None
    assert f"test withheld ({reason})" in condition["sentence"]
    assert f"One test withheld: {reason} (evolved against tuned_blank in catch-up time)." in condition["remarks"]


def test_too_few_runs_do_not_make_arms_equivalent_either():
    alike = {
        arm: synthetic(arm, runs=3, birth=0.5, ceiling=0.5, noise=1e-4, seed=3) for arm in ("evolved", "tuned_blank")
    }
    condition = judged({**arms_of(runs=3), **alike}, BIRTH)
    assert condition["primary"]["verdict"] == "inconclusive"
    assert condition["primary"]["equivalence_p"] is None
    assert condition["primary"]["smallest_margin"] < 0.05
    assert "neither a difference nor equivalence is claimed" in condition["sentence"]


def test_a_single_run_has_no_intervals():
    evolution = {"evolved": [evolution_record(0)]}
    condition = judged(arms_of(runs=1), evolution=evolution, outer={"evolved": 1_000_000})
    assert condition["primary"]["difference"]["low"] is None
    assert condition["arms"]["evolved"]["metrics"]["birth"]["high"] is None
    assert set(condition["arms"]["evolved"]["curve"]["low"]) == {None}
    assert condition["primary"]["verdict"] == "inconclusive"
    assert "One run says nothing of other runs: there are no intervals over runs and no tests." in condition["remarks"]


def test_times_that_nobody_reached_are_not_compared():
    arms = {arm: never(lives) for arm, lives in arms_of().items()}
    condition = judged(arms, secondary=(contrasts("evolved", "tuned_blank", ("threshold", "birth")),))
    reason = "no run of either arm ever reached it, within 20,000 steps"
    assert condition["primary"]["verdict"] == "inconclusive"
    assert condition["primary"]["withheld"] == reason
    assert condition["primary"]["equivalence_p"] is None
    assert condition["primary"]["censored"] == [4, 4]
    assert f"is inconclusive: {reason}; from 4 runs" in condition["sentence"]
    assert any(said.startswith("No arm reached the threshold of 0.9") for said in condition["remarks"])
    times = condition["arms"]["evolved"]["metrics"]["catch_up"]
    assert (times["iqm"], times["censored"], times["at_least"]) == (20_000, 4, True)
    assert condition["arms"]["evolved"]["runs"][0]["catch_up"] is None


def test_a_newborn_no_better_than_random_is_remarked():
    condition = judged(arms_of(evolved=(0.1, 0.9)))
    assert any("is born no better than random (0.1" in said for said in condition["remarks"])
    assert any("no head start to catch up with" in said for said in condition["remarks"])


@pytest.mark.parametrize(
    ("threshold_of", "left_out", "remark"),
    [
        ("oracle", (), "There is no threshold: the study lacks the oracle arm, at which its scale ends."),
        ("best", ("random",), "There is no random arm, hence no floor"),
    ],
)
def test_no_threshold_says_why(threshold_of, left_out, remark):
    arms = {arm: lives for arm, lives in arms_of().items() if arm not in left_out}
    asked = (contrasts("evolved", "tuned_blank", ("threshold",)),)
    condition = judged(arms, threshold=SimpleNamespace(share=0.9, of=threshold_of), secondary=asked)
    assert condition["threshold_level"] is None
    assert condition["arms"]["evolved"]["metrics"]["threshold"]["iqm"] is None
    assert condition["arms"]["evolved"]["runs"][0]["threshold"] is None
    assert condition["secondary"][0]["withheld"] == "the study has no score that threshold could be measured to"
    assert any(said.startswith(remark) for said in condition["remarks"])


def test_a_threshold_that_random_acts_pass_is_remarked():
    arms = arms_of(random=(0.99, 0.99))
    assert any("whoever acts at random has passed it" in said for said in judged(arms)["remarks"])


def test_a_search_still_climbing_is_flagged():
    climbing = [{**evolution_record(run), "centre": list(range(16))} for run in range(4)]
    done = [{**evolution_record(run), "centre": [0.0, 1.0, *[2.0] * 14]} for run in range(4)]
    short = [evolution_record(run, generations=5) for run in range(4)]
    evolution = {"evolved": climbing, "tuned_blank": done, "random": short}
    condition = judged(arms_of(), evolution=evolution)
    assert not condition["arms"]["evolved"]["evolution"]["converged"]
    assert condition["arms"]["evolved"]["evolution"]["gain_last_quarter"] == pytest.approx(4 / 15, rel=1e-5)
    assert condition["arms"]["tuned_blank"]["evolution"]["converged"]
    assert condition["arms"]["random"]["evolution"]["converged"] is None
    remarks = " ".join(condition["remarks"])
    assert "Not converged: evolved (26.7%). " in remarks
    assert "Too few generations to say whether the search has converged: random." in remarks


def test_a_search_without_a_centre_is_judged_by_its_best():
    runs = [{**evolution_record(run), "centre": [None] * 16, "best": list(range(16))} for run in range(4)]
    found = judged(arms_of(), evolution={"evolved": runs})["arms"]["evolved"]["evolution"]
    assert found["gain_last_quarter"] == pytest.approx(4 / 15, rel=1e-5)


def test_holm_counts_each_hypothesis_once_and_the_primary_never():
    """A transfer ratio is tested by the test of its total."""
    asked = (contrasts("evolved", "tuned_blank", ("birth", "catch_up", "total", "transfer_ratio")),)
    condition = judged(arms_of(runs=8, lives=2), secondary=asked)
    rows = {row["metric"]: row for row in condition["secondary"]}
    assert list(rows) == ["birth", "total", "transfer_ratio"]
    assert rows["birth"]["p_holm"] == pytest.approx(2 * rows["birth"]["p"])
    assert rows["transfer_ratio"]["p"] == rows["total"]["p"]
    assert rows["transfer_ratio"]["p_holm"] == rows["total"]["p_holm"]
    assert "p_holm" not in condition["primary"]


def test_a_secondary_verdict_follows_the_adjusted_p():
    asked = (contrasts("evolved", "tuned_blank", ("birth", "gain")),)
    for runs, word in ((4, "inconclusive"), (5, "better")):
        row = judged(arms_of(runs), secondary=asked)["secondary"][0]
        assert row["p"] < 0.05
        assert (row["metric"], row["verdict"]) == ("birth", word)


def test_times_are_tested_by_their_ranks():
    """Late and never are last, however late: the mean of what was reached would say something else."""
    times = {"evolved": [600.0, 700.0, 800.0, 19_000.0], "tuned_blank": [1000.0, 1100.0, 1200.0, np.inf]}
    pair = pair_of(times)
    ((found,),) = judge([Family([pair], holm=False)], study_rules())
    assert found.tests.p == pytest.approx(float(stats.permutation_p([1.0, 2, 3, 7], [4.0, 5, 6, 8])))
    assert found.tests.p != pytest.approx(float(stats.permutation_p(times["evolved"], [1000.0, 1100, 1200, 20_000])))
    assert found.censored == (0, 1)
    assert found.at_least == (False, False)  # the interquartile mean leaves it out
    assert found.sides == (750.0, 1150.0)


def pair_of(times):
    one, other = (np.array(values) for values in times.values())
    resampled = np.stack([one, one]), np.stack([other, other])
    return Pair("evolved", "tuned_blank", "catch_up", one, other, *resampled, (20_000, 20_000))


def test_too_many_tests_for_the_runs_are_remarked():
    asked = (contrasts("evolved", "tuned_blank", ("birth", "total")),)
    words = "Too many secondary tests for so few runs: of 2 under Holm none can come out below p = 0.057"
    assert any(said.startswith(words) for said in judged(arms_of(runs=4), secondary=asked)["remarks"])
    assert not any("Too many" in said for said in judged(arms_of(runs=5), secondary=asked)["remarks"])


def test_each_lifetime_is_judged_under_holm():
    rows = judged(arms_of(runs=6))["by_lifetime"]
    assert [(row["lifetime"], row["verdict"]) for row in rows] == [
        (1200, "better"),
        (6000, "better"),
        (20000, "better"),
    ]
    assert [row["p_holm"] for row in rows] == pytest.approx([3 * 2 / 924] * 3, rel=1e-4)
    assert rows[0]["difference"]["iqm"] > rows[2]["difference"]["iqm"] > 0


def test_catch_up_as_if_life_had_ended_earlier():
    by_lifetime = judged(arms_of())["catch_up_by_lifetime"]
    early, late = (by_lifetime[place]["arms"]["tuned_blank"] for place in (0, 2))
    assert (early["iqm"], early["censored"], early["at_least"]) == (1200, 4, True)
    assert late["iqm"] > 6000
    assert by_lifetime[0]["arms"]["evolved"]["iqm"] <= 1200


def test_lives_of_different_length_have_no_common_total():
    long = synthetic("long_blank", 4, 1, 0.2, 0.95, 40_000.0, seed=9, lifetimes=(200_000,))
    arms = {**arms_of(noise=0.005), "long_blank": long}
    asked = (contrasts("evolved", "long_blank", ("total", "threshold")),)
    condition = judged(arms, secondary=asked, outer={"evolved": 1_000_000})
    total, threshold = condition["secondary"]
    assert total["withheld"] == "lives of 20,000 and of 200,000 steps have no common total"
    assert threshold["verdict"] == "inconclusive" or threshold["difference"]["iqm"] < 0
    assert [row["against"] for row in condition["by_lifetime"]] == ["tuned_blank"] * 3
    row = condition["break_even"][0]
    assert (row["against"], row["metric"], row["bound"]) == ("long_blank", "threshold", "exact")
    assert row["steps_each_against"] > 20_000


def test_times_beyond_the_shorter_of_two_lives_are_not_ranked():
    """A long life that got there late is not better than a short one that ended before."""
    long = synthetic("long_blank", 4, 1, 0.2, 0.95, 40_000.0, seed=9, lifetimes=(200_000,))
    arms = {**arms_of(noise=0.005), "long_blank": long, "evolved": never(arms_of()["evolved"])}
    condition = judged(arms, secondary=(contrasts("evolved", "long_blank", ("threshold",)),))
    (threshold,) = condition["secondary"]
    assert threshold["withheld"] == "no run of either arm ever reached it, within 20,000 steps"


def test_wider_windows_bound_the_break_even_from_one_side():
    long = synthetic("long_blank", 4, 1, 0.2, 0.95, 40_000.0, seed=9, lifetimes=(200_000,))
    wide = dataclasses.replace(long, running=long.running[..., 99::100], ages=long.ages[99::100])
    condition = judged({**arms_of(noise=0.005), "long_blank": wide}, outer={"evolved": 1_000_000})
    row = condition["break_even"][0]
    assert (row["against"], row["bound"]) == ("long_blank", "at least")
    assert f"one of long_blank at most {row['steps_each_against']:,.0f} steps" in row["sentence"]
    assert ["long_blank" in entry["arms"] for entry in condition["catch_up_by_lifetime"]] == [False, False, True]


def test_times_cut_off_are_never_called_equivalent():
    arms = arms_of(noise=0.0)
    late = arms["tuned_blank"].running.copy()
    late[1:] = 0.0
    late[0, :, :-1] = 0.0  # one run gets there at the very end, the others never
    arms["tuned_blank"] = dataclasses.replace(arms["tuned_blank"], running=late)
    arms["evolved"] = dataclasses.replace(arms["evolved"], running=np.zeros_like(late))
    condition = judged(arms, catch_up_share=0.5)
    assert condition["primary"]["verdict"] == "inconclusive"
    assert condition["primary"]["equivalence_p"] is None
    assert "times cut off cannot show equivalence" in condition["sentence"]


def test_the_sentence_says_when_there_was_no_head_start():
    born_alike = judged(arms_of(evolved=(0.19, 0.97)))["sentence"]
    assert "no head start is shown: evolved is born at 0.1" in born_alike
    assert "head start" not in judged(arms_of(noise=0.001))["sentence"]


def test_break_even_of_a_blank_slate_that_never_got_there():
    arms = arms_of(noise=0.0, blank=(0.18, 0.5))
    (row,) = judged(arms, outer={"evolved": 3_880_000})["break_even"]
    assert (row["descendants"], row["bound"]) == (200.0, "at most")
    assert row["formula"] == "3,880,000 / (20,000 - 600) = 200.0"
    assert row["sentence"] == (
        "One evolution run of evolved costs 3,880,000 steps; each descendant then needs 600 steps to a running score "
        "of 0.940, one of blank at least 20,000 steps: evolution has paid for itself after at most 200 descendants "
        "(3,880,000 / (20,000 - 600) = 200.0)."
    )
    assert judged(arms)["break_even"] == []  # no evolution, no bill


def test_evolution_that_saves_nothing_never_pays():
    arms = arms_of(noise=0.0, evolved=(0.3, 0.97), blank=(0.4, 0.97))
    (row,) = judged(arms, outer={"evolved": 1000})["break_even"]
    assert (row["bound"], row["descendants"]) == ("never", None)
    assert row["sentence"].endswith("no steps are saved, so evolution never pays for itself.")


def searched(arms, **searches):
    """The verdict on arms whose evolutions are these."""
    facts = dataclasses.replace(FACTS, searches=searches)
    return judge_condition(study_rules(), facts, CATCH_UP, arms, {}, {})


def test_a_sentence_gives_each_arm_its_own_selection_lifetime_where_they_differ():
    arms = arms_of()  # lives of 20,000 steps
    differ = searched(arms, evolved=SearchFacts(1000, 10), tuned_blank=SearchFacts(20_000, 10))
    assert (
        "; from 4 runs per arm (fewer than 10: exploratory), evolved selected on lives of 1,000 steps, "
        in (differ["sentence"])
    )
    assert "tuned_blank on lives of 20,000; brains" in differ["sentence"]
    assert "selection_lifetime" not in differ["arms"]["evolved"]["runs"][0]
    lifetimes = {arm: entry["selection_lifetime"] for arm, entry in differ["arms"].items()}
    assert lifetimes == {"random": None, "tuned_blank": 20_000, "evolved": 1000}
    same = searched(arms, evolved=SearchFacts(3000, 10), tuned_blank=SearchFacts(3000, 10))
    assert "exploratory), selected on lives of 3,000 steps; brains" in same["sentence"]
    assert "selected on lives of 6,000 steps; brains" in searched(arms)["sentence"], "as the condition says"


def test_arms_selected_on_shorter_lives_than_those_judged_are_named_in_one_remark():
    arms = arms_of(instinct=(0.9, 0.9), shuffled=(0.2, 0.9), mid=(0.5, 0.9))
    short, whole, mid = SearchFacts(1000, 10), SearchFacts(20_000, 10), SearchFacts(6000, 10)
    frozen = SearchFacts(1000, 10, evolves=False)
    found = searched(arms, evolved=short, tuned_blank=whole, instinct=short, mid=mid, shuffled=frozen)
    said = [remark for remark in found["remarks"] if "selected on" in remark]
    assert said == [
        "evolved and instinct were selected on lives of 1,000 steps and are judged on 20,000; mid on lives of 6,000; "
        "tuned_blank on lives as long as those judged."
    ]
    alike = searched(arms, evolved=whole, tuned_blank=whole)
    assert [remark for remark in alike["remarks"] if "selected on" in remark] == []


def test_a_claim_on_a_smaller_budget_than_its_rivals_is_remarked():
    arms = arms_of()
    found = searched(arms, evolved=SearchFacts(1000, 600), tuned_blank=SearchFacts(1000, 1200, settings_steps=77))
    said = [remark for remark in found["remarks"] if "An evolution of" in remark]
    assert said == ["An evolution of evolved took 600 steps, fewer than its rivals had: tuned_blank 1,200."]
    assert found["arms"]["tuned_blank"]["settings_steps"] == 77
    assert found["arms"]["evolved"]["outer_steps"] == 600
    equal = searched(arms, evolved=SearchFacts(1000, 600), tuned_blank=SearchFacts(1000, 600))
    assert [remark for remark in equal["remarks"] if "An evolution of" in remark] == []


def test_the_factorial_needs_equal_budgets():
    ends = {"tuned_learner": (0.2, 0.5), "evolved_weights": (0.5, 0.6)}
    names = ("tuned_learner", "tuned_blank", "evolved_weights", "evolved")
    equal = {name: SearchFacts(1000, 600) for name in names}
    assert searched(arms_of(**ends), **equal)["factorial"] is not None
    assert searched(arms_of(**ends), **equal | {"tuned_blank": SearchFacts(1000, 601)})["factorial"] is None


def test_the_factorial_needs_all_four_arms():
    ends = {
        "tuned_learner": (0.2, 0.5),
        "evolved_weights": (0.9, 0.9),
        "tuned_blank": (0.2, 0.8),
        "evolved": (0.9, 0.95),
    }
    found = judged(arms_of(**ends), BIRTH)["factorial"]
    assert found["metric"] == "total"
    assert found["weights"]["estimate"] > 0
    assert found["weights"]["p"] < 0.05
    assert found["interaction"]["estimate"] < 0  # together less than the sum
    assert judged(arms_of(), BIRTH)["factorial"] is None


@pytest.mark.parametrize(
    ("twice", "verdict", "meaning"),
    [
        ((0.99, 0.999), "better", "so its own budget was too small"),
        ((0.94, 0.97), "equivalent", "so its own budget was enough"),
        ((0.6, 0.7), "worse", "so more evolution made it worse here"),
    ],
)
def test_twice_the_budget(twice, verdict, meaning):
    arms = arms_of(noise=0.003, evolved_x2=twice)
    primary = contrast("evolved", "tuned_blank", "total")
    condition = judged(arms, primary, margins={"total": 0.02})
    assert "evolved_x2" not in condition["arms"]
    (row,) = condition["doubled"]
    assert (row["arm"], row["against"], row["verdict"]) == ("evolved_x2", "evolved", verdict)
    assert row["sentence"].startswith("Twice the budget: evolved_x2 ")
    assert meaning in row["sentence"]


def test_arms_with_twice_the_budget_move_no_level():
    arms = arms_of()
    with_more = judged({**arms, "evolved_x2": synthetic("evolved_x2", 4, 6, 1.5, 1.9, seed=8)})
    without = judged(arms)
    assert {**with_more, "doubled": [], "remarks": []} == {**without, "remarks": []}

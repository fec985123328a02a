"""The verdict on a condition: its record, its words, and what it refuses to say."""

import dataclasses
import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from evolearn.verdict import (
    METRICS,
    OPTIONAL,
    ConditionFacts,
    Look,
    LookByLook,
    SearchFacts,
    for_json,
    judge_condition,
    judge_primary,
    stats,
)
from evolearn.verdict._contrasts import Family, Pair, judge
from tests.helpers.synthetic_lives import (
    contrast,
    contrasts,
    evolution_record,
    full_verdict,
    stand_still,
    study_rules,
    synthetic,
    zoo,
)

FACTS = ConditionFacts(
    "alpha 0",
    "savannah",
    {"alpha": 0.0},
    6000,
    None,
    searches={arm: SearchFacts(6000, 10) for arm in ("evolved", "tuned_blank")},
    evolutions=("evolved",),
    blank_slates=("tuned_blank", "long_blank", "my_blank"),
    one_life=("long_blank", "my_long_blank"),
)
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
        "name", "world", "parameters", "selection_lifetime", "evolved_in", "able", "termination_is_death", "runs",
        "sentence", "remarks", "floor", "target", "catch_up_level", "threshold_level", "top", "arms", "looks",
        "primary", "secondary",
        "by_lifetime", "doubled", "catch_up_by_lifetime", "factorial", "break_even",
    ]  # fmt: skip
    arm = condition["arms"]["evolved"]
    searched = {"selection_lifetime", "outer_steps", "settings_steps"}
    assert set(arm) == {"runs", "diverged", "metrics", "totals", "curve", "clusters", "evolution", "dna"} | searched
    assert set(arm["metrics"]) == set(METRICS) - {"transfer_ratio", "head_start", "birth_reborn", *OPTIONAL}
    assert set(arm["metrics"]["birth"]) == {"iqm", "mean", "low", "high", "runs", "censored", "at_least"}
    assert set(arm["runs"][0]) == set(arm["metrics"]) | {"run", "seed", "totals", "deaths", "diverged"}
    assert arm["runs"][1]["seed"] == 101
    assert set(condition["primary"]) == {
        "arm", "against", "metric", "verdict", "p", "withheld", "unfinished", "test", "difference", "improvement",
        "margin", "equivalence_p", "smallest_margin", "within_margin", "runs", "censored", "sentence",
    }  # fmt: skip
    assert set(condition["secondary"][0]) == set(condition["primary"]) | {"p_holm", "equivalence_p_holm", "adjustment"}
    assert condition["secondary"][0]["adjustment"] == "after Holm"
    assert [row["lifetime"] for row in condition["by_lifetime"][:3]] == [1200, 6000, 20000]
    assert condition["arms"]["random"]["evolution"] is None
    assert len(arm["dna"]) == 4


def test_where_termination_is_a_death_what_rebirths_add_stands_beside_the_birth_score():
    """As of an arm that dies once and is worth as much again; the claims are on the first bodies."""
    lives = {
        arm: dataclasses.replace(of_arm, birth_reborn=of_arm.birth + 0.2, birth_deaths=np.full_like(of_arm.birth, 1.5))
        for arm, of_arm in zoo(0.0, 4, 8, seed=0).items()
    }
    facts = ConditionFacts("alpha 0", "savannah", {}, 6000, None, able="running", termination_is_death=True)
    found = judge_condition(
        study_rules(secondary=(contrasts("evolved", "random", ("birth", "birth_reborn")),)),
        facts,
        contrast("evolved", "tuned_blank", "catch_up"),
        lives,
        {},
        {},
    )
    assert (found["able"], found["termination_is_death"]) == ("running", True)
    arm = found["arms"]["evolved"]
    assert set(arm["metrics"]) == set(METRICS) - {"transfer_ratio", "head_start", *OPTIONAL}
    assert arm["metrics"]["birth_reborn"]["iqm"] == pytest.approx(arm["metrics"]["birth"]["iqm"] + 0.2, abs=1e-5)
    assert arm["runs"][2]["birth_reborn"] == pytest.approx(arm["runs"][2]["birth"] + 0.2, abs=1e-5)
    assert arm["birth_deaths"] == arm["runs"][2]["birth_deaths"] == 1.5
    assert found["target"] == arm["metrics"]["birth"]["iqm"]
    one, other = found["secondary"]
    assert other["difference"]["iqm"] == pytest.approx(one["difference"]["iqm"], abs=1e-5)
    assert "evolved against random in birth score with rebirths is" in other["sentence"]


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
    assert sentence.startswith(
        "alpha 0: 4 of 4 evolutions are born able; no blank slate is, and they never catch up within 20,000 steps of "
        "life. The test: evolved is better than tuned_blank in catch-up time to a running score of 0.9"
    )
    assert "tuned_blank never reached it within 20,000 steps in 4 of 4 runs" in sentence
    assert "evolved had it by " in sentence
    assert "p = 0.029" in sentence
    assert "4 runs per arm (fewer than 10: exploratory)" in sentence


def test_ten_runs_are_not_exploratory():
    assert "From 10 runs per arm, selected" in judged(arms_of(runs=10, lives=2), BIRTH)["sentence"]


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
    condition = judged(
        arms, BIRTH, secondary=(contrasts("evolved", "tuned_blank", tuple(set(METRICS) - {"head_start", *OPTIONAL})),)
    )
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
    assert {(row["withheld"], row["unfinished"]) for row in condition["by_lifetime"]} == {(reason, None)}
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
    assert f"is inconclusive: {reason}. From 4 runs" in condition["sentence"]
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


def searched(*centres):
    """Evolution records with these centres."""
    return [{**evolution_record(run), "centre": list(centre)} for run, centre in enumerate(centres)]


def test_a_search_still_climbing_is_flagged():
    """The random arm's life fitness is .18 of a scale that ends at 15.18, the best of any curve."""
    line, done = np.arange(16) + 0.18, [0.0, 1.0, *[2.0] * 14]
    short = [evolution_record(run, generations=5) for run in range(4)]
    evolution = {"evolved": searched(line, line, line, done), "tuned_blank": searched(line, line, done, done)}
    condition = judged(arms_of(noise=0.0), evolution={**evolution, "random": short})
    states = {arm: condition["arms"][arm]["evolution"]["converged"] for arm in condition["arms"]}
    assert states == {"evolved": False, "tuned_blank": True, "random": None}
    run = condition["arms"]["evolved"]["evolution"]["runs"][0]
    assert list(run) == ["run", "centre", "best", "stdev", "gain", "climbing", "end", "stuck"]
    assert list(run["gain"].values()) == pytest.approx([4 / 15] * 3, rel=1e-5)
    assert run["end"] == pytest.approx(13.5 / 15, rel=1e-5)
    assert condition["arms"]["random"]["evolution"]["runs"][0]["gain"] is None
    remarks = " ".join(condition["remarks"])
    assert (
        "Not converged: evolved (3 of 4 runs still climbed). The last quarter of the generations surely gained "
        "more than 2.0% of the way from random to the best that any search reached."
    ) in remarks
    assert "Too few generations to say whether the search had ended: random (8 are the least)." in remarks


@pytest.mark.parametrize(
    ("gained", "converged", "said"),
    [
        (0.05, False, "Not converged: evolved (its runs gained 5.0% [3.7%, 6.3%] late on average)."),
        (0.02, True, "Perhaps not converged: evolved (2.0% [0.7%, 3.3%])."),
    ],
)
def test_a_slow_climb_of_all_runs_is_flagged_in_the_noise_of_each(gained, converged, said):
    """On a scale of .8; ten generations per quarter, whose means know nothing of the noise."""
    noise = np.tile([0.1, -0.1], 20)
    late = np.add([-0.01, 0.01, 0.0, 0.0], gained)  # of each run; t(3) = 3.18, standard error .0041
    curves = [0.8 * gain / 10 * np.arange(40) + noise for gain in late]
    arms = arms_of(random=(0.2, 0.2), oracle=(1.0, 1.0), noise=0.0)
    condition = judged(arms, evolution={"evolved": searched(*curves)})
    evolution = condition["arms"]["evolved"]["evolution"]
    assert [run["gain"]["value"] for run in evolution["runs"]] == pytest.approx(late)
    assert not any(run["climbing"] for run in evolution["runs"])
    assert evolution["gain"]["value"] == pytest.approx(gained)
    assert evolution["converged"] is converged
    assert any(remark.startswith(said) for remark in condition["remarks"]), condition["remarks"]


def test_a_search_without_a_centre_is_judged_by_its_best():
    runs = [{**evolution_record(run), "centre": [None] * 16, "best": list(range(16))} for run in range(4)]
    found = judged(arms_of(random=(0.0, 0.0), noise=0.0), evolution={"evolved": runs})["arms"]["evolved"]["evolution"]
    assert found["runs"][0]["gain"]["value"] == pytest.approx(4 / 15, rel=1e-5)


def test_stuck_runs_are_named_and_are_a_cluster_of_their_own():
    """Two of four stand still at .6 of the way from .2 to the oracle's 1."""
    arms = arms_of(random=(0.2, 0.2), oracle=(1.0, 1.0), noise=0.0)
    arms["frozen"] = stand_still(dataclasses.replace(arms["evolved"], arm="frozen"), [1, 3])
    arms["shuffled"] = stand_still(dataclasses.replace(arms["evolved"], arm="shuffled"), [1, 2])
    through, still = [0.2, *[1.0] * 15], [0.2, *[0.68] * 15]
    rules, evolution = study_rules(), {"evolved": searched(through, still, through, still)}
    condition = judge_condition(
        rules, FACTS, CATCH_UP, arms, {}, evolution, {"frozen": "evolved", "shuffled": "evolved"}
    )
    entry = condition["arms"]["evolved"]
    assert entry["evolution"]["stuck"] == [1, 3]
    assert [row["stuck"] for row in entry["evolution"]["runs"]] == [False, True, False, True]
    assert [(row["runs"], row["stuck"], row["centre"]) for row in entry["clusters"]] == [
        ([0, 2], False, 1.0),
        ([1, 3], True, 0.6),
    ]
    assert (
        "2 of 4 evolutions of evolved never left the plateau: runs 1 and 3 ended at 0.60 of the way from random to "
        "the oracle, the other 2 at 1.00. A mean over all of them describes neither."
    ) in condition["remarks"]
    # who has its DNA has its clusters if they part its scores as well, and is not named once more
    births = [row["metrics"]["birth"]["iqm"] for row in condition["arms"]["frozen"]["clusters"]]
    assert births == pytest.approx([0.94, 0.4])
    assert condition["arms"]["shuffled"]["clusters"] == []
    assert sum("never left the plateau" in remark for remark in condition["remarks"]) == 1
    assert condition["arms"]["tuned_blank"]["clusters"] == []


def test_a_cluster_has_its_own_times_and_curve():
    arms = arms_of(noise=0.0)
    arms["evolved"] = dataclasses.replace(
        arms["evolved"], running=arms["evolved"].running * np.c_[[1, 1, 0, 1]][..., None]
    )
    evolution = {"evolved": searched(np.ones(16), np.ones(16), np.zeros(16), np.ones(16))}
    through, stuck = judged(arms, evolution=evolution)["arms"]["evolved"]["clusters"]
    assert through["metrics"]["catch_up"] == {"iqm": 600.0, "runs": 3, "censored": 0, "at_least": False}
    assert stuck["metrics"]["catch_up"] == {"iqm": 20_000.0, "runs": 1, "censored": 1, "at_least": True}
    assert through["curve"]["score"][0] == pytest.approx(0.94, rel=1e-3)
    assert stuck["curve"]["score"] == [0.0] * len(stuck["curve"]["age"])


def test_lagging_runs_that_still_climb_are_on_no_plateau():
    evolution = {"evolved": searched(np.full(16, 5.0), np.arange(16) / 10)}
    remarks = " ".join(judged(arms_of(runs=2), evolution=evolution)["remarks"])
    assert "1 of 2 evolutions of evolved lag far behind: run 1 ended at" in remarks


def test_the_scale_is_that_of_the_arms_own_selection_lifetime():
    """Random scores nothing over 1,200 steps, on which evolved was selected, and half over 6,000."""
    arms = arms_of(oracle=(1.0, 1.0), noise=0.0)
    arms["random"] = dataclasses.replace(arms["random"], totals=np.broadcast_to([0.0, 0.5, 0.5], (4, 6, 3)))
    evolution = {arm: searched(*[np.full(16, 0.75)] * 4) for arm in ("evolved", "tuned_blank")}
    facts = dataclasses.replace(
        FACTS, searches={"evolved": SearchFacts(1200, 10), "tuned_blank": SearchFacts(6000, 10)}
    )
    found = judge_condition(study_rules(), facts, CATCH_UP, arms, {}, evolution)["arms"]
    assert found["evolved"]["evolution"]["runs"][0]["end"] == pytest.approx(0.75)
    assert found["tuned_blank"]["evolution"]["runs"][0]["end"] == pytest.approx(0.5)


def test_without_a_scale_it_is_said_that_nothing_is_known_of_the_search():
    evolution = {"evolved": searched(*[np.zeros(16)] * 4)}
    condition = judged(arms_of(), evolution=evolution)
    assert condition["arms"]["evolved"]["evolution"]["converged"] is None
    assert any("cannot be told of evolved: there is no scale" in remark for remark in condition["remarks"])


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
    ((found,),) = judge([Family([pair], holm=False)], study_rules(), 0.05)
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


def looked_at(arms, *levels, names=("alpha 0",), sequence=(), primary=CATCH_UP, **rules):
    """The verdict on a condition that is decided at the last of these looks, the others having come to the same."""
    of_study = study_rules(**rules)
    runs = arms["evolved"].runs
    taken = LookByLook(names, [Look(runs, level) for level in levels], sequence)
    while taken.next_look is not None:
        tests = judge_primary(of_study, primary, arms, taken.next_look.level)
        taken.judge(dict.fromkeys(taken.open, tests))
    return judge_condition(of_study, FACTS, primary, arms, {}, {}, {}, taken.seen("alpha 0"))


def test_an_adjusted_primary_is_no_member_of_the_secondary_family():
    """Four runs: p = .029 for two alone, doubled by Holm."""
    asked = (contrasts("evolved", "tuned_blank", ("birth", "total")),)
    condition = looked_at(arms_of(runs=4), 0.05, names=("alpha 0", "beta"), secondary=asked)
    assert condition["primary"]["p_holm"] is not None
    (said,) = [remark for remark in condition["remarks"] if "Too many secondary" in remark]
    assert "of 2 under Holm none can come out below p = 0.057" in said


@pytest.mark.parametrize(
    ("sequence", "words"),
    [(("alpha 0", "beta"), "in the fixed sequence of conditions"), ((), "after Holm over 2 conditions")],
)
def test_a_primary_among_several_says_how_its_p_was_adjusted(sequence, words):
    for primary in (HEAD_START, CATCH_UP):
        found = looked_at(arms_of(runs=8), 0.05, names=("alpha 0", "beta"), sequence=sequence, primary=primary)
        assert found["primary"]["adjustment"] == found["looks"][0]["adjustment"] == words
        assert f" {words}. From 8 runs" in found["sentence"]
    alone = judged(arms_of(runs=8))
    assert "adjustment" not in alone["primary"]
    assert alone["looks"][0]["adjustment"] is None


@pytest.mark.parametrize(("looks", "level", "words"), [((5, 10), 0.02, "inconclusive"), ((), 0.05, "better")])
def test_other_families_have_the_level_of_the_look_that_the_primary_chose(looks, level, words):
    """Five runs: p = .0079; of the three lifetimes .024."""
    asked = (contrasts("evolved", "tuned_blank", ("birth", "ceiling", "total")),)
    arms = arms_of(runs=5, noise=0.001, tuned_blank=(0.2, 0.9))
    found = looked_at(arms, level, looks=looks, secondary=asked)
    assert found["primary"]["verdict"] == "better"
    for row in (*found["secondary"], *found["by_lifetime"]):
        assert row["p_holm"] == pytest.approx(3 * 2 / 252, rel=1e-4)
        assert row["verdict"] == words
    said = [remark for remark in found["remarks"] if "All other tests" in remark]
    assert said == (
        [
            "All other tests are judged at 0.02, what the look that ended the condition may spend "
            "of 0.05: it is the primary contrast that chose when to stop."
        ]
        if looks
        else []
    )


def test_each_lifetime_is_judged_under_holm():
    rows = judged(arms_of(runs=6))["by_lifetime"]
    assert [(row["lifetime"], row["verdict"]) for row in rows] == [
        (1200, "better"),
        (6000, "better"),
        (20000, "better"),
    ]
    assert [row["p_holm"] for row in rows] == pytest.approx([3 * 2 / 924] * 3, rel=1e-4)
    assert {row["adjustment"] for row in rows} == {"after Holm"}
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
    condition = judged(arms, secondary=asked, outer={"evolved": 1_000_000, "long_blank": 10_000})
    total, threshold = condition["secondary"]
    assert total["withheld"] == "lives of 20,000 and of 200,000 steps have no common total"
    assert threshold["verdict"] == "inconclusive" or threshold["difference"]["iqm"] < 0
    assert [row["against"] for row in condition["by_lifetime"]] == ["tuned_blank"] * 3
    row = condition["break_even"][-1]
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
    condition = judged({**arms_of(noise=0.005), "long_blank": wide}, outer={"evolved": 1_000_000, "long_blank": 10})
    row = condition["break_even"][-1]
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


def test_a_remark_says_when_there_was_no_head_start():
    born_alike = judged(arms_of(evolved=(0.19, 0.97)))["remarks"]
    assert born_alike[0].startswith("No head start is shown: evolved is born at 0.1")
    assert not any("head start" in remark for remark in judged(arms_of(noise=0.001))["remarks"])


def test_break_even_of_a_blank_slate_that_never_got_there():
    arms = arms_of(noise=0.0, tuned_blank=(0.18, 0.5))
    (row,) = judged(arms, outer={"evolved": 5_000_000, "tuned_blank": 1_120_000})["break_even"]
    assert (row["descendants"], row["bound"]) == (200.0, "at most")
    assert row["formula"] == "(5,000,000 - 1,120,000) / (20,000 - 600) = 200.0"
    assert row["sentence"] == (
        "One run of evolved costs 5,000,000 steps, one of tuned_blank 1,120,000; each descendant then needs 600 steps "
        "to a running score of 0.940, one of tuned_blank at least 20,000 steps: evolution has paid for itself after "
        "at most 200 descendants ((5,000,000 - 1,120,000) / (20,000 - 600) = 200.0)."
    )
    assert judged(arms)["break_even"] == []  # no evolution, no bill


def test_break_even_and_words_go_by_what_a_rival_is_and_not_by_its_name():
    """Of one's own: a blank slate, and one in one long life. Random and who has evolved's DNA searched nothing."""
    arms = {**arms_of(noise=0.0), "my_blank": synthetic("my_blank", 4, 6, 0.2, 0.97, noise=0.0)}
    arms["my_long_blank"] = synthetic("my_long_blank", 4, 1, 0.2, 0.97, noise=0.0, lifetimes=(200_000,))
    arms["shuffled"] = synthetic("shuffled", 4, 6, 0.2, 0.97, noise=0.0)
    bills = {
        "evolved": 5000,
        "tuned_blank": 1000,
        "my_blank": 2000,
        "my_long_blank": 2000,
        "shuffled": 5000,
        "random": 0,
    }
    rows = {}
    for against in ("my_blank", "random", "shuffled"):
        primary = contrast("evolved", against, "catch_up")
        found = judge_condition(study_rules(), FACTS, primary, arms, bills, {}, {"shuffled": "evolved"})
        rows[against] = [(row["against"], row["metric"], row["evolution_steps_against"]) for row in found["break_even"]]
        if against == "my_blank":
            assert found["sentence"].startswith(
                "alpha 0: 4 of 4 evolutions are born able; no blank slate is, and they "
            )
    long = ("my_long_blank", "threshold", 2000)
    assert rows == {"my_blank": [("my_blank", "catch_up", 2000), long], "random": [long], "shuffled": [long]}


def test_break_even_says_whose_bill_holds_a_search_for_settings():
    searches = {"evolved": SearchFacts(6000, 1, settings_steps=7), "tuned_blank": SearchFacts(6000, 1)}
    bills = {"evolved": 1000, "tuned_blank": 900}
    facts = dataclasses.replace(FACTS, searches=searches)
    (row,) = judge_condition(study_rules(), facts, CATCH_UP, arms_of(noise=0.0), bills, {})["break_even"]
    said = "One run of evolved, with the search for its settings, costs 1,000 steps, one of tuned_blank 900; each"
    assert row["sentence"].startswith(said)


def test_an_evolution_that_costs_no_more_than_its_rival_pays_at_once():
    (row,) = judged(arms_of(noise=0.0), outer={"evolved": 1000, "tuned_blank": 1000})["break_even"]
    assert row["bound"] == "at once"
    assert row["sentence"].endswith("it costs no more and saves steps, so it pays from the first descendant on.")


def test_break_even_is_not_told_where_chance_may_have_saved_the_steps():
    arms = arms_of(runs=10, noise=0.0)
    outer = {"evolved": 2000, "tuned_blank": 1000}
    assert judged(arms, outer=outer)["break_even"][0]["bound"] == "exact"
    arms["tuned_blank"] = stand_still(arms["tuned_blank"], range(7), 1.0)  # whose other runs are as slow as before
    (row,) = judged(arms, outer=outer)["break_even"]
    assert (row["bound"], row["descendants"]) == ("unclear", None)
    assert re.search(
        r"do not show whether steps are saved \([\d,]+ \[0, [\d,]+\]\), nor when evolution pays", row["sentence"]
    )


def test_evolution_that_saves_nothing_never_pays():
    arms = arms_of(noise=0.0, evolved=(0.3, 0.97), tuned_blank=(0.4, 0.97))
    (row,) = judged(arms, outer={"evolved": 1000, "tuned_blank": 10})["break_even"]
    assert (row["bound"], row["descendants"]) == ("never", None)
    assert row["sentence"].endswith("no steps are saved, so evolution never pays for itself.")


def with_searches(arms, **searches):
    """The verdict on arms whose evolutions are these."""
    facts = dataclasses.replace(FACTS, searches=searches)
    return judge_condition(study_rules(), facts, CATCH_UP, arms, {}, {})


def test_a_sentence_gives_each_arm_its_own_selection_lifetime_where_they_differ():
    arms = arms_of()  # lives of 20,000 steps
    differ = with_searches(arms, evolved=SearchFacts(1000, 10), tuned_blank=SearchFacts(20_000, 10))
    assert (
        ". From 4 runs per arm (fewer than 10: exploratory), evolved selected on lives of 1,000 steps, "
        in (differ["sentence"])
    )
    assert "tuned_blank on lives of 20,000." in differ["sentence"]
    assert "selection_lifetime" not in differ["arms"]["evolved"]["runs"][0]
    lifetimes = {arm: entry["selection_lifetime"] for arm, entry in differ["arms"].items()}
    assert lifetimes == {"random": None, "tuned_blank": 20_000, "evolved": 1000}
    same = with_searches(arms, evolved=SearchFacts(3000, 10), tuned_blank=SearchFacts(3000, 10))
    assert "exploratory), selected on lives of 3,000 steps." in same["sentence"]
    one = with_searches(arms, evolved=SearchFacts(3000, 10))
    assert "exploratory), selected on lives of 3,000 steps." in one["sentence"]
    assert "From 4 runs per arm (fewer than 10: exploratory)." in with_searches(arms)["sentence"], "neither was"


def test_arms_selected_on_shorter_lives_than_those_judged_are_named_in_one_remark():
    arms = arms_of(instinct=(0.9, 0.9), shuffled=(0.2, 0.9), mid=(0.5, 0.9))
    short, whole, mid = SearchFacts(1000, 10), SearchFacts(20_000, 10), SearchFacts(6000, 10)
    frozen = SearchFacts(1000, 10, evolves=False)
    found = with_searches(arms, evolved=short, tuned_blank=whole, instinct=short, mid=mid, shuffled=frozen)
    said = [remark for remark in found["remarks"] if "selected on" in remark]
    assert said == [
        "evolved and instinct were selected on lives of 1,000 steps and are judged on 20,000; mid on lives of 6,000; "
        "tuned_blank on lives as long as those judged."
    ]
    alike = with_searches(arms, evolved=whole, tuned_blank=whole)
    assert [remark for remark in alike["remarks"] if "selected on" in remark] == []


def test_a_claim_on_a_smaller_budget_than_its_rivals_is_remarked():
    arms = arms_of()
    found = with_searches(arms, evolved=SearchFacts(1000, 600), tuned_blank=SearchFacts(1000, 1200, settings_steps=77))
    said = [remark for remark in found["remarks"] if "An evolution of" in remark]
    assert said == ["An evolution of evolved took 600 steps, fewer than its rivals had: tuned_blank 1,200."]
    assert found["arms"]["tuned_blank"]["settings_steps"] == 77
    assert found["arms"]["evolved"]["outer_steps"] == 600
    equal = with_searches(arms, evolved=SearchFacts(1000, 600), tuned_blank=SearchFacts(1000, 600))
    assert [remark for remark in equal["remarks"] if "An evolution of" in remark] == []


def test_the_factorial_needs_equal_budgets():
    ends = {"tuned_learner": (0.2, 0.5), "evolved_weights": (0.5, 0.6)}
    names = ("tuned_learner", "tuned_blank", "evolved_weights", "evolved")
    equal = {name: SearchFacts(1000, 600) for name in names}
    assert with_searches(arms_of(**ends), **equal)["factorial"] is not None
    assert with_searches(arms_of(**ends), **equal | {"tuned_blank": SearchFacts(1000, 601)})["factorial"] is None


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


# --- the paired head start

HEAD_START = contrast("evolved", "tuned_blank", "head_start")


def born_at(births, learned_by, runs_of="evolved"):
    """Lives of evolved runs born at `births` and of rivals whose runs reach 1 at the ages `learned_by`."""
    arms = arms_of(runs=len(births), lives=2, noise=0.0)
    evolved, rival = arms["evolved"], arms["tuned_blank"]
    flat = np.broadcast_to(np.array(births)[:, None], evolved.birth.shape)
    late = rival.ages >= np.array(learned_by)[:, None, None]
    return {
        **arms,
        "evolved": dataclasses.replace(evolved, birth=flat.copy()),
        "tuned_blank": dataclasses.replace(rival, running=np.where(late, 1.0, 0.2) * np.ones(rival.running.shape)),
    }


def head_start_of(births, learned_by, **rules):
    condition = judged(born_at(births, learned_by), HEAD_START, **{"margins": {"head_start": 2000.0}, **rules})
    return condition, condition["primary"]


def test_a_head_start_is_tested_run_by_run_against_the_margin():
    ages = [14_000, 15_000, 16_000, 14_500, 13_700, 17_000, math.inf, 14_200, 18_000, 15_500]
    condition, found = head_start_of([0.97] * 10, ages)
    assert found["head_start"] == [*ages[:6], None, *ages[7:]]
    assert found["verdict"] == "better"
    assert found["p"] == pytest.approx(0.5**10, rel=1e-4)
    assert found["difference"] == {"iqm": 15250.0, "low": 14000.0, "high": 18000.0}
    assert found["improvement"]["probability"] == 1.0
    assert condition["sentence"] == (
        "alpha 0: 10 of 10 evolutions are born able; no blank slate is, and they need 15,250 steps of life (median) to "
        "catch up (1 of 10 never does within 20,000). The test: the head start of evolved over tuned_blank is 13,700 "
        "steps in the worst of 10 runs, 15,250 in the median: beyond 2,000 steps in 10 of 10 runs, p < 0.001. From 10 "
        "runs per arm, selected on lives of 6,000 steps."
    )


def test_runs_that_stood_still_do_not_lower_the_level_of_those_that_ran():
    """Two of ten evolutions are stuck at .44: the others are measured by their own births, and eight do not suffice."""
    births = [0.97] * 8 + [0.44] * 2
    condition, found = head_start_of(births, [14_000] * 8 + [700] * 2)
    assert found["head_start"] == [14_000] * 8 + [700] * 2
    assert found["p"] == pytest.approx(56 / 1024, rel=1e-3)
    assert found["verdict"] == "inconclusive"
    assert "8 of 10 evolutions are born able" in condition["sentence"]
    assert (
        "is inconclusive: 700 steps in the worst of 10 runs, 14,000 in the median, beyond 2,000 steps in 8 of 10 runs, "
        "p = 0.055: neither more than that nor less is shown"
    ) in condition["sentence"]


def test_no_head_start_is_a_result():
    condition, found = head_start_of([0.1] * 6, [14_000] * 6)  # born below random: nothing to catch up with
    assert found["head_start"] == [0.0] * 6
    assert (found["verdict"], found["within_margin"]) == ("equivalent", True)
    assert found["equivalence_p"] == pytest.approx(0.5**6, rel=1e-4)
    assert "over tuned_blank there is no head start that matters: 0 steps in the worst" in condition["sentence"]
    assert "No evolution is born able, nor is any blank slate." in condition["sentence"]
    assert "the other arm may be born better" in METRICS["head_start"].doc


def test_newborns_are_counted_on_either_side():
    arms = arms_of(runs=6, tuned_blank=(0.94, 0.97))
    assert "alpha 0: 6 of 6 evolutions are born able; 6 of 6 blank slates are as well. The" in judged(arms)["sentence"]
    arms = arms_of(runs=6, evolved=(0.2, 0.97), tuned_blank=(0.94, 0.97))
    condition = judged(arms, HEAD_START)
    assert condition["sentence"].startswith("alpha 0: No evolution is born able; 6 of 6 blank slates are. The test: ")
    assert condition["primary"]["verdict"] == "equivalent"


def test_no_newborn_is_called_able_by_a_score_that_random_acts_pass():
    condition = judged(arms_of(runs=6, random=(0.99, 0.99)), HEAD_START)
    assert condition["threshold_level"] <= condition["floor"]
    assert condition["sentence"].startswith("alpha 0: evolved over tuned_blank there is no head start that matters")


def test_one_run_has_neither_a_median_nor_a_worst():
    condition, _ = head_start_of([0.97], [14_000])
    assert condition["sentence"].startswith(
        "alpha 0: 1 of 1 evolutions are born able; no blank slate is, and they need 14,000 steps of life to catch up. "
        "The test: the head start of evolved over tuned_blank is 14,000 steps in 1 run; test withheld ("
    )


def test_an_arm_against_its_clone_has_no_head_start():
    arms = arms_of(runs=10, lives=4)
    arms["tuned_blank"] = dataclasses.replace(synthetic("tuned_blank", 10, 4, 0.94, 0.97, seed=9), arm="tuned_blank")
    found = judged(arms, HEAD_START, margins={"head_start": 2000.0}, catch_up_share=0.9)["primary"]
    assert found["verdict"] == "equivalent"


@pytest.mark.parametrize(
    ("margin", "ends", "beyond"),
    [
        (500.0, (0.94, 0.97), None),  # before the first window ends nobody is caught up with
        (600.0, (0.94, 0.97), 0),
        (19_000.0, (0.94, 0.97), 0),
        (50_000.0, (0.94, 0.5), 0),  # never reached in 20,000 steps: that says nothing of 50,000
        (20_000.0, (0.94, 0.5), 10),
    ],
)
def test_no_margin_makes_an_arm_better_than_its_clone(margin, ends, beyond):
    """Identical lives: each run is caught up with at once, or, if it forgets what it is born with, never."""
    arms = arms_of(runs=10, lives=4, noise=0.0, evolved=ends, tuned_blank=ends)
    if ends[1] < ends[0]:
        arms = {arm: never(lives) for arm, lives in arms.items()}
    condition = judged(arms, HEAD_START, margins={"head_start": margin})
    found = condition["primary"]
    if beyond is None:
        assert (found["p"], found["test"], found["verdict"]) == (None, "none", "inconclusive")
        assert found["withheld"] == (
            "the first window of tuned_blank ends at 600 steps, so that whoever is there at once would count as beyond "
            "500"
        )
        return
    assert found["test"] == "one-sided sign test of 10 paired runs against the margin"
    assert (found["verdict"] == "better", found["p"] < 0.05) == (beyond > 0, beyond > 0)
    assert found["improvement"]["probability"] == beyond / 10
    assert f"beyond {margin:,.0f} steps in {beyond} of 10 runs" in condition["sentence"]


def test_a_rival_seen_through_windows_wider_than_the_margin_is_not_compared():
    """It reaches nothing before its first window ends, were it born as able."""
    long = synthetic("long_blank", 10, 1, 0.94, 0.95, 40_000.0, seed=9, lifetimes=(200_000,))
    wide = dataclasses.replace(long, running=long.running[..., 99::100], ages=long.ages[99::100])
    arms = {**arms_of(runs=10, lives=2), "long_blank": wide}
    found = judged(arms, secondary=(contrasts("evolved", "long_blank", ("head_start",)),))["secondary"][0]
    reason = (
        "the first window of long_blank ends at 10,500 steps, so that whoever is there at once would count as beyond "
        "2,000"
    )
    assert (found["verdict"], found["p"], found["withheld"]) == ("inconclusive", None, reason)
    assert found["sentence"].startswith(f"evolved against long_blank in head start is inconclusive: {reason};")
    unable = {**arms, "long_blank": dataclasses.replace(wide, birth=np.full_like(wide.birth, 0.2))}
    primary = judged(unable, contrast("evolved", "long_blank", "head_start"))
    assert primary["sentence"].startswith(
        "alpha 0: 9 of 10 evolutions are born able; no blank slate is. The test: evolved against long_blank in head "
        f"start is inconclusive: {reason}."
    )
    told = judged(arms, secondary=(contrasts("evolved", "long_blank", ("head_start",)),), margins={"head_start": 11e3})
    assert told["secondary"][0]["p"] is not None


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_false_head_starts_keep_the_level(share):
    """A run is ahead with probability up to a half: there is no head start, and 5% at most are called one."""
    rng = np.random.default_rng(3)
    p_values = [stats.sign_test(np.where(rng.random(12) < share, math.inf, 600.0), 2000.0)[0] for _ in range(2000)]
    assert np.mean(np.array(p_values) < 0.05) < 0.05


def test_too_few_runs_for_a_head_start_withhold_the_test():
    _, found = head_start_of([0.97] * 4, [14_000] * 4)
    assert (found["verdict"], found["p"]) == ("inconclusive", None)
    assert found["withheld"] == "4 runs can at best give p = 0.062; 5 is the least"
    unpaired = {**born_at([0.97] * 6, [14_000] * 6), "tuned_blank": born_at([0.97] * 5, [14_000] * 5)["tuned_blank"]}
    found = judged(unpaired, HEAD_START, margins={"head_start": 2000.0})["primary"]
    assert found["withheld"] == "runs are paired by their numbers, and there are 6 against 5"


def climbing_record(run, generations=16):
    """A search that gains all the way, on the scale of a world whose oracle scores about 1."""
    climb = np.linspace(0.2, 0.9, generations)
    return {**evolution_record(run), "centre": climb.tolist(), "best": (climb + 0.03).tolist()}


@pytest.mark.parametrize(("climbs", "said"), [("tuned_blank", True), ("evolved", False)])
def test_no_verdict_against_a_rival_whose_search_had_not_ended(climbs, said):
    arms = born_at([0.97] * 10, [14_000] * 10)
    ended = {arm: [evolution_record(run, 40) for run in range(10)] for arm in ("evolved", "tuned_blank")}
    evolution = {**ended, climbs: [climbing_record(run, 40) for run in range(10)]}
    condition = judged(arms, HEAD_START, evolution=evolution, margins={"head_start": 2000.0})
    found = condition["primary"]
    assert found["p"] == pytest.approx(0.5**10, rel=1e-4)
    assert found["verdict"] == ("inconclusive" if said else "better")
    if said:
        assert found["unfinished"] == "the search of tuned_blank had not ended: 10 of 10 runs still climbed"
        assert {row["unfinished"] for row in condition["by_lifetime"]} == {found["unfinished"]}
        started = (
            f"no verdict on the head start of evolved over tuned_blank, since {found['unfinished']}; so far 14,000 "
        )
        assert started in condition["sentence"]


def test_metrics_that_arms_have_only_when_asked_are_judged_like_the_others():
    arms = arms_of(runs=8, lives=6)
    asked = tuple(OPTIONAL)
    have = {
        arm: dataclasses.replace(lives, **{name: np.full((8, 6), float(arm == "evolved")) for name in asked})
        for arm, lives in arms.items()
    }
    condition = judged(
        have, contrast("evolved", "tuned_blank", "ever"), secondary=(contrasts("evolved", "random", asked),)
    )
    for row in (condition["primary"], *condition["secondary"]):
        assert (row["verdict"], row["difference"]["iqm"]) == ("better", 1.0), row["metric"]
    assert (
        "evolved is better than tuned_blank in share of lives that ever scored: 1.000 against 0.000"
        in (condition["sentence"])
    )
    assert {condition["arms"]["evolved"]["metrics"][name]["iqm"] for name in asked} == {1.0}
    without = judged(arms, contrast("evolved", "tuned_blank", "total_seen"))["primary"]
    assert without["verdict"] == "inconclusive"
    assert without["withheld"] == OPTIONAL["total_seen"]

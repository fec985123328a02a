"""Replications: what a band may say, what is measured, the two experiments of their own, and what users see."""

import copy
import dataclasses
import hashlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from evolearn.config import STUDIES, ConfigError, check_model, dump_config, find_config, shipped_configs
from evolearn.errors import UserError
from evolearn.experiments import (
    EXPERIMENTS,
    _hinton_nowlan as hinton_nowlan,
    _nature_nurture as nature_nurture,
    read_experiment,
    start_experiment,
)
from evolearn.experiments.experiment import replication_record
from evolearn.files import sealed
from evolearn.life import OwnDrivers
from evolearn.report import write_report
from evolearn.study import extend_study, open_study, read_study, start_study
from evolearn.study.bands import measure_over_runs, measure_share
from evolearn.study.bands.bands import MISSED, REPRODUCED, SHOWN, UNMEASURED, judge, summary
from evolearn.study.bands.measures import STUDY_MEASURES, StudyTable
from evolearn.study.bands.parts import ReplicationPart
from evolearn.study.config import check_study
from tests.helpers.command import evolearn
from tests.helpers.studies import TOY, is_own_experiment
from tests.helpers.study_on_disk import write_experiment
from tests.helpers.synthetic_lives import contrasts, full_verdict
from tests.helpers.watching import StudyWatcher

REPLICATIONS = sorted(name for name in shipped_configs(STUDIES) if name.startswith("replicate/"))
OWN = [name for name in REPLICATIONS if is_own_experiment(find_config(name, STUDIES))]
ABOUT = {"paper": "A. Nonymous 1987", "question": "Does it?", "set_up": "As they did.", "deviations": ["none"]}


def part(*bands, **about) -> ReplicationPart:
    named = [{"name": f"band {place}", "source": "here", **band} for place, band in enumerate(bands)]
    return check_model(ReplicationPart, {**ABOUT, **about, "bands": named}, "test")


class Quiet:
    def done(self, share: float) -> None:
        """Nothing."""


# --- what a band may say ---


@pytest.mark.parametrize(
    ("band", "text"),
    [
        ({"measure": "score", "at_least": 1, "below": 2}, "has at_least and below: must have one bound at most"),
        ({"measure": "score", "between": [2, 1]}, r"between=\[2, 1\]: the lower end must come first"),
        ({"measure": "score", "verdict": "better"}, "verdict does not fit measure=score: a contrast has a verdict"),
        ({"measure": "contrast", "above": 0}, "above does not fit measure=contrast: a contrast has a verdict"),
        ({"measure": "score", "at_most": 1, "scale": 0}, "scale=0: must not be 0"),
        ({"measure": "score"}, "none of them can be missed; give at least one a bound"),
        ({"measure": "score", "at_most": 1, "accept": False}, "none of them can be missed"),
        ({"measure": "score", "at_most": 1, "atleast": 1}, "atleast=1: unknown key. Did you mean at_least?"),
    ],
)
def test_a_band_that_makes_no_sense_is_refused(band, text) -> None:
    with pytest.raises(ConfigError, match=text):
        part(band)


def test_names_of_bands_differ() -> None:
    with pytest.raises(ConfigError, match="'twice' is named twice"):
        part(*({"name": "twice", "measure": "score", "at_most": 1} for _ in range(2)))


@pytest.mark.parametrize(
    ("bound", "words", "met", "missed"),
    [
        ({"at_least": 2}, "at least 2", 2.0, 1.99),
        ({"at_most": 2}, "at most 2", 2.0, 2.01),
        ({"above": 2}, "above 2", 2.01, 2.0),
        ({"below": 2}, "below 2", 1.99, 2.0),
        ({"between": [1, 2]}, "1 to 2", 1.0, 2.01),
    ],
)
def test_bounds_hold_to_their_ends(bound, words, met, missed) -> None:
    bands = part({"measure": "value", **bound})
    assert bands.bands[0].words == words
    assert [record(bands, value)["judgement"] for value in (met, missed, math.nan)] == [REPRODUCED, MISSED, UNMEASURED]
    assert record(bands, None)["judgement"] == UNMEASURED


def record(bands: ReplicationPart, value: float | None) -> dict:
    from evolearn.config import Part
    from evolearn.study.bands import Measure, Measured

    table = {"value": Measure("", Part, lambda results, of: Measured(results, 1.0, 4.0))}
    return judge(bands, table, value)[0]


def test_a_negative_fitness_reads_as_the_error_that_it_is() -> None:
    bands = part({"measure": "value", "scale": -1, "at_most": 1.5, "unit": "squared error"})
    found = record(bands, -1.4)
    assert (found["value"], found["low"], found["high"], found["judgement"]) == (1.4, -4.0, -1.0, REPRODUCED)


def test_a_summary_names_what_was_missed_and_counts_only_what_is_to_be_reproduced() -> None:
    bands = [
        {"name": "a", "accept": True, "judgement": REPRODUCED},
        {"name": "b", "accept": True, "judgement": MISSED},
        {"name": "c", "accept": False, "judgement": MISSED},
        {"name": "d", "accept": True, "judgement": SHOWN},
    ]
    found = summary(bands, 9)
    assert (found["met"], found["of"], found["reproduced"], found["exploratory"]) == (1, 2, False, True)
    assert found["sentence"] == (
        "Not reproduced: 1 of 2 acceptance bands missed: b (not reproduced). Exploratory: 9 runs, fewer than 10."
    )
    assert summary([bands[0]], 10)["sentence"] == "Reproduced: its acceptance band is met."
    assert summary([bands[0]] * 2, 10)["sentence"] == "Reproduced: all of 2 acceptance bands."
    assert not summary([{"name": "e", "accept": True, "judgement": UNMEASURED}], 10)["reproduced"]


def test_intervals_of_shares_and_means_are_the_known_ones() -> None:
    found = measure_share([True] * 8 + [False] * 2, "runs")  # Clopper and Pearson's table
    assert (found.value, round(found.low, 3), round(found.high, 3), found.note) == (0.8, 0.444, 0.975, "8 of 10 runs")
    found = measure_over_runs(np.arange(100.0), lambda drawn: drawn.mean(axis=-1))
    half = 1.984 * np.arange(100.0).std(ddof=1) / 10
    assert found.value == 49.5
    assert (found.low, found.high) == pytest.approx((49.5 - half, 49.5 + half), abs=0.8)


# --- measures of a study, on results with known answers ---


@pytest.fixture(scope="module")
def verdict():
    """Lives of 8 arms, 10 runs; in the zoo's predictable body evolved has .94 at birth and tuned_blank .2."""
    secondary = (contrasts("evolved", "tuned_blank", ("birth", "total")),)
    return full_verdict(runs=10, lives=4, conditions={"alpha 0": 0.0}, secondary=secondary, resamples=100)


def measured(verdict, measure, bound=None, **of):
    return judge(part({"measure": measure, "of": of, **(bound or {"above": 0})}), STUDY_MEASURES, StudyTable(verdict))[
        0
    ]


def planted(verdict, arm, **runs):
    """A copy in which every run of an arm has other values: metric or totals -> a list by run."""
    copied = copy.deepcopy(verdict)
    entry = copied["conditions"][0]["arms"][arm]
    for name, values in runs.items():
        for run, value in zip(entry["runs"], values, strict=True):
            run[name] = value
    return copied


def test_a_score_is_the_verdicts_own(verdict) -> None:
    of = verdict["conditions"][0]["arms"]["evolved"]
    found = measured(verdict, "score", {"between": [0.9, 1]}, arm="evolved", metric="birth")
    assert [found[end] for end in ("value", "low", "high")] == [
        of["metrics"]["birth"][e] for e in ("iqm", "low", "high")
    ]
    assert found["judgement"] == REPRODUCED
    assert measured(verdict, "score", {"at_most": 0.5}, arm="evolved", metric="birth")["judgement"] == MISSED
    short = measured(verdict, "score", arm="tuned_blank", lifetime=1200)
    assert short["value"] == of_total(verdict, "tuned_blank", 1200)["iqm"]


def of_total(verdict, arm, lifetime):
    rows = verdict["conditions"][0]["arms"][arm]["totals"]
    return next(row for row in rows if row["lifetime"] == lifetime)


def test_times_never_reached_are_counted_and_cut_off(verdict) -> None:
    found = measured(verdict, "score", arm="random", metric="catch_up")
    assert found["value"] == 20000
    assert found["note"] == "never reached in 10 of 10 runs"
    assert measured(verdict, "difference", arm="random", against="instinct", metric="catch_up")["value"] > 15000


def test_the_first_quarter_of_life_is_a_total_of_a_shorter_lifetime(verdict) -> None:
    """The planted slower start is found, and its absence too."""
    slow = planted(verdict, "evolved", totals=[[0.1, 0.5, 0.9]] * 10)
    fast = planted(verdict, "evolved", totals=[[0.9, 0.5, 0.9]] * 10)
    asked = {"arm": "evolved", "against": "shuffled", "lifetime": 1200}
    found = [measured(of, "difference", {"below": 0}, **asked) for of in (slow, fast)]
    assert [one["judgement"] for one in found] == [REPRODUCED, MISSED]
    assert found[0]["value"] == pytest.approx(0.1 - of_total(verdict, "shuffled", 1200)["iqm"], abs=1e-5)
    assert found[0]["low"] < found[0]["value"] < found[0]["high"]


def test_an_advantage_that_shrinks_with_life_is_found_and_one_that_grows_is_not(verdict) -> None:
    """47% in short lives and nothing in long ones: the planted numbers of Singh, Lewis and Barto's case."""
    base = planted(verdict, "shuffled", totals=[[0.02, 0.03, 0.04]] * 10)
    shrinks = planted(base, "evolved", totals=[[0.0294, 0.035, 0.04]] * 10)
    grows = planted(base, "evolved", totals=[[0.02, 0.03, 0.08]] * 10)
    asked = {"arm": "evolved", "against": "shuffled"}
    found = [measured(of, "advantage_lost", **asked, shorter=1200, longer=20000) for of in (shrinks, grows)]
    assert [one["judgement"] for one in found] == [REPRODUCED, MISSED]
    assert found[0]["value"] == pytest.approx(0.47)
    assert found[0]["note"] == "+47% in lives of 1,200 steps, +0% in lives of 20,000"
    relative = measured(shrinks, "relative_advantage", {"at_least": 0.4}, **asked, lifetime=1200)
    assert (relative["value"], relative["judgement"]) == (pytest.approx(0.47), REPRODUCED)


def test_runs_that_reach_a_score_are_counted_one_by_one(verdict) -> None:
    """Nine of ten runs at the level is .9, whatever the tenth has; what is at the level has reached it."""
    asked = {"arm": "evolved", "lifetime": 1200, "reaches": 0.8}
    nine = planted(verdict, "evolved", totals=[[0.8, 0.5, 0.9]] * 9 + [[0.0, 0.5, 0.9]])
    found = measured(nine, "share_of_runs", {"at_least": 0.9}, **asked)
    assert (found["value"], found["judgement"], found["note"]) == (0.9, REPRODUCED, "9 of 10 runs")
    eight = planted(verdict, "evolved", totals=[[0.8, 0.5, 0.9]] * 8 + [[0.79, 0.5, 0.9]] * 2)
    assert measured(eight, "share_of_runs", {"at_least": 0.9}, **asked)["judgement"] == MISSED


def test_a_paired_difference_takes_off_what_a_runs_lives_were_worth(verdict) -> None:
    """Lives that differ from run to run drown a small difference, and cancel run by run."""
    worth = [0.1 * run for run in range(10)]
    rival = planted(verdict, "shuffled", totals=[[0.5, 0.5, score] for score in worth])
    both = planted(rival, "evolved", totals=[[0.5, 0.5, score + 0.02] for score in worth])
    asked = {"arm": "evolved", "against": "shuffled", "lifetime": 20000}
    paired, apart = (measured(both, name, **asked) for name in ("paired_difference", "difference"))
    assert [paired[end] for end in ("value", "low", "high")] == pytest.approx([0.02] * 3)
    assert paired["judgement"] == REPRODUCED
    assert apart["low"] < -0.1 < 0.1 < apart["high"]


@pytest.mark.parametrize(("ordered", "judgement"), [(8, REPRODUCED), (7, MISSED)])
def test_the_order_of_evolved_rewards_is_counted_over_runs(verdict, ordered, judgement) -> None:
    copied = copy.deepcopy(verdict)
    for place, dna in enumerate(copied["conditions"][0]["arms"]["evolved"]["dna"]):
        dna["drives"] = {"hungry only": -0.01, "hungry and thirsty": -0.05 if place < ordered else 0.05}
    asked = {"arm": "evolved", "genes": ["hungry only", "hungry and thirsty"]}
    found = measured(copied, "share_in_order", {"at_least": 0.8}, **asked)
    assert (found["judgement"], found["note"]) == (judgement, f"{ordered} of 10 runs")
    assert measured(copied, "gene", {"below": 0}, arm="evolved", gene="hungry only")["value"] == -0.01


def test_the_verdict_on_a_contrast_is_the_studys(verdict) -> None:
    asked = {"arm": "evolved", "against": "tuned_blank"}
    assert measured(verdict, "contrast", {"verdict": "better"}, **asked, metric="birth")["judgement"] == REPRODUCED
    assert measured(verdict, "contrast", {"verdict": "worse"}, **asked, metric="birth")["judgement"] == MISSED
    short = measured(verdict, "contrast", {"verdict": "better"}, **asked, lifetime=1200)
    assert (short["judgement"], short["note"][:4]) == (REPRODUCED, "p = ")
    held = measured(verdict, "difference", **asked, metric="birth")
    assert held["value"] == verdict["conditions"][0]["secondary"][0]["difference"]["iqm"]


def test_what_was_not_tested_is_not_measured() -> None:
    few = full_verdict(runs=2, lives=2, conditions={"alpha 0": 0.0}, resamples=100)
    found = measured(few, "contrast", {"verdict": "better"}, arm="evolved", against="tuned_blank", metric="birth")
    assert (found["value"], found["judgement"]) == (None, UNMEASURED)
    assert found["note"].startswith("test withheld: 2 runs per arm can at best give p")


def test_a_run_without_a_number_is_not_dropped(verdict) -> None:
    broken = planted(verdict, "evolved", totals=[[None, 0.5, 0.9]] + [[0.1, 0.5, 0.9]] * 9)
    asked = {"arm": "evolved", "against": "shuffled"}
    for found in (
        measured(broken, "score", arm="evolved", lifetime=1200),
        measured(broken, "difference", **asked, lifetime=1200),
        measured(broken, "paired_difference", **asked, lifetime=1200),
        measured(broken, "share_of_runs", arm="evolved", lifetime=1200, reaches=0.5),
        measured(broken, "advantage_lost", **asked, shorter=1200, longer=6000),
    ):
        assert (found["value"], found["judgement"]) == (None, UNMEASURED)
        assert found["note"].startswith("1 of ")
    nothing = planted(verdict, "shuffled", totals=[[0.0, 0.5, 0.9]] * 10)
    assert measured(nothing, "relative_advantage", **asked, lifetime=1200)["note"] == "the other arm's score is 0"


@pytest.mark.parametrize(
    ("measure", "of", "text"),
    [
        ("scor", {}, r"measure='scor': unknown. Did you mean score\?"),
        ("score", {}, "of.arm: missing"),
        ("score", {"arm": "evolvd"}, r"of.arm='evolvd': no such arm in the study. Did you mean evolved\?"),
        ("difference", {"arm": "evolved", "against": "blank"}, "of.against='blank': no such arm in the study"),
        ("score", {"arm": "evolved", "condition": "elsewhere"}, "of.condition='elsewhere': no such condition"),
        ("score", {"arm": "evolved", "metric": "totl"}, r"of.metric='totl': unknown\. Did you mean total"),
        (
            "score",
            {"arm": "evolved", "metric": "transfer_ratio"},
            "of.metric='transfer_ratio': no arm has it by itself",
        ),
        (
            "score",
            {"arm": "evolved", "metric": "head_start"},
            "of.metric='head_start': no arm has it by itself, only one against another: name another metric",
        ),
        (
            "relative_advantage",
            {"arm": "evolved", "against": "tuned_blank", "metric": "head_start"},
            "of.metric='head_start': no arm has it by itself, only one against another: name another metric",
        ),
        (
            "difference",
            {"arm": "evolved", "against": "random", "metric": "head_start"},
            "of.metric='head_start': no arm has it by itself, only one against another: add the contrast to secondary",
        ),
        ("score", {"arm": "evolved", "lifetime": 99}, "of.lifetime=99: must be one of evaluation.lifetimes: 80, 160"),
        ("score", {"arm": "evolved", "metric": "birth", "lifetime": 80}, "only totals are known by lifetime"),
        ("gene", {"arm": "random", "gene": "fitness"}, "of.arm='random': has no evolution of its own"),
        (
            "contrast",
            {"arm": "evolved", "against": "tuned_blank"},
            "does not compare evolved with tuned_blank in total",
        ),
        ("contrast", {"arm": "evolved", "against": "random", "lifetime": 80}, "only the arms of the primary contrast"),
        ("advantage_lost", {"arm": "evolved", "against": "random", "shorter": 80, "longer": 81}, "of.longer=81: must"),
        ("score", {"arm": "evolved", "arms": 1}, "arms=1: unknown key"),
    ],
)
def test_a_band_that_the_study_cannot_answer_is_refused_before_anything_is_lived(measure, of, text) -> None:
    bound = {"verdict": "better"} if measure == "contrast" else {"above": 0}
    bands = [{"name": "asked", "source": "here", "measure": measure, "of": of, **bound}]
    with pytest.raises(ConfigError, match=f"toy: replication.bands 'asked': .*{text}"):
        check_study(copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": bands}}, "toy")


def test_a_difference_of_two_arms_in_what_only_two_have_is_that_of_the_contrast() -> None:
    of = {"arm": "evolved", "against": "tuned_blank", "metric": "head_start"}
    band = {"name": "asked", "source": "here", "measure": "difference", "of": of, "above": 0}
    content = copy.deepcopy(TOY) | {"primary": of, "margins": {"head_start": 100}}
    study = check_study(content | {"replication": {**ABOUT, "bands": [band]}}, "toy")
    assert study.replication is not None
    verdict = full_verdict(runs=4, lives=2, conditions={"alpha 0": 0.0}, resamples=100)
    found = measured(verdict, "difference", **of)
    assert (found["value"], found["judgement"]) == (None, UNMEASURED), "this one does not hold it"
    held = full_verdict(runs=4, lives=2, conditions={"alpha 0": 0.0}, primary="head_start", resamples=100)
    first = held["conditions"][0]["primary"]["difference"]["iqm"]
    assert first is not None
    assert measured(held, "difference", **of)["value"] == first


@pytest.mark.parametrize(("name", "asked"), [("navigation", "refused"), ("cart-pole", "fine")])
def test_births_with_rebirths_are_refused_where_nobody_dies(name: str, asked: str) -> None:
    from evolearn.study.plan import plan_study

    of = {"arm": "evolved", "metric": "birth_reborn"}
    band = {"name": "asked", "source": "here", "measure": "score", "of": of, "above": 0}
    content = copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": [band]}}
    content["run"]["world"]["name"] = name
    if asked == "fine":
        plan_study(check_study(content, "toy"))
        return
    content |= {"arms": ["random", "tuned_blank", "evolved"], "threshold": {"of": "best"}}
    content["run"]["drives"] = {"weights": {"fitness": 1.0}}
    with pytest.raises(ConfigError, match=r"of\.metric='birth_reborn': in this world .* set of\.metric=birth"):
        plan_study(check_study(content, "toy"))


def test_with_several_conditions_a_band_names_one() -> None:
    bands = [{"name": "asked", "source": "here", "measure": "score", "of": {"arm": "evolved"}, "above": 0}]
    content = copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": bands}}
    content["conditions"] = [{"name": "here"}, {"name": "there"}]
    with pytest.raises(ConfigError, match=r"of\.condition: missing; the study has several: here, there"):
        check_study(content, "toy")


def test_a_gene_that_the_world_does_not_give_is_refused_with_the_plan() -> None:
    from evolearn.study.plan import plan_study

    of = {"arm": "evolved", "genes": ["hunger", "fitness"]}
    bands = [{"name": "asked", "source": "here", "measure": "share_in_order", "of": of, "above": 0}]
    config = check_study(copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": bands}}, "toy")
    with pytest.raises(ConfigError, match=r"'hunger' is no gene of drives here. Known: fitness, uprightness"):
        plan_study(config)


# --- Hinton and Nowlan ---

SMALL = hinton_nowlan.Settings(agents=200, generations=12, long_runs=2, long_generations=20)


def test_fitness_is_the_papers() -> None:
    settings = hinton_nowlan.Settings(loci=3, guesses=10)
    right, open_, wrong = hinton_nowlan.RIGHT, hinton_nowlan.OPEN, hinton_nowlan.WRONG
    alleles = np.array([[right] * 3, [wrong, right, open_], [right, right, open_]], np.int8)
    random = np.random.default_rng(0)
    earned = np.array([hinton_nowlan.fitness(alleles, True, settings, random) for _ in range(4000)])
    assert (earned[:, 0] == 20).all()
    assert (earned[:, 1] == 1).all()
    needed = 10 - (earned[:, 2] - 1) * 10 / 19
    found, counts = np.unique(np.round(needed).astype(int), return_counts=True)
    # one open switch: guess k succeeds with probability 2^-k; what is not found in 10 guesses earns as the tenth does
    expected = [0.5**k for k in range(1, 10)] + [0.5**9]
    assert list(found) == list(range(1, 11))
    assert counts / 4000 == pytest.approx(expected, abs=0.03)
    alone = hinton_nowlan.fitness(alleles, False, settings, random)
    assert list(alone) == [20, 1, 1]


def test_guesses_needed_follow_the_geometric_law() -> None:
    drawn = hinton_nowlan.guesses_needed(np.full(40_000, 5), np.random.default_rng(1))
    assert drawn.min() == 1
    assert drawn.mean() == pytest.approx(32, rel=0.02)
    assert (drawn > 32).mean() == pytest.approx((1 - 1 / 32) ** 32, abs=0.01)


def test_parents_are_drawn_in_proportion_to_fitness() -> None:
    fitness = np.tile([1.0, 19.0], 20_000)
    drawn = hinton_nowlan.parents(fitness, np.random.default_rng(2))
    assert drawn.shape == (2, 40_000)
    assert (drawn % 2).mean(axis=1) == pytest.approx([0.95, 0.95], abs=0.005)
    assert abs(np.corrcoef(drawn % 2)[0, 1]) < 0.02


def test_crossover_keeps_every_locus_in_its_place_and_cuts_once() -> None:
    mothers, fathers = (np.tile(np.arange(20, dtype=np.int8) + 100 * side, (5000, 1)) for side in (0, 1))
    children = hinton_nowlan.crossed(mothers, fathers, np.random.default_rng(3))
    assert (children % 100 == np.arange(20)).all()
    from_father = children >= 100
    assert (np.diff(from_father.astype(int), axis=1) >= 0).all()
    points = (~from_father).sum(axis=1)
    assert set(points) == set(range(1, 20))
    assert np.bincount(points)[1:] / 5000 == pytest.approx([1 / 19] * 19, abs=0.015)


def test_without_selection_alleles_keep_their_shares(monkeypatch) -> None:
    monkeypatch.setattr(hinton_nowlan, "fitness", lambda alleles, *rest: np.ones(len(alleles)))
    course = hinton_nowlan.follow(SMALL.model_copy(update={"agents": 2000}), True, 12, np.random.default_rng(4))
    assert course.shares[0] == pytest.approx([0.25, 0.25, 0.5], abs=0.01)
    assert course.shares[-1] == pytest.approx([0.25, 0.25, 0.5], abs=0.06)


def test_populations_are_the_same_for_any_number_of_workers() -> None:
    one, three = (hinton_nowlan.live(SMALL, 7, 4, workers, lambda done: None) for workers in (1, 3))
    for series in ("learning", "long", "without"):
        for first, second in zip(getattr(one, series), getattr(three, series), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))
    other = hinton_nowlan.live(SMALL, 8, 1, 1, lambda done: None)
    assert not np.array_equal(one.learning[0].shares, other.learning[0].shares)
    assert not np.array_equal(one.learning[0].shares, one.long[0].shares[:13])


def test_learning_finds_the_setting_in_a_few_runs_of_the_originals_size() -> None:
    settings = hinton_nowlan.Settings(generations=20, long_runs=0)
    lived = hinton_nowlan.live(settings, 0, 6, 2, lambda done: None)
    config = read_experiment(find_config("replicate/hinton-nowlan", STUDIES))
    bands = {band["name"]: band for band in judge(config.replication, hinton_nowlan.MEASURES, lived)}
    assert bands["wrong alleles at generation 15, median run"]["judgement"] == REPRODUCED
    assert 4 < bands["generation at which mean fitness passes 5, median run"]["value"] < 13
    assert bands["open alleles at generation 1000"]["judgement"] == UNMEASURED
    assert not any(course.perfect.any() for course in lived.without)


def planted_course(right: float, passes: int) -> hinton_nowlan.Course:
    shares = np.tile([0.0, right, 1 - right], (61, 1))
    fitness = np.where(np.arange(61) >= passes, 6.0, 1.0)
    return hinton_nowlan.Course(shares, fitness, np.arange(61) >= 60)


def test_bands_of_hinton_and_nowlan_can_be_missed() -> None:
    config = read_experiment(find_config("replicate/hinton-nowlan", STUDIES))
    lived = hinton_nowlan.Populations((planted_course(0.51, 8),) * 10, (), (planted_course(0.5, 99),) * 10)
    bands = {band["name"]: band for band in judge(config.replication, hinton_nowlan.MEASURES, lived)}
    assert bands["right alleles at generation 10"]["judgement"] == REPRODUCED
    assert bands["right alleles at generation 20"]["judgement"] == MISSED
    assert bands["generation at which mean fitness passes 5, median run"]["value"] == 8
    assert bands["runs that pass it only after generation 14"]["value"] == 0
    assert bands["runs without learning with a perfect newborn within 60 generations"]["value"] == 1
    late = dataclasses.replace(lived, learning=(planted_course(0.51, 99),) * 10)
    bands = {band["name"]: band for band in judge(config.replication, hinton_nowlan.MEASURES, late)}
    assert bands["generation at which mean fitness passes 5, median run"]["judgement"] == UNMEASURED
    assert bands["runs that pass it only after generation 14"]["value"] == 1


def test_stretches_that_nobody_lived_are_not_measured() -> None:
    lived = hinton_nowlan.Populations((planted_course(0.5, 99),) * 10, (), (planted_course(0.5, 99),) * 10)
    for measure, of, longest in (
        ("fitness_late", {"fitness": 5}, {"after": 60}),
        ("perfect_without_learning", {}, {"within": 60}),
    ):
        beyond = {name: value + 1 for name, value in longest.items()}
        bands = part(*({"measure": measure, "of": of | end, "at_most": 0} for end in (longest, beyond)))
        last, later = judge(bands, hinton_nowlan.MEASURES, lived)
        assert last["value"] == 1
        assert (later["value"], later["judgement"]) == (None, UNMEASURED)
        assert later["note"] == "no run was followed for so long"


# --- the nature-nurture map ---


def planted_map(wrong: int) -> nature_nurture.Instincts:
    """A map as theory says, but for the first `wrong` cells off the diagonal."""
    levels = nature_nurture.Settings().levels
    empty = nature_nurture.Instincts(levels, np.ones((9, 9, 1)), np.ones((9, 9, 1)), 0, 0)
    follows = empty.should_follow.copy()
    rows, columns = np.nonzero(empty.off_diagonal)
    follows[rows[:wrong], columns[:wrong]] ^= True
    return dataclasses.replace(empty, cue_weight=np.where(follows, 2.0, 0.5)[..., None])


@pytest.mark.parametrize(("wrong", "judgement"), [(0, REPRODUCED), (7, REPRODUCED), (8, MISSED)])
def test_nine_of_ten_cells_off_the_diagonal_must_be_as_theory_says(wrong: int, judgement: str) -> None:
    config = read_experiment(find_config("replicate/nature-nurture", STUDIES))
    band = judge(config.replication, nature_nurture.MEASURES, planted_map(wrong))[0]
    assert (band["judgement"], band["note"]) == (judgement, f"{72 - wrong} of 72 cells")


def test_theory_says_to_follow_a_cue_that_is_right_more_often_than_the_modal_action() -> None:
    lived = planted_map(0)
    assert lived.should_follow[0, 8]  # fixity .55, reliability .95
    assert not lived.should_follow[8, 0]
    assert lived.should_follow.sum() == 36
    misread = dataclasses.replace(lived, cue_weight=-lived.cue_weight)
    assert not misread.follows.any(), "who does the opposite of what the cue says does not follow it"


def test_corners_of_the_map_evolve_as_theory_says_for_any_number_of_workers() -> None:
    settings = nature_nurture.Settings(levels=(0.55, 0.95), population=16, generations=8, lives=64)
    lived = nature_nurture.live(settings, 1, 1, 1, lambda done: None)
    assert lived.as_theory[lived.off_diagonal].all()
    assert lived.world_steps == 4 * 8 * 17 * 64
    again = nature_nurture.live(settings, 1, 1, 2, lambda done: None)
    assert np.array_equal(lived.bias, again.bias)
    assert np.array_equal(lived.cue_weight, again.cue_weight)


# --- configs that are shipped ---


@pytest.mark.parametrize("name", OWN)
def test_shipped_experiments_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = read_experiment(find_config(name, STUDIES))
    (tmp_path / "copy.yaml").write_text(dump_config(config))
    assert read_experiment(tmp_path / "copy.yaml") == config


@pytest.mark.parametrize("name", [name for name in REPLICATIONS if name not in OWN])
def test_shipped_replications_say_what_they_replicate_and_fit_their_worlds(name: str, tmp_path: Path) -> None:
    from evolearn.study.plan import plan_study

    config = read_study(find_config(name, STUDIES))
    (tmp_path / "copy.yaml").write_text(dump_config(config))
    assert read_study(tmp_path / "copy.yaml") == config
    assert config.replication is not None
    assert config.replication.deviations
    assert plan_study(config).steps > 0


# --- what users see ---


def tiny(folder: Path, **different) -> Path:
    content = yaml.safe_load(find_config("replicate/hinton-nowlan", STUDIES).read_text())
    content["settings"] |= {"agents": 60, "generations": 20, "long_runs": 0}
    content["replication"]["bands"] = content["replication"]["bands"][:2]
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**content, "runs": 3, **different}))
    return path


@pytest.fixture(scope="module")
def experiment(tmp_path_factory) -> Path:
    """Directory of a small experiment; not to be changed."""
    folder = tmp_path_factory.mktemp("experiment")
    return start_experiment(read_experiment(tiny(folder)), "tiny", folder / "out", 2, Quiet())


def test_an_experiment_writes_its_config_its_results_and_its_page(experiment: Path) -> None:
    names = {path.name for path in experiment.iterdir()}
    assert names == {"experiment.yaml", "environment.json", "replication.json", "report"}
    found = json.loads((experiment / "replication.json").read_text())
    assert found["judgement"]["exploratory"]
    assert found["runs"] == 3
    assert found["cost"]["evaluations"] == 2 * 3 * 21 * 60
    assert found["config_sha256"] == hashlib.sha256((experiment / "experiment.yaml").read_bytes()).hexdigest()
    assert read_experiment(experiment / "experiment.yaml").runs == 3
    page = (experiment / "report/index.html").read_text()
    for text in ("Hinton and Nowlan 1987", "Deviations", found["judgement"]["sentence"], "0.47 to 0.55"):
        assert text in page
    assert {path.name for path in (experiment / "report/figures").glob("*.svg")} == {"alleles.svg", "fitness.svg"}


def test_the_page_is_made_again_from_results_alone(experiment: Path) -> None:
    page = experiment / "report/index.html"
    before = page.read_bytes()
    page.unlink()
    assert write_report(experiment, figures=True).read_bytes() == before


def test_the_map_is_drawn(tmp_path: Path) -> None:
    config = read_experiment(find_config("replicate/nature-nurture", STUDIES))
    lived = planted_map(1)
    record = replication_record(
        config, config.replication, nature_nurture.MEASURES, lived, 81, nature_nurture.cost(lived)
    )
    record["cost"]["seconds"] = 1.0
    about = {"experiment": "nature_nurture", "title": "<b>map</b>", "seed": 0}
    pictures = nature_nurture.pictures(lived)
    write_experiment(tmp_path, dump_config(config), {**record, **about, "pictures": pictures})
    page = write_report(tmp_path, figures=False).read_text()
    assert "&lt;b&gt;map&lt;/b&gt;" in page
    assert "71 of 72 cells" in page
    drawn = json.loads(page.split('id="drawings">')[1].split("</script>")[0])["map"]["views"][0]["panels"][0]["data"][0]
    assert drawn["text"][0][:3] == ["bias", "bias<br>!", "cue"]
    assert (drawn["z"][0][8], drawn["z"][8][0]) == (1.0, -1.0)


def test_the_page_names_the_hash_from_before_anything_was_lived(experiment: Path, tmp_path: Path) -> None:
    found = json.loads((experiment / "replication.json").read_text())
    said = "before anything was lived (sha256 <code>{}</code>)"
    assert said.format(found["config_sha256"]) in (experiment / "report/index.html").read_text()
    copied = Path(shutil.copytree(experiment, tmp_path / "copied"))
    (copied / "replication.json").write_text(json.dumps(sealed(found | {"first_config_sha256": "f1"})))
    assert said.format("f1") in write_report(copied, figures=False).read_text()


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (
            "replication.json",
            {"kind": "replication", "format": 1},
            "has format 1, this evolearn reads 2",
        ),
        (
            "replication.json",
            {"kind": "replication", "format": 2},
            "is damaged: lacks sha256; .*`evolearn study ",
        ),
        ("replication.json", sealed({"kind": "replication", "format": 2}), "is damaged: lacks about; lacks bands"),
        ("replication.json", None, "is missing; .*`evolearn study"),
        ("environment.json", {"cpu": "another one"}, "is damaged, or of another one than the rest"),
        ("experiment.yaml", {"seed": 1}, r"is not the config that replication\.json is of"),
    ],
)
def test_damaged_results_are_named_with_the_remedy(
    name: str, content: dict | None, text: str, experiment: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(experiment, tmp_path / "copied"))
    (copied / name).unlink()
    if content is not None:
        (copied / name).write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"{name}: {text}"):
        write_report(copied)


@pytest.mark.parametrize("damage", [{"experiment": "chess"}, {"pictures": {}}, {"pictures": {"learning": 3}}])
def test_results_that_hold_something_else_are_named_and_no_traceback(
    damage: dict, experiment: Path, tmp_path: Path
) -> None:
    """Also where somebody has made the checksum fit."""
    copied = Path(shutil.copytree(experiment, tmp_path / "copied"))
    found = json.loads((copied / "replication.json").read_text())
    (copied / "replication.json").write_text(json.dumps(sealed(found | damage)))
    with pytest.raises(UserError, match=r"replication\.json: (is damaged|could not be drawn: .*please report)"):
        write_report(copied, figures=False)


def test_the_hash_of_an_experiments_config_is_written_before_anything_is_lived(tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen = []

    class Look:
        def done(self, share: float) -> None:
            seen.append(json.loads((out / "environment.json").read_text())["config_sha256"])
            assert not (out / "replication.json").exists()

    start_experiment(read_experiment(tiny(tmp_path)), "tiny", out, 1, Look())
    assert set(seen) == {hashlib.sha256((out / "experiment.yaml").read_bytes()).hexdigest()}


def test_an_experiment_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    class Stop:
        def done(self, share: float) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_experiment(read_experiment(tiny(tmp_path)), "tiny", tmp_path / "out", 1, Stop())
    assert not (tmp_path / "out").exists()


def test_an_experiment_from_the_command_line(tmp_path: Path) -> None:
    tiny(tmp_path)
    done = evolearn("study", "tiny.yaml", "seed=5", "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    assert "3 populations of 60 agents over 20 generations" in flat
    assert "Fewer than 10 repetitions: exploratory." in flat
    assert "Exploratory: 3 runs, fewer than 10." in flat
    assert "reproduced" in flat
    assert "The page: out/report/index.html" in flat
    assert "evolearn study out/experiment.yaml seed=6" in flat
    assert json.loads((tmp_path / "out/replication.json").read_text())["seed"] == 5


def test_a_dry_run_shows_the_bands_by_name_and_bounds(tmp_path: Path, monkeypatch, capsys) -> None:
    from evolearn.cli.show_experiment import print_experiment_plan
    from evolearn.cli.show_study import StudyScreen

    bands = [
        {"name": "oracle", "source": "here", "measure": "score", "of": {"arm": "oracle"}, "above": 2, "unit": "meals"},
        {"name": "gain", "source": "here", "measure": "score", "of": {"arm": "evolved"}},
        {"name": "loss", "source": "here", "measure": "score", "of": {"arm": "random"}, "at_most": 3, "accept": False},
    ]
    content = copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": bands}}
    console = Console(width=120)
    start_study(check_study(content, "toy"), "toy", tmp_path / "no", OwnDrivers(1), StudyScreen(console), dry_run=True)
    shown = capsys.readouterr().out.splitlines()
    start = shown.index("Bands, fixed by now:")
    assert shown[start + 1 : start + 4] == [
        "- oracle: above 2 meals",
        "- gain: shown, no band",
        "- loss: at most 3 (not counted)",
    ]
    assert not (tmp_path / "no").exists()
    print_experiment_plan(console, read_experiment(tiny(tmp_path)))
    assert "- right alleles at generation 10: 0.47 to 0.55" in capsys.readouterr().out


def test_a_study_ends_with_its_bands(tmp_path: Path, quick_report, capsys) -> None:
    from evolearn.cli.show_study import print_study

    bands = [
        {"name": "oracle", "source": "here", "measure": "score", "of": {"arm": "oracle"}, "above": -1e9},
        {"name": "gain", "source": "here", "measure": "contrast", "of": {"arm": "evolved", "against": "tuned_blank"}},
    ]
    bands[1]["of"]["metric"] = "catch_up"
    bands[1]["verdict"] = "better"
    content = copy.deepcopy(TOY) | {"replication": {**ABOUT, "bands": bands}}
    start_study(check_study(content, "toy"), "toy", tmp_path / "study", OwnDrivers(2), StudyWatcher())
    found = json.loads((tmp_path / "study/replication.json").read_text())
    assert [band["judgement"] for band in found["bands"]] == [REPRODUCED, UNMEASURED]
    verdict = json.loads((tmp_path / "study/verdict.json").read_text())
    assert found["cost"]["world_steps"] == verdict["ledger"]["total"]
    assert found["cost"]["evaluations"] == 2 * 2 * 2 * 5  # arms, runs, generations, genomes with the centre
    assert found["config_sha256"] == verdict["study"]["config_sha256"]
    first = found["config_sha256"]
    assert found["first_config_sha256"] == first
    extend_study(open_study(tmp_path / "study"), 1, [], OwnDrivers(2), StudyWatcher())
    found = json.loads((tmp_path / "study/replication.json").read_text())
    assert found["first_config_sha256"] == first != found["config_sha256"]
    print_study(Console(width=100), tmp_path / "study")
    flat = " ".join(capsys.readouterr().out.split())
    assert "Replication of A. Nonymous 1987" in flat
    assert "Not reproduced: 1 of 2 acceptance bands missed: gain (not measured). Exploratory: 3 runs" in flat


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["tiny.yaml", "experiment=hinton"], "experiment='hinton': unknown. Did you mean hinton_nowlan?"),
        (["tiny.yaml", "settings.agents=1"], "settings.agents=1: must be 2 or more"),
        (["tiny.yaml", "settings.agent=1"], "settings.agent=1: unknown key. Did you mean agents?"),
        (["tiny.yaml", "runs=0"], "runs=0: must be 1 or more"),
        (["tiny.yaml", "replication.bands=[]"], "must have at least 1 entry"),
        (["tiny.yaml", "--address", "local"], "--address local: an experiment of its own runs in this process only"),
    ],
)
def test_mistakes_end_with_one_error(arguments, text, tmp_path, monkeypatch) -> None:
    tiny(tmp_path)
    monkeypatch.setattr("evolearn.cluster.prepare", lambda address: None)
    done = evolearn("study", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_the_table_of_experiments_is_whole() -> None:
    for name, experiment in EXPERIMENTS.items():
        assert experiment.units(experiment.settings(), 2) >= 2, name
        assert experiment.plan(experiment.settings(), 2).endswith(".")
        assert all(measure.doc for measure in experiment.measures.values())

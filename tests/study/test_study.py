"""Studies end to end: equal budgets, the ledger, test lives opened once, comparisons that need care."""

import contextlib
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow.parquet import read_table

from evolearn.agent import TERMINATED
from evolearn.config import ConfigError
from evolearn.life import OwnDrivers, traced_lives
from evolearn.rng import SELECTION, TEST, VALIDATION
from evolearn.run import load_dna, natural_values, open_run
from evolearn.study import StudyConfig, _judge, start_study
from evolearn.study._judge import _bill
from evolearn.study.plan import check_keys, evolving_arms, held_out_keys, study_arm
from evolearn.verdict import judge_condition
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import FEW, RESULTS, Onlooker, Spy, Whole, make, openings, rows_of, verdict_of

pytestmark = pytest.mark.usefixtures("quick_report")


def test_a_study_leaves_what_it_says_it_does(whole_study: Whole) -> None:
    for name in ("study.json", "study.yaml", "environment.json", "replays/as-it-is.json", *RESULTS):
        assert (whole_study.path / name).is_file(), name
    for arm in evolving_arms(whole_study.config):
        for run in range(2):
            assert (whole_study.path / f"runs/as-it-is/{arm}/run_{run:02d}/dna.safetensors").is_file()
    assert sorted(path.name for path in (whole_study.path / "runs/as-it-is").iterdir()) == [
        "evolved",
        "pretrained",
        "tuned_blank",
    ]
    for arm in whole_study.config.arms:
        assert len(list((whole_study.path / "lives/as-it-is" / arm).glob("*.parquet"))) == 2
    assert not list(whole_study.path.rglob("*.part"))
    assert whole_study.onlooker.warnings == []


def test_progress_grows_from_nothing_to_all(whole_study: Whole) -> None:
    shares = whole_study.onlooker.shares
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < 0.1
    assert shares[-1] == pytest.approx(1.0)


# --- equal budgets, and the ledger


def test_every_evolution_took_exactly_the_same_number_of_steps(whole_study: Whole) -> None:
    steps = {
        (arm, run): sum(row["world_steps"] for row in rows_of(whole_study.path, "as-it-is", arm, run))
        for arm in evolving_arms(whole_study.config)
        for run in range(2)
    }
    assert set(steps.values()) == {2 * 5 * 2 * 40}
    assert ("pretrained", 1) in steps


def test_long_blank_lives_exactly_as_long_as_the_evolution_of_its_origin(whole_study: Whole) -> None:
    for run in range(2):
        evolution = sum(row["world_steps"] for row in rows_of(whole_study.path, "as-it-is", "tuned_blank", run))
        table = read_table(whole_study.path / f"lives/as-it-is/long_blank/run_{run:02d}.parquet").to_pylist()
        lives = [row for row in table if row["learning"]]
        assert {row["lifetime"] for row in lives} == {row["lived"] for row in lives} == {evolution}
        assert {row["life"] for row in table} == {0}


def test_the_ledger_adds_up_to_the_steps_that_kernels_report(whole_study: Whole) -> None:
    """All but the lives that time this machine, and the replays."""
    ledger = json.loads((whole_study.path / "ledger.json").read_text())
    assert ledger["total"] == whole_study.spy.steps("evolution", "test", "check")
    assert whole_study.spy.steps("timing", "replay") > 0
    assert ledger["checks"] == whole_study.spy.steps("check")
    assert "lives that time this machine, the replays" in ledger["columns"]["checks"]
    entries = ledger["conditions"]["as it is"]
    columns = ("outer", "tuning", "inner", "evaluation")
    assert ledger["total"] == ledger["checks"] + sum(row[column] for row in entries.values() for column in columns)
    assert ledger == verdict_of(whole_study.path)["ledger"]


def test_every_step_is_in_the_column_where_it_belongs(whole_study: Whole) -> None:
    entries = json.loads((whole_study.path / "ledger.json").read_text())["conditions"]["as it is"]
    by_job: Counter[tuple[str, str]] = Counter()
    for lived in whole_study.spy.lived:
        if lived.where == "test":
            by_job[lived.job[1], "long" if lived.lifetime > 40 else "birth"] += lived.steps
        elif lived.where == "evolution":
            validating = lived.keys[0][1] == VALIDATION
            by_job[lived.job[1], "leaders" if validating else "evolution"] += lived.steps
    for arm, row in entries.items():
        learns, fresh = whole_study.config.arm(arm).learns, whole_study.config.arm(arm).weights != "inherited"
        evolution, births = by_job[arm, "evolution"], by_job[arm, "birth"]
        off = births + by_job[arm, "leaders"] + (0 if learns else by_job[arm, "long"])
        assert row == {
            "outer": 0 if fresh else evolution,
            "tuning": evolution if fresh else 0,
            "settings": 0,
            "inner": by_job[arm, "long"] if learns else 0,
            "evaluation": off,
            "runs": 2,
        }, arm


def test_finding_an_arms_settings_is_charged_once_to_every_condition_that_paid_for_an_evolution(
    tmp_path: Path, spy: Spy
) -> None:
    spy.onlooker = Onlooker()
    define = "define={tuned_blank: {tuning_steps: 7000, settings: {search.selection_lifetime: 80, search.lives: 1}}}"
    conditions = "conditions=[{name: home}, {name: twin, evolved_in: home}, {name: away}]"
    arms = "arms=[random, tuned_blank, evolved, long_blank, oracle]"
    make(toy_study(arms, define, conditions, "convergence.double_budget=true"), tmp_path / "s", 1, spy.onlooker)
    verdict = verdict_of(tmp_path / "s")
    charged = {
        (condition, arm): row["settings"]
        for condition, rows in verdict["ledger"]["conditions"].items()
        for arm, row in rows.items()
        if row["settings"]
    }
    assert charged == {("home", "tuned_blank"): 7000, ("away", "tuned_blank"): 7000}
    assert verdict["ledger"]["total"] == spy.steps("evolution", "test", "check") + 7000
    assert "once and before the study" in verdict["ledger"]["columns"]["settings"]
    home = verdict["conditions"][0]
    told = {arm: (entry["selection_lifetime"], entry["settings_steps"]) for arm, entry in home["arms"].items()}
    assert told == {
        "random": (None, None),
        "tuned_blank": (80, 7000),
        "evolved": (40, 0),
        "long_blank": (80, 7000),
        "oracle": (None, None),
    }
    assert "evolved selected on lives of 40 steps, tuned_blank on lives of 80." in home["sentence"]
    assert (
        "evolved was selected on lives of 40 steps and is judged on 160; tuned_blank on lives of 80." in home["remarks"]
    )
    evolution = {"tuned_blank": [{"steps": 800, "validation_steps": 10}, {"steps": 800, "validation_steps": 20}]}
    config = toy_study(arms, define)
    bills = [_bill(config, config.conditions[0], arm, evolution) for arm in ("tuned_blank", "long_blank")]
    assert bills == [815 + 7000, 815 + 7000]


def test_twice_the_budget_is_twice_the_steps(tmp_path: Path, spy: Spy) -> None:
    spy.onlooker = Onlooker()
    make(toy_study(FEW, "convergence.double_budget=true", "runs=1"), tmp_path / "study", 1, spy.onlooker)
    for arm in ("evolved", "tuned_blank"):
        once, twice = (rows_of(tmp_path / "study", "as-it-is", name, 0) for name in (arm, arm + "_x2"))
        assert sum(row["world_steps"] for row in twice) == 2 * sum(row["world_steps"] for row in once)
        digests = [row["fitness_sha256"] for row in twice]
        assert digests[: len(once)] == [row["fitness_sha256"] for row in once], "the same evolution, gone on with"
    verdict = verdict_of(tmp_path / "study")
    assert {entry["arm"] for entry in verdict["conditions"][0]["doubled"]} == {"evolved_x2", "tuned_blank_x2"}
    assert verdict["ledger"]["total"] == spy.steps("evolution", "test", "check")


def test_lamarckian_and_darwinian_cost_the_same_under_the_genetic_algorithm(tmp_path: Path) -> None:
    arms = "arms=[random, tuned_blank, evolved, lamarckian, oracle]"
    make(toy_study(arms, "run.search.algorithm=genetic", "runs=1"), tmp_path / "study")
    steps = {
        arm: sum(row["world_steps"] for row in rows_of(tmp_path / "study", "as-it-is", arm, 0))
        for arm in ("tuned_blank", "evolved", "lamarckian")
    }
    assert set(steps.values()) == {2 * 9 * 2 * 40}
    inheritance = {
        arm: open_run(tmp_path / f"study/runs/as-it-is/{arm}/run_00").read_config().genome.inheritance for arm in steps
    }
    assert inheritance == {"tuned_blank": "darwinian", "evolved": "darwinian", "lamarckian": "lamarckian"}


def test_what_is_borrowed_is_what_the_lender_of_the_same_run_evolved(whole_study: Whole) -> None:
    for run in range(2):
        lender = open_run(whole_study.path / f"runs/as-it-is/tuned_blank/run_{run:02d}")
        borrower = open_run(whole_study.path / f"runs/as-it-is/pretrained/run_{run:02d}")
        lent = natural_values(lender.load_dna().pool, lender.load_dna().genome)
        assert dict(borrower.read_config().drives.weights) == lent["drives"]
        assert dict(borrower.read_config().learner.plasticity) == lent["plasticity"]


def expected_openings(config: StudyConfig) -> set[tuple[Any, ...]]:
    lives = {arm: 1 if config.arm(arm).one_life else config.run.evaluation.lives for arm in config.arms}
    return {
        (condition.name, arm, (config.seed, TEST, run, life), how)
        for condition in config.conditions
        for arm in config.arms
        for run in range(config.runs)
        for life in range(lives[arm])
        for how in ("birth", "long")
    }


def test_every_test_life_is_opened_once_for_birth_and_once_for_life(whole_study: Whole) -> None:
    found = openings(whole_study.spy.lived)
    assert set(found) == expected_openings(whole_study.config)
    assert set(found.values()) == {1}


def test_birth_scores_are_measured_with_learning_off_and_lives_as_the_arm_lives(whole_study: Whole) -> None:
    found = {
        (entry.job[1], "long" if entry.lifetime > 40 else "birth"): entry.learns
        for entry in whole_study.spy.lived
        if entry.where == "test"
    }
    part = whole_study.config.arm
    assert found == {
        (arm, how): how == "long" and part(arm).learns for arm in whole_study.config.arms for how in ("birth", "long")
    }


def test_a_birth_score_is_of_the_first_body_alone_and_the_score_of_all_stands_beside_it(whole_study: Whole) -> None:
    """Of cart-pole, as lived again and read off the steps: how long the first pole was balanced, and all of them."""
    config, path = whole_study.config, whole_study.path
    condition, run = config.conditions[0], 1
    dna = load_dna(path / "runs/as-it-is/evolved/run_01")
    ready = study_arm(config, condition, "evolved", lambda origin: (dna.pool, dna.genome))
    keys = held_out_keys(config, condition, "evolved", run)
    with contextlib.closing(OwnDrivers(1)) as drivers:
        newborns, born_as = ready.arm.born(keys)
        plan = ready.arm.frozen().plan(40)
        outcome, trace = traced_lives(ready.setup.driver(drivers), newborns, born_as, keys, plan)
    first, every = [], []
    for ends in trace.ends:
        falls = np.flatnonzero(ends == TERMINATED) + 1
        first.append(falls[0] if falls.size else 40)
        poles = np.diff(np.array([0, *falls]))
        last = 40 - falls[-1] if falls.size else 40
        every.append(np.mean([*poles, last] if not falls.size or last > poles.mean() else poles))
    assert sum(fall < 40 for fall in first) > 0, "else there is nothing to tell apart"
    rows = [
        row for row in read_table(path / "lives/as-it-is/evolved/run_01.parquet").to_pylist() if not row["learning"]
    ]
    assert [row["birth_score"] for row in rows] == first
    assert [row["deaths"] for row in rows] == outcome.deaths[:, 0].tolist()
    judged = verdict_of(path)["conditions"][0]
    assert (judged["able"], judged["termination_is_death"]) == ("balancing", True)
    of_run = judged["arms"]["evolved"]["runs"][run]
    assert of_run["birth"] == pytest.approx(np.mean(first), rel=1e-5)
    assert of_run["birth_reborn"] == pytest.approx(np.mean(every), rel=1e-5)
    assert of_run["birth_deaths"] == pytest.approx(outcome.deaths.sum(axis=1).mean(), rel=1e-5)
    metrics = {contrast["metric"] for contrast in judged["secondary"]}
    assert "birth_reborn" not in metrics, "compared only where a config asks for it"


def test_every_key_that_was_lived_is_in_the_space_that_the_verdict_hashes(whole_study: Whole) -> None:
    lived = {key for entry in whole_study.spy.lived for key in entry.keys}
    spaces = verdict_of(whole_study.path)["key_spaces"]
    for space, name in ((SELECTION, "selection"), (TEST, "test")):
        keys = np.array(sorted(key for key in lived if key[1] == space), "<i8")
        assert spaces[name] == {"keys": len(keys), "sha256": hashlib.sha256(keys.tobytes()).hexdigest()}
    validation = np.array(sorted(key for key in lived if key[1] == VALIDATION), "<i8")
    assert spaces["validation"] == {
        "keys": len(validation),
        "sha256": hashlib.sha256(validation.tobytes()).hexdigest(),
    }
    assert spaces["disjoint"] is True
    assert len(check_keys(whole_study.config)) > 0


def test_evolution_lives_selection_keys_of_its_own_seed_alone(whole_study: Whole) -> None:
    seeds: dict[tuple[Any, ...], set[int]] = {}
    for entry in whole_study.spy.lived:
        if entry.where == "evolution":
            assert {key[1] for key in entry.keys} <= {SELECTION, VALIDATION}
            seeds.setdefault(entry.job[:3], set()).update(key[0] for key in entry.keys)
    assert all(len(used) == 1 for used in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds) == 6
    assert whole_study.config.seed not in set.union(*seeds.values())


def test_two_copies_of_one_arm_are_compared_where_it_is_asked(tmp_path: Path) -> None:
    settings = ("define={again: {like: evolved}}", "primary.against=again", "expect_identical=[[evolved, again]]")
    make(toy_study("arms=[random, evolved, again, oracle]", *settings, "runs=4"), tmp_path / "study")
    verdict = verdict_of(tmp_path / "study")
    primary = verdict["conditions"][0]["primary"]
    assert primary["verdict"] in ("better", "worse", "equivalent", "inconclusive")
    assert primary["withheld"] is None
    one, other = (verdict["conditions"][0]["arms"][arm]["runs"] for arm in ("evolved", "again"))
    assert not {run["seed"] for run in one} & {run["seed"] for run in other}, "evolution seeds are not shared"
    assert verdict["arms"]["again"]["doc"] == verdict["arms"]["evolved"]["doc"]


def test_identical_arms_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = toy_study("define={again: {like: evolved}}", "arms=[random, tuned_blank, evolved, again, oracle]")
    with pytest.raises(ConfigError, match="evolved and again live identical lives"):
        start_study(config, "toy", tmp_path / "study", OwnDrivers(1), Onlooker())
    assert not (tmp_path / "study").exists()


def test_the_verdict_hears_whose_dna_it_judges_and_on_which_lives_it_was_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def judge(*arguments: Any) -> Any:
        heard.append(arguments)
        return judge_condition(*arguments)

    monkeypatch.setattr(_judge, "judge_condition", judge)
    define = "define={evolved: {settings: {search.selection_lifetime: 80, search.generations: 1}}}"
    make(toy_study("arms=[random, tuned_blank, evolved, evolved_frozen, oracle]", define, "runs=1"), tmp_path / "study")
    (arguments,) = heard
    facts, origins = arguments[1], arguments[6]
    assert origins == {"evolved_frozen": "evolved"}
    lifetimes = {arm: search.selection_lifetime for arm, search in facts.searches.items()}
    assert lifetimes == {"tuned_blank": 40, "evolved": 80, "evolved_frozen": 80}


def test_too_few_runs_withhold_the_test_and_say_why(study_of_few: Path) -> None:
    verdict = verdict_of(study_of_few)
    primary = verdict["conditions"][0]["primary"]
    assert primary["p"] is None
    assert "2 runs per arm can at best give p = 0.33; 4 per arm is the least" in primary["withheld"]
    assert any("test withheld" in remark.lower() for remark in verdict["conditions"][0]["remarks"])
    assert primary["verdict"] not in ("better", "worse")


def test_one_run_per_arm_has_a_verdict_all_the_same(tmp_path: Path) -> None:
    make(toy_study(FEW, "runs=1"), tmp_path / "study")
    primary = verdict_of(tmp_path / "study")["conditions"][0]["primary"]
    assert primary["withheld"]
    assert primary["verdict"] == "inconclusive"


def test_another_conditions_dna_is_judged_without_an_evolution_of_its_own(tmp_path: Path, spy: Spy) -> None:
    conditions = (
        "conditions=[{name: here, evolved_in: there, set: {world.parameters.predictability: 0}}, {name: there}]"
    )
    path = tmp_path / "study"
    spy.onlooker = make(toy_study(FEW, conditions), path, 1, spy_onlooker := Onlooker())
    assert [said for said in spy_onlooker.warnings if "cannot decide" not in said] == []
    assert [folder.name for folder in (path / "runs").iterdir()] == ["there"]
    verdict = verdict_of(path)
    here, there = verdict["conditions"]
    assert (here["evolved_in"], there["evolved_in"]) == ("there", None)
    for arm in ("evolved", "tuned_blank"):
        assert here["arms"][arm]["dna"] == there["arms"][arm]["dna"]
        search = there["arms"][arm]["evolution"]
        assert here["arms"][arm]["evolution"] == search, "on the scale of the condition in which it evolved"
        assert all(run["end"] is not None for run in search["runs"])
        assert [run["seed"] for run in here["arms"][arm]["runs"]] == [run["seed"] for run in there["arms"][arm]["runs"]]
        row = verdict["ledger"]["conditions"]["here"][arm]
        assert (row["outer"], row["tuning"]) == (0, 0), "nothing was spent on evolution here"
    assert here["arms"]["evolved"]["runs"] != there["arms"]["evolved"]["runs"], "other lives: the cart is another"
    assert verdict["ledger"]["total"] == spy.steps("evolution", "test", "check")


def test_the_dna_that_is_judged_elsewhere_is_the_one_that_evolved(tmp_path: Path) -> None:
    """In the same world as at home it lives the same lives."""
    conditions = "conditions=[{name: home}, {name: twin, evolved_in: home}]"
    path = tmp_path / "study"
    make(toy_study(FEW, conditions, "runs=1"), path)
    home, twin = (
        read_table(path / f"lives/{name}/evolved/run_00.parquet").drop(["condition"]) for name in ("home", "twin")
    )
    assert home.equals(twin)
    assert np.isfinite(load_dna(path / "runs/home/evolved/run_00").genome).all()

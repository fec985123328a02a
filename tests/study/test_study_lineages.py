"""Studies of lineages: an arm's test lives are lineages, read as one life that goes on over their generations."""

import json

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from evolearn.config import ConfigError
from evolearn.life import OwnDrivers, evaluate
from evolearn.run import open_run
from evolearn.study._judge import _search_facts
from evolearn.study.config import check_study
from evolearn.study.plan import born_keys, plan_study, planned_config, study_arm
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import lived_without_page

GENERATIONS, SIBLINGS, LIFE, LIVES = 3, 2, 40, 4
IMITATES = {
    "learner.name": "rewarded_imitation",
    "teacher": {"source": "parent", "mode": "watched"},
    "lineage.elders": 2,
}
TOY = {
    "seed": 4,
    "runs": 2,
    "run": {
        "world": {"name": "chain", "parameters": {"links": 3, "each": 1, "hazard": 0.02}},
        "brain": {"trunk": "linear", "hidden": []},
        "learner": {"window": 4, "plasticity": {"learning_rate": 0.3}},
        "lineage": {"generations": GENERATIONS, "siblings": SIBLINGS},
        "search": {"population": 4, "generations": 2, "lives": 2, "selection_lifetime": LIFE},
        "evaluation": {"lives": LIVES, "lifetimes": [GENERATIONS * LIFE], "birth_steps": 20, "bin_steps": 20},
    },
    "conditions": [{"name": "here"}],
    "arms": ["random", "none", "taught", "long", "oracle"],
    "define": {
        "none": {"like": "tuned_learner"},
        "taught": {"like": "tuned_learner", "settings": IMITATES},
        "long": {
            "like": "tuned_learner",
            "settings": {"lineage": None, "search.selection_lifetime": GENERATIONS * LIFE, "search.lives": 4},
        },
    },
    "primary": {"arm": "taught", "against": "none", "metric": "ceiling"},
    "margins": {"ceiling": 0.05},
    "resamples": 100,
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A finished study: its config, directory, verdict and test lives."""
    config = check_study(TOY, "toy")
    path = lived_without_page(config, tmp_path_factory.mktemp("lineages") / "study", 2)
    return config, path, json.loads((path / "verdict.json").read_text()), pq.read_table(path / "lives.parquet")


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (
            "run.search.selection_lifetime=30",
            r"condition 'as it is', all arms: lineage.generations=4: times search.selection_lifetime=30 must be the "
            r"longest of run.evaluation.lifetimes, 160",
        ),
        (
            "run.evaluation.bin_steps=16",
            r"lineage.generations=4: search.selection_lifetime=40 must be a multiple of evaluation.bin_steps=16",
        ),
        ("run.seed=0", r"fitness of world cart-pole is its mean return per episode, which siblings have no mean of"),
    ],
)
def test_a_lineage_that_cannot_be_judged_as_one_life_is_refused(override, text):
    births = ["run.evaluation.birth_steps=80", "run.evaluation.lifetimes=[160]"]
    with pytest.raises(ConfigError, match=text):
        plan_study(toy_study("run.lineage.generations=4", *births, override))


def test_an_arm_may_have_a_lineage_of_its_own_and_is_named_where_it_does_not_fit():
    other = {"like": "evolved", "settings": {"lineage.generations": 5}}
    arms = ["random", "evolved", "other", "oracle"]
    primary = {"arm": "evolved", "against": "other", "metric": "catch_up"}
    with pytest.raises(ConfigError, match=r"condition 'as it is', arm other: lineage.generations=5: times"):
        plan_study(toy_study(arms=arms, define={"other": other}, primary=primary))


def test_a_lineage_of_one_is_refused():
    with pytest.raises(ConfigError, match=r"lineage.generations=1: must be 2 or more"):
        toy_study("run.lineage.generations=1")


def test_what_a_lineage_will_cost_is_planned_and_paid(lived):
    config, _, verdict, _ = lived
    plan = plan_study(config)
    evolution = 2 * 5 * 2 * GENERATIONS * SIBLINGS * LIFE
    assert {job.steps for job in plan.evolutions} == {evolution}
    tests = {job.arm: job.steps for job in plan.tests}
    assert tests["long"] == LIVES * (20 + GENERATIONS * LIFE)
    assert tests["taught"] == tests["none"] == LIVES * (20 + SIBLINGS * GENERATIONS * LIFE)
    ledger = verdict["ledger"]["conditions"]["here"]
    assert ledger["none"]["tuning"] == ledger["long"]["tuning"] == config.runs * evolution
    assert ledger["none"]["inner"] == config.runs * LIVES * SIBLINGS * GENERATIONS * LIFE
    assert ledger["taught"]["inner"] > ledger["none"]["inner"], "who watches costs as well"
    facts = [_search_facts(config, config.conditions[0], arm) for arm in ("none", "long")]
    assert [(one.selection_lifetime, one.outer_steps) for one in facts] == [(GENERATIONS * LIFE, evolution)] * 2


@pytest.mark.parametrize("name", ["none", "taught"])
def test_its_score_is_that_of_the_lineages_of_its_dna(name, lived):
    config, path, verdict, table = lived
    condition = config.conditions[0]
    for run in range(config.runs):
        dna = open_run(path / "runs" / "here" / name / f"run_{run:02d}").load_dna()
        arm = study_arm(config, condition, name, lambda _, dna=dna: (dna.pool, dna.genome))
        keys = born_keys(config, condition, name, run, arm.setup)
        driver = arm.setup.driver(OwnDrivers(1))
        expected = evaluate(
            driver, arm.setup.conditions, dna.pool, dna.genome[None], keys, arm.setup.selection
        ).by_generation[0]
        judged = verdict["conditions"][0]["arms"][name]["runs"][run]
        assert judged["total"] == pytest.approx(expected.mean(), abs=1e-6)
        assert planned_config(config, condition, name).lineage.generations == expected.shape[1]
        its = pc.and_(pc.equal(table["arm"], name), pc.and_(pc.equal(table["run"], run), table["learning"]))
        rows = table.filter(its)
        assert set(rows["lived"].to_pylist()) == {SIBLINGS * GENERATIONS * LIFE}
        scores = rows["score"].to_numpy().reshape(LIVES, GENERATIONS, -1).mean(axis=2)
        np.testing.assert_allclose(scores, expected)


def test_nobody_is_taken_for_one_who_diverged(lived):
    _, _, verdict, _ = lived
    for arm in verdict["conditions"][0]["arms"].values():
        assert len(arm["runs"]) == 2
        assert not any(run.get("diverged") for run in arm["runs"])

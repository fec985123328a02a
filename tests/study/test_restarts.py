"""Studies whose searches begin again: their runs have fewer generations, and every step is in the ledger."""

from pathlib import Path

import numpy as np
import pytest

from evolearn.config import ConfigError
from evolearn.run import open_run
from evolearn.search import planned_outer_steps
from evolearn.study.plan import hash_key_spaces, plan_study, planned_config
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import make, page_only, verdict_of

RESTARTS = ("runs=1", "run.search.generations=12", "run.search.restart=ipop", "run.search.restart_window=2")


@pytest.fixture
def often(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.study.write_report", page_only)
    monkeypatch.setattr("evolearn.search.restarts.stagnates", lambda curves, window: len(curves) >= 3)


def test_a_study_of_restarts_tells_the_way_to_each_result_and_pays_for_all(often, tmp_path: Path) -> None:
    path = tmp_path / "study"
    study = toy_study(*RESTARTS)
    make(study, path)
    verdict = verdict_of(path)
    arms = verdict["conditions"][0]["arms"]
    for arm in ("evolved", "tuned_blank"):
        directory = open_run(path / f"runs/as-it-is/{arm}/run_00")
        rows, dna = directory.rows(), directory.load_dna()
        # 12 x 5 genomes: 3 generations of 5, then 5 of 9.
        assert [row["restart"] for row in rows] == [0] * 3 + [1] * 5
        (record,) = arms[arm]["evolution"]["runs"]
        assert record["restart"] == [row["restart"] for row in rows]
        assert record["from_restart"] == dna.header["lineage"]["restart"]
        way = [row for row in rows if row["restart"] == record["from_restart"]]
        assert record["centre"] == pytest.approx([row["fitness_centre"] for row in way], rel=1e-4)
        ledger = verdict["ledger"]["conditions"]["as it is"][arm]
        spent = ledger["outer"] + ledger["tuning"]
        assert spent == sum(row["world_steps"] for row in rows)
        assert spent <= planned_outer_steps(planned_config(study, study.conditions[0], arm).search)
        leaders = 4 if record["from_restart"] == 0 else 8
        assert dna.header["lineage"]["validation_steps"] == (2 * 32 + leaders * 8) * 40


def test_lives_that_compare_restarts_are_hashed_and_disjoint() -> None:
    plain, restarting = toy_study(), toy_study("run.search.restart=stagnation")
    without, spaces = (hash_key_spaces(study, plan_study(study)) for study in (plain, restarting))
    assert spaces["disjoint"] is True
    assert spaces["validation"]["keys"] == without["validation"]["keys"] + 4 * 32
    assert spaces["selection"] == without["selection"]


def test_arms_that_train_one_genome_begin_once_beside_those_that_restart() -> None:
    study = toy_study(*RESTARTS, "arms=[random, tuned_blank, evolved, pretrained, oracle]")
    searches = {
        job.arm: planned_config(study, study.conditions[0], job.arm).search for job in plan_study(study).evolutions
    }
    assert {arm: search.restart for arm, search in searches.items()} == {
        "tuned_blank": "ipop",
        "evolved": "ipop",
        "pretrained": "none",
    }
    assert len({planned_outer_steps(search) for search in searches.values()}) == 1
    with pytest.raises(ConfigError, match=r"search\.restart='ipop': must be 'none' with search\.algorithm='reptile'"):
        plan_study(
            toy_study(
                *RESTARTS,
                "define={evolved: {settings: {search.algorithm: reptile}, drives: tuned_blank, "
                "plasticity: tuned_blank}}",
            )
        )


def test_twice_the_budget_begins_as_its_original_does() -> None:
    study = toy_study("run.search.generations=60", "run.search.restart=stagnation", "convergence={double_budget: true}")
    searches = [planned_config(study, study.conditions[0], job.arm).search for job in plan_study(study).evolutions]
    assert {(search.generations, search.restart_window) for search in searches} == {(60, None), (120, 6)}
    assert np.all([search.restart == "stagnation" for search in searches])

"""Studies whose lives or searches leave the finite numbers: said, judged in nothing, and never a crash at the end."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from evolearn.life import OwnDrivers
from evolearn.report import write_report
from evolearn.run import SearchDiverged
from evolearn.run.transplant import Arm
from evolearn.study import start_study
from evolearn.study._held_out import arm_lives
from evolearn.study.replay import _rounded
from evolearn.world import MEAN_PER_STEP
from tests.helpers.held_out_lives import BIRTH, LONG, held_out
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import Onlooker


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_an_arm_whose_brains_all_diverge_is_named_and_not_judged(tmp_path: Path, monkeypatch) -> None:
    born = Arm.born

    def broken(arm: Arm, keys):
        newborns, born_as = born(arm, keys)
        if arm.name == "evolved":
            newborns = newborns._replace(weights=np.full_like(newborns.weights, np.nan))
        return newborns, born_as

    monkeypatch.setattr(Arm, "born", broken)
    monkeypatch.setattr("evolearn.study.study.write_report", lambda path: path)  # once is enough
    path = tmp_path / "study"
    start_study(toy_study(), "toy", path, OwnDrivers(1), Onlooker())
    verdict = json.loads((path / "verdict.json").read_text(), parse_constant=refuse)
    (condition,) = verdict["conditions"]
    runs = verdict["study"]["runs"]
    lives = runs * verdict["study"]["test_lives"]
    assert {arm: entry["diverged"] for arm, entry in condition["arms"].items()} == {
        "random": 0, "tuned_blank": 0, "evolved": lives, "oracle": 0,
    }  # fmt: skip
    contrasts = [condition["primary"], *condition["secondary"], *condition["by_lifetime"]]
    assert {(row["verdict"], row["p"]) for row in contrasts} == {("inconclusive", None)}
    reason = f"in {runs} of {runs} runs of evolved every life left the finite numbers, so that it has no score"
    assert reason in condition["sentence"]
    assert any(said.startswith(f"In {lives} of {lives} test lives of evolved") for said in condition["remarks"])
    assert reason in write_report(path, figures=False).read_text(encoding="utf-8")


def test_an_evolution_that_leaves_the_finite_numbers_ends_the_study_by_name(tmp_path: Path) -> None:
    study = toy_study("run.search.algorithm=snes", "run.search.options={stdev_learning_rate: 10000.0}")
    with pytest.raises(SearchDiverged) as caught:
        start_study(study, "toy", tmp_path / "study", OwnDrivers(1), Onlooker())
    text = str(caught.value)
    assert text.startswith(f"STUDY={tmp_path / 'study'}: no verdict can be reached, since an evolution of ")
    assert "RUN=" in text
    assert "config.yaml search.options={}. If that run holds, begin the study anew with the same" in text


def test_lives_that_ended_before_their_time_are_known_to_have_diverged() -> None:
    lives = arm_lives("evolved", [held_out(1), held_out(2)], MEAN_PER_STEP, (80, 160), 40)
    assert lives.diverged is not None
    assert lives.birth_diverged is not None
    assert lives.diverged.tolist() == lives.birth_diverged.tolist() == [[False, False, False, True]] * 2
    whole = held_out(1)
    whole.outcome.age[-1], whole.birth.age[-1] = LONG.lifetime, BIRTH.lifetime
    assert not arm_lives("evolved", [dataclasses.replace(whole)], MEAN_PER_STEP, (80, 160), 40).broken.any()


def test_a_replay_holds_no_number_that_is_none() -> None:
    assert _rounded([1.0, -0.0, np.nan, np.inf, 0.25]) == [1, 0, None, None, 0.25]

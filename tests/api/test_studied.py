"""A study from Python: its jobs one by one, its verdict that of the command, its tables tidy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evolearn
from evolearn.config import ConfigError
from evolearn.errors import RunDirectoryError
from evolearn.files import read_json
from evolearn.life import OwnDrivers
from evolearn.study import open_study, resume_study
from tests.helpers.studies import TOY, toy_study
from tests.helpers.study_watch import Onlooker, lived_without_page

WITH_SECOND = {"secondary": [{"arm": "evolved", "against": "random", "metrics": ["birth"]}], "margins.birth": 5}


@pytest.fixture(scope="module")
def finished():
    """A study that leaves nothing on disk: how its jobs went by, and what came of it."""
    study = evolearn.run_study(TOY, WITH_SECOND, workers=1)
    passed = list(study)
    return passed, study.result


@pytest.fixture(scope="module")
def by_command(tmp_path_factory) -> Path:
    """What `evolearn study` makes of the same config."""
    config = toy_study("secondary=[{arm: evolved, against: random, metrics: [birth]}]", "margins.birth=5")
    return lived_without_page(config, tmp_path_factory.mktemp("studied") / "study")


def test_every_job_goes_by_once_and_the_last_one_is_the_last(finished) -> None:
    passed, _ = finished
    # Two arms evolve and four live their test lives, twice each.
    assert [progress.done for progress in passed] == list(range(1, 13))
    assert {progress.of for progress in passed} == {12}
    assert {(progress.job.arm, progress.job.run) for progress in passed} == {
        (arm, run) for arm in TOY["arms"] for run in (0, 1)
    }
    assert passed[-1].share == pytest.approx(1.0)


def test_the_verdict_is_that_of_the_command(finished, by_command: Path) -> None:
    _, result = finished
    assert result.path is None
    there = read_json(by_command / "verdict.json")
    assert {**result.verdict, "files": {}, "sha256": ""} == {**there, "files": {}, "sha256": ""}
    pd.testing.assert_frame_equal(result.lives, pd.read_parquet(by_command / "lives.parquet"))
    assert result.costs.drop(columns=["condition", "arm", "runs"]).to_numpy().sum() > 0


def test_scores_have_a_row_for_each_run_and_metric_and_are_the_verdicts(finished) -> None:
    _, result = finished
    assert list(result.scores.columns) == ["condition", "arm", "run", "metric", "value"]
    assert not result.scores.duplicated(["condition", "arm", "run", "metric"]).any()
    births = result.scores.query("metric == 'birth' and arm == 'evolved'")["value"].to_numpy()
    arms = result.verdict["conditions"][0]["arms"]
    np.testing.assert_array_equal(births, [run["birth"] for run in arms["evolved"]["runs"]])
    never = result.scores.query("metric == 'catch_up' and arm == 'random'")["value"]
    assert never.isna().tolist() == [run["catch_up"] is None for run in arms["random"]["runs"]]


def test_contrasts_have_a_row_each_with_their_words(finished) -> None:
    _, result = finished
    assert result.contrasts[["family", "arm", "against", "metric"]].to_numpy().tolist() == [
        ["primary", "evolved", "tuned_blank", "catch_up"],
        ["secondary", "evolved", "random", "birth"],
    ]
    assert result.contrasts["sentence"].tolist()[1].startswith("evolved against random in birth score")
    assert str(result).splitlines()[0] == result.sentences[0]
    assert "2 evolution run(s) per arm: exploratory, not evidence for a claim." in str(result)
    assert "<p>" in result._repr_html_()


def test_who_leaves_early_can_go_on_from_the_directory(finished, tmp_path: Path) -> None:
    path = tmp_path / "study"
    study = evolearn.run_study(TOY, WITH_SECOND, out=path, workers=1)
    assert next(study).done == 1
    study.close()
    with pytest.raises(ConfigError, match="was closed before it was finished"):
        _ = study.result
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    _, result = finished
    assert read_json(path / "verdict.json")["conditions"] == result.verdict["conditions"]


def test_what_cannot_be_studied_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is an experiment of its own; evolearn study replicate/mackay runs it"):
        evolearn.run_study("replicate/mackay")
    with pytest.raises(ConfigError, match=r"Did you mean zebra\?"):
        evolearn.run_study("zebrra")
    with pytest.raises(ConfigError, match=r"run\.search\.lives=0: must be 1 or more"):
        evolearn.run_study(TOY, {"run.search.lives": 0})
    with pytest.raises(ConfigError, match="config=3: must be a YAML file, the name of a shipped study"):
        evolearn.run_study(3)
    with pytest.raises(ConfigError, match="workers=0"):
        evolearn.run_study(TOY, workers=0)
    with pytest.raises(RunDirectoryError, match="exists already, and studies are never overwritten; name another"):
        evolearn.run_study(TOY, out=tmp_path)

"""Logs for other tools say what generations.jsonl says, also of a run that was stopped and resumed."""

import csv
import json
import math
import sys

import pytest
from typer.testing import CliRunner

from evolearn.cli.app import app
from evolearn.config import check_config
from evolearn.errors import UserError
from evolearn.life import OwnDrivers
from evolearn.logs import KINDS, check_kinds, logged_run, logged_study, status_of
from evolearn.run import Interrupted, RunDirectory, open_run, resume_run, start_run
from evolearn.study import open_study, start_study
from tests.helpers.runs import GENERATIONS, Watcher, toy
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import Onlooker

ROW = {
    "generation": 2,
    "fitness_mean": 0.5,
    "fitness_best": math.nan,
    "search_stdev": 0.1,
    "world_steps": 960,
    "seconds": 3.0,
}


def table(path):
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_a_status_has_evotorchs_names_and_only_what_is_a_number():
    opponent = {"fitness_mean": -0.5, "fitness_best": None, "fitness_sha256": "0"}
    assert status_of({**ROW, "opponent": opponent}) == {
        "iter": 3.0,
        "mean_eval": 0.5,
        "stdev": 0.1,
        "world_steps": 960.0,
        "opponent/mean_eval": -0.5,
    }
    several = status_of({**ROW, "opponent": [opponent, {"fitness_mean": 2.0}]})
    assert (several["opponent/0/mean_eval"], several["opponent/1/mean_eval"]) == (-0.5, 2.0)
    assert "opponent/mean_eval" not in several


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """A run that was stopped in its second generation, before the log knew of it, and resumed."""
    path = tmp_path_factory.mktemp("logged") / "run"
    with pytest.raises(Interrupted), logged_run(Watcher(stop_after=1), ["csv", "tensorboard"]) as display:
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), display)
    assert [row["iter"] for row in table(path / "log/status.csv")] == [1]
    with logged_run(Watcher(), ["csv", "tensorboard"]) as display:
        resume_run(open_run(path), OwnDrivers(1), display)
    return path


def test_a_stopped_and_resumed_run_has_one_whole_log(resumed):
    expected = [status_of(row) for row in RunDirectory(resumed).rows()]
    assert len(expected) == GENERATIONS
    assert table(resumed / "log/status.csv") == expected
    shown = scalars(resumed / "log")
    assert shown.keys() == expected[0].keys() - {"iter"}
    for name, points in shown.items():
        assert dict(points) == pytest.approx({row["iter"]: row[name] for row in expected}, rel=1e-6), name


def test_a_study_logs_every_evolution_by_itself(tmp_path, quick_report):
    with logged_study(Onlooker(), ["csv"]) as display:
        start_study(toy_study("runs=2"), "toy", tmp_path / "study", OwnDrivers(1), display)
    study = open_study(tmp_path / "study")
    logs = sorted((study.path / "log").rglob("status.csv"))
    runs = sorted((study.path / "runs").rglob("generations.jsonl"))
    assert [log.parent.relative_to(study.path / "log") for log in logs] == [
        run.parent.relative_to(study.path / "runs") for run in runs
    ]
    for log, run in zip(logs, runs, strict=True):
        assert table(log) == [status_of(row) for row in RunDirectory(run.parent).rows()]


@pytest.mark.whole
def test_weights_and_biases_keeps_a_run_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    with logged_run(Watcher(), ["wandb"]) as display:
        start_run(check_config(toy(), "toy"), "toy", tmp_path / "run", OwnDrivers(1), display)
    assert list((tmp_path / "run/log/wandb").glob("offline-run-*/*.wandb"))


def test_a_log_that_there_is_not_or_whose_package_is_not_installed_is_refused(monkeypatch):
    with pytest.raises(UserError, match=r"--log excel: must be one of tensorboard, wandb, csv"):
        check_kinds(["csv", "excel"])
    for package in ("tensorboard", "torch.utils.tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, package, None)
    for kind in set(KINDS) - {"csv"}:
        with pytest.raises(UserError, match=rf"--log {kind} needs .* pip install 'evolearn\[log\]'"):
            check_kinds([kind])


def test_the_command_logs(tmp_path):
    config = tmp_path / "toy.yaml"
    config.write_text(json.dumps(toy()))
    answer = CliRunner().invoke(app, ["run", str(config), "--out", str(tmp_path / "run"), "--log", "csv"])
    assert answer.exit_code == 0, answer.output
    assert len(table(tmp_path / "run/log/status.csv")) == GENERATIONS
    answer = CliRunner().invoke(app, ["study", "replicate/rogers", "--log", "csv"])
    assert answer.exit_code == 2
    assert "an experiment of its own has no generations to log" in answer.output

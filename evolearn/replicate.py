"""Replications: an experiment of its own from config to page, and a study's results against its bands.

An experiment's directory holds::

    experiment.yaml    the resolved config, written before anything is lived
    environment.json   versions, commit, processor, threads, and the config's hash, written before anything is lived
    replication.json   bands, values, what comes of them, what it cost, and what the page draws
    report/            the page, and its figures for papers
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from evolearn.config_reading import Part, dump_config
from evolearn.environment import describe_environment, package_versions
from evolearn.files import explained, make_directory, write_whole
from evolearn.replications.bands import Json, Measure, judge, summary
from evolearn.replications.experiments import EXPERIMENTS, settings_of
from evolearn.replications.parts import ExperimentConfig, ReplicationPart
from evolearn.replications.study_measures import STUDY_MEASURES, StudyTable
from evolearn.report import write_experiment_report
from evolearn.rundir import RunDirectory
from evolearn.study_config import StudyConfig
from evolearn.studydir import StudyDirectory
from evolearn.verdict_records import for_json

FORMAT = 1  # of replication.json
FILE = "replication.json"


class ExperimentDisplay(Protocol):
    """What shows an experiment at work."""

    def done(self, share: float) -> None:
        """So much of it is done, 0 .. 1."""


def start_experiment(
    config: ExperimentConfig, name: str, out: Path | None, workers: int, display: ExperimentDisplay
) -> Path:
    """Run an experiment of its own in a new directory.

    It takes minutes at most, so there is nothing to resume: where it is stopped, nothing is left of it.

    Args:
        config: resolved.
        name: of the directory where `out` is not given.
        out: the directory to make.
        workers: threads; they change speed only.
        display: shows how far it is.
    Returns:
        The directory.
    Raises:
        ConfigError, RunDirectoryError: see there.
        KeyboardInterrupt: the user stopped it.
    """
    settings = settings_of(config)
    experiment = EXPERIMENTS[config.experiment]
    directory = make_directory(name, out)
    try:
        with explained(directory):
            write_whole(directory / "experiment.yaml", dump_config(config).encode())
            environment = describe_environment({"workers": workers, "cores": os.cpu_count()})
            write_json(directory / "environment.json", {**environment, "config_sha256": _sha256(config)})
        started = time.perf_counter()
        lived = experiment.live(settings, config.seed, config.runs, workers, display.done)
        cost = {**experiment.cost(settings, config.runs, lived), "seconds": round(time.perf_counter() - started, 1)}
        units = experiment.units(settings, config.runs)
        record = replication_record(config, config.replication, experiment.measures, lived, units, cost)
        about = {"experiment": config.experiment, "title": config.title, "seed": config.seed}
        with explained(directory):
            write_json(directory / FILE, {**record, **about, "pictures": experiment.pictures(lived)})
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)  # what is there is ours, and says nothing
        raise
    write_experiment_report(directory)
    return directory


def judge_replication(config: StudyConfig, study: StudyDirectory, verdict: Json) -> None:
    """Write a study's replication.json, if it replicates something.

    Args:
        config: of the study.
        study: its directory, its runs all done.
        verdict: as in verdict.json.
    """
    if config.replication is None:
        return
    table = StudyTable(verdict)
    cost = {"world_steps": verdict["ledger"]["total"], **_evolution_cost(study)}
    record = replication_record(config, config.replication, STUDY_MEASURES, table, config.runs, cost)
    first = {"first_config_sha256": verdict["study"]["first_config_sha256"]}
    with explained(study.path):
        write_json(study.path / FILE, record | first)


def replication_record(
    config: Part, part: ReplicationPart, measures: Mapping[str, Measure], results: Any, units: int, cost: Json
) -> Json:
    """What comes of a replication, as replication.json has it.

    Args:
        config: resolved; its hash is written down.
        part: of the config.
        measures: that its bands name.
        results: what they read.
        units: independent repetitions behind the values.
        cost: world steps, evaluations and seconds.
    """
    bands = judge(part, measures, results)
    return {
        "kind": "replication",
        "format": FORMAT,
        "about": part.model_dump(mode="json", exclude={"bands"}),
        "bands": bands,
        "judgement": summary(bands, units),
        "runs": units,
        "cost": cost,
        "config_sha256": _sha256(config),
        "versions": package_versions(),
    }


def _sha256(config: Part) -> str:
    return hashlib.sha256(dump_config(config).encode()).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all; numbers to six digits, what is not finite as null."""
    write_whole(path, json.dumps(for_json(content), indent=1, allow_nan=False).encode())


def _evolution_cost(study: StudyDirectory) -> Json:
    """Genomes evaluated, and seconds that evolution took, over all runs."""
    runs = sorted((study.path / "runs").glob("*/*/*"))
    rows = [row for path in runs for row in RunDirectory(path).rows()]
    return {
        "evaluations": sum(row["evaluations"] for row in rows),
        "evaluations_are": "genomes",
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "seconds_are": "of evolution; test lives are not timed",
    }

"""An experiment of its own from config to page.

An experiment's directory holds::

    experiment.yaml    the resolved config, written before anything is lived
    environment.json   versions, commit, processor, threads, and the config's hash, written before anything is lived
    replication.json   bands, values, what comes of them, what it cost, and what the page draws
    report/            the page, and its figures for papers
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from evolearn.config import config_sha256, dump_config
from evolearn.environment import describe_environment
from evolearn.experiments.table import EXPERIMENTS, settings_of
from evolearn.files import LOCK, REPORT_LOCK, explained, holding, make_directory, making, sha256_of, write_whole
from evolearn.report import write_experiment_report
from evolearn.study.bands import REPLICATION_FILE, ExperimentConfig, replication_record, write_rounded


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
    # What is there is ours, and says nothing until it is whole.
    with making(directory), holding(directory / LOCK, f"--out {directory}"):
        with explained(directory):
            write_whole(directory / "experiment.yaml", dump_config(config).encode())
            environment = describe_environment({"workers": workers, "cores": os.cpu_count()})
            write_rounded(directory / "environment.json", {**environment, "config_sha256": config_sha256(config)})
        started = time.perf_counter()
        lived = experiment.live(settings, config.seed, config.runs, workers, display.done)
        cost = {**experiment.cost(settings, config.runs, lived), "seconds": round(time.perf_counter() - started, 1)}
        units = experiment.units(settings, config.runs)
        record = replication_record(config, config.replication, experiment.measures, lived, units, cost)
        about = {
            "experiment": config.experiment,
            "title": config.title,
            "seed": config.seed,
            "environment_sha256": sha256_of(directory / "environment.json"),
        }
        with explained(directory):
            write_rounded(directory / REPLICATION_FILE, {**record, **about, "pictures": experiment.pictures(lived)})
    with holding(directory / REPORT_LOCK, f"--out {directory}"):
        write_experiment_report(directory)
    return directory

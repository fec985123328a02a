"""The commands that compare arms: run a study, or an experiment of its own; add to a study. No logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from evolearn.cli.configs import STUDIES, shipped_names
from evolearn.cli.terminal import (
    Address,
    Commands,
    Log,
    RuntimeEnv,
    TimeLimit,
    Trust,
    Workers,
    at_terminal,
    drivers,
    expect_wait,
    listen,
    log_kinds,
    naming,
    prepare_cluster,
    warn_of_changes,
    worker_count,
)
from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.cli.show_study import StudyScreen
    from evolearn.life import Drivers


class _DefaultCommand(Commands):
    """A group whose first command is meant where none is named: `evolearn study CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next(iter(self.commands))
        if not args or args[0] not in (*self.commands, "help"):
            args = [first, *args]
        return super().parse_args(ctx, args)


study_app = typer.Typer(cls=_DefaultCommand, help="Compare arms over several evolution runs, and judge.")


@study_app.command("run", epilog="evolearn study add STUDY --runs N | --arm NAME extends a finished study.")
def study_run(
    config: Annotated[
        str,
        typer.Argument(
            help="A YAML file, or the name of a shipped study, such as replicate/hinton-nowlan.",
            metavar="CONFIG",
            autocompletion=shipped_names(STUDIES),
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, for example seed=1.", metavar="[KEY=VALUE]..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The study directory to make.", show_default="runs/study-NAME-N")
    ] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, help="Seed of the study, instead of the config's.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and estimate steps and minutes.")] = False,
    time_limit: TimeLimit = None,
    log: Log = None,
) -> None:
    """Evolve every arm under every condition, several times over, and judge evolved against blank slate."""
    with at_terminal(time_limit) as console:
        prepare_cluster(address)
        from evolearn.config import find_config

        path = find_config(config, STUDIES)
        settings = list(overrides or []) + ([f"seed={seed}"] if seed is not None else [])
        log = log_kinds(log)
        from evolearn.experiments import is_experiment

        if is_experiment(path):
            if log:
                raise UserError(f"--log {log[0]}: an experiment of its own has no generations to log; leave it out")
            _run_experiment(console, path, settings, out, workers, address, dry_run)
            return
        from evolearn.study import read_study

        checked = read_study(path, settings)
        expect_wait(console)
        from evolearn.cli.show_study import StudyScreen, print_study
        from evolearn.logs import logged_study
        from evolearn.study import run_configs, start_study

        name = path.stem if path.name != "study.yaml" else "again"
        with (
            StudyScreen(console) as screen,
            drivers(screen, address, workers, runtime_env, run_configs(checked)) as here,
            logged_study(screen, log) as display,
        ):
            study = start_study(checked, name, out, here, display, dry_run)
        if study is not None:
            print_study(console, study)


def _run_experiment(
    console: Console,
    path: Path,
    overrides: Sequence[str],
    out: Path | None,
    workers: int | None,
    address: str | None,
    dry_run: bool,
) -> None:
    from evolearn.experiments import read_experiment

    checked = read_experiment(path, overrides)
    if address is not None:
        raise UserError(f"--address {address}: an experiment of its own runs in this process only; leave it out")
    expect_wait(console)
    from evolearn.cli.show_experiment import ExperimentScreen, print_experiment, print_experiment_plan
    from evolearn.experiments import start_experiment

    print_experiment_plan(console, checked)
    if dry_run:
        return
    name = path.stem if path.name != "experiment.yaml" else "again"
    count = worker_count(console, workers)
    listen(console)
    with ExperimentScreen(console) as screen:
        directory = start_experiment(checked, f"experiment-{name}", out, count, screen)
    print_experiment(console, directory)


@study_app.command("add")
def study_add(
    study: Annotated[Path, typer.Argument(help="A finished study directory.", metavar="STUDY")],
    runs: Annotated[int, typer.Option(min=0, help="Evolution runs to add to every arm and condition.")] = 0,
    arm: Annotated[list[str] | None, typer.Option(help="An arm to add; may be given several times.")] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    time_limit: TimeLimit = None,
    trust: Trust = False,
    log: Log = None,
) -> None:
    """Extend a finished study; its verdict says that it was extended after it had been seen."""
    with at_terminal(time_limit) as console, naming(console, study, trust):
        prepare_cluster(address)
        log = log_kinds(log)
        expect_wait(console)
        from evolearn.study import extend_study

        def extend(directory: Any, here: Drivers, screen: StudyScreen) -> None:
            extend_study(directory, runs, arm or [], here, screen)

        continue_study(console, study, extend, address, workers, runtime_env, log)


def continue_study(
    console: Console,
    path: Path,
    work: Callable[[Any, Drivers, StudyScreen], object],
    address: str | None,
    workers: int | None,
    runtime_env: Path | None,
    log: Sequence[str],
) -> None:
    """Go on with a study that is there, by `work` on its directory, and show what came of it."""
    from evolearn.cli.show_study import StudyScreen, print_study
    from evolearn.logs import logged_study
    from evolearn.run import admit_sources
    from evolearn.study import open_study, run_configs

    study = open_study(path)
    warn_of_changes(console, study.version_changes())
    configs = run_configs(study.read_config())
    admit_sources(configs)
    with (
        StudyScreen(console) as screen,
        drivers(screen, address, workers, runtime_env, configs) as here,
        logged_study(screen, log) as display,
    ):
        work(study, here, display)
    print_study(console, study.path)

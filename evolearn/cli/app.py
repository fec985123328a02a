"""The commands. No logic: each one reads its arguments and calls the room that does the work.

Heavy imports (torch, numba, ray) happen inside commands, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
from rich.console import Console
from rich.text import Text

from evolearn.cli.export import export_command
from evolearn.cli.inspect_cli import inspect
from evolearn.cli.new import new
from evolearn.cli.terminal import (
    EXIT_USER_ERROR,
    Errors,
    Workers,
    enter_portable_mode_for,
    expect_wait,
    leave,
    new_console,
    worker_count,
)
from evolearn.cli.worlds import worlds_app
from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.cli.show_study import StudyLog, StudyTerminal
    from evolearn.config import RunConfig
    from evolearn.life import ClusterWatch, Drivers
    from evolearn.study import StudyConfig

app = typer.Typer(
    help="Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(worlds_app, name="worlds")

Address = Annotated[
    str | None,
    typer.Option(
        help="Live lives on Ray: local starts it on this machine; auto, HOST:PORT or ray://HOST:PORT joins a cluster. "
        "In this process if not given. Changes speed only, never results.",
        show_default=False,
        metavar="ADDRESS",
    ),
]
RuntimeEnv = Annotated[
    Path | None,
    typer.Option(
        help="A YAML file with Ray's runtime environment for the workers of a cluster: packages to install, variables.",
        show_default=False,
        metavar="FILE",
    ),
]


@app.command()
def run(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped config.", metavar="CONFIG")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, for example search.population=32.", metavar="[KEY=VALUE]..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run directory to make.", show_default="runs/NAME-seedS-N")
    ] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the run, instead of the config's.", show_default=False)
    ] = None,
) -> None:
    """Evolve what an agent is born with, and judge it against a blank slate."""
    from evolearn.config import find_config, read_config

    console = new_console()
    _prepare_cluster(address)
    with Errors(console):
        path = find_config(config)
        settings = list(overrides or []) + ([f"seed={seed}"] if seed is not None else [])
        enter_portable_mode_for(path, settings)
        checked = read_config(path, settings)
        expect_wait(console)
        from evolearn.cli.show_run import new_display
        from evolearn.run import start_run

        display = new_display(console)
        try:
            # A config taken from a run directory has no name of its own.
            name = path.stem if path.stem != "config" else re.sub(r"\W+", "-", checked.world.name).strip("-")
            with _drivers(console, address, workers, runtime_env, [checked], display) as drivers:
                start_run(checked, name, out, drivers, display)
        finally:
            display.close()


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="A run directory, or a study directory.", metavar="RUN")],
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
) -> None:
    """Continue a run or a study that was stopped; the result is that of one never stopped."""
    console = new_console()
    _prepare_cluster(address)
    with Errors(console):
        expect_wait(console)
        enter_portable_mode_for(run)
        if (run / "study.json").exists():
            from evolearn.study import open_study, resume_study

            study = open_study(run)
            _warn_of_changes(console, study.version_changes())
            with _study_display(console) as display:
                configs = _run_configs(study.read_config())
                with _drivers(console, address, workers, runtime_env, configs, display) as drivers:
                    resume_study(study, drivers, display)
            _show_verdict(console, study.path)
            return
        from evolearn.cli.show_run import new_display
        from evolearn.run import open_run, resume_run

        directory = open_run(run)
        _warn_of_changes(console, directory.version_changes())
        display_of_run = new_display(console)
        try:
            configs = [directory.read_config()]
            with _drivers(console, address, workers, runtime_env, configs, display_of_run) as drivers:
                resume_run(directory, drivers, display_of_run)
        finally:
            display_of_run.close()


@app.command("replay-life")
def replay_life(
    run: Annotated[Path, typer.Argument(help="A run directory; or a study directory, without options.", metavar="RUN")],
    generation: Annotated[
        int | None, typer.Option(help="From 0, as in generations.jsonl.", show_default=False, metavar="G")
    ] = None,
    genome: Annotated[
        int | None,
        typer.Option(help="From 0, in the order in which the generation lived them.", show_default=False, metavar="I"),
    ] = None,
    life: Annotated[
        int | None, typer.Option(help="From 0, of the genome's selection lives.", show_default=False, metavar="L")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Write every step to a .csv, .npz or .parquet file.", show_default=False)
    ] = None,
    workers: Workers = None,
) -> None:
    """Live one life again: the one whose world was at fault, or any that selected a run's genomes."""
    console = new_console()
    with Errors(console):
        expect_wait(console)
        enter_portable_mode_for(run)
        from evolearn.cli.show_life import LineDisplay, print_relived, relive_life
        from evolearn.run import check_trace_file, wanted_life, write_trace

        wanted = wanted_life(generation, genome, life)
        if trace is not None:
            check_trace_file(trace)
        relived = relive_life(run, wanted, trace is not None, worker_count(console, workers), LineDisplay(console))
        if trace is not None:
            write_trace(trace, relived.trace, relived.setup.conditions)
        print_relived(console, run, relived, trace)
        if relived.fault is not None:
            leave(EXIT_USER_ERROR)  # as the run did; a life that hangs still keeps a thread busy


class _DefaultCommand(typer.core.TyperGroup):
    """A group whose first command is meant where none is named: `evolearn study CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next(iter(self.commands))
        if not args or args[0] not in self.commands:
            args = [first, *args]
        return super().parse_args(ctx, args)


study_app = typer.Typer(cls=_DefaultCommand, help="Compare arms over several evolution runs, and judge.")
app.add_typer(study_app, name="study")


@study_app.command("run", epilog="evolearn study add STUDY --runs N | --arm NAME extends a finished study.")
def study_run(
    config: Annotated[
        str,
        typer.Argument(
            help="A YAML file, or the name of a shipped study, such as replicate/hinton-nowlan.", metavar="CONFIG"
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, for example runs=10.", metavar="[KEY=VALUE]..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The study directory to make.", show_default="runs/study-NAME-N")
    ] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and estimate steps and minutes.")] = False,
) -> None:
    """Evolve every arm under every condition, several times over, and judge evolved against blank slate."""
    console = new_console()
    _prepare_cluster(address)
    with Errors(console):
        from evolearn.config import STUDIES, find_config

        path = find_config(config, STUDIES)
        enter_portable_mode_for(path, overrides or [])
        from evolearn.experiments import is_experiment

        if is_experiment(path):
            _run_experiment(console, path, overrides or [], out, workers, address, dry_run)
            return
        from evolearn.study import read_study

        checked = read_study(path, overrides or [])
        expect_wait(console)
        from evolearn.study import start_study

        name = path.stem if path.name != "study.yaml" else "again"
        configs = _run_configs(checked)
        with (
            _study_display(console) as display,
            _drivers(console, address, workers, runtime_env, configs, display) as drivers,
        ):
            study = start_study(checked, name, out, drivers, display, dry_run)
        if study is not None:
            _show_verdict(console, study)


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
    from evolearn.cli.show_experiment import experiment_display, print_experiment, print_experiment_plan
    from evolearn.experiments import start_experiment

    print_experiment_plan(console, checked)
    if dry_run:
        return
    name = path.stem if path.name != "experiment.yaml" else "again"
    count = worker_count(console, workers)
    with experiment_display(console) as display:
        directory = start_experiment(checked, f"experiment-{name}", out, count, display)
    replication = json.loads((directory / "replication.json").read_text(encoding="utf-8"))
    print_experiment(console, directory, replication)


@study_app.command("add")
def study_add(
    study: Annotated[Path, typer.Argument(help="A finished study directory.", metavar="STUDY")],
    runs: Annotated[int, typer.Option(min=0, help="Evolution runs to add to every arm and condition.")] = 0,
    arm: Annotated[list[str] | None, typer.Option(help="An arm to add; may be given several times.")] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
) -> None:
    """Extend a finished study; its verdict says that it was extended after it had been seen."""
    console = new_console()
    _prepare_cluster(address)
    with Errors(console):
        expect_wait(console)
        enter_portable_mode_for(study)
        from evolearn.study import extend_study, open_study

        directory = open_study(study)
        _warn_of_changes(console, directory.version_changes())
        with _study_display(console) as display:
            configs = _run_configs(directory.read_config())
            with _drivers(console, address, workers, runtime_env, configs, display) as drivers:
                extend_study(directory, runs, arm or [], drivers, display)
        _show_verdict(console, directory.path)


@app.command()
def report(
    directory: Annotated[
        Path, typer.Argument(help="The directory of a finished study, experiment or inspection.", metavar="DIRECTORY")
    ],
    figures: Annotated[
        bool | None,
        typer.Option(
            help="Write the figures for papers too, as SVG, PDF and PNG.", show_default="not for an inspection"
        ),
    ] = None,
) -> None:
    """Make the page of a study or an inspection again, from its results alone."""
    console = new_console()
    with Errors(console):
        from evolearn.report import is_inspection, write_inspection_report, write_report

        if is_inspection(directory):
            page, _ = write_inspection_report(directory, bool(figures))
        else:
            page = write_report(directory, figures is not False)
        console.print(Text(f"The page: {page}"), soft_wrap=True)


app.command()(inspect)
app.command("export")(export_command)
app.command()(new)


@contextlib.contextmanager
def _study_display(console: Console) -> Iterator[StudyLog | StudyTerminal]:
    from evolearn.cli.show_study import new_study_display

    display = new_study_display(console)
    try:
        yield display
    finally:
        display.close()


def _show_verdict(console: Console, directory: Path) -> None:
    from evolearn.cli.show_study import print_verdict

    verdict = json.loads((directory / "verdict.json").read_text(encoding="utf-8"))
    print_verdict(console, directory, verdict, directory / "report" / "index.html")
    replication = directory / "replication.json"
    if replication.exists():
        from evolearn.cli.show_experiment import print_replication

        print_replication(console, json.loads(replication.read_text(encoding="utf-8")))


def _warn_of_changes(console: Console, changes: list[str]) -> None:
    for change in changes:
        console.print(Text(f"Warning: {change} since it was made; results may differ from here on."))


def _prepare_cluster(address: str | None) -> None:
    """Before ray is imported, which EvoTorch does."""
    if address is not None:
        from evolearn.cluster import prepare

        prepare(address)


def _run_configs(study: StudyConfig) -> list[RunConfig]:
    """What a study's runs are made of."""
    from evolearn.study import run_configs

    return run_configs(study)


@contextlib.contextmanager
def _drivers(
    console: Console,
    address: str | None,
    workers: int | None,
    runtime_env: Path | None,
    configs: Sequence[RunConfig],
    display: ClusterWatch,
) -> Iterator[Drivers]:
    """Where lives are to be lived; closed at the end, also if that is a refusal."""
    if address is None:
        if runtime_env is not None:
            raise UserError(
                f"--runtime-env {runtime_env}: is for the workers of a cluster; give --address, or leave it out"
            )
        from evolearn.life import OwnDrivers

        with contextlib.closing(OwnDrivers(worker_count(console, workers))) as here:
            yield here
        return
    from evolearn.cluster import open_cluster
    from evolearn.config import read_yaml
    from evolearn.numerics import portable
    from evolearn.run import parts_of

    cluster = open_cluster(
        address,
        workers,
        sorted({config.world.full_name for config in configs}),
        display,
        runtime_env=read_yaml(runtime_env) if runtime_env is not None else None,
        environment=portable.variables() if portable.is_on() else None,
        parts=sorted({part for config in configs for part in parts_of(config)}, key=lambda part: part.name),
    )
    with contextlib.closing(cluster):
        yield cluster


def main() -> None:
    """Entry point of the `evolearn` command."""
    app()


if __name__ == "__main__":
    main()

"""The commands. No logic: each one reads its arguments and calls the room that does the work.

Heavy imports (torch, numba, ray) happen inside commands, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from evolearn.cli.claims import claims_app
from evolearn.cli.configs import asked_run, config_command, shipped_names
from evolearn.cli.export import export_command
from evolearn.cli.inspect import inspect
from evolearn.cli.new import new
from evolearn.cli.overview import compare, runs, watch
from evolearn.cli.replay import replay_command, zoo_command
from evolearn.cli.show_run import RunScreen
from evolearn.cli.study import continue_study, study_app
from evolearn.cli.terminal import (
    EXIT_USER_ERROR,
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
    print_line,
    run_and_leave,
    shown,
    warn_of_changes,
    worker_count,
)
from evolearn.cli.tune import tune
from evolearn.cli.worlds import worlds_app

app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(worlds_app, name="worlds")
app.add_typer(study_app, name="study")
app.add_typer(claims_app, name="claims")


def _say_version(asked: bool) -> None:
    if asked:
        import evolearn

        typer.echo(f"evolearn {evolearn.__version__}")
        raise typer.Exit()


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What holds for all commands."""


@app.command()
def run(
    config: Annotated[
        str,
        typer.Argument(
            help="A YAML file, the name of a shipped config, or a world, as `evolearn worlds` lists them, with "
            "settings suited to any of its kind.",
            metavar="CONFIG",
            autocompletion=shipped_names(),
        ),
    ],
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
        int | None,
        typer.Option(min=0, max=2**32 - 1, help="Seed of the run, instead of the config's.", show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check, and estimate genes, steps, memory and minutes.")
    ] = False,
    time_limit: TimeLimit = None,
    log: Log = None,
) -> None:
    """Evolve what an agent is born with, and judge it against a blank slate."""
    with at_terminal(time_limit) as console:
        prepare_cluster(address)
        log = log_kinds(log)
        settings = list(overrides or []) + ([f"seed={seed}"] if seed is not None else [])
        name, checked = asked_run(console, config, settings)
        expect_wait(console)
        from evolearn.logs import logged_run
        from evolearn.run import start_run

        with (
            RunScreen(console) as screen,
            drivers(screen, address, workers, runtime_env, [checked]) as here,
            logged_run(screen, log) as display,
        ):
            start_run(checked, name, out, here, display, dry_run)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="A run directory, or a study directory.", metavar="RUN")],
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    time_limit: TimeLimit = None,
    trust: Trust = False,
    log: Log = None,
) -> None:
    """Continue a run or a study that was stopped; the result is that of one never stopped."""
    with at_terminal(time_limit) as console, naming(console, run, trust):
        prepare_cluster(address)
        log = log_kinds(log)
        expect_wait(console)
        if (run / "study.json").exists():
            from evolearn.study import resume_study

            continue_study(console, run, resume_study, address, workers, runtime_env, log)
            return
        from evolearn.logs import logged_run
        from evolearn.run import admit_sources, open_run, resume_run

        directory = open_run(run)
        warn_of_changes(console, directory.version_changes())
        configs = [directory.read_config()]
        admit_sources(configs)
        with (
            RunScreen(console) as screen,
            drivers(screen, address, workers, runtime_env, configs) as here,
            logged_run(screen, log) as display,
        ):
            resume_run(directory, here, display)


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
    trust: Trust = False,
) -> None:
    """Live one life again: the one whose world was at fault, or any that selected a run's genomes."""
    with at_terminal() as console, naming(console, run, trust):
        expect_wait(console)
        from evolearn.cli.show_life import LifeScreen, changes_since, print_relived, relive_life
        from evolearn.run import check_trace_file, wanted_life, write_trace

        listen(console)
        wanted = wanted_life(generation, genome, life)
        if trace is not None:
            check_trace_file(trace)
            trace = trace.absolute()
        warn_of_changes(console, changes_since(run))
        relived = relive_life(run, wanted, trace is not None, worker_count(console, workers), LifeScreen(console))
        if trace is not None:
            write_trace(trace, relived.trace, relived.setup.conditions)
        print_relived(console, run, relived, trace)
        if relived.fault is not None:
            raise typer.Exit(EXIT_USER_ERROR)  # as the run did


@app.command()
def report(
    directory: Annotated[
        Path, typer.Argument(help="The directory of a study, run, experiment or inspection.", metavar="DIRECTORY")
    ],
    figures: Annotated[
        bool | None,
        typer.Option(
            help="Write the figures for papers too, as SVG, PDF and PNG.", show_default="not for an inspection"
        ),
    ] = None,
) -> None:
    """Make a page again, from results alone; of a run, or of an unfinished study, of what is there so far."""
    with at_terminal() as console:
        if (directory / "run.json").is_file() or _is_unfinished_study(directory):
            from evolearn.overview import PAGE, look_at, write_overview

            write_overview([look_at(directory)], directory / PAGE)
            print_line(console, f"The page: {shown(directory / PAGE)}")
            return
        from evolearn.files import LOCK, REPORT_LOCK, holding
        from evolearn.report import is_inspection, write_inspection_report, write_report

        directory = directory.absolute()
        inspection = is_inspection(directory)
        lock = directory / (LOCK if inspection else REPORT_LOCK)
        with holding(lock, f"DIRECTORY={directory}") if directory.is_dir() else contextlib.nullcontext():
            if inspection:
                page, _ = write_inspection_report(directory, bool(figures))
            else:
                page = write_report(directory, figures is not False)
        print_line(console, f"The page: {shown(page)}")


def _is_unfinished_study(directory: Path) -> bool:
    return (directory / "study.json").is_file() and not (directory / "verdict.json").is_file()


app.command()(tune)
app.command()(inspect)
app.command("config")(config_command)
app.command("replay")(replay_command)
app.command("export")(export_command)
app.command("zoo")(zoo_command)
app.command()(new)
app.command()(runs)
app.command()(watch)
app.command()(compare)


def main() -> NoReturn:
    """Entry point of the `evolearn` command."""
    if sys.platform == "win32":  # which has no fcntl
        raise SystemExit("Error: evolearn needs Linux, where it is tested, or a system like it; on Windows use WSL")
    run_and_leave(app)


if __name__ == "__main__":
    main()

"""The commands. No logic: each one reads its arguments and calls the room that does the work.

Heavy imports (torch, numba, ray) happen inside commands, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evolearn.errors import UserError

app = typer.Typer(
    help="Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
worlds_app = typer.Typer(help="List worlds, or show one.", invoke_without_command=True)
app.add_typer(worlds_app, name="worlds")

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Threads for compiled worlds, processes for Gymnasium; as many as there are cores if not given. "
        "Changes speed only, never results.",
        show_default=False,
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
    seed: Annotated[
        int | None, typer.Option(help="Seed of the run, instead of the config's.", show_default=False)
    ] = None,
) -> None:
    """Evolve what an agent is born with, and judge it against a blank slate."""
    from evolearn.config import read_config
    from evolearn.config_reading import find_config

    console = _console()
    with _Errors(console):
        path = find_config(config)
        settings = list(overrides or []) + ([f"seed={seed}"] if seed is not None else [])
        checked = read_config(path, settings)
        _expect_wait(console)
        from evolearn.console import new_display
        from evolearn.run import start_run

        display = new_display(console)
        try:
            # A config taken from a run directory has no name of its own.
            name = path.stem if path.stem != "config" else re.sub(r"\W+", "-", checked.world.name).strip("-")
            start_run(checked, name, out, _worker_count(console, workers), display)
        finally:
            display.close()


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN")],
    workers: Workers = None,
) -> None:
    """Continue a run that was stopped; the result is that of a run never stopped."""
    console = _console()
    with _Errors(console):
        _expect_wait(console)
        from evolearn.console import new_display
        from evolearn.run import resume_run
        from evolearn.rundir import open_run

        directory = open_run(run)
        for change in directory.version_changes():
            console.print(Text(f"Warning: {change} since the run was made; results may differ from here on."))
        display = new_display(console)
        try:
            resume_run(directory, _worker_count(console, workers), display)
        finally:
            display.close()


@worlds_app.callback()
def worlds(context: typer.Context) -> None:
    """List worlds, or show one."""
    if context.invoked_subcommand is not None:
        return
    from evolearn.errors import WorldNotFound
    from evolearn.worldfinder import find_world, registered_worlds

    console = _console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("world", no_wrap=True)
    table.add_column("what it is")
    for name in registered_worlds():
        try:
            table.add_row(name, find_world(name).summary)
        except WorldNotFound as error:
            table.add_row(name, f"does not load: {error}")
    table.add_row("gymnasium:ID", "any Gymnasium environment with Box or Discrete spaces")
    table.add_row("package.module:name", "a world of your own, importable")
    table.add_row("path/to/file.py:name", "a world of your own, in a file")
    console.print(table)


@worlds_app.command("show")
def show_world(
    name: Annotated[str, typer.Argument(help="A world, as `evolearn worlds` lists them.", metavar="NAME")],
) -> None:
    """Say what a world is: its description, observations, actions, senses and parameters."""
    console = _console()
    with _Errors(console):
        from evolearn.worldfinder import find_world
        from evolearn.worldpage import print_world

        print_world(console, name, find_world(name))


def _console() -> Console:
    """The terminal as it is; a file or a pipe gets lines wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


class _Errors:
    """Turn what users can cause into text and an exit code; anything else stays a traceback."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (typer.Exit, SystemExit)):
            return
        if isinstance(error, KeyboardInterrupt):
            # A run that was under way says where it is.
            directory = getattr(error, "directory", None)
            remedy = f"Continue with: evolearn resume {shlex.quote(str(directory))}" if directory else ""
            self._console.print(Text(f"Interrupted. {remedy}"), soft_wrap=True)
            _leave(EXIT_INTERRUPTED)
        if isinstance(error, UserError):
            Console(stderr=True).print(Text(f"Error: {error}"), soft_wrap=True)
            _leave(EXIT_USER_ERROR)


def _leave(code: int) -> NoReturn:
    """End at once: a thread in a world that hangs must not keep the program."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _expect_wait(console: Console) -> None:
    if console.is_terminal:
        console.print("Loading; the first run on a machine compiles for about half a minute.", style="dim")


def _worker_count(console: Console, asked: int | None) -> int:
    cores = os.cpu_count() or 1
    if asked is not None and asked > cores:
        console.print(f"--workers {asked}: more than the {cores} cores here; accepted, but it will not be faster.")
    return asked or cores


def main() -> None:
    """Entry point of the `evolearn` command."""
    app()


if __name__ == "__main__":
    main()

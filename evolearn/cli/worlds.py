"""The commands on worlds: list, show, make a new one, check one. No logic, and no heavy imports outside of commands."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

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

worlds_app = typer.Typer(help="List worlds, show one, make a new one, or check one.", invoke_without_command=True)

WorldName = Annotated[str, typer.Argument(help="A world, as `evolearn worlds` lists them.", metavar="NAME")]


@worlds_app.callback()
def worlds(context: typer.Context) -> None:
    """List worlds, show one, make a new one, or check one."""
    if context.invoked_subcommand is not None:
        return
    from evolearn.errors import WorldNotFound
    from evolearn.world import find_world, registered_worlds

    console = new_console()
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
    table.add_row("path/to/file.py:name", "a world of your own, in a file; `evolearn worlds new NAME` writes one")
    console.print(table)


@worlds_app.command("show")
def show_world(name: WorldName) -> None:
    """Say what a world is: its description, observations, actions, senses and parameters."""
    console = new_console()
    with Errors(console):
        from evolearn.cli.worldpage import print_world
        from evolearn.world import find_world

        print_world(console, name, find_world(name))


@worlds_app.command("new")
def make_world(
    name: Annotated[str, typer.Argument(help="A Python name in small letters.", metavar="NAME")],
    folder: Annotated[Path, typer.Option(help="Where to write.", metavar="DIR")] = Path("."),
) -> None:
    """Write a world of your own: its file, its test and its config, complete as they stand."""
    console = new_console()
    with Errors(console):
        from evolearn.world import new_world

        made = new_world(name, folder)
        for path, what in made.items():
            console.print(Text(f"Wrote {path}: {what}"), soft_wrap=True)
        console.print("Next: look whether it keeps the contract and what it asks for, test it, evolve in it:")
        steps = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
        steps += [
            f"evolearn worlds check {name}.py:{name} --config {name}.yaml --quick",
            f"pytest test_{name}.py",
            f"evolearn run {name}.yaml",
        ]
        for step in steps:
            console.print(Text(f"  {step}"), soft_wrap=True)


@worlds_app.command("check")
def check(
    name: WorldName,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, e.g. world.parameters.alpha=90.", metavar="[KEY=VALUE]..."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A run in that world; the shipped one of its name, or defaults, if not given.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A rough look, in seconds instead of minutes.")] = False,
    workers: Workers = None,
) -> None:
    """Check that a world keeps its contract, then calibrate it: can it tell nature from nurture?"""
    console = new_console()
    with Errors(console):
        settings = list(overrides or [])
        if config is not None:
            enter_portable_mode_for(config, settings)
        expect_wait(console)
        from evolearn.cli.check_console import CheckDisplay, print_calibration, print_report, what_is_calibrated
        from evolearn.testing import calibrate, calibration_config, calibration_file, cut_short, inspect_world

        run = calibration_config(name, config, settings)
        run = cut_short(run) if quick else run
        with contextlib.closing(CheckDisplay(console)) as display:
            report = inspect_world(run, progress=display.checking)
        print_report(console, report)
        if report.failures:
            console.print(Text("\nNot calibrated: correct what fails, and check again."))
            leave(EXIT_USER_ERROR)
        console.print()
        with contextlib.closing(CheckDisplay(console)) as display:
            calibration = calibrate(run, worker_count(console, workers), display, quick)
        console.print(Text(what_is_calibrated(run, calibration_file(name, config))), soft_wrap=True)
        print_calibration(console, calibration)

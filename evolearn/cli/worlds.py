"""The commands on worlds: list, show, make a new one, check one; and what they print. No heavy imports at the top."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import SpinnerColumn
from rich.table import Table
from rich.text import Text

from evolearn.cli.configs import completing
from evolearn.cli.screen import Screen
from evolearn.cli.show_run import ARM_LABELS, arms_table
from evolearn.cli.terminal import (
    EXIT_USER_ERROR,
    Commands,
    Workers,
    at_terminal,
    expect_wait,
    print_line,
    worker_count,
)

if TYPE_CHECKING:
    from evolearn.config import RunConfig
    from evolearn.run import Generation
    from evolearn.testing import Calibration, Report
    from evolearn.world import Declaration, Signal

LABELS = {**ARM_LABELS, "instinct": "evolved, no learning", "evolved": "evolved, learning"}
_LISTED = re.compile(r"([-*+|]|\d+[.)]) ")

worlds_app = typer.Typer(
    cls=Commands, help="List worlds, show one, make a new one, or check one.", invoke_without_command=True
)


def _names() -> Iterable[str]:
    from evolearn.world import registered_worlds

    return registered_worlds()


WorldName = Annotated[
    str,
    typer.Argument(help="A world, as `evolearn worlds` lists them.", metavar="NAME", autocompletion=completing(_names)),
]


@worlds_app.callback()
def worlds(context: typer.Context) -> None:
    """List worlds, show one, make a new one, or check one."""
    if context.invoked_subcommand is None:
        list_worlds()


@worlds_app.command("list")
def list_worlds() -> None:
    """List worlds: those that can be named in short, and how all others are named."""
    with at_terminal() as console:
        from evolearn.errors import WorldNotFound
        from evolearn.world import find_world, registered_worlds

        table = _table("world", "what it is")
        table.columns[0].no_wrap = True
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
    with at_terminal() as console:
        from evolearn.world import find_world

        print_world(console, name, find_world(name))


@worlds_app.command("new")
def make_world(
    name: Annotated[str, typer.Argument(help="A Python name in small letters.", metavar="NAME")],
    folder: Annotated[Path, typer.Option(help="Where to write.", metavar="DIR")] = Path("."),
) -> None:
    """Write a world of your own: its file, its test and its config, complete as they stand."""
    with at_terminal() as console:
        from evolearn.world import new_world

        made = new_world(name, folder)
        for path, what in made.items():
            print_line(console, f"Wrote {path}: {what}")
        console.print("Next: look whether it keeps the contract and what it asks for, test it, evolve in it:")
        steps = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
        steps += [
            f"evolearn worlds check {name}.py:{name} --config {name}.yaml --quick",
            f"pytest test_{name}.py  # after pip install pytest",
            f"evolearn run {name}.yaml",
        ]
        for step in steps:
            print_line(console, f"  {step}")


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
    with at_terminal() as console:
        settings = list(overrides or [])
        expect_wait(console)
        from evolearn.testing import calibrate, calibration_config, calibration_file, cut_short, inspect_world

        run = calibration_config(name, config, settings)
        run = cut_short(run) if quick else run
        with CheckScreen(console) as screen:
            report = inspect_world(run, progress=screen.checking)
        print_report(console, report)
        if report.failures:
            console.print(Text("\nNot calibrated: correct what fails, and check again."))
            raise typer.Exit(EXIT_USER_ERROR)
        console.print()
        with CheckScreen(console) as screen:
            calibration = calibrate(run, worker_count(console, workers), screen, quick)
        print_line(console, what_is_calibrated(run, calibration_file(name, config)))
        print_calibration(console, calibration)


def print_world(console: Console, name: str, world: Declaration) -> None:
    """Print a world's description, observations, actions, senses and parameters."""
    from evolearn.world import Discrete, World

    console.print(Text(unwrapped(inspect.cleandoc(world.doc))))
    console.print()
    _print_signals(console, "observations", world.observations)
    actions = world.actions
    first = actions.start if isinstance(actions, Discrete) else 0
    names = actions.names or tuple(f"action {first + place}" for place in range(world.action_outputs))
    kind = "one of" if isinstance(actions, Discrete) else "a number in -1 .. 1 for each of"
    console.print(Text.assemble(("actions  ", "bold"), f"{kind}: {', '.join(names)}"))
    console.print()
    _print_signals(console, "senses, which drives may weigh", world.senses)
    if world.parameters:
        table = _table("parameters", "default", "range", "unit", "")
        for parameter in world.parameters:
            span = f"{parameter.low:g} .. {parameter.high:g}" + (", whole" if parameter.whole else "")
            table.add_row(parameter.name, f"{parameter.default:g}", span, parameter.unit, parameter.doc)
        console.print(table)
        console.print()
    console.print(Text.assemble(("life fitness  ", "bold"), world.fitness_rule))
    death = "is a death: a birth score is of the first body alone" if world.termination_is_death else "is no death"
    console.print(Text.assemble(("termination   ", "bold"), death))
    drawn = "drawn" if isinstance(world, World) and world.draw is not None else "not drawn: its observations by age"
    console.print(Text.assemble(("in replays    ", "bold"), drawn))
    console.print(Text(f"\nIn a config:  world: {{name: {name}}}"))


def unwrapped(text: str) -> str:
    """Text whose paragraphs are a line each, to be wrapped anew; lists and indented lines stay as they are."""
    lines: list[str] = []
    joins = False
    for line in text.splitlines():
        is_plain = bool(line) and not line[0].isspace() and not _LISTED.match(line)
        if joins and is_plain:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        joins = is_plain
    return "\n".join(lines)


def _print_signals(console: Console, title: str, signals: Sequence[Signal]) -> None:
    if not signals:
        return
    table = _table(title, "unit", "")
    for signal in signals:
        table.add_row(signal.name, signal.unit, signal.doc)
    console.print(table)
    console.print()


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title)
    return table


def print_report(console: Console, report: Report) -> None:
    """Every check with its outcome, every failure, every note."""
    from evolearn.testing import CHECKS

    failed = {failure.check for failure in report.failures}
    for check, what in CHECKS.items():
        if check in report.checked:
            word, style = ("FAILS", "bold red") if check in failed else ("ok", "green")
            console.print(Text.assemble((f"  {word:<6}", style), f"{check}: {what}"))
    for failure in report.failures:
        console.print()
        print_line(console, str(failure))
    for note in report.notes:
        console.print()
        console.print(Text(f"Note: {note}"))


class CheckScreen(Screen):
    """What is being checked or lived."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        super().__init__(console, SpinnerColumn(), "{task.description}")
        self._arm, self._generations = "", 0

    def close(self) -> None:
        """Leave the terminal as it was; where lines stay, what came of it stands apart from them."""
        super().close()
        self.log("")

    def checking(self, text: str) -> None:
        """Something is being checked."""
        self._step(f"Checking: {text}")

    def evolving(self, arm: str, generations: int) -> None:
        """The evolution of an arm begins."""
        self._arm, self._generations = arm, generations
        self._step(f"Evolution: {LABELS[arm]}, {generations} generations")

    def made(self, generation: Generation) -> None:
        """A generation is finished."""
        done = f"generation {generation.generation + 1} of {self._generations}"
        self.draw(description=f"Evolution: {LABELS[self._arm]}, {done}")

    def judging(self, arm: str) -> None:
        """An arm is about to live."""
        self._step(f"Validation lives: {LABELS[arm]}")

    def _step(self, text: str) -> None:
        self.log(text)
        self.draw(description=text)


def what_is_calibrated(config: RunConfig, file: Path | None) -> str:
    """World, parameters that are not the defaults, and where the settings come from, in a line.

    Args:
        config: of a run there.
        file: where the settings come from, `evolearn.testing.calibration_file`.
    """
    from evolearn.config import shipped_configs
    from evolearn.world import find_world

    world = find_world(config.world.full_name)
    default = {parameter.name: parameter.default for parameter in world.parameters}
    values = world.resolve(config.world.parameters)
    different = [f"{name} = {value:g}" for name, value in values.items() if value != default[name]]
    if file is None:
        return ", ".join([f"World {config.world.full_name}", *different, "settings suited to any world of its kind"])
    shipped = {path: f"configs/{name}.yaml" for name, path in shipped_configs().items()}
    source = shipped.get(file, str(file))
    return ", ".join([f"World {config.world.full_name}", *different, f"settings from {source}"])


def _share(value: float) -> str:
    """A share in a cell; how far below 0 it is says nothing."""
    return "< 0" if round(value, 2) < 0 else f"{abs(value):.2f}"


def print_calibration(console: Console, calibration: Calibration) -> None:
    """The table, the reading, and what neither says."""
    from evolearn.testing import shares_of_oracle

    share = shares_of_oracle(calibration)
    columns = [f"{lifetime:,} steps" for lifetime in calibration.lifetimes]
    of = "; share: from random, 0, to oracle, 1, over the whole life" if share else ""
    of += "; < 0: worse than random" if any(_share(value) == "< 0" for value in share.values()) else ""
    table = arms_table(
        f"Life fitness ({calibration.rule}) over the beginning of {calibration.lives} lives",
        f"± half the 95% interval over lives{of}",
        (*columns, *(("share",) if share else ())),
    )
    largest = max(abs(score.mean) for row in calibration.rows for score in row.scores)
    digits = 1 if largest >= 10 else 3 if largest >= 0.1 else 4
    for row in calibration.rows:
        cells = [f"{score.mean:.{digits}f} ± {1.96 * score.error:.{digits}f}" for score in row.scores]
        table.add_row(
            LABELS[row.arm], *cells, *((_share(share[row.arm]),) if share else ()),
        )  # fmt: skip
    console.print(table)
    reading = calibration.reading
    rough = "At a rough look, " if calibration.quick else ""
    verdict = reading.verdict if rough else reading.verdict[0].upper() + reading.verdict[1:]
    console.print(Text.assemble((f"{rough}{verdict}", "bold"), f": {reading.because}."))
    console.print(
        Text(
            f"One evolution run with learning and one without, {calibration.evolution_steps:,} world steps; intervals "
            "are over lives, not over runs. The blank slate learns as published, untuned. A study decides."
            + (" --quick cut search and lives short: what it did not find may be there." if calibration.quick else "")
        )
    )

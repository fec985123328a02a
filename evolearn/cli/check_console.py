"""A check of a world in a terminal: what holds, what fails and where to look; the calibration table and its reading."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from evolearn.cli.show_run import ARM_LABELS, arms_table
from evolearn.config import RunConfig, shipped_configs
from evolearn.run import Generation
from evolearn.testing import CHECKS, Calibration, Report, shares_of_oracle
from evolearn.world import find_world

LABELS = {**ARM_LABELS, "instinct": "evolved, no learning", "evolved": "evolved, learning"}


def print_report(console: Console, report: Report) -> None:
    """Every check with its outcome, every failure, every note."""
    failed = {failure.check for failure in report.failures}
    for check, what in CHECKS.items():
        if check in report.checked:
            word, style = ("FAILS", "bold red") if check in failed else ("ok", "green")
            console.print(Text.assemble((f"  {word:<6}", style), f"{check}: {what}"))
    for failure in report.failures:
        console.print()
        console.print(Text(str(failure)), soft_wrap=True)
    for note in report.notes:
        console.print()
        console.print(Text(f"Note: {note}"))


class CheckDisplay:
    """Progress of a check: a line redrawn in place in a terminal, lines anywhere else."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        self._console = console
        self._progress = Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True)
        self._task = self._progress.add_task("", total=None)
        self._arm, self._generations = "", 0

    def checking(self, text: str) -> None:
        """Something is being checked."""
        self._say(f"Checking: {text}")

    def evolving(self, arm: str, generations: int) -> None:
        """The evolution of an arm begins."""
        self._arm, self._generations = arm, generations
        self._say(f"Evolution: {LABELS[arm]}, {generations} generations")

    def made(self, generation: Generation) -> None:
        """A generation is finished."""
        done = f"Evolution: {LABELS[self._arm]}, generation {generation.generation + 1} of {self._generations}"
        self._progress.update(self._task, description=done)

    def judging(self, arm: str) -> None:
        """An arm is about to live."""
        self._say(f"Validation lives: {LABELS[arm]}")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def _say(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(Text(text))
            return
        self._progress.update(self._task, description=text)
        self._progress.start()


def what_is_calibrated(config: RunConfig, file: Path | None) -> str:
    """World, parameters that are not the defaults, and where the settings come from, in a line.

    Args:
        config: of a run there.
        file: from `evolearn.testing.calibration.settings_file`.
    """
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

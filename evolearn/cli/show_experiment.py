"""What a replication looks like: how far an experiment is, and its bands at the end."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn
from rich.table import Table
from rich.text import Text

from evolearn.cli.screen import Screen
from evolearn.cli.terminal import print_line, shown
from evolearn.experiments import EXPERIMENTS, settings_of
from evolearn.files import read_json
from evolearn.report import band_value, cost_in_words
from evolearn.study.bands import ExperimentConfig
from evolearn.verdict import CLAIM_RUNS

_COLOURS = {"reproduced": "green", "not reproduced": "red", "not measured": "red"}


class ExperimentScreen(Screen):
    """One bar; now and then a line where there is no terminal."""

    def __init__(self, console: Console) -> None:
        """Show on `console`, from now on."""
        columns = (BarColumn(bar_width=32), TaskProgressColumn())
        super().__init__(console, "{task.description}", *columns, description="experiment", total=1.0)
        self.draw()

    def done(self, share: float) -> None:
        """Fill the bar so far."""
        self.now_and_then(f"{share:.0%} done")
        self.draw(completed=share)


def print_experiment_plan(console: Console, config: ExperimentConfig) -> None:
    """What an experiment will do."""
    experiment = EXPERIMENTS[config.experiment]
    settings = settings_of(config)
    units = experiment.units(settings, config.runs)
    exploratory = "" if units >= CLAIM_RUNS else f" Fewer than {CLAIM_RUNS} repetitions: exploratory."
    for line in (
        config.title or config.experiment,
        experiment.plan(settings, config.runs) + exploratory,
        "Minutes at most, so that there is nothing to resume. Bands, fixed by now:",
        *config.replication.bands_in_words,
    ):
        console.print(Text(line))


def print_replication(console: Console, replication: dict[str, Any]) -> None:
    """Every band, what was published, what came out here; and what comes of it in a line."""
    console.print()
    console.print(Text(f"Replication of {replication['about']['paper']}"))
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False)
    for column in ("what", "published", "band", "here"):
        table.add_column(column)
    table.add_column("judgement", no_wrap=True)
    for band in replication["bands"]:
        judgement = band["judgement"]
        words = judgement + (" (not counted)" if band["band"] and not band["accept"] else "")
        here = band_value(band) + (f", {band['note']}" if band["note"] else "")
        cells = [Text(text) for text in (band["name"], band["published"] or "-", band["band"] or "none", here)]
        table.add_row(*cells, Text(words, style=_COLOURS.get(judgement, "")))
    console.print(table)
    console.print(Text(f"Cost: {cost_in_words(replication['cost'])}."))
    console.print(Text(replication["judgement"]["sentence"], style="bold"))


def print_experiment(console: Console, directory: Path) -> None:
    """What came of an experiment, from its files; where everything is, and what to do next."""
    directory = shown(directory)
    replication = read_json(directory / "replication.json")
    print_replication(console, replication)
    print_line(console, f"Experiment directory: {directory}")
    print_line(console, f"  The page: {directory / 'report' / 'index.html'}")
    console.print(Text("  replication.json: bands, values, what the page draws"))
    again = f"evolearn study {shlex.quote(str(directory / 'experiment.yaml'))} seed={replication['seed'] + 1}"
    print_line(console, f"Next, under another seed: {again}")

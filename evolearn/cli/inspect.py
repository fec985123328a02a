"""The command that inspects DNA, and what it prints. No heavy imports at the top."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TimeElapsedColumn
from rich.text import Text

from evolearn.cli.opening import open_dna
from evolearn.cli.screen import Screen
from evolearn.cli.terminal import (
    Trust,
    Workers,
    at_terminal,
    expect_wait,
    listen,
    naming,
    print_line,
    shown,
    worker_count,
)

if TYPE_CHECKING:
    from evolearn.inspection import Answer
    from evolearn.report import Section

SENTENCES_SHOWN = 4  # of a section


def inspect(
    run: Annotated[
        Path, typer.Argument(help="A run directory, a DNA file, or a name in the zoo: zoo/foal.", metavar="RUN|DNA")
    ],
    other: Annotated[
        Path | None, typer.Argument(help="Another one: compare the two.", metavar="OTHER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The directory to write; an earlier inspection of the same DNA there is made anew.",
            show_default="RUN/inspection; NAME-inspection for DNA outside of a run",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A rough look, in seconds instead of minutes.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            help="Only these sections, with commas: genes, weights, drives, repertoire, memory, "
            "lesions, landscape, lineage.",
            show_default=False,
            metavar="SECTIONS",
        ),
    ] = None,
    lifetime: Annotated[
        int | None,
        typer.Option(help="World steps of a life; as evolution selected on if not given.", show_default=False),
    ] = None,
    age: Annotated[
        int | None,
        typer.Option(help="Lesions at this age too, in world steps, beside those at birth.", show_default=False),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Write the figures for papers too.")] = False,
    workers: Workers = None,
    trust: Trust = False,
) -> None:
    """Look into DNA: genes, weights, drives, innate repertoire, memory, lesions, landscape and lineage, on one page."""
    with at_terminal() as console, naming(console, run if other is None else Path(f"{run} or {other}"), trust):
        expect_wait(console)
        from evolearn.inspection import Wishes, compare_dna, inspect_dna

        # A comparison asks for the worlds while it draws its bar.
        open_dna(console, run, other, admit=other is not None)
        wishes = Wishes(quick, tuple(only.split(",")) if only is not None else (), lifetime, age, figures)
        count = worker_count(console, workers)
        with InspectScreen(console) as screen:
            listen(console)
            if other is None:
                inspected = inspect_dna(run, wishes, out, count, screen)
            else:
                inspected = compare_dna(run, other, wishes, out, count, screen)
        print_sections(console, inspected.sections, inspected.page)
        for fault in inspected.faults:
            traceback.print_exception(fault)
        if inspected.faults:
            raise typer.Exit(1)


class InspectScreen(Screen):
    """A bar for the section that is being made, and a line for each that is."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        super().__init__(
            console, SpinnerColumn(), "{task.description}", BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
        )

    def starting(self, title: str) -> None:
        """A section is about to be made."""
        self.draw(anew=True, description=title)

    def progress(self, done: int, of: int) -> None:
        """How far the section is."""
        self.draw(completed=done, total=of)

    def finished(self, answer: Answer) -> None:
        """A section is made, or missing."""
        self.say(f"{answer.title}: " + (f"missing: {answer.missing}" if answer.missing else f"{answer.seconds:.1f} s"))


def print_sections(console: Console, sections: Sequence[Section], page: Path) -> None:
    """The first sentences of every section, and where the page is.

    Args:
        console: the terminal.
        sections: in the order of the page.
        page: its file.
    """
    for section in sections:
        console.print()
        console.print(Text(section.title, style="bold"))
        if section.missing:
            print_line(console, f"Missing: {section.missing}", "yellow")
        for sentence in section.sentences[:SENTENCES_SHOWN]:
            print_line(console, f"  {sentence}")
        more = len(section.sentences) - SENTENCES_SHOWN
        if more > 0:
            console.print(Text(f"  and {more} more on the page", style="dim"))
    console.print()
    print_line(console, f"The page: {shown(page)}")

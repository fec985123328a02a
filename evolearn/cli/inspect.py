"""An inspection in a terminal: how far each section is, then what they say, and where the page is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from evolearn.inspection import Answer
from evolearn.report import Section

SENTENCES_SHOWN = 4  # of a section


class InspectDisplay:
    """Progress of an inspection: a bar redrawn in place in a terminal, a line for each section anywhere else."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._progress.add_task("", total=None)

    def starting(self, title: str) -> None:
        """A section is about to be made."""
        if self._console.is_terminal:
            self._progress.start()
            self._progress.reset(self._task, total=None, description=title)

    def progress(self, done: int, of: int) -> None:
        """How far the section is."""
        self._progress.update(self._task, completed=done, total=of)

    def finished(self, answer: Answer) -> None:
        """A section is made, or missing."""
        text = f"missing: {answer.missing}" if answer.missing else f"{answer.seconds:.1f} s"
        self._say(f"{answer.title}: {text}")

    def warning(self, text: str) -> None:
        """A line of its own."""
        self._say(f"Warning: {text}")

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._console.is_terminal:
            self._progress.stop()

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


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
            console.print(Text(f"Missing: {section.missing}", style="yellow"), soft_wrap=True)
        for sentence in section.sentences[:SENTENCES_SHOWN]:
            console.print(Text(f"  {sentence}"), soft_wrap=True)
        more = len(section.sentences) - SENTENCES_SHOWN
        if more > 0:
            console.print(Text(f"  and {more} more on the page", style="dim"))
    console.print()
    console.print(Text(f"The page: {page}"), soft_wrap=True)

"""What a command shows while it works: lines that stay, and in a terminal a bar below them, redrawn in place."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from evolearn.cli.terminal import insist, shortened

if TYPE_CHECKING:
    from evolearn.life import ClusterStatus, Effort

LINE_EVERY = 20.0  # seconds between two lines of `now_and_then`


class Screen:
    """What every command's own screen is made of. Where there is no terminal, lines take the place of the bar."""

    def __init__(
        self, console: Console, *columns: ProgressColumn | str, description: str = "", total: float | None = None
    ) -> None:
        """Show on `console`.

        Args:
            console: a terminal, or anything else.
            columns: of the bar; `{task.fields[left]}` is how long the rest will take.
            description: of the bar, to begin with.
            total: at which the bar is full; None: not known.
        """
        self.console = console
        self._bar = _Bar(self, *columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(description, total=total, left="")
        self._said = time.monotonic()
        self._cluster = ""  # how it is doing
        self._waited = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop drawing and leave the terminal as it was."""
        self._bar.stop()

    def above(self) -> RenderableType | None:
        """What is redrawn above the bar."""
        return None

    def below(self) -> RenderableType | None:
        """What is redrawn below the bar: how the cluster is doing."""
        return Text(self._cluster, style="dim") if self._cluster else None

    def say(self, text: str, style: str = "", wrapped: bool = False) -> None:
        """A line that stays, in one piece; in a terminal `wrapped` between words if so asked."""
        self._said = time.monotonic()
        self.console.print(Text(text, style=style), soft_wrap=not (wrapped and self.console.is_terminal))

    def log(self, text: str) -> None:
        """A line where there is no terminal, which shows the same by its bar."""
        if not self.console.is_terminal:
            self.say(text)

    def now_and_then(self, text: str) -> None:
        """The same, if nothing was said for a while."""
        if time.monotonic() - self._said >= LINE_EVERY:
            self.log(text)

    def draw(self, *, anew: bool = False, **what: Any) -> None:
        """Change the bar, and begin to draw it if it is not drawn yet: work goes on, unless it was to stop.

        Args:
            anew: count the time from now on.
            what: fields of rich's task: description, completed, total, and left.
        """
        insist(self.console)
        (self._bar.reset if anew else self._bar.update)(self._task, **what)
        self._bar.start()

    def preparing(self, what: str) -> None:
        """What takes its time before there is anything to count."""
        self.log(f"{what[:1].upper()}{what[1:]} ..")
        self.draw(description=what)

    def warning(self, text: str) -> None:
        """Something that a user should know."""
        self.say(f"Warning: {shortened(text)}", "yellow", wrapped=True)

    def notice(self, text: str) -> None:
        """Something worth knowing."""
        self.say(text, wrapped=True)

    def cluster(self, status: ClusterStatus) -> None:
        """How the cluster is doing; where there is no terminal, only that it lets the work wait."""
        if status.waiting and not self._waited:
            self.log(f"Waiting: {status.waiting}")
        self._waited = bool(status.waiting)
        self._cluster = cluster_line(status)


class _Bar(Progress):
    """A bar with something above it and below."""

    def __init__(self, screen: Screen, *columns: ProgressColumn | str, **how: Any) -> None:
        self._screen = screen
        super().__init__(*columns, **how)

    def get_renderables(self) -> Iterable[RenderableType]:
        if not self.tasks:  # rich asks once while this is being made
            return []
        parts = (self._screen.above(), self.make_tasks_table(self.tasks), self._screen.below())
        return [part for part in parts if part is not None]


def cluster_line(status: ClusterStatus) -> str:
    """How a cluster is doing, in one line."""
    parts = [
        f"{counted(status.hosts, 'host')}, {counted(status.cores, 'core')}, "
        f"{counted(status.in_flight, 'task')} in flight"
    ]
    return "cluster: " + ", ".join([*parts, *accidents(status)]) + (f"; {status.waiting}" if status.waiting else "")


def accidents(counts: ClusterStatus | Effort) -> list[str]:
    """What went wrong and was mended, a text for each kind that there was."""
    kinds = (
        (counts.retries, "task done again"),
        (counts.lost_workers, "worker lost"),
        (counts.lost_hosts, "host lost"),
    )
    return [counted(number, name) for number, name in kinds if number]


def counted(number: int, name: str) -> str:
    """A number of things, the first word of whose name takes the plural."""
    first, space, rest = name.partition(" ")
    return f"{number} {first}{'' if number == 1 else 's'}{space}{rest}"

"""What all commands share: the terminal as it is, exit codes, and how what users can cause becomes text."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from evolearn.errors import UserError

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Threads for compiled worlds, processes for Gymnasium, cores of a cluster; all there are if not given. "
        "Changes speed only, never results.",
        show_default=False,
    ),
]


def new_console() -> Console:
    """The terminal as it is; a file or a pipe gets lines wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


class Errors:
    """Turn what users can cause into text and an exit code; anything else stays a traceback."""

    def __init__(self, console: Console) -> None:
        """Show on `console` what is no error."""
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
            leave(EXIT_INTERRUPTED)
        if isinstance(error, UserError):
            Console(stderr=True).print(Text(f"Error: {error}"), soft_wrap=True)
            leave(EXIT_USER_ERROR)


def leave(code: int) -> NoReturn:
    """End at once: a thread in a world that hangs must not keep the program."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def expect_wait(console: Console) -> None:
    """Say that the first moments are slow."""
    if console.is_terminal:
        console.print("Loading; the first run on a machine compiles for about half a minute.", style="dim")


def worker_count(console: Console, asked: int | None) -> int:
    """How many workers to use, and a word on too many."""
    cores = os.cpu_count() or 1
    if asked is not None and asked > cores:
        console.print(f"--workers {asked}: more than the {cores} cores here; accepted, but it will not be faster.")
    return asked or cores


def enter_portable_mode_for(config: Path, overrides: Sequence[str] = ()) -> None:
    """Enter portable mode if a config, or that of a run or study directory, asks for it; before heavy imports."""
    from evolearn.config import wants_portable_mode
    from evolearn.numerics import portable

    if wants_portable_mode(config, overrides):
        portable.enter()

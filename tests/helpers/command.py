"""Commands as a user gives them: in this process, or started in one of their own."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from evolearn.cli.app import app


class Done(NamedTuple):
    """How a command ended; called as `subprocess` calls it."""

    returncode: int
    stdout: str
    stderr: str


def evolearn(*arguments: object, folder: Path | None = None) -> Done:
    """Give a command in this process; an exception that users cannot cause is raised, not printed.

    Not for worlds that hang, which keep a thread of it.
    """
    with contextlib.chdir(folder or Path()):
        done = CliRunner().invoke(app, [str(one) for one in arguments], prog_name="evolearn", catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def line_of(*arguments: object) -> list[str]:
    """The line that starts a command in a process of its own, its output unbuffered."""
    return [sys.executable, "-u", "-m", "evolearn.cli.app", *map(str, arguments)]


def started(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Give a command in a process of its own: seconds, so only for what a process does."""
    return subprocess.run(line_of(*arguments), capture_output=True, text=True, cwd=folder, timeout=300)

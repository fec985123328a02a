"""What a check of a world can find: the table of checks; a failure: what was expected, what came, where to look."""

from __future__ import annotations

import dataclasses
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

# What each check has seen to hold when nothing is found; the order in which they are shown.
CHECKS: Mapping[str, str] = {
    "declaration": "names, units and sizes fit each other",
    "gymnasium": "passes Gymnasium's own checker",
    "compiles": "every function compiles",
    "runs": "no function raises, whatever the actions",
    "written": "every entry of every array is written in every call",
    "finite": "every observation, sense and fitness is finite",
    "read-only": "no function changes what it may only read",
    "nothing hidden": "what was lived before makes no difference",
    "same key, same life": "also in another process, with other hashes",
    "ends": "every call returns; no episode both terminates and is truncated",
    "train and test": "test lives are not the training lives",
    "as in plain Python": "compiled and uncompiled code agree to rounding",
    "oracle": "the oracle does no worse than uniform actions",
    "drawing": "the same kinds of shapes in every frame",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One failure of one check."""

    check: str  # a name in CHECKS
    what: str  # in a line
    expected: str
    came: str
    where: str  # file, line and function to look at

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.what}"]
        for name, text in (("expected", self.expected), ("came", self.came), ("look at", self.where)):
            lines.append(f"  {name + ':':<10}" + text.replace("\n", "\n" + " " * 12))
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Report:
    """What a check of a world came to."""

    world: str  # its name
    failures: tuple[Finding, ...]
    notes: tuple[str, ...]  # worth knowing, and no failures
    checked: tuple[str, ...]  # names in CHECKS of what could be looked at

    def __str__(self) -> str:
        count = len(self.failures)
        head = f"world {self.world}: {count} {'failure' if count == 1 else 'failures'}"
        return "\n\n".join([head, *(str(failure) for failure in self.failures)])


class Findings:
    """Failures and notes as they come; the first failure of a check in a function stands for all of them."""

    def __init__(self) -> None:
        self.failures: dict[tuple[str, str], Finding] = {}
        self.notes: dict[str, None] = {}  # an ordered set
        self.checked: dict[str, None] = {}

    def fail(self, check: str, topic: str, what: str, expected: str, came: str, where: str) -> None:
        """Write down a failure, unless the check has found one in the same `topic` already."""
        self.failures.setdefault((check, topic), Finding(check, what, expected, came, where))

    def note(self, text: str) -> None:
        """Write down something worth knowing, once."""
        self.notes[text] = None

    def looked_at(self, *checks: str) -> None:
        """Write down that these checks could be made."""
        for check in checks:
            self.checked[check] = None

    def join(self, others: Findings) -> None:
        """Add what another process found, but for what is known."""
        for key, finding in others.failures.items():
            self.failures.setdefault(key, finding)
        self.notes |= others.notes
        self.checked |= others.checked

    def report(self, world: str) -> Report:
        """Everything, in the order of CHECKS."""
        order = list(CHECKS)
        failures = sorted(self.failures.values(), key=lambda finding: order.index(finding.check))
        looked = {*self.checked, *(finding.check for finding in failures)}
        checked = tuple(check for check in order if check in looked)
        return Report(world, tuple(failures), tuple(self.notes), checked)


def place_of(function: Callable[..., Any]) -> str:
    """File, line and name of a function, compiled or not."""
    code = getattr(getattr(function, "py_func", function), "__code__", None)
    if code is None:
        return repr(function)
    return f"{shown_path(code.co_filename)}, line {code.co_firstlineno}, in {code.co_name}"


def place_in_traceback(frames: Iterable[traceback.FrameSummary], file: str) -> str | None:
    """The innermost place in `file` among the frames of an error; None if there is none."""
    theirs = [frame for frame in frames if os.path.realpath(frame.filename) == os.path.realpath(file)]
    if not theirs:
        return None
    frame = theirs[-1]
    return f"{shown_path(frame.filename)}, line {frame.lineno}, in {frame.name}: {frame.line}"


def shown_path(file: str) -> str:
    """A file's path, from the current folder if it is below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

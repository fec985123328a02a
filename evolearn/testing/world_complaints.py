"""What a life in a world complains of: the texts of every promise of the contract that was not kept."""

from __future__ import annotations

import math
import traceback
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.testing.findings import Findings, place_in_traceback, place_of
from evolearn.world import Signal, World

FloatArray = npt.NDArray[np.float32]

# What each function may only read, in the words of the contract.
MAY_ONLY_READ = {
    "born": ("parameters",),
    "begin": ("parameters",),
    "observe": ("state", "parameters"),
    "step": ("parameters", "action"),
    "oracle": ("state", "parameters"),
    "draw": ("state", "parameters"),
}


class Progress:
    """What a life is doing at this moment, for those who watch whether it stands still."""

    def __init__(self) -> None:
        self.function = ""  # none: no world is at work
        self.life = 0
        self.t = 0
        self.calls = 0


class Complaints:
    """Writes down what is wrong in a life that is under way."""

    def __init__(self, world: World, findings: Findings, progress: Progress) -> None:
        """Complain of `world` to `findings`; `progress` says which life and step it is."""
        self.world = world
        self.findings = findings
        self.progress = progress

    def judge_filled(
        self, name: str, array: str, signals: tuple[Signal, ...], values: FloatArray, untouched: npt.NDArray[np.bool_]
    ) -> None:
        """Complain of entries of an array that a function left as they were, or filled with what is not finite."""
        for place in np.flatnonzero(untouched):
            self.fail(
                "written",
                f"{name} {place}",
                f"{name} leaves {array}[{place}] ({signals[place].name}) as it was",
                f"every entry of {array} is written in every call: 0 .. {len(signals) - 1}",
                f"entry {place} was not written ({self.when})",
                function=name,
            )
        for place in np.flatnonzero(~np.isfinite(values) & ~untouched):
            self.fail(
                "finite",
                f"{name} {place}",
                f"{array}[{place}] ({signals[place].name}) is {values[place]}",
                "a finite number",
                f"{values[place]} ({self.when})",
                function=name,
            )

    def judge_step(self, fitness: float, terminated: bool, truncated: bool) -> None:
        """Complain of fitness that is not finite, and of an episode that ends in two ways."""
        if not math.isfinite(fitness):
            what = f"step returns fitness {fitness}"
            self.fail("finite", "fitness", what, "a finite number", f"{fitness} ({self.when})", function="step")
        if terminated and truncated:
            self.fail(
                "ends",
                "both",
                "an episode is terminated and truncated in the same step",
                "terminated: the world ended it, nothing follows; truncated: only the clock did; never both",
                f"True, True ({self.when})",
                function="step",
            )

    def raised(self, name: str, error: Exception) -> None:
        """Complain of an exception."""
        beyond = " (arrays end before that index)" if isinstance(error, IndexError) else ""
        self.fail(
            "drawing" if name == "draw" else "runs",
            name,
            f"{name} raises {type(error).__name__}",
            "no exception, whatever the actions",
            f"{type(error).__name__}: {error}{beyond} ({self.when})",
            self.line(error, name),
            name,
        )

    def line(self, error: Exception, name: str) -> str | None:
        """The line of the world's file where an error comes from; None where compiled code does not know it."""
        file = self._function(name).__code__.co_filename
        return place_in_traceback(traceback.extract_tb(error.__traceback__), file)

    def wrote(self, name: str, word: str, where: str | None = None) -> None:
        """Complain of a function that changed what it may only read."""
        allowed = {"step": "state and senses", "observe": "observation", "oracle": "action", "draw": "nothing"}
        self.fail(
            "read-only",
            name,
            f"{name} changes {word}",
            f"{name} writes {allowed.get(name, 'the state')} only",
            f"{word} changed ({self.when})",
            where,
            name,
        )

    def differs(self, name: str, one: str, other: str) -> None:
        """Complain of a function that gave one result, and another from the same bytes."""
        self.fail(
            "nothing hidden",
            name,
            f"{name} gives different results from the same arguments",
            "state, parameters, action and rng decide all: no generator, counter or array of the world's own",
            f"{one}, and called again {other} ({self.when})",
            function=name,
        )

    def fail(
        self,
        check: str,
        topic: str,
        what: str,
        expected: str,
        came: str,
        where: str | None = None,
        function: str | None = None,
    ) -> None:
        """Write down a failure; `function` (or else `topic`) is the function to look at, unless `where` is known."""
        place = where or place_of(self._function(function or topic))
        self.findings.fail(check, topic, what, expected, came, place)

    def _function(self, name: str) -> Any:
        function = getattr(self.world, name)
        return getattr(function, "py_func", function)

    @property
    def when(self) -> str:
        """Which life and step it is."""
        return f"life {self.progress.life}, " + (f"step {self.progress.t}" if self.progress.t else "at birth")


def shortened(value: Any) -> str:
    """What a value looks like, in a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."

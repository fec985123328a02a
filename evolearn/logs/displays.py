"""Displays of runs and studies that write logs, and show what the display beneath them shows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from evolearn.logs.status import status_of
from evolearn.logs.writers import Place, Writer, open_writers
from evolearn.run import Generation, RunDirectory, Setup
from evolearn.study import Progress, open_study

Display = TypeVar("Display")
LOG = "log"  # the folder in a run's directory, or a study's


@contextlib.contextmanager
def logged_run(display: Display, kinds: Sequence[str]) -> Iterator[Display]:
    """The same display, which logs to ``RUN/log`` as well. What was logged is on disk at the end, however it comes.

    Args:
        display: shows the run.
        kinds: of `evolearn.logs.KINDS`; with none, it is the display itself.
    """
    if not kinds:
        yield display
        return
    logged = _LoggedRun(display, kinds)
    try:
        yield cast(Display, logged)
    finally:
        logged.close()


@contextlib.contextmanager
def logged_study(display: Display, kinds: Sequence[str]) -> Iterator[Display]:
    """The same display, which logs every evolution run to ``STUDY/log/CONDITION/ARM/run_NN`` as well.

    Args:
        display: shows the study.
        kinds: as for `logged_run`.
    """
    if not kinds:
        yield display
        return
    logged = _LoggedStudy(display, kinds)
    try:
        yield cast(Display, logged)
    finally:
        logged.close()


class _Logged:
    """What both have: writers, and a display for all that is not logged."""

    def __init__(self, display: Any, kinds: Sequence[str]) -> None:
        self._display = display
        self._kinds = kinds
        self._writers: list[Writer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._display, name)

    def _open(self, folder: Path, name: str, group: str | None, run: RunDirectory, first: int) -> None:
        earlier = [status_of(row) for row in run.rows() if row["generation"] < first]
        settings = run.read_config().model_dump(mode="json")
        self._writers = open_writers(self._kinds, Place(folder, name, group, settings), earlier)

    def _write(self, generation: Generation) -> None:
        for writer in self._writers:
            writer.write(status_of(generation.row()))

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers = []


class _LoggedRun(_Logged):
    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        self._display.starting(setup, directory, first)
        self._open(directory / LOG, directory.name, None, RunDirectory(directory), first)

    def made(self, generation: Generation) -> None:
        self._display.made(generation)
        self._write(generation)


class _LoggedStudy(_Logged):
    def __init__(self, display: Any, kinds: Sequence[str]) -> None:
        super().__init__(display, kinds)
        self._study = Path()
        self._job: Any = None

    def began(self, directory: Path) -> None:
        self._display.began(directory)
        self._study = directory

    def generation(self, progress: Progress, generation: Generation, generations: int) -> None:
        self._display.generation(progress, generation, generations)
        job = progress.job
        if job != self._job:
            self.close()
            self._job = job
            run = open_study(self._study).run(job.condition, job.arm, job.run)
            folder = self._study / LOG / run.path.relative_to(self._study / "runs")
            name = f"{job.condition}: {job.arm}, run {job.run + 1}"
            self._open(folder, name, self._study.name, run, generation.generation)
        self._write(generation)

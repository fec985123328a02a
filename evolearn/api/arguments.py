"""What functions of the API check of their arguments."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from evolearn.config import ConfigError
from evolearn.errors import RunDirectoryError
from evolearn.life import WorkerDied
from evolearn.world import Declaration, World

MOST_WORKERS = 4096
_GUARD = 'if __name__ == "__main__":'


def whole(name: str, value: Any, low: int, high: int) -> int:
    """An argument that is to be a whole number, Python's or NumPy's, as Python's.

    Raises:
        ConfigError: it is none, or out of its range; names the argument, its value and its range.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ConfigError(f"{name}={value!r}: must be a whole number, {low:,} to {high:,}")
    return int(value)


def truth(name: str, value: Any) -> bool:
    """An argument that is to be true or false, Python's or NumPy's, as Python's.

    Raises:
        ConfigError: it is neither; names the argument and its value.
    """
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(f"{name}={value!r}: must be True or False")
    return bool(value)


def check_workers(workers: Any) -> int | None:
    """The argument `workers`: how many, or None for as many as suit.

    Raises:
        ConfigError: it is out of range.
    """
    return None if workers is None else whole("workers", workers, 1, MOST_WORKERS)


def workers_for(world: Declaration, workers: int | None) -> int:
    """How many threads, or of a Gymnasium environment processes, live a world.

    Args:
        world: the one to be lived in.
        workers: as many as asked for. None: threads for all cores; and no process but this one, since a script that
            starts others must be written for it.
    Raises:
        ConfigError: this process is one that a script without the guard has just started, to run the script again.
    """
    if isinstance(world, World):
        return workers or os.cpu_count() or 1
    if workers is None or workers == 1:
        return 1
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(
            f"workers={workers}: the world {world.name} is lived in processes of its own, and each of them runs this "
            f"script from its beginning; put what the script does under `{_GUARD}`, or give workers=1"
        )
    return workers


@contextlib.contextmanager
def deaths_explained() -> Iterator[None]:
    """Say what a process that died may have died of, in a script.

    Raises:
        WorkerDied: as before, with one more cause to look at.
    """
    try:
        yield
    except WorkerDied as died:
        raise WorkerDied(
            f"{died}. A script that asks for more must do so under `{_GUARD}`, or each process runs it from its "
            "beginning, and ends so"
        ) from died


@contextlib.contextmanager
def refusals_in_python(what: str, remedy: str) -> Iterator[None]:
    """Say what to do, with the words of this API, when the disk refuses.

    Args:
        what: was to be written; begins the text.
        remedy: ends it.
    Raises:
        RunDirectoryError: in place of one that names options of the command line.
    """
    try:
        yield
    except RunDirectoryError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        reason = error.__cause__.strerror or error.__cause__
        raise RunDirectoryError(f"{what}: cannot be written: {reason}; {remedy}") from error.__cause__

"""Directories that are never written over."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

from evolearn.errors import RunDirectoryError

LABELS = ("run.json", "study.json")  # say what a directory is


def make_directory(name: str, out: Path | None) -> Path:
    """Make a new directory; an existing one is never written over.

    Args:
        name: used where `out` is not given: `runs/NAME-N` with the next free N.
        out: the directory to make.
    Raises:
        RunDirectoryError: it exists, or cannot be made.
    """
    if out is None:
        return make_next(Path("runs"), name)
    try:
        out.mkdir(parents=True)
    except FileExistsError as error:
        resumable = any((out / label).exists() for label in LABELS)
        remedy = f"evolearn resume {out} continues it" if resumable else "name another"
        raise RunDirectoryError(f"--out {out}: exists already, and runs are never overwritten; {remedy}") from error
    except OSError as error:
        raise RunDirectoryError(f"--out {out}: cannot be made: {error.strerror}; name another") from error
    return out


def make_next(folder: Path, name: str) -> Path:
    """Make `folder/NAME-N` with the next free N."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(len(list(folder.glob(f"{name}-*"))) + 1):
            path = folder / f"{name}-{number}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise RunDirectoryError(f"{folder}: cannot be made: {error.strerror}; choose another with --out") from error
    raise AssertionError("counting does not end")

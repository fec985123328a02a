"""Directories that are never written over."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from evolearn.errors import RunDirectoryError

LABELS = ("run.json", "study.json")  # say what a directory is
_DEEPEST = 256  # folders within each other


def make_directory(name: str, out: Path | None) -> Path:
    """Make a new directory; an existing one is never written over.

    Args:
        name: used where `out` is not given: `runs/NAME-N` with the next free N.
        out: the directory to make.
    Returns:
        Its absolute path: what lives in a world may take the process elsewhere.
    Raises:
        RunDirectoryError: it exists, or cannot be made.
    """
    if out is None:
        return make_next(Path("runs"), name)
    check_name(f"--out {out}", out)
    try:
        path = out.absolute()
        path.mkdir(parents=True)
    except FileExistsError as error:
        resumable = any((out / label).exists() for label in LABELS)
        remedy = f"evolearn resume {out} continues it" if resumable else "name another"
        raise RunDirectoryError(f"--out {out}: exists already, and runs are never overwritten; {remedy}") from error
    except OSError as error:
        raise RunDirectoryError(f"--out {out}: cannot be made: {error.strerror or error}; name another") from error
    return path


def make_next(folder: Path, name: str) -> Path:
    """Make `folder/NAME-N` with the next free N; its absolute path."""
    check_name(f"{folder / name}", folder / name)
    try:
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(len(list(folder.glob(f"{name}-*"))) + 1):
            path = folder / f"{name}-{number}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise RunDirectoryError(
            f"{folder}: cannot be made: {error.strerror or error}; choose another with --out"
        ) from error
    raise AssertionError("counting does not end")


def check_name(what: str, path: Path) -> None:
    """Refuse a name that no file can have, that no file can hold as text, or of too many folders.

    Args:
        what: begins the error.
        path: to be made.
    Raises:
        RunDirectoryError: it holds a zero byte, is not UTF-8, or is too deep.
    """
    shown = what.replace("\0", "?")
    if len(path.parts) > _DEEPEST:  # more than functions may call one another to make them
        raise RunDirectoryError(
            f"{shown[:200]}...: has {len(path.parts):,} folders within each other, at most {_DEEPEST} are made; name "
            "another"
        )
    if "\0" in str(path):
        raise RunDirectoryError(f"{shown}: holds a zero byte, which no name may; name another")
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RunDirectoryError(f"{shown}: is not text in UTF-8; name another") from error


@contextlib.contextmanager
def making(path: Path) -> Iterator[None]:
    """Fill a directory that was just made; if that fails, nothing is left of it."""
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise

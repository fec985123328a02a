"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from evolearn.errors import RunDirectoryError
from evolearn.files.directories import LABELS


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that is there, whole, when the block ends; what fails leaves nothing behind."""
    # A name that nobody else uses or foresees, made anew: never through a link, or into a pipe, that was put there.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, payload: bytes) -> None:
    """Write a whole file or none of it: a reader never sees half, and what fails leaves nothing behind."""
    with whole_file(path) as file:
        file.write(payload)


def json_text(content: Any, **how: Any) -> str:
    """JSON as everybody reads it: what is not finite, which it has no number for, as null.

    Args:
        content: what `json.dumps` takes.
        how: to lay it out, as `json.dumps` is told.
    """
    try:
        return json.dumps(content, allow_nan=False, **how)
    except ValueError:  # rare, and what is large is not to be copied for it
        return json.dumps(_nulled(content), allow_nan=False, **how)


def _nulled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _nulled(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_nulled(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Say what to do when the disk refuses.

    Args:
        directory: of a run or a study, or one within.
    Raises:
        RunDirectoryError: in the place of what the system says.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, IsADirectoryError):
            place = error.filename2 or error.filename or directory
            raise RunDirectoryError(f"{place}: is a directory, and a file is to be written there; remove it") from error
        reason = f"{directory}: cannot be written: {error.strerror or error}"
        if isinstance(error, FileNotFoundError):
            raise RunDirectoryError(
                f"{directory}: was removed while it was written; put it back and continue with evolearn resume, or "
                "begin again with another --out"
            ) from error
        resumable = next((one for one in (directory, *directory.parents) if _is_resumable(one)), None)
        if resumable is None:
            raise RunDirectoryError(
                f"{reason}; nothing is there yet that could be resumed: free space, or choose another --out, and begin "
                "again"
            ) from error
        raise RunDirectoryError(
            f"{reason}; what was written before is whole: free space and continue with evolearn resume {resumable}"
        ) from error


def _is_resumable(directory: Path) -> bool:
    return any((directory / label).is_file() for label in LABELS)

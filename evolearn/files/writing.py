"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evolearn.errors import RunDirectoryError


def write_whole(path: Path, payload: bytes) -> None:
    """Write a whole file or none of it: a reader never sees half, and what fails leaves nothing behind."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


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
def explained(path: Path) -> Iterator[None]:
    """Say what to do when the disk refuses."""
    try:
        yield
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot be written: {error.strerror}; what was written before is whole, free space and continue "
            "with evolearn resume, or choose another --out"
        ) from error

"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

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

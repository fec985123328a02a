"""Tables of names and values that hold the checksum of what they say: an altered one is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolearn.files.reading import FileDamaged, Model, check_record, read_bytes, read_json

SEAL = "sha256"  # the field that holds it


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same table with the checksum of all its other fields as `sha256`, its last.

    Args:
        content: what JSON can hold.
    """
    rest = {name: value for name, value in content.items() if name != SEAL}
    return {**rest, SEAL: _checksum(rest)}


def check_sealed(model: type[Model], content: Mapping[str, Any], path: Path, remedy: str = "") -> Model:
    """Check that a table is as it was sealed, and holds what it must; see `check_record`.

    Raises:
        FileDamaged: it was altered since, or does not fit the model.
    """
    if SEAL not in content:
        raise FileDamaged(f"{path}: is damaged: lacks {SEAL}" + (f"; {remedy}" if remedy else ""))
    if content[SEAL] != sealed(content)[SEAL]:
        why = "was altered since it was written: it does not match its checksum"
        raise FileDamaged(f"{path}: {why}" + (f"; {remedy}" if remedy else ""))
    return check_record(model, content, path, remedy)


def read_sealed(path: Path, model: type[Model], remedy: str = "") -> Model:
    """A file of JSON that was sealed; see `read_json` and `check_sealed`.

    Raises:
        FileMissing, FileDamaged: as there.
    """
    return check_sealed(model, read_json(path, remedy), path, remedy)


def sha256_of(path: Path, remedy: str = "") -> str:
    """SHA-256 of a file's bytes, hexadecimal; see `read_bytes`."""
    return sha256(read_bytes(path, remedy))


def sha256(payload: bytes) -> str:
    """SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def _checksum(content: Any) -> str:
    # Once through JSON: what is read back must have the same, and JSON's names are texts.
    plain = json.loads(json.dumps(content))
    return sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())

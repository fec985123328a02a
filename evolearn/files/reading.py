"""Files that somebody may have edited, cut off or swapped: read with bounds, and checked against what they must hold.

Only regular files are opened, no larger than is reasonable for their kind: a pipe would wait for ever, and a header
could ask for more memory than there is. Nothing in a file is ever run: JSON and safetensors are read as data.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import pydantic

from evolearn.errors import RunDirectoryError

if TYPE_CHECKING:
    import numpy as np

LARGEST = 1 << 32  # bytes of any file that is read whole; a larger one is none of ours
LARGEST_TEXT = 64 << 20  # bytes of a text
_DEEPEST = 100  # tables within tables
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # may be half a character
_LONGEST_HEADER = 64 << 20  # bytes of the header of a safetensors file
_LENGTH = 8  # bytes that say how long the header of a safetensors file is


class FileUnfit(RunDirectoryError):
    """A file that cannot be used; the text names it, what is wrong, and what to do."""


class FileMissing(FileUnfit):
    """A file that is not there."""


class FileDamaged(FileUnfit):
    """A file that is there and does not hold what it must."""


class Record(pydantic.BaseModel):
    """What a file of JSON must hold, field by field. Further fields are left alone; an integer is no boolean."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", strict=True)


Model = TypeVar("Model", bound=pydantic.BaseModel)


def read_bytes(path: Path, remedy: str = "", most: int = LARGEST) -> bytes:
    """All of a regular file.

    Args:
        path: of the file.
        remedy: how to get it again, for the error: "evolearn resume runs/a continues it".
        most: bytes that it may have.
    Raises:
        FileMissing: it is not there.
        FileDamaged: it is no regular file, is too large, or cannot be read.
    """
    with _regular(path, remedy) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise FileDamaged(_said(path, f"has {size:,} bytes, at most {most:,} are read", remedy))
        return file.read()


@contextlib.contextmanager
def _regular(path: Path, remedy: str) -> Iterator[BinaryIO]:
    """A regular file, open; what is none, or cannot be read, is refused."""
    try:
        # Not to wait for a pipe's other end.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileDamaged(_said(path, "is not a regular file", remedy))
            yield file
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(_said(path, "is missing", remedy)) from error
    except IsADirectoryError as error:
        raise FileDamaged(_said(path, "is a directory, not a file", remedy)) from error
    except OSError as error:
        raise FileDamaged(_said(path, f"cannot be read: {error.strerror}", remedy)) from error
    except ValueError as error:  # a zero byte in the name
        raise FileMissing(_said(path, f"is no name of a file ({error})", remedy)) from error


def read_text(path: Path, remedy: str = "", most: int = LARGEST_TEXT) -> str:
    """A text in UTF-8; see `read_bytes`.

    Raises:
        FileMissing, FileDamaged: as there, or it is not UTF-8.
    """
    try:
        return read_bytes(path, remedy, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileDamaged(_said(path, f"is not UTF-8 text (byte {error.start})", remedy)) from error


def parse_json(text: str | bytes) -> Any:
    """What a text in JSON holds.

    Raises:
        ValueError: it is not JSON, a name stands twice in a table, it is nested too deeply, a number is too long, or
            a text in it is none.
    """
    try:
        content = json.loads(text, object_pairs_hook=_table)
    except RecursionError as error:
        raise ValueError(f"nested more than {_DEEPEST} deep") from error
    if _depth(content) > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    if _SURROGATE.search(text if isinstance(text, str) else text.decode("utf-8")):
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("half a character (a lone surrogate)") from error
    return content


def read_json(path: Path, remedy: str = "", most: int = LARGEST_TEXT) -> dict[str, Any]:
    """A table of names and values; see `read_text`.

    Raises:
        FileMissing, FileDamaged: as there, or it is not such a table.
    """
    try:
        content = parse_json(read_text(path, remedy, most))
    except ValueError as error:
        raise FileDamaged(_said(path, f"is damaged: {error}", remedy)) from error
    if not isinstance(content, dict):
        raise FileDamaged(_said(path, f"is damaged: holds {_kind(content)}, not names with values", remedy))
    return content


def check_record(model: type[Model], content: Any, path: Path, remedy: str = "", where: str = "") -> Model:
    """Check what a file holds against what it must.

    Args:
        model: what it must hold.
        content: what it holds, parsed.
        path: of the file, for the error.
        remedy: how to get it again, for the error.
        where: place in the file, for the error: "row 3".
    Raises:
        FileDamaged: it does not fit; the first few fields are named.
    """
    try:
        return model.model_validate_json(json.dumps(content))
    except pydantic.ValidationError as error:
        problems = [_problem(problem) for problem in error.errors()]
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        place = f"{where}: " if where else ""
        raise FileDamaged(_said(path, f"is damaged: {place}{'; '.join(problems[:3])}{more}", remedy)) from error


def read_record(path: Path, model: type[Model], remedy: str = "", most: int = LARGEST_TEXT) -> Model:
    """A file of JSON as what it must hold; see `read_json` and `check_record`.

    Raises:
        FileMissing, FileDamaged: as there.
    """
    return check_record(model, read_json(path, remedy, most), path, remedy)


def read_tensor_labels(path: Path, remedy: str = "") -> dict[str, str]:
    """The labels (metadata) in the header of a safetensors file, without its tensors; imports nothing heavy.

    Raises:
        FileMissing, FileDamaged: it is not there, or not such a file.
    """
    with _regular(path, remedy) as file:
        length = file.read(_LENGTH)
        header = file.read(min(int.from_bytes(length, "little"), _LONGEST_HEADER + 1))
    return _labels(length + header, path, remedy)


def read_tensors(path: Path, remedy: str = "", most: int = LARGEST) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Labels and tensors of a safetensors file; the tensors can be written to.

    Raises:
        FileMissing, FileDamaged: it is not there, or not such a file.
    """
    import safetensors
    import safetensors.numpy

    payload = read_bytes(path, remedy, most)
    labels = _labels(payload, path, remedy)
    try:
        tensors = safetensors.numpy.load(payload)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise FileDamaged(_said(path, f"is not a safetensors file: {error}", remedy)) from error
    return labels, {name: tensor.copy() for name, tensor in tensors.items()}


def _labels(payload: bytes, path: Path, remedy: str) -> dict[str, str]:
    length = int.from_bytes(payload[:_LENGTH], "little")
    try:
        if length > _LONGEST_HEADER:
            raise ValueError(f"its header has {length:,} bytes, at most {_LONGEST_HEADER:,} are read")
        if len(payload) < _LENGTH + length:
            raise ValueError(f"{len(payload)} bytes hold no header of {length}")
        header = parse_json(payload[_LENGTH : _LENGTH + length])
        labels = header.get("__metadata__", {}) if isinstance(header, dict) else None
        if not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
            raise ValueError("its header is no table of tensors with labels of text")
    except ValueError as error:
        raise FileDamaged(_said(path, f"is not a safetensors file: {error}", remedy)) from error
    return labels


def _said(path: Path, problem: str, remedy: str) -> str:
    return f"{str(path).replace(chr(0), '?')}: {problem}" + (f"; {remedy}" if remedy else "")


def _kind(content: Any) -> str:
    return {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}.get(
        type(content), "nothing"
    )


def _problem(problem: Mapping[str, Any]) -> str:
    field = ".".join(str(place) for place in problem["loc"])
    if problem["type"] == "missing":
        return f"lacks {field}"
    shown = repr(problem["input"])
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    return f"{field}={shown}: {str(problem['msg']).replace('Input should be', 'must be')}"


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        twice = next(name for place, (name, _) in enumerate(pairs) if name in [earlier for earlier, _ in pairs[:place]])
        raise ValueError(f"{twice!r} stands twice")
    return table


def _depth(content: Any) -> int:
    deepest, todo = 0, [(content, 1)]
    while todo:
        item, depth = todo.pop()
        deepest = max(deepest, depth)
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        todo += [(value, depth + 1) for value in inner if isinstance(value, dict | list)]
    return deepest

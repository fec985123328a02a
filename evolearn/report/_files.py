"""Result files, read and checked: what is missing or damaged is said with the file's name and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evolearn import files
from evolearn.config import YamlError, parse_yaml as parsed
from evolearn.errors import UserError

Json = Mapping[str, Any]


class ReportError(UserError):
    """Results from which no page can be made; the text names the file and the remedy."""


def read_text(path: Path, remedy: str) -> str:
    """Read a text.

    Args:
        path: of the file.
        remedy: how to make it again, for the error.
    Raises:
        ReportError: it is missing or cannot be read.
    """
    try:
        return files.read_text(path, remedy)
    except files.FileUnfit as error:
        raise ReportError(str(error)) from error


def read_json(path: Path, remedy: str) -> Json:
    """Read a table of names and values.

    Args:
        path: of the file.
        remedy: how to make it again, for the error.
    Raises:
        ReportError: it is missing or damaged.
    """
    try:
        content = files.parse_json(read_text(path, remedy))
    except ValueError as error:
        raise ReportError(f"{path}: is damaged ({error}); {remedy}") from error
    if not isinstance(content, dict):
        raise ReportError(f"{path}: is damaged (not a table of names and values); {remedy}")
    return content


def read_record(path: Path, kind: str, version: int, remedy: str, made_by: str | None = None) -> Json:
    """Read a table of names and values that says what it is.

    Args:
        path: of the file.
        kind: what it must be.
        version: of its format, which it must have.
        remedy: how to make it again, for the error.
        made_by: version of evolearn, if known; for the error.
    Raises:
        ReportError: it is missing or damaged, something else, or of another format.
    """
    content = read_json(path, remedy)
    if content.get("kind") != kind:
        raise ReportError(f"{path}: says kind {content.get('kind')!r}, not {kind!r}; {remedy}")
    if content.get("format") != version:
        which = "" if made_by is None else f" (evolearn {made_by}, of the commit in environment.json)"
        raise ReportError(
            f"{path}: has format {content.get('format')}, this evolearn reads {version}; use the version that made it"
            f"{which}"
        )
    return content


def parse_yaml(path: Path, text: str, remedy: str) -> Json:
    """The table of names and values that a text in YAML holds.

    Args:
        path: of the file, for the error.
        text: what is in it.
        remedy: how to make it again, for the error.
    Raises:
        ReportError: it is damaged.
    """
    try:
        content = parsed(text)
    except YamlError as error:
        raise ReportError(f"{path}: is damaged ({error}); {remedy}") from error
    if not isinstance(content, dict):
        raise ReportError(f"{path}: is damaged (not a table of names and values); {remedy}")
    return content


def require(path: Path, content: Any, names: Iterable[str], remedy: str, where: str = "") -> None:
    """Check that a table has all of `names`.

    Args:
        path: of the file.
        content: the table, or what is in its place.
        names: that it must have.
        remedy: how to make the file again, for the error.
        where: place of the table in the file, for the error.
    Raises:
        ReportError: it lacks one.
    """
    for name in names:
        if not isinstance(content, dict) or name not in content:
            raise ReportError(f"{path}: is damaged (lacks {where}{name}); {remedy}")

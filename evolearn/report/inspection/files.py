"""What the page of an inspection is made from: inspection.json, read and checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from evolearn.config import shown
from evolearn.files import Record, check_record, read_json
from evolearn.report._files import Json, ReportError

INSPECTION_FILE = "inspection.json"
INSPECTION_FORMAT = 1  # of inspection.json; a change that old code cannot read raises it


class _Brain(Record):
    trunk: str
    hidden: list[int]
    observations: int
    actions: int
    policy: str


class _About(Record):
    """Whose DNA it is; what the page says of it."""

    name: str
    dna: str
    sha256: str
    role: str
    generation: int
    world: str
    world_summary: str
    parameters: dict[str, float]
    observations: list[str]
    units: list[str]
    actions: list[str]
    drives: list[str]
    seed: int
    algorithm: str
    generations: int
    population: int
    selection_lifetime: int
    lifetime: int
    birth_steps: int
    birth_lives: int
    lives: int
    extent: str
    age: int | None
    genes: int
    bits: int | None = None  # of all of them; not said of older ones
    brain: _Brain
    learner: str
    warning: str
    other: _About | None = None


class _Entry(Record):
    key: str
    title: str
    found: dict[str, Any] | None
    missing: str


class _Environment(Record):
    packages: dict[str, str | None]
    commit: str | None = None


class _Content(Record):
    about: _About
    sections: list[_Entry]
    replays: list[dict[str, Any]]
    environment: _Environment
    command: str


@dataclasses.dataclass(frozen=True)
class Entry:
    """What was found out in one section, or why nothing was."""

    key: str
    title: str
    found: Json | None
    missing: str  # why there is nothing; empty where there is


@dataclasses.dataclass(frozen=True)
class Inspection:
    """The content of inspection.json."""

    about: Json  # whose DNA it is, and how much was lived to inspect it
    entries: tuple[Entry, ...]  # in the order of the page
    replays: tuple[Json, ...]
    environment: Json
    command: str  # that makes it again


def is_inspection(directory: Path) -> bool:
    """Whether a directory is that of an inspection."""
    return (directory / INSPECTION_FILE).exists()


def read_inspection(directory: Path) -> Inspection:
    """Read what an inspection found.

    Args:
        directory: of the inspection.
    Raises:
        ReportError: the file is of another kind or format.
        FileUnfit: it is missing or damaged.
    """
    path = directory / INSPECTION_FILE
    again = "`evolearn inspect` makes it again"
    content = read_json(path, again)
    kind, written = content.get("kind"), content.get("format")
    if kind != "inspection":
        raise ReportError(f"{path}: says kind {shown(kind)}, not 'inspection'; {again}")
    if written != INSPECTION_FORMAT:
        raise ReportError(
            f"{path}: has format {shown(written)}, this evolearn reads {INSPECTION_FORMAT}; use the version that made "
            f"it, or {again}"
        )
    check_record(_Content, content, path, again)
    return Inspection(
        about=content["about"],
        entries=tuple(
            Entry(*(entry[name] for name in ("key", "title", "found", "missing"))) for entry in content["sections"]
        ),
        replays=tuple(content["replays"]),
        environment=content["environment"],
        command=content["command"],
    )

"""What the page of an inspection is made from: inspection.json, read and checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from evolearn.report._files import Json, read_record, require

INSPECTION_FILE = "inspection.json"
INSPECTION_FORMAT = 1  # of inspection.json; a change that old code cannot read raises it


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
        ReportError: the file is missing or damaged, or of another format.
    """
    path = directory / INSPECTION_FILE
    again = "`evolearn inspect` makes it again"
    content = read_record(path, "inspection", INSPECTION_FORMAT, again)
    require(path, content, ("about", "sections", "replays", "environment", "command"), again)
    for number, entry in enumerate(content["sections"]):
        require(path, entry, ("key", "title", "found", "missing"), again, f"sections[{number}].")
    return Inspection(
        about=content["about"],
        entries=tuple(
            Entry(*(entry[name] for name in ("key", "title", "found", "missing"))) for entry in content["sections"]
        ),
        replays=tuple(content["replays"]),
        environment=content["environment"],
        command=content["command"],
    )

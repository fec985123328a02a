"""The zoo: newborns that come with evolearn, to be looked at before anything was evolved here.

They go by `zoo/NAME` wherever DNA is asked for. `python -m benchmarks.zoo` makes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from evolearn.errors import offer
from evolearn.files import FileMissing, Record, read_record

ZOO = "zoo.json"  # the table, beside the DNA
_FOLDER = "zoo"
_SUFFIX = ".safetensors"
_REMEDY = "install evolearn again"


class Resident(Record):
    """What the table says of a newborn of the zoo."""

    doc: str  # what it can do, in a line
    evolved_by: str  # the config, or the study's condition, arm and run
    birth: float  # birth score, mean over validation lives
    random: float  # that of random actions in the same lives
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # of the DNA, see `evolearn.run.dna.DNA.sha256`


class Zoo(Record):
    """The table."""

    newborns: dict[str, Resident]


def zoo_folder() -> Path:
    """Where the zoo is: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    return package / _FOLDER if (package / _FOLDER).is_dir() else package.parent / _FOLDER


def residents() -> dict[str, Resident]:
    """The newborns of the zoo, by name; none where it was not installed.

    Raises:
        FileDamaged: its table does not hold what it must.
    """
    try:
        return dict(read_record(zoo_folder() / ZOO, Zoo, _REMEDY).newborns)
    except FileMissing:
        return {}


def resident_file(name: str) -> Path:
    """The DNA of a newborn of the zoo."""
    return zoo_folder() / f"{name}{_SUFFIX}"


def in_zoo(path: Path) -> Path | None:
    """The DNA that a path means if nothing lies there: `zoo/NAME` is that of the zoo; None: no such name.

    >>> in_zoo(Path("zoo/nobody")), in_zoo(Path("runs/foal"))
    (None, None)
    """
    if path.parent != Path(_FOLDER) or path.name not in residents():
        return None
    return resident_file(path.name)


def why_not_in_zoo(path: Path) -> str:
    """What to say of a path to the zoo, or of a name in it, that leads to no DNA; empty if it is no such path."""
    if path.parts[:1] != (_FOLDER,) or len(path.parts) > 2 or not (known := residents()):
        return ""
    if len(path.parts) == 1:
        return f"{path}: name one of the newborns in it: {', '.join(f'{path}/{name}' for name in known)}"
    return f"{path}: the zoo has no such newborn.{offer(path.name, known)}"

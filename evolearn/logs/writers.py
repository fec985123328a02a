"""Where a log goes: a folder of TensorBoard's, a run of Weights & Biases, a table."""

from __future__ import annotations

import csv
import importlib
import os
import secrets
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from evolearn.errors import UserError
from evolearn.files import explained, write_whole

Status = Mapping[str, float]


class Place(NamedTuple):
    """Whose log it is."""

    folder: Path  # is made
    name: str  # of the run
    group: str | None  # of the study, if it is a run of one
    settings: Mapping[str, Any]  # the resolved config


class Writer(Protocol):
    """Writes the log of one run."""

    def write(self, status: Status) -> None:
        """Another generation, whose number is `iter`."""

    def close(self) -> None:
        """There is no more; what was written is on disk."""


class TensorBoard:
    """Scalars by generation, as ``tensorboard --logdir`` shows them."""

    def __init__(self, place: Place, earlier: Sequence[Status]) -> None:
        """Begin, or go on after `earlier` generations."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it imports
            writer = _needed("torch.utils.tensorboard", "tensorboard").SummaryWriter
        with explained(place.folder):
            self._writer = writer(str(place.folder), purge_step=1)  # hides what was written before
        for status in earlier:
            self.write(status)

    def write(self, status: Status) -> None:
        """Another generation."""
        for name, value in status.items():
            if name != "iter":
                self._writer.add_scalar(name, value, round(status["iter"]))

    def close(self) -> None:
        """All is on disk."""
        self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases: offline where nobody is logged in, or as WANDB_MODE says."""

    def __init__(self, place: Place, earlier: Sequence[Status]) -> None:
        """Begin, or go on after `earlier` generations."""
        wandb = _needed("wandb", "wandb")
        known = place.folder / "wandb-id"
        with explained(place.folder):
            if not known.exists():
                write_whole(known, secrets.token_hex(4).encode())
            identity = known.read_text()
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "evolearn"),
            name=place.name,
            group=place.group,
            config=dict(place.settings),
            dir=str(place.folder),
            id=identity,
            resume="allow",
            mode=os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline"),
            settings=wandb.Settings(silent=True, console="off"),
        )
        for status in earlier:  # those that it has already it passes over
            self.write(status)

    def write(self, status: Status) -> None:
        """Another generation."""
        self._run.log(dict(status), step=round(status["iter"]))

    def close(self) -> None:
        """All is on disk, or on its way."""
        self._run.finish()


class Table:
    """``status.csv``: a row per generation, as pandas reads it."""

    def __init__(self, place: Place, earlier: Sequence[Status]) -> None:
        """Begin, or go on after `earlier` generations."""
        self._path = place.folder / "status.csv"
        self._columns: list[str] = []
        self._rows: list[Status] = list(earlier)
        self._write_all()

    def write(self, status: Status) -> None:
        """Another generation."""
        self._rows.append(status)
        if not set(status) <= set(self._columns):
            self._write_all()
            return
        with explained(self._path), self._path.open("a", newline="") as file:
            csv.DictWriter(file, self._columns).writerow(status)

    def _write_all(self) -> None:
        """Anew: a column came that was not there, or generations will be made again."""
        self._columns = list(dict.fromkeys(name for row in self._rows for name in row))
        with explained(self._path), self._path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(self._rows)

    def close(self) -> None:
        """Nothing to do: every row is on disk."""


KINDS: Mapping[str, type[TensorBoard] | type[WeightsAndBiases] | type[Table]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "csv": Table,
}
_OF_PACKAGES = ("tensorboard", "wandb")  # of these names


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse logs that there are not, or whose package is not installed, before anything runs.

    Raises:
        UserError: either.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UserError(f"--log {kind}: must be one of {', '.join(KINDS)}")
        if kind in _OF_PACKAGES:
            _needed(kind, kind)


def open_writers(kinds: Sequence[str], place: Place, earlier: Sequence[Status]) -> list[Writer]:
    """A writer of each kind. Earlier generations are written again, so that a log is whole however a run was stopped.

    Args:
        kinds: of `KINDS`.
        place: whose log it is.
        earlier: the generations that were made before.
    Raises:
        UserError: the folder cannot be written.
    """
    with explained(place.folder):
        place.folder.mkdir(parents=True, exist_ok=True)
    return [KINDS[kind](place, earlier) for kind in dict.fromkeys(kinds)]


def _needed(module: str, kind: str) -> Any:
    """A module that the package named as a kind of log brings."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"--log {kind} needs the package {kind}, which is not installed: pip install 'evolearn[log]'"
        ) from error

"""Run directories: the only reader and writer. Tensors as safetensors, the rest as JSON and YAML; never pickle.

A run directory holds::

    run.json            what this is: kind, format, version of evolearn
    config.yaml         the resolved config
    environment.json    versions, commit, processor, threads, checksums of the code that the config names
    generations.jsonl   one row per generation, see `evolearn.run.record.Generation`
    checkpoints/        the search after a generation: generation_N.safetensors; its run and checksum in .json
    dna.safetensors     the centre of the last generation (genetic algorithm: its best), of the best restart, see
                        `evolearn.run.dna`
    dna_best.safetensors  the best genome of the last generation on validation lives
    opponent/           where the world's opponent evolves as well: its DNA and its ancestors, by the same names; of
                        several populations in a folder each, 0, 1 and so on
    ancestors/          the centres that lived generations 0, 1, 2, 3, 4, 6, 8, 12 .. and the last (of each restart)
    result.json         the closing table
    faulty_life.safetensors  the last life at which the world was at fault, see `evolearn.run.faulty_life`
    .lock               who is writing here, while that goes on, see `evolearn.files.locks`
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic
import safetensors

from evolearn.config import RunConfig, check_kept_config, config_sha256, dump_config, read_yaml
from evolearn.environment import ARITHMETIC, describe_environment, package_versions
from evolearn.errors import RunDirectoryError
from evolearn.files import (
    LOCK,
    FileMissing,
    FileUnfit,
    Record,
    check_record,
    explained,
    holding,
    json_text,
    make_directory,
    making,
    parse_json,
    read_bytes,
    read_json,
    read_record,
    sha256_of,
    write_whole,
)
from evolearn.run.dna import DNA, NAME, load_dna
from evolearn.run.faulty_life import keeping_faulty_life
from evolearn.run.record import Generation
from evolearn.run.sources import source_changes, source_hashes

if TYPE_CHECKING:
    import torch

ROWS = "generations.jsonl"
RESULT = "result.json"
FORMAT = 1  # of run directories; a change that old code cannot read raises it
KEPT_CHECKPOINTS = 3
LARGEST_CHECKPOINT = 1 << 40  # bytes: a population of large genomes is in it

_GENERATION = pydantic.TypeAdapter(Generation)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A search after a generation."""

    generation: int
    file: str  # its name; empty before it is written
    state: Mapping[str, torch.Tensor]


@dataclasses.dataclass(frozen=True)
class Passed:
    """A checkpoint that is passed over."""

    why: str


class RunLabel(Record):
    """What `run.json` says."""

    kind: str
    format: int
    evolearn: str
    config_sha256: str


class _OfEarlier(Exception):
    """A checkpoint that an earlier evolearn wrote."""


class CheckpointLabel(Record):
    """What lies beside a checkpoint: of which generation of which run it is, after which rows, and its checksum."""

    generation: int = pydantic.Field(ge=0)
    config_sha256: str
    rows_sha256: str
    sha256: str
    size: int = pydantic.Field(LARGEST_CHECKPOINT, ge=0)  # bytes; a longer file is not read


class ClosingTable(Record):
    """What `result.json` must hold, that it is one."""

    lifetime: int
    lives: int
    arms: list[dict[str, Any]] = pydantic.Field(min_length=1)


class Surroundings(Record):
    """What of `environment.json` is read again."""

    processor_type: str | None = None
    arithmetic: int = 1
    packages: Mapping[str, str | None] = pydantic.Field(default_factory=dict)
    sources: Mapping[str, str] = pydantic.Field(default_factory=dict)


class RunDirectory:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        """Name a run directory; `create_run` and `open_run` check it."""
        self.path = path
        self._written: Any = None  # digest of the rows so far; none: not known yet
        self._digests: dict[int, str] = {}  # of the rows up to the last generations

    def _label(self) -> RunLabel:
        return read_record(self.path / "run.json", RunLabel, "put it back")

    @property
    def is_finished(self) -> bool:
        """Whether the closing table has been written, and is whole."""
        return not self._table_unfit()

    def _table_unfit(self) -> FileUnfit | None:
        try:
            read_record(self.path / RESULT, ClosingTable)
        except FileUnfit as error:
            return error
        return None

    def put_damaged_table_aside(self) -> str:
        """Make way for a closing table if what is there is none; says so, and is empty if there is nothing to say."""
        unfit = self._table_unfit()
        if unfit is None or isinstance(unfit, FileMissing):
            return ""
        aside = f"{RESULT}.damaged"
        with explained(self.path):
            (self.path / RESULT).replace(self.path / aside)
        return f"{unfit}; it is put aside as {aside}, and the table is made again, which gives the same"

    def opponents(self, populations: int) -> tuple[Path, ...]:
        """Folders of the DNA and of the ancestors of opponents that evolve as well, one for each population."""
        folder = self.path / "opponent"
        return (folder,) if populations == 1 else tuple(folder / str(number) for number in range(populations))

    @property
    def has_dna(self) -> bool:
        """Whether evolution is over."""
        return (self.path / NAME).exists()

    def load_dna(self) -> DNA:
        """The run's DNA, see `evolearn.run.dna.load_dna`."""
        return load_dna(self.path)

    def read_config(self) -> RunConfig:
        """The resolved config of the run.

        Raises:
            RunDirectoryError: it was altered since the run was made.
        """
        found = sha256_of(self.path / "config.yaml", "put it back")
        if found != self._label().config_sha256:
            raise RunDirectoryError(
                f"{self.path / 'config.yaml'}: was altered since the run was made, or its checksum in run.json was, "
                "and a resumed run must be the same run; put it back, or start a new run with `evolearn run`"
            )
        return check_kept_config(read_yaml(self.path / "config.yaml"), str(self.path / "config.yaml"))

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """Be the only one who writes into the directory; see `evolearn.files.holding`."""
        return holding(self.path / LOCK, f"RUN={self.path}")

    def append(self, generation: Generation) -> None:
        """Add a generation's row and see it to the disk."""
        line = json_text(generation.row()).encode() + b"\n"
        written = self._written or _digest(self._lines()[: generation.generation])
        with explained(self.path), (self.path / ROWS).open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        written.update(line)
        self._written = written
        # A checkpoint is of the last generation or, where the next was cut off, of the one before.
        self._digests = {generation.generation: written.hexdigest(), **dict(list(self._digests.items())[:1])}

    def rows(self) -> list[dict[str, Any]]:
        """Every generation's row, up to the first that is not whole: cut off by a crash, or damaged.

        Raises:
            FileDamaged: the file cannot be read.
        """
        return [row for row, _ in self._whole_rows()]

    def keep_rows_until(self, generation: int) -> None:
        """Drop the rows after `generation`: they will be made again."""
        lines = [line for _, line in self._whole_rows()][: generation + 1]
        with explained(self.path):
            write_whole(self.path / ROWS, b"".join(lines))
        self._written = _digest(lines)
        self._digests = {generation: self._written.hexdigest()}

    def damage_to_rows(self) -> str:
        """What is wrong with the first row that is not whole; empty if all are."""
        lines, whole = self._lines(), len(self._whole_rows())
        if whole == len(lines):
            return ""
        return f"{ROWS}: row {whole} is not whole: {_row_of(lines[whole], whole)}"

    def _lines(self) -> list[bytes]:
        try:
            content = read_bytes(self.path / ROWS, "put it back; or remove it, and evolearn resume makes it again")
        except FileMissing:
            return []
        return [line.strip() + b"\n" for line in content.splitlines()]

    def _whole_rows(self) -> list[tuple[dict[str, Any], bytes]]:
        whole: list[tuple[dict[str, Any], bytes]] = []
        for line in self._lines():
            row = _row_of(line, len(whole))
            if isinstance(row, str):
                break
            whole.append((row, line))
        return whole

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint of one of the last two generations that were appended, then drop all but the last few.

        Those of later generations are dropped first: the rows that they were written after are gone.
        """
        folder = self.path / "checkpoints"
        stem = _stem(checkpoint.generation)
        import safetensors.torch  # which takes long: who only looks at a run does without PyTorch

        payload = safetensors.torch.save(dict(checkpoint.state))
        label = CheckpointLabel(
            generation=checkpoint.generation,
            config_sha256=self._label().config_sha256,
            rows_sha256=self._digests[checkpoint.generation],
            sha256="",
            size=len(payload),
        )
        label = label.model_copy(update={"sha256": _checksum(label, payload)})
        with explained(self.path):
            folder.mkdir(exist_ok=True)
            write_whole(folder / f"{stem}.safetensors", payload)
            write_whole(folder / f"{stem}.json", json.dumps(label.model_dump()).encode())
            there = sorted(folder.glob("generation_*.safetensors"))
            kept = [path for path in there if path.stem <= stem][-KEPT_CHECKPOINTS:]
            for old in set(there) - set(kept):
                with contextlib.suppress(OSError):  # a folder, say: it is in nobody's way
                    old.unlink()
                    old.with_suffix(".json").unlink(missing_ok=True)
            for left in folder.glob("*.part"):  # by a process that was killed: nobody else writes here
                with contextlib.suppress(OSError):
                    left.unlink()

    def checkpoints(self, before: int | None = None) -> Iterator[Checkpoint | Passed]:
        """Every checkpoint, the newest first; one that cannot be gone on from with what is wrong with it.

        Args:
            before: of earlier generations than this one only.
        """
        lines = [line for _, line in self._whole_rows()]
        for path in sorted((self.path / "checkpoints").glob("generation_*.safetensors"), reverse=True):
            if before is not None and path.stem >= _stem(before):
                continue
            try:
                yield self._checkpoint(path, lines)
            except FileMissing:
                yield Passed(f"{path.name}: has no checksum beside it")
            except _OfEarlier as error:
                yield Passed(f"{path.name}: {error}")
            except (ValueError, FileUnfit, safetensors.SafetensorError) as error:
                yield Passed(f"{path.name}: truncated or altered ({error})")

    def _checkpoint(self, path: Path, lines: Sequence[bytes]) -> Checkpoint:
        """A checkpoint as it was written after the rows that are there."""
        content = read_json(path.with_suffix(".json"))
        if "rows_sha256" not in content and {"generation", "config_sha256", "sha256"} <= content.keys():
            raise _OfEarlier("is of an earlier evolearn, which did not write down after which rows it is")
        label = check_record(CheckpointLabel, content, path.with_suffix(".json"))
        payload = read_bytes(path, most=label.size)
        if _checksum(label, payload) != label.sha256:
            raise ValueError("its bytes do not match its checksum")
        if label.config_sha256 != self._label().config_sha256:
            raise ValueError("it is of another run")
        if label.generation >= len(lines):
            raise ValueError(f"it is of generation {label.generation}, and {ROWS} has {len(lines)} whole rows")
        if _digest(lines[: label.generation + 1]).hexdigest() != label.rows_sha256:
            raise ValueError(f"the rows of {ROWS} up to it are not those that it was written after")
        import safetensors.torch

        return Checkpoint(label.generation, path.name, safetensors.torch.load(payload))

    def save_result(self, result: Mapping[str, Any]) -> None:
        """Write the closing table."""
        with explained(self.path):
            write_whole(self.path / RESULT, json_text(result, indent=1).encode())

    def keeping_faulty_life(self, config: RunConfig) -> contextlib.AbstractContextManager[None]:
        """Keep the life at which what is done within ends by the world's fault; see `keeping_faulty_life`."""
        return keeping_faulty_life(self.path, config)

    def processors(self) -> set[str]:
        """Types of processors that have lived this run so far, see `evolearn.numerics.processor.processor_type`."""
        surroundings = self._surroundings()
        begun_on = surroundings.processor_type if surroundings else None
        here = {begun_on} if begun_on else set()
        return set().union(*(set(row["cluster"]["processors"]) if row.get("cluster") else here for row in self.rows()))

    def version_changes(self) -> list[str]:
        """Packages and sources that differ from those that made the run: results may differ from here on."""
        surroundings = self._surroundings()
        if surroundings is None:
            return ["environment.json is missing or damaged: versions unknown"]
        now, made_by = package_versions(), surroundings.packages
        changes = [f"{name} {made_by.get(name)} -> {now[name]}" for name in now if made_by.get(name) != now[name]]
        if surroundings.arithmetic != ARITHMETIC:
            changes.append("how compiled code computes has changed")
        return changes + source_changes(surroundings.sources)

    def _surroundings(self) -> Surroundings | None:
        try:
            return read_record(self.path / "environment.json", Surroundings)
        except FileUnfit:
            return None


def create_run(config: RunConfig, name: str, out: Path | None, lived_on: Mapping[str, Any]) -> RunDirectory:
    """Make a new run directory; an existing one is never written over.

    Args:
        config: resolved.
        name: of the run, used where `out` is not given.
        out: the directory to make; none: `runs/NAME-N` with the next free N.
        lived_on: see `Drivers.describe`, written down with the environment.
    Raises:
        RunDirectoryError: it exists, or cannot be written.
    """
    path = make_directory(f"{name}-seed{config.seed}", out)
    run = RunDirectory(path)
    about = {**describe_environment(lived_on), "sources": source_hashes([config])}
    with making(path), explained(path):
        write_whole(path / "config.yaml", dump_config(config).encode())
        write_whole(path / "environment.json", json.dumps(about, indent=1).encode())
        label = {
            "kind": "run",
            "format": FORMAT,
            "evolearn": package_versions()["evolearn"],
            "config_sha256": config_sha256(config),
        }
        write_whole(path / "run.json", json.dumps(label).encode())
    return run


def open_run(path: Path) -> RunDirectory:
    """Open an existing run.

    Raises:
        RunDirectoryError: there is no run, or an incompatible version of evolearn made it.
    """
    try:
        label = read_json(path / "run.json")
    except FileMissing as error:
        known = ", ".join(sorted(str(found.parent) for found in Path("runs").glob("*/run.json"))) or "none in runs/"
        shown = str(path).replace("\0", "?")
        raise RunDirectoryError(f"RUN={shown}: is not a run directory (no run.json). Runs here: {known}") from error
    kind, written = label.get("kind"), label.get("format")
    if isinstance(kind, str) and kind != "run":
        raise RunDirectoryError(f"RUN={path}: is a {kind}, not a run")
    if isinstance(written, int) and written != FORMAT:
        raise RunDirectoryError(
            f"RUN={path}: has format {written} (made by evolearn {label.get('evolearn')}), this evolearn reads "
            f"{FORMAT}; use that version, or start a new run from {path / 'config.yaml'}"
        )
    remedy = f"put it back, or start a new run from {path / 'config.yaml'}"
    check_record(RunLabel, label, path / "run.json", remedy)
    return RunDirectory(path.absolute())


def _row_of(line: bytes, number: int) -> dict[str, Any] | str:
    """A row that is whole, or what is wrong with it."""
    try:
        row = parse_json(line)
        checked = _GENERATION.validate_json(json.dumps(row), strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(place) for place in first['loc'])}: {first['msg']}"
    except ValueError as error:
        return str(error)
    if checked.generation != number:
        return f"it is of generation {checked.generation}"
    if min(checked.world_steps, checked.evaluations, checked.restart) < 0:
        return "it counts less than nothing"
    whole: dict[str, Any] = row
    return whole


def _digest(lines: Iterable[bytes]) -> Any:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return digest


def _stem(generation: int) -> str:
    return f"generation_{generation:06d}"


def _checksum(label: CheckpointLabel, payload: bytes) -> str:
    about = f"{label.generation}:{label.config_sha256}:{label.rows_sha256}:"
    return hashlib.sha256(about.encode() + payload).hexdigest()

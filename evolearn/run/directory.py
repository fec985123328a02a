"""Run directories: the only reader and writer. Tensors as safetensors, the rest as JSON and YAML; never pickle.

A run directory holds::

    run.json            what this is: kind, format, version of evolearn
    config.yaml         the resolved config
    environment.json    versions, commit, processor, threads, checksums of the code that the config names
    generations.jsonl   one row per generation, see `evolearn.run.evolution.Generation`
    checkpoints/        the search after a generation: generation_N.safetensors, and its checksum in .json
    dna.safetensors     the centre of the last generation (genetic algorithm: its best), of the best restart, see
                        `evolearn.run.dna`
    dna_best.safetensors  the best genome of the last generation on validation lives
    ancestors/          the centres that lived generations 0, 1, 2, 3, 4, 6, 8, 12 .. and the last (of each restart)
    result.json         the closing table
    faulty_life.safetensors  the last life at which the world was at fault, see `evolearn.run.faulty_life`
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from evolearn.config import RunConfig, check_config, config_sha256, dump_config, read_yaml
from evolearn.environment import describe_environment, package_versions
from evolearn.errors import RunDirectoryError
from evolearn.files import explained, make_directory, write_whole
from evolearn.run.dna import DNA, NAME, load_dna
from evolearn.run.evolution import Generation
from evolearn.run.faulty_life import keeping_faulty_life
from evolearn.run.sources import source_changes, source_hashes

FORMAT = 1  # of run directories; a change that old code cannot read raises it
KEPT_CHECKPOINTS = 3


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A search after a generation."""

    generation: int
    state: Mapping[str, torch.Tensor]


class RunDirectory:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        """Name a run directory; `create_run` and `open_run` check it."""
        self.path = path

    @property
    def is_finished(self) -> bool:
        """Whether the closing table has been written."""
        return (self.path / "result.json").exists()

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
        label = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        try:
            found = hashlib.sha256((self.path / "config.yaml").read_bytes()).hexdigest()
        except OSError as error:
            raise RunDirectoryError(f"{self.path / 'config.yaml'}: cannot be read: {error.strerror}") from error
        if found != label.get("config_sha256"):
            raise RunDirectoryError(
                f"{self.path / 'config.yaml'}: was altered since the run was made, and a resumed run must be the same "
                "run; put it back, or start a new run with `evolearn run`"
            )
        return check_config(read_yaml(self.path / "config.yaml"), str(self.path / "config.yaml"))

    def append(self, generation: Generation) -> None:
        """Add a generation's row and see it to the disk."""
        with explained(self.path), (self.path / "generations.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(generation.row()) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """Every generation's row; a last line cut off by a crash is left out."""
        rows: list[dict[str, Any]] = []
        path = self.path / "generations.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                break
            if not isinstance(row, dict) or row.get("generation") != len(rows):
                break
            rows.append(row)
        return rows

    def keep_rows_until(self, generation: int) -> None:
        """Drop the rows after `generation`: they will be made again.

        Raises:
            RunDirectoryError: rows up to `generation` are missing or damaged.
        """
        rows = self.rows()[: generation + 1]
        if len(rows) <= generation:
            raise RunDirectoryError(
                f"{self.path / 'generations.jsonl'}: has {len(rows)} whole rows, the checkpoint is of generation "
                f"{generation}; put the file back, or start a new run from {self.path / 'config.yaml'}"
            )
        with explained(self.path):
            write_whole(self.path / "generations.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and its checksum, then drop all but the last few."""
        folder = self.path / "checkpoints"
        stem = _stem(checkpoint.generation)
        payload = safetensors.torch.save(dict(checkpoint.state))
        label = {"generation": checkpoint.generation, "sha256": _checksum(checkpoint.generation, payload)}
        with explained(self.path):
            folder.mkdir(exist_ok=True)
            write_whole(folder / f"{stem}.safetensors", payload)
            write_whole(folder / f"{stem}.json", json.dumps(label).encode())
            for old in sorted(folder.glob("generation_*.safetensors"))[:-KEPT_CHECKPOINTS]:
                old.unlink()
                old.with_suffix(".json").unlink(missing_ok=True)

    def last_checkpoint(self, before: int | None = None) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what was wrong with those after it.

        Args:
            before: look at earlier generations than this one only.
        """
        complaints: list[str] = []
        for path in sorted((self.path / "checkpoints").glob("generation_*.safetensors"), reverse=True):
            if before is not None and path.stem >= _stem(before):
                continue
            try:
                label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
                payload = path.read_bytes()
                if _checksum(int(label["generation"]), payload) != label["sha256"]:
                    raise ValueError("its bytes do not match its checksum")
                return Checkpoint(int(label["generation"]), safetensors.torch.load(payload)), complaints
            except FileNotFoundError:
                complaints.append(f"{path.name}: has no checksum beside it; using the one before")
            except (ValueError, KeyError, TypeError, OSError, safetensors.SafetensorError) as error:
                complaints.append(f"{path.name}: truncated or altered ({error}); using the one before")
        return None, complaints

    def save_result(self, result: Mapping[str, Any]) -> None:
        """Write the closing table."""
        with explained(self.path):
            write_whole(self.path / "result.json", json.dumps(result, indent=1).encode())

    def keeping_faulty_life(self, config: RunConfig) -> contextlib.AbstractContextManager[None]:
        """Keep the life at which what is done within ends by the world's fault; see `keeping_faulty_life`."""
        return keeping_faulty_life(self.path, config)

    def processors(self) -> set[str]:
        """Types of processors that have lived this run so far, see `evolearn.numerics.processor.processor_type`."""
        try:
            begun_on = json.loads((self.path / "environment.json").read_text(encoding="utf-8"))["processor_type"]
        except (OSError, ValueError, KeyError, TypeError):
            begun_on = None
        here = {str(begun_on)} if begun_on else set()
        return set().union(*(set(row["cluster"]["processors"]) if row.get("cluster") else here for row in self.rows()))

    def version_changes(self) -> list[str]:
        """Packages and sources that differ from those that made the run: results may differ from here on."""
        try:
            environment = json.loads((self.path / "environment.json").read_text(encoding="utf-8"))
            made_by = environment["packages"]
            moved = source_changes(environment.get("sources", {}))
        except (OSError, ValueError, KeyError, TypeError):
            return ["environment.json is missing or damaged: versions unknown"]
        now = package_versions()
        changes = [f"{name} {made_by.get(name)} -> {now[name]}" for name in now if made_by.get(name) != now[name]]
        return changes + moved


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
    with explained(path):
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
        label = json.loads((path / "run.json").read_text(encoding="utf-8"))
        kind, written = label["kind"], int(label["format"])
    except OSError as error:
        known = ", ".join(sorted(str(found.parent) for found in Path("runs").glob("*/run.json"))) or "none in runs/"
        raise RunDirectoryError(f"RUN={path}: is not a run directory (no run.json). Runs here: {known}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(f"RUN={path}: its run.json is damaged: {error}") from error
    if kind != "run":
        raise RunDirectoryError(f"RUN={path}: is a {kind}, not a run")
    if written != FORMAT:
        raise RunDirectoryError(
            f"RUN={path}: has format {written} (made by evolearn {label.get('evolearn')}), this evolearn reads "
            f"{FORMAT}; use that version, or start a new run from {path / 'config.yaml'}"
        )
    return RunDirectory(path)


def _stem(generation: int) -> str:
    return f"generation_{generation:06d}"


def _checksum(generation: int, payload: bytes) -> str:
    return hashlib.sha256(f"{generation}:".encode() + payload).hexdigest()

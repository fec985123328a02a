"""Study directories: the only reader and writer.

A study directory holds::

    study.json         what this is: kind, format, version of evolearn, hash of the config, extensions
    study.yaml         the resolved config, written before the first run
    environment.json   versions, commit, processor, threads
    runs/CONDITION/ARM/run_00/    a run directory per evolution run
    lives/CONDITION/ARM/run_00.parquet    its test lives, written once
    replays/CONDITION.json    the life that the page replays
    lives.parquet, ledger.json, verdict.json    the results
    report/            the page, figures, tables
    faulty_life.safetensors  the last test life at which the world was at fault, see there
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolearn.config import RunConfig, config_sha256, dump_config, read_yaml
from evolearn.environment import describe_environment, package_versions
from evolearn.errors import RunDirectoryError
from evolearn.files import explained, make_directory, write_whole
from evolearn.run import RunDirectory, keeping_faulty_life, open_run, source_hashes
from evolearn.study.config import ConditionPart, StudyConfig, check_study, slug
from evolearn.study.plan import run_configs

FORMAT = 2  # of study directories; a change that old code cannot read, or reads wrongly, raises it


class StudyDirectory:
    """One study on disk."""

    def __init__(self, path: Path) -> None:
        """Name a study directory; `create_study` and `open_study` check it."""
        self.path = path

    @property
    def is_finished(self) -> bool:
        """Whether there is a verdict."""
        return (self.path / "verdict.json").exists()

    @property
    def page(self) -> Path:
        """The page, there or not; the last thing that a study writes."""
        return self.path / "report" / "index.html"

    def label(self) -> dict[str, Any]:
        """What `study.json` says.

        While an extension is written down it says the old and, under `becomes`, the new: the config decides.

        Raises:
            RunDirectoryError: it is damaged.
        """
        try:
            label: dict[str, Any] = json.loads((self.path / "study.json").read_text(encoding="utf-8"))
            becomes = label.pop("becomes", None)
            if becomes and becomes["config_sha256"] == self._config_sha256():
                label = becomes
            missing = [key for key in ("config_sha256", "check_steps", "extensions") if key not in label]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunDirectoryError(f"STUDY={self.path}: its study.json is damaged: {error}") from error
        if missing:
            raise RunDirectoryError(f"STUDY={self.path}: its study.json is damaged: lacks {', '.join(missing)}")
        return label

    def _config_sha256(self) -> str:
        path = self.path / "study.yaml"
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise RunDirectoryError(f"{path}: cannot be read: {error.strerror}") from error

    def read_config(self) -> StudyConfig:
        """The resolved config.

        Raises:
            RunDirectoryError: it was altered since it was written.
        """
        path = self.path / "study.yaml"
        if self._config_sha256() != self.label()["config_sha256"]:
            raise RunDirectoryError(
                f"{path}: was altered since the study was made, and a verdict rests on what was fixed beforehand; put "
                "it back, start a new study, or add runs or arms with `evolearn study add`"
            )
        return check_study(read_yaml(path), str(path))

    def write_config(self, config: StudyConfig, **more: Any) -> None:
        """Write the config, and its hash with what else is known of the study."""
        label = {
            "kind": "study",
            "format": FORMAT,
            "evolearn": package_versions()["evolearn"],
            "config_sha256": config_sha256(config),
            **more,
        }
        before = self.label() if (self.path / "study.json").exists() else {}
        with explained(self.path):
            # Cut off anywhere, it is the old study or the new one, whole.
            write_whole(self.path / "study.json", json.dumps({**before, "becomes": label}, indent=1).encode())
            write_whole(self.path / "study.yaml", dump_config(config).encode())
            write_whole(self.path / "study.json", json.dumps(label, indent=1).encode())

    def run(self, condition: str, arm: str, run: int) -> RunDirectory:
        """The run directory of an evolution run, there or not."""
        return RunDirectory(self.path / "runs" / slug(condition) / arm / f"run_{run:02d}")

    def evolved(self, condition: ConditionPart, arm: str, run: int) -> RunDirectory:
        """The run directory whose DNA is judged under a condition.

        Raises:
            RunDirectoryError: it is not there, or damaged.
        """
        return open_run(self.run(condition.evolved_in or condition.name, arm, run).path)

    def lives(self, condition: str, arm: str, run: int) -> Path:
        """The file of an evolution run's test lives, there or not; its folder is made."""
        folder = self.path / "lives" / slug(condition) / arm
        with explained(self.path):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"run_{run:02d}.parquet"

    def replay(self, condition: str) -> Path:
        """The file of a condition's replay, there or not; its folder is made."""
        folder = self.path / "replays"
        with explained(self.path):
            folder.mkdir(exist_ok=True)
        return folder / f"{slug(condition)}.json"

    def runs_judged(self) -> int:
        """Runs per arm that the verdict rests on: with looks, those of the condition that took most.

        Raises:
            RunDirectoryError: the verdict is missing or damaged.
        """
        path = self.path / "verdict.json"
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))["study"]["runs"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunDirectoryError(f"{path}: cannot be read: {error}") from error

    def write_json(self, path: Path, content: Any, compact: bool = False) -> None:
        """Write JSON, whole or not at all; `compact` for what programs read."""
        how: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 1}
        with explained(self.path):
            write_whole(path, json.dumps(content, allow_nan=False, **how).encode())

    def keeping_faulty_life(
        self, config: RunConfig, condition: str, arm: str
    ) -> contextlib.AbstractContextManager[None]:
        """Keep the life at which what is done within ends by the world's fault; see `keeping_faulty_life`."""
        return keeping_faulty_life(self.path, config, condition=condition, arm=arm)

    def version_changes(self) -> list[str]:
        """Packages whose version differs from the one that began the study."""
        return RunDirectory(self.path).version_changes()


def create_study(
    config: StudyConfig, name: str, out: Path | None, lived_on: Mapping[str, Any], check_steps: int
) -> StudyDirectory:
    """Make a new study directory; an existing one is never written over.

    Args:
        config: resolved; its hash is written now, before the first run.
        name: of the study, used where `out` is not given.
        out: the directory to make; none: `runs/NAME-N` with the next free N.
        lived_on: see `Drivers.describe`, written down with the environment.
        check_steps: world steps that the checks before the first run took.
    Raises:
        RunDirectoryError: it exists, or cannot be written.
    """
    study = StudyDirectory(make_directory(f"study-{name}", out))
    with explained(study.path):
        about = {**describe_environment(lived_on), "sources": source_hashes(run_configs(config))}
        study.write_json(study.path / "environment.json", about)
    study.write_config(config, check_steps=check_steps, extensions=[])
    return study


def open_study(path: Path) -> StudyDirectory:
    """Open an existing study.

    Raises:
        RunDirectoryError: there is no study, or an incompatible version of evolearn made it.
    """
    try:
        label = json.loads((path / "study.json").read_text(encoding="utf-8"))
        written = int(label["format"])
    except OSError as error:
        known = ", ".join(sorted(str(found.parent) for found in Path("runs").glob("*/study.json"))) or "none in runs/"
        raise RunDirectoryError(
            f"STUDY={path}: is not a study directory (no study.json). Studies here: {known}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(f"STUDY={path}: its study.json is damaged: {error}") from error
    if written != FORMAT:
        raise RunDirectoryError(
            f"STUDY={path}: has format {written} (made by evolearn {label.get('evolearn')}), this evolearn reads "
            f"{FORMAT}; use that version, or start a new study from {path / 'study.yaml'}"
        )
    return StudyDirectory(path)

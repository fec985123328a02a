"""Study directories: the only reader and writer.

A study directory holds::

    study.json         what this is: kind, format, version of evolearn, hash of the config, extensions
    study.yaml         the resolved config, written before the first run
    environment.json   versions, commit, processor, threads
    runs/CONDITION/ARM/run_00/    a run directory per evolution run
    lives/CONDITION/ARM/run_00.parquet    its test lives, written once
    run_00.json        beside each of these: whose it is, and its checksum, see `evolearn.study._pieces`
    replays/CONDITION.json    the life that the page replays, from birth on, lived by newborns of run 0; parts of it
                              at other ages, and by newborns of other runs, lie beside it: --run-R--age-A.json
    progress.json      how far it is, while lives are lived
    lives.parquet, ledger.json, verdict.json    the results
    report/            the page, figures, tables
    damaged/           what did not fit and was made again
    faulty_life.safetensors  the last test life at which the world was at fault, see there
    .lock, .report.lock    who is writing here, while that goes on, see `evolearn.files.locks`
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from evolearn.config import RunConfig, as_kept, config_sha256, dump_config, read_yaml
from evolearn.environment import describe_environment, package_versions
from evolearn.errors import RunDirectoryError
from evolearn.files import (
    LOCK,
    REPORT_LOCK,
    FileMissing,
    FileUnfit,
    Record,
    check_record,
    check_sealed,
    explained,
    holding,
    json_text,
    make_directory,
    making,
    read_json,
    read_record,
    read_sealed,
    sealed,
    sha256_of,
    write_whole,
)
from evolearn.report import label_of
from evolearn.run import RunDirectory, keeping_faulty_life, open_run, source_hashes
from evolearn.study.config import ConditionPart, StudyConfig, check_study, slug
from evolearn.study.plan import run_configs

FORMAT = 3  # of study directories; a change that old code cannot read, or reads wrongly, raises it

OF_VERDICT = ("verdict.json", "ledger.json", "lives.parquet")  # written together
RESULTS = (*OF_VERDICT, "replication.json")
PROGRESS = "progress.json"

_Count = Annotated[int, Field(ge=0)]


class _Extension(Record):
    runs_before: _Count
    runs_after: _Count
    arms_added: tuple[str, ...]
    verdict_seen: bool
    looks_before: tuple[dict[str, Any], ...] | None = None


class _Extended(Record):
    config_sha256: str
    environment_sha256: str
    check_steps: _Count
    extensions: tuple[_Extension, ...]
    first_config_sha256: str | None = None


class _Label(_Extended):
    """What study.json must hold."""

    becomes: _Extended | None = None


class _Made(Record):
    """What says whether this evolearn can read the rest."""

    kind: Literal["study"]
    format: int
    evolearn: str | None = None


class _Judged(Record):
    runs: Annotated[int, Field(ge=1)]


class _JudgedCondition(_Judged):
    name: str


class _Verdict(Record):
    """What of verdict.json a study reads again."""

    study: _Judged
    conditions: tuple[_JudgedCondition, ...]
    files: dict[str, str]


class HowFar(Record):
    """How far a study was when it last said so."""

    done: _Count  # jobs finished
    of: _Count  # jobs; with looks, those of all of them
    seconds_left: Annotated[float, Field(ge=0)] | None  # None: cannot be told


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

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """Be the only one who writes into the directory, runs that are under way aside; see `holding`."""
        return holding(self.path / LOCK, f"STUDY={self.path}")

    def hold_report(self) -> contextlib.AbstractContextManager[None]:
        """Be the only one who writes its page, figures and tables."""
        return holding(self.path / REPORT_LOCK, f"STUDY={self.path}")

    def label(self) -> dict[str, Any]:
        """What `study.json` says.

        While an extension is written down it says the old and, under `becomes`, the new: the config decides.

        Raises:
            RunDirectoryError: it is damaged.
        """
        path = self.path / "study.json"
        label = read_json(path, self._begin_again)
        check_sealed(_Label, label, path, self._begin_again)
        return label_of(label, self._config_sha256())

    @property
    def _begin_again(self) -> str:
        return f"put it back, or start a new study from {self.path / 'study.yaml'}"

    def _config_sha256(self) -> str:
        return sha256_of(self.path / "study.yaml", "put it back, or start a new study")

    @property
    def first_config_sha256(self) -> str:
        """Hash of the config that the study began with: what is extended keeps it."""
        label = self.label()
        return str(label.get("first_config_sha256", label["config_sha256"]))

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
        content = read_yaml(path)
        return check_study({**content, "run": as_kept(content.get("run"))}, str(path))

    def write_config(self, config: StudyConfig, **more: Any) -> None:
        """Write the config, and its hash with what else is known of the study."""
        label = {
            "kind": "study",
            "format": FORMAT,
            "evolearn": package_versions()["evolearn"],
            "config_sha256": config_sha256(config),
            **more,
        }
        if (self.path / "study.json").exists():
            # Cut off anywhere, it is the old study or the new one, whole.
            before = self.label()
            label["environment_sha256"] = before["environment_sha256"]
            self.write_json(self.path / "study.json", sealed({**before, "becomes": label}))
        else:
            label["environment_sha256"] = sha256_of(self.path / "environment.json")
        with explained(self.path):
            write_whole(self.path / "study.yaml", dump_config(config).encode())
        self.write_json(self.path / "study.json", sealed(label))

    def mend_environment(self, lived_on: Mapping[str, Any]) -> str:
        """Write environment.json again, as things are now, if it is not the one that the study began with.

        Args:
            lived_on: see `Drivers.describe`.
        Returns:
            What was wrong with it; empty if nothing was.
        """
        path = self.path / "environment.json"
        label = self.label()
        try:
            if sha256_of(path) == label["environment_sha256"]:
                return ""
            problem = f"{path}: was altered since the study was made"
        except FileUnfit as error:
            problem = str(error)
        moved = self.set_aside(path)
        environment = {**describe_environment(lived_on), "instead_of_a_damaged_one": True}
        with explained(self.path):
            self.write_json(path, environment)
        self.write_json(self.path / "study.json", sealed({**label, "environment_sha256": sha256_of(path)}))
        return (
            f"{problem}; {moved}it now tells of this evolearn and this machine, each run's own of those that lived it"
        )

    def clear_the_way(self) -> list[str]:
        """Move aside what is no file and stands where a result has to be written; what was moved, in words."""
        said = []
        for name in RESULTS:
            path = self.path / name
            if not path.is_file() and (moved := self.set_aside(path)):
                said.append(f"{path}: is not a regular file; {moved}and the results are made again")
        return said

    def set_aside(self, *paths: Path) -> str:
        """Move what does not fit out of the way, into the folder damaged; what is not there is no matter.

        Returns:
            Where it lies now, to be put into a sentence: "it lies in damaged/.. now, "; empty if nothing was there.
        """
        moved = ""
        for path in paths:
            if not path.is_symlink() and not path.exists():
                continue
            within = path.relative_to(self.path)
            for number in itertools.count(1):
                place = self.path / "damaged" / within.with_stem(within.stem + (f"-{number}" if number > 1 else ""))
                if not place.exists():
                    break
            with explained(self.path):
                place.parent.mkdir(parents=True, exist_ok=True)
                path.rename(place)
            moved = moved or f"it lies in {place.relative_to(self.path)} now, "
        return moved

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

    def replay(self, condition: str, run: int = 0, start: int = 0) -> Path:
        """The file of a replay, there or not; its folder is made.

        Args:
            condition: its name.
            run: whose newborns live it.
            start: age at which it begins, world steps.
        """
        folder = self.path / "replays"
        with explained(self.path):
            folder.mkdir(exist_ok=True)
        of = f"--run-{run}--age-{start}" if run or start else ""  # no slug has two hyphens in a row
        return folder / f"{slug(condition)}{of}.json"

    def replays(self, conditions: Sequence[str]) -> list[str]:
        """Names of the replays that are there, within the directory."""
        folder = self.replay("").parent
        paths = [
            path
            for condition in conditions
            for pattern in (f"{slug(condition)}.json", f"{slug(condition)}--run-*--age-*.json")
            for path in sorted(folder.glob(pattern))
        ]
        return [path.relative_to(self.path).as_posix() for path in paths]

    def read_verdict(self) -> dict[str, Any]:
        """What `verdict.json` says.

        Raises:
            RunDirectoryError: the study is not finished.
            FileDamaged: the file is no table of names and values.
        """
        if not self.is_finished:
            raise RunDirectoryError(f"STUDY={self.path}: has no verdict yet; evolearn resume {self.path} finishes it")
        return read_json(self.path / "verdict.json", f"evolearn resume {self.path} writes it again")

    def runs_judged(self) -> int:
        """Runs per arm that the verdict rests on: with looks, those of the condition that took most.

        Raises:
            RunDirectoryError: the verdict is missing or damaged.
        """
        return self._verdict().study.runs

    def judged(self) -> dict[str, int]:
        """Runs per arm that the verdict rests on, by condition.

        Raises:
            RunDirectoryError: the verdict is missing or damaged.
        """
        return {condition.name: condition.runs for condition in self._verdict().conditions}

    def _verdict(self) -> _Verdict:
        return read_sealed(self.path / "verdict.json", _Verdict, f"evolearn resume {self.path} writes it again")

    def write_progress(self, done: int, of: int, seconds_left: float) -> None:
        """Say how far the study is; see `HowFar`."""
        self.write_json(self.path / PROGRESS, {"done": done, "of": of, "seconds_left": seconds_left})

    def forget_progress(self) -> None:
        """No lives are left to live."""
        with explained(self.path):
            (self.path / PROGRESS).unlink(missing_ok=True)

    def progress(self) -> HowFar | None:
        """How far the study is, or was when it was stopped; None: it has not said so, or is judged."""
        try:
            return read_record(self.path / PROGRESS, HowFar)
        except FileUnfit:
            return None

    def write_json(self, path: Path, content: Any, compact: bool = False) -> None:
        """Write JSON, whole or not at all; `compact` for what programs read."""
        how: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 1}
        with explained(self.path):
            write_whole(path, json_text(content, **how).encode())

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
    with making(study.path), explained(study.path):
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
        made = read_json(path / "study.json", f"put it back, or start a new study from {path / 'study.yaml'}")
    except FileMissing as error:
        known = ", ".join(sorted(str(found.parent) for found in Path("runs").glob("*/study.json"))) or "none in runs/"
        raise RunDirectoryError(
            f"STUDY={path}: is not a study directory (no study.json). Studies here: {known}"
        ) from error
    by = check_record(_Made, made, path / "study.json", f"start a new study from {path / 'study.yaml'}")
    if by.format != FORMAT:
        raise RunDirectoryError(
            f"STUDY={path}: has format {by.format} (made by evolearn {by.evolearn}), this evolearn reads {FORMAT}; use "
            f"that version, or start a new study from {path / 'study.yaml'}"
        )
    return StudyDirectory(path.absolute())

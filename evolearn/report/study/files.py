"""What the pages of a study and of an experiment are made from: result files that fit one another."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from evolearn.config import yaml_fields
from evolearn.files import (
    FileDamaged,
    FileMissing,
    Model,
    check_record,
    check_sealed,
    read_json,
    read_text,
    sha256,
    sha256_of,
)
from evolearn.report._files import Json, ReportError
from evolearn.report.study.records import (
    EnvironmentRecord,
    ExperimentRecord,
    Label,
    ReplayRecord,
    ReplicationRecord,
    VerdictRecord,
)

STUDY_FORMAT = 3
VERDICT_FORMAT = 3
REPLICATION_FORMAT = 2
_REPLAYS = "replays/"


@dataclasses.dataclass(frozen=True)
class StudyResults:
    """The files of a study that a report rests on."""

    verdict: Json
    environment: Json
    config: Json  # study.yaml, parsed
    config_text: str  # study.yaml, as it stands
    replays: tuple[Json, ...]  # by condition, run and age
    replication: Json | None  # replication.json, if the study replicates something


@dataclasses.dataclass(frozen=True)
class ExperimentResults:
    """The files of an experiment of its own that its page rests on."""

    replication: Json
    environment: Json
    config_text: str  # experiment.yaml, as it stands


def read_results(study: Path) -> StudyResults:
    """Read the result files of a study, and check that they are of one another.

    Args:
        study: the study directory.
    Raises:
        ReportError: it is no study, or of another format.
        FileUnfit: a file is missing, damaged, or of other results than the rest.
    """
    resume = f"evolearn resume {study} makes it again"
    label, config_text = _read_label(study)
    path = study / "verdict.json"
    verdict = _read(path, VerdictRecord, "verdict", VERDICT_FORMAT, resume, label.get("evolearn"))
    if verdict["study"]["config_sha256"] != label["config_sha256"]:
        raise FileDamaged(f"{path}: is the verdict of another study, or of this one before it was extended; {resume}")
    _check_beside(study, verdict["files"], resume)
    names = [condition["name"] for condition in verdict["conditions"]]
    found: dict[str, list[Json]] = {}
    for name in (name for name in verdict["files"] if name.startswith(_REPLAYS)):
        replay = read_json(study / name, resume)
        check_sealed(ReplayRecord, replay, study / name, resume)
        found.setdefault(replay["condition"], []).append(replay)
    config = yaml_fields(config_text, study / "study.yaml")
    return StudyResults(
        verdict=verdict,
        environment=_read_environment(study / "environment.json", label["environment_sha256"], resume),
        config=config,
        config_text=config_text,
        replays=tuple(replay for name in names for replay in sorted(found.get(name, ()), key=_place_of_replay)),
        replication=_read_replication(study, verdict["sha256"], resume) if config.get("replication") else None,
    )


def _place_of_replay(replay: Json) -> tuple[int, int]:
    return replay.get("run", 0), replay.get("start", 0)


def is_experiment(directory: Path) -> bool:
    """Whether a directory is that of an experiment of its own."""
    return (directory / "experiment.yaml").exists()


def read_experiment_results(directory: Path) -> ExperimentResults:
    """Read the result files of an experiment of its own, and check that they are of one another.

    Args:
        directory: of the experiment.
    Raises:
        ReportError: it is of another format.
        FileUnfit: a file is missing, damaged, or of another experiment.
    """
    config = directory / "experiment.yaml"
    again = f"`evolearn study {config}` makes it again in a new directory"
    path = directory / "replication.json"
    replication = _read(path, ExperimentRecord, "replication", REPLICATION_FORMAT, again)
    text = read_text(config, "put it back")
    if sha256(text.encode()) != replication["config_sha256"]:
        raise FileDamaged(
            f"{config}: is not the config that {path.name} is of, it was altered or swapped since; put it back, or run "
            "it as an experiment of its own with evolearn study"
        )
    return ExperimentResults(
        replication=replication,
        environment=_read_environment(directory / "environment.json", replication["environment_sha256"], again),
        config_text=text,
    )


def _read_label(study: Path) -> tuple[Json, str]:
    """What study.json says, and the text of the config that it is of."""
    path, config = study / "study.json", study / "study.yaml"
    begin = f"put it back, or start a new study from {config}"
    try:
        label = read_json(path, begin)
    except FileMissing as error:
        raise FileMissing(
            f"{path}: is missing; is {study} a study directory? `evolearn study CONFIG` makes one"
        ) from error
    if label.get("kind") != "study":
        raise ReportError(f"{path}: says kind {label.get('kind')!r}, not 'study'; name a study directory")
    _check_format(path, label, STUDY_FORMAT, f"start a new study from {config}", label.get("evolearn"))
    check_sealed(Label, label, path, begin)
    text = read_text(config, "put it back")
    label = label_of(label, sha256(text.encode()))
    if sha256(text.encode()) != label["config_sha256"]:
        raise FileDamaged(f"{config}: was altered since the study was made; put it back, or start a new study")
    return label, text


def label_of(label: Json, config_sha256: str) -> dict[str, Any]:
    """What `study.json` says of a study with that config; while an extension is written down, it says old and new.

    Args:
        label: what it says; the new under `becomes`.
        config_sha256: of the config that is there.
    """
    was = dict(label)
    becomes: dict[str, Any] | None = was.pop("becomes", None)
    return becomes if becomes and becomes["config_sha256"] == config_sha256 else was


def _check_beside(study: Path, files: dict[str, str], resume: str) -> None:
    """Check what a verdict lies beside. Tables that no page is made of may be missing, but not be others."""
    for name, digest in files.items():
        path = study / name
        try:
            found = sha256_of(path, resume)
        except FileMissing:
            if name.startswith(_REPLAYS):
                raise
            continue
        if found != digest:
            raise FileDamaged(f"{path}: is damaged, or of other results than verdict.json; {resume}")


def _read(path: Path, model: type[Model], kind: str, version: int, remedy: str, made_by: str | None = None) -> Json:
    """A result file that says what it is, as it was sealed."""
    content = read_json(path, remedy)
    if content.get("kind") != kind:
        raise ReportError(f"{path}: says kind {content.get('kind')!r}, not {kind!r}; {remedy}")
    _check_format(path, content, version, remedy, made_by)
    check_sealed(model, content, path, remedy)
    return content


def _check_format(path: Path, content: Json, version: int, otherwise: str, made_by: str | None) -> None:
    if content.get("format") != version:
        which = "" if made_by is None else f" (evolearn {made_by}, of the commit in environment.json)"
        raise ReportError(
            f"{path}: has format {content.get('format')}, this evolearn reads {version}; use the version that made it"
            f"{which}, or {otherwise}"
        )


def _read_environment(path: Path, digest: str, remedy: str) -> Json:
    text = read_text(path, remedy)
    if sha256(text.encode()) != digest:
        raise FileDamaged(f"{path}: is damaged, or of another one than the rest; {remedy}")
    environment = read_json(path, remedy)
    check_record(EnvironmentRecord, environment, path, remedy)
    return environment


def _read_replication(directory: Path, verdict_sha256: str, remedy: str) -> Json:
    path = directory / "replication.json"
    replication = _read(path, ReplicationRecord, "replication", REPLICATION_FORMAT, remedy)
    if replication.get("verdict_sha256") != verdict_sha256:
        raise FileDamaged(f"{path}: is of other results than verdict.json; {remedy}")
    return replication

"""What the pages of a study and of an experiment are made from: result files, read and checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from evolearn.report._files import Json, ReportError, parse_yaml, read_json, read_record, read_text, require

VERDICT_FORMAT = 2
REPLICATION_FORMAT = 1

# fmt: off
_VERDICT = ("study", "key_spaces", "birth_steps", "lifetimes", "metrics", "arms", "conditions", "ledger")
_CONDITION = (
    "name", "world", "parameters", "selection_lifetime", "sentence", "remarks", "arms", "primary", "secondary",
    "by_lifetime", "catch_up_by_lifetime", "factorial", "break_even",
)
# fmt: on


@dataclasses.dataclass(frozen=True)
class StudyResults:
    """The files of a study that a report rests on."""

    verdict: Json
    environment: Json
    config: Json  # study.yaml, parsed
    config_text: str  # study.yaml, as it stands
    replays: tuple[Json, ...]  # in the order of the conditions
    replication: Json | None  # replication.json, if the study replicates something


@dataclasses.dataclass(frozen=True)
class ExperimentResults:
    """The files of an experiment of its own that its page rests on."""

    replication: Json
    environment: Json
    config_text: str  # experiment.yaml, as it stands


def read_results(study: Path) -> StudyResults:
    """Read the result files of a study.

    Args:
        study: the study directory.
    Raises:
        ReportError: a file is missing or damaged, or of another format.
    """
    label = read_json(study / "study.json", f"is {study} a study directory? `evolearn study CONFIG` makes one")
    if label.get("kind") != "study":
        raise ReportError(
            f"{study / 'study.json'}: says kind {label.get('kind')!r}, not 'study'; name a study directory"
        )
    resume = f"`evolearn resume {study}` finishes the study and writes it again"
    verdict = read_record(study / "verdict.json", "verdict", VERDICT_FORMAT, resume, label.get("evolearn"))
    require(study / "verdict.json", verdict, _VERDICT, resume)
    for number, condition in enumerate(verdict["conditions"]):
        require(study / "verdict.json", condition, _CONDITION, resume, f"conditions[{number}].")
    text = read_text(study / "study.yaml", resume)
    config = parse_yaml(study / "study.yaml", text, resume)
    return StudyResults(
        verdict=verdict,
        environment=read_json(study / "environment.json", resume),
        config=config,
        config_text=text,
        replays=_read_replays(study / "replays", [condition["name"] for condition in verdict["conditions"]], resume),
        replication=_read_replication(study, resume) if config.get("replication") else None,
    )


def is_experiment(directory: Path) -> bool:
    """Whether a directory is that of an experiment of its own."""
    return (directory / "experiment.yaml").exists()


def read_experiment_results(directory: Path) -> ExperimentResults:
    """Read the result files of an experiment of its own.

    Args:
        directory: of the experiment.
    Raises:
        ReportError: a file is missing or damaged, or of a newer format.
    """
    again = f"`evolearn study {directory / 'experiment.yaml'}` makes it again in a new directory"
    replication = _read_replication(directory, again)
    require(directory / "replication.json", replication, ("experiment", "title", "seed", "pictures"), again)
    return ExperimentResults(
        replication=replication,
        environment=read_json(directory / "environment.json", again),
        config_text=read_text(directory / "experiment.yaml", again),
    )


def _read_replication(directory: Path, remedy: str) -> Json:
    path = directory / "replication.json"
    replication = read_record(path, "replication", REPLICATION_FORMAT, remedy)
    require(path, replication, ("about", "bands", "judgement", "runs", "cost", "config_sha256"), remedy)
    return replication


def _read_replays(folder: Path, conditions: list[str], remedy: str) -> tuple[Json, ...]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        replay = read_json(path, remedy)
        require(path, replay, ("condition", "life", "step_stride", "arms"), remedy)
        for number, arm in enumerate(replay["arms"]):
            require(path, arm, ("arm", "score", "drives", "ends", "shapes", "frames"), remedy, f"arms[{number}].")
        found[replay["condition"]] = replay
    return tuple(found[name] for name in conditions if name in found)

"""What comes of a replication: its bands, values, what comes of them and what it cost, as replication.json has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolearn.config import Part, config_sha256
from evolearn.environment import package_versions
from evolearn.files import explained, sealed, write_whole
from evolearn.run import RunDirectory
from evolearn.study.bands.bands import Measure, judge, summary
from evolearn.study.bands.measures import STUDY_MEASURES, StudyTable
from evolearn.study.bands.parts import ReplicationPart
from evolearn.study.config import StudyConfig
from evolearn.study.directory import StudyDirectory
from evolearn.verdict import Json, for_json

FORMAT = 2  # of replication.json
REPLICATION_FILE = "replication.json"


def judge_replication(config: StudyConfig, study: StudyDirectory, verdict: Json) -> None:
    """Write a study's replication.json, if it replicates something.

    Args:
        config: of the study.
        study: its directory, its runs all done.
        verdict: as in verdict.json.
    """
    if config.replication is None:
        return
    table = StudyTable(verdict)
    cost = {"world_steps": verdict["ledger"]["total"], **evolution_cost(study)}
    record = replication_record(config, config.replication, STUDY_MEASURES, table, verdict["study"]["runs"], cost)
    of = {"first_config_sha256": verdict["study"]["first_config_sha256"], "verdict_sha256": verdict["sha256"]}
    with explained(study.path):
        write_rounded(study.path / REPLICATION_FILE, record | of)


def replication_record(
    config: Part, part: ReplicationPart, measures: Mapping[str, Measure], results: Any, units: int, cost: Json
) -> Json:
    """What comes of a replication, as replication.json has it.

    Args:
        config: resolved; its hash is written down.
        part: of the config.
        measures: that its bands name.
        results: what they read.
        units: independent repetitions behind the values.
        cost: world steps, evaluations and seconds.
    """
    bands = judge(part, measures, results)
    return {
        "kind": "replication",
        "format": FORMAT,
        "about": part.model_dump(mode="json", exclude={"bands"}),
        "bands": bands,
        "judgement": summary(bands, units),
        "runs": units,
        "cost": cost,
        "config_sha256": config_sha256(config),
        "versions": package_versions(),
    }


def write_rounded(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all and sealed; numbers to six digits, what is not finite as null."""
    write_whole(path, json.dumps(sealed(for_json(content)), indent=1, allow_nan=False).encode())


def evolution_cost(study: StudyDirectory) -> Json:
    """Genomes evaluated, and seconds that evolution took, over all runs."""
    runs = sorted(path for path in (study.path / "runs").glob("*/*/*") if path.is_dir())
    rows = [row for path in runs for row in RunDirectory(path).rows()]
    return {
        "evaluations": sum(row["evaluations"] for row in rows),
        "evaluations_are": "genomes",
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "seconds_are": "of evolution; test lives are not timed",
    }

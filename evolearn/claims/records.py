"""What came of a claim as small data: made from a study directory, kept as a file in the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from evolearn.claims._measures import NO_CELL, Results, Table, tables_of
from evolearn.claims.judgement import judged_parts, primary_parts, sentence_of, word_of
from evolearn.claims.table import Claim, claims
from evolearn.config import as_kept
from evolearn.errors import RunDirectoryError
from evolearn.files import FileMissing, Record, explained, read_sealed, read_text, sealed, sha256, write_whole
from evolearn.report import read_results
from evolearn.study import StudyConfig, check_study, open_study
from evolearn.study.bands import evolution_cost
from evolearn.verdict import Json, for_json

FORMAT = 1
RECORDS = Path(__file__).with_name("records")
TABLES_FILE = "tables.md"  # in a study directory: what the claim's command printed of it
MOST_BYTES = 50_000  # of a record

_Count = Annotated[int, Field(ge=0)]


class _Part(Record):
    name: str
    told: Literal["shown", "refuted", "open"]


class _Condition(Record):
    name: str
    verdict: str
    sentence: str


class _Cost(Record):
    world_steps: _Count
    seconds: Annotated[float, Field(ge=0)]


class _Machine(Record):
    cpu: str | None
    cores: _Count | None


class ClaimRecord(Record):
    """What a record must hold."""

    kind: Literal["claim"]
    format: Literal[1]
    claim: str
    study: str
    config_sha256: str
    config: dict[str, Any]
    parts_sha256: str
    commit: str | None
    time: str
    machine: _Machine
    runs: Annotated[int, Field(ge=1)]
    seed: _Count
    exploratory: bool
    worlds: tuple[str, ...]
    arms: tuple[str, ...]
    conditions: tuple[_Condition, ...]
    parts: tuple[_Part, ...]
    word: str
    sentence: str
    cost: _Cost


def record_of(claim: Claim, study: Path, tables: Path | None = None) -> Json:
    """What came of a claim by a finished study of it.

    Args:
        claim: of the table.
        study: a study directory.
        tables: what the claim's command printed of it, in Markdown; none: its `TABLES_FILE`, if there is one.
    Raises:
        ReportError, FileUnfit: it is not finished, or damaged.
        RunDirectoryError: it is no study.
    """
    results = read_results(study)
    verdict, environment = results.verdict, results.environment
    found = _tables(study, tables)
    bands = claim.bands or primary_parts(verdict)
    parts = judged_parts(bands, Results(dict(verdict), found))
    runs = min(condition["runs"] for condition in verdict["conditions"])
    word = word_of([part["told"] for part in parts], runs, claim.whole)
    worlds = list(dict.fromkeys(condition["world"] for condition in verdict["conditions"]))
    settings = sum(
        max(arms[arm].get("settings", 0) for arms in _ledgers(verdict) if arm in arms) for arm in verdict["arms"]
    )
    content = {
        "kind": "claim",
        "format": FORMAT,
        "claim": claim.name,
        "study": claim.study,
        "config_sha256": verdict["study"]["first_config_sha256"],
        "parts_sha256": parts_sha256(claim),
        "verdict_sha256": verdict["sha256"],
        "commit": environment["commit"],
        "time": environment["time"],
        "machine": {name: environment.get(name) for name in ("cpu", "cores", "workers", "platform", "python")},
        "packages": environment["packages"],
        "config": dict(results.config),
        "runs": runs,
        "seed": verdict["study"]["seed"],
        "exploratory": verdict["study"]["exploratory"],
        "extended": [dict(change) for change in verdict["study"]["extended"]],
        "worlds": worlds,
        "arms": list(verdict["arms"]),
        "conditions": [
            {
                "name": condition["name"],
                "runs": condition["runs"],
                "verdict": condition["primary"]["verdict"],
                "sentence": condition["sentence"],
            }
            for condition in verdict["conditions"]
        ],
        "parts": parts,
        "word": word,
        "sentence": sentence_of(word, parts, worlds, runs),
        "cost": {
            "world_steps": verdict["ledger"]["total"],
            "settings_steps": settings,
            "seconds": evolution_cost(open_study(study))["seconds"],
            "seconds_are": "of evolution, over all processes; test lives are not timed",
        },
        "command": claim.command,
        "tables": [{"title": one.title, "heads": one.heads, "rows": one.rows} for one in found],
    }
    return sealed(json.loads(json.dumps(for_json(content))))


def keep(study: Path, tables: Path | None = None, folder: Path = RECORDS) -> tuple[Path, Json]:
    """Keep what came of a claim's quick study as its record.

    Args:
        study: its directory, finished, of the config that is shipped.
        tables: see `record_of`.
        folder: of records.
    Returns:
        The file, and what it holds.
    Raises:
        RunDirectoryError: the study is not the shipped one of any claim, or the record would be too large.
    """
    config = open_study(study).read_config()
    shipped = {claim.name: claim.config() for claim in claims().values() if claim.is_shipped}
    name = next((name for name, known in shipped.items() if is_same(known, config)), None)
    if name is None:
        raise RunDirectoryError(
            f"STUDY={study}: its config is that of no claim as it is shipped; run one with `evolearn claims NAME`, "
            f"without settings that differ. Claims: {', '.join(shipped)}"
        )
    claim = claims()[name]
    record = record_of(claim, study, tables)
    if not record["tables"] and any(part["measure"] == "table" for part in record["parts"]):
        raise RunDirectoryError(
            f"STUDY={study}: what decides {name} is in tables that are not there: `"
            f"{claim.command.replace('STUDY', str(study))} > {study / TABLES_FILE}` makes them, in a checkout"
        )
    if lost := [part["name"] for part in record["parts"] if part["note"] == NO_CELL]:
        raise RunDirectoryError(
            f"STUDY={study}: the tables have no cell for {'; '.join(lost)}; give those of `{claim.command}`, whole"
        )
    text = json.dumps(record, indent=1, ensure_ascii=False)
    if len(text.encode()) > MOST_BYTES:
        raise RunDirectoryError(
            f"STUDY={study}: its record has {len(text.encode()):,} bytes, must have {MOST_BYTES:,} at most; keep fewer "
            "tables"
        )
    path = folder / f"{name}.json"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, (text + "\n").encode())
    return path, record


def kept_records(folder: Path = RECORDS) -> dict[str, Json]:
    """Records that are kept, by claim.

    Raises:
        FileDamaged: one was altered since it was written.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        read_sealed(path, ClaimRecord, "`evolearn claims keep STUDY` writes it again")
        found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
    return found


def config_of(record: Mapping[str, Any]) -> StudyConfig:
    """The config of the study that a record is of: what was not asked when it was made has its default.

    Args:
        record: of a claim.
    Raises:
        ConfigError: it is none that this evolearn takes.
    """
    content = record["config"]
    return check_study({**content, "run": as_kept(content.get("run"))}, f"record of {record['claim']}")


def is_same(one: StudyConfig, other: StudyConfig) -> bool:
    """Whether two configs are of one study: all but what its page replays, which decides nothing."""
    return one.model_copy(update={"replay": other.replay}) == other


def parts_sha256(claim: Claim) -> str:
    """Hash of what decides a claim."""
    decides = {"whole": claim.whole, "parts": [band.model_dump(mode="json") for band in claim.bands]}
    return sha256(json.dumps(decides).encode())


def _ledgers(verdict: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return list(verdict["ledger"]["conditions"].values())


def _tables(study: Path, tables: Path | None) -> list[Table]:
    path = tables or study / TABLES_FILE
    try:
        return tables_of(read_text(path, "give the file that the claim's command printed with --markdown"))
    except FileMissing:
        if tables is not None:
            raise
        return []

"""Runs and studies as they lie on disk, finished or not: read only, and never in the way of who writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evolearn.config import dotted, read_yaml
from evolearn.errors import RunDirectoryError, UserError
from evolearn.files import LOCK, FileUnfit, is_held, read_json
from evolearn.report import Curve, Gene, Newborn, Seen
from evolearn.run import RunDirectory, ancestors, natural_values
from evolearn.study import StudyDirectory

RUN, STUDY = "run", "study"
FINISHED, RUNNING, STOPPED = "finished", "running", "stopped"
_LABELS = {"run.json": RUN, "study.json": STUDY}
_DEEPEST = 3  # folders below the one that is looked through


def find_seen(folder: Path) -> list[Seen]:
    """All runs and studies in a folder, the latest last.

    Runs within a study are its own, and are not listed again. What cannot be read is left out.

    Args:
        folder: is looked through, three folders deep.
    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"DIR={folder}: there is no such folder; name one in which runs lie")
    return sorted(_within(folder, 0), key=lambda seen: (seen.made, seen.path))


def look_at(path: Path) -> Seen:
    """A run or a study as it is now.

    Raises:
        UserError: it is neither.
        RunDirectoryError: it is damaged.
    """
    for label, kind in _LABELS.items():
        if (path / label).is_file():
            return (_see_run if kind == RUN else _see_study)(path, (path / label).stat().st_mtime)
    if not path.exists():
        raise UserError(f"{path}: does not exist; evolearn runs lists what is there")
    raise UserError(f"{path}: is neither a run directory nor a study directory: it holds no {' and no '.join(_LABELS)}")


def newborn_of(run: Path) -> Newborn | None:
    """Drives and plasticity of the last centre that a run kept, beside the first; None before there is one.

    Args:
        run: a run directory.
    Raises:
        DNAError: a file is damaged.
    """
    kept = ancestors(run)
    if not kept:
        return None
    first, last = (natural_values(dna.pool, dna.genome) for dna in (kept[0], kept[-1]))
    genes = []
    for group, values in last.items():
        for name, value in values.items():
            start = first[group].get(name)
            if isinstance(value, float) and isinstance(start, float):
                genes.append(Gene(group, name, start, value))
    return Newborn(kept[-1].header["lineage"]["generation"], tuple(genes)) if genes else None


def _within(folder: Path, depth: int) -> Iterator[Seen]:
    if any((folder / label).is_file() for label in _LABELS):
        try:
            yield look_at(folder)
        except (RunDirectoryError, UserError, OSError):
            return
    elif depth < _DEEPEST:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _within(Path(entry.path), depth + 1)


def _see_run(path: Path, made: float) -> Seen:
    directory = RunDirectory(path)
    study = _study_of(path)
    is_finished = directory.is_finished or (study is not None and directory.has_dna)  # the study judges it
    config = read_yaml(path / "config.yaml")
    rows = directory.rows()
    of = config["search"]["generations"]
    scores = _scores(path) if directory.is_finished else {}
    pace = sum(row["seconds"] for row in rows) / len(rows) if rows else None
    return Seen(
        path=path,
        kind=RUN,
        world=config["world"]["name"],
        made=made,
        state=_state(study or path, is_finished),
        done=len(rows),
        of=of,
        seconds_left=None if pace is None else pace * max(of - len(rows), 0),
        scores=scores,
        says="",
        has_dna=directory.has_dna,
        settings=dotted(config),
        curves=(_curve(path.name, "", "", rows),) if rows else (),
        study=study,
    )


def _study_of(run: Path) -> Path | None:
    """The study that a run is one of; None: it is by itself."""
    above = (run if len(run.parts) > 4 else run.resolve()).parents
    return above[3] if len(above) > 3 and (above[3] / "study.json").is_file() else None


def _see_study(path: Path, made: float) -> Seen:
    config = read_yaml(path / "study.yaml")
    curves = []
    for file in sorted((path / "runs").glob("*/*/run_*/generations.jsonl")):
        condition, arm, run = file.parent.relative_to(path / "runs").parts
        curves.append(_curve(f"{condition}, {arm}, {run}", arm, condition, RunDirectory(file.parent).rows()))
    standing = StudyDirectory(path).progress()
    says = ""
    try:
        says = " ".join(condition["sentence"] for condition in read_json(path / "verdict.json")["conditions"][:1])
    except (FileUnfit, LookupError, TypeError):
        says = ""
    return Seen(
        path=path,
        kind=STUDY,
        world=str(config.get("run", {}).get("world", {}).get("name", "")),
        made=made,
        state=_state(path, (path / "report" / "index.html").is_file()),
        done=sum(len(curve.steps) for curve in curves),
        of=None,
        jobs=None if standing is None else (standing.done, standing.of),
        seconds_left=None if standing is None else standing.seconds_left,
        scores={},
        says=says,
        has_dna=any((path / "runs").glob("*/*/run_*/dna.safetensors")),
        settings=dotted(config),
        curves=tuple(curve for curve in curves if curve.steps),
    )


def _state(path: Path, finished: bool) -> str:
    if finished:
        return FINISHED
    return RUNNING if is_held(path / LOCK) else STOPPED


def _scores(path: Path) -> dict[str, float]:
    arms = read_json(path / "result.json")["arms"]
    return {arm["arm"]: arm["by_lifetime"][-1] for arm in arms if arm["by_lifetime"][-1] is not None}


def _curve(name: str, arm: str, condition: str, rows: list[dict[str, Any]]) -> Curve:
    steps, total = [], 0
    for row in rows:
        total += row["world_steps"]
        steps.append(float(total))
    fitness = [float("nan") if row["fitness_centre"] is None else float(row["fitness_centre"]) for row in rows]
    return Curve(name, arm, condition, tuple(steps), tuple(fitness))

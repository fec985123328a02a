"""inspection.json: whose DNA it is, how much was lived, and what every section found, as JSON can hold it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.inspection._specimen import Extent, Json, Specimen
from evolearn.report import INSPECTION_FORMAT
from evolearn.run import DNA

DIGITS = 6  # significant, of most numbers: as many as anybody reads


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of one section."""

    key: str
    title: str
    found: Json | None
    missing: str  # why there is nothing; empty where there is
    seconds: float


def record(about: Json, command: str, answers: Sequence[Answer], environment: Json) -> Json:
    """The content of inspection.json.

    Args:
        about: from `describe`.
        command: that makes it again.
        answers: in the order of the page.
        environment: see `evolearn.environment.describe_environment`.
    Returns:
        Plain values that are finite, or None where they were not. ``replays`` of sections stand beside the sections.
    """
    replays = [replay for answer in answers if answer.found for replay in answer.found.get("replays", ())]
    return plain(
        {
            "kind": "inspection",
            "format": INSPECTION_FORMAT,
            "about": about,
            "command": command,
            "sections": [_entry(answer) for answer in answers],
            "replays": replays,
            "environment": environment,
        }
    )


def _entry(answer: Answer) -> Json:
    found = answer.found
    if found is not None:
        found = {name: value for name, value in found.items() if name != "replays"}
    return {**dataclasses.asdict(dataclasses.replace(answer, found=None)), "found": found}


def describe(dna: DNA, extent: Extent, lifetime: int, age: int | None, specimen: Specimen | None) -> Json:
    """Whose DNA it is, and how much is lived to inspect it.

    Args:
        dna: the DNA.
        extent: how much is lived.
        lifetime: world steps of a life with learning.
        age: steps, at which lesions are made beside those at birth; None: at birth only.
        specimen: it alive; None where its world cannot be found.
    """
    config, header = dna.config, dna.header
    birth_steps = min(config.evaluation.birth_steps, lifetime)
    return {
        "name": name_of(dna),
        "dna": str(dna.path),
        "sha256": dna.sha256,
        "role": dna.role,
        "generation": dna.generation,
        "world": dna.world,
        "world_summary": specimen.setup.conditions.world.summary if specimen else "",
        "parameters": header["world"]["parameters"],
        "observations": dna.observations,
        "units": header["brain"]["units"],
        "actions": dna.actions,
        "drives": dna.drives,
        "seed": config.seed,
        "algorithm": config.search.algorithm,
        "generations": config.search.generations,
        "population": config.search.population,
        "selection_lifetime": config.search.selection_lifetime,
        "lifetime": lifetime,
        "birth_steps": birth_steps,
        "birth_lives": extent.birth_lives,
        "lives": extent.lives,
        "extent": extent.name,
        "age": age,
        "genes": dna.pool.size,
        "bits": dna.pool.bits,
        "brain": dataclasses.asdict(dna.brain),
        "learner": config.learner.name,
        "warning": "",
    }


def name_of(dna: DNA) -> str:
    """What to call some DNA: by its run, in a study with all that names it, and by its file where it is not `dna`."""
    stem = dna.path.stem
    if dna.run is None:
        return stem
    of_study = len(dna.run.parents) > 3 and (dna.run.parents[3] / "study.json").exists()
    name = " ".join([dna.run.parents[3].name, *dna.run.parts[-3:]]) if of_study else dna.run.name
    return name if stem == "dna" else f"{name} {stem}"


def plain(value: Any) -> Any:
    """A value as JSON holds it: lists, tables, texts, truths, whole and finite numbers; None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def rounded(values: npt.ArrayLike) -> Any:
    """A number, or nested lists of numbers: to 6 significant digits; None for what is not finite.

    Args:
        values: of any shape.
    """
    return _rounded(np.asarray(values, np.float64).tolist())


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None

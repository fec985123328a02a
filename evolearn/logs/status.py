"""What is logged of a generation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Of a row of generations.jsonl, and its name in a log: EvoTorch's, where its searches report the same.
_NAMES = {
    "fitness_mean": "mean_eval",
    "fitness_best": "pop_best_eval",
    "fitness_std": "std_eval",
    "fitness_centre": "center_eval",
    "search_stdev": "stdev",
    "world_steps": "world_steps",
    "teacher_steps": "teacher_steps",
    "steps_per_second": "steps_per_second",
    "diverged_lives": "diverged_lives",
    "skipped_updates": "skipped_updates",
    "paired_correlation": "paired_correlation",
    "peak_memory": "peak_memory",
    "restart": "restart",
}


def status_of(row: Mapping[str, Any]) -> dict[str, float]:
    """A generation's numbers by their names in a log.

    `iter` counts generations from 1, and `pop_best_eval`, `mean_eval` and `stdev` are the status fields of EvoTorch's
    searches of these names; `center_eval` is the fitness of the centre, `std_eval` that of the population. Fields of
    opponents that evolve as well begin with `opponent/`, of several populations with `opponent/0/` and so on. The
    others are those of the row.

    Args:
        row: of ``generations.jsonl``, or `Generation.row()`.
    Returns:
        What is a finite number: fitness is left out where every life diverged, and what a run has not.
    """
    part = row.get("opponent") or {}
    parts = {"opponent": part} if isinstance(part, Mapping) else {f"opponent/{n}": one for n, one in enumerate(part)}
    other = {
        f"{begins}/{_NAMES[name]}": value
        for begins, one in parts.items()
        for name, value in one.items()
        if name in _NAMES
    }
    found = {"iter": row["generation"] + 1, **{_NAMES[name]: row.get(name) for name in _NAMES}, **other}
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}

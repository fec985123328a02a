"""A run at its own prefixes: the centres that it kept on its way, and what each had cost.

Nested budgets of one search: a run that is stopped earlier has come to the very same centre. Runs of other sizes differ
in more than their budgets, since who has fewer steps takes them in other populations or in fewer generations.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from evolearn.errors import UserError
from evolearn.run.directory import open_run
from evolearn.run.dna import ANCESTORS, DNA, ancestors

FEWEST_BUDGETS = 3  # of a sweep: through two every curve goes


@dataclasses.dataclass(frozen=True)
class Prefix:
    """What a run had come to with a part of its steps."""

    steps: int  # world steps of evolution until then; 0: where it began
    dna: DNA


def prefixes_of(run: Path) -> list[Prefix]:
    """The centres that a run kept on its way, two in every doubling of its generations, the earliest first.

    Args:
        run: a run directory.
    Raises:
        UserError: it is none, or kept no centre.
        DNAError: a file is damaged.
    """
    taken = [row["world_steps"] for row in open_run(run).rows()]
    kept = ancestors(run)
    if not kept:
        raise UserError(f"{run}: kept no centre of its way; look at {run / ANCESTORS}, or run it again")
    return [Prefix(sum(taken[: dna.generation]), dna) for dna in kept]


def at_budgets(prefixes: Sequence[Prefix], budgets: Sequence[int] | None, field: str = "budgets") -> list[Prefix]:
    """Of a run's prefixes those of a sweep of budgets: the nearest in logs to each; all but the start if none is named.

    Args:
        prefixes: from `prefixes_of`.
        budgets: world steps, in any order; None: all that were kept.
        field: what a user calls them, for errors.
    Raises:
        UserError: fewer than FEWEST_BUDGETS, two that are the same centre, or one that lies outside of the run.
    """
    kept = [prefix for prefix in prefixes if prefix.steps > 0]
    if budgets is None:
        if len(kept) < FEWEST_BUDGETS:
            raise UserError(
                f"{_run_of(prefixes)}: kept {len(kept)} centres after its start, and a sweep takes at least "
                f"{FEWEST_BUDGETS}; evolve for more generations: search.generations of 5 or more"
            )
        return kept
    named = ", ".join(f"{steps:,}" for steps in budgets)
    if len(budgets) < FEWEST_BUDGETS:
        raise UserError(
            f"{field}={named}: {len(budgets)} budgets, must be at least {FEWEST_BUDGETS}, since through two every "
            "curve goes; name more, or none to take all that were kept"
        )
    for steps in budgets:
        if not kept or not kept[0].steps <= steps <= kept[-1].steps:
            within = f"{kept[0].steps:,} .. {kept[-1].steps:,} world steps" if kept else "of a run of a generation more"
            raise UserError(
                f"{field}={steps:,}: must be {within}, between the first centre and the last that "
                f"{_run_of(prefixes)} kept; ask for less, or evolve for longer"
            )
    chosen = sorted({min(kept, key=lambda one: abs(math.log(one.steps / steps))).steps for steps in budgets})
    if len(chosen) < len(budgets):
        offered = ", ".join(f"{prefix.steps:,}" for prefix in kept)
        raise UserError(
            f"{field}={named}: {len(budgets)} budgets that are {len(chosen)} centres, must be one each; "
            f"{_run_of(prefixes)} kept those of {offered} world steps"
        )
    return [prefix for prefix in kept if prefix.steps in chosen]


def _run_of(prefixes: Sequence[Prefix]) -> Path:
    return prefixes[0].dna.run or prefixes[0].dna.path

"""What lineages come to: a row for each cultural generation."""

from __future__ import annotations

import dataclasses

from evolearn.genome import FloatArray
from evolearn.life import Driver, evaluate
from evolearn.rng import VALIDATION, life_keys
from evolearn.run.setup import Setup

LINEAGE_GENERATION = 4  # of the validation key space: lineages beside the lives of the closing table


@dataclasses.dataclass(frozen=True)
class CulturalRow:
    """What a cultural generation came to, in lineages of their own."""

    generation: int  # cultural, from 0
    fitness: float  # life fitness, mean over lineages of their siblings' mean
    error: float  # its standard error over lineages


def cultural_rows(setup: Setup, driver: Driver, genome: FloatArray) -> tuple[CulturalRow, ...]:
    """A row for each cultural generation of one genome, on validation lineages; none where lives are by themselves.

    Args:
        setup: of the run.
        driver: for its conditions.
        genome: [G], in gene units.
    """
    if setup.conditions.lineage is None:
        return ()
    keys = life_keys(setup.config.seed, VALIDATION, LINEAGE_GENERATION, setup.config.evaluation.lives)
    lived = evaluate(driver, setup.conditions, setup.pool, genome[None], keys, setup.selection)
    assert lived.by_generation is not None, "there are lineages"
    scores = lived.by_generation[0]  # [L, cultural generations]
    errors = scores.std(axis=0, ddof=1) / len(keys) ** 0.5
    return tuple(
        CulturalRow(number, float(mean), float(error))
        for number, (mean, error) in enumerate(zip(scores.mean(axis=0), errors, strict=True))
    )

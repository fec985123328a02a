"""What a driver is asked of one block: the lives of some genomes of a drawn population, or the sums for some genes.

For `Driver.over_blocks`: functions of this module, records that travel to other hosts and grow with genes and
population, not with their product, and answers that are small.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.draws import Draw, Noise, Weights, draw_genomes, sum_noise
from evolearn.evaluate import Evaluation, evaluate
from evolearn.genome import GenePool, from_z
from evolearn.lives import Driver, Plan

CENTRE = -1  # the block that is the centre alone


@dataclasses.dataclass(frozen=True)
class BlockLives:
    """What the lives of a drawn population share."""

    draw: Draw
    pool: GenePool
    keys: npt.NDArray[np.int64]  # [L, 4]; every genome lives all of them
    plan: Plan


@dataclasses.dataclass(frozen=True)
class BlockSums:
    """What the sums over a population's noise share; see `evolearn.draws.sum_noise`."""

    noise: Noise
    first: Weights  # [directions]
    second: Weights  # [directions]


def live_block(driver: Driver, shared: BlockLives, block: int) -> Evaluation:
    """Draw and live the genomes of a block, or the centre.

    Args:
        driver: lives under its own conditions.
        shared: the population and how it lives.
        block: 0 .. `Noise.blocks` - 1, or CENTRE.
    """
    draw = shared.draw
    # Numbered as a whole population is: the centre after the last genome.
    members = np.array([draw.noise.population]) if block == CENTRE else draw.noise.members(block)
    z = draw.centre[None] if block == CENTRE else draw_genomes(draw, members)
    genomes = from_z(shared.pool, z)
    return evaluate(driver, driver.conditions, shared.pool, genomes, shared.keys, shared.plan, int(members[0]))


def sum_block(driver: Driver, shared: BlockSums, block: int) -> npt.NDArray[np.float64]:
    """Sums [2, genes of the block]; the driver is not needed."""
    return sum_noise(shared.noise, shared.first, shared.second, block)


def join_evaluations(blocks: Sequence[Evaluation]) -> Evaluation:
    """Several evaluations without learned weights as one, in order."""
    return Evaluation(
        np.concatenate([block.fitness for block in blocks]),
        sum(block.world_steps for block in blocks),
        sum(block.diverged for block in blocks),
        sum(block.skipped_updates for block in blocks),
    )

"""What a driver is asked of one block: the lives of some genomes of a drawn population, or the sums for some genes.

For `Driver.over_blocks`: functions of a module, records that travel to other hosts and grow with genes and population,
not with their product, and answers that are small.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from evolearn.genome import GenePool, from_z
from evolearn.life import Driver, Evaluation, Plan, evaluate
from evolearn.search.draws import Draw, Noise, Weights, draw_genomes, sum_noise

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
    """What the sums over a population's noise share; see `evolearn.search.draws.sum_noise`."""

    noise: Noise
    first: Weights  # [directions]
    second: Weights  # [directions]


def live_block(driver: Driver, shared: BlockLives, block: int) -> Evaluation:
    """Draw and live the genomes of a block, or the centre.

    Args:
        driver: lives under its own conditions.
        shared: the population and how it lives.
        block: 0 .. `Noise.blocks` - 1, or CENTRE.
    Raises:
        LifeFault: the world is at fault; the centre's number is the population's size.
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


def live_in_blocks(driver: Driver, shared: BlockLives) -> Evaluation:
    """Live a drawn population, and after it its centre.

    Args:
        driver: for the run's conditions.
        shared: the population and how it lives.
    Returns:
        Life fitness [P + 1, L], the centre's last, and what it cost.
    """
    evaluations = driver.over_blocks(live_block, shared, [*range(shared.draw.noise.blocks), CENTRE])
    return Evaluation(
        np.concatenate([evaluation.fitness for evaluation in evaluations]),
        np.concatenate([evaluation.broken for evaluation in evaluations]),
        sum(evaluation.world_steps for evaluation in evaluations),
        sum(evaluation.skipped_updates for evaluation in evaluations),
        teacher_steps=sum(evaluation.teacher_steps for evaluation in evaluations),
        by_generation=evaluations[-1].by_generation,  # the centre's
    )


def sum_in_blocks(driver: Driver, shared: BlockSums) -> npt.NDArray[np.float64]:
    """Sums over all directions, [2, G]: see `evolearn.search.draws.sum_noise`."""
    return np.concatenate(driver.over_blocks(sum_block, shared, range(shared.noise.gene_blocks)), axis=1)

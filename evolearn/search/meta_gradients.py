"""What a driver is asked of one block of lives of a meta-update: to live them, and the gradient through their learning.

For `Driver.over_blocks`, see `evolearn.search.drawn_blocks`. Blocks depend on the plan alone and their gradients are
added in order, so that the sum has the same bits on any number of workers.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from evolearn.agent import Steps, meta_gradient
from evolearn.genome import FloatArray, GenePool, Newborns, decode, draw_fresh
from evolearn.life import (
    DIVERGED,
    Conditions,
    Driver,
    Evaluation,
    LifeFault,
    Plan,
    Trace,
    broken_lives,
    life_fitness,
    traced_lives,
)

LIVES_AT_ONCE, STEPS_AT_ONCE = 128, 50_000  # in a block: few enough to share among workers, and to be kept in memory


@dataclasses.dataclass(frozen=True)
class MetaLives:
    """What the lives of one meta-update share."""

    pool: GenePool
    genome: FloatArray  # [G], in gene units
    number: int  # of the genome in its generation, for errors
    keys: npt.NDArray[np.int64]  # [L, 4]
    plan: Plan  # learns in whole windows, and lives on
    first_order: bool

    @property
    def block_size(self) -> int:
        """Lives in a block; the last may have fewer."""
        return max(1, min(LIVES_AT_ONCE, STEPS_AT_ONCE // self.plan.lifetime))


class BlockGradient(NamedTuple):
    """What came of a block."""

    evaluation: Evaluation  # of one genome
    gradient: npt.NDArray[np.float64]  # [W], by weight, sum over lives
    lives: int  # that it is the sum of: all but those that diverged, or whose gradient or update was not finite


def differentiate(driver: Driver, shared: MetaLives) -> tuple[Evaluation, npt.NDArray[np.float64]]:
    """Live a genome, and find how its weights at birth change the loss after learning.

    Args:
        driver: for the run's conditions.
        shared: who lives which lives, and how.
    Returns:
        Life fitness [1, L] and what it cost; and the gradient, [W], the mean over lives, NaN if no life was whole.
    Raises:
        LifeFault: the world is at fault.
    """
    blocks = range(-(-len(shared.keys) // shared.block_size))
    answers: list[BlockGradient] = driver.over_blocks(differentiate_block, shared, blocks)
    evaluation = Evaluation(
        np.concatenate([answer.evaluation.fitness for answer in answers], axis=1),
        np.concatenate([answer.evaluation.broken for answer in answers], axis=1),
        sum(answer.evaluation.world_steps for answer in answers),
        sum(answer.evaluation.skipped_updates for answer in answers),
    )
    total = np.sum([answer.gradient for answer in answers], axis=0)
    lives = sum(answer.lives for answer in answers)
    return evaluation, total / lives if lives else np.full_like(total, np.nan)


def differentiate_block(driver: Driver, shared: MetaLives, block: int) -> BlockGradient:
    """Live a block's lives, and add up their gradients.

    Args:
        driver: lives under its own conditions.
        shared: see `MetaLives`.
        block: number of the block, from 0.
    Raises:
        LifeFault: the world is at fault.
    """
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)  # sums have other last bits on two
    first = block * shared.block_size
    keys = shared.keys[first : first + shared.block_size].copy()  # what comes through Ray is read-only
    one = np.zeros(len(keys), np.int64)
    newborns, born_as = draw_fresh(shared.pool, decode(shared.pool, shared.genome[None]), one, keys)
    try:
        outcome, traces = traced_lives(driver, newborns, born_as, keys, shared.plan)
    except LifeFault as fault:
        raise fault.altered(life=first + fault.life, genome=shared.number) from fault.__cause__
    earned = life_fitness(outcome, driver.conditions.world.fitness_rule, shared.plan)
    evaluation = Evaluation(
        earned[None],
        broken_lives(outcome, earned)[None],
        int(outcome.age.sum()),
        int(outcome.skipped_updates.sum()),
    )
    whole = np.flatnonzero((outcome.status != DIVERGED) & (outcome.skipped_updates == 0))
    traces = Trace(*(array[whole] for array in traces))
    gradients, _ = gradients_of(driver.conditions, shared.plan, shared.first_order, newborns, born_as[whole], traces)
    finite = gradients[np.isfinite(gradients).all(axis=1)]
    return BlockGradient(evaluation, finite.sum(axis=0, dtype=np.float64), len(finite))


def gradients_of(
    conditions: Conditions,
    plan: Plan,
    first_order: bool,
    newborns: Newborns,
    born_as: npt.NDArray[np.int64],
    traces: Trace,
) -> tuple[FloatArray, FloatArray]:
    """Gradient of the loss after learning of each of B lives, and the weights that it learned, [B, W] each.

    Args:
        conditions: under which they lived.
        plan: how: the updates are those between `learn_from` and `learn_until`, judged is what comes after.
        first_order: see `evolearn.agent.torch_losses.learned`.
        newborns: who lived.
        born_as: int64 [B], which newborn each life was born as.
        traces: [B, T, ..] of all steps.
    """
    until = plan.learn_until
    assert until is not None, "lives stop learning to be judged"
    drives = newborns.drives[born_as]
    lived = Steps(
        torch.tensor(traces.observations),
        torch.tensor(traces.next_observations),
        torch.tensor(traces.actions),
        torch.tensor((traces.drives * drives[:, None]).sum(axis=-1)),
        torch.tensor(traces.ends),
    )
    window = conditions.window
    gradients, learned = meta_gradient(
        conditions.learner,
        conditions.brain,
        torch.tensor(newborns.weights[born_as]),
        [lived.between(start, start + window) for start in range(plan.learn_from, until, window)],
        lived.between(until, plan.lifetime),
        torch.tensor(newborns.plasticity[born_as]),
        conditions.settings.gradient_norm,
        first_order,
    )
    return gradients.numpy(), learned.numpy()

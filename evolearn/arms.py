"""Arms: what a condition of a comparison is born with, and whether it learns."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from evolearn.assemble import Setup
from evolearn.evaluate import live_each
from evolearn.genome import FIXED, FRESH, FloatArray, GenePool, gene_pool
from evolearn.lives import Driver, Plan
from evolearn.records import FROM_BRAIN, FROM_ORACLE, FROM_UNIFORM, Outcome
from evolearn.rng import life_keys
from evolearn.world import World


@dataclasses.dataclass(frozen=True)
class Arm:
    """One condition: a gene pool, a genome of it, where actions come from and whether life teaches."""

    name: str
    doc: str
    pool: GenePool
    genome: FloatArray  # [G] of the pool
    source: int = FROM_BRAIN
    learns: bool = True
    learn_from: int = 0  # age in steps
    learn_until: int | None = None  # age in steps; None: to the end


def run_arms(setup: Setup, genome: FloatArray) -> list[Arm]:
    """The arms of a run's closing table.

    Args:
        setup: of the run.
        genome: [G], the evolved one.
    Returns:
        blank, evolved, evolved_frozen, random, and oracle if the world has one.
    """
    blank = blank_pool(setup)
    nothing = np.zeros(0, np.float32)
    learner = setup.config.learner
    ages: dict[str, Any] = {"learn_from": learner.learn_from, "learn_until": learner.learn_until}
    arms = [
        Arm("blank", "random weights, fitness as only reward, published defaults, learning", blank, nothing),
        Arm("evolved", "as evolved, learning when the config says", setup.pool, genome, **ages),
        Arm("evolved_frozen", "as evolved, learning switched off", setup.pool, genome, learns=False),
        Arm("random", "uniform actions", blank, nothing, source=FROM_UNIFORM, learns=False),
    ]
    world = setup.conditions.world
    if isinstance(world, World) and world.oracle is not None:
        arms.append(Arm("oracle", "knows this life's hidden draw", blank, nothing, source=FROM_ORACLE, learns=False))
    return arms


def blank_pool(setup: Setup) -> GenePool:
    """Genes of a blank slate: weights drawn in each life, fitness as only reward, published plasticity."""
    return gene_pool(
        brain=setup.conditions.brain,
        learner=setup.conditions.learner,
        drive_names=setup.conditions.drive_names,
        modes={"weights": FRESH, "drives": FIXED, "plasticity": FIXED},
        drive_centres={"fitness": 1.0},
        plasticity_centres={},
        spreads={"weights": 1.0, "drives": 1.0, "plasticity": 1.0},
        seed=setup.config.seed,
    )


def live_arm(setup: Setup, driver: Driver, arm: Arm, plan: Plan, space: int, lives: int) -> Outcome:
    """Live one arm.

    Args:
        setup: of the run.
        driver: for its conditions.
        arm: which.
        plan: lifetime and bins; learning ages and the source of actions are the arm's.
        space: key space of the lives.
        lives: how many.
    Returns:
        Outcome, [lives, ..].
    """
    until = (arm.learn_until if arm.learn_until is not None else plan.lifetime) if arm.learns else 0
    plan = dataclasses.replace(plan, source=arm.source, learn_from=arm.learn_from, learn_until=until)
    keys = life_keys(setup.config.seed, space, 0, lives)
    return live_each(driver, setup.conditions, arm.pool, arm.genome[None], keys, plan)

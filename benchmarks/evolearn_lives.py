"""This project's fused kernel, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from benchmarks import work
from evolearn.agent import BrainSpec, LearnerSettings
from evolearn.genome import Newborns, initial_distribution
from evolearn.life import Conditions, Plan, lives, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.world import Declaration

NEVER_SHORTENED = 1e9
SAVANNAH_WINDOW, SAVANNAH_HIDDEN = 20, (24,)
# As the worlds' configs weigh them: reward is one per step, or being upright and near.
DRIVES = {"cart-pole": {"fitness": 1.0}, "savannah": {"fitness": 1.0, "uprightness": 0.1, "approach": 0.5}}


def conditions_of(world: Declaration, hidden: tuple[int, ...], window: int) -> Conditions:
    """What the lives of a benchmark share."""
    brain = BrainSpec(
        trunk="mlp",
        observations=len(world.observations),
        hidden=hidden,
        actions=world.action_outputs,
        policy="categorical" if world.is_discrete else "gaussian",
    )
    settings = LearnerSettings(
        epochs=1,
        clip=0.2,
        gradient_norm=NEVER_SHORTENED,
        first_decay=work.FIRST_DECAY,
        second_decay=work.SECOND_DECAY,
        epsilon=work.EPSILON,
    )
    return Conditions(world, world.resolve({}), brain, "actor_critic", settings, window)


def newborns_of(conditions: Conditions, count: int) -> Newborns:
    """Newborns with weights of their own, drawn from the standard initialisation."""
    mean, stdev = initial_distribution(conditions.brain)
    noise = np.random.default_rng(1).standard_normal((count, conditions.brain.weights), np.float32)
    plasticity = [work.LEARNING_RATE, work.DISCOUNT, work.GAE_LAMBDA, work.ENTROPY_BONUS, 1.0, 1.0]
    weighed = DRIVES.get(conditions.world.name, {"fitness": 1.0})
    drives = [weighed.get(name, 0.0) for name in conditions.drive_names]
    return Newborns(
        weights=mean + stdev * noise,
        drives=np.tile(np.array(drives, np.float32), (count, 1)),
        plasticity=np.tile(np.array(plasticity, np.float32), (count, 1)),
        scale=np.ones(count, np.float32),
        initial_stdev=np.zeros(0, np.float32),
        value=np.zeros((count, 0), np.float32),
    )


def lives_in(conditions: Conditions, count: int, lifetime: int, workers: int | None = None) -> Callable[[], None]:
    """Prepare `count` lives of `lifetime` steps each, everything compiled; a thread per core unless told otherwise."""
    driver = new_driver(conditions, workers=workers or os.cpu_count() or 1)
    newborns = newborns_of(conditions, count)
    genomes = np.arange(count)
    keys = life_keys(0, VALIDATION, 0, count)

    def live() -> None:
        lives(driver, conditions, newborns, genomes, keys, Plan(lifetime))

    lives(driver, conditions, newborns, genomes[:2], keys[:2], Plan(conditions.window))
    return live


def lives_of(size: work.Size) -> Callable[[], None]:
    """Lives through `evolearn.life.live`."""
    conditions = conditions_of(cart_pole, (work.HIDDEN, work.HIDDEN), work.WINDOW)
    return lives_in(conditions, size.lives, size.updates * work.WINDOW)


def foals_of(size: work.Size) -> Callable[[], None]:
    """Foals of the savannah, for as many steps as `size` says."""
    conditions = conditions_of(savannah, SAVANNAH_HIDDEN, SAVANNAH_WINDOW)
    return lives_in(conditions, size.lives, size.updates * work.WINDOW)


if __name__ == "__main__":
    work.main(lives_of)

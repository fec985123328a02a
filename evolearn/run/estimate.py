"""What a run will take: genes, world steps, memory and, by a few lives that are timed, how long."""

from __future__ import annotations

import dataclasses
import time

from evolearn.life import Driver, Drivers
from evolearn.rng import VALIDATION, Keys, life_keys
from evolearn.run._memory import run_needs
from evolearn.run.setup import Setup
from evolearn.run.transplant import Arm, live_arm, run_arms
from evolearn.search import evaluations_per_generation, planned_outer_steps

HUGE = 100_000  # genes of which a run says beforehand what it will take
TIMED_STEPS = 2000  # world steps in a life that is timed, at most
_TIMED_GENERATION = 4  # of the validation key space: lives that nothing else is said about
_TIMED_LIVES = (4, 32, 32)  # lives at a time, each time longer ones, until ENOUGH
_ENOUGH = 1.0  # seconds of lives that tell how fast they are


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a run will take, about."""

    genes: int
    genomes: int  # of a generation
    evolution_steps: int  # world steps
    closing_steps: int  # world steps of validation lives, with learning
    birth_steps: int  # likewise, without
    bytes: int  # of genomes, and of what lives leave behind
    learning: float  # world steps per second, all workers together
    frozen: float  # the same with learning off
    generations: int

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return (self.evolution_steps + self.closing_steps) / self.learning + self.birth_steps / self.frozen

    @property
    def generation_seconds(self) -> float:
        """Of a generation."""
        return self.evolution_steps / self.generations / self.learning


def estimate_run(setup: Setup, drivers: Drivers) -> Estimate:
    """Time a few lives, and say what a run will take.

    Args:
        setup: of the run.
        drivers: where its lives are to be lived.
    """
    search, driver = setup.config.search, setup.driver(drivers)
    keys = life_keys(setup.config.seed, VALIDATION, _TIMED_GENERATION, max(_TIMED_LIVES))
    arm = Arm("probe", "", setup.pool, setup.pool.centre)
    closing, births = closing_steps(setup)
    return Estimate(
        genes=setup.pool.size,
        genomes=evaluations_per_generation(search.algorithm, search.population),
        evolution_steps=planned_outer_steps(search),
        closing_steps=closing,
        birth_steps=births,
        bytes=sum(need.bytes for need in run_needs(setup)),
        learning=steps_per_second(setup, driver, arm, keys),
        frozen=steps_per_second(setup, driver, arm.frozen(), keys),
        generations=search.generations,
    )


def closing_steps(setup: Setup) -> tuple[int, int]:
    """World steps of the closing table's lives: of whole lives, and of their beginnings with learning off."""
    evaluation = setup.config.evaluation
    lives = len(run_arms(setup, setup.pool.centre)) * evaluation.lives
    if setup.config.world.set is not None:
        lives *= 2  # once more on the births that evolution selected on
    return lives * max(evaluation.lifetimes), lives * evaluation.birth_steps


def steps_per_second(setup: Setup, driver: Driver, arm: Arm, keys: Keys) -> float:
    """How fast an arm lives: world steps per second, all workers together.

    Lives become longer until they have taken a second, so that it is known soon where a step takes long.

    Args:
        setup: of the world and its conditions.
        driver: for these conditions.
        arm: which.
        keys: int64 [L, 4], of lives of no matter.
    """
    longest = min(TIMED_STEPS, setup.config.search.selection_lifetime)
    steps = min(longest, 2 * setup.conditions.window)
    live_arm(setup, driver, arm, keys[:1], steps, None)  # compiles
    for lives in _TIMED_LIVES:
        started = time.perf_counter()
        live_arm(setup, driver, arm, keys[:lives], steps, None)
        seconds = time.perf_counter() - started
        rate = len(keys[:lives]) * steps / seconds
        if seconds >= _ENOUGH:
            break
        steps = max(steps, min(longest, int(_ENOUGH * rate / lives)))
    return rate

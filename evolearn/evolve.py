"""The outer loop: ask, evaluate, tell, and one record per generation."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.assemble import Setup
from evolearn.config_reading import ConfigError
from evolearn.evaluate import Evaluation, evaluate
from evolearn.genome import FloatArray
from evolearn.lives import Driver
from evolearn.rng import SELECTION, life_keys
from evolearn.search import Search

TOP = 8  # genomes of the last generation that are lived again to find the best


@dataclasses.dataclass(frozen=True)
class Generation:
    """One row of `generations.jsonl`. Fitness is the mean over the generation's lives."""

    generation: int  # from 0
    fitness_mean: float  # over the population
    fitness_std: float  # over the population
    fitness_best: float  # of the population, on the lives that chose it: inflated by luck
    fitness_centre: float  # of the search's centre before this generation's update; genetic: last champion
    world_steps: int  # lived in this generation, centre included
    seconds: float  # of wall clock
    steps_per_second: float
    evaluations: int  # genomes evaluated, centre included
    fitness_sha256: str  # of the population's fitness vector, float64 little-endian
    paired_correlation: float | None  # mean correlation over lives between two genomes: what shared luck is worth
    search_stdev: float  # mean standard deviation of the search, in spreads
    diverged_lives: int  # lives whose brain left the finite numbers
    skipped_updates: int  # learning updates skipped because a gradient was not finite

    def row(self) -> dict[str, Any]:
        """The record as a mapping, in order."""
        return dataclasses.asdict(self)


def new_search(setup: Setup) -> Search:
    """The search that a setup describes, before its first generation.

    Raises:
        ConfigError: EvoTorch refuses the options.
    """
    search = setup.config.search
    try:
        return Search(search.algorithm, setup.options, setup.pool.size, search.population, setup.config.seed)
    except (TypeError, ValueError, AttributeError) as error:
        # What the options' schema cannot know, such as the arguments of an optimizer.
        raise ConfigError(f"search.options={search.options}: EvoTorch refuses them: {error}") from error


def evolve(setup: Setup, driver: Driver, search: Search, first: int = 0) -> Iterator[Generation]:
    """Make generations `first` to the last one.

    Args:
        setup: from `assemble`.
        driver: from `new_driver`, for the setup's conditions.
        search: from `new_search`, restored to the state after generation `first` - 1.
        first: number of the first generation to make.
    Yields:
        One record per generation. While it is held, `search` is in the state after that generation.
    """
    for generation in range(first, setup.config.search.generations):
        started = time.perf_counter()
        trial = _Trial(setup, driver, search, generation)
        search.step(trial.evaluate_z)
        yield trial.record(time.perf_counter() - started)


def to_genomes(setup: Setup, z: FloatArray) -> FloatArray:
    """Genomes [.., G] in gene units from z: gene = centre + spread z."""
    return setup.pool.centre + setup.pool.spread * z


class _Trial:
    """One generation under way: what was evaluated, and what came out."""

    def __init__(self, setup: Setup, driver: Driver, search: Search, generation: int) -> None:
        self._setup = setup
        self._driver = driver
        self._search = search
        self._generation = generation
        # The same lives for every genome of a generation, fresh ones for every generation.
        self._keys = life_keys(setup.config.seed, SELECTION, generation, setup.config.search.lives)
        self._evaluations: list[Evaluation] = []
        self._fitness: list[npt.NDArray[np.float64]] = []
        self._centre_fitness = float("nan")

    def evaluate_z(self, z: FloatArray) -> npt.NDArray[np.float64]:
        """Mean fitness [P] of genomes given as z [P, G]; the first call lives the centre as well."""
        with_centre = not self._evaluations
        if with_centre:
            z = np.concatenate([z, self._search.centre()[None]])
        setup = self._setup
        evaluation = evaluate(
            self._driver, setup.conditions, setup.pool, to_genomes(setup, z), self._keys, setup.selection
        )
        self._evaluations.append(evaluation)
        means = evaluation.fitness.mean(axis=1)
        if with_centre:
            self._centre_fitness = float(means[-1])
            means = means[:-1]
        self._fitness.append(means)
        return means

    def record(self, seconds: float) -> Generation:
        """The row of this generation."""
        fitness = np.concatenate(self._fitness)
        steps = sum(evaluation.world_steps for evaluation in self._evaluations)
        per_life = np.concatenate([evaluation.fitness for evaluation in self._evaluations])
        return Generation(
            generation=self._generation,
            fitness_mean=float(fitness.mean()),
            fitness_std=float(fitness.std()),
            fitness_best=float(fitness.max()),
            fitness_centre=self._centre_fitness,
            world_steps=steps,
            seconds=seconds,
            steps_per_second=steps / seconds,
            evaluations=len(per_life),
            fitness_sha256=hashlib.sha256(fitness.astype("<f8").tobytes()).hexdigest(),
            paired_correlation=paired_correlation(per_life),
            search_stdev=float(self._search.stdev().mean()),
            diverged_lives=sum(evaluation.diverged for evaluation in self._evaluations),
            skipped_updates=sum(evaluation.skipped_updates for evaluation in self._evaluations),
        )


def paired_correlation(fitness: npt.NDArray[np.float64]) -> float | None:
    """Mean Pearson correlation over lives between two genomes of a population.

    Args:
        fitness: [P, L]; genomes whose fitness is the same in every life are left out.
    Returns:
        -1 .. 1, or None if fewer than two genomes or lives differ.
    """
    deviations = fitness - fitness.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(deviations, axis=1)
    directions = deviations[lengths > 1e-12] / lengths[lengths > 1e-12, None]
    count = len(directions)
    if count < 2 or fitness.shape[1] < 2:
        return None
    return float((np.square(directions.sum(axis=0)).sum() - count) / (count * (count - 1)))

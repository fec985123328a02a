"""Trials of searches that live nothing: they answer with a function of z, and remember what they were asked."""

from collections.abc import Callable

import numpy as np

from evolearn.search import Draw, Noise, draw_genomes
from evolearn.search.draws import sum_noise


def towards_half(z: np.ndarray) -> np.ndarray:
    """Fitness [P] of genomes z [P, G], the better the nearer all genes are to 1/2."""
    return -((z - 0.5) ** 2).sum(axis=1).astype(float)


class Asked:
    """A trial that answers with a function of z, and remembers the populations that it was asked of."""

    def __init__(self, fitness: Callable[[np.ndarray], np.ndarray] = towards_half) -> None:
        self.fitness = fitness
        self.seen: list[np.ndarray] = []

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        self.seen.append(z.copy())
        return self.fitness(z)

    def evaluate_drawn(self, draw: Draw) -> np.ndarray:
        return self.evaluate(draw_genomes(draw, np.arange(draw.noise.population)))

    def sum_drawn(self, noise: Noise, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.concatenate([sum_noise(noise, first, second, block) for block in range(noise.gene_blocks)], axis=1)

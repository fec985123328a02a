"""A search over genomes of a few numbers: a separable natural evolution strategy.

Its update is EvoTorch's to a rounding, which a test holds it to. It is in NumPy since experiments search for many
thousands of generations of tiny genomes, of which each takes EvoTorch's tensors some twenty times as long.
"""

from __future__ import annotations

import math

import numpy as np

from evolearn.verdict import FloatArray


class Snes:
    """The search. Source: Schaul, Glasmachers and Schmidhuber 2011, High dimensions and heavy tails, algorithm 3."""

    def __init__(
        self, centre: FloatArray, spread: FloatArray, population: int, random: np.random.Generator, rate: float = 1.0
    ) -> None:
        """Begin.

        Args:
            centre: [G] of the first population.
            spread: [G] its standard deviations.
            population: genomes in a generation.
            random: draws.
            rate: of the centre; 1 in the paper.
        """
        self.centre, self.spread = centre, spread
        utilities = np.maximum(0.0, math.log(population / 2 + 1) - np.log(np.arange(1, population + 1)))
        self._utilities = utilities / utilities.sum() - 1 / population
        self._rate = rate
        self._spread_rate = (3 + math.log(centre.size)) / (5 * math.sqrt(centre.size))
        self._noise = np.empty((population, centre.size))
        self._random = random

    def genomes(self) -> FloatArray:
        """A new generation, [P, G]."""
        self._random.standard_normal(out=self._noise)
        return self.centre + self.spread * self._noise

    def tell(self, fitness: FloatArray) -> None:
        """What its genomes are worth, [P]."""
        best_first = self._noise[np.argsort(-fitness, kind="stable")]
        weighed = self._utilities[:, None] * best_first
        squares = (weighed * best_first - self._utilities[:, None]).sum(axis=0)
        self.centre = self.centre + self._rate * self.spread * weighed.sum(axis=0)
        self.spread = self.spread * np.exp(self._spread_rate / 2 * squares)

"""The search over genomes: what every search does, and what it asks of lives.

Search runs in z: a gene is its centre plus its spread times z, so that genes of different scale share a step size.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from evolearn.genome import FloatArray
from evolearn.search.draws import Draw, Noise, Weights
from evolearn.search.lessons import Lessons

Fitness = npt.NDArray[np.float64]
State = dict[str, torch.Tensor]


class Trial(Protocol):
    """One generation's lives, as a search asks for them. Genomes are z; fitness is a mean over lives.

    Fitness that is not finite is worse than any other.

    `evaluate` and `learn` live the same lives with every genome of a generation, and the search's centre along with
    the first call. `learn_alone`, `differentiate`, `lessons` and `judge_centre` live one genome, or its teacher, on a
    batch of lives that no other batch of the generation shares. `evaluate_drawn` and `sum_drawn` are given populations
    as what draws them, and never have the whole of one. The three groups are not used together.
    """

    def evaluate(self, z: FloatArray) -> Fitness:
        """Fitness [P] of genomes [P, G]."""

    def learn(self, z: FloatArray) -> tuple[Fitness, FloatArray]:
        """Fitness [P], and the genomes [P, G] with the weights that their lives ended with, the mean over lives."""

    def learn_alone(self, z: FloatArray, batch: int) -> FloatArray:
        """The genome [G] with the weights that its lives ended with, the mean over lives."""

    def differentiate(self, z: FloatArray, batch: int, first_order: bool) -> FloatArray:
        """Gradient [G] by z of the loss after learning, the mean over lives; NaN if no life was lived whole."""

    def lessons(self, z: FloatArray, batch: int) -> Lessons:
        """What the teacher of the genome [G] does in its own lives, or answers in the genome's."""

    def judge_centre(self, z: FloatArray, batch: int) -> None:
        """Live the centre [G] for the record of the generation."""

    def evaluate_drawn(self, draw: Draw) -> Fitness:
        """Fitness [P] of a drawn population; its centre is lived as well. Once per generation."""

    def of_opponents(self, population: int) -> Trial:
        """The lives of the same generation of a population of opponents, from 0, where they evolve as well."""

    def sum_drawn(self, noise: Noise, first: Weights, second: Weights) -> npt.NDArray[np.float64]:
        """Sums [2, G] over a population's noise and over its squares, weighted by [directions]; no lives."""


class Search(Protocol):
    """A search over genomes, from its first generation or from a saved state."""

    has_centre: bool  # else its result is the best of its last population

    def step(self, trial: Trial) -> None:
        """Make one generation; where the one before told no genome from another, from the same centre and spread.

        Raises:
            LeftFinite: the step before it, or this one, led out of the finite numbers.
        """

    def centre(self) -> FloatArray:
        """The centre, z [G]: the one that the record of the generation under way, or of the last one, judges."""

    def stdev(self) -> FloatArray:
        """Standard deviation of the search in z, [G]: what evolution has not settled yet."""

    def best(self, count: int) -> FloatArray:
        """After a step: z [up to count, G] of the population's best, the best first."""

    def state(self) -> State:
        """Everything that the next step depends on, as tensors."""

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit."""

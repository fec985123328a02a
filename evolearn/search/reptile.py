"""Reptile: meta-training of the weights at birth by learning itself, in the place of selection."""

from __future__ import annotations

import numpy as np
import torch

from evolearn.genome import FloatArray
from evolearn.search.finite import require_finite
from evolearn.search.options import ReptileOptions
from evolearn.search.search import Trial


class Reptile:
    """Move the weights at birth towards those that lives end with, batch after batch of lives.

    phi <- phi + step (mean over a batch of lives of the weights at their end - phi). The inner learner is the
    agents' own, at its fixed drives and plasticity. One generation is a population's number of updates, each on lives
    of its own, and then as many lives again to judge the result: what a search with a centre takes.

    Source: Nichol, Achiam and Schulman 2018, "On first-order meta-learning algorithms" (arXiv:1803.02999),
    algorithm 1 in its batch version, with the step size annealed linearly as in their experiments.
    """

    has_centre = True

    def __init__(self, options: ReptileOptions, genes: int, population: int, generations: int) -> None:
        """Begin at z = 0, the standard initialisation.

        Args:
            options: as `check_search` returned them.
            genes: length of a genome, all of them weights.
            population: updates per generation.
            generations: of the whole run: annealing ends with it.
        """
        self._options = options
        self._population = population
        self._updates = generations * population
        self._done = 0  # updates so far
        self._centre = np.zeros(genes, np.float32)

    def step(self, trial: Trial) -> None:
        """Make one generation: `population` updates, then the centre is judged.

        Raises:
            LeftFinite: see `Search.step`.
        """
        for batch in range(self._population):
            learned = trial.learn_alone(self._centre, batch)
            with np.errstate(over="ignore", invalid="ignore"):  # it is seen below
                self._centre = self._centre + np.float32(self.step_size()) * (learned - self._centre)
            require_finite("the centre", self._centre)
            self._done += 1
        trial.judge_centre(self._centre, self._population)

    def step_size(self) -> float:
        """Of the next update, as a share of the way to the learned weights, 0 .. 1."""
        left = 1.0 - self._done / self._updates if self._options.anneal else 1.0
        return self._options.step_size * left

    def centre(self) -> FloatArray:
        """The weights at birth, z [G], after all updates so far: the record of a generation judges its result."""
        return self._centre.copy()

    def stdev(self) -> FloatArray:
        """Zero, [G]: nothing is sampled around the centre."""
        return np.zeros_like(self._centre)

    def best(self, count: int) -> FloatArray:
        """The centre, [1, G]: there is no population to choose from."""
        return self._centre[None].copy()

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that the next step depends on, as tensors."""
        return {"centre": torch.from_numpy(self._centre.copy()), "updates": torch.tensor(self._done)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        self._centre = state["centre"].numpy().copy()
        self._done = int(state["updates"])

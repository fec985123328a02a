"""MAML: the weights at birth trained by the gradient through learning, in the place of selection."""

from __future__ import annotations

import numpy as np
import torch

from evolearn.algorithms import State, one_thread
from evolearn.search import FloatArray, Trial
from evolearn.search_options import MAMLOptions


class MAML:
    """Move the weights at birth against the gradient of the loss that is left after learning from them.

    For a batch of lives: each learns, and what it does afterwards is judged by the learner's own loss; the gradient
    of that goes back through the updates to the weights at birth, and the mean over lives to Adam. One generation is
    a population's number of such meta-updates, each on lives of its own, and then as many lives again to judge the
    result: what Reptile takes.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep networks",
    algorithms 1 to 3, with Adam as meta-optimiser (Kingma and Ba 2015); their reinforcement learning took TRPO.
    """

    has_centre = True

    def __init__(self, options: MAMLOptions, genes: int, population: int) -> None:
        """Begin at z = 0, the standard initialisation.

        Args:
            options: as `check_search` returned them.
            genes: length of a genome, all of them weights.
            population: meta-updates per generation.
        """
        self._options = options
        self._population = population
        self._centre = torch.zeros(genes)
        self._adam = torch.optim.Adam([self._centre], lr=options.step_size)

    def step(self, trial: Trial) -> None:
        """Make one generation: `population` meta-updates, then the centre is judged."""
        with one_thread():
            for batch in range(self._population):
                gradient = trial.differentiate(self.centre(), batch, self._options.first_order)
                if np.isfinite(gradient).all():
                    self._centre.grad = torch.tensor(gradient)
                    self._adam.step()
            trial.judge_centre(self.centre(), self._population)

    def centre(self) -> FloatArray:
        """The weights at birth, z [G], after all meta-updates so far: the record of a generation judges its result."""
        return self._centre.numpy().copy()

    def stdev(self) -> FloatArray:
        """Zero, [G]: nothing is sampled around the centre."""
        return np.zeros_like(self._centre.numpy())

    def best(self, count: int) -> FloatArray:
        """The centre, [1, G]: there is no population to choose from."""
        return self.centre()[None]

    def state(self) -> State:
        """Everything that the next step depends on, as tensors: the centre and Adam's moments."""
        moments = self._adam.state.get(self._centre, {})
        return {"centre": self._centre.clone(), **{f"adam.{name}": value.clone() for name, value in moments.items()}}

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        self._centre.copy_(state["centre"])
        moments = {name.removeprefix("adam."): value.clone() for name, value in state.items() if name != "centre"}
        if moments:
            self._adam.state[self._centre] = moments

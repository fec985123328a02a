"""MAML: the weights at birth trained by the gradient through learning, in the place of selection."""

from __future__ import annotations

import numpy as np
import torch

from evolearn.agent import one_thread
from evolearn.genome import FloatArray
from evolearn.search.finite import require_finite
from evolearn.search.options import MAMLOptions
from evolearn.search.search import State, Trial

# Adam's, as published; only its step is an option.
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8


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
        self._done = 0  # steps of Adam so far
        self._centre = np.zeros(genes, np.float32)
        self._first = np.zeros(genes, np.float32)  # Adam's running mean of the gradient
        self._second = np.zeros(genes, np.float32)  # and of its square

    def step(self, trial: Trial) -> None:
        """Make one generation: `population` meta-updates, then the centre is judged.

        Raises:
            LeftFinite: see `Search.step`.
        """
        with one_thread():
            for batch in range(self._population):
                gradient = trial.differentiate(self.centre(), batch, self._options.first_order)
                if np.isfinite(gradient).all():
                    self._descend(gradient)
            trial.judge_centre(self.centre(), self._population)

    def _descend(self, gradient: FloatArray) -> None:
        """One step of Adam. Source: Kingma and Ba 2015, algorithm 1."""
        self._done += 1
        with np.errstate(over="ignore", invalid="ignore"):  # it is seen below
            self._first += np.float32(1.0 - FIRST_DECAY) * (gradient - self._first)
            self._second += np.float32(1.0 - SECOND_DECAY) * (gradient * gradient - self._second)
            size = np.float32(self._options.step_size / (1.0 - FIRST_DECAY**self._done))
            scale = np.sqrt(self._second / np.float32(1.0 - SECOND_DECAY**self._done)) + np.float32(EPSILON)
            self._centre = self._centre - size * self._first / scale
        require_finite("the centre", self._centre)

    def centre(self) -> FloatArray:
        """The weights at birth, z [G], after all meta-updates so far: the record of a generation judges its result."""
        return self._centre.copy()

    def stdev(self) -> FloatArray:
        """Zero, [G]: nothing is sampled around the centre."""
        return np.zeros_like(self._centre)

    def best(self, count: int) -> FloatArray:
        """The centre, [1, G]: there is no population to choose from."""
        return self._centre[None].copy()

    def state(self) -> State:
        """Everything that the next step depends on, as tensors."""
        moments = {"centre": self._centre, "first": self._first, "second": self._second}
        tensors = {name: torch.from_numpy(array.copy()) for name, array in moments.items()}
        return {**tensors, "updates": torch.tensor(self._done)}

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        self._centre, self._first, self._second = (state[name].numpy().copy() for name in ("centre", "first", "second"))
        self._done = int(state["updates"])

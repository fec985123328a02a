"""EvoTorch's algorithms over populations that are never whole, for genomes of many genes.

A generation is a distribution, a seed and a number: what draws its genomes. They are drawn where they live, and again
where their noise is summed, so that what travels and what is kept grows with genes and population, not with their
product. All three algorithms need no more of a population than its ranks and two weighted sums over its noise; ranks
and updates are EvoTorch's, over the whole population, at the start of the next step as ever. EvoTorch's own distributed
mode ranks within each actor's share: its result depends on their number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from evotorch import Problem
from evotorch.tools.ranking import rank

from evolearn.agent import one_thread
from evolearn.genome import FloatArray
from evolearn.search._algorithms import gaussian_state, make_algorithm, packed, restore_gaussian, unpacked
from evolearn.search.draws import Draw, Noise, Weights, draw_genomes
from evolearn.search.finite import require_finite, told
from evolearn.search.options import CEMOptions, Options, PGPEOptions
from evolearn.search.search import State, Trial

Sums = npt.NDArray[np.float64]  # [G]


def _pgpe_weights(utilities: torch.Tensor, ranking: str, directions: int, _: float) -> torch.Tensor:
    if ranking not in ("centered", "normalized"):
        utilities = utilities - torch.mean(utilities)
    return utilities.double() / directions


def _snes_weights(utilities: torch.Tensor, ranking: str, _: int, __: float) -> torch.Tensor:
    if ranking != "nes":
        utilities = utilities / torch.sum(torch.abs(utilities))
    return utilities.double()


def _cem_weights(utilities: torch.Tensor, _: str, directions: int, parenthood_ratio: float) -> torch.Tensor:
    elites = int(directions * parenthood_ratio)
    weights = torch.zeros(directions, dtype=torch.float64)
    weights[utilities.argsort(descending=True)[:elites]] = 1.0 / elites
    return weights


def _pgpe_stdev(stdev: Sums, first: Sums, second: Sums, weights: Weights) -> Sums:
    return stdev * (second - weights.sum())


def _snes_stdev(stdev: Sums, first: Sums, second: Sums, weights: Weights) -> Sums:
    return second - weights.sum()


def _cem_stdev(stdev: Sums, first: Sums, second: Sums, weights: Weights) -> Sums:
    elites = np.count_nonzero(weights)
    variance = (second - first * first) * (elites / (elites - 1))
    return stdev * (np.sqrt(np.maximum(variance, 0.0)) - 1.0)


class _Rule(NamedTuple):
    """How an algorithm makes gradients from ranks and sums, as EvoTorch's distribution does from a population."""

    # utilities [P], ranking, directions, parenthood ratio -> weights [P]
    weights: Callable[[torch.Tensor, str, int, float], torch.Tensor]
    # standard deviation [G], weighted sums over noise and squares [G], their weights -> its gradient [G]
    stdev: Callable[[Sums, Sums, Sums, Weights], Sums]


_RULES = {
    "pgpe": _Rule(_pgpe_weights, _pgpe_stdev),
    "snes": _Rule(_snes_weights, _snes_stdev),
    "cem": _Rule(_cem_weights, _cem_stdev),
}


class BlockwiseSearch:
    """PGPE, SNES or CEM over drawn populations."""

    has_centre = True

    def __init__(self, algorithm: str, options: Options, genes: int, population: int, seed: int) -> None:
        """Set up a search at z = 0 with standard deviation 1.

        Args:
            algorithm: pgpe, snes or cem.
            options: as `check_search` returned them.
            genes: length of a genome.
            population: genomes per generation.
            seed: of the run.
        """
        problem = Problem("max", solution_length=genes, initial_bounds=(-1.0, 1.0), dtype=torch.float32, seed=seed)
        with one_thread():
            self._algorithm = make_algorithm(problem, algorithm, options, genes, population)
        self._rule = _RULES[algorithm]
        symmetric = isinstance(options, PGPEOptions) and options.symmetric
        self._noise = Noise(seed, 0, population, genes, symmetric)  # of the last generation, at first of the next
        self._parenthood_ratio = options.parenthood_ratio if isinstance(options, CEMOptions) else 1.0
        self._fitness: torch.Tensor | None = None  # float32 [P], of the last generation

    def step(self, trial: Trial) -> None:
        """Make one generation.

        Args:
            trial: asked for the sums over the last generation's noise, if there was one, then for this one's fitness.
        Raises:
            LeftFinite: see `Search.step`.
        """
        if self._fitness is not None:
            if not (self._fitness == self._fitness[0]).all():  # flat: see `told`
                self._update(trial, self._fitness)
            require_finite("the centre", self.centre())
            require_finite("the spread", self.stdev())
            self._noise = dataclasses.replace(self._noise, generation=self._noise.generation + 1)
        self._fitness = told(trial.evaluate_drawn(self._draw()), self._algorithm._ranking_method)

    def _update(self, trial: Trial, fitness: torch.Tensor) -> None:
        """Move the distribution by what a population was worth: ranked as a whole, summed in blocks."""
        noise, algorithm = self._noise, self._algorithm
        ranking = algorithm._ranking_method or "raw"
        with one_thread():
            utilities = rank(fitness, ranking, higher_is_better=True)
            weights = self._rule.weights(utilities, ranking, noise.directions, self._parenthood_ratio).numpy()
        first = second = weights
        if noise.symmetric:
            # The two of a pair share their noise but for its sign, which its square does not have.
            first, second = (weights[0::2] - weights[1::2]) / 2.0, (weights[0::2] + weights[1::2]) / 2.0
        sums = trial.sum_drawn(noise, first, second)
        stdev = self.stdev().astype(np.float64)
        gradients = {"mu": stdev * sums[0], "sigma": self._rule.stdev(stdev, sums[0], sums[1], second)}
        with one_thread():
            algorithm._update_distribution({name: torch.from_numpy(value).float() for name, value in gradients.items()})

    def _draw(self) -> Draw:
        return Draw(self._noise, self.centre(), self.stdev())

    def centre(self) -> FloatArray:
        """The centre, z [G], of the population that is being, or was last, evaluated."""
        return np.array(self._algorithm._distribution.mu.numpy(), np.float32)

    def stdev(self) -> FloatArray:
        """Standard deviation of the search in z, [G]: what evolution has not settled yet."""
        return np.array(self._algorithm._distribution.sigma.numpy(), np.float32)

    def best(self, count: int) -> FloatArray:
        """After a step: z [up to count, G] of the population's best, the best first, drawn again."""
        assert self._fitness is not None, "a search has a best after a step"
        order = torch.argsort(self._fitness, descending=True, stable=True)[:count]
        return draw_genomes(self._draw(), order.numpy())

    def state(self) -> State:
        """Everything that the next step depends on, as tensors."""
        state = {"generation": torch.tensor(self._noise.generation), **gaussian_state(self._algorithm)}
        if self._fitness is not None:
            state["fitness"] = self._fitness
        return packed(state)

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        state = unpacked(state)
        self._noise = dataclasses.replace(self._noise, generation=int(state["generation"]))
        self._fitness = state.get("fitness")
        restore_gaussian(self._algorithm, state)

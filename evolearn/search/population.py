"""EvoTorch's algorithms over a whole population.

EvoTorch keeps the problem in charge of the evaluation and updates its distribution at the start of the next step;
both stay inside this file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from evotorch import Problem, SolutionBatch
from evotorch.algorithms import CMAES, GeneticAlgorithm

from evolearn.agent import one_thread
from evolearn.genome import FloatArray
from evolearn.search._algorithms import gaussian_state, make_algorithm, packed, restore_gaussian, unpacked
from evolearn.search.descent import Births, Descent, RecordedCrossOver
from evolearn.search.finite import LeftFinite, clipped, require_finite, told
from evolearn.search.options import Options
from evolearn.search.search import Fitness, State, Trial

_CMAES_STATE = ("m", "sigma", "C", "A", "p_sigma", "p_c")


class _GenomeProblem(Problem):  # type: ignore[misc]  # EvoTorch is not typed
    """Maximise fitness in the current step's trial."""

    def __init__(self, genes: int, seed: int, told: Callable[[Fitness], torch.Tensor], lamarckian: bool) -> None:
        super().__init__("max", solution_length=genes, initial_bounds=(-1.0, 1.0), dtype=torch.float32, seed=seed)
        self.trial: Trial | None = None
        self.descent: Descent | None = None
        self.lived: list[SolutionBatch] = []  # in the step under way, where descent is followed
        self._told = told
        self._lamarckian = lamarckian

    def _fill(self, values: torch.Tensor) -> None:
        values.normal_(generator=self.generator)

    def _evaluate_batch(self, batch: SolutionBatch) -> None:
        if self.trial is None:
            raise RuntimeError("a search evaluates only during a step")
        z = batch.values.numpy().copy()
        require_finite("the new population", z)
        if self._lamarckian:
            fitness, learned = self.trial.learn(z)
            # In place: EvoTorch breeds from this batch, and takes survivors from it.
            batch.access_values()[:] = torch.from_numpy(learned)
        else:
            fitness = self.trial.evaluate(z)
        batch.set_evals(self._told(fitness))
        if self.descent is not None:
            self.descent.lived(z, fitness)
            self.lived.append(batch)


class PopulationSearch:
    """One of EvoTorch's searches."""

    def __init__(
        self,
        algorithm: str,
        options: Options,
        genes: int,
        population: int,
        seed: int,
        lamarckian: bool = False,
        followed: Sequence[int] = (),
    ) -> None:
        """Set up a search at z = 0 with standard deviation 1.

        Args:
            algorithm: a name in `evolearn.search.options.OPTIONS`.
            options: as `check_search` returned them.
            genes: length of a genome.
            population: genomes per generation.
            seed: of the search's own generator.
            lamarckian: write the learned weights into every genome that was evaluated, keeping the fitness that it
                earned while learning them. Of use to the genetic algorithm only, the others breed from a centre.
                Source: Whitley, Gordon and Mathias 1994, "Lamarckian evolution, the Baldwin effect and function
                optimization".
            followed: places in a genome whose numbers `births` tells of each; the genetic algorithm only.
        """
        # Of two populations of one generation, parents and children, neither must be told apart from the other.
        ranking = options.model_dump().get("ranking_method")
        shown = clipped if algorithm == "genetic" else functools.partial(told, ranking=ranking)
        self._problem = _GenomeProblem(genes, seed, shown, lamarckian)
        with one_thread():
            self._algorithm = make_algorithm(self._problem, algorithm, options, genes, population)
        self.has_centre = algorithm != "genetic"
        if algorithm == "genetic":
            self._problem.descent = Descent(followed)

    def step(self, trial: Trial) -> None:
        """Make one generation.

        Args:
            trial: asked once, or twice by a genetic algorithm with cross-over (parents, then children).
        Raises:
            LeftFinite: see `Search.step`.
        """
        self._problem.trial, self._problem.lived = trial, []
        algorithm = self._algorithm
        try:
            with one_thread():
                if isinstance(algorithm, CMAES):
                    self._step_cmaes(algorithm)
                else:
                    if not isinstance(algorithm, GeneticAlgorithm) and self._is_flat():
                        algorithm._first_iter = True  # draws, and does not update
                    algorithm.step()
        finally:
            self._problem.trial = None
        if self._problem.descent is not None:
            crossing = algorithm._operators[0]
            pairs = crossing.pairs if isinstance(crossing, RecordedCrossOver) else None
            self._problem.descent.follow(pairs, self._problem.lived, algorithm.population)
        require_finite("the centre", self.centre())
        require_finite("the spread", self.stdev())

    def _step_cmaes(self, algorithm: CMAES) -> None:
        """CMA-ES alone updates after its lives."""
        before = {name: getattr(algorithm, name) for name in _CMAES_STATE}
        before = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in before.items()}
        try:
            algorithm.step()
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise LeftFinite(f"the covariance is none any more ({error})") from error
        if self._is_flat():
            for name, value in before.items():
                setattr(algorithm, name, value)

    def _is_flat(self) -> bool:
        """Whether the last population's fitness told no genome from another, see `told`."""
        population = self._algorithm._population
        evals = None if population is None else population.evals[:, 0]
        return evals is not None and bool((evals == evals[0]).all())

    def centre(self) -> FloatArray:
        """During a step: z [G] of the centre whose population is being evaluated.

        A genetic algorithm has no centre: then the best genome of the generation before, at first the start.
        """
        algorithm = self._algorithm
        if isinstance(algorithm, CMAES):
            centre = algorithm.m
        elif isinstance(algorithm, GeneticAlgorithm):
            # Not sorted in every mode.
            champion = algorithm.population.values[
                int(algorithm.population.evals[:, 0].nan_to_num(-torch.inf).argmax())
            ]
            centre = champion if algorithm._steps_count > 0 else torch.zeros_like(champion)
        else:
            centre = algorithm._distribution.mu
        return np.array(centre.numpy(), np.float32)

    def stdev(self) -> FloatArray:
        """Standard deviation of the search in z, [G]: what evolution has not settled yet."""
        algorithm = self._algorithm
        if isinstance(algorithm, CMAES):
            diagonal = algorithm.C if algorithm.separable else torch.diagonal(algorithm.C)
            stdev = algorithm.sigma * torch.sqrt(diagonal)
        elif isinstance(algorithm, GeneticAlgorithm):
            stdev = algorithm.population.values.std(dim=0)
        else:
            sigma = algorithm._distribution.sigma
            # XNES keeps the factor A of the covariance A A^T.
            stdev = sigma if sigma.ndim == 1 else torch.linalg.vector_norm(sigma, dim=1)
        return np.array(stdev.numpy(), np.float32)

    def best(self, count: int) -> FloatArray:
        """After a step: z [up to count, G] of the population's best, the best first."""
        population = self._algorithm._population
        order = torch.argsort(population.evals[:, 0], descending=True, stable=True)[:count]
        return np.array(population.values[order].numpy(), np.float32)

    def births(self) -> Births | None:
        """Of the last generation, if it is a genetic algorithm that made it."""
        return None if self._problem.descent is None else self._problem.descent.births

    def state(self) -> State:
        """Everything that the next step depends on, as tensors."""
        algorithm = self._algorithm
        state = {
            "generator": self._problem.generator.get_state(),
            "steps": torch.tensor(algorithm._steps_count),
            "first_iter": torch.tensor(bool(getattr(algorithm, "_first_iter", False))),
        }
        if isinstance(algorithm, CMAES):
            for name in _CMAES_STATE:
                state[f"cmaes.{name}"] = torch.as_tensor(getattr(algorithm, name))
        elif not isinstance(algorithm, GeneticAlgorithm):
            state.update(gaussian_state(algorithm))
        population = algorithm._population
        if population is not None:
            state["population.values"] = population.access_values(keep_evals=True)
            state["population.evals"] = population.access_evals()
        if self._problem.descent is not None:
            state |= self._problem.descent.state()
        return packed(state)

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        state = unpacked(state)
        algorithm = self._algorithm
        self._problem.generator.set_state(state["generator"])
        algorithm._steps_count = int(state["steps"])
        algorithm._first_iter = bool(state["first_iter"])
        if isinstance(algorithm, CMAES):
            for name in _CMAES_STATE:
                setattr(algorithm, name, state[f"cmaes.{name}"])
        elif not isinstance(algorithm, GeneticAlgorithm):
            restore_gaussian(algorithm, state)
        if "population.values" in state:
            values = state["population.values"]
            batch = SolutionBatch(self._problem, popsize=len(values), empty=True)
            batch.access_values()[:] = values
            batch.access_evals()[:] = state["population.evals"]
            algorithm._population = batch
        if self._problem.descent is not None:
            self._problem.descent.restore(state)

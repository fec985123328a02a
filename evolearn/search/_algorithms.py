"""EvoTorch's algorithms: made from their options, what of them has to be saved, and how it is laid out in memory."""

from __future__ import annotations

import logging
from typing import Any

import torch
from evotorch import Problem
from evotorch.algorithms import CEM, CMAES, PGPE, SNES, XNES, GeneticAlgorithm
from evotorch.operators import GaussianMutation
from evotorch.optimizers import ClipUp

from evolearn.search.descent import RecordedCrossOver
from evolearn.search.options import GeneticOptions, Options
from evolearn.search.search import State

logging.getLogger("evotorch").setLevel(logging.WARNING)

_GAUSSIAN = {"pgpe": PGPE, "snes": SNES, "xnes": XNES, "cem": CEM}
_DISTRIBUTION, _OPTIMIZER = "distribution.", "optimizer."
_STRIDES = ".strides"  # ends the name of what says how the tensor of the name before it lies in memory


def make_algorithm(problem: Problem, algorithm: str, options: Options, genes: int, population: int) -> Any:
    """One of EvoTorch's algorithms at z = 0 with standard deviation 1.

    Args:
        problem: of as many genes.
        algorithm: a name in `evolearn.search.options.OPTIONS`.
        options: as `check_search` returned them.
        genes: length of a genome.
        population: genomes per generation.
    """
    if isinstance(options, GeneticOptions):
        operators: list[Any] = []
        if options.cross_over == "one_point":
            operators.append(RecordedCrossOver(problem, tournament_size=options.tournament_size))
        operators.append(
            GaussianMutation(problem, stdev=options.mutation_stdev, mutation_probability=options.mutation_probability)
        )
        return GeneticAlgorithm(problem, operators=operators, popsize=population, elitist=options.elitist)
    arguments = options.model_dump()
    if algorithm == "pgpe" and arguments["center_learning_rate"] is None:
        # The radius rule of ClipUp (Toklu et al. 2020, section 3.3), whose top speed is twice the step.
        arguments["center_learning_rate"] = 0.1 * genes**0.5
    start = [0.0] * genes
    if algorithm == "cmaes":
        return CMAES(problem, stdev_init=1.0, popsize=population, center_init=start, **arguments)
    made = _GAUSSIAN[algorithm](problem, popsize=population, center_init=start, stdev_init=1.0, **arguments)
    if isinstance(made._optimizer, ClipUp):
        made._optimizer.__class__ = _ClipUp  # its arguments have rules of EvoTorch's own
    return made


class _ClipUp(ClipUp):  # type: ignore[misc]  # EvoTorch is not typed
    """EvoTorch's, which divides a gradient by its length, also where that is 0, or is no number that float32 holds."""

    _velocity: torch.Tensor

    def ascent(self, globalg: torch.Tensor, *, cloned_result: bool = True) -> torch.Tensor:
        length = torch.norm(globalg)
        if not length > 0.0 or torch.isinf(length):
            largest = torch.abs(globalg).max()
            if largest == 0.0:  # no way is up: what is left is momentum
                self._velocity = self._momentum * self._velocity
                return self._velocity.clone()
            globalg = globalg / largest
        ascent: torch.Tensor = super().ascent(globalg, cloned_result=cloned_result)
        return ascent


def gaussian_state(algorithm: Any) -> State:
    """The distribution and the optimizer of an algorithm that has them; not copied."""
    parameters = algorithm._distribution.parameters.items()
    state = {f"{_DISTRIBUTION}{name}": value for name, value in parameters if isinstance(value, torch.Tensor)}
    return {**state, **_optimizer_state(algorithm._optimizer)}


def restore_gaussian(algorithm: Any, state: State) -> None:
    """Set an algorithm's distribution and optimizer to those whose `gaussian_state` this is, which is taken over."""
    algorithm._distribution = algorithm._distribution.modified_copy(**_of(state, _DISTRIBUTION))
    _restore_optimizer(algorithm._optimizer, _of(state, _OPTIMIZER))


def packed(state: State) -> State:
    """A copy of tensors that can be written to a file, which keeps numbers in rows only.

    A matrix product of a matrix that lies in columns, as Cholesky factors do, has other last bits on some processors:
    such a tensor is accompanied by its strides, under its own name and ``.strides``.
    """
    rows = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    strides = {
        f"{name}{_STRIDES}": torch.tensor(tensor.stride())
        for name, tensor in state.items()
        if not tensor.is_contiguous()
    }
    return {**rows, **strides}


def unpacked(state: State) -> State:
    """Copies of the tensors whose `packed` this is, with the values and the strides that they had.

    Copies, since tensors read from a file may be unaligned, which changes the last bits of matrix products too.
    """
    tensors: State = {}
    for name, tensor in state.items():
        if not name.endswith(_STRIDES):
            strides = state.get(f"{name}{_STRIDES}")
            laid_out = torch.empty_like(tensor) if strides is None else _empty(tensor, strides.tolist())
            tensors[name] = laid_out.copy_(tensor)
    return tensors


def _empty(like: torch.Tensor, strides: list[int]) -> torch.Tensor:
    return torch.empty_strided(like.shape, strides, dtype=like.dtype)


def _of(state: State, prefix: str) -> State:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def _optimizer_state(optimizer: Any) -> State:
    if optimizer is None:
        return {}
    if hasattr(optimizer, "_velocity"):  # ClipUp
        return {f"{_OPTIMIZER}velocity": optimizer._velocity}
    inner = optimizer.contained_optimizer.state.get(optimizer._data, {})
    return {f"{_OPTIMIZER}{name}": torch.as_tensor(value) for name, value in inner.items() if value is not None}


def _restore_optimizer(optimizer: Any, saved: State) -> None:
    if optimizer is None or not saved:
        return
    if hasattr(optimizer, "_velocity"):
        optimizer._velocity = saved["velocity"]
    else:
        optimizer.contained_optimizer.state[optimizer._data] = saved

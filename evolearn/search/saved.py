"""Whether tensors that were read from a file are a state that a search can go on from."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import torch

from evolearn.genome import FloatArray
from evolearn.search.draws import Draw, Noise, Weights
from evolearn.search.lessons import Lessons
from evolearn.search.options import evaluations_per_generation, planned_evaluations
from evolearn.search.restarts import Restarting, restarted_population
from evolearn.search.search import Fitness, Search, State, Trial

# What says how a tensor lies in memory, and what an optimizer has not begun to keep: may be there or not.
_AT_TIMES = (".strides",), ("optimizer.",)
_SIDE = r"^(own|opponent(\.\d+)?)\."  # of searches against each other
_COUNTS = {"restart": torch.int64, "made": torch.int64, "spent": torch.int64, "ends": torch.bool}


def restore(search: Search, model: Search, state: State, generation: int) -> None:
    """Let a search continue as the one did whose state this is, if such a search can have come to it.

    Args:
        search: at its start; useless where this raises.
        model: another one, made with the same arguments; useless afterwards.
        state: as read from a file.
        generation: after which it was saved.
    Raises:
        ValueError: a tensor is missing, too many, of another type or shape, or not finite; says which.
    """
    made = state["made"] if isinstance(search, Restarting) and "made" in state else state.get("steps")
    if made is not None and (made.numel() != 1 or int(made) != generation + 1):
        raise ValueError(f"holds a search of other than {generation + 1} generations")
    if isinstance(model, Restarting):
        _check_restarts(model, state)
        model, inner = model.at(int(state["restart"])), _within(state)
    else:
        inner = state
    for _ in range(min(generation + 1, 2)):  # some of a state is there from the second generation on only
        model.step(_Pretence())
    _compare(inner, model.state())
    try:
        search.restore(dict(state))
        _compare(state, search.state())
        known = np.isfinite(search.centre()).all() and np.isfinite(search.stdev()).all()
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(f"does not fit the search: {error}") from error
    if not known:
        raise ValueError("holds a centre or spread that is not finite")


def _check_restarts(search: Restarting, state: State) -> None:
    for name, kind in _COUNTS.items():
        if name not in state or state[name].dtype != kind or state[name].numel() != 1:
            raise ValueError(f"lacks {name}, or it is no number")
    restart = int(state["restart"])
    past = {name.split(".")[1] for name in state if name.startswith("past.")}
    if past != {str(number) for number in range(restart)}:
        raise ValueError(f"holds no record of each of {restart} restarts")
    config = search.config
    # Not to ask for memory that no such run has.
    size = evaluations_per_generation(config.algorithm, restarted_population(config, min(restart, 64)))
    if size > planned_evaluations(config):
        raise ValueError(f"holds {restart} restarts, more than the budget allows")
    genes = search.centre().size
    for number in range(restart):
        for name, shape in (("centre", (genes,)), ("stdev", (genes,)), ("leaders", (-1, genes))):
            _check(state, f"past.{number}.{name}", torch.float32, shape)
        _check(state, f"past.{number}.generation", torch.int64, ())
    _check(state, "curves", torch.float64, (-1, 2))


def _check(state: State, name: str, kind: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = state.get(name)
    fits = tensor is not None and tensor.dtype == kind and tensor.ndim == len(shape)
    if tensor is None or not fits or any(want not in (-1, has) for want, has in zip(shape, tensor.shape, strict=True)):
        raise ValueError(f"lacks {name}, or it is of another shape or type")


def _within(state: State) -> State:
    return {name.removeprefix("search."): tensor for name, tensor in state.items() if name.startswith("search.")}


def _compare(state: State, expected: State) -> None:
    for name, tensor in expected.items():
        if name not in state and not _is_at_times(name):
            raise ValueError(f"lacks {name}")
        if name in state and (state[name].shape, state[name].dtype) != (tensor.shape, tensor.dtype):
            raise ValueError(f"{name} is {_said(state[name])}, must be {_said(tensor)}")
    for name in state:
        if name not in expected and not _is_at_times(name):
            raise ValueError(f"holds {name}, which such a search has not")


def _is_at_times(name: str) -> bool:
    ends, begins = _AT_TIMES
    return name.endswith(ends) or re.sub(_SIDE, "", name).startswith(begins)


def _said(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


class _Pretence:
    """A trial in which nothing lives: to see what a search keeps."""

    def evaluate(self, z: FloatArray) -> Fitness:
        return np.arange(len(z), dtype=np.float64)

    def learn(self, z: FloatArray) -> tuple[Fitness, FloatArray]:
        return self.evaluate(z), z.copy()

    def learn_alone(self, z: FloatArray, batch: int) -> FloatArray:
        return z.copy()

    def differentiate(self, z: FloatArray, batch: int, first_order: bool) -> FloatArray:
        return np.zeros_like(z)

    def lessons(self, z: FloatArray, batch: int) -> Lessons:
        nobody = np.zeros((0, 0, 0), np.float32)
        return Lessons(nobody, nobody, np.zeros((0, 0), np.bool_))

    def judge_centre(self, z: FloatArray, batch: int) -> None:
        pass

    def of_opponents(self, population: int) -> Trial:
        return self

    def evaluate_drawn(self, draw: Draw) -> Fitness:
        return np.arange(draw.noise.population, dtype=np.float64)

    def sum_drawn(self, noise: Noise, first: Weights, second: Weights) -> npt.NDArray[np.float64]:
        return np.ones((2, noise.genes))

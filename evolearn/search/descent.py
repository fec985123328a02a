"""Who descends from whom in a genetic algorithm: a number for every genome that was lived, and those of its parents."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from evotorch.operators import OnePointCrossOver

from evolearn.genome import FloatArray
from evolearn.search.search import Fitness, State

IntArray = npt.NDArray[np.int64]
NOBODY = -1
_LIVING, _BORN = "descent.living", "descent.born"


@dataclasses.dataclass(frozen=True)
class Births:
    """The genomes that were lived for the first time in a generation. N genomes."""

    numbers: IntArray  # [N], from 0 in the order of birth, over all generations
    parents: IntArray  # [N, 2]: numbers; NOBODY at the start, and for the second of a genome that was only mutated
    z: FloatArray  # [N, F] as born: of each genome the numbers that are followed
    fitness: Fitness  # [N], mean over the generation's lives


class RecordedCrossOver(OnePointCrossOver):  # type: ignore[misc]  # EvoTorch is not typed
    """EvoTorch's, which remembers whom it crossed."""

    pairs: IntArray  # [N, 2], places in the population

    def _do(self, batch: Any) -> Any:
        first, second = (chosen[:, 0] for chosen in self._do_tournament(_Places(batch)))
        both = torch.stack([first, second], dim=1)
        self.pairs = torch.cat([both, both]).numpy().astype(np.int64)  # of each pair two children
        return self._do_cross_over(batch._data[first], batch._data[second])


class _Places:
    """A population as a tournament sees it, with each genome's place in the genome's stead."""

    def __init__(self, batch: Any) -> None:
        self.utility = batch.utility
        self._data = torch.arange(len(batch)).reshape(-1, 1)

    def __len__(self) -> int:
        return len(self._data)


class Descent:
    """Follows the genomes of a population from generation to generation."""

    def __init__(self, followed: Sequence[int]) -> None:
        """Before the first generation.

        Args:
            followed: places in a genome whose numbers births tell.
        """
        self._followed = np.array(followed, np.int64)
        self._living: IntArray = np.zeros(0, np.int64)  # numbers of the population, in its order
        self._born = 0  # genomes so far
        self._lived: list[tuple[FloatArray, Fitness]] = []  # in the generation under way
        self.births: Births | None = None  # in the last generation

    def lived(self, z: FloatArray, fitness: Fitness) -> None:
        """Genomes z [n, G] were lived; the population's own come first, their children after them."""
        self._lived.append((z[:, self._followed], fitness.copy()))

    def follow(self, pairs: IntArray | None, lived: Any, after: Any) -> None:
        """A generation is made.

        Args:
            pairs: [C, 2], places of the children's parents in the population; None: each has one, at its own place.
            lived: EvoTorch's batches of the generation, as lives left them, in the order of `lived`.
            after: the population that was selected from them.
        """
        z, fitness = (np.concatenate(parts) for parts in zip(*self._lived, strict=True))
        self._lived = []
        size = len(after)
        fresh = 0 if len(self._living) else size  # at the start the population is born too
        numbers = np.concatenate([self._living, self._born + np.arange(len(z) - len(self._living))])
        places = np.stack([np.arange(size), np.full(size, -1)], axis=1) if pairs is None else pairs
        parents = np.where(places < 0, NOBODY, numbers[places])
        parents = np.concatenate([np.full((fresh, 2), NOBODY), parents])
        first = len(z) - len(parents)
        self.births = Births(numbers[first:], parents, z[first:], fitness[first:])
        self._born += len(parents)
        # A copy that scored the same is told apart by nothing: the older one lives on.
        there: dict[bytes, deque[int]] = {}
        for number, row in zip(numbers.tolist(), _rows(*lived), strict=True):
            there.setdefault(row, deque()).append(number)
        self._living = np.array([there[row].popleft() for row in _rows(after)], np.int64)

    def state(self) -> State:
        """What the next generation's births depend on."""
        return {_LIVING: torch.from_numpy(self._living.copy()), _BORN: torch.tensor(self._born)}

    def restore(self, state: State) -> None:
        """Continue as the one did whose `state` this is."""
        self._living, self._born = state[_LIVING].numpy().astype(np.int64), int(state[_BORN])


def _rows(*batches: Any) -> list[bytes]:
    return [
        row.numpy().tobytes() + evals.numpy().tobytes()
        for batch in batches
        for row, evals in zip(batch.values, batch.evals, strict=True)
    ]

"""Restarts within a search's budget: what is stuck begins again, and the best of all beginnings is the result.

EvoTorch's restarters hand a search's class a fresh start when its fitness has no spread left, which a noisy fitness
never does; they know neither a budget nor a state that could be saved. So the rules are those of the literature, and
the rest is here, around any search of a population.

Source: Auger and Hansen 2005, "A restart CMA evolution strategy with increasing population size" (IPOP): independent
restarts, each with twice the population of the one before. Stagnation: after ``tolstagnation`` of pycma (Hansen 2009,
"Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed"): neither of two curves is better, by its
median, than it was as long before. There the curves are the best and the median of a population; here those that lives
flatter least: the centre, and the population's mean.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from evolearn.config import SearchPart
from evolearn.genome import FloatArray
from evolearn.search.options import evaluations_per_generation, planned_evaluations, restart_window
from evolearn.search.search import Search, State, Trial

TOLERANCE = 0.05  # a gain below this share of a curve's own range is none
LEAST_WINDOWS = 2  # a restart that would get fewer windows of generations is not begun
_SEARCH, _PAST = "search.", "past."


@dataclasses.dataclass(frozen=True)
class Stretch:
    """What a search came to between two restarts."""

    restart: int  # from 0
    generation: int  # its last one, counted over all restarts from 0
    centre: FloatArray  # z [G], the one that the last generation judged
    stdev: FloatArray  # in z, [G]
    leaders: FloatArray  # z [up to the number asked for, G], the best of the last generation, the best first


def stagnates(curves: npt.ArrayLike, window: int) -> bool:
    """Whether a search has come to a standstill.

    In each of the last window / 2 generations, rounded up, the median of every curve over the window that ended there
    was no more above that of the window before than `TOLERANCE` of the curve's range since the start. One lucky
    generation neither triggers nor prevents it. What only trembles about a level stagnates, solved or not; what climbs
    by more than its noise over a window does not; nor does anything in less than 2.5 windows. A fitness that is not
    finite counts as one below all others, and belongs to no range.

    Args:
        curves: [generations, curves] since the last restart, the more the better: fitness of the centre and mean
            fitness of the population.
        window: generations, at least 2.

    >>> stagnates([[0.4, 0.3]] * 13, window=5), stagnates([[0.4, 0.3]] * 12, window=5)
    (True, False)
    >>> stagnates([[0.1 * generation, 0.3] for generation in range(40)], window=5)
    False
    """
    known = np.asarray(curves, np.float64).reshape(len(np.asarray(curves)), -1)
    patience = -(-window // 2)
    if len(known) < 2 * window + patience:
        return False
    tolerated = TOLERANCE * np.ma.masked_invalid(known).ptp(axis=0).filled(0.0)
    ranked = np.where(np.isfinite(known), known, -np.inf)
    for end in range(len(known) - patience + 1, len(known) + 1):
        late, early = ranked[end - window : end], ranked[end - 2 * window : end - window]
        with np.errstate(invalid="ignore"):  # from -inf to -inf there is no gain
            gain = np.median(late, axis=0) - np.median(early, axis=0)
        if (gain > tolerated).any():
            return False
    return True


class Restarting:
    """A search that begins again when it stagnates, as far as its budget goes; itself a `Search`.

    The budget counts genomes: all restarts together evaluate no more than the same search does without any. A
    generation that no longer fits is not begun. No restart is begun that could not make `LEAST_WINDOWS` windows of
    generations, too few to climb or to be found stuck: then the search goes on as it is to its end.
    """

    def __init__(self, search: SearchPart, make: Callable[[int, int], Search], leaders: int) -> None:
        """Set up the search before its first generation.

        Args:
            search: of the run's config; `search.restart` is not none.
            make: a search at its start, from the number of the restart, from 0, and the population: the same start
                with other random numbers for each.
            leaders: genomes of a last generation that are kept when a restart comes.
        """
        self.config = search
        self._make = make
        self._leaders = leaders
        self._window = restart_window(search)
        self._past: list[Stretch] = []
        self._curves: list[tuple[float, float]] = []  # since the last restart
        self._made = 0  # generations, over all restarts
        self._spent = 0  # genomes, over all restarts
        self._ends = False  # the next generation begins again
        self._search = make(0, search.population)
        self.has_centre = self._search.has_centre

    @property
    def restart(self) -> int:
        """The restart that made the last generation, from 0."""
        return len(self._past)

    @property
    def under_way(self) -> Search:
        """The search of that restart."""
        return self._search

    @property
    def began_at(self) -> int:
        """Generation with which the restart of the last generation began, counted over all restarts from 0."""
        return self._past[-1].generation + 1 if self._past else 0

    @property
    def ends_here(self) -> bool:
        """After `told`: whether the last generation was the last of its restart."""
        return self._ends or self.is_over

    @property
    def is_over(self) -> bool:
        """Whether no further generation fits into the budget."""
        return self._spent + self._evaluations(self.restart + self._ends) > planned_evaluations(self.config)

    def at(self, restart: int) -> Search:
        """The search of a restart at its start."""
        return self._make(restart, self._population(restart))

    def step(self, trial: Trial) -> None:
        """Make one generation, of a new start if the last one ended the restart before."""
        if self._ends:
            self._past.append(self._stretch())
            self._curves = []
            self._ends = False
            self._search = self.at(self.restart)
        self._search.step(trial)

    def told(self, centre: float, mean: float) -> None:
        """Hear what the generation that was just made came to, once after every step.

        Args:
            centre: fitness of the centre; of the last champion where there is none.
            mean: fitness, over the population.
        """
        self._made += 1
        self._spent += self._evaluations(self.restart)
        self._curves.append((centre, mean))
        least = LEAST_WINDOWS * self._window * self._evaluations(self.restart + 1)
        fits = self._spent + least <= planned_evaluations(self.config)
        self._ends = fits and stagnates(self._curves, self._window)

    def stretches(self) -> Sequence[Stretch]:
        """After a step: what every restart so far came to, in order."""
        return (*self._past, self._stretch())

    def centre(self) -> FloatArray:
        """See `Search`."""
        return self._search.centre()

    def stdev(self) -> FloatArray:
        """See `Search`."""
        return self._search.stdev()

    def best(self, count: int) -> FloatArray:
        """See `Search`; of this restart."""
        return self._search.best(count)

    def state(self) -> State:
        """Everything that the next step depends on, and what earlier restarts came to, as tensors."""
        state = {
            "restart": torch.tensor(self.restart),
            "made": torch.tensor(self._made),
            "spent": torch.tensor(self._spent),
            "ends": torch.tensor(self._ends),
            "curves": torch.tensor(self._curves, dtype=torch.float64).reshape(-1, 2),
            **{f"{_SEARCH}{name}": tensor for name, tensor in self._search.state().items()},
        }
        for stretch in self._past:
            prefix = f"{_PAST}{stretch.restart}."
            state[f"{prefix}generation"] = torch.tensor(stretch.generation)
            for name in ("centre", "stdev", "leaders"):
                state[f"{prefix}{name}"] = torch.from_numpy(getattr(stretch, name).copy())
        return state

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        restarts = int(state["restart"])
        self._past = [
            Stretch(
                restart,
                int(state[f"{_PAST}{restart}.generation"]),
                *(state[f"{_PAST}{restart}.{name}"].numpy().copy() for name in ("centre", "stdev", "leaders")),
            )
            for restart in range(restarts)
        ]
        self._made, self._spent = int(state["made"]), int(state["spent"])
        self._ends = bool(state["ends"])
        self._curves = [(float(centre), float(mean)) for centre, mean in state["curves"]]
        self._search = self.at(restarts)
        inner = {name[len(_SEARCH) :]: tensor for name, tensor in state.items() if name.startswith(_SEARCH)}
        self._search.restore(inner)

    def _stretch(self) -> Stretch:
        return Stretch(self.restart, self._made - 1, self.centre(), self.stdev(), self.best(self._leaders))

    def _population(self, restart: int) -> int:
        return restarted_population(self.config, restart)

    def _evaluations(self, restart: int) -> int:
        return evaluations_per_generation(self.config.algorithm, self._population(restart))


def restarted_population(search: SearchPart, restart: int) -> int:
    """Genomes per generation after so many restarts: the same, or with ipop twice as many each time.

    >>> restarted_population(SearchPart(population=64, restart="ipop"), restart=2)
    256
    """
    return search.population * 2**restart if search.restart == "ipop" else search.population

"""Searches against each other: an agent's and its opponents', each judged by whom the other side has come to.

Neither sees the other's genomes, only lives against them. Whom a generation's lives meet is drawn afresh: from the
distribution that the other search is at, and, where a config says so, from an archive of the centres that it has been
at, a hall of fame. The draws are a function of seed, generation and life alone. Of several populations of opponents
each meets agents only, and agents meet opponents of all.

Sources: Hillis 1990, "Co-evolving parasites improve simulated evolution as an optimization procedure"; Rosin and Belew
1997, "New methods for competitive coevolution" (the hall of fame).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evolearn.genome import FloatArray
from evolearn.search.draws import Draw, Noise, draw_genomes
from evolearn.search.search import Search, State, Trial

_AGENTS, _OPPONENTS, _WHOSE = 0, 1, 2  # what is drawn: whom these meet, or of which population those are


class Rivals:
    """The search of a run whose world's opponent evolves as well; itself a `Search`, of the agent's genomes.

    In every generation the agent's search makes its step first, and those of its opponents then.
    """

    has_centre = True

    def __init__(
        self, own: Search, opponents: Sequence[Search], seed: int, generations: int, archive: int, share: float
    ) -> None:
        """Set up all of them before their first generation.

        Args:
            own: the agent's search; it has a centre, as the others have.
            opponents: one for each population of opponents.
            seed: of the run.
            generations: of the run.
            archive: centres of each that are kept, evenly over the generations; at most as many as these.
            share: of lives that meet somebody from the archive, once there is one.
        """
        self.own, self.opponents = own, tuple(opponents)
        names = ["opponent"] if len(opponents) == 1 else [f"opponent.{number}" for number in range(len(opponents))]
        self._sides = {"own": own, **dict(zip(names, opponents, strict=True))}  # by its name in a state
        self._seed = seed
        self._every = generations // archive if archive else 0
        self._share = share
        self._archives = [np.zeros((archive, search.centre().size), np.float32) for search in self._sides.values()]
        self._made = 0  # generations

    @property
    def archived(self) -> int:
        """Centres of each that have been kept so far, at most as many as the archive has room for."""
        return min(self._made // self._every, len(self._archives[0])) if self._every else 0

    def step(self, trial: Trial) -> None:
        """Make one generation of each; see `Search`."""
        self.own.step(trial)
        for population, search in enumerate(self.opponents):
            search.step(trial.of_opponents(population))
        self._made += 1
        if self._every and self._made % self._every == 0:
            place = (self._made // self._every - 1) % len(self._archives[0])
            for archive, search in zip(self._archives, self._sides.values(), strict=True):
                archive[place] = search.centre()

    def met(self, generation: int, lives: int, population: int | None = None) -> FloatArray:
        """Whom a generation's lives are lived against: z [lives, G] of the other side, those from archives first.

        Args:
            generation: from 0, the one under way.
            lives: how many.
            population: those who live are its opponents, and meet agents; None: agents, and meet opponents of every
                population, in as many lives of each or in one more.
        """
        if population is not None:
            return self._drawn(0, lives, (generation, _OPPONENTS, population))
        drawn = [self._drawn(1 + one, lives, (generation, _AGENTS, one)) for one in range(len(self.opponents))]
        words = np.random.SeedSequence([self._seed, generation, _WHOSE]).generate_state(1 + lives)
        whose = (np.argsort(words[1:], kind="stable") + int(words[0])) % len(self.opponents)
        return np.stack(drawn)[whose, np.arange(lives)]

    def _drawn(self, side: int, lives: int, purpose: tuple[int, int, int]) -> FloatArray:
        """Draw z [lives, G] of one side; of this purpose alone, whatever was drawn before.

        Args:
            side: 0 the agents, then every population of opponents.
            lives: how many.
            purpose: generation, for whom, and population. To seeds that are as few a last 0 is as if it were not there.
        """
        search = (self.own, *self.opponents)[side]
        archive = self._archives[side][: self.archived]
        old = round(lives * self._share) if len(archive) else 0
        seeds = np.random.SeedSequence([self._seed, *purpose]).generate_state(1 + old)
        centre = search.centre()
        noise = Noise(int(seeds[0]), purpose[0], lives - old, centre.size, symmetric=False)
        present = draw_genomes(Draw(noise, centre, search.stdev()), np.arange(lives - old))
        return np.concatenate([archive[seeds[1:] % max(1, len(archive))], present]) if old else present

    def centre(self) -> FloatArray:
        """See `Search`."""
        return self.own.centre()

    def stdev(self) -> FloatArray:
        """See `Search`."""
        return self.own.stdev()

    def best(self, count: int) -> FloatArray:
        """See `Search`."""
        return self.own.best(count)

    def state(self) -> State:
        """Everything that the next step depends on, of all searches and of their archives, as tensors."""
        archives = {f"archive.{name}": archive for name, archive in zip(self._sides, self._archives, strict=True)}
        return {
            "steps": torch.tensor(self._made),
            **{
                f"{side}.{name}": tensor
                for side, search in self._sides.items()
                for name, tensor in search.state().items()
            },
            **{name: torch.from_numpy(archive.copy()) for name, archive in archives.items()},
        }

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        self._made = int(state["steps"])
        for side, search in self._sides.items():
            begins = f"{side}."
            search.restore({name[len(begins) :]: tensor for name, tensor in state.items() if name.startswith(begins)})
        self._archives = [state[f"archive.{side}"].numpy().copy() for side in self._sides]

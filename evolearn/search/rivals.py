"""Two searches against each other: an agent's and its opponent's, each judged by whom the other has come to.

Neither sees the other's genomes, only lives against them. Whom a generation's lives meet is drawn afresh: from the
distribution that the other search is at, and, where a config says so, from an archive of the centres that it has been
at, a hall of fame. The draws are a function of seed, generation and life alone.

Sources: Hillis 1990, "Co-evolving parasites improve simulated evolution as an optimization procedure"; Rosin and Belew
1997, "New methods for competitive coevolution" (the hall of fame).
"""

from __future__ import annotations

import numpy as np
import torch

from evolearn.genome import FloatArray
from evolearn.search.draws import Draw, Noise, draw_genomes
from evolearn.search.search import Search, State, Trial

_OWN, _OPPONENT = "own.", "opponent."
_ARCHIVES = ("archive.own", "archive.opponent")


class Rivals:
    """The search of a run whose world's opponent evolves as well; itself a `Search`, of the agent's genomes.

    In every generation the agent's search makes its step first, and the opponent's then.
    """

    has_centre = True

    def __init__(self, own: Search, opponent: Search, seed: int, generations: int, archive: int, share: float) -> None:
        """Set up both before their first generation.

        Args:
            own: the agent's search; it has a centre, as the other has.
            opponent: the opponent's.
            seed: of the run.
            generations: of the run.
            archive: centres of each that are kept, evenly over the generations; at most as many as these.
            share: of lives that meet somebody from the archive, once there is one.
        """
        self.own, self.opponent = own, opponent
        self._seed = seed
        self._every = generations // archive if archive else 0
        self._share = share
        self._archives = [np.zeros((archive, search.centre().size), np.float32) for search in (own, opponent)]
        self._made = 0  # generations

    @property
    def archived(self) -> int:
        """Centres of each that have been kept so far, at most as many as the archive has room for."""
        return min(self._made // self._every, len(self._archives[0])) if self._every else 0

    def step(self, trial: Trial) -> None:
        """Make one generation of both; see `Search`."""
        self.own.step(trial)
        self.opponent.step(trial.of_opponents())
        self._made += 1
        if self._every and self._made % self._every == 0:
            place = (self._made // self._every - 1) % len(self._archives[0])
            for archive, search in zip(self._archives, (self.own, self.opponent), strict=True):
                archive[place] = search.centre()

    def met(self, generation: int, lives: int, by_opponents: bool = False) -> FloatArray:
        """Whom a generation's lives are lived against: z [lives, G] of the other side, those from the archive first.

        Args:
            generation: from 0, the one under way.
            lives: how many.
            by_opponents: those who live are the opponents, and meet agents.
        """
        side = int(by_opponents)
        others = self.own if by_opponents else self.opponent
        archive = self._archives[0 if by_opponents else 1][: self.archived]
        old = round(lives * self._share) if len(archive) else 0
        # Of this generation and side alone, whatever was drawn before.
        seeds = np.random.SeedSequence([self._seed, generation, side]).generate_state(1 + old)
        centre = others.centre()
        noise = Noise(int(seeds[0]), generation, lives - old, centre.size, symmetric=False)
        present = draw_genomes(Draw(noise, centre, others.stdev()), np.arange(lives - old))
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
        """Everything that the next step depends on, of both and of their archives, as tensors."""
        return {
            "steps": torch.tensor(self._made),
            **{f"{_OWN}{name}": tensor for name, tensor in self.own.state().items()},
            **{f"{_OPPONENT}{name}": tensor for name, tensor in self.opponent.state().items()},
            **{name: torch.from_numpy(archive.copy()) for name, archive in zip(_ARCHIVES, self._archives, strict=True)},
        }

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        self._made = int(state["steps"])
        for prefix, search in ((_OWN, self.own), (_OPPONENT, self.opponent)):
            search.restore({name[len(prefix) :]: tensor for name, tensor in state.items() if name.startswith(prefix)})
        self._archives = [state[name].numpy().copy() for name in _ARCHIVES]

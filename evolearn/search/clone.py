"""Cloning before birth: the weights of a newborn are fitted to a teacher's, in the place of selection."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from evolearn.agent import imitation_loss, imitation_loss_along, one_thread
from evolearn.genome import DIRECT, FloatArray, GenePool, decoder_of
from evolearn.search.finite import require_finite
from evolearn.search.lessons import Lessons
from evolearn.search.options import CloneOptions
from evolearn.search.search import State, Trial

STDEV = 0.05  # of a clone's actions at birth, if nothing else is said
WINDOW = 32  # steps that the gradient of a brain that remembers goes back, if nothing else is said

_Tensor = torch.Tensor
_Minibatch = tuple[int, int, torch.Tensor]  # number, of how many in an epoch, loss


class Clone:
    """Fit a newborn's weights to what a teacher does, or answers, round after round of lessons.

    One generation is a round: a population's number of batches of lives give lessons, all of them are gone over by
    Adam in minibatches, `epochs` times, and then as many lives again judge the result: what Reptile takes. Every round
    has lessons of its own and goes on from the weights of the one before, with Adam's memory; lessons of earlier
    rounds are not kept.

    A brain that carries a state is fitted along whole lives, some at a time: a window of steps begins with the state
    that the window before ended with, and the gradient goes back to the window's first step.

    The value head is not fitted, and stays as at the standard initialisation. Where the genes are a code they are
    fitted through it, and the log standard deviations of actions with them, of which no gene may say anything alone.

    Source: Pomerleau 1989, "ALVINN" (watch); Ross, Gordon and Bagnell 2011, "A reduction of imitation learning and
        structured prediction to no-regret online learning" (ask), by online gradient descent in the place of
        aggregating all rounds; Kingma and Ba 2015 (Adam, torch's); Williams and Peng 1990, "An efficient gradient-based
        algorithm for on-line training of recurrent network trajectories" (windows).
    """

    has_centre = True

    def __init__(self, options: CloneOptions, pool: GenePool, population: int, generations: int, seed: int) -> None:
        """Begin at z = 0, the standard initialisation or the weights that the config gives.

        Args:
            options: as `check_search` returned them.
            pool: the gene table: all genes are weights, one for each, or a code for them.
            population: batches of lessons per generation.
            generations: of the whole run: annealing ends with it.
            seed: of the order in which lessons are gone over.
        """
        self._options, self._pool = options, pool
        self._population, self._generations, self._seed = population, generations, seed
        self._rounds = 0  # so far
        # Without gain: what is fitted. A weight each, but where they are a code.
        self._weights = torch.tensor(pool.centre).requires_grad_()
        self._decode = decoder_of(pool)
        self._adam = torch.optim.Adam([self._weights], lr=options.step_size)
        self._set_memory(torch.zeros_like(self._weights), torch.zeros_like(self._weights), torch.tensor(0.0))

    def step(self, trial: Trial) -> None:
        """Make one generation: lessons, a fit, and the centre is judged.

        Raises:
            LeftFinite: see `Search.step`.
        """
        pupil = self.centre()
        lessons = [trial.lessons(pupil, batch) for batch in range(self._population)]
        with one_thread():
            self._fit(Lessons(*(np.concatenate(parts) for parts in zip(*lessons, strict=True))))
        self._rounds += 1
        require_finite("the centre", self.centre())
        trial.judge_centre(self.centre(), self._population)

    def _fit(self, lessons: Lessons) -> None:
        """Go over the lessons of a round, each time in another order."""
        order = torch.Generator().manual_seed(
            int(np.random.SeedSequence([self._seed, self._rounds]).generate_state(1)[0])
        )
        told, answers, begins = map(torch.from_numpy, lessons)
        go_over = self._along if self._pool.brain.carries else self._singly
        for epoch in range(self._options.epochs):
            for number, batches, loss in go_over(told, answers, begins, order):
                self._adam.param_groups[0]["lr"] = self.step_size(
                    (epoch * batches + number) / (self._options.epochs * batches)
                )
                (self._weights.grad,) = torch.autograd.grad(loss, self._weights)
                self._adam.step()

    def _singly(self, told: _Tensor, answers: _Tensor, _: _Tensor, order: torch.Generator) -> Iterator[_Minibatch]:
        """Minibatches of steps of whatever lives."""
        told, answers = told.flatten(0, 1), answers.flatten(0, 1)
        places = torch.split(torch.randperm(len(told), generator=order), self._options.minibatch)
        for number, rows in enumerate(places if len(told) else ()):
            weights = self._decode(self._weights)
            loss = imitation_loss(self._pool.brain, weights, told[rows], answers[rows])
            yield number, len(places), loss + self._spread_error(weights)

    def _along(self, told: _Tensor, answers: _Tensor, begins: _Tensor, order: torch.Generator) -> Iterator[_Minibatch]:
        """Minibatches of some lives' next steps, which begin with what these lives remember."""
        window = self._options.window or WINDOW
        together = torch.split(torch.randperm(len(told), generator=order), max(1, self._options.minibatch // window))
        starts = range(0, told.shape[1], window)
        for group, rows in enumerate(together if len(told) else ()):
            state = told.new_zeros(len(rows), sum(self._pool.brain.hidden))
            for number, start in enumerate(starts, group * len(starts)):
                weights = self._decode(self._weights)
                some = [part[rows, start : start + window] for part in (told, answers, begins)]
                loss, state = imitation_loss_along(self._pool.brain, weights, some[0], some[1], some[2], state)
                yield number, len(together) * len(starts), loss + self._spread_error(weights)

    def _spread_error(self, weights: torch.Tensor) -> torch.Tensor | float:
        """Of the log standard deviations, where a code makes them; else they are set, see `centre`."""
        brain = self._pool.brain
        if self._pool.encoding == DIRECT or not brain.log_stdevs:
            return 0.0
        starts = brain.weights - brain.predicting - brain.log_stdevs
        logs = weights[starts : starts + brain.log_stdevs]
        return (logs - math.log(self._options.stdev or STDEV)).square().sum()

    def step_size(self, share: float = 0.0) -> float:
        """Adam's in the round under way, `share` of which is over."""
        left = 1.0 - (self._rounds + share) / self._generations if self._options.anneal else 1.0
        return self._options.step_size * left

    def centre(self) -> FloatArray:
        """The clone, z [G], after all rounds so far, with its gain and the spread of its actions."""
        born = self._weights.detach().numpy().copy()
        for (_, name), place in self._pool.slices().items() if self._pool.encoding == DIRECT else ():
            if name == "policy.log_stdev":
                born[place] = np.log(self._options.stdev or STDEV)
            elif name.startswith("policy."):
                born[place] *= np.float32(self._options.gain)
        with np.errstate(over="ignore", invalid="ignore"):  # it is seen where it is asked for
            return ((born - self._pool.centre) / self._pool.spread).astype(np.float32)

    def stdev(self) -> FloatArray:
        """Zero, [G]: nothing is sampled around the centre."""
        return np.zeros(self._pool.size, np.float32)

    def best(self, count: int) -> FloatArray:
        """The centre, [1, G]: there is no population to choose from."""
        return self.centre()[None]

    def state(self) -> State:
        """Everything that the next step depends on, as tensors."""
        memory = self._adam.state[self._weights]
        tensors = {"weights": self._weights.detach(), "first": memory["exp_avg"], "second": memory["exp_avg_sq"]}
        return {
            **{name: tensor.clone() for name, tensor in tensors.items()},
            "updates": memory["step"].clone(),
            "rounds": torch.tensor(self._rounds),
        }

    def restore(self, state: State) -> None:
        """Continue as the search did whose `state` this is, bit for bit.

        Args:
            state: of a search made with the same arguments.
        """
        with torch.no_grad():
            self._weights.copy_(state["weights"])
        self._set_memory(state["first"].clone(), state["second"].clone(), state["updates"].clone())
        self._rounds = int(state["rounds"])

    def _set_memory(self, first: torch.Tensor, second: torch.Tensor, updates: torch.Tensor) -> None:
        self._adam.state[self._weights] = {"step": updates, "exp_avg": first, "exp_avg_sq": second}

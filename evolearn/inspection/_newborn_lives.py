"""What a newborn meets in its first lives, and what its brain makes of observations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evolearn.agent import BrainSpec, TorchBrain, find_policy, one_thread
from evolearn.inspection._specimen import Specimen
from evolearn.life import Outcome, Trace, traced_lives
from evolearn.run import ARMS, Arm, ready_arm
from evolearn.verdict import FloatArray

WATCHED_LIVES = 16  # of which every step is kept, where nothing else is said
OBSERVATIONS, FEWEST_OBSERVATIONS = 2000, 200  # of those met, evenly spaced: what slopes are averaged over
OBSERVED_WEIGHTS = 40_000_000  # observations times weights, at most: larger brains are asked at fewer
ROWS = 500  # observations at a time, to bound memory


def newborn(specimen: Specimen) -> Arm:
    """The specimen as an arm: born with all that it inherits, learning as its config says."""
    dna = specimen.dna
    return ready_arm("evolved", ARMS["evolved"], dna.pool, dna.genome, dna.config.learner)


def learns(specimen: Specimen) -> bool:
    """Whether its lives learn at all."""
    return specimen.dna.config.learner.learn_until != 0


@dataclasses.dataclass(frozen=True)
class FirstSteps:
    """The beginning of some lives without learning. L lives of T steps, n steps in all that were lived."""

    outcome: Outcome  # [L, ..]
    trace: Trace  # [L, T, ..]
    lived: npt.NDArray[np.bool_]  # [L, T]; later steps are those of a brain that left the finite numbers

    @property
    def observations(self) -> FloatArray:
        """All that the brain was told, [n, I]; it begins with the world's observations."""
        return np.asarray(self.trace.met[self.lived], np.float64)

    def sample(self, most: int = OBSERVATIONS) -> FloatArray:
        """At most so many of them, evenly spaced over lives and ages, [.., I]."""
        met = self.observations
        return met[np.unique(np.linspace(0, len(met) - 1, min(most, len(met))).round().astype(np.int64))]


def first_steps(specimen: Specimen, count: int | None = None, steps: int | None = None) -> FirstSteps:
    """Live without learning, and keep every step.

    Args:
        specimen: who.
        count: lives; None: WATCHED_LIVES, or as many as the birth score is of, if these are fewer.
        steps: world steps of each; None: the time of the birth score.
    Raises:
        LifeFault: the world is at fault.
    """
    arm = newborn(specimen).frozen()
    keys = specimen.keys(min(WATCHED_LIVES, specimen.extent.birth_lives) if count is None else count)
    newborns, born_as = arm.born(keys)
    outcome, trace = traced_lives(specimen.driver, newborns, born_as, keys, arm.plan(steps or specimen.birth_steps))
    lived = np.arange(trace.fitness.shape[1]) < np.maximum(outcome.age, 1)[:, None]
    return FirstSteps(outcome, trace, lived)


def observations_for(brain: BrainSpec) -> int:
    """At how many of the observations that it met the slopes of such a brain are taken, at most."""
    return min(OBSERVATIONS, max(FEWEST_OBSERVATIONS, OBSERVED_WEIGHTS // brain.weights))


def outputs_of(brain: BrainSpec, weights: npt.NDArray[Any], observations: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Policy parameters [n, ..] and values [n] of what a brain is told, [n, I], in double precision."""
    module = _module(brain, weights)
    with one_thread(), torch.no_grad():
        policy, value = module(torch.from_numpy(np.ascontiguousarray(observations, np.float64)))
    return policy.numpy(), value.numpy()


def sensitivities(brain: BrainSpec, weights: npt.NDArray[Any], observations: FloatArray) -> FloatArray:
    """Derivatives of a brain's outputs by what it is told, at each of some observations.

    Args:
        brain: what it is made of.
        weights: [W].
        observations: [n, I], all that it is told.
    Returns:
        [n, A + 1, I]: of the policy's outputs (of a categorical policy the logits less their mean over the choices,
        since what is added to all of them changes no action), then of the value.
    """
    module = _module(brain, weights)
    found = np.empty((len(observations), brain.actions + 1, brain.told))
    with one_thread():  # several would wait for each other longer than they work
        for start in range(0, len(observations), ROWS):
            part = slice(start, start + ROWS)
            given = torch.from_numpy(np.ascontiguousarray(observations[part], np.float64)).requires_grad_()
            policy, value = module(given)
            for place, output in enumerate([*policy[:, : brain.actions].unbind(dim=1), value]):
                (slope,) = torch.autograd.grad(output.sum(), given, retain_graph=True)
                found[part, place] = slope.numpy()
    if find_policy(brain.policy).is_relative:
        found[:, :-1] -= found[:, :-1].mean(axis=1, keepdims=True)
    return found


def _module(brain: BrainSpec, weights: npt.NDArray[Any]) -> TorchBrain:
    module = TorchBrain(brain).double()
    module.load_flat(np.asarray(weights, np.float64))
    return module

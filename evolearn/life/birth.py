"""Birth scores: what newborns do in their first steps, learning off; where termination is a death, with one body each.

A foal that stands still loses its mother after some 130 steps, and starves. Were it reborn within the window, upright
and beside her, it would be scored for having died; so what follows its death counts nothing. For each rule of fitness:

- mean per step: the first body's fitness, divided by all steps of the window. Being dead is worth 0 per step.
- mean return per episode: over the episodes of the first body, up to the one that it died in; in a world whose
  episodes are not truncated before, that is the return of its only one.

Where termination is no death, nothing changes.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from evolearn.life.evaluation import life_fitness
from evolearn.life.live import Plan
from evolearn.life.records import Outcome
from evolearn.world import Declaration

_BY_AGE = ("fitness", "finished_return", "finished", "open_return", "deaths")  # fields of an Outcome, [L, B]

FloatArray = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Births:
    """What L lives came to over the window of the birth score."""

    score: FloatArray  # [L] birth score
    reborn: FloatArray  # [L] the same of all bodies in the window; the birth score itself where termination is no death
    outcome: Outcome  # [L, 1], of all bodies, in one age bin
    plan: Plan  # of that outcome

    @property
    def deaths(self) -> npt.NDArray[np.int64]:
        """Episodes that terminated within the window, [L]."""
        deaths: npt.NDArray[np.int64] = self.outcome.deaths[:, 0]
        return deaths


def birth_plan(world: Declaration, plan: Plan) -> Plan:
    """The same lives, lived so that `births_in` can score them: what a death cuts off must be known to the step."""
    return dataclasses.replace(plan, bin_steps=1 if world.termination_is_death else None)


def births_in(world: Declaration, outcome: Outcome, plan: Plan) -> Births:
    """Birth scores of lives.

    Args:
        world: that they were lived in.
        outcome: [L, B].
        plan: with which they were lived, as long as the window of the birth score; see `birth_plan`.
    Raises:
        ValueError: the age bins are longer than a step, and termination is a death.
    """
    rule = world.fitness_rule
    one_bin = dataclasses.replace(plan, bin_steps=None)
    whole = in_one_bin(outcome, plan)
    reborn = life_fitness(whole, rule, one_bin)
    if not world.termination_is_death:
        return Births(reborn, reborn, whole, one_bin)
    if plan.bin_size > 1:
        raise ValueError(f"plan.bin_steps={plan.bin_steps}: must be 1 where termination is a death; see birth_plan")
    return Births(life_fitness(first_bodies(outcome), rule, plan), reborn, whole, one_bin)


def first_bodies(outcome: Outcome) -> Outcome:
    """The same lives, as if nothing had followed the age bin in which each died first."""
    earlier = np.cumsum(outcome.deaths, axis=1) - outcome.deaths
    return outcome._replace(**{name: np.where(earlier == 0, getattr(outcome, name), 0) for name in _BY_AGE})


def in_one_bin(outcome: Outcome, plan: Plan) -> Outcome:
    """The same lives in a single age bin, [L, 1].

    Args:
        outcome: [L, B].
        plan: with which they were lived.
    """
    if plan.bins == 1:
        return outcome
    last_lived = np.clip((outcome.age - 1) // plan.bin_size, 0, plan.bins - 1)
    sums = {name: getattr(outcome, name).sum(axis=1, keepdims=True) for name in _BY_AGE}
    sums["open_return"] = np.take_along_axis(outcome.open_return, last_lived[:, None], axis=1)
    return outcome._replace(**sums)

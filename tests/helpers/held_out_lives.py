"""Made-up test lives of an evolution run, with something in every field."""

import numpy as np

from evolearn.life import DIVERGED, Outcome, Plan, empty_outcome
from evolearn.life.records import FINISHED
from evolearn.study._held_out import HeldOut

BIRTH, LONG = Plan(40), Plan(160, bin_steps=20)


def made_up(plan: Plan, lives: int, seed: int) -> Outcome:
    """Lives with something in every field; the last one's brain diverged at the age of 50, or in the first bin."""
    random = np.random.default_rng(seed)
    shape = (lives, plan.bins)
    finished = random.integers(0, 3, shape)
    outcome = empty_outcome(lives, plan, 2, 0)._replace(
        fitness=random.normal(size=shape),
        finished=finished,
        finished_return=random.normal(size=shape) * finished,
        open_return=random.normal(size=shape),
        deaths=np.minimum(finished, random.integers(0, 3, shape)),
        age=np.full(lives, plan.lifetime),
        status=np.full(lives, FINISHED),
    )
    outcome.age[-1] = min(50, plan.lifetime - 5)
    outcome.status[-1] = DIVERGED
    lived_bins = -(-int(outcome.age[-1]) // plan.bin_size)
    for field in ("fitness", "finished", "finished_return", "deaths", "open_return"):
        getattr(outcome, field)[-1, lived_bins:] = 0
    return outcome


def held_out(seed: int = 0, plan: Plan = LONG, lives: int = 4) -> HeldOut:
    born_with = np.random.default_rng(seed + 200).normal(size=lives)
    return HeldOut(BIRTH, made_up(BIRTH, lives, seed), born_with, plan, made_up(plan, lives, seed + 100))

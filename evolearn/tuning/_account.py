"""What is searched, where it lives, and how many steps of the budget that has taken."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.genome import GenePool
from evolearn.life import Drivers, Plan, evaluate
from evolearn.rng import TUNING, life_keys
from evolearn.run import Setup

Scores = npt.NDArray[np.float64]

# Numbers of generations, beyond those that any evolution makes, under which lives judge. The first two have others in
# every round.
BROAD, CLOSER, FINAL = 2**31, 2**31 + 1000, 2**31 + 2000


class TuningDisplay(Protocol):
    """What shows a search while it goes on."""

    def advanced(self, steps: int, of: int, what: str) -> None:
        """So many world steps of the planned ones are lived; `what` is under way."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The best that was found, and what it and the others were worth."""

    settings: dict[str, Any]  # dotted keys of the run
    tuned: float  # of the best, on lives that chose nothing; here and below -inf if one of them diverged
    present: float  # of the study's own settings, on the same lives
    best: float  # of all, on the lives that chose it
    median: float


@dataclasses.dataclass
class Account:
    """World steps lived so far, of those that were allowed."""

    planned: int
    display: TuningDisplay
    steps: int = 0

    def charge(self, steps: int, what: str) -> None:
        """So many more were lived."""
        self.steps += steps
        assert self.steps <= self.planned, "a search must not cost more than was planned"
        self.display.advanced(self.steps, self.planned, what)


def judge(
    setup: Setup,
    drivers: Drivers,
    pool: GenePool,
    genomes: npt.NDArray[np.float32],
    keys: npt.NDArray[np.int64],
    account: Account,
    what: str,
) -> Scores:
    """Mean life fitness [P] of genomes [P, G] over the longest evaluation lifetime, as the arm lives.

    -inf for a genome one of whose lives diverged: it is worse than any other, whatever the sign of rewards.

    Args:
        setup: of the arm's evolution.
        drivers: where lives are lived.
        pool: of the genomes.
        genomes: float32 [P, G], in gene units.
        keys: int64 [L, 4], of `judging_keys`.
        account: is charged.
        what: is under way.
    """
    learner = setup.config.learner
    plan = Plan(max(setup.config.evaluation.lifetimes), learner.learn_from, learner.learn_until)
    lived = evaluate(setup.driver(drivers), setup.conditions, pool, genomes, keys, plan)
    account.charge(lived.world_steps, what)
    return lived.means


def judging_keys(seed: int, which: int, lives: int) -> npt.NDArray[np.int64]:
    """Keys int64 [lives, 4] of lives that judge.

    Args:
        seed: of the search.
        which: BROAD or CLOSER, plus the number of the round; or FINAL.
        lives: how many.
    """
    return life_keys(seed, TUNING, which, lives)

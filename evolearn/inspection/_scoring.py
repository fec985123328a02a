"""The two scores that an inspection compares, birth score and score after learning."""

from __future__ import annotations

from typing import NamedTuple

from evolearn.inspection._specimen import IntArray
from evolearn.life import DIVERGED, Driver, Outcome, Plan, score
from evolearn.run import Arm, Setup, live_arm, live_births
from evolearn.verdict import FloatArray


class Scores(NamedTuple):
    """One score per life."""

    values: FloatArray  # [L]
    diverged: int  # lives that ended early, their brain having left the finite numbers


def birth_scores(setup: Setup, driver: Driver, arm: Arm, keys: IntArray, birth_steps: int) -> Scores:
    """Birth score of each life.

    Args:
        setup: of the world.
        driver: for its conditions.
        arm: who lives.
        keys: int64 [L, 4], of the lives.
        birth_steps: world steps.
    """
    births = live_births(setup, driver, arm, keys, birth_steps)
    return Scores(births.score, diverged_in(births.outcome))


def learned_scores(setup: Setup, driver: Driver, arm: Arm, keys: IntArray, lifetime: int) -> Scores:
    """Score of each life over its last quarter, learning as the arm does.

    Args:
        setup: of the world.
        driver: for its conditions.
        arm: who lives.
        keys: int64 [L, 4], of the lives.
        lifetime: world steps.
    """
    outcome = live_arm(setup, driver, arm, keys, lifetime, quarter_of(lifetime))
    values = last_quarter(outcome, setup.conditions.world.fitness_rule, arm.plan(lifetime, quarter_of(lifetime)))
    return Scores(values, diverged_in(outcome))


def innate_scores(setup: Setup, driver: Driver, arm: Arm, keys: IntArray, lifetime: int) -> Scores:
    """The same of the same lives with learning off: what of it is innate."""
    return learned_scores(setup, driver, arm.frozen(), keys, lifetime)


def diverged_in(outcome: Outcome) -> int:
    """How many lives ended early, their brain having left the finite numbers."""
    return int((outcome.status == DIVERGED).sum())


def quarter_of(lifetime: int) -> int:
    """World steps in each of the first three quarters of a life; the last takes what is left."""
    return max(1, lifetime // 4)


def last_quarter(outcome: Outcome, rule: str, plan: Plan) -> FloatArray:
    """Score of each life over its last quarter, [L].

    Args:
        outcome: [L, ..].
        rule: of the world's fitness.
        plan: with which the lives were lived; its bins are quarters.
    """
    return score(outcome, rule, min(3, plan.bins - 1), plan.bins, plan)

"""Scores by age: birth score, quarters of life, catch-up time. Pure."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.life import Outcome, Plan, score


@dataclasses.dataclass(frozen=True)
class SeenScores:
    """What one arm's lives came to on births that evolution selected on, with luck of their own."""

    birth: float  # as of ArmScores
    by_lifetime: tuple[float, ...]  # likewise


@dataclasses.dataclass(frozen=True)
class ArmScores:
    """What one arm's lives came to."""

    arm: str
    doc: str
    birth: float  # birth score, mean over lives, see `evolearn.life.births_in`
    birth_error: float  # its standard error over lives
    birth_reborn: float | None  # the same of all bodies in the window; None where termination is no death
    birth_deaths: float | None  # in that window, per life; likewise
    quarters: tuple[float, ...]  # score by quarter of life
    deaths: float  # per life
    by_lifetime: tuple[float, ...]  # life fitness at each evaluation lifetime: prefixes of the same lives
    running: tuple[float, ...]  # running score by age: entry i ends with age bin i + window - 1
    diverged: int = 0  # lives that left the finite numbers: each counts as the worst life of any arm
    ever: float | None = None  # share of lives that ever scored, see `ever_scored`
    window_after: float | None = None  # score in the window of that name; None: the config has none
    seen: SeenScores | None = None  # on births that evolution selected on; None: they were not drawn from a set


def running_score(outcome: Outcome, rule: str, plan: Plan, window: int) -> npt.NDArray[np.float64]:
    """Score of each life in every window of consecutive age bins.

    Args:
        outcome: [L, ..] with B age bins.
        rule: of the world's fitness.
        plan: with which the lives were lived.
        window: age bins in a window.
    Returns:
        [L, B - window + 1].
    """
    starts = range(plan.bins - window + 1)
    return np.stack([score(outcome, rule, start, start + window, plan) for start in starts], axis=1)


def prefix_scores(outcome: Outcome, rule: str, plan: Plan, lifetimes: Sequence[int]) -> npt.NDArray[np.float64]:
    """Life fitness of each life at several lifetimes, [L, T]: a shorter life is the beginning of a longer one.

    Args:
        outcome: [L, ..] of lives as long as the longest.
        rule: of the world's fitness.
        plan: with which the lives were lived.
        lifetimes: world steps, multiples of the plan's bin_steps.
    """
    return np.stack([score(outcome, rule, 0, lifetime // plan.bin_size, plan) for lifetime in lifetimes], axis=1)


def quarters(outcome: Outcome, rule: str, plan: Plan) -> npt.NDArray[np.float64]:
    """Score of each life by quarter, [L, 4], to the resolution of the age bins; NaN for a quarter of no bin."""
    edges = [round(plan.bins * part / 4) for part in range(5)]
    none = np.full(len(outcome.age), np.nan)
    parts = [
        score(outcome, rule, first, last, plan) if last > first else none for first, last in itertools.pairwise(edges)
    ]
    return np.stack(parts, axis=1)


def window_score(outcome: Outcome, rule: str, plan: Plan, age: int, width: int) -> npt.NDArray[np.float64]:
    """Score of each life, [L], from an age on.

    Args:
        outcome: [L, ..].
        rule: of the world's fitness.
        plan: with which the lives were lived.
        age: beginning of the window, world steps; a multiple of the plan's bin_steps.
        width: of the window, world steps; likewise.
    """
    return score(outcome, rule, age // plan.bin_size, (age + width) // plan.bin_size, plan)


def ever_scored(outcome: Outcome) -> npt.NDArray[np.float64]:
    """1 for each life, [L], that ever scored: whose fitness was above 0 in some age bin; 0 for the others.

    Where fitness is never negative, that is some step.
    """
    return (outcome.fitness > 0.0).any(axis=1).astype(np.float64)


def over_lives(scores: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Means over lives of scores [L, ages], one for each age."""
    return tuple(float(np.ascontiguousarray(column).mean()) for column in scores.T)


def catch_up_age(running: npt.ArrayLike, target: float, window_steps: int, bin_steps: int) -> int | None:
    """Age at which a running score first reaches `target`.

    Args:
        running: from `running_score`.
        target: the evolved birth score.
        window_steps: steps in a running window.
        bin_steps: steps in an age bin.
    Returns:
        World steps since birth at the end of that window, or None if it never does (censored).

    >>> catch_up_age([0.2, 0.5, 0.9], target=0.6, window_steps=600, bin_steps=100)
    800
    """
    reached = np.flatnonzero(np.asarray(running) >= target)
    return window_steps + int(reached[0]) * bin_steps if reached.size else None

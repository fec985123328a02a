"""The closing table: every arm of a run on lives that evolution never saw, and maybe on births that it did.

What a run is judged in changes this room; how it evolves, and what it keeps of that, `evolearn.run.run`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.config import RunConfig
from evolearn.genome import FloatArray
from evolearn.life import Births, Driver, Outcome, Plan, broken_lives, life_fitness
from evolearn.rng import VALIDATION, Keys, life_keys
from evolearn.run._lineage import CulturalRow, cultural_rows
from evolearn.run.births import seen_births, unseen_births
from evolearn.run.scores import (
    ArmScores,
    SeenScores,
    catch_up_age,
    ever_scored,
    over_lives,
    prefix_scores,
    quarters,
    running_score,
    window_score,
)
from evolearn.run.setup import Setup
from evolearn.run.transplant import Arm, live_arm, live_births, run_arms
from evolearn.verdict import counted_last

SEEN_GENERATION = 3  # of the validation key space: lives on seen births beside those of the closing table


@dataclasses.dataclass(frozen=True)
class Result:
    """The closing table."""

    lifetime: int  # world steps, the longest
    lifetimes: tuple[int, ...]  # all evaluation lifetimes, world steps
    lives: int
    birth_steps: int
    arms: tuple[ArmScores, ...]
    evolution_steps: int  # world steps that evolution took
    catch_up: int | None  # world steps until `blank` reaches the evolved birth score; None: never
    window_after: tuple[int, int] | None = None  # age and width of the window of that name, world steps; None: none
    set: int | None = None  # births that evolution selected on, see `SeenScores`; None: as many as lives
    lineage: tuple[CulturalRow, ...] = ()  # by cultural generation; none where lives are by themselves

    def scores(self, arm: str) -> ArmScores:
        """The row of one arm."""
        return next(row for row in self.arms if row.arm == arm)

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return dataclasses.asdict(self)


def unseen_keys(setup: Setup) -> Keys:
    """Keys of the lives of the closing table, on births that evolution never sees."""
    config = setup.config
    keys = life_keys(config.seed, VALIDATION, 0, config.evaluation.lives)
    return unseen_births(setup, keys, config.world.set, config.seed)


def closing_table(
    setup: Setup,
    driver: Driver,
    genome: FloatArray,
    evolution_steps: int,
    judging: Callable[[str, int, int], None],
) -> Result:
    """Live every arm of the closing table on validation lives.

    Args:
        setup: of the run.
        driver: for its conditions.
        genome: [G], that it evolved.
        evolution_steps: world steps that evolution took.
        judging: told which arm is about to live, the number of that from 0, and how many there are.
    """
    evaluation = setup.config.evaluation
    rule, dies = setup.conditions.world.fitness_rule, setup.conditions.world.termination_is_death
    long = _whole_life(setup.config)
    window, after_window = evaluation.birth_steps // evaluation.bin_steps, setup.config.window_after
    arms = run_arms(setup, genome)
    lived, broken = _live_arms(setup, driver, arms, unseen_keys(setup), judging)
    size = setup.config.world.set
    seen = None if size is None else _judge_seen(setup, driver, arms)

    def counted(measure: Callable[[Births, Outcome], npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
        return counted_last([measure(births, outcome) for births, outcome in lived], broken)

    rows = [
        ArmScores(
            arm=arm.name,
            doc=arm.doc,
            birth=float(birth.mean()),
            birth_error=float(birth.std(ddof=1) / evaluation.lives**0.5),
            birth_reborn=float(reborn.mean()) if dies else None,
            birth_deaths=float(births.deaths.mean()) if dies else None,
            quarters=over_lives(by_quarter),
            deaths=float(outcome.deaths.sum(axis=1).mean()),
            by_lifetime=over_lives(totals),
            running=tuple(float(value) for value in running.mean(axis=0)),
            diverged=int(mask.sum()),
            ever=float(ever.mean()),
            window_after=None if after is None else float(after.mean()),
            seen=None if seen is None else seen[arm.name],
        )
        for arm, (births, outcome), mask, birth, reborn, by_quarter, totals, running, ever, after in zip(
            arms,
            lived,
            broken,
            counted(lambda births, _: births.score),
            counted(lambda births, _: births.reborn),
            counted(lambda _, outcome: quarters(outcome, rule, long)),
            counted(lambda _, outcome: prefix_scores(outcome, rule, long, evaluation.lifetimes)),
            counted(lambda _, outcome: running_score(outcome, rule, long, window)),
            counted(lambda _, outcome: ever_scored(outcome)),
            [None] * len(arms)
            if after_window is None
            else counted(lambda _, outcome: window_score(outcome, rule, long, after_window.age, after_window.width)),
            strict=True,
        )
    ]
    by_name = {row.arm: row for row in rows}
    catch_up = catch_up_age(
        by_name["blank"].running, by_name["evolved"].birth, evaluation.birth_steps, evaluation.bin_steps
    )
    return Result(
        lifetime=long.lifetime,
        lifetimes=evaluation.lifetimes,
        lives=evaluation.lives,
        birth_steps=evaluation.birth_steps,
        arms=tuple(rows),
        evolution_steps=evolution_steps,
        catch_up=catch_up,
        window_after=None if after_window is None else (after_window.age, after_window.width),
        set=size,
        lineage=cultural_rows(setup, driver, genome),
    )


def _live_arms(
    setup: Setup,
    driver: Driver,
    arms: Sequence[Arm],
    keys: Keys,
    judging: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[list[tuple[Births, Outcome]], list[npt.NDArray[np.bool_]]]:
    """What every arm came to in the lives of these keys, at birth and to the end, and which of them broke, [L]."""
    evaluation, rule = setup.config.evaluation, setup.conditions.world.fitness_rule
    long = _whole_life(setup.config)
    lived = []
    for number, arm in enumerate(arms):
        judging(arm.name, number, len(arms))
        births = live_births(setup, driver, arm, keys, evaluation.birth_steps)
        lived.append((births, live_arm(setup, driver, arm, keys, long.lifetime, long.bin_steps)))
    broken = [
        broken_lives(births.outcome, births.reborn) | broken_lives(outcome, life_fitness(outcome, rule, long))
        for births, outcome in lived
    ]
    return lived, broken


def _whole_life(config: RunConfig) -> Plan:
    return Plan(max(config.evaluation.lifetimes), bin_steps=config.evaluation.bin_steps)


def _judge_seen(setup: Setup, driver: Driver, arms: Sequence[Arm]) -> dict[str, SeenScores]:
    """Live every arm on the births that evolution selected on, with other luck: what is known by heart shows."""
    evaluation, rule = setup.config.evaluation, setup.conditions.world.fitness_rule
    long, seed = _whole_life(setup.config), setup.config.seed
    keys = life_keys(seed, VALIDATION, SEEN_GENERATION, evaluation.lives)
    keys = seen_births(keys, setup.config.world.set, seed, setup.space)
    lived, broken = _live_arms(setup, driver, arms, keys)
    at_birth = counted_last([births.score for births, _ in lived], broken)
    totals = counted_last([prefix_scores(outcome, rule, long, evaluation.lifetimes) for _, outcome in lived], broken)
    return {
        arm.name: SeenScores(float(birth.mean()), over_lives(total))
        for arm, birth, total in zip(arms, at_birth, totals, strict=True)
    }

"""Before a study spends compute: do its arms really differ, and how fast are lives here?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from evolearn.config import ConfigError
from evolearn.genome import FloatArray, GenePool
from evolearn.life import Drivers, Trace, lives
from evolearn.run import Arm, Setup, assemble, steps_per_second
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.plan import (
    StudyJob,
    StudyPlan,
    arm_part,
    born_keys,
    check_keys,
    planned_config,
    run_seed,
    study_arm,
)

PROBE_LIVES = 2
PROBE_UPDATES = 3  # learning updates that a probe life holds at least


@dataclasses.dataclass(frozen=True)
class Rates:
    """World steps per second, all workers together."""

    learning: float
    frozen: float  # learning off

    def seconds(self, jobs: Sequence[StudyJob]) -> float:
        """How long jobs will take, about."""
        return sum(job.steps / (self.learning if job.learning else self.frozen) for job in jobs)


@dataclasses.dataclass(frozen=True)
class _Probe:
    """A few short lives of an arm."""

    traces: tuple[Trace, ...]
    weights: tuple[FloatArray, ...]  # [1, W] at the end of each life
    learns: bool
    steps: int  # world steps lived


def check_arms_differ(config: StudyConfig, plan: StudyPlan, drivers: Drivers) -> int:
    """Let every arm live a few short lives with made-up DNA, and refuse two arms that live them alike.

    Every evolution gets a genome of its own, a random one around where it starts: two arms whose lives are the same
    are made of the same parts, or differ in parts that do nothing here.

    Returns:
        World steps lived.
    Raises:
        ConfigError: two arms live identical lives, and the config does not expect it.
    """
    steps = 0
    expected = {frozenset(pair) for pair in config.expect_identical}
    for condition in config.conditions:
        for one, other in combinations(config.arms, 2):
            if frozenset((one, other)) not in expected and _same_evolution(config, condition, one, other):
                raise _identical(one, other, condition, "they are defined alike")
        probes = {arm: _probe(config, condition, arm, plan.setups[condition.name], drivers) for arm in config.arms}
        steps += sum(probe.steps for probe in probes.values())
        for one, other in combinations(config.arms, 2):
            # A life as long as an evolution begins like one of ordinary length.
            same_length = arm_part(config, one).one_life == arm_part(config, other).one_life
            if same_length and frozenset((one, other)) not in expected and _alike(probes[one], probes[other]):
                raise _identical(one, other, condition, "what sets them apart has no effect in this world and brain")
    return steps


def check_births(config: StudyConfig, plan: StudyPlan) -> None:
    """Make sure that test lives find births that evolution will not have seen.

    Raises:
        ConfigError: a world has hardly any beside those of a set.
    """
    for job in plan.tests:
        born_keys(config, config.condition(job.condition), job.arm, job.run, plan.setups[job.condition])


def measure_rates(config: StudyConfig, plan: StudyPlan, drivers: Drivers) -> Rates:
    """Time a few lives of the first condition, with learning and without."""
    setup = next(iter(plan.setups.values()))
    driver, keys = setup.driver(drivers), check_keys(config)
    arm = Arm("probe", "", setup.pool, setup.pool.centre)
    return Rates(*(steps_per_second(setup, driver, probe, keys) for probe in (arm, arm.frozen())))


def _identical(one: str, other: str, condition: ConditionPart, why: str) -> ConfigError:
    return ConfigError(
        f"arms: {one} and {other} live identical lives under condition {condition.name!r}: {why}; leave one out, or, "
        f"for an A/A comparison, set expect_identical=[[{one}, {other}]]"
    )


def _same_evolution(config: StudyConfig, condition: ConditionPart, one: str, other: str) -> bool:
    """Whether two arms are made of the same parts, or evolve by the same config: then only their seeds differ."""
    nameless = {"doc": "", "like": None}
    parts = [arm_part(config, name).model_copy(update=nameless) for name in (one, other)]
    if not (parts[0].evolves and parts[1].evolves):
        return parts[0] == parts[1]
    # Before they have evolved, all teachers, and all that an evolution may start at, stand where they started.
    if (parts[0].teacher, parts[0].start) != (parts[1].teacher, parts[1].start):
        return False
    return planned_config(config, condition, one) == planned_config(config, condition, other)


def _probe(config: StudyConfig, condition: ConditionPart, arm: str, setup: Setup, drivers: Drivers) -> _Probe:
    probe = study_arm(config, condition, arm, lambda origin: _made_up(config, condition, origin))
    steps = max(setup.config.evaluation.birth_steps, PROBE_UPDATES * setup.conditions.window)
    steps = min(steps, max(setup.config.evaluation.lifetimes))
    plan = dataclasses.replace(probe.arm.plan(steps), final_weights=True)
    lived = []
    for key in check_keys(config)[:PROBE_LIVES, None]:
        newborns, born_as = probe.arm.born(key)
        lived.append(
            lives(probe.setup.driver(drivers), probe.setup.conditions, newborns, born_as, key, plan, trace_steps=steps)
        )
    return _Probe(
        traces=tuple(trace for _, trace in lived),
        weights=tuple(outcome.final_weights for outcome, _ in lived),
        learns=arm_part(config, arm).learns,
        steps=sum(int(outcome.age.sum()) for outcome, _ in lived),
    )


def _made_up(config: StudyConfig, condition: ConditionPart, origin: str) -> tuple[GenePool, FloatArray]:
    pool = assemble(planned_config(config, condition, origin)).pool
    random = np.random.default_rng(run_seed(config, condition.name, origin, 0))
    return pool, (pool.centre + pool.spread * random.standard_normal(pool.size)).astype(np.float32)


def _alike(one: _Probe, other: _Probe) -> bool:
    """Whether two arms did and saw the same, and learned the same if they learn.

    In a short life what was learned may not show yet in what was done.
    """
    same_lives = all(
        np.array_equal(trace.actions, another.actions, equal_nan=True)
        and np.array_equal(trace.observations, another.observations, equal_nan=True)
        for trace, another in zip(one.traces, other.traces, strict=True)
    )
    return same_lives and not ((one.learns or other.learns) and _differ(one.weights, other.weights))


def _differ(weights: Sequence[FloatArray], others: Sequence[FloatArray]) -> bool:
    return not all(np.array_equal(some, more, equal_nan=True) for some, more in zip(weights, others, strict=True))

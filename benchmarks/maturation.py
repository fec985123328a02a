"""How much of what rises with age needs experience: the tables of `claims/maturation`.

    python -m benchmarks.maturation STUDY [--age 600] [--window 100] [--lives 200] [--markdown]
    python -m benchmarks.maturation RUN ... --ages 0 300 600 900 [--window 100] [--lives 200] [--markdown]

Of a STUDY with the arms `neither`, `timetable`, `learning` and `both`: what a whole life earns by arm, what either way
of getting better adds to the other, and *experience's share* of what a brain is worth at an age. Three brains are put
into the same bodies, which grew to that age without seeing or learning anything: that of a life that lived and learned
until then, that of one that was deprived, senses at 0 and no learning, and a newborn's. They are held as they are, no
learning and no growth, for a window that begins with an episode of its own. The share is (lived - deprived) / (lived -
newborn's); none is given where what it divides by is below 0.03.

Of runs, brains that lived to each of `--ages` in bodies of each of these ages, and deprived ones.

Lives are validation lives; +- and brackets are over evolution runs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, tell
from evolearn.agent import GROWN, LATE_RATE
from evolearn.errors import UserError
from evolearn.life import Driver, Plan, Surgeries, lives, new_driver, score
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, Arm, Setup, assemble, load_dna, ready_arm, setup_of
from evolearn.study import StudyConfig, open_study, planned_config
from evolearn.study.bands import measure_over_runs
from evolearn.study.directory import StudyDirectory

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

GENERATION = 1100  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
LEAST = 0.03  # of what a share divides by
ENOUGH = 0.05  # of fitness: what is asked for in the page's acceptance
NEITHER, TIMETABLE, LEARNING, BOTH = ARMS = "neither", "timetable", "learning", "both"


def living(plan: Plan, setup: Setup, driver: Driver, arm: Arm, keys: Any, brains: Weights | None = None) -> Any:
    """The outcome of an arm's lives.

    Args:
        plan: how.
        setup: of the arm.
        driver: for its conditions.
        arm: which.
        keys: int64 [L, 4].
        brains: [L, W], which the lives get at `plan.operate_at`, held as they are; None: they keep their own.
    """
    newborns, born_as = arm.born(keys)
    if brains is None:
        return lives(driver, setup.conditions, newborns, born_as, keys, plan)[0]
    shape = brains.shape
    places = np.tile(np.arange(shape[1], dtype=np.int64), (shape[0], 1))
    none = np.zeros(shape, np.float32)
    exchange = Surgeries(
        factor=none,
        source=places,
        added_factor=none.copy(),
        added_source=places.copy(),
        constant=np.ascontiguousarray(brains, np.float32),
        held=np.ones(shape, np.uint8),
        drives=np.zeros((shape[0], 0), np.float32),
        recalled=np.zeros((shape[0], 0), np.int64),
        value=np.zeros((shape[0], 0), np.float32),
    )
    own = np.arange(len(keys))
    return lives(driver, setup.conditions, newborns.rows(born_as), own, keys, plan, surgeries=exchange)[0]


def brains_at(age: int, setup: Setup, driver: Driver, arm: Arm, keys: Any, deprived: bool = False) -> Weights:
    """The weights [L, W] of an arm's lives at an age, of those that saw nothing and did not learn if `deprived`."""
    learn_until = 0 if deprived or age == 0 else arm.learn_until
    plan = Plan(max(age, 1), arm.learn_from, learn_until, final_weights=True)
    plan = dataclasses.replace(plan, deprived_until=age if deprived else 0)
    return np.asarray(living(plan, setup, driver, arm, keys).final_weights)


def tested(brains: Weights, age: int, window: int, setup: Setup, driver: Driver, arm: Arm, keys: Any) -> float:
    """Mean score of brains, held as they are, in bodies that came to an age without seeing or learning anything.

    Args:
        brains: [L, W], one for each life.
        age: of the bodies, world steps; a multiple of `window`.
        window: world steps from then on, in an episode that begins with it.
        setup: of the arm.
        driver: for its conditions.
        arm: whose bodies.
        keys: of the lives, int64 [L, 4].
    """
    plan = Plan(age + window, learn_until=0, bin_steps=window, operate_at=age, deprived_until=age)
    plan = dataclasses.replace(plan, episode_at=age or None)
    outcome = living(plan, setup, driver, arm, keys, brains)
    return float(score(outcome, setup.conditions.world.fitness_rule, plan.bins - 1, plan.bins, plan).mean())


def share_of_experience(age: int, window: int, setup: Setup, driver: Driver, arm: Arm, keys: Any) -> Floats:
    """Scores at an age with a newborn's brain, a deprived one, and one that lived and learned, [3]."""
    brains = (
        brains_at(0, setup, driver, arm, keys),
        brains_at(age, setup, driver, arm, keys, deprived=True),
        brains_at(age, setup, driver, arm, keys),
    )
    return np.array([tested(brain, age, window, setup, driver, arm, keys) for brain in brains])


def without_growth(arm: Arm) -> Arm:
    """The same arm with a brain that stays as young as it was born."""
    genome, places = arm.genome.copy(), arm.pool.slices()
    if ("plasticity", LATE_RATE) in places:
        genome[places["plasticity", LATE_RATE]] = 0.0  # in gene units: a factor of 1
    genes = tuple(
        dataclasses.replace(gene, centre=np.zeros_like(gene.centre)) if gene.name == GROWN else gene
        for gene in arm.pool.genes
    )
    return dataclasses.replace(arm, pool=dataclasses.replace(arm.pool, genes=genes), genome=genome)


@dataclasses.dataclass(frozen=True)
class Found:
    """What the runs of one arm under one condition came to, [R] or [R, 3]; but for `life` only of those that learn."""

    life: Floats  # of a whole life
    young: Floats  # the same of a brain that does not grow
    frozen: Floats  # the same without learning
    elsewhere: Floats  # the same in lives of the last condition, which its evolution need not have met
    at_age: Floats  # see `share_of_experience`


def of_life(lifetime: int, setup: Setup, driver: Driver, arm: Arm, keys: Any) -> float:
    """Mean score of an arm's whole lives."""
    plan = arm.plan(lifetime)
    outcome = living(plan, setup, driver, arm, keys)
    return float(score(outcome, setup.conditions.world.fitness_rule, 0, 1, plan).mean())


def of_arm(study: StudyDirectory, config: StudyConfig, condition: Any, name: str, runs: int, asked: Any) -> Found:
    """Live what evolved in every run of an arm."""
    lifetime = max(config.run.evaluation.lifetimes)
    evolved = [study.evolved(condition, name, run).load_dna() for run in range(runs)]
    setup = setup_of(evolved[0])  # of every run: they differ in their seed alone
    last = assemble(planned_config(config, config.conditions[-1], name)).conditions.parameters
    other = dataclasses.replace(setup, conditions=dataclasses.replace(setup.conditions, parameters=last))
    rows: list[tuple[float, float, float, float, Floats]] = []
    with contextlib.ExitStack() as stack:
        here, there = (
            stack.enter_context(contextlib.closing(new_driver(one.conditions, os.cpu_count() or 1)))
            for one in (setup, other)
        )
        for run, dna in enumerate(evolved):
            arm = ready_arm(name, config.arm(name), dna.pool, dna.genome, setup.config.learner)
            keys = life_keys(config.seed, VALIDATION, GENERATION + run, asked.lives)
            life = of_life(lifetime, setup, here, arm, keys)
            if not config.arm(name).learns:
                rows.append((life, life, life, life, np.full(3, np.nan)))
                continue
            rows.append(
                (
                    life,
                    of_life(lifetime, setup, here, without_growth(arm), keys),
                    of_life(lifetime, setup, here, arm.frozen(), keys),
                    of_life(lifetime, other, there, arm, keys),
                    share_of_experience(asked.age, asked.window, setup, here, arm, keys),
                )
            )
    return Found(*(np.array(column) for column in zip(*rows, strict=True)))


def tables(path: Path, asked: Any) -> list[Answer]:
    """Those of a study.

    Raises:
        UserError: no study, or one without the four arms.
    """
    study = open_study(path)
    config, verdict = study.read_config(), study.read_verdict()
    missing = [name for name in ARMS if name not in config.arms]
    if missing:
        raise UserError(f"{path}: has no arm {', '.join(missing)}; give a study such as claims/maturation")
    longest = max(config.run.evaluation.lifetimes)
    if asked.age + asked.window > longest:
        raise UserError(f"--age {asked.age}: must be at most {longest - asked.window}, with --window {asked.window}")
    runs = verdict["study"]["runs"]
    found = {
        condition.name: {name: of_arm(study, config, condition, name, runs, asked) for name in ARMS}
        for condition in config.conditions
    }
    of = f"{verdict['study']['title']}, {runs} runs"
    return [_lives(of, found), _adds(of, found), _shares(of, found, asked)]


def _lives(of: str, found: Mapping[str, Mapping[str, Found]]) -> Answer:
    rows = [
        (
            condition,
            *(_mean(arms[name].life) for name in arms),
            _mean(arms[BOTH].young - arms[BOTH].life, "+"),
            _mean(arms[BOTH].frozen - arms[BOTH].life, "+"),
            _mean(arms[BOTH].elsewhere),
        )
        for condition, arms in found.items()
    ]
    lesions = "both, if it does not grow", "both, if it does not learn"
    heads = ("condition", *ARMS, *lesions, f"both, in lives where {list(found)[-1]}")
    return Answer(f"{of}: a whole life, and what both lose", heads, rows)


def _adds(of: str, found: Mapping[str, Mapping[str, Found]]) -> Answer:
    rows = []
    first = next(iter(found.values()))
    at_first = first[BOTH].life - first[TIMETABLE].life
    for condition, arms in found.items():
        neither, timetable, learning, both = (arms[name].life for name in ARMS)
        more = both - timetable - at_first
        rows.append(
            (
                condition,
                _interval(both - timetable),
                _interval(both - learning),
                _interval(both - np.maximum(timetable, learning)),
                _interval(both - timetable - learning + neither),
                "" if arms is first else f"{_interval(more)}, {int((more >= ENOUGH).sum())} of {len(more)}",
            )
        )
    heads = (
        "condition",
        "learning adds to a timetable",
        "a timetable adds to learning",
        "both less the better of the two",
        "both - timetable - learning + neither",
        f"learning adds more than in the first; runs with {ENOUGH:g} or more",
    )
    return Answer(f"{of}: what either adds to the other", heads, rows)


def _shares(of: str, found: Mapping[str, Mapping[str, Found]], asked: Any) -> Answer:
    rows = []
    for condition, arms in found.items():
        for name in (LEARNING, BOTH):
            newborn, deprived, lived = arms[name].at_age.T
            rise = lived - newborn
            shares = np.divide(lived - deprived, rise, out=np.full(len(rise), np.nan), where=np.abs(rise) >= LEAST)
            told = shares[np.isfinite(shares)]
            rows.append(
                (
                    condition,
                    name,
                    _mean(newborn),
                    _mean(deprived),
                    _mean(lived),
                    _interval(told) if len(told) else "",
                    f"{int((np.abs(told) <= ENOUGH).sum())} of {len(shares)}",
                    f"{int((told >= 0.4).sum())} of {len(shares)}",
                )
            )
    heads = (
        "condition",
        "arm",
        "a newborn's brain",
        "a deprived one",
        "one that lived",
        "experience's share",
        f"within {ENOUGH:g} of 0",
        "0.4 or more",
    )
    return Answer(f"{of}: brains of age {asked.age} in bodies of that age, {asked.window} steps", heads, rows)


def in_bodies(dna: DNA, ages: Sequence[int], window: int, count: int) -> Floats:
    """Scores [2, ages, ages] of one run's brains that lived to some ages, then of deprived ones, in bodies of these."""
    setup = setup_of(dna)
    learner = setup.config.learner
    arm = Arm("evolved", "", setup.pool, dna.genome, learn_from=learner.learn_from, learn_until=learner.learn_until)
    keys = life_keys(setup.config.seed, VALIDATION, GENERATION, count)
    with contextlib.closing(new_driver(setup.conditions, os.cpu_count() or 1)) as driver:
        call = (setup, driver, arm, keys)
        brains = [[brains_at(age, *call, deprived=deprived) for age in ages] for deprived in (False, True)]
        return np.array([[[tested(brain, body, window, *call) for body in ages] for brain in kind] for kind in brains])


def transplants(runs: Sequence[Path], ages: Sequence[int], window: int, count: int) -> Answer:
    """Brains by their age in bodies of each age, means over runs."""
    found = np.array([in_bodies(load_dna(run), ages, window, count) for run in runs])
    rows = [
        (kind, f"{age:,}", *(_mean(found[:, k, a, body]) for body in range(len(ages))))
        for k, kind in enumerate(("lived", "were deprived"))
        for a, age in enumerate(ages)
    ]
    title = f"{len(runs)} runs, {runs[0]} first: brains by age in bodies of each age, {window} steps, {count} lives"
    return Answer(title, ("brains that", "to age", *(f"body of {age:,}" for age in ages)), rows)


def _mean(values: Floats, sign: str = "") -> str:
    error = f" ± {values.std(ddof=1) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
    return f"{values.mean():{sign}.2f}{error}"


def _interval(values: Floats) -> str:
    one = measure_over_runs(values, lambda drawn: np.asarray(drawn.mean(axis=-1)))
    return f"{one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"


def main() -> None:
    """Live and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.maturation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", type=Path, nargs="+", metavar="STUDY or RUN")
    parser.add_argument("--age", type=int, default=600, help="at which experience's share is measured, world steps")
    parser.add_argument("--ages", type=int, nargs="+", help="of brains and bodies of a run, world steps")
    parser.add_argument("--window", type=int, default=100, help="in which brains are tested, world steps")
    parser.add_argument("--lives", type=int, default=200, help="per evolution run")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    asked = parser.parse_args()
    if len(asked.paths) > 1 and not asked.ages:
        parser.error(f"{asked.paths[1]}: give one study; or several runs with --ages")
    if asked.lives < 1:
        parser.error(f"--lives {asked.lives}: must be at least 1")
    if asked.window < 1:
        parser.error(f"--window {asked.window}: must be at least 1")
    for age in asked.ages or [asked.age]:
        if age < 0 or age % asked.window:
            parser.error(f"--{'ages' if asked.ages else 'age'} {age}: must be a multiple of --window {asked.window}")
    try:
        if asked.ages:
            answers = [transplants(asked.paths, asked.ages, asked.window, asked.lives)]
        else:
            answers = tables(asked.paths[0], asked)
        tell(answers, asked.markdown, 190)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

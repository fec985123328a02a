"""Lineages: lives one after another in a world that stays, each of which may learn of an elder of the one before.

A newborn is born again and again, several siblings in each cultural generation. All are born into one world: what is
fixed at birth is the same for a whole lineage, and luck is each life's own. The world is as old as the lineage by then,
so that one that changes of itself goes on where it was; or it is drawn anew for each generation. What a sibling comes
to know it may have of its elders, adults of the generation before, whom it watches or asks where `teacher.source` is
parent; or it is born with weights that were learned before it.
Source: Cook et al. 2024, "Artificial generational intelligence: cultural accumulation in reinforcement learning".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from evolearn.genome import FloatArray, Newborns
from evolearn.life.live import BEST, REDRAWN, SHRUNK, WEIGHTS, Conditions, Driver, Lineage, Plan, lives
from evolearn.life.records import DIVERGED, Outcome
from evolearn.life.teachers import NO_TEACHERS, Teachers
from evolearn.rng import KEY_SIZE, Keys, LifeKey, aged, births_of, derived_seed, with_births


@dataclasses.dataclass(frozen=True)
class CulturalGeneration:
    """What the siblings of one generation came to, in all lineages of a call: N of them, S siblings each."""

    outcome: Outcome  # [N S, ..], lineage by lineage
    earned: npt.NDArray[np.float64]  # [N, S], life fitness
    broken: npt.NDArray[np.bool_]  # [N, S], who left the finite numbers


Born = Callable[[Keys], tuple[Newborns, npt.NDArray[np.int64]]]  # keys of lives -> newborns, and whose each life is
Score = Callable[[Outcome], npt.NDArray[np.float64]]  # life fitness [lives] of an outcome


def sibling_keys(keys: Keys, generation: int, lineage: Lineage, lifetime: int) -> Keys:
    """Keys int64 [N S, 13] of one cultural generation, lineage by lineage: born as their lineage is, with own luck.

    Args:
        keys: int64 [N, 4] or [N, 12], of the lineages.
        generation: cultural, from 0.
        lineage: how many siblings, and whether the world stays.
        lifetime: of each generation, world steps.
    """
    siblings, seeds = lineage.siblings, set(keys[:, 0].tolist())
    own = np.repeat(keys[:, :KEY_SIZE], siblings, axis=0)
    for sibling in range(siblings):
        derived = {seed: derived_seed(seed, "lineage", generation, sibling) for seed in seeds}
        own[sibling::siblings, 0] = [derived[seed] for seed in keys[:, 0].tolist()]
    births = [births_of(keys, again) for again in (False, True)]
    if lineage.world == REDRAWN:
        for of_lineages in births:
            of_lineages[:, 0] = [derived_seed(seed, "world", generation) for seed in of_lineages[:, 0].tolist()]
    first, second = (np.repeat(of_lineages, siblings, axis=0) for of_lineages in births)
    return aged(with_births(own, first, second), 0 if lineage.world == REDRAWN else generation * lifetime)


def elders(lineage: Lineage, generation: CulturalGeneration, keys: Keys, number: int) -> npt.NDArray[np.int64]:
    """Which siblings, int64 [N, E], are the elders of the next generation, the first of them first.

    None who left the finite numbers, as long as there are others.

    Args:
        lineage: says who, and how many.
        generation: whose siblings to choose among.
        keys: int64 [N, ..], of the lineages: who is drawn depends on these alone.
        number: of that generation.
    """
    merit = generation.earned
    if lineage.elder != BEST:
        drawn = [(*LifeKey.of(key), number) for key in keys]
        merit = np.array(
            [[derived_seed("elder", *one, sibling) for sibling in range(lineage.siblings)] for one in drawn]
        )
    ranked = np.where(generation.broken, np.inf, -merit).argsort(axis=1, kind="stable")
    return ranked[:, : lineage.elders]


def live_lineages(
    driver: Driver, conditions: Conditions, born: Born, keys: Keys, plan: Plan, score: Score
) -> Iterator[CulturalGeneration]:
    """Live lineages, a cultural generation at a time.

    Args:
        driver: from `new_driver`.
        conditions: what all lives share, and how lives follow one another.
        born: a newborn for each life.
        keys: int64 [N, ..], of the lineages.
        plan: of each life.
        score: of its outcome.
    Raises:
        LifeFault: the world is at fault.
    """
    lineage = conditions.lineage
    assert lineage is not None, "there is one"
    is_taught = conditions.teacher is not None and conditions.teacher.of_parent
    adults = np.zeros((0, 0), np.float32)  # [N S, W]
    chosen = np.zeros((0, 0), np.int64)  # [N, E], rows of adults
    for number in range(lineage.generations):
        of_lives = sibling_keys(keys, number, lineage, plan.lifetime)
        newborns, born_as = born(of_lives)
        teachers = NO_TEACHERS
        if number > 0:
            if is_taught:
                of = np.arange(chosen.size).reshape(chosen.shape)
                teachers = Teachers(adults[chosen.ravel()], np.repeat(of, lineage.siblings, axis=0))
            if lineage.inherit == WEIGHTS:
                newborns, born_as = _born_with(newborns, born_as, adults[np.repeat(chosen[:, 0], lineage.siblings)])
            elif lineage.inherit == SHRUNK:
                newborns, born_as = _born_with(newborns, born_as, np.float32(lineage.kept) * adults)
        one = dataclasses.replace(plan, final_weights=True)
        outcome, _ = lives(driver, conditions, newborns, born_as, of_lives, one, teachers=teachers)
        generation = generation_of(outcome, score, len(keys))
        adults = np.where(np.isfinite(outcome.final_weights), outcome.final_weights, np.float32(0.0))
        first = np.arange(len(keys))[:, None] * lineage.siblings
        chosen = first + elders(lineage, generation, keys, number)
        yield generation


def successions(driver: Driver, conditions: Conditions, born: Born, keys: Keys, plan: Plan, score: Score) -> Outcome:
    """Live lineages, and read each as one life that goes on over its generations: at every age its siblings' mean.

    Returns:
        Outcome [N, ..] of lives of `generations` times the plan's lifetime. Fitness and returns of the steps are means
        over siblings; what is counted (episodes, deaths, steps lived and taught, updates skipped) is of all of them.
    """
    lineage = conditions.lineage
    assert lineage is not None, "there is one"
    outcomes = [one.outcome for one in live_lineages(driver, conditions, born, keys, plan, score)]

    def of_siblings(name: str) -> list[npt.NDArray[np.float64]]:
        return [getattr(one, name).reshape(len(keys), lineage.siblings, -1) for one in outcomes]

    whole: dict[str, npt.NDArray[np.float64]] = {}
    for name in ("fitness", "open_return"):
        whole[name] = np.concatenate([one.mean(axis=1) for one in of_siblings(name)], axis=1)
    for name in ("finished_return", "finished", "deaths"):
        whole[name] = np.concatenate([one.sum(axis=1) for one in of_siblings(name)], axis=1)
    for name in ("skipped_updates", "taught", "age"):
        whole[name] = np.sum([one.sum(axis=(1, 2)) for one in of_siblings(name)], axis=0)
    drives = np.sum([one.mean(axis=1) for one in of_siblings("drives")], axis=0)
    status = np.max([one.max(axis=(1, 2)) for one in of_siblings("status")], axis=0)
    return Outcome(**whole, drives=drives, status=status, final_weights=np.zeros((0, 0), np.float32))


def broken_lives(outcome: Outcome, earned: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which lives [L] left the finite numbers: in the brain, which ended them, or in what they earned [L]."""
    return np.asarray((outcome.status == DIVERGED) | ~np.isfinite(earned))


def generation_of(outcome: Outcome, score: Score, lineages: int) -> CulturalGeneration:
    """What lives side by side came to, lineage by lineage."""
    earned = score(outcome)
    broken = broken_lives(outcome, earned)
    return CulturalGeneration(outcome, earned.reshape(lineages, -1), broken.reshape(lineages, -1))


def _born_with(
    born: Newborns, born_as: npt.NDArray[np.int64], weights: FloatArray
) -> tuple[Newborns, npt.NDArray[np.int64]]:
    """The same newborns, one for each life, with the weights of each life."""
    own = born.rows(born_as)._replace(weights=np.ascontiguousarray(weights), initial_stdev=np.zeros(0, np.float32))
    return own, np.arange(len(born_as))

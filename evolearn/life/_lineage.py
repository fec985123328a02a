"""Lineages: lives one after another in a world that stays, each of which may learn of an elder of the one before.

A genome is born again and again, several siblings in each cultural generation. All are born into one world: what is
fixed at birth is the same for a whole lineage, and luck is each life's own. What a sibling comes to know it may have
of its elder, an adult of the generation before, whom it watches or asks where `teacher.source` is parent; or it is born
with weights that were learned before it.
Source: Cook et al. 2024, "Artificial generational intelligence: cultural accumulation in reinforcement learning".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from evolearn.genome import FloatArray, GenePool, Newborns, decode, draw_fresh
from evolearn.life.live import BEST, SHRUNK, WEIGHTS, Conditions, Driver, Lineage, Plan, lives
from evolearn.life.records import DIVERGED, Outcome
from evolearn.life.teachers import NO_TEACHERS, Teachers
from evolearn.rng import KEY_SIZE, Keys, LifeKey, births_of, derived_seed, with_births


@dataclasses.dataclass(frozen=True)
class CulturalGeneration:
    """What the siblings of one generation came to, in all lineages of a call: N of them, S siblings each."""

    outcome: Outcome  # [N S, ..], lineage by lineage
    earned: npt.NDArray[np.float64]  # [N, S], life fitness
    broken: npt.NDArray[np.bool_]  # [N, S], who left the finite numbers


def sibling_keys(keys: Keys, generation: int, siblings: int) -> Keys:
    """Keys int64 [N S, 12] of one cultural generation, lineage by lineage: born as their lineage is, with own luck.

    Args:
        keys: int64 [N, 4] or [N, 12], of the lineages.
        generation: cultural, from 0.
        siblings: S.
    """
    own = np.repeat(keys[:, :KEY_SIZE], siblings, axis=0)
    for sibling in range(siblings):
        seeds = {seed: derived_seed(seed, "lineage", generation, sibling) for seed in set(keys[:, 0].tolist())}
        own[sibling::siblings, 0] = [seeds[seed] for seed in keys[:, 0].tolist()]
    first, second = (np.repeat(births_of(keys, again), siblings, axis=0) for again in (False, True))
    return with_births(own, first, second)


def elders(lineage: Lineage, generation: CulturalGeneration, keys: Keys, number: int) -> npt.NDArray[np.int64]:
    """Which sibling, int64 [N], is the elder of the next generation; none who left the finite numbers, if possible.

    Args:
        lineage: says who.
        generation: whose siblings to choose among.
        keys: int64 [N, ..], of the lineages: who is drawn depends on these alone.
        number: of that generation.
    """
    ranked = np.where(generation.broken, -np.inf, generation.earned)
    best = ranked.argmax(axis=1)
    if lineage.elder == BEST:
        return best
    siblings = ranked.shape[1]
    drawn = np.array([derived_seed("elder", *LifeKey.of(key), number) % siblings for key in keys], np.int64)
    return np.where(generation.broken[np.arange(len(drawn)), drawn], best, drawn)


def live_lineages(
    driver: Driver,
    conditions: Conditions,
    pool: GenePool,
    genomes: FloatArray,
    keys: Keys,
    plan: Plan,
    score: Callable[[Outcome], npt.NDArray[np.float64]],
) -> Iterator[CulturalGeneration]:
    """Live every lineage with every genome, a cultural generation at a time, [P L] lineages in genome-major order.

    Args:
        driver: from `new_driver`.
        conditions: what all lives share, and how lives follow one another.
        pool: the gene table.
        genomes: float [P, G], in gene units.
        keys: int64 [L, ..]: every genome has all of these lineages.
        plan: of each life.
        score: life fitness [lives] of an outcome.
    Raises:
        LifeFault: the world is at fault.
    """
    lineage = conditions.lineage
    assert lineage is not None, "there is one"
    count, siblings = len(genomes) * len(keys), lineage.siblings
    own = np.tile(keys, (len(genomes), 1))
    newborns = decode(pool, genomes)
    genome = np.repeat(np.arange(len(genomes)), len(keys) * siblings)
    is_taught = conditions.teacher is not None and conditions.teacher.of_parent
    adults = np.zeros((0, 0), np.float32)  # [N S, W]
    elder = np.zeros(0, np.int64)  # [N], rows of adults
    for number in range(lineage.generations):
        of_lives = sibling_keys(own, number, siblings)
        born, born_as = draw_fresh(pool, newborns, genome, of_lives)
        teachers = NO_TEACHERS
        if number > 0:
            if is_taught:
                teachers = Teachers(adults[elder].copy(), np.repeat(np.arange(count), siblings))
            if lineage.inherit == WEIGHTS:
                born, born_as = _born_with(born, born_as, adults[np.repeat(elder, siblings)])
            elif lineage.inherit == SHRUNK:
                born, born_as = _born_with(born, born_as, np.float32(lineage.kept) * adults)
        one = dataclasses.replace(plan, final_weights=True)
        outcome, _ = lives(driver, conditions, born, born_as, of_lives, one, teachers=teachers)
        earned = score(outcome)
        broken = (outcome.status == DIVERGED) | ~np.isfinite(earned)
        shape = (count, siblings)
        generation = CulturalGeneration(outcome, earned.reshape(shape), broken.reshape(shape))
        adults = np.where(np.isfinite(outcome.final_weights), outcome.final_weights, np.float32(0.0))
        elder = np.arange(count) * siblings + elders(lineage, generation, own, number)
        yield generation


def _born_with(
    born: Newborns, born_as: npt.NDArray[np.int64], weights: FloatArray
) -> tuple[Newborns, npt.NDArray[np.int64]]:
    """The same newborns, one for each life, with the weights of each life."""
    own = born.rows(born_as)._replace(weights=np.ascontiguousarray(weights), initial_stdev=np.zeros(0, np.float32))
    return own, np.arange(len(born_as))

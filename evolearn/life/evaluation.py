"""Genomes and keys in, fitness and what was learned out.

Pure: the same arguments give the same bits, on any number of workers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evolearn.genome import FloatArray, GenePool, Newborns, decode, draw_fresh
from evolearn.life.faults import LifeFault
from evolearn.life.lineage import CulturalGeneration, generation_of, live_lineages
from evolearn.life.live import Conditions, Driver, Plan, lives, opponent_job
from evolearn.life.records import DIVERGED, Outcome
from evolearn.rng import opponent_keys
from evolearn.world import MEAN_PER_STEP

# Bound the memory that an evaluation adds, whatever the population; many workers must not wait for each other often.
LIVES_AT_ONCE = 2048
LIVES_PER_WORKER = 64


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a population earned. P genomes, L lives each."""

    fitness: npt.NDArray[np.float64]  # [P, L], life fitness by the world's rule: what was earned
    broken: npt.NDArray[np.bool_]  # [P, L], lives whose brain, or whose fitness, left the finite numbers
    world_steps: int  # lived, and once more those in which a teacher was asked or watched
    skipped_updates: int
    learned: FloatArray | None = None  # [P, W], see `learned_weights`; None if the plan keeps no final weights
    teacher_steps: int = 0  # of the world steps, those that are a teacher's
    # [P, L, cultural generations], mean life fitness of the siblings of each; None where lives are by themselves
    by_generation: npt.NDArray[np.float64] | None = None

    @property
    def diverged(self) -> int:
        """How many lives left the finite numbers."""
        return int(self.broken.sum())

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Fitness of each genome, [P], the mean over its lives; -inf if one of them left the finite numbers.

        What such a life had earned says nothing: in a world of costs the life that ends first would earn most. So
        whoever chooses among genomes by these numbers takes one that stays finite, whatever the sign of rewards.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            means = self.fitness.mean(axis=1)
        return np.where(self.broken.any(axis=1) | ~np.isfinite(means), -np.inf, means)


@dataclasses.dataclass(frozen=True)
class Opposition:
    """Whom lives in pairs are lived against: for every key one genome of the other side."""

    conditions: Conditions  # of the other side, as it lives alone
    pool: GenePool
    genomes: npt.NDArray[np.floating]  # [L, G], in gene units
    plan: Plan
    are_agents: bool = False  # those who are evaluated are opponents, and meet the world's first agent


def evaluate(
    driver: Driver,
    conditions: Conditions,
    pool: GenePool,
    genomes: npt.NDArray[np.floating],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    numbered_from: int = 0,
    opposition: Opposition | None = None,
) -> Evaluation:
    """Live the same lives with every genome.

    Args:
        driver: from `new_driver`.
        conditions: what all lives share.
        pool: the gene table.
        genomes: float [P, G], in gene units.
        keys: int64 [L, 4]; every genome lives all of them: common random numbers. Where lives follow one another, each
            is a lineage, whose fitness is that of the later half of its generations.
        plan: for how long, and how.
        numbered_from: number of the first genome, for errors: they name the genome by its number.
        opposition: whom every genome meets in them; `driver` lives in pairs then.
    Returns:
        Life fitness [P, L], what it cost, and what was learned if `plan.final_weights`.
    Raises:
        LifeFault: the world is at fault.
    """
    lineage = conditions.lineage
    number_of, siblings = (1, 1) if lineage is None else (lineage.generations, lineage.siblings)
    each = len(keys) * siblings  # lives of a genome side by side
    by_generation = np.empty((len(genomes), len(keys), number_of))
    broken = np.zeros((len(genomes), len(keys)), np.bool_)
    learned = None
    if plan.final_weights and lineage is None:  # what is learned in a lineage stays there
        learned = np.empty((len(genomes), conditions.brain.weights), np.float32)
    steps = skipped = taught = 0
    at_once = max(1, max(LIVES_AT_ONCE, LIVES_PER_WORKER * driver.workers) // each)
    for start in range(0, len(genomes), at_once):
        some, rows = genomes[start : start + at_once], slice(start, start + at_once)
        shape = (len(some), len(keys))
        try:
            for number, generation in enumerate(_lived(driver, conditions, pool, some, keys, plan, opposition)):
                by_generation[rows, :, number] = generation.earned.mean(axis=1).reshape(shape)
                broken[rows] |= generation.broken.any(axis=1).reshape(shape)
                steps += steps_of(generation.outcome)
                taught += int(generation.outcome.taught.sum())
                skipped += int(generation.outcome.skipped_updates.sum())
                if learned is not None:
                    learned[rows] = learned_weights(generation.outcome, len(some))
        except LifeFault as fault:
            genome = numbered_from + start + fault.life // each
            raise fault.altered(life=start * each + fault.life, genome=genome) from fault.__cause__
    fitness = by_generation[:, :, number_of // 2 :].mean(axis=2)
    return Evaluation(fitness, broken, steps, skipped, learned, taught, None if lineage is None else by_generation)


def _lived(
    driver: Driver,
    conditions: Conditions,
    pool: GenePool,
    genomes: npt.NDArray[np.floating],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    opposition: Opposition | None,
) -> Iterator[CulturalGeneration]:
    """Every key with every genome, genome-major: a generation of lineages at a time, or lives by themselves at once."""

    def earned(outcome: Outcome) -> npt.NDArray[np.float64]:
        return life_fitness(outcome, conditions.world.fitness_rule, plan)

    if conditions.lineage is None:
        outcome = live_each(driver, conditions, pool, genomes, keys, plan, opposition)
        yield generation_of(outcome, earned, len(genomes) * len(keys))
        return
    newborns = decode(pool, genomes)

    def born(of_lives: npt.NDArray[np.int64]) -> tuple[Newborns, npt.NDArray[np.int64]]:
        return draw_fresh(pool, newborns, np.repeat(np.arange(len(genomes)), len(of_lives) // len(genomes)), of_lives)

    yield from live_lineages(driver, conditions, born, np.tile(keys, (len(genomes), 1)), plan, earned)


def steps_of(outcome: Outcome) -> int:
    """World steps that lives cost: those that they lived, and those of their teachers, asked or watched."""
    return int(outcome.age.sum() + outcome.taught.sum())


def learned_weights(outcome: Outcome, genomes: int) -> FloatArray:
    """Weights at the end of life, [P, W], the mean over a genome's lives.

    The mean, since a genome learns in every life separately and none of its bodies is privileged. Lives whose brain
    left the finite numbers are left out; if all of a genome's lives did, its row is NaN.

    Args:
        outcome: of `live_each`, with final weights.
        genomes: P.
    """
    final = outcome.final_weights
    whole = (outcome.status != DIVERGED) & np.isfinite(final).all(axis=1)
    learned = np.full((genomes, final.shape[1]), np.nan, np.float32)
    for row, lives_of_one in enumerate(np.split(np.arange(len(final)), genomes)):
        kept = lives_of_one[whole[lives_of_one]]
        if len(kept):
            learned[row] = final[kept].mean(axis=0, dtype=np.float64)
    return learned


def live_each(
    driver: Driver,
    conditions: Conditions,
    pool: GenePool,
    genomes: npt.NDArray[np.floating],
    keys: npt.NDArray[np.int64],
    plan: Plan,
    opposition: Opposition | None = None,
) -> Outcome:
    """Live every key with every genome; lives in genome-major order, [P x L]."""
    born_as = np.repeat(np.arange(len(genomes)), len(keys))
    every_key = np.tile(keys, (len(genomes), 1))
    turned = opposition is not None and opposition.are_agents
    own_keys = opponent_keys(every_key) if turned else every_key
    newborns, born_as = draw_fresh(pool, decode(pool, genomes), born_as, own_keys)
    if opposition is None:
        return lives(driver, conditions, newborns, born_as, every_key, plan)[0]
    they_as = np.tile(np.arange(len(keys)), len(genomes))
    their_keys = every_key if turned else opponent_keys(every_key)
    theirs, they_as = draw_fresh(opposition.pool, decode(opposition.pool, opposition.genomes), they_as, their_keys)
    if turned:
        job = opponent_job(conditions, newborns, born_as, every_key, plan)
        lives(driver, opposition.conditions, theirs, they_as, every_key, opposition.plan, opponent=job)
        return job.outcome
    job = opponent_job(opposition.conditions, theirs, they_as, every_key, opposition.plan)
    return lives(driver, conditions, newborns, born_as, every_key, plan, opponent=job)[0]


def life_fitness(outcome: Outcome, rule: str, plan: Plan) -> npt.NDArray[np.float64]:
    """One number per life, [L], by the world's rule."""
    return score(outcome, rule, 0, plan.bins, plan)


def score(outcome: Outcome, rule: str, first: int, last: int, plan: Plan) -> npt.NDArray[np.float64]:
    """Score of each life, [L], over the age bins `first` .. `last` - 1: what it earned, however it ended.

    Mean per step: a life that ended early, its brain diverged, earns nothing for the steps it did not live; that is no
    merit where rewards are costs, so whoever chooses by a score asks `broken_lives` as well.
    Mean return per episode: over the episodes that ended in these bins; the episode still going on at their end, or
    when the brain diverged, counts as well if none has ended, or if its return so far is already further from zero
    than their mean, on the same side (rewards, or costs, only grow).
    """
    # sums of rewards near the end of the numbers overflow: not finite, which is for the caller to see
    with np.errstate(over="ignore", invalid="ignore"):
        return _score(outcome, rule, first, last, plan)


def _score(outcome: Outcome, rule: str, first: int, last: int, plan: Plan) -> npt.NDArray[np.float64]:
    if rule == MEAN_PER_STEP:
        steps = min(last * plan.bin_size, plan.lifetime) - first * plan.bin_size
        return outcome.fitness[:, first:last].sum(axis=1) / steps
    total = outcome.finished_return[:, first:last].sum(axis=1)
    count = outcome.finished[:, first:last].sum(axis=1)
    last_lived = np.clip((outcome.age - 1) // plan.bin_size, first, last - 1)
    unfinished = outcome.open_return[np.arange(len(last_lived)), last_lived]
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    counts_too = (count == 0) | ((mean >= 0.0) & (unfinished > mean)) | ((mean <= 0.0) & (unfinished < mean))
    return np.where(counts_too, (total + unfinished) / (count + 1), mean)

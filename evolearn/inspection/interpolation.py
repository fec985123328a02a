"""Scores along the straight line from one DNA to another: is there a barrier between them?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evolearn.genome import EVOLVED, FRESH, GenePool, Newborns, decode
from evolearn.inspection.over_lives import mean_estimates
from evolearn.inspection.scoring import diverged_in, last_quarter, over_lives, quarter_of
from evolearn.inspection.specimen import Json
from evolearn.life import Driver, Plan, life_fitness, lives
from evolearn.run import DNA, Setup

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Live = Callable[[Newborns], tuple[FloatArray, int]]  # newborns [n] -> scores [n, L], and lives that diverged


def mixtures(first: DNA, second: DNA, weights: FloatArray, shares: FloatArray) -> Newborns:
    """Newborns on the straight line between two DNAs: weights, and drives and plasticity in gene units.

    Where the two have other drives or another learner all have those of the first.

    Args:
        first: where the line begins.
        second: where it ends, of the same brain.
        weights: [W], of the second, as they are or aligned.
        shares: [n], of the second, 0 .. 1.
    Returns:
        A record of n.
    """
    start = first.newborns.weights[0].astype(np.float64)
    between = start + shares[:, None] * (weights - start)
    one = whole_genes(first)
    other = one if unlike_genes(first, second) else whole_genes(second)
    genes = one + shares[:, None] * (other - one)
    born = decode(_all_evolved(first.pool), genes)
    return born._replace(weights=np.ascontiguousarray(between.astype(np.float32)))


def unlike_genes(first: DNA, second: DNA) -> str:
    """Why drives and plasticity of two DNAs cannot be mixed; empty where they can."""
    tables = [
        [(gene.group, gene.name, gene.transform) for gene in dna.pool.genes if gene.group != "weights"]
        for dna in (first, second)
    ]
    if tables[0] != tables[1]:
        return "their drives or learners differ, so that no learner lies between them"
    fresh = [group for group in ("drives", "plasticity") for dna in (first, second) if dna.pool.modes[group] == FRESH]
    return f"{fresh[0]} are drawn afresh in each life, so that there are none to mix" if fresh else ""


def whole_genes(dna: DNA) -> FloatArray:
    """Every gene of some DNA in gene units, those that did not evolve too, [all genes]."""
    places = dna.pool.slices()
    parts = [
        dna.genome[places[gene.group, gene.name]] if (gene.group, gene.name) in places else gene.centre
        for gene in dna.pool.genes
    ]
    return np.concatenate(parts).astype(np.float64)


def line_scores(setup: Setup, driver: Driver, keys: IntArray, steps: int, learns: bool) -> Live:
    """How newborns are scored: at birth, learning off; or over the last quarter of a life with learning.

    Args:
        setup: of the world.
        driver: for its conditions.
        keys: int64 [L, 4]; all newborns live the same lives.
        steps: world steps of a life.
        learns: whether life teaches.
    Returns:
        Newborns of n -> [n, L], and how many lives ended early, their brain having left the finite numbers.
    """
    learner, rule = setup.config.learner, setup.conditions.world.fitness_rule
    plan = Plan(steps, learn_until=0)
    if learns:
        plan = Plan(steps, learner.learn_from, learner.learn_until, quarter_of(steps))

    def live(newborns: Newborns) -> tuple[FloatArray, int]:
        count = len(newborns.weights)
        born_as = np.repeat(np.arange(count), len(keys))
        outcome, _ = lives(driver, setup.conditions, newborns, born_as, np.tile(keys, (count, 1)), plan)
        scores = last_quarter(outcome, rule, plan) if learns else life_fitness(outcome, rule, plan)
        return scores.reshape(count, len(keys)), diverged_in(outcome)

    return live


def barrier(shares: FloatArray, scores: FloatArray) -> Json:
    """How far scores fall below the straight line between those of the end points.

    The largest of many noisy drops is too large by chance. So the place is also chosen by one half of the lives, and
    the drop there measured in the other half, both ways: that mean is not, and has an honest interval.

    Args:
        shares: [n], 0 .. 1.
        scores: [n, L].
    Returns:
        "mean", "low", "high" [n]; "largest" drop of the means, >= 0, and "at" which share; "places" that the
        halves of the lives chose, one or two shares; and "checked" with "mean", "low" and "high", the drop there in
        lives that did not choose: it may be negative.
    Source: Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis", section 2; Draxler et al.
        2018, "Essentially no barriers in neural network energy landscape".
    """
    drops = scores[0] + shares[:, None] * (scores[-1] - scores[0]) - scores
    means = drops.mean(axis=1)
    worst = int(means.argmax())
    halves = np.arange(scores.shape[1]) % 2 == 0
    checked = drops[0] * 0.0
    places = set()
    for half in (halves, ~halves):
        chosen = int(drops[:, half].mean(axis=1).argmax()) if half.any() else worst
        checked[~half] = drops[chosen, ~half]
        places.add(float(shares[chosen]))
    points = mean_estimates(scores.T)
    return {
        "mean": [point.value for point in points],
        "low": [point.low for point in points],
        "high": [point.high for point in points],
        "largest": float(means[worst]),
        "at": float(shares[worst]),
        "places": sorted(places),
        "checked": over_lives(checked),
    }


def _all_evolved(pool: GenePool) -> GenePool:
    """The same gene table with every gene in the genome."""
    genes = tuple(dataclasses.replace(gene, held=False) for gene in pool.genes)
    return dataclasses.replace(pool, genes=genes, modes=dict.fromkeys(pool.modes, EVOLVED))

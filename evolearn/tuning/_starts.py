"""The search over starts: where the evolving drives and plasticity begin, lived from birth without evolving."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import OF_FRESH_WEIGHTS
from evolearn.genome import EVOLVED, FRESH, TRANSFORMS, Gene, GenePool
from evolearn.life import Drivers
from evolearn.rng import derived_seed
from evolearn.run import Setup
from evolearn.tuning._account import BROAD, CLOSER, FINAL, Account, Found, Scores, judge, judging_keys
from evolearn.tuning._sampler import import_optuna, new_study
from evolearn.tuning.plan import FIRST_LIVES, StartsPlan

REACH = 10.0  # spreads of its gene that a start is searched beyond what is known of it, each way
NEAREST = 0.2  # of the reach: starts are drawn at all distances between that and the whole of it
NARROWED = 0.6  # a round's reach, of that of the one before
_LARGEST_LOGIT = 12.0  # beyond it six digits are those of 1
_DIGITS = 6  # significant, of a natural value: what is written is what was lived
_BATCH = 32  # starts that are lived together; changes what the estimator knows, not how many workers there are


Place = tuple[str, str]  # group and gene
Point = Mapping[Place, float]  # a start, in gene units


def searched_genes(pool: GenePool) -> tuple[Gene, ...]:
    """The drives and plasticity genes whose start is searched: those that evolve.

    Where weights are inherited the initial scale scales nothing, and is left alone. All numbers of a gene start alike.
    """
    fresh = pool.modes["weights"] == FRESH
    return tuple(
        gene
        for gene in pool.evolved
        if gene.group in ("drives", "plasticity") and (fresh or gene.name not in OF_FRESH_WEIGHTS)
    )


def start_range(gene: Gene) -> tuple[float, float]:
    """Lowest and highest start of a gene, in gene units.

    REACH spreads beyond what is known of it: the study's own start, and for a drive 0, for plasticity the published
    default. So a logarithmic gene is searched by factors, a probability by its odds, and a study that gives its genes
    a larger spread is searched more widely.
    """
    own = float(gene.centre.mean())
    known = 0.0 if gene.published is None else TRANSFORMS[gene.transform].encode(gene.published)
    reach = REACH * float(gene.spread[0])
    return min(own, known) - reach, max(own, known) + reach


def search_starts(setup: Setup, drivers: Drivers, plan: StartsPlan, seed: int, account: Account) -> Found:
    """Live many starts from birth, and find the best.

    In rounds. Each lives starts around the best of the one before, for a few lives that all of its starts share; then
    its best again on other lives, beside their mean, which luck chose less, and beside where the round began.
    Weights that evolve are drawn afresh in each life here: every run of a study begins with a draw of its own.

    Args:
        setup: of the arm's evolution.
        drivers: where lives are lived.
        plan: how many.
        seed: of the search.
        account: is charged.
    """
    pool, genes = newborn_pool(setup.pool), searched_genes(setup.pool)
    centre: Point = {(gene.group, gene.name): float(gene.centre.mean()) for gene in genes}
    ranges = {place: start_range(gene) for place, gene in zip(centre, genes, strict=True)}
    reach = {place: (high - low) / 2 for place, (low, high) in ranges.items()}
    all_scores: list[float] = []
    for number in range(plan.rounds):
        where = f"round {number + 1} of {plan.rounds}"
        if number > 0:
            share = NARROWED**number
            ranges = {p: (centre[p] - share * reach[p], centre[p] + share * reach[p]) for p in centre}
        points = _Points(ranges, centre, plan.starts_of(number), derived_seed("tuning", seed, where))
        while some := points.ask():
            genomes = np.stack([_genome(pool, genes, point) for point in some])
            keys = judging_keys(seed, BROAD + number, FIRST_LIVES)
            what = f"{where}, start {len(points.scores) + len(some)} of {points.count}"
            points.tell(judge(setup, drivers, pool, genomes, keys, account, what))
        all_scores += points.scores
        leading = points.best(plan.closer)
        mean = {place: float(np.mean([point[place] for point in leading])) for place in centre}
        again = [centre, mean, *leading]
        genomes = np.stack([_genome(pool, genes, point) for point in again])
        keys = judging_keys(seed, CLOSER + number, plan.lives)
        closer = judge(setup, drivers, pool, genomes, keys, account, f"{where}, the best again")
        centre = again[int(closer.argmax())]
    both = np.stack([_genome(pool, genes, centre), pool.centre])
    keys = judging_keys(seed, FINAL, plan.final_lives)
    tuned, present = judge(setup, drivers, pool, both, keys, account, "the best start beside the present one")
    settings = _settings(setup, genes, centre)
    return Found(settings, float(tuned), float(present), max(all_scores), float(np.median(all_scores)))


class _Points:
    """The starts of one round: where it begins, then draws at all distances from there, then what Optuna asks for."""

    def __init__(self, ranges: Mapping[Place, tuple[float, float]], centre: Point, count: int, seed: int) -> None:
        distribution = import_optuna().distributions.FloatDistribution
        self.count = count
        self.scores: list[float] = []
        self._points: list[Point] = []
        self._places = {".".join(place): place for place in ranges}
        self._distributions = {name: distribution(*ranges[place]) for name, place in self._places.items()}
        self._study = new_study(seed, startup=count // 2)
        self._trials: list[Any] = []
        random = np.random.default_rng(seed)
        for number in range(count // 2):
            scale = 0.0 if number == 0 else 0.5 * math.exp(random.uniform(math.log(NEAREST), 0.0))
            point = {}
            for name, place in self._places.items():
                low, high = ranges[place]
                drawn = centre[place] + scale * (high - low) / 2 * random.standard_normal()
                point[name] = float(np.clip(drawn, low, high))
            self._study.enqueue_trial(point)

    def ask(self) -> list[Point]:
        """The next starts to live; none when all are."""
        count = min(_BATCH, self.count - len(self.scores))
        self._trials = [self._study.ask(self._distributions) for _ in range(count)]
        asked: list[Point] = [
            {self._places[name]: value for name, value in trial.params.items()} for trial in self._trials
        ]
        self._points += asked
        return asked

    def tell(self, scores: Scores) -> None:
        """What the starts asked for were worth."""
        for trial, score in zip(self._trials, scores.tolist(), strict=True):
            self._study.tell(trial, score)
            self.scores.append(score)

    def best(self, count: int) -> list[Point]:
        """The best so far, the best first."""
        order = np.argsort(-np.array(self.scores), kind="stable")[:count]
        return [self._points[place] for place in order]


def newborn_pool(pool: GenePool) -> GenePool:
    """The gene table of those that are lived from birth: weights that evolve are drawn afresh."""
    if pool.modes["weights"] != EVOLVED:
        return pool
    return dataclasses.replace(pool, modes={**pool.modes, "weights": FRESH})


def _natural(gene: Gene, number: float) -> float:
    """The natural value of a gene, with as many digits as will be written."""
    if gene.transform == "logit":
        number = min(max(number, -_LARGEST_LOGIT), _LARGEST_LOGIT)
    value = float(TRANSFORMS[gene.transform].decode(np.array([number], np.float64))[0])
    return float(f"{value:.{_DIGITS}g}")


def _genome(pool: GenePool, genes: tuple[Gene, ...], point: Point) -> npt.NDArray[np.float32]:
    """A genome [G] that starts there, as it will be written."""
    genome, places = pool.centre.copy(), pool.slices()
    for gene in genes:
        place = gene.group, gene.name
        genome[places[place]] = TRANSFORMS[gene.transform].encode(_natural(gene, point[place]))
    return genome


def _settings(setup: Setup, genes: tuple[Gene, ...], point: Point) -> dict[str, Any]:
    """The start as settings of a run: whole sections, so that nothing of another start is left."""
    sections: dict[str, tuple[str, Mapping[str, Any]]] = {
        "drives": ("drives.weights", setup.config.drives.weights),
        "plasticity": ("learner.plasticity", setup.config.learner.plasticity),
    }
    return {
        key: {**before, **{gene.name: _natural(gene, point[group, gene.name]) for gene in genes if gene.group == group}}
        for group, (key, before) in sections.items()
        if any(gene.group == group for gene in genes)
    }

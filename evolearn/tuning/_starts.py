"""The search over starts: where the evolving drives and plasticity begin, lived from birth without evolving."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import INITIAL_SCALE, find_learner
from evolearn.genome import EVOLVED, FRESH, TRANSFORMS, Gene, GenePool
from evolearn.life import Drivers
from evolearn.run import Setup
from evolearn.tuning._account import BROAD, CLOSER, FINAL, Account, Scores, judge, judging_keys
from evolearn.tuning._sampler import import_optuna, new_study
from evolearn.tuning.plan import FIRST_LIVES, StartsPlan

REACH = 6.0  # spreads of its gene that a start is searched beyond what is known of it, each way
_LARGEST_LOGIT = 12.0  # beyond it six digits are those of 1
_DIGITS = 6  # significant, of a natural value: what is written is what was lived
_BATCH = 32  # starts that are lived together; changes what the estimator knows, not how many workers there are


Start = dict[tuple[str, str], float]  # group and gene -> natural value


@dataclasses.dataclass(frozen=True)
class FoundStart:
    """The best start, and what starts were worth."""

    settings: dict[str, Any]  # dotted keys of the run
    tuned: float  # of the best start, on lives that chose nothing
    present: float  # of the study's own, on the same lives
    best: float  # of all, on the lives that chose it
    median: float


def searched_genes(pool: GenePool) -> tuple[Gene, ...]:
    """The drives and plasticity genes whose start is searched: those that evolve.

    Where weights are inherited the initial scale scales nothing, and is left alone.
    """
    fresh = pool.modes["weights"] == FRESH
    return tuple(gene for gene in pool.evolved if gene.group != "weights" and (fresh or gene.name != INITIAL_SCALE))


def start_range(gene: Gene, learner: str) -> tuple[float, float]:
    """Lowest and highest start of a gene, in gene units.

    REACH spreads beyond what is known of it: the study's own start, and for a drive 0, for plasticity the published
    default. So a logarithmic gene is searched by factors, a probability by its odds, and a study that gives its genes
    a larger spread is searched more widely.
    """
    own = float(gene.centre[0])
    if gene.group == "drives":
        known = 0.0
    else:
        known = TRANSFORMS[gene.transform].encode(
            next(row.default for row in find_learner(learner).plasticity if row.name == gene.name)
        )
    reach = REACH * float(gene.spread[0])
    low, high = min(own, known) - reach, max(own, known) + reach
    if gene.transform == "logit":
        low, high = max(low, -_LARGEST_LOGIT), min(high, _LARGEST_LOGIT)
    return low, high


def search_starts(setup: Setup, drivers: Drivers, plan: StartsPlan, seed: int, account: Account) -> FoundStart:
    """Live many starts from birth, and find the best.

    Weights that evolve are drawn afresh in each life here: every run of a study begins with a draw of its own.

    Args:
        setup: of the arm's evolution.
        drivers: where lives are lived.
        plan: how many.
        seed: of the search.
        account: is charged.
    """
    pool, genes = newborn_pool(setup.pool), searched_genes(setup.pool)
    starts, scores = _live_broadly(setup, drivers, pool, genes, plan.starts, seed, account)
    leading = [starts[place] for place in np.argsort(-scores, kind="stable")[: plan.closer]]
    genomes = np.stack([_genome(pool, genes, start) for start in leading])
    keys = judging_keys(seed, CLOSER, plan.lives)
    again = judge(setup, drivers, pool, genomes, keys, account, f"the best {plan.closer} starts again")
    found = int(again.argmax())
    both = np.stack([genomes[found], pool.centre])
    keys = judging_keys(seed, FINAL, plan.lives)
    tuned, present = judge(setup, drivers, pool, both, keys, account, "the best start beside the present one")
    settings = _settings(setup, genes, leading[found])
    return FoundStart(settings, float(tuned), float(present), float(scores.max()), float(np.median(scores)))


def newborn_pool(pool: GenePool) -> GenePool:
    """The gene table of those that are lived from birth: weights that evolve are drawn afresh."""
    if pool.modes["weights"] != EVOLVED:
        return pool
    return dataclasses.replace(pool, modes={**pool.modes, "weights": FRESH})


def _live_broadly(
    setup: Setup, drivers: Drivers, pool: GenePool, genes: tuple[Gene, ...], count: int, seed: int, account: Account
) -> tuple[list[Start], Scores]:
    """So many starts and what they were worth: the present one, random ones, then those the estimator asks for."""
    float_distribution = import_optuna().distributions.FloatDistribution
    ranges = {_name(gene): start_range(gene, setup.config.learner.name) for gene in genes}
    distributions = {name: float_distribution(*ends) for name, ends in ranges.items()}
    study = new_study(seed, startup=count // 2)
    study.enqueue_trial({_name(gene): float(np.clip(gene.centre[0], *ranges[_name(gene)])) for gene in genes})
    keys = judging_keys(seed, BROAD, FIRST_LIVES)
    starts: list[Start] = []
    scores: list[float] = []
    while len(scores) < count:
        trials = [study.ask(distributions) for _ in range(min(_BATCH, count - len(scores)))]
        some = [
            {(gene.group, gene.name): _natural(gene, trial.params[_name(gene)]) for gene in genes} for trial in trials
        ]
        genomes = np.stack([_genome(pool, genes, start) for start in some])
        worth = judge(setup, drivers, pool, genomes, keys, account, f"start {len(scores) + len(trials)} of {count}")
        for trial, score in zip(trials, worth, strict=True):
            study.tell(trial, float(score))
        starts += some
        scores += worth.tolist()
    return starts, np.array(scores)


def _name(gene: Gene) -> str:
    return f"{gene.group}.{gene.name}"


def _natural(gene: Gene, number: float) -> float:
    """The natural value of a gene, with as many digits as will be written."""
    value = float(TRANSFORMS[gene.transform].decode(np.array([number], np.float64))[0])
    return float(f"{value:.{_DIGITS}g}")


def _genome(pool: GenePool, genes: tuple[Gene, ...], start: Start) -> npt.NDArray[np.float32]:
    """A genome [G] that starts there."""
    genome, places = pool.centre.copy(), pool.slices()
    for gene in genes:
        genome[places[gene.group, gene.name]] = TRANSFORMS[gene.transform].encode(start[gene.group, gene.name])
    return genome


def _settings(setup: Setup, genes: tuple[Gene, ...], start: Start) -> dict[str, Any]:
    """The start as settings of a run: whole sections, so that nothing of another start is left."""
    sections = {
        "drives": ("drives.weights", setup.config.drives.weights),
        "plasticity": ("learner.plasticity", setup.config.learner.plasticity),
    }
    return {
        key: {**before, **{name: value for (of, name), value in start.items() if of == group}}
        for group, (key, before) in sections.items()
        if any(gene.group == group for gene in genes)
    }

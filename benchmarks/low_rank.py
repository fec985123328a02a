"""Low-rank perturbations against full ones, at equal world steps: does a search need less of them?

    python -m benchmarks.low_rank [--ranks 1 4 0] [--steps 0.05 0.1 0.2] [--runs 5] [--hidden 128] [--generations 80]
                                  [--markdown]

A matrix of weights is moved by A B' / sqrt(rank), A and B of standard normals, in the place of a normal for each
weight; biases by normals. Rank 0 is full. All else is equal: antithetic pairs, centred ranks, ClipUp, a standard
deviation that stays, the foal at alpha 0 with weights that never change. Each form has the best of its step sizes,
chosen on other lives than those it is judged on. What low rank saves in drawing is printed beside what lives took.

Source: EGGROLL, Sarkar et al. 2025, arXiv 2511.16652.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import os
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, tell
from evolearn.config import check_config
from evolearn.life import Driver, evaluate, new_driver
from evolearn.rng import SELECTION, VALIDATION, Keys, life_keys
from evolearn.run import Setup, assemble, to_genomes
from evolearn.study.bands import measure_over_runs
from evolearn.verdict import iqm, stats

Floats = npt.NDArray[np.float64]
Shapes = Sequence[tuple[int, ...]]  # of the tensors that a genome is made of, in order

POPULATION, LIFETIME = 64, 1000
JUDGED_EVERY, JUDGED_LIVES = 5, 64  # generations
CHOSEN, JUDGED = 960, 961  # generations of the validation key space: lives that choose step sizes, and lives that judge
REACHED = 0.9  # score of a foal that runs; a random one has .16, the oracle 1
MOMENTUM = 0.9


class Searched(NamedTuple):
    """One search."""

    chosen: float  # score at the end, on the lives that choose
    judged: float  # on others
    steps: float  # world steps until REACHED on the first; infinite: never
    drawing: float  # seconds, of all generations
    living: float  # likewise


def setup_of(hidden: int) -> Setup:
    """The foal, with weights as its only genes."""
    fixed = {"mode": "fixed"}
    content = {
        "world": {"name": "savannah", "parameters": {"alpha": 0}},
        "brain": {"hidden": [hidden, hidden]},
        "learner": {"learn_until": 0},
        "genome": {"drives": fixed, "plasticity": fixed, "weights": {"spread": 0.3}},
        "search": {"population": POPULATION, "generations": 1, "lives": 1, "selection_lifetime": LIFETIME},
    }
    return assemble(check_config(content, "low rank"))


def perturbations(random: np.random.Generator, pairs: int, shapes: Shapes, rank: int) -> npt.NDArray[np.float32]:
    """Noise [pairs, G] of variance 1: in each matrix of this rank, or full if that is 0 or no less than its own.

    Args:
        random: generator.
        pairs: how many.
        shapes: of the tensors.
        rank: from 0.
    """
    parts = []
    for shape in shapes:
        if len(shape) == 2 and 0 < rank < min(shape):
            left, right = (random.standard_normal((pairs, side, rank), np.float32) for side in shape)
            parts.append((left @ right.transpose(0, 2, 1)).reshape(pairs, -1) / np.float32(math.sqrt(rank)))
        else:
            parts.append(random.standard_normal((pairs, math.prod(shape)), np.float32))
    return np.concatenate(parts, axis=1)


def search(setup: Setup, driver: Driver, rank: int, step: float, generations: int, seed: int) -> Searched:
    """One evolution of the centre.

    Args:
        setup: of the world.
        driver: for it.
        rank: of the noise, 0: full.
        step: of the centre, as a share of the radius of the search.
        generations: how many.
        seed: of noise and lives.
    """
    shapes = [tensor.shape for tensor in setup.pool.brain.tensors]
    random = np.random.default_rng([seed, rank])
    genes, pairs = setup.pool.size, POPULATION // 2
    assert sum(map(math.prod, shapes)) == genes, "weights are all genes"
    centre, velocity = np.zeros(genes, np.float32), np.zeros(genes, np.float32)
    length = np.float32(step * math.sqrt(genes))
    chosen, lived, reached, drawing, living = math.nan, 0, math.inf, 0.0, 0.0
    judge = functools.partial(_score, setup, driver)
    for generation in range(generations):
        began = time.perf_counter()
        noise = perturbations(random, pairs, shapes, rank)
        drawing += time.perf_counter() - began
        z = np.concatenate([centre + noise, centre - noise])
        keys = life_keys(seed, SELECTION, generation, 1)
        began = time.perf_counter()
        lives = evaluate(driver, setup.conditions, setup.pool, to_genomes(setup, z), keys, setup.selection)
        living += time.perf_counter() - began
        lived += lives.world_steps
        ranks = lives.means.argsort().argsort() / (POPULATION - 1) - 0.5
        slope = (ranks[:pairs] - ranks[pairs:]).astype(np.float32) @ noise
        # ClipUp: a step of fixed length, momentum, at most twice that length (Toklu et al. 2020, algorithm 1)
        velocity = np.float32(MOMENTUM) * velocity + length * slope / max(np.linalg.norm(slope), 1e-12)
        velocity *= min(1.0, 2 * length / np.linalg.norm(velocity))
        centre = centre + velocity
        if (generation + 1) % JUDGED_EVERY == 0 or generation + 1 == generations:
            chosen = judge(centre, life_keys(seed, VALIDATION, CHOSEN, JUDGED_LIVES))
            reached = min(reached, lived) if chosen >= REACHED else reached
    return Searched(chosen, judge(centre, life_keys(seed, VALIDATION, JUDGED, JUDGED_LIVES)), reached, drawing, living)


def _score(setup: Setup, driver: Driver, centre: npt.NDArray[np.float32], keys: Keys) -> float:
    genomes = to_genomes(setup, centre[None])
    return float(evaluate(driver, setup.conditions, setup.pool, genomes, keys, setup.selection).means[0])


def table(ranks: Sequence[int], steps: Sequence[float], runs: int, hidden: int, generations: int, seed: int) -> Answer:
    """Every rank at the best of its step sizes, and its difference from full noise."""
    setup = setup_of(hidden)
    with contextlib.closing(new_driver(setup.conditions, os.cpu_count() or 1)) as driver:
        found = {
            rank: [
                [search(setup, driver, rank, step, generations, seed + run) for run in range(runs)] for step in steps
            ]
            for rank in ranks
        }
    best = {rank: max(of, key=lambda one: float(np.mean([run.chosen for run in one]))) for rank, of in found.items()}
    full = np.array([run.judged for run in best[0]])
    rows = []
    for rank, of in best.items():
        scores = np.array([run.judged for run in of])
        mean = measure_over_runs(scores, iqm)
        reached = np.median([run.steps for run in of]) / 1e6
        against = ""
        if rank:
            ahead = stats.effect([scores, full], (1.0, -1.0), 0.05)
            against = f"{ahead.estimate:+.3f} [{ahead.low:+.3f}, {ahead.high:+.3f}]"
        rows.append(
            (
                f"{rank}" if rank else "full",
                f"{steps[found[rank].index(of)]:g}",
                f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]",
                against,
                "never" if math.isinf(reached) else f"{reached:.2g}",
                f"{np.median([run.drawing for run in of]) / generations * 1000:.0f}",
                f"{np.median([run.living for run in of]) / generations * 1000:.0f}",
            )
        )
    lived = generations * POPULATION * LIFETIME / 1e6
    title = f"foal at alpha 0, {hidden} x {hidden} units, {setup.pool.size:,} genes, {runs} runs of {lived:.2g} M steps"
    heads = ("rank", "step", "score", "less full", f"M steps to {REACHED:g}", "drawing, ms", "living, ms")
    return Answer(title, heads, rows)


def main() -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.low_rank",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 4, 0], help="0: full, which must be among them")
    parser.add_argument("--steps", type=float, nargs="+", default=[0.05, 0.1, 0.2], help="shares of the radius")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=128, help="units in each of two layers")
    parser.add_argument("--generations", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if 0 not in options.ranks or min(options.ranks) < 0:
        parser.error(f"--ranks {options.ranks}: must be at least 0, and 0 among them, which is full noise")
    if min(options.steps) <= 0:
        parser.error(f"--steps {options.steps}: must be more than 0, for example 0.1")
    for name, least in (("runs", 2), ("hidden", 1), ("generations", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} {getattr(options, name)}: must be at least {least}")
    sizes = options.runs, options.hidden, options.generations, options.seed
    tell([table(options.ranks, options.steps, *sizes)], options.markdown, 150)


if __name__ == "__main__":
    main()

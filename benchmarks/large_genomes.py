"""Blockwise sampling with large genomes: 2,000 of about 100,000 genes each, in this process, lives of two steps."""

from __future__ import annotations

import os
import statistics
import time

import numpy as np

from benchmarks.measured import MEGABYTE, Measured
from evolearn.config import check_config
from evolearn.life import Driver, new_driver
from evolearn.run import Setup, assemble, evolve, new_search
from evolearn.search import BlockSums, Draw, Noise, draw_genomes, sum_in_blocks

HIDDEN = (311, 311)  # units: 99,532 genes in cart-pole
POPULATION, QUICK_POPULATION = 2_000, 200
GENERATIONS = 3


def search_memory(quick: bool) -> Measured:
    """Megabytes that this process has at most had in RAM after a search of three generations, all included."""
    setup = setup_of(quick)
    driver = new_driver(setup.conditions, os.cpu_count() or 1)
    rows = list(evolve(setup, driver, new_search(setup)))
    seconds = statistics.median(row.seconds for row in rows)
    whole = setup.config.search.population * setup.pool.size * 4
    detail = (
        f"{setup.config.search.population:,} genomes of {setup.pool.size:,} genes, {whole / MEGABYTE:.0f} MB if they "
        f"were ever whole; {seconds:.2f} s per generation"
    )
    return Measured(rows[-1].peak_memory / MEGABYTE, detail)


def sampling_seconds(quick: bool) -> Measured:
    """Seconds per generation that sampling takes: every genome drawn once, and the noise drawn again and summed."""
    setup = setup_of(quick)
    genes, population = setup.pool.size, setup.config.search.population
    driver = new_driver(setup.conditions, os.cpu_count() or 1)
    drawing, summing = drawn_and_summed(driver, population, genes, rounds=5)
    detail = f"{population:,} x {genes:,}: drawing {drawing:.2f} s, summing {summing:.2f} s"
    return Measured(drawing + summing, detail)


def drawn_and_summed(driver: Driver, population: int, genes: int, rounds: int) -> tuple[float, float]:
    """Median seconds of drawing a population and of summing its noise."""
    about = Noise(0, 0, population, genes, symmetric=True)
    draw = Draw(about, np.zeros(genes, np.float32), np.ones(genes, np.float32))
    weights = np.linspace(-1.0, 1.0, about.directions)
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        driver.over_blocks(_draw, draw, range(about.blocks))
        drawn = time.perf_counter()
        sum_in_blocks(driver, BlockSums(about, weights, weights))
        seconds.append((drawn - start, time.perf_counter() - drawn))
    drawing, summing = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    return drawing, summing


def _draw(_: Driver, draw: Draw, block: int) -> None:
    draw_genomes(draw, draw.noise.members(block))


def setup_of(quick: bool) -> Setup:
    """A blockwise search in cart-pole."""
    search = {
        "algorithm": "pgpe",
        "sampling": "blockwise",
        "population": QUICK_POPULATION if quick else POPULATION,
        "generations": GENERATIONS,
        "lives": 1,
        "selection_lifetime": 2,
    }
    learner = {"window": 2, "learn_until": 0}
    content = {"world": {"name": "cart-pole"}, "brain": {"hidden": HIDDEN}, "learner": learner, "search": search}
    return assemble(check_config(content, "large genomes"))

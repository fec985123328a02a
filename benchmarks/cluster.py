"""What a Ray cluster costs on this machine: against lives in process, per worker, and per task."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measured import Measured
from evolearn.assemble import Setup, assemble
from evolearn.config import check_config
from evolearn.drivers import Drivers, OwnDrivers
from evolearn.evaluate import evaluate
from evolearn.pool import LOCAL, open_cluster
from evolearn.rng import VALIDATION, life_keys

CORES = 2
STEPS = 10_000_000  # world steps in a generation: about five seconds on two cores


class Silent:
    """Shows nothing."""

    def warning(self, text: str) -> None:
        """A warning would make the measurement worthless."""
        raise RuntimeError(text)

    def notice(self, text: str) -> None:
        """Nothing is said."""

    def cluster(self, status: object) -> None:
        """Nothing is drawn."""


def foals(population: int = 64, lives: int = 4, steps: int = STEPS) -> Setup:
    """A search of savannah foals whose generation takes `steps` world steps."""
    search = {"population": population, "lives": lives, "selection_lifetime": steps // (population * lives)}
    return assemble(check_config({"world": {"name": "savannah"}, "search": search}, "benchmark"))


@contextlib.contextmanager
def on_ray(workers: int = CORES) -> Iterator[Drivers]:
    """Ray on this machine."""
    with contextlib.closing(open_cluster(LOCAL, workers, ["savannah"], Silent())) as drivers:
        yield drivers


def seconds_of(setup: Setup, drivers: Drivers) -> float:
    """One generation's evaluation."""
    genomes = setup.pool.centre + np.zeros((setup.config.search.population, 1), np.float32)
    keys = life_keys(0, VALIDATION, 0, setup.config.search.lives)
    started = time.perf_counter()
    evaluate(drivers.of(setup), setup.conditions, setup.pool, genomes, keys, setup.selection)
    return time.perf_counter() - started


def ray_overhead(quick: bool) -> Measured:
    """Seconds of a generation on local Ray over seconds in process, the two in alternation."""
    setup, warm_up = foals(steps=STEPS // 20 if quick else STEPS), foals(steps=STEPS // 100)
    own = OwnDrivers(CORES)
    with on_ray() as cluster:
        for drivers in (own, cluster, cluster):
            seconds_of(warm_up, drivers)
        pairs = [(seconds_of(setup, own), seconds_of(setup, cluster)) for _ in range(2 if quick else 7)]
    here, there = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Measured(statistics.median(t / h for h, t in pairs), f"{here:.2f} s in process, {there:.2f} s on Ray")


def two_workers(quick: bool) -> Measured:
    """How many times as fast two workers of local Ray are as one, the two in alternation."""
    setup, warm_up = foals(steps=STEPS // 20 if quick else STEPS // 2), foals(steps=STEPS // 100)
    with on_ray() as cluster:
        for _ in range(2):
            seconds_of(warm_up, cluster)
        pairs = []
        for _ in range(2 if quick else 5):
            seconds = []
            for workers in (1, 2):
                cluster.use(workers)
                seconds.append(seconds_of(setup, cluster))
            pairs.append(seconds)
    one, two = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Measured(statistics.median(o / t for o, t in pairs), f"{one:.2f} s with one, {two:.2f} s with two")

"""What a Ray cluster costs on this machine: against lives in process, per worker, and per task."""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import large_genomes
from benchmarks.measured import MEGABYTE, Measured
from evolearn.cluster import LOCAL, open_cluster
from evolearn.config import check_config
from evolearn.life import Drivers, OwnDrivers, evaluate
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Setup, assemble, evolve, new_search

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
def on_ray(workers: int = CORES, world: str = "savannah") -> Iterator[Drivers]:
    """Ray on this machine."""
    with contextlib.closing(open_cluster(LOCAL, workers, [world], Silent())) as drivers:
        yield drivers


def seconds_of(setup: Setup, drivers: Drivers) -> float:
    """One generation's evaluation."""
    genomes = setup.pool.centre + np.zeros((setup.config.search.population, 1), np.float32)
    keys = life_keys(0, VALIDATION, 0, setup.config.search.lives)
    started = time.perf_counter()
    evaluate(setup.driver(drivers), setup.conditions, setup.pool, genomes, keys, setup.selection)
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


def large_genomes_memory(quick: bool) -> Measured:
    """Megabytes that a blockwise search of large genomes takes on local Ray, with all of Ray's processes."""
    setup = large_genomes.setup_of(quick)
    with on_ray(world="cart-pole") as cluster, _peak_of_family() as peak:
        rows = list(evolve(setup, setup.driver(cluster), new_search(setup), effort=cluster.effort))
    last = rows[-1]
    assert last.cluster is not None
    detail = (
        f"{setup.config.search.population:,} genomes of {setup.pool.size:,} genes; {last.seconds:.2f} s per "
        f"generation, {last.cluster.bytes_sent / MEGABYTE:.1f} MB sent in one; driver alone "
        f"{last.peak_memory / MEGABYTE:.0f} MB"
    )
    return Measured(peak[0] / MEGABYTE, detail)


@contextlib.contextmanager
def _peak_of_family() -> Iterator[list[int]]:
    """The most bytes in RAM that this process and its descendants have at a time; pages that they share count once."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], sum(_proportional_bytes(process) for process in _family()))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _family() -> set[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _proportional_bytes(process: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0

"""How far does one run scale? Constants measured here, a simulation checked against real runs, then predictions.

``python -m benchmarks.scaling [--quick]`` prints the tables of cluster/SCALING.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cluster import Silent, foals, seconds_of
from benchmarks.simulated_cluster import Costs, Simulated, simulate
from evolearn.cluster import LARGEST_MESSAGE, LOCAL, Lives, Work, open_cluster
from evolearn.config import check_config
from evolearn.genome import decode
from evolearn.life import Drivers, evaluate
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Checkpoint, RunDirectory, Setup, assemble, new_search, to_genomes

CORES = os.cpu_count() or 1
CHECKED = (1, 2, 4)  # workers
PREDICTED = (100, 1_000, 10_000)
NETWORK = 1.25e9  # bytes per second, assumed: 10 Gbit/s, as data centres have
CORES_OF_A_HOST = 64  # assumed


@dataclasses.dataclass(frozen=True)
class Constants:
    """Measured on this machine."""

    handling: float  # seconds of the driver per task
    latency: float  # seconds that a worker waits between two tasks
    step: float  # seconds of a worker per world step
    gene: float  # seconds of the driver per gene and genome: search, decoding
    life: float  # seconds of the driver per life: keys, results
    checkpoint: float  # seconds per generation
    life_bytes: float  # sent back per life


@dataclasses.dataclass(frozen=True)
class Workload:
    """A generation of some run."""

    name: str
    genes: int
    population: int
    lives: int  # per genome
    steps: int  # per life
    blockwise: bool = False


WORKLOADS = (
    Workload("the quick zebra run", 2_000, 64, 4, 6_000),
    Workload("a full zebra run", 2_000, 256, 16, 60_000),
    Workload("large genomes, whole", 100_000, 2_000, 8, 60_000),
    Workload("large genomes, blockwise", 100_000, 2_000, 8, 60_000, blockwise=True),
)


def measure(quick: bool) -> Constants:
    """Find the constants of the model."""
    lives = 64 if quick else 2_000
    with contextlib.closing(open_cluster(LOCAL, CORES, ["savannah"], Silent())) as drivers:
        seconds_of(foals(steps=100_000), drivers)  # compiles
        handling, latency, life_bytes = _one_life_at_a_time(drivers, lives)
    setup = foals(population=64, lives=8)
    return Constants(
        handling,
        latency,
        _seconds_per_step(quick),
        *_serial(setup),
        _checkpoint(setup),
        life_bytes,
    )


def _one_life_at_a_time(drivers: Drivers, lives: int) -> tuple[float, float, float]:
    """Seconds of the driver and of waiting per task, bytes per life, with lives too short to matter."""
    setup = foals(population=2, lives=1, steps=40)
    driver: Any = setup.driver(drivers)
    newborns = decode(setup.pool, setup.pool.centre[None])
    keys = life_keys(0, VALIDATION, 0, 1)
    genomes = np.zeros(1, np.int64)
    results: list[Any] = []
    work = Work(
        lives,
        lambda first, last: driver.hand_out(Lives(newborns, genomes, keys, setup.selection)),
        lambda first, last, result: results.extend(result),
        LARGEST_MESSAGE,  # so that a task is one life
    )
    drivers.effort()
    started = time.perf_counter()
    driver.spreader.do(work)
    seconds = time.perf_counter() - started
    effort = drivers.effort()
    assert effort is not None
    busy = effort.busy_seconds / lives
    size = sum(array.nbytes for array in results[0])
    return effort.driver_seconds / lives, max(0.0, CORES * seconds / lives - busy), float(size)


def _seconds_per_step(quick: bool) -> float:
    """Of one worker that has a core of its own."""
    from evolearn.life import OwnDrivers

    setup = foals(population=16, lives=1, steps=200_000 if quick else 4_000_000)
    own = OwnDrivers(1)
    seconds_of(setup, own)
    lives = setup.config.search.population * setup.selection.lifetime
    return statistics.median(seconds_of(setup, own) for _ in range(3)) / lives


def _serial(setup: Setup) -> tuple[float, float]:
    """Seconds of the driver per gene and genome, and per life, without any life being lived."""
    big = assemble(
        check_config({"world": {"name": "savannah"}, "search": {"population": 512, "lives": 1}}, "benchmark")
    )

    class Trial:
        def evaluate(self, z: np.ndarray) -> np.ndarray:
            decode(big.pool, to_genomes(big, z))
            return np.arange(len(z), dtype=float)

    search = new_search(big)
    trial: Any = Trial()
    search.step(trial)
    per_gene = statistics.median(_timed(lambda: search.step(trial)) for _ in range(5)) / (512 * big.pool.size)

    class Nobody:
        conditions = setup.conditions
        workers = 1

        def live(self, job: Any) -> None:
            job.outcome.age[:] = 1

    genomes = setup.pool.centre + np.zeros((64, 1), np.float32)
    keys = life_keys(0, VALIDATION, 0, 32)
    nobody: Any = Nobody()

    def bookkeeping() -> None:
        evaluate(nobody, setup.conditions, setup.pool, genomes, keys, setup.selection)

    return per_gene, statistics.median(_timed(bookkeeping) for _ in range(5)) / (64 * 32)


def _checkpoint(setup: Setup) -> float:
    search = new_search(setup)
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder))
        return statistics.median(
            _timed(lambda number=number: run.save_checkpoint(Checkpoint(number, search.state()))) for number in range(5)
        )


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def check(constants: Constants, quick: bool) -> list[tuple[int, float, float]]:
    """Workers, seconds of a real evaluation, seconds of the simulated one."""
    rows = []
    setup = foals(steps=500_000 if quick else 10_000_000)
    search = setup.config.search
    for workers in CHECKED:
        with contextlib.closing(open_cluster(LOCAL, workers, ["savannah"], Silent())) as drivers:
            for _ in range(2):
                seconds_of(foals(steps=200_000), drivers)
            real = statistics.median(seconds_of(setup, drivers) for _ in range(2 if quick else 3))
        # Workers beyond the cores of this machine share them.
        share = max(1.0, workers / CORES)
        life = setup.selection.lifetime * constants.step * share
        costs = Costs(constants.handling, constants.latency)
        rows.append((workers, real, simulate(workers, search.population * search.lives, life, costs).seconds))
    return rows


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A generation on some workers."""

    seconds: float
    serial: float  # of these, before and after the lives
    lives: Simulated
    sent: float  # bytes through the driver

    @property
    def useful(self) -> float:
        """0 .. 1: share of the workers' time spent in lives."""
        return self.lives.useful * self.lives.seconds / self.seconds


def predict(constants: Constants, workload: Workload, workers: int) -> Prediction:
    """One generation of a workload."""
    lives = workload.population * workload.lives
    life = workload.steps * constants.step
    costs = Costs(constants.handling, constants.latency)
    if workload.blockwise:
        # A block is a pair of genomes with all their lives. The centre and its spread go out, sums of both come back.
        lived = simulate(workers, workload.population // 2, 2 * workload.lives * life, costs)
        numbers, sent = workload.genes, 8.0 * workload.genes * (workers / CORES_OF_A_HOST + 2) + 8.0 * lives
    else:
        lived = simulate(workers, lives, life, costs)
        numbers = workload.genes * workload.population
        # A genome goes to every task that lives some of its lives.
        copies = max(workload.population, lived.pieces)
        sent = 4.0 * workload.genes * copies + constants.life_bytes * lives
    serial = constants.gene * numbers + constants.life * lives + constants.checkpoint
    transfer = sent / NETWORK
    # Sending goes on beside lives, unless it takes longer.
    seconds = serial + max(lived.seconds, transfer)
    return Prediction(seconds, serial, lived, sent)


def main() -> None:
    """Measure, check, predict; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    console = Console(width=120)
    constants = measure(quick)
    console.print("Constants")
    for field in dataclasses.fields(constants):
        console.print(f"  {field.name}: {getattr(constants, field.name):.3g}")
    table = Table("workers", "real, s", "simulated, s", "simulated / real", title="Check")
    for workers, real, simulated in check(constants, quick):
        table.add_row(str(workers), f"{real:.2f}", f"{simulated:.2f}", f"{simulated / real:.2f}")
    console.print(table)
    table = Table(
        "workload", "cores", "s per generation", "useful", "driver busy", "serial, s", "MB sent", title="Predicted"
    )
    for workload in WORKLOADS:
        for workers in PREDICTED:
            row = predict(constants, workload, workers)
            table.add_row(
                workload.name,
                f"{workers:,}",
                f"{row.seconds:.3g}",
                f"{row.useful:.0%}",
                f"{row.lives.driver_busy:.0%}",
                f"{row.serial:.2g}",
                f"{row.sent / 1e6:.3g}",
            )
    console.print(table)


if __name__ == "__main__":
    main()

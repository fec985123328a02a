"""Speed and memory that this project promises, beside its ratios to peers. Each measurement is a program of its own.

``python -m benchmarks.targets NAME [--quick]`` prints one line of JSON: {"value": .., "detail": ..}.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import before, cluster, gymnasium, large_genomes, memory, studies, work
from benchmarks.measured import MEGABYTE, Measured
from benchmarks.memory_work import WORKLOADS

POPULATIONS = {64: 96_000, 1_024: 6_000, 16_384: 375}  # lives: lifetime, so that each takes one to three seconds


def savannah_ratio(quick: bool) -> Measured:
    """Foal steps per cart-pole step, the two in alternation."""
    from benchmarks.evolearn_lives import foals_of, lives_of

    size = work.Size(work.LIVES, 100 if quick else work.UPDATES)
    foals, carts = foals_of(size), lives_of(size)
    pairs = [(seconds_of(foals), seconds_of(carts)) for _ in range(2 if quick else 5)]
    foal, cart = (size.steps / statistics.median(column) for column in zip(*pairs, strict=True))
    return Measured(
        statistics.median(c / f for f, c in pairs), f"{foal / 1e6:.2f} M against {cart / 1e6:.2f} M steps/s"
    )


def population_spread(quick: bool) -> Measured:
    """Throughput at the least favourable population, as a share of that at the most favourable one."""
    from evolearn.worlds.cart_pole import cart_pole

    from benchmarks.evolearn_lives import conditions_of, lives_in

    conditions = conditions_of(cart_pole, (work.HIDDEN, work.HIDDEN), work.WINDOW)
    sizes = {count: lifetime // (10 if quick else 1) for count, lifetime in POPULATIONS.items()}
    contenders = {count: lives_in(conditions, count, lifetime) for count, lifetime in sizes.items()}
    seconds: dict[int, list[float]] = {count: [] for count in sizes}
    for _ in range(2 if quick else 5):
        for count, live in contenders.items():
            seconds[count].append(seconds_of(live))
    rates = {count: count * sizes[count] / statistics.median(seconds[count]) for count in sizes}
    detail = ", ".join(f"{count:,} lives {rate / 1e6:.2f} M" for count, rate in rates.items())
    return Measured(min(rates.values()) / max(rates.values()), detail)


def two_threads(quick: bool) -> Measured:
    """How many times as fast two threads are as one, the two in alternation."""
    from evolearn.worlds.cart_pole import cart_pole

    from benchmarks.evolearn_lives import conditions_of, lives_in

    conditions = conditions_of(cart_pole, (work.HIDDEN, work.HIDDEN), work.WINDOW)
    lifetime = work.WINDOW * (40 if quick else work.UPDATES)
    one, two = (lives_in(conditions, work.LIVES, lifetime, workers) for workers in (1, 2))
    pairs = [(seconds_of(one), seconds_of(two)) for _ in range(2 if quick else 7)]
    alone, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Measured(statistics.median(o / t for o, t in pairs), f"{alone:.2f} s with one, {both:.2f} s with two")


def evaluation_memory(quick: bool) -> Measured:
    """Megabytes that an evaluation of 10,000 genomes of about 500 genes adds, the genomes themselves included."""
    import numpy as np
    from evolearn.worlds.cart_pole import cart_pole

    from benchmarks.evolearn_lives import conditions_of
    from evolearn.genome import EVOLVED, GROUPS, gene_pool
    from evolearn.life import Plan, evaluate, new_driver
    from evolearn.rng import VALIDATION, life_keys

    conditions = conditions_of(cart_pole, (18, 18), work.WINDOW)
    modes = dict.fromkeys(GROUPS, EVOLVED)
    spreads = dict.fromkeys(GROUPS, 0.1)
    pool = gene_pool(
        conditions.brain, "actor_critic", conditions.drive_names, modes, {"fitness": 1.0}, {}, spreads, seed=0
    )
    driver = new_driver(conditions, workers=os.cpu_count() or 1)
    keys, plan = life_keys(0, VALIDATION, 0, 1), Plan(64 if quick else 256)
    evaluate(driver, conditions, pool, pool.centre[None], keys, plan)
    before = resident_bytes()
    noise = np.random.default_rng(0).standard_normal((10_000, pool.size), np.float32)
    noise *= pool.spread
    noise += pool.centre
    evaluate(driver, conditions, pool, noise, keys, plan)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured((peak - before) / MEGABYTE, f"{pool.size} genes; {before / MEGABYTE:.0f} MB before")


def start_up(quick: bool) -> Measured:
    """Seconds from launching a run of the shipped cart to the start of its first generation."""
    with tempfile.TemporaryDirectory() as folder:
        return timed_starts("cart-pole", Path(folder), 1 if quick else 3)


def start_up_new_world(quick: bool) -> Measured:
    """The same with a world that has never been compiled."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(__file__).parent.parent / "worlds" / "cart_pole.py"
        # A different text, so that no cache can know it.
        new = Path(folder) / "new_world.py"
        new.write_text(source.read_text().replace('name="cart-pole"', f'name="cart-{os.getpid()}"'))
        return timed_starts(f"{new}:cart_pole", Path(folder), 1)


def start_up_compiling(quick: bool) -> Measured:
    """The same with an empty folder of compiled code: everything is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_to_first_generation("cart-pole", Path(folder), NUMBA_CACHE_DIR=str(Path(folder) / "compiled"))
    return Measured(seconds, "an empty cache")


def timed_starts(world: str, folder: Path, times: int) -> Measured:
    """Median over fresh processes; one more goes first on the shipped world, so that the kernel is cached."""
    seconds_to_first_generation("cart-pole", folder)
    starts = [seconds_to_first_generation(world, folder) for _ in range(times)]
    return Measured(statistics.median(starts), f"{min(starts):.1f} to {max(starts):.1f} s in {times}")


def seconds_to_first_generation(world: str, folder: Path, **environment: str) -> float:
    """Launch a run without a terminal, wait for its first generation's line, and take off that generation's time."""
    config = folder / "start.yaml"
    config.write_text(
        f"world: {{name: '{world}'}}\n"
        "search: {generations: 1, population: 8, lives: 1, selection_lifetime: 200}\n"
        "evaluation: {lives: 2, lifetimes: [600]}\n"
    )
    out = Path(tempfile.mkdtemp(dir=folder)) / "run"
    command = [sys.executable, "-m", "evolearn.cli.app", "run", str(config), "--out", str(out)]
    said: list[str] = []
    start = time.perf_counter()
    pipe, environment = subprocess.PIPE, {**os.environ, **environment}
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("generation 1/"):
                seconds = time.perf_counter() - start
                break
        else:
            sys.exit("evolearn run ended before its first generation:\n" + "".join(said[-20:]))
        process.stdout.read()
    first = json.loads((out / "generations.jsonl").read_text().splitlines()[0])
    return seconds - first["seconds"]


def seconds_of(work_done: Callable[[], None]) -> float:
    """Wall clock of one call."""
    start = time.perf_counter()
    work_done()
    return time.perf_counter() - start


def resident_bytes() -> int:
    """Memory of this process that is in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Target(NamedTuple):
    """What a number should be."""

    says: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> str:
        """The target in words."""
        sign, number = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        return f"{sign} {number:g} {self.unit}".rstrip()

    def is_met(self, value: float) -> bool:
        """Whether a measured value is good enough."""
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most


class Promise(NamedTuple):
    """A row of PROMISES."""

    measure: Callable[[bool], Measured]  # quick or not -> number
    target: Target


PROMISES = {
    "before_64": Promise(
        functools.partial(before.times_as_fast, "cart-pole-64"),
        Target("times as fast as the kernel before, 64 x 64 hidden units", "", at_least=2),
    ),
    "before_savannah": Promise(
        functools.partial(before.times_as_fast, "savannah"),
        Target("times as fast as the kernel before, savannah", "", at_least=2.8),
    ),
    "memoryless": Promise(
        before.nothing_lost,
        Target("without a memory, speed against before there was one, the worst of four shapes", "", at_least=0.98),
    ),
    **{
        f"memory_{workload}_{peer}": Promise(
            functools.partial(memory.times_as_fast_as, workload, peer),
            Target(f"times as fast as {peer}, a gru per core: {workload}", "", at_least=least),
        )
        for workload in WORKLOADS
        for peer, least in {"jax": 4, "jax-tuned": 4, "torch": 10}.items()
    },
    "savannah": Promise(savannah_ratio, Target("savannah against cart-pole, steps/s", "", at_least=0.5)),
    "populations": Promise(population_spread, Target("slowest population against fastest, steps/s", "", at_least=0.9)),
    "threads": Promise(two_threads, Target("two threads against one, speed", "", at_least=1.9)),
    "memory": Promise(evaluation_memory, Target("memory added by 10,000 genomes", "MB", at_most=100)),
    "large_genomes": Promise(
        large_genomes.search_memory, Target("a search of 2,000 x 100,000 genes, all of its process", "MB", at_most=1000)
    ),
    "sampling": Promise(
        large_genomes.sampling_seconds, Target("sampling 2,000 x 100,000 genes, per generation", "s", at_most=1.1)
    ),
    "ray": Promise(cluster.ray_overhead, Target("a generation on Ray against in process, seconds", "", at_most=1.1)),
    "ray_workers": Promise(cluster.two_workers, Target("two workers of Ray against one, speed", "", at_least=1.8)),
    "large_genomes_on_ray": Promise(
        cluster.large_genomes_memory,
        Target("the same on two workers of Ray, all processes", "MB", at_most=4000),
    ),
    "classic_control": Promise(
        gymnasium.classic, Target("stepwise driver against a bare loop, classic control", "", at_least=0.7)
    ),
    "cart_pole_environment": Promise(gymnasium.cart_pole, Target("the same on CartPole alone", "", at_least=0.9)),
    "processes": Promise(
        gymnasium.two_processes, Target("two processes of the stepwise driver against one, speed", "", at_least=1.8)
    ),
    "mujoco": Promise(gymnasium.mujoco, Target("the same on MuJoCo", "", at_least=0.9)),
    "mujoco_on_all_cores": Promise(
        gymnasium.mujoco_on_all_cores, Target("the same with a process per core", "", at_least=0.9)
    ),
    "start": Promise(start_up, Target("first generation after typing, warm cache", "s", at_most=4)),
    "new_world": Promise(start_up_new_world, Target("the same, world never compiled", "s", at_most=8)),
    "compiling": Promise(start_up_compiling, Target("the same, all to compile", "s", at_most=20)),
    "study": Promise(studies.cores_busy, Target("cores busy in the quick study", "", at_least=0.85)),
    "judging": Promise(
        studies.judge_and_report, Target("statistics and page of 10 conditions x 10 runs", "s", at_most=30)
    ),
    "page": Promise(studies.page_size, Target("size of that page", "MB", at_most=6)),
}


def main() -> None:
    """Measure one of PROMISES."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PROMISES)
    parser.add_argument("--quick", action="store_true", help="less work, more noise")
    options = parser.parse_args()
    print(json.dumps(PROMISES[options.name].measure(options.quick)._asdict()), flush=True)


if __name__ == "__main__":
    main()

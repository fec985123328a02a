"""A search of a million genes in a body, beside EvoTorch's own PGPE: seconds of a generation, and memory.

    python -m benchmarks.million_genes [--population 40] [--steps 100] [--rounds 3] [--quick] [--markdown]

The body is HalfCheetah of Gymnasium, which needs the extra [mujoco]; the brain has two layers of 1,000 units.
Contenders, each a process of its own, in turns, on all cores: `blockwise`, where no population is ever whole; `whole`,
EvoTorch's PGPE over a whole population that lives here; and `evotorch`, its PGPE over its own `GymNE`, with an actor
per core. Lives are equally many and equally long, none of them learns, and what is reached is not compared: so few
generations say nothing. `searching` is the part of a generation that draws genomes and updates the distribution,
measured without any life. Memory is what the main process had at most; actors and workers have theirs beside.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.bandits import Answer, tell
from benchmarks.large_genomes import drawn_and_summed
from benchmarks.measured import MEGABYTE
from evolearn.config import check_config
from evolearn.run import Setup, assemble, evolve, new_search

BODY = "HalfCheetah-v5"
HIDDEN, QUICK_HIDDEN = 1000, 32
GENERATIONS = 4  # of which the first, which warms up, does not count
CENTRE_STEP = 0.1  # of a radius of sqrt(genes), as here by default


class Work(NamedTuple):
    """What each contender does in a generation."""

    population: int
    steps: int  # per life, one life per genome
    hidden: int  # units in each of two layers


class Took(NamedTuple):
    """What one contender took."""

    genes: int
    seconds: float  # per generation
    searching: float  # of these, without lives
    megabytes: float  # of the main process, at most


def setup_of(work: Work, sampling: str) -> Setup:
    """A search by PGPE in the body."""
    search = {
        "algorithm": "pgpe",
        "sampling": sampling,
        "population": work.population,
        "generations": GENERATIONS,
        "lives": 1,
        "selection_lifetime": work.steps,
    }
    content = {
        "world": {"name": f"gymnasium:{BODY}"},
        "brain": {"hidden": [work.hidden, work.hidden]},
        "learner": {"window": min(50, work.steps), "learn_until": 0},
        "search": search,
    }
    return assemble(check_config(content, "a million genes"))


def blockwise(work: Work) -> Took:
    """Genomes drawn where they live, and again where their noise is summed."""
    return _here(setup_of(work, "blockwise"))


def whole(work: Work) -> Took:
    """EvoTorch's search over whole populations, lives of this program."""
    return _here(setup_of(work, "whole"))


def _here(setup: Setup) -> Took:
    from evolearn.life import OwnDrivers

    with contextlib.closing(OwnDrivers(os.cpu_count() or 1)) as drivers:
        driver = setup.driver(drivers)
        rows = list(evolve(setup, driver, new_search(setup)))
        seconds = statistics.median(row.seconds for row in rows[1:])
        peak = rows[-1].peak_memory / MEGABYTE
        if setup.config.search.sampling == "blockwise":
            searching = sum(drawn_and_summed(driver, setup.config.search.population, setup.pool.size, GENERATIONS))
        else:
            searching = _seconds_of_search(setup.pool.size, setup.config.search.population)
    return Took(setup.pool.size, seconds, searching, peak)


def evotorch(work: Work) -> Took:
    """EvoTorch's search, policy, episodes and actors."""
    from evotorch.neuroevolution import GymNE

    network = (
        f"Linear(obs_length, {work.hidden}) >> Tanh() >> Linear({work.hidden}, {work.hidden}) >> Tanh() "
        f">> Linear({work.hidden}, act_length)"
    )
    problem = GymNE(BODY, network, episode_length=work.steps, num_actors=os.cpu_count() or 1)
    search = _pgpe(problem, work.population)
    seconds = [_timed(search.step) for _ in range(GENERATIONS)][1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    genes = problem.solution_length
    problem.kill_actors()
    return Took(genes, statistics.median(seconds), _seconds_of_search(genes, work.population), peak)


def _pgpe(problem: Any, population: int) -> Any:
    from evotorch.algorithms import PGPE

    radius = problem.solution_length**0.5
    return PGPE(
        problem,
        popsize=population,
        center_learning_rate=CENTRE_STEP * radius,
        stdev_learning_rate=0.1,
        stdev_init=1.0,
        optimizer="clipup",
        ranking_method="centered",
    )


def _seconds_of_search(genes: int, population: int) -> float:
    """Of EvoTorch, per generation: drawing and updating, with a fitness that takes no time."""
    from evotorch import Problem

    problem = Problem("max", _first_gene, solution_length=genes, initial_bounds=(-1.0, 1.0), vectorized=True)
    search = _pgpe(problem, population)
    return statistics.median([_timed(search.step) for _ in range(GENERATIONS)][1:])


def _first_gene(genomes: torch.Tensor) -> torch.Tensor:
    return genomes[:, 0]


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


CONTENDERS: dict[str, Callable[[Work], Took]] = {"blockwise": blockwise, "whole": whole, "evotorch": evotorch}


def alone(name: str, work: Work) -> Took:
    """One contender in a process of its own.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    sizes = [f"--{field}={value}" for field, value in work._asdict().items()]
    command = [sys.executable, "-m", "benchmarks.million_genes", "--only", name, *sizes]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    return Took(**json.loads(done.stdout.splitlines()[-1]))


def table(work: Work, rounds: int) -> Answer:
    """All contenders, in turns: medians over rounds, and the range of what a generation took."""
    took: dict[str, list[Took]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            took[name].append(alone(name, work))
    rows = []
    for name, of in took.items():
        genes, seconds, searching, megabytes = (float(np.median(column)) for column in zip(*of, strict=True))
        ends = sorted(one.seconds for one in of)
        rows.append(
            (
                name,
                f"{genes:,.0f}",
                f"{seconds:.2f} ({ends[0]:.2f} - {ends[-1]:.2f})",
                f"{searching:.2f}",
                f"{work.population * work.steps / seconds:,.0f}",
                f"{megabytes:,.0f}",
            )
        )
    title = (
        f"{BODY}, {work.population} genomes x {work.steps} steps, {os.cpu_count()} cores, {rounds} rounds; load "
        f"{os.getloadavg()[1]:.1f}"
    )
    heads = ("search", "genes", "s per generation", "of these searching", "steps/s", "MB")
    return Answer(title, heads, rows)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.million_genes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--population", type=int, default=40, help="genomes, in pairs")
    parser.add_argument("--steps", type=int, default=100, help="world steps of a life")
    parser.add_argument("--hidden", type=int, default=HIDDEN, help="units in each of two layers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_HIDDEN} units: whether it runs")
    parser.add_argument("--only", choices=list(CONTENDERS), help="one contender, in this process")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    for name, least in (("population", 2), ("steps", 1), ("hidden", 1), ("rounds", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} {getattr(options, name)}: must be at least {least}")
    if options.population % 2:
        parser.error(f"--population {options.population}: must be even, since PGPE draws pairs")
    work = Work(options.population, options.steps, QUICK_HIDDEN if options.quick else options.hidden)
    if options.only is None:
        tell([table(work, options.rounds)], options.markdown, 150)
    else:
        warnings.simplefilter("ignore")
        print(json.dumps(CONTENDERS[options.only](work)._asdict()))


if __name__ == "__main__":
    main()

"""Do restarts free a search from a plateau? The foal that stands still, with and without them, at equal budgets.

``python -m benchmarks.restarts [--runs 10] [--settings cem snes]`` evolves foals in a body that is the same in every
life, in runs with the seeds that those of the arm `evolved` have in a study of seed 0, and counts runs whose centre
reaches `SOLVED` within each budget: a foal that stands still has about .4, one that runs 1. A run is stopped where it
is solved: the best restart is the result, so what comes after cannot take it back. Up to its first restart a run with
restarts is the run without, bit for bit: it is evolved again only where there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from evolearn.config import RunConfig, check_config
from evolearn.life import new_driver
from evolearn.rng import derived_seed
from evolearn.run import Generation, assemble, evolve, new_search
from evolearn.search import planned_evaluations, restart_window, stagnates

SOLVED = 0.8  # fitness of a centre in the lives of its generation
FREED = ("stagnation", "ipop")

_FOAL = {
    "world": {"name": "savannah", "parameters": {"alpha": 0}},
    "brain": {"hidden": [24]},
    "learner": {"window": 20, "plasticity": {"learning_rate": 0.002}},
    "drives": {"weights": {"fitness": 1.0, "uprightness": 0.3, "approach": 0.5}},
}


class Setting(NamedTuple):
    """A search and the budgets that it is given."""

    doc: str
    budgets: tuple[int, ...]  # generations, ascending
    search: Mapping[str, Any]
    genome: Mapping[str, Any]


SETTINGS = {
    "cem": Setting(
        "CEM, population 64, lives of 6,000 steps",
        (24, 48),
        {"algorithm": "cem", "population": 64, "lives": 2, "selection_lifetime": 6000},
        {},
    ),
    "snes": Setting(
        "SNES, population 65, spread .3, lives of 1,000 steps",
        (40,),
        {"algorithm": "snes", "population": 65, "lives": 2, "selection_lifetime": 1000},
        {"weights": {"spread": 0.3}},
    ),
}


class Ended(NamedTuple):
    """What came of a run."""

    solved_at: float | None  # generations of the first population that were spent by then; None: not solved
    restarts: int


def seed_of(run: int) -> int:
    """Seed of a run of the arm evolved, under the condition alpha 0 of a study of seed 0."""
    return derived_seed(0, "alpha 0", "evolved", run)


def config_of(setting: Setting, generations: int, restart: str, seed: int) -> RunConfig:
    """The config of one run."""
    search = {**setting.search, "generations": generations, "restart": restart}
    return check_config({**_FOAL, "seed": seed, "search": search, "genome": setting.genome}, "benchmarks.restarts")


def generations_of(config: RunConfig) -> list[Generation]:
    """The generations of a run until it is solved, or its budget spent."""
    setup = assemble(config)
    rows = []
    with contextlib.closing(new_driver(setup.conditions, 1)) as driver:
        for row in evolve(setup, driver, new_search(setup)):
            rows.append(row)
            if row.fitness_centre >= SOLVED:
                break
    return rows


def ended(rows: Sequence[Generation], config: RunConfig) -> Ended:
    """What came of a run, from its generations."""
    per_generation = planned_evaluations(config.search) / config.search.generations
    spent = sum(row.evaluations for row in rows) / per_generation
    return Ended(spent if rows[-1].fitness_centre >= SOLVED else None, rows[-1].restart)


def may_restart(rows: Sequence[Generation], config: RunConfig) -> bool:
    """Whether a run without restarts ever stood still, before its end."""
    curves = [(row.fitness_centre, row.fitness_mean) for row in rows]
    window = restart_window(config.search)
    return any(stagnates(curves[:length], window) for length in range(1, len(curves)))


def outcomes(setting: Setting, run: int) -> Iterator[tuple[int, str, Ended]]:
    """What came of one run in every budget, in every mode."""
    longest = generations_of(config_of(setting, max(setting.budgets), "none", seed_of(run)))
    for budget in setting.budgets:
        plain = config_of(setting, budget, "none", seed_of(run))
        without = longest[:budget]
        yield budget, "none", ended(without, plain)
        for mode in FREED:
            config = config_of(setting, budget, mode, seed_of(run))
            again = may_restart(without, config)
            yield budget, mode, ended(generations_of(config) if again else without, config)


def table_of(found: Mapping[tuple[str, int, str], Sequence[Ended]]) -> Table:
    """How many runs were solved, how soon, and with how many restarts."""
    table = Table(title="Runs that left the plateau")
    for heading in ("search", "budget, generations", "restart", "solved", "median generations to it", "restarts"):
        table.add_column(heading, justify="left" if heading in ("search", "restart") else "right")
    for (name, budget, mode), runs in found.items():
        times = [np.inf if run.solved_at is None else run.solved_at for run in runs]
        solved = int(np.isfinite(times).sum())
        median = float(np.median(times))
        said = f"{median:.0f}" if np.isfinite(median) else "-"
        restarts = sum(run.restarts for run in runs)
        table.add_row(SETTINGS[name].doc, str(budget), mode, f"{solved} of {len(runs)}", said, str(restarts))
    return table


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restarts", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="runs of each setting")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    options = parser.parse_args()
    console, started = Console(width=130), time.perf_counter()
    found: dict[tuple[str, int, str], list[Ended]] = {}
    for name in options.settings:
        for run in range(options.runs):
            for budget, mode, end in outcomes(SETTINGS[name], run):
                found.setdefault((name, budget, mode), []).append(end)
                console.print(f"{name} run {run}, {budget} generations, {mode}: {end}", markup=False, highlight=False)
    console.print(table_of(found))
    console.print(f"{time.perf_counter() - started:.0f} s on one core")


if __name__ == "__main__":
    main()

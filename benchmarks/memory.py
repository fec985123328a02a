"""How fast brains that remember live, beside JAX and torch: all contenders in turns, a thread each, on one core.

    python -m benchmarks.memory [WORKLOAD ...] [--rounds N] [--markdown]

Prints steps per second of processor time, and by how much this project is faster: the median of the rounds' ratios. The
processor's time and not the clock's, since other work on a machine takes turns with the contenders; on a quiet one the
two are the same, and the table says how far they were apart. The work is that of `benchmarks.memory_work`.

Peers have random numbers of their own, so lives differ and brains must not: the mean fitness of an evaluation, and what
each genome earned beyond it, are compared by t-tests. Where a peer does other work, the program says so and fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import ttest_ind

from benchmarks.before import ROOT, Turns, on_one_core
from benchmarks.measured import Measured
from benchmarks.memory_work import WORKLOADS

SELF = "evolearn"
CONTENDERS = {  # arguments of `python -m`, before and after the workload's name; what it is
    SELF: ("benchmarks.memory_lives", (), "fused kernel"),
    "jax": ("benchmarks.memory_jax", ("--plain",), "vmap over lives of a scan, jitted"),
    "jax-tuned": (
        "benchmarks.memory_jax",
        (),
        "frozen: lives of a genome in one product, luck shared; learning: chunks",
    ),
    "torch": ("benchmarks.memory_torch", (), "eager, batched over lives; frozen: lives of a genome in one product"),
}
ROUNDS, QUICK_ROUNDS = 15, 5
UNLIKELY = 1e-4  # of a difference as large, or larger, among all that are looked at, if brains are the same


class Round(NamedTuple):
    """One evaluation of one contender."""

    wall: float  # s
    processor: float  # s
    fitness: list[float]  # of every genome, mean per step


def race(workload: str, names: list[str], rounds: int) -> dict[str, list[Round]]:
    """Every contender's rounds, in turns.

    Raises:
        SystemExit: a contender cannot run; it has said why.
    """
    on_one_core()
    found: dict[str, list[Round]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        turns = {}
        for name in names:
            module, options, _ = CONTENDERS[name]
            command = [sys.executable, "-m", module, workload, *options]
            turns[name] = stack.enter_context(contextlib.closing(Turns(command, ROOT)))
        for _ in range(rounds):
            for name, live in turns.items():
                found[name].append(Round(*json.loads(live())))
    return found


def likeness(own: list[Round], other: list[Round]) -> float:
    """Probability of what differs most, if both lived the same brains: of mean fitness, and of each genome beyond it.

    Luck is common to the genomes of an evaluation, so what one earned beyond their mean is freed of it. Corrected for
    the number of looks. Source: Bonferroni's inequality.
    """
    columns = []
    for rounds in (own, other):
        fitness = np.array([row.fitness for row in rounds])
        mean = fitness.mean(axis=1, keepdims=True)
        columns.append(np.concatenate([mean, fitness - mean], axis=1))
    chances = ttest_ind(*columns, axis=0, equal_var=False).pvalue
    return float(min(1.0, chances.min() * len(chances)))


def times_as_fast(own: list[Round], other: list[Round]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(b.processor / a.processor for a, b in zip(own, other, strict=True))


def times_as_fast_as(workload: str, peer: str, quick: bool) -> Measured:
    """How many times as fast as a peer this project lives a workload, on one core; exits where it does other work."""
    found = race(workload, [SELF, peer], QUICK_ROUNDS if quick else ROUNDS)
    if (chance := likeness(found[SELF], found[peer])) < UNLIKELY:
        sys.exit(f"{peer} does other work than {SELF}: fitness differs as it would by chance once in {1 / chance:.3g}")
    own, other = (f"{name} {speed(workload, rounds):.2f} M" for name, rounds in found.items())
    return Measured(times_as_fast(found[SELF], found[peer]), f"{own}, {other} steps/s and core")


def speed(workload: str, rounds: list[Round]) -> float:
    """Million steps per second of processor time, the median."""
    return WORKLOADS[workload].all_steps / statistics.median(row.processor for row in rounds) / 1e6


HEADS = (
    "workload",
    "way",
    "M steps/s and core",
    "evolearn is so many times as fast",
    "fitness",
    "same brains, p",
    "what",
)


def rows_of(workload: str, found: dict[str, list[Round]]) -> list[tuple[str, ...]]:
    """A workload's rows, the fastest first."""
    rows = []
    for name, rounds in sorted(found.items(), key=lambda item: -speed(workload, item[1])):
        means = [statistics.fmean(row.fitness) for row in rounds]
        error = statistics.stdev(means) / len(means) ** 0.5
        own = name == SELF
        rows.append(
            (
                *(workload, f"**{name}**" if own else name, f"{speed(workload, rounds):.2f}"),
                f"{times_as_fast(found[SELF], rounds):.2f}",
                f"{statistics.fmean(means):.3f} ± {error:.3f}",
                "" if own else f"{likeness(found[SELF], rounds):.2g}",
                CONTENDERS[name][2],
            )
        )
    return rows


def shown(rows: list[tuple[str, ...]], as_markdown: bool) -> Table | str:
    """The table."""
    if as_markdown:
        lines = [HEADS, ("---",) * len(HEADS), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    table = Table(*HEADS, title="Brains that remember: steps per second of one core")
    for row in rows:
        table.add_row(*row)
    return table


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; all if none")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of every contender; at least 3")
    parser.add_argument("--markdown", action="store_true", help="the table as documents have it")
    options = parser.parse_args()
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"{', '.join(sorted(unknown))}: must be of {', '.join(WORKLOADS)}")
    if options.rounds < 3:
        parser.error(f"--rounds {options.rounds}: must be at least 3, a median of fewer says little")
    console = Console(width=None if sys.stdout.isatty() else 150)
    busy = os.getloadavg()[0]
    rows: list[tuple[str, ...]] = []
    waited: list[float] = []
    other: list[Any] = []
    for workload in options.workloads or WORKLOADS:
        found = race(workload, list(CONTENDERS), options.rounds)
        rows += rows_of(workload, found)
        waited += [row.wall / row.processor for rounds in found.values() for row in rounds]
        other += [(workload, name) for name in found if likeness(found[SELF], found[name]) < UNLIKELY]
    table = shown(rows, options.markdown)
    if isinstance(table, str):
        print(table)
    else:
        console.print(table)
    print(f"load average before {busy:.1f}; clock : processor {statistics.median(waited):.2f}")
    if other:
        sys.exit("other work than this project's: " + ", ".join(f"{name} on {workload}" for workload, name in other))


if __name__ == "__main__":
    main()

"""What evolution wrote into drives, and where they led: tables of a study such as `claims/drives`.

    python -m benchmarks.wants STUDY [--lives N] [--markdown]

STUDY is a directory of a study in worlds whose places are observed one-hot, as `cell 0`, `cell 1`, .. The first table
has the weight of every drive that evolved, and where values start, over the evolution runs of an arm; the second what
the arm's learners do in `--lives` validation lives per run: goals, lives that ever reach one, cells seen, and the share
of the second half of life that they spend where `watching` is sensed, with standard errors over runs.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, markdown, shown
from evolearn.errors import UserError
from evolearn.genome import decode, draw_fresh
from evolearn.life import Driver, Plan, new_driver
from evolearn.life.live import traced_lives
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, Setup, assemble
from evolearn.study import open_study, planned_config

Floats = npt.NDArray[np.float64]

GENERATION = 800  # of the validation key space
TRACED = 30_000_000  # numbers of observations held at once
START = "initial_value"


def written(entries: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What the runs of one arm wrote into each drive named, and into where values start.

    Args:
        entries: of the arm's runs, as in verdict.json: run, drives, plasticity.
        names: of drives.
    Yields:
        Name, median, smallest, largest, and in how many runs it is positive.
    """
    columns = {name: [entry["drives"][name] for entry in entries] for name in names}
    if all(START in entry["plasticity"] for entry in entries):
        columns[START] = [entry["plasticity"][START] for entry in entries]
    for name, values in columns.items():
        middle = (f"{value:+.3g}" for value in (np.median(values), min(values), max(values)))
        yield (name, *middle, f"{sum(value > 0 for value in values)} of {len(values)}")


class Led(NamedTuple):
    """What one run's learners came to, means over lives."""

    goals: float  # per 1,000 steps
    ever: float  # share of lives that reached one
    cells: float  # different ones seen
    watched: float  # share of the second half of life; NaN where nothing is watched


def led(setup: Setup, driver: Driver, dna: DNA, keys: npt.NDArray[np.int64], steps: int) -> Led:
    """Live an evolved newborn's lives and count.

    Args:
        setup: of the arm.
        driver: of its world.
        dna: what evolved.
        keys: of lives, int64 [L, 2].
        steps: of a life.
    Raises:
        UserError: the world shows no cells.
    """
    names, signals = setup.conditions.drive_names, setup.conditions.world.observations
    cells = sum(signal.name.startswith("cell ") for signal in signals)
    if cells == 0:
        raise UserError(f"world {setup.config.world.name}: shows no `cell 0`, `cell 1`, ..; no cells can be counted")
    newborn = decode(setup.pool, dna.genome[None])
    at_once = max(1, TRACED // (steps * len(signals)))
    parts: list[tuple[float, ...]] = []
    for first in range(0, len(keys), at_once):
        some = keys[first : first + at_once]
        newborns, born_as = draw_fresh(setup.pool, newborn, np.zeros(len(some), np.int64), some)
        _, trace = traced_lives(driver, newborns, born_as, some, Plan(steps))
        seen = trace.observations[:, :, :cells].argmax(axis=2)
        late = (
            trace.drives[:, steps // 2 :, names.index("watching")].mean(axis=1)
            if "watching" in names
            else np.full(len(some), np.nan)
        )
        goals = (trace.fitness > 0).sum(axis=1)
        parts += zip(1000.0 * goals / steps, goals > 0, [len(set(life)) for life in seen.tolist()], late, strict=True)
    return Led(*(float(np.mean(column)) for column in zip(*parts, strict=True)))


def tables(path: Path, count: int) -> tuple[Answer, Answer]:
    """Both tables of a study.

    Raises:
        UserError: no study, or one whose world shows no cells.
    """
    study = open_study(path)
    config, verdict = study.read_config(), study.read_verdict()
    steps = max(verdict["lifetimes"])
    weights: list[tuple[str, ...]] = []
    places: list[tuple[str, ...]] = []
    for condition, judged in zip(config.conditions, verdict["conditions"], strict=True):
        for arm, entry in judged["arms"].items():
            if not entry["dna"]:
                continue
            setup = assemble(planned_config(config, condition, arm))
            evolved = [name for name in setup.config.drives.evolved or () if name != "fitness"]
            weights += ((condition.name, arm, *row) for row in written(entry["dna"], evolved))
            with contextlib.closing(new_driver(setup.conditions)) as driver:
                runs = [
                    led(
                        setup,
                        driver,
                        study.evolved(condition, arm, run["run"]).load_dna(),
                        life_keys(config.seed, VALIDATION, GENERATION + run["run"], count),
                        steps,
                    )
                    for run in entry["dna"]
                ]
            values = (
                _with_error(np.array(column), d) for column, d in zip(zip(*runs, strict=True), DIGITS, strict=True)
            )
            places.append((condition.name, arm, *values))
    of = f"{verdict['study']['title']} {verdict['study']['runs']} runs"
    heads = "condition", "arm", "gene", "median", "smallest", "largest", "positive in"
    led_to = "goals per 1,000 steps", "lives that ever reach it", "cells seen", "late steps watching"
    return (
        Answer(f"{of}: what evolved", heads, weights),
        Answer(f"{of}: where it led in {steps:,} steps, {count} lives each", ("condition", "arm", *led_to), places),
    )


DIGITS = 2, 2, 0, 3


def _with_error(values: Floats, digits: int) -> str:
    if np.isnan(values).any():
        return ""
    error = f" ± {values.std(ddof=1) / len(values) ** 0.5:.{digits or 1}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{error}"


def main() -> None:
    """Live and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--lives", type=int, default=32, help="per evolution run")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < 1:
        parser.error(f"--lives {options.lives}: must be at least 1")
    try:
        for found in tables(options.study, options.lives):
            if options.markdown:
                print(markdown(found) + "\n")
            else:
                from rich.console import Console

                Console(width=150).print(shown(found))
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

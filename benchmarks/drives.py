"""What drives that explore are worth to a learner from birth on, and what a television does to them.

    python -m benchmarks.drives [--only NAME ...] [--drives NAME ...] [--lives N] [--seed S] [--markdown]

Four tables, five minutes in all: cells of `rooms` that each drive alone leads to; what is found in `rooms` where
fitness is felt as well; the same in `rooms-8x8`, which a random walk does not cover; and the share of time that each
drive alone spends at a television of 2 x 2 cells in `rooms-4x4`. Nothing evolves: weights are drawn afresh, drives are
weighed as said. Each value is a mean over lives, with its standard error.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.bandits import Answer, markdown, shown
from evolearn.agent import DRIVES, LARGEST, MEAN, NONE, find_drive
from evolearn.config import check_config
from evolearn.errors import PartNotFound
from evolearn.genome import decode
from evolearn.life import FROM_BRAIN, FROM_UNIFORM, OwnDrivers, Plan
from evolearn.life.live import traced_lives
from evolearn.plugins import short
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble

Floats = npt.NDArray[np.float64]

LIVES = 48
FEWEST = 12  # of which a standard error says anything
TRACED = 30_000_000  # numbers of observations held at once
STEPS, AT = 1000, (200, 500, 1000)  # of the first table
LONGER = 4000  # of the second
LARGE, LARGE_STEPS = {"name": "rooms-8x8"}, 6000
WITH_TV, TV_STEPS = {"name": "rooms-4x4", "parameters": {"tv": 2}}, 3000
WEIGHT = 0.1  # beside a fitness of 1
VALUES = {"name": "q_learning", "window": 1}
LEARNERS: Mapping[str, Mapping[str, Any]] = {
    "q_learning": VALUES,
    "actor_critic": {
        "name": "actor_critic",
        "window": 20,
        "plasticity": {"learning_rate": 0.02, "entropy_bonus": 0.001},
    },
}
# Share of late steps at the television: prediction errors never end there, what counts or progresses is soon through.
HELD_BY_NOISE, LEFT_COLD = 0.3, 0.08
BOUNDS = {
    "linear_surprise": HELD_BY_NOISE,
    "surprise": HELD_BY_NOISE,
    "progress": LEFT_COLD,
    "novelty": LEFT_COLD,
}
# Of a Q-learner in a large world that little changes.
QUICK = {"learning_rate": 0.5, "discount": 0.95, "epsilon": 0.02}
OF_TV = {"learning_rate": 0.3, "discount": 0.95, "epsilon": 0.1}


class Lived(NamedTuple):
    """What lives came to; L of them."""

    cells: Floats  # [L, moments]: different cells seen by then
    fitness: Floats  # [L, T]
    watched: Floats  # [L, T]: 1 in steps that ended at the television; zeros where a world has none


@functools.cache
def drivers() -> OwnDrivers:
    """Those of this program."""
    return OwnDrivers(2)


def live(
    world: Mapping[str, Any],
    learner: Mapping[str, Any],
    weights: Mapping[str, float],
    centred: str,
    steps: int,
    lives: int,
    seed: int,
    moments: Sequence[int] = (),
    source: int = FROM_BRAIN,
) -> Lived:
    """Live from birth with drives that are weighed as said, fitness among them or not felt.

    Args:
        world: section of a run's config.
        learner: likewise; a table for Q-learning, else 16 hidden units.
        weights: of drives, by the names of drives.generic.
        centred: see drives.centred.
        steps: of a life.
        lives: how many.
        seed: of the lives.
        moments: steps after which cells seen are counted.
        source: where actions come from.
    """
    generic = [name for name in weights if name != "fitness"]
    brain: dict[str, Any] = {"trunk": "linear", "hidden": []} if learner["name"] == "q_learning" else {"hidden": [16]}
    content = {
        "seed": seed,
        "world": world,
        "brain": {**brain, "prediction": any(find_drive(name).reads_prediction for name in generic)},
        "learner": learner,
        "drives": {
            "generic": generic,
            "centred": centred,
            "weights": {"fitness": 0.0, **{short(name): weight for name, weight in weights.items()}},
        },
        "genome": {"weights": {"mode": "fresh"}, "drives": {"mode": "fixed"}},
        "search": {"selection_lifetime": steps},
        "evaluation": {"lifetimes": [max(steps, 4)], "birth_steps": 1, "bin_steps": 1},
    }
    setup = assemble(check_config(content, "drives"))
    newborns, driver = decode(setup.pool, setup.pool.centre[None]), setup.driver(drivers())
    cells = sum(signal.name.startswith("cell ") for signal in setup.conditions.world.observations)
    names = setup.conditions.drive_names
    at_once = max(1, TRACED // (steps * len(setup.conditions.world.observations)))
    keys = life_keys(seed, VALIDATION, 0, lives)
    parts = []
    for first in range(0, lives, at_once):
        some = keys[first : first + at_once]
        _, trace = traced_lives(driver, newborns, np.zeros(len(some), np.int64), some, Plan(steps, source=source))
        visited = trace.observations[:, :, :cells].argmax(axis=2)
        counts = [[len(set(life[:moment])) for moment in moments] for life in visited.tolist()]
        tv = trace.drives[:, :, names.index("watching")] if "watching" in names else np.zeros(trace.fitness.shape)
        parts.append(Lived(np.array(counts, float).reshape(len(some), -1), trace.fitness, np.asarray(tv, float)))
    return Lived(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def ways(drive: str) -> Iterator[str]:
    """How a drive can be centred."""
    row = find_drive(drive)
    if row.explores:
        yield MEAN
        if row.largest is not None:
            yield LARGEST
    yield NONE


def value(numbers: Floats, digits: int) -> str:
    """A mean with its standard error."""
    return f"{numbers.mean():.{digits}f} +- {numbers.std(ddof=1) / np.sqrt(len(numbers)):.{digits}f}"


def coverage(drives: Sequence[str], lives: int, seed: int) -> Answer:
    """How many of the 64 cells of `rooms` each drive alone leads to."""
    rows = []

    def add(who: str, drive: str, centred: str, lived: Lived) -> None:
        rows.append((who, drive, centred, *(value(column, 1) for column in lived.cells.T)))

    random = live({"name": "rooms"}, VALUES, {}, MEAN, STEPS, lives, seed, AT, FROM_UNIFORM)
    add("random actions", "", "", random)
    for who, learner in LEARNERS.items():
        add(who, "none", "", live({"name": "rooms"}, learner, {}, MEAN, STEPS, lives, seed, AT))
        for drive in drives:
            for centred in ways(drive):
                lived = live({"name": "rooms"}, learner, {drive: 1.0}, centred, STEPS, lives, seed, AT)
                add(who, short(drive), centred, lived)
        add(who, "constant, -1", "", live({"name": "rooms"}, learner, {"constant": -1.0}, MEAN, STEPS, lives, seed, AT))
    heads = ("actions", "drive", "centred", *(f"{moment} steps" for moment in AT))
    return Answer("Cells of 64 seen in rooms, with one drive alone", heads, rows)


def _arms(drives: Sequence[str]) -> Iterator[tuple[str, str, dict[str, float]]]:
    yield "none", NONE, {}
    for drive in drives:
        for centred in ways(drive):
            yield f"{short(drive)}, +{WEIGHT}", centred, {drive: WEIGHT}
        yield f"{short(drive)}, -{WEIGHT}", NONE, {drive: -WEIGHT}
    yield f"constant, -{WEIGHT}", "", {"constant": -WEIGHT}


def finding(drives: Sequence[str], lives: int, seed: int) -> Answer:
    """What is found in `rooms` where fitness is felt beside a drive."""
    rows = []
    for who, learner in LEARNERS.items():
        for name, centred, weights in _arms(drives):
            lived = live({"name": "rooms"}, learner, {"fitness": 1.0, **weights}, centred or NONE, LONGER, lives, seed)
            rows.append((who, name, centred, *_found(lived)))
    heads = ("learner", "drive beside fitness", "centred", "goals per 1,000 steps", "lives that ever reach it")
    return Answer(f"Rooms, {LONGER:,} steps", heads, rows)


def _found(lived: Lived) -> tuple[str, str]:
    hits = lived.fitness.sum(axis=1)
    return value(1000.0 * lived.fitness.mean(axis=1), 2), f"{(hits > 0).mean():.2f}"


def large(drives: Sequence[str], lives: int, seed: int) -> Answer:
    """The same in `rooms-8x8`, where values may start high instead."""
    rows = []
    for name, centred, weights in _arms(drives):
        learner = {**VALUES, "plasticity": QUICK}
        lived = live(LARGE, learner, {"fitness": 1.0, **weights}, centred or NONE, LARGE_STEPS, lives, seed)
        rows.append((name, centred, "0", *_found(lived)))
    for start in (0.1, 1.0):
        learner = {**VALUES, "plasticity": {**QUICK, "initial_value": start}}
        lived = live(LARGE, learner, {"fitness": 1.0}, NONE, LARGE_STEPS, lives, seed)
        rows.append(("none", "", f"{start:g}", *_found(lived)))
    heads = ("drive beside fitness", "centred", "initial value", "goals per 1,000 steps", "lives that ever reach it")
    return Answer(f"Four rooms of 8 x 8 cells, goal in the far one, {LARGE_STEPS:,} steps, Q-learning", heads, rows)


def expected(drive: str, centred: str, share: float) -> str:
    """What a drive is known to do at a television, and whether it did; empty where nothing is known.

    Nothing is of a drive that explores and is not centred: it keeps to what it has seen, television or not.
    """
    if drive not in BOUNDS or (centred == NONE and find_drive(drive).explores):
        return ""
    bound = BOUNDS[drive]
    least = bound == HELD_BY_NOISE
    met = share >= bound if least else share <= bound
    return f"at {'least' if least else 'most'} {bound}: {'yes' if met else 'no'}"


def television(drives: Sequence[str], lives: int, seed: int) -> Answer:
    """How much of the second half of life each drive alone spends where noise is shown."""
    rows = []
    learner = {**VALUES, "plasticity": OF_TV}

    def add(drive: str, centred: str, lived: Lived) -> None:
        late = lived.watched[:, TV_STEPS // 2 :].mean(axis=1)
        rows.append(
            (drive, centred, value(late, 3), expected(drive, centred, late.mean()), value(lived.cells[:, 0], 1))
        )

    how = (TV_STEPS, lives, seed, (TV_STEPS,))
    add("random actions", "", live(WITH_TV, learner, {}, MEAN, *how, FROM_UNIFORM))
    add("none", "", live(WITH_TV, learner, {}, MEAN, *how))
    for drive in drives:
        for centred in ways(drive):
            add(short(drive), centred, live(WITH_TV, learner, {drive: 1.0}, centred, *how))
    heads = ("drive alone", "centred", "late steps at the television", "expected", "cells of 64 seen")
    return Answer(f"A television on 4 of 64 cells ({4 / 64:.3f}), {TV_STEPS:,} steps, Q-learning", heads, rows)


ANSWERS: dict[str, Callable[[Sequence[str], int, int], Answer]] = {
    "coverage": coverage,
    "finding": finding,
    "large": large,
    "television": television,
}
EXPLORING = tuple(name for name, row in DRIVES.items() if row.explores or row.reads_prediction)


def main() -> None:
    """Live and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drives", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(ANSWERS), default=list(ANSWERS), metavar="NAME")
    parser.add_argument("--drives", nargs="+", default=list(EXPLORING), metavar="NAME", help="as in drives.generic")
    parser.add_argument("--lives", type=int, default=LIVES, help=f"behind a value: at least {FEWEST}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < FEWEST:
        parser.error(f"--lives {options.lives}: must be at least {FEWEST}; with fewer the errors say little")
    if options.seed < 0:
        parser.error(f"--seed {options.seed}: must be at least 0")
    try:
        for name in options.drives:
            find_drive(name, f"--drives {name}")
    except PartNotFound as error:
        parser.error(str(error))
    console = Console(width=150)
    for name in options.only:
        began = time.perf_counter()
        found = ANSWERS[name](options.drives, options.lives, options.seed)
        if options.markdown:
            print(markdown(found))
        else:
            console.print(shown(found))
            console.print(f"{name}: {time.perf_counter() - began:.0f} s", highlight=False)


if __name__ == "__main__":
    main()

"""How fast the stepwise driver is, learning included, beside stepping one Gymnasium environment in a bare loop.

Both in alternation, on one core and with a process per core; ratios are formed within each round. The bare loop takes
actions that were drawn before, never learns, and resets without a seed.

``python -m benchmarks.gymnasium [--quick] [--cores N] [ID ..]`` prints a table.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from benchmarks.measured import Measured

LIVES, HIDDEN, WINDOW = 64, (32,), 32
SECONDS = 2.0  # that a bare loop should take
MUJOCO = ("HalfCheetah-v5", "Ant-v5")
CLASSIC = ("CartPole-v1", "Acrobot-v1", "Pendulum-v1")
ROUNDS = 7


class Round(NamedTuple):
    """Steps per second and core of both."""

    ours: float
    bare: float


def stepping(environment_id: str, steps: int) -> Callable[[], float]:
    """A bare loop of `steps`, to be called for the seconds that it takes."""
    environment: gymnasium.Env[Any, Any] = gymnasium.make(environment_id, disable_env_checker=True)
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(steps)]
    environment.reset(seed=0)

    def loop() -> float:
        start = time.perf_counter()
        for action in actions:
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()
        return time.perf_counter() - start

    return loop


def living(environment_id: str, lifetime: int, cores: int) -> Callable[[], float]:
    """As many lives as LIVES per core, learning all the time; to be called for the seconds that they take."""
    from benchmarks import evolearn_lives
    from evolearn.life import Plan, lives, new_driver
    from evolearn.rng import VALIDATION, life_keys
    from evolearn.world import gymnasium_world

    world = gymnasium_world(environment_id)
    conditions = evolearn_lives.conditions_of(world, HIDDEN, WINDOW)
    driver = new_driver(conditions, cores)
    count = LIVES * cores
    newborns = evolearn_lives.newborns_of(conditions, count)
    keys, genomes = life_keys(0, VALIDATION, 0, count), np.arange(count)
    lives(driver, conditions, newborns, genomes, keys, Plan(WINDOW))

    def live() -> float:
        start = time.perf_counter()
        lives(driver, conditions, newborns, genomes, keys, Plan(lifetime))
        return time.perf_counter() - start

    return live


def _loops(connection: Any, environment_id: str, steps: int) -> None:
    loop = stepping(environment_id, steps)
    connection.send(None)
    while connection.recv():
        connection.send(loop())


class Crowd:
    """A bare loop in each of several processes, all at once."""

    def __init__(self, environment_id: str, steps: int, cores: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ends = []
        for _ in range(cores):
            ours, theirs = context.Pipe()
            context.Process(target=_loops, args=(theirs, environment_id, steps), daemon=True).start()
            ours.recv()
            self._ends.append(ours)

    def __call__(self) -> float:
        """Step them all once more; the mean of their seconds."""
        for end in self._ends:
            end.send(True)
        return statistics.mean(end.recv() for end in self._ends)


def rounds(environment_id: str, cores: int, seconds: float, count: int) -> Iterator[Round]:
    """Both in alternation, `count` times."""
    guess = 500
    steps = int(guess * seconds / stepping(environment_id, guess)())
    lifetime = max(1, steps // LIVES)
    bare = stepping(environment_id, steps) if cores == 1 else Crowd(environment_id, steps, cores)
    ours = living(environment_id, lifetime, cores)
    for _ in range(count):
        yield Round(lifetime * LIVES / ours(), steps / bare())


def measure(environment_ids: tuple[str, ...], quick: bool, cores: int = 1) -> Measured:
    """The smallest of several environments' median ratios."""
    ratios = {}
    for name in environment_ids:
        done = list(rounds(name, cores, SECONDS / 4 if quick else SECONDS, 3 if quick else ROUNDS))
        ratios[name] = statistics.median(one.ours / one.bare for one in done)
    return Measured(min(ratios.values()), ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))


def two_processes(quick: bool) -> Measured:
    """How many times as many steps of CartPole two processes do as one in the same time, the two in alternation."""
    lifetime = 200 if quick else 1500
    one, two = (living("CartPole-v1", lifetime, cores) for cores in (1, 2))
    pairs = [(one(), two()) for _ in range(2 if quick else ROUNDS)]
    alone, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(2 * o / t for o, t in pairs)
    return Measured(ratio, f"{alone:.2f} s with one, {both:.2f} s for twice as many lives with two")


mujoco = functools.partial(measure, MUJOCO)
classic = functools.partial(measure, CLASSIC)
cart_pole = functools.partial(measure, CLASSIC[:1])
mujoco_on_all_cores = functools.partial(measure, MUJOCO, cores=os.cpu_count() or 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", default=[*CLASSIC, *MUJOCO])
    parser.add_argument("--quick", action="store_true", help="less work, more noise")
    parser.add_argument("--cores", type=int, nargs="*", default=sorted({1, os.cpu_count() or 1}))
    options = parser.parse_args()
    print(f"{'':16}{'cores':>6}{'bare':>12}{'evolearn':>12}   ratio (min - max), steps/s per core, learning included")
    for name in options.ids:
        for cores in options.cores:
            seconds, count = (SECONDS / 4, 3) if options.quick else (SECONDS, ROUNDS)
            done = list(rounds(name, cores, seconds, count))
            ratios = sorted(one.ours / one.bare for one in done)
            bare, ours = (statistics.median(column) for column in zip(*((r.bare, r.ours) for r in done), strict=True))
            spread = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} - {ratios[-1]:.3f})"
            print(f"{name:16}{cores:6}{bare:12,.0f}{ours:12,.0f}   {spread}", flush=True)


if __name__ == "__main__":
    main()

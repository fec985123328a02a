"""What elementary functions cost in compiled code: the C library's against evolearn's own, which inline.

    python -m benchmarks.functions [--rounds N]

Nanoseconds per call on one core, minima: in a chain, each call waiting for the one before, as in a world's step, and
side by side. Each in a process of its own, in alternation: where evolearn is imported, Numba links its functions.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

CALLS = {
    "sin": "sin({})", "cos": "cos({})", "tan": "tan({})", "exp": "exp({})", "log": "log({})", "tanh": "tanh({})",
    "atan2": "atan2({}, 0.7)", "asin": "asin(0.3 * {})", "pow": "({}) ** 1.7", "hypot": "hypot({}, 0.7)",
    "sqrt": "sqrt({})", "expm1": "expm1({})", "log1p": "log1p({})", "sinh": "sinh({})", "erf": "erf({})",
    "square, as ** 2.0": "({}) ** 2.0",
}  # fmt: skip
SOURCE = """
def chain(x, count):
    value = x
    for _ in range(count):
        value = x + 1e-3 * {chained}
    return value


def side_by_side(values, count):
    total = 0.0
    for _ in range(count):
        for i in range(values.size):
            total += {side}
    return total
"""
COUNT, SIZE = 50_000, 1_000


def measure() -> dict[str, tuple[float, float]]:
    """Nanoseconds per call, in a chain and side by side, by function."""
    found = {}
    values = np.random.default_rng(0).uniform(0.1, 3.0, SIZE)
    for name, call in CALLS.items():
        names: dict[str, Any] = dict(vars(math))
        exec(SOURCE.format(chained=call.format("value"), side=call.format("values[i]")), names)
        chain, side = (numba.njit(error_model="numpy")(names[each]) for each in ("chain", "side_by_side"))
        found[name] = (least(lambda: chain(1.1, COUNT)), least(lambda: side(values, COUNT // SIZE)))  # noqa: B023
    return found


def least(work: Callable[[], Any]) -> float:
    """Nanoseconds per call in the fastest of some runs."""
    work()
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return 1e9 * min(seconds) / COUNT


def race(rounds: int) -> dict[str, dict[str, tuple[float, float]]]:
    """The least of some rounds, by contender and function."""
    best: dict[str, dict[str, tuple[float, float]]] = {}
    for _ in range(rounds):
        for mode in ("libm", "own"):
            command = [sys.executable, "-m", "benchmarks.functions", "--as", mode]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            for name, (chain, side) in json.loads(done.stdout.splitlines()[-1]).items():
                before = best.setdefault(mode, {}).get(name, (math.inf, math.inf))
                best[mode][name] = (min(chain, before[0]), min(side, before[1]))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--as", dest="mode", choices=("libm", "own"))
    arguments = parser.parse_args()
    if arguments.mode:
        if arguments.mode == "own":
            import evolearn.numerics.compiler  # noqa: F401  # from here on Numba links own functions
        print(json.dumps(measure()))
        return
    best = race(arguments.rounds)
    print(f"{'ns per call':20} {'in a chain: libm':>18} {'own':>6} {'side by side: libm':>20} {'own':>6}")
    for name in CALLS:
        (libm_chain, libm_side), (own_chain, own_side) = best["libm"][name], best["own"][name]
        print(f"{name:20} {libm_chain:18.1f} {own_chain:6.1f} {libm_side:20.1f} {own_side:6.1f}")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

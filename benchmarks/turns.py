"""Lives of one shape, by the checkout that PYTHONPATH names: a line of seconds for every line that is read.

A program by itself, run as `python -P benchmarks/turns.py SHAPE UPDATES [WORKERS]`, so that it can drive an older
commit too. The seconds are those of the clock and those of the processor, all threads together.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

SHAPES = {  # world, hidden units, window
    "cart-pole": ("cart_pole", (32, 32), 16),
    "cart-pole-64": ("cart_pole", (64, 64), 16),
    "savannah": ("savannah", (24,), 20),
    "bandit": ("bandit", (8,), 16),
}
FROZEN = "-frozen"  # after a shape's name: lives that do not learn
LIVES = 256
STEPS = 16  # of a life, times UPDATES


def frozen_lives_in(conditions: Any, count: int, lifetime: int, workers: int | None = None) -> Callable[[], None]:
    """As `benchmarks.evolearn_lives.lives_in`, with weights that never change."""
    import numpy as np

    from benchmarks.evolearn_lives import newborns_of
    from evolearn.life import Plan, lives, new_driver
    from evolearn.rng import VALIDATION, life_keys

    driver, newborns = new_driver(conditions, workers or os.cpu_count() or 1), newborns_of(conditions, count)
    genomes, keys = np.arange(count), life_keys(0, VALIDATION, 0, count)

    def live(lifetime: int = lifetime) -> None:
        lives(driver, conditions, newborns, genomes, keys, Plan(lifetime, learn_until=0))

    live(conditions.window)
    return live


def main() -> None:
    """Compile, say so, and live as often as told."""
    from benchmarks.evolearn_lives import conditions_of, lives_in

    name, lifetime = sys.argv[1], int(sys.argv[2]) * STEPS
    workers = map(int, sys.argv[3:])  # the oldest commits take none
    world, hidden, window = SHAPES[name.removesuffix(FROZEN)]
    declared = getattr(importlib.import_module(f"evolearn.worlds.{world}"), world)
    prepare = frozen_lives_in if name.endswith(FROZEN) else lives_in
    live = prepare(conditions_of(declared, hidden, window), LIVES, lifetime, *workers)
    print("ready", flush=True)
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        live()
        print(time.perf_counter() - start, time.process_time() - processor, flush=True)


if __name__ == "__main__":
    main()

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
# Tables for Q-learning in four rooms with a television, 264 numbers that are all 0 but one or two: world, drives, lives
TABLES = {
    "table": ("rooms-8x8", ("novelty",), 64),
    "table-surprise": ("rooms-8x8", ("surprise",), 4),
    "table-empowerment": ("rooms-8x8", ("empowerment",), 4),
    "table-all": ("rooms-8x8", ("novelty", "surprise", "progress", "empowerment"), 4),
}
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


def table_lives(world: str, drives: tuple[str, ...], count: int, lifetime: int, workers: int) -> Callable[[], None]:
    """As `benchmarks.evolearn_lives.lives_in`, of tables that want what a newborn may want of itself."""
    import numpy as np

    from evolearn.config import check_config
    from evolearn.genome import decode, draw_fresh
    from evolearn.life import Plan, lives, new_driver
    from evolearn.rng import VALIDATION, life_keys
    from evolearn.run import assemble

    content = {
        "world": {"name": world, "parameters": {"tv": 2}},
        "brain": {"trunk": "linear", "hidden": [], "prediction": drives != ("novelty",)},
        "learner": {"name": "q_learning", "window": 1, "plasticity": {"learning_rate": 0.5, "discount": 0.95}},
        "drives": {"generic": [*drives], "weights": {"fitness": 1.0, **dict.fromkeys(drives, 0.1)}},
        "genome": {"weights": {"mode": "fresh"}},
    }
    setup = assemble(check_config(content, "turns"))
    driver = new_driver(setup.conditions, workers)
    newborns, keys = decode(setup.pool, setup.pool.centre[None]), life_keys(0, VALIDATION, 0, count)
    newborns, genomes = draw_fresh(setup.pool, newborns, np.zeros(count, np.int64), keys)

    def live(lifetime: int = lifetime) -> None:
        lives(driver, setup.conditions, newborns, genomes, keys, Plan(lifetime))

    live(STEPS)
    return live


def main() -> None:
    """Compile, say so, and live as often as told."""
    from benchmarks.evolearn_lives import conditions_of, lives_in

    name, lifetime = sys.argv[1], int(sys.argv[2]) * STEPS
    workers = map(int, sys.argv[3:])  # the oldest commits take none
    if name in TABLES:
        live = table_lives(*TABLES[name], lifetime, *workers)
    else:
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

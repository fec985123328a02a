"""Lives of one shape, by the checkout that PYTHONPATH names: a line of seconds for every line that is read.

A program by itself, run as `python -P benchmarks/turns.py SHAPE UPDATES`, so that it can drive an older commit too.
"""

from __future__ import annotations

import sys
import time

SHAPES = {  # world, hidden units, window
    "cart-pole": ("cart_pole", (32, 32), 16),
    "cart-pole-64": ("cart_pole", (64, 64), 16),
    "savannah": ("savannah", (24,), 20),
}
LIVES = 256
STEPS = 16  # of a life, times UPDATES


def main() -> None:
    """Compile, say so, and live as often as told."""
    from benchmarks.evolearn_lives import conditions_of, lives_in
    from evolearn.worlds import cart_pole, savannah

    worlds = {"cart_pole": cart_pole.cart_pole, "savannah": savannah.savannah}
    world, hidden, window = SHAPES[sys.argv[1]]
    live = lives_in(conditions_of(worlds[world], hidden, window), LIVES, int(sys.argv[2]) * STEPS)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        live()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()

"""What portable mode costs: world steps per second with and without it, in alternation.

    python -m benchmarks.portable [--rounds N]

One core, savannah and cart-pole as in `benchmarks.evolearn_lives`, lives of 6,000 steps that learn, processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

LIVES, LIFETIME = 32, 6_000


def race(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Rates by world and mode, one per round; a round of each to warm up is left out."""
    rates: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):
        for mode in ("native", "portable"):
            command = [sys.executable, "-m", "benchmarks.portable", "--as", mode]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            for world, rate in json.loads(done.stdout.splitlines()[-1]).items():
                if number > 0:
                    rates.setdefault(world, {}).setdefault(mode, []).append(rate)
    return rates


def measure(mode: str) -> dict[str, float]:
    """World steps per second of processor time, by world."""
    if mode == "portable":
        from evolearn.numerics import enter

        enter()
    import numpy as np
    from evolearn.worlds.cart_pole import cart_pole
    from evolearn.worlds.savannah import savannah

    from benchmarks.evolearn_lives import SAVANNAH_HIDDEN, SAVANNAH_WINDOW, conditions_of, newborns_of
    from evolearn.life import Plan, lives, new_driver
    from evolearn.rng import VALIDATION, life_keys

    rates = {}
    for world, hidden, window in ((savannah, SAVANNAH_HIDDEN, SAVANNAH_WINDOW), (cart_pole, (32, 32), 16)):
        conditions = conditions_of(world, hidden, window)
        newborns = newborns_of(conditions, LIVES)
        driver = new_driver(conditions, workers=1)
        keys = life_keys(1, VALIDATION, 0, LIVES)
        for _ in range(2):  # the first one loads code
            began = time.process_time()
            outcome, _ = lives(driver, conditions, newborns, np.arange(LIVES), keys, Plan(LIFETIME))
            seconds = time.process_time() - began
        rates[world.name] = float(outcome.age.sum()) / seconds
        driver.close()
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--as", dest="mode", choices=("native", "portable"))
    arguments = parser.parse_args()
    if arguments.mode:
        print(json.dumps(measure(arguments.mode)))
        return
    for world, by_mode in race(arguments.rounds).items():
        native, portable = (statistics.median(by_mode[mode]) for mode in ("native", "portable"))
        ratio = statistics.median(b / a for a, b in zip(by_mode["native"], by_mode["portable"], strict=True))
        print(f"{world}: native {native:,.0f} steps/s, portable {portable:,.0f}, ratio {ratio:.2f} (medians)")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

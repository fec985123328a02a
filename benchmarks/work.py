"""The work that every contender does, and the line on stdout by which it says how long that took.

Each life has a 4-32-32-(2 logits + value) tanh network of its own, acts in the cart-pole of
`evolearn.worlds.cart_pole` with default parameters, and learns from every window by one step of Adam on the
actor-critic loss with GAE: the mean of ``-advantage log pi(a) + (value - return)^2 / 2 - ENTROPY_BONUS entropy``. One
stream of experience per life.

Two things are left out by the peers, to their advantage: they do not clip the gradient's norm, and they do not look
at the value of an observation that the limit of 500 steps cut off.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import NamedTuple

OBSERVATIONS, HIDDEN, CHOICES = 4, 32, 2
LIVES = 256
WINDOW = 16  # steps between two updates
UPDATES = 400

LEARNING_RATE = 1e-3
DISCOUNT = 0.99
GAE_LAMBDA = 0.95
ENTROPY_BONUS = 0.01
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-5  # Adam

GRAVITY, DT = 9.8, 0.02  # m/s^2, s
FORCE, TOTAL_MASS, POLE_MASS, HALF_LENGTH = 10.0, 1.1, 0.1, 0.5  # N, kg, kg, m
CART_LIMIT, POLE_LIMIT, STEP_LIMIT = 2.4, 0.20943951, 500  # m, rad, steps


class Size(NamedTuple):
    """How much of the work to do."""

    lives: int
    updates: int

    @property
    def steps(self) -> int:
        """World steps of all lives together."""
        return self.lives * self.updates * WINDOW


def rational_tanh(x, minimum, maximum):
    """The tangent of `evolearn.agent.trunks.dense.tanh`, off by at most 6e-7, out of anybody's arrays.

    Args:
        x: array of float32.
        minimum: elementwise, of an array and a number.
        maximum: likewise.
    """
    x = maximum(minimum(x, 7.6), -7.6)
    s = x * x
    above = 1.0 + s * (1.346297630e-01 + s * (3.594074070e-03 + s * (2.229368076e-05 + s * 1.586441586e-08)))
    below = 1.0 + s * (4.679630193e-01 + s * (2.624851090e-02 + s * (3.449179891e-04 + s * 8.763015157e-07)))
    return x * above / below


def main(lives_of: Callable[[Size], Callable[[], None]], lives: int = LIVES, updates: int = UPDATES) -> None:
    """Run one contender as a program: prepare and warm up, then time, then say so in one line of JSON.

    Args:
        lives_of: prepares work of a size, everything compiled, and returns a function that does it.
        lives: default of the program's option.
        updates: likewise.
    """
    parser = argparse.ArgumentParser(description=lives_of.__doc__)
    parser.add_argument("--lives", type=int, default=lives)
    parser.add_argument("--updates", type=int, default=updates)
    options = parser.parse_args()
    size = Size(options.lives, options.updates)
    live = lives_of(size)
    start = time.perf_counter()
    live()
    say(size.steps, time.perf_counter() - start)


def say(steps: int, seconds: float, **more: object) -> None:
    """Print the line that `benchmarks.__main__` reads."""
    print(json.dumps({"steps": steps, "seconds": seconds, **more}), flush=True)

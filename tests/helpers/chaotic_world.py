"""A compiled world that shows every bit of every elementary function: fitness is a chaotic float64 state."""

import math

import numpy as np

from evolearn.rng import normal, uniform
from evolearn.world import Box, Signal, World, world_code

STATE = np.dtype([("x", "f8"), ("y", "f8")], align=True)


@world_code
def stirred(x, y):
    total = math.sin(x) + math.cos(y) + math.tan(0.1 * x) + math.atan2(y, x) + math.hypot(x, y)
    total += (
        math.exp(-abs(x)) + math.expm1(0.1 * y) + math.log(1.0 + abs(y)) + math.log1p(abs(x)) + math.log10(2.0 + y * y)
    )
    total += (
        math.log2(2.0 + x * x) + math.pow(1.0 + abs(x), 0.3) + math.sinh(0.1 * x) + math.cosh(0.1 * y) + math.tanh(x)
    )
    total += math.asinh(x) + math.acosh(1.0 + abs(y)) + math.atanh(x / (1.0 + abs(x))) + math.atan(y)
    total += math.asin(x / (1.0 + abs(x))) + math.acos(y / (1.0 + abs(y))) + math.erf(x) + math.erfc(y) + math.sin(0.7)
    return total + np.exp(np.float32(0.1) * np.float32(x)) + np.cbrt(y) + np.exp2(0.1 * x)


def born(state, parameters, rng):
    state.x = normal(rng)
    state.y = uniform(rng)


def begin(state, parameters, rng):
    state.x = 0.5 * state.x + normal(rng)


def observe(state, parameters, observation):
    observation[0] = state.x
    observation[1] = state.y


def step(state, parameters, action, senses, rng):
    mixed = 40.0 * stirred(state.x, state.y) + action[0]
    state.y = state.x
    state.x = 3.0 * (mixed - math.floor(mixed)) - 1.5
    return state.x, uniform(rng) < 0.02, False


chaotic = World(
    name="chaotic",
    doc=__doc__,
    observations=(Signal("x", "1"), Signal("y", "1")),
    actions=Box(1),
    senses=(),
    parameters=(),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
)

"""A compiled world with a teacher: what regression learns, and what can be known only after some of it."""

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Signal, World

STATE = np.dtype([("slope", "f8"), ("x", "f8")], align=True)


def born(line, parameters, rng):
    line.slope = 4.0 * uniform(rng) - 2.0


def begin(line, parameters, rng):
    line.x = 2.0 * uniform(rng) - 1.0


def observe(line, parameters, observation):
    observation[0] = line.x


def step(line, parameters, action, senses, rng):
    senses[0] = line.slope * line.x
    error = min(max(action[0], -100.0), 100.0) - senses[0]
    line.x = 2.0 * uniform(rng) - 1.0
    return -error * error, False, False


lines = World(
    name="lines",
    doc="A line through the origin, its slope uniform in -2 .. 2 at birth: the zero line errs by 0.44.",
    observations=(Signal("x", "1"),),
    actions=Box(1),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    senses=(Signal("target", "1", "the right value of the guess just made"),),
)

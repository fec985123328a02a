"""Peck: act at a target by a body that grows, without feedback while one acts.

Fixed in every life: that a body is weak when young and strong when old: of an action a there comes ``g a + phi``, where
the strength g rises from .3 to 1, half of it at an age of `grown_at` and most of it within four times `grown_within`.

Redrawn at birth: that age, normal with standard deviation `jitter`; and the offset phi, normal with standard deviation
`offset`. So both dials say what a timetable in the genome cannot know: when this body grows, and how this life's aim is
off. At 0 and 0 every life is the same, and all of its rise with age can be written down beforehand.

Redrawn at every step: the target, standard normal. It is all that is observed: neither age nor strength. A step is an
act, and an episode. The body's age goes on over episodes.

Fitness: exp(-e^2 / (2 .25^2)) of the miss e, what came less the target; mean per step.

Source: this project; after Hess 1956, "Space perception in the chick", whose pecks scattered less with age while the
error that a prism made stayed.
"""

import math

import numpy as np

from evolearn.rng import normal
from evolearn.world import Box, Circle, Line, Parameter, Signal, World, world_code

WEAK = 0.3  # strength of a young body; an old one has 1
REACH = 0.25  # standard deviation of the bell by which a miss pays

STATE = np.dtype(
    [
        ("age", "f8"),  # steps
        ("grown_at", "f8"),  # age, steps, of this body
        ("offset", "f8"),
        ("target", "f8"),
        ("aim", "f8"),  # the last target
        ("came", "f8"),  # of the last act
        ("acted", "i8"),  # acts so far
    ],
    align=True,
)


@world_code
def strength_of(chick, parameters):
    """Of its body at its age, .3 .. 1."""
    late = (chick.age - chick.grown_at) / parameters.grown_within
    return WEAK + (1.0 - WEAK) / (1.0 + math.exp(-min(max(late, -30.0), 30.0)))


def born(chick, parameters, rng):
    chick.grown_at = parameters.grown_at + parameters.jitter * normal(rng)
    chick.offset = parameters.offset * normal(rng)


def begin(chick, parameters, rng):
    chick.target = normal(rng)


def observe(chick, parameters, observation):
    observation[0] = chick.target


def step(chick, parameters, action, senses, rng):
    chick.aim = chick.target
    chick.came = strength_of(chick, parameters) * action[0] + chick.offset
    chick.acted += 1
    chick.age += 1.0
    miss = (chick.came - chick.aim) / REACH
    return math.exp(-0.5 * miss * miss), True, False


def oracle(chick, parameters, action):
    """Know the body, and the offset."""
    action[0] = (chick.target - chick.offset) / strength_of(chick, parameters)


def draw(chick, parameters):
    """Draw the line of targets: the target now, a ring, and above it the last one and what came of the last act."""
    acted = float(chick.acted > 0)
    return (
        Line(-4.0, 0.0, 4.0, 0.0, role="ground"),
        Circle(float(chick.target), 0.0, 0.25, role="goal", label="target"),
        Circle(float(chick.aim), 1.0, 0.25, role="mark", label="last target", opacity=acted),
        Circle(float(chick.came), 1.0, 0.12, role="self", label="what came", opacity=acted),
    )


peck = World(
    name="peck",
    doc=__doc__,
    observations=(Signal("target", "1"),),
    actions=Box(1, ("push",)),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    parameters=(
        Parameter("offset", 0.0, 0.0, 2.0, "1", "standard deviation over lives of what is added to all that comes"),
        Parameter("jitter", 0.0, 0.0, 1e6, "steps", "standard deviation over lives of the age at which a body grows"),
        Parameter("grown_at", 400.0, 0.0, 1e9, "steps", "mean age at which a body is half grown"),
        Parameter("grown_within", 50.0, 0.1, 1e9, "steps", "width of that rise"),
    ),
)

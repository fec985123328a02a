"""Sinusoid: learn a sine wave from a few of its points, then say its value elsewhere.

Fixed in every life: that the wave has a period of 2 pi, and where it is asked for: x uniform in -5 .. 5.

Redrawn at birth: its amplitude, uniform in 0.1 .. 5, and its phase, uniform in 0 .. pi.

Redrawn at every step: x, which is observed as it is, not scaled. The action is a guess at amplitude * sin(x - phase),
also as it is; only then comes the right value, as the sense `target`. Nothing else shows the wave.

Fitness: the squared error, negative, of `queries` guesses that come after `shots` uncounted ones, in episodes of
shots + queries steps. A counted error weighs (shots + queries) / queries, so that the mean per step over whole episodes
is exactly the mean squared error of the queries, negative: zero for ever earns -4.25, the best fixed guesses -3.01.
A guess is clipped to -100 .. 100. A life of one episode is the task of the paper: learning must stop after the shots
(learner.learn_until), or the queries teach as well. In longer lives the wave stays, and shots come again.

Source: Finn, Abbeel and Levine 2017, section 5.1.
"""

import math

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Circle, Line, Parameter, Signal, World, world_code

REACH = 5.0  # x is within +-REACH
LIMIT = 100.0  # guesses are within +-LIMIT
PIECES = 40  # straight ones that a drawn wave is made of

STATE = np.dtype(
    [
        ("amplitude", "f8"),
        ("phase", "f8"),  # rad
        ("x", "f8"),  # asked for now, rad
        ("last_x", "f8"),  # asked for in the last step, rad
        ("last_guess", "f8"),
        ("age", "i8"),  # steps in this episode
    ],
    align=True,
)


@world_code
def wave_at(wave, x):
    return wave.amplitude * math.sin(x - wave.phase)


def born(wave, parameters, rng):
    wave.amplitude = 0.1 + 4.9 * uniform(rng)
    wave.phase = math.pi * uniform(rng)


def begin(wave, parameters, rng):
    wave.x = REACH * (2.0 * uniform(rng) - 1.0)
    wave.age = 0


def observe(wave, parameters, observation):
    observation[0] = wave.x


def step(wave, parameters, action, senses, rng):
    target = wave_at(wave, wave.x)
    guess = min(max(float(action[0]), -LIMIT), LIMIT)
    episode = parameters.shots + parameters.queries
    weight = episode / parameters.queries if wave.age >= parameters.shots else 0.0
    senses[0] = target
    wave.last_x = wave.x
    wave.last_guess = guess
    wave.x = REACH * (2.0 * uniform(rng) - 1.0)
    wave.age += 1
    return -weight * (guess - target) ** 2, False, wave.age >= episode


def oracle(wave, parameters, action):
    """Say the right value."""
    action[0] = wave_at(wave, wave.x)


def draw(wave, parameters):
    """Draw the wave, the last guess and its error, and where the next guess is asked for."""

    def point(place):
        x = REACH * (2.0 * place / PIECES - 1.0)
        return x, float(wave_at(wave, x))

    guess = float(wave.last_guess)
    asked = float(wave.last_x)
    return (
        *(Line(*point(i), *point(i + 1), role="goal", label=f"wave {i}") for i in range(PIECES)),
        Line(asked, guess, asked, float(wave_at(wave, asked)), role="foe", label="error"),
        Circle(asked, guess, 0.15, role="self", label="guess", opacity=float(wave.age > 0)),
        Line(float(wave.x), -5.0, float(wave.x), 5.0, role="mark", label="asked for next"),
    )


sinusoid = World(
    name="sinusoid",
    doc=__doc__,
    observations=(Signal("x", "rad"),),
    actions=Box(1, ("guess",)),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(Signal("target", "1", "the right value of the guess just made"),),
    parameters=(
        Parameter(
            "shots", 5.0, 0.0, 1000.0, "steps", "guesses at the start of an episode that do not count", whole=True
        ),
        Parameter("queries", 15.0, 1.0, 1e6, "steps", "guesses after them that do", whole=True),
    ),
)

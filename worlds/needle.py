"""Needle: set all switches right at once; nothing tells how near a guess was.

Fixed in every life: how many switches there are (`switches`, at most 20), and that no guess but the right one shows.

Redrawn at birth: the right setting of each switch. With probability `predictability` it is the standard one, on; else
it is drawn, on or off alike. At 1, the default, the pattern is the same in every life and can be inherited switch by
switch; at 0 only luck finds it.

A step is one guess: an action above 0 sets a switch on, any other off. Actions beyond the switches in use do nothing.
There are no episodes: what is found stays found.

Fitness: 1 per guess before the pattern is found and 20 from then on, the guess that finds it included, mean per step.
A life of 1000 steps so earns 1 + 19 n / 1000 with n guesses left, the fitness of Hinton and Nowlan. What differs: here
the finding guess counts among those left, so that who is born right earns 20; guesses come from the brain's policy,
where they had genes fixed at 0 or 1 and fair coins between; and a learner may learn, by the sense `right`, where
theirs only stopped.

Source: Hinton and Nowlan 1987.
"""

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Circle, Parameter, Signal, World

MOST = 20  # switches
STATE = np.dtype(
    [
        ("right", "f8", (MOST,)),  # +1 on, -1 off
        ("guess", "f8", (MOST,)),  # the last one; 0 before the first
        ("found", "f8"),  # 1 once all were right at once
    ],
    align=True,
)


def born(needle, parameters, rng):
    for switch in range(MOST):
        is_standard = uniform(rng) < parameters.predictability
        drawn = 1.0 if uniform(rng) < 0.5 else -1.0
        needle.right[switch] = 1.0 if is_standard else drawn


def begin(needle, parameters, rng):
    pass


def observe(needle, parameters, observation):
    observation[0] = needle.found
    observation[1] = 1.0


def step(needle, parameters, action, senses, rng):
    all_right = True
    for switch in range(MOST):
        needle.guess[switch] = 1.0 if action[switch] > 0.0 else -1.0
        if switch < parameters.switches and needle.guess[switch] != needle.right[switch]:
            all_right = False
    if all_right:
        needle.found = 1.0
    senses[0] = 1.0 if all_right else 0.0
    return 1.0 + 19.0 * needle.found, False, False


def oracle(needle, parameters, action):
    """Set every switch right."""
    for switch in range(MOST):
        action[switch] = needle.right[switch]


def draw(needle, parameters):
    """Draw the switches in a row, on is up: a disc where each should be, a smaller one where it is."""

    def discs(settings, radius, role, label):
        return (
            Circle(
                float(switch),
                0.5 * float(settings[switch]),
                radius,
                role=role,
                label=f"{label} {switch}",
                opacity=float(switch < parameters.switches),
            )
            for switch in range(MOST)
        )

    return *discs(needle.right, 0.4, "goal", "right"), *discs(needle.guess, 0.2, "self", "guess")


needle = World(
    name="needle",
    doc=__doc__,
    observations=(
        Signal("found", "1", "1 from the step after the pattern was found"),
        Signal("constant", "1", "always 1"),
    ),
    actions=Box(MOST, tuple(f"switch {switch}" for switch in range(MOST))),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(Signal("right", "1", "1 in the step of a guess that is all right, whether or not one was before"),),
    parameters=(
        Parameter("switches", 20.0, 1.0, 20.0, "switches", "how many must be right", whole=True),
        Parameter("predictability", 1.0, 0.0, 1.0, "1", "probability that a switch has its standard setting in a life"),
    ),
)

"""Nature and nurture: decide between two actions, by what is usually best or by a cue that may be wrong.

Fixed in every life: how often the modal action, 1, is the best one (`fixity`), and how often the cue is right
(`reliability`).

Redrawn at birth: what the cue means. With probability `meaning_fixed` it has its usual sense, where +1 says that
action 1 is the best one; else the opposite. At 1, the default, every newborn may trust its instinct; at 1/2 each life
must find out.

Redrawn at every decision: the best action, 1 with probability `fixity`, whatever it was before; and the cue, which
names it with probability `reliability`. An episode is one decision. A life of one step is one cue and one decision,
as in the theory; longer lives of brains that do not learn earn the same, only with less luck.

Observed: the cue, +1 or -1, and nothing else: not even what was best before.

Fitness: 1 for the best action, else 0, mean per step. Who follows a cue that it understands earns `reliability`, who
always takes action 1 earns `fixity`, and no policy earns more than the larger: follow if reliability > fixity.

Source: Stephens 1991; Dunlap and Stephens 2009.
"""

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Circle, Discrete, Parameter, Signal, World

STATE = np.dtype([("meaning", "f8"), ("best", "i8"), ("cue", "f8"), ("chosen", "i8")], align=True)


def born(life, parameters, rng):
    life.meaning = 1.0 if uniform(rng) < parameters.meaning_fixed else -1.0
    life.chosen = -1


def begin(life, parameters, rng):
    life.best = 1 if uniform(rng) < parameters.fixity else 0
    is_right = uniform(rng) < parameters.reliability
    life.cue = life.meaning if is_right == (life.best == 1) else -life.meaning


def observe(life, parameters, observation):
    observation[0] = life.cue


def step(life, parameters, action, senses, rng):
    life.chosen = action
    return 1.0 if action == life.best else 0.0, True, False


def oracle(life, parameters, action):
    """Follow the cue, knowing what it means, if that is better than the modal action."""
    return 1 if parameters.fixity >= parameters.reliability or life.cue == life.meaning else 0


def draw(life, parameters):
    """Draw the two actions side by side; above them what the cue usually means, below them what was done last."""
    return (
        *(Circle(float(action), 0.0, 0.3, role="ground", label=f"action {action}") for action in (0, 1)),
        Circle(float(life.best), 0.0, 0.2, role="goal", label="best action"),
        Circle(float(life.cue > 0.0), 0.5, 0.1, role="mark", label="cue"),
        Circle(float(life.chosen), -0.5, 0.1, role="self", label="chosen last", opacity=float(life.chosen >= 0)),
    )


nature_nurture = World(
    name="nature-nurture",
    doc=__doc__,
    observations=(Signal("cue", "1", "+1 or -1"),),
    actions=Discrete(2, ("rare action", "modal action")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    parameters=(
        Parameter("fixity", 0.6, 0.5, 1.0, "1", "probability that the modal action is the best one of a decision"),
        Parameter("reliability", 0.9, 0.5, 1.0, "1", "probability that the cue of a decision is right"),
        Parameter("meaning_fixed", 1.0, 0.5, 1.0, "1", "probability that the cue has its usual sense in a life"),
    ),
)

"""Match: a cue is shown for one step, then it is dark, then a choice is made that the cue decided.

Fixed in every life: that there are two cues and two choices, how many dark steps lie between (`delay`), and, unless
`redrawn` is 1, that the right choice has the number of the cue.

Redrawn at birth, with `redrawn` at 1: the rule. In half of all lives the right choice is the one with the number of
the cue, in the other half the other one. Then the rule must be found out in the first episodes of a life and be kept
over those that follow.

Redrawn in every episode: the cue. An episode is the step in which it is shown, `delay` dark ones and the choice, which
ends it; what is done before the choice changes nothing.

Observed: the cue, one-hot, while it is shown; and 1 when it is time to choose. All else is dark: at the choice nothing
is seen that tells one cue from the other, so that who has no memory is right in half of the episodes, whatever was
inherited or learned.

Fitness: 1 for the right choice, else 0, mean per episode.

Source: delayed matching to sample, Blough 1959; the T-maze of Bakker 2002 is the same with a walk between.
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import MEAN_RETURN_PER_EPISODE, Circle, Discrete, Parameter, Signal, World

NONE = -1  # nothing was chosen yet
STATE = np.dtype([("turned", "i8"), ("cue", "i8"), ("age", "i8"), ("chosen", "i8")], align=True)


def born(life, parameters, rng):
    is_turned = uniform(rng) < 0.5
    life.turned = 1 if is_turned and parameters.redrawn > 0.0 else 0
    life.chosen = NONE


def begin(life, parameters, rng):
    life.cue = integer(rng, 0, 2)
    life.age = 0


def observe(life, parameters, observation):
    for cue in range(2):
        observation[cue] = 1.0 if life.age == 0 and life.cue == cue else 0.0
    observation[2] = 1.0 if life.age > parameters.delay else 0.0


def step(life, parameters, action, senses, rng):
    life.age += 1
    if life.age <= parameters.delay + 1.0:
        return 0.0, False, False
    life.chosen = action
    return 1.0 if action == (life.cue + life.turned) % 2 else 0.0, True, False


def oracle(life, parameters, action):
    """Choose as the rule says of the cue that was shown."""
    return (life.cue + life.turned) % 2


def draw(life, parameters):
    """Draw the two choices side by side; above them the cue while it is shown, below them what was chosen last."""
    is_shown = life.age == 0
    return (
        *(Circle(float(choice), 0.0, 0.3, role="ground", label=f"choice {choice}") for choice in (0, 1)),
        Circle(float((life.cue + life.turned) % 2), 0.0, 0.2, role="goal", label="right choice"),
        Circle(float(life.cue), 0.6, 0.15, role="mark", label="cue", opacity=1.0 if is_shown else 0.2),
        Circle(
            0.5, 0.3, 0.08, role="friend", label="time to choose", opacity=1.0 if life.age > parameters.delay else 0.1
        ),
        Circle(float(life.chosen), -0.5, 0.1, role="self", label="chosen last", opacity=float(life.chosen != NONE)),
    )


match = World(
    name="match",
    doc=__doc__,
    observations=(
        *(Signal(f"cue {cue}", "1", "1 in the step that shows this cue") for cue in range(2)),
        Signal("choose", "1", "1 in the step whose action is the choice"),
    ),
    actions=Discrete(2, ("choice 0", "choice 1")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    fitness_rule=MEAN_RETURN_PER_EPISODE,
    parameters=(
        Parameter("delay", 3.0, 0.0, 1000.0, "steps", "dark steps between the cue and the choice", whole=True),
        Parameter("redrawn", 0.0, 0.0, 1.0, "1", "1: each life draws the rule; 0: it is the same in all", whole=True),
    ),
)

"""Cued bandit: a cue is shown at each step, and each cue has its own right action to be found out.

Fixed in every life: that the right action pays 1 in 9 steps of 10, any other in 1 of 10; and which cues belong
together. There are `cues` of them in use, in `classes` of neighbours that share their right action: with 16 cues in 4
classes cues 0 to 3 do. By default each cue is a class of its own.

Redrawn at birth: the right action of each class. With probability `fixity` it is the modal one, action 0 for class 0,
1 for class 1 and so on, beginning again with 0 after the last; else one of the others, all equally likely. At a fixity
of one in so many actions as there are, the default, all maps from cues to actions are equally likely. At a second
birth each class's action becomes another than it was.

Within life: the next cue is uniform over those in use. After each step, with probability `flip`, the right action of a
class is drawn again, uniform over all actions, each class by itself. Every `rounds` steps a new episode begins; it
changes nothing but the cue that is shown.

Observed: the cue, one-hot, and nothing else. Neither the last action nor what it paid is shown: what a brain remembers
of them is the brain's own matter.

Fitness: what the step paid, mean per step: .9 by the right action, .1 by the others. Of 4 actions random ones earn .3.
Who does the same whatever the cue, and knows which action is right for most of them, is right in .531 of the steps of
4 cues and 4 actions, .688 of 4 and 2, .625 of 2 and 4.

Source: this project; bandits whose best arm a cue tells are contextual bandits, Langford and Zhang 2007.
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import Circle, Discrete, Parameter, Polygon, Signal, World, world_code

NONE = -1  # nothing was done yet
MOST = 16  # cues; all cued bandits have one state, since they share their functions
SURE, RARE = 0.9, 0.1  # how often the right action pays, and any other

STATE = np.dtype(
    [
        ("actions", "i8"),
        ("cues", "i8"),  # in use
        ("classes", "i8"),
        ("right", "i8", (MOST,)),  # action, by cue
        ("cue", "i8"),
        ("shown", "i8"),  # the cue before, which the last action answered
        ("acted", "i8"),
        ("paid", "f8"),
        ("age", "i8"),  # of the episode, steps
    ],
    align=True,
)


@world_code
def begins_a_class(bandit, cue):
    return cue == 0 or cue * bandit.classes // bandit.cues != (cue - 1) * bandit.classes // bandit.cues


@world_code
def deal(bandit, actions, parameters, rng):
    bandit.actions = actions
    bandit.cues = int(parameters.cues)
    bandit.classes = min(int(parameters.classes), bandit.cues)
    modal = -1
    right = 0
    for cue in range(bandit.cues):
        if begins_a_class(bandit, cue):
            modal += 1
            is_modal = uniform(rng) < parameters.fixity
            other = integer(rng, 1, actions)
            right = (modal + (0 if is_modal else other)) % actions
        bandit.right[cue] = right


def born_with_2(bandit, parameters, rng):
    deal(bandit, 2, parameters, rng)


def born_with_4(bandit, parameters, rng):
    deal(bandit, 4, parameters, rng)


def reborn(bandit, parameters, rng):
    """Draw another right action for every class, all others equally likely."""
    further = 0
    for cue in range(bandit.cues):
        if begins_a_class(bandit, cue):
            further = integer(rng, 1, bandit.actions)
        bandit.right[cue] = (bandit.right[cue] + further) % bandit.actions


def begin(bandit, parameters, rng):
    bandit.cue = integer(rng, 0, bandit.cues)
    bandit.acted = NONE
    bandit.paid = 0.0
    bandit.age = 0


def observe(bandit, parameters, observation):
    for cue in range(observation.size):
        observation[cue] = 1.0 if cue == bandit.cue else 0.0


@world_code
def flip(bandit, hazard, rng):
    flips = False
    drawn = 0
    for cue in range(bandit.cues):
        if begins_a_class(bandit, cue):
            flips = uniform(rng) < hazard
            drawn = integer(rng, 0, bandit.actions)
        if flips:
            bandit.right[cue] = drawn


def step(bandit, parameters, action, senses, rng):
    is_right = action == bandit.right[bandit.cue]
    bandit.paid = 1.0 if uniform(rng) < (SURE if is_right else RARE) else 0.0
    bandit.acted = action
    bandit.shown = bandit.cue
    bandit.cue = integer(rng, 0, bandit.cues)
    if parameters.flip > 0.0:
        flip(bandit, parameters.flip, rng)
    bandit.age += 1
    return bandit.paid, False, bandit.age >= parameters.rounds


def oracle(bandit, parameters, action):
    """Do what is right for the cue."""
    return bandit.right[bandit.cue]


def draw(bandit, parameters):
    """Draw a row per cue, its right action marked; the row that is shown now, and the last action in its row."""
    rows = [cue for cue in range(MOST) if cue < bandit.cues]
    acted = bandit.acted != NONE
    return (
        *(
            Circle(float(action), -float(cue), 0.3, role="ground", label=f"action {action} for cue {cue}")
            for cue in rows
            for action in range(bandit.actions)
        ),
        *(
            Circle(float(bandit.right[cue]), -float(cue), 0.2, role="goal", label=f"right for cue {cue}")
            for cue in rows
        ),
        Polygon(
            tuple((x, y - float(bandit.cue)) for x, y in ((-1.0, 0.2), (-0.6, 0.0), (-1.0, -0.2))),
            role="mark",
            label="cue",
        ),
        Circle(float(bandit.acted), -float(bandit.shown), 0.1, role="self", label="acted", opacity=float(acted)),
        Circle(
            float(bandit.acted), -float(bandit.shown), 0.05, role="friend", label="paid", opacity=float(bandit.paid)
        ),
    )


def with_size(cues, actions, rounds, name, first_line, born):
    """A cued bandit, and how it is born."""
    return World(
        name=name,
        doc=first_line + __doc__[__doc__.index("\n") :],
        observations=tuple(Signal(f"cue {cue}", "1", "1 if this cue is shown") for cue in range(cues)),
        actions=Discrete(actions, tuple(f"action {action}" for action in range(actions))),
        state=STATE,
        born=born,
        reborn=reborn,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        parameters=(
            Parameter("cues", cues, 1.0, cues, "cues", "how many are in use, from cue 0 on", whole=True),
            Parameter("classes", cues, 1.0, cues, "classes", "of cues that share their right action", whole=True),
            Parameter("fixity", 1.0 / actions, 0.0, 1.0, "1", "probability that a class has its modal action"),
            Parameter("flip", 0.0, 0.0, 1.0, "1 / step", "probability that a class's right action is drawn again"),
            Parameter("rounds", rounds, 1.0, 1e6, "steps", "length of an episode", whole=True),
        ),
    )


FIRST_LINE = "Cued bandit, {} cues and {} actions: each cue has a right action of its own to be found out."
cued_bandit = with_size(4, 4, 200.0, "cued-bandit", FIRST_LINE.format(4, 4), born_with_4)
cued_bandit_2x4 = with_size(2, 4, 100.0, "cued-bandit-2x4", FIRST_LINE.format(2, 4), born_with_4)
cued_bandit_4x2 = with_size(4, 2, 100.0, "cued-bandit-4x2", FIRST_LINE.format(4, 2), born_with_2)
cued_bandit_16x4 = with_size(16, 4, 800.0, "cued-bandit-16x4", FIRST_LINE.format(16, 4), born_with_4)

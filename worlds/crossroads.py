"""Crossroads: choose a way that proves good or bad much later, and dodge at once whatever looms.

Fixed in every life: an episode is a fork, a corridor of 8 steps, in which one is carried whatever one does, and a
payoff at its end. At the fork each of two doors shows three features, drawn anew from a standard normal distribution;
in the corridor those of the door that was taken stay in sight. The payoff is their sum weighed by .800, -.500 and
.330, scaled to length 1, and a random number of standard deviation 1. With probability .05 per step something looms, on
the left or on the right, seen until it is over: who dodges to the other side within 3 steps is spared, who does not, or
dodges towards it, is struck. That costs 1 and shows as pain in the next observation. To dodge where nothing looms costs
.02, and at the fork a step.

Redrawn at birth: what the two door actions do. With probability `fixity` each takes the door of its name, else the
other one, and nothing shows it. At .5, the default, what a door is worth can be known at birth, but not how to take
it; at 1 it can. At a second birth it becomes the other way round.

Fitness: payoffs, blows and needless dodges, mean per step.

The senses score the two halves apart; a learner should not be given them. A decision is what the door taken was worth
less the other, halved: .564, one over the root of pi, per choice at best and on average, 0 by chance. A reflex is
whether what loomed was dodged.

Source: this project; evolved values against reflexes after Ackley and Littman 1991.
"""

import math

import numpy as np

from evolearn.rng import normal, normal_pair, uniform
from evolearn.world import Circle, Discrete, Line, Parameter, Polygon, Signal, World, world_code

FEATURES = 3
WORTH = np.array([0.8, -0.5, 0.33]) / math.sqrt(0.8**2 + 0.5**2 + 0.33**2)
LENGTH = 8  # steps of the corridor
LOOMS = 0.05  # probability per step
IN_TIME = 3  # steps to dodge in
BLOW, NEEDLESS = 1.0, 0.02
NOISE = 1.0  # standard deviation of a payoff
FORK = 0  # place; in the corridor places count from 1
LEFT, RIGHT = 0, 1
DODGES = 2  # from this action on: to the left, to the right
CORRIDOR, DOORS, HERE = 1, 2, 2 + 2 * FEATURES  # where observations begin; the fork is the first
LOOMING, PAIN, CONSTANT = HERE + FEATURES, HERE + FEATURES + 2, HERE + FEATURES + 3

STATE = np.dtype(
    [
        ("swapped", "i8"),  # 1 if door actions take the other door
        ("features", "f8", (2, FEATURES)),  # of each door
        ("taken", "i8"),  # door
        ("place", "i8"),
        ("looming", "i8"),  # for how many steps, 0 if nothing does
        ("side", "i8"),
        ("pain", "i8"),
    ],
    align=True,
)


@world_code
def worth(walker, door):
    total = 0.0
    for k in range(FEATURES):
        total += WORTH[k] * walker.features[door, k]
    return total


def born(walker, parameters, rng):
    walker.swapped = 0 if uniform(rng) < parameters.fixity else 1


def reborn(walker, parameters, rng):
    """Swap the doors that actions take."""
    walker.swapped = 1 - walker.swapped


def begin(walker, parameters, rng):
    # What looms goes on looming, and pain is felt: only the way is over.
    walker.place = FORK
    for k in range(FEATURES):
        walker.features[LEFT, k], walker.features[RIGHT, k] = normal_pair(rng)


def observe(walker, parameters, observation):
    observation[:] = 0.0
    if walker.place == FORK:
        observation[0] = 1.0
        for door in range(2):
            for k in range(FEATURES):
                observation[DOORS + FEATURES * door + k] = walker.features[door, k]
    else:
        observation[CORRIDOR] = 1.0
        for k in range(FEATURES):
            observation[HERE + k] = walker.features[walker.taken, k]
    if walker.looming > 0:
        observation[LOOMING + walker.side] = 1.0
    observation[PAIN] = float(walker.pain)
    observation[CONSTANT] = 1.0


@world_code
def loom(walker, action, senses, rng):
    """Move on what looms, or have something loom; the cost of it."""
    walker.pain = 0
    if walker.looming == 0:
        if uniform(rng) < LOOMS:
            walker.looming = 1
            walker.side = LEFT if uniform(rng) < 0.5 else RIGHT
        return NEEDLESS if action >= DODGES else 0.0
    if action == DODGES + 1 - walker.side:
        walker.looming = 0
        senses[2] = 1.0
        return 0.0
    if action >= DODGES or walker.looming == IN_TIME:
        walker.looming = 0
        walker.pain = 1
        senses[3] = 1.0
        return BLOW
    walker.looming += 1
    return 0.0


def step(walker, parameters, action, senses, rng):
    senses[:] = 0.0
    fitness = -loom(walker, action, senses, rng)
    if walker.place > FORK:
        walker.place += 1
    elif action < DODGES:
        walker.taken = 1 - action if walker.swapped == 1 else action
        walker.place = 1
        senses[0] = 1.0
        senses[1] = 0.5 * (worth(walker, walker.taken) - worth(walker, 1 - walker.taken))
    else:
        senses[4] = 1.0
    is_over = walker.place > LENGTH
    if is_over:
        fitness += worth(walker, walker.taken) + NOISE * normal(rng)
    return fitness, is_over, False


def oracle(walker, parameters, action):
    """Take the better door, and dodge in the corridor, where that costs no step; what looms leaves time for it."""
    if walker.looming > 0 and (walker.place > FORK or walker.looming == IN_TIME):
        return DODGES + 1 - walker.side
    door = LEFT if worth(walker, LEFT) > worth(walker, RIGHT) else RIGHT
    return 1 - door if walker.swapped == 1 else door


def draw(walker, parameters):
    """Draw both ways from above, by what they are worth left and right of each other, and what looms beside."""
    far = walker.place > FORK
    x = 2.0 * walker.taken - 1.0 if far else 0.0
    top = float(LENGTH + 1)
    y = float(walker.place)

    def bar(door):
        at, high = 2.0 * door - 1.0, 0.5 * worth(walker, door)
        return (at - 0.3, top + 2.0), (at + 0.3, top + 2.0), (at + 0.3, top + 2.0 + high), (at - 0.3, top + 2.0 + high)

    near = float(IN_TIME + 1 - walker.looming)
    return (
        *(Line(0.0, 0.0, at, 1.0, role="ground", label="door") for at in (-1.0, 1.0)),
        *(Line(at, 1.0, at, top, role="ground", label="corridor") for at in (-1.0, 1.0)),
        *(Polygon(bar(door), role="goal", label=("worth, left", "worth, right")[door]) for door in (LEFT, RIGHT)),
        Circle(
            x + near * (2.0 * walker.side - 1.0), y, 0.4, role="foe", label="looms", opacity=float(walker.looming > 0)
        ),
        Circle(x, y, 0.5, role="mark", label="pain", opacity=float(walker.pain)),
        Circle(x, y, 0.3, role="self", label="walker"),
    )


crossroads = World(
    name="crossroads",
    doc=__doc__,
    observations=(
        Signal("fork", "1", "1 at the fork"),
        Signal("corridor", "1", "1 in the corridor"),
        *(
            Signal(f"{door} door {k}", "1", "a feature, seen at the fork")
            for door in ("left", "right")
            for k in range(FEATURES)
        ),
        *(Signal(f"here {k}", "1", "a feature of the door taken, seen in the corridor") for k in range(FEATURES)),
        *(Signal(f"looms {side}", "1", "1 while something does") for side in ("left", "right")),
        Signal("pain", "1", "1 after a blow"),
        Signal("constant", "1", "always 1"),
    ),
    actions=Discrete(4, ("left door", "right door", "dodge left", "dodge right")),
    state=STATE,
    born=born,
    reborn=reborn,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("choice", "1", "1 in a step that took a door"),
        Signal("decision", "1", "then: worth of the door taken less the other, halved; else 0"),
        Signal("dodged", "1", "1 in a step that dodged what loomed"),
        Signal("struck", "1", "1 in a step that was struck"),
        Signal("waited", "1", "1 in a step at the fork that took no door"),
    ),
    parameters=(
        Parameter("fixity", 0.5, 0.0, 1.0, "1", "how often a life's door actions take the doors of their names"),
    ),
)

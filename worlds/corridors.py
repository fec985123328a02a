"""Corridors: choose one of two, walk to its end, and find out there whether it was the right one.

Fixed in every life: two corridors of `delay` steps, one of which pays 1 at its end, the other nothing, and that every
step in a corridor pays besides a random number of mean 0 and standard deviation `noise`. An episode is the choice,
which pays nothing, and `delay` steps on, in which one is carried whatever one does; the last ends it.

Redrawn at birth: which corridor is the right one, each in half of all lives; and what the smell means. In a corridor it
is 1 or -1: with probability `reliability` 1 in the right one and -1 in the other, else the reverse, for the whole
life. So an inborn value of the smell knows, once one is inside, what a learner must learn from pay that is late and
noisy. At 1, the default, it is never wrong; at .5 it says nothing. It is `smell` times as strong; at 0 there is none,
and nothing but where one is tells one corridor from the other. At a second birth the other corridor becomes the right
one, and what the smell means is drawn again.

Observed: whether one stands at the fork; the smell, 0 at the fork; and one-hot, for each corridor, how far one is. At
the fork nothing is seen that tells one corridor from the other. Both sizes are the same world, for delays up to 20 and
up to 80; a short one has fewer observations.

Fitness: what was paid, mean return per episode: the share of right choices, and noise.

Source: this project; delayed reward under noise after Arjona-Medina et al. 2019, "RUDDER".
"""

import numpy as np

from evolearn.rng import normal, uniform
from evolearn.world import MEAN_RETURN_PER_EPISODE, Circle, Discrete, Line, Parameter, Signal, World

FORK = 0  # place; within a corridor places count from 1
SEEN_FIRST = 2  # observations before the places

STATE = np.dtype(
    [
        ("right", "i8"),  # corridor
        ("sweet", "i8"),  # the corridor where the smell is 1
        ("corridor", "i8"),  # where one is, or was last
        ("place", "i8"),
    ],
    align=True,
)


def born(walker, parameters, rng):
    walker.right = 0 if uniform(rng) < 0.5 else 1
    walker.sweet = walker.right if uniform(rng) < parameters.reliability else 1 - walker.right


def reborn(walker, parameters, rng):
    """Make the other corridor the right one."""
    walker.right = 1 - walker.right
    walker.sweet = walker.right if uniform(rng) < parameters.reliability else 1 - walker.right


def begin(walker, parameters, rng):
    walker.place = FORK


def observe(walker, parameters, observation):
    observation[:] = 0.0
    if walker.place == FORK:
        observation[0] = 1.0
        return
    observation[1] = parameters.smell if walker.corridor == walker.sweet else -parameters.smell
    longest = (observation.size - SEEN_FIRST) // 2
    # The end is seen as the last place: nobody acts there.
    observation[SEEN_FIRST + walker.corridor * longest + min(walker.place, int(parameters.delay)) - 1] = 1.0


def step(walker, parameters, action, senses, rng):
    senses[0] = 0.0
    senses[1] = 0.0
    if walker.place == FORK:
        walker.corridor = action
        walker.place = 1
        senses[0] = 1.0
        senses[1] = 1.0 if action == walker.right else 0.0
        return 0.0, False, False
    walker.place += 1
    is_over = walker.place > parameters.delay
    paid = parameters.noise * normal(rng)
    if is_over and walker.corridor == walker.right:
        paid += 1.0
    return paid, is_over, False


def oracle(walker, parameters, action):
    """Choose the right corridor."""
    return walker.right


def draw(walker, parameters):
    """Draw both corridors from above, the right one's end marked, and who walks them."""
    delay = float(parameters.delay)
    far = walker.place > FORK
    y = 1.0 - 2.0 * walker.corridor if far else 0.0
    return (
        *(Line(0.0, 0.0, 1.0, side, role="ground", label="fork") for side in (1.0, -1.0)),
        *(Line(1.0, side, delay + 1.0, side, role="ground", label="corridor") for side in (1.0, -1.0)),
        Circle(delay + 1.0, 1.0 - 2.0 * walker.right, 0.4, role="goal", label="right end"),
        Circle(0.5, 0.5 - 1.0 * walker.sweet, 0.1, role="mark", label="sweet smell"),
        Circle(float(walker.place), y, 0.3, role="self", label="walker"),
    )


def up_to(longest, name, first_line):
    """Corridors of at most so many steps."""
    return World(
        name=name,
        doc=first_line + __doc__[__doc__.index("\n") :],
        observations=(
            Signal("fork", "1", "1 at the fork"),
            Signal("smell", "1", "1 or -1 in a corridor, 0 at the fork"),
            *(
                Signal(f"corridor {corridor} step {place}", "1", "1 while there")
                for corridor in (0, 1)
                for place in range(1, longest + 1)
            ),
        ),
        actions=Discrete(2, ("corridor 0", "corridor 1")),
        state=STATE,
        born=born,
        reborn=reborn,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        senses=(
            Signal("choice", "1", "1 in a step at the fork"),
            Signal("right choice", "1", "1 if it chose the right corridor; no learner should be given it"),
        ),
        parameters=(
            Parameter("delay", 5.0, 1.0, longest, "steps", "in a corridor, from its mouth to the pay", whole=True),
            Parameter("noise", 0.3, 0.0, 100.0, "1", "standard deviation of what a step in a corridor pays"),
            Parameter("reliability", 1.0, 0.0, 1.0, "1", "how often a life's smell is 1 in the right corridor"),
            Parameter("smell", 1.0, 0.0, 1.0, "1", "how strong it is; 0: there is no smell"),
        ),
        fitness_rule=MEAN_RETURN_PER_EPISODE,
    )


FIRST_LINE = "Corridors, up to {} steps long: choose one of two, and find out at its end whether it was the right one."
corridors = up_to(20, "corridors", FIRST_LINE.format(20))
corridors_80 = up_to(80, "corridors-80", FIRST_LINE.format(80))

"""Chain: a right action leads one link on, a wrong one back to the start; how far one is, is seen.

Fixed in every life: the number of links (`links`, at most 24) and of actions, four; that only the last link pays, or,
with `each` at 1, every one; and that a pay is wrong with probability `noise`: nothing for a right action, 1 for
another. What does not pay has no noise. A link's right action is that of the standard order where it is not redrawn.

Redrawn at birth: each link with probability `redrawn`, all four actions alike; at 1, the default, all of them, at 0
none. What is drawn at birth is of the birth alone, so that lives with one birth share a secret.

Within life: with probability `hazard` per step one of the links, any of them, is drawn anew; so that one of n links is
with hazard / n. Such changes are the luck of a life.

The last link ends the episode, and the next begins at the start; nothing else ends one. Observed is the link where one
stands, one-hot. So who wants to be where it was seldom gets ever further, and finds the end of a chain that nobody
finds at random.

Fitness: what was paid, mean per step: 1 / n at best where the last of n links pays, 1 where each does, both without
noise; with a noise of v, v + (1 - 2 v) of each pay that could be.

Source: this project; chains that reset: Koenig and Simmons 1993, "Complexity Analysis of Real-Time Reinforcement
Learning".
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import Circle, Discrete, Line, Parameter, Signal, World

ACTIONS = 4
MOST = 24  # links
# Right where nothing is redrawn: no two links in a row alike, so that no liking for one action leads far.
STANDARD = np.array([2, 0, 3, 1, 0, 2, 1, 3, 2, 1, 0, 3, 1, 2, 3, 0, 1, 3, 0, 2, 3, 2, 0, 1])

STATE = np.dtype(
    [
        ("right", "i8", (MOST,)),  # action at each link
        ("place", "i8"),  # link where one stands
    ],
    align=True,
)


def ever_reached(links, steps, actions=ACTIONS):
    """Share of lives that ever pass all links by uniform actions.

    Args:
        links: of the chain.
        steps: of a life.
        actions: one of which is right.
    """
    passed, at = 0.0, np.zeros(links)
    at[0] = 1.0
    for _ in range(steps):
        on = at / actions
        passed += on[-1]
        fallen = (1.0 - 1.0 / actions) * at.sum()
        at[1:], at[0] = on[:-1], fallen
    return float(passed)


def steps_at_random(links, actions=ACTIONS):
    """Mean steps by which uniform actions first pass all links."""
    return float((actions**links - 1) * actions / (actions - 1))


def born(chain, parameters, rng):
    for link in range(int(parameters.links)):
        is_redrawn = uniform(rng) < parameters.redrawn
        drawn = integer(rng, 0, ACTIONS)
        chain.right[link] = drawn if is_redrawn else STANDARD[link]


def begin(chain, parameters, rng):
    chain.place = 0


def observe(chain, parameters, observation):
    observation[:] = 0.0
    observation[chain.place] = 1.0


def step(chain, parameters, action, senses, rng):
    links = int(parameters.links)
    is_right = action == chain.right[chain.place]
    is_last = chain.place == links - 1
    is_flipped = uniform(rng) < parameters.noise
    pays = (is_last or parameters.each > 0.0) and is_right != is_flipped
    ends = is_last and is_right
    if not ends:  # the end is seen as the last link: nobody acts there
        chain.place = chain.place + 1 if is_right else 0
    if uniform(rng) < parameters.hazard:
        chain.right[integer(rng, 0, links)] = integer(rng, 0, ACTIONS)
    return 1.0 if pays else 0.0, ends, False


def oracle(chain, parameters, action):
    """Do what is right at this link."""
    return chain.right[chain.place]


def draw(chain, parameters):
    """Draw the links in a row, the right action of each as a height, and who stands at one of them."""
    links = range(int(parameters.links))
    return (
        Line(0.0, -0.5, float(links[-1]), -0.5, role="ground", label="chain"),
        *(Circle(float(link), float(chain.right[link]), 0.3, role="goal", label=f"right {link}") for link in links),
        Circle(float(chain.place), -0.5, 0.3, role="self", label="where one is"),
    )


chain = World(
    name="chain",
    doc=__doc__,
    observations=tuple(Signal(f"link {link}", "1", "1 while there") for link in range(MOST)),
    actions=Discrete(ACTIONS, tuple(f"action {action}" for action in range(ACTIONS))),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    parameters=(
        Parameter("links", 8.0, 1.0, MOST, "links", "from the start to the end", whole=True),
        Parameter("redrawn", 1.0, 0.0, 1.0, "1 / link", "probability that a life draws what is right there"),
        Parameter("each", 0.0, 0.0, 1.0, "1", "1: each link pays; 0: only the last one does", whole=True),
        Parameter("noise", 0.0, 0.0, 1.0, "1 / step", "probability that what a step pays is the reverse"),
        Parameter("hazard", 0.0, 0.0, 1.0, "1 / step", "probability that one of the links is drawn anew"),
    ),
)

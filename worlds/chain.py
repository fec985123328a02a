"""Chain: a right action leads one link on, a wrong one back to the start; how far one is, is seen.

Fixed in every life: the number of links (`links`, at most 24) and of actions, four; that only the last link pays, or,
with `each` at 1, every one; and that a pay is wrong with probability `noise`: nothing for a right action, 1 for
another. What does not pay has no noise. A link's right action is that of the standard order where it is not redrawn.

Redrawn at birth: each link with probability `redrawn`, all four actions alike; at 1, the default, all of them, at 0
none. What is drawn at birth is of the birth alone, so that lives with one birth share a secret.

Within life: with probability `hazard` per step one of the links, any of them, is drawn anew; so that one of n links is
with hazard / n. When, and how, is of the birth as well: lives with one birth see the same changes, and who is born into
the chain when it is older finds it as these have left it.

Luck of each life: with `scattered` at 1 the link where it starts, and all its episodes do, any of them; at 0 the first.

Deadly: a wrong action kills with probability `deadly`. Who is dead sees no link and earns nothing for the rest of the
life; no episode ends.

The last link ends the episode, and the next begins at the start; nothing else ends one. Observed is the link where one
stands, one-hot. So who wants to be where it was seldom gets ever further, and finds the end of a chain that nobody
finds at random.

Fitness: what was paid, mean per step: 1 / n at best where the last of n links pays, 1 where each does, both without
noise; with a noise of v, v + (1 - 2 v) of each pay that could be.

Source: this project; chains that reset: Koenig and Simmons 1993, "Complexity Analysis of Real-Time Reinforcement
Learning".
"""

import math

import numpy as np

from evolearn.rng import RNG_SIZE, integer, uniform, world_age
from evolearn.world import Circle, Discrete, Line, Parameter, Signal, World, world_code

ACTIONS = 4
MOST = 24  # links
UNKNOWN = -1
NEVER = 1e15  # steps
# Right where nothing is redrawn: no two links in a row alike, so that no liking for one action leads far.
STANDARD = np.array([2, 0, 3, 1, 0, 2, 1, 3, 2, 1, 0, 3, 1, 2, 3, 0, 1, 3, 0, 2, 3, 2, 0, 1])

STATE = np.dtype(
    [
        ("right", "i8", (MOST,)),  # action at each link
        ("place", "i8"),  # link where one stands
        ("start", "i8"),  # link where episodes begin; UNKNOWN until the first one does
        ("dead", "i8"),  # 1 or 0
        ("age", "i8"),  # steps of the chain, of lives before this one too
        ("changes", "f8"),  # age at which a link is drawn next
        ("course", "i8", (RNG_SIZE,)),  # from which these are drawn
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


@world_code
def steps_between(parameters, rng):
    """Steps from one change to the next: geometric, 1 or more."""
    if parameters.hazard >= 1.0:
        return 1.0
    return 1.0 + math.floor(min(math.log(uniform(rng)) / math.log1p(-parameters.hazard), NEVER))


@world_code
def change_until(chain, parameters, age):
    """Let the chain change as it does until so many steps are over."""
    while chain.changes <= age:
        chain.right[integer(chain.course, 0, int(parameters.links))] = integer(chain.course, 0, ACTIONS)
        chain.changes += steps_between(parameters, chain.course)


def born(chain, parameters, rng):
    for link in range(int(parameters.links)):
        is_redrawn = uniform(rng) < parameters.redrawn
        drawn = integer(rng, 0, ACTIONS)
        chain.right[link] = drawn if is_redrawn else STANDARD[link]
    chain.start = UNKNOWN
    chain.changes = NEVER
    if parameters.hazard > 0.0:  # else two births with the same links are the same
        chain.age = world_age(rng)
        for i in range(RNG_SIZE):
            chain.course[i] = rng[i]
        chain.changes = steps_between(parameters, chain.course)
        change_until(chain, parameters, chain.age)


def begin(chain, parameters, rng):
    if chain.start == UNKNOWN:
        chain.start = integer(rng, 0, int(parameters.links)) if parameters.scattered > 0.0 else 0
    chain.place = chain.start


def observe(chain, parameters, observation):
    observation[:] = 0.0
    if chain.dead == 0:
        observation[chain.place] = 1.0


def step(chain, parameters, action, senses, rng):
    chain.age += 1
    if chain.dead > 0:
        return 0.0, False, False
    is_right = action == chain.right[chain.place]
    is_last = chain.place == int(parameters.links) - 1
    is_flipped = uniform(rng) < parameters.noise
    pays = (is_last or parameters.each > 0.0) and is_right != is_flipped
    ends = is_last and is_right
    if not ends:  # the end is seen as the last link: nobody acts there
        chain.place = chain.place + 1 if is_right else chain.start
    if not is_right and parameters.deadly > 0.0 and uniform(rng) < parameters.deadly:
        chain.dead = 1
    change_until(chain, parameters, chain.age)
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
        Parameter(
            "deadly", 0.0, 0.0, 1.0, "1 / mistake", "probability that a wrong action kills, for the rest of life"
        ),
        Parameter(
            "scattered", 0.0, 0.0, 1.0, "1", "1: each life starts at a link of its own; 0: at the first", whole=True
        ),
    ),
)

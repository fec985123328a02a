"""Foraging: gather food of two colours in the open, one of them wholesome and the other poisonous, until they swap.

Fixed in every life: a field of 10 x 10 m whose opposite edges meet, 4 blue and 4 red items on it, and a forager that
walks up to 0.3 m per step in any direction and eats whatever comes within 0.5 m. An eaten item grows again somewhere
else. It sees where the nearest item of each colour is.

Its energy, meals of late net of poison, is observed too: a memory of reward, from which an instinct alone can tell
after a bite or two whether what it eats is good. `shown` says how strongly: at 1, the default, as it is; at 0 it is
hidden, and what is wholesome can be told by learning or by memory alone.

Redrawn at birth: which colour is wholesome. It is blue with probability (1 + predictability) / 2: always with 1, in
every second life with 0, the default. Where items and forager are.

Within a life the colours swap with probability `hazard` per step; 0, the default, is never.

Fitness: +1 for an item of the wholesome colour, -1 for one of the other; a life counts its mean per step. Nothing ends
an episode: a life is one.

Source: defined for this project, after the question of learned food preferences, Stephens 1991, "Change, regularity,
and value in the evolution of animal learning".
"""

import math

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Circle, Line, Parameter, Signal, World, world_code

SIDE = 10.0  # m
SPEED = 0.3  # m per step
REACH = 0.5  # m
ITEMS = 4  # of each colour
BLUE, RED = 0, 1
LINGERS = 0.98  # share of the energy that is left after a step
MEAL = 0.2  # energy

STATE = np.dtype(
    [
        ("wholesome", "i8"),  # colour, BLUE or RED
        ("x", "f8"),  # m, 0 .. SIDE
        ("y", "f8"),
        ("item_x", "f8", (2, ITEMS)),  # m, of each colour
        ("item_y", "f8", (2, ITEMS)),
        ("energy", "f8"),  # -1 .. 1, of late meals
    ],
    align=True,
)


@world_code
def across(there, here):
    """How far it is from here to there along one axis, the short way round; m, -SIDE / 2 .. SIDE / 2."""
    return (there - here + 1.5 * SIDE) % SIDE - 0.5 * SIDE


@world_code
def distance(x, y):
    return math.sqrt(x * x + y * y)


@world_code
def nearest(forager, colour, x, y):
    """Where the item of a colour is that is nearest to x, y, as seen from there; all seen from the forager, m."""
    best_x, best_y = SIDE, SIDE
    for i in range(ITEMS):
        dx = across(forager.item_x[colour, i], forager.x + x)
        dy = across(forager.item_y[colour, i], forager.y + y)
        if distance(dx, dy) < distance(best_x, best_y):
            best_x, best_y = dx, dy
    return best_x, best_y


@world_code
def grow(forager, colour, i, rng):
    """Put an item anywhere but within reach: nobody is fed without a step."""
    near = True
    while near:
        forager.item_x[colour, i] = SIDE * uniform(rng)
        forager.item_y[colour, i] = SIDE * uniform(rng)
        dx = across(forager.item_x[colour, i], forager.x)
        near = distance(dx, across(forager.item_y[colour, i], forager.y)) < REACH + SPEED


def born(forager, parameters, rng):
    forager.wholesome = BLUE if uniform(rng) < 0.5 * (1.0 + parameters.predictability) else RED
    forager.x = SIDE * uniform(rng)
    forager.y = SIDE * uniform(rng)
    for colour in range(2):
        for i in range(ITEMS):
            grow(forager, colour, i, rng)


def begin(forager, parameters, rng):
    forager.energy = 0.0


def observe(forager, parameters, observation):
    for colour in range(2):
        x, y = nearest(forager, colour, 0.0, 0.0)
        away = max(distance(x, y), 1e-9)
        observation[3 * colour] = x / away
        observation[3 * colour + 1] = y / away
        observation[3 * colour + 2] = 1.0 / (1.0 + away)
    observation[6] = parameters.shown * forager.energy
    observation[7] = 1.0


def step(forager, parameters, action, senses, rng):
    if uniform(rng) < parameters.hazard:
        forager.wholesome = 1 - forager.wholesome
    length = max(distance(action[0], action[1]), 1.0)
    forager.x = (forager.x + SPEED * action[0] / length) % SIDE
    forager.y = (forager.y + SPEED * action[1] / length) % SIDE
    senses[:] = 0.0
    for colour in range(2):
        for i in range(ITEMS):
            dx = across(forager.item_x[colour, i], forager.x)
            if distance(dx, across(forager.item_y[colour, i], forager.y)) < REACH:
                senses[colour] += 1.0
                grow(forager, colour, i, rng)
    gain = senses[forager.wholesome] - senses[1 - forager.wholesome]
    before = forager.energy
    forager.energy = min(max(LINGERS * before + MEAL * gain, -1.0), 1.0)
    senses[2] = 5.0 * (forager.energy - before)
    return gain, False, False


def oracle(forager, parameters, action):
    """Walk to the nearest wholesome item that no poison is beside, and around poison on the way."""
    x, y, cost = 0.0, 0.0, 4.0 * SIDE
    for i in range(ITEMS):
        dx = across(forager.item_x[forager.wholesome, i], forager.x)
        dy = across(forager.item_y[forager.wholesome, i], forager.y)
        bad_x, bad_y = nearest(forager, 1 - forager.wholesome, dx, dy)
        price = distance(dx, dy) + (SIDE if distance(bad_x, bad_y) < 2.0 * REACH else 0.0)
        if price < cost:
            x, y, cost = dx, dy, price
    away = max(distance(x, y), 1e-9)
    action[0], action[1] = x / away, y / away
    bad_x, bad_y = nearest(forager, 1 - forager.wholesome, 0.0, 0.0)
    bad = max(distance(bad_x, bad_y), 1e-9)
    ahead = (x * bad_x + y * bad_y) / away
    left = (x * bad_y - y * bad_x) / away
    in_the_way = 0.0 < ahead < away and abs(left) < 1.1 * REACH and bad < REACH + 1.2 * SPEED
    if in_the_way and cost < SIDE:
        side = 1.0 if left > 0.0 else -1.0
        action[0], action[1] = (side * bad_y - 0.2 * bad_x) / bad, (-side * bad_x - 0.2 * bad_y) / bad


def draw(forager, parameters):
    """Draw the field from above, with a ring around what is wholesome now."""
    edge = [(0.0, 0.0), (SIDE, 0.0), (SIDE, SIDE), (0.0, SIDE)]
    items = [
        (colour, float(forager.item_x[colour, i]), float(forager.item_y[colour, i]))
        for colour in (BLUE, RED)
        for i in range(ITEMS)
    ]
    return (
        *(Line(*edge[i - 1], *edge[i], role="ground", label="edge") for i in range(4)),
        *(Circle(x, y, 0.2, role=("friend", "foe")[colour], label=("blue", "red")[colour]) for colour, x, y in items),
        *(
            Circle(x, y, REACH, role="goal", label="wholesome", opacity=1.0 if colour == forager.wholesome else 0.0)
            for colour, x, y in items
        ),
        Circle(float(forager.x), float(forager.y), 0.25, role="self", label="forager"),
    )


foraging = World(
    name="foraging",
    doc=__doc__,
    observations=(
        Signal("blue east", "1", "direction of the nearest blue item, a vector of length 1"),
        Signal("blue north", "1"),
        Signal("blue nearness", "1", "1 at no distance, 1/2 at 1 m"),
        Signal("red east", "1"),
        Signal("red north", "1"),
        Signal("red nearness", "1"),
        Signal("energy", "1", "meals of the last fifty steps or so, times `shown`"),
        Signal("constant", "1", "always 1"),
    ),
    actions=Box(2, ("east", "north")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("ate blue", "1", "items in this step"),
        Signal("ate red", "1"),
        Signal("energy change", "1/5", "energy won or lost in this step"),
    ),
    parameters=(
        Parameter("predictability", 0.0, 0.0, 1.0, "1", "how surely blue is wholesome at birth; see above"),
        Parameter("hazard", 0.0, 0.0, 1.0, "1/step", "how likely the colours swap in a step"),
        Parameter("shown", 1.0, 0.0, 1.0, "1", "how strongly energy is observed"),
    ),
)

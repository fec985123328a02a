"""Hungry-thirsty: eat as often as possible in a small maze, where who is thirsty cannot eat.

Fixed in every life: a grid of 6 x 6 cells and its walls (see PLAN). Six actions: four moves, which always succeed
unless a wall is there, to eat and to drink. Eating works at the food and only for who is not thirsty; it stills hunger
for one step. Drinking works at the water. In every other step thirst returns with probability 0.1.

Redrawn at birth: food and water, in two different corners, and where the newborn stands, any cell. `placements` says
which of the 12 placements there are: 0, the 8 for evolution, where water is opposite the food or one corner
anticlockwise from it; 1, the 4 held out, where it is one corner clockwise; 2, the default, all 12; 3 to 14, one of
them, the held-out ones first. In both sets each corner has the food, and the water, equally often.

Nothing ends an episode: a life is one. It begins hungry and thirsty.

Fitness: 1 in each step spent not hungry, which is the step of a meal, else 0. Water is no part of it.

Source: Singh, Lewis and Barto 2009, "Where do rewards come from?", the hungry-thirsty domain. The split and the start
in any cell are this project's.
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import MOVES, Circle, Discrete, FloorPlan, Parameter, Polygon, Signal, World, world_code

PLAN = FloorPlan(
    (
        ". . . . . .",
        "",
        ". . .|. . .",
        "",
        ". . .|. . .",
        "- - - - -",
        ". . .|. . .",
        "",
        ". . . . . .",
        "",
        ". . .|. . .",
    )
)
LEADS = PLAN.leads
DISTANCES = PLAN.distances
CORNERS = np.array([0, 5, 35, 30])  # clockwise from the north-west
EAT, DRINK = 4, 5
THIRST = 0.1  # probability per step
FOR_EVOLUTION, HELD_OUT, ALL = 0, 1, 2

STATE = np.dtype(
    [("food", "i8"), ("water", "i8"), ("cell", "i8"), ("hungry", "i8"), ("thirsty", "i8")],  # cells; 1 if so
    align=True,
)


@world_code
def draw_placement(which, rng):
    """One of 12: the food's corner is its remainder by 4; the first 4 have the water one corner clockwise from it."""
    if which == FOR_EVOLUTION:
        return integer(rng, 4, 12)
    if which == HELD_OUT:
        return integer(rng, 0, 4)
    if which == ALL:
        return integer(rng, 0, 12)
    return which - 3


def born(animal, parameters, rng):
    placement = draw_placement(int(parameters.placements), rng)
    animal.food = CORNERS[placement % 4]
    animal.water = CORNERS[(placement + placement // 4 + 1) % 4]
    animal.cell = integer(rng, 0, 36)


def begin(animal, parameters, rng):
    animal.hungry = 1
    animal.thirsty = 1


def observe(animal, parameters, observation):
    observation[:] = 0.0
    observation[4 * animal.cell + 2 * animal.hungry + animal.thirsty] = 1.0


def step(animal, parameters, action, senses, rng):
    thirst_returns = uniform(rng) < THIRST
    if action < EAT:
        animal.cell = LEADS[animal.cell, action]
    eats = action == EAT and animal.cell == animal.food and animal.thirsty == 0
    animal.hungry = 0 if eats else 1
    if action == DRINK and animal.cell == animal.water:
        animal.thirsty = 0
    elif thirst_returns:
        animal.thirsty = 1
    senses[0] = animal.hungry * animal.thirsty
    senses[1] = animal.hungry * (1 - animal.thirsty)
    senses[2] = (1 - animal.hungry) * animal.thirsty
    senses[3] = (1 - animal.hungry) * (1 - animal.thirsty)
    senses[4] = 1.0
    return 1.0 if eats else 0.0, False, False


def oracle(animal, parameters, action):
    """Walk to the water when thirsty, else to the food, on a shortest way."""
    goal = animal.water if animal.thirsty == 1 else animal.food
    for move in range(4):
        if DISTANCES[LEADS[animal.cell, move], goal] < DISTANCES[animal.cell, goal]:
            return move
    return DRINK if animal.thirsty == 1 else EAT


def draw(animal, parameters):
    """Draw the maze from above; a drop hangs over the animal while it is thirsty, a ring is around it while it eats."""
    x, y = PLAN.at(animal.cell)
    food_x, food_y = PLAN.at(animal.food)
    water_x, water_y = PLAN.at(animal.water)
    drop = ((x, y + 0.45), (x - 0.12, y + 0.2), (x + 0.12, y + 0.2))
    crumb = [(food_x + dx, food_y + dy) for dx, dy in ((-0.4, -0.4), (0.4, -0.4), (0.0, 0.4))]
    pool = [(water_x + dx, water_y + dy) for dx, dy in ((-0.4, 0.0), (0.0, -0.4), (0.4, 0.0), (0.0, 0.4))]
    return (
        *PLAN.walls(),
        Polygon(crumb, role="friend", label="food"),
        Polygon(pool, role="friend", label="water"),
        Circle(x, y, 0.25, role="self", label="animal"),
        Circle(x, y, 0.45, role="goal", label="eats", opacity=1.0 - animal.hungry),
        Polygon(drop, role="mark", label="thirsty", opacity=float(animal.thirsty)),
    )


hungry_thirsty = World(
    name="hungry-thirsty",
    doc=__doc__,
    observations=tuple(
        Signal(f"cell {cell}{hungry}{thirsty}", "1")
        for cell in range(PLAN.cells)
        for hungry in ("", " hungry")
        for thirsty in ("", " thirsty")
    ),
    actions=Discrete(6, (*MOVES, "eat", "drink")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("hungry and thirsty", "1", "1 if so after the step; one of the first four always is"),
        Signal("hungry only", "1"),
        Signal("thirsty only", "1", "ate in this step, and thirst came back in it"),
        Signal("neither", "1", "ate in this step"),
        Signal("always", "1", "1 in every step, so that a reward can have two levels of fitness"),
    ),
    parameters=(
        Parameter(
            "placements", ALL, 0.0, 14.0, "1", "which placements of food and water there are; see above", whole=True
        ),
    ),
)

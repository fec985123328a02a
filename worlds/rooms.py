"""Rooms: find an invisible goal in one of four rooms, and come back to it in every episode of a life.

Fixed in every life: four rooms of 4 x 4 cells with a door between neighbours (see PLAN), the start in the north-west
corner, and four moves, which fail only at a wall. What is seen is where one stands; the goal is never seen.

Redrawn at birth: the goal. With probability `predictability` it is the cell furthest away, the south-east corner, else
any cell but the start. With 0, the default, the newborn cannot know where to look. And with `permuted` 2, which action
makes which move; with 1, north is swapped with south and east with west in every life; with 0, the default, actions do
as their names say.

Fitness: 1 on reaching the goal, which ends the episode, else 0; an episode is truncated after 100 steps. A life counts
its mean per step, so that both finding and a short way count.

Source: Zheng et al. 2020, "What can learned intrinsic rewards capture?", Empty Rooms: 200 episodes of at most 100
steps, whose return is discounted instead; sizes, doors and start are this project's.
"""

import numpy as np

from evolearn.rng import integer, shuffle, uniform
from evolearn.world import MOVES, Circle, Discrete, FloorPlan, Parameter, Signal, World, world_code

PLAN = FloorPlan(
    (
        ". . . .|. . . .",
        "",
        ". . . .|. . . .",
        "",
        ". . . . . . . .",
        "",
        ". . . .|. . . .",
        "- -   - - -   -",
        ". . . .|. . . .",
        "",
        ". . . . . . . .",
        "",
        ". . . .|. . . .",
        "",
        ". . . .|. . . .",
    )
)
LEADS = PLAN.leads
DISTANCES = PLAN.distances
START = 0
LIKELY_GOAL = PLAN.cells - 1
STEP_LIMIT = 100
AS_NAMED, SWAPPED, REDRAWN = 0, 1, 2

STATE = np.dtype(
    [
        ("goal", "i8"),  # cell
        ("moves", "i8", 4),  # action -> move
        ("cell", "i8"),
        ("age", "i8"),  # steps in this episode
    ],
    align=True,
)


@world_code
def draw_moves(moves, permuted, rng):
    for action in range(4):
        moves[action] = action ^ 1 if permuted == SWAPPED else action
    if permuted == REDRAWN:
        shuffle(moves, 0, 4, rng)


def born(walker, parameters, rng):
    walker.goal = LIKELY_GOAL
    if uniform(rng) >= parameters.predictability:
        walker.goal = integer(rng, START + 1, LIKELY_GOAL + 1)
    draw_moves(walker.moves, int(parameters.permuted), rng)


def begin(walker, parameters, rng):
    walker.cell = START
    walker.age = 0


def observe(walker, parameters, observation):
    observation[:] = 0.0
    observation[walker.cell] = 1.0


def step(walker, parameters, action, senses, rng):
    before = walker.cell
    walker.cell = LEADS[before, walker.moves[action]]
    walker.age += 1
    senses[0] = 1.0 if walker.cell == before else 0.0
    found = walker.cell == walker.goal
    return 1.0 if found else 0.0, found, walker.age >= STEP_LIMIT and not found


def oracle(walker, parameters, action):
    """Walk to the goal on a shortest way, knowing what the actions do."""
    for choice in range(4):
        ahead = LEADS[walker.cell, walker.moves[choice]]
        if DISTANCES[ahead, walker.goal] < DISTANCES[walker.cell, walker.goal]:
            return choice
    return 0


def draw(walker, parameters):
    """Draw the rooms from above, with the goal that the walker does not see."""
    x, y = PLAN.at(walker.cell)
    goal_x, goal_y = PLAN.at(walker.goal)
    return (
        *PLAN.walls(),
        Circle(goal_x, goal_y, 0.4, role="goal", label="goal, not seen"),
        Circle(x, y, 0.3, role="self", label="walker"),
    )


rooms = World(
    name="rooms",
    doc=__doc__,
    observations=tuple(Signal(f"cell {cell}", "1", "1 while there") for cell in range(PLAN.cells)),
    actions=Discrete(4, tuple(MOVES)),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(Signal("bump", "1", "1 in a step that a wall stopped"),),
    parameters=(
        Parameter("predictability", 0.0, 0.0, 1.0, "1", "how often the goal is in the south-east corner"),
        Parameter("permuted", AS_NAMED, 0.0, 2.0, "1", "what the actions do: 0, 1 or 2; see above", whole=True),
    ),
)

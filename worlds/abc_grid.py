"""ABC: three things to collect in four small rooms, one a gamble, one always bad, one always good.

Fixed in every life: four rooms of 3 x 3 cells (see PLAN) and where things are: the start in the middle of the
north-west room, A in the north-east corner and C in the south-west one, 5 moves away each, B on the way, 2 moves away;
four moves, which fail only at a wall.

Redrawn at birth: what the things are worth: A uniform in -1 .. 1, B in -1/2 .. 0, C in 0 .. 1/2. So the newborn can
know that B is not worth a visit, and must try A to learn whether it beats C. And with `permuted` 2, which action makes
which move; with 1, north is swapped with south and east with west in every life; with 0, the default, actions do as
their names say.

Fitness: the worth of what is collected, which ends the episode; an episode is truncated after 30 steps. A life counts
its mean return per episode, as the paper does: what is taken counts, not how fast.

Source: Zheng et al. 2020, "What can learned intrinsic rewards capture?", Random ABC, with the three distributions and
the permuted actions (left with right, up with down); the rooms, the places and the limit are this project's.
"""

import numpy as np

from evolearn.rng import shuffle, uniform
from evolearn.world import (
    MEAN_RETURN_PER_EPISODE,
    MOVES,
    Circle,
    Discrete,
    FloorPlan,
    Parameter,
    Polygon,
    Signal,
    World,
    world_code,
)

PLAN = FloorPlan(
    (
        ". . .|. . .",
        "",
        ". . . . . .",
        "",
        ". . .|. . .",
        "-   - -   -",
        ". . .|. . .",
        "",
        ". . . . . .",
        "",
        ". . .|. . .",
    )
)
LEADS = PLAN.leads
DISTANCES = PLAN.distances
START = 7
THINGS = np.array([5, 14, 30])  # cells of A, B and C
STEP_LIMIT = 30
AS_NAMED, SWAPPED, REDRAWN = 0, 1, 2

STATE = np.dtype(
    [
        ("worth", "f8", 3),  # of A, B and C
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


def born(collector, parameters, rng):
    collector.worth[0] = 2.0 * uniform(rng) - 1.0
    collector.worth[1] = -0.5 * uniform(rng)
    collector.worth[2] = 0.5 * uniform(rng)
    draw_moves(collector.moves, int(parameters.permuted), rng)


def begin(collector, parameters, rng):
    collector.cell = START
    collector.age = 0


def observe(collector, parameters, observation):
    observation[:] = 0.0
    observation[collector.cell] = 1.0


def step(collector, parameters, action, senses, rng):
    collector.cell = LEADS[collector.cell, collector.moves[action]]
    collector.age += 1
    senses[:] = 0.0
    senses[3] = 1.0
    for thing in range(3):
        if collector.cell == THINGS[thing]:
            senses[thing] = 1.0
            return collector.worth[thing], True, False
    return 0.0, False, collector.age >= STEP_LIMIT


def oracle(collector, parameters, action):
    """Walk to the better of A and C on a shortest way past B, knowing what the actions do."""
    goal = THINGS[0] if collector.worth[0] > collector.worth[2] else THINGS[2]
    for choice in range(4):
        ahead = LEADS[collector.cell, collector.moves[choice]]
        if ahead != THINGS[1] and DISTANCES[ahead, goal] < DISTANCES[collector.cell, goal]:
            return choice
    return 0


def draw(collector, parameters):
    """Draw the rooms from above; a ring is around each thing, the wider the more it is worth."""
    x, y = PLAN.at(collector.cell)
    places = [PLAN.at(cell) for cell in THINGS]
    return (
        *PLAN.walls(),
        *(
            Polygon([(left - 0.2, up - 0.2), (left + 0.2, up - 0.2), (left, up + 0.2)], role="friend", label=name)
            for name, (left, up) in zip("ABC", places, strict=True)
        ),
        *(
            Circle(left, up, 0.05 + 0.4 * max(float(worth), 0.0), role="goal", label=f"worth of {name}")
            for name, (left, up), worth in zip("ABC", places, collector.worth, strict=True)
        ),
        Circle(x, y, 0.3, role="self", label="collector"),
    )


abc = World(
    name="abc",
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
    senses=(
        Signal("got A", "1", "1 in the step it is collected"),
        Signal("got B", "1"),
        Signal("got C", "1"),
        Signal("step", "1", "1 in every step, for a price of time"),
    ),
    parameters=(
        Parameter("permuted", AS_NAMED, 0.0, 2.0, "1", "what the actions do: 0, 1 or 2; see above", whole=True),
    ),
    fitness_rule=MEAN_RETURN_PER_EPISODE,
)

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
from evolearn.world import MOVES, Circle, Discrete, FloorPlan, Parameter, Polygon, Signal, World, world_code

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
SYMBOLS = 8  # that a television shows
NOTHING = -1  # is shown
AS_NAMED, SWAPPED, REDRAWN = 0, 1, 2

STATE = np.dtype(
    [
        ("goal", "i8"),  # cell
        ("moves", "i8", 4),  # action -> move
        ("cell", "i8"),
        ("age", "i8"),  # steps in this episode
        ("shown", "i8"),  # symbol; not used in plain rooms
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


@world_code
def walk(walker, leads, action, senses):
    """Make a move; whether it leads to the goal."""
    before = walker.cell
    walker.cell = leads[before, walker.moves[action]]
    walker.age += 1
    senses[0] = 1.0 if walker.cell == before else 0.0
    return walker.cell == walker.goal


def step(walker, parameters, action, senses, rng):
    found = walk(walker, LEADS, action, senses)
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


WITH_TELEVISION = f"""{{first_line}}

Fixed in every life: four rooms of {{side}} x {{side}} cells with a single door between neighbours, the start in the
north-west corner, and four moves, which fail only at a wall. With `tv` a television of so many by so many cells stands
in the north-east corner: in every step that ends there it shows one of {SYMBOLS} symbols, all equally likely. It is
worth nothing, and cannot be foreseen.

Redrawn at birth: the goal. With probability `predictability` it is the south-east corner, else any cell of the
south-east room; or with `far` 0 any cell but the start. And what the actions do, by `permuted`, as in `rooms`.

Observed: the cell, one-hot; then the symbol that the television shows, one-hot, zeros away from it. The goal is not.

Fitness: 1 on reaching the goal, which ends the episode, else 0; an episode is truncated after `limit` steps. A life
counts its mean per step.

Source: Zheng et al. 2020, Empty Rooms, see `rooms`; Burda et al. 2019, "Large-scale study of curiosity-driven
learning", section 5, for the television that holds the curious.
"""


def plan_of(side):
    """Four rooms of `side` x `side` cells, with a door in the middle of each wall between two of them."""
    door = side // 2
    row = " ".join("." * side)
    rows = [f"{row}{' ' if place % side == door else '|'}{row}" for place in range(2 * side)]
    wall = " ".join(" " if place % side == door else "-" for place in range(2 * side))
    between = [wall if place == side - 1 else "" for place in range(2 * side)]
    return FloorPlan(tuple(line for pair in zip(rows, between, strict=True) for line in pair)[:-1])


def first_moves(plan):
    """The first move on a shortest way, int8 [cells from, cells to]; where there are several, the first of MOVES."""
    nearer = plan.distances[plan.leads] < plan.distances[:, None, :]  # from, move, to
    return nearer.argmax(axis=1).astype(np.int8)


PLAN_8 = plan_of(8)
LEADS_8 = PLAN_8.leads
WAYS_4, WAYS_8 = first_moves(PLAN), first_moves(PLAN_8)


@world_code
def draw_life(walker, side, parameters, rng):
    likely = uniform(rng) < parameters.predictability
    width = 2 * side
    if likely:
        walker.goal = width * width - 1
    elif parameters.far == 1.0:
        walker.goal = (side + integer(rng, 0, side)) * width + side + integer(rng, 0, side)
    else:
        walker.goal = integer(rng, START + 1, width * width)
    draw_moves(walker.moves, int(parameters.permuted), rng)


@world_code
def walk_and_watch(walker, leads, side, parameters, action, senses, rng):
    found = walk(walker, leads, action, senses)
    watches = walker.cell // (2 * side) < parameters.tv and walker.cell % (2 * side) >= 2 * side - parameters.tv
    senses[1] = 1.0 if watches else 0.0
    walker.shown = integer(rng, 0, SYMBOLS) if watches else NOTHING
    return 1.0 if found else 0.0, found, walker.age >= parameters.limit and not found


@world_code
def action_for(walker, move):
    for choice in range(4):
        if walker.moves[choice] == move:
            return choice
    return 0


def born_in_4(walker, parameters, rng):
    draw_life(walker, 4, parameters, rng)


def born_in_8(walker, parameters, rng):
    draw_life(walker, 8, parameters, rng)


def begin_away(walker, parameters, rng):
    walker.cell = START
    walker.age = 0
    walker.shown = NOTHING


def observe_both(walker, parameters, observation):
    observation[:] = 0.0
    observation[walker.cell] = 1.0
    if walker.shown != NOTHING:
        observation[observation.size - SYMBOLS + walker.shown] = 1.0


def step_in_4(walker, parameters, action, senses, rng):
    return walk_and_watch(walker, LEADS, 4, parameters, action, senses, rng)


def step_in_8(walker, parameters, action, senses, rng):
    return walk_and_watch(walker, LEADS_8, 8, parameters, action, senses, rng)


def oracle_in_4(walker, parameters, action):
    """Walk to the goal on a shortest way, knowing what the actions do."""
    return action_for(walker, WAYS_4[walker.cell, walker.goal])


def oracle_in_8(walker, parameters, action):
    """Walk to the goal on a shortest way, knowing what the actions do."""
    return action_for(walker, WAYS_8[walker.cell, walker.goal])


def drawing(plan):
    """The rooms from above, as of plain ones, with the television and what it shows."""

    def draw_both(walker, parameters):
        """Draw the rooms from above, with the goal that the walker does not see."""
        x, y = plan.at(walker.cell)
        goal_x, goal_y = plan.at(walker.goal)
        right, top, side = plan.columns - 0.5, 0.5, float(parameters.tv)
        corners = ((right - side, top), (right, top), (right, top - side), (right - side, top - side))
        return (
            Polygon(corners, role="ground", label="television", opacity=0.3 if side else 0.0),
            *plan.walls(),
            Circle(goal_x, goal_y, 0.4, role="goal", label="goal, not seen"),
            Circle(x, y, 0.3, role="self", label="walker"),
            *(
                Circle(
                    x,
                    y,
                    0.04 * (2 + symbol),
                    role="mark",
                    label=f"symbol {symbol}",
                    opacity=float(walker.shown == symbol),
                )
                for symbol in range(SYMBOLS)
            ),
        )

    return draw_both


def with_television(side, limit, plan, born, step, oracle):
    """Rooms of `side` x `side` cells in which a television may stand."""
    first_line = (
        f"Rooms of {side} x {side}: find an invisible goal in one of four rooms, past a television that shows noise."
    )
    return World(
        name=f"rooms-{side}x{side}",
        doc=WITH_TELEVISION.format(first_line=first_line, side=side),
        observations=(
            *(Signal(f"cell {cell}", "1", "1 while there") for cell in range(plan.cells)),
            *(Signal(f"symbol {symbol}", "1", "1 while the television shows it") for symbol in range(SYMBOLS)),
        ),
        actions=Discrete(4, tuple(MOVES)),
        state=STATE,
        born=born,
        begin=begin_away,
        observe=observe_both,
        step=step,
        oracle=oracle,
        draw=drawing(plan),
        senses=(
            Signal("bump", "1", "1 in a step that a wall stopped"),
            Signal("watching", "1", "1 in a step that ends at the television"),
        ),
        parameters=(
            Parameter("predictability", 0.0, 0.0, 1.0, "1", "how often the goal is in the south-east corner"),
            Parameter("permuted", AS_NAMED, 0.0, 2.0, "1", "what the actions do: 0, 1 or 2; see rooms", whole=True),
            Parameter("far", 1.0, 0.0, 1.0, "1", "1: the goal is in the south-east room; 0: anywhere", whole=True),
            Parameter("tv", 0.0, 0.0, side, "cells", "side of the television's square; 0: there is none", whole=True),
            Parameter("limit", limit, 1.0, 1e6, "steps", "after which an episode is truncated", whole=True),
        ),
    )


rooms_4x4 = with_television(4, 100.0, PLAN, born_in_4, step_in_4, oracle_in_4)
rooms_8x8 = with_television(8, 150.0, PLAN_8, born_in_8, step_in_8, oracle_in_8)

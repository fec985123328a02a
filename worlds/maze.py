"""Maze: walk from a start to a goal, over and over, in a maze that may change while one lives.

Fixed in every life: a floor of 6 x 9 cells, some of them filled, the start, the goal, and four moves, which fail only
at a filled cell or at the edge. `variant` says which maze: 0, the default, the one that never changes, 14 moves from
start to goal; 1, the blocking maze, where the way of 10 moves round the east end of a wall is closed and one of 16
round its west end opens; 2, the shortcut maze, where the way of 16 stays, and one of 10 opens. They change at the age
of `change_at` steps, 0 being never, or at a second birth. Nobody is walled in: while somebody stands where the wall
will be, it waits. What is seen is where one stands.

Redrawn at birth, with `redrawn` at 1: which action makes which move. With 0, the default, actions do as their names
say, and one life is like the other.

Fitness: 1 on reaching the goal, which ends the episode, else 0; a life counts its mean per step: 1/14 on the shortest
way. Nothing else ends an episode.

Source: Sutton and Barto 2018, "Reinforcement Learning: An Introduction", 2nd ed., the mazes of figures 8.2, 8.4 and
8.5, which change after 1,000 and 3,000 steps there; redrawn moves are this project's.
"""

import numpy as np

from evolearn.rng import shuffle
from evolearn.world import MOVES, Circle, Discrete, Line, Parameter, Polygon, Signal, World, world_code

SUTTON = (
    ".......#G",
    "..#....#.",
    "S.#....#.",
    "..#......",
    ".....#...",
    ".........",
)
OPEN_IN_THE_EAST = (
    "........G",
    ".........",
    ".........",
    "########.",
    ".........",
    "...S.....",
)
OPEN_IN_THE_WEST = (*OPEN_IN_THE_EAST[:3], ".########", *OPEN_IN_THE_EAST[4:])
OPEN_AT_BOTH_ENDS = (*OPEN_IN_THE_EAST[:3], ".#######.", *OPEN_IN_THE_EAST[4:])
# By variant, before and after the change.
MAZES = (SUTTON, SUTTON, OPEN_IN_THE_EAST, OPEN_IN_THE_WEST, OPEN_IN_THE_WEST, OPEN_AT_BOTH_ENDS)
ROWS, COLUMNS = 6, 9
CELLS = ROWS * COLUMNS
FILLED = np.array([[mark == "#" for mark in "".join(maze)] for maze in MAZES])  # [6, CELLS]
STARTS = np.array(["".join(maze).index("S") for maze in MAZES])
GOAL = "".join(SUTTON).index("G")


def _after(filled, cell, down, right):
    row, column = cell // COLUMNS + down, cell % COLUMNS + right
    inside = 0 <= row < ROWS and 0 <= column < COLUMNS
    return row * COLUMNS + column if inside and not filled[row * COLUMNS + column] else cell


def _distances(leads):
    """Moves to the goal on a shortest way, int64 [CELLS]; CELLS where there is no way."""
    away = np.full(CELLS, CELLS)
    away[GOAL] = 0
    for _ in range(CELLS):
        away = np.minimum(away, away[leads].min(axis=1) + 1)
    return np.minimum(away, CELLS)


LEADS = np.array([[[_after(f, cell, *move) for move in MOVES.values()] for cell in range(CELLS)] for f in FILLED])
DISTANCES = np.array([_distances(leads) for leads in LEADS])  # [6, CELLS]

STATE = np.dtype(
    [
        ("moves", "i8", 4),  # action -> move
        ("changed", "i8"),  # 1 once the maze has
        ("cell", "i8"),
        ("age", "i8"),  # steps in this life
    ],
    align=True,
)


@world_code
def maze_of(walker, parameters):
    return 2 * int(parameters.variant) + walker.changed


def born(walker, parameters, rng):
    for action in range(4):
        walker.moves[action] = action
    if parameters.redrawn > 0.0:
        shuffle(walker.moves, 0, 4, rng)


def reborn(walker, parameters, rng):
    """Change the maze; actions go on doing what they did."""
    walker.changed = 1


def begin(walker, parameters, rng):
    walker.cell = STARTS[maze_of(walker, parameters)]


def observe(walker, parameters, observation):
    observation[:] = 0.0
    observation[walker.cell] = 1.0


def step(walker, parameters, action, senses, rng):
    is_time = 0.0 < parameters.change_at <= walker.age
    if is_time and not FILLED[2 * int(parameters.variant) + 1, walker.cell]:
        walker.changed = 1
    before = walker.cell
    walker.cell = LEADS[maze_of(walker, parameters), before, walker.moves[action]]
    walker.age += 1
    senses[0] = 1.0 if walker.cell == before else 0.0
    found = walker.cell == GOAL
    return 1.0 if found else 0.0, found, False


def oracle(walker, parameters, action):
    """Walk to the goal on a shortest way through the maze as it is, knowing what the actions do."""
    maze = maze_of(walker, parameters)
    for choice in range(4):
        ahead = LEADS[maze, walker.cell, walker.moves[choice]]
        if DISTANCES[maze, ahead] < DISTANCES[maze, walker.cell]:
            return choice
    return 0


def draw(walker, parameters):
    """Draw the maze from above; a filled cell that comes or goes does so by its opacity."""
    before = 2 * int(parameters.variant)
    edge = [(-0.5, 0.5), (COLUMNS - 0.5, 0.5), (COLUMNS - 0.5, 0.5 - ROWS), (-0.5, 0.5 - ROWS)]

    def at(cell):
        return float(cell % COLUMNS), -float(cell // COLUMNS)

    def disc(cell, radius, role, label):
        x, y = at(cell)
        return Circle(x, y, radius, role=role, label=label)

    def square(cell):
        x, y = at(cell)
        return tuple((x + dx, y + dy) for dx, dy in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)))

    return (
        *(Line(*edge[i - 1], *edge[i], role="ground", label="edge") for i in range(4)),
        *(
            Polygon(
                square(cell), role="ground", label=f"wall {cell}", opacity=float(FILLED[before + walker.changed, cell])
            )
            for cell in np.flatnonzero(FILLED[before] | FILLED[before + 1])
        ),
        disc(STARTS[before], 0.4, "mark", "start"),
        disc(GOAL, 0.4, "goal", "goal"),
        disc(walker.cell, 0.3, "self", "walker"),
    )


maze = World(
    name="maze",
    doc=__doc__,
    observations=tuple(Signal(f"cell {cell}", "1", "1 while there") for cell in range(CELLS)),
    actions=Discrete(4, tuple(MOVES)),
    state=STATE,
    born=born,
    reborn=reborn,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(Signal("bump", "1", "1 in a step that a wall stopped"),),
    parameters=(
        Parameter("variant", 0.0, 0.0, 2.0, "1", "0: it never changes; 1: blocking; 2: shortcut", whole=True),
        Parameter("change_at", 0.0, 0.0, 1e9, "steps", "age at which it changes; 0: never", whole=True),
        Parameter("redrawn", 0.0, 0.0, 1.0, "1", "1: each life draws what the actions do", whole=True),
    ),
)

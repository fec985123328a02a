"""Navigation: find a hidden goal in the plane and go there, in every episode again.

Two worlds with the same goal: `navigation`, where fitness tells how far it is, and `water-maze`, where nothing does
until it is reached.

Fixed in every life: the moves. Each action is clipped to -1 .. 1 and moves its coordinate by a tenth of that. An
episode has 100 steps.

Redrawn at birth: the goal, (1 - predictability) * u + predictability * (0.25, 0.25), with u uniform in the square
-0.5 .. 0.5. At 0, the default, there is nothing to inherit but how to search; at 1 the goal is always the same.

Redrawn at every episode: nothing in `navigation`, which starts from 0, 0. In `water-maze` the start is in the middle
of one of the four sides of the square, all equally likely, and the square has walls.

Observed: where one is. The goal is not.

Fitness: in `navigation`, the distance to the goal after each step, negative; an episode terminates within `radius` of
the goal, and a life counts its mean return per episode. In `water-maze`, 1 in each step on the platform, the disc of
`radius` around the goal, else 0: who arrives with step L and stays earns 101 - L.

Source: Finn, Abbeel and Levine 2017, section 5.3 (their text squares the distance, their code, as here, does not);
Morris 1981.
"""

import math

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import MEAN_RETURN_PER_EPISODE, Box, Circle, Parameter, Polygon, Signal, World, world_code

STRIDE = 0.1  # per step and coordinate
HALF = 0.5  # of the square's side
USUAL = 0.25  # both coordinates of the goal when predictability is 1
HORIZON = 100  # steps

STATE = np.dtype(
    [("goal_x", "f8"), ("goal_y", "f8"), ("x", "f8"), ("y", "f8"), ("age", "i8")],
    align=True,
)


@world_code
def clip(value, limit):
    return min(max(value, -limit), limit)


@world_code
def goal_distance(swimmer):
    return math.sqrt((swimmer.goal_x - swimmer.x) ** 2 + (swimmer.goal_y - swimmer.y) ** 2)


@world_code
def goal_drawn(predictability, rng):
    return (1.0 - predictability) * HALF * (2.0 * uniform(rng) - 1.0) + predictability * USUAL


@world_code
def move(swimmer, action, walls, senses):
    """Move, write how much nearer that was; the distance after it."""
    before = goal_distance(swimmer)
    swimmer.x = clip(swimmer.x + STRIDE * clip(action[0], 1.0), walls)
    swimmer.y = clip(swimmer.y + STRIDE * clip(action[1], 1.0), walls)
    swimmer.age += 1
    after = goal_distance(swimmer)
    senses[0] = (before - after) / STRIDE
    return after


def born(swimmer, parameters, rng):
    swimmer.goal_x = goal_drawn(parameters.predictability, rng)
    swimmer.goal_y = goal_drawn(parameters.predictability, rng)


def begin_in_the_middle(swimmer, parameters, rng):
    swimmer.x = 0.0
    swimmer.y = 0.0
    swimmer.age = 0


def begin_at_a_side(swimmer, parameters, rng):
    side = integer(rng, 0, 4)
    swimmer.x = HALF * ((side == 0) - (side == 1))
    swimmer.y = HALF * ((side == 2) - (side == 3))
    swimmer.age = 0


def observe(swimmer, parameters, observation):
    observation[0] = swimmer.x
    observation[1] = swimmer.y


def step_by_distance(swimmer, parameters, action, senses, rng):
    away = move(swimmer, action, math.inf, senses)
    arrived = away <= parameters.radius
    senses[1] = 1.0 if arrived else 0.0
    return -away, arrived, swimmer.age >= HORIZON and not arrived


def step_in_the_dark(swimmer, parameters, action, senses, rng):
    away = move(swimmer, action, HALF, senses)
    senses[1] = 1.0 if away <= parameters.radius else 0.0
    return senses[1], False, swimmer.age >= HORIZON


def oracle(swimmer, parameters, action):
    """Go straight to the goal."""
    x = (swimmer.goal_x - swimmer.x) / STRIDE
    y = (swimmer.goal_y - swimmer.y) / STRIDE
    haste = max(abs(x), abs(y), 1.0)
    action[0] = x / haste
    action[1] = y / haste


def draw(swimmer, parameters):
    """Draw the square from above: the goal, not smaller than can be seen, and the one who looks for it."""
    corners = ((-HALF, -HALF), (HALF, -HALF), (HALF, HALF), (-HALF, HALF))
    return (
        Polygon(corners, role="ground", label="square of goals", opacity=0.3),
        Circle(float(swimmer.goal_x), float(swimmer.goal_y), max(parameters.radius, 0.03), role="goal", label="goal"),
        Circle(float(swimmer.x), float(swimmer.y), 0.02, role="self", label="swimmer"),
    )


def in_the_plane(name, first_line, begin, step, radius, fitness_rule):
    """The world of this name."""
    return World(
        name=name,
        doc=first_line + __doc__[__doc__.index("\n") :],
        observations=(Signal("x", "1"), Signal("y", "1")),
        actions=Box(2, ("along x", "along y")),
        state=STATE,
        born=born,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        senses=(
            Signal("approach", "0.1", "distance to the goal lost in this step"),
            Signal("at goal", "1", "1 in a step that ends within the radius"),
        ),
        parameters=(
            Parameter("predictability", 0.0, 0.0, 1.0, "1", "how far the goal's draw shrinks to 0.25, 0.25"),
            Parameter("radius", radius, 0.001, 0.5, "1", "from the goal, for having reached it"),
        ),
        fitness_rule=fitness_rule,
    )


FAR = "Navigation: find the goal of this life in the plane by how far it is, and go there in every episode again."
DARK = "Water maze: find a hidden platform with nothing to say where it is, and swim there in every episode again."
navigation = in_the_plane("navigation", FAR, begin_in_the_middle, step_by_distance, 0.01, MEAN_RETURN_PER_EPISODE)
water_maze = in_the_plane("water-maze", DARK, begin_at_a_side, step_in_the_dark, 0.1, MEAN_RETURN_PER_EPISODE)

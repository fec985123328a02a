"""Pursuit: earn a living on an open disc, with one refuge in it, before a predator that may have a brain of its own.

A disc of radius 5, and on it a refuge of radius 1. The prey earns the more, the further it is from the refuge: each
step outside it pays min(1, distance to the refuge's edge / 2), a step inside nothing, so that sitting there is no
living. A touch, within 0.3, catches it; then nothing more is earned until the episode ends, after 200 steps, and both
begin anew elsewhere. In the refuge a touch catches with probability 1 - safety only.

The prey runs up to 0.15 a step and turns up to 0.6 rad. A predator of build v runs up to 0.15 v and turns up to
0.3 / v^2 rad, with v from 0.6 to 1.6: what is faster turns worse, so the fastest is not the hardest for every prey.

Without a brain the predator follows a script (`pursuit`): it makes for where the prey will be, by its lead; errs by
its noise; and while the prey is in the refuge, waits beside it, by its camp. With a brain (the world's opponent) it
turns and runs as that says, and its build is the third number of its action, read in the first step of an episode.
`pursuit-predator` is the same world as the predator lives in it, with prey that follows a script: it keeps away from
refuge, wall and predator, and dodges at a right angle to the predator's course when that is near.

Fixed in every life: the disc, both bodies, the parameters. Redrawn at birth: where the refuge is; with drawn=1 also
what the predator of the script is like. Redrawn in each episode: where both begin, at least 3 apart if 50 tries
suffice. Every step draws two numbers, for the script's noise and for a touch in the refuge.

Fitness per step: what the prey earns; the predator's is its negative.

Source: of this project. The predator's dilemma of speed against turning: Howland 1974, "Optimal strategies for predator
avoidance: the relative importance of speed and manoeuvrability". Co-evolved pursuit: Cliff and Miller 1995, "Tracking
the Red Queen".
"""

import math

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Circle, Line, Opponent, Parameter, Signal, World, world_code

RADIUS = 5.0
EPISODE = 200  # steps
STRIDE = 0.15  # of the prey, and of a predator of build 1, at most in a step
AGILITY, PREDATOR_AGILITY = 0.6, 0.3  # rad, at most in a step
REACH = 0.3
RICH = 2.0  # distance from the refuge's edge from which on a step pays 1
WALL = 4.0  # distance from the middle from which on the prey sees where that is
SLOWEST, FASTEST = 0.6, 1.6
APART, TRIES = 3.0, 50  # at the beginning of an episode
DANGER = 0.9  # distance at which prey of the script dodges

STATE = np.dtype(
    [
        ("refuge_x", "f8"),
        ("refuge_y", "f8"),
        ("x", "f8"),
        ("y", "f8"),
        ("heading", "f8"),
        ("speed", "f8"),  # of the prey in the last step, in strides
        ("predator_x", "f8"),
        ("predator_y", "f8"),
        ("predator_heading", "f8"),
        ("predator_speed", "f8"),
        ("build", "f8"),  # of the predator; 0 before it is chosen
        ("script_speed", "f8"),
        ("lead", "f8"),
        ("noise", "f8"),
        ("camp", "f8"),
        ("caught", "i8"),
        ("age", "i8"),  # steps of this episode
    ],
    align=True,
)


@world_code
def softsign(x):
    return x / (1.0 + abs(x))


@world_code
def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-min(max(x, -30.0), 30.0)))


@world_code
def wrapped(angle):
    """An angle, from -pi to pi."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@world_code
def between(x, y):
    return math.sqrt(x * x + y * y)


@world_code
def from_refuge(chase):
    return between(chase.x - chase.refuge_x, chase.y - chase.refuge_y)


def born(chase, parameters, rng):
    angle = 2.0 * math.pi * uniform(rng)
    away = 0.5 * RADIUS * math.sqrt(uniform(rng))
    chase.refuge_x = away * math.cos(angle)
    chase.refuge_y = away * math.sin(angle)
    chase.script_speed = parameters.speed
    chase.lead = parameters.lead
    chase.noise = parameters.noise
    chase.camp = parameters.camp
    if parameters.drawn > 0.5:
        chase.script_speed = SLOWEST + (FASTEST - SLOWEST) * uniform(rng)
        chase.lead = uniform(rng)
        chase.noise = 2.0 * uniform(rng)
        chase.camp = 3.0 * uniform(rng) - 1.0


def begin(chase, parameters, rng):
    angle = 2.0 * math.pi * uniform(rng)
    away = RADIUS * math.sqrt(uniform(rng))
    chase.x = away * math.cos(angle)
    chase.y = away * math.sin(angle)
    chase.heading = 2.0 * math.pi * uniform(rng)
    for _ in range(TRIES):
        angle = 2.0 * math.pi * uniform(rng)
        away = RADIUS * math.sqrt(uniform(rng))
        chase.predator_x = away * math.cos(angle)
        chase.predator_y = away * math.sin(angle)
        if between(chase.predator_x - chase.x, chase.predator_y - chase.y) > APART:
            break
    chase.predator_heading = 2.0 * math.pi * uniform(rng)
    chase.speed = 0.0
    chase.predator_speed = 0.0
    chase.build = 0.0
    chase.caught = 0
    chase.age = 0


def observe(chase, parameters, observation):
    x = chase.predator_x - chase.x
    y = chase.predator_y - chase.y
    line = math.atan2(y, x)
    bearing = line - chase.heading
    home = math.atan2(chase.refuge_y - chase.y, chase.refuge_x - chase.x) - chase.heading
    away = from_refuge(chase)
    towards = chase.predator_heading - line
    inwards = math.atan2(-chase.y, -chase.x) - chase.heading
    outside = 1.0 if between(chase.x, chase.y) > WALL else 0.0
    observation[0] = math.sin(bearing)
    observation[1] = math.cos(bearing)
    observation[2] = 1.0 / (1.0 + between(x, y))
    observation[3] = math.sin(home)
    observation[4] = math.cos(home)
    observation[5] = 0.3 * away
    observation[6] = 1.0 if away < parameters.refuge else 0.0
    observation[7] = math.sin(towards)
    observation[8] = math.cos(towards)
    observation[9] = chase.predator_speed
    observation[10] = outside * math.sin(inwards)
    observation[11] = outside * math.cos(inwards)


def observe_as_predator(chase, parameters, observation):
    x = chase.x - chase.predator_x
    y = chase.y - chase.predator_y
    line = math.atan2(y, x)
    bearing = line - chase.predator_heading
    away = from_refuge(chase)
    refuge_x = chase.refuge_x - chase.predator_x
    refuge_y = chase.refuge_y - chase.predator_y
    refuge = math.atan2(refuge_y, refuge_x) - chase.predator_heading
    towards = chase.heading - line
    observation[0] = math.sin(bearing)
    observation[1] = math.cos(bearing)
    observation[2] = 1.0 / (1.0 + between(x, y))
    observation[3] = 0.3 * away
    observation[4] = 1.0 if away < parameters.refuge else 0.0
    observation[5] = math.sin(refuge)
    observation[6] = math.cos(refuge)
    observation[7] = 0.3 * between(refuge_x, refuge_y)
    observation[8] = math.sin(towards)
    observation[9] = math.cos(towards)
    observation[10] = chase.speed
    observation[11] = chase.build - 1.1 if chase.build > 0.0 else 0.0


@world_code
def turn_of_script(chase, parameters, build, lead, noise):
    """How far the predator of the script wants to turn."""
    away = between(chase.x - chase.predator_x, chase.y - chase.predator_y)
    ahead = lead * away / build * chase.speed
    goal_x = chase.x + ahead * math.cos(chase.heading)
    goal_y = chase.y + ahead * math.sin(chase.heading)
    if from_refuge(chase) < parameters.refuge:
        goal_x = chase.x + chase.camp * (chase.x - chase.refuge_x)
        goal_y = chase.y + chase.camp * (chase.y - chase.refuge_y)
    bearing = math.atan2(goal_y - chase.predator_y, goal_x - chase.predator_x)
    return wrapped(bearing - chase.predator_heading + noise)


@world_code
def dodge(chase, parameters):
    """How far prey of the script wants to turn, and how fast it runs."""
    x = chase.x - chase.predator_x
    y = chase.y - chase.predator_y
    from_middle = between(chase.x, chase.y)
    inwards = math.atan2(-chase.y, -chase.x)
    if between(x, y) < DANGER:
        left = math.cos(chase.predator_heading) * y - math.sin(chase.predator_heading) * x
        wanted = chase.predator_heading + math.copysign(0.5 * math.pi, left)
    elif from_refuge(chase) < parameters.refuge + RICH:
        outwards = math.atan2(chase.y - chase.refuge_y, chase.x - chase.refuge_x)
        wanted = inwards if from_middle > RADIUS - 0.5 else outwards
    else:
        wanted = inwards if from_middle > RADIUS - 0.8 else math.atan2(y, x)
    return wrapped(wanted - chase.heading), 1.0


@world_code
def inversed(share):
    """What softsign makes this share of, which is kept within what a policy may well say."""
    held = min(max(share, -0.95), 0.95)
    return held / (1.0 - abs(held))


@world_code
def move(chase, parameters, turn, speed, predator_turn, predator_speed, luck):
    """Let both turn and run; what the prey earns.

    Turns are in rad, speeds in shares of the most that each can run.
    """
    chase.age += 1
    if chase.caught > 0:
        return 0.0
    agility = PREDATOR_AGILITY / (chase.build * chase.build)
    chase.heading += min(max(turn, -AGILITY), AGILITY)
    chase.predator_heading += min(max(predator_turn, -agility), agility)
    chase.speed = speed
    chase.predator_speed = predator_speed * chase.build
    chase.x += STRIDE * speed * math.cos(chase.heading)
    chase.y += STRIDE * speed * math.sin(chase.heading)
    chase.predator_x += STRIDE * chase.predator_speed * math.cos(chase.predator_heading)
    chase.predator_y += STRIDE * chase.predator_speed * math.sin(chase.predator_heading)
    inside = min(1.0, RADIUS / max(between(chase.x, chase.y), 1e-9))
    chase.x *= inside
    chase.y *= inside
    inside = min(1.0, RADIUS / max(between(chase.predator_x, chase.predator_y), 1e-9))
    chase.predator_x *= inside
    chase.predator_y *= inside
    edge = from_refuge(chase) - parameters.refuge
    touched = between(chase.x - chase.predator_x, chase.y - chase.predator_y) < REACH
    if touched and (edge > 0.0 or luck > parameters.safety):
        chase.caught = 1
        return 0.0
    return min(1.0, edge / RICH) if edge > 0.0 else 0.0


def step(chase, parameters, action, senses, rng):
    """The prey as it acts, the predator by the script."""
    noise = chase.noise * (uniform(rng) - 0.5)
    luck = uniform(rng)
    chase.build = chase.script_speed
    hunted = turn_of_script(chase, parameters, chase.build, chase.lead, noise)
    earned = move(chase, parameters, AGILITY * softsign(action[0]), sigmoid(action[1]), hunted, 1.0, luck)
    return earned, False, chase.age >= EPISODE


def step_as_predator(chase, parameters, action, senses, rng):
    """The predator as it acts, the prey by the script."""
    uniform(rng)
    luck = uniform(rng)
    if chase.age == 0:
        chase.build = SLOWEST + (FASTEST - SLOWEST) * sigmoid(action[2])
    turn, speed = dodge(chase, parameters)
    agility = PREDATOR_AGILITY / (chase.build * chase.build)
    earned = move(chase, parameters, turn, speed, agility * softsign(action[0]), sigmoid(action[1]), luck)
    return -earned, False, chase.age >= EPISODE


def step_of_both(chase, parameters, action, predator_action, senses, predator_senses, rng):
    """Prey and predator as they act."""
    uniform(rng)
    luck = uniform(rng)
    if chase.age == 0:
        chase.build = SLOWEST + (FASTEST - SLOWEST) * sigmoid(predator_action[2])
    agility = PREDATOR_AGILITY / (chase.build * chase.build)
    turn, speed = AGILITY * softsign(action[0]), sigmoid(action[1])
    hunted, pace = agility * softsign(predator_action[0]), sigmoid(predator_action[1])
    earned = move(chase, parameters, turn, speed, hunted, pace, luck)
    return earned, -earned, False, chase.age >= EPISODE


def oracle(chase, parameters, action):
    """The prey of the script."""
    turn, speed = dodge(chase, parameters)
    action[0] = inversed(turn / AGILITY)
    action[1] = 8.0 * speed - 4.0


def oracle_as_predator(chase, parameters, action):
    """A predator of build 1 that makes for where the prey will be: of the script's, one that catches its prey."""
    action[0] = inversed(turn_of_script(chase, parameters, 1.0, 1.0, 0.0) / PREDATOR_AGILITY)
    action[1] = 4.0
    action[2] = math.log((1.0 - SLOWEST) / (FASTEST - 1.0))


def arrow(x, y, heading, role, label):
    end_x, end_y = x + 0.5 * math.cos(heading), y + 0.5 * math.sin(heading)
    return Line(round(x, 2), round(y, 2), round(end_x, 2), round(end_y, 2), role=role, label=label)


def drawn_by(chase, parameters, prey_role, predator_role):
    """Draw the disc from above: the refuge, and both with the way they look; the caught prey is pale."""
    return (
        Circle(0.0, 0.0, RADIUS, role="ground", label="disc"),
        Circle(round(float(chase.refuge_x), 2), round(float(chase.refuge_y), 2), parameters.refuge, role="goal"),
        arrow(float(chase.predator_x), float(chase.predator_y), float(chase.predator_heading), predator_role, "ahead"),
        arrow(float(chase.x), float(chase.y), float(chase.heading), prey_role, "ahead"),
        Circle(
            round(float(chase.predator_x), 2),
            round(float(chase.predator_y), 2),
            REACH,
            role=predator_role,
            label="predator",
        ),
        Circle(
            round(float(chase.x), 2),
            round(float(chase.y), 2),
            0.15,
            role=prey_role,
            label="prey",
            opacity=0.3 if chase.caught else 1.0,
        ),
    )


def draw(chase, parameters):
    return drawn_by(chase, parameters, "self", "foe")


def draw_as_predator(chase, parameters):
    return drawn_by(chase, parameters, "foe", "self")


PARAMETERS = (
    Parameter("speed", 1.2, SLOWEST, FASTEST, "strides of the prey", "build of the predator of the script"),
    Parameter("lead", 0.0, 0.0, 1.0, "1", "0: it makes for where the prey is, 1: for where it will be"),
    Parameter("noise", 0.0, 0.0, 2.0, "rad", "width of the error of its aim, in every step"),
    Parameter("camp", 0.0, -1.0, 2.0, "1", "where it waits while the prey is in the refuge, away from its middle"),
    Parameter("drawn", 0.0, 0.0, 1.0, "1", "1: all four are drawn at birth, from their whole ranges", whole=True),
    Parameter("safety", 1.0, 0.0, 1.0, "1", "probability that a touch in the refuge does not catch"),
    Parameter("refuge", 1.0, 0.2, 2.0, "1", "radius of the refuge"),
)

pursuit_predator = World(
    name="pursuit-predator",
    doc="Pursuit as the predator lives in it: catch prey that earns a living." + __doc__[__doc__.index("\n") :],
    observations=(
        Signal("prey left", "1", "sine of its bearing"),
        Signal("prey ahead", "1", "cosine of its bearing"),
        Signal("prey near", "1", "1 / (1 + distance)"),
        Signal("prey from refuge", "10/3", "distance of the prey from the refuge's middle"),
        Signal("prey in refuge", "1", "1 or 0"),
        Signal("refuge left", "1", "sine of its bearing"),
        Signal("refuge ahead", "1", "cosine of its bearing"),
        Signal("refuge distance", "10/3", "of its middle"),
        Signal("prey's heading across", "1", "sine of its heading, seen along the line to it"),
        Signal("prey's heading along", "1", "cosine of the same: 1, it runs away"),
        Signal("prey's speed", "strides", "in the last step"),
        Signal("build", "1", "own build - 1.1; 0 before it is chosen"),
    ),
    actions=Box(3, ("turn", "speed", "build")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_as_predator,
    step=step_as_predator,
    oracle=oracle_as_predator,
    draw=draw_as_predator,
    parameters=PARAMETERS,
    able="catching",
)

pursuit = World(
    name="pursuit",
    doc=__doc__,
    observations=(
        Signal("predator left", "1", "sine of its bearing"),
        Signal("predator ahead", "1", "cosine of its bearing"),
        Signal("predator near", "1", "1 / (1 + distance)"),
        Signal("refuge left", "1", "sine of its bearing"),
        Signal("refuge ahead", "1", "cosine of its bearing"),
        Signal("refuge distance", "10/3", "of its middle"),
        Signal("in refuge", "1", "1 or 0"),
        Signal("predator's heading across", "1", "sine of its heading, seen along the line to it"),
        Signal("predator's heading along", "1", "cosine of the same: -1, it comes"),
        Signal("predator's speed", "strides", "in the last step"),
        Signal("middle left", "1", "sine of the bearing of the disc's middle; 0 within 4 of it"),
        Signal("middle ahead", "1", "cosine of the same, likewise"),
    ),
    actions=Box(2, ("turn", "speed")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    parameters=PARAMETERS,
    able="escaping",
    opponent=Opponent(pursuit_predator, step_of_both),
)

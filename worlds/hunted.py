"""Hunted: the foal's savannah with a predator that may have a brain of its own, and a mother who guards less well.

All that the savannah says of muscles, balance, mother and milk holds here; with the parameters as they are by default
and without an opponent, a life is one of the savannah, bit for bit. What is added:

The predator comes as there, 10 m off and at a random moment. Without a brain it runs straight at the foal at `speed`.
With a brain (the world's opponent) it turns and runs as that says, and its build v, from 0.8 to 2 m/s, is the third
number of its action, read in the step after it came: it runs up to v and turns up to 2 / v^2 rad/s, so that what is
faster turns worse. Within 3 m of the foal the mother drives it away if the foal is within `guard` of her; within 0.5 m
it bites, and is gone until it comes again. A bite costs energy, as in the savannah, and the foal lies for `hurt` steps.
`hunted-predator` is the same world as the predator lives in it, with a foal that the oracle of the savannah leads.

Fixed in every life: physics and habits. Redrawn at birth: the muscles, by `alpha`. Redrawn at every rebirth: posture,
where the mother stands and goes, when the predator comes.

Fitness per step: the foal's as in the savannah, alive, standing and within 3 m of the mother; the predator's its bites.

Source: of this project. The predator's dilemma of speed against turning: Howland 1974, "Optimal strategies for predator
avoidance: the relative importance of speed and manoeuvrability".
"""

import math

import evolearn.worlds.savannah as tame
import numpy as np

from evolearn.rng import normal_pair, uniform
from evolearn.world import Box, Opponent, Parameter, Signal, World, world_code

SLOWEST, FASTEST = 0.8, 2.0  # m/s, of predators with a brain
AGILITY = 2.0  # rad/s, of a predator of build 1 m/s
FAR = 10.0  # m, from which the predator comes
DT, MUSCLES, NEAR, STILL_STEPS = tame.DT, tame.MUSCLES, tame.NEAR, tame.STILL_STEPS

STATE = np.dtype(
    [
        *((name, tame.STATE[name]) for name in tame.STATE.names),
        ("predator_heading", "f8"),
        ("predator_speed", "f8"),  # m/s, in the last step
        ("build", "f8"),  # m/s; 0 before it is chosen
    ],
    align=True,
)

begin_in_savannah = world_code(tame.begin)
observe_in_savannah = world_code(tame.observe)
lead = world_code(tame.oracle)
distance = tame.distance


def born(foal, parameters, rng):
    tame.draw_motor_map(foal.motor, math.radians(parameters.alpha), rng)


def begin(foal, parameters, rng):
    begin_in_savannah(foal, parameters, rng)
    foal.predator_heading = 0.0
    foal.predator_speed = 0.0
    foal.build = 0.0


def observe(foal, parameters, observation):
    observe_in_savannah(foal, parameters, observation)


def observe_as_predator(foal, parameters, observation):
    observation[:] = 0.0
    observation[12] = 1.0
    if foal.predator == 0:
        return
    ahead_x = math.cos(foal.predator_heading)
    ahead_y = math.sin(foal.predator_heading)
    x = foal.x - foal.predator_x
    y = foal.y - foal.predator_y
    away = max(distance(x, y), 1e-9)
    observation[0] = 1.0
    observation[1] = (ahead_x * y - ahead_y * x) / away
    observation[2] = (ahead_x * x + ahead_y * y) / away
    observation[3] = 1.0 / (1.0 + away)
    observation[4] = (math.sin(foal.heading) * x - math.cos(foal.heading) * y) / away
    observation[5] = (math.cos(foal.heading) * x + math.sin(foal.heading) * y) / away
    observation[6] = foal.speed
    observation[7] = 1.0 if foal.down > 0 else 0.0
    observation[8] = 0.3 * min(tame.mother_distance(foal), 10.0)
    x = foal.mother_x - foal.predator_x
    y = foal.mother_y - foal.predator_y
    away = max(distance(x, y), 1e-9)
    observation[9] = (ahead_x * y - ahead_y * x) / away
    observation[10] = (ahead_x * x + ahead_y * y) / away
    observation[11] = foal.build - 1.0 if foal.build > 0.0 else 0.0


@world_code
def comes(foal, luck, rng):
    """Whether there was no predator; then it may come."""
    if foal.predator == 1:
        return False
    if foal.age > STILL_STEPS and luck < 1.0 / 150.0:
        bearing = 2.0 * math.pi * uniform(rng)
        foal.predator = 1
        foal.predator_x = foal.x + FAR * math.cos(bearing)
        foal.predator_y = foal.y + FAR * math.sin(bearing)
        foal.predator_heading = bearing + math.pi
        foal.predator_speed = 0.0
        foal.build = 0.0
    return True


@world_code
def strikes(foal, parameters, away):
    """What comes of a predator that was so far `away` before its step. Returns 1.0 for a bite."""
    if away < NEAR and tame.mother_distance(foal) < parameters.guard:
        foal.predator = 0
    elif away < 0.5:
        foal.predator = 0
        foal.energy -= 0.3
        if parameters.hurt > 0.5:
            foal.down = int(parameters.hurt)
            foal.speed = 0.0
        return 1.0
    return 0.0


@world_code
def hunt_by_script(foal, parameters, luck, rng):
    if comes(foal, luck, rng):
        return 0.0
    x = foal.x - foal.predator_x
    y = foal.y - foal.predator_y
    away = max(distance(x, y), 1e-9)
    foal.predator_heading = math.atan2(y, x)
    foal.predator_speed = parameters.speed
    foal.predator_x += DT * parameters.speed * x / away
    foal.predator_y += DT * parameters.speed * y / away
    return strikes(foal, parameters, away)


@world_code
def share(x):
    return 1.0 / (1.0 + math.exp(-min(max(x, -30.0), 30.0)))


@world_code
def hunt(foal, parameters, luck, rng, action):
    if comes(foal, luck, rng):
        return 0.0
    if foal.build == 0.0:
        foal.build = SLOWEST + (FASTEST - SLOWEST) * share(action[2])
    away = distance(foal.x - foal.predator_x, foal.y - foal.predator_y)
    turn = action[0] / (1.0 + abs(action[0]))
    foal.predator_heading += DT * AGILITY / (foal.build * foal.build) * turn
    foal.predator_speed = foal.build * share(action[1])
    foal.predator_x += DT * foal.predator_speed * math.cos(foal.predator_heading)
    foal.predator_y += DT * foal.predator_speed * math.sin(foal.predator_heading)
    return strikes(foal, parameters, away)


@world_code
def move(foal, muscles, rng):
    """The foal and its mother. Returns the foal's effort, and the luck by which a predator comes."""
    wobble, wander = normal_pair(rng)
    luck = uniform(rng)
    foal.age += 1
    effort = tame.move_foal(foal, muscles, wobble)
    tame.move_mother(foal, wander)
    return effort, luck


@world_code
def live_on(foal, effort):
    """Milk, and what a step costs. Returns whether the foal stands, how far its mother is, and whether it is dead."""
    standing = foal.down == 0
    away = tame.mother_distance(foal)
    foal.energy -= 0.0008 + 0.001 * effort
    if standing and away < 1.0:
        foal.energy += 0.01
    foal.energy = min(foal.energy, 1.0)
    return standing, away, foal.energy <= 0.0


@world_code
def look(foal):
    """What `fare` compares: how far the mother is, energy, and whether the foal stands."""
    return tame.mother_distance(foal), foal.energy, foal.down == 0


@world_code
def fare(foal, senses, before, effort, bite):
    """`live_on` with what the foal feels of it, `before` the step and after. Returns its fitness, and its death."""
    away_before, energy_before, stood_before = before
    standing, away, dead = live_on(foal, effort)
    senses[0] = 1.0 - abs(foal.tilt) / tame.FALL_TILT if standing else 0.0
    senses[1] = 5.0 * (away_before - away)
    senses[2] = 20.0 * (foal.energy - energy_before)
    senses[3] = bite
    senses[4] = 0.1 if stood_before and not standing else 0.0
    senses[5] = effort
    return (1.0 if standing and away < NEAR and not dead else 0.0), dead


def step(foal, parameters, action, senses, rng):
    """The foal as it acts, the predator by the script."""
    before = look(foal)
    effort, luck = move(foal, action, rng)
    bite = hunt_by_script(foal, parameters, luck, rng)
    fitness, dead = fare(foal, senses, before, effort, bite)
    return fitness, dead, False


def step_as_predator(foal, parameters, action, senses, rng):
    """The predator as it acts, the foal as the oracle of the savannah leads it."""
    muscles = np.empty(MUSCLES)
    lead(foal, parameters, muscles)
    effort, luck = move(foal, muscles, rng)
    bite = hunt(foal, parameters, luck, rng, action)
    return bite, live_on(foal, effort)[2], False


def step_of_both(foal, parameters, action, predator_action, senses, predator_senses, rng):
    """Foal and predator as they act."""
    before = look(foal)
    effort, luck = move(foal, action, rng)
    bite = hunt(foal, parameters, luck, rng, predator_action)
    fitness, dead = fare(foal, senses, before, effort, bite)
    return fitness, bite, dead, False


def oracle(foal, parameters, action):
    lead(foal, parameters, action)


def oracle_as_predator(foal, parameters, action):
    """A predator of 1.2 m/s that turns towards the foal and runs."""
    action[0] = 0.0
    action[1] = 4.0
    action[2] = math.log((1.2 - SLOWEST) / (FASTEST - 1.2))
    if foal.predator == 1:
        x = foal.x - foal.predator_x
        y = foal.y - foal.predator_y
        left = math.cos(foal.predator_heading) * y - math.sin(foal.predator_heading) * x
        ahead = math.cos(foal.predator_heading) * x + math.sin(foal.predator_heading) * y
        action[0] = 5.0 * math.atan2(left, ahead)


def draw(foal, parameters):
    return tame.draw(foal, parameters)


PARAMETERS = (
    *tame.savannah.parameters,
    Parameter("speed", tame.PREDATOR_SPEED, 0.0, FASTEST, "m/s", "of the predator of the script"),
    Parameter("guard", 1.5, 0.0, NEAR, "m", "from its mother, within which she drives predators away from the foal"),
    Parameter("hurt", 0.0, 0.0, 200.0, "steps", "for which the foal lies after a bite", whole=True),
)

hunted_predator = World(
    name="hunted-predator",
    doc="The hunted savannah as the predator lives in it: bite the foal." + __doc__[__doc__.index("\n") :],
    observations=(
        Signal("about", "1", "1 while it is about; all others but the last are 0 while it is not"),
        Signal("foal left", "1", "sine of its bearing"),
        Signal("foal ahead", "1", "cosine of its bearing"),
        Signal("foal near", "1", "1 / (1 + distance in m)"),
        Signal("foal's heading across", "1", "sine of its heading, seen along the line to it"),
        Signal("foal's heading along", "1", "cosine of the same: 1, it runs away"),
        Signal("foal's speed", "m/s"),
        Signal("foal down", "1", "1 while it is on the ground"),
        Signal("mother from foal", "10/3 m", "saturates at 10 m"),
        Signal("mother left", "1", "sine of her bearing"),
        Signal("mother ahead", "1", "cosine of her bearing"),
        Signal("build", "m/s", "own build - 1; 0 before it is chosen"),
        Signal("constant", "1", "always 1"),
    ),
    actions=Box(3, ("turn", "speed", "build")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_as_predator,
    step=step_as_predator,
    oracle=oracle_as_predator,
    draw=draw,
    parameters=PARAMETERS,
    termination_is_death=True,
    able="biting",
)

hunted = World(
    name="hunted",
    doc=__doc__,
    observations=tame.savannah.observations,
    actions=tame.savannah.actions,
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=tame.savannah.senses,
    parameters=PARAMETERS,
    termination_is_death=True,
    able="running",
    opponent=Opponent(hunted_predator, step_of_both),
)

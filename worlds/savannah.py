"""Savannah: a newborn foal must stand up and follow its mother, past a predator, with muscles it may not know.

Fixed in every life: the physics of balance, speed and turning; the mother's and the predator's habits; what food
(milk, within 1 m of the mother) gives and what effort, falls and bites cost.

Redrawn at birth: the motor map, which says how the four muscles push balance, speed and heading. The nominal map
is rotated by the angle `alpha` in two random orthogonal planes, so predictability is |cos(alpha)|: at 0 degrees
every foal has the same muscles, at 90 degrees the map says nothing about the nominal one, at 180 degrees it is the
nominal one with every sign turned, in every life, and so predictable again.

Redrawn at every rebirth: posture, where the mother stands, which way she goes, when the predator comes.

Fitness: 1 in each step spent alive, standing and within 3 m of the mother, else 0. Death (no energy left) starts a
new episode: a new body with the same motor map. Nothing else ends an episode. A birth score is of the first body alone.

Source: defined for this project; the balance is an inverted pendulum, the muscles a random linear synergy map.
"""

import math

import numpy as np

from evolearn.rng import normal, normal_pair, uniform
from evolearn.world import Box, Circle, Parameter, Polygon, Signal, World, world_code

DT = 0.1  # s per step
FALL_TILT = 0.7  # rad
STEPS_DOWN = 15
STILL_STEPS = 100  # the mother waits, the predator is not about
MOTHER_SPEED = 0.8  # m/s
PREDATOR_SPEED = 1.3  # m/s
MAX_SPEED = 2.0  # m/s
NEAR = 3.0  # m to the mother, for fitness
MUSCLES = 4
VIEW = 5.0  # m around the foal that are drawn

STATE = np.dtype(
    [
        ("motor", "f8", (3, MUSCLES)),  # muscles -> balance, speed, turn
        ("age", "i8"),  # steps in this episode
        ("tilt", "f8"),  # rad
        ("tilt_rate", "f8"),  # rad/s
        ("speed", "f8"),  # m/s
        ("heading", "f8"),  # rad
        ("x", "f8"),  # m
        ("y", "f8"),
        ("down", "i8"),  # steps left on the ground
        ("energy", "f8"),  # 1 is full, 0 is death
        ("mother_x", "f8"),  # m
        ("mother_y", "f8"),
        ("mother_heading", "f8"),  # rad
        ("predator", "i8"),  # 1 while it is about
        ("predator_x", "f8"),  # m
        ("predator_y", "f8"),
    ],
    align=True,
)


@world_code
def clip(value, low, high):
    return min(max(value, low), high)


@world_code
def distance(x, y):
    return math.sqrt(x * x + y * y)


@world_code
def mother_distance(foal):
    return distance(foal.mother_x - foal.x, foal.mother_y - foal.y)


@world_code
def draw_motor_map(motor, alpha, rng):
    """Write M0 Q diag(Rot(alpha), Rot(alpha)) Q^T, with Q a random orthogonal matrix."""
    # Gram-Schmidt on normal draws gives Q's columns, uniform over orthogonal matrices.
    columns = np.empty((MUSCLES, MUSCLES))
    for i in range(MUSCLES):
        for j in range(MUSCLES):
            columns[i, j] = normal(rng)
        for k in range(i):
            overlap = 0.0
            for j in range(MUSCLES):
                overlap += columns[i, j] * columns[k, j]
            for j in range(MUSCLES):
                columns[i, j] -= overlap * columns[k, j]
        length = 0.0
        for j in range(MUSCLES):
            length += columns[i, j] * columns[i, j]
        length = math.sqrt(length)
        for j in range(MUSCLES):
            columns[i, j] /= length
    cosine = math.cos(alpha)
    sine = math.sin(alpha)
    for row in range(3):
        for j in range(MUSCLES):
            motor[row, j] = 0.0
        for i in range(MUSCLES):
            nominal = 0.5  # row 0: all muscles push the same way
            if (row == 1 and i >= 2) or (row == 2 and i % 2 == 1):
                nominal = -0.5
            for j in range(MUSCLES):
                rotated = 0.0
                for plane in range(0, MUSCLES, 2):
                    first = columns[plane]
                    second = columns[plane + 1]
                    rotated += first[i] * (cosine * first[j] - sine * second[j])
                    rotated += second[i] * (sine * first[j] + cosine * second[j])
                motor[row, j] += nominal * rotated


def born(foal, parameters, rng):
    draw_motor_map(foal.motor, math.radians(parameters.alpha), rng)


def begin(foal, parameters, rng):
    foal.age = 0
    foal.tilt = 0.1 * normal(rng)
    foal.tilt_rate = 0.0
    foal.speed = 0.0
    foal.heading = 2.0 * math.pi * uniform(rng)
    foal.x = 0.0
    foal.y = 0.0
    foal.down = 0
    foal.energy = 1.0
    bearing = 2.0 * math.pi * uniform(rng)
    foal.mother_x = 2.0 * math.cos(bearing)
    foal.mother_y = 2.0 * math.sin(bearing)
    foal.mother_heading = 2.0 * math.pi * uniform(rng)
    foal.predator = 0
    foal.predator_x = 0.0
    foal.predator_y = 0.0


def observe(foal, parameters, observation):
    ahead_x = math.cos(foal.heading)
    ahead_y = math.sin(foal.heading)
    observation[0] = 3.0 * foal.tilt
    observation[1] = foal.tilt_rate
    observation[2] = foal.speed
    observation[3] = 1.0 if foal.down > 0 else 0.0
    x = foal.mother_x - foal.x
    y = foal.mother_y - foal.y
    away = max(distance(x, y), 1e-9)
    observation[4] = (ahead_x * y - ahead_y * x) / away
    observation[5] = (ahead_x * x + ahead_y * y) / away
    observation[6] = 0.3 * min(away, 10.0)
    if foal.predator == 1:
        x = foal.predator_x - foal.x
        y = foal.predator_y - foal.y
        away = max(distance(x, y), 1e-9)
        observation[7] = 1.0
        observation[8] = (ahead_x * y - ahead_y * x) / away
        observation[9] = (ahead_x * x + ahead_y * y) / away
        observation[10] = 0.1 * away
    else:
        observation[7:11] = 0.0
    observation[11] = foal.energy
    observation[12] = 1.0


@world_code
def move_foal(foal, action, wobble):
    """Muscles act, the body sways, walks and may fall. Returns the effort, mean squared muscle command."""
    balance = 0.0
    push = 0.0
    turn = 0.0
    effort = 0.0
    for muscle in range(MUSCLES):
        command = clip(action[muscle], -1.0, 1.0)
        balance += foal.motor[0, muscle] * command
        push += foal.motor[1, muscle] * command
        turn += foal.motor[2, muscle] * command
        effort += command * command / MUSCLES
    balance = clip(1.5 * balance, -1.0, 1.0)
    push = clip(1.5 * push, -1.0, 1.0)
    turn = clip(1.5 * turn, -1.0, 1.0)
    if foal.down > 0:
        foal.down -= 1
        if foal.down == 0:
            foal.tilt = 0.1 * wobble
            foal.tilt_rate = 0.0
        return effort
    sway = math.sqrt(DT) * (0.4 + 0.6 * foal.speed) * wobble
    foal.tilt_rate += DT * (6.0 * math.sin(foal.tilt) - foal.tilt_rate + 8.0 * balance) + sway
    foal.tilt += DT * foal.tilt_rate
    foal.speed = clip(foal.speed + DT * (3.0 * push - foal.speed), 0.0, MAX_SPEED)
    foal.heading += DT * 1.5 * turn
    foal.x += DT * foal.speed * math.cos(foal.heading)
    foal.y += DT * foal.speed * math.sin(foal.heading)
    if abs(foal.tilt) > FALL_TILT:
        foal.down = STEPS_DOWN
        foal.speed = 0.0
        foal.energy -= 0.02
    return effort


@world_code
def move_mother(foal, wander):
    if foal.age > STILL_STEPS:
        foal.mother_heading += 0.05 * wander
        foal.mother_x += DT * MOTHER_SPEED * math.cos(foal.mother_heading)
        foal.mother_y += DT * MOTHER_SPEED * math.sin(foal.mother_heading)


@world_code
def move_predator(foal, luck, rng):
    """The predator comes, chases, bites, or is chased away by the mother. Returns 1.0 for a bite."""
    if foal.predator == 0:
        if foal.age > STILL_STEPS and luck < 1.0 / 150.0:
            bearing = 2.0 * math.pi * uniform(rng)
            foal.predator = 1
            foal.predator_x = foal.x + 10.0 * math.cos(bearing)
            foal.predator_y = foal.y + 10.0 * math.sin(bearing)
        return 0.0
    x = foal.x - foal.predator_x
    y = foal.y - foal.predator_y
    away = max(distance(x, y), 1e-9)
    foal.predator_x += DT * PREDATOR_SPEED * x / away
    foal.predator_y += DT * PREDATOR_SPEED * y / away
    if away < 3.0 and mother_distance(foal) < 1.5:
        foal.predator = 0
    elif away < 0.5:
        foal.predator = 0
        foal.energy -= 0.3
        return 1.0
    return 0.0


def step(foal, parameters, action, senses, rng):
    # Every step draws the same numbers in the same order, so that two foals share their luck.
    wobble, wander = normal_pair(rng)
    luck = uniform(rng)
    distance_before = mother_distance(foal)
    energy_before = foal.energy
    stood_before = foal.down == 0
    foal.age += 1
    effort = move_foal(foal, action, wobble)
    move_mother(foal, wander)
    bite = move_predator(foal, luck, rng)
    standing = foal.down == 0
    away = mother_distance(foal)
    foal.energy -= 0.0008 + 0.001 * effort
    if standing and away < 1.0:
        foal.energy += 0.01
    foal.energy = min(foal.energy, 1.0)
    dead = foal.energy <= 0.0
    senses[0] = 1.0 - abs(foal.tilt) / FALL_TILT if standing else 0.0
    senses[1] = 5.0 * (distance_before - away)
    senses[2] = 20.0 * (foal.energy - energy_before)
    senses[3] = bite
    senses[4] = 0.1 if stood_before and not standing else 0.0
    senses[5] = effort
    fit = 1.0 if standing and away < NEAR and not dead else 0.0
    return fit, dead, False


def oracle(foal, parameters, action):
    """Balance, walk and turn by feedback through the transpose of this life's motor map (its rows are orthonormal)."""
    x = foal.mother_x - foal.x
    y = foal.mother_y - foal.y
    away = max(distance(x, y), 1e-9)
    left = (math.cos(foal.heading) * y - math.sin(foal.heading) * x) / away
    ahead = (math.cos(foal.heading) * x + math.sin(foal.heading) * y) / away
    balance = clip(-(1.8 * foal.tilt + 0.4 * foal.tilt_rate), -1.0, 1.0)
    wanted = clip(2.5 * (away - 0.4), 0.0, 1.4) * max(ahead, 0.0)  # walks within the reach of milk
    push = clip(wanted / 3.0 + 0.5 * (wanted - foal.speed), -1.0, 1.0)
    turn = clip(2.0 * left if ahead > 0.0 else math.copysign(1.0, left), -1.0, 1.0)
    for muscle in range(MUSCLES):
        pull = foal.motor[0, muscle] * balance + foal.motor[1, muscle] * push + foal.motor[2, muscle] * turn
        action[muscle] = clip(pull / 1.5, -1.0, 1.0)


# Animals from the side, looking right, with their feet on the ground at 0, 0; cm.
MOTHER = ((-77, 101), (-70, 0), (-45, 59), (31, 59), (50, 0), (59, 87), (115, 120), (70, 161), (36, 106))
FOAL = ((-46, 60), (-42, 0), (-27, 35), (18, 35), (30, 0), (35, 52), (69, 72), (42, 97), (22, 64))
PREDATOR = ((-100, 55), (-62, 0), (-38, 34), (52, 0), (96, 46), (60, 72))


def side_view(outline, x, y, faces_right):
    side = 1 if faces_right else -1
    return [(x + side * along, y + up) for along, up in outline]


def posture(foal):
    """The foal's outline: leaning forwards by its tilt, about its hooves; on its back while down."""
    if foal.down > 0:
        return [(along, 64 - up) for along, up in FOAL]
    cosine = math.cos(foal.tilt)
    sine = math.sin(foal.tilt)
    return [(round(cosine * along + sine * up), round(cosine * up - sine * along)) for along, up in FOAL]


def in_view(x, y):
    """A place relative to the foal in cm, at the view's edge if it is beyond, and the opacity that says so."""
    away = math.hypot(x, y)
    scale = 100.0 * min(1.0, VIEW / max(away, VIEW))
    return round(scale * x), round(scale * y), 1.0 if away <= VIEW else 0.4


def draw(foal, parameters):
    """Draw a map around the foal in cm, with animals as seen from the side: they stand, sway and fall.

    The foal stays in the middle. Who is more than 5 m away is drawn pale at the edge, in the right direction. The
    disc of 3 m around the foal is strong while it is fit: standing, with the mother inside. A tuft of grass in every
    10 m shows how the foal moves.
    """
    x, y = foal.mother_x - foal.x, foal.mother_y - foal.y
    fit = foal.down == 0 and math.hypot(x, y) < NEAR
    mother_x, mother_y, mother_opacity = in_view(x, y)
    foe_x, foe_y, foe_opacity = in_view(foal.predator_x - foal.x, foal.predator_y - foal.y)
    grass_x, grass_y = VIEW - foal.x % (2.0 * VIEW), VIEW - foal.y % (2.0 * VIEW)
    # It fades before it comes in again at the other side.
    grass_opacity = round(min(max(VIEW - math.hypot(grass_x, grass_y), 0.0), 1.0), 1)
    return (
        Circle(0, 0, 100 * NEAR, role="goal", label="fit with the mother inside", opacity=0.4 if fit else 0.1),
        Circle(round(100 * grass_x), round(100 * grass_y), 9, role="ground", label="grass", opacity=grass_opacity),
        Polygon(
            side_view(MOTHER, mother_x, mother_y, math.cos(foal.mother_heading) >= 0.0),
            role="friend",
            label="mother",
            opacity=mother_opacity,
        ),
        Polygon(
            side_view(PREDATOR, foe_x, foe_y, foe_x < 0),
            role="foe",
            label="predator",
            opacity=foe_opacity if foal.predator == 1 else 0.0,
        ),
        Polygon(side_view(posture(foal), 0, 0, math.cos(foal.heading) >= 0.0), role="self", label="foal"),
    )


savannah = World(
    name="savannah",
    doc=__doc__,
    observations=(
        Signal("tilt", "rad/3", "three times the body's angle from upright"),
        Signal("tilt rate", "rad/s"),
        Signal("speed", "m/s"),
        Signal("down", "1", "1 while on the ground after a fall"),
        Signal("mother left", "1", "sine of the mother's bearing"),
        Signal("mother ahead", "1", "cosine of the mother's bearing"),
        Signal("mother distance", "10/3 m", "saturates at 10 m"),
        Signal("predator", "1", "1 while it is about; the next three are 0 while it is not"),
        Signal("predator left", "1", "sine of its bearing"),
        Signal("predator ahead", "1", "cosine of its bearing"),
        Signal("predator distance", "10 m"),
        Signal("energy", "1", "1 is full, 0 is death"),
        Signal("constant", "1", "always 1"),
    ),
    actions=Box(MUSCLES, ("muscle 1", "muscle 2", "muscle 3", "muscle 4")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("uprightness", "1", "1 upright, 0 at the tilt of a fall and while down"),
        Signal("approach", "0.2 m", "distance to the mother lost in this step"),
        Signal("energy change", "1/20", "energy won or lost in this step"),
        Signal("bite", "1", "1 in the step of a bite"),
        Signal("fall", "10 falls", "0.1 in the step of a fall"),
        Signal("effort", "1", "mean squared muscle command"),
    ),
    parameters=(
        Parameter("alpha", 0.0, 0.0, 180.0, "degrees", "how far the motor map is rotated at birth; see above"),
    ),
    termination_is_death=True,
    able="running",
)

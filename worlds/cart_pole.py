"""Cart-pole: push a cart left or right to keep a pole upright, with a cart and a pole that may differ in every life.

Fixed in every life: gravity, the time step of 0.02 s, the limits (12 degrees, 2.4 m, 500 steps).

Redrawn at birth: masses, pole length and force, each multiplied by 4 to the power of (1 - predictability) * u with
u uniform in -1/2 .. 1/2, and which way the two actions push, reversed with probability (1 - predictability) / 2.
With predictability 1, the default, every life has the classical cart; with 0 the newborn cannot know left from
right.

Redrawn at every episode: the four state variables, uniform within 0.05 of zero.

Fitness: 1 per step; a life counts its mean return per episode, that is, steps balanced. Terminated when the pole or
the cart passes its limit, truncated after 500 steps.

Source: Barto, Sutton and Anderson 1983; equations as corrected by Florian 2007, eqs. 23 and 24, without friction.
"""

import math

import numpy as np

from evolearn.rng import uniform
from evolearn.world import MEAN_RETURN_PER_EPISODE, Discrete, Line, Parameter, Polygon, Signal, World, world_code

DT = 0.02  # s per step
GRAVITY = 9.8  # m/s^2
CART_LIMIT = 2.4  # m
POLE_LIMIT = math.radians(12.0)
STEP_LIMIT = 500
CART_HEIGHT = 0.25  # m, in drawings; a cart is twice as long

STATE = np.dtype(
    [
        ("cart_mass", "f8"),  # kg
        ("pole_mass", "f8"),  # kg
        ("half_length", "f8"),  # m
        ("force", "f8"),  # N, negative where the actions are reversed
        ("position", "f8"),  # m
        ("velocity", "f8"),  # m/s
        ("angle", "f8"),  # rad
        ("angular_velocity", "f8"),  # rad/s
        ("age", "i8"),  # steps in this episode
    ],
    align=True,
)


@world_code
def varied(nominal, predictability, rng):
    return nominal * 4.0 ** ((1.0 - predictability) * (uniform(rng) - 0.5))


def born(cart, parameters, rng):
    cart.cart_mass = varied(1.0, parameters.predictability, rng)
    cart.pole_mass = varied(0.1, parameters.predictability, rng)
    cart.half_length = varied(0.5, parameters.predictability, rng)
    cart.force = varied(10.0, parameters.predictability, rng)
    if uniform(rng) < 0.5 * (1.0 - parameters.predictability):
        cart.force = -cart.force


def begin(cart, parameters, rng):
    cart.position = 0.1 * uniform(rng) - 0.05
    cart.velocity = 0.1 * uniform(rng) - 0.05
    cart.angle = 0.1 * uniform(rng) - 0.05
    cart.angular_velocity = 0.1 * uniform(rng) - 0.05
    cart.age = 0


def observe(cart, parameters, observation):
    observation[0] = cart.position
    observation[1] = cart.velocity
    observation[2] = cart.angle
    observation[3] = cart.angular_velocity


def step(cart, parameters, action, senses, rng):
    force = cart.force if action == 1 else -cart.force
    total_mass = cart.cart_mass + cart.pole_mass
    sine = math.sin(cart.angle)
    cosine = math.cos(cart.angle)
    pole_moment = cart.pole_mass * cart.half_length
    thrust = (force + pole_moment * cart.angular_velocity * cart.angular_velocity * sine) / total_mass
    inertia = cart.half_length * (4.0 / 3.0 - cart.pole_mass * cosine * cosine / total_mass)
    angular_acceleration = (GRAVITY * sine - cosine * thrust) / inertia
    acceleration = thrust - pole_moment * angular_acceleration * cosine / total_mass
    cart.position += DT * cart.velocity
    cart.velocity += DT * acceleration
    cart.angle += DT * cart.angular_velocity
    cart.angular_velocity += DT * angular_acceleration
    cart.age += 1
    senses[0] = 1.0 - abs(cart.angle) / POLE_LIMIT
    senses[1] = 1.0 - abs(cart.position) / CART_LIMIT
    fell = abs(cart.angle) > POLE_LIMIT or abs(cart.position) > CART_LIMIT
    return 1.0, fell, cart.age >= STEP_LIMIT and not fell


def oracle(cart, parameters, action):
    """Push towards where the pole leans, knowing which action pushes right."""
    lean = 10.0 * cart.angle + 3.0 * cart.angular_velocity + 0.3 * cart.position + 0.6 * cart.velocity
    return 1 if (lean > 0.0) == (cart.force > 0.0) else 0


def draw(cart, parameters):
    """Draw the cart from the side: the track between its limits, the pole between its own."""
    length = 2.0 * cart.half_length

    def from_pivot(angle, share):
        return cart.position + share * length * math.sin(angle), CART_HEIGHT + share * length * math.cos(angle)

    left, right = cart.position - CART_HEIGHT, cart.position + CART_HEIGHT
    return (
        Line(-CART_LIMIT, 0.0, CART_LIMIT, 0.0, role="ground", label="track"),
        *(Line(x, -0.1, x, 0.2, role="mark", label="limit") for x in (-CART_LIMIT, CART_LIMIT)),
        *(
            Line(*from_pivot(limit, 0.8), *from_pivot(limit, 1.0), role="goal", label="limit of the pole")
            for limit in (-POLE_LIMIT, POLE_LIMIT)
        ),
        Polygon(((left, 0.0), (right, 0.0), (right, CART_HEIGHT), (left, CART_HEIGHT)), role="self", label="cart"),
        Line(*from_pivot(0.0, 0.0), *from_pivot(cart.angle, 1.0), role="self", label="pole"),
    )


cart_pole = World(
    name="cart-pole",
    doc=__doc__,
    observations=(
        Signal("position", "m"),
        Signal("velocity", "m/s"),
        Signal("angle", "rad"),
        Signal("angular velocity", "rad/s"),
    ),
    actions=Discrete(2, ("push left", "push right")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("uprightness", "1", "1 upright, 0 at the limit"),
        Signal("centredness", "1", "1 in the middle, 0 at the limit"),
    ),
    parameters=(
        Parameter("predictability", 1.0, 0.0, 1.0, "1", "how much of the cart is the same in every life; see above"),
    ),
    fitness_rule=MEAN_RETURN_PER_EPISODE,
    termination_is_death=True,  # the pole lies; a birth score is of the first one alone
    able="balancing",
)

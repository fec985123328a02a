"""The bandit and the savannah out of anybody's arrays: the same lines for JAX, torch and, in a test, NumPy.

A world's state is a tuple of arrays of one shape, a number per life. Draws are arguments. Arrays are float32, and
`xp` is the library: jax.numpy, torch or numpy.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from evolearn.worlds import savannah as foals

ROUNDS = 100  # pulls of an episode
# Rows: what all muscles, at full strength, do to balance, speed and turn; the nominal map.
MOTOR = ((0.5, 0.5, 0.5, 0.5), (0.5, 0.5, -0.5, -0.5), (0.5, -0.5, 0.5, -0.5))


class Bandit(NamedTuple):
    """Two arms, and what was done to them last."""

    payoff: Any  # how often arm 0 pays
    other_payoff: Any  # likewise arm 1
    pulled: Any  # 1 where it was arm 1, 0 where arm 0
    paid: Any
    age: Any  # pulls in this episode


def bandit_born(xp: Any, draws: Any) -> Bandit:
    """Bandits with payoffs `draws`, two uniform ones: at a fixity of one half neither arm is likelier the best."""
    payoff, other_payoff = draws
    still = xp.zeros_like(payoff)
    return Bandit(payoff, other_payoff, still, still, still)


def bandit_shows(xp: Any, bandit: Bandit) -> list[Any]:
    """Four numbers per life."""
    any_pull = xp.where(bandit.age > 0.0, 1.0, 0.0)
    return [any_pull * (1.0 - bandit.pulled), any_pull * bandit.pulled, bandit.paid, xp.ones_like(any_pull)]


def bandit_step(xp: Any, bandit: Bandit, action: Any, luck: Any) -> tuple[Bandit, Any]:
    """Pull arm 1 where `action` is 1, else arm 0, with one uniform draw; returns the fitness too."""
    often = xp.where(action > 0.5, bandit.other_payoff, bandit.payoff)
    paid = xp.where(luck < often, 1.0, 0.0)
    age = bandit.age + 1.0
    ends = age >= ROUNDS
    shown = xp.where(ends, 0.0, paid)
    return bandit._replace(pulled=action, paid=shown, age=xp.where(ends, 0.0, age)), paid


class Foal(NamedTuple):
    """A foal with the nominal motor map, its mother and the predator; units as in `evolearn.worlds.savannah`."""

    age: Any
    tilt: Any
    tilt_rate: Any
    speed: Any
    heading: Any
    x: Any
    y: Any
    down: Any
    energy: Any
    mother_x: Any
    mother_y: Any
    mother_heading: Any
    predator: Any
    predator_x: Any
    predator_y: Any


def foal_begins(xp: Any, draws: Any) -> Foal:
    """A new body by four draws: a normal one for its tilt, and three uniform ones."""
    wobble, heading, bearing, mother_heading = draws
    turn, still = 2.0 * math.pi, xp.zeros_like(wobble)
    return Foal(
        *(still, 0.1 * wobble, still, still, turn * heading, still, still, still, xp.ones_like(wobble)),
        *(2.0 * xp.cos(turn * bearing), 2.0 * xp.sin(turn * bearing), turn * mother_heading, still, still, still),
    )


def _to(xp: Any, foal: Foal, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Sine and cosine of a place's bearing, and its distance."""
    x, y = x - foal.x, y - foal.y
    away = xp.clip(xp.sqrt(x * x + y * y), 1e-9, None)
    ahead_x, ahead_y = xp.cos(foal.heading), xp.sin(foal.heading)
    return (ahead_x * y - ahead_y * x) / away, (ahead_x * x + ahead_y * y) / away, away


def foal_shows(xp: Any, foal: Foal) -> list[Any]:
    """Thirteen numbers per life."""
    down = xp.where(foal.down > 0.0, 1.0, 0.0)
    mother = _to(xp, foal, foal.mother_x, foal.mother_y)
    foe = _to(xp, foal, foal.predator_x, foal.predator_y)
    return [
        *(3.0 * foal.tilt, foal.tilt_rate, foal.speed, down),
        *(mother[0], mother[1], 0.3 * xp.clip(mother[2], None, 10.0)),
        *(foal.predator, foal.predator * foe[0], foal.predator * foe[1], 0.1 * foal.predator * foe[2]),
        *(foal.energy, xp.ones_like(down)),
    ]


def foal_step(xp: Any, foal: Foal, action: Any, draws: Any) -> tuple[Foal, Any, Any]:
    """Act with four muscles, by two normal draws and two uniform ones; returns fitness, and where foals died, too."""
    wobble, wander, luck, bearing = draws
    commands = [xp.clip(command, -1.0, 1.0) for command in action]
    effort = sum(command * command for command in commands) / foals.MUSCLES
    balance, push, turn = (
        xp.clip(1.5 * sum(pull * command for pull, command in zip(row, commands, strict=True)), -1.0, 1.0)
        for row in MOTOR
    )
    dt, age = foals.DT, foal.age + 1.0
    stands, is_up = foal.down == 0.0, foal.down == 1.0  # is_up: it was down, and gets up in this step
    sway = math.sqrt(dt) * (0.4 + 0.6 * foal.speed) * wobble
    tilt_rate = foal.tilt_rate + dt * (6.0 * xp.sin(foal.tilt) - foal.tilt_rate + 8.0 * balance) + sway
    tilt = foal.tilt + dt * tilt_rate
    speed = xp.clip(foal.speed + dt * (3.0 * push - foal.speed), 0.0, foals.MAX_SPEED)
    heading = foal.heading + dt * 1.5 * turn
    x, y = foal.x + dt * speed * xp.cos(heading), foal.y + dt * speed * xp.sin(heading)
    falls = stands & (xp.abs(tilt) > foals.FALL_TILT)
    tilt = xp.where(stands, tilt, xp.where(is_up, 0.1 * wobble, foal.tilt))
    tilt_rate = xp.where(stands, tilt_rate, xp.where(is_up, 0.0, foal.tilt_rate))
    speed = xp.where(falls, 0.0, xp.where(stands, speed, foal.speed))
    heading = xp.where(stands, heading, foal.heading)
    x, y = xp.where(stands, x, foal.x), xp.where(stands, y, foal.y)
    down = xp.where(falls, float(foals.STEPS_DOWN), xp.clip(foal.down - 1.0, 0.0, None))
    energy = foal.energy - xp.where(falls, 0.02, 0.0)

    later = age > foals.STILL_STEPS
    stride = xp.where(later, dt * foals.MOTHER_SPEED, 0.0)
    mother_heading = foal.mother_heading + xp.where(later, 0.05 * wander, 0.0)
    mother_x, mother_y = (
        foal.mother_x + stride * xp.cos(mother_heading),
        foal.mother_y + stride * xp.sin(mother_heading),
    )
    mother_away = xp.sqrt((mother_x - x) ** 2 + (mother_y - y) ** 2)

    about = foal.predator > 0.5
    comes = ~about & later & (luck < 1.0 / 150.0)
    to_x, to_y = x - foal.predator_x, y - foal.predator_y
    away = xp.clip(xp.sqrt(to_x * to_x + to_y * to_y), 1e-9, None)
    pace = dt * foals.PREDATOR_SPEED / away
    angle = 2.0 * math.pi * bearing
    predator_x = xp.where(about, foal.predator_x + pace * to_x, xp.where(comes, x + 10.0 * xp.cos(angle), 0.0))
    predator_y = xp.where(about, foal.predator_y + pace * to_y, xp.where(comes, y + 10.0 * xp.sin(angle), 0.0))
    chased = about & (away < 3.0) & (mother_away < 1.5)
    bites = about & ~chased & (away < 0.5)
    predator = xp.where((about & ~chased & ~bites) | comes, 1.0, 0.0)
    standing = down == 0.0
    energy = energy - xp.where(bites, 0.3, 0.0) - 0.0008 - 0.001 * effort
    energy = xp.clip(energy + xp.where(standing & (mother_away < 1.0), 0.01, 0.0), None, 1.0)
    dead = energy <= 0.0
    fitness = xp.where(standing & (mother_away < foals.NEAR) & ~dead, 1.0, 0.0)
    moved = Foal(
        *(age, tilt, tilt_rate, speed, heading, x, y, down, energy),
        *(mother_x, mother_y, mother_heading, predator, predator_x, predator_y),
    )
    return moved, fitness, dead

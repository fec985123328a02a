"""A tiny world that two live in, and what tests need to let them."""

import dataclasses

import numpy as np

from evolearn.life import new_driver
from evolearn.life.live import lives, opponent_job
from evolearn.rng import SELECTION, life_keys, normal, uniform
from evolearn.world import Box, Discrete, Opponent, Signal, World
from tests.helpers.probe_worlds import conditions_for, newborns_for

STATE = np.dtype([("place", "f8"), ("slope", "f8"), ("age", "i8"), ("blind", "i8")], align=True)
LENGTH = 20  # steps of an episode, unless somebody has won before


def born(tug, parameters, rng):
    tug.slope = uniform(rng) - 0.5


def begin(tug, parameters, rng):
    tug.place = 0.1 * normal(rng)
    tug.age = 0


def observe(tug, parameters, observation):
    observation[0] = tug.place
    observation[1] = 0.1 * tug.age


def observe_from_the_other_side(tug, parameters, observation):
    observation[0] = -tug.place
    observation[1] = tug.slope
    observation[2] = 1.0


def observe_nothing_finite(tug, parameters, observation):
    observation[0] = np.nan if tug.age == 7 else 0.0
    observation[1] = 0.0
    observation[2] = 0.0


def step_of_both(tug, parameters, action, opponent_action, senses, opponent_senses, rng):
    pull = 0.0 if opponent_action == 0 else (1.0 if opponent_action == 1 else -0.5)
    tug.place += 0.2 * action[0] - 0.2 * pull + 0.1 * tug.slope + 0.05 * normal(rng)
    tug.age += 1
    senses[0] = abs(action[0])
    opponent_senses[0] = pull
    opponent_senses[1] = tug.place
    over = abs(tug.place) > 1.5
    return tug.place, 0.5 - tug.place, over, tug.age >= LENGTH and not over


def step_alone(tug, parameters, action, senses, rng):
    """As `step_of_both` where the opponent does nothing."""
    tug.place += 0.2 * action[0] - 0.2 * 0.0 + 0.1 * tug.slope + 0.05 * normal(rng)
    tug.age += 1
    senses[0] = abs(action[0])
    over = abs(tug.place) > 1.5
    return tug.place, over, tug.age >= LENGTH and not over


def step_of_the_other_side(tug, parameters, action, senses, rng):
    """As `step_of_both` where the first agent does nothing."""
    pull = 0.0 if action == 0 else (1.0 if action == 1 else -0.5)
    tug.place += 0.2 * 0.0 - 0.2 * pull + 0.1 * tug.slope + 0.05 * normal(rng)
    tug.age += 1
    senses[0] = pull
    senses[1] = tug.place
    over = abs(tug.place) > 1.5
    return 0.5 - tug.place, over, tug.age >= LENGTH and not over


other_side = World(
    name="other-side",
    doc="Tug as the one on the other side lives in it.",
    observations=(Signal("place", "1"), Signal("slope", "1"), Signal("one", "1")),
    actions=Discrete(3, ("rest", "pull", "give")),
    senses=(Signal("pull", "1"), Signal("lost", "1")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_from_the_other_side,
    step=step_of_the_other_side,
)

tug = World(
    name="tug",
    doc="Two pull at what drifts; who has it is fit. Who does nothing is scripted to.",
    observations=(Signal("place", "1"), Signal("age", "10 steps")),
    actions=Box(1),
    senses=(Signal("effort", "1"),),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step_alone,
    opponent=Opponent(other_side, step_of_both),
)

blinding = dataclasses.replace(
    tug,
    name="blinding",
    opponent=Opponent(dataclasses.replace(other_side, name="blinded", observe=observe_nothing_finite), step_of_both),
)


def conditions_of(world, other=(), **how):
    """Conditions of both sides; `other` has what is different of the opponent's."""
    theirs = conditions_for(world.opponent.world, **{"hidden": (6,), "window": 12, **dict(other)})
    return dataclasses.replace(conditions_for(world, **how), opponent=theirs)


def pairs_driver(conditions, workers=1, team=None):
    driver = new_driver(conditions, workers)
    if team is not None:
        driver.team = team
    return driver


def born_of(conditions, genomes, seed=0):
    """Newborns that want all that their drives offer, and learn."""
    wants = {name: 0.5 for name in conditions.drive_names}
    return newborns_for(conditions, genomes, seed, drives=wants, learning_rate=0.02)


def live_in_pairs(driver, newborns, theirs, born_as, they_as, keys, plan, trace_steps=0):
    """Outcomes of both sides, and both traces of the first life."""
    conditions = driver.conditions
    other = opponent_job(conditions.opponent, theirs, they_as, keys, plan, trace_steps)
    outcome, trace = lives(driver, conditions, newborns, born_as, keys, plan, trace_steps, opponent=other)
    return outcome, other.outcome, trace, other.trace.of(0)


def some_keys(count, seed=3):
    return life_keys(seed, SELECTION, 2, count)

"""Birth scores: where termination is a death, the first body's alone."""

import dataclasses

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.life import (
    FROM_ORACLE,
    FROM_UNIFORM,
    Plan,
    birth_plan,
    births_in,
    empty_outcome,
    life_fitness,
    lives,
    new_driver,
)
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import VALIDATION, life_keys
from evolearn.world import MEAN_RETURN_PER_EPISODE, Discrete, Parameter, Signal, World
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import conditions_for, newborns_for

STATE = np.dtype([("age", "i8"), ("bodies", "i8")], align=True)


def born(state, parameters, rng):
    state.bodies = 0


def begin(state, parameters, rng):
    state.age = 0
    state.bodies += 1


def observe(state, parameters, observation):
    observation[0] = 1.0


def step(state, parameters, action, senses, rng):
    """Fitness: 1 for the first body, 2 for the second, and so on."""
    state.age += 1
    over = state.age % int(parameters.span) == 0
    dead = state.age == int(parameters.dies_at)
    return 1.0 * state.bodies, dead, over and not dead


mortal = World(
    name="mortal",
    doc="Every body dies at a known age; body n earns n per step. An episode may be truncated before.",
    observations=(Signal("one", "1"),),
    actions=Discrete(2),
    parameters=(
        Parameter("dies_at", 7.0, 1.0, 1e6, "steps", "age of death within an episode", whole=True),
        Parameter("span", 1e6, 1.0, 1e6, "steps", "an episode's longest", whole=True),
    ),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    termination_is_death=True,
)
mortal_per_episode = dataclasses.replace(mortal, name="mortal-per-episode", fitness_rule=MEAN_RETURN_PER_EPISODE)
TWENTY = Plan(20, learn_until=0)


def births_of(driver, plan=TWENTY, count=3, world=None):
    world = world or driver.conditions.world
    plan = birth_plan(world, plan)
    keys = life_keys(1, VALIDATION, 0, count)
    outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(count, int), keys, plan)
    return births_in(world, outcome, plan)


def test_what_follows_the_first_death_counts_nothing(driver_for):
    """Bodies of 7, 7 and 6 steps in a window of 20."""
    births = births_of(driver_for(mortal))
    np.testing.assert_array_equal(births.score, [7 * 1 / 20] * 3)
    np.testing.assert_array_equal(births.reborn, [(7 * 1 + 7 * 2 + 6 * 3) / 20] * 3)
    np.testing.assert_array_equal(births.deaths, [2] * 3)


def test_of_returns_per_episode_those_of_the_first_body_count(driver_for):
    births = births_of(driver_for(mortal_per_episode))
    np.testing.assert_array_equal(births.score, [7.0] * 3)
    # The third body, cut off by the window's end, is better than the mean of the others already.
    np.testing.assert_array_equal(births.reborn, [(7 * 1 + 7 * 2 + 6 * 3) / 3] * 3)


def test_an_episode_that_is_cut_off_is_no_death(driver_for):
    """Episodes are truncated after 3 steps, and nobody ever gets as old as 7."""
    for world, expected in ((mortal, sum([1, 2, 3, 4, 5, 6] * 3) + 7 * 2), (mortal_per_episode, None)):
        births = births_of(driver_for(world, span=3.0))
        np.testing.assert_array_equal(births.score, births.reborn)
        np.testing.assert_array_equal(births.deaths, [0] * 3)
        if expected is not None:
            np.testing.assert_array_equal(births.score, [expected / 20] * 3)


def test_who_outlives_the_window_has_one_score(driver_for):
    for dies_at in (20.0, 21.0):
        births = births_of(driver_for(mortal, dies_at=dies_at))
        np.testing.assert_array_equal(births.score, [1.0] * 3)
        np.testing.assert_array_equal(births.reborn, [1.0] * 3)
        np.testing.assert_array_equal(births.deaths, [int(dies_at == 20.0)] * 3)


def test_where_termination_is_no_death_every_episode_counts(driver_for):
    world = dataclasses.replace(mortal, termination_is_death=False)
    births = births_of(driver_for(mortal), world=world)
    assert birth_plan(world, TWENTY).bins == 1
    np.testing.assert_array_equal(births.score, [(7 * 1 + 7 * 2 + 6 * 3) / 20] * 3)
    assert births.reborn is births.score


def test_a_death_must_be_known_to_the_step():
    plan = Plan(20, bin_steps=10)
    with pytest.raises(ValueError, match=r"plan.bin_steps=10: must be 1 where termination is a death"):
        births_in(mortal, empty_outcome(1, plan, 1, 0), plan)


def test_steps_that_a_diverged_brain_did_not_live_earn_nothing():
    plan = Plan(4, bin_steps=1)
    outcome = empty_outcome(2, plan, 1, 0)
    outcome.age[:] = [4, 3]
    outcome.fitness[:] = [[1, 1, 1, 1], [1, 1, 1, 0]]
    outcome.open_return[:] = [[1, 2, 3, 4], [1, 2, 3, 0]]
    births = births_in(mortal, outcome, plan)
    np.testing.assert_array_equal(births.score, [1.0, 0.75])
    per_episode = births_in(mortal_per_episode, outcome, plan)
    np.testing.assert_array_equal(per_episode.score, [4.0, 3.0])
    np.testing.assert_array_equal(per_episode.reborn, [4.0, 3.0])


@pytest.mark.parametrize("world", [mortal, cart_pole, savannah], ids=lambda world: world.name)
def test_compiled_and_stepwise_lives_have_the_same_birth_scores(world, driver_for):
    fused = driver_for(world)
    plan = Plan(400, learn_until=0, source=FROM_UNIFORM)
    expected = births_of(fused, plan, count=8)
    stepwise = StepwiseDriver(fused.conditions, 1, 3, CompiledEnvironments)
    try:
        found = births_of(stepwise, plan, count=8)
    finally:
        stepwise.close()
    np.testing.assert_array_equal(found.score, expected.score)
    np.testing.assert_array_equal(found.reborn, expected.reborn)
    assert_same(found.outcome, expected.outcome)
    assert expected.deaths.any()


@pytest.mark.parametrize("world", [mortal, mortal_per_episode, cart_pole], ids=lambda world: world.name)
def test_with_rebirths_it_is_the_score_of_the_same_lives_in_one_age_bin(world, driver_for):
    driver = driver_for(world)
    births = births_of(driver)
    keys = life_keys(1, VALIDATION, 0, 3)
    outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(3, int), keys, TWENTY)
    np.testing.assert_array_equal(births.reborn, life_fitness(outcome, world.fitness_rule, TWENTY))
    assert_same(births.outcome, outcome)
    assert births.plan == TWENTY


def stand_still(foal, parameters, action):
    """Balance, brake, and strain every muscle in a way that moves nothing (at alpha 0)."""
    balance = -(1.8 * foal.tilt + 0.4 * foal.tilt_rate)
    for muscle in range(4):
        strain = 0.9 if muscle in (0, 3) else -0.9
        pull = (foal.motor[0, muscle] * balance - 0.5 * foal.motor[1, muscle] * foal.speed) / 1.5
        action[muscle] = min(max(pull + strain, -1.0), 1.0)


def test_a_foal_that_stands_still_is_not_paid_for_being_born_again():
    """It stands beside its mother until she leaves, starves, and would be born beside her again."""
    world = dataclasses.replace(savannah, name="standing-still", oracle=stand_still)
    driver = new_driver(conditions_for(world), 1)
    births = births_of(driver, Plan(600, learn_until=0, source=FROM_ORACLE), count=500)
    assert 0.20 < births.score.mean() < 0.24
    assert 0.38 < births.reborn.mean() < 0.47
    assert 0.8 < births.deaths.mean() <= 1.1
    assert (births.score <= births.reborn).all()
    alive = births.deaths == 0
    np.testing.assert_array_equal(births.score[alive], births.reborn[alive])

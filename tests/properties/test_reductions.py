"""Special cases in which the whole must reduce to something simpler."""

import math

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import draw_motor_map, savannah
from hypothesis import given, strategies as st

from evolearn.genome import EVOLVED, FIXED, FRESH, decode, draw_fresh, gene_pool
from evolearn.life import Plan, lives
from evolearn.life.records import FINISHED
from evolearn.rng import BIRTH, SELECTION, life_keys, new_rng, open_stream
from tests.helpers.probe_worlds import SETTINGS, Stage, newborns_for, reward_by_action

NOMINAL = 0.5 * np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1]])


def live(driver, newborns, plan, count=3, trace_steps=0):
    keys = life_keys(9, SELECTION, 0, count)
    return lives(driver, driver.conditions, newborns, np.zeros(count, np.int64), keys, plan, trace_steps)


def test_a_zero_learning_rate_is_a_fixed_policy(driver_for):
    driver = driver_for(reward_by_action)
    still = newborns_for(driver.conditions, learning_rate=0.0)
    rate_zero, _ = live(driver, still, Plan(200, final_weights=True))
    switched_off, _ = live(driver, still, Plan(200, final_weights=True, learn_until=0))
    for outcome in (rate_zero, switched_off):
        np.testing.assert_array_equal(outcome.final_weights, np.repeat(still.weights, 3, axis=0))
    np.testing.assert_array_equal(rate_zero.fitness, switched_off.fitness)
    learns = newborns_for(driver.conditions, learning_rate=1e-3)
    learned, _ = live(driver, learns, Plan(200, final_weights=True))
    assert np.all(np.any(learned.final_weights != still.weights, axis=1))


def test_zero_drive_weights_are_no_reward(driver_for):
    """With values of zero and no entropy bonus, a learner without reward has nothing to learn from."""
    driver = driver_for(reward_by_action)
    for drives, learns in (({}, False), ({"fitness": 1.0}, True)):
        newborns = newborns_for(driver.conditions, drives=drives, learning_rate=0.01, entropy_bonus=0.0)
        start = 0
        for tensor in driver.conditions.brain.tensors:
            if tensor.name.startswith("value"):
                newborns.weights[:, start : start + tensor.size] = 0.0
            start += tensor.size
        outcome, _ = live(driver, newborns, Plan(200, final_weights=True))
        assert np.any(outcome.final_weights != newborns.weights) == learns


def test_a_drive_weight_scales_the_reward_and_adds_to_no_fitness(driver_for):
    driver = driver_for(cart_pole)
    some = newborns_for(driver.conditions, drives={"uprightness": 1.0}, learning_rate=0.01)
    none = newborns_for(driver.conditions, drives={}, learning_rate=0.01)
    first_window = Plan(16, final_weights=True)
    wanting, _ = live(driver, some, first_window)
    listless, _ = live(driver, none, first_window)
    np.testing.assert_array_equal(wanting.fitness, listless.fitness)
    np.testing.assert_array_equal(wanting.drives, listless.drives)
    assert np.all(np.any(wanting.final_weights != listless.final_weights, axis=1))


WINDOW = 16


@pytest.mark.parametrize(
    ("learn_from", "learn_until", "learns"),
    [
        (0, 0, False),
        (0, WINDOW - 1, False),
        (0, WINDOW, True),
        (100, 100 + WINDOW - 1, False),
        (100, 100 + WINDOW, True),
        (200 - WINDOW, None, True),
        (200 - WINDOW + 1, None, False),
        (200, None, False),
    ],
)
def test_learning_happens_between_its_two_ages_and_in_whole_windows(driver_for, learn_from, learn_until, learns):
    driver = driver_for(reward_by_action)
    newborns = newborns_for(driver.conditions, learning_rate=0.01)
    plan = Plan(200, learn_from=learn_from, learn_until=learn_until, final_weights=True)
    outcome, _ = live(driver, newborns, plan)
    changed = np.any(outcome.final_weights != newborns.weights, axis=1)
    assert np.all(changed == learns)


def test_a_life_is_frozen_until_learning_starts_and_after_it_stops(driver_for):
    driver = driver_for(reward_by_action)
    newborns = newborns_for(driver.conditions, learning_rate=0.05)
    frozen, _ = live(driver, newborns, Plan(192, bin_steps=48, learn_until=0))
    late, _ = live(driver, newborns, Plan(192, bin_steps=48, learn_from=96))
    np.testing.assert_array_equal(late.fitness[:, :2], frozen.fitness[:, :2])
    assert not np.array_equal(late.fitness[:, 2:], frozen.fitness[:, 2:])
    early, _ = live(driver, newborns, Plan(192, learn_until=96, final_weights=True))
    half, _ = live(driver, newborns, Plan(96, final_weights=True))
    np.testing.assert_array_equal(early.final_weights, half.final_weights)


def test_one_epoch_is_the_plain_actor_critic_in_a_whole_life(driver_for):
    outcomes = []
    for clip in (0.0, 0.2, 1e6):
        driver = driver_for(cart_pole, settings=SETTINGS._replace(clip=clip))
        newborns = newborns_for(driver.conditions, learning_rate=0.01)
        outcomes.append(live(driver, newborns, Plan(300, final_weights=True))[0])
    np.testing.assert_array_equal(outcomes[0].final_weights, outcomes[1].final_weights)
    np.testing.assert_array_equal(outcomes[0].final_weights, outcomes[2].final_weights)


# Bodies ---------------------------------------------------------------------------------------------------------


def motor_map(alpha, seed):
    rng = new_rng()
    open_stream(rng, np.array([seed, SELECTION, 0, 0]), BIRTH)
    motor = np.full((3, 4), np.nan)
    draw_motor_map(motor, math.radians(alpha), rng)
    return motor


@given(alpha=st.floats(0.0, 180.0), seed=st.integers(0, 2**32 - 1))
def test_the_rows_of_a_motor_map_are_orthonormal(alpha, seed):
    motor = motor_map(alpha, seed)
    np.testing.assert_allclose(motor @ motor.T, np.eye(3), atol=1e-9)
    # Nominal muscles and rotated ones: u . M u = cos(alpha) for every unit u, since M rotates every direction.
    np.testing.assert_allclose(np.sum(motor * NOMINAL, axis=1), np.cos(np.radians(alpha)), atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_at_0_degrees_the_motor_map_is_nominal_and_at_180_negated(seed):
    np.testing.assert_allclose(motor_map(0.0, seed), NOMINAL, atol=1e-9)
    np.testing.assert_allclose(motor_map(180.0, seed), -NOMINAL, atol=1e-9)


def test_at_90_degrees_the_motor_map_says_nothing_about_the_nominal_one():
    maps = np.array([motor_map(90.0, seed) for seed in range(400)])
    np.testing.assert_allclose(np.sum(maps * NOMINAL, axis=2), 0.0, atol=1e-9)
    # Every entry has mean 0 over lives; its standard deviation is below .5.
    assert np.abs(maps.mean(axis=0)).max() < 4 * 0.5 / math.sqrt(400)
    assert maps.std(axis=0).min() > 0.3


def bodies(world, fields, **parameters):
    stages = [Stage(world, key, **parameters) for key in life_keys(3, SELECTION, 0, 12)]
    return np.array([[float(np.ravel(stage.state[field])[0]) for field in fields] for stage in stages])


CART = ("cart_mass", "pole_mass", "half_length", "force")


def test_a_fully_predictable_cart_is_the_classical_one_in_every_life():
    np.testing.assert_array_equal(bodies(cart_pole, CART, predictability=1.0), [[1.0, 0.1, 0.5, 10.0]] * 12)


def test_an_unpredictable_cart_is_another_one_in_every_life():
    drawn = bodies(cart_pole, CART, predictability=0.0)
    assert all(len(np.unique(np.abs(column))) == 12 for column in drawn.T)
    assert {True, False} == set(drawn[:, 3] > 0.0)
    ratio = np.abs(drawn) / [1.0, 0.1, 0.5, 10.0]
    assert ratio.min() >= 0.5
    assert ratio.max() <= 2.0


@pytest.mark.parametrize("predictability", [0.0, 0.5, 1.0])
def test_a_carts_draws_spread_as_its_predictability_says(predictability):
    keys = life_keys(3, SELECTION, 1, 1500)
    stages = [Stage(cart_pole, key, predictability=predictability) for key in keys]
    reversed_share = np.mean([float(stage.state["force"]) < 0.0 for stage in stages])
    assert (
        abs(reversed_share - 0.5 * (1.0 - predictability)) < 4 * 0.5 / math.sqrt(1500) * (predictability < 1.0) + 1e-9
    )
    powers = np.log([float(stage.state["half_length"]) / 0.5 for stage in stages]) / math.log(4.0)
    assert powers.std() == pytest.approx((1.0 - predictability) / math.sqrt(12), rel=0.1, abs=1e-9)


def test_a_fully_predictable_foal_has_the_same_muscles_in_every_life_and_new_luck_in_each():
    stages = [Stage(savannah, key, alpha=0.0) for key in life_keys(3, SELECTION, 0, 5)]
    for stage in stages:
        np.testing.assert_allclose(stage.state["motor"], NOMINAL, atol=1e-9)
    assert len({float(stage.state["tilt"]) for stage in stages}) == 5


# Genomes --------------------------------------------------------------------------------------------------------


def pool_of(conditions, **modes):
    chosen = {"weights": EVOLVED, "drives": FIXED, "plasticity": FIXED} | modes
    spreads = {"weights": 0.1, "drives": 0.1, "plasticity": 0.1}
    return gene_pool(
        conditions.brain, "actor_critic", conditions.drive_names, chosen, {"fitness": 1.0}, {}, spreads, seed=1
    )


def test_spread_zero_is_one_genome(driver_for):
    driver = driver_for(cart_pole)
    pool = pool_of(driver.conditions)
    draws = np.random.default_rng(0).standard_normal((3, pool.size))
    newborns = decode(pool, pool.centre + 0.0 * pool.spread * draws)
    key = np.repeat(life_keys(9, SELECTION, 0, 1), 3, axis=0)
    outcome, _ = lives(driver, driver.conditions, newborns, np.arange(3), key, Plan(100, final_weights=True))
    for row in (1, 2):
        np.testing.assert_array_equal(outcome.final_weights[row], outcome.final_weights[0])
        np.testing.assert_array_equal(outcome.fitness[row], outcome.fitness[0])


def test_fresh_weights_are_the_same_for_all_genomes_and_differ_between_lives(driver_for):
    driver = driver_for(cart_pole)
    pool = pool_of(driver.conditions, weights=FRESH, drives=EVOLVED)
    newborns = decode(pool, np.random.default_rng(0).standard_normal((2, pool.size)))
    keys = np.tile(life_keys(9, SELECTION, 0, 2), (2, 1))
    genomes = np.array([0, 0, 1, 1])
    plan = Plan(10, learn_until=0, final_weights=True)
    outcome, _ = lives(driver, driver.conditions, newborns, genomes, keys, plan)
    assert np.all(outcome.status == FINISHED)
    born = outcome.final_weights
    np.testing.assert_array_equal(born[0], born[2])
    np.testing.assert_array_equal(born[1], born[3])
    assert not np.array_equal(born[0], born[1])


def test_fresh_weights_follow_the_standard_initialisation_and_its_scale(driver_for):
    driver = driver_for(cart_pole)
    newborns = newborns_for(driver.conditions, fresh=True, initial_scale=2.0)
    keys = life_keys(9, SELECTION, 0, 500)
    plan = Plan(1, learn_until=0, final_weights=True)
    outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(500, np.int64), keys, plan)
    start = 0
    for tensor in driver.conditions.brain.tensors:
        block = outcome.final_weights[:, start : start + tensor.size]
        assert block.std() == pytest.approx(2.0 * tensor.initial_stdev, rel=0.05, abs=1e-9)
        assert block.mean() == pytest.approx(tensor.initial_mean, abs=0.1 * tensor.initial_stdev + 1e-9)
        start += tensor.size


@pytest.mark.parametrize("group", ["drives", "plasticity"])
def test_fresh_drives_and_plasticity_are_the_lifes_and_not_the_genomes(driver_for, group):
    pool = pool_of(driver_for(cart_pole).conditions, **{group: FRESH})
    newborns = decode(pool, np.zeros((2, pool.size)))
    keys = np.tile(life_keys(9, SELECTION, 0, 2), (2, 1))
    own, genomes = draw_fresh(pool, newborns, np.array([0, 0, 1, 1]), keys)
    drawn = getattr(own, group)
    assert genomes.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    other = "plasticity" if group == "drives" else "drives"
    np.testing.assert_array_equal(getattr(own, other), np.repeat(getattr(newborns, other)[:1], 4, axis=0))


def test_nothing_fresh_is_nothing_drawn(driver_for):
    pool = pool_of(driver_for(cart_pole).conditions)
    newborns = decode(pool, np.zeros((2, pool.size)))
    genomes = np.array([0, 1])
    same, same_genomes = draw_fresh(pool, newborns, genomes, life_keys(9, SELECTION, 0, 2))
    assert same is newborns
    assert same_genomes is genomes

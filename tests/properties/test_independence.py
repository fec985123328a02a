"""A life's result depends on its genome and its key alone: not on company, order, workers or pieces."""

from unittest import mock

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah
from hypothesis import given, settings, strategies as st

from evolearn.life import Plan, lives
from evolearn.rng import SELECTION, VALIDATION, life_keys
from tests.helpers.probe_worlds import luck, newborns_for

GENOMES, KEYS = 4, 3
PLAN = Plan(150, bin_steps=40, final_weights=True)
WORLDS = {
    "cart-pole": (cart_pole, {"predictability": 0.5, "generic_drives": ("linear_surprise", "change")}),
    "savannah": (savannah, {"alpha": 60.0}),
    "cart-pole, foreseeing": (cart_pole, {"prediction": True, "generic_drives": ("progress", "empowerment")}),
}


def newborns_of(conditions, fresh):
    wants = {name: 1.0 for name in conditions.drive_names}
    born = newborns_for(conditions, GENOMES, drives=wants, learning_rate=0.01, fresh=fresh)
    born.scale[:] = np.linspace(0.5, 2.0, GENOMES)
    return born


def pairs_of(count=GENOMES * KEYS):
    """Genomes and keys of the first `count` lives, every genome with every key."""
    genomes = np.repeat(np.arange(GENOMES), KEYS)[:count]
    return genomes, np.tile(life_keys(2, SELECTION, 5, KEYS), (GENOMES, 1))[:count]


def same_bits(found, expected):
    for name, array in found._asdict().items():
        np.testing.assert_array_equal(array, getattr(expected, name), err_msg=name)


def pick(outcome, chosen):
    return type(outcome)(*(array[chosen] for array in outcome))


@pytest.fixture(scope="module", params=[(name, fresh) for name in WORLDS for fresh in (False, True)], ids=str)
def population(request, driver_for):
    """A driver maker, newborns, and the outcome of all lives as lived by one worker in one piece."""
    name, fresh = request.param
    world, how = WORLDS[name]
    driver = driver_for(world, **how)
    newborns = newborns_of(driver.conditions, fresh)
    genomes, keys = pairs_of()
    expected, _ = lives(driver, driver.conditions, newborns, genomes, keys, PLAN)
    distinct = {row.tobytes() for row in expected.final_weights}
    assert len(distinct) == GENOMES * KEYS, "lives must differ for their equality to mean something"
    return (lambda workers: driver_for(world, workers=workers, **how)), newborns, expected


@settings(max_examples=12)
@given(
    chosen=st.lists(st.integers(0, GENOMES * KEYS - 1), min_size=1, max_size=30),
    workers=st.integers(1, 3),
    piece_steps=st.sampled_from([1, 150, 400, 60_000]),
    team=st.integers(1, 19),
)
def test_company_order_workers_teams_and_pieces_change_no_bit(population, chosen, workers, piece_steps, team):
    """Permuted, split, padded and repeated populations are all lists of indices into one."""
    driver_of, newborns, expected = population
    genomes, keys = pairs_of()
    driver = driver_of(workers)
    with (
        mock.patch("evolearn.life._fused.PIECE_STEPS", piece_steps),
        mock.patch.object(driver, "team", team),
    ):
        outcome, _ = lives(
            driver, driver.conditions, newborns, genomes[chosen], np.ascontiguousarray(keys[chosen]), PLAN
        )
    same_bits(outcome, pick(expected, chosen))


@settings(max_examples=6)
@given(order=st.permutations(range(GENOMES)))
def test_the_row_a_genome_stands_in_changes_no_bit(population, order):
    driver_of, newborns, expected = population
    genomes, keys = pairs_of()
    turned = newborns._replace(
        **{
            name: np.ascontiguousarray(getattr(newborns, name)[order])
            for name in ("weights", "drives", "plasticity", "scale", "value")
        }
    )
    row_of = np.argsort(order)
    driver = driver_of(1)
    outcome, _ = lives(driver, driver.conditions, turned, row_of[genomes], keys, PLAN)
    same_bits(outcome, expected)


@settings(max_examples=6)
@given(bins=st.integers(1, 3))
def test_a_shorter_life_is_the_beginning_of_a_longer_one(population, bins):
    driver_of, newborns, expected = population
    genomes, keys = pairs_of()
    driver = driver_of(1)
    outcome, _ = lives(driver, driver.conditions, newborns, genomes, keys, Plan(40 * bins, bin_steps=40))
    for name in ("fitness", "finished_return", "finished", "open_return", "deaths"):
        np.testing.assert_array_equal(getattr(outcome, name), getattr(expected, name)[:, :bins], err_msg=name)


def test_age_bins_only_divide_a_life(population):
    driver_of, newborns, expected = population
    genomes, keys = pairs_of()
    driver = driver_of(1)
    outcome, _ = lives(driver, driver.conditions, newborns, genomes, keys, Plan(150, final_weights=True))
    np.testing.assert_array_equal(outcome.final_weights, expected.final_weights)
    np.testing.assert_allclose(outcome.fitness[:, 0], expected.fitness.sum(axis=1))
    np.testing.assert_array_equal(outcome.finished[:, 0], expected.finished.sum(axis=1))
    np.testing.assert_array_equal(outcome.open_return[:, 0], expected.open_return[:, -1])


def test_a_trace_changes_no_bit(population):
    driver_of, newborns, expected = population
    genomes, keys = pairs_of(1)
    driver = driver_of(1)
    outcome, trace = lives(driver, driver.conditions, newborns, genomes, keys, PLAN, trace_steps=150)
    same_bits(outcome, pick(expected, [0]))
    assert trace.fitness.sum() == expected.fitness[0].sum()


def test_key_spaces_and_generations_are_other_lives(population):
    driver_of, newborns, expected = population
    driver = driver_of(1)
    for keys in (life_keys(2, VALIDATION, 5, 1), life_keys(2, SELECTION, 6, 1), life_keys(3, SELECTION, 5, 1)):
        outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, PLAN)
        assert not np.array_equal(outcome.final_weights[0], expected.final_weights[0])


def test_two_genomes_share_the_worlds_luck_at_every_step(driver_for):
    driver = driver_for(luck)
    conditions = driver.conditions
    newborns = newborns_for(conditions, 2)
    key = life_keys(4, SELECTION, 0, 1)
    traces = [lives(driver, conditions, newborns, np.array([who]), key, Plan(80), 80)[1] for who in (0, 1)]
    assert not np.array_equal(traces[0].actions, traces[1].actions)
    np.testing.assert_array_equal(traces[0].drives[:, 1], traces[1].drives[:, 1])
    assert len(np.unique(traces[0].drives[:, 1])) == 80


def test_two_foals_with_different_muscles_see_the_same_predator(driver_for):
    driver = driver_for(savannah, alpha=60.0)
    newborns = newborns_for(driver.conditions, 2)
    key = life_keys(4, SELECTION, 0, 1)
    plan = Plan(400, learn_until=0)
    traces = [lives(driver, driver.conditions, newborns, np.array([who]), key, plan, 400)[1] for who in (0, 1)]
    assert not np.array_equal(traces[0].actions, traces[1].actions)
    appears = [np.flatnonzero(np.diff(trace.observations[:, 7]) > 0)[0] for trace in traces]
    assert appears[0] == appears[1]

"""Lives that two lead: the same as a loop by hand, as scripted lives where one does nothing, and in any company."""

import dataclasses
import functools
from unittest import mock

import numpy as np
import pytest
from evolearn.worlds.pursuit import pursuit

from evolearn.life import DIVERGED, FROM_ORACLE, LifeFault, Lineage, Plan, lives, new_driver
from evolearn.life.live import opponent_job
from evolearn.life.records import FINISHED
from evolearn.rng import WORLD, at_step, new_rng, open_birth, open_stream
from evolearn.world import Opponent, WorldError, parameter_dtype
from tests.helpers.pairs import (
    LENGTH,
    blinding,
    born_of,
    conditions_of,
    live_in_pairs,
    other_side,
    pairs_driver,
    some_keys,
    step_of_both,
    tug,
)
from tests.helpers.probe_worlds import conditions_for, reward_by_action

LIVES, GENOMES = 12, 4
PLAN = Plan(3 * LENGTH + 7, bin_steps=30, final_weights=True)
BORN_AS, THEY_AS = np.arange(LIVES) % GENOMES, np.arange(LIVES) // 3 % GENOMES


@pytest.fixture(scope="module")
def conditions():
    return conditions_of(tug)


def both_sides(conditions):
    return born_of(conditions, GENOMES), born_of(conditions.opponent, GENOMES, seed=1)


def live_all(conditions, order=slice(None), workers=1, team=None):
    driver = pairs_driver(conditions, workers, team)
    own, theirs = both_sides(conditions)
    return live_in_pairs(driver, own, theirs, BORN_AS[order], THEY_AS[order], some_keys(LIVES)[order], PLAN)[:2]


@pytest.fixture(scope="module")
def lived(conditions):
    return live_all(conditions)


def same_bits(found, expected):
    for name, array in found._asdict().items():
        np.testing.assert_array_equal(array, getattr(expected, name), err_msg=name)


# Compiled sines and cosines have other last bits than Python's.
@pytest.mark.parametrize(
    ("world", "parameters", "within"), [(tug, {}, 0.0), (pursuit, {"safety": 0.5}, 1e-6)], ids=["tug", "pursuit"]
)
def test_a_life_in_pairs_is_the_loop_that_the_contract_describes(world, parameters, within):
    """One life, moved on in plain Python from both traces' actions, shows and earns what the kernel wrote down."""
    agrees = functools.partial(np.testing.assert_allclose, rtol=within, atol=within)
    conditions = conditions_of(world, other=parameters, **parameters)
    steps, key = 230, some_keys(1)
    driver = pairs_driver(conditions)
    none = np.zeros(1, np.int64)
    own, theirs = both_sides(conditions)
    outcome, other, trace, other_trace = live_in_pairs(driver, own, theirs, none, none, key, Plan(steps), steps)
    state = np.zeros(1, world.state).view(np.recarray)[0]
    given = np.zeros(1, parameter_dtype(world)).view(np.recarray)[0]
    for name, value in world.resolve(parameters).items():
        given[name] = value
    rng = new_rng()
    open_birth(rng, key[0], 0)
    world.born(state, given, rng)
    open_stream(rng, key[0], WORLD)
    world.begin(state, given, rng)
    sides = [(world, trace), (world.opponent.world, other_trace)]
    earned, ends = np.zeros(2), 0
    for t in range(steps):
        for side, written in sides:
            seen = np.zeros(len(side.observations), np.float32)
            side.observe(state, given, seen)
            agrees(seen, written.observations[t], err_msg=f"{side.name}, {t}")
        at_step(rng, t + 1)
        # Compiled, a number of single precision times one of Python's is of double precision.
        acts = [
            int(written.actions[t, 0]) if side.is_discrete else written.actions[t].astype(np.float64)
            for side, written in sides
        ]
        felt = [np.zeros(len(side.senses), np.float32) for side, _ in sides]
        *fitness, terminated, truncated = world.opponent.step(state, given, *acts, *felt, rng)
        earned += fitness
        ends += terminated or truncated
        for (side, written), mine, senses in zip(sides, fitness, felt, strict=True):
            agrees(mine, written.fitness[t])
            assert written.ends[t] == (1 if terminated else 2 if truncated else 0)
            agrees(senses, written.drives[t, 1 : 1 + len(side.senses)])
        if terminated or truncated:
            world.begin(state, given, rng)
    assert ends > 0
    agrees([outcome.fitness[0, 0], other.fitness[0, 0]], earned)
    assert outcome.finished[0, 0] == other.finished[0, 0] == ends
    assert not np.array_equal(trace.actions[:, 0], other_trace.actions[:, 0])


@pytest.mark.parametrize("idle", ["agent", "opponent"])
def test_beside_one_who_does_nothing_the_other_lives_as_where_that_is_the_script(conditions, idle):
    """Weights that are no numbers end a brain before its first act; the other learns on, bit for bit as ever."""
    own, theirs = both_sides(conditions)
    keys = some_keys(LIVES)
    other = opponent_job(conditions.opponent, theirs, THEY_AS, keys, PLAN)
    if idle == "agent":
        own.weights[:] = np.nan
        other = dataclasses.replace(other, keys=keys)  # alone, a body's luck and its world's have one key
        alone, moving, born_as = conditions.opponent, theirs, THEY_AS
    else:
        theirs.weights[:] = np.nan
        alone, moving, born_as = dataclasses.replace(conditions, opponent=None), own, BORN_AS
    outcome, _ = lives(pairs_driver(conditions), conditions, own, BORN_AS, keys, PLAN, opponent=other)
    ended, on = (outcome, other.outcome) if idle == "agent" else (other.outcome, outcome)
    assert np.all(ended.status == DIVERGED)
    assert np.all(ended.age == 0)
    expected, _ = lives(new_driver(alone), alone, moving, born_as, keys, PLAN)
    same_bits(on, expected)
    assert not np.array_equal(on.final_weights, moving.weights[born_as]), "it must learn for this to mean something"


def test_both_sides_learn_and_differ(lived):
    for outcome in lived:
        assert np.all(outcome.status == FINISHED)
        assert np.all(outcome.age == PLAN.lifetime)
        assert len({row.tobytes() for row in outcome.final_weights}) == LIVES
    own, other = lived
    np.testing.assert_array_equal(own.deaths, other.deaths)
    assert own.finished.sum() > LIVES


@pytest.mark.parametrize(("workers", "team", "piece_steps"), [(3, 1, 1), (2, 3, 60_000), (1, 8, 200)])
def test_neither_workers_nor_teams_nor_pieces_matter(conditions, lived, workers, team, piece_steps):
    with mock.patch("evolearn.life._fused.PIECE_STEPS", piece_steps):
        found = live_all(conditions, workers=workers, team=team)
    for outcome, expected in zip(found, lived, strict=True):
        same_bits(outcome, expected)


def test_neither_order_nor_company_matter(conditions, lived):
    order = np.random.default_rng(5).permutation(LIVES)[:7]
    for outcome, expected in zip(live_all(conditions, order), lived, strict=True):
        same_bits(outcome, type(expected)(*(array[order] for array in expected)))


def test_another_opponent_makes_another_life(conditions, lived):
    own, theirs = both_sides(conditions)
    others = (THEY_AS + 1) % GENOMES
    found = live_in_pairs(pairs_driver(conditions), own, theirs, BORN_AS, others, some_keys(LIVES), PLAN)
    differ = np.any(found[0].final_weights != lived[0].final_weights, axis=1)
    assert differ.sum() > LIVES // 2  # newborns do nearly alike, and some never differ in what they choose


def test_a_fault_of_what_the_opponent_sees_is_named_as_such():
    conditions = conditions_of(blinding)
    own, theirs = both_sides(conditions)
    with pytest.raises(LifeFault, match="the opponent's observation place=nan: must be finite") as caught:
        live_in_pairs(pairs_driver(conditions), own, theirs, BORN_AS, THEY_AS, some_keys(LIVES), PLAN)
    assert (caught.value.life, caught.value.step) == (0, 6)


def test_what_lives_in_pairs_do_not_offer_is_refused(conditions):
    own, theirs = both_sides(conditions)
    driver, keys = pairs_driver(conditions), some_keys(LIVES)
    with pytest.raises(ValueError, match=r"job\.opponent: must be a job of as many lives"):
        lives(driver, conditions, own, BORN_AS, keys, PLAN)
    with pytest.raises(ValueError, match="neither operations, deprivation nor oracles"):
        live_in_pairs(driver, own, theirs, BORN_AS, THEY_AS, keys, dataclasses.replace(PLAN, source=FROM_ORACLE))
    with pytest.raises(ValueError, match="lives in pairs have neither teachers nor lineages"):
        new_driver(dataclasses.replace(conditions, lineage=Lineage(2, 1)))
    without = dataclasses.replace(conditions_for(reward_by_action), opponent=conditions.opponent)
    with pytest.raises(TypeError, match="world reward-by-action: has no opponent"):
        new_driver(without)
    stranger = dataclasses.replace(conditions, opponent=conditions_for(reward_by_action))
    with pytest.raises(TypeError, match="its opponent must live in other-side"):
        new_driver(stranger)


def three_arguments(state, parameters, action):
    return 0.0, 0.0, False, False


@pytest.mark.parametrize(
    ("opponent", "message"),
    [
        (Opponent(tug, step_of_both), "must have no opponent itself"),
        (Opponent(pursuit.opponent.world, step_of_both), "must have the same state as tug"),
        (Opponent(other_side, three_arguments), "opponent.step takes 3 arguments: must take 7"),
        (
            Opponent(dataclasses.replace(other_side, fitness_rule="mean return per episode"), step_of_both),
            "their episodes end together",
        ),
        (
            Opponent(dataclasses.replace(other_side, parameters=pursuit.parameters), step_of_both),
            "must have the same parameters as tug",
        ),
    ],
)
def test_an_opponent_that_cannot_be_one_is_refused(opponent, message):
    with pytest.raises(WorldError, match=message):
        dataclasses.replace(tug, opponent=opponent)

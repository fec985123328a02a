"""Births that lives share, and worlds that are born a second time: known answers, in both drivers."""

import dataclasses

import numpy as np
import pytest

from evolearn.agent import GOES_ON, TRUNCATED
from evolearn.config import WorldPart
from evolearn.life import Plan, traced_lives
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import (
    BIRTH,
    SELECTION,
    VALIDATION,
    births_of,
    from_set,
    life_keys,
    new_rng,
    open_stream,
    redrawn,
    uniform,
    with_births,
)
from evolearn.world import GymnasiumEnvironments
from evolearn.world.gymnasium.world import declare_here
from tests.helpers.compiled_environments import ALWAYS, CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import conditions_for, fated, fated_anew, fated_the_same, newborns_for

LIVES, STEPS, SWITCH = 6, 60, 25
OWN = life_keys(5, VALIDATION, 2, LIVES)
OF_TWO = from_set(OWN, 3, SELECTION, 2, 1)
PLAN = Plan(STEPS, bin_steps=20, final_weights=True)


def conditions_of(world, switch_at=None):
    return dataclasses.replace(conditions_for(world), switch_at=switch_at)


def live_in(driver, keys, plan=PLAN):
    newborns = newborns_for(driver.conditions, 2, **ALWAYS)
    return traced_lives(driver, newborns, np.arange(len(keys)) % 2, np.ascontiguousarray(keys), plan)


@pytest.fixture(scope="module")
def lived():
    """Lives by world, switch and keys, each lived once."""
    known = {}

    def live(world, switch_at, keys):
        asked = (world.name, switch_at, keys.tobytes())
        if asked not in known:
            known[asked] = live_in(FusedDriver(conditions_of(world, switch_at)), keys)
        return known[asked]

    return live


def drawn_at_birth(key):
    """The first draw of the birth stream that a key, int64 [4], has."""
    rng = new_rng()
    open_stream(rng, key, BIRTH)
    return np.float32(uniform(rng))


def test_lives_of_a_set_are_born_from_it_in_turn_and_a_second_time_from_the_next():
    births = life_keys(3, SELECTION, 0, 2)
    assert (births_of(OF_TWO) == births[[1, 0, 1, 0, 1, 0]]).all()
    assert (births_of(OF_TWO, again=True) == births[[0, 1, 0, 1, 0, 1]]).all()
    assert (OF_TWO[:, :4] == OWN).all()
    assert (births_of(OWN) == OWN).all()
    assert (births_of(OWN, again=True) - OWN == [0, 0, 0, 2**31]).all()


def test_a_birth_that_is_drawn_again_is_that_of_no_other_life():
    many = np.concatenate(
        [redrawn(life_keys(0, VALIDATION, generation, 50), n) for generation in (0, 1) for n in (0, 1, 2)]
    )
    assert len(np.unique(many, axis=0)) == len(many)


def test_lives_with_one_birth_are_born_alike_and_have_luck_of_their_own(lived):
    _, trace = lived(fated, None, OF_TWO)
    births = [drawn_at_birth(key) for key in life_keys(3, SELECTION, 0, 2)]
    assert trace.observations[:, :, 0].tolist() == [[births[(1 + life) % 2]] * STEPS for life in range(LIVES)]
    for luck in (trace.observations[:, :, 1], trace.drives[:, :, 1]):
        assert len(np.unique(luck[:, 0])) == LIVES


def test_only_what_is_fixed_at_birth_comes_from_the_set(lived):
    (_, of_set), (_, own) = lived(fated, None, OF_TWO), lived(fated, None, OWN)
    assert own.observations[:, 0, 0].tolist() == [drawn_at_birth(key) for key in OWN]
    assert of_set.observations[:, :, 1].tobytes() == own.observations[:, :, 1].tobytes()
    assert of_set.drives[:, :, 1].tobytes() == own.drives[:, :, 1].tobytes()


def test_a_set_of_own_births_changes_nothing(lived):
    same = with_births(OWN, births_of(OWN), births_of(OWN, again=True))
    for switch in (None, SWITCH):
        for one, other in zip(lived(fated, switch, same), lived(fated, switch, OWN), strict=True):
            assert_same(one, other)


@pytest.mark.parametrize("keys", [OWN, OF_TWO], ids=["own births", "a set"])
def test_a_world_is_born_again_at_the_switch_and_all_before_is_as_without(lived, keys):
    (_, trace), (_, without) = lived(fated, SWITCH, keys), lived(fated, None, keys)
    for name in ("observations", "actions", "drives", "fitness"):
        before, same = (getattr(one, name)[:, :SWITCH] for one in (trace, without))
        assert before.tobytes() == same.tobytes(), name
    again = [drawn_at_birth(key) for key in births_of(keys, again=True)]
    assert trace.observations[:, SWITCH:, 0].tolist() == [[secret] * (STEPS - SWITCH) for secret in again]
    assert (trace.observations[:, SWITCH:, 0] != without.observations[:, SWITCH:, 0]).all()
    # The episode is cut off, and the next is whole; the state was empty before the second birth.
    assert (np.flatnonzero(trace.ends[0] == TRUNCATED) == [9, 19, 24, 34, 44, 54]).all()
    assert (without.ends[:, SWITCH - 1] == GOES_ON).all()
    assert (trace.drives[:, :, 2] == 1.0).all()


def test_a_world_may_say_what_its_second_birth_is(lived):
    _, trace = lived(fated_anew, SWITCH, OWN)
    assert (trace.observations[:, SWITCH:, 0] == -trace.observations[:, :1, 0]).all()
    assert (trace.drives[:, :SWITCH, 2] == 1.0).all()
    assert (trace.drives[:, SWITCH:, 2] == 2.0).all()


def test_brain_luck_and_learning_go_on_over_a_switch(lived):
    # The episode ends at the switch by itself, and what is born is as it was.
    (switched, trace), (without, same) = lived(fated_the_same, 30, OWN), lived(fated, None, OWN)
    assert (switched.final_weights != newborns_for(conditions_of(fated), 2).weights[np.arange(LIVES) % 2]).any()
    births = trace.drives[:, :, 2].copy()
    assert (births == np.where(np.arange(STEPS) < 30, 1.0, 2.0)).all()
    drives, totals = trace.drives.copy(), switched.drives.copy()
    drives[:, :, 2], totals[:, 2] = same.drives[:, :, 2], without.drives[:, 2]
    assert_same(trace._replace(drives=drives), same)
    assert_same(switched._replace(drives=totals), without)


@pytest.mark.parametrize("keys", [OWN, OF_TWO], ids=["own births", "a set"])
def test_the_stepwise_driver_lives_the_same(lived, keys):
    driver = StepwiseDriver(conditions_of(fated, SWITCH), 1, 4, CompiledEnvironments)
    try:
        for one, other in zip(live_in(driver, keys), lived(fated, SWITCH, keys), strict=True):
            assert_same(one, other)
    finally:
        driver.close()


def test_neither_teams_nor_threads_change_a_life(lived):
    outcome, trace = lived(fated, SWITCH, OF_TWO)
    driver = FusedDriver(conditions_of(fated, SWITCH), 2)
    driver.team = 2
    for one, other in zip(live_in(driver, OF_TWO), (outcome, trace), strict=True):
        assert_same(one, other)
    driver.team = 1
    for life in range(LIVES):
        alone = traced_lives(
            driver, newborns_for(driver.conditions, 2, **ALWAYS), np.array([life % 2]), OF_TWO[life : life + 1], PLAN
        )
        for one, other in zip(alone, (outcome, trace), strict=True):
            assert_same(one, type(other)(*(array[life : life + 1] for array in other)))


def test_a_shorter_life_is_the_beginning_of_a_longer_one(lived):
    _, whole = lived(fated, SWITCH, OWN)
    driver = FusedDriver(conditions_of(fated, SWITCH))
    for steps in (SWITCH, 40):
        _, trace = live_in(driver, OWN, Plan(steps))
        for one, other in zip(trace, whole, strict=True):
            assert one.tobytes() == other[:, :steps].tobytes()


def varied(**vary):
    return declare_here(WorldPart.model_validate({"name": "gymnasium:CartPole-v1", "vary": vary}))


WEIGHT = {"distribution": "uniform", "low": 5.0, "high": 15.0, "sets": ["gravity"]}
LIMIT = {"distribution": "choice", "values": [7, 11], "sets": ["kwargs.max_episode_steps"]}


def test_what_an_environment_varies_comes_from_the_set_and_its_episodes_do_not():
    environments = GymnasiumEnvironments(varied(weight=WEIGHT))
    shown = {}
    for name, keys in (("own", OWN), ("set", OF_TWO)):
        shown[name] = np.zeros((LIVES, 4), np.float32)
        environments.begin_all(keys, shown[name])
        drawn = [entry["weight"] for entry in environments._drawn]
        assert len(set(drawn)) == (LIVES if name == "own" else 2)
        expected = [environments._world.drawn(key)["weight"] for key in births_of(keys)]
        assert drawn == expected
    # How an episode begins is luck: as without a set.
    assert shown["own"].tobytes() == shown["set"].tobytes()
    environments.close()


def test_an_environment_is_varied_anew_at_the_switch():
    """Its length of episodes is an argument of the constructor: the life moves to another environment."""
    conditions = dataclasses.replace(conditions_for(varied(weight=WEIGHT, limit=LIMIT)), switch_at=SWITCH)
    with_switch, without = (
        StepwiseDriver(conditions, 1, 4),
        StepwiseDriver(dataclasses.replace(conditions, switch_at=None), 1, 3),
    )
    try:
        (outcome, trace), (_, same) = live_in(with_switch, OF_TWO), live_in(without, OF_TWO)
        assert trace.observations[:, :SWITCH].tobytes() == same.observations[:, :SWITCH].tobytes()
        assert (trace.ends[:, SWITCH - 1] != GOES_ON).all()
        assert (trace.observations[:, SWITCH:] != same.observations[:, SWITCH:]).any(axis=(1, 2)).all()
        world = conditions.world
        for life, key in enumerate(births_of(OF_TWO, again=True)):
            limit = world.drawn(key)["limit"]
            lengths = np.diff([SWITCH - 1, *(np.flatnonzero(trace.ends[life, SWITCH:] != GOES_ON) + SWITCH)])
            assert lengths.max() == limit, "no pole falls so soon"
        alone = traced_lives(
            with_switch,
            newborns_for(conditions, 2, **ALWAYS),
            np.array([1]),
            OF_TWO[3:4],
            PLAN,
        )
        for one, other in zip(alone, (outcome, trace), strict=True):
            assert_same(one, type(other)(*(array[3:4] for array in other)))
    finally:
        with_switch.close()
        without.close()

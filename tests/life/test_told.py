"""What brains are told of the step before, and what they remember: in both drivers, alone and together."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.life import FROM_ORACLE, FROM_UNIFORM, Plan, empty_trace, lives, traced_lives
from evolearn.life._machinery import machinery
from evolearn.rng import ACTION, at_step, new_rng, normal_pair, open_stream
from tests.helpers.compiled_environments import ALWAYS, assert_same
from tests.helpers.probe_worlds import conditions_for, newborns_for, restless, restless_box, reward_by_action
from tests.helpers.same_lives import BORN_AS, KEYS, lived_by_both_drivers, lived_in_company

ALL_INPUTS = ("observation", "last_reward", "last_action", "new_episode", "last_observation")
ELMAN = "tests.helpers.elman:ELMAN"
WANTS = {"fitness": 0.7, "gain": -0.4, "age": 0.2}
WORLDS = {"choices": restless, "box": restless_box}
PLANS = {
    "learning": Plan(150, bin_steps=30, final_weights=True),
    "learning for a while": Plan(150, learn_from=21, learn_until=90, bin_steps=30),
    "fixed": Plan(150, learn_until=0, bin_steps=30),
    "uniform": Plan(150, source=FROM_UNIFORM, bin_steps=30),
}


def told_brains(memory, trunk=ELMAN):
    return {"inputs": ALL_INPUTS, "memory": memory, "trunk": trunk, "hidden": (6,)}


def newborns_of(conditions, count=3):
    return newborns_for(conditions, count, drives=WANTS, **ALWAYS)


@pytest.fixture(scope="module", params=itertools.product(WORLDS, ["episode", "life"]), ids="-".join)
def told(request, driver_for):
    """A maker of drivers for told, recurrent brains in a world."""
    name, memory = request.param
    how = told_brains(memory)
    return lambda workers=1: driver_for(WORLDS[name], workers=workers, **how)


def expected_rows(conditions, trace):
    """What the brain of one life was to be told, from what it saw, did and felt."""
    brain = conditions.brain
    wanted = [WANTS[name] for name in conditions.drive_names]
    blank = {"last_observation": [0.0, 0.0], "last_action": [0.0] * 3, "last_reward": [0.0]}
    rows, last, is_new = [], blank, True
    for t in range(len(trace.fitness)):
        now = {**last, "observation": trace.observations[t], "new_episode": [1.0 if is_new else 0.0]}
        rows.append(np.concatenate([now[name] for name in brain.inputs]))
        done = trace.actions[t]
        if conditions.world.is_discrete:
            done = [1.0 if choice == done[0] else 0.0 for choice in range(3)]
        felt = sum(weight * float(drive) for weight, drive in zip(wanted, trace.drives[t], strict=True))
        last = {"last_observation": trace.observations[t], "last_action": done, "last_reward": [felt]}
        is_new = trace.ends[t] != GOES_ON
        if is_new and brain.memory == "episode":
            last = blank
    return np.array(rows)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_brain_is_told_of_the_step_before_at_every_step(plan, told):
    driver = told()
    _, traces = traced_lives(driver, newborns_of(driver.conditions), BORN_AS, KEYS, plan)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(traces.ends.ravel())
    for life in range(len(KEYS)):
        trace = traces.of(life)
        np.testing.assert_allclose(trace.told, expected_rows(driver.conditions, trace), rtol=2e-6, atol=1e-6)
        np.testing.assert_array_equal(trace.told[:, :2], trace.observations)
    assert np.abs(traces.told).max(axis=(0, 1)).min() > 0.5, "every input says something"


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_both_drivers_tell_the_same(plan, told):
    driver = told()
    newborns = newborns_of(driver.conditions)
    outcome = lived_by_both_drivers(driver, newborns, plan)
    if plan.final_weights:
        assert (outcome.final_weights != newborns.weights[BORN_AS]).any(axis=1).all()


@pytest.mark.parametrize("team", [1, 2, 7])
@pytest.mark.parametrize("trunk", [ELMAN, "gru"], ids=["elman", "gru"])
@pytest.mark.parametrize("memory", ["episode", "life"])
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_company_teams_and_pieces_change_no_bit(world, memory, trunk, team, driver_for):
    alone, together = (driver_for(world, workers, **told_brains(memory, trunk)) for workers in (1, 2))
    newborns, plan = newborns_of(alone.conditions), PLANS["learning"]
    lived = lived_in_company(alone, together, newborns, plan, team)
    assert len({row.tobytes() for row in lived.final_weights}) == len(KEYS)


def test_a_shorter_life_is_the_beginning_of_a_longer_one(told):
    driver = told()
    newborns = newborns_of(driver.conditions)
    longer, longer_traces = traced_lives(driver, newborns, BORN_AS, KEYS, PLANS["learning"])
    outcome, traces = traced_lives(driver, newborns, BORN_AS, KEYS, Plan(90, bin_steps=30))
    np.testing.assert_array_equal(outcome.fitness, longer.fitness[:, :3])
    assert_same(traces, type(traces)(*(array[:, :90] for array in longer_traces)))


def blocks_of(brain, weights):
    """Views of a weight vector by the names of its blocks."""
    ends = np.cumsum([tensor.size for tensor in brain.tensors])
    parts = np.split(weights, ends[:-1])
    return {tensor.name: part.reshape(tensor.shape) for tensor, part in zip(brain.tensors, parts, strict=True)}


def elman_by_hand(brain, weights, told, ends):
    """Means of a box's actions at every step, in double precision."""
    block = blocks_of(brain, weights.astype(np.float64))
    state, means = np.zeros(brain.hidden), []
    for t in range(len(told)):
        state = np.tanh(told[t] @ block["hidden1.inputs"] + state @ block["hidden1.state"] + block["hidden1.bias"])
        means.append(block["policy.weight"] @ state + block["policy.bias"])
        if ends[t] != GOES_ON and brain.memory == "episode":
            state = np.zeros(brain.hidden)
    return np.array(means)


@pytest.mark.parametrize("memory", ["episode", "life"])
def test_what_a_trunk_carries_is_cleared_or_kept_at_an_episodes_end(memory, driver_for):
    driver = driver_for(restless_box, **told_brains(memory))
    brain, newborns = driver.conditions.brain, newborns_of(driver.conditions, 1)
    newborns.weights[0] *= 2.0
    block = blocks_of(brain, newborns.weights[0])
    block["policy.weight"] *= 50.0
    block["policy.log_stdev"][:] = -1.0
    call = (driver.conditions, newborns, np.zeros(1, np.int64), KEYS[:1], PLANS["fixed"])
    _, trace = lives(driver, *call, trace_steps=150)
    rng, drawn = new_rng(), []
    open_stream(rng, KEYS[0], ACTION)
    for t in range(150):
        at_step(rng, t + 1)
        drawn.append(np.array([normal_pair(rng) for _ in range(2)]).reshape(-1)[:3])

    def acted(brain):
        return elman_by_hand(brain, newborns.weights[0], trace.told, trace.ends) + math.exp(-1.0) * np.array(drawn)

    np.testing.assert_allclose(trace.actions, acted(brain), rtol=1e-3, atol=1e-3)
    other = dataclasses.replace(brain, memory="life" if memory == "episode" else "episode")
    assert np.abs(trace.actions - acted(other)).max() > 0.1


def test_an_oracles_actions_are_told_as_well(driver_for):
    inputs = ("observation", "last_action")
    driver = driver_for(reward_by_action, inputs=inputs)
    newborns = newborns_for(driver.conditions)
    plan = Plan(5, source=FROM_ORACLE)
    _, trace = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), KEYS[:1], plan, trace_steps=5)
    assert trace.told.tolist() == [[1, 0, 0], *[[1, 0, 1]] * 4]


def test_brains_that_see_alone_have_no_second_copy_of_it():
    plain = conditions_for(restless)
    team = machinery(plain).team(plain, 3, Plan(10))
    assert team.at.told == team.at.observation
    told = conditions_for(restless, inputs=("observation", "new_episode"))
    assert machinery(told).team(told, 3, Plan(10)).memory.size > team.memory.size
    trace = empty_trace(4, plain)
    assert trace.told.size == 0
    assert trace.met is trace.observations

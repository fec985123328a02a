"""Surgery on the state that a brain carries: what it reads from then on, in both drivers, with learning and without."""

import dataclasses
import re
from unittest import mock

import numpy as np
import pytest
import torch

from evolearn.agent import GOES_ON, TorchBrain
from evolearn.inspection._operations import intact, lesion_of_memory, places, shams_of_memory, stack_surgeries
from evolearn.life import NOWHERE, Plan
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import newborns_for, restless_box
from tests.helpers.remembered_cue import recall
from tests.helpers.surgeries import AT, LIFETIME, PLAN, RATE, live, newborns_in, rng

HOW = {"trunk": "gru", "hidden": (5,), "inputs": ("observation", "last_reward"), "memory": "life"}
FROZEN = Plan(LIFETIME, learn_until=0, final_weights=True, operate_at=AT)


@pytest.fixture(scope="module")
def driver(driver_for):
    return driver_for(restless_box, **HOW)


@pytest.fixture(scope="module")
def stepwise(driver):
    made = StepwiseDriver(driver.conditions, chunk=3, make_environments=CompiledEnvironments)
    yield made
    made.close()


def every_kind(brain):
    return stack_surgeries([intact(brain), lesion_of_memory(brain), *shams_of_memory(brain, 3, rng())])


@pytest.mark.parametrize("plan", [PLAN, FROZEN], ids=["learning", "not learning"])
def test_a_memory_that_is_left_alone_beside_others_changes_no_bit(driver, plan):
    surgeries = every_kind(driver.conditions.brain)
    outcome, trace = live(driver, surgeries, plan, steps=LIFETIME)
    newborns = newborns_in(driver, len(surgeries.factor))
    expected, expected_trace = live(driver, newborns=newborns.rows([0]), plan=plan, steps=LIFETIME)
    assert_same(type(outcome)(*(array[:3] for array in outcome)), expected)
    assert_same(type(trace)(*(array[:3] for array in trace)), expected_trace)


@pytest.mark.parametrize("plan", [PLAN, FROZEN], ids=["learning", "not learning"])
def test_fused_and_stepwise_lives_lose_their_memory_alike(driver, stepwise, plan):
    surgeries = every_kind(driver.conditions.brain)
    expected, expected_trace = live(driver, surgeries, plan, steps=plan.lifetime)
    outcome, trace = live(stepwise, surgeries, plan, steps=plan.lifetime)
    assert_same(outcome, expected)
    assert_same(trace, expected_trace)


def test_company_and_pieces_change_no_bit(driver):
    """Lives of a team that lost their memory and lives that did not, side by side and alone."""
    surgeries = every_kind(driver.conditions.brain)
    newborns = newborns_in(driver, len(surgeries.factor))
    expected, _ = live(driver, surgeries, newborns=newborns)
    chosen = [3, 1, 0, 1, 4]
    with mock.patch("evolearn.life._fused.PIECE_STEPS", 1):
        small = FusedDriver(driver.conditions, 2)
        small.team = 2
        outcome, _ = live(small, surgeries.rows(chosen), newborns=newborns.rows(chosen))
    rows = (3 * np.array(chosen)[:, None] + np.arange(3)).reshape(-1)
    assert_same(outcome, type(outcome)(*(array[rows] for array in expected)))


def test_nothing_changes_before_the_operation_and_every_life_does_from_then_on(driver):
    brain = driver.conditions.brain
    _, expected = live(driver, steps=LIFETIME)
    for operation in (lesion_of_memory(brain), *shams_of_memory(brain, 1, rng())):
        _, trace = live(driver, operation, steps=LIFETIME)
        for name, array in trace._asdict().items():
            assert array[:, :AT].tobytes() == getattr(expected, name)[:, :AT].tobytes(), name
        assert (trace.actions[:, AT] != expected.actions[:, AT]).any(axis=1).all(), "from the very step"


def thought_again(brain, weights, trace, recalled, at):
    """Mean actions [L, T, A], with the state moved before every thought from `at` on."""
    module = TorchBrain(brain).double()
    module.load_flat(weights.astype(np.float64))
    told = torch.from_numpy(trace.met.astype(np.float64))
    state, means = torch.zeros(len(told), sum(brain.hidden), dtype=torch.float64), []
    with torch.no_grad():
        for t in range(told.shape[1]):
            if t >= at:
                moved = state[:, np.maximum(recalled, 0)]
                state = torch.where(torch.from_numpy(recalled == NOWHERE), torch.zeros_like(moved), moved)
            policy, _, state = module.step(told[:, t], state)
            means.append(policy[:, : brain.actions].numpy())
            if brain.memory == "episode":
                state[torch.from_numpy(trace.ends[:, t] != GOES_ON)] = 0.0
    return np.stack(means, axis=1)


@pytest.mark.parametrize("memory", ["life", "episode"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["intact", "held at zero", "exchanged"])
def test_the_brain_of_torch_thinks_alike_with_the_same_state(driver_for, which, memory):
    driver = driver_for(restless_box, **{**HOW, "memory": memory, "hidden": (3, 2)})
    brain = driver.conditions.brain
    newborns = newborns_in(driver)
    found = places(brain)
    newborns.weights[0, found["policy.weight"]] = rng(3).standard_normal(found["policy.weight"].shape)
    newborns.weights[0, found["policy.log_stdev"]] = -5.0  # so that actions are means, but for a trace of noise
    operation = [intact(brain), lesion_of_memory(brain), *shams_of_memory(brain, 1, rng())][which]
    recalled = operation.recalled[0] if operation.recalled.size else np.arange(5)
    _, trace = live(driver, operation, FROZEN, newborns, steps=LIFETIME)
    expected = thought_again(brain, newborns.weights[0], trace, recalled, AT)
    np.testing.assert_allclose(trace.actions, expected, atol=0.04)
    if which:
        untouched = thought_again(brain, newborns.weights[0], trace, np.arange(5), AT)
        assert np.abs(untouched[:, AT + 1 :] - expected[:, AT + 1 :]).max() > 0.1


def step_once(life, parameters, action, senses, rng):
    return 1.0 if action == life.cue else 0.0, True, False


def test_a_memory_held_at_zero_is_one_that_is_cleared_after_every_step(driver_for):
    """With learning too: no gradient flows from a step to the one before. Episodes of one step clear it as well."""
    world = dataclasses.replace(recall, name="recall-once", step=step_once)
    drivers = [driver_for(world, trunk="gru", hidden=(5,), memory=memory, window=8) for memory in ("episode", "life")]
    newborns = newborns_for(drivers[0].conditions, 1, **RATE)
    plan = Plan(80, final_weights=True, operate_at=0)
    operation = lesion_of_memory(drivers[0].conditions.brain)
    clears, lasts = (
        [live(one, *what, plan=plan, newborns=newborns)[0] for what in ((), (operation,))] for one in drivers
    )
    assert (clears[0].final_weights != newborns.weights).mean() > 0.3, "all that reads what is not zero"
    assert_same(clears[1], clears[0])
    assert_same(lasts[1], clears[0])
    assert not np.array_equal(lasts[0].final_weights, clears[0].final_weights)


def test_shams_are_exchanges_within_layers_each_another(driver_for):
    brain = driver_for(restless_box, **{**HOW, "memory": "life", "hidden": (3, 2)}).conditions.brain
    shams = shams_of_memory(brain, 100, rng())
    assert len(shams) == 3 * 2 * 2 - 1, "all that there are"
    exchanges = {tuple(one.recalled[0]) for one in shams}
    assert len(exchanges) == len(shams)
    for exchange in exchanges:
        assert sorted(exchange[:3]) == [0, 1, 2]
        assert sorted(exchange[3:]) == [3, 4]
        assert exchange != (0, 1, 2, 3, 4)
    assert len(shams_of_memory(brain, 2, rng())) == 2


def test_memory_operations_that_do_not_fit_are_refused(driver, driver_for):
    brain = driver.conditions.brain
    good = lesion_of_memory(brain)
    for recalled, text in (
        (np.zeros((1, 4), np.int64), "surgeries.recalled: 4 numbers of a carried state: must be 5 numbers, or none"),
        (np.full((1, 5), 5), "surgeries.recalled: 5 .. 5: must be within 0 .. 4, or -1 for what is held at 0"),
        (np.full((1, 5), -2), "surgeries.recalled: -2 .. -2: must be within"),
        (np.zeros((2, 5), np.int64), "surgeries.recalled: int64 [2, 5]: must be int64 [1, 5]"),
        (np.zeros((1, 5), np.int32), "surgeries.recalled: int32 [1, 5]: must be int64"),
    ):
        with pytest.raises(ValueError, match=re.escape(text)):
            live(driver, good._replace(recalled=recalled))
    memoryless = driver_for(restless_box, hidden=(7, 5), generic_drives=("linear_surprise",))
    for refused in (lesion_of_memory, lambda brain: shams_of_memory(brain, 1, rng())):
        with pytest.raises(ValueError, match="trunk 'mlp': must carry a state from step to step"):
            refused(memoryless.conditions.brain)
    operation = intact(memoryless.conditions.brain)._replace(recalled=np.zeros((1, 5), np.int64))
    with pytest.raises(ValueError, match="must be none: this brain carries no state"):
        live(memoryless, operation)

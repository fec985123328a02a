"""Lives that foresee, are shaped by it, and imagine: whoever lives them, beside whom, and for how long."""

from unittest import mock

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.rooms import rooms
from evolearn.worlds.savannah import savannah

from evolearn.inspection._operations import lesion_of_layer, places, stack_surgeries
from evolearn.life import Plan, lives
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import SELECTION, life_keys
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import newborns_for

STEPS, COUNT = 120, 5
CASES = {
    "tables that imagine": (
        rooms,
        {
            "trunk": "linear",
            "hidden": (),
            "learner": "q_learning",
            "window": 1,
            "prediction": True,
            "generic_drives": ("surprise",),
            "imagining": {"imagined": 2, "remembered": 50},
        },
    ),
    "layers that are shaped, imagine and repeat": (
        cart_pole,
        {
            "hidden": (6,),
            "learner": "q_learning",
            "window": 4,
            "prediction": True,
            "auxiliary": True,
            "generic_drives": ("empowerment",),
            "imagining": {"imagined": 1, "repeated": 1},
        },
    ),
    "memory that is shaped": (
        savannah,
        {
            "trunk": "gru",
            "hidden": (6,),
            "window": 8,
            "prediction": True,
            "auxiliary": True,
            "generic_drives": ("progress", "empowerment"),
            "alpha": 60.0,
        },
    ),
}


@pytest.fixture(scope="module", params=CASES)
def lived(request, driver_for):
    """A driver, newborns, and what became of them, one after the other."""
    world, how = CASES[request.param]
    driver = driver_for(world, **how)
    wants = {name: 1.0 for name in driver.conditions.drive_names}
    newborns = newborns_for(driver.conditions, COUNT, drives=wants, learning_rate=0.01)
    newborns.weights[:, -driver.conditions.brain.predicting :] = 0.1
    with mock.patch.object(driver, "team", 1):
        return driver, newborns, live(driver, newborns)


def live(driver, newborns, steps=STEPS, which=range(COUNT), **more):
    keys = np.ascontiguousarray(life_keys(9, SELECTION, 0, COUNT)[list(which)])
    plan = Plan(steps, final_weights=True, bin_steps=20, **more.pop("plan", {}))
    outcome, _ = lives(driver, driver.conditions, newborns, np.array(which), keys, plan, **more)
    return outcome


def test_something_was_learned_by_everybody(lived):
    driver, newborns, outcome = lived
    brain = driver.conditions.brain
    moved = outcome.final_weights != newborns.weights
    assert moved[:, : brain.thinking.weights].any(axis=1).all()
    assert moved[:, brain.thinking.weights :].any(axis=1).all()
    assert not outcome.skipped_updates.any()
    assert len({weights.tobytes() for weights in outcome.final_weights}) == COUNT


@pytest.mark.parametrize("team", [2, 3, 8])
def test_company_changes_no_bit(lived, team):
    driver, newborns, outcome = lived
    with mock.patch.object(driver, "team", team):
        order = [3, 0, 4, 1, 2]
        found = live(driver, newborns, which=order)
    for name, array in found._asdict().items():
        np.testing.assert_array_equal(array, getattr(outcome, name)[order], err_msg=name)


def test_a_shorter_life_is_the_beginning_of_a_longer_one(lived):
    driver, newborns, outcome = lived
    found = live(driver, newborns, steps=60)
    np.testing.assert_array_equal(found.fitness, outcome.fitness[:, :3])


def test_the_stepwise_driver_lives_the_same(lived):
    driver, newborns, outcome = lived
    stepwise = StepwiseDriver(driver.conditions, 1, 3, CompiledEnvironments)
    try:
        assert_same(live(stepwise, newborns), outcome)
    finally:
        stepwise.close()


def test_what_an_operation_holds_stays_whatever_is_learned(lived):
    """Prediction, shaping and imagined steps change weights beside the learner."""
    driver, newborns, _ = lived
    brain = driver.conditions.brain
    for name in {"prediction.weight", brain.tensors[0].name}:
        held = stack_surgeries([lesion_of_layer(brain, name, "zero", held=True)] * COUNT)
        found = live(driver, newborns, plan={"operate_at": 40}, surgeries=held).final_weights
        place = places(brain)[name].reshape(-1)
        assert not found[:, place].any()
        assert np.delete(found != newborns.weights, place, axis=1).any(axis=1).all()

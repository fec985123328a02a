"""Lives with an innate value: in both drivers, alone and together, switched off, operated on, and compiled or not."""

import numpy as np
import pytest

from evolearn.inspection._operations import intact, lesion_of_drive, stack_surgeries
from evolearn.life import FROM_UNIFORM, Plan, lives, traced_lives
from tests.helpers.compiled_environments import ALWAYS, assert_same
from tests.helpers.probe_worlds import newborns_for, restless, restless_box
from tests.helpers.same_lives import BORN_AS, KEYS, lived_by_both_drivers, lived_in_company

TOLD = {"inputs": ("observation", "last_reward"), "memory": "life"}
POTENTIAL = {"hidden": (5,), "potential": True}
PLANS = {
    "learning": Plan(90, bin_steps=30, final_weights=True),
    "learning for a while": Plan(90, learn_from=21, learn_until=60, bin_steps=30, final_weights=True),
    "fixed": Plan(90, learn_until=0, bin_steps=30, final_weights=True),
    "uniform": Plan(90, source=FROM_UNIFORM, bin_steps=30),
}
WANTS = {"fitness": 0.7, "gain": -0.4, "age": 0.2}
AT = 40


KINDS = ("box, told", "choices", "acting", "acting, told", "acting, action values", "acting by the critic")


@pytest.fixture(scope="module", params=KINDS)
def valued(request, driver_for):
    """A maker of drivers for lives with an innate value."""
    how = {"hidden": (6,), "value": POTENTIAL}
    if "told" in request.param:
        how |= TOLD
    if "acting" in request.param:
        how |= {"value": POTENTIAL | {"acting": True}, "prediction": True}
    if "critic" in request.param:
        how |= {"value": {"acting": True, "learned": True}}
    if "action values" in request.param:
        how |= {"learner": "q_learning"}
    world = restless_box if "box" in request.param else restless
    return lambda workers=1, **other: driver_for(world, workers, **(how | other))


def newborns_of(conditions, count=3):
    born = newborns_for(conditions, count, drives=WANTS, **ALWAYS)
    predicting = conditions.brain.predicting
    if predicting:
        drawn = 0.5 * np.random.default_rng(5).standard_normal((count, predicting))
        born.weights[:, -predicting:] = drawn
    return born


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_both_drivers_live_the_same(plan, valued):
    driver = valued()
    lived_by_both_drivers(driver, newborns_of(driver.conditions), plan)


@pytest.mark.parametrize("team", [1, 2, 7])
def test_company_teams_and_pieces_change_no_bit(team, valued):
    alone, together = valued(), valued(workers=2)
    newborns, plan = newborns_of(alone.conditions), PLANS["learning"]
    lived = lived_in_company(alone, together, newborns, plan, team)
    assert len({row.tobytes() for row in lived.final_weights}) == len(KEYS)


def test_a_shorter_life_is_the_beginning_of_a_longer_one(valued):
    driver = valued()
    newborns = newborns_of(driver.conditions)
    long, short = (traced_lives(driver, newborns, BORN_AS, KEYS, Plan(steps, bin_steps=30)) for steps in (90, 60))
    np.testing.assert_array_equal(short[0].fitness, long[0].fitness[:, :2])
    assert_same(short[1], type(long[1])(*(array[:, :60] for array in long[1])))


def test_no_value_at_all_is_a_life_without_one(valued):
    driver, plain = valued(), valued(value=None)
    newborns = newborns_of(driver.conditions)
    nothing = newborns._replace(value=np.zeros_like(newborns.value))
    none = newborns._replace(value=newborns.value[:, :0].copy())
    expected, expected_trace = traced_lives(plain, none, BORN_AS, KEYS, PLANS["learning"])
    found, found_trace = traced_lives(driver, nothing, BORN_AS, KEYS, PLANS["learning"])
    assert_same(found, expected)
    assert_same(found_trace, expected_trace)
    other, _ = traced_lives(driver, newborns, BORN_AS, KEYS, PLANS["learning"])
    assert (other.final_weights != expected.final_weights).any(axis=1).all()


def operated(driver, newborns, given, plan=None):
    """Lives of the first newborn after its value was operated on at AT; NaN leaves a number as it is."""
    conditions, brain = driver.conditions, driver.conditions.brain
    rows = stack_surgeries([intact(brain)._replace(value=np.float32(one)[None].copy()) for one in given])
    copies = newborns.rows(np.zeros(len(given), np.int64))
    born_as = np.repeat(np.arange(len(given)), len(KEYS))
    plan = plan or Plan(90, bin_steps=10, final_weights=True, operate_at=AT)
    return lives(driver, conditions, copies, born_as, np.tile(KEYS, (len(given), 1)), plan, surgeries=rows)[0]


def test_a_value_operated_on_at_an_age_is_another_from_then_on(valued):
    driver = valued()
    newborns = newborns_of(driver.conditions)
    own, size = newborns.value[0], newborns.value.shape[1]
    as_it_is = np.full(size, np.nan)
    last = as_it_is.copy()
    last[-1] = 3.0
    unborn = newborns._replace(value=np.zeros_like(newborns.value))
    found = operated(driver, newborns, [as_it_is, np.zeros(size), own, last])
    whole, _ = lives(driver, driver.conditions, newborns, np.zeros(5, int), KEYS, PLANS["learning"])
    weights = found.final_weights.reshape(4, 5, -1)
    np.testing.assert_array_equal(weights[0], whole.final_weights)
    np.testing.assert_array_equal(weights[2], whole.final_weights)
    for changed in (1, 3):
        assert (weights[changed] != weights[0]).any(axis=1).all()
    before = found.fitness.reshape(4, 5, -1)[:, :, : AT // 10]
    assert (before == before[0]).all()
    # At birth it is as if it had been born so.
    none = operated(driver, newborns, [np.zeros(size)], Plan(90, bin_steps=30, final_weights=True, operate_at=0))
    expected, _ = lives(driver, driver.conditions, unborn, np.zeros(5, int), KEYS, PLANS["learning"])
    assert_same(none, expected)


def test_operations_of_other_kinds_leave_it_alone_beside_it(valued):
    driver = valued()
    newborns, brain = newborns_of(driver.conditions), driver.conditions.brain
    none = intact(brain)._replace(value=np.zeros((1, newborns.value.shape[1]), np.float32))
    both = stack_surgeries([none, lesion_of_drive(brain, newborns.drives[0], 0, "zero")])
    assert np.isnan(both.value[1]).all()
    assert np.isnan(both.drives[0]).all()


def test_an_operation_of_another_size_is_refused(valued):
    driver = valued()
    newborns, brain = newborns_of(driver.conditions, 1), driver.conditions.brain
    wrong = intact(brain)._replace(value=np.zeros((1, 2), np.float32))
    size = newborns.value.shape[1]
    with pytest.raises(ValueError, match=rf"surgeries.value: float32 \[1, 2\]: must be float32 \[1, {size}\]"):
        lives(driver, driver.conditions, newborns, np.zeros(1, int), KEYS[:1], Plan(9, operate_at=1), surgeries=wrong)

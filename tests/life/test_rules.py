"""Lives whose weights change by rules: in both drivers, alone and together, held, switched off, and lost."""

import itertools

import numpy as np
import pytest

from evolearn.agent import LEARNERS
from evolearn.inspection._operations import lesion_of_layer, lesion_of_observation, stack_surgeries
from evolearn.life import DIVERGED, Plan, lives
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, life_keys
from tests.helpers.probe_worlds import newborns_for, only_learning, restless, restless_box
from tests.helpers.same_lives import BORN_AS, KEYS, lived_by_both_drivers, lived_in_company

WORLDS = {"choices": restless, "box": restless_box}
NAMES = [name for name in LEARNERS if "hebbian" in name]
PLANS = {
    "learning": Plan(90, bin_steps=30, final_weights=True),
    "learning for a while": Plan(90, learn_from=21, learn_until=60, bin_steps=30, final_weights=True),
    "fixed": Plan(90, learn_until=0, bin_steps=30, final_weights=True),
}
WANTS = {"fitness": 0.7, "gain": -0.4, "age": 0.2}


@pytest.fixture(scope="module", params=zip(itertools.cycle(WORLDS), NAMES), ids="-".join)
def ruled(request, driver_for):
    """A maker of drivers for lives that learn by rules."""
    world, name = request.param
    return lambda workers=1, window=1: driver_for(WORLDS[world], workers, learner=name, window=window, hidden=(6,))


def newborns_of(conditions, count=3, seed=0):
    """Newborns with rules of their own."""
    born = newborns_for(conditions, count, seed, drives=WANTS)
    rules = np.random.default_rng(seed).standard_normal(born.plasticity.shape)
    own = born.plasticity * np.exp(0.3 * rules) + np.where(born.plasticity == 0.0, 0.3 * rules, 0.0)
    return born._replace(plasticity=own.astype(np.float32))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_both_drivers_live_the_same(plan, ruled):
    driver = ruled()
    newborns = newborns_of(driver.conditions)
    outcome = lived_by_both_drivers(driver, newborns, plan)
    moved = (outcome.final_weights != newborns.weights[BORN_AS]).mean(axis=1)
    assert (moved > 0.7).all() if plan.learn_until != 0 else not moved.any()


@pytest.mark.parametrize("team", [1, 2, 7])
def test_company_teams_and_pieces_change_no_bit(team, ruled):
    alone, together = ruled(), ruled(workers=2)
    newborns, plan = newborns_of(alone.conditions), PLANS["learning"]
    lived = lived_in_company(alone, together, newborns, plan, team)
    assert len({row.tobytes() for row in lived.final_weights}) == len(KEYS)


def test_weights_that_are_held_stay_and_all_others_change(ruled):
    driver = ruled()
    brain = driver.conditions.brain
    newborns = newborns_of(driver.conditions, 2)
    held = [
        lesion_of_observation(brain, 0, "zero", held=True),
        lesion_of_layer(brain, ["policy.weight", "policy.bias"], "zero", held=True),
    ]
    surgeries = stack_surgeries(held)
    plan = Plan(60, final_weights=True, operate_at=20)
    outcome, _ = lives(driver, driver.conditions, newborns, np.arange(2), KEYS[:2], plan, surgeries=surgeries)
    for found, mask, born in zip(outcome.final_weights, surgeries.held != 0, newborns.weights, strict=True):
        assert mask.sum() > 0
        assert not found[mask].any()
        assert born[mask].any()
        assert (found != born)[~mask].sum() > 6


def test_steps_of_a_longer_window_count_one_after_the_other(ruled):
    """Where weights hardly change, a window of four is as good as four windows."""
    plan = Plan(12, final_weights=True)
    found = []
    for window in (1, 4):
        driver = ruled(window=window)
        newborns = newborns_of(driver.conditions, 1)
        rates = [place for place, gene in enumerate(_names(driver.conditions)) if gene.endswith(" rate")]
        newborns.plasticity[:, rates] = 1e-4
        outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(3, int), KEYS[:3], plan)
        found.append(outcome.final_weights - newborns.weights[0])
    largest = np.abs(found[0]).max()
    assert largest > 1e-4
    np.testing.assert_allclose(found[1], found[0], atol=0.01 * largest)


def _names(conditions):
    genes = LEARNERS[conditions.learner].genes(conditions.brain)
    return [name for gene in genes for name in [gene.name] * gene.size]


def test_a_life_whose_weights_leave_the_numbers_diverges(ruled):
    driver = ruled()
    newborns = newborns_of(driver.conditions, 2)
    steps = [name.endswith((" rate", " A", " C")) for name in _names(driver.conditions)]
    newborns.plasticity[0, steps] = 3e38
    outcome, _ = lives(driver, driver.conditions, newborns, np.arange(2), KEYS[:2], Plan(40))
    assert outcome.status.tolist() == [DIVERGED, FINISHED]
    assert outcome.age[0] < 10


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("rewarded")])
def test_reward_gates_find_out_what_no_frozen_brain_can_know(name, driver_for):
    driver = driver_for(only_learning, learner=name, window=1, hidden=(6,))
    rates = {"hidden1 rate": 0.0, "policy rate": 0.5, "largest_weight": 3.0}
    newborns = newborns_for(driver.conditions, fresh=True, **rates)
    keys, plan = life_keys(1, SELECTION, 0, 64), Plan(100, bin_steps=50)

    def late(newborns, plan):
        outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(64, int), keys, plan)
        return outcome.fitness[:, -1].mean() / 50

    assert late(newborns, plan) > 0.9
    assert abs(late(newborns, Plan(100, learn_until=0, bin_steps=50)) - 0.5) < 0.1
    wants_nothing = newborns._replace(drives=np.zeros_like(newborns.drives))
    assert late(wants_nothing, plan) == late(newborns, Plan(100, learn_until=0, bin_steps=50)), (
        "nothing felt, nothing learned"
    )

"""Shared by tests: live_for_comparison."""

import numpy as np

from evolearn.inspection._operations import (
    intact,
    lesion_of_critic,
    lesion_of_drive,
    lesion_of_layer,
    lesion_of_observation,
    sham,
    stack_surgeries,
)
from evolearn.life import NO_SURGERIES, Plan, lives, traced_lives
from evolearn.life._fused import FusedDriver
from evolearn.rng import SELECTION, life_keys
from tests.helpers.probe_worlds import conditions_for, newborns_for, restless_box

AT, LIFETIME = 50, 130


PLAN = Plan(LIFETIME, bin_steps=40, final_weights=True, operate_at=AT)


RATE = {"learning_rate": 0.01}


def rng(seed=0):
    return np.random.default_rng(seed)


def undisturbed(plan):
    return Plan(plan.lifetime, plan.learn_from, plan.learn_until, plan.bin_steps, plan.source, plan.final_weights)


def newborns_in(driver, count=1, **how):
    wants = {name: 0.5 for name in driver.conditions.drive_names}
    return newborns_for(driver.conditions, count, drives=wants, **RATE, **how)


def live(driver, surgeries=NO_SURGERIES, plan=PLAN, newborns=None, steps=0):
    """Three lives of each newborn: outcome and trace."""
    newborns = newborns or newborns_in(driver, max(1, len(surgeries.factor)))
    plan = plan if len(surgeries.factor) else undisturbed(plan)
    genomes = np.repeat(np.arange(len(newborns.weights)), 3)
    keys = np.tile(life_keys(4, SELECTION, 2, 3), (len(newborns.weights), 1))
    if steps:
        return traced_lives(driver, newborns, genomes, keys, plan, surgeries)
    return lives(driver, driver.conditions, newborns, genomes, keys, plan, surgeries=surgeries)


def several(driver):
    """One operation of every kind."""
    brain, newborns = driver.conditions.brain, newborns_in(driver)
    return stack_surgeries(
        [
            intact(brain),
            lesion_of_observation(brain, 0, "zero", held=True),
            lesion_of_observation(brain, 1, "mean", mean=0.7),
            lesion_of_observation(brain, 1, "permuted", rng=rng()),
            lesion_of_layer(brain, ("hidden2.weight", "hidden2.bias"), "mean", newborns.weights[0], held=True),
            lesion_of_critic(brain, "zero"),
            lesion_of_drive(brain, newborns.drives[0], 0, "zero"),
            sham(lesion_of_critic(brain, "zero", held=True), brain, rng()),
        ]
    )


def live_for_comparison():
    """Two learning updates, one after the operation: a chaotic life would part ways for good soon after."""
    driver = FusedDriver(conditions_for(restless_box, window=32, hidden=(7, 5), generic_drives=("linear_surprise",)))
    outcome, trace = live(driver, several(driver), Plan(64, final_weights=True, operate_at=40), steps=64)
    return {**outcome._asdict(), **{f"trace {name}": array for name, array in trace._asdict().items()}}

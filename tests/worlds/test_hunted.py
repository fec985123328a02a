"""Hunted: the savannah where nothing is added, and what is added where it is."""

import math

import numpy as np
import pytest
from evolearn.worlds.hunted import DT, hunted, hunted_predator
from evolearn.worlds.savannah import savannah

from evolearn.rng import SELECTION, life_keys
from evolearn.testing import life_scores
from tests.helpers.probe_worlds import Stage

RUN, STAND = 100.0, -100.0  # the logistic function of these is 1 and 0
REST = (0.0, 0.0, 0.0, 0.0)


def stage_of(world=hunted, **parameters):
    return Stage(world, life_keys(19, SELECTION, 0, 1)[0], **parameters)


def placed(stage, away, mother, age=200):
    """The foal upright in the middle, its mother and the predator so far from it, the predator looking at it."""
    state = stage.state
    state.age, state.x, state.y, state.tilt, state.energy = age, 0.0, 0.0, 0.0, 1.0
    state.mother_x, state.mother_y = mother, 0.0
    state.predator, state.predator_x, state.predator_y, state.predator_heading = 1, 0.0, away, -0.5 * math.pi
    return stage


@pytest.mark.parametrize("alpha", [0.0, 60.0])
def test_before_the_script_and_by_default_it_is_the_savannah(alpha):
    key = life_keys(21, SELECTION, 0, 1)[0]
    here, there = Stage(hunted, key, alpha=alpha), Stage(savannah, key, alpha=alpha)
    rng, bites = np.random.default_rng(0), 0
    for _ in range(3000):
        np.testing.assert_array_equal(here.observe(), there.observe())
        action = rng.standard_normal(4)
        *mine, senses = here.step(action)
        *theirs, others = there.step(action)
        assert mine == theirs
        np.testing.assert_array_equal(senses, others)
        bites += senses[3]
        if mine[1]:
            here.begin()
            there.begin()
    assert bites > 0


@pytest.mark.parametrize(("guard", "mother", "bitten"), [(1.5, 1.0, 0.0), (1.5, 2.0, 1.0), (0.0, 0.1, 1.0)])
def test_a_mother_who_is_near_enough_drives_the_predator_away(guard, mother, bitten):
    stage = placed(stage_of(guard=guard), 0.4, mother)
    *_, senses = stage.step(REST)
    assert senses[3] == bitten
    assert stage.state.predator == 0, "whoever has bitten or was driven away is gone"


@pytest.mark.parametrize("hurt", [0, 40])
def test_a_bite_costs_energy_and_lays_the_foal_low(hurt):
    stage = placed(stage_of(guard=0.0, hurt=hurt), 0.4, 2.0)
    fit, *_ = stage.step(REST)
    assert stage.state.energy == pytest.approx(0.7, abs=0.01)
    assert (stage.state.down, fit) == (hurt, float(hurt == 0))
    lying = 0
    while stage.state.down > 0:
        stage.state.predator = 0
        assert stage.step(REST)[0] == 0.0 or stage.state.down == 0
        lying += 1
    assert lying == hurt


@pytest.mark.parametrize("build", [0.9, 1.3, 1.9])
def test_what_is_faster_turns_worse_and_a_build_is_for_one_hunt(build):
    share = (build - 0.8) / 1.2
    says = math.log(share / (1.0 - share))
    stage = placed(stage_of(hunted_predator, guard=0.0), 8.0, 2.0)
    state = stage.state
    stage.step((RUN, RUN, says))
    assert state.build == pytest.approx(build, rel=1e-6)
    assert math.hypot(state.predator_x, state.predator_y - 8.0) == pytest.approx(DT * build, rel=1e-6)
    assert state.predator_heading + 0.5 * math.pi == pytest.approx(DT * 2.0 / build**2, rel=0.02)
    stage.step((0.0, STAND, -says))
    assert state.build == pytest.approx(build, rel=1e-6)
    assert state.predator_speed == pytest.approx(0.0, abs=1e-9)


def test_a_predator_that_is_not_about_sees_nothing_and_does_nothing():
    stage = stage_of(hunted_predator)
    seen = stage.observe()
    assert seen[:12].tolist() == [0.0] * 12
    for _ in range(50):
        fitness, *_ = stage.step((RUN, RUN, RUN))
        assert fitness == 0.0
    assert (stage.state.predator_x, stage.state.predator_y) == (0.0, 0.0)


def test_a_predator_that_turns_towards_the_foal_bites_more_than_chance():
    lives = {"lifetime": 6000, "lives": 32, "parameters": {"guard": 0.0}}
    found = {who: life_scores(hunted_predator, who, **lives).mean() for who in ("random", "oracle")}
    assert found["oracle"] > 5.0 * max(found["random"], 1e-4), found

"""Pursuit: what a step pays, what catches, and what a predator's build costs it."""

import math

import numpy as np
import pytest
from evolearn.worlds.pursuit import EPISODE, pursuit, pursuit_predator, step_of_both

from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.testing import life_scores
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage

RUN, STAND = 100.0, -100.0  # softsign and sigmoid of these are nearly 1 and 0


def stage_of(world=pursuit, **parameters):
    return Stage(world, life_keys(19, SELECTION, 0, 1)[0], **parameters)


def placed(stage, prey, predator, refuge=(-4.0, 0.0), heading=0.0, predator_heading=0.0):
    state = stage.state
    state.x, state.y = prey
    state.predator_x, state.predator_y = predator
    state.refuge_x, state.refuge_y = refuge
    state.heading, state.predator_heading = heading, predator_heading
    return stage


@pytest.mark.parametrize(("edge", "pays"), [(-0.5, 0.0), (0.5, 0.25), (1.0, 0.5), (2.0, 1.0), (4.0, 1.0)])
def test_a_step_pays_by_the_distance_from_the_refuges_edge(edge, pays):
    stage = placed(stage_of(), (edge - 3.0, 0.0), (0.0, 4.9))
    earned, *ends, _ = stage.step((0.0, STAND))
    assert earned == pytest.approx(pays, abs=1e-9)
    assert ends == [False, False]


@pytest.mark.parametrize(("safety", "where", "caught"), [(1.0, 2.0, 1), (1.0, -4.0, 0), (0.0, -4.0, 1)])
def test_a_touch_catches_and_ends_all_income_but_in_a_safe_refuge(safety, where, caught):
    stage = placed(stage_of(safety=safety), (where, 0.0), (where - 0.2, 0.0))
    earned, *_ = stage.step((0.0, STAND))
    assert stage.state.caught == caught
    assert earned == 0.0
    placed(stage, (3.0, 0.0), (-3.0, 0.0))
    earned, *_ = stage.step((0.0, STAND))
    assert (earned == 0.0) == (caught == 1)


def test_an_episode_lasts_200_steps_whoever_is_caught_and_another_one_begins_apart():
    for predator in ((0.1, 0.0), (0.0, 4.9)):
        stage = placed(stage_of(), (0.0, 0.0), predator)
        ends = [stage.step((0.0, RUN))[1:3] for _ in range(EPISODE)]
        assert ends == [(False, False)] * (EPISODE - 1) + [(False, True)]
        stage.begin()
        assert stage.state.caught == 0
        away = math.hypot(stage.state.x - stage.state.predator_x, stage.state.y - stage.state.predator_y)
        assert away > 3.0


@pytest.mark.parametrize("build", [0.6, 0.9, 1.2, 1.6])
def test_what_is_faster_turns_worse(build):
    share = (build - 0.6) / 1.0
    says = 50.0 * np.sign(share - 0.5) if share in (0.0, 1.0) else math.log(share / (1.0 - share))
    stage = placed(stage_of(pursuit_predator), (0.0, 4.0), (0.0, -4.0))
    stage.step((RUN, RUN, says))
    state = stage.state
    assert state.build == pytest.approx(build, abs=1e-6)
    assert math.hypot(state.predator_x, state.predator_y + 4.0) == pytest.approx(0.15 * build, rel=1e-6)
    assert state.predator_heading == pytest.approx(0.3 / build**2, rel=0.02)
    stage.step((RUN, RUN, -says))
    assert stage.state.build == pytest.approx(build, abs=1e-6), "it is chosen once in an episode"


def test_what_the_prey_earns_the_predator_loses():
    stage = stage_of()
    given = np.zeros(1, parameter_dtype(pursuit)).view(np.recarray)[0]
    given.refuge = given.safety = 1.0
    none = np.zeros(0, np.float32)
    earned = [
        step_of_both(stage.state, given, (0.1, 1.0), (0.2, 1.0, 0.0), none, none, new_rng())[:2] for _ in range(50)
    ]
    assert sum(mine for mine, _ in earned) > 0.0
    assert all(mine == -theirs for mine, theirs in earned)


def test_scripts_are_drawn_at_birth_where_a_config_says_so():
    drawn = [Stage(pursuit, key, drawn=1).state.copy() for key in life_keys(20, SELECTION, 0, 200)]
    for field, low, high in (("script_speed", 0.6, 1.6), ("lead", 0, 1), ("noise", 0, 2), ("camp", -1, 2)):
        values = np.array([state[field] for state in drawn])
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
    same = {Stage(pursuit, key, speed=1.4).state.script_speed for key in life_keys(20, SELECTION, 0, 5)}
    assert same == {1.4}


@pytest.mark.parametrize(
    ("world", "random", "oracle"), [(pursuit, (0.0, 0.3), (0.85, 1.0)), (pursuit_predator, (-1.0, -0.9), (-0.6, 0.0))]
)
def test_who_follows_the_script_does_better_than_chance(world, random, oracle):
    for who, (low, high) in (("random", random), ("oracle", oracle)):
        assert low < life_scores(world, who, lifetime=1000, lives=32).mean() < high, who

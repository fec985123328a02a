"""Crossroads: a decision that is paid late and a reflex that is paid at once, each scored by its own sense."""

import math

import numpy as np
import pytest
from evolearn.worlds.crossroads import crossroads, reborn

from evolearn.numerics import record
from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage

LEFT, RIGHT, DODGE_LEFT, DODGE_RIGHT = range(4)
CHOICE, DECISION, DODGED, STRUCK, WAITED = range(5)
WORTH = np.array([0.8, -0.5, 0.33]) / math.sqrt(0.9989)
OF = {signal.name: place for place, signal in enumerate(crossroads.observations)}


def walkers(count, **parameters):
    return [Stage(crossroads, key, **parameters) for key in life_keys(74, SELECTION, 0, count)]


def lived(stage, act, steps):
    """Fitness and senses of so many steps, [steps] and [steps, 5]."""
    fitness, senses = [], []
    for _ in range(steps):
        earned, over, truncated, told = stage.step(act(stage))
        assert not truncated
        fitness.append(earned)
        senses.append(told)
        if over:
            stage.begin()
    return np.array(fitness), np.array(senses)


def by_oracle(stage):
    return stage.ask_oracle()[0]


def test_an_episode_is_a_fork_eight_steps_and_a_payoff():
    stage = walkers(1, fixity=1)[0]
    for door in (LEFT, RIGHT, RIGHT):
        seen = stage.observe()
        doors = seen[2:8].reshape(2, 3)
        assert seen[:2].tolist() == [1.0, 0.0]
        assert np.all(seen[8:11] == 0.0)
        *_, senses = stage.step(door)
        assert senses[CHOICE] == 1.0
        assert senses[DECISION] == pytest.approx((doors[door] - doors[1 - door]) @ WORTH / 2, abs=1e-6)
        for place in range(1, 9):
            seen = stage.observe()
            assert seen[:2].tolist() == [0.0, 1.0]
            np.testing.assert_array_equal(seen[8:11], doors[door])
            assert np.all(seen[2:8] == 0.0)
            stage.state["looming"] = 0
            _, over, *_ = stage.step(LEFT)
            assert over == (place == 8)
        stage.begin()


def test_payoffs_are_what_the_door_was_worth_and_noise():
    errors = []
    for stage in walkers(4):
        for _ in range(200):
            stage.state["place"], stage.state["looming"] = 8, 0
            value = float(np.array(stage.state["features"])[int(stage.state["taken"])] @ WORTH)
            fitness, over, *_ = stage.step(LEFT)
            assert over
            errors.append(fitness - value)
            stage.begin()
    assert np.mean(errors) == pytest.approx(0.0, abs=0.15)
    assert np.std(errors) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("fixity", [0.0, 0.5, 0.9, 1.0])
def test_door_actions_take_the_doors_of_their_names_in_as_many_lives_as_the_fixity_says(fixity):
    swapped = []
    for stage in walkers(400, fixity=fixity):
        stage.step(RIGHT)
        swapped.append(stage.state["taken"] == LEFT)
        assert stage.state["swapped"] == swapped[-1]
    assert np.mean(swapped) == pytest.approx(1.0 - fixity, abs=0.09)
    stage = walkers(1, fixity=fixity)[0]
    before = int(stage.state["swapped"])
    reborn(stage.state, record(stage.compiled.parameters, parameter_dtype(crossroads)), new_rng())
    assert stage.state["swapped"] == 1 - before


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("place", [0, 3])
def test_who_dodges_to_the_other_side_in_time_is_spared(side, place):
    away, towards = (DODGE_RIGHT, DODGE_LEFT) if side == 0 else (DODGE_LEFT, DODGE_RIGHT)

    def looms(age):
        stage = walkers(1)[0]
        stage.state["place"], stage.state["looming"], stage.state["side"] = place, age, side
        assert stage.observe()[OF["looms left"] : OF["looms right"] + 1].tolist() == [1.0 - side, float(side)]
        return stage

    for age in (1, 2, 3):
        stage = looms(age)
        fitness, _, _, senses = stage.step(away)
        assert (fitness, senses[DODGED], senses[STRUCK]) == (0.0, 1.0, 0.0)
        assert stage.state["looming"] == 0
        assert stage.observe()[OF["pain"]] == 0.0
        stage = looms(age)
        fitness, _, _, senses = stage.step(towards)
        assert (fitness, senses[DODGED], senses[STRUCK]) == (-1.0, 0.0, 1.0)
        assert stage.observe()[OF["pain"]] == 1.0
        stage.state["looming"] = 0
        stage.step(LEFT)
        assert stage.observe()[OF["pain"]] == 0.0, "it is felt once"
        stage = looms(age)
        fitness, _, _, senses = stage.step(LEFT)
        assert (fitness, senses[STRUCK]) == ((-1.0, 1.0) if age == 3 else (0.0, 0.0))
        assert stage.state["looming"] == (0 if age == 3 else age + 1)
        # At the fork a dodge takes no door.
        assert stage.state["place"] == place + 1
    stage = looms(1)
    stage.step(away)
    assert stage.state["place"] == (0 if place == 0 else place + 1)


def test_a_needless_dodge_costs_a_little_and_a_step_at_the_fork():
    stage = walkers(1)[0]
    for action in (DODGE_LEFT, DODGE_RIGHT):
        stage.state["looming"] = 0
        fitness, _, _, senses = stage.step(action)
        assert fitness == pytest.approx(-0.02)
        assert senses[WAITED] == 1.0
        assert stage.state["place"] == 0


def test_something_looms_once_in_twenty_steps_on_either_side():
    stage, came, sides = walkers(1)[0], 0, []
    for _ in range(6000):
        stage.state["looming"], stage.state["place"] = 0, 1
        stage.step(LEFT)
        if stage.state["looming"] > 0:
            came += 1
            sides.append(int(stage.state["side"]))
    assert came / 6000 == pytest.approx(0.05, abs=0.012)
    assert np.mean(sides) == pytest.approx(0.5, abs=0.12)


def test_features_are_standard_normal():
    stage, drawn = walkers(1)[0], []
    for _ in range(600):
        drawn.append(np.array(stage.state["features"]).ravel())
        stage.begin()
    drawn = np.array(drawn)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.17)
    np.testing.assert_allclose(drawn.std(axis=0), 1.0, atol=0.12)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(6)).max() < 0.17


@pytest.mark.parametrize("fixity", [0.0, 0.5])
def test_the_oracle_decides_best_is_never_struck_and_never_waits(fixity):
    best = 1 / math.sqrt(math.pi)
    fitness, senses = zip(*(lived(stage, by_oracle, 900) for stage in walkers(12, fixity=fixity)), strict=True)
    total = np.concatenate(senses)
    choices = total[:, CHOICE].sum()
    assert choices == 12 * 100, "nine steps an episode"
    assert np.all(total[:, DECISION] >= 0.0)
    # The half difference of two is sqrt(1/2) |z|, of standard deviation .43.
    assert total[:, DECISION].sum() / choices == pytest.approx(best, abs=4 * 0.43 / math.sqrt(choices))
    assert total[:, STRUCK].sum() == total[:, WAITED].sum() == 0.0
    assert total[:, DODGED].sum() > 300
    # A payoff is the larger of two and noise: standard deviation 1.3.
    assert np.concatenate(fitness).mean() == pytest.approx(best / 9, abs=4 * 1.3 / 9 / math.sqrt(choices))


def test_random_actions_decide_by_chance_and_dodge_seven_of_sixteen():
    rng = np.random.default_rng(0)
    senses = np.concatenate([lived(stage, lambda _: rng.integers(4), 900)[1] for stage in walkers(12)])
    choices = senses[:, CHOICE].sum()
    assert senses[:, DECISION].sum() / choices == pytest.approx(0.0, abs=4 * 0.71 / math.sqrt(choices))
    # A quarter dodges, a quarter runs into it, and half tries again, twice at most: 1/4 (1 + 1/2 + 1/4).
    dodged, struck = senses[:, DODGED].sum(), senses[:, STRUCK].sum()
    assert dodged / (dodged + struck) == pytest.approx(7 / 16, abs=4 * 0.5 / math.sqrt(dodged + struck))
    assert np.mean(senses[:, WAITED]) == pytest.approx(0.1, abs=0.02)


def test_a_fixity_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"world\.parameters\.fixity=1\.1: must be 0 to 1 \(1\)"):
        crossroads.resolve({"fixity": 1.1})

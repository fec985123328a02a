"""Needle: fitness is that of the paper, and nothing but the whole pattern counts."""

import numpy as np
import pytest
from evolearn.worlds.needle import MOST, needle

from evolearn.life import FROM_UNIFORM, Plan, lives
from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage, newborns_for

RIGHT, WRONG = np.ones(MOST), np.r_[np.ones(MOST - 1), -1.0]


def stage_of(life=0, space=SELECTION, **parameters):
    return Stage(needle, life_keys(41, space, 0, life + 1)[life], **parameters)


def test_golden_draws():
    stage = stage_of(space=TEST, predictability=0.3)
    assert stage.state["right"].astype(int).tolist() == [
        -1,
        1,
        -1,
        -1,
        1,
        1,
        1,
        1,
        1,
        -1,
        1,
        1,
        -1,
        -1,
        -1,
        1,
        -1,
        -1,
        1,
        -1,
    ]


@pytest.mark.parametrize("found_at", [1, 2, 400, 1000])
def test_a_life_of_a_thousand_guesses_earns_the_fitness_of_the_paper(found_at):
    stage = stage_of()
    earned = [stage.step(RIGHT if guess == found_at else WRONG)[0] for guess in range(1, 1001)]
    left = 1000 - found_at + 1
    assert np.mean(earned) == pytest.approx(1 + 19 * left / 1000)


def test_who_is_born_right_earns_twenty_and_who_never_finds_it_one():
    for guess, earned in ((RIGHT, 20.0), (WRONG, 1.0)):
        stage = stage_of()
        assert {stage.step(guess)[0] for _ in range(50)} == {earned}


def test_the_sense_says_whether_this_guess_is_right_and_the_observation_whether_one_was():
    stage = stage_of()
    rows = [(float(stage.observe()[0]), float(stage.step(guess)[3][0])) for guess in (WRONG, RIGHT, WRONG, RIGHT)]
    assert rows == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert not any(any(stage.step(RIGHT)[1:3]) for _ in range(5)), "no episodes"


@pytest.mark.parametrize("switches", [1, 3, 20])
def test_each_switch_in_use_matters_and_the_others_do_not(switches):
    for wrong in range(MOST):
        guess = RIGHT.copy()
        guess[wrong] = 0.0  # not above 0 is off
        assert stage_of(switches=float(switches)).step(guess)[3][0] == (1.0 if wrong >= switches else 0.0)


def test_switches_keep_to_the_standard_as_often_as_they_should():
    for predictability in (0.0, 0.4, 1.0):
        patterns = np.array([stage_of(life, predictability=predictability).state["right"] for life in range(300)])
        assert set(np.unique(patterns)) <= {-1.0, 1.0}
        expected = predictability + (1 - predictability) / 2
        assert np.mean(patterns == 1) == pytest.approx(expected, abs=0.03)
        np.testing.assert_allclose(np.mean(patterns == 1, axis=0), expected, atol=0.12)


def test_a_pattern_with_switches_turned_is_found_by_guesses_with_the_same_ones_turned():
    plain, turned = stage_of(switches=3.0), stage_of(switches=3.0)
    signs = np.where(np.arange(MOST) % 2 == 0, -1.0, 1.0)
    turned.state["right"] = plain.state["right"] * signs
    for guess in np.random.default_rng(0).standard_normal((60, MOST)):
        one, other = plain.step(guess), turned.step(guess * signs)
        assert one[:3] == other[:3]
        np.testing.assert_array_equal(one[3], other[3])
    assert plain.state["found"] == 1.0


def test_fair_guesses_find_it_as_soon_as_chance_has_it(driver_for):
    driver = driver_for(needle, switches=6.0)
    lifetime, count, chance = 100, 1000, 0.5**6
    outcome, _ = lives(
        driver,
        driver.conditions,
        newborns_for(driver.conditions),
        np.zeros(count, int),
        life_keys(42, SELECTION, 0, count),
        Plan(lifetime, source=FROM_UNIFORM, learn_until=0),
    )
    has_it = 1 - (1 - chance) ** np.arange(1, lifetime + 1)  # by each guess
    assert outcome.fitness.mean() / lifetime == pytest.approx(1 + 19 * has_it.mean(), rel=0.07)


def test_switches_in_use_are_drawn_where_they_are_set():
    stage = stage_of(switches=4.0)
    stage.step(WRONG * np.where(np.arange(MOST) == 2, -1, 1))
    shapes = {
        shape.label: shape for shape in needle.draw(stage.state, np.rec.array([(4.0, 1.0)], names="switches,p")[0])
    }
    assert [shapes[f"guess {switch}"].y for switch in range(4)] == [0.5, 0.5, -0.5, 0.5]
    assert all(shapes[f"right {switch}"].y == 0.5 for switch in range(4))
    assert [shapes[f"right {switch}"].opacity for switch in range(6)] == [1, 1, 1, 1, 0, 0]

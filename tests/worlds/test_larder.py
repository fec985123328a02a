"""The larder: deaths as the exact chain has them, thresholds that are best, abundance as it is drawn."""

import itertools

import numpy as np
import pytest
from evolearn.worlds.larder import BEST, EAT, LEAVE, best_thresholds, larder, lifetimes, reborn

from evolearn.numerics import record
from evolearn.rng import BIRTH, SELECTION, life_keys, new_rng, open_stream
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage

MOST = 60


def animals(count, **parameters):
    return [Stage(larder, key, **parameters) for key in life_keys(73, SELECTION, 0, count)]


def lives_of(stage, threshold, count):
    """Steps of so many animals that eat below a threshold."""
    ages = []
    for _ in range(count):
        age, over = 0, False
        while not over:
            fitness, over, truncated, senses = stage.step(EAT if stage.state["reserves"] < threshold else LEAVE)
            assert fitness == (-1.0 if over else 0.0)
            assert senses[2] + senses[3] == float(over)
            assert not truncated
            age += 1
        ages.append(age)
        stage.begin()
    return ages


def expected(meals, threshold):
    """Mean life from 20 on by summing, age after age, how many are still alive: no matrix is solved."""
    alive, total = np.zeros(MOST + 1), 0.0
    alive[20] = 1.0
    hazard = 0.004 * (np.arange(MOST + 1) / 20) ** 2
    while alive.sum() > 1e-9:
        total += alive.sum()
        spared, alive = alive * (1.0 - hazard), np.zeros(MOST + 1)
        for reserves in range(1, MOST + 1):
            fed = min(MOST, reserves + 6) if reserves < threshold else reserves
            alive[fed - 1] += meals * spared[reserves]
            alive[reserves - 1] += (1.0 - meals) * spared[reserves]
        alive[0] = 0.0
    return total


@pytest.mark.parametrize(("meals", "threshold"), [(0.2, 24), (0.2, 10), (0.5, 61), (0.3, 16)])
def test_the_mean_life_of_a_threshold_is_exact_and_what_animals_live(meals, threshold):
    eats = (np.arange(1, MOST + 1) < threshold)[None]
    exact = lifetimes(np.array([[meals]]), eats)[0, 19]
    assert exact == pytest.approx(expected(meals, threshold), rel=1e-6)
    (stage,) = animals(1, meals=meals)
    lived = np.array(lives_of(stage, threshold, 300))
    assert lived.mean() == pytest.approx(exact, abs=4 * lived.std() / np.sqrt(300))


@pytest.mark.parametrize("meals", [0.1, 0.2, 0.5, 0.9])
def test_no_other_threshold_is_better_and_neither_is_any_other_rule(meals):
    best = int(best_thresholds([meals])[0])
    reserves = np.arange(1, MOST + 1)
    lives = [lifetimes(np.array([[meals]]), (reserves < threshold)[None])[0, 19] for threshold in range(1, 62)]
    assert int(np.argmax(lives)) + 1 == best
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = (reserves < best) ^ (rng.random(MOST) < 0.1)
        assert lifetimes(np.array([[meals]]), other[None])[0, 19] <= lives[best - 1] * (1 + 1e-9)


def test_the_rarer_meals_are_the_fatter_it_is_best_to_be():
    assert BEST[[20, 30, 50, 80, 100]].tolist() == [24, 16, 10, 6, 2]
    assert np.all(np.diff(BEST[1:]) <= 0)


def test_the_oracle_lives_as_long_as_is_best():
    (stage,) = animals(1)
    for meals in (0.2, 0.5, 1.0):
        stage.state["meals"] = meals
        for reserves in range(1, MOST + 1):
            stage.state["reserves"] = reserves
            assert stage.ask_oracle()[0] == (EAT if reserves < BEST[round(100 * meals)] else LEAVE)


@pytest.mark.parametrize("meals", [0.2, 0.5, 0.95])
def test_relative_deaths_cost_whoever_eats_best_one_per_step_at_any_abundance(meals):
    (stage,) = animals(1, meals=meals, relative=1)
    paid, deaths, steps = 0.0, 0, 30_000
    for _ in range(steps):
        fitness, over, *_ = stage.step(stage.ask_oracle()[0])
        paid += fitness
        if over:
            deaths += 1
            stage.begin()
    eats = np.arange(1, MOST + 1) < best_thresholds([meals])[0]
    assert -paid / deaths == pytest.approx(lifetimes(np.array([[meals]]), eats[None])[0, 19], rel=1e-9)
    # Deaths are rare and nearly independent: a Poisson count.
    assert paid / steps == pytest.approx(-1.0, abs=4 / np.sqrt(deaths))


def test_predators_take_by_weight_squared():
    stage = animals(1, meals=0.01)[0]
    for reserves in (20, 60):
        taken = 0
        for _ in range(4000):
            stage.state["reserves"] = reserves
            taken += stage.step(LEAVE)[3][3]
        likely = 0.004 * (reserves / 20) ** 2
        assert taken / 4000 == pytest.approx(likely, abs=4 * np.sqrt(likely / 4000))


def test_meals_are_met_as_often_as_they_are_eaten_or_left():
    stage = animals(1, meals=0.3, shown=1)[0]
    rate, met = 0.2, []
    for _ in range(1500):
        reserves, meal, seen = stage.observe()
        assert seen == pytest.approx(rate, abs=1e-6)
        assert reserves == pytest.approx(stage.state["reserves"] / 20)
        before = int(stage.state["reserves"])
        *_, senses = stage.step(EAT if before < 30 else LEAVE)
        rate += 0.02 * (meal - rate)
        met.append(meal)
        if senses[2] == senses[3] == 0.0:
            assert senses[0] == float(meal == 1.0 and before < 30)
            assert stage.state["reserves"] == before - 1 + 6 * int(senses[0])
            assert senses[1] == pytest.approx(stage.state["reserves"] / 20)
        else:
            stage.begin()
            assert stage.state["reserves"] == 20
    assert np.mean(met) == pytest.approx(0.3, abs=0.05)
    assert animals(1, meals=0.3)[0].observe()[2] == 0.0


def test_each_abundance_of_a_mixture_is_equally_likely():
    for settings in ({"meals": 0.2, "meals_2": 0.5, "meals_3": 1.0}, {"meals": 0.1, "meals_3": 0.4}):
        given = sorted(value for value in settings.values() if value > 0)
        drawn = [float(stage.state["meals"]) for stage in animals(900, **settings)]
        assert sorted(set(drawn)) == given
        for one in given:
            assert np.mean(np.array(drawn) == one) == pytest.approx(1 / len(given), abs=0.07)
    assert {float(stage.state["meals"]) for stage in animals(20)} == {0.2}


def test_a_second_birth_brings_another_abundance():
    settings = {"meals": 0.2, "meals_2": 0.5, "meals_3": 1.0}
    changes = []
    for life, key in enumerate(life_keys(73, SELECTION, 0, 300)):
        for how in (settings, {"meals": 0.7}):
            stage = Stage(larder, key, **how)
            before, rng = float(stage.state["meals"]), new_rng()
            open_stream(rng, np.array([*key[:3], 1000 + life]), BIRTH)
            reborn(stage.state, record(stage.compiled.parameters, parameter_dtype(larder)), rng)
            changes.append((before, float(stage.state["meals"])))
    assert {pair for pair in changes if pair[0] == pair[1]} == {(0.7, 0.7)}
    others = list(itertools.permutations(settings.values(), 2))
    assert set(changes) - {(0.7, 0.7)} == set(others)
    for pair in others:
        assert changes.count(pair) == pytest.approx(50, abs=30)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"meals": 0}, "world.parameters.meals=0: must be 0.01 to 1 (1 / step)"),
        ({"meals_4": 0.5}, "world.parameters.meals_4: unknown for world larder; it offers meals, meals_2, meals_3"),
    ],
)
def test_what_no_larder_can_be_is_refused(settings, said):
    with pytest.raises(ValueError, match=r"world\.parameters") as caught:
        larder.resolve(settings)
    assert str(caught.value).startswith(said)

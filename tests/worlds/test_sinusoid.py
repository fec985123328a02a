"""Sinusoid: the task of few-shot regression, with its known errors."""

import math

import numpy as np
import pytest
from evolearn.worlds.sinusoid import sinusoid

from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage


def mean_squared_error(guess, count=2500, **parameters):
    """Of a function of x that is the same in every life: life fitness, negative, over lives of one episode."""
    errors = []
    for key in life_keys(51, SELECTION, 0, count):
        stage = Stage(sinusoid, key, **parameters)
        earned, over = [], False
        while not over:
            fitness, _, over, _ = stage.step([guess(stage.observe()[0])])
            earned.append(fitness)
        errors.append(-np.mean(earned))
    return np.mean(errors)


def test_golden_draws():
    stage = Stage(sinusoid, life_keys(51, TEST, 3, 1)[0])
    found = [float(stage.state["amplitude"]), float(stage.state["phase"])]
    for _ in range(3):
        found.append(float(stage.state["x"]))
        stage.step([0.0])
    np.testing.assert_allclose(
        found,
        [1.1967719566659072, 2.382216753004042, -0.9990392357576638, -2.3288475105073303, 1.7307716945651919],
        rtol=1e-12,
    )


def test_zero_and_the_best_fixed_guess_have_the_known_errors():
    assert mean_squared_error(lambda x: 0.0) == pytest.approx(4.25, abs=0.25)
    # The mean wave over amplitudes and phases.
    best = mean_squared_error(lambda x: -2.55 * 2.0 / math.pi * math.cos(x))
    assert best == pytest.approx(3.0, abs=0.25)


@pytest.mark.parametrize(("shots", "queries"), [(5, 15), (0, 4), (10, 1)])
def test_the_mean_over_an_episode_is_the_error_of_the_queries(shots, queries):
    stage = Stage(sinusoid, life_keys(52, SELECTION, 0, 1)[0], shots=float(shots), queries=float(queries))
    guesses = np.random.default_rng(0).standard_normal(3 * (shots + queries)).astype(np.float32)
    errors, earned, ends = [], [], []
    for guess in guesses:
        x = float(stage.observe()[0])
        fitness, terminated, truncated, senses = stage.step([guess])
        target = stage.state["amplitude"] * math.sin(x - stage.state["phase"])
        assert senses[0] == pytest.approx(target, abs=1e-5), "the value at what was observed"
        errors.append((float(guess) - target) ** 2)
        earned.append(fitness)
        ends.append(truncated)
        assert not terminated
        if truncated:
            stage.begin()
    table, paid = np.reshape(errors, (3, -1)), np.reshape(earned, (3, -1))
    assert not paid[:, :shots].any()
    np.testing.assert_allclose(paid.mean(axis=1), -table[:, shots:].mean(axis=1), rtol=1e-4)
    assert np.flatnonzero(ends).tolist() == [(shots + queries) * (n + 1) - 1 for n in range(3)]


def test_what_is_seen_is_asked_before_and_never_the_value():
    one, other = (Stage(sinusoid, life_keys(53, SELECTION, 0, 1)[0]) for _ in range(2))
    other.state["amplitude"], other.state["phase"] = 0.3, 2.0
    for _ in range(30):
        np.testing.assert_array_equal(one.observe(), other.observe())
        assert abs(one.observe()[0]) <= 5.0
        assert one.step([1.0])[3][0] != other.step([-1.0])[3][0]


def assert_uniform(drawn, low, high):
    assert np.abs(drawn - np.linspace(low, high, drawn.size)).max() < 0.05 * (high - low)
    assert low <= drawn[0] < low + 0.01 * (high - low)
    assert high >= drawn[-1] > high - 0.01 * (high - low)


def test_waves_are_drawn_uniformly_and_stay_for_life():
    births = [Stage(sinusoid, key) for key in life_keys(54, SELECTION, 0, 1500)]
    for name, low, high in (("amplitude", 0.1, 5.0), ("phase", 0.0, math.pi), ("x", -5.0, 5.0)):
        drawn = np.sort([float(stage.state[name]) for stage in births])
        assert_uniform(drawn, low, high)
    stage = births[0]
    wave = [float(stage.state[name]) for name in ("amplitude", "phase")]
    asked = []
    for _ in range(1500):
        if stage.step([0.0])[2]:
            stage.begin()
        asked.append(float(stage.observe()[0]))
    assert_uniform(np.sort(asked), -5.0, 5.0)
    assert [float(stage.state[name]) for name in ("amplitude", "phase")] == wave


def test_the_wave_upside_down_is_guessed_upside_down():
    one, other = (Stage(sinusoid, life_keys(55, SELECTION, 0, 1)[0]) for _ in range(2))
    other.state["phase"] = one.state["phase"] + math.pi
    for guess in np.random.default_rng(1).standard_normal(20):
        assert other.ask_oracle()[0] == pytest.approx(-one.ask_oracle()[0], abs=1e-6)
        mirrored = other.step([-guess])
        plain = one.step([guess])
        assert mirrored[0] == pytest.approx(plain[0], rel=1e-6, abs=1e-9)
        assert mirrored[3][0] == pytest.approx(-plain[3][0], abs=1e-6)


def test_a_wild_guess_costs_no_more_than_one_of_a_hundred():
    one, other = (Stage(sinusoid, life_keys(56, SELECTION, 0, 1)[0], shots=0.0) for _ in range(2))
    assert one.step([1e30])[0] == other.step([100.0])[0] < -9000


def test_the_wave_and_the_error_are_drawn():
    stage = Stage(sinusoid, life_keys(57, SELECTION, 0, 1)[0])
    x = float(stage.state["x"])
    *_, senses = stage.step([1.5])
    shapes = {shape.label: shape for shape in sinusoid.draw(stage.state, None)}
    assert (shapes["guess"].x, shapes["guess"].y) == (x, 1.5)
    assert shapes["error"].y2 == pytest.approx(float(senses[0]), abs=1e-6)
    assert shapes["asked for next"].x1 == float(stage.state["x"])
    for piece in (shapes["wave 0"], shapes["wave 17"]):
        assert piece.y1 == pytest.approx(stage.state["amplitude"] * math.sin(piece.x1 - stage.state["phase"]))

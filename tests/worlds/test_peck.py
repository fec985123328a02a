"""Peck: what comes of an act by a body of an age, what it pays, and what both dials change of a life."""

import math

import numpy as np
import pytest
from evolearn.worlds.peck import peck

from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage

KEYS = life_keys(71, SELECTION, 0, 200)


def strength(age, grown_at=400.0, within=50.0):
    return 0.3 + 0.7 / (1.0 + math.exp(-(age - grown_at) / within))


def test_golden_draws():
    stage = Stage(peck, life_keys(70, TEST, 3, 1)[0], offset=0.4, jitter=300)
    drawn = [round(float(stage.state[name]), 3) for name in ("grown_at", "offset")]
    targets = []
    for _ in range(5):
        targets.append(round(float(stage.observe()[0]), 3))
        stage.step(0.0)
        stage.begin()
    assert (drawn, targets) == ([775.296, 0.354], [-1.52, 0.596, -1.466, -1.359, -2.759])


def test_what_comes_is_the_body_times_the_act_and_its_offset():
    stage = Stage(peck, KEYS[0], offset=0.4)
    offset = float(stage.state["offset"])
    for age in range(900):
        target, action = float(stage.state["target"]), 0.1 * (age % 7)
        fitness, terminated, truncated, _ = stage.step(action)
        miss = strength(age) * float(np.float32(action)) + offset - target
        assert fitness == pytest.approx(math.exp(-(miss**2) / (2 * 0.25**2)))
        assert (terminated, truncated) == (True, False), "an act is an episode"
        stage.begin()
    assert strength(0) < 0.301
    assert strength(900) > 0.999


def test_the_oracle_never_misses():
    stage = Stage(peck, KEYS[1], offset=0.4, jitter=300)
    for _ in range(900):
        assert stage.step(stage.ask_oracle())[0] == pytest.approx(1.0, abs=1e-9)
        stage.begin()


def test_each_dial_widens_what_it_names_and_nothing_else():
    """Arms of all four conditions live in the same lives but for what the dials say."""
    drawn = {}
    for offset, jitter in ((0.0, 0.0), (0.4, 0.0), (0.0, 300.0), (0.8, 300.0)):
        stages = [Stage(peck, key, offset=offset, jitter=jitter) for key in KEYS]
        drawn[offset, jitter] = np.array(
            [[stage.state["offset"], stage.state["grown_at"], stage.state["target"]] for stage in stages]
        ).T
    still, aims, ages, both = drawn.values()
    assert not still[0].any()
    assert (still[1] == 400.0).all()
    np.testing.assert_allclose(both[0], 2.0 * aims[0])
    np.testing.assert_array_equal(both[1], ages[1])
    assert aims[0].std() == pytest.approx(0.4, rel=0.15)
    assert ages[1].std() == pytest.approx(300.0, rel=0.15)
    for other in (aims, ages, both):
        np.testing.assert_array_equal(other[2], still[2])

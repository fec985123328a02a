"""Cart-pole and savannah: golden draws and steps, so that no change of theirs goes unseen."""

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.rng import TEST, life_keys
from tests.helpers.probe_worlds import Stage

KEY = life_keys(41, TEST, 0, 1)[0]


def test_golden_draws_and_steps_of_the_cart() -> None:
    stage = Stage(cart_pole, KEY, predictability=0.3)
    drawn = [stage.state[name] for name in ("cart_mass", "pole_mass", "half_length", "force", "position", "velocity")]
    assert drawn == pytest.approx([1.12033, 0.101014, 0.432743, 6.400456, 0.032985, 0.030762], abs=1e-5)
    for _ in range(5):
        assert stage.step(1)[:3] == (1.0, False, False)
    assert stage.observe().tolist() == pytest.approx([0.05829, 0.58675, 0.01589, -0.84575], abs=1e-4)


def test_golden_draws_and_steps_of_the_foal() -> None:
    stage = Stage(savannah, KEY, alpha=60)
    motor = [
        [0.77957, -0.391728, 0.145688, 0.46647],
        [0.46647, 0.145688, 0.391728, -0.77957],
        [-0.391728, -0.77957, 0.46647, -0.145688],
    ]
    assert np.asarray(stage.state["motor"]) == pytest.approx(np.array(motor), abs=1e-5)
    assert [stage.state["tilt"], stage.state["heading"]] == pytest.approx([0.021633, 6.068962], abs=1e-5)
    for _ in range(5):
        stage.step(np.array([0.5, -0.2, 0.1, 0.9], np.float32))
    seen = [2.60937, 3.44669, 0.0, 1.0, 0.11869, 0.99293, 0.6, 0.0, 0.0, 0.0, 0.0, 0.97461, 1.0]
    assert stage.observe().tolist() == pytest.approx(seen, abs=1e-4)

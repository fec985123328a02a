"""Drives that read the prediction head: by hand, and in lives."""

import numpy as np
import pytest
import torch
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.rooms import rooms
from evolearn.worlds.savannah import savannah

from evolearn.agent import DRIVES, GOES_ON, brain_of
from evolearn.agent.drives.foreseeing import LATER, NOISE, PROGRESS_MEMORY, SOON, empowerment, progress, surprise
from evolearn.life import DIVERGED, FROM_UNIFORM, Plan, lives
from evolearn.rng import SELECTION, life_keys
from evolearn.testing import check_drive
from tests.helpers.probe_worlds import newborns_for

NAMES = ("surprise", "progress", "empowerment")
NO_CONTROL = np.zeros((2, 0), np.float32)
NOTHING = np.zeros(0, np.float32)


def errors_felt(errors):
    """What `progress` makes of predictions that are off by these squares."""
    memory = np.zeros(PROGRESS_MEMORY, np.float32)
    shown = np.zeros(1, np.float32)
    return [progress(memory, np.float32([np.sqrt(error)]), NO_CONTROL[:1], shown) for error in errors]


def test_surprise_is_the_mean_squared_error_bounded():
    found = surprise(NOTHING, np.float32([1.0, -2.0]), NO_CONTROL, np.float32([2.0, 1.0]))
    assert found == pytest.approx(5.0 / 6.0)  # (1 + 9) / 2 = 5
    assert surprise(NOTHING, np.float32([1e19, 0]), NO_CONTROL, np.float32([0, 0])) == 1.0


def test_what_was_foreseen_exactly_is_passed_over_and_no_bit_is_another():
    rng = np.random.default_rng(6)
    foreseen, shown = rng.standard_normal((2, 70)).astype(np.float32)
    shown[:40] = foreseen[:40]
    shown[7] += 0.5
    total = 0.0
    for error in shown.astype(np.float64) - foreseen:
        total += error * error
    assert surprise(NOTHING, foreseen, np.zeros((70, 0), np.float32), shown) == total / 70 / (1.0 + total / 70)


def test_progress_is_the_slow_mean_less_the_fast_one():
    squares = np.random.default_rng(0).exponential(size=50)
    fast = slow = squares[0] / (1 + squares[0])
    expected = []
    for square in squares:
        fast += (square / (1 + square) - fast) / SOON
        slow += (square / (1 + square) - slow) / LATER
        expected.append(slow - fast)
    np.testing.assert_allclose(errors_felt(squares), expected, atol=1e-6)


def test_progress_is_felt_while_errors_fall_and_not_while_they_are_large():
    assert min(errors_felt(np.linspace(2.0, 1.0, 30))[1:]) > 0.0
    assert max(errors_felt(np.linspace(1.0, 2.0, 30))[1:]) < 0.0
    assert np.abs(errors_felt([9.0] * 30)).max() < 1e-6


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (3, 3), (4, 1)])
def test_empowerment_is_half_the_log_determinant(shape):
    rng = np.random.default_rng(1)
    for scale in (0.01, 1.0, 30.0):
        control = (scale * rng.standard_normal(shape)).astype(np.float32)
        memory = np.full(DRIVES["empowerment"].memory(*shape), np.nan, np.float32)
        found = empowerment(memory, np.zeros(shape[0], np.float32), control, np.zeros(shape[0], np.float32))
        wide = control.astype(np.float64)
        _, expected = np.linalg.slogdet(np.eye(shape[0]) + wide @ wide.T / NOISE**2)
        assert found == pytest.approx(0.5 * expected, rel=1e-4, abs=1e-6)


def felt_of(control):
    shape = control.shape
    memory = np.full(DRIVES["empowerment"].memory(*shape), np.nan, np.float32)
    return empowerment(memory, np.zeros(shape[0], np.float32), control, np.zeros(shape[0], np.float32))


@pytest.mark.parametrize("actions", [1, 3, 4, 20])
def test_what_no_action_changes_is_passed_over_and_no_bit_is_another(actions):
    rows = np.random.default_rng(4).standard_normal((25, actions)).astype(np.float32)
    control = np.zeros((70, actions), np.float32)
    control[[*range(3, 26), 60, 69]] = rows
    assert felt_of(control) == felt_of(rows) > 1.0


def test_empowerment_is_nothing_without_control_and_finite_with_any():
    shape = (3, 2)
    memory = np.zeros(DRIVES["empowerment"].memory(*shape), np.float32)
    zeros = np.zeros(3, np.float32)
    assert empowerment(memory, zeros, np.zeros(shape, np.float32), zeros) == 0.0
    assert np.isfinite(empowerment(memory, zeros, np.full(shape, 1e18, np.float32), zeros))


@pytest.mark.parametrize("name", NAMES)
def test_they_keep_to_what_a_drive_is(name):
    check_drive(DRIVES[name])


LIVED = {"choices": (rooms, {"hidden": (7,)}), "numbers": (savannah, {"hidden": (7,), "trunk": "gru", "alpha": 60.0})}


@pytest.mark.parametrize("source", [0, FROM_UNIFORM])
@pytest.mark.parametrize("name", LIVED)
def test_a_life_feels_what_its_head_foresaw(driver_for, name, source):
    """Nothing is learned, and the head's weights are random: what it foresees can be worked out beside the life."""
    world, how = LIVED[name]
    steps = 25
    driver = driver_for(world, prediction=True, generic_drives=NAMES, **how)
    brain = driver.conditions.brain
    newborns = newborns_for(driver.conditions, 1)
    rng = np.random.default_rng(2)
    newborns.weights[0, -brain.predicting :] = 0.2 * rng.standard_normal(brain.predicting)
    plan = Plan(steps, learn_until=0, source=source)
    keys = life_keys(4, SELECTION, 1, 1)
    _, trace = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, plan, steps)
    twin, state = brain_of(brain, newborns.weights[0]), torch.zeros(sum(brain.hidden) if brain.trunk == "gru" else 0)
    felt = {drive: np.zeros(row.memory(brain.observations, brain.actions), np.float32) for drive, row in DRIVES.items()}
    each = torch.eye(brain.actions) if brain.prediction == "numbers" else torch.arange(brain.actions)[:, None]
    with torch.no_grad():
        for row in range(steps):
            active, state = twin.read(torch.from_numpy(trace.observations[row]), state)
            outcome = twin.prediction(active, torch.from_numpy(trace.actions[row])).numpy()
            foreseen = trace.observations[row] + outcome[: brain.observations]
            reached = twin.prediction(active.expand(brain.actions, -1), each).numpy()[:, : brain.observations]
            if brain.prediction == "numbers":
                still = twin.prediction(active, torch.zeros(brain.actions)).numpy()[: brain.observations]
                control = reached - still
            else:
                control = reached - reached.mean(axis=0)
            control = np.ascontiguousarray(control.T)
            for place, drive in enumerate(NAMES, start=1 + len(world.senses)):
                expected = DRIVES[drive].feel(felt[drive], foreseen, control, trace.next_observations[row])
                assert trace.drives[row, place] == pytest.approx(expected, rel=1e-3, abs=1e-5), (row, drive)
            if trace.ends[row] != GOES_ON:
                state = torch.zeros_like(state)
    assert np.ptp(trace.drives[:, -3:], axis=0).min() > 0.001


def test_a_head_beyond_the_finite_numbers_ends_the_life_and_is_no_fault_of_the_world(driver_for):
    driver = driver_for(cart_pole, prediction=True, generic_drives=("progress", "empowerment"))
    newborns = newborns_for(driver.conditions, 1)
    newborns.weights[0, -driver.conditions.brain.predicting :] = 1e30
    plan, keys = Plan(20, learn_until=0), life_keys(4, SELECTION, 1, 1)
    outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, plan)
    assert outcome.status[0] == DIVERGED


def test_what_can_be_learned_is_progress_and_ceases_to_surprise(driver_for):
    driver = driver_for(
        rooms, prediction=True, generic_drives=NAMES, hidden=(), trunk="linear", learner="q_learning", window=1
    )
    newborns = newborns_for(driver.conditions, 1, prediction_rate=0.5, epsilon=1.0)
    keys = life_keys(4, SELECTION, 1, 1)
    steps = 8000
    _, trace = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, Plan(steps), steps)
    surprised, progressed, power = trace.drives[:, -3:].T
    assert surprised[-1000:].mean() < 0.1 * surprised[:100].mean()
    assert progressed[1000:2500].mean() > 10.0 * np.abs(progressed[6000:7500].mean())
    assert power[0] == 0.0 < 5.0 < power[-1000:].mean()

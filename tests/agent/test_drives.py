import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from evolearn.agent import DRIVES, compose
from evolearn.agent.drives.novelty import PLACES, novelty, place_of
from evolearn.agent.drives.table import change, effort, linear_surprise

NOTHING = np.zeros(0, np.float32)
NO_CONTROL = np.zeros((0, 0), np.float32)
finite = st.floats(-100.0, 100.0, width=32)


def floats(*values):
    return np.array(values, np.float32)


def test_effort_is_the_mean_squared_command_with_commands_capped_at_one():
    assert effort(NOTHING, floats(9), floats(0.5, -1.0), floats(9)) == pytest.approx(0.625)
    assert effort(NOTHING, floats(9), floats(0.5, -7.0), floats(9)) == pytest.approx(0.625)
    assert effort(NOTHING, floats(9), floats(0.0, 0.0), floats(9)) == 0.0


def test_change_is_the_root_mean_squared_change_of_the_observations():
    assert change(NOTHING, floats(1, 2), floats(0), floats(4, 6)) == pytest.approx(np.sqrt((9 + 16) / 2))
    assert change(NOTHING, floats(1, 2), floats(0), floats(1, 2)) == 0.0


def test_surprise_starts_as_the_change_itself_and_shrinks_as_the_world_repeats():
    memory = np.zeros(1 * (1 + 1 + 1), np.float32)
    before, action, after = floats(1), floats(0.5), floats(3)
    # The empty model predicts no change: an error of 2, squared, through e / (1 + e).
    felt = [linear_surprise(memory, before, action, after)]
    assert felt[0] == pytest.approx(4 / (1 + 4))
    # Normalised least mean squares, step .05, inputs (1, .5, 1) of power 2.25: the error shrinks by .95 each time.
    np.testing.assert_allclose(memory, 0.05 * 2 / 2.25 * np.array([1, 0.5, 1]), rtol=1e-6)
    for repeat in range(1, 60):
        felt.append(linear_surprise(memory, before, action, after))
        error = (2 * 0.95**repeat) ** 2
        assert felt[-1] == pytest.approx(error / (1 + error), rel=1e-3)


def test_surprise_learns_a_linear_world_and_not_noise():
    rng = np.random.default_rng(0)
    late = {}
    for noise in (0.0, 1.0):
        memory = np.zeros(2 * (2 + 1 + 1), np.float32)
        felt = []
        for _ in range(4000):
            before, action = rng.standard_normal(2), rng.standard_normal(1)
            after = before + [0.5 * before[1] - action[0], 0.3] + noise * rng.standard_normal(2)
            felt.append(linear_surprise(memory, *(array.astype(np.float32) for array in (before, action, after))))
        late[noise] = np.mean(felt[-500:])
    assert late[0.0] < 1e-4
    assert late[1.0] > 0.3


def test_novelty_falls_with_the_root_of_the_visits_to_a_cell_and_no_other():
    memory = np.zeros(PLACES, np.float32)
    here, there = floats(0.2, 0.7), floats(0.2, 0.8)
    for visit in range(1, 30):
        assert novelty(memory, there, floats(0), here) == pytest.approx(1 / np.sqrt(visit))
    assert novelty(memory, here, floats(0), there) == 1.0
    assert memory.sum() == 30
    # What rounds alike, to 1/32, is the same place.
    assert novelty(memory, here, floats(0), there + floats(-0.004, 0.004)) == pytest.approx(1 / np.sqrt(2))


@pytest.mark.parametrize("sight", ["one-hot", "grid", "signs"])
def test_different_sights_seldom_share_a_count(sight):
    cells = np.array([(x, y) for x in range(30) for y in range(30)]) / 30
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (300, 40))
    sights = {"one-hot": np.eye(144), "grid": cells, "signs": signs}[sight]
    places = [place_of(row) for row in sights.astype(np.float32)]
    assert all(0 <= place < PLACES for place in places)
    # As many as if places were drawn at random: n - PLACES (1 - (1 - 1 / PLACES)^n), and some.
    count = len(places)
    expected = count - PLACES * (1 - (1 - 1 / PLACES) ** count)
    assert count - len(set(places)) <= 1.5 * expected + 4


@pytest.mark.parametrize("number", [3e38, -3e38, 1e6, np.float32(1e-40)])
def test_no_number_is_too_large_to_be_counted(number):
    assert novelty(np.zeros(PLACES, np.float32), floats(0), floats(0), floats(number)) == 1.0


@given(before=arrays(np.float32, 3, elements=finite), after=arrays(np.float32, 3, elements=finite))
def test_drives_stay_within_their_bounds(before, after):
    action = floats(5.0)
    assert 0.0 <= effort(NOTHING, before, action, after) <= 1.0
    assert change(NOTHING, before, action, after) >= 0.0
    memory = np.zeros(3 * (3 + 1 + 1), np.float32)
    for _ in range(3):
        assert 0.0 <= linear_surprise(memory, before, action, after) <= 1.0
    assert np.all(np.isfinite(memory))


@pytest.mark.parametrize(
    "order", [("linear_surprise", "effort", "change"), ("change", "linear_surprise", "effort"), ("effort",)]
)
def test_drives_are_composed_in_order(order):
    feel, memory_size = compose(order, 2, 1)
    assert memory_size == (2 * (2 + 1 + 1) if "linear_surprise" in order else 0)
    memory = np.zeros(memory_size, np.float32)
    alone = {name: np.zeros(DRIVES[name].memory(2, 1), np.float32) for name in order}
    rng = np.random.default_rng(1)
    for _ in range(5):
        before, action, after = (rng.standard_normal(size).astype(np.float32) for size in (2, 1, 2))
        drives = np.full(len(order), np.nan, np.float32)
        feel(memory, before, action, after, NOTHING, NO_CONTROL, drives)
        expected = [DRIVES[name].feel(alone[name], before, action, after) for name in order]
        np.testing.assert_allclose(drives, expected, rtol=1e-6)
    np.testing.assert_allclose(memory, np.concatenate([alone[name] for name in order]), rtol=1e-5, atol=1e-7)


def test_what_was_composed_is_not_compiled_again_whatever_feels_it():
    feel, _ = compose(("effort", "linear_surprise"), 2, 1, ("none", "mean"))
    assert compose(("effort", "linear_surprise"), 2, 1, ("none", "mean"))[0] is feel
    # A wider world's model begins and ends elsewhere.
    assert compose(("effort", "linear_surprise"), 3, 1, ("none", "mean"))[0] is not feel
    assert compose(("linear_surprise", "effort"), 2, 1, ("mean", "none"))[0] is not feel


def test_what_begins_as_another_can_be_called_by_itself():
    """Of drives that others follow, code without a way in for Python lies on disk."""
    felt = np.zeros(3, np.float32)
    for names in (("effort", "constant", "effort"), ("effort", "constant")):
        feel, _ = compose(names, 2, 1)
        felt[:] = np.nan
        feel(NOTHING, floats(1, 2), floats(0.5), floats(3, 4), NOTHING, NO_CONTROL, felt)
        np.testing.assert_array_equal(felt, floats(0.25, 1.0, 0.25 if len(names) == 3 else np.nan))


def test_two_drives_with_memory_do_not_share_it():
    feel, memory_size = compose(("linear_surprise", "linear_surprise"), 1, 1)
    assert memory_size == 6
    memory, drives = np.zeros(6, np.float32), np.zeros(2, np.float32)
    for _ in range(3):
        feel(memory, floats(1), floats(0.5), floats(3), NOTHING, NO_CONTROL, drives)
    assert drives[0] == drives[1]
    np.testing.assert_array_equal(memory[:3], memory[3:])
    assert np.all(memory != 0.0)


def test_no_generic_drives_need_no_memory_and_feel_nothing():
    feel, memory_size = compose((), 2, 1)
    drives = floats(7)
    feel(NOTHING, floats(0, 0), floats(0), floats(1, 1), NOTHING, NO_CONTROL, drives)
    assert memory_size == 0
    assert drives[0] == 7.0


def test_every_drive_describes_itself():
    for name, drive in DRIVES.items():
        assert drive.doc, name
        assert "Source:" in drive.feel.__doc__, name

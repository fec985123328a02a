"""The linear teacher: the matrix says what is right, and how one did is told once, late, and as a share."""

import numpy as np
import pytest
from evolearn.worlds.linear_teacher import linear_teacher, linear_teacher_4, linear_teacher_48

from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage


def test_golden_draws():
    stage = Stage(linear_teacher_4, life_keys(61, TEST, 3, 1)[0])
    assert stage.state["weights"][:4].round(3).tolist() == [
        [0.254, -0.309, 0.418, 0.567],
        [0.193, 0.121, 0.81, 0.162],
        [-0.992, -1.577, 0.708, 0.206],
        [0.203, 0.575, 1.224, -1.33],
    ]
    seen = []
    for _ in range(6):
        seen.append(int(stage.ask_oracle()[0]))
        stage.step(0)
        stage.begin()
    assert seen == [2, 3, 3, 3, 3, 1]


@pytest.mark.parametrize("world", [linear_teacher_4, linear_teacher, linear_teacher_48], ids=lambda world: world.name)
def test_the_oracle_knows_the_highest_score_of_what_is_seen(world):
    stage = Stage(world, life_keys(62, SELECTION, 0, 1)[0], delay=1000)
    inputs = len(world.observations)
    answers = []
    for _ in range(200):
        seen, answer = stage.observe().astype(np.float64), int(stage.ask_oracle()[0])
        assert answer == np.argmax(seen @ stage.state["weights"][:inputs])
        answers.append(answer)
        assert stage.step(answer)[0] == 1.0
        assert stage.step((int(stage.ask_oracle()[0]) + 1) % 4)[0] == 0.0
    assert min(np.bincount(answers, minlength=4)) > 20, "each action is right now and then"


def test_what_was_right_is_told_once_at_the_end_and_as_a_share():
    stage = Stage(linear_teacher, life_keys(63, SELECTION, 0, 1)[0], delay=8)
    for hits in (0, 3, 8):
        told = []
        for made in range(8):
            right = int(stage.ask_oracle()[0])
            fitness, over, truncated, senses = stage.step(right if made < hits else (right + 1) % 4)
            assert fitness == (made < hits)
            assert over == (made == 7)
            assert not truncated
            told.append(senses[0])
        assert told == [0.0] * 7 + [hits / 8]
        stage.begin()


def test_what_is_told_of_does_not_change_what_is_asked():
    """Arms that are told late and at once live in the same world."""
    key = life_keys(64, SELECTION, 0, 1)[0]
    seen = []
    for delay in (1, 5):
        stage = Stage(linear_teacher, key, delay=delay)
        rows = []
        for _ in range(10):
            rows.append(stage.observe())
            if stage.step(0)[1]:
                stage.begin()
        seen.append(np.array(rows))
    np.testing.assert_array_equal(seen[0][:4], seen[1][:4])
    assert seen[0].std() == pytest.approx(1.0, abs=0.2)

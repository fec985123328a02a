"""A team's choices against the same lives' choices one by one."""

import numpy as np
import pytest

from evolearn.agent import POLICIES, ready_choice
from evolearn.numerics import aligned_zeros, handle_of
from evolearn.rng import ACTION, RNG_SIZE, SELECTION, at_step, life_keys, new_rng, open_stream

ROWS, ROW, GENES, STEP = 5, 3, 6, 21
WIDTHS = {"categorical": (3, 6), "gaussian": (3, 5, 11), "epsilon_greedy": (4,), "deterministic": (3,)}
CASES = [(name, width) for name, widths in WIDTHS.items() for width in widths]


def action_size_of(name, width):
    return {"categorical": 1, "epsilon_greedy": 1, "gaussian": (width - 1) // 2, "deterministic": width - 1}[name]


@pytest.mark.parametrize("count", [1, 7, 16, 19])
@pytest.mark.parametrize(("name", "width"), CASES)
def test_a_team_chooses_what_each_of_its_lives_would_choose_alone(name, width, count):
    policy = POLICIES[name]
    chance = np.random.default_rng(width + count)
    outputs = chance.normal(0.0, 2.0, (count, ROWS, width)).astype(np.float32)
    plasticity = np.full((count, GENES), 0.5, np.float32)
    size = action_size_of(name, width)
    actions = np.full((count + 1, size), 7.5, np.float32)
    rngs = np.zeros((count, RNG_SIZE), np.int64)
    keys = life_keys(3, SELECTION, 2, count)
    for rng, key in zip(rngs, keys, strict=True):
        open_stream(rng, key, ACTION)
    status, where = np.zeros(count, np.int64), np.zeros(3, np.int64)
    scratch = aligned_zeros(16 * (2 * width + 4))
    arrays = (outputs, plasticity, rngs, actions, status, where, scratch)
    together = ready_choice(policy, name)
    for step in (1, STEP, STEP + 1):
        together(*map(handle_of, arrays), ROWS, ROW, width, GENES, size, count, step)
        for place, key in enumerate(keys):
            rng, alone = new_rng(), np.zeros(size, np.float32)
            open_stream(rng, key, ACTION)
            at_step(rng, step)
            policy.choose(outputs[place, ROW], plasticity[place], rng, alone)
            np.testing.assert_array_equal(actions[place], alone, err_msg=f"life {place}, step {step}")
    np.testing.assert_array_equal(actions[count], 7.5)


def test_lives_that_are_over_are_passed_by_where_a_policy_chooses_life_by_life():
    policy = POLICIES["deterministic"]
    outputs, actions = np.ones((2, 1, 3), np.float32), np.zeros((2, 2), np.float32)
    arrays = (outputs, np.zeros((2, 1), np.float32), np.zeros((2, RNG_SIZE), np.int64), actions)
    status, where = np.array([5, 0]), np.zeros(3, np.int64)
    ready_choice(policy, "deterministic")(*map(handle_of, (*arrays, status, where, where)), 1, 0, 3, 1, 2, 2, 1)
    np.testing.assert_array_equal(actions, [[0.0, 0.0], [1.0, 1.0]])
    assert where[1] == 1

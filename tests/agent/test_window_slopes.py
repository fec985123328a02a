"""A policy's slopes of a window at once are its deltas, step by step."""

import numpy as np
import pytest

from evolearn.agent import DELTAS_TYPE, GOES_ON, LEARNERS, POLICIES, Window, plain, ready_learner
from evolearn.agent.policies.policy import slopes_by_steps
from evolearn.numerics import plug

BEHIND = 7.0  # what stands behind an array, and must go on standing there
BOTH = ("categorical", "gaussian")


def window_of(policy, actions, rows, seed):
    rng = np.random.default_rng(seed)
    outputs = actions + 1 if policy == "categorical" else 2 * actions + 1
    drawn = rng.integers(actions, size=(rows, 1)) if policy == "categorical" else rng.standard_normal((rows, actions))
    made = rng.standard_normal((rows + 1, outputs))
    if policy == "gaussian":
        made[:, actions:-1] = rng.uniform(-1.0, 2.5, (rows + 1, actions))  # some beyond the bound
    return Window(
        observations=np.zeros((rows + 1, 1), np.float32),
        activations=np.zeros((rows + 1, 1), np.float32),
        outputs=made.astype(np.float32),
        actions=drawn.astype(np.float32),
        rewards=np.zeros(rows, np.float32),
        ends=np.full(rows, GOES_ON),
        final_outputs=np.zeros((rows, outputs), np.float32),
        carry=np.zeros(0, np.float32),
    )


def slopes_of(name, function, deltas, window, epoch, old, clip=0.2):
    """What `function` makes of a window, and the old log probabilities that it leaves."""
    rows, outputs = window.outputs[1:].shape
    rng = np.random.default_rng(rows)
    advantages, returns = rng.standard_normal((2, rows)).astype(np.float32)
    size = POLICIES[name].slopes_scratch(outputs)
    scratch, written = np.full(size + 1, np.nan, np.float32), np.full(rows * outputs + 1, np.nan, np.float32)
    kept = np.append(old, np.float32(BEHIND))
    scratch[-1] = written[-1] = BEHIND
    slopes = written[:-1].reshape(rows, outputs)
    function(deltas, window, epoch, advantages, returns, kept[:-1], clip, 0.05, 0.7, slopes, scratch[:-1])
    assert [scratch[-1], written[-1], kept[-1]] == [BEHIND] * 3, "it wrote beyond its memory"
    return slopes, kept[:-1]


@pytest.mark.parametrize("rows", [1, 3, 16, 20, 33])
@pytest.mark.parametrize("actions", [1, 2, 5])
@pytest.mark.parametrize("name", BOTH)
def test_the_slopes_of_a_window_are_the_deltas_of_its_steps(name, actions, rows):
    policy = POLICIES[name]
    deltas = plug(policy.deltas, DELTAS_TYPE)
    window = window_of(name, actions, rows, seed=rows)
    empty = np.full(rows, np.nan, np.float32)
    expected, old = slopes_of(name, slopes_by_steps, deltas, window, 0, empty)
    found, kept = slopes_of(name, policy.slopes, deltas, window, 0, empty)
    np.testing.assert_allclose(kept, old, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5 * np.abs(expected).max())
    window.outputs[:, :-1] += 0.1 * np.random.default_rng(5).standard_normal((rows + 1, 1)).astype(np.float32)
    for clip in (0.02, 1e9):
        old = (kept + np.random.default_rng(6).standard_normal(rows) / 5).astype(np.float32)
        expected, _ = slopes_of(name, slopes_by_steps, deltas, window, 1, old, clip)
        found, left = slopes_of(name, policy.slopes, deltas, window, 1, old, clip)
        np.testing.assert_array_equal(left, old)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())
        if rows > 3 and name == "gaussian":
            assert (found[:, 0] == 0.0).any() == (clip < 1.0), "the case must exercise the clip"


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(name, poison):
    policy = POLICIES[name]
    for place in (0, -1):
        window = window_of(name, 2, 5, seed=1)
        window.outputs[3, place] = poison
        found, _ = slopes_of(name, policy.slopes, plug(policy.deltas, DELTAS_TYPE), window, 0, np.zeros(5, np.float32))
        assert not np.isfinite(found[3]).all()
        assert np.isfinite(found[[0, 1, 2, 4]]).all(), "and stays in its row"


def test_a_policy_without_slopes_of_its_own_is_taught_step_by_step():
    learner = LEARNERS["actor_critic"]
    assert plain(ready_learner(learner, POLICIES["epsilon_greedy"])).__qualname__ == "learn_actor_critic"
    assert plain(ready_learner(learner, POLICIES["gaussian"])).__qualname__ != "learn_actor_critic"

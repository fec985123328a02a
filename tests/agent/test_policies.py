"""How actions are drawn: the shares that each policy must give."""

import math

import numpy as np
import pytest

from evolearn.agent import CHOOSE_TYPE, LEARNERS, MAX_LOG_STDEV, POLICIES
from evolearn.agent.policies.epsilon_greedy import EPSILON, choose_epsilon_greedy
from evolearn.numerics import plug
from evolearn.rng import ACTION, at_step, life_keys, new_rng, open_stream

DRAWS = 4000


def shares(values, epsilon):
    """How often each action is chosen."""
    choose = plug(choose_epsilon_greedy, CHOOSE_TYPE)
    plasticity = np.zeros(EPSILON + 1, np.float32)
    plasticity[EPSILON] = epsilon
    output = np.array([*values, 99.0], np.float32)
    rng, action = new_rng(), np.zeros(1, np.float32)
    open_stream(rng, life_keys(1, 0, 0, 1)[0], ACTION)
    counts = np.zeros(len(values))
    for step in range(DRAWS):
        at_step(rng, step + 1)
        action[:] = np.nan
        choose(output, plasticity, rng, action)
        counts[int(action[0])] += 1
    return counts / DRAWS


def draws(name, output, count):
    """Actions of a policy in steps one after the other, [count, action size]."""
    choose = plug(POLICIES[name].choose, CHOOSE_TYPE)
    size = 1 if name == "categorical" else (len(output) - 1) // 2
    rng, drawn = new_rng(), np.full((count, size), np.nan, np.float32)
    open_stream(rng, life_keys(2, 0, 0, 1)[0], ACTION)
    for step in range(count):
        at_step(rng, step + 1)
        choose(np.array(output, np.float32), np.zeros(0, np.float32), rng, drawn[step])
    return drawn


@pytest.mark.parametrize("logits", [[0.0, 1.0], [2.0, -1.0, 0.5, 0.0], [5.0, 5.0, 5.0], [-3e38, 0.0, -90.0], [7.0]])
def test_choices_are_drawn_as_often_as_the_softmax_says(logits):
    expected = np.exp(np.array(logits) - max(logits))
    expected /= expected.sum()
    counts = np.bincount(draws("categorical", [*logits, 99.0], DRAWS)[:, 0].astype(int), minlength=len(logits))
    possible = expected > 0.0
    assert counts[expected < 1e-12].sum() == 0
    chi_square = ((counts - DRAWS * expected) ** 2 / np.maximum(DRAWS * expected, 1e-12))[possible & (expected > 1e-12)]
    assert chi_square.sum() < 16.3, "beyond the 99.9th percentile of 3 degrees of freedom"


def test_actions_are_drawn_from_their_normal_distributions():
    means, log_stdevs = np.array([1.0, -2.0, 0.0]), np.array([-1.0, 0.5, 7.0])  # the last is held at 2
    drawn = draws("gaussian", [*means, *log_stdevs, 99.0], DRAWS)
    z = np.sort((drawn - means) / np.exp(np.minimum(log_stdevs, MAX_LOG_STDEV)), axis=0)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(DRAWS)
    assert np.abs(z.var(axis=0) - 1).max() < 4 * np.sqrt(2 / DRAWS)
    for column in z.T:
        normal = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in column])
        # Kolmogorov and Smirnov's distance, 99.9th percentile.
        assert np.abs(normal - (np.arange(DRAWS) + 0.5) / DRAWS).max() < 1.95 / np.sqrt(DRAWS)
    assert np.abs(np.corrcoef(draws("gaussian", [*means, *log_stdevs, 99.0], DRAWS).T) - np.eye(3)).max() < 0.06


@pytest.mark.parametrize("name", ["categorical", "gaussian"])
def test_an_output_that_is_not_a_number_is_no_trap(name):
    drawn = draws(name, [np.nan, 0.0, 0.0, 0.0, 0.0], 10)
    assert np.isnan(drawn[:, 0]).all() if name == "gaussian" else np.isin(drawn, range(4)).all()


def test_without_epsilon_the_largest_value_wins_and_the_unused_entry_never():
    np.testing.assert_array_equal(shares([1.0, 3.0, 2.0], 0.0), [0, 1, 0])


@pytest.mark.parametrize("values", [[0, 0, 0, 0], [-1, 5, 5, 0], [5, -1, 0, 5]])
def test_ties_are_broken_evenly(values):
    best = np.array(values) == max(values)
    np.testing.assert_allclose(shares(values, 0.0), best / best.sum(), atol=0.03)


def test_epsilon_is_the_share_of_choices_made_from_all_actions():
    np.testing.assert_allclose(shares([0.0, 1.0, 0.5], 0.3), [0.1, 0.8, 0.1], atol=0.02)


def test_epsilon_one_is_uniform():
    np.testing.assert_allclose(shares([0.0, 1.0, 0.5], 1.0), np.full(3, 1 / 3), atol=0.03)


def test_values_that_are_all_very_low_are_no_obstacle():
    np.testing.assert_array_equal(shares([-3e38, -2e38], 0.0), [0, 1])


def test_a_deterministic_action_is_the_output():
    choose = plug(POLICIES["deterministic"].choose, CHOOSE_TYPE)
    output, action = np.array([0.3, -7.0, 99.0], np.float32), np.zeros(2, np.float32)
    choose(output, np.zeros(0, np.float32), new_rng(), action)
    np.testing.assert_array_equal(action, output[:2])


def test_epsilon_is_where_the_policy_looks_for_it():
    for name, learner in LEARNERS.items():
        if "epsilon_greedy" in learner.policies.values():
            assert learner.plasticity[EPSILON].name == "epsilon", name


def test_every_learner_teaches_policies_of_the_table():
    for learner in LEARNERS.values():
        assert learner.policies
        assert set(learner.policies) <= {"discrete", "box"}
        assert set(learner.policies.values()) <= set(POLICIES)

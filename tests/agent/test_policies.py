"""How actions are drawn: the shares that each policy must give."""

import numpy as np
import pytest

from evolearn.agent import CHOOSE_TYPE, LEARNERS, POLICIES
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

"""Compiled Q-learning against ten lines of NumPy, in whole lives and window by window, and against autograd."""

import numpy as np
import pytest
import torch

from evolearn.agent import (
    BACKWARD_TYPE,
    DELTAS_TYPE,
    GOES_ON,
    LEARN_TYPE,
    LEARNERS,
    POLICIES,
    TERMINATED,
    THINK_TYPE,
    TRUNCATED,
    TRUNKS,
    BrainSpec,
    LearnerSettings,
)
from evolearn.life import Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.numerics import plug
from evolearn.rng import SELECTION, life_keys
from tests.helpers.chain import CELLS, chain
from tests.helpers.probe_worlds import conditions_for, newborns_for
from tests.reference.torch_learner import brain_with, random_weights, random_window, relative_error

RATE, DISCOUNT, EPSILON = 0.3, 0.9, 0.4
STEPS = 2000
SETTINGS = LearnerSettings(1, 0.2, 0.5, 0.9, 0.999, 1e-5)


def tabular(trace, cells, choices):
    """Sutton and Barto 2018, section 6.5, over the experience of a life; what comes after a step follows from it."""
    table = np.zeros((cells, choices))
    seen = trace.observations.argmax(1)
    for t, (cell, end) in enumerate(zip(seen, trace.ends, strict=True)):
        action = int(trace.actions[t, 0])
        future = 0.0 if end == TERMINATED else table[cell + action - 1].max()
        table[cell, action] += RATE * (trace.fitness[t] + DISCOUNT * future - table[cell, action])
    return table


def test_a_life_of_tabular_q_learning_is_ten_lines_of_numpy():
    conditions = conditions_for(chain, hidden=(), window=1, trunk="linear", learner="q_learning")
    newborns = newborns_for(conditions, learning_rate=RATE, discount=DISCOUNT, epsilon=EPSILON)
    assert not newborns.weights.any(), "tables start at zero"
    plan, keys = Plan(STEPS, final_weights=True), life_keys(3, SELECTION, 0, 1)
    outcome, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, plan, STEPS)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(trace.ends)
    expected = tabular(trace, CELLS, 3)
    found = outcome.final_weights[0][: 3 * CELLS].reshape(3, CELLS).T
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not outcome.final_weights[0][3 * CELLS :].any(), "neither the unused output nor biases learn"
    # It knows by now which end is better.
    assert (expected[1:6].argmax(1) == 2).all()
    greedy = trace.actions[-500:, 0] == 2
    assert greedy.mean() > 1 - EPSILON


def learner_of(spec, rows):
    trunk = TRUNKS[spec.trunk]
    row = LEARNERS["q_learning"]
    learn = plug(row.learn, LEARN_TYPE)
    deltas = plug(POLICIES[spec.policy].deltas, DELTAS_TYPE)
    parts = (plug(trunk.think, THINK_TYPE), plug(trunk.backward, BACKWARD_TYPE), deltas)
    memory = np.full(row.memory(spec, rows), np.nan, np.float32)
    plasticity = np.array([RATE, DISCOUNT, EPSILON], np.float32)
    return lambda weights, window: learn(
        *parts, weights, np.array(spec.layers), plasticity, SETTINGS, window, memory, 0
    )


def learn_by_torch(spec, weights, window, bias_learns):
    """The window's steps one after the other, each with autograd on the weights that the one before left."""
    brain = brain_with(spec, weights)
    observations = torch.from_numpy(window.observations).double()
    for row in range(len(window.rewards)):
        values, _ = brain(observations[row])
        with torch.no_grad():
            ahead = brain(observations[row + 1])[0].max()
        cut = torch.tensor(window.final_outputs[row, :-1].max(), dtype=torch.double)
        future = {GOES_ON: ahead, TRUNCATED: cut, TERMINATED: torch.tensor(0.0)}[int(window.ends[row])]
        error = (window.rewards[row] + DISCOUNT * future - values[int(window.actions[row, 0])]).detach()
        brain.zero_grad()
        values[int(window.actions[row, 0])].backward()
        with torch.no_grad():
            for name, parameter in brain.named_parameters():
                if parameter.grad is not None and (bias_learns or not name.endswith("bias")):
                    parameter += RATE * error * parameter.grad
    return brain.flat()


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize(
    ("trunk", "hidden"), [("linear", ()), ("relu", (9, 5)), ("mlp", (7,))], ids=["linear", "relu", "tanh"]
)
def test_a_window_teaches_step_by_step_what_autograd_teaches(trunk, hidden, rows):
    spec = BrainSpec(trunk, 4, hidden, 3, "epsilon_greedy")
    weights = random_weights(spec, seed=1)
    for seed in range(5):
        window = random_window(spec, weights, rows, seed=10 + seed)
        before = weights.copy()
        expected = learn_by_torch(spec, weights, window, bias_learns=bool(hidden)) - before
        assert learner_of(spec, rows)(weights, window)
        assert relative_error(weights - before, expected) < 1e-3
        weights[:] = before


@pytest.mark.parametrize(("trunk", "hidden"), [("linear", ()), ("relu", (5,))])
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_an_error_that_is_not_finite_leaves_the_weights_alone(trunk, hidden, poison):
    spec = BrainSpec(trunk, 4, hidden, 3, "epsilon_greedy")
    weights = random_weights(spec, seed=2)
    window = random_window(spec, weights, 1, seed=3)
    window.rewards[0] = poison
    before = weights.copy()
    assert not learner_of(spec, 1)(weights, window)
    np.testing.assert_array_equal(weights, before)

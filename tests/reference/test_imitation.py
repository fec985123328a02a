"""What is learned of lessons, against torch: gradients, and whole updates of both learners."""

import numpy as np
import pytest
import torch

from evolearn.agent import (
    ASKED,
    BACKWARD_TYPE,
    DELTAS_TYPE,
    LEARNERS,
    NOT_TAUGHT,
    POLICIES,
    THINK_TYPE,
    WATCHED,
    LearnerSettings,
    find_policy,
    ready_learner,
    trunk_of,
)
from evolearn.agent.learners.imitation import add_lesson_slopes
from evolearn.numerics import aligned_zeros, plug
from tests.reference.torch_learner import (
    SPECS,
    brain_with,
    lesson_loss,
    random_weights,
    random_window,
    relative_error,
    think_all,
    torch_learner,
)

ROWS = 12
CASES = [
    "one layer, choices",
    "three layers, choices",
    "two layers, gaussian",
    "linear, gaussian",
    "two grus, gaussian",
]
SETTINGS = LearnerSettings(epochs=2, clip=0.2, gradient_norm=0.5, first_decay=0.9, second_decay=0.999, epsilon=1e-5)
RATE, DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT, WEIGHT = 0.01, 0.9, 0.8, 0.05, 0.7, 0.4


def taught_window(spec, weights, seed, taught):
    window = random_window(spec, weights, ROWS, seed)
    rng = np.random.default_rng(seed)
    if spec.policy == "categorical":
        lessons = np.eye(spec.actions)[rng.integers(spec.actions, size=ROWS)]
    else:
        lessons = rng.standard_normal((ROWS, spec.actions))
    return window._replace(lessons=lessons.astype(np.float32), taught=np.full(1, taught))


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_lessons_is_autograds(name):
    spec = SPECS[name]
    weights = random_weights(spec, 1)
    window = taught_window(spec, weights, 2, ASKED)
    before = np.random.default_rng(3).standard_normal((ROWS, spec.outputs)).astype(np.float32)
    slopes = before.copy()
    add_lesson_slopes(window, np.float32(WEIGHT), slopes)
    slopes -= before
    assert not slopes[:, spec.actions :].any(), "values and standard deviations are not taught"
    trunk = trunk_of(spec)
    found, scratch = np.zeros(spec.weights, np.float32), np.zeros(trunk.scratch(spec.layers, ROWS), np.float32)
    plug(trunk.backward, BACKWARD_TYPE)(weights, np.array(spec.layers), window, slopes, found, scratch)
    brain = brain_with(spec, weights)
    (WEIGHT * lesson_loss(brain, window)).backward()
    zero = torch.zeros(())
    expected = brain.flat(lambda parameter: zero.expand_as(parameter) if parameter.grad is None else parameter.grad)
    assert relative_error(found, expected) < 1e-4


def learned(learner, spec, weights, windows, weight):
    """Weights after some windows, by a compiled learner."""
    row, policy = LEARNERS[learner], find_policy(spec.policy)
    given = {"learning_rate": RATE, "discount": DISCOUNT, "gae_lambda": GAE_LAMBDA, "entropy_bonus": BONUS}
    given |= {"value_weight": VALUE_WEIGHT, "imitation_weight": weight}
    plasticity = np.array([given.get(gene.name, gene.default) for gene in row.genes(spec)], np.float32)
    learn = ready_learner(row, policy, learner, spec.policy)
    plugs = (plug(trunk_of(spec).think, THINK_TYPE), plug(trunk_of(spec).backward, BACKWARD_TYPE))
    deltas = plug(POLICIES[spec.policy].deltas, DELTAS_TYPE)
    memory, after = aligned_zeros(row.memory(spec, ROWS)), weights.copy()
    for update, window in enumerate(windows):
        own = window._replace(outputs=window.outputs.copy(), activations=window.activations.copy())
        think_all(spec, after, own)
        assert learn(*plugs, deltas, after, np.array(spec.layers), plasticity, SETTINGS, own, memory, update)
    return after


def by_torch(spec, weights, windows, weight, rewarded):
    """The same, where a learner is `rewarded` or not."""
    learner = torch_learner(spec, weights, SETTINGS, RATE)
    for window in windows:
        taught = window.taught[0]
        imitation = weight if taught != NOT_TAUGHT else 0.0
        if imitation or (rewarded and taught != WATCHED):
            learner.learn(
                window,
                SETTINGS,
                DISCOUNT,
                GAE_LAMBDA,
                BONUS,
                VALUE_WEIGHT,
                imitation,
                rewarded=rewarded and taught != WATCHED,
            )
    return learner.brain.flat()


@pytest.mark.parametrize("order", [(ASKED, NOT_TAUGHT), (WATCHED, ASKED), (NOT_TAUGHT, WATCHED)], ids=str)
@pytest.mark.parametrize("name", ["three layers, choices", "two layers, gaussian"])
@pytest.mark.parametrize("learner", ["imitation", "rewarded_imitation"])
def test_updates_are_those_of_torch(learner, name, order):
    spec = SPECS[name]
    weights = random_weights(spec, 4)
    windows = [taught_window(spec, weights, 5 + place, taught) for place, taught in enumerate(order)]
    rewarded = learner == "rewarded_imitation"
    weight = WEIGHT if rewarded else 1.0
    found = learned(learner, spec, weights, windows, weight)
    expected = by_torch(spec, weights, windows, weight, rewarded)
    assert np.abs(expected - weights).max() > RATE
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3 * RATE)


@pytest.mark.parametrize("name", ["three layers, choices", "two layers, gaussian"])
def test_lessons_of_no_weight_change_nothing(name):
    spec = SPECS[name]
    weights = random_weights(spec, 6)
    asked = [taught_window(spec, weights, 7 + place, ASKED) for place in range(2)]
    found = learned("rewarded_imitation", spec, weights, asked, 0.0)
    assert found.tobytes() == learned("actor_critic", spec, weights, asked, 0.0).tobytes()
    watched = [window._replace(taught=np.full(1, WATCHED)) for window in asked]
    assert learned("rewarded_imitation", spec, weights, watched, 0.0).tobytes() == weights.tobytes()

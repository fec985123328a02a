"""The compiled supervised learner against torch's mean squared error."""

import numpy as np
import pytest
import torch

from evolearn.agent import (
    BACKWARD_TYPE,
    DELTAS_TYPE,
    LEARN_TYPE,
    LEARNERS,
    OPTIMISERS,
    POLICIES,
    THINK_TYPE,
    TRUNKS,
    BrainSpec,
    LearnerSettings,
)
from evolearn.numerics import plug
from tests.reference.torch_learner import brain_with, random_weights, random_window, relative_error, torch_optimiser

NEVER_SHORTENED = 1e9
ROWS, RATE = 5, 0.01
SETTINGS = LearnerSettings(1, 0.2, NEVER_SHORTENED, 0.9, 0.999, 1e-5, OPTIMISERS["sgd"])
SPECS = {
    "relu": BrainSpec("relu", 1, (40, 40), 1, "deterministic"),
    "tanh": BrainSpec("mlp", 3, (8,), 1, "deterministic"),
    "linear": BrainSpec("linear", 6, (), 1, "deterministic"),
}


def learner_of(spec, settings):
    trunk, row = TRUNKS[spec.trunk], LEARNERS["regression"]
    deltas = plug(POLICIES[spec.policy].deltas, DELTAS_TYPE)
    parts = (plug(trunk.think, THINK_TYPE), plug(trunk.backward, BACKWARD_TYPE), deltas)
    learn, memory = plug(row.learn, LEARN_TYPE), np.zeros(row.memory(spec, ROWS), np.float32)
    plasticity = np.array([RATE, 1.0], np.float32)
    return lambda weights, window, update: learn(
        *parts, weights, np.array(spec.layers), plasticity, settings, window, memory, update
    )


@pytest.mark.parametrize("gradient_norm", [NEVER_SHORTENED, 0.3])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", SPECS)
def test_windows_teach_what_torch_teaches_by_the_mean_squared_error(name, epochs, optimiser, gradient_norm):
    spec = SPECS[name]
    settings = SETTINGS._replace(epochs=epochs, optimiser=OPTIMISERS[optimiser], gradient_norm=gradient_norm)
    weights = random_weights(spec, seed=1)
    at_birth = weights.copy()
    brain = brain_with(spec, weights)
    torchs = torch_optimiser(brain, settings, RATE)
    learn = learner_of(spec, settings)
    for update in range(3):
        window = random_window(spec, weights, ROWS, seed=2 + update)
        assert learn(weights, window, update)
        for _ in range(epochs):
            torchs.zero_grad()
            outputs, _ = brain(torch.from_numpy(window.observations[:-1]).double())
            torch.nn.functional.mse_loss(outputs[:, 0], torch.from_numpy(window.rewards).double()).backward()
            torch.nn.utils.clip_grad_norm_(
                [parameter for parameter in brain.parameters() if parameter.grad is not None], gradient_norm
            )
            torchs.step()
    learned = brain.flat() - at_birth
    assert relative_error(weights - at_birth, learned) < 2e-3
    assert np.abs(learned).max() > RATE / 10


def test_one_step_of_gradient_descent_is_torchs_to_the_fifth_digit():
    spec = SPECS["relu"]
    weights = random_weights(spec, seed=7)
    window = random_window(spec, weights, ROWS, seed=8)
    brain = brain_with(spec, weights)
    outputs, _ = brain(torch.from_numpy(window.observations[:-1]).double())
    torch.nn.functional.mse_loss(outputs[:, 0], torch.from_numpy(window.rewards).double()).backward()
    torch.optim.SGD(brain.parameters(), lr=RATE).step()
    assert learner_of(spec, SETTINGS)(weights, window, 0)
    np.testing.assert_allclose(weights, brain.flat(), rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_finite_leaves_the_weights_alone():
    spec = SPECS["tanh"]
    weights = random_weights(spec, seed=3)
    window = random_window(spec, weights, ROWS, seed=4)
    window.rewards[2] = np.nan
    before = weights.copy()
    assert not learner_of(spec, SETTINGS)(weights, window, 0)
    np.testing.assert_array_equal(weights, before)

import numba
import numpy as np
import pytest
import torch

from evolearn.agent import BACKWARD_TYPE, THINK_TYPE, BrainSpec, TorchBrain, trunk_of
from evolearn.agent.trunks.dense import tanh
from evolearn.agent.trunks.relu import relu
from evolearn.numerics import plug
from tests.helpers.ways_in import from_python, think_again_as_learners
from tests.reference.torch_learner import SPECS, brain_with, random_weights, random_window, relative_error, torch_thinks


@numba.njit
def tanh_of_all(x):
    return np.array([tanh(value) for value in x])


KINDS = [
    (name, kind)
    for name, spec in SPECS.items()
    for kind in ("every shape", "this shape")
    if kind == "every shape" or trunk_of(spec).tiled is not None
]


def functions_of(spec, kind):
    """Think and backward, for every shape or for this one."""
    trunk = trunk_of(spec)
    if kind == "every shape":
        return plug(trunk.think, THINK_TYPE), plug(trunk.backward, BACKWARD_TYPE)
    of_shape = trunk.tiled(spec.layers, spec.actions + 1, spec.outputs - spec.actions - 1)
    return of_shape.think, from_python(of_shape.backward, BACKWARD_TYPE)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_compiled_brain_thinks_what_torch_thinks(name, kind):
    spec = SPECS[name]
    weights = random_weights(spec, seed=1)
    window = random_window(spec, weights, rows=6, seed=2)
    window.outputs[:] = np.nan
    think_again_as_learners()(functions_of(spec, kind)[0], weights, np.array(spec.layers), window)
    from_python(functions_of(spec, kind)[0], THINK_TYPE)(weights, np.array(spec.layers), window, 6)
    parameters, value = torch_thinks(brain_with(spec, weights), window, 7)
    expected = torch.cat([parameters, value[:, None]], dim=-1).detach().numpy()
    assert window.outputs.shape == expected.shape
    np.testing.assert_allclose(window.outputs, expected, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_compiled_backward_pass_gives_torchs_gradient(name, kind):
    spec = SPECS[name]
    weights = random_weights(spec, seed=3)
    window = random_window(spec, weights, rows=7, seed=4)
    deltas = np.random.default_rng(5).standard_normal((7, spec.outputs)).astype(np.float32)
    gradient = np.zeros(spec.weights, np.float32)
    scratch = np.full(spec.scratch(7), np.nan, np.float32)
    functions_of(spec, kind)[1](weights, np.array(spec.layers), window, deltas, gradient, scratch)
    brain = brain_with(spec, weights)
    parameters, value = torch_thinks(brain, window, 7)
    (torch.cat([parameters, value[:, None]], dim=-1) * torch.from_numpy(deltas)).sum().backward()
    assert relative_error(gradient, brain.flat(lambda parameter: parameter.grad)) < 1e-5


def test_tanh_is_accurate_in_value_and_slope_over_all_float32():
    # A prime stride through all bit patterns: every exponent, both signs, denormals and infinities.
    x = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    edge = np.float32(7.6) * np.linspace(0.9, 1.1, 20_001, dtype=np.float32)
    usual = np.linspace(-10.0, 10.0, 200_001, dtype=np.float32)
    x = np.concatenate([x[~np.isnan(x)], edge, -edge, usual, np.float32([np.inf, -np.inf])])
    found = tanh_of_all(x).astype(float)
    exact = np.tanh(x.astype(float))
    assert np.abs(found - exact).max() < 1e-6
    # The slope as the backward pass takes it: from the float32 activation.
    slope = 1.0 - found * found
    assert np.abs(slope - (1.0 - exact * exact)).max() < 1.5e-6
    assert np.abs(found).max() <= 1.0 + 1e-6
    assert tanh_of_all(np.float32([0.0]))[0] == 0.0


def test_tanh_does_not_hide_a_nan():
    assert np.isnan(tanh_of_all(np.float32([np.nan]))[0])


@numba.njit
def relu_of_all(x):
    found = np.empty_like(x)
    for i in range(x.size):
        found[i] = relu(x[i])
    return found


def test_the_rectifier_is_exact_and_does_not_hide_a_nan():
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    np.testing.assert_array_equal(relu_of_all(x), np.maximum(x, 0))
    x[::7] = np.nan
    np.testing.assert_array_equal(np.isnan(relu_of_all(x)), np.isnan(x))


@pytest.mark.parametrize(("trunk", "variance"), [("mlp", 1.0), ("relu", 2.0)])
def test_a_trunks_initial_weights_have_the_variance_that_its_paper_asks_for(trunk, variance):
    tensors = {tensor.name: tensor for tensor in BrainSpec(trunk, 8, (50, 30), 2, "gaussian").tensors}
    assert tensors["hidden1.weight"].initial_stdev ** 2 == pytest.approx(variance / 8)
    assert tensors["hidden2.weight"].initial_stdev ** 2 == pytest.approx(variance / 50)


def test_the_linear_trunk_has_no_weights_of_its_own():
    spec = BrainSpec("linear", 8, (), 2, "categorical")
    assert [tensor.name for tensor in spec.tensors] == ["policy.weight", "value.weight", "policy.bias", "value.bias"]
    assert spec.weights == 3 * 8 + 3


def test_torch_brain_returns_the_flat_weights_it_was_given():
    spec = SPECS["four layers, gaussian"]
    weights = random_weights(spec, seed=8)
    brain = TorchBrain(spec)
    brain.load_flat(weights)
    np.testing.assert_array_equal(brain.flat(), weights)
    assert {name for name, _ in brain.named_parameters()} == {tensor.name for tensor in spec.tensors}
    parameters, value = brain(torch.zeros(2, 3, spec.observations))
    assert parameters.shape == (2, 3, spec.outputs - 1)
    assert value.shape == (2, 3)


def test_torch_brain_refuses_what_it_cannot_be():
    spec = SPECS["one layer, choices"]
    with pytest.raises(ValueError, match=rf"weights of shape \(3,\): this brain needs \({spec.weights},\)"):
        TorchBrain(spec).load_flat(np.zeros(3, np.float32))
    with pytest.raises(
        ValueError, match=r"trunk 'relo' is unknown\. Did you mean relu\? Known: mlp, relu, linear, gru\."
    ):
        TorchBrain(BrainSpec("relo", 3, (5,), 2, "categorical"))

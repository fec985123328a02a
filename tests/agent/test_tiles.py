"""The dense brain cut for one shape: against float64 NumPy, against the plain functions, and against itself."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from evolearn.agent import BACKWARD_TYPE, THINK_ALL_TYPE, THINK_TYPE, TRUNKS, Window
from evolearn.agent.trunks._tile_cuts import Registers, tile_for
from evolearn.agent.trunks.tiles import dense_functions
from evolearn.numerics import plug
from tests.helpers.ways_in import from_python

CANARY = np.float32(12345.0)
MARGIN = 32  # floats before and after each array; whatever is written beyond one is seen there

# Layers, linear outputs, log standard deviations, trunk; most are among `tests.reference.torch_learner.SPECS` as well.
SHAPES = {
    "as in the README": ((4, 32, 32), 3, 0, "mlp"),
    "gaussian": ((13, 9, 7), 5, 4, "mlp"),
    "odd everywhere": ((1, 17, 3, 11), 6, 0, "mlp"),
    "rectified": ((5, 9, 6), 4, 0, "relu"),
    "no hidden layer": ((9,), 5, 0, "linear"),
    "no hidden layer, gaussian": ((18,), 4, 3, "linear"),
    "one of each": ((1, 1), 2, 0, "mlp"),
    "in several groups": ((3, 130, 41), 9, 8, "relu"),
}


def shape_of(name):
    layers, linear, log_stdevs, trunk = SHAPES[name]
    weights = sum((inputs + 1) * units for inputs, units in itertools.pairwise(layers))
    return layers, linear, log_stdevs, TRUNKS[trunk], weights + (layers[-1] + 1) * linear + log_stdevs


@functools.cache
def functions_of(name):
    layers, linear, log_stdevs, trunk, _ = shape_of(name)
    return trunk.tiled(layers, linear, log_stdevs)


def guarded(*shape):
    """An array of canaries with canaries around it."""
    floats = np.full(math.prod(shape) + 2 * MARGIN, CANARY)
    return floats, floats[MARGIN : floats.size - MARGIN].reshape(shape)


def assert_guards(*owners):
    for floats in owners:
        assert (floats[:MARGIN] == CANARY).all()
        assert (floats[floats.size - MARGIN :] == CANARY).all()


def random_weights(name, rng, count=1):
    return (0.5 * rng.standard_normal((count, shape_of(name)[4]))).astype(np.float32)


def forward(name, weights, observations):
    """Activations of each layer and outputs, in float64."""
    layers, linear, log_stdevs, trunk, _ = shape_of(name)
    weights = weights.astype(float)
    active = [observations.astype(float)]
    at = 0
    for inputs, units in itertools.pairwise(layers):
        matrix = weights[at : at + inputs * units].reshape(inputs, units)
        sums = active[-1] @ matrix + weights[at + inputs * units : at + (inputs + 1) * units]
        active.append(np.maximum(sums, 0.0) if trunk is TRUNKS["relu"] else np.tanh(sums))
        at += (inputs + 1) * units
    heads = weights[at : at + layers[-1] * linear].reshape(linear, layers[-1])
    at += layers[-1] * linear
    spoken = active[-1] @ heads.T + weights[at : at + linear]
    copied = np.broadcast_to(weights[at + linear :], (len(observations), log_stdevs))
    return active, np.hstack([spoken[:, :-1], copied, spoken[:, -1:]])


def think_team(name, weights, observations, rows, row):
    """Run a team of lives; what is around, and the rows of others, must stay as it was."""
    layers, linear, log_stdevs, _, size = shape_of(name)
    count = len(weights)
    units = sum(layers[1:])
    blocks = np.full((count, (size + 15) // 16 * 16), np.nan, np.float32)
    blocks[:, :size] = weights
    owners, arrays = zip(
        *(guarded(count, rows, length) for length in (layers[0], units, linear + log_stdevs)), strict=True
    )
    seen_owner, seen = guarded(count, layers[0])
    seen[:] = observations
    addresses = [array.ctypes.data for array in (seen, blocks, *arrays, np.zeros(0, np.float32))]
    from_python(functions_of(name).think_all, THINK_ALL_TYPE)(*addresses, rows, count, row)
    assert_guards(*owners, seen_owner)
    np.testing.assert_array_equal(seen, observations)
    for array in arrays:
        assert (np.delete(array, row, axis=1) == CANARY).all()
    np.testing.assert_array_equal(arrays[0][:, row], observations)
    return arrays[1][:, row], arrays[2][:, row]


def window_of(name, observations):
    layers, linear, log_stdevs, _, _ = shape_of(name)
    rows = len(observations)
    nothing = np.zeros((rows, 1), np.float32)
    return Window(
        observations,
        np.zeros((rows, sum(layers[1:])), np.float32),
        np.zeros((rows, linear + log_stdevs), np.float32),
        nothing,
        nothing[:, 0],
        np.zeros(rows, np.int64),
        nothing,
        nothing[:, 0],
    )


def thought_window(name, weights, observations, think=None):
    window = window_of(name, observations)
    call = from_python(think or functions_of(name).think, THINK_TYPE)
    for row in range(len(observations)):
        call(weights, np.array(shape_of(name)[0]), window, row)
    return window


def backward_of(name, weights, window, deltas, gradient, backward=None):
    layers, _, _, trunk, _ = shape_of(name)
    owner, found = guarded(gradient.size)
    found[:] = gradient
    scratch_owner, scratch = guarded(trunk.scratch(layers, len(deltas)))
    call = from_python(backward or functions_of(name).backward, BACKWARD_TYPE)
    call(weights, np.array(layers), window, deltas, found, scratch)
    assert_guards(owner, scratch_owner)
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_a_team_thinks_what_float64_thinks(name):
    rng = np.random.default_rng(1)
    weights = random_weights(name, rng, 3)
    observations = rng.standard_normal((3, SHAPES[name][0][0])).astype(np.float32)
    activations, outputs = think_team(name, weights, observations, rows=4, row=2)
    for life in range(3):
        active, spoken = forward(name, weights[life], observations[life : life + 1])
        np.testing.assert_allclose(outputs[life], spoken[0], rtol=1e-5, atol=5e-6)
        np.testing.assert_allclose(activations[life], np.hstack([[], *(each[0] for each in active[1:])]), atol=5e-6)


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 9), rows=st.integers(1, 5), data=st.data(), seed=st.integers(0, 99))
def test_a_life_thinks_the_same_bits_wherever_it_is_in_a_team_and_alone(name, count, rows, data, seed):
    rng = np.random.default_rng(seed)
    row, place = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, count - 1))
    weights = random_weights(name, rng, count)
    observations = rng.standard_normal((count, SHAPES[name][0][0])).astype(np.float32)
    activations, outputs = think_team(name, weights, observations, rows, row)
    window = thought_window(name, weights[place], observations[place : place + 1])
    np.testing.assert_array_equal(activations[place], window.activations[0])
    np.testing.assert_array_equal(outputs[place], window.outputs[0])


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("rows", [1, 7, 16])
def test_the_gradient_is_that_of_float64(name, rows):
    rng = np.random.default_rng(rows)
    layers, linear, log_stdevs, trunk, size = shape_of(name)
    weights = random_weights(name, rng)[0]
    window = thought_window(name, weights, rng.standard_normal((rows + 1, layers[0])).astype(np.float32))
    deltas = rng.standard_normal((rows, linear + log_stdevs)).astype(np.float32)
    before = rng.standard_normal(size).astype(np.float32)
    found = backward_of(name, weights, window, deltas, before)
    active, _ = forward(name, weights, window.observations[:rows])
    spoken = np.delete(deltas.astype(float), range(linear - 1, linear - 1 + log_stdevs), axis=1)
    parts = [deltas[:, linear - 1 : linear - 1 + log_stdevs].sum(0), spoken.sum(0), (spoken.T @ active[-1]).ravel()]
    at = size - sum(part.size for part in parts)
    slopes = spoken @ weights[at : at + linear * layers[-1]].reshape(linear, -1)
    for layer in range(len(layers) - 2, -1, -1):
        inputs, units = layers[layer : layer + 2]
        slopes = slopes * ((active[layer + 1] > 0.0) if trunk is TRUNKS["relu"] else 1.0 - active[layer + 1] ** 2)
        parts += [slopes.sum(0), (active[layer].T @ slopes).ravel()]
        at -= (inputs + 1) * units
        slopes = slopes @ weights[at : at + inputs * units].reshape(inputs, units).T
    expected = before + np.concatenate(parts[::-1])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["gaussian", "rectified"])
def test_the_plain_functions_say_the_same_to_rounding(name):
    rng = np.random.default_rng(4)
    layers, linear, log_stdevs, trunk, size = shape_of(name)
    weights = random_weights(name, rng)[0]
    observations = rng.standard_normal((6, layers[0])).astype(np.float32)
    window = thought_window(name, weights, observations)
    plain = thought_window(name, weights, observations, plug(trunk.think, THINK_TYPE))
    np.testing.assert_allclose(window.outputs, plain.outputs, atol=5e-6)
    deltas = rng.standard_normal((5, linear + log_stdevs)).astype(np.float32)
    zeros = np.zeros(size, np.float32)
    found = backward_of(name, weights, window, deltas, zeros)
    expected = backward_of(name, weights, plain, deltas, zeros, plug(trunk.backward, BACKWARD_TYPE))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["odd everywhere", "rectified", "no hidden layer"])
def test_a_nan_in_any_weight_below_the_heads_is_seen_in_every_output(name):
    rng = np.random.default_rng(5)
    layers, linear, log_stdevs, _, _ = shape_of(name)
    first_layer = (layers[0] + 1) * layers[1] if len(layers) > 1 else 0
    for place in range(0, first_layer, 3):
        weights = random_weights(name, rng)[0]
        weights[place] = np.nan
        outputs = thought_window(name, weights, np.ones((1, layers[0]), np.float32)).outputs[0]
        assert np.isnan(np.delete(outputs, range(linear - 1, linear - 1 + log_stdevs))).all()
    outputs = thought_window(name, random_weights(name, rng)[0], np.full((1, layers[0]), np.nan, np.float32)).outputs[0]
    assert np.isnan(np.delete(outputs, range(linear - 1, linear - 1 + log_stdevs))).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_in_a_head_is_seen_in_its_output(bad):
    name = "gaussian"
    layers, linear, log_stdevs, _, size = shape_of(name)
    biases = [*range(size - linear - log_stdevs, size - log_stdevs)]
    places = [*range(linear - 1), linear + log_stdevs - 1, *range(linear - 1, linear - 1 + log_stdevs)]
    for weight, output in zip([*biases, *range(size - log_stdevs, size)], places, strict=True):
        weights = random_weights(name, np.random.default_rng(6))[0]
        weights[weight] = bad
        outputs = thought_window(name, weights, np.ones((1, layers[0]), np.float32)).outputs[0]
        np.testing.assert_array_equal(outputs[output], bad)
        assert np.isfinite(np.delete(outputs, output)).all()


@pytest.mark.parametrize("name", ["gaussian", "odd everywhere"])
def test_bits_do_not_depend_on_how_tiles_are_cut(name):
    rng = np.random.default_rng(6)
    layers, linear, log_stdevs, trunk, size = shape_of(name)
    weights = random_weights(name, rng)[0]
    observations = rng.standard_normal((12, layers[0])).astype(np.float32)
    deltas = rng.standard_normal((11, linear + log_stdevs)).astype(np.float32)
    window = thought_window(name, weights, observations)
    gradient = backward_of(name, weights, window, deltas, np.zeros(size, np.float32))
    activation = "relu" if trunk is TRUNKS["relu"] else "tanh"
    for registers in (Registers(16, 32), Registers(4, 12)):
        other = dense_functions(layers, linear, log_stdevs, activation, registers)
        again = thought_window(name, weights, observations, other.think)
        np.testing.assert_array_equal(window.activations, again.activations)
        np.testing.assert_array_equal(window.outputs, again.outputs)
        found = backward_of(name, weights, window, deltas, np.zeros(size, np.float32), other.backward)
        np.testing.assert_array_equal(gradient, found)


@given(rows=st.integers(1, 300), vectors=st.integers(1, 40), number=st.sampled_from([12, 16, 32]))
def test_a_tile_fits_the_registers(rows, vectors, number):
    tile = tile_for(rows, vectors, Registers(8, number))
    assert tile.rows * tile.vectors + tile.vectors + 1 <= number
    assert tile.rows <= rows
    assert tile.vectors <= vectors


def test_a_matrix_as_wide_as_the_machine_is_cut_into_equal_tiles_of_eight_sums():
    assert tile_for(16, 4, Registers(8, 16)) in [(2, 4), (4, 2)]

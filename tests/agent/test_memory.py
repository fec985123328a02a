"""What a recurrent trunk carries from step to step, and what of it a window keeps."""

import numpy as np
import pytest

from evolearn.agent import GOES_ON, TERMINATED, THINK_TYPE, BrainSpec, Window, trunk_of
from evolearn.agent.trunks.gru import HOLD
from evolearn.numerics import plug
from tests.helpers.ways_in import think_again_as_learners

ROWS, CLEARED = 6, 3  # an episode ends before row 3
SPECS = {
    "one layer": BrainSpec("gru", 3, (5,), 2, "categorical"),
    "two layers, product": BrainSpec("gru", 3, (5, 4), 2, "categorical", readout="product"),
}


@pytest.fixture(params=SPECS)
def spec(request):
    return SPECS[request.param]


def new_window(spec, rows=ROWS):
    ends = np.full(rows, GOES_ON)
    ends[min(CLEARED, rows) - 1] = TERMINATED
    return Window(
        observations=np.random.default_rng(1).standard_normal((rows + 1, spec.told)).astype(np.float32),
        activations=np.zeros((rows + 1, spec.units), np.float32),
        outputs=np.zeros((rows + 1, spec.outputs), np.float32),
        actions=np.zeros((rows, 1), np.float32),
        rewards=np.zeros(rows, np.float32),
        ends=ends,
        final_outputs=np.zeros((rows, spec.outputs), np.float32),
        carry=np.zeros(trunk_of(spec).carry(spec.layers), np.float32),
    )


def weights_of(spec, seed):
    return (0.5 * np.random.default_rng(seed).standard_normal(spec.weights)).astype(np.float32)


def think_of(spec):
    return plug(trunk_of(spec).think, THINK_TYPE)


def live_through(spec, weights, window, forgets=True):
    """Think all rows as a life does, and what is carried after each."""
    carried = []
    for row in range(len(window.observations)):
        think_of(spec)(weights, np.array(spec.layers), window, row)
        if forgets and row < len(window.ends) and window.ends[row] != GOES_ON:
            window.carry[:] = 0.0
        carried.append(window.carry.copy())
    return np.array(carried)


def begun(spec):
    """A window in the midst of a life."""
    window = new_window(spec)
    window.carry[:-1] = np.random.default_rng(2).uniform(-1.0, 1.0, window.carry.size - 1)
    window.carry[-1] = 1.0
    return window


def test_a_trunk_carries_the_states_of_its_layers_and_whether_a_thought_came_before(spec):
    window = begun(spec)
    born = window.carry.copy()
    carried = live_through(spec, weights_of(spec, 3), window)
    units = sum(spec.hidden)
    assert carried.shape[1] == units + 1
    assert np.abs(np.diff(carried[:, :units], axis=0)[: CLEARED - 2]).min() > 1e-3
    np.testing.assert_array_equal(carried[:, units], [1, 1, 0, 1, 1, 1, 1])
    assert not carried[CLEARED - 1].any()
    # Each row begins with what came in.
    came_in = window.activations[:, : units + 1]
    np.testing.assert_array_equal(came_in, [born, *carried[:-1]])


def test_what_was_told_before_matters_until_the_state_is_cleared(spec):
    outputs = []
    for first in (0.0, 3.0):
        window = begun(spec)
        window.observations[0] = first
        live_through(spec, weights_of(spec, 3), window)
        outputs.append(window.outputs)
    differs = np.abs(outputs[0] - outputs[1]).max(axis=1) > 1e-4
    np.testing.assert_array_equal(differs, np.arange(ROWS + 1) < CLEARED)


def test_a_look_ahead_leaves_the_state_alone(spec):
    window = begun(spec)
    before = window.carry.copy()
    think_of(spec)(weights_of(spec, 3), np.array(spec.layers), window, ROWS)
    np.testing.assert_array_equal(window.carry, before)
    ahead = window.outputs[ROWS].copy()
    window.observations[0] = window.observations[ROWS]
    think_of(spec)(weights_of(spec, 3), np.array(spec.layers), window, 0)
    np.testing.assert_array_equal(window.outputs[0], ahead)
    assert (window.carry != before).any()


def test_a_window_thought_again_is_that_of_a_life_with_the_new_weights(spec):
    old, new = weights_of(spec, 3), weights_of(spec, 4)
    window, expected = begun(spec), begun(spec)
    going_on = live_through(spec, old, window)[-1]
    live_through(spec, new, expected)
    for _ in range(2):
        think_again_as_learners()(think_of(spec), new, np.array(spec.layers), window)
        np.testing.assert_array_equal(window.activations[:ROWS], expected.activations[:ROWS])
        np.testing.assert_array_equal(window.outputs[:ROWS], expected.outputs[:ROWS])
        np.testing.assert_array_equal(window.carry, going_on)


def test_a_newborns_gates_hold_what_it_knows(spec):
    mean = np.concatenate([np.full(tensor.size, tensor.initial_mean) for tensor in spec.tensors]).astype(np.float32)
    window = begun(spec)
    before = window.carry.copy()
    think_of(spec)(mean, np.array(spec.layers), window, 0)
    np.testing.assert_allclose(window.carry[:-1], before[:-1] / (1.0 + np.exp(-HOLD)), rtol=1e-5)


def test_a_newborns_product_is_close_to_a_plain_readout():
    plain = BrainSpec("gru", 3, (5,), 2, "categorical")
    product = BrainSpec("gru", 3, (5,), 2, "categorical", readout="product")
    block = next(tensor for tensor in product.tensors if tensor.name == "readout.weight")
    assert block.shape == (3, 5)
    assert block.initial_mean == 0.0
    rng = np.random.default_rng(5)
    factors = 1.0 + rng.standard_normal((10_000, 3)) @ (block.initial_stdev * rng.standard_normal((3, 5)))
    assert 0.02 < factors.std() < 0.2
    # Where nothing is observed it is the plain one.
    window, other = begun(plain), begun(product)
    window.observations[:] = other.observations[:] = 0.0
    weights = weights_of(plain, 6)
    trunk = sum(tensor.size for tensor in trunk_of(plain).tensors(plain.layers))
    live_through(plain, weights, window)
    live_through(product, np.insert(weights, trunk, np.ones(15, np.float32)), other)
    np.testing.assert_array_equal(window.outputs, other.outputs)

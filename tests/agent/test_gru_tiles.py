"""The recurrent brain cut for one shape: a team against lives alone, and tiles against other tiles."""

import functools

import numpy as np
import pytest

from evolearn.agent import BACKWARD_TYPE, GOES_ON, THINK_ALL_TYPE, THINK_TYPE, BrainSpec, Window, trunk_of
from evolearn.agent.trunks._tile_cuts import Registers
from evolearn.agent.trunks.trunk import DenseFunctions
from tests.helpers.ways_in import from_python

CANARY = np.float32(12345.0)
MARGIN = 32  # floats before and after each array; whatever is written beyond one is seen there
TOLD = ("observation", "last_action")
SHAPES = {
    "one layer": BrainSpec("gru", 4, (8,), 2, "categorical"),
    "odd layers, product": BrainSpec("gru", 3, (5, 19, 2), 3, "gaussian", TOLD, readout="product"),
    "in loops": BrainSpec("gru", 61, (24,), 3, "categorical", readout="product"),
}
ROWS = 5


def functions_of(name, registers=None):
    spec = SHAPES[name]
    functions = trunk_of(spec).tiled(spec.layers, spec.actions + 1, spec.log_stdevs, registers=registers)
    return DenseFunctions(*map(from_python, functions, (THINK_ALL_TYPE, THINK_TYPE, BACKWARD_TYPE)))


def arrays_of(name, count, rng):
    """Of a team: what they are told, weights from new lines on, windows and states, between canaries."""
    spec = SHAPES[name]
    carried = trunk_of(spec).carry(spec.layers)
    shapes = {
        "told": (count, spec.told),
        "weights": (count, (spec.weights + 15) // 16 * 16),
        "observations": (count, ROWS + 1, spec.told),
        "activations": (count, ROWS + 1, spec.units),
        "outputs": (count, ROWS + 1, spec.outputs),
        "carry": (count, carried),
    }
    owners = {name: np.full(np.prod(shape) + 2 * MARGIN, CANARY) for name, shape in shapes.items()}
    arrays = {name: owners[name][MARGIN:-MARGIN].reshape(shape) for name, shape in shapes.items()}
    arrays["told"][:] = rng.standard_normal(arrays["told"].shape)
    arrays["weights"][:, : spec.weights] = 0.5 * rng.standard_normal((count, spec.weights))
    arrays["carry"][:] = rng.uniform(-1.0, 1.0, (count, carried))
    arrays["carry"][:, -1] = 1.0
    return owners, arrays


@pytest.mark.parametrize("row", [0, 2, ROWS])
@pytest.mark.parametrize("name", SHAPES)
def test_a_life_thinks_the_same_bits_in_a_team_and_alone_and_writes_nothing_else(name, row):
    owners, team = arrays_of(name, 5, np.random.default_rng(1))
    before = {key: array.copy() for key, array in team.items()}
    think_all = functions_of(name).think_all
    think_all(*(array.ctypes.data for array in team.values()), ROWS + 1, 5, row)
    for owner in owners.values():
        assert (owner[:MARGIN] == CANARY).all()
        assert (owner[-MARGIN:] == CANARY).all()
    for key in ("told", "weights"):
        np.testing.assert_array_equal(team[key], before[key])
    for key in ("observations", "activations", "outputs"):
        assert (np.delete(team[key], row, axis=1) == CANARY).all()
        assert (team[key][:, row] != CANARY).all()
    assert np.array_equal(team["carry"], before["carry"]) == (row == ROWS)
    np.testing.assert_array_equal(team["activations"][:, row, : team["carry"].shape[1]], before["carry"])
    for life in range(5):
        alone = {key: array[life].copy() for key, array in before.items()}
        think_all(*(array.ctypes.data for array in alone.values()), ROWS + 1, 1, row)
        for key, array in alone.items():
            np.testing.assert_array_equal(array, team[key][life])


@pytest.mark.parametrize("row", [2, ROWS])
@pytest.mark.parametrize("registers", [Registers(16, 32), Registers(8, 16)], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", SHAPES)
def test_lives_that_share_their_weights_think_the_same_bits(name, registers, row):
    count = 19  # a whole vector of lives, and some more
    spec = SHAPES[name]
    shared = from_python(
        trunk_of(spec).shared(spec.layers, spec.actions + 1, spec.log_stdevs, registers=registers), THINK_ALL_TYPE
    )
    owners, team = arrays_of(name, count, np.random.default_rng(4))
    team["weights"][:] = team["weights"][0]
    copies = {key: array.copy() for key, array in team.items()}
    functions_of(name).think_all(*(array.ctypes.data for array in copies.values()), ROWS + 1, count, row)
    team["weights"][1:] = np.nan
    shared(*(array.ctypes.data for array in team.values()), ROWS + 1, count, row)
    for key in ("told", "observations", "outputs", "carry"):
        np.testing.assert_array_equal(team[key], copies[key], err_msg=key)
    for owner in owners.values():
        assert (owner[:MARGIN] == CANARY).all()
        assert (owner[-MARGIN:] == CANARY).all()
    assert (team["activations"] == CANARY).all()


def window_of(name, rng):
    spec = SHAPES[name]
    rows = 12
    carry = rng.uniform(-1.0, 1.0, trunk_of(spec).carry(spec.layers)).astype(np.float32)
    carry[-1] = 1.0
    return Window(
        observations=rng.standard_normal((rows + 1, spec.told)).astype(np.float32),
        activations=np.zeros((rows + 1, spec.units), np.float32),
        outputs=np.zeros((rows + 1, spec.outputs), np.float32),
        actions=np.zeros((rows, 1), np.float32),
        rewards=np.zeros(rows, np.float32),
        ends=np.full(rows, GOES_ON),
        final_outputs=np.zeros((rows, spec.outputs), np.float32),
        carry=carry,
    )


@functools.cache
def learned(name, registers=None):
    """Activations, outputs and gradient of one window, by the tiles for some registers."""
    spec, rng = SHAPES[name], np.random.default_rng(2)
    weights = (0.5 * rng.standard_normal(spec.weights)).astype(np.float32)
    window = window_of(name, rng)
    functions = functions_of(name, registers)
    for row in range(13):
        functions.think(weights, np.array(spec.layers), window, row)
        if row == 6:
            window.carry[:] = 0.0
    deltas = rng.standard_normal((12, spec.outputs)).astype(np.float32)
    owner = np.full(spec.weights + 2 * MARGIN, CANARY)
    gradient = owner[MARGIN:-MARGIN]
    gradient[:] = rng.standard_normal(spec.weights)
    size = spec.scratch(12)
    scratch = np.full(size + MARGIN, CANARY)
    functions.backward(weights, np.array(spec.layers), window, deltas, gradient, scratch[:size])
    assert (owner[:MARGIN] == CANARY).all()
    assert (owner[-MARGIN:] == CANARY).all()
    assert (scratch[size:] == CANARY).all()
    return window.activations, window.outputs, gradient


@pytest.mark.parametrize("registers", [Registers(16, 32), Registers(4, 12)], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["one layer", "odd layers, product"])
def test_bits_do_not_depend_on_how_tiles_are_cut(name, registers):
    for array, other in zip(learned(name), learned(name, registers), strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("name", ["one layer", "odd layers, product"])
def test_a_nan_in_a_state_or_in_any_weight_of_a_layer_is_seen_in_every_output(name):
    spec, rng = SHAPES[name], np.random.default_rng(3)
    born = (0.5 * rng.standard_normal(spec.weights)).astype(np.float32)
    linear = [*range(spec.actions), spec.outputs - 1]
    for place in range(0, 3 * (spec.told + spec.hidden[0]) * spec.hidden[0], 7):
        weights, window = born.copy(), window_of(name, rng)
        weights[place] = np.nan
        for row in range(3):
            functions_of(name).think(weights, np.array(spec.layers), window, row)
        assert np.isnan(window.outputs[2, linear]).all(), place
    window = window_of(name, rng)
    window.carry[0] = np.nan
    for row in range(2):
        functions_of(name).think(born, np.array(spec.layers), window, row)
    assert np.isnan(window.outputs[1, linear]).all()

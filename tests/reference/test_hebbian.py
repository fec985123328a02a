"""Compiled rules against the equation, connection by connection, and against numbers worked out by hand."""

import itertools

import numpy as np
import pytest

from evolearn.agent import BACKWARD_TYPE, DELTAS_TYPE, LEARN_TYPE, LEARNERS, POLICIES, THINK_TYPE, BrainSpec, trunk_of
from evolearn.agent.learners.hebbian import plastic_layers
from evolearn.numerics import plug
from tests.helpers.probe_worlds import SETTINGS
from tests.reference.torch_learner import random_weights, random_window

NAMES = ("hebbian", "hebbian_connections", "rewarded_hebbian", "rewarded_hebbian_connections")
REWARDED = [name for name in NAMES if name.startswith("rewarded")]
SPECS = {
    "tanh": BrainSpec("mlp", 5, (18, 7), 3, "categorical"),
    "relu": BrainSpec("relu", 3, (33,), 2, "gaussian"),
    "one number": BrainSpec("mlp", 2, (4,), 1, "gaussian"),
    "linear": BrainSpec("linear", 4, (), 17, "categorical"),
}


def numbers_of(name, spec, seed=None, **given):
    """Plasticity by gene: defaults, or, with a seed, rules drawn at random; arrays by what is given for all."""
    rng = None if seed is None else np.random.default_rng(seed)
    found = {}
    for gene in LEARNERS[name].genes(spec):
        is_rule = gene.name[-1] in "ABCD" and " " in gene.name
        drawn = rng.standard_normal(gene.shape) if is_rule and rng is not None else gene.default
        found[gene.name] = np.broadcast_to(np.float32(given.get(gene.name, drawn)), gene.shape)
    return found


def flat(numbers):
    return np.concatenate([number.reshape(-1) for number in numbers.values()])


def new_memory(name, spec, rows):
    memory = np.full(LEARNERS[name].memory(spec, rows), np.nan, np.float32)
    memory[0] = 0.0
    return memory


def learn(name, spec, numbers, weights, window, memory=None):
    """What the compiled learner makes of the weights."""
    row, trunk = LEARNERS[name], trunk_of(spec)
    parts = (plug(trunk.think, THINK_TYPE), plug(trunk.backward, BACKWARD_TYPE))
    parts += (plug(POLICIES[spec.policy].deltas, DELTAS_TYPE),)
    memory = new_memory(name, spec, len(window.rewards)) if memory is None else memory
    after = weights.copy()
    layers = np.array(spec.layers)
    assert plug(row.learn, LEARN_TYPE)(*parts, after, layers, flat(numbers), SETTINGS, window, memory, 0)
    return after


def learn_by_equation(name, spec, numbers, weights, window):
    """The same, layer by layer, in double precision."""
    starts = dict(zip([t.name for t in spec.tensors], np.cumsum([0] + [t.size for t in spec.tensors]), strict=False))
    sizes = {tensor.name: tensor.size for tensor in spec.tensors}
    after = weights.astype(np.float64)
    ends = np.cumsum([0, *spec.hidden])
    expected = 0.0
    for row, reward in enumerate(window.rewards.astype(np.float64)):
        gate = 1.0
        if name in REWARDED:
            gate = reward - expected
            expected += float(numbers["expectation_rate"]) * gate
        said = [window.activations[row, a:b] for a, b in itertools.pairwise(ends)]
        done = window.actions[row]
        if spec.policy == "categorical":
            done = np.eye(spec.actions)[int(done[0])]
        units = [window.observations[row], *said, done]
        for layer, (x, y) in zip(plastic_layers(spec), itertools.pairwise(units), strict=True):
            x, y = np.append(x, 1.0).astype(np.float64), np.asarray(y, np.float64)
            outer = x[:, None] * y, x[:, None] + 0.0 * y, 0.0 * x[:, None] + y, np.ones((len(x), len(y)))
            matrix, bias = (starts[f"{layer}.{part}"] for part in ("weight", "bias"))
            places = np.arange(matrix, matrix + (len(x) - 1) * len(y))
            shape = (len(x) - 1, len(y)) if layer != "policy" else (len(y), len(x) - 1)
            table = places.reshape(shape) if layer != "policy" else places.reshape(shape).T
            table = np.vstack([table, np.arange(bias, bias + len(y))])
            order = np.argsort(np.argsort(table.reshape(-1))).reshape(table.shape)
            change = 0.0
            for letter, part in zip("ABCD", outer, strict=True):
                factor = numbers[f"{layer} {letter}"]
                change = change + (factor[order] if factor.shape else factor) * part
            after[table] += float(numbers[f"{layer} rate"]) * gate * change
            most = np.abs(after[table]).max()
            after[table] *= min(1.0, float(numbers["largest_weight"]) / most)
    assert sum(sizes.values()) == len(weights)
    return after


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("name", NAMES)
def test_rules_are_applied_as_the_equation_says(name, spec, rows):
    for seed in range(3):
        weights = random_weights(spec, seed)
        window = random_window(spec, weights, rows, seed=10 + seed)
        rates = {f"{layer} rate": 0.3 + 0.1 * place for place, layer in enumerate(plastic_layers(spec))}
        numbers = numbers_of(name, spec, seed, largest_weight=2.0 + seed, **rates)
        expected = learn_by_equation(name, spec, numbers, weights, window)
        found = learn(name, spec, numbers, weights, window)
        assert np.abs(expected - weights).max() > 0.005
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_one_layer_by_hand():
    spec = BrainSpec("linear", 2, (), 2, "categorical")
    # Of two choices: [choice, observation], the value's row, two biases and the value's.
    weights = np.array([0.5, -0.5, 0.25, 0.0, 7.0, 8.0, 0.0, 1.0, 9.0], np.float32)
    window = random_window(spec, weights, 1, seed=0)
    window.observations[0] = 2.0, -1.0
    window.actions[0] = 1.0
    numbers = numbers_of(
        "hebbian",
        spec,
        largest_weight=100.0,
        **{"policy rate": 0.5, "policy A": 1.0, "policy B": 0.25, "policy C": -1.0, "policy D": 0.5},
    )
    # Not chosen: .5 (B x + D). Chosen: .5 (A x + B x + C + D).
    expected = [0.5 + 0.5, -0.5 + 0.125, 0.25 + 1.0, 0.0 - 0.875, 7.0, 8.0, 0.0 + 0.375, 1.0 + 0.375, 9.0]
    np.testing.assert_array_equal(learn("hebbian", spec, numbers, weights, window), np.float32(expected))


def test_reward_beyond_expectation_gates_by_hand():
    spec = BrainSpec("linear", 1, (), 2, "categorical")
    weights = np.zeros(spec.weights, np.float32)
    window = random_window(spec, weights, 3, seed=0)
    window.observations[:] = 1.0
    window.actions[:] = 0.0
    window.rewards[:] = 1.0, 0.0, 0.25
    numbers = numbers_of("rewarded_hebbian", spec, expectation_rate=0.25, **{"policy rate": 0.125})
    # Expected before each step: 0, .25, .1875; so that 1, -.25 and .0625 gate.
    memory = new_memory("rewarded_hebbian", spec, 3)
    found = learn("rewarded_hebbian", spec, numbers, weights, window, memory)
    assert found[0] == 0.125 * (1.0 - 0.25 + 0.0625)
    assert memory[0] == 0.203125, "kept for the next window"


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("gate", ["", "rewarded_"])
def test_connections_that_share_a_rule_change_as_their_layer_does(gate, spec):
    shared, own = f"{gate}hebbian", f"{gate}hebbian_connections"
    weights = random_weights(spec, 1)
    window = random_window(spec, weights, 5, seed=2)
    numbers = numbers_of(shared, spec, seed=3)
    same = numbers_of(own, spec, **{name: number for name, number in numbers.items()})
    assert len(flat(same)) == len(flat(numbers)) + 4 * sum(size - 1 for size in plastic_layers(spec).values())
    expected = learn(shared, spec, numbers, weights, window)
    assert (expected != weights).sum() == sum(plastic_layers(spec).values())
    np.testing.assert_array_equal(learn(own, spec, same, weights, window), expected)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("name", NAMES)
def test_a_rate_of_zero_leaves_every_bit(name, spec):
    weights = 10.0 * random_weights(spec, 1)
    weights[::5] = -0.0
    window = random_window(spec, weights, 3, seed=2)
    still = {f"{layer} rate": 0.0 for layer in plastic_layers(spec)}
    found = learn(name, spec, numbers_of(name, spec, seed=3, **still), weights, window)
    assert found.tobytes() == weights.tobytes()


@pytest.mark.parametrize("name", REWARDED)
def test_reward_as_expected_changes_nothing(name):
    spec = SPECS["tanh"]
    weights = 10.0 * random_weights(spec, 1)
    window = random_window(spec, weights, 3, seed=2)
    numbers = numbers_of(name, spec, seed=3)
    for reward in (0.0, 0.75):
        window.rewards[:] = reward
        memory = new_memory(name, spec, 3)
        memory[0] = reward
        assert learn(name, spec, numbers, weights, window, memory).tobytes() == weights.tobytes()
    window.rewards[:] = 0.5
    assert learn(name, spec, numbers, weights, window, memory).tobytes() != weights.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_keeps_its_proportions_when_it_is_bounded(name):
    spec = SPECS["tanh"]
    weights = random_weights(spec, 1)
    window = random_window(spec, weights, 1, seed=2)
    free, bound = (
        learn(name, spec, numbers_of(name, spec, seed=3, largest_weight=limit), weights, window) for limit in (1e9, 0.1)
    )
    start = 0
    for size in ((5 + 1) * 18, (18 + 1) * 7):
        block = free[start : start + size]
        np.testing.assert_allclose(bound[start : start + size], 0.1 * block / np.abs(block).max(), rtol=1e-5)
        start += size


def test_weights_that_leave_the_numbers_are_not_made_to_look_well():
    spec = SPECS["tanh"]
    weights = random_weights(spec, 1)
    window = random_window(spec, weights, 1, seed=2)
    found = learn("hebbian", spec, numbers_of("hebbian", spec, seed=3, **{"hidden1 rate": 1e38}), weights, window)
    found = learn("hebbian", spec, numbers_of("hebbian", spec, seed=3, **{"hidden1 A": 1e38}), 1e38 * found, window)
    assert np.isnan(found).any()
    plug(trunk_of(spec).think, THINK_TYPE)(found, np.array(spec.layers), window, 0)
    assert np.isnan(window.outputs[0]).all(), "whoever thinks with them diverges"

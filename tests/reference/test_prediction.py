"""The prediction head against the equations it is made of, worked out in NumPy, alone and in lives."""

import dataclasses

import numpy as np
import pytest
import torch
from evolearn.worlds.rooms import rooms
from evolearn.worlds.savannah import savannah

from evolearn.agent import (
    GOES_ON,
    NO_PREDICTION,
    OF_CHOICES,
    OF_NUMBERS,
    TERMINATED,
    TRUNCATED,
    BrainSpec,
    brain_of,
    correct,
    foresee,
)
from evolearn.agent.prediction import foresee_choice, foresee_control, prediction_tensors, slopes_below_prediction
from evolearn.life import Plan, lives
from evolearn.numerics import LANES, fma, load_part, spread, total
from evolearn.rng import SELECTION, life_keys
from tests.helpers.probe_worlds import SETTINGS, newborns_for, restless
from tests.reference.torch_learner import relative_error

OBSERVED, READ = 5, 19  # more than one vector of sixteen, and no whole number of them
KINDS = {"choices": (OF_CHOICES, 3, [2.0]), "numbers": (OF_NUMBERS, 2, [0.5, -3.0])}  # -3 is as good as -1


class Case:
    """A head with random weights, what it reads, an action, and what came of it."""

    def __init__(self, kind, observed=OBSERVED):
        self.kind, self.actions, action = KINDS[kind]
        rng = np.random.default_rng(3)
        shapes = [tensor.shape for tensor in prediction_tensors(self.kind, observed, self.actions, READ)]
        self.weight, self.bias = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
        self.model = np.concatenate([self.weight.reshape(-1), self.bias.reshape(-1)])
        self.source = rng.standard_normal(READ).astype(np.float32)
        self.target = rng.standard_normal(observed + 2).astype(np.float32)
        self.action = np.float32(action)
        self.choices = self.actions if self.kind == OF_CHOICES else 0
        self.factors = factors_of(self.action, self.kind, self.actions)


def factors_of(action, kind, actions):
    """By how much each block of the head has a part in what is predicted."""
    if kind == OF_CHOICES:
        return np.eye(actions)[int(action[0])]
    return np.array([1.0, *np.clip(action, -1.0, 1.0)])


def predicted(weight, bias, source, factors):
    each = np.einsum("kzh,h->kz", weight.astype(np.float64), source) + bias
    return np.einsum("k,kz->z", factors, each)


def corrected(weight, bias, source, factors, target, rate, has_bias):
    """Normalised least mean squares: Haykin 2002, eq. 6.18, with all blocks' inputs side by side."""
    error = target - predicted(weight, bias, source, factors)
    read = np.append(source, 1.0 if has_bias else 0.0).astype(np.float64)
    step = rate * np.einsum("k,z,h->kzh", factors, error, read) / (np.sum(factors**2) * np.sum(read**2))
    return weight + step[:, :, :-1], bias + step[:, :, -1]


@pytest.mark.parametrize("kind", KINDS)
def test_it_predicts_by_a_matrix_for_each_choice_or_each_number(kind):
    case = Case(kind)
    found = np.full(OBSERVED + 2, np.nan, np.float32)
    foresee(case.model, case.source, case.action, case.choices, found)
    np.testing.assert_allclose(found, predicted(case.weight, case.bias, case.source, case.factors), rtol=1e-5)
    if kind == "choices":
        again = np.full(OBSERVED + 2, np.nan, np.float32)
        foresee_choice(case.model, case.source, 2, again)
        np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("kind", KINDS)
def test_control_is_the_derivative_by_the_action_and_depends_on_the_state(kind):
    case = Case(kind)
    found = np.full((OBSERVED, case.actions), np.nan, np.float32)
    foresee_control(case.model, case.source, case.choices, np.zeros(OBSERVED + 2, np.float32), found)
    if kind == "choices":
        each = [predicted(case.weight, case.bias, case.source, np.eye(3)[k])[:OBSERVED] for k in range(3)]
        expected = np.stack(each, axis=1) - np.mean(each, axis=0)[:, None]
    else:
        inside = np.array([1.0, 0.25, -0.25])
        moved = [predicted(case.weight, case.bias, case.source, inside + np.eye(3)[1 + i]) for i in range(2)]
        still = predicted(case.weight, case.bias, case.source, inside)
        expected = np.stack([(one - still)[:OBSERVED] for one in moved], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    elsewhere = np.zeros_like(found)
    foresee_control(case.model, -case.source, case.choices, np.zeros(OBSERVED + 2, np.float32), elsewhere)
    assert np.abs(found - elsewhere).max() > 1.0


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_by_normalised_least_mean_squares(kind, has_bias):
    case = Case(kind)
    errors = np.zeros(OBSERVED + 2, np.float32)
    model = case.model.copy()
    assert correct(model, case.source, case.action, case.choices, case.target, 0.3, has_bias, errors)
    weight, bias = corrected(case.weight, case.bias, case.source, case.factors, case.target, 0.3, has_bias)
    np.testing.assert_allclose(model, np.concatenate([weight.reshape(-1), bias.reshape(-1)]), rtol=1e-5, atol=1e-6)
    expected = case.target - predicted(case.weight, case.bias, case.source, case.factors)
    np.testing.assert_allclose(errors, expected, rtol=1e-5, atol=1e-5)


def in_sixteen_sums(rows, source):
    """Products of rows and inputs as every input is taken in: lane by lane, then pairwise."""
    made = []
    for row in rows:
        sums = spread(0.0)
        for first in range(0, source.size, LANES):
            count = source.size - first
            sums = fma(load_part(row, first, count), load_part(source, first, count), sums)
        made.append(total(sums))
    return np.float32(made)


LIT = {"none": (), "one": (18,), "two of one sum": (2, 18), "two of two sums": (5, 18), "many": (2, 5, 18)}


@pytest.mark.parametrize("lit", LIT)
@pytest.mark.parametrize("kind", KINDS)
def test_inputs_of_zero_are_passed_over_and_no_bit_is_another(kind, lit):
    case = Case(kind, observed=20)  # more than sixteen outcomes
    case.source[np.setdiff1d(np.arange(READ), LIT[lit])] = 0.0
    blocks = [(block, np.float32(factor)) for block, factor in enumerate(case.factors) if factor != 0.0]
    expected = np.zeros(22, np.float32)
    for block, factor in blocks:
        made = in_sixteen_sums(case.weight[block], case.source) + case.bias[block]
        expected = fma(factor, made, expected)
    found, errors = np.zeros((2, 22), np.float32)
    foresee(case.model, case.source, case.action, case.choices, found)
    np.testing.assert_array_equal(found, expected)
    assert correct(case.model, case.source, case.action, case.choices, case.target, 0.5, False, errors)
    np.testing.assert_array_equal(errors, case.target - expected)
    power = max(in_sixteen_sums([case.source], case.source)[0], np.float32(1e-12))
    step = np.float32(0.5) / (power * np.float32(np.sum(case.factors**2)))
    for block, factor in blocks:
        case.weight[block] = fma((step * factor * errors)[:, None], case.source, case.weight[block])
    np.testing.assert_array_equal(case.model[: case.weight.size], case.weight.reshape(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_at_rate_one_the_same_step_is_predicted_exactly(kind):
    case = Case(kind)
    errors, found = np.zeros((2, OBSERVED + 2), np.float32)
    correct(case.model, case.source, case.action, case.choices, case.target, 1.0, True, errors)
    foresee(case.model, case.source, case.action, case.choices, found)
    np.testing.assert_allclose(found, case.target, atol=1e-5)


@pytest.mark.parametrize("wrong", ["target", "source", "model"])
def test_nothing_is_learned_from_what_is_not_finite(wrong):
    case = Case("choices")
    getattr(case, wrong)[-1] = np.inf
    before = case.model.copy()
    errors = np.zeros(OBSERVED + 2, np.float32)
    assert not correct(case.model, case.source, case.action, case.choices, case.target, 0.3, True, errors)
    np.testing.assert_array_equal(case.model, before)


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_those_of_half_the_squared_errors(kind):
    case = Case(kind)
    error = case.target - predicted(case.weight, case.bias, case.source, case.factors)
    found = np.full(READ, np.nan, np.float32)
    share = np.float32(0.25)
    slopes_below_prediction(case.model, case.action, case.choices, error.astype(np.float32), share, found)
    expected = -0.25 * np.einsum("k,kzh,z->h", case.factors, case.weight.astype(np.float64), error)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_weights_are_the_last_of_the_brain_and_zero_at_the_start():
    spec = BrainSpec("mlp", 3, (5,), 2, "gaussian", prediction=OF_NUMBERS)
    assert [(tensor.name, tensor.shape) for tensor in spec.tensors[-2:]] == [
        ("prediction.weight", (3, 5, 5)),
        ("prediction.bias", (3, 5)),
    ]
    assert all(tensor.initial_stdev == tensor.initial_mean == 0.0 for tensor in spec.tensors[-2:])
    assert spec.thinking == dataclasses.replace(spec, prediction=NO_PREDICTION)
    assert spec.weights == spec.thinking.weights + spec.predicting == spec.thinking.weights + 3 * 5 * 6
    choices = dataclasses.replace(spec, prediction=OF_CHOICES, policy="categorical")
    assert choices.tensors[-2].shape == (2, 5, 5)


LIVED = {
    "tables": (rooms, {"trunk": "linear", "hidden": (), "learner": "q_learning", "window": 1}, 40),
    "episodes that end in both ways": (restless, {"hidden": (5,), "window": 60}, 60),
    "tanh": (rooms, {"hidden": (7,), "window": 20}, 20),
    "rectified, two layers, numbers": (savannah, {"trunk": "relu", "hidden": (7, 5), "window": 20, "alpha": 60.0}, 20),
    "memory": (savannah, {"trunk": "gru", "hidden": (6,), "window": 20, "alpha": 60.0, "readout": "product"}, 20),
}


def lived(driver_for, world, how, steps, count=3):
    driver = driver_for(world, prediction=True, **how)
    newborns = newborns_for(driver.conditions, count, prediction_rate=0.4)
    keys = life_keys(4, SELECTION, 1, count)
    plan = Plan(steps, final_weights=True)
    outcome, trace = lives(driver, driver.conditions, newborns, np.arange(count), keys, plan, steps)
    return driver.conditions.brain, newborns, outcome, trace


def read_along(brain, trace):
    """What the heads of a brain with these weights read at every step of a life, [T, H]."""
    told = torch.from_numpy(trace.met)
    found, state = [], torch.zeros(brain.state_size)
    for row, end in enumerate(trace.ends):
        active, state = brain.read(told[row], state)
        found.append(active.detach().numpy())
        state = state if end == GOES_ON else torch.zeros(brain.state_size)
    return np.stack(found)


@pytest.mark.parametrize("name", LIVED)
def test_a_life_learns_what_its_trace_says(driver_for, name):
    """Within a window the trunk is as it was at birth, and without layers it reads what it is told."""
    world, how, steps = LIVED[name]
    brain, newborns, outcome, trace = lived(driver_for, world, how, steps)
    sources = read_along(brain_of(brain, newborns.weights[0]), trace)
    share = newborns.weights[0, brain.thinking.weights :]
    tensors = brain.tensors[-2:]
    weight, bias = np.split(share, [tensors[0].size])
    weight, bias = weight.reshape(tensors[0].shape), bias.reshape(tensors[1].shape)
    for row in range(steps):
        target = np.append(trace.next_observations[row] - trace.observations[row], trace.drives[row, 0])
        target = np.append(target, trace.ends[row] == TERMINATED)
        factors = factors_of(trace.actions[row], brain.prediction, brain.actions)
        weight, bias = corrected(weight, bias, sources[row], factors, target, np.float32(0.4), brain.trunk != "linear")
    found = outcome.final_weights[0, brain.thinking.weights :]
    assert np.abs(found).max() > 0.05
    assert world is not restless or {GOES_ON, TERMINATED, TRUNCATED} == set(trace.ends.tolist())
    np.testing.assert_allclose(found, np.concatenate([weight.reshape(-1), bias.reshape(-1)]), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", LIVED)
def test_nothing_else_of_a_life_changes(driver_for, name):
    world, how, steps = LIVED[name]
    brain, newborns, outcome, _ = lived(driver_for, world, how, 3 * steps)
    driver = driver_for(world, **how)
    size = brain.thinking.weights
    without = newborns_for(driver.conditions, 3)._replace(weights=np.ascontiguousarray(newborns.weights[:, :size]))
    plan = Plan(3 * steps, final_weights=True)
    keys = life_keys(4, SELECTION, 1, 3)
    expected, _ = lives(driver, driver.conditions, without, np.arange(3), keys, plan)
    np.testing.assert_array_equal(outcome.fitness, expected.fitness)
    np.testing.assert_array_equal(outcome.final_weights[:, :size], expected.final_weights)
    assert not np.array_equal(outcome.final_weights[:, size:], newborns.weights[:, size:])


def test_without_learning_it_stays_as_it_was_born(driver_for):
    driver = driver_for(rooms, prediction=True, hidden=(7,))
    newborns = newborns_for(driver.conditions, 1)
    plan = Plan(60, learn_until=0, final_weights=True)
    outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), life_keys(4, SELECTION, 1, 1), plan)
    np.testing.assert_array_equal(outcome.final_weights, newborns.weights)


SHAPED = {
    "tanh, choices": (rooms, {"hidden": (7, 5)}),
    "product, choices": (rooms, {"hidden": (6,), "readout": "product"}),
    "rectified, numbers": (savannah, {"trunk": "relu", "hidden": (17,), "alpha": 60.0}),
    "memory, numbers": (savannah, {"trunk": "gru", "hidden": (6, 5), "alpha": 60.0}),
    "memory over ends, choices": (restless, {"trunk": "gru", "hidden": (4,), "readout": "product"}),
}


@pytest.mark.parametrize("longest", [1e9, 1e-3])
@pytest.mark.parametrize("name", SHAPED)
def test_what_it_errs_by_moves_the_trunk_along_autograds_gradient(driver_for, name, longest):
    world, how = SHAPED[name]
    steps, weight = 12, 0.3
    settings = SETTINGS._replace(gradient_norm=longest)
    driver = driver_for(world, prediction=True, auxiliary=True, window=steps, settings=settings, **how)
    brain = driver.conditions.brain
    newborns = newborns_for(driver.conditions, 1, prediction_weight=weight, learning_rate=0.0)
    rng = np.random.default_rng(5)
    newborns.weights[0, brain.thinking.weights :] = rng.standard_normal(brain.predicting)
    keys = life_keys(4, SELECTION, 1, 1)
    plan = Plan(steps, final_weights=True)
    outcome, trace = lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, plan, steps)
    twin = brain_of(brain, newborns.weights[0]).double()
    state = torch.zeros(twin.state_size).double()
    losses = []
    for row in range(steps):
        active, state = twin.read(torch.from_numpy(trace.met[row]).double(), state)
        predicted = twin.prediction(active, torch.from_numpy(trace.actions[row]).double())
        target = np.append(trace.next_observations[row] - trace.observations[row], trace.drives[row, 0])
        target = torch.from_numpy(np.append(target, trace.ends[row] == TERMINATED))
        losses.append(0.5 * (target - predicted).square().mean())
        state = state if trace.ends[row] == GOES_ON else torch.zeros_like(state)
    torch.stack(losses).mean().backward()
    gradient = twin.flat(lambda one: one if one.grad is None else one.grad)[: brain.heads_from]
    gradient *= min(1.0, longest / np.linalg.norm(gradient))
    moved = outcome.final_weights[0, : brain.heads_from] - newborns.weights[0, : brain.heads_from]
    assert np.linalg.norm(gradient) > 5e-4
    assert relative_error(moved / -weight, gradient) < (2e-2 if longest < 1.0 else 1e-4)
    np.testing.assert_array_equal(
        outcome.final_weights[0, brain.heads_from : brain.thinking.weights],
        newborns.weights[0, brain.heads_from : brain.thinking.weights],
    )

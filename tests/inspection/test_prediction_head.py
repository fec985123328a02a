"""A prediction head under inspection: its weights have names, are brought in order with units, and are lesioned."""

import dataclasses

import numpy as np
import pytest
import torch

from evolearn.agent import OF_CHOICES, OF_NUMBERS, BrainSpec, brain_of
from evolearn.inspection._alignment import Alignment, align, aligned
from evolearn.inspection._landscape import filters_of
from evolearn.inspection._lesion_rows import layers_of
from evolearn.inspection._names import weight_names
from evolearn.inspection._operations import (
    PREDICTION,
    ZERO,
    changed_weights,
    lesion_of_layer,
    lesion_of_observation,
    places,
    sham,
)

SPECS = {
    "choices": BrainSpec("mlp", 2, (4,), 3, "categorical", prediction=OF_CHOICES),
    "numbers": BrainSpec("gru", 2, (4,), 3, "gaussian", prediction=OF_NUMBERS),
    "no layers": BrainSpec("linear", 2, (), 3, "epsilon_greedy", prediction=OF_CHOICES),
}


def weights_of(spec, seed=0):
    return np.random.default_rng(seed).standard_normal(spec.weights).astype(np.float32)


def test_every_weight_of_it_has_a_name():
    names = weight_names(SPECS["choices"], ["light", "smell"], ["left", "right", "wait"])
    assert names["prediction.weight"][0] == "prediction.weight[0 -> left: change of light]"
    assert names["prediction.weight"][4] == "prediction.weight[0 -> left: change of smell]"
    assert names["prediction.weight"][-1] == "prediction.weight[3 -> wait: end]"
    assert names["prediction.bias"][2:5] == [
        "prediction.bias[left: reward]",
        "prediction.bias[left: end]",
        "prediction.bias[right: change of light]",
    ]
    numbers = weight_names(SPECS["numbers"], ["light", "smell"], ["hip", "knee", "toe"])
    assert numbers["prediction.bias"][0] == "prediction.bias[any action: change of light]"
    assert numbers["prediction.bias"][4] == "prediction.bias[hip: change of light]"


@pytest.mark.parametrize("name", ["choices", "numbers"])
def test_in_another_order_of_units_it_foresees_the_same(name):
    spec = SPECS[name]
    weights = weights_of(spec)
    rng = np.random.default_rng(1)
    planted = Alignment((rng.permutation(4),), (np.array([1.0, -1.0, -1.0, 1.0]),))
    moved = aligned(spec, weights, planted)
    assert np.abs(moved - weights)[-spec.predicting :].max() > 0.5
    np.testing.assert_array_equal(aligned(spec, moved, align(spec, weights, moved)), weights)
    told = torch.from_numpy(rng.standard_normal((5, 2)).astype(np.float32))
    action = torch.tensor([[2.0] if name == "choices" else [0.5, -0.2, 0.9]]).expand(5, -1)
    found = []
    for one in (weights, moved):
        brain = brain_of(spec, one)
        with torch.no_grad():
            found.append(brain.prediction(brain.read(told, torch.zeros(5, brain.state_size))[0], action))
    assert found[0].std() > 0.1
    assert torch.allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_each_of_its_outcomes_is_a_unit_of_its_own(spec):
    found = filters_of(spec)
    plain = filters_of(spec.thinking)
    np.testing.assert_array_equal(found[: plain.size], plain)
    blocks = places(spec)
    by_bias = found[blocks["prediction.bias"]]
    assert sorted(by_bias.reshape(-1)) == list(range(plain.max() + 1, plain.max() + 1 + by_bias.size))
    assert (found[blocks["prediction.weight"]] == by_bias[..., None]).all()


def test_it_is_a_layer_that_can_be_cut_and_no_sham_of_others():
    spec = dataclasses.replace(SPECS["choices"], hidden=(9, 9))
    assert layers_of(spec)["prediction"] == [*PREDICTION]
    head = np.concatenate([places(spec)[name].reshape(-1) for name in PREDICTION])
    cut = lesion_of_layer(spec, PREDICTION, ZERO)
    np.testing.assert_array_equal(changed_weights(cut), head)
    rng = np.random.default_rng(0)
    other = lesion_of_layer(spec, "policy.weight", ZERO)
    for _ in range(20):
        assert not np.isin(changed_weights(sham(other, spec, rng)), head).any()
    assert changed_weights(sham(cut, spec, rng)).size == head.size
    by_observation = lesion_of_observation(spec, 0, ZERO)
    assert not np.isin(changed_weights(sham(by_observation, spec, rng, alike=True)), head).any()


def test_without_layers_it_loses_sight_of_what_is_cut_off_and_a_sham_keeps_the_shares():
    spec = SPECS["no layers"]
    cut = lesion_of_observation(spec, 1, ZERO)
    blocks = places(spec)
    head = blocks["prediction.weight"]
    np.testing.assert_array_equal(np.intersect1d(changed_weights(cut), head), np.sort(head[:, :, 1].reshape(-1)))
    drawn = changed_weights(sham(cut, spec, np.random.default_rng(0), alike=True))
    whole = np.concatenate([blocks[name].reshape(-1) for name in PREDICTION])
    assert np.isin(drawn, whole).sum() == head[:, :, 1].size
    assert drawn.size == changed_weights(cut).size

"""What sections say of brains that are told more than their world shows, or carry a state."""

import contextlib
import dataclasses

import numpy as np
import pytest
import torch

from evolearn.agent import BrainSpec, brain_of
from evolearn.errors import PartError
from evolearn.inspection._alignment import symmetry_of
from evolearn.inspection._landscape import filters_of
from evolearn.inspection._lesions import LesionError, inspect_lesions, observation_means
from evolearn.inspection._names import weight_names
from evolearn.inspection._newborn_lives import first_steps
from evolearn.inspection._operations import lesion_of_observation
from evolearn.inspection._repertoire import inspect_repertoire
from evolearn.inspection._specimen import FULL
from evolearn.inspection._weights import inspect_weights
from evolearn.life import new_driver
from evolearn.report.inspection.repertoire import repertoire_section
from evolearn.report.inspection.weights import weights_section
from evolearn.run import assemble
from tests.helpers.inspected_dna import EXTENT, alive, config, made_dna

TOLD = ("observation", "last_action", "last_reward", "new_episode")
NAMES = [
    "cart position",
    "cart velocity",
    "pole angle",
    "pole angular velocity",
    "last action push left",
    "last action push right",
    "last reward",
    "new episode",
]
GRU = BrainSpec("gru", 2, (3,), 2, "categorical", ("observation", "last_reward"), "life", "product")


def specimen_of(path, **brain):
    dna = made_dna(path / "dna.safetensors", config(brain={"hidden": [4], "inputs": list(TOLD), **brain}))
    return alive(dna)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    specimen = specimen_of(tmp_path_factory.mktemp("told"))
    yield specimen
    specimen.driver.close()


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory):
    specimen = specimen_of(tmp_path_factory.mktemp("gru"), trunk="gru", readout="product", memory="life")
    yield specimen
    specimen.driver.close()


def test_sections_speak_of_all_that_a_brain_is_told(told):
    names = list(told.dna.inputs)
    assert names[-4:] == NAMES[-4:]
    assert len(names) == 8
    assert told.dna.input_units == (*told.dna.header["brain"]["units"], "", "", "", "")
    steps = first_steps(told)
    np.testing.assert_array_equal(steps.observations, steps.trace.told[steps.lived])
    found = inspect_weights(told.dna, told)["sensitivity"]
    assert found["observations"] == names
    assert np.shape(found["born"]["mean"]) == (8, 3)
    np.testing.assert_allclose(found["stdev"], steps.observations.std(axis=0), rtol=1e-4)
    curves = inspect_repertoire(told)["curves"]
    assert {curve["name"] for curve in curves["observations"]} | set(curves["constant"]) == set(names)
    lesions = inspect_lesions(told)["ages"][0]["lesions"]
    assert [lesion["name"] for lesion in lesions if lesion["kind"] == "observation"] == names


def test_means_are_of_all_that_a_brain_is_told(told):
    whole = alive(told.dna, told.driver, dataclasses.replace(EXTENT, lesion_modes=FULL.lesion_modes))
    means = observation_means(whole)
    assert means.shape == (8,)
    assert means[4] + means[5] == pytest.approx(1.0, abs=0.2), "one action was done, but in first steps"
    assert means[6] > 0.5


def test_of_a_brain_that_carries_a_state_no_answers_to_observations_are_drawn(recurrent):
    found = inspect_weights(recurrent.dna, recurrent)
    assert found["sensitivity"] is None
    section = weights_section(found, {})
    assert any("carries a state from step to step" in text for text in section.sentences)
    assert len(section.tables) == 1, "that of the blocks"
    assert all("senses" not in chart.key for chart in section.charts)
    found = inspect_repertoire(recurrent)
    assert found["curves"] is None
    assert any("carries a state from step to step" in text for text in repertoire_section(found, {}).sentences)


def test_a_gated_brain_is_lesioned(recurrent):
    found = inspect_lesions(recurrent)
    lesions = found["ages"][0]["lesions"]
    assert [lesion["name"] for lesion in lesions if lesion["kind"] == "observation"] == list(recurrent.dna.inputs)
    assert [lesion["name"] for lesion in lesions if lesion["kind"] == "layer"] == ["hidden1", "readout", "policy"]
    sizes = {
        norm["shams"] for norm, lesion in zip(found["norms"], lesions, strict=True) if lesion["kind"] == "observation"
    }
    assert len(sizes) == 2, "what is in the product is of another size"


def operated(surgery, weights):
    one = surgery
    return one.factor[0] * weights[one.source[0]] + one.added_factor[0] * weights[one.added_source[0]]


def answers(brain, weights, told):
    with torch.no_grad():
        policy, value = brain_of(brain, weights.astype(np.float32))(torch.tensor(told, dtype=torch.float32))
    return np.concatenate([policy.numpy(), value.numpy()[:, None]], axis=1)


@pytest.mark.parametrize("place", [0, 2], ids=["in the product", "not in the product"])
def test_what_is_cut_off_a_gated_brain_changes_nothing_any_more(place):
    weights = np.random.default_rng(1).standard_normal(GRU.weights).astype(np.float32)
    told = np.random.default_rng(2).standard_normal((2, 3))
    told[1] = told[0]
    told[1, place] += 2.0
    assert np.abs(np.diff(answers(GRU, weights, told), axis=0)).max() > 0.05
    cut = operated(lesion_of_observation(GRU, place, "zero"), weights)
    np.testing.assert_array_equal(*answers(GRU, cut, told))
    told[:, place] = 0.0
    np.testing.assert_allclose(answers(GRU, cut, told), answers(GRU, weights, told), rtol=1e-5)


def test_the_biases_of_gates_take_up_a_mean():
    weights = np.random.default_rng(1).standard_normal(GRU.weights).astype(np.float32)
    told = np.random.default_rng(2).standard_normal((1, 3))
    cut = operated(lesion_of_observation(GRU, 2, "mean", mean=0.7), weights)
    expected = answers(GRU, weights, np.array([[*told[0, :2], 0.7]]))
    np.testing.assert_allclose(answers(GRU, cut, told), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="must be zero or permuted for observation 0, which is in a product"):
        lesion_of_observation(GRU, 0, "mean", mean=0.7)


def test_weights_of_gates_and_products_are_named_by_what_they_connect():
    names = weight_names(GRU, ["light", "sound", "last reward"], ["left", "right"])
    assert [len(names[tensor.name]) for tensor in GRU.tensors] == [tensor.size for tensor in GRU.tensors]
    assert names["hidden1.inputs.weight"][:4] == [
        "hidden1.inputs.weight[light -> candidate 0]",
        "hidden1.inputs.weight[light -> candidate 1]",
        "hidden1.inputs.weight[light -> candidate 2]",
        "hidden1.inputs.weight[light -> reset 0]",
    ]
    assert names["hidden1.state.weight"][-1] == "hidden1.state.weight[2 -> update 2]"
    assert names["readout.weight"][3] == "readout.weight[sound -> 0]"
    assert names["policy.weight"][-1] == "policy.weight[2 -> right]"


def test_a_gated_unit_has_its_weights_by_all_its_gates():
    units = filters_of(GRU)
    start = 0
    for tensor in GRU.tensors:
        part = units[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
        if tensor.name.startswith("hidden1"):
            assert (part % 3 == np.arange(tensor.shape[-1]) % 3).all()
            assert part.max() < 3


def test_what_cannot_be_is_said(tmp_path):
    dna = made_dna(tmp_path / "dna.safetensors", config(brain={"trunk": "tests.helpers.elman:ELMAN", "hidden": [4]}))
    with (
        contextlib.closing(new_driver(assemble(dna.config).conditions)) as driver,
        pytest.raises(LesionError, match=r"lesions are made of dense or gated layers, .* trunk 'tests.helpers.elman"),
    ):
        inspect_lesions(alive(dna, driver))
    with pytest.raises(PartError, match="symmetry"):
        symmetry_of(dna.brain)

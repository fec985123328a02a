"""Weights against chance, and which sense moves which muscle: against torch, differences, and what is planted."""

import json
import math

import numpy as np
import pytest
import torch

from evolearn.agent import BrainSpec, Tensor, TorchBrain
from evolearn.errors import UserError
from evolearn.inspection._genes import inspect_genes
from evolearn.inspection._newborn_lives import first_steps, observations_for, outputs_of, sensitivities
from evolearn.inspection._weights import describe_block, effective_rank, inspect_weights
from evolearn.report.inspection.marks import short
from evolearn.report.inspection.weights import weights_section
from tests.helpers.inspected_dna import alive, config, made_dna

BRAINS = [
    BrainSpec("mlp", 3, (5, 4), 2, "gaussian"),
    BrainSpec("relu", 3, (6,), 2, "deterministic"),
    BrainSpec("linear", 3, (), 2, "epsilon_greedy"),
    BrainSpec("mlp", 3, (4,), 3, "categorical"),
]
RNG = np.random.default_rng(0)
SEEN = RNG.normal(size=(7, 3))


def made_up(brain):
    return np.random.default_rng(1).normal(size=brain.weights)


def centred(brain, slopes):
    """The logits of a categorical policy less their mean."""
    if brain.policy == "categorical":
        slopes[:, :-1] -= slopes[:, :-1].mean(axis=1, keepdims=True)
    return slopes


@pytest.mark.parametrize("brain", BRAINS, ids=lambda brain: f"{brain.trunk}-{brain.policy}")
def test_sensitivities_are_those_of_torch(brain):
    module = TorchBrain(brain).double()
    module.load_flat(made_up(brain))

    def outputs(observation):
        policy, value = module(observation)
        return torch.cat([policy[: brain.actions], value[None]])

    each = [torch.autograd.functional.jacobian(outputs, torch.tensor(row)).numpy() for row in SEEN]
    np.testing.assert_allclose(sensitivities(brain, made_up(brain), SEEN), centred(brain, np.array(each)), rtol=1e-10)


@pytest.mark.parametrize("brain", BRAINS, ids=lambda brain: f"{brain.trunk}-{brain.policy}")
def test_sensitivities_are_finite_differences(brain):
    step = 1e-6
    slopes = np.empty((len(SEEN), brain.actions + 1, 3))
    for place in range(3):
        moved = np.eye(3)[place] * step
        ends = [outputs_of(brain, made_up(brain), SEEN + sign * moved) for sign in (1, -1)]
        policy = (ends[0][0] - ends[1][0])[:, : brain.actions]
        value = (ends[0][1] - ends[1][1])[:, None]
        slopes[:, :, place] = np.concatenate([policy, value], axis=1) / (2 * step)
    np.testing.assert_allclose(sensitivities(brain, made_up(brain), SEEN), centred(brain, slopes), atol=1e-7)


def test_a_linear_brain_has_its_weights_for_sensitivities():
    brain = BRAINS[2]
    weights = made_up(brain)
    found = sensitivities(brain, weights, SEEN)
    np.testing.assert_allclose(found[:, :2], np.broadcast_to(weights[:6].reshape(2, 3), (7, 2, 3)))


def test_more_observations_than_one_portion_are_all_looked_at(monkeypatch):
    whole = sensitivities(BRAINS[0], made_up(BRAINS[0]), SEEN)
    monkeypatch.setattr("evolearn.inspection._newborn_lives.ROWS", 3)
    np.testing.assert_allclose(sensitivities(BRAINS[0], made_up(BRAINS[0]), SEEN), whole, rtol=1e-10)


def test_the_effective_rank_counts_directions():
    assert effective_rank([5.0, 0.0, 0.0]) == pytest.approx(1.0)
    assert effective_rank([2.0, 2.0, 2.0, 2.0]) == pytest.approx(4.0)
    assert effective_rank([3.0, 1.0]) == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))
    assert np.isnan(effective_rank([0.0, 0.0]))
    assert effective_rank([[1.0, 0.0], [1.0, 1.0]]).tolist() == pytest.approx([1.0, 2.0])


def test_a_block_is_held_against_chance_and_against_its_start():
    tensor = Tensor("hidden1.weight", (4, 4), 0.5)
    start = RNG.normal(size=16)
    born = np.outer([1.0, 2.0, -1.0, 0.5], [1.0, -1.0, 2.0, 3.0]).ravel()
    lived = np.array([born, -born, born])
    found = describe_block(tensor, born, start, lived, 0)
    assert found["effective_rank"]["born"] == pytest.approx(1.0, abs=1e-5)
    assert found["singular"]["born"][0] == pytest.approx(np.linalg.norm(born), rel=1e-5)
    assert found["norm"]["random"] == pytest.approx(0.5 * 4, rel=0.15)
    assert found["norm"]["low"] < found["norm"]["random"] < found["norm"]["high"]
    assert found["moved"] == pytest.approx(np.linalg.norm(born - start), rel=1e-5)
    assert found["moved_share"] == pytest.approx(np.linalg.norm(born - start) / np.linalg.norm(start), rel=1e-5)
    assert found["signs_kept"] == (np.sign(born) == np.sign(start)).mean()
    assert found["positive"] == (born > 0).mean()
    assert found["lived"] == {
        "moved": pytest.approx(2 / 3 * np.linalg.norm(born), rel=1e-5),
        "signs_kept": pytest.approx(2 / 3, rel=1e-5),
    }
    histogram = found["histogram"]
    assert sum(histogram["born"]) == 16
    assert sum(histogram["initial"]) == pytest.approx(16, abs=0.1)


def test_a_block_that_starts_at_nothing_has_no_share_of_it():
    found = describe_block(Tensor("policy.bias", (2,), 0.0), np.array([3.0, 4.0]), np.zeros(2), None, 0)
    assert found["moved"] == 5.0
    assert found["moved_share"] is None
    assert found["signs_kept"] is None
    assert found["effective_rank"] is None
    json.dumps(found, allow_nan=False)


@pytest.fixture(scope="module")
def blind(tmp_path_factory):
    """A newborn blind to the second of four senses, with the first to push left, alive."""
    dna = made_dna(
        tmp_path_factory.mktemp("weights") / "dna.safetensors",
        config(),
        {
            ("weights", "hidden1.weight"): [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0, 0.1, 0.5]],
            ("weights", "policy.weight"): [[2, 0, 0.1, 0.1], [-2, 0.1, 0, 0]],
        },
    )
    specimen = alive(dna)
    yield specimen
    specimen.driver.close()


@pytest.fixture(scope="module")
def found(blind):
    return json.loads(json.dumps(inspect_weights(blind.dna, blind), allow_nan=False))


def test_a_dead_input_moves_nothing(found):
    born = found["sensitivity"]["born"]
    assert found["sensitivity"]["observations"][1] == "velocity"
    assert born["rms"][1] == [0.0, 0.0, 0.0]
    assert all(value > 0.0 for value in born["rms"][0][:2])
    assert born["mean"][0][0] == pytest.approx(-born["mean"][0][1])
    hardly = next(text for text in weights_section(found, {}).sentences if "hardly anything" in text)
    assert hardly.startswith("velocity")
    assert "position" not in hardly


def test_means_are_over_the_observations_met(blind, found):
    met = first_steps(blind, 6)
    np.testing.assert_allclose(found["sensitivity"]["stdev"], met.observations.std(axis=0), rtol=1e-5)
    slopes = sensitivities(blind.dna.brain, blind.dna.newborns.weights[0], met.sample())
    np.testing.assert_allclose(found["sensitivity"]["born"]["mean"], slopes.mean(axis=0).T, rtol=1e-5, atol=1e-12)
    assert found["sensitivity"]["met"] == len(met.observations) == 6 * 60


def test_life_changes_what_learning_moves(found):
    assert found["lives"] == 3
    assert found["lifetime"] == 120
    learned = found["sensitivity"]["learned"]
    born, lived = (np.array(found["sensitivity"][age]["mean"]) for age in ("born", "lived"))
    np.testing.assert_allclose(np.array(learned["mean"]), lived - born, atol=1e-5)
    assert np.any(np.array(learned["rms"]) > 0.0)
    assert all(block["lived"]["moved"] > 0.0 for block in found["blocks"] if block["name"].startswith("policy"))


def test_the_section_shows_birth_and_life_side_by_side(found):
    section = weights_section(found, {})
    senses = section.charts[0]
    assert [view.name for view in senses.views] == ["at birth", "after a life", "what life changed"]
    assert "position moves push" in section.sentences[0]
    heat = senses.views[0].panels[0].heat
    assert heat.rows == tuple(reversed(found["sensitivity"]["observations"]))
    scaled = found["sensitivity"]["born"]["mean"][0][0] * found["sensitivity"]["stdev"][0]
    assert heat.values[-1][0] == pytest.approx(scaled)


def test_the_value_is_not_summed_up_with_muscles(found):
    louder = json.loads(json.dumps(found))
    for age in ("born", "learned"):
        for row in louder["sensitivity"][age]["rms"]:
            row[2] *= 1000.0
    words = [[text for text in weights_section(each, {}).sentences if "changes in" in text] for each in (found, louder)]
    assert words[0] == words[1]
    stdev = np.array(found["sensitivity"]["stdev"])[:, None]
    norms = [np.linalg.norm(stdev * np.array(found["sensitivity"][age]["rms"])[:, :2]) for age in ("learned", "born")]
    assert f"is {short(norms[0] / norms[1])} times as large as what is innate (the value, " in words[0][0]


def test_a_slope_is_not_called_a_change(found):
    first = weights_section(found, {}).sentences[0]
    assert "at the slope there, one standard deviation more of it would change" in first
    assert "a world that clips actions makes less of it" in first


@pytest.mark.parametrize(("shape", "draws"), [((4, 16), 400), ((128, 128), 95), ((200, 250), 20)])
def test_99_of_100_random_matrices_are_within_the_band(shape, draws):
    tensor = Tensor("hidden1.weight", shape, 0.5)
    zeros, ones = np.zeros(tensor.size), np.ones(tensor.size)
    found = describe_block(tensor, zeros, ones, None, 0)
    assert found["draws"] == draws
    fresh = 0.5 * np.random.default_rng(9).standard_normal((300, tensor.size))
    norms = np.linalg.norm(fresh, axis=1)
    within = (found["norm"]["low"] <= norms) & (norms <= found["norm"]["high"])
    assert within.mean() >= 0.96
    # A band far too wide would hold them, too.
    width = found["norm"]["high"] - found["norm"]["low"]
    assert 3.5 * norms.std() < width < 7.0 * norms.std()


def test_large_blocks_have_no_singular_values_and_say_so(monkeypatch):
    monkeypatch.setattr("evolearn.inspection._weights.DRAWING_WORK", 10_000_000)
    tensor = Tensor("hidden2.weight", (700, 500), 0.5)
    values = np.random.default_rng(0).normal(size=(2, tensor.size))
    found = describe_block(tensor, *values, None, 0)
    assert found["too_large"]
    assert found["singular"] is None
    assert found["effective_rank"] is None
    assert found["norm"]["low"] < found["norm"]["random"] < found["norm"]["high"]
    assert len(json.dumps(found)) < 5000


def test_the_sentence_names_its_band(found):
    words = " ".join(weights_section(found, {}).sentences)
    assert "that 99% of random matrices of its shape have (400 drawn)" in words
    found["blocks"][0]["too_large"] = True
    words = " ".join(weights_section(found, {}).sentences)
    found["blocks"][0]["too_large"] = False
    assert "hidden1.weight: too large for singular values" in words


def test_a_large_brain_is_asked_at_fewer_observations():
    assert observations_for(BrainSpec("mlp", 4, (16,), 2, "categorical")) == 2000
    assert observations_for(BrainSpec("mlp", 4, (1024, 512), 2, "categorical")) == 200


def test_the_file_of_a_large_brain_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr("evolearn.inspection._weights.DRAWING_WORK", 10_000_000)
    dna = made_dna(tmp_path / "dna", config(brain={"hidden": [1024, 512]}))
    found = {"genes": inspect_genes(dna), "weights": inspect_weights(dna, None)}
    assert dna.pool.size > 500_000
    assert len(json.dumps(found, indent=1, allow_nan=False)) < 2_000_000
    assert any(block["too_large"] for block in found["weights"]["blocks"])


def test_without_a_world_what_needs_no_lives_still_shows(blind):
    found = json.loads(json.dumps(inspect_weights(blind.dna, None), allow_nan=False))
    assert found["lives"] is None
    assert found["sensitivity"]["met"] == 0
    assert len(found["blocks"]) == len(blind.dna.brain.tensors)
    at_zero = sensitivities(blind.dna.brain, blind.dna.newborns.weights[0], np.zeros((1, 4)))[0]
    np.testing.assert_allclose(found["sensitivity"]["born"]["mean"], at_zero.T, rtol=1e-5, atol=1e-12)
    section = weights_section(found, {})
    assert [view.name for view in section.charts[0].views] == ["at birth"]
    assert any("observation at zero" in sentence for sentence in section.sentences)


def test_nobody_learns_where_learning_is_off(tmp_path, blind):
    dna = made_dna(tmp_path / "dna", config(learner={"window": 8, "learn_until": 0}))
    specimen = alive(dna, blind.driver)
    found = inspect_weights(dna, specimen)
    assert found["lives"] is None
    assert found["sensitivity"]["learned"] is None


def test_weights_that_are_drawn_afresh_are_not_in_dna(tmp_path):
    dna = made_dna(tmp_path / "dna", config(genome={"weights": {"mode": "fresh"}}))
    with pytest.raises(UserError, match="drawn afresh in every life"):
        inspect_weights(dna, None)


def test_a_policy_that_heeds_nothing_is_called_so(tmp_path):
    dna = made_dna(tmp_path / "dna", config(), {("weights", "policy.weight"): np.zeros(8)})
    section = weights_section(json.loads(json.dumps(inspect_weights(dna, None))), {})
    assert section.sentences[0].startswith("At birth no sense moves any action")

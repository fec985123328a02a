"""The innate repertoire of newborns of which it is known beforehand."""

import dataclasses
import json

import numpy as np
import pytest

from evolearn.inspection._drives import inspect_drives
from evolearn.inspection._newborn_lives import first_steps
from evolearn.inspection._repertoire import inspect_repertoire
from evolearn.report.inspection.repertoire import repertoire_section
from evolearn.report.texts import quantity
from tests.helpers.inspected_dna import EXTENT, alive, config, made_dna


def as_json(found):
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.fixture(scope="module")
def repertoire(pole):
    return as_json(inspect_repertoire(pole))


def test_birth_scores_stand_between_chance_and_the_oracle(repertoire):
    arms = {entry["arm"]: entry for entry in repertoire["arms"]}
    assert list(arms) == ["newborn", "blank", "random", "oracle"]
    assert all(entry["low"] <= entry["mean"] <= entry["high"] for entry in arms.values())
    # Whoever only ever pushes right falls sooner than chance.
    assert arms["newborn"]["high"] < arms["random"]["low"] < arms["oracle"]["mean"]
    assert arms["newborn"]["ahead"] == pytest.approx(arms["newborn"]["mean"] - arms["random"]["mean"], rel=1e-4)
    assert arms["newborn"]["ahead_low"] <= arms["newborn"]["ahead"] <= arms["newborn"]["ahead_high"] < 0.0
    share = (arms["newborn"]["mean"] - arms["random"]["mean"]) / (arms["oracle"]["mean"] - arms["random"]["mean"])
    assert arms["newborn"]["share"] == pytest.approx(share, rel=1e-4)
    assert arms["newborn"]["share_low"] <= share <= arms["newborn"]["share_high"] < 0.0
    words = " ".join(repertoire_section(repertoire, {}).sentences)
    behind = [quantity(-arms["newborn"][name], "score") for name in ("ahead", "ahead_high", "ahead_low")]
    said = "In the same lives it is {} [{}, {}] behind random actions. What".format(*behind)
    assert said in words
    assert "ahead of" not in words


def test_actions_and_responses_are_those_planted(repertoire):
    assert repertoire["actions"]["share"] == [0.0, 1.0]
    curves = repertoire["curves"]
    assert curves["kind"] == "probability"
    assert [curve["name"] for curve in curves["observations"]] == ["position", "velocity", "angle", "angular velocity"]
    assert all(curve["reach"] == 0.0 for curve in curves["observations"])
    assert curves["observations"][0]["y"][1] == [1.0] * len(curves["observations"][0]["x"])


def test_responses_go_from_the_first_to_the_last_hundredth(tmp_path, pole):
    weights = {("weights", "hidden1.weight"): np.diag([0.0, 0.0, 3.0, 0.0]), ("weights", "hidden1.bias"): np.zeros(4)}
    weights[("weights", "policy.weight")] = [[0, 0, -1, 0], [0, 0, 1, 0]]
    dna = made_dna(tmp_path / "dna", config(), weights)
    specimen = alive(dna, pole.driver)
    found = as_json(inspect_repertoire(specimen))
    met = first_steps(specimen, 6).observations
    curves = {curve["name"]: curve for curve in found["curves"]["observations"]}
    angle = curves["angle"]
    np.testing.assert_allclose([angle["x"][0], angle["x"][-1]], np.quantile(met[:, 2], (0.01, 0.99)), rtol=1e-5)
    bias = dna.newborns.weights[0][-3:-1].astype(np.float64)
    logits = np.tanh(3.0 * np.array(angle["x"]))[:, None] * [-1.0, 1.0] + bias
    right = 1.0 / (1.0 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(angle["y"][1], right, rtol=1e-4)
    assert curves["position"]["reach"] == pytest.approx(0.0, abs=1e-9)
    assert "angle" in next(text for text in repertoire_section(found, {}).sentences if "changes most" in text)


def test_the_replay_is_of_one_life_in_three_ways(pole, repertoire):
    (replay,) = repertoire["replays"]
    assert [arm["arm"] for arm in replay["arms"]] == ["evolved_frozen", "evolved", "blank"]
    assert len(replay["arms"][0]["frames"]) == 60
    assert replay["arms"][0]["score"][0] == replay["arms"][1]["score"][0]
    assert replay["life"] == inspect_drives(pole)["along"]["life"]


def test_a_newborn_of_fresh_weights_has_no_response_curves(tmp_path, pole):
    dna = made_dna(tmp_path / "dna", config(genome={"weights": {"mode": "fresh"}}))
    found = as_json(inspect_repertoire(alive(dna, pole.driver)))
    assert found["curves"] is None
    section = repertoire_section(found, {})
    assert [chart.key for chart in section.charts] == ["repertoire_scores"]
    assert any("drawn afresh" in sentence for sentence in section.sentences)


# Other worlds ---------------------------------------------------------------------------------------------------


def test_box_actions_are_told_by_mean_and_spread(tmp_path):
    dna = made_dna(tmp_path / "dna", config("savannah"), {("weights", "policy.bias"): [0.5, 0.0, 0.0, -0.5]})
    specimen = alive(dna)
    try:
        found = as_json(inspect_repertoire(specimen))
        drives = as_json(inspect_drives(specimen))
    finally:
        specimen.driver.close()
    assert not found["actions"]["discrete"]
    assert found["actions"]["mean"][0] == pytest.approx(0.5, abs=0.2)
    assert found["curves"]["kind"] == "mean action"
    assert "constant" in found["curves"]["constant"]
    assert len(drives["drives"]) == 7
    table = next(table for table in repertoire_section(found, {}).tables if table.key == "repertoire_actions")
    assert len(table.rows) == 4


def test_gymnasium_environments_are_inspected_alike(tmp_path):
    dna = made_dna(tmp_path / "dna", config("gymnasium:CartPole-v1"))
    specimen = alive(dna, extent=dataclasses.replace(EXTENT, birth_lives=3, lives=2))
    try:
        found = as_json(inspect_repertoire(specimen))
        assert [entry["arm"] for entry in found["arms"]] == ["newborn", "blank", "random"]
        assert found["arms"][0]["share"] is None
        assert sum(found["actions"]["share"]) == pytest.approx(1.0)
        assert [row["name"] for row in inspect_drives(specimen)["drives"]] == ["fitness"]
        assert repertoire_section(found, {}).charts[0].key == "repertoire_scores"
    finally:
        specimen.driver.close()


def test_lives_of_a_brain_that_diverges_are_cut_where_it_does(tmp_path, pole):
    dna = made_dna(tmp_path / "dna", config(), {("weights", "policy.weight"): np.full(8, 3e38)})
    met = first_steps(alive(dna, pole.driver), 2)
    assert np.isfinite(met.observations).all()
    assert len(met.observations) < 2 * 60

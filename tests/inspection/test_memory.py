"""What can be read from carried states whose content is known, and what is said where there are none."""

import dataclasses

import numpy as np
import pytest

from evolearn.agent import BrainSpec
from evolearn.errors import UserError
from evolearn.inspection._hidden_draws import hidden_draws
from evolearn.inspection._lesions import inspect_lesions
from evolearn.inspection._memory import SOURCES, age_windows, carried_states, inspect_memory
from evolearn.inspection._newborn_lives import first_steps
from evolearn.inspection._reading import FEWEST_LIVES, read, target_of
from evolearn.report.inspection.lesions import lesions_section
from evolearn.report.inspection.memory import memory_section
from evolearn.world import WorldError
from tests.helpers.inspected_dna import alive, config, made_dna
from tests.helpers.inspected_worlds import TINY, specimen_for
from tests.helpers.remembered_cue import TOLD, UNITS, empty_weights, remembering_weights

EXTENT = dataclasses.replace(TINY, lives=16, shams=20, memory_lives=80)
GATED = {"trunk": "gru", "hidden": [UNITS], "inputs": list(TOLD)}
RECALL = "tests.helpers.remembered_cue:recall"
LIFETIME = 60


def specimen_with(folder, weights, brain=GATED, **changes):
    return specimen_for(folder, RECALL, weights, extent=EXTENT, lifetime=LIFETIME, brain=brain, **changes)


@pytest.fixture(scope="module")
def attentive(tmp_path_factory):
    """Names the cue that it remembers."""
    specimen = specimen_with(tmp_path_factory.mktemp("attentive"), remembering_weights())
    yield specimen
    specimen.driver.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    """Remembers the same, and acts at random."""
    specimen = specimen_with(tmp_path_factory.mktemp("idle"), remembering_weights(heeds=False))
    yield specimen
    specimen.driver.close()


def skills(entries, name, source="state"):
    """By lag, or by the first age of a window."""
    (entry,) = [entry for entry in entries if entry["name"] == name]
    return {at.get("lag", at.get("first")): at[source] and at[source]["skill"]["value"] for at in entry["at"]}


# --- the decoder ---


def test_what_is_there_is_read_and_what_is_not_is_chance():
    rng = np.random.default_rng(1)
    lives = np.repeat(np.arange(60), 10)
    features = rng.standard_normal((600, 5))
    choice = (features[:, 1] > 0.0) + (features[:, 1] > 1.0)
    targets = [
        target_of("sum", features[:, 0] - 2.0 * features[:, 3]),
        target_of("choice", choice),
        target_of("luck", rng.integers(0, 3, 600)),
        target_of("noise", rng.standard_normal(600)),
    ]
    total, chosen, luck, noise = read(features, targets, lives)
    assert total.score == total.skill.value == pytest.approx(1.0, abs=1e-4)
    assert chosen.score > 0.8
    assert chosen.chance == pytest.approx(np.bincount(choice).max() / 600)
    assert chosen.skill.value == pytest.approx((chosen.score - chosen.chance) / (1.0 - chosen.chance))
    assert luck.skill.low < 0.0 < 0.1 > luck.skill.value
    assert -0.05 < noise.score < 0.03, "nothing, less the little that fitting to nothing costs"
    assert noise.chance == 0.0


def test_a_decoder_knows_nothing_of_the_lives_it_is_scored_on():
    """Every life has a number of its own in its features: who saw a life once could name its draw."""
    lives = np.repeat(np.arange(40), 20)
    features = np.eye(40)[lives]
    draw = np.random.default_rng(2).standard_normal(40)[lives]
    (reading,) = read(features, [target_of("draw", draw)], lives)
    assert reading.score < 0.05


def test_what_never_varies_is_no_target_and_few_lives_give_no_reading():
    assert target_of("constant", np.ones(9)) is None
    few = np.arange(FEWEST_LIVES - 1)
    assert read(np.zeros((len(few), 2)), [target_of("age", few)], few) == [None]
    assert target_of("halves", [0.5, 1.5, 0.5]).is_class is False
    assert target_of("choice", [0.0, 1.0, 0.0]).is_class is True


# --- states ---


@pytest.mark.parametrize("memory", ["episode", "life"])
def test_the_state_is_that_by_which_the_life_was_lived(tmp_path, memory):
    """All but the noise of these actions is what the heads make of the state: the trace of them tells it."""
    brain = {"trunk": "gru", "hidden": [5], "inputs": ["observation", "last_reward"], "memory": memory}
    planted = {"policy.log_stdev": -20.0, "policy.weight": np.random.default_rng(1).standard_normal((3, 5))}
    world = "tests.helpers.probe_worlds:restless_box"
    specimen = specimen_for(tmp_path, world, planted, extent=EXTENT, lifetime=LIFETIME, brain=brain)
    met = first_steps(specimen, 6, LIFETIME)
    specimen.driver.close()
    ages = np.arange(LIFETIME)
    weights = specimen.dna.newborns.weights[0]
    states = carried_states(specimen.dna.brain, weights, met.trace.met, met.trace.ends, ages)
    heads = {}
    start = 0
    for tensor in specimen.dna.brain.tensors:
        heads[tensor.name] = weights[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
    means = states @ heads["policy.weight"].T + heads["policy.bias"]
    np.testing.assert_allclose(met.trace.actions, means, atol=0.04)
    assert means.std(axis=(0, 1)).min() > 0.2
    other = dataclasses.replace(specimen.dna.brain, memory={"episode": "life", "life": "episode"}[memory])
    different = carried_states(other, weights, met.trace.met, met.trace.ends, ages)
    assert np.abs(different - states).max() > 0.1


def test_states_at_some_ages_are_those_of_all(idle):
    met = first_steps(idle, 3, LIFETIME)
    given = idle.dna.brain, idle.dna.newborns.weights[0], met.trace.met, met.trace.ends
    every = carried_states(*given, np.arange(LIFETIME))
    np.testing.assert_array_equal(carried_states(*given, np.array([0, 7, 31])), every[:, [0, 7, 31]])
    assert every.shape == (3, LIFETIME, UNITS)


# --- what is known beforehand ---


def test_what_was_done_is_read_as_far_back_as_it_is_kept(idle):
    found = inspect_memory(idle)
    back = skills(found["past"], "action")
    assert back[1] == back[2] == 1.0
    assert back[4] < 0.15
    assert skills(found["past"], "action", "inputs")[1] == 1.0, "it is told"
    assert skills(found["past"], "action", "inputs")[2] < 0.15
    assert max(skills(found["past"], "action", "others").values()) < 0.15
    assert (found["lives"], found["steps"], found["units"], found["kept"]) == (80, LIFETIME, UNITS, "episode")


def test_what_the_life_hides_is_read_from_birth_on_where_it_is_held(idle):
    found = inspect_memory(idle)
    assert [entry["name"] for entry in found["hidden"]] == ["cue", "the oracle's action"]
    for name in ("cue", "the oracle's action"):
        assert set(skills(found["hidden"], name).values()) == {1.0}
        in_sight = skills(found["hidden"], name, "inputs")
        assert in_sight[0] == 1.0
        assert in_sight[1] < 0.2, "it is shown in the first step alone"
        assert max(skills(found["hidden"], name, "others").values()) < 0.35
    assert found["changing"] == []
    section = memory_section(found, {})
    assert section.sentences[0].startswith("Of what a life hides, cue can be read best from its state: skill 1.00")
    assert [chart.key for chart in section.charts] == ["memory_hidden", "memory_past", "memory_example"]
    assert {table.key for table in section.tables} == {"memory_hidden_table", "memory_past_table"}


def test_a_second_birth_of_the_world_is_followed(tmp_path):
    world = {"name": RECALL, "parameters": {"episode": 7}, "switch_at": 30}  # within an episode
    weights = remembering_weights(heeds=False)
    specimen = specimen_for(tmp_path, world, weights, extent=EXTENT, lifetime=LIFETIME, brain=GATED)
    met = first_steps(specimen, 40, LIFETIME)
    draws = hidden_draws(
        specimen.setup.conditions, specimen.keys(40), met.trace, met.lived.sum(axis=1), np.array([0, 29, 30, 59])
    )
    found = inspect_memory(specimen)
    specimen.driver.close()
    assert draws.names == ("cue",)
    assert draws.fixed.tolist() == [True]
    first, before, after, last = draws.values[:, :, 0].T
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(after, last)
    assert 0.2 < (before != after).mean() < 0.8, "another one in about half of the lives"
    np.testing.assert_array_equal(draws.oracle[:, :, 0], draws.values[:, :, 0])
    assert set(skills(found["hidden"], "cue").values()) == {1.0}


def test_an_empty_state_tells_nothing(tmp_path):
    specimen = specimen_with(tmp_path, empty_weights())
    found = inspect_memory(specimen)
    specimen.driver.close()
    for entry in found["past"] + found["hidden"]:
        assert max(abs(skill) for skill in skills([entry], entry["name"]).values()) < 0.15
    assert any("nothing can be read" in text for text in memory_section(found, {}).sentences)
    assert np.abs(found["example"]["states"]).max() == 0.0


def test_a_life_without_memory_is_at_chance_and_shams_are_not(attentive):
    found = inspect_lesions(attentive)
    (at,) = found["ages"]
    (lesion,) = [lesion for lesion in at["lesions"] if lesion["kind"] == "memory"]
    assert at["intact"]["birth"]["value"] == 1.0
    for metric in ("birth", "ceiling"):
        effect = lesion["effects"][metric]
        # It sees the cue in one step of ten, and guesses in the others.
        assert effect["change"]["of"]["value"] == pytest.approx(-0.45, abs=0.06)
        assert effect["shams"]["count"] == 20
        assert effect["shams"]["mean"] > effect["change"]["of"]["value"] + 0.05, "some leave the unit in its place"
    assert found["memory"] == ""
    section = lesions_section(found, {})
    assert any("With the carried state held at zero from birth on" in text for text in section.sentences)


def test_memory_is_lost_from_an_age_on(attentive):
    found = inspect_lesions(attentive, 20)
    later = found["ages"][1]
    (lesion,) = [lesion for lesion in later["lesions"] if lesion["kind"] == "memory"]
    assert lesion["effects"]["ceiling"]["change"]["of"]["value"] == pytest.approx(-0.45, abs=0.06)


# --- what is not there ---


@pytest.mark.parametrize(
    ("brain", "text"),
    [
        ({"trunk": "mlp", "hidden": [3]}, "it carries no state from step to step and is told nothing"),
        ({"trunk": "mlp", "hidden": [3], "inputs": list(TOLD)}, "all that it knows of the past is what it is told"),
    ],
    ids=["memoryless", "told"],
)
def test_a_brain_without_a_state_is_told_apart(tmp_path, brain, text):
    specimen = specimen_with(tmp_path, None, brain)
    with pytest.raises(UserError, match=text):
        inspect_memory(specimen)
    found = inspect_lesions(specimen)
    specimen.driver.close()
    assert text[3:] in found["memory"]
    assert all(lesion["kind"] != "memory" for lesion in found["ages"][0]["lesions"])
    assert any(text[3:] in sentence for sentence in lesions_section(found, {}).sentences)


def test_states_of_brains_that_are_drawn_in_every_life_are_not_read(tmp_path):
    specimen = specimen_with(tmp_path, None, genome={"weights": {"mode": "fresh"}})
    with pytest.raises(UserError, match="drawn afresh in every life"):
        inspect_memory(specimen)
    specimen.driver.close()


def test_a_world_that_hides_nothing_for_life_is_said_to(tmp_path):
    brain = {"trunk": "gru", "hidden": [3], "inputs": ["observation", "last_reward"], "readout": "product"}
    dna = made_dna(tmp_path / "dna.safetensors", config(brain=brain))
    specimen = alive(dna, extent=EXTENT)
    found = inspect_memory(specimen)
    specimen.driver.close()
    assert found["why_nothing_hidden"] == "its world draws nothing at birth that stays as it is for the life"
    assert {entry["kind"] for entry in found["hidden"]} <= {"oracle"}
    assert "pay" in {entry["name"] for entry in found["past"]} | set(found["constant"])
    assert any(text.startswith("Nothing is asked") for text in memory_section(found, {}).sentences)


def test_a_life_that_cannot_be_gone_through_again_is_refused(idle):
    met = first_steps(idle, 2, LIFETIME)
    wrong = met.trace._replace(observations=met.trace.observations + np.float32(1.0))
    with pytest.raises(WorldError, match="step 0: the same actions lead to observations"):
        hidden_draws(idle.setup.conditions, idle.keys(2), wrong, np.full(2, LIFETIME), np.array([0, 5]))


def test_windows_of_age_double_and_end_with_the_life():
    assert age_windows(13) == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 12)]
    assert age_windows(17) == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 16)]
    assert age_windows(2) == [(0, 0), (1, 1)]


def test_every_source_has_its_line(idle):
    found = inspect_memory(idle)
    (chart, past, _) = memory_section(found, {}).charts
    for view in (*chart.views, *past.views):
        for panel in view.panels:
            assert len(panel.series) == len(SOURCES)
    assert BrainSpec("gru", 2, (UNITS,), 2, "categorical", TOLD) == idle.dna.brain

"""Lesions of an innate value: what it decides is lost, what the policy does by itself is not; and their shams."""

import dataclasses

import numpy as np
import pytest

from evolearn.inspection._lesions import inspect_lesions
from evolearn.inspection._operations import intact, lesion_of_value, norm_of_change, sham_of_value
from evolearn.report.inspection.lesions import lesions_section
from evolearn.rng import uniform
from evolearn.world import Discrete, Signal, World
from tests.helpers.inspected_worlds import TINY, specimen_for

EXTENT = dataclasses.replace(TINY, lives=12, shams=20, lesion_modes=("zero", "permuted"))
STATE = np.dtype([("way", "f8"), ("alarm", "f8")], align=True)


def born(state, parameters, rng):
    pass


def begin(state, parameters, rng):
    state.way = -1.0
    state.alarm = 0.0


def observe(state, parameters, observation):
    observation[0] = state.way
    observation[1] = state.alarm


def step(state, parameters, action, senses, rng):
    senses[0], senses[1] = 0.0, 0.0
    right = action == 0 if state.alarm > 0.5 else action == 1
    senses[1 if state.alarm > 0.5 else 0] = 1.0 if right else 0.0
    state.way = 1.0 if action == 1 else -1.0
    state.alarm = 1.0 if uniform(rng) < 0.3 else 0.0
    return 1.0 if right else 0.0, False, False


ways = World(
    name="ways",
    doc="Two ways, of which the second is good; where there is an alarm, in three steps of ten, the first is.",
    observations=(Signal("way", "1"), Signal("alarm", "1")),
    actions=Discrete(2),
    senses=(Signal("went well", "1"), Signal("dodged", "1")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
)

# Of each choice: changes of way and alarm, reward, end.
LEADS = {"prediction.weight": np.zeros((2, 4, 2)), "prediction.bias": np.zeros((2, 4))}
LEADS["prediction.weight"][:, 0, 0] = -1.0
LEADS["prediction.bias"][:, 0] = -1.0, 1.0
WEIGHTS = {**LEADS, "policy.weight": [[0.0, 20.0], [0.0, 0.0]], "policy.bias": 0.0}
ACTING = {"value": {"uses": ["acting"]}, "brain": {"trunk": "linear", "hidden": [], "prediction": True}}
GOOD = {"value.0.weight": [[2.5], [0.0]]}


def specimen_with(folder, planted=None, **changes):
    how = {**ACTING, **changes}
    return specimen_for(
        folder, "tests.inspection.test_value:ways", WEIGHTS, extent=EXTENT, planted_value=planted, **how
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    specimen = specimen_with(tmp_path_factory.mktemp("valued"), GOOD)
    yield inspect_lesions(specimen, age=100)
    specimen.driver.close()


def of_value(found, how, age=0):
    at = next(at for at in found["ages"] if at["age"] == age)
    ((place, lesion),) = [
        (place, one) for place, one in enumerate(at["lesions"]) if (one["kind"], one["how"]) == ("value", how)
    ]
    return at, lesion, place


@pytest.mark.parametrize("age", [0, 100])
def test_without_its_value_it_decides_at_random_and_dodges_as_ever(found, age):
    at, lesion, place = of_value(found, "zero", age)
    assert at["intact"]["ceiling"]["value"] > 0.95
    effect = lesion["effects"]["ceiling"]
    assert effect["change"]["of"]["value"] == pytest.approx(-0.35, abs=0.04)
    assert effect["shams"]["count"] == 20
    assert effect["shams"]["mean"] > -0.25, "fewer of as many weights matter"
    assert at["senses"]["names"] == ["went well", "dodged"]
    decided, dodged = at["senses"]["changes"][place]
    share = 1.0 if age == 0 else 0.5  # of the life
    assert decided["value"] == pytest.approx(-0.35 * share, abs=0.04)
    assert decided["high"] < -0.25 * share
    assert dodged["value"] == pytest.approx(0.0, abs=0.03)
    reflex = next(n for n, one in enumerate(at["lesions"]) if (one["name"], one["how"]) == ("alarm", "zero"))
    spared, lost = at["senses"]["changes"][reflex]
    assert lost["value"] < -0.2 * share
    assert abs(spared["value"]) < 0.05


def test_at_birth_it_is_tested_where_it_acts_and_not_where_it_only_shapes_rewards(found, tmp_path):
    birth = of_value(found, "zero")[1]["effects"]["birth"]
    assert birth["change"]["p"] is not None
    assert birth["change"]["of"]["value"] < -0.25
    shaped = specimen_with(tmp_path, GOOD, value={"uses": ["potential"]})
    quiet = inspect_lesions(shaped)
    effects = of_value(quiet, "zero")[1]["effects"]
    assert effects["birth"]["change"]["p"] is None
    assert effects["birth"]["change"]["of"]["value"] == 0.0
    assert effects["ceiling"]["change"]["p"] is not None
    shaped.driver.close()


def test_disturbed_and_permuted_it_is_another_value_of_its_size(found):
    for how in ("noise", "permuted"):
        _, lesion, place = of_value(found, how)
        assert lesion["effects"]["ceiling"]["shams"]["count"] == 20
        assert found["norms"][place]["lesion"] > 0.5
    assert found["norms"][of_value(found, "noise")[2]]["lesion"] == pytest.approx(2.5)
    assert found["norms"][of_value(found, "noise")[2]]["shams"] == pytest.approx(2.5)
    assert found["norms"][of_value(found, "zero")[2]]["lesion"] == pytest.approx(2.5)
    assert found["modes"] == ["zero", "permuted", "noise"]


def test_the_page_tells_of_it(found):
    section = lesions_section(found, {})
    text = " ".join(section.sentences)
    assert "With the innate value set to zero from birth on, the birth score changes by" in text
    assert "With the innate value disturbed by noise at" not in text
    tables = {table.key: table for table in section.tables}
    assert [row[:2] for row in tables["lesions_senses"].rows[:3]] == [
        ("value: innate value", "set to zero"),
        ("value: innate value", "disturbed by noise"),
        ("value: innate value", "permuted"),
    ]
    assert tables["lesions_senses_later"].columns[2:] == ("went well", "dodged")


def test_where_a_critic_is_read_its_lesion_is_one_of_acting_and_there_is_no_other(tmp_path):
    """What it expects of a way decides which is taken, also where nobody learns."""
    planted = {**WEIGHTS, "value.weight": [[2.5, 0.0]]}
    how = {**ACTING, "value": {"uses": ["acting"], "read": "learned"}, "learner": {"window": 10, "learn_until": 0}}
    specimen = specimen_for(tmp_path, "tests.inspection.test_value:ways", planted, extent=EXTENT, **how)
    found = inspect_lesions(specimen)
    assert not [lesion for lesion in found["ages"][0]["lesions"] if lesion["kind"] == "value"]
    (lesion,) = [one for one in found["ages"][0]["lesions"] if (one["kind"], one["how"]) == ("critic", "zero")]
    assert lesion["effects"]["birth"]["change"]["p"] < 0.05
    assert lesion["effects"]["birth"]["change"]["of"]["value"] < -0.25
    assert any(
        "lesions of drives and learner could change nothing" in text for text in lesions_section(found, {}).sentences
    )
    specimen.driver.close()


@pytest.mark.parametrize(
    ("planted", "changes"),
    [
        (None, {}),
        (GOOD, {"value": {"uses": ["potential"]}, "learner": {"window": 10, "learn_until": 0}}),
        (GOOD, {"genome": {"value": {"mode": "fixed"}}}),
    ],
    ids=["no value yet", "a potential where nobody learns", "held at none"],
)
def test_where_there_is_none_to_lose_none_is_cut(planted, changes, tmp_path):
    if "genome" in changes:
        planted = None
    specimen = specimen_with(tmp_path, planted, **changes)
    found = inspect_lesions(specimen)
    assert not [lesion for lesion in found["ages"][0]["lesions"] if lesion["kind"] == "value"]
    specimen.driver.close()


def test_operations_on_a_value_and_their_shams_are_of_one_size(tmp_path):
    specimen = specimen_with(tmp_path, GOOD)
    brain, own = specimen.dna.brain, np.float32([2.0, -1.0, 0.5])
    rng = np.random.default_rng(1)
    assert lesion_of_value(brain, own, "zero").value.tolist() == [[0.0, 0.0, 0.0]]
    noisy = lesion_of_value(brain, own, "noise", rng)
    assert np.linalg.norm(noisy.value[0] - own) == pytest.approx(np.linalg.norm(own), rel=1e-5)
    assert sorted(lesion_of_value(brain, own, "permuted", rng).value[0]) == sorted(own)
    weights = specimen.dna.newborns.weights[0]
    cut = sham_of_value(brain, own, "zero", rng, held=True)
    assert (cut.factor[0] == 0.0).sum() == cut.held.sum() == 3
    disturbed = sham_of_value(brain, own, "noise", rng)
    assert norm_of_change(disturbed, weights) == pytest.approx(np.linalg.norm(own), rel=1e-5)
    moved = sham_of_value(brain, own, "permuted", rng)
    assert sorted(moved.source[0]) == list(range(brain.weights))
    large = sham_of_value(brain, np.ones(10_000, np.float32), "zero", rng)
    assert (large.factor[0] == 0.0).all(), "a smaller brain loses all of it"
    with pytest.raises(ValueError, match="how='mean': must be zero, noise or permuted"):
        lesion_of_value(brain, own, "mean", rng)
    assert intact(brain).value.shape == (1, 0)
    specimen.driver.close()

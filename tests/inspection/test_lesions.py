"""Lesions against shams: what a brain cannot use comes out as nothing, what it lives by as everything."""

import dataclasses
import json

import numpy as np
import pytest

from evolearn.genome import draw_fresh
from evolearn.inspection import _lesions as module
from evolearn.inspection._lesion_effects import LesionedLives, effects, largest
from evolearn.inspection._lesion_rows import Lesion, Row, all_lesions, all_rows, cut_observations, norms
from evolearn.inspection._lesions import (
    Clock,
    LesionError,
    clock_of,
    first_times,
    inspect_lesions,
    level_of,
    observation_means,
)
from evolearn.inspection._operations import lesion_of_observation, lost_weights, places, sham
from evolearn.life import Plan, life_fitness, lives, traced_lives
from evolearn.report.inspection import lesions as lesions_page
from evolearn.report.inspection.lesions import HARM, HOWS, lesions_section
from tests.helpers.inspected_worlds import TINY, specimen_for

ALL_HOWS = ("zero", "mean", "permuted")
SHARP = {"policy.weight": [[-4.0, 0.0], [4.0, 0.0]], "policy.bias": 0.0, "value.weight": 0.0, "value.bias": 0.0}
FAST = {"learning_rate": 0.1, "entropy_bonus": 1e-6}


def effect(found, name, how="zero", age=0, kind=None):
    """The effects of one lesion by metric."""
    at = next(at for at in found["ages"] if at["age"] == age)
    matching = [
        lesion["effects"]
        for lesion in at["lesions"]
        if (lesion["name"], lesion["how"]) == (name, how) and kind in (None, lesion["kind"])
    ]
    assert len(matching) == 1
    return matching[0]


def nothing(change):
    of = change["of"]
    return of["value"] == of["low"] == of["high"] == 0.0 and change["p"] in (1.0, None)


def frozen_birth(specimen, **weights):
    """Birth scores [L] of an animal with other weights, living the same lives without an operation."""
    newborns = specimen.dna.newborns
    flat, start = newborns.weights.copy(), 0
    for tensor in specimen.dna.brain.tensors:
        if tensor.name in weights:
            flat[0, start : start + tensor.size] = np.ravel(np.broadcast_to(weights[tensor.name], tensor.shape))
        start += tensor.size
    keys = specimen.keys(specimen.extent.lives)
    plan = Plan(specimen.birth_steps, learn_until=0)
    outcome, _ = lives(
        specimen.driver, specimen.setup.conditions, newborns._replace(weights=flat), np.zeros(len(keys), np.int64),
        keys, plan,
    )  # fmt: skip
    return life_fitness(outcome, "mean per step", plan)


# Planted brains.


@pytest.fixture(scope="module")
def sighted(tmp_path_factory):
    """Acts on its first observation; of its second it reads nothing."""
    extent = dataclasses.replace(TINY, lives=12, lesion_modes=ALL_HOWS, shams=20)
    folder = tmp_path_factory.mktemp("sighted")
    return specimen_for(
        folder, "tests.helpers.inspected_worlds:sign", SHARP, drives={"hint": 1.0}, plasticity=FAST, extent=extent
    )


@pytest.fixture(scope="module")
def found(sighted):
    return inspect_lesions(sighted, age=100)


@pytest.mark.parametrize("how", ALL_HOWS)
def test_what_a_brain_does_not_read_is_not_missed(found, how):
    birth = effect(found, "dead", how)["birth"]
    assert nothing(birth["change"])
    assert birth["reading"] == "none"


@pytest.mark.parametrize("how", ALL_HOWS)
def test_what_shows_nothing_is_not_missed_with_learning_either(tmp_path, how):
    extent = dataclasses.replace(TINY, lives=6, lesion_modes=(how,), shams=2)
    weights = {**SHARP, "policy.weight": [[-4.0, 1.0], [4.0, 3.0]]}
    specimen = specimen_for(tmp_path, "tests.helpers.inspected_worlds:dark", weights, plasticity=FAST, extent=extent)
    for metric in effect(inspect_lesions(specimen), "dark", how).values():
        assert nothing(metric["change"])


def test_without_its_sole_input_it_scores_as_if_it_had_none(sighted, found):
    change = effect(found, "sole")["birth"]["change"]["of"]["value"]
    blind = frozen_birth(sighted, **{"policy.weight": 0.0}).mean() - frozen_birth(sighted).mean()
    assert change == pytest.approx(blind, abs=1e-12)
    assert found["ages"][0]["intact"]["birth"]["value"] > 0.85
    assert found["ages"][0]["intact"]["birth"]["value"] + change == pytest.approx(0.5, abs=0.1)
    assert effect(found, "sole")["birth"]["reading"] == "harm"
    # Held at zero, the sole input stays lost however long it learns.
    ceiling = found["ages"][0]["intact"]["ceiling"]["value"] + effect(found, "sole")["ceiling"]["change"]["of"]["value"]
    assert ceiling == pytest.approx(0.5, abs=0.1)
    assert effect(found, "sole")["ceiling"]["reading"] == "harm"
    speed = effect(found, "sole")["speed"]
    assert speed["reading"] == "harm"
    assert 0 < speed["lives"]["never"] <= speed["lives"]["of"] == 12
    assert found["ages"][0]["intact"]["speed"]["never"] == 0


def test_before_learning_drives_critic_and_learner_change_nothing_and_are_not_tested(found):
    for name, how in (("hint", "zero"), ("fitness", "mean"), ("critic", "permuted"), ("learner", "off")):
        birth = effect(found, name, how)["birth"]
        assert nothing(birth["change"])
        assert birth["change"]["p"] is birth["change"]["p_holm"] is None
        assert birth["reading"] == "none"


def test_nothing_is_of_the_size_of_the_learner_or_a_drive(found):
    assert effect(found, "learner", "off")["ceiling"]["shams"] is None
    assert effect(found, "hint")["ceiling"]["shams"] is None
    table = lesions_section(found, {}).tables[1]
    shams = {(row[0], row[1]): row[table.columns.index("shams")] for row in table.rows}
    assert shams["drive: hint", "set to zero"] == shams["learner", "switched off"] == "no sham"


def test_shams_of_observations_are_shared(found):
    assert effect(found, "sole")["birth"]["shams"]["count"] == 20
    assert effect(found, "sole")["birth"]["shams"]["mean"] == effect(found, "dead")["birth"]["shams"]["mean"]
    assert effect(found, "policy")["birth"]["shams"]["count"] == 20


def test_no_sham_is_one_of_the_lesions_that_it_stands_beside(sighted):
    brain = sighted.dna.brain
    lesions = all_lesions(sighted)
    rows = all_rows(sighted, lesions, observation_means(sighted))
    found = places(brain)
    shams = [
        row for row in rows if row.role == "sham" and row.lesion.kind == "observation" and row.lesion.how == "zero"
    ]
    lost = [set(lost_weights(row.build())) for row in shams]
    assert len(lost) == 20
    for observation in range(2):
        assert not any(set(found["policy.weight"][:, observation]) <= one for one in lost)
    # Drawn blindly, some are.
    rng, operation = np.random.default_rng(0), lesion_of_observation(brain, 0, "zero")
    blind = [set(lost_weights(sham(operation, brain, rng, alike=True))) for _ in range(200)]
    assert any(set(found["policy.weight"][:, 0]) <= one for one in blind)
    critic = {*found["value.weight"].ravel(), *found["value.bias"].ravel()}
    assert {len(one & critic) for one in blind} == {1}
    assert len({len(set(lost_weights(sham(operation, brain, rng))) & critic) for _ in range(200)}) > 2


def test_norms_are_of_what_is_taken(sighted):
    lesions = all_lesions(sighted)
    rows = all_rows(sighted, lesions, np.zeros(2))
    sizes = {(one.name, one.how): size for one, size in zip(lesions, norms(sighted, lesions, rows), strict=True)}
    assert sizes["sole", "zero"]["lesion"] == pytest.approx(32**0.5)
    assert sizes["dead", "zero"]["lesion"] == 0.0
    assert 0.0 < sizes["dead", "zero"]["shams"] < 32**0.5
    assert sizes["hint", "zero"] == sizes["learner", "off"] == {"lesion": None, "shams": None}


def test_a_later_lesion_leaves_everything_before_it_untouched(sighted):
    age, clock = 100, clock_of(sighted)
    lesions = all_lesions(sighted)
    rows = all_rows(sighted, lesions, observation_means(sighted))
    seen = dataclasses.replace(sighted, progress=lambda done, of: None)
    parts = list(module._lifetimes(seen, clock, age, rows, module._Progress(seen, 1)))
    running = np.concatenate([part.values for _, part, _ in parts])
    before = (np.arange(running.shape[-1]) + clock.window) * clock.bin_steps <= age
    assert before.sum() > 3
    assert (running[..., before] == running[:1, :, before]).all()
    assert (running[..., ~before] != running[:1, :, ~before]).any(axis=(1, 2)).sum() > len(rows) / 3


def test_a_later_lesion_has_no_birth_score(found):
    later = found["ages"][1]
    assert later["age"] == 100
    assert set(later["intact"]) == {"ceiling", "speed"}
    assert effect(found, "sole", age=100)["ceiling"]["reading"] == "harm"
    assert effect(found, "dead", age=100)["ceiling"]["reading"] in ("none", "unclear")


def test_the_mean_of_an_observation_is_over_the_lives_that_are_lived(sighted):
    keys = sighted.keys(sighted.extent.lives)
    newborns, born_as = draw_fresh(sighted.dna.pool, sighted.dna.newborns, np.zeros(len(keys), np.int64), keys)
    _, trace = traced_lives(sighted.driver, newborns, born_as, keys, Plan(sighted.lifetime))
    np.testing.assert_allclose(observation_means(sighted), trace.observations.mean(axis=(0, 1)), atol=1e-6)


def test_of_a_long_life_only_the_beginning_is_averaged(sighted, monkeypatch):
    monkeypatch.setattr(module, "MEAN_STEPS", 50)
    keys = sighted.keys(sighted.extent.lives)
    newborns, born_as = draw_fresh(sighted.dna.pool, sighted.dna.newborns, np.zeros(len(keys), np.int64), keys)
    _, trace = traced_lives(sighted.driver, newborns, born_as, keys, Plan(sighted.lifetime))
    np.testing.assert_allclose(observation_means(sighted), trace.observations[:, :50].mean(axis=(0, 1)), atol=1e-6)


def test_where_all_weights_are_worth_the_same_a_lesion_is_a_sham(tmp_path):
    extent = dataclasses.replace(TINY, shams=60)
    weights = {"policy.weight": 1.0, "policy.bias": 1.0, "value.weight": 1.0, "value.bias": 1.0}
    specimen = specimen_for(
        tmp_path,
        "tests.helpers.inspected_worlds:ladder",
        weights,
        extent=extent,
        learner={"window": 10, "learn_until": 0},
    )
    found = inspect_lesions(specimen)
    for number in range(4):
        birth = effect(found, f"one {number}")["birth"]
        assert birth["change"]["of"]["value"] == pytest.approx(-1.0, abs=1e-5)
        assert birth["shams"]["mean"] == pytest.approx(-1.0, abs=0.2)
        assert birth["reading"] == "harm as shams"
    assert effect(found, "policy")["birth"]["change"]["of"]["value"] == pytest.approx(-5.0, abs=1e-5)
    assert {lesion["kind"] for lesion in found["ages"][0]["lesions"]} == {"observation", "layer"}


def test_without_the_learner_nothing_is_left_of_what_only_learning_finds(tmp_path):
    extent = dataclasses.replace(TINY, lives=12)
    specimen = specimen_for(
        tmp_path, "tests.helpers.probe_worlds:only_learning", {"policy.weight": 0.0, "policy.bias": 0.0},
        plasticity=FAST, extent=extent, lifetime=600,
    )  # fmt: skip
    found = inspect_lesions(specimen)
    learner = effect(found, "learner", "off")
    assert nothing(learner["birth"]["change"])
    assert found["ages"][0]["intact"]["ceiling"]["value"] > 0.9
    ceiling = learner["ceiling"]
    assert found["ages"][0]["intact"]["ceiling"]["value"] + ceiling["change"]["of"]["value"] == pytest.approx(
        0.5, abs=0.1
    )
    assert ceiling["reading"] == "harm"
    assert learner["speed"]["change"]["of"]["value"] > 0
    section = lesions_section(found, {})
    assert any("it lives by what it learns" in sentence for sentence in section.sentences)


def test_a_drive_that_teaches_is_missed(tmp_path):
    extent = dataclasses.replace(TINY, lives=12)
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", {**SHARP, "policy.weight": 0.0},
        drives={"fitness": 0.0, "hint": 1.0}, plasticity=FAST, extent=extent, lifetime=1000,
    )  # fmt: skip
    found = inspect_lesions(specimen)
    assert any(
        "drive hint" in text and "no sham is of its size" in text for text in lesions_section(found, {}).sentences
    )
    assert effect(found, "hint", kind="drive")["ceiling"]["reading"] == "harm"
    assert effect(found, "fitness", kind="drive")["ceiling"]["reading"] == "none"
    assert effect(found, "fitness", kind="drive")["speed"]["reading"] == "none"


# Times.


def test_time_to_threshold_counts_from_the_lesion_and_is_cut_off():
    clock = Clock(lifetime=100, bin_steps=10, birth_steps=20)
    running = np.zeros((3, 9))
    running[0, 4:] = 1.0  # the window over steps 40 .. 60
    running[1, 0:2] = 1.0
    np.testing.assert_array_equal(first_times(running, clock, 0, 0.5), [60, 20, np.inf])
    np.testing.assert_array_equal(first_times(running, clock, 30, 0.5), [30, np.inf, np.inf])
    np.testing.assert_array_equal(first_times(running, clock, 75, 0.5), [25, np.inf, np.inf])
    assert clock.latest() == 80


def test_a_last_bin_that_is_shorter_is_no_window():
    clock = Clock(lifetime=95, bin_steps=10, birth_steps=20)
    running = np.zeros((1, 9))
    running[0, 8] = 1.0
    assert first_times(running, clock, 0, 0.5) == [np.inf]


# Statistics of made-up scores.


def table(lesions, draws=20):
    """An intact row, and for each lesion its own and its shams'."""
    rows = [Row("intact", None, lambda: None)]
    for lesion in lesions:
        rows += [Row("lesion", lesion, lambda: None)]
        rows += [Row("sham", lesion, lambda: None) for _ in range(draws)]
    return rows


LAYERS = [Lesion("layer", name, "zero") for name in ("hidden1", "hidden2", "hidden3", "policy")]


def test_lesions_that_are_shams_are_found_to_be_more_at_no_more_than_the_nominal_rate():
    rows = table(LAYERS)
    found, beyond = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        loss = 0.3 + 0.05 * rng.standard_normal((len(rows), 1)) * (seed % 2)  # half of them: draws differ
        loss[0] = 0.0
        values = 0.8 - loss + 0.1 * rng.standard_normal(12) + 0.1 * rng.standard_normal((len(rows), 12))
        some = effects("ceiling", LAYERS, rows, LesionedLives(values))
        assert all(one.change.p_holm < 0.01 for one in some)
        readings = [one.reading for one in some]
        if seed % 2 == 0:
            found += [one.shams.net.p <= 0.05 for one in some]
        beyond.append([reading == "harm" for reading in readings])
    assert np.mean(found) <= 0.09
    assert np.mean(beyond) <= 0.05


def skewed(rng, rows):
    """What random cuts do: mostly nothing, at times everything, in every life much the same."""
    loss = np.where(rng.random(rows) < 0.15, rng.gamma(1.0, 0.3, rows), 0.0)[:, None]
    return 0.8 - loss * (1.0 + 0.1 * rng.standard_normal((rows, 12)))


def test_of_skewed_shams_held_as_lesions_few_are_said_to_be_more():
    rows = table(LAYERS)
    beyond, harmful = [], []
    for seed in range(150):
        values = skewed(np.random.default_rng([3, seed]), len(rows))
        values[0] = 0.8
        readings = [one.reading for one in effects("ceiling", LAYERS, rows, LesionedLives(values))]
        beyond += [reading == "harm" for reading in readings]
        harmful += [reading.startswith("harm") for reading in readings]
    assert np.mean(harmful) > 0.1  # any of them would be taken for a part that matters
    assert np.mean(beyond) <= 0.06  # 1 in 21 that it outdoes all of 20


def test_shams_that_do_nothing_at_all_do_not_make_every_lesion_certain():
    rows = table(LAYERS[:1], draws=10)
    values = np.full((len(rows), 12), 0.8)
    values[1] -= 0.5 + 0.01 * np.arange(12)
    one = effects("ceiling", LAYERS[:1], rows, LesionedLives(values))[0]
    assert one.shams.p == pytest.approx(1 / 11)
    assert one.reading == "harm as shams"
    rows = table(LAYERS[:1], draws=19)
    values = np.concatenate([values, np.full((9, 12), 0.8)])
    assert effects("ceiling", LAYERS[:1], rows, LesionedLives(values))[0].reading == "harm"
    values[-1] = values[1]
    assert effects("ceiling", LAYERS[:1], rows, LesionedLives(values))[0].reading == "harm as shams"


def test_lesions_of_nothing_are_found_at_the_nominal_rate():
    rows = table(LAYERS)
    found, families = [], []
    for seed in range(80):
        rng = np.random.default_rng([1, seed])
        some = effects("birth", LAYERS, rows, LesionedLives(0.5 + 0.1 * rng.standard_normal((len(rows), 12))))
        found += [one.change.p <= 0.05 for one in some]
        families.append(any(one.reading != "unclear" for one in some))
    assert 0.015 <= np.mean(found) <= 0.09
    assert np.mean(families) <= 0.09


def test_a_planted_loss_is_found_and_its_interval_covers():
    rows = table(LAYERS)
    covered = []
    for seed in range(60):
        rng = np.random.default_rng([2, seed])
        values = 0.8 + 0.1 * rng.standard_normal(12) + 0.05 * rng.standard_normal((len(rows), 12))
        values[1] -= 0.3
        one = effects("ceiling", LAYERS, rows, LesionedLives(values))[0]
        assert one.reading == "harm"
        assert one.shams.outdone == one.shams.count == 20
        covered.append(one.change.of.low <= -0.3 <= one.change.of.high)
    assert np.mean(covered) >= 0.89


def test_a_longer_time_is_harm():
    rows = table(LAYERS[:1])
    values = np.full((len(rows), 12), 100.0)
    values[1] += 300.0 + np.arange(12)
    assert effects("speed", LAYERS[:1], rows, LesionedLives(values, rest=1000.0))[0].reading == "harm"
    assert effects("speed", LAYERS[:1], rows, LesionedLives(500.0 - values, rest=1000.0))[0].reading == "help"


def test_a_time_in_the_last_window_is_earlier_than_never():
    rows = table(LAYERS[:1])
    values = np.full((len(rows), 12), 1000.0)
    values[1] = np.inf
    one = effects("speed", LAYERS[:1], rows, LesionedLives(values, rest=1000.0))[0]
    assert one.change.of.value == 0.0  # of times cut off nothing is to be seen
    assert one.reading == "harm"
    assert (one.lives.never, one.shams.lives.never) == (12, 0)
    same = effects("speed", LAYERS[:1], rows, LesionedLives(np.full_like(values, np.inf), rest=1000.0))[0]
    assert same.reading == "none"
    assert same.lives.never == 12


def test_times_are_tested_by_their_ranks():
    rows = table(LAYERS[:1])
    values = np.full((len(rows), 12), 100.0) + np.arange(12)
    values[1, :6] += 10_000.0
    values[1, 6:] -= 10.0
    one = effects("speed", LAYERS[:1], rows, LesionedLives(values, rest=20_000.0))[0]
    assert one.change.of.low > 0.0 or one.change.of.value == pytest.approx(4995.0)
    assert one.change.p > 0.2


def test_a_life_cut_short_by_its_brain_is_no_gain():
    rows = table(LAYERS[:1])
    values = np.full((len(rows), 12), -5.0)
    values[1] = -0.1 * np.arange(1, 13)  # steps that are not lived earn 0
    broken = np.zeros(values.shape, bool)
    assert effects("ceiling", LAYERS[:1], rows, LesionedLives(values))[0].reading == "help"
    broken[1, :3] = True
    one = effects("ceiling", LAYERS[:1], rows, LesionedLives(values, diverged=broken))[0]
    assert (one.reading, one.lives.diverged, one.lives.of) == ("diverged", 3, 12)
    # Nor is a sham whose brain diverged outdone.
    values[1], values[2], broken[1], broken[2] = -9.0, 0.0, False, True
    one = effects("ceiling", LAYERS[:1], rows, LesionedLives(values, diverged=broken))[0]
    assert (one.reading, one.shams.outdone, one.shams.count) == ("harm as shams", 19, 20)


def test_the_largest_of_many_is_measured_in_lives_that_did_not_choose_it():
    honest, marginal = [], []
    for seed in range(200):
        own = np.random.default_rng([4, seed]).standard_normal((30, 12))
        place, size = largest("ceiling", own, own, range(30))
        honest.append(size.value)
        marginal.append(own[place].mean())
    assert np.mean(marginal) < -0.5
    assert abs(np.mean(honest)) < 0.06
    own[7] -= 4.0
    assert largest("ceiling", own, own, range(30))[0] == 7
    assert largest("speed", own, own, [7]) is None
    assert largest("ceiling", own, own, []) is None


# Every kind of animal.


@pytest.mark.parametrize(
    ("world", "brain"),
    [
        ("gymnasium:CartPole-v1", {"trunk": "relu", "hidden": [3]}),
        ("tests.helpers.probe_worlds:restless_box", {"trunk": "mlp", "hidden": [3, 2]}),
        ("tests.helpers.probe_worlds:restless", {"trunk": "linear", "hidden": []}),
    ],
)
def test_any_world_and_trunk(tmp_path, world, brain):
    extent = dataclasses.replace(TINY, lives=3, lesion_modes=ALL_HOWS, shams=2)
    seen = []
    specimen = specimen_for(tmp_path, world, extent=extent, lifetime=60, brain=brain)
    specimen = dataclasses.replace(specimen, progress=lambda done, of: seen.append((done, of)))
    found = inspect_lesions(specimen, age=30)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert seen[-1][0] == seen[-1][1]
    assert found == inspect_lesions(specimen, age=30)
    layers = {lesion["name"] for lesion in found["ages"][0]["lesions"] if lesion["kind"] == "layer"}
    assert layers == {"policy", *(f"hidden{number + 1}" for number in range(len(brain["hidden"])))}
    section = lesions_section(found, {})
    assert [chart.key for chart in section.charts] == ["lesions_at_birth", "lesions_later"]
    assert any("no test can come out under Holm" in sentence for sentence in section.sentences)
    specimen.driver.close()


@pytest.mark.parametrize("group", ["weights", "drives", "plasticity"])
def test_what_is_drawn_afresh_in_each_life_can_be_operated_on(tmp_path, group):
    extent = dataclasses.replace(TINY, lives=4, lesion_modes=ALL_HOWS, shams=2)
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", extent=extent, genome={group: {"mode": "fresh"}}
    )
    found = inspect_lesions(specimen)
    kinds = {lesion["kind"] for lesion in found["ages"][0]["lesions"]}
    assert ("drive" in kinds) == (group != "drives")
    means = {lesion["kind"] for lesion in found["ages"][0]["lesions"] if lesion["how"] == "mean"}
    assert ("layer" in means) == ("critic" in means) == (group != "weights")
    assert (found["norms"] is None) == (group == "weights")
    section = lesions_section(found, {})
    assert any("norm" in column for column in section.tables[0].columns) == (group != "weights")
    assert any("drawn anew in each life" in sentence for sentence in section.sentences) == (group == "drives")


def test_who_does_not_learn_has_only_its_brain_to_lose(tmp_path):
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", SHARP, learner={"window": 10, "learn_until": 0},
        extent=dataclasses.replace(TINY, lives=12, shams=20),
    )  # fmt: skip
    found = inspect_lesions(specimen)
    assert {lesion["kind"] for lesion in found["ages"][0]["lesions"]} == {"observation", "layer"}
    section = lesions_section(found, {})
    assert section.sentences[0].startswith("Of 3 lesions at birth, ")
    assert any("It does not learn where it evolved" in sentence for sentence in section.sentences)


def test_no_better_than_random_has_no_threshold(tmp_path):
    weights = {**SHARP, "policy.weight": [[4.0, 0.0], [-4.0, 0.0]]}
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", weights, learner={"window": 10, "learn_until": 0},
        extent=dataclasses.replace(TINY, lives=12, shams=20),
    )  # fmt: skip
    found = inspect_lesions(specimen)
    assert found["ages"][0]["level"]["threshold"] is None
    assert set(found["ages"][0]["intact"]) == {"birth", "ceiling"}
    assert effect(found, "sole")["birth"]["reading"] == "help"
    sentences = lesions_section(found, {}).sentences
    assert any("does better than random actions, intact, cannot be told" in sentence for sentence in sentences)
    assert sentences[0].startswith("No lesion at birth is shown to harm the birth score")


def test_the_threshold_lies_halfway_from_random_actions_in_other_lives(sighted):
    level = level_of(sighted, clock_of(sighted), 0)
    assert level.threshold == (level.random + level.intact) / 2
    assert level.random == pytest.approx(0.5, abs=0.06)
    assert level.above.value == pytest.approx(level.intact - level.random)
    keys = sighted.keys(12, module.LEVEL_LIVES)
    assert not {tuple(key) for key in keys} & {tuple(key) for key in sighted.keys(12)}
    plan = Plan(sighted.lifetime, sighted.setup.selection.learn_from, sighted.setup.selection.learn_until, bin_steps=10)
    newborns, born_as = draw_fresh(sighted.dna.pool, sighted.dna.newborns, np.zeros(12, np.int64), keys)
    outcome, _ = lives(sighted.driver, sighted.setup.conditions, newborns, born_as, keys, plan)
    assert level.intact == pytest.approx(outcome.fitness[:, 15:].sum(axis=1).mean() / 50)


def test_an_animal_that_is_hardly_better_than_random_has_no_threshold(tmp_path):
    weights = {**SHARP, "policy.weight": [[-0.02, 0.0], [0.02, 0.0]]}
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", weights, learner={"window": 10, "learn_until": 0}
    )
    level = level_of(specimen, clock_of(specimen), 0)
    assert level.intact > level.random
    assert level.above.low <= 0.0
    assert level.threshold is None


def test_lives_that_diverge_are_counted_and_said(tmp_path):
    weights = {**SHARP, "policy.bias": [3e38, 3e38], "policy.weight": [[-3e38, 0.0], [3e38, 0.0]]}
    specimen = specimen_for(
        tmp_path, "tests.helpers.inspected_worlds:sign", weights, learner={"window": 10, "learn_until": 0}
    )
    found = inspect_lesions(specimen)
    assert found["ages"][0]["intact"]["birth"]["diverged"] == specimen.extent.lives
    assert found["ages"][0]["level"]["threshold"] is None
    section = lesions_section(found, {})
    assert any("Intact, its brain diverged in 10 of 10 lives" in sentence for sentence in section.sentences)
    assert "diverged" in section.tables[0].columns


def test_of_many_observations_those_that_are_read_most_are_cut(sighted, monkeypatch):
    monkeypatch.setattr("evolearn.inspection._lesion_rows.MOST_OBSERVATIONS", 1)
    assert cut_observations(sighted) == [0]
    assert inspect_lesions(dataclasses.replace(sighted, extent=TINY))["observations_left_out"] == 1


def test_where_no_weight_is_larger_the_first_observations_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("evolearn.inspection._lesion_rows.MOST_OBSERVATIONS", 1)
    specimen = specimen_for(tmp_path, "tests.helpers.inspected_worlds:sign", genome={"weights": {"mode": "fresh"}})
    assert cut_observations(specimen) == [0]
    sentences = lesions_section(inspect_lesions(specimen), {}).sentences
    assert any("1 observations that come last, since each life draws its weights" in sentence for sentence in sentences)


def test_what_is_unchanged_is_not_said_to_need_no_learning(found):
    at = found["ages"][0]
    effects = {"ceiling": {**effect(found, "learner", "off")["ceiling"], "reading": "none"}}
    lesion = {"kind": "learner", "name": "learner", "how": "off", "effects": effects}
    assert "is the same in every life; learning may still change what" in lesions_page._learner(at, lesion)
    assert "at the top of its scale" not in lesions_page._learner(at, lesion)
    ceiling = {**at["intact"]["ceiling"], "same": True}
    assert "may be at the top of its scale" in lesions_page._learner(
        {**at, "intact": {**at["intact"], "ceiling": ceiling}}, lesion
    )


def test_an_age_without_a_rest_of_life_is_refused(sighted):
    with pytest.raises(LesionError, match="age=190: must be at most 180, so that 20 steps of a life of 200 are left"):
        inspect_lesions(sighted, age=190)


# Words and pictures.


def test_the_section_names_the_worst_and_sorts_by_harm(found):
    section = lesions_section(found, {})
    at = found["ages"][0]
    for metric in ("birth", "ceiling", "speed"):
        worst = next(text for text in section.sentences if f"harms the {found['metrics'][metric]} " in text)
        assert worst.startswith(f"Of {len(at['lesions'])} lesions at birth, ")
        changes = [HARM[metric] * lesion["effects"][metric]["change"]["of"]["value"] for lesion in at["lesions"]]
        named = at["lesions"][at["largest"][metric]["all"]["lesion"]]
        assert HARM[metric] * named["effects"][metric]["change"]["of"]["value"] == pytest.approx(max(changes))
        assert f"{named['name']} {HOWS[named['how']]}" in worst
    assert any("sense sole set to" in text and "more than all 20 shams" in text for text in section.sentences)
    assert not any("suffers most" in text for text in section.sentences)
    assert any("at least" in text and "time to threshold" in text for text in section.sentences)
    keys = [table.key for table in section.tables]
    assert keys == [
        *("lesions_birth", "lesions_ceiling", "lesions_speed", "lesions_senses"),
        *("lesions_ceiling_later", "lesions_speed_later", "lesions_senses_later"),
    ]
    change = section.tables[0].columns.index("change")
    changes = [float(row[change].split()[0].replace("\N{MINUS SIGN}", "-")) for row in section.tables[0].rows]
    assert changes == sorted(changes)
    views = [view.name for view in section.charts[0].views]
    assert views[:3] == ["birth score, set to zero", "birth score, set to the mean", "birth score, permuted"]
    panel = section.charts[0].views[0].panels[0]
    assert {"sole", "dead", "layer: policy"} == {text for _, text in panel.y.ticks}
    assert "learner" in [text for _, text in section.charts[0].views[3].panels[0].y.ticks]
    assert "not of evolution" in section.sentences[-1]


def test_a_layer_that_harms_most_is_named_before_the_part_that_is_beyond_its_shams(found):
    altered = json.loads(json.dumps(found))
    at = altered["ages"][0]
    place = next(place for place, one in enumerate(at["lesions"]) if (one["name"], one["how"]) == ("policy", "zero"))
    birth = at["lesions"][place]["effects"]["birth"]
    birth["reading"], birth["shams"]["outdone"], birth["change"]["of"]["value"] = "harm as shams", 17, -0.9
    at["largest"]["birth"]["all"] = {"lesion": place, "size": {"value": -0.9, "low": -0.95, "high": -0.85}}
    first, second = lesions_section(altered, {}).sentences[:2]
    minus = "\N{MINUS SIGN}"
    assert "layer policy set to zero harms the birth score" in first
    assert f"most, by {minus}0.900 [{minus}0.950, {minus}0.850]; it outdoes 17 of its 20 shams" in first
    assert "is not shown to exceed them" in first
    assert second.startswith("Of single parts, what harms the birth score most beyond its shams is sense sole ")

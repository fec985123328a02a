"""Drives of newborns of which they are known beforehand."""

import json

import numpy as np
import pytest

from evolearn.inspection import _drives as drives_room
from evolearn.inspection._drives import inspect_drives
from evolearn.inspection._newborn_lives import first_steps, newborn
from evolearn.life import lives
from evolearn.report.inspection.drives import drives_section
from tests.helpers.inspected_dna import alive, config, made_dna


def as_json(found):
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.fixture(scope="module")
def drives(pole):
    return as_json(inspect_drives(pole))


def test_the_reward_is_that_of_the_planted_weights(pole, drives):
    rows = {row["name"]: row for row in drives["drives"]}
    assert [rows[name]["weight"] for name in ("fitness", "uprightness", "centredness")] == [0.25, -2.0, 0.0]
    assert rows["fitness"]["kind"] == "fitness"
    assert rows["uprightness"]["kind"] == "sense"
    steps = first_steps(pole, 6)
    upright = -2.0 * steps.trace.drives[..., 1].astype(np.float64)
    assert rows["uprightness"]["mean"] == pytest.approx(upright.mean(), rel=1e-5)
    assert rows["uprightness"]["stdev"] == pytest.approx(upright.std(), rel=1e-5)
    # Being alive pays the same in every step: it makes up some of the mean and nothing of the variance.
    assert rows["fitness"]["share_variance"] == pytest.approx(0.0, abs=1e-6)
    assert rows["uprightness"]["share_variance"] == pytest.approx(1.0)
    assert rows["fitness"]["share_mean"] == pytest.approx(0.25 / (0.25 + abs(upright.mean())), rel=1e-4)
    assert rows["centredness"]["share_mean"] == 0.0
    assert drives["reward_mean"] == pytest.approx(0.25 + upright.mean(), rel=1e-5)


def test_whiskers_are_one_spread_in_natural_units(drives):
    row = drives["drives"][1]
    assert row["weight_high"] - row["weight"] == pytest.approx((row["start_high"] - row["start"]) / 2, rel=1e-4)


def test_shares_of_variance_sum_to_one_with_drives_against_each_other():
    rng = np.random.default_rng(0)
    joy = rng.normal(size=500)
    weighted = np.stack([joy, -0.5 * joy, np.full(500, 3.0)], axis=1)
    shares = drives_room._shares(weighted, weighted.sum(axis=1))
    np.testing.assert_allclose(shares["share_variance"], [2.0, -1.0, 0.0], atol=1e-12)
    assert shares["share_mean"].sum() == pytest.approx(1.0)


def test_a_reward_that_never_varies_has_no_shares():
    shares = drives_room._shares(np.full((10, 2), 0.1), np.full(10, 0.2))
    assert np.isnan(shares["share_variance"]).all()


def test_reward_along_a_life_is_that_of_the_life(pole, drives):
    along = drives["along"]
    assert [view["name"] for view in along["views"]] == ["not learning", "learning"]
    arm = newborn(pole)
    keys = pole.keys(1)
    born, born_as = arm.born(keys)
    _, trace = lives(pole.driver, pole.setup.conditions, born, born_as, keys, arm.plan(60), 60)
    view, window = along["views"][1], along["window"]
    assert list(view["drives"]) == ["fitness", "uprightness"]  # what has no weight pays nothing
    place = len(view["age"]) // 2
    age = view["age"][place]
    expected = (trace.drives[age - window : age].astype(np.float64) * [0.25, -2.0, 0.0]).sum(axis=1).mean()
    assert view["reward"][place] == pytest.approx(expected, rel=1e-5)
    assert view["age"][-1] == 60


def test_the_section_of_drives_says_the_formula(drives):
    section = drives_section(drives, {})
    assert section.sentences[0] == "The reward of a step is +0.25 fitness \N{MINUS SIGN}2.00 uprightness."
    assert any(sentence.startswith("fitness paid the same in every step") for sentence in section.sentences)
    along = next(chart for chart in section.charts if chart.key == "drives_along")
    assert [series.name for series in along.views[0].panels[0].series] == ["uprightness", "fitness", "reward"]


def test_a_newborn_without_drives_is_rewarded_by_nothing(tmp_path, pole):
    planted = {("drives", name): [0.0] for name in ("fitness", "uprightness", "centredness")}
    dna = made_dna(tmp_path / "dna", config(), planted)
    section = drives_section(as_json(inspect_drives(alive(dna, pole.driver))), {})
    assert section.sentences[0].startswith("No drive has any weight")
    assert "drives_along" not in [chart.key for chart in section.charts]

"""Decisions until so many are right: where a curve crosses, and what lives and evolutions of a toy study come to."""

import math

import numpy as np
import pytest

from benchmarks import information
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.study.config import check_study
from tests.helpers.study_watch import lived_without_page

LIVES = 16


def test_an_age_is_the_end_of_the_first_bin_that_is_right_so_often():
    scores = np.array([0.3, 0.79, 0.8, 0.6])
    assert information.first_age(scores, 50, 0.8) == 150
    assert information.first_age(scores, 50, 0.81) == math.inf


def test_a_curve_is_crossed_between_its_points():
    steps, scores = [0.0, 10.0, 30.0], [0.2, 0.5, 0.9]
    assert information.crossing(steps, scores, 0.7) == pytest.approx(20.0)
    assert information.crossing(steps, scores, 0.1) == 0.0
    assert information.crossing(steps, scores, 0.95) == math.inf


def test_ratios_are_of_geometric_means_with_an_interval_that_holds_them():
    least = np.array([100.0, 110.0, 90.0, 105.0])
    ratio, low, high = (float(word.strip("[],")) for word in information._ratio(3.0 * least, least).split())
    assert ratio == pytest.approx(3.0)
    assert low <= ratio <= high
    assert information._ratio(np.array([1.0, math.inf, math.inf]), least[:3]) == ""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Labels, reward and selection with four inputs, each easily right half of the time."""
    content = read_yaml(find_config("claims/information", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = [{"name": "four inputs"}]
    content["arms"] = ["random", "labels", "reward", "selection", "oracle"]
    content["primary"] = {"arm": "selection", "against": "labels", "metric": "total"}
    content["margins"] = {"total": 0.01}
    run = content["run"]
    run["world"] |= {"name": "linear-teacher-4", "parameters": {"delay": 16}}
    run["search"] |= {"selection_lifetime": 64, "population": 16, "generations": 12}
    run["evaluation"] |= {"lives": 2, "birth_steps": 20, "bin_steps": 20, "lifetimes": [400]}
    small = {"search.generations": 2, "search.population": 8, "search.selection_lifetime": 400}
    for arm in ("labels", "reward"):
        content["define"][arm].setdefault("settings", {}).update(small)
    content["define"]["reward"]["settings"]["learner.window"] = 16
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("information") / "study", 2)


def test_labels_need_fewer_decisions_than_selection_and_both_are_counted(study):
    found = information.table(study, 0.5, LIVES)
    rows = {row[1]: dict(zip(found.heads, row, strict=True)) for row in found.rows}
    assert set(rows) == {"labels", "reward", "selection"}
    assert float(rows["labels"]["decisions"]) < float(rows["selection"]["decisions"].replace(",", ""))
    assert rows["labels"]["times the least"] == ""
    assert float(rows["selection"]["times the least"].split()[0]) > 1.0
    assert rows["labels"]["times reward"] == rows["reward"]["times reward"] == ""
    assert rows["selection"]["times reward"] == ""  # in lives so short reward never gets there
    assert [row["never"] for row in rows.values()] == ["0 of 2", "2 of 2", "0 of 2"]
    assert rows["selection"]["to find how to learn"] == "the same"


def test_a_ratio_has_an_interval_where_all_runs_get_there_and_is_none_where_most_do_not():
    ones = np.array([90.0, 100.0, 110.0])
    assert information._ratio(4 * ones, ones).startswith("4 [")
    assert information._ratio(ones, np.array([90.0, 100.0, math.inf])) == "1"
    assert information._ratio(ones, np.full(3, math.inf)) == information._ratio(np.full(3, math.inf), ones) == ""


def test_what_is_never_reached_is_never(study):
    found = information.table(study, 0.999, 2)
    assert {row[2] for row in found.rows} == {"never"}
    assert {row[4] for row in found.rows} == {"2 of 2"}

"""The tables of `claims/culture`: who is ahead of whom, bands that can be missed, scores by cultural generation."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import culture
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.study.config import check_study

STILL, REDRAWN = "nothing changes", "all redrawn between lives"


def planted(**levels):
    """The study of the claim under two conditions, in which runs of an arm came to so much."""
    content = read_yaml(find_config("claims/culture", STUDIES)) | {"runs": 5}
    content["conditions"] = [one for one in content["conditions"] if one["name"] in (STILL, REDRAWN)]
    luck = 0.001 * np.array([-1, 0, 1, 1, -1])
    at = dict.fromkeys(content["arms"], 0.5) | levels
    arms = {
        arm: {"runs": [{"ceiling": level + one} for one in np.roll(luck, place)]}
        for place, (arm, level) in enumerate(at.items())
    }
    conditions = [{"name": one["name"], "arms": arms} for one in content["conditions"]]
    return check_study(content, "planted"), {"study": {"title": "t", "runs": 5}, "conditions": conditions}


def test_imitation_is_beyond_all_others_or_it_is_not():
    for levels, word in (
        ({"best_elder": 0.7, "weights": 0.69}, "yes"),
        ({"best_elder": 0.7, "weights": 0.71}, "no"),
        ({"several_elders": 0.7, "long": 0.7}, "undecided"),
        ({"oracle": 0.9, "random_elder": 0.6}, "yes"),
    ):
        table, _ = culture.tables(*planted(**levels))
        assert [row[-1] for row in table.rows] == [word, word], levels
    assert table.heads[:3] == ("condition", "random", "none")
    assert table.rows[0][3] == "0.600 ± 0.000"
    assert table.rows[0][-2].startswith("+0.100 [+0.09"), table.rows[0][-2]


def test_one_run_has_no_interval_and_decides_nothing():
    config, verdict = planted(best_elder=0.7)
    for condition in verdict["conditions"]:
        for arm in condition["arms"].values():
            del arm["runs"][1:]
    verdict["study"]["runs"] = 1
    table, bands = culture.tables(config, verdict)
    assert table.title.endswith(", 1 run")
    assert table.rows[0][-2:] == ("+0.200, one run", "undecided")
    assert {row[-1] for row in bands.rows} == {"undecided"}


def test_bands_are_of_actions_right_and_can_be_missed():
    """With a pay that is wrong in a fifth of the steps an action more that is right pays .6."""

    def met(**levels):
        return {row[:2]: row[-1] for row in culture.tables(*planted(**levels))[1].rows}

    assert met(best_elder=0.54, long=0.58) == {
        (STILL, "imitation ahead of none"): "yes",
        (STILL, "long ahead of imitation"): "yes",
        (REDRAWN, "imitation as none"): "no",
    }
    assert list(met(best_elder=0.502, long=0.52).values()) == ["no", "no", "yes"]
    assert list(met(best_elder=0.53, long=0.56).values()) == ["undecided", "undecided", "no"]


def test_scores_by_generation_are_means_over_its_bins(tmp_path):
    config, _ = planted()
    ages = np.tile(np.arange(100, 3201, 100), 2)
    rows = {
        "condition": pa.array([STILL] * 65).dictionary_encode(),
        "arm": pa.array(["none"] * 65).dictionary_encode(),
        "learning": [True] * 64 + [False],
        "lifetime": [3200] * 65,
        "age": [*ages, 100],
        "score": [*((ages - 1) // 400 + np.repeat([0.0, 0.5], 32)), 99.0],
    }
    pq.write_table(pa.table(rows), tmp_path / "lives.parquet")
    found = culture.by_generation(tmp_path, config)
    assert found.rows == [(STILL, "none", *(f"{number + 0.25:.3f}" for number in range(8)))]


def test_a_study_without_imitation_and_no_study_are_refused(tmp_path, monkeypatch, capsys):
    content = read_yaml(find_config("claims/culture", STUDIES))
    content["define"] = {name: {"like": "tuned_learner"} for name in content["define"]}
    content["conditions"] = [{"name": STILL}]
    config = check_study(content, "planted")
    with pytest.raises(UserError, match=r"condition 'nothing changes': no arm has teacher.source=parent"):
        culture.sides(config, config.conditions[0])
    monkeypatch.setattr(sys, "argv", ["culture", str(tmp_path)])
    with pytest.raises(SystemExit):
        culture.main()
    assert str(tmp_path) in capsys.readouterr().err

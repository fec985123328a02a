"""The tables of what evolution wrote into drives: planted weights, and lives counted as the study counts them."""

import json

import pytest

from benchmarks import wants
from evolearn.config import STUDIES, check_config, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.life import OwnDrivers
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble
from evolearn.study import start_study
from evolearn.study.config import check_study
from tests.helpers.watching import StudyWatcher

STEPS, LIVES = 1500, 100


def test_weights_are_told_over_runs_with_their_signs():
    entries = [
        {
            "run": run,
            "drives": {"fitness": 1.0, "novelty": value, "constant": -value},
            "plasticity": {"initial_value": 2.0},
        }
        for run, value in enumerate((0.5, 0.25, -0.75, 3.0))
    ]
    assert [*wants.written(entries, ["novelty", "constant"])] == [
        ("novelty", "+0.375", "-0.75", "+3", "3 of 4"),
        ("constant", "-0.375", "-3", "+0.75", "1 of 4"),
        ("initial_value", "+2", "+2", "+2", "4 of 4"),
    ]


def toy(tmp_path):
    """The study of two arms in small rooms, whose goal may be near."""
    content = read_yaml(find_config("claims/drives-novelty", STUDIES)) | {"runs": 2, "resamples": 100}
    content["arms"] = ["random", "novelty", "none"]
    content["secondary"] = [{"arm": "novelty", "against": "none", "metrics": ["ever"]}]
    content["run"]["world"] = {"name": "rooms-4x4", "parameters": {"tv": 2, "far": 0}}
    content["run"]["search"] |= {"generations": 1, "population": 4, "lives": 2, "selection_lifetime": STEPS}
    content["run"]["evaluation"] |= {"lives": LIVES, "birth_steps": 500, "bin_steps": 250, "lifetimes": [STEPS]}
    del content["define"]["by_largest"]
    path = tmp_path / "study"
    start_study(check_study(content, "toy"), "toy", path, OwnDrivers(2), StudyWatcher())
    return path


def test_lives_lead_where_the_studys_own_do(tmp_path, quick_report):
    path = toy(tmp_path)
    verdict = json.loads((path / "verdict.json").read_text())
    weights, places = wants.tables(path, LIVES)
    assert [row[:3] for row in weights.rows] == [
        ("four rooms", "novelty", "novelty"),
        ("four rooms", "novelty", "constant"),
        ("four rooms", "novelty", "initial_value"),
        ("four rooms", "none", "constant"),
        ("four rooms", "none", "initial_value"),
    ]
    assert [row[1] for row in places.rows] == ["novelty", "none"]
    for row in places.rows:
        of_arm = verdict["conditions"][0]["arms"][row[1]]["runs"]
        goals, ever, cells, late = (float(value.split()[0]) for value in row[2:])
        own = [sum(run[key] for run in of_arm) / 2 for key in ("total", "ever")]
        assert goals == pytest.approx(1000 * own[0], rel=0.25)  # both are means over 200 lives
        assert ever == pytest.approx(own[1], abs=0.15)
        assert 20 < cells <= 64
        assert 0 <= late < 0.6


def test_a_world_without_cells_is_refused():
    setup = assemble(check_config({"world": {"name": "bandit"}}, "toy"))
    with pytest.raises(UserError, match="world bandit: shows no `cell 0`"):
        wants.led(setup, None, None, life_keys(0, VALIDATION, 0, 1), 10)

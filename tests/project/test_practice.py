"""What practice does to a brain: known answers for what is measured, and a table from a small study."""

import math
import sys

import numpy as np
import pytest

from benchmarks import practice
from evolearn.agent import BrainSpec
from evolearn.life import OwnDrivers
from evolearn.study import start_study
from evolearn.study.config import check_study
from tests.helpers.watching import StudyWatcher

BRAIN = BrainSpec("mlp", 4, (2,), 2, "categorical")


def state(trunk=((0,) * 4, (0,) * 4), heads=((0, 0), (0, 0)), classes=2, brain=BRAIN):
    """Of a brain whose two units see four cues as `trunk` says, and whose two actions read units as `heads` says."""
    weights = np.zeros((1, brain.weights))
    weights[0, :8] = np.array(trunk, float).T.reshape(-1)
    weights[0, brain.heads_from : brain.heads_from + 4] = np.array(heads, float).reshape(-1)
    return practice.state_of(brain, weights, 4, classes)


def test_a_policy_without_preferences_has_the_entropy_of_its_choices():
    assert state().entropy == pytest.approx(math.log(2))
    sure = state(trunk=((9, 9, 9, 9), (0,) * 4), heads=((50, 0), (-50, 0)))
    assert sure.entropy == pytest.approx(0, abs=1e-6)
    assert sure.head_norm == pytest.approx(math.hypot(50, 50))
    assert sure.trunk_norm == pytest.approx(18)
    assert np.isnan(state(brain=BrainSpec("mlp", 4, (2,), 2, "epsilon_greedy")).entropy)


def test_a_unit_that_tells_no_cue_from_another_is_dead():
    assert state(trunk=((1, 1, 1, 1), (0,) * 4)).dead == 1
    assert state(trunk=((9, 9, 9, 9), (1, 0, 0, 0))).dead == 0.5


def test_the_class_share_is_whole_where_cues_of_a_class_are_one_and_none_where_classes_are():
    assert state(trunk=((1, 1, -1, -1), (0,) * 4)).class_share == pytest.approx(1)
    assert state(trunk=((1, -1, 1, -1), (0,) * 4)).class_share == pytest.approx(0)
    assert state(trunk=((1, 0, 0, -1), (0,) * 4)).class_share == pytest.approx(0.5)
    assert state(trunk=((1, 0, 0, -1), (0,) * 4), classes=4).class_share == pytest.approx(1)


def test_a_study_gives_a_row_for_each_moment(tmp_path, quick_report, capsys, monkeypatch):
    run = {
        "world": {"name": "cued-bandit-16x4", "switch_at": 100, "parameters": {"classes": 4}},
        "brain": {"hidden": [4]},
        "learner": {"optimiser": "sgd", "plasticity": {"learning_rate": 1.0}},
        "search": {"population": 2, "generations": 1, "lives": 1, "selection_lifetime": 40},
        "evaluation": {"lives": 2, "lifetimes": [200], "birth_steps": 50, "bin_steps": 50},
    }
    content = {
        "runs": 1,
        "run": run,
        "conditions": [{"name": "as it is"}],
        "arms": ["random", "gradient", "head_reset"],
        "define": {
            "gradient": {"like": "tuned_learner"},
            "head_reset": {"like": "tuned_learner", "settings": {"learner.reset": "heads"}},
        },
        "primary": {"arm": "gradient", "against": "head_reset", "metric": "window_after"},
        "margins": {"window_after": 0.05},
        "resamples": 100,
        "replay": {"steps": 20},
        "threshold": {"of": "best"},
    }
    start_study(check_study(content, "toy"), "toy", tmp_path / "study", OwnDrivers(1), StudyWatcher())
    rows = {row[1:3]: row[3:] for row in practice.practised(tmp_path / "study", ["gradient", "head_reset"], 2)}
    assert {when for _, when in rows} == {"at birth", "before", "after", "50 later"}
    entropy, trunk, head, *_, right = range(6)
    assert (
        rows["gradient", "after"][:right] == rows["gradient", "before"][:right] != rows["gradient", "at birth"][:right]
    )
    assert [row[right] != "" for row in rows.values()] == [False, True, False, True] * 2
    shares = [float(row[right]) for (_, when), row in rows.items() if when in ("before", "50 later")]
    assert all(0 < share < 1 for share in shares)
    reset, born, before = (rows["head_reset", when] for when in ("after", "at birth", "before"))
    assert (reset[entropy][:3], reset[head]) == (born[entropy][:3], born[head])
    assert reset[trunk] == before[trunk] != born[trunk]
    monkeypatch.setattr(sys, "argv", ["practice", str(tmp_path / "study"), "--arms", "gradient", "--markdown"])
    practice.main()
    assert capsys.readouterr().out.startswith("| condition | arm | when |")

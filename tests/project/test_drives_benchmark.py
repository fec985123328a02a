"""The tables of drives: what lives are counted for, and what cannot be asked."""

import sys

import numpy as np
import pytest

from benchmarks import drives
from evolearn.life import FROM_UNIFORM


def test_cells_goals_and_steps_at_the_television_are_counted():
    how = ("mean", 300, 12, 1, (1, 100, 300))
    lived = drives.live(drives.WITH_TV, drives.VALUES, {"novelty": 1.0}, *how)
    assert lived.cells.shape == (12, 3)
    assert (lived.cells[:, 0] == 1).all()
    assert (np.diff(lived.cells, axis=1) >= 0).all()
    assert lived.cells.max() <= 64
    assert set(np.unique(lived.fitness)) <= {0.0, 1.0}
    assert 0.0 < lived.watched.mean() < 0.5
    random = drives.live({"name": "rooms"}, drives.VALUES, {}, *how, FROM_UNIFORM)
    assert not random.watched.any()
    assert 20 < random.cells[:, 2].mean() < 50


def test_lives_are_the_same_in_pieces(monkeypatch):
    how = (drives.WITH_TV, drives.VALUES, {"novelty": 1.0}, "mean", 200, 5, 0, (200,))
    whole = drives.live(*how)
    monkeypatch.setattr(drives, "TRACED", 2 * 200 * 72)
    for one, other in zip(whole, drives.live(*how), strict=True):
        np.testing.assert_array_equal(one, other)


def test_ways_and_bounds():
    assert [list(drives.ways(name)) for name in ("novelty", "change", "effort")] == [
        ["mean", "largest", "none"],
        ["mean", "none"],
        ["none"],
    ]
    assert drives.expected("novelty", "mean", 0.08) == "at most 0.08: yes"
    assert drives.expected("linear_surprise", "mean", 0.29) == "at least 0.3: no"
    assert drives.expected("progress", "none", 0.5) == "at most 0.08: no"
    assert drives.expected("novelty", "none", 0.5) == drives.expected("change", "mean", 0.5) == ""


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (["--lives", "3"], "--lives 3: must be at least 12"),
        (["--seed", "-1"], "--seed -1: must be at least 0"),
        (["--drives", "noveltea"], "--drives noveltea is unknown. Did you mean novelty?"),
    ],
)
def test_what_cannot_be_asked(asked, text, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["drives", *asked])
    with pytest.raises(SystemExit):
        drives.main()
    assert text in capsys.readouterr().err

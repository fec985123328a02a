"""The juries of self-play: what counts as robust, what is the worst of whom, and best responses that do harm."""

import contextlib
import dataclasses

import numpy as np
import pytest

from benchmarks.bandits import markdown
from benchmarks.self_play import (
    AGAINST,
    CLAIMED,
    FOREIGN,
    ITSELF,
    JURY,
    SCRIPTED,
    Responses,
    Sides,
    cycling,
    table,
    verdict,
)
from evolearn.config import check_config
from evolearn.life import new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble
from tests.helpers.claim_cells import cells_without
from tests.helpers.runs import KINDS


def scores_of(jury, itself, runs=8):
    """Both arms the same but for what is added to the claimed one's before two juries; runs and predators differ."""
    noise = 0.01 * np.random.default_rng(0).standard_normal((runs, 4))
    added = {SCRIPTED: 0.0, FOREIGN: 0.0, JURY: jury, ITSELF: itself}
    return {
        name: {CLAIMED: 0.5 + more + noise, AGAINST: 0.5 + noise[::-1] + np.arange(4)} for name, more in added.items()
    }


@pytest.mark.parametrize(
    ("jury", "itself", "robust"), [(0.1, 0.1, True), (0.1, -0.1, False), (-0.1, 0.1, False), (0.0, 0.0, False)]
)
def test_robust_is_who_is_better_before_both(jury, itself, robust):
    rows = verdict(scores_of(jury, itself)).rows
    assert (rows[2][1] == "robust") == robust
    if jury:
        assert float(rows[0][1].split()[0]) == pytest.approx(jury, abs=0.02)


def test_the_claim_is_decided_by_these_juries():
    assert cells_without("self-play", markdown(verdict(scores_of(0.1, -0.1)))) == []
    assert cells_without("self-play", markdown(table(scores_of(0.1, -0.1)))) != []


def test_a_row_has_mean_and_worst_before_each_jury():
    rows = {row[0]: row[1:] for row in table(scores_of(0.0, 0.0)).rows}
    mean, worst = (float(cell.split()[0]) for cell in rows[AGAINST][:2])
    assert mean == pytest.approx(2.0, abs=0.02)
    assert worst == pytest.approx(0.5, abs=0.02)


def test_ages_are_those_of_predators_after_prey():
    matrix = np.array([[float(later - earlier) for later in range(5)] for earlier in range(5)])
    earned = [row[1] for row in cycling([matrix, matrix]).rows]
    assert earned == ["-3.33", "-1.43", "0.00", "1.43", "3.33"]


def test_a_best_response_does_more_harm_than_whoever_it_began_as():
    content = KINDS["rivals"]
    setup = assemble(check_config({**content, "search": {**content["search"], "selection_lifetime": 200}}, "test"))
    predators = setup.opponent
    assert predators is not None
    pairs = dataclasses.replace(setup.conditions, opponent=predators.conditions)
    alone = dataclasses.replace(setup, opponent=None)
    with contextlib.closing(new_driver(pairs)) as driver:
        sides = Sides(alone, predators, driver)
        prey, keys = setup.pool.centre, life_keys(1, VALIDATION, 7, 64)
        best = sides.best_response(prey, 5, Responses(1, 30, 32, 8))
        np.testing.assert_array_equal(best, sides.best_response(prey, 5, Responses(1, 30, 32, 8)))
        before, after = sides.before(prey[None], np.stack([predators.pool.centre, best]), keys)[0]
    assert after < before - 0.1

"""One number per run, as lived and as resampled."""

import dataclasses
import math
import re

import numpy as np
import pytest

from evolearn.verdict import iqm, metrics
from evolearn.verdict._resamples import CURVE_POINTS, arm_values, curve_points, draw, study_levels
from tests.helpers.synthetic_lives import synthetic

LEVELS = metrics.find_levels(0.2, 0.8, 1.0, 1.0, 0.9)


def lives_of(running, ages=(600, 700, 800), **more):
    """ArmLives of one run with one life per row of `running`."""
    running = np.asarray(running, float)[None]
    shape = running.shape[:2]
    parts = {"birth": np.zeros(shape), "ceiling": np.ones(shape), "deaths": np.zeros(shape)}
    totals = np.zeros((*shape, 1))
    return metrics.ArmLives(
        "a", running=running, ages=np.array(ages), lifetimes=(800,), totals=totals, **{**parts, **more}
    )


def test_levels_by_hand():
    """Half of the way from .2 to .8 is .5; nine tenths of the way from .2 to 1 are .92."""
    levels = metrics.find_levels(0.2, 0.8, 1.0, 0.5, 0.9)
    assert float(levels.catch_up) == pytest.approx(0.5)
    assert float(levels.threshold) == pytest.approx(0.92)
    assert float(LEVELS.catch_up) == 0.8


@pytest.mark.parametrize(("floor", "target"), [(None, 0.8), (0.9, 0.8), (0.8, 0.8)])
def test_without_a_floor_below_it_the_target_itself_is_the_level(floor, target):
    assert float(metrics.find_levels(floor, target, None, 0.5, 0.9).catch_up) == target


def test_no_threshold_without_both_ends_of_its_scale():
    assert metrics.find_levels(None, 0.8, 1.0, 1.0, 0.9).threshold is None
    assert metrics.find_levels(0.2, 0.8, None, 1.0, 0.9).threshold is None
    with pytest.raises(ValueError, match="threshold: no level to reach"):
        metrics.run_values(lives_of([[0, 0, 0]]), "threshold", metrics.find_levels(0.2, 0.8, None, 1.0, 0.9))


def test_the_first_age_is_that_of_the_mean_over_lives():
    """Lives reach .8 at 600 and never; their mean does at 800."""
    both = lives_of([[1.0, 0.9, 0.95], [0.0, 0.6, 0.7]])
    assert metrics.run_values(both, "catch_up", LEVELS) == [800]
    assert metrics.run_values(lives_of([[0.9, 0.1, 0.1]]), "catch_up", LEVELS) == [600]
    assert metrics.run_values(lives_of([[0.1, 0.1, 0.7999]]), "catch_up", LEVELS) == [np.inf]


def test_a_mean_of_equal_scores_reaches_that_score():
    """The sum of 49 weights of 1 / 49 falls short of 1 in the last bits: that is no lower score."""
    lives = lives_of(np.full((49, 3), 0.1))
    weights = np.full((2, 1, 49), 1 / 49)
    level = metrics.find_levels(None, 0.1, None, 1.0, 0.9)
    np.testing.assert_array_equal(metrics.run_values(lives, "catch_up", level, weights), [[600], [600]])


def test_every_metric_has_run_values():
    lives = synthetic("a", runs=3, lives=5)
    found = {
        name: metrics.run_values(lives, name, LEVELS)
        for name, metric in metrics.METRICS.items()
        if not metric.of_two and name not in metrics.OPTIONAL
    }
    assert {values.shape for values in found.values()} == {(3,)}
    np.testing.assert_allclose(found["gain"], found["ceiling"] - found["birth"])
    np.testing.assert_array_equal(found["birth_reborn"], found["birth"], err_msg="where termination is no death")
    reborn = dataclasses.replace(lives, birth_reborn=lives.birth + 1.0)
    np.testing.assert_allclose(metrics.run_values(reborn, "birth_reborn"), found["birth"] + 1.0)
    np.testing.assert_array_equal(metrics.run_values(reborn, "birth"), found["birth"])
    np.testing.assert_allclose(found["total"], lives.totals[:, :, -1].mean(axis=1))
    with pytest.raises(KeyError):
        metrics.run_values(lives, "beauty", LEVELS)


def test_a_head_start_is_measured_by_the_newborns_of_the_same_run():
    """Run 0 is born at .9 and caught up with late, run 1 at .5 and early, run 2 never, run 3 is born like random."""
    curves = np.array([[0.2, 0.5, 0.9], [0.2, 0.5, 0.9], [0.2, 0.5, 0.8], [0.2, 0.5, 0.9]])
    births, ages = np.array([0.9, 0.5, 0.9, 0.2]), np.array([600, 700, 800])
    assert metrics.head_start(births, 0.2, 1.0, curves, ages).tolist() == [800, 700, math.inf, 0]
    # of the way from .2 to .9 five sevenths are .7
    assert metrics.head_start(births, 0.2, 5 / 7, curves, ages).tolist() == [800, 700, 800, 0]
    assert metrics.head_start(births, None, 0.5, curves, ages)[3] == 600


def test_weights_of_one_each_are_the_lives_as_lived():
    lives = synthetic("a", runs=3, lives=5)
    even = np.full((2, 3, 5), 1 / 5)
    for name in ("birth", "catch_up", "total"):
        np.testing.assert_allclose(
            metrics.run_values(lives, name, LEVELS, even)[1], metrics.run_values(lives, name, LEVELS)
        )
    uneven = np.random.default_rng(0).dirichlet(np.ones(5), (4, 3))
    means = metrics.mean_over_lives(lives.running, uneven)
    np.testing.assert_allclose(means, np.einsum("srl,rlk->srk", uneven, lives.running))


def test_transfer_ratio_by_hand():
    """Totals .6 and .9 against a mean of .5."""
    np.testing.assert_allclose(metrics.transfer_ratio(np.array([0.6, 0.9]), np.array([0.4, 0.6])), [0.2, 0.8])
    np.testing.assert_allclose(metrics.transfer_ratio(np.array([-1.0]), np.array([-2.0])), [0.5])  # up is up
    assert np.isnan(metrics.transfer_ratio(np.array([0.6]), np.array([0.0]))).all()


def test_times_cut_off():
    times = np.array([600.0, 5000.0, np.inf])
    np.testing.assert_array_equal(metrics.restricted(times, 2000), [600, 2000, 2000])
    np.testing.assert_array_equal(metrics.censored_at(times, 5000), [600, 5000, np.inf])


def resample(lives, resamples=400, seed=0):
    arms = {lives.arm: lives}
    draws = draw(arms, resamples, seed)
    levels = study_levels(arms, None, lives.arm, 1.0, 0.9, "best")
    return draws[lives.arm], arm_values(
        lives, draws[lives.arm], levels, study_levels(arms, draws, lives.arm, 1.0, 0.9, "best")
    )


def test_resamples_are_those_of_a_loop():
    """Runs first, then the same draw of lives for a run wherever it is drawn."""
    lives = synthetic("a", runs=3, lives=4)
    draws, found = resample(lives, resamples=5)
    for index in range(5):
        for place in range(3):
            run = draws.runs[index, place]
            mean = np.sum(draws.weights[index, run] * lives.birth[run])
            assert found.resampled["birth"][index, place] == pytest.approx(mean)
    assert found.resampled["catch_up"].shape == (5, 3)


def test_lives_are_drawn_alike_for_all_arms_and_runs_are_not():
    one, other = synthetic("a", runs=6, lives=7), synthetic("b", runs=6, lives=7)
    draws = draw({"a": one, "b": other}, 50, 3)
    np.testing.assert_array_equal(draws["a"].weights, draws["b"].weights)
    np.testing.assert_allclose(draws["a"].weights.sum(axis=-1), 1.0)
    assert np.any(draws["a"].runs != draws["b"].runs)
    np.testing.assert_array_equal(draw({"b": other}, 50, 3)["b"].runs, draws["b"].runs)  # whatever the other arms


def test_lives_are_drawn_within_a_single_run():
    lives = synthetic("a", runs=1, lives=20, noise=0.1)
    _, found = resample(lives, resamples=2000)
    error_of_the_mean = lives.birth.std() / np.sqrt(20)
    assert found.resampled["birth"].std() == pytest.approx(error_of_the_mean, rel=0.1)


def test_chunks_do_not_change_resamples(monkeypatch):
    lives = synthetic("a", runs=3, lives=4, birth=0.5, ceiling=0.5)
    _, whole = resample(lives)
    monkeypatch.setattr("evolearn.verdict._resamples.CHUNK_NUMBERS", 3 * len(lives.ages) * 7)
    _, parts = resample(lives)
    np.testing.assert_allclose(parts.resampled_curve, whole.resampled_curve)
    np.testing.assert_array_equal(parts.resampled["catch_up"], whole.resampled["catch_up"])
    assert len(np.unique(whole.resampled["catch_up"])) > 3


def test_a_curve_keeps_its_ends_and_few_points():
    for windows in (1, 2, 50, 195, 20_000):
        points = curve_points(windows)
        assert points[0] == 0
        assert points[-1] == windows - 1
        assert len(points) <= CURVE_POINTS
        assert np.all(np.diff(points) > 0)


def test_the_level_is_drawn_with_the_runs_it_comes_from():
    """A target known for sure makes a time surer than one that is itself an estimate."""
    arms = {"a": synthetic("a", birth=0.6, noise=0.05), "b": synthetic("b", seed=1, noise=0.0)}
    draws = draw(arms, 300, 0)
    levels = study_levels(arms, None, "a", 1.0, 0.9, "best")
    drawn = study_levels(arms, draws, "a", 1.0, 0.9, "best")
    assert float(levels.target) == pytest.approx(float(iqm(arms["a"].birth.mean(axis=1))))
    assert np.std(drawn.target) > 0.01
    fixed = dataclasses.replace(drawn, catch_up=levels.catch_up)
    spread = [np.ptp(arm_values(arms["b"], draws["b"], levels, used).resampled["catch_up"]) for used in (drawn, fixed)]
    assert spread[0] > 0
    assert spread[1] == 0


def test_what_not_every_arm_has_is_a_mean_over_lives_too():
    lives = synthetic("a", runs=3, lives=5)
    weights = np.random.default_rng(1).dirichlet(np.ones(5), (2, 3))
    for place, name in enumerate(metrics.OPTIONAL):
        with pytest.raises(ValueError, match=f"{name}: {re.escape(metrics.OPTIONAL[name])}"):
            metrics.run_values(lives, name)
        scores = np.random.default_rng(place).normal(size=(3, 5))
        has_it = dataclasses.replace(lives, **{name: scores})
        np.testing.assert_array_equal(metrics.run_values(has_it, name), scores.mean(axis=1))
        np.testing.assert_allclose(
            metrics.run_values(has_it, name, weights=weights), np.einsum("srl,rl->sr", weights, scores)
        )

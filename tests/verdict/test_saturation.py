"""Fits of a run's curve against known ones: parameters come back, ceilings keep to their bound, noise is no rise."""

import math

import numpy as np
import pytest

from evolearn.verdict.saturation import FORMS, LAST_ONE, extrapolation_error, fit_curve, late_rise, saturation_of

BUDGETS = 66_000.0 * np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 999])
LOGS = np.log(BUDGETS)


def sigmoid(floor=0.16, ceiling=0.9, half_way=3e6, slope=2.0):
    return floor + (ceiling - floor) / (1.0 + (half_way / BUDGETS) ** slope)


def noisy(scores, seed, noise=0.01):
    return scores + np.random.default_rng(seed).normal(0.0, noise, len(BUDGETS))


@pytest.mark.parametrize("half_way", [4e5, 3e6, 2e7])
@pytest.mark.parametrize("slope", [1.0, 3.0])
def test_a_sigmoid_comes_back_with_its_floor_ceiling_half_way_point_and_slope(half_way, slope):
    fit = fit_curve(BUDGETS, sigmoid(half_way=half_way, slope=slope), "sigmoid", most=1.0)
    assert (fit.start, fit.end) == pytest.approx((0.16, 0.9), abs=0.002)
    assert np.exp(fit.shape) == pytest.approx([half_way, slope], rel=0.02)
    assert fit.error < 1e-4
    told = saturation_of(BUDGETS, sigmoid(half_way=half_way, slope=slope), most=1.0)
    assert (told.ceiling, told.half_way, told.why_not) == (
        pytest.approx(0.9, abs=0.002),
        pytest.approx(half_way, rel=0.02),
        "",
    )


def test_a_power_law_and_a_line_come_back():
    power = fit_curve(BUDGETS, 0.8 - 0.5 * (BUDGETS / BUDGETS[0]) ** -0.4, "power law", most=1.0)
    assert (power.start, power.end, math.exp(power.shape[0])) == pytest.approx((0.3, 0.8, 0.4), abs=0.005)
    line = fit_curve(BUDGETS, 0.1 + 0.02 * np.log10(BUDGETS / BUDGETS[0]), "log-linear", most=1.0)
    assert line.at(10 * BUDGETS[0]) == pytest.approx(0.12)
    assert line.error < 1e-12


@pytest.mark.parametrize(("form", "scores"), [("sigmoid", sigmoid()), ("log-linear", 0.1 * LOGS)])
def test_the_form_that_made_a_curve_has_the_least_bic(form, scores):
    bics = {name: fit_curve(BUDGETS, noisy(scores, 0), name, most=2.0).bic for name in FORMS}
    assert min(bics, key=bics.get) == form


def test_a_ceiling_is_free_but_no_higher_than_the_most():
    """The first points of a rise that would go on to 3: bounded, the fit says 1."""
    early = slice(0, 11)
    rising = sigmoid(ceiling=3.0, half_way=6e6)[early]
    bounded, free = (fit_curve(BUDGETS[early], rising, "sigmoid", most) for most in (1.0, 10.0))
    assert bounded.end <= 1.0 + 1e-9 < 2.0 < free.end
    assert bounded.at(1e12) <= 1.0 < free.at(1e12)
    assert fit_curve(BUDGETS, sigmoid(ceiling=0.5), "sigmoid", most=1.0).end == pytest.approx(0.5, abs=0.002)


def test_what_is_foreseen_is_no_more_than_the_most():
    assert fit_curve(BUDGETS, 0.2 * (LOGS - LOGS[0]), "log-linear", most=1.0).at(1e12) == 1.0


def test_of_flat_curves_nothing_can_be_told():
    """Noise about one value, of 20 seeds: one is told by luck at most."""
    told = [saturation_of(BUDGETS, noisy(np.full(20, 0.2), seed), most=1.0) for seed in range(20)]
    assert sum(one.why_not != "flat" for one in told) <= 1
    exact = saturation_of(BUDGETS, np.full(20, 0.2), most=1.0)
    assert (exact.why_not, math.isnan(exact.ceiling), math.isnan(exact.half_way)) == ("flat", True, True)


def test_a_curve_whose_half_way_point_lies_beyond_it_has_no_ceiling_yet():
    told = saturation_of(BUDGETS[:12], sigmoid(half_way=1.5e7)[:12], most=1.0)
    assert (told.why_not, math.isnan(told.ceiling)) == ("still rising", True)


def test_falling_curves_do_not_rise():
    assert saturation_of(BUDGETS, sigmoid(floor=0.9, ceiling=0.2), most=1.0).why_not == "flat"


def test_noise_moves_a_half_way_point_by_little():
    found = [saturation_of(BUDGETS, noisy(sigmoid(), seed, 0.03), most=1.0) for seed in range(20)]
    ratios = np.array([one.half_way for one in found]) / 3e6
    assert np.all((ratios > 0.6) & (ratios < 1.6))
    assert np.mean([one.ceiling for one in found]) == pytest.approx(0.9, abs=0.02)


def test_the_last_decade_is_foreseen_by_who_knows_the_form():
    scores = sigmoid(half_way=1e6)
    assert extrapolation_error(BUDGETS, scores, "sigmoid", most=1.0) < 0.001
    last = BUDGETS > 6.5e6  # a tenth of the last one is 6.6 M
    stays = float(np.abs(scores[last] - scores[~last][-1]).mean())
    assert extrapolation_error(BUDGETS, scores, LAST_ONE, most=1.0) == pytest.approx(stays)
    assert extrapolation_error(BUDGETS, scores, "no change", most=1.0) > 0.3


def test_a_jump_in_the_last_decade_is_seen_by_no_fit_from_before():
    scores = np.where(BUDGETS > 2e7, 0.9, 0.3)
    assert all(extrapolation_error(BUDGETS, scores, form, most=1.0) > 0.3 for form in (*FORMS, LAST_ONE))


def test_three_budgets_are_enough_for_a_line_and_for_no_sigmoid():
    budgets, scores = BUDGETS[[0, 9, 19]], np.array([0.1, 0.2, 0.3])
    assert fit_curve(budgets, scores, "log-linear", most=1.0).bic < math.inf
    assert fit_curve(budgets, scores, "sigmoid", most=1.0).bic == math.inf
    assert saturation_of(budgets, scores, most=1.0).why_not == "too few budgets"
    assert math.isnan(extrapolation_error(budgets, scores, "sigmoid", most=1.0))


def test_a_late_rise_is_per_decade_of_the_late_part_alone():
    assert late_rise(BUDGETS, np.where(BUDGETS < 1e7, 0.0, 0.04 * np.log10(BUDGETS)), since=1e7) == pytest.approx(0.04)
    assert math.isnan(late_rise(BUDGETS, sigmoid(), since=6e7))

"""How a score grows with the budget: one run's curve, where it ends, when it was half-way there, who foresaw it. Pure.

A score that is bounded saturates, so that a line in the log of the budget is refuted beforehand, and a sigmoid is not
found but forced. What is worth asking of one is its ceiling, its half-way point, and how well it is foreseen from
smaller budgets.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy  # which loads scipy.optimize when it is first used

from evolearn.verdict.stats import ROUNDING, FloatArray

SURE = 6.0  # BIC by which a sigmoid must beat no change at all: "strong" of Kass and Raftery 1995, table 6
_BEGINNINGS, _TRIES = 4, 60  # shapes from which a fit is refined, and how often at most


@dataclasses.dataclass(frozen=True)
class Form:
    """A shape of curve: start + rise x g(log budget; shape), where g rises from about 0 to about 1."""

    doc: str
    numbers: int  # that are fitted
    rise: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]  # log budgets, shape, first and last one fitted: g
    shapes: Callable[[float, float], tuple[tuple[float, float], ...]]  # first and last log budget: bounds of the shape
    bounded: bool = True  # whether its end, start + rise, is at most the most there is


def _no_rise(logs: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    return np.zeros_like(logs)


def _line(logs: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    return (logs - span[0]) / (span[1] - span[0])


def _power(logs: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    return -np.expm1(-math.exp(shape[0]) * (logs - span[0]))


def _sigmoid(logs: FloatArray, shape: FloatArray, span: FloatArray) -> FloatArray:
    return scipy.special.expit(math.exp(shape[1]) * (logs - shape[0]))


FORMS = {
    "no change": Form("the same at every budget", 1, _no_rise, lambda first, last: ()),
    "log-linear": Form("so much for every decade", 2, _line, lambda first, last: (), bounded=False),
    "power law": Form(
        "what is missing to a ceiling falls by a power of the budget",
        3,
        _power,
        lambda first, last: ((math.log(0.02), math.log(5.0)),),  # of the exponent, in logs
    ),
    "sigmoid": Form(
        "from a floor to a ceiling, half-way at some log budget",
        4,
        _sigmoid,
        # half-way at most a decade beyond what was seen, slope from one decade per 1/5 to a step
        lambda first, last: ((first, last + math.log(10.0)), (math.log(0.2), math.log(20.0))),
    ),
}


@dataclasses.dataclass(frozen=True)
class Fit:
    """A form fitted to one curve by least squares."""

    form: str
    start: float  # before the rise
    end: float  # after it: the ceiling of a form that is bounded
    shape: tuple[float, ...]  # log exponent of a power law; log budget of the half-way point, log slope of a sigmoid
    span: tuple[float, float]  # logs of the first and the last budget
    most: float  # no score is more
    error: float  # root of the mean squared residual
    bic: float  # Bayesian information criterion, less is better; infinite with fewer budgets than numbers + 1

    def at(self, budgets: npt.ArrayLike) -> FloatArray:
        """The score at other budgets, at most `most`."""
        logs = np.log(np.asarray(budgets, np.float64))
        rise = FORMS[self.form].rise(logs, np.array(self.shape), np.array(self.span))
        return np.minimum(self.start + (self.end - self.start) * rise, self.most)


def fit_curve(budgets: npt.ArrayLike, scores: npt.ArrayLike, form: str, most: float) -> Fit:
    """Fit a form to one run's scores at its prefixes.

    Args:
        budgets: [n] more than 0, ascending, n >= 2.
        scores: [n] finite.
        form: of FORMS.
        most: that a score can be, the oracle's: a ceiling is free, but no higher.
    """
    kind, logs, values = FORMS[form], np.log(np.asarray(budgets, np.float64)), np.asarray(scores, np.float64)
    span = np.array([logs[0], logs[-1]])
    bounds = np.array(kind.shapes(*span)).reshape(-1, 2)
    if kind.numbers == 1:
        start, end, shape = float(values.mean()), float(values.mean()), np.empty(0)
    elif not kind.bounded:
        slope, start = np.polyfit(_line(logs, bounds, span), values, 1)
        end, shape = start + slope, np.empty(0)
    else:
        start, end, shape = _bounded_fit(kind, logs, values, span, bounds, most)
    fit = Fit(form, float(start), float(end), tuple(shape.tolist()), (span[0], span[1]), most, math.nan, math.inf)
    squares = float(np.mean((start + (end - start) * kind.rise(logs, shape, span) - values) ** 2))
    bic = math.inf
    if len(values) > kind.numbers:
        rounding = (ROUNDING * max(1.0, float(np.abs(values).max()))) ** 2
        bic = len(values) * math.log(squares + rounding) + kind.numbers * math.log(len(values))
    return dataclasses.replace(fit, error=math.sqrt(squares), bic=bic)


def _bounded_fit(
    kind: Form, logs: FloatArray, values: FloatArray, span: FloatArray, bounds: FloatArray, most: float
) -> tuple[float, float, FloatArray]:
    """Start, end and shape of the least squares with start <= end <= most, refined from the best shapes of a grid."""

    def residuals(numbers: FloatArray) -> FloatArray:
        start, share = numbers[:2]
        return start + share * (most - start) * kind.rise(logs, numbers[2:], span) - values

    def begun(shape: Sequence[float]) -> FloatArray:
        """Start and share of the rise that is possible for one shape, by a linear fit that is cut to the bounds."""
        slope, start = np.polyfit(kind.rise(logs, np.array(shape), span), values, 1)
        start = min(start, most - ROUNDING)
        return np.array([start, np.clip(slope / (most - start), 0.0, 1.0), *shape])

    grid = (np.linspace(low, high, 14)[1:-1] for low, high in bounds)
    starts = sorted(
        (begun(shape) for shape in itertools.product(*grid)), key=lambda one: float(np.sum(residuals(one) ** 2))
    )
    low = np.concatenate([[-np.inf, 0.0], bounds[:, 0]])
    high = np.concatenate([[most, 1.0], bounds[:, 1]])
    found = [
        scipy.optimize.least_squares(residuals, one, bounds=(low, high), max_nfev=_TRIES)
        for one in starts[:_BEGINNINGS]
    ]
    start, share, *shape = min(found, key=lambda one: float(one.cost)).x
    return start, start + share * (most - start), np.array(shape)


@dataclasses.dataclass(frozen=True)
class Saturation:
    """Where one run's curve ends and when it was half-way there, or why that cannot be told."""

    ceiling: float  # NaN: cannot be told
    half_way: float  # budget, likewise
    why_not: str = ""  # too few budgets, flat, or still rising


def saturation_of(budgets: npt.ArrayLike, scores: npt.ArrayLike, most: float) -> Saturation:
    """Ceiling and half-way point of a run, by a sigmoid in the log of the budget.

    Cannot be told of a curve that a sigmoid fits no better than no change, by SURE; nor of one whose half-way point
    lies beyond what was seen: its ceiling may be anywhere.

    Args:
        budgets: [n] more than 0, ascending.
        scores: [n] finite.
        most: that a score can be.
    """
    fits = {form: fit_curve(budgets, scores, form, most) for form in ("no change", "sigmoid")}
    sigmoid = fits["sigmoid"]
    if math.isinf(sigmoid.bic):
        return Saturation(math.nan, math.nan, "too few budgets")
    if not sigmoid.bic <= fits["no change"].bic - SURE:
        return Saturation(math.nan, math.nan, "flat")
    if sigmoid.shape[0] >= sigmoid.span[1]:
        return Saturation(math.nan, math.nan, "still rising")
    return Saturation(sigmoid.end, math.exp(sigmoid.shape[0]))


def extrapolation_error(
    budgets: npt.ArrayLike, scores: npt.ArrayLike, form: str, most: float, last: float = 10.0
) -> float:
    """Mean absolute error of what the budgets before the last decade say of those in it.

    Args:
        budgets: [n] more than 0, ascending.
        scores: [n] finite.
        form: of FORMS; or "the last one": what was reached before is what stays, which any form should beat.
        most: that a score can be; no form is asked for more.
        last: factor of budgets that is held out, > 1.
    Returns:
        In the score's unit; NaN where there are fewer budgets before than the form has numbers, and one more.
    """
    all_budgets, all_scores = np.asarray(budgets, np.float64), np.asarray(scores, np.float64)
    before = all_budgets < all_budgets[-1] / last
    if before.sum() <= (0 if form == LAST_ONE else FORMS[form].numbers):
        return math.nan
    if form == LAST_ONE:
        said: npt.ArrayLike = all_scores[before][-1]
    else:
        said = fit_curve(all_budgets[before], all_scores[before], form, most).at(all_budgets[~before])
    return float(np.abs(said - all_scores[~before]).mean())


LAST_ONE = "the last one"


def late_rise(budgets: npt.ArrayLike, scores: npt.ArrayLike, since: float) -> float:
    """What a score gains per decade of budget, by a line through those from `since` on; NaN if there are no two.

    Args:
        budgets: [n] more than 0, ascending.
        scores: [n] finite.
        since: the first budget that counts.
    """
    logs, values = np.log10(np.asarray(budgets, np.float64)), np.asarray(scores, np.float64)
    late = logs >= math.log10(since) - ROUNDING
    return float(np.polyfit(logs[late], values[late], 1)[0]) if late.sum() > 1 else math.nan

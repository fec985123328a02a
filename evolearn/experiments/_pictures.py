"""Pictures of an experiment as plain records: curves over runs, which the page draws whatever the experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.verdict import FloatArray, Json, stats

_POINTS = 200  # of a curve, at most


def picture(key: str, title: str, sentence: str, choice: str, views: Sequence[Json]) -> Json:
    """A picture.

    Args:
        key: file name of the printed figure.
        title: of the picture.
        sentence: what one should see.
        choice: what the views differ in; empty with one view.
        views: at least one.
    """
    return {"key": key, "title": title, "sentence": sentence, "choice": choice, "views": list(views)}


def view(
    name: str,
    axes: tuple[str, str],
    curves: Sequence[Json],
    rules: Sequence[tuple[float, str]] = (),
    span: tuple[float, float] | None = None,
    logarithmic: bool = False,
) -> Json:
    """What is seen of a picture at a time.

    Args:
        name: of the view.
        axes: titles of x and y, with units.
        curves: from `over_runs` and `theory`; those of one name look alike.
        rules: level of y and label of each level line.
        span: ends of the y axis; None: what the curves need.
        logarithmic: both axes.
    """
    return {
        "name": name,
        "axes": list(axes),
        "curves": list(curves),
        "rules": [list(rule) for rule in rules],
        "span": span,
        "logarithmic": logarithmic,
    }


def over_runs(name: str, x: npt.ArrayLike, values: FloatArray) -> Json:
    """Mean over runs of each point of a curve, with its interval.

    Args:
        name: in the legend.
        x: [K].
        values: [R, K].
    """
    places = np.asarray(x, float)
    last = len(places) - 1
    kept = np.unique(np.round(np.linspace(0, last, min(last, _POINTS) + 1)).astype(int))
    return {"name": name, "x": places[kept], **mean_curve(values[:, kept]), "measured": True}


def theory(name: str, x: npt.ArrayLike, y: npt.ArrayLike) -> Json:
    """A curve that was computed and not measured.

    Args:
        name: in the legend.
        x: [K].
        y: [K].
    """
    places, values = np.asarray(x, float), np.asarray(y, float)
    return {"name": name, "x": places, "mean": values, "low": [], "high": [], "measured": False}


def mean_curve(values: FloatArray) -> Json:
    """Mean over runs [R, K] and its interval; none with a single run."""
    mean = values.mean(axis=0)
    draws = np.random.default_rng(0).integers(0, len(values), (500, len(values)))
    low, high = stats.interval(values[draws].mean(axis=1), 0.05, len(values))
    return {"mean": mean, "low": low, "high": high}

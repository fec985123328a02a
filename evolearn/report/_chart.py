"""Charts as plain records: what a picture shows, before anybody draws it. Two renderers draw the same records."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Literal

Numbers = tuple[float, ...]
Direction = Literal["x", "y"]
# steps: a line that is level about each x; bars lie along x and are stacked; columns stand on zero;
# censored: open arrows, the value lies beyond
Kind = Literal["line", "steps", "points", "bars", "columns", "censored"]


@dataclasses.dataclass(frozen=True)
class Look:
    """How one arm looks in every chart."""

    colour: int  # place in `evolearn.report._looks.LIGHT` and `DARK`
    dash: str = "solid"  # solid, dash, dot, dashdot
    marker: str = "circle"  # circle, square, diamond, triangle-up, triangle-down, x, cross, star, none


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a panel."""

    title: str  # with its unit
    scale: Literal["linear", "log"] = "linear"
    ticks: tuple[tuple[float, str], ...] = ()  # place and text; none: numbers
    span: tuple[float, float] | None = None  # in axis units; none: what the data need


@dataclasses.dataclass(frozen=True)
class Series:
    """Lines, points, bars or columns of one legend entry."""

    name: str
    look: Look
    kind: Kind
    x: Numbers
    y: Numbers
    low: Numbers = ()  # ends of the interval about each value; none: no interval
    high: Numbers = ()
    interval: Direction = "y"  # along which axis values and their intervals lie
    notes: tuple[str, ...] = ()  # what to say about each point
    faint: bool = False  # in the background: single runs behind their summary
    width: float = 0.0  # of columns, in units of x; 0: as far as to the next


@dataclasses.dataclass(frozen=True)
class Rule:
    """A reference line across the panel."""

    value: float
    label: str
    across: Direction  # the axis that `value` is on
    low: bool = False  # of a rule across x: its label stands at the foot, so that it is not over another's at the top


@dataclasses.dataclass(frozen=True)
class Heat:
    """A matrix of coloured cells, with names on both axes, or with places where `at` says so."""

    columns: tuple[str, ...]  # none where `at` is given
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]  # [rows, columns]
    texts: tuple[tuple[str, ...], ...]  # [rows, columns], written in the cells; none: nothing is written
    unit: str
    bound: float  # values from -bound to bound span the colours, unless `span` says otherwise
    scale: Literal["diverging", "sequential"] = "diverging"  # symmetric about the middle; or from little to much
    span: tuple[float, float] | None = None  # values at the ends of the colours
    at: tuple[Numbers, Numbers] | None = None  # centres of columns and rows in units of the axes, evenly spaced

    @property
    def ends(self) -> tuple[float, float]:
        """The values that the colours span."""
        return self.span or (-self.bound, self.bound)


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    rules: tuple[Rule, ...] = ()
    heat: Heat | None = None  # beneath the series
    title: str = ""
    height: int = 360  # CSS pixels
    equal: bool = False  # a unit is as long on both axes


@dataclasses.dataclass(frozen=True)
class View:
    """What is seen of a chart at a time on the page; in print, views stand side by side."""

    name: str
    panels: tuple[Panel, ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Chart:
    """A picture with its title and a sentence that says what one should see."""

    key: str  # file name of the printed figure
    title: str
    sentence: str
    choice: str  # what the views differ in, such as "condition"
    views: tuple[View, ...]
    small: bool = False  # many small panels, side by side

    @property
    def legend(self) -> tuple[tuple[str, Look], ...]:
        """Each name once, in order of appearance, with its look."""
        looks = {
            series.name: series.look
            for view in self.views
            for panel in view.panels
            for series in panel.series
            if series.name
        }
        return tuple(looks.items())


def spread_out(places: int, arms: int) -> list[float]:
    """Where `arms` neighbours stand about a tick, in ticks: without overlap, the more room the fewer places.

    Args:
        places: ticks on the axis.
        arms: neighbours at each tick.
    """
    width = 0.7 if places > 1 else 0.9
    return [width * (arm - (arms - 1) / 2) / max(arms, 1) for arm in range(arms)]


def log_axis(title: str, values: Iterable[float]) -> Axis:
    """A logarithmic axis with few round ticks that holds `values`, of which only positive ones can be shown.

    Args:
        title: with its unit.
        values: all that is drawn along the axis, ends of intervals too.
    """
    shown = [value for value in values if value > 0] or [1.0]
    low, high = min(shown) / 1.2, max(shown) * 1.2
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1, 2, 5) if len(decades) <= 4 else (1,)
    places = [digit * 10.0**decade for decade in decades for digit in digits]
    every = 1 if len(decades) <= 8 else 2
    ticks = tuple((place, _short(place)) for place in places[::every] if low <= place <= high)
    return Axis(title, "log", ticks, (low, high))


def _short(value: float) -> str:
    """A round number as an axis shows it: 500, 2,000, 20k, 5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"

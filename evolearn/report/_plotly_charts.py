"""Charts for the page: plain Plotly figures, small, without colours of a theme.

Colours are written as ``@6`` (a place in the palette) or ``@6/0.2`` (the same, see-through); the page's script puts in
those of the light or the dark theme. Every text is escaped, since Plotly reads some HTML in texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from evolearn.report._chart import Axis, Chart, Heat, Panel, Rule, Series

Figure = dict[str, Any]

_SYMBOLS = {"x": "x-thin-open", "cross": "cross-thin-open"}
_DASHES = {"dash": "dash", "dot": "dot", "dashdot": "dashdot"}


def page_chart(chart: Chart) -> Figure:
    """What the page's script needs to draw a chart.

    Args:
        chart: to draw.
    Returns:
        "views": each with "name", "note" and "panels": title, height, Plotly's data and layout.
    """
    return {
        "views": [
            {"name": view.name, "note": view.note, "panels": [_panel(panel) for panel in view.panels]}
            for view in chart.views
        ]
    }


def escaped(text: str) -> str:
    """A text as Plotly shows it letter by letter."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _panel(panel: Panel) -> Figure:
    data = [_heat(panel.heat)] if panel.heat else []
    data += [trace for series in panel.series for trace in _traces(series, panel.heat is not None)]
    layout: Figure = {"xaxis": _axis(panel.x), "yaxis": _axis(panel.y)}
    if panel.heat and panel.heat.at is None:
        layout["xaxis"] |= _ticks(list(enumerate(panel.heat.columns)))
        layout["yaxis"] |= _ticks(list(enumerate(panel.heat.rows)))
    if panel.equal:
        layout["xaxis"]["constrain"] = "domain"
        layout["yaxis"] |= {"constrain": "domain", "scaleanchor": "x"}
    if panel.rules:
        layout["shapes"] = [_rule(rule) for rule in panel.rules]
    if any(series.kind == "bars" for series in panel.series):
        layout["barmode"] = "stack"
        layout["xaxis"]["exponentformat"] = "SI"  # millions of steps
    elif any(series.kind == "columns" for series in panel.series):
        layout |= {"barmode": "overlay", "bargap": 0.06}
    return {"title": panel.title, "height": panel.height, "data": data, "layout": layout}


def _axis(axis: Axis) -> Figure:
    drawn: Figure = {"title": {"text": escaped(axis.title)}} if axis.title else {}
    if axis.scale == "log":
        drawn["type"] = "log"
    elif axis.title.endswith("steps"):
        drawn["exponentformat"] = "SI"  # millions of them
    if axis.ticks:
        drawn |= _ticks(axis.ticks)
    if axis.span:
        low, high = axis.span
        drawn["range"] = [_compact(math.log10(low)), _compact(math.log10(high))] if axis.scale == "log" else [low, high]
    return drawn


def _ticks(ticks: Any) -> Figure:
    return {"tickvals": [place for place, _ in ticks], "ticktext": [escaped(text) for _, text in ticks]}


def _traces(series: Series, above: bool) -> Iterator[Figure]:
    """What Plotly draws for a series; `above` coloured cells, marks get a rim."""
    trace: Figure = {"name": escaped(series.name), "x": _numbers(series.x), "y": _numbers(series.y)}
    colour = f"@{series.look.colour}"
    if series.notes:
        trace |= {"hovertext": [escaped(note) for note in series.notes], "hoverinfo": "name+text"}
    if series.kind == "bars":
        yield trace | {"type": "bar", "orientation": "h", "marker": {"color": colour}}
    elif series.kind == "columns":
        yield trace | {"type": "bar", "marker": {"color": f"{colour}/0.7"}, **_width(series)}
    elif series.kind in ("line", "steps"):
        yield from _line(series, trace, colour)
    else:
        marks = _marks(series, colour)
        if above and "line" not in marks["marker"]:
            marks["marker"]["line"] = {"width": 1.5, "color": "@paper"}
        yield trace | marks


def _width(series: Series) -> Figure:
    return {"width": series.width} if series.width else {}


def _line(series: Series, trace: Figure, colour: str) -> Iterator[Figure]:
    if series.low:
        edge = {"name": trace["name"], "x": trace["x"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        yield edge | {"y": _numbers(series.low)}
        yield edge | {"y": _numbers(series.high), "fill": "tonexty", "fillcolor": f"{colour}/0.15"}
    line: Figure = {"color": f"{colour}/0.35" if series.faint else colour, "width": 1 if series.faint else 2}
    if series.look.dash in _DASHES:
        line["dash"] = _DASHES[series.look.dash]
    if series.kind == "steps":
        line["shape"] = "hvh"
    yield trace | {"mode": "lines", "line": line}


def _marks(series: Series, colour: str) -> Figure:
    if series.kind == "censored":
        symbol = "arrow-up-open" if series.interval == "y" else "arrow-right-open"
    else:
        symbol = _SYMBOLS.get(series.look.marker, series.look.marker)
    marker: Figure = {"symbol": symbol, "size": 6 if series.faint else 10, "color": colour}
    if symbol.endswith("-open"):
        marker["line"] = {"width": 2, "color": colour}
    drawn: Figure = {"mode": "markers", "marker": marker}
    if series.faint:
        drawn["opacity"] = 0.55
    if series.low:
        values = series.y if series.interval == "y" else series.x
        drawn[f"error_{series.interval}"] = {
            "type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 4,
            "array": [_compact(max(high - value, 0.0)) for value, high in zip(values, series.high, strict=True)],
            "arrayminus": [_compact(max(value - low, 0.0)) for value, low in zip(values, series.low, strict=True)],
        }  # fmt: skip
    return drawn


def _rule(rule: Rule) -> Figure:
    along = "y" if rule.across == "x" else "x"
    shape: Figure = {
        "type": "line", "line": {"color": "@8", "width": 1.5, "dash": "dash"}, f"{along}ref": "paper",
        f"{rule.across}0": rule.value, f"{rule.across}1": rule.value, f"{along}0": 0, f"{along}1": 1,
    }  # fmt: skip
    if rule.label:
        shape["label"] = {"text": escaped(rule.label), "textposition": "start" if rule.low else "end", "textangle": 0}
        shape["label"] |= {"xanchor": "left", "yanchor": "bottom" if rule.low else "top"} if along == "y" else {}
    return shape


def _heat(heat: Heat) -> Figure:
    space = "<br>" if len(heat.columns) > 5 else " "  # narrow cells get two lines
    low, high = heat.ends
    x, y = heat.at or (range(len(heat.columns)), range(len(heat.rows)))
    gap = 0 if heat.at else 2
    drawn: Figure = {
        "type": "heatmap", "x": list(x), "y": list(y),
        "z": [list(row) for row in heat.values],
        "text": [[escaped(text).replace(" ", space) for text in row] for row in heat.texts],
        "texttemplate": "%{text}", "hoverinfo": "text", "colorscale": f"@{heat.scale}",
        "zmin": low, "zmax": high,
        "xgap": gap, "ygap": gap, "colorbar": {"title": {"text": escaped(heat.unit), "side": "top"}, "thickness": 12},
    }  # fmt: skip
    if not heat.texts:
        for name in ("text", "texttemplate"):
            del drawn[name]
        drawn["hoverinfo"] = "x+y+z"
    return drawn


def _numbers(values: tuple[float, ...]) -> list[float]:
    return [_compact(value) for value in values]


def _compact(value: float) -> float:
    """A number as short as five digits allow; the page draws no finer."""
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short

"""Charts for papers: each as SVG, PDF and PNG, drawn by Matplotlib from the same records as the page's."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from evolearn.report._chart import Axis, Chart, Heat, Panel, Rule, Series
from evolearn.report._looks import GREY, LIGHT, SHADES

_DASHES: dict[str, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "x": "x",
            "cross": "+", "star": "*", "none": ""}  # fmt: skip
_SETTINGS: Any = {
    "svg.hashsalt": "evolearn",  # ids in SVG are random without it
    "pdf.fonttype": 42,  # TrueType, as journals ask
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "legend.frameon": False,
}
_DIVERGING = LinearSegmentedColormap.from_list("difference", ["#0072b2", "#f2f2f2", "#d55e00"])
_COLOUR_MAPS = {
    "diverging": _DIVERGING,
    "sequential": LinearSegmentedColormap.from_list("amount", [LIGHT[place] for place in reversed(SHADES)]),
}
_WIDTH = 3.2  # inches per panel
_DPI = 300  # of PNGs, as journals ask


def save_figures(charts: Sequence[Chart], folder: Path) -> None:
    """Write every chart as KEY.svg, KEY.pdf and KEY.png.

    Args:
        charts: all views of each stand side by side in one figure.
        folder: is made.
    """
    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name may be in any script
        for chart in charts:
            figure = draw_figure(chart)
            engine: Any = figure.get_layout_engine()
            engine.execute(figure)
            figure.set_layout_engine("none")  # laid out once, not once per format
            _save(figure, folder / chart.key)


def _save(figure: Figure, path: Path) -> None:
    """Print by the formats' own canvases: `savefig` draws everything twice. No dates, so that bytes stay the same."""
    svg: Any = FigureCanvasSVG(figure)
    svg.print_svg(path.with_suffix(".svg"), metadata={"Date": None})
    pdf: Any = FigureCanvasPdf(figure)
    pdf.print_pdf(path.with_suffix(".pdf"), metadata={"CreationDate": None, "ModDate": None})
    figure.set_dpi(_DPI)  # the formats above have left theirs, 72
    png: Any = FigureCanvasAgg(figure)
    png.print_png(path.with_suffix(".png"), metadata={"Software": None})


def draw_figure(chart: Chart) -> Figure:
    """One figure with all views of a chart.

    Args:
        chart: to draw.
    """
    panels = [(view.name, panel) for view in chart.views for panel in view.panels]
    per_view = len(chart.views[0].panels)
    columns = per_view if per_view in (2, 3) else min(4 if len(panels) > 6 else 3, len(panels))
    rows = math.ceil(len(panels) / columns)
    height = max(panel.height for _, panel in panels) / 130
    legend_rows = math.ceil(len(chart.legend) / (2 * columns))
    size = (_WIDTH * columns + 0.4, height * rows + 0.22 * legend_rows + 0.1)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, (name, panel) in enumerate(panels):
        _draw_panel(axes[place], panel, _title(name, panel.title, len(chart.views) > 1))
        if place % columns and panel.y.scale == "linear" and panel.y.ticks == panels[place - 1][1].y.ticks != ():
            axes[place].tick_params(labelleft=False)  # the same names as to its left
    for unused in axes[len(panels) :]:
        unused.set_axis_off()
    if chart.legend:
        handles = [_handle(name, look) for name, look in chart.legend]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 2 * columns))
    return figure


def _title(view: str, panel: str, several: bool) -> str:
    return ": ".join(text for text in (view if several else "", panel) if text)


def _handle(name: str, look: Any) -> Line2D:
    return Line2D([], [], color=LIGHT[look.colour], linestyle=_DASHES[look.dash], marker=_MARKERS[look.marker],
                  markersize=4, label=f" {name}" if name.startswith("_") else name)  # fmt: skip


def _draw_panel(axes: Axes, panel: Panel, title: str) -> None:
    axes.set_title(title)
    if panel.heat:
        _draw_heat(axes, panel.heat)
    if panel.heat is None or panel.heat.at is not None:
        _set_scale(axes, panel.x, "x")
        _set_scale(axes, panel.y, "y")
    stacked = [0.0] * max((len(series.x) for series in panel.series), default=0)
    for series in panel.series:
        if series.kind == "bars":
            axes.barh(series.y, series.x, left=stacked, color=LIGHT[series.look.colour], height=0.7)
            stacked = [start + more for start, more in zip(stacked, series.x, strict=True)]
        elif series.kind == "columns":
            axes.bar(series.x, series.y, width=_column_width(series), color=LIGHT[series.look.colour], alpha=0.7)
        elif series.kind in ("line", "steps"):
            _draw_line(axes, series)
        else:
            _draw_marks(axes, series)
    for rule in panel.rules:
        _draw_rule(axes, rule)
    if panel.equal:
        axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel(panel.x.title)
    axes.set_ylabel(panel.y.title)


def _set_scale(axes: Axes, axis: Axis, name: str) -> None:
    drawn = axes.xaxis if name == "x" else axes.yaxis
    (axes.set_xscale if name == "x" else axes.set_yscale)(axis.scale)
    drawn.set_minor_locator(NullLocator())
    if axis.scale == "linear":
        drawn.set_major_locator(MaxNLocator(5))
    if axis.ticks:
        drawn.set_ticks([place for place, _ in axis.ticks], [text for _, text in axis.ticks])
    if axis.span:
        (axes.set_xlim if name == "x" else axes.set_ylim)(*axis.span)


def _draw_line(axes: Axes, series: Series) -> None:
    colour = LIGHT[series.look.colour]
    if series.low:
        axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.15, linewidth=0)
    width, alpha = (0.5, 0.35) if series.faint else (1.2, 1.0)
    look: dict[str, Any] = {"color": colour, "linewidth": width, "alpha": alpha}
    if series.kind == "steps":
        look["drawstyle"] = "steps-mid"
    axes.plot(series.x, series.y, _DASHES[series.look.dash], **look)


def _column_width(series: Series) -> float:
    gaps = [after - before for before, after in itertools.pairwise(sorted(series.x)) if after > before]
    return series.width or 0.94 * min(gaps, default=1.0)


def _draw_marks(axes: Axes, series: Series) -> None:
    colour = LIGHT[series.look.colour]
    look: dict[str, Any] = {"color": colour, "markersize": 2.5 if series.faint else 5, "linestyle": "none"}
    if series.faint:
        look["alpha"] = 0.6
    if series.kind == "censored":
        look |= {"marker": "^" if series.interval == "y" else ">", "markerfacecolor": "none"}
    else:
        look["marker"] = _MARKERS[series.look.marker]
    values = series.y if series.interval == "y" else series.x
    ends = [
        [max(value - low, 0.0) for value, low in zip(values, series.low, strict=False)],
        [max(high - value, 0.0) for value, high in zip(values, series.high, strict=False)],
    ]
    if series.low:
        look |= {f"{series.interval}err": ends, "elinewidth": 0.9, "capsize": 2}
        axes.errorbar(series.x, series.y, **look)
    else:
        axes.plot(series.x, series.y, **look)


def _draw_rule(axes: Axes, rule: Rule) -> None:
    look: dict[str, Any] = {"color": LIGHT[GREY], "linewidth": 0.9, "linestyle": "--"}
    label: dict[str, Any] = {"color": LIGHT[GREY], "fontsize": 7, "textcoords": "offset points"}
    if rule.across == "x":
        axes.axvline(rule.value, **look)
        height, edge = (0.03, "bottom") if rule.low else (0.97, "top")
        axes.annotate(
            rule.label, (rule.value, height), xycoords=("data", "axes fraction"), xytext=(3, 0), va=edge, **label
        )
    else:
        axes.axhline(rule.value, **look)
        axes.annotate(rule.label, (0.01, rule.value), xycoords=("axes fraction", "data"), xytext=(0, 2), **label)


def _draw_heat(axes: Axes, heat: Heat) -> None:
    values = [[math.nan if value is None else value for value in row] for row in heat.values]
    low, high = heat.ends
    look: dict[str, Any] = {"cmap": _COLOUR_MAPS[heat.scale], "vmin": low, "vmax": high}
    if heat.at is None:
        image: Any = axes.imshow(values, aspect="auto", origin="lower", **look)
        axes.set_xticks(range(len(heat.columns)), heat.columns, rotation=30, ha="right")
        axes.set_yticks(range(len(heat.rows)), heat.rows)
    else:
        image = axes.pcolormesh(*heat.at, values, shading="nearest", rasterized=True, **look)
    for row, texts in enumerate(heat.texts):
        for column, text in enumerate(texts):
            strength = ((heat.values[row][column] or 0.0) - low) / (high - low or 1.0)
            strong = strength > 0.6 if heat.scale == "sequential" else abs(2 * strength - 1) > 0.6
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if strong else "black")
    axes.figure.colorbar(image, ax=axes, label=heat.unit)

"""The picture that a verdict rests on: its primary contrast, run by run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report._chart import Axis, Chart, Kind, Look, Panel, Series, View, log_axis, spread_out
from evolearn.report._files import Json
from evolearn.report._looks import GREY, arm_looks
from evolearn.report.study.score_charts import condition_ticks
from evolearn.report.texts import quantity, with_interval

_KINDS: tuple[Kind, ...] = ("points", "censored")
_SHARE = 0.7  # of the room of an arm that its runs take, side by side


def decisive_charts(verdict: Json) -> Iterator[Chart]:
    """Head starts or the primary metric, run by run; nothing where most runs never came to what it measures.

    Args:
        verdict: verdict.json.
    """
    rows = [(place, row["primary"]) for place, row in enumerate(verdict["conditions"])]
    ahead = [(place, row) for place, row in rows if row.get("head_start")]
    if ahead:
        steps = [value for _, row in ahead for value in row["head_start"]]
        if _mostly_known(steps):
            yield _head_starts(verdict, ahead)
        return
    metrics = dict.fromkeys(row["metric"] for _, row in rows)
    panels = [panel for metric in metrics if (panel := _metric_panel(verdict, metric)) is not None]
    if panels:
        said = " ".join(f"{_words(metric).capitalize()}: {verdict['metrics'][metric]['doc']}." for metric in metrics)
        yield Chart(
            "primary",
            "What the verdict rests on, run by run",
            f"A small mark per evolution run of the two arms that are compared; large ones are interquartile means "
            f"over runs, with intervals. The further apart, the plainer the verdict. {said}",
            "",
            (View("", tuple(panels)),),
        )


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _mostly_known(values: Sequence[float | None]) -> bool:
    """Whether marks of them are not mostly arrows."""
    return 2 * sum(value is not None for value in values) > len(values)


# --- head starts ---


def _head_starts(verdict: Json, rows: Sequence[tuple[int, Json]]) -> Chart:
    looks = arm_looks(list(verdict["arms"]))
    margins = {float(row["margin"]) for _, row in rows if row["margin"] is not None}
    series = [
        one
        for arm in dict.fromkeys(row["arm"] for _, row in rows)
        for kind in _KINDS
        if (one := _runs_ahead(arm, kind, looks[arm], [(n, row) for n, row in rows if row["arm"] == arm], verdict))
    ]
    ticks = condition_ticks(verdict)
    top = max(*verdict["lifetimes"], *margins, 1.0)
    span = (-0.5, len(ticks) - 0.5)
    steps = tuple(top * quarter / 4 for quarter in range(5))
    lines = [Series("margin", Look(GREY, "dash", "none"), "line", span, (margin, margin)) for margin in sorted(margins)]
    panel = Panel(
        Axis("condition", ticks=ticks, span=span),
        Axis(
            "head start, world steps",
            ticks=tuple((tick, quantity(tick, "world steps")) for tick in steps),
            span=(-0.05 * top, 1.05 * top),
        ),
        (*lines, *series),
        height=380,
    )
    return Chart(
        "head_starts",
        "How far ahead evolution puts each run",
        "A mark per evolution run: how many steps of life the rival's run of the same number needs to score what that "
        "run's newborns score. An open arrow: it never did within a life. The verdict counts the marks above the "
        "margin.",
        "",
        (View("", (panel,)),),
    )


def _runs_ahead(arm: str, kind: Kind, look: Look, rows: Sequence[tuple[int, Json]], verdict: Json) -> Series | None:
    marks = []
    for place, row in rows:
        steps = row["head_start"]
        for run, offset in enumerate(spread_out(len(verdict["conditions"]), len(steps))):
            if (steps[run] is None) == (kind == "censored"):
                reached = max(verdict["lifetimes"]) if steps[run] is None else steps[run]
                note = f"run {run}: {'at least ' * (steps[run] is None)}{quantity(reached, 'world steps')} steps"
                marks.append((place + offset, float(reached), note))
    if not marks:
        return None
    x, y, notes = zip(*marks, strict=True)
    ends = (y, y) if kind == "censored" else ((), ())
    return Series(arm, look, kind, x, y, *ends, notes=notes)


# --- any other metric ---


def _metric_panel(verdict: Json, metric: str) -> Panel | None:
    """Runs of both arms under all conditions that are judged by a metric; None if there is little to see."""
    about = verdict["metrics"][metric]
    rows = [(n, row) for n, row in enumerate(verdict["conditions"]) if row["primary"]["metric"] == metric]
    found = [run.get(metric) for _, row in rows for arm in _sides(row) for run in row["arms"][arm]["runs"]]
    if not _mostly_known(found):
        return None
    looks, ticks = arm_looks(list(verdict["arms"])), condition_ticks(verdict)
    arms = list(dict.fromkeys(arm for _, row in rows for arm in _sides(row)))
    last = float(max(verdict["lifetimes"]))
    offsets = dict(zip(arms, spread_out(len(ticks), len(arms)), strict=True))
    room = _SHARE * (offsets[arms[1]] - offsets[arms[0]])
    series = [
        one
        for arm in arms
        for place, row in rows
        if arm in _sides(row)
        for one in _one_arm(row["arms"][arm], arm, looks[arm], metric, about, place + offsets[arm], room, last)
    ]
    title = f"{_words(metric)}, {about['unit']}"
    values = [y for one in series for y in (*one.y, *one.low, *one.high)]
    pad = 0.06 * (max(values) - min(values)) or 0.05
    return Panel(
        Axis("condition", ticks=ticks, span=(-0.5, len(ticks) - 0.5)),
        log_axis(title, [*values, verdict["birth_steps"], last])
        if about["unit"] == "world steps"
        else Axis(title, span=(min(values) - pad, max(values) + pad)),
        tuple(series),
        title=_words(metric) if len({row["primary"]["metric"] for row in verdict["conditions"]}) > 1 else "",
        height=380,
    )


def _sides(condition: Json) -> tuple[str, str]:
    return condition["primary"]["arm"], condition["primary"]["against"]


def _one_arm(
    entry: Json, arm: str, look: Look, metric: str, about: Json, place: float, room: float, last: float
) -> Iterator[Series]:
    """An arm's runs about a place, in the order of their numbers, and their summary in the midst of them."""
    unit, runs = about["unit"], entry["runs"]
    for kind in _KINDS:
        marks = [
            (place + room * ((n + 0.5) / len(runs) - 0.5), last if run.get(metric) is None else run[metric], run["run"])
            for n, run in enumerate(runs)
            if (run.get(metric) is None) == (kind == "censored") and (kind == "points" or about["censored"])
        ]
        if marks:
            x, y, numbers = zip(*marks, strict=True)
            never = ", never" if kind == "censored" else ""
            notes = tuple(f"run {run}: {quantity(value, unit)}{never}" for run, value in zip(numbers, y, strict=True))
            yield Series(arm, look, kind, x, tuple(map(float, y)), notes=notes, faint=True)
    summary = entry["metrics"].get(metric)
    # A mean over two clusters of runs describes neither.
    if summary and summary["iqm"] is not None and not entry.get("clusters"):
        value = float(summary["iqm"])
        low, high = (value if summary[end] is None else float(summary[end]) for end in ("low", "high"))
        kind = "censored" if summary.get("censored") else "points"
        yield Series(arm, look, kind, (place,), (value,), (low,), (high,), notes=(with_interval(summary, unit),))

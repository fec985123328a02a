"""What arms score: catch-up times, learning curves, and birth score, catch-up time and ceiling side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from evolearn.report._chart import Axis, Chart, Kind, Look, Panel, Series, View, log_axis, spread_out
from evolearn.report._files import Json
from evolearn.report._looks import GREY, arm_looks
from evolearn.report.texts import quantity, shortened, with_interval
from evolearn.verdict import cluster_words, iqm, run_names


def score_charts(verdict: Json) -> list[Chart]:
    """The charts of what arms score, in the order of the page.

    Args:
        verdict: verdict.json.
    """
    return [_learning_curves(verdict), _three_numbers(verdict), _catch_up(verdict)]


def condition_ticks(verdict: Json) -> tuple[tuple[float, str], ...]:
    """A tick per condition, at 0, 1, 2, ..."""
    return tuple((float(place), shortened(row["name"], 16)) for place, row in enumerate(verdict["conditions"]))


# --- arms whose runs are two clusters: each has a mark of its own, since a mean over all of them describes neither ---


def _parts(entry: Json) -> list[tuple[str, Json]]:
    """What one mark each stands for, in words: the whole arm (no words), or each cluster of its runs."""
    return [(f"{cluster_words(part)}: ", part) for part in entry.get("clusters") or []] or [("", entry)]


def _clusters_note(conditions: Sequence[Json], shown: Sequence[str] | None = None) -> str:
    """Which runs of which arms are stuck, under a chart that draws them apart; of all arms if none are named."""
    found = []
    for condition in conditions:
        where = f" under {condition['name']}" if len(conditions) > 1 else ""
        for arm, entry in condition["arms"].items():
            if (clusters := entry.get("clusters")) and (shown is None or arm in shown):
                through, stuck = (cluster["runs"] for cluster in clusters)
                found.append(f"{arm}{where} ({run_names(stuck)} stuck, {len(through)} not)")
    return f"Two clusters of runs, with a mark each and no interval: {'; '.join(found)}." if found else ""


def _cluster_times(entry: Json, cluster: Json, lifetime: int) -> Json:
    """Catch-up times of the runs of a cluster as if life had ended at `lifetime`."""
    times = [run["catch_up"] for run in entry["runs"] if run["run"] in cluster["runs"]]
    kept = [lifetime if time is None else min(time, lifetime) for time in times]
    never = sum(time is None or time > lifetime for time in times)
    return {"iqm": float(iqm(kept)), "censored": never, "runs": len(times), "at_least": never > len(times) // 4,
            "words": cluster_words(cluster)}  # fmt: skip


# --- catch-up times ---


def _catch_up(verdict: Json) -> Chart:
    """Catch-up time over conditions x lifetimes; with a single condition, over lifetimes in one view."""
    conditions, lifetimes, learning = verdict["conditions"], verdict["lifetimes"], _learning_arms(verdict)
    if len(conditions) == 1:
        cells = [
            (place, row["lifetime"], _marks(row, conditions[0]))
            for place, row in enumerate(_by_lifetime(conditions[0]))
        ]
        ticks = tuple((float(place), quantity(steps, "world steps")) for place, steps, _ in cells)
        views: tuple[View, ...] = (
            View(
                conditions[0]["name"],
                (_catch_up_panel(verdict, cells, "lifetime, world steps", ticks),),
                _clusters_note(conditions, learning),
            ),
        )
    else:
        views = tuple(
            View(
                f"{quantity(lifetime, 'world steps')} steps",
                (_catch_up_panel(verdict, _catch_up_cells(verdict, lifetime), "condition", condition_ticks(verdict)),),
                _clusters_note(conditions, learning),
            )
            for lifetime in reversed(lifetimes)
        )
    return Chart(
        "catch_up",
        "How long learning takes to catch up with birth",
        "Each mark is the age at which an arm first scores what evolution gives at birth (interquartile mean and "
        "interval over runs). A low mark: learning soon makes up for the missing instinct. An open arrow on the line "
        "of life's end: some or all runs never did, so the true value lies above.",
        "lifetime",
        views,
    )


def _learning_arms(verdict: Json) -> list[str]:
    return [arm for arm, about in verdict["arms"].items() if about.get("learns", True)]


def _by_lifetime(condition: Json) -> list[Json]:
    return list(condition["catch_up_by_lifetime"])


def _marks(row: Json, condition: Json) -> dict[str, list[Json]]:
    """Catch-up times at one lifetime by arm: one summary, or one per cluster of its runs."""
    marks = {}
    for arm, summary in row["arms"].items():
        entry = condition["arms"][arm]
        apart = [_cluster_times(entry, cluster, row["lifetime"]) for cluster in entry.get("clusters") or []]
        marks[arm] = apart or [summary]
    return marks


def _catch_up_cells(verdict: Json, lifetime: int) -> list[tuple[int, int, dict[str, list[Json]]]]:
    return [
        (place, lifetime, _marks(row, condition))
        for place, condition in enumerate(verdict["conditions"])
        for row in _by_lifetime(condition)
        if row["lifetime"] == lifetime
    ]


def _catch_up_panel(
    verdict: Json,
    cells: Sequence[tuple[int, int, dict[str, list[Json]]]],
    title: str,
    ticks: tuple[tuple[float, str], ...],
) -> Panel:
    arms = [arm for arm in _learning_arms(verdict) if any(arm in arms for _, _, arms in cells)]
    looks = arm_looks(list(verdict["arms"]))
    series: list[Series] = []
    for arm, offset in zip(arms, spread_out(len(ticks), len(arms)), strict=True):
        points = [(place + offset, steps, entry) for place, steps, marks in cells for entry in marks.get(arm, [])]
        series += _times(arm, looks[arm], points)
    ends = sorted((place, steps) for place, steps, _ in cells)
    edges = [(ends[0][0] - 0.5, ends[0][1]), *ends, (ends[-1][0] + 0.5, ends[-1][1])] if ends else []
    end = Series("end of life: never", Look(GREY, "dash", "none"), "line", _column(edges, 0), _column(edges, 1))
    return Panel(
        Axis(title, ticks=ticks, span=(-0.5, len(ticks) - 0.5)),
        log_axis("catch-up time, world steps", _all_times(verdict)),
        (end, *series),
        height=420,
    )


def _all_times(verdict: Json) -> list[float]:
    """Times that every axis of times holds, so that all views have the same."""
    return [verdict["birth_steps"], max(verdict["lifetimes"])]


def _times(arm: str, look: Look, points: Sequence[tuple[float, int, Json]]) -> Iterator[Series]:
    kinds: tuple[Kind, ...] = ("points", "censored")
    for kind, whole in itertools.product(kinds, (True, False)):
        chosen = [
            (x, steps, entry)
            for x, steps, entry in points
            if entry["iqm"] is not None
            and bool(entry["censored"]) == (kind == "censored")
            and ("low" in entry) == whole
        ]
        if chosen:
            yield Series(
                arm,
                look,
                kind,
                tuple(x for x, _, _ in chosen),
                tuple(float(entry["iqm"]) for _, _, entry in chosen),
                _ends([entry for _, _, entry in chosen], "low"),
                _ends([entry for _, _, entry in chosen], "high"),
                notes=tuple(
                    f"{with_interval(entry, 'world steps')}; lives of {steps:,} steps"
                    + (f"; {entry['words']}" if "words" in entry else "")
                    for _, steps, entry in chosen
                ),
            )


def _ends(chosen: Sequence[Json], end: str) -> tuple[float, ...]:
    """Of the intervals of several summaries; those of clusters have none."""
    if any(end not in entry for entry in chosen):
        return ()
    return tuple(float(entry["iqm"] if entry[end] is None else entry[end]) for entry in chosen)


def _column(rows: Sequence[Sequence[float]], place: int) -> tuple[float, ...]:
    return tuple(float(row[place]) for row in rows)


# --- learning curves ---


def _learning_curves(verdict: Json) -> Chart:
    return Chart(
        "learning_curves",
        "Score by age",
        f"Score over the last {verdict['birth_steps']} steps, by age, learning as each arm does: interquartile mean "
        "over runs and its interval. What is innate shows at the left end, what is learned is the rise, and where a "
        "curve crosses the grey dashed line it has caught up with evolution's newborn.",
        "condition",
        tuple(View(row["name"], (_curve_panel(verdict, row),), _clusters_note([row])) for row in verdict["conditions"]),
    )


def _curve_panel(verdict: Json, condition: Json) -> Panel:
    looks = arm_looks(list(verdict["arms"]))
    series = []
    for arm, entry in condition["arms"].items():
        for words, part in _parts(entry):
            curve = part.get("curve")
            rows = [row for row in zip(*_lists(curve), strict=True) if None not in row] if curve else []
            if rows:
                ages, scores = (_column(rows, place) for place in range(2))
                low, high = (_column(rows, place) if place < len(rows[0]) else () for place in (2, 3))
                notes = tuple(f"{words}{quantity(score)}" for score in scores) if words else ()
                series.append(Series(arm, looks[arm], "line", ages, scores, low, high, notes=notes))
    ages = tuple(age for one in series for age in one.x)
    for level, name, dash in (("catch_up_level", "caught up", "dash"), ("threshold_level", "threshold", "dashdot")):
        if ages and condition.get(level) is not None:
            ends, value = (min(ages), max(ages)), float(condition[level])
            series.append(Series(name, Look(GREY, dash, "none"), "line", ends, (value, value)))
    return Panel(
        log_axis("age, world steps", ages),
        Axis(f"score over the last {verdict['birth_steps']} steps"),
        tuple(series),
        height=420,
    )


def _lists(curve: Json) -> list[Any]:
    return [curve[name] for name in ("age", "score", "low", "high") if name in curve]


# --- birth, catch-up, ceiling ---

_THREE = (("birth", "birth score"), ("catch_up", "catch-up time"), ("ceiling", "ceiling"))


def _three_numbers(verdict: Json) -> Chart:
    return Chart(
        "birth_catch_up_ceiling",
        "Birth score, catch-up time and ceiling, side by side",
        "What an arm can do when it is born, how long it then needs to be as good as evolution's newborn, and where it "
        "ends: three numbers, never one. Large marks are interquartile means with intervals, small ones single runs; "
        "open arrows are runs that never got there.",
        "condition",
        tuple(
            View(
                row["name"],
                tuple(_metric_panel(verdict, row, metric, title) for metric, title in _THREE),
                _clusters_note([row]),
            )
            for row in verdict["conditions"]
        ),
    )


def _metric_panel(verdict: Json, condition: Json, metric: str, title: str) -> Panel:
    looks = arm_looks(list(verdict["arms"]))
    arms = [arm for arm in condition["arms"] if metric in condition["arms"][arm]["metrics"]]
    about = verdict["metrics"][metric]
    last = float(max(verdict["lifetimes"]))
    series: list[Series] = []
    for place, arm in enumerate(arms):
        series += _one_arm(condition["arms"][arm], arm, looks[arm], metric, about, float(-place), last)
    unit = about["unit"]
    scores = [
        value
        for other in verdict["conditions"]
        for entry in other["arms"].values()
        for value in (*(run.get(metric) for run in entry["runs"]), *_summary_ends(entry, metric))
        if value is not None
    ]
    room = 0.04 * (max(scores, default=1.0) - min(scores, default=0.0)) or 0.05
    span = (min(scores, default=0.0) - room, max(scores, default=1.0) + room)  # the same under all conditions
    return Panel(
        log_axis(unit, _all_times(verdict)) if unit == "world steps" else Axis(unit, span=span),
        Axis("", ticks=tuple((float(-place), shortened(arm)) for place, arm in enumerate(arms))),
        tuple(series),
        title=title,
        height=110 + 30 * len(arms),
    )


def _summary_ends(entry: Json, metric: str) -> list[float | None]:
    summary = entry["metrics"].get(metric) or {}
    return [summary.get("low"), summary.get("high")]


def _one_arm(
    entry: Json, arm: str, look: Look, metric: str, about: Json, place: float, last: float
) -> Iterator[Series]:
    unit = about["unit"]
    values = [(run["run"], run.get(metric)) for run in entry["runs"] if entry["metrics"][metric]["iqm"] is not None]
    kinds: tuple[Kind, ...] = ("points", "censored")
    for kind in kinds:
        chosen = [
            (run, last if value is None else float(value))
            for run, value in values
            if (value is None) == (kind == "censored") and (value is not None or about["censored"])
        ]
        never = ", never" if kind == "censored" else ""
        if chosen:
            yield Series(
                arm,
                look,
                kind,
                tuple(value for _, value in chosen),
                (place - 0.22,) * len(chosen),
                interval="x",
                notes=tuple(f"run {run}: {quantity(value, unit)}{never}" for run, value in chosen),
                faint=True,
            )
    for words, part in _parts(entry):
        summary = part["metrics"].get(metric)
        if summary and summary["iqm"] is not None:
            yield Series(
                arm,
                look,
                "censored" if summary.get("censored") else "points",
                (float(summary["iqm"]),),
                (place + 0.12,),
                _ends([summary], "low"),
                _ends([summary], "high"),
                interval="x",
                notes=(f"{words}{with_interval(summary, unit)}",),
            )

"""What it cost: steps charged to every arm, and after how many descendants evolution's bill is paid."""

from __future__ import annotations

from collections.abc import Iterator

from evolearn.report._chart import Axis, Chart, Look, Panel, Rule, Series, View, log_axis
from evolearn.report._files import Json
from evolearn.report._looks import GREY, SHADES, arm_looks
from evolearn.report.texts import quantity, shortened

COLUMNS = ("outer", "inner", "tuning", "evaluation", "settings")
_POINTS = 25  # of a break-even curve


def cost_charts(verdict: Json) -> list[Chart]:
    """The charts of costs, in the order of the page.

    Args:
        verdict: verdict.json.
    """
    return [_ledger(verdict), *_break_even(verdict)]


def _ledger(verdict: Json) -> Chart:
    return Chart(
        "ledger",
        "What every arm was charged",
        "World steps per arm, all runs together. An evolution is charged as outer steps where weights are inherited, "
        "as tuning where they are drawn afresh; no arm got a bigger budget than the one that it is compared with. "
        "Settings are what finding an arm's settings took beforehand, once.",
        "condition",
        tuple(View(name, (_ledger_panel(arms),)) for name, arms in verdict["ledger"]["conditions"].items()),
    )


def _ledger_panel(arms: Json) -> Panel:
    places = tuple(-float(place) for place in range(len(arms)))
    series = []
    for column, shade in zip(COLUMNS, (*SHADES, GREY), strict=True):
        steps = tuple(float(row.get(column, 0)) for row in arms.values())
        if column == "settings" and not any(steps):
            continue
        notes = tuple(f"{arm}: {quantity(row.get(column, 0), 'world steps')} {column}" for arm, row in arms.items())
        series.append(Series(column, Look(shade, "solid", "square"), "bars", steps, places, interval="x", notes=notes))
    return Panel(
        Axis("world steps"),
        Axis("", ticks=tuple((place, shortened(arm)) for place, arm in zip(places, arms, strict=True))),
        tuple(series),
        height=110 + 28 * len(arms),
    )


def _break_even(verdict: Json) -> Iterator[Chart]:
    looks = arm_looks(list(verdict["arms"]))
    views = []
    for condition in verdict["conditions"]:
        panels = [panel for row in condition["break_even"] if (panel := _break_even_panel(row, looks)) is not None]
        if panels:
            views.append(
                View(condition["name"], tuple(panels), " ".join(r["sentence"] for r in condition["break_even"]))
            )
    if views:
        yield Chart(
            "break_even",
            "After how many descendants evolution's bill is paid",
            "Steps per descendant: evolution's bill divided among N descendants plus what each still has to learn "
            "(falling line), against what a learner without that inheritance needs in every life (level line). Where "
            "they cross, evolution has paid for itself; lines that do not cross: it never does.",
            "condition",
            tuple(views),
        )


def _break_even_panel(row: Json, looks: dict[str, Look]) -> Panel | None:
    if row["evolution_steps"] is None or row["steps_each"] is None or row["steps_each_against"] is None:
        return None
    evolution, each, against = (float(row[name]) for name in ("evolution_steps", "steps_each", "steps_each_against"))
    crossing = row["descendants"]
    decades = len(str(int(crossing or max(evolution / max(against, 1.0), 1.0)))) + 1
    numbers = tuple(float(10 ** (decades * place / (_POINTS - 1))) for place in range(_POINTS))
    arm, other = row["arm"], row["against"]
    lines = (
        Series(arm, looks[arm], "line", numbers, tuple(evolution / number + each for number in numbers)),
        Series(other, looks[other], "line", (numbers[0], numbers[-1]), (against, against)),
    )
    bound = "" if row["bound"] == "exact" else f"{row['bound']} "
    rules = () if crossing is None else (Rule(float(crossing), f"N* {bound}{quantity(crossing, 'world steps')}", "x"),)
    return Panel(
        log_axis("number of descendants N", numbers),
        log_axis("world steps per descendant", [*lines[0].y, against]),
        lines,
        rules,
        title=f"{arm} against {other}",
        height=320,
    )

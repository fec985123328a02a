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
            "Steps per descendant: an arm's bill, its own search, divided among N descendants, plus what each still "
            "has to learn. Where the lines cross, evolution has paid for what it cost more; an arm that lies below "
            "from the start pays at once. Nothing is drawn where it cannot be told.",
            "condition",
            tuple(views),
        )


def _break_even_panel(row: Json, looks: dict[str, Look]) -> Panel | None:
    if row["bound"] in ("unclear", "unknown") or row["steps_each"] is None or row["steps_each_against"] is None:
        return None
    crossing = row["descendants"] or None  # paid at once: no lines that cross
    bills = [float(row[name]) for name in ("evolution_steps", "evolution_steps_against")]
    each = [float(row[name]) for name in ("steps_each", "steps_each_against")]
    decades = len(str(int(crossing or max(max(bills) / max(each[1], 1.0), 1.0)))) + 1
    numbers = tuple(float(10 ** (decades * place / (_POINTS - 1))) for place in range(_POINTS))
    lines = tuple(
        Series(row[side], looks[row[side]], "line", numbers, tuple(bill / number + steps for number in numbers))
        for side, bill, steps in zip(("arm", "against"), bills, each, strict=True)
    )
    bound = "" if row["bound"] == "exact" else f"{row['bound']} "
    rules = () if crossing is None else (Rule(float(crossing), f"N* {bound}{quantity(crossing, 'world steps')}", "x"),)
    return Panel(
        log_axis("number of descendants N", numbers),
        log_axis("world steps per descendant", [y for line in lines for y in line.y]),
        lines,
        rules,
        title=f"{row['arm']} against {row['against']}",
        height=320,
    )

"""The innate repertoire as a reader sees it: birth score, response curves, and what to watch in the replay."""

from __future__ import annotations

from collections.abc import Iterator

from evolearn.report._chart import Axis, Chart, Look, Panel, Rule, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLACK, GREEN
from evolearn.report.inspection.marks import BORN, CHANCE, listed, looks_of, percent, short
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import quantity, shortened

MOST_PANELS = 24  # response curves on the page
MOST_LINES = 8  # outputs in one panel
_LOOKS = {
    "newborn": BORN,
    "blank": Look(GREEN, "solid", "triangle-down"),
    "random": CHANCE,
    "oracle": Look(BLACK, "dashdot", "star"),
}


def repertoire_section(found: Json, about: Json) -> Section:
    """The section of the innate repertoire.

    Args:
        found: see `evolearn.inspection._repertoire.inspect_repertoire`.
        about: the head of inspection.json; not used.
    """
    charts = [_scores(found)]
    if found["curves"] and found["curves"]["observations"]:
        charts.append(_curves(found["curves"]))
    return Section(
        "repertoire",
        "Innate repertoire",
        tuple(_sentences(found)),
        tuple(charts),
        (_score_table(found), _action_table(found)),
    )


def _sentences(found: Json) -> Iterator[str]:
    arms = {entry["arm"]: entry for entry in found["arms"]}
    newborn, chance = arms["newborn"], arms["random"]
    share = ""
    if newborn["share"] is not None:
        share = f"; from random actions (0) to the oracle (1) that is {_with_ends(newborn, 'share', 'share_')}"
    yield (
        f"Without learning, the newborn scores {_with_ends(newborn, 'mean', '')} over its first {found['steps']:,} "
        f"steps ({found['score']}, {found['lives']} fresh lives); random actions score {_with_ends(chance, 'mean', '')}"
        f"{share}."
    )
    yield from _against_chance(newborn)
    yield (
        "Intervals are over lives of this one newborn: they say how well its score is known, and nothing of what other "
        "evolution runs would have found. That takes a study, whose unit is the run."
    )
    curves = found["curves"]
    if curves is None and found.get("carries"):
        yield (
            "No response is drawn: this brain carries a state from step to step, so that the same observation has "
            "another answer whenever it remembers something else."
        )
    elif curves is None:
        yield "Weights are drawn afresh in every life: there is no innate policy whose responses could be drawn."
    elif curves["observations"]:
        ranked = sorted(curves["observations"], key=lambda curve: -curve["reach"])
        names = [f"{curve['name']} ({short(curve['reach'])})" for curve in ranked[:3]]
        yield (
            f"Along a single observation, with the others at their median, the {curves['kind']} changes most with "
            f"{listed(names)}. Senses that only matter "
            "together do not show in such curves."
        )
    if curves and curves["constant"]:
        yield f"Hardly varied in these lives, so not drawn: {listed(curves['constant'])}."


def _against_chance(newborn: Json) -> Iterator[str]:
    """What the paired difference from random actions says."""
    low, high = newborn["ahead_low"], newborn["ahead_high"]
    if low is None or low > 0.0:
        return
    if high < 0.0:
        behind = {"behind": -newborn["ahead"], "behind_low": -high, "behind_high": -low}
        yield (
            f"In the same lives it is {_with_ends(behind, 'behind', 'behind_')} behind random actions. What evolution "
            "wrote may be of use only to a newborn that learns."
        )
    else:
        yield (
            f"In the same lives it is {_with_ends(newborn, 'ahead', 'ahead_')} ahead of random actions: little or "
            "nothing of the skill is innate, or these lives are too few to show it."
        )


def _with_ends(entry: Json, middle: str, prefix: str) -> str:
    low, high = entry[f"{prefix}low"], entry[f"{prefix}high"]
    text = quantity(entry[middle], "score")
    return text if low is None else f"{text} [{quantity(low, 'score')}, {quantity(high, 'score')}]"


def _scores(found: Json) -> Chart:
    arms = found["arms"]
    places = [-float(place) for place in range(len(arms))]
    series = []
    for place, entry in zip(places, arms, strict=True):
        low, high = ((), ()) if entry["low"] is None else ((entry["low"],), (entry["high"],))
        note = f"{entry['label']}: {_with_ends(entry, 'mean', '')}"
        look, at = _LOOKS[entry["arm"]], (entry["mean"],)
        series.append(Series("", look, "points", at, (place,), low, high, interval="x", notes=(note,)))
    ticks = tuple((place, entry["label"]) for place, entry in zip(places, arms, strict=True))
    panel = Panel(
        Axis(f"score over the first {found['steps']:,} steps"),
        Axis("", ticks=ticks, span=(places[-1] - 0.6, 0.6)),
        tuple(series),
        height=110 + 36 * len(arms),
    )
    return Chart(
        "repertoire_scores",
        "Birth score",
        f"Nobody learns here. Mean over {found['lives']} lives, the same for all, with its 95% interval over lives. An "
        "untrained brain and random actions show what chance does; the oracle knows what each life hides.",
        "lives",
        (View("birth score", (panel,)),),
    )


def _curves(curves: Json) -> Chart:
    ranked = sorted(curves["observations"], key=lambda curve: -curve["reach"])
    shown = {curve["name"] for curve in ranked[:MOST_PANELS]}
    panels = tuple(_curve(curves, curve) for curve in curves["observations"] if curve["name"] in shown)
    left = len(ranked) - len(shown)
    note = f"{left} more observations, with smaller ranges, are in inspection.json." if left else ""
    outputs = len(curves["outputs"])
    few = f" The {MOST_LINES} of {outputs} outputs that change most." if outputs > MOST_LINES else ""
    return Chart(
        "repertoire_curves",
        "Response along each observation",
        f"The {curves['kind']} as one observation goes from its 1% to its 99% quantile in these lives, the others at "
        f"their median; dashed: its own median. A flat line is a sense that this newborn does not heed, there.{few}",
        "observations",
        (View("observations", panels, note),),
        small=True,
    )


def _curve(curves: Json, curve: Json) -> Panel:
    outputs = curves["outputs"]
    reach = {name: max(line) - min(line) for name, line in zip(outputs, curve["y"], strict=True)}
    shown = _most_moved(curves)
    looks = looks_of(outputs)
    series = tuple(
        Series(name, looks[name], "line", tuple(curve["x"]), tuple(line))
        for name, line in zip(outputs, curve["y"], strict=True)
        if name in shown and name in reach
    )
    lines = [value for other in curves["observations"] for line in other["y"] for value in line]
    margin = 0.05 * (max(lines) - min(lines)) or 0.5
    span = (0.0, 1.0) if curves["kind"] == "probability" else (min(lines) - margin, max(lines) + margin)
    unit = "" if curve["unit"] in ("", "1") else f", {curve['unit']}"
    return Panel(
        Axis(f"{shortened(curve['name'])}{unit}"),
        Axis(curves["kind"], span=span),
        series,
        (Rule(curve["median"], "", "x"),),
        height=170,
    )


def _most_moved(curves: Json) -> set[str]:
    """Outputs that any observation moves most."""
    reach = [
        (max(max(curve["y"][place]) - min(curve["y"][place]) for curve in curves["observations"]), name)
        for place, name in enumerate(curves["outputs"])
    ]
    return {name for _, name in sorted(reach, key=lambda entry: -entry[0])[:MOST_LINES]}


def _score_table(found: Json) -> Table:
    numbers = ("mean", "low", "high", "ahead", "ahead_low", "ahead_high", "share", "share_low", "share_high")
    return Table(
        "repertoire_scores_table",
        "Birth scores",
        "Ahead: of random actions in the same lives. Share: from random actions, 0, to the oracle, 1. Intervals (low, "
        "high) cover 95% over lives.",
        ("who", "score", "low", "high", "ahead", "low", "high", "share", "low", "high"),
        tuple((entry["label"], *(entry[name] for name in numbers)) for entry in found["arms"]),
        (False, *(True,) * len(numbers)),
    )


def _action_table(found: Json) -> Table:
    actions = found["actions"]
    title, key = "What the newborn does", "repertoire_actions"
    if actions["discrete"]:
        rows = tuple((name, percent(share)) for name, share in zip(actions["names"], actions["share"], strict=True))
        return Table(key, title, "How often each choice is taken, learning off.", ("choice", "taken"), rows,
                     (False, True), shown=12)  # fmt: skip
    columns = (actions["names"], actions["mean"], actions["stdev"])
    return Table(key, title, "Actions as drawn, learning off; worlds may clip them.",
                 ("action", "mean", "standard deviation"), tuple(zip(*columns, strict=True)), (False, True, True),
                 shown=12)  # fmt: skip

"""Arms against each other: the map over conditions and lifetimes, who does better how often, the 2 x 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report._chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View, spread_out
from evolearn.report._files import Json
from evolearn.report._looks import SHADES, arm_looks
from evolearn.report.study.score_charts import condition_ticks
from evolearn.report.texts import VERDICT_LETTERS, probability, quantity, shortened
from evolearn.verdict import partitions


def contrast_charts(verdict: Json) -> list[Chart]:
    """The charts of differences, in the order of the page.

    Args:
        verdict: verdict.json.
    """
    return [*_lifetimes_map(verdict), _improvement(verdict), *_factorial(verdict)]


def contrast_name(contrast: Json) -> str:
    """Which arms a contrast is between."""
    return f"{contrast['arm']} against {contrast['against']}"


def _lifetimes_map(verdict: Json) -> Iterator[Chart]:
    pairs = list(dict.fromkeys((row["arm"], row["against"]) for c in verdict["conditions"] for row in c["by_lifetime"]))
    if pairs:
        yield Chart(
            "map",
            "Where the head start lasts: the map over conditions and lifetimes",
            "Difference of fitness over the whole life, first arm minus second, with the verdict's letter: B better, "
            "W worse, E equivalent, I inconclusive (neither a difference nor equality is shown). The letters of a "
            f"condition are a family of tests of its own, corrected after Holm. {_map_reading(verdict)}",
            "arms",
            tuple(View(f"{arm} minus {against}", (_map_panel(verdict, arm, against),)) for arm, against in pairs),
        )


def _map_reading(verdict: Json) -> str:
    """What to look for in the map; of letters that could not be others nothing is to be read."""
    families = [row["by_lifetime"] for row in verdict["conditions"]]
    if any(cell["verdict"] != "inconclusive" for family in families for cell in family):
        return "If learning makes up for everything, the map turns to E towards long lives."
    if any(cell.get("unfinished") for family in families for cell in family):
        return (
            "Every letter is I, some because a search had not ended (the remarks say whose): differences or equality "
            "were shown there, and their verdicts are withheld."
        )
    if any(_could_come_out(family, verdict["study"]) for family in families):
        return "Every letter is I: the map shows neither differences nor equality."
    return (
        "Every letter is I because the tests were withheld or, with so few runs under Holm, could not have come out: "
        "small differences, and pale colours, are no sign of equality."
    )


def _could_come_out(family: Sequence[Json], study: Json) -> bool:
    """Whether any test of a family could have been below the level, whatever the difference."""
    tested = sum(cell.get("p") is not None for cell in family)
    return 0 < tested * 2 / partitions(study["runs"], study["runs"]) < float(study["level"])


def _map_panel(verdict: Json, arm: str, against: str) -> Panel:
    cells = {
        (condition["name"], row["lifetime"]): row
        for condition in verdict["conditions"]
        for row in condition["by_lifetime"]
        if (row["arm"], row["against"]) == (arm, against)
    }
    names = [condition["name"] for condition in verdict["conditions"]]
    rows = [[cells.get((name, lifetime)) for name in names] for lifetime in verdict["lifetimes"]]
    heat = Heat(
        columns=tuple(shortened(name, 16) for name in names),
        rows=tuple(quantity(lifetime, "world steps") for lifetime in verdict["lifetimes"]),
        values=tuple(tuple(cell and cell["difference"]["iqm"] for cell in row) for row in rows),
        texts=tuple(tuple(_cell_text(cell) for cell in row) for row in rows),
        unit="score",
        bound=_colour_bound(verdict),
    )
    return Panel(Axis("condition"), Axis("lifetime, world steps"), heat=heat, height=150 + 60 * len(rows))


def _colour_bound(verdict: Json) -> float:
    """The largest difference of all; but what lies within the margin of equivalence stays pale."""
    shown = [abs(row["difference"]["iqm"] or 0.0) for c in verdict["conditions"] for row in c["by_lifetime"]]
    margins = [
        2.0 * contrast["margin"]
        for condition in verdict["conditions"]
        for contrast in (condition["primary"], *condition["secondary"])
        if contrast["metric"] == "total" and contrast["margin"] is not None
    ]
    return float(max([*shown, *margins]) or 1.0)


def _cell_text(cell: Json | None) -> str:
    if cell is None:
        return ""
    value = cell["difference"]["iqm"]
    return VERDICT_LETTERS[cell["verdict"]] + ("" if value is None else f" {value:+.2f}")


def _improvement(verdict: Json) -> Chart:
    return Chart(
        "improvement",
        "How often one arm does better than the other",
        "Probability that a run of the first arm does better than a run of the second, with its interval: 1 is always, "
        "0 never, one half is no difference (dashed). Of a head start it is the share of runs beyond the margin.",
        "condition",
        tuple(View(row["name"], (_improvement_panel(verdict, row),)) for row in verdict["conditions"]),
    )


def _improvement_panel(verdict: Json, condition: Json) -> Panel:
    looks = arm_looks(list(verdict["arms"]))
    contrasts = [
        row
        for row in (condition["primary"], *condition["secondary"])
        if (row["improvement"] or {}).get("probability") is not None
    ]
    places = {arm: [n for n, row in enumerate(contrasts) if row["arm"] == arm] for arm in verdict["arms"]}
    series = [
        _improvement_series(arm, looks[arm], [(n, contrasts[n]) for n in own]) for arm, own in places.items() if own
    ]
    names = [f"{shortened(row['arm'], 14)} / {shortened(row['against'], 14)}, {row['metric']}" for row in contrasts]
    return Panel(
        Axis("probability", span=(-0.05, 1.05)),
        Axis("", ticks=tuple((float(-place), name) for place, name in enumerate(names))),
        tuple(series),
        (Rule(0.5, "", "x"),),
        height=110 + 22 * max(len(contrasts), 1),
    )


def _improvement_series(arm: str, look: Look, contrasts: Sequence[tuple[int, Json]]) -> Series:
    found = [contrast["improvement"] for _, contrast in contrasts]
    values = tuple(float(row["probability"]) for row in found)
    low, high = (
        tuple(value if row[end] is None else float(row[end]) for value, row in zip(values, found, strict=True))
        for end in ("low", "high")
    )
    notes = tuple(
        f"{contrast_name(row)}, {row['metric']}: {quantity(value)}, p {probability(row.get('p_holm', row['p']))}"
        for value, (_, row) in zip(values, contrasts, strict=True)
    )
    return Series(arm, look, "points", values, tuple(float(-place) for place, _ in contrasts), low, high, "x", notes)


def _factorial(verdict: Json) -> Iterator[Chart]:
    rows = [(place, row["factorial"]) for place, row in enumerate(verdict["conditions"]) if row["factorial"]]
    if not rows:
        return
    metric = rows[0][1]["metric"]
    effects = ("weights", "drives", "interaction")
    offsets = spread_out(len(verdict["conditions"]), len(effects))
    looks = [
        Look(shade, "solid", marker) for shade, marker in zip(SHADES, ("circle", "square", "diamond"), strict=False)
    ]
    series = [
        _effect_series(rows, effect, look, offset) for effect, look, offset in zip(effects, looks, offsets, strict=True)
    ]
    ticks = condition_ticks(verdict)
    panel = Panel(
        Axis("condition", ticks=ticks, span=(-0.5, len(ticks) - 0.5)),
        Axis(f"effect on {metric}, {verdict['metrics'][metric]['unit']}"),
        tuple(series),
        (Rule(0.0, "", "y"),),
    )
    yield Chart(
        "factorial",
        "Weights or drives: the 2 x 2",
        "What inheriting weights adds, what inheriting drives adds, and what both together add beyond the sum "
        "(tuned_learner, tuned_blank, evolved_weights, evolved). A description: intervals and p-values are not "
        "corrected for several tests, so one interval that keeps off the line at zero is a hint and not a verdict.",
        "",
        (View("", (panel,)),),
    )


def _effect_series(rows: Sequence[tuple[int, Json]], effect: str, look: Look, offset: float) -> Series:
    values, low, high = (tuple(float(row[effect][name]) for _, row in rows) for name in ("estimate", "low", "high"))
    notes = tuple(
        f"{quantity(row[effect]['estimate'])}, uncorrected p {probability(row[effect]['p'])}" for _, row in rows
    )
    return Series(effect, look, "points", tuple(place + offset for place, _ in rows), values, low, high, notes=notes)

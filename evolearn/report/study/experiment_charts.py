"""Pictures of the experiments that are no studies: allele frequencies, the map of instincts, and curves of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from evolearn.report._chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View, log_axis
from evolearn.report._files import Json
from evolearn.report._looks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, YELLOW

_ALLELES = {"right": Look(GREEN), "open": Look(BLUE, "dash"), "wrong": Look(VERMILION, "dot")}
_MEASURED = tuple(Look(colour) for colour in (VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY, YELLOW, BLACK))
_COMPUTED = tuple(Look(colour, "dash", "none") for colour in (BLACK, GREY, ORANGE, SKY))
_BAND = Look(BLACK, "solid", "none")
_SERIES = {
    "learning": "with learning",
    "long": "with learning, followed for longer",
    "without": "the control: nobody learns",
}


def experiment_charts(replication: Json) -> list[Chart]:
    """Every picture of an experiment, in the order of the page.

    Args:
        replication: replication.json.
    """
    draw = _DRAWN.get(replication["experiment"], _charts)
    return list(draw(replication["pictures"], replication["bands"]))


def _hinton_nowlan(pictures: Json, bands: list[Json]) -> Iterator[Chart]:
    shown = {key: name for key, name in _SERIES.items() if pictures.get(key)}
    last = pictures["learning"]["generation"][-1]
    yield Chart(
        "alleles",
        "What becomes of the switches",
        "Share of right, wrong and open switches among all genes, by generation: mean over runs with its interval. "
        "Upright bars are the acceptance bands. Wrong switches go, and open ones linger: learning makes them good "
        "enough.",
        "populations",
        tuple(
            View(name, (_allele_panel(pictures[key], _marks(bands, key, last)),), f"{pictures[key]['runs']} runs")
            for key, name in shown.items()
        ),
    )
    levels = sorted({band["of"]["fitness"] for band in bands if "fitness" in band["of"]})
    yield Chart(
        "fitness",
        "Fitness, with learning and without",
        "Mean fitness of a population, mean over runs with its interval: 1 finds nothing, 20 is born right. The dashed "
        "line is the level whose passing is counted. Without learning there is nothing to select.",
        "populations",
        tuple(View(name, (_fitness_panel(pictures[key], levels),)) for key, name in shown.items()),
    )


def _allele_panel(rows: Json, marks: Series | None) -> Panel:
    series = tuple(_line(name, look, rows, name) for name, look in _ALLELES.items())
    return Panel(
        Axis("generation"),
        Axis("share of all switches", span=(-0.02, 1.02)),
        series if marks is None else (*series, marks),
        height=420,
    )


def _marks(bands: list[Json], key: str, last: int) -> Series | None:
    """The bands on allele shares that belong to a series, as upright bars."""
    wanted = [
        band
        for band in bands
        if band["measure"] == "allele_share" and band["band"] and band["accept"]
        if (band["of"]["generation"] <= last) == (key == "learning") and key != "without"
    ]
    if not wanted:
        return None
    low = tuple(0.0 if band["bounds"]["low"] is None else band["bounds"]["low"] for band in wanted)
    high = tuple(1.0 if band["bounds"]["high"] is None else band["bounds"]["high"] for band in wanted)
    middle = tuple((one + other) / 2 for one, other in zip(low, high, strict=True))
    ages = tuple(float(band["of"]["generation"]) for band in wanted)
    notes = tuple(f"{band['name']}: {band['band']}" for band in wanted)
    return Series("acceptance band", _BAND, "points", ages, middle, low, high, notes=notes)


def _fitness_panel(rows: Json, levels: list[float]) -> Panel:
    line = _line("mean fitness", Look(GREEN), rows, "fitness")
    rules = tuple(Rule(level, f"{level:g}", "y") for level in levels)
    return Panel(Axis("generation"), Axis("mean fitness", span=(0.0, 20.5)), (line,), rules)


def _line(name: str, look: Look, rows: Json, column: str) -> Series:
    return _curve(name, look, rows["generation"], rows[column])


def _curve(name: str, look: Look, x: list[float], curve: Json) -> Series:
    known = None not in curve["low"]
    low, high = (tuple(map(float, curve[end])) if known else () for end in ("low", "high"))
    return Series(name, look, "line", tuple(map(float, x)), tuple(map(float, curve["mean"])), low, high)


def _nature_nurture(pictures: Json, bands: list[Json]) -> Iterator[Chart]:
    levels = pictures["levels"]
    places = range(len(levels))
    names = tuple(f"{level:g}" for level in levels)
    heat = Heat(
        columns=names,
        rows=names,
        values=tuple(tuple(2.0 * pictures["follows"][row][column] - 1.0 for column in places) for row in places),
        texts=tuple(tuple(_cell(pictures, row, column) for column in places) for row in places),
        unit="follows",
        bound=1.0,
    )
    size = 150 + 48 * len(levels)
    yield Chart(
        "map",
        "When to trust a cue: the map",
        "What moves the newborn that evolved in each cell: the cue, or the bias for the modal action. Theory: the cue "
        "to the right of the diagonal, where it is right more often than the modal action is best; the bias to the "
        "left of it; on it, both earn the same. A cell against theory is marked with an exclamation mark.",
        "",
        (View("map", (Panel(Axis("reliability of the cue"), Axis("fixity of the world"), heat=heat, height=size),)),),
    )


def _cell(pictures: Json, row: int, column: int) -> str:
    follows, agrees = pictures["follows"][row][column], pictures["as_theory"][row][column]
    word = {0.0: "bias", 1.0: "cue"}.get(follows, f"{follows:.0%}")
    return word if agrees is None or agrees == 1.0 else f"{word} !"


def _charts(pictures: Json, bands: list[Json]) -> Iterator[Chart]:
    """Pictures that say themselves what they show: those of `evolearn.experiments._pictures`."""
    for chart in pictures["charts"]:
        views = tuple(View(seen["name"], (_curves_panel(seen),)) for seen in chart["views"])
        yield Chart(chart["key"], chart["title"], chart["sentence"], chart["choice"], views)


def _curves_panel(seen: Json) -> Panel:
    free = {True: iter(_MEASURED), False: iter(_COMPUTED)}
    looks: dict[str, Look] = {}  # curves of one name look alike
    for one in seen["curves"]:
        if one["name"] not in looks:
            looks[one["name"]] = next(free[one["measured"]])
    series = tuple(_curve(one["name"], looks[one["name"]], one["x"], one) for one in seen["curves"])
    rules = tuple(Rule(float(level), label, "y") for level, label in seen["rules"])
    across, up = seen["axes"]
    if seen["logarithmic"]:
        heights = [value for one in series for values in (one.y, one.low, one.high) for value in values]
        heights += [rule.value for rule in rules]
        axes = log_axis(across, [value for one in series for value in one.x]), log_axis(up, heights)
    else:
        axes = Axis(across), Axis(up, span=_ends(seen["span"]))
    return Panel(*axes, series, rules, height=420)


def _ends(span: list[float] | None) -> tuple[float, float] | None:
    return None if span is None else (float(span[0]), float(span[1]))


_DRAWN: Mapping[str, Callable[[Json, list[Json]], Iterator[Chart]]] = {
    "hinton_nowlan": _hinton_nowlan,
    "nature_nurture": _nature_nurture,
}

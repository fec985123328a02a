"""Two DNAs in each other's worlds, beside a blank slate, in words and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report.chart import Axis, Chart, Look, Panel, Series, View, spread_out
from evolearn.report.inspection.marks import diverged_words
from evolearn.report.inspection.section import Cell, Json, Table
from evolearn.report.looks import BLUE, GREEN, VERMILION
from evolearn.report.texts import parameters_in_words, quantity, with_interval

SCORES = {"birth": "birth score, learning off", "learned": "score after learning"}
LOOKS = {
    "first": Look(VERMILION),
    "second": Look(BLUE, "solid", "square"),
    "blank": Look(GREEN, "solid", "triangle-down"),
}
_WHO = {"first": "A", "second": "B", "blank": "blank slate"}


def transfer_words(transfer: Json) -> tuple[str, ...]:
    """What each scores where, and why somebody cannot live there.

    Args:
        transfer: of `compare`.
    """
    words = []
    for world in transfer["worlds"]:
        place = _place(world, transfer)
        where = f"In {place}"
        scored, missing = [], []
        for who, name in _WHO.items():
            cell = world["cells"][who]
            if "missing" in cell:
                missing.append(f"{where} {name} cannot live: {cell['missing'].rstrip('.')}.")
            else:
                birth, learned = (quantity(cell[score]["mean"], "score") for score in SCORES)
                scored.append(f"{name} {birth} at birth and {learned} after learning")
        words += [f"{where}: {'; '.join(scored)}."] if scored else []
        words += missing
        for who, name in _WHO.items():
            lived = transfer["birth_lives"] + transfer["lives"]
            words += diverged_words(world["cells"][who].get("diverged", 0), lived, f" of {name} in {place}")
    return tuple(words)


def _place(world: Json, transfer: Json) -> str:
    return "their common world" if len(transfer["worlds"]) == 1 else f"the world of {_WHO[world['of']]}"


def transfer_charts(transfer: Json) -> list[Chart]:
    """The picture of all scores; none if nobody can live anywhere.

    Args:
        transfer: of `compare`.
    """
    worlds = transfer["worlds"]
    if all("missing" in cell for world in worlds for cell in world["cells"].values()):
        return []
    ticks = tuple((float(place), _place(world, transfer)) for place, world in enumerate(worlds))
    x = Axis("", ticks=ticks, span=(-0.6, len(worlds) - 0.4))
    return [
        Chart(
            "comparison_transfer",
            "Each in the world of both",
            "Score of A, of B and of a blank slate with published defaults, mean and interval over fresh lives. What "
            "stays high in the other's world is of use beyond the own one.",
            "score",
            tuple(View(name, (Panel(x, Axis("score"), _marks(worlds, score)),)) for score, name in SCORES.items()),
        )
    ]


def _marks(worlds: Sequence[Json], score: str) -> tuple[Series, ...]:
    series = []
    for (who, name), offset in zip(_WHO.items(), spread_out(len(worlds), len(_WHO)), strict=True):
        lived = [
            (place, world["cells"][who][score]) for place, world in enumerate(worlds) if score in world["cells"][who]
        ]
        if lived:
            x = tuple(place + offset for place, _ in lived)
            known = all(entry["low"] is not None for _, entry in lived)
            low, high = (tuple(entry[end] for _, entry in lived) if known else () for end in ("low", "high"))
            y = tuple(entry["mean"] for _, entry in lived)
            notes = tuple(with_interval(entry, "score", "mean") for _, entry in lived)
            series.append(Series(name, LOOKS[who], "points", x, y, low, high, notes=notes))
    return tuple(series)


def transfer_table(transfer: Json) -> Table:
    """All scores with their intervals.

    Args:
        transfer: of `compare`.
    """
    rows = []
    for world in transfer["worlds"]:
        settings = parameters_in_words(world["parameters"])
        for who, name in _WHO.items():
            rows.append((f"{world['name']} ({settings})" if settings else world["name"], name, *_cells(world, who)))
    return Table(
        "comparison_transfer",
        "Each in the world of both",
        f"Birth score: learning off, {transfer['birth_lives']} lives. After learning: last quarter of "
        f"{transfer['lifetime']:,} steps, {transfer['lives']} lives. Means with 95% intervals over lives. All rows of "
        "a world live the same lives.",
        ("world", "who lives", "birth score", "after learning", "note"),
        tuple(rows),
        (False, False, True, True, False),
    )


def _cells(world: Json, who: str) -> tuple[Cell, Cell, Cell]:
    cell = world["cells"][who]
    if "missing" in cell:
        return None, None, cell["missing"]
    birth, learned = (with_interval(cell[score], "score", "mean") for score in SCORES)
    return birth, learned, cell["note"]

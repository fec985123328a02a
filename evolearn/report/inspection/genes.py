"""The gene table as a reader sees it: what moved, what is settled, and what neither says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from evolearn.report._chart import Axis, Chart, Panel, Rule, Series, View, log_axis
from evolearn.report._files import Json
from evolearn.report.inspection.marks import BORN, CHANCE, listed, looks_of, percent, short, signed
from evolearn.report.inspection.section import Cell, Section, Table
from evolearn.report.texts import quantity, shortened

HARDLY = 0.9  # of the spread at the start: above, all genes together lost next to nothing
FEW = 10  # genes that nothing reads, below which they are no yardstick
MOST_POINTS = 3000  # of a chart
RANKED = 20  # genes with bars
UNREAD = "read by nothing"
# What narrows all genes at once, by algorithm.
_COMMON = {
    "cmaes": "mostly the step size of CMA-ES, one for all genes",
    "xnes": "mostly the step size of XNES, one for all genes",
    "cem": "the shrinking of CEM, whose elite is always narrower than its samples",
}
_ORDER = {"drives": 0, "plasticity": 1, "weights": 2, "value": 3}
_TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0)

Row = dict[str, Any]


def genes_section(found: Json, about: Json) -> Section:
    """The section of genes.

    Args:
        found: see `evolearn.inspection._genes.inspect_genes`.
        about: the head of inspection.json.
    """
    rows = _rows(found)
    by_change = sorted(rows, key=lambda row: -abs(row["change"]))
    charts = [] if found["spread"] == "none" else [_against_spread(found, by_change)]
    return Section(
        "genes",
        "Genes",
        tuple(_sentences(found, rows, about.get("bits"))),
        (*charts, _ranked(found, by_change)) if rows else (),
        tuple(table for table in (_summaries(found), _gene_table(found, rows), _not_evolved(found)) if table.rows),
    )


def _rows(found: Json) -> list[Row]:
    columns = found["genes"]
    return [dict(zip(columns, entries, strict=True)) for entries in zip(*columns.values(), strict=True)]


def _sentences(found: Json, rows: list[Row], bits: int | None) -> Iterator[str]:
    groups = [entry for entry in found["summaries"] if entry["level"] == "group"]
    if not rows:
        yield "No gene evolved: there is nothing that evolution could have written."
        return
    largest = max(rows, key=lambda row: abs(row["change"]))
    size = f", {bits:,} bits" if bits else ""
    moved = listed(f"{entry['group']} {short(entry['change'])}" for entry in groups)
    yield (
        f"{found['numbers']:,} numbers evolved{size} ({_counted(groups)}). In standard deviations of the "
        f"start they moved by, root mean square: {moved}; the furthest is {largest['name']}, "
        f"{signed(largest['change'])}."
    )
    yield _about_spread(found)
    yield _about_chance(found)
    if found["not_evolved"]:
        kinds = dict.fromkeys((entry["group"], _mode(entry["mode"])) for entry in found["not_evolved"])
        yield f"Not evolved: {listed(f'{group} ({mode})' for group, mode in kinds)}."


def _counted(groups: list[Json]) -> str:
    return listed(f"{entry['group']} {entry['numbers']:,}" for entry in groups)


def _mode(mode: str) -> str:
    return {"fixed": "the same in every life", "fresh": "drawn afresh in every life"}.get(mode, mode)


def _about_spread(found: Json) -> str:
    """What the spread that is left says, and what it does not."""
    algorithm, settled = found["algorithm"], found["settled"]
    if found["spread"] == "none":
        return (
            f"The search, {algorithm}, samples nothing about its centre: it has no spread, and what evolution is sure "
            "of cannot be read from it."
        )
    if settled is None:
        return "Nothing reads any gene that evolved: their spread says nothing."
    spread = (
        f"The median gene that is read kept {short(settled['median'])} of its spread at the start (90% of them: "
        f"{short(settled['low'])} to {short(settled['high'])})"
    )
    if found["spread"] == "population":
        return (
            f"{spread}. It is that of {algorithm}'s last population: genomes that share their ancestors are alike in "
            "genes that nothing selects, too, so that little spread is no sign that a gene matters."
        )
    common = [_in_common(algorithm)] if settled["median"] < HARDLY else []
    return " ".join((f"{spread}.", *_beyond_common(settled), *common))


def _beyond_common(settled: Json) -> Iterator[str]:
    """What genes lost beyond what all of them lost."""
    count, names = settled["narrowed"], listed(settled["names"], 3)
    if not count:
        yield "None kept less than half of what that gene kept: spread singles out no gene."
        return
    if count == 1:
        yield f"{names} kept less than half of what that gene kept: of it the search became surer than of the rest."
    else:
        yield (
            f"{count:,} genes kept less than half of what that gene kept, the narrowest {names}: of these the search "
            "became surer than of the rest."
        )
    if settled["unread"] >= FEW:
        yield (
            f"Of {settled['unread']:,} genes that nothing reads {settled['unread_narrowed']:,} did so, too, which is "
            "what chance narrows."
        )


def _in_common(algorithm: str) -> str:
    common = _COMMON.get(algorithm, "how fast such a search narrows")
    return f"What all genes lose alike is {common}: it says how far the search has come, and nothing of single genes."


def _about_chance(found: Json) -> str:
    unread = found["unread"]
    if found["spread"] == "none":
        return "Such a search moves genes to where learning moves them: that one moved is no proof that it matters."
    if unread is None:
        return (
            "Genes drift without selection as well: that a gene moved is no proof that it matters. Lesions test that."
        )
    count = unread["numbers"]
    who = f"One gene, {unread['name']}, is" if count == 1 else f"{count:,} genes, {unread['name']} among them, are"
    it, its = ("it", "its") if count == 1 else ("they", "their")
    left = "" if unread["ratio"] is None else f" and kept {short(unread['ratio'])} of {its} spread"
    did = f"{who} read by nothing in a life of this kind: {it} moved by {short(unread['change'])}{left}"
    if count < FEW:
        return f"{did}. That is chance, but too little of it to measure others by; lesions test what matters."
    return f"{did}, which is what drifting alone does. A gene that moved no further is no sign of selection."


def _series(rows: list[Row], x: list[float], y: list[float]) -> tuple[Series, ...]:
    """Points by group; genes that nothing reads apart."""
    groups = sorted({row["group"] for row in rows}, key=lambda group: -_ORDER[group])
    looks = looks_of(sorted(_ORDER, key=lambda group: _ORDER[group])) | {UNREAD: CHANCE}
    series = []
    for name in (*groups, UNREAD):
        mine = [place for place, row in enumerate(rows) if (row["group"] if row["read"] else UNREAD) == name]
        if mine:
            series.append(
                Series(
                    name,
                    looks[name],
                    "points",
                    tuple(x[place] for place in mine),
                    tuple(y[place] for place in mine),
                    notes=tuple(_note(rows[place]) for place in mine),
                    faint=name == "weights",
                )
            )
    return tuple(series)


def _note(row: Row) -> str:
    left = "" if row["ratio"] is None else f", spread left {quantity(row['ratio'])}"
    return f"{row['name']}: {quantity(row['natural'])}, changed by {signed(row['change'])} spreads{left}"


def _against_spread(found: Json, by_change: list[Row]) -> Chart:
    rows = [row for row in by_change if row["ratio"]][:MOST_POINTS]
    ratios = [row["ratio"] for row in rows]
    span = (min([*ratios, 0.9]) / 1.1, max([*ratios, 1.1]) * 1.1)
    ticks = tuple((tick, f"{tick:g}") for tick in _TICKS if span[0] <= tick <= span[1])
    panel = Panel(
        Axis("spread left, as a share of the spread at the start", "log", ticks, span),
        Axis("change, in spreads at the start"),
        _series(rows, ratios, [row["change"] for row in rows]),
        (Rule(1.0, "as at the start", "x"), *_median(found), Rule(0.0, "", "y")),
        height=420,
    )
    views = [View(_which(found), (panel,))]
    if found["all"] and found["all"]["ratios"]:
        views.append(View("spread of all genes", (_histogram(found["all"]["ratios"]),)))
    return Chart(
        "genes_spread",
        "What moved, and what is settled",
        "Every point is a gene. Far to the left of the median: the search narrowed it more than it narrowed all. Far "
        "up or down: it moved a long way. Genes near the middle are those that it left alone.",
        "genes",
        tuple(views),
    )


def _median(found: Json) -> tuple[Rule, ...]:
    return () if found["settled"] is None else (Rule(found["settled"]["median"], "median gene", "x", low=True),)


def _which(found: Json) -> str:
    return f"the {len(found['genes']['name']):,} in the table" if found["all"] else "all genes"


def _histogram(ratios: Json) -> Panel:
    edges = ratios["edges"]
    centres = tuple((low + high) / 2.0 for low, high in itertools.pairwise(edges))
    bars = Series("genes", BORN, "columns", centres, tuple(ratios["counts"]), width=edges[1] - edges[0])
    return Panel(Axis("spread left, as a share of the spread at the start"), Axis("genes"), (bars,), height=420)


def _ranked(found: Json, by_change: list[Row]) -> Chart:
    first = by_change[:RANKED]
    places = [-float(place) for place in range(len(first))]
    bars = tuple(_bars(series, places) for series in _series(first, [row["change"] for row in first], places))
    names = Axis("", ticks=tuple((at, shortened(row["name"], 36)) for at, row in zip(places, first, strict=True)))
    widest = Panel(Axis("change, in spreads at the start"), names, bars, height=120 + 20 * len(first))
    step = max(1, -(-len(by_change) // MOST_POINTS))
    shown = by_change[::step]
    ranks = [1.0 + step * place for place in range(len(shown))]
    sizes = [abs(row["change"]) for row in shown]
    series = _series(shown, ranks, sizes)
    if found["all"]:
        ranks = [float(rank) for rank in found["all"]["ranks"]]
        series = (Series("all genes", BORN, "line", tuple(ranks), tuple(found["all"]["sizes"])),)
    all_of_them = Panel(log_axis("rank", ranks), Axis("absolute change, in spreads at the start"), series)
    return Chart(
        "genes_ranked",
        "Genes by how far they moved",
        "The genes furthest from where evolution started, in standard deviations of the start, and all of them by "
        "rank. A few far ahead of the rest are what it worked on; one smooth slope is what drift looks like, too.",
        "genes",
        (View("furthest", (widest,)), View("all, by rank", (all_of_them,))),
    )


def _bars(series: Series, places: list[float]) -> Series:
    """Points at some of the places as bars at all of them: those of several series are stacked."""
    mine = {at: (x, note) for x, at, note in zip(series.x, series.y, series.notes, strict=True)}
    x, notes = zip(*(mine.get(at, (0.0, "")) for at in places), strict=True)
    return Series(series.name, series.look, "bars", x, tuple(places), interval="x", notes=notes)


def _summaries(found: Json) -> Table:
    rows = []
    for entry in found["summaries"]:
        name = entry["group"] if entry["level"] == "group" else f"{entry['group']}: {entry['block']}"
        rows.append(
            (name, entry["numbers"], entry["change"], entry["name"], entry["largest"], entry["ratio"], entry["low"],
             entry["high"], percent(entry["narrowed"]))
        )  # fmt: skip
    return Table(
        "genes_groups",
        "Groups and blocks",
        "Change: root mean square, in spreads at the start. Spread left: as a share of the spread at the start, median "
        "and 5% to 95% of the genes; narrowed: share of genes that kept less than half of what the median gene kept.",
        ("genes", "numbers", "change", "furthest", "its change", "spread left", "5%", "95%", "narrowed"),
        tuple(rows),
        (False, True, True, False, *(True,) * 5),
    )


def _gene_table(found: Json, rows: list[Row]) -> Table:
    ordered = sorted(rows, key=lambda row: (_ORDER[row["group"]], -abs(row["change"])))
    cut = (
        f" {len(rows):,} of {found['numbers']:,} genes: drives, plasticity, and the weights that moved furthest."
        if found["all"]
        else ""
    )
    return Table(
        "genes_table",
        "Genes" if found["all"] else "Every gene",
        "Value and start in natural units; gene units are what evolution moves, where they differ (transform: how a "
        "gene becomes a value). Spreads are standard deviations in gene units; change is in spreads at the start; read "
        f"by nothing: no life of this kind depends on it.{cut}",
        ("gene", "group", "value", "start", "change", "spread at start", "spread left", "left / start", "gene units",
         "start, gene units", "transform", ""),
        tuple(_cells(row) for row in ordered),
        (False, False, *(True,) * 8, False, False),
        shown=20,
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    plain = row["transform"] == "identity"
    return (
        row["name"], row["group"], row["natural"], row["natural_start"], row["change"], row["spread"],
        None if row["ratio"] is None else row["left"], row["ratio"], None if plain else row["value"],
        None if plain else row["start"], row["transform"], "" if row["read"] else UNREAD,
    )  # fmt: skip


def _not_evolved(found: Json) -> Table:
    return Table(
        "genes_not_evolved",
        "Genes that did not evolve",
        "How they come into a life, and their natural value where every life has the same one.",
        ("gene", "group", "numbers", "comes into a life", "value"),
        tuple(
            (entry["block"], entry["group"], entry["numbers"], _mode(entry["mode"]), entry["natural"])
            for entry in found["not_evolved"]
        ),
        (False, False, True, False, True),
        shown=20,
    )

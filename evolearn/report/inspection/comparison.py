"""Two DNAs side by side in words and pictures: distance, the line between them, each in the other's world."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from evolearn.report._chart import Axis, Chart, Look, Panel, Series, View, spread_out
from evolearn.report._files import Json
from evolearn.report._looks import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION
from evolearn.report.inspection.marks import diverged_words
from evolearn.report.inspection.section import Cell, Section, Table
from evolearn.report.texts import parameters_in_words, quantity, shortened, with_interval

_SCORES = {"birth": "birth score, learning off", "learned": "score after learning"}
_LOOKS = {
    "first": Look(VERMILION),
    "second": Look(BLUE, "solid", "square"),
    "blank": Look(GREEN, "solid", "triangle-down"),
}
_WHO = {"first": "A", "second": "B", "blank": "blank slate"}
_RAW, _ALIGNED = Look(ORANGE, "dash", "diamond"), Look(BLUE)
_WAYS = (("as they are", "raw"), ("aligned", "aligned"))
_UNRELATED = Look(GREY, "solid", "x")
_NONE, _SLOPE = "no barrier told", "a steep slope, no valley"
_VALLEY = 0.1  # a barrier goes below the worse end by at least so much of its size
_SHOWN = 12  # rows of a table before "show all"


def comparison_section(found: Json, about: Json) -> Section:
    """What two DNAs have in common.

    Args:
        found: of `compare`.
        about: head of the inspection; "other" is the second's.
    """
    like, line = found["likeness"], found["line"]
    named = f"A is {about['dna']}, B is {about['other']['dna']}."
    same = ("Both hold the same genome.",) if found["identical"] else ()
    return Section(
        key="comparison",
        title="Comparison: A and B",
        sentences=(
            *same,
            _line_words(found),
            _distance_words(found),
            *_transfer_words(found["transfer"]),
            *_line_cautions(line),
            *_distance_cautions(found),
            named,
        ),
        charts=(
            *([_line_chart(line, found["transfer"]["worlds"][0]["cells"]["blank"])] if line else []),
            *([_distance_chart(like)] if like else []),
            *_transfer_charts(found["transfer"]),
        ),
        tables=(
            *([_falls(line)] if line else []),
            _transfer_table(found["transfer"]),
            _genes(found["genes"]),
            *([_blocks(like)] if like else []),
        ),
    )


# --- the line between them ---


def _line_words(found: Json) -> str:
    line = found["line"]
    if line is None:
        return f"There is no line from A to B: {found['no_line']}."
    words = [
        f" {_capital(name)}: {_kinds(line[score], found['likeness']['moved'])}."
        for score, name in _SCORES.items()
        if line[score]
    ]
    without = f" With learning there is no line: {line['no_learning']}." if line["no_learning"] else ""
    return f"On the straight line from A to B, in the world of A.{''.join(words)}{without}"


def _kinds(curves: Json, moved: int) -> str:
    raw, near = (_kind(curves[way]) for way in ("raw", "aligned"))
    if not moved:
        return raw
    return f"{raw}, aligned or not" if raw == near else f"{raw} as they are, {near} with hidden units aligned"


def _kind(curve: Json) -> str:
    """What a curve shows, for a sentence: sizes and places are in the table."""
    if not _is_told(curve):
        return _NONE
    return f"a barrier of {quantity(curve['checked']['mean'])}" if _is_valley(curve) else _SLOPE


def _is_told(curve: Json) -> bool:
    low = curve["checked"]["low"]
    return low is not None and low > 0


def _is_valley(curve: Json) -> bool:
    """Whether scores fall below the worse end too; else the way to it is only steeper than the line, in parts."""
    worse = min(curve["mean"][0], curve["mean"][-1])
    return bool(worse - min(curve["mean"]) > _VALLEY * curve["largest"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line_cautions(line: Json | None) -> tuple[str, ...]:
    if line is None:
        return ()
    return (
        f"A barrier is the deepest fall of scores below the line between those of A and B; its size is measured in "
        f"lives that did not choose its place, {line['lives']} per point, the same for all points. Where scores fall "
        "early, but nowhere below the worse of the two, it is called a steep slope. A fall whose interval holds zero "
        "is not told from none.",
        *diverged_words(line["diverged"], line["lived"], " on the line"),
        "No barrier says that both lie in one region of good scores, if they are better than a blank slate. A barrier "
        "after alignment does not prove two regions: the order found may not be the best one, and the way need not be "
        "straight. Intervals are over lives of these two DNAs, not over runs.",
    )


def _falls(line: Json) -> Table:
    """The deepest fall along each curve."""
    curves = [(name, way, line[score][key]) for score, name in _SCORES.items() if line[score] for way, key in _WAYS]
    rows = tuple(
        (
            name,
            way,
            ("barrier" if _is_valley(curve) else "steep slope") if _is_told(curve) else "not told from none",
            with_interval(curve["checked"], centre="mean"),
            " and ".join(f"{place:.0%}" for place in curve["places"]),
        )
        for name, way, curve in curves
    )
    return Table(
        "comparison_line",
        "The deepest fall on the way from A to B",
        "Fall of scores below the line between the ends, with its 95% interval over lives, at the place where scores "
        "fall deepest in one half of the lives, measured in the other half, both ways: two places where the halves do "
        "not agree. It is negative where the other half rises there.",
        ("score", "weights", "kind", "fall", "share of B"),
        rows,
        (False, False, False, True, True),
    )


def _line_chart(line: Json, blank: Json) -> Chart:
    return Chart(
        "comparison_line",
        "The straight line from A to B",
        "Scores of newborns on the way from A (0) to B (1), mean and interval over the same lives, as the two are and "
        "with B's hidden units in the order of A's. A valley below the dotted line is a barrier. Level line: what "
        "a blank slate scores there.",
        "score",
        tuple(
            View(name, (_line_panel(line, line[score], blank.get(score)),))
            for score, name in _SCORES.items()
            if line[score]
        ),
    )


def _line_panel(line: Json, curves: Json, blank: Json | None) -> Panel:
    """The curves on an axis that goes down to the blank slate, so that no ripple looks like a valley."""
    series = _line_series(line, curves)
    if blank:
        level, low, high = ((blank[end], blank[end]) for end in ("mean", "low", "high"))
        ends = (low, high) if None not in low else ((), ())
        look = dataclasses.replace(_LOOKS["blank"], dash="dash", marker="none")
        series = (Series("blank slate", look, "line", (0.0, 1.0), level, *ends), *series)
    return Panel(Axis("share of B", span=(-0.02, 1.02)), Axis("score"), series)


def _line_series(line: Json, curves: Json) -> tuple[Series, ...]:
    shares = tuple(line["shares"])
    drawn = []
    for (name, key), look in zip(_WAYS, (_RAW, _ALIGNED), strict=True):
        curve = curves[key]
        low, high = ((), ()) if None in curve["low"] else (tuple(curve["low"]), tuple(curve["high"]))
        drawn.append(Series(name, look, "line", shares, tuple(curve["mean"]), low, high))
    ends = (curves["raw"]["mean"][0], curves["raw"]["mean"][-1])
    return (Series("between the ends", Look(BLACK, "dot", "none"), "line", (0.0, 1.0), ends), *drawn)


# --- distance ---


def _distance_words(found: Json) -> str:
    like = found["likeness"]
    if like is None:
        return f"Weights have no distance: {found['unlike']}."
    total = like["total"]
    if not total["shuffled"]:
        return _aligned_words(like)
    least, most = (quantity(distance) for distance in like["shuffles"])
    return (
        f"{_aligned_words(like)} Unrelated networks of these weights (B's shuffled within each block, then aligned "
        f"alike) are {least} to {most} apart: A and B are at {total['aligned'] / total['shuffled']:.0%} of their mean. "
        "Near 100%: they share no more than their scale."
    )


def _distance_cautions(found: Json) -> tuple[str, ...]:
    like = found["likeness"]
    if like is None:
        return ()
    total, words = like["total"], []
    if total["random_aligned"] > 0:
        words.append(
            f"Two random initialisations are {quantity(total['random_raw'])} apart, "
            f"{quantity(total['random_aligned'])} aligned: A and B are at "
            f"{total['raw'] / total['random_raw']:.0%} and {total['aligned'] / total['random_aligned']:.0%} of that."
        )
    if found["same_start"]:
        words.append("Both searches began at the same random weights, so a part of their likeness is older than both.")
    if like["scales"]:
        words.append("With relu a unit's inputs can be scaled up and its outputs down alike: that is not aligned.")
    if found["other_observations"]:
        words.append("Their worlds name observations differently: weights are compared by place.")
    return tuple(words)


def _aligned_words(like: Json) -> str:
    total = like["total"]
    if not like["units"]:
        return f"The weights are {quantity(total['raw'])} apart; without hidden units there is nothing to align."
    apart = f"The weights are {quantity(total['raw'])} apart as they are"
    freedom = "order or sign" if like["signs"] else "order"
    if not like["moved"]:
        return f"{apart}. Alignment finds nothing nearer: no hidden unit of B changes {freedom}."
    return (
        f"{apart} and {quantity(total['aligned'])} after alignment: {like['moved']} of {like['units']} hidden units "
        f"change {freedom}, which changes nothing that B does."
    )


def _distance_chart(like: Json) -> Chart:
    blocks = like["blocks"][::-1]
    ticks = tuple((float(place), shortened(block["block"])) for place, block in enumerate(blocks))
    kinds = (
        ("as they are", "raw", _RAW),
        ("aligned", "aligned", _ALIGNED),
        ("unrelated, aligned", "shuffled", _UNRELATED),
    )
    series = tuple(
        Series(
            name,
            look,
            "points",
            tuple(block[kind] / block["numbers"] ** 0.5 for block in blocks),
            tuple(place + shift for place in range(len(blocks))),
            notes=tuple(f"{block['block']}: {quantity(block[kind] / block['numbers'] ** 0.5)}" for block in blocks),
        )
        for (name, kind, look), shift in zip(kinds, reversed(spread_out(len(blocks), 3)), strict=True)
    )
    x, y = Axis("root mean square difference per weight"), Axis("", ticks=ticks, span=(-0.6, len(blocks) - 0.4))
    return Chart(
        "comparison_distance",
        "How far apart the weights are",
        "Difference between A and B by block of weights, as they are, with B's hidden units in the order of A's, and "
        "of unrelated networks: B's entries shuffled within each block, aligned alike. Aligned marks left of the "
        "crosses: more in common than scale.",
        "",
        (View("distance", (Panel(x, y, series, height=120 + 44 * len(blocks)),)),),
    )


# --- each in the other's world ---


def _transfer_words(transfer: Json) -> tuple[str, ...]:
    """What each scores where, and why somebody cannot live there."""
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
                birth, learned = (quantity(cell[score]["mean"], "score") for score in _SCORES)
                scored.append(f"{name} {birth} at birth and {learned} after learning")
        words += [f"{where}: {'; '.join(scored)}."] if scored else []
        words += missing
        for who, name in _WHO.items():
            lived = transfer["birth_lives"] + transfer["lives"]
            words += diverged_words(world["cells"][who].get("diverged", 0), lived, f" of {name} in {place}")
    return tuple(words)


def _place(world: Json, transfer: Json) -> str:
    return "their common world" if len(transfer["worlds"]) == 1 else f"the world of {_WHO[world['of']]}"


def _transfer_charts(transfer: Json) -> list[Chart]:
    """The picture of all scores; none if nobody can live anywhere."""
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
            tuple(View(name, (Panel(x, Axis("score"), _marks(worlds, score)),)) for score, name in _SCORES.items()),
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
            series.append(Series(name, _LOOKS[who], "points", x, y, low, high, notes=notes))
    return tuple(series)


# --- tables ---


def _genes(genes: Sequence[Json]) -> Table:
    rows = tuple(
        (row["gene"], row["group"], _value(row, "first"), _value(row, "second"), row["difference"]) for row in genes
    )
    return Table(
        "comparison_genes",
        "Drives and plasticity",
        "Natural values. Difference: B less A in start-spreads of A (dash: not evolved in both). Values that did not "
        "evolve say how they come about. A dash for a value: it has no such gene. Of a gene of many numbers, such as a "
        "rule for each connection, root mean squares.",
        ("gene", "group", "A", "B", "difference"),
        rows,
        (False, False, True, True, True),
        _SHOWN,
    )


def _value(row: Mapping[str, object], who: str) -> Cell:
    value, mode = row[who], row[f"{who}_mode"]
    if not isinstance(value, float):
        return None
    return value if mode == "evolved" else f"{quantity(value)} ({mode})"


def _blocks(like: Json) -> Table:
    rows = tuple(
        (
            block["block"],
            float(block["numbers"]),
            *(block[kind] for kind in ("raw", "aligned", "shuffled", "random_raw", "random_aligned")),
        )
        for block in (*like["blocks"], _all(like))
    )
    return Table(
        "comparison_blocks",
        "Distance by block of weights",
        "Euclidean distance between A and B as they are and aligned; of unrelated networks: B shuffled within each "
        "block and aligned, and two random initialisations, as they are and aligned (means of several).",
        ("block", "weights", "as they are", "aligned", "B shuffled", "random", "random aligned"),
        rows,
        (False, True, True, True, True, True, True),
    )


def _all(like: Json) -> Json:
    return {"block": "all", "numbers": sum(block["numbers"] for block in like["blocks"]), **like["total"]}


def _transfer_table(transfer: Json) -> Table:
    """All scores with their intervals."""
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
    birth, learned = (with_interval(cell[score], "score", "mean") for score in _SCORES)
    return birth, learned, cell["note"]

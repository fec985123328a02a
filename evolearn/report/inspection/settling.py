"""When genes settled on the way to some DNA, in words and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report.chart import Axis, Chart, Look, Panel, Series, View
from evolearn.report.inspection.section import Json, Table
from evolearn.report.looks import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

SHOWN = 12  # rows of a table before "show all"
_BLOCK_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, SKY, YELLOW, ORANGE)
_TICKS = 9  # generations named along an axis


def generations_axis(kept: Sequence[int]) -> Axis:
    """A logarithmic axis on which generation 0 has its place: generation + 1, named by generation.

    Args:
        kept: generations to be shown, ascending; some of them are named.
    """
    every = -(-len(kept) // _TICKS)
    named = sorted({kept[0], *kept[::-1][::every]})
    ticks = tuple((generation + 1.0, f"{generation:,}") for generation in named)
    return Axis("generation (logarithmic)", "log", ticks, (0.9, (kept[-1] + 1.0) * 1.1))


def settling_words(found: Json) -> tuple[str, ...]:
    """How much of the genome has settled.

    Args:
        found: of `inspect_lineage`.
    """
    blocks = found["blocks"]
    total = sum(block["numbers"] for block in blocks)
    last = found["generations"][-1]
    moving, stayed = (sum(block[name] for block in blocks) for name in ("moving", "stayed"))
    narrow = sum(block["numbers"] * block["narrow_by"][-1] for block in blocks)
    width = f"The search has narrowed to less than half of its start-spread about {narrow:,.0f}."
    if all(block["narrow_by"][0] == 1 for block in blocks):
        width = f"The search ({found['algorithm']}) samples nothing about its centre: it has no spread to narrow."
    return (
        f"Of {total:,} numbers in the genome {stayed:,} never left their final value, {moving:,} came to it only with "
        f"the last ancestor (generation {last}) and may still be moving. {width} A number that stays may be fixed by "
        "selection, or may not matter: staying alone does not tell which.",
    )


def settling_chart(found: Json) -> Chart:
    """Shares of each gene's numbers that have settled, by generation.

    Args:
        found: of `inspect_lineage`.
    """
    views = (("settled", "settled_by", "share of numbers settled"), ("narrow", "narrow_by", "share narrowed"))
    return Chart(
        "lineage_settling",
        "When genes settled",
        f"Share of each gene's numbers that from a generation on stay near their final value: within "
        f"{found['near']:g} start-spreads, or {found['near_share']:.0%} of the farthest they ever were from it. The "
        "other view: about which the search keeps less than half of its start-spread. Drives and plasticity: all of "
        "their genes together. At the last ancestor all have their final value, by definition.",
        "measure",
        tuple(
            View(
                name,
                (Panel(generations_axis(found["generations"]), Axis(title, span=(-0.02, 1.02)), _shares(found, by)),),
            )
            for name, by, title in views
        ),
    )


def _shares(found: Json, by: str) -> tuple[Series, ...]:
    x = tuple(generation + 1.0 for generation in found["generations"])
    lines: dict[str, list[Json]] = {}
    for block in found["blocks"]:
        lines.setdefault(block["gene"] if block["group"] == "weights" else block["group"], []).append(block)
    series = []
    for place, (name, blocks) in enumerate(lines.items()):
        numbers = sum(block["numbers"] for block in blocks)
        shares = tuple(
            sum(block["numbers"] * block[by][generation] for block in blocks) / numbers for generation in range(len(x))
        )
        colour = _BLOCK_COLOURS[place % len(_BLOCK_COLOURS)]
        dash = ("solid", "dash", "dot")[place // len(_BLOCK_COLOURS) % 3]
        series.append(Series(name, Look(colour, dash, "none"), "line", x, shares))
    return tuple(series)


def settling_tables(found: Json) -> tuple[Table, ...]:
    """By gene, and the numbers that changed most.

    Args:
        found: of `inspect_lineage`.
    """
    return _genes(found), _numbers(found)


def _genes(found: Json) -> Table:
    rows = tuple(
        (
            block["gene"],
            block["group"],
            float(block["numbers"]),
            float(block["stayed"]),
            float(block["moving"]),
            block["settled"],
            block["narrow"],
        )
        for block in found["blocks"]
    )
    return Table(
        "lineage_genes",
        "When each gene settled",
        "Numbers of the gene that never left their final value, and that came to it with the last ancestor only; the "
        "generation by which half of the others had settled, and by which the search had narrowed about half of them "
        "(dash: not yet).",
        ("gene", "group", "numbers", "never left", "last to settle", "settled by generation", "narrow by generation"),
        rows,
        (False, False, True, True, True, True, True),
        SHOWN,
    )


def _numbers(found: Json) -> Table:
    rows = tuple(
        (number["gene"], number["group"], number["change"], number["settled"], number["narrow"])
        for number in found["numbers"]
    )
    return Table(
        "lineage_numbers",
        "Numbers that changed most",
        "Change from the first to the last ancestor in start-spreads, the generation from which on the number stays "
        "near its final value, and from which on the search is narrow about it (dash: not yet).",
        ("number", "group", "change", "settled at generation", "narrow from generation"),
        rows,
        (False, False, True, True, True),
        SHOWN,
    )

"""A drive along the tree of descent, as a reader sees it."""

from __future__ import annotations

from evolearn.report._chart import Axis, Chart, Look, Panel, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLACK, BLUE, GREY
from evolearn.report.texts import quantity

_LIVED, _LINE, _OWN = Look(GREY, "solid", "circle"), Look(BLUE, "solid", "none"), Look(BLACK, "solid", "none")


def descent_words(found: Json) -> str:
    """Of how many genomes the DNA descends.

    Args:
        found: of `inspect_descent`, not None.
    """
    lived = f"{found['genomes']:,} genomes were lived up to this DNA, {found['start']:,} of them at the start"
    if found["own"] is None:
        return f"{lived}; this DNA is none of them as it is."
    return (
        f"{lived}; it is number {found['own']:,}, born in generation {found['born']:,}, and descends from "
        f"{found['ancestors']:,} of them, {found['founders']:,} of the start."
    )


def descent_chart(found: Json) -> Chart:
    """A view per drive: every genome at its birth, and lines of descent.

    Args:
        found: of `inspect_descent`, not None.
    """
    return Chart(
        "lineage_descent",
        "A drive along the tree of descent",
        "A mark per genome that was lived (some, if there were many), at the generation of its birth. A line leads "
        "from the start to each of the genomes born last, from parent to child; of two parents it takes the one whose "
        "weight is nearer, from whom the child probably has it. Lines that run together: common ancestors; where all "
        "are one, a single genome's weight has spread. Bold: this DNA.",
        "drive",
        tuple(_view(found, name) for name in found["drives"]),
    )


def _view(found: Json, name: str) -> View:
    marks, lines = found["marks"][name], found["lines"][name]
    has_own = found["own"] is not None
    series = [Series("lived", _LIVED, "points", tuple(map(float, marks["x"])), tuple(marks["y"]), faint=True)]
    for place, line in reversed(list(enumerate(lines))):
        own = has_own and place == 0
        series.append(
            Series(
                "this DNA" if own else "born last",
                _OWN if own else _LINE,
                "line",
                tuple(map(float, line["x"])),
                tuple(line["y"]),
                notes=tuple(f"generation {x:,}: {quantity(y)}" for x, y in zip(line["x"], line["y"], strict=True)),
                faint=not own,
            )
        )
    return View(name, (Panel(Axis("generation of birth"), Axis("weight of the drive"), tuple(series), height=420),))

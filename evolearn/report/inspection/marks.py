"""Looks of what an inspection compares, the same in every section, and words that several sections need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evolearn.report._chart import Look
from evolearn.report._looks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, YELLOW
from evolearn.report.texts import quantity

BORN = Look(VERMILION, "solid", "circle")
START = Look(BLUE, "dash", "square")
LIVED = Look(GREEN, "solid", "triangle-up")
CHANCE = Look(GREY, "dot", "cross")

_COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY, YELLOW, BLACK)
_STYLES = (("solid", "circle"), ("dash", "square"), ("dot", "diamond"), ("dashdot", "triangle-up"))


def looks_of(names: Sequence[str]) -> dict[str, Look]:
    """One look for each name; the 33rd looks like the first.

    Args:
        names: in the order of the legend.
    """
    several = [Look(colour, *style) for style in _STYLES for colour in _COLOURS]
    return {name: several[place % len(several)] for place, name in enumerate(names)}


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in a sentence: "a, b and c", or "a, b, c and 5 more"."""
    shown = list(names)
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def short(value: float | None) -> str:
    """A number as a sentence needs it: two digits after the point where it has few before."""
    if value is None or not 0.1 <= abs(value) < 100.0:
        return quantity(value)
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """The same with its sign: "+0.41"."""
    return ("+" if value > 0 else "") + short(value)


def percent(share: float | None) -> str:
    """A share in percent, whole; a dash for none."""
    return "\N{EN DASH}" if share is None else f"{round(100 * share)}%".replace("-", "\N{MINUS SIGN}")


def diverged_words(diverged: int, lives: int, where: str = "") -> tuple[str, ...]:
    """A sentence on lives that ended early; none if there were none.

    Args:
        diverged: lives whose brain left the finite numbers.
        lives: of how many.
        where: they were lived, with a space before it.
    """
    if not diverged:
        return ()
    return (
        f"In {diverged:,} of {lives:,} lives{where} the brain left the finite numbers: such a life ends, and earns 0 "
        "for the steps that it did not live, which flatters it where scores are negative.",
    )

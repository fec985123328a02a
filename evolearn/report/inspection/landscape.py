"""The landscape section: does learning smooth the way to the evolved point?"""

from __future__ import annotations

from collections.abc import Iterator

from evolearn.report._chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import ORANGE, VERMILION
from evolearn.report.inspection.marks import diverged_words
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import quantity, with_interval

NAMES = {"without": "learning off", "learning": "learning on"}
LOOKS = {"without": Look(ORANGE, "dash", "diamond"), "learning": Look(VERMILION)}
EVOLVED = Look(VERMILION, marker="star")
NO_PEAK = "The evolved point is no peak of this plane"


def landscape_section(found: Json, about: Json) -> Section:
    """What fitness looks like around the evolved weights.

    Args:
        found: from `evolearn.inspection._landscape.inspect_landscape`.
        about: whose DNA it is.
    """
    return Section(
        "landscape",
        "Landscape",
        tuple(_sentences(found)),
        (_maps(found), _line(found)),
        (_table(found),),
    )


# --- words ---


def _sentences(found: Json) -> Iterator[str]:
    yield _smoothing(found)
    if any(condition["peak"] for condition in found["conditions"].values()):
        yield from _shape(found)
        yield _basin(found)
        yield _fitter(found)
    for name, condition in found["conditions"].items():
        yield from diverged_words(condition["diverged"], found["lived"], f" with {NAMES[name]}")
    yield (
        f"Fitness is of whole lives of {quantity(found['lifetime'], 'world steps')} steps, the same {found['lives']} "
        "lives at every point; only the weights move. Intervals are over lives. This is one animal, and one random "
        "plane of very many: another plane can look different."
    )


def _smoothing(found: Json) -> str:
    if not found["scale"]["span"]:
        return "Fitness is the same at every point of the plane and the line: there is nothing for learning to smooth."
    peaks = [name for name, condition in found["conditions"].items() if condition["peak"]]
    if not found["verdict"]:
        opening = "It does not learn in the life that it evolved for, so learning can smooth nothing"
        if not peaks:
            return f"{opening}. {NO_PEAK}."
        return f"{opening}: {_share(found, 'without')} of the plane around it is at least halfway up."
    if len(peaks) == 2:
        level = {"less": "; it lowers the peak", "more": "; it raises the peak"}.get(found["verdict"]["height"], "")
        return f"{_change(found['verdict'])}{level}."
    if not peaks:
        return f"{NO_PEAK}, with learning off or on."
    told = found["verdict"]["height"]
    if peaks == ["without"] and told == "less":
        opening = "Learning levels the peak: with learning on none is left that these lives show"
    elif peaks == ["learning"] and told == "more":
        opening = "Only with learning on is the evolved point a peak of this plane"
    else:
        opening = (
            f"The evolved point is shown to be a peak of this plane with {NAMES[peaks[0]]} only; whether learning "
            "changes the shape cannot be told"
        )
    return f"{opening}. {_heights(found)}"


def _change(verdict: Json) -> str:
    """What learning does to a peak that is there without it too; smoothing only if both measures say so."""
    share, bend = verdict["share"], verdict["bend"]
    if (share, bend) == ("more", "less"):
        return (
            "Learning smooths the landscape here, as Hinton and Nowlan expected: "
            "its peak is wider and bends less sharply"
        )
    if (share, bend) == ("less", "more"):
        return (
            "Learning does not smooth the landscape here, it sharpens it: its peak is narrower and bends more sharply"
        )
    if share == bend == "unclear":
        return "Whether learning changes the shape of the peak cannot be told from these lives"
    wide = {"more": "its peak is wider", "less": "its peak is narrower", "unclear": "no other width can be told"}
    sharp = {"more": "bends more sharply", "less": "bends less sharply", "unclear": "no other sharpness can be told"}
    if share == "unclear":
        return f"No smoothing can be claimed: with learning on the landscape {sharp[bend]}, but {wide[share]}"
    link = "but" if bend == "unclear" else "and"
    return f"No smoothing can be claimed: with learning on {wide[share]}, {link} {sharp[bend]}"


def _shape(found: Json) -> Iterator[str]:
    """The numbers behind it, where there are two peaks."""
    shares, bends = found["differences"].get("share"), found["differences"].get("bend")
    if not shares or not bends:
        return
    measures = {name: condition["measures"]["bend"] for name, condition in found["conditions"].items()}
    yield (
        f"{_heights(found)} At least halfway up are {_share(found, 'learning')} of the plane with learning on, "
        f"{_share(found, 'without')} with learning off ({_points(shares)}). From one point of the grid to the next the "
        f"slope changes by {_percent(measures['learning'])} of the peak's height with learning on, "
        f"{_percent(measures['without'])} with learning off ({_points(bends)}). Each condition is measured from its "
        "own foot to its own evolved point: a shift of the whole level is no change of shape."
    )


def _basin(found: Json) -> str:
    end = found["positions"]["line"][-1]
    widths = " and ".join(
        f"{with_interval(condition['measures']['width'], centre='value')} with {NAMES[name]}"
        for name, condition in found["conditions"].items()
        if condition["peak"]
    )
    return (
        "On the line from the random initialisation (0) through the evolved point (1), fitness stays at least halfway "
        f"up about the evolved point over {widths}, as far as the line was looked at, to {end:g}."
    )


def _fitter(found: Json) -> str:
    points = len(found["positions"]["plane"]) ** 2 - 1
    counts = {name: round(condition["fitter"] * (points + 1)) for name, condition in found["conditions"].items()}
    if not any(counts.values()):
        return f"None of the {points} other points of the plane came out fitter, as far as these lives tell."
    parts = " and ".join(f"{count} with {NAMES[name]}" for name, count in counts.items())
    return (
        f"Of the {points} other points of the plane, {parts} came out fitter than the evolved one; the fittest of so "
        "many owes a part to luck."
    )


def _heights(found: Json) -> str:
    heights = " and ".join(
        f"{with_interval(condition['measures']['height'], centre='value')} with {NAMES[name]}"
        for name, condition in found["conditions"].items()
    )
    return f"The evolved point is above the plane's mean by {heights}."


def _share(found: Json, condition: str) -> str:
    return _percent(found["conditions"][condition]["measures"]["share"])


def _percent(entry: Json) -> str:
    """A share and its interval: "33% [32, 36]"."""
    text = f"{_hundred(entry['value'])}%"
    return text if entry["low"] is None else f"{text} [{_hundred(entry['low'])}, {_hundred(entry['high'])}]"


def _points(entry: Json) -> str:
    """A difference of shares: "4 points more [2, 6]"."""
    text = f"a difference of {_hundred(entry['value'])} points"
    return text if entry["low"] is None else f"{text} [{_hundred(entry['low'])}, {_hundred(entry['high'])}]"


def _hundred(share: float) -> str:
    value = round(100 * share, 1) + 0.0
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


# --- pictures ---


def _maps(found: Json) -> Chart:
    return Chart(
        "landscape_plane",
        "Fitness around the evolved point",
        "Mean fitness where the evolved weights are moved along two random directions, on one scale of colours; the "
        "star is the evolved point. At 1 each unit's weights have been moved by as much as there is of them. If "
        "learning smooths the landscape, the high part is wider with learning on.",
        "condition",
        (View("plane", tuple(_map(found, name) for name in found["conditions"])),),
    )


def _map(found: Json, condition: str) -> Panel:
    steps, scale = found["positions"]["plane"], found["scale"]
    high = scale["highest"] if scale["span"] else scale["lowest"] + 1.0
    heat = Heat(
        columns=(),
        rows=(),
        values=tuple(tuple(row) for row in found["conditions"][condition]["plane"]),
        texts=(),
        unit="fitness",
        bound=0.0,
        scale="sequential",
        span=(scale["lowest"], high),
        at=(tuple(steps), tuple(steps)),
    )
    here = Series("evolved point", EVOLVED, "points", (0.0,), (0.0,))
    return Panel(
        Axis("first random direction"),
        Axis("second random direction"),
        (here,),
        heat=heat,
        title=NAMES[condition],
        equal=True,
    )


def _line(found: Json) -> Chart:
    positions = tuple(found["positions"]["line"])
    series = []
    for name, condition in found["conditions"].items():
        line = condition["line"]
        known = line[0]["low"] is not None
        series.append(
            Series(
                NAMES[name], LOOKS[name], "line", positions, tuple(point["value"] for point in line),
                low=tuple(point["low"] for point in line) if known else (),
                high=tuple(point["high"] for point in line) if known else (),
            )
        )  # fmt: skip
    rules = (Rule(0.0, "random initialisation", "x"), Rule(1.0, "evolved", "x"))
    return Chart(
        "landscape_line",
        "Fitness on the way from the random initialisation to the evolved point",
        "Weights mixed from those that evolution started at (0) and those that it arrived at (1), and beyond, with "
        "intervals over lives. Evolution did not go this way: it is the straight line. A gentle rise from afar is a "
        "slope that selection can follow; a cliff before 1 is a needle in a haystack.",
        "condition",
        (View("line", (Panel(Axis("share of the way"), _fitness_axis(found), tuple(series), rules),)),),
    )


def _fitness_axis(found: Json) -> Axis:
    """With room above the curves for the names of the rules."""
    low, high = found["scale"]["lowest"], found["scale"]["highest"]
    room = (high - low) or 1.0
    return Axis("fitness", span=(low - 0.05 * room, high + 0.15 * room))


def _table(found: Json) -> Table:
    rows = []
    for key, doc in found["measures"].items():
        cells = [
            with_interval(condition["measures"][key], centre="value") for condition in found["conditions"].values()
        ]
        change = [with_interval(found["differences"][key], centre="value")] if found["differences"] else []
        rows.append((doc, *cells, *change))
    columns = ("measure", *(NAMES[name] for name in found["conditions"]))
    columns += ("difference",) if found["differences"] else ()
    return Table(
        "landscape_measures",
        "The landscape in numbers",
        "With 95% intervals over lives. Each column has its own foot, the mean of the lowest tenth of its plane "
        "(chosen in one half of the lives, measured in the other). Halfway up: between that and its evolved point. The "
        "basin's width is in lengths of the way from the random initialisation to the evolved point. The bend is the "
        "root mean square second difference along the grid as a share of the height from foot to evolved point, the "
        "luck of the lives taken out; it depends on how fine the grid is. Dash: the evolved point is not shown to be "
        "above the plane's mean, so there is no peak to measure.",
        columns,
        tuple(rows),
        (False, *(True,) * (len(columns) - 1)),
    )

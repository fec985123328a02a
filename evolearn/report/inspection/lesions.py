"""The lesions section: what an animal loses with each of its parts, against shams of equal size."""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report.chart import Axis, Chart, Look, Panel, Rule, Series, View
from evolearn.report.inspection.lesion_tables import lesions_table
from evolearn.report.inspection.lesion_words import (
    HOWS,
    UNITS,
    ordered,
    reading_of,
    reading_words,
    sentences,
    when_words,
)
from evolearn.report.inspection.section import Json, Section
from evolearn.report.looks import BLUE, GREY, VERMILION
from evolearn.report.texts import quantity, shortened, with_interval

BEYOND, WITHIN, SHAM = Look(VERMILION), Look(BLUE, marker="square"), Look(GREY, marker="diamond")


def lesions_section(found: Json, about: Json) -> Section:
    """What lesions did to birth score, ceiling and steps to threshold.

    Args:
        found: from `evolearn.inspection.lesions.inspect_lesions`.
        about: whose DNA it is.
    """
    charts, tables = [], []
    for at in found["ages"]:
        charts.append(_forest(found, at))
        tables += [lesions_table(found, at, metric) for metric in at["intact"]]
    return Section("lesions", "Lesions", tuple(sentences(found)), tuple(charts), tuple(tables))


def _beyond(lesion: Json, metric: str) -> bool:
    return reading_of(lesion, metric) in ("harm", "help") and bool(lesion["effects"][metric]["shams"])


def _forest(found: Json, at: Json) -> Chart:
    hows = [how for how in found["modes"] if any(lesion["how"] == how for lesion in at["lesions"])]
    views = [
        View(f"{found['metrics'][metric]}, {HOWS[how]}", (_panel(found, at, metric, how),))
        for metric in at["intact"]
        for how in hows
    ]
    age = at["age"]
    return Chart(
        "lesions_at_birth" if age == 0 else "lesions_later",
        f"What lesions {when_words(at)} change",
        "Change over the intact animal on the same lives, with intervals over lives, the most harmful on top. Grey: "
        "what shams of equal size change, nine in ten of them within the bar; drives and the learner have none. Only "
        "what lies clearly beyond its shams says something about the part and not about the loss of so many weights. "
        "What could not change a measure is left out of its picture.",
        "measure",
        tuple(views),
    )


def _panel(found: Json, at: Json, metric: str, how: str) -> Panel:
    lesions = [
        lesion
        for lesion in ordered(at, metric)
        if lesion["how"] in (how, "off") and lesion["effects"][metric]["change"]["p"] is not None
    ]
    places = {id(lesion): float(len(lesions) - 1 - rank) for rank, lesion in enumerate(lesions)}
    beyond = [lesion for lesion in lesions if _beyond(lesion, metric)]
    within = [lesion for lesion in lesions if lesion not in beyond]
    series = [_shams(lesions, places, metric)]
    series += [
        _points(name, look, some, places, metric)
        for name, look, some in (("more than all its shams", BEYOND, beyond), ("not, or without shams", WITHIN, within))
        if some
    ]
    ticks = tuple((places[id(lesion)], shortened(_label(lesion), 28)) for lesion in reversed(lesions))
    unit = "world steps" if UNITS[metric] == "world steps" else "score"
    return Panel(
        Axis(f"change of {found['metrics'][metric]}, {unit}"),
        Axis("", ticks=ticks, span=(-0.7, len(lesions) - 0.3)),
        tuple(one for one in series if one.x),
        (Rule(0.0, "", "x"),),
        height=110 + 22 * len(lesions),
    )


def _label(lesion: Json) -> str:
    kind, name = lesion["kind"], lesion["name"]
    return str(name) if kind in ("critic", "learner", "observation") else f"{kind}: {name}"


def _points(name: str, look: Look, lesions: Sequence[Json], places: dict[int, float], metric: str) -> Series:
    changes = [lesion["effects"][metric]["change"]["of"] for lesion in lesions]
    values = tuple(change["value"] for change in changes)
    known = all(change["low"] is not None for change in changes)
    return Series(
        name, look, "points", values, tuple(places[id(lesion)] for lesion in lesions),
        low=tuple(change["low"] for change in changes) if known else (),
        high=tuple(change["high"] for change in changes) if known else (),
        interval="x",
        notes=tuple(
            f"{_label(lesion)}: {with_interval(change, UNITS[metric], 'value')}, "
            f"{reading_words(lesion, metric)}"
            for lesion, change in zip(lesions, changes, strict=True)
        ),
    )  # fmt: skip


def _shams(lesions: Sequence[Json], places: dict[int, float], metric: str) -> Series:
    have = [lesion for lesion in lesions if lesion["effects"][metric]["shams"]]
    shams = [lesion["effects"][metric]["shams"] for lesion in have]
    return Series(
        "shams of equal size", SHAM, "points", tuple(one["mean"] for one in shams),
        tuple(places[id(lesion)] - 0.25 for lesion in have),
        low=tuple(min(one["low"], one["mean"]) for one in shams),
        high=tuple(max(one["high"], one["mean"]) for one in shams),
        interval="x",
        notes=tuple(
            f"{one['count']} shams for {_label(lesion)}: {quantity(one['mean'], UNITS[metric])}"
            for lesion, one in zip(have, shams, strict=True)
        ),
    )  # fmt: skip

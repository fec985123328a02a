"""The way of the search in pictures: its path, when genes settled, and what rose first, birth or learning."""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report.chart import Axis, Chart, Look, Panel, Series, View
from evolearn.report.inspected.settling import SHOWN, generations_axis, settling_chart, settling_tables, settling_words
from evolearn.report.looks import BLACK, BLUE, GREY, ORANGE, VERMILION
from evolearn.report.section import Json, Section, Table
from evolearn.report.texts import quantity

_BIRTH, _LEARNED = Look(ORANGE, "dash", "diamond"), Look(VERMILION)
_NAMES = {"birth": "birth score, learning off", "learned": "score after learning"}
_PATH, _WALK, _HERE = Look(BLUE), Look(GREY, "dot", "none"), Look(BLACK, "solid", "star")
_POINTS = {"centre": "the centre of the search", "best": "the best genome of the generation before"}


def lineage_section(found: Json, about: Json) -> Section:
    """How evolution came to this DNA.

    Args:
        found: of `inspect_lineage`.
        about: head of the inspection.
    """
    scores = found["scores"]
    return Section(
        key="lineage",
        title="Lineage: how evolution came here",
        sentences=(*_score_words(found), *_path_words(found), *settling_words(found)),
        charts=(*([_score_chart(found)] if scores else []), _path_chart(found), settling_chart(found)),
        tables=(_ancestors(found), *settling_tables(found)),
    )


# --- what rose first ---


def _score_words(found: Json) -> tuple[str, ...]:
    scores = found["scores"]
    if scores is None:
        return (f"What rose first is not known: {found['no_scores']}.",)
    birth, learned = scores["birth"], scores["learned"]
    short = ""
    if scores["lifetime"] < scores["selection_lifetime"]:
        short = (
            f" Lives here are shorter than the {scores['selection_lifetime']:,} steps that evolution selected on: "
            "learning had less time."
        )
    never = "" if scores["learns"] else " This DNA never learns in life: both scores are innate."
    return (
        _outcome_words(scores, birth, learned) + never + short,
        f"Each ancestor lived the same {scores['lives']} fresh lives. Birth score: learning off, the first "
        f"{scores['birth_steps']:,} steps; score after learning: the last quarter of {scores['lifetime']:,}. The "
        "windows differ: compare when the two rise, not how high they stand. This is one run, and intervals are over "
        "its lives: another run may go another way. The order alone does not prove that learning guided evolution; a "
        "control that evolves with learning off would tell.",
    )


def _outcome_words(scores: Json, birth: Json, learned: Json) -> str:
    lag = scores["lag"]
    when = ""
    if lag:
        when = (
            f" The score after learning passed half of its rise at generation {learned['rose_at']}, the birth score at "
            f"{birth['rose_at']}: a lag of {lag['value']} generations [{lag['low']:g}, {lag['high']:g}]."
        )
    return {
        "assimilation": "Learned first, innate later: the order of genetic assimilation (the Baldwin effect)." + when,
        "instinct_first": "Instinct first, learning later: not the order of genetic assimilation." + when,
        "together": "Birth score and score after learning rose together, as finely as generations were kept." + when,
        "cannot_tell": "Both scores rose; which rose first cannot be told from these lives." + when,
        "only_learned": (
            f"Only the score after learning rose, at generation {learned['rose_at']}: nothing that shows became innate "
            f"(birth score {_change(birth)})."
        ),
        "only_birth": (
            f"Only the birth score rose, at generation {birth['rose_at']}: the score after learning did not "
            f"({_change(learned)})."
        ),
        "nothing": f"Nothing rose: birth score {_change(birth)}, score after learning {_change(learned)}.",
    }[scores["outcome"]]


def _change(curve: Json) -> str:
    rise = curve["rise"]
    interval = "" if rise["low"] is None else f" [{quantity(rise['low'])}, {quantity(rise['high'])}]"
    return f"changed by {quantity(rise['value'])}{interval}"


def _score_chart(found: Json) -> Chart:
    scores, logged = found["scores"], found["logged"]
    generations = scores["generations"]
    series = [
        _curve(_NAMES["birth"], _BIRTH, generations, scores["birth"]),
        _curve(_NAMES["learned"], _LEARNED, generations, scores["learned"]),
    ]
    for name, look in (("birth", _BIRTH), ("learned", _LEARNED)):
        at = scores[name]["rose_at"]
        if at is not None:
            height = scores[name]["mean"][generations.index(at)]
            note = f"passes half of its rise at generation {at}"
            series.append(Series(_NAMES[name], look, "points", (at + 1.0,), (height,), notes=(note,)))
    if logged["generation"] and found["points"] == "centre":
        x = tuple(generation + 1.0 for generation in logged["generation"])
        look = Look(GREY, "solid", "none")
        series.append(Series("fitness as selected on", look, "line", x, tuple(logged["fitness"]), faint=True))
    return Chart(
        "lineage_scores",
        "What rose first: birth or learning?",
        "Score of the ancestors, in the same lives, with intervals over lives. Genetic assimilation: the score after "
        "learning rises first, and the birth score follows. Marks: half of the rise is passed for good. Grey: "
        "fitness of each generation's centre as evolution saw it, in other lives.",
        "",
        (View("scores", (Panel(generations_axis(generations), Axis("score"), tuple(series)),)),),
    )


def _curve(name: str, look: Look, generations: Sequence[int], curve: Json) -> Series:
    x = tuple(generation + 1.0 for generation in generations)
    known = None not in curve["low"]
    low, high = (tuple(curve["low"]), tuple(curve["high"])) if known else ((), ())
    return Series(name, look, "line", x, tuple(curve["mean"]), low, high)


# --- the path ---


def _path_words(found: Json) -> tuple[str, ...]:
    path, walk = found["path"], found["path"]["walk"]
    if path["length"] == 0:
        return (f"From generation 0 to {found['generations'][-1]} {_POINTS[found['points']]} did not move.",)
    share = sum(path["explained"])
    way = (
        f"The way from generation 0 to {found['generations'][-1]} is {quantity(path['length'])} start-spreads long and "
        f"leads {quantity(path['net'])} away: straightness {path['straightness']:.2f} (1: a straight line). Two "
        f"components show {share:.0%} of it."
    )
    warning = "A random walk too draws a smooth arc in this plane (Antognini and Sohl-Dickstein 2018): "
    if walk:
        warning += (
            f"one with these step lengths and no aim would have straightness {walk['straightness']:.2f} and show "
            f"{sum(walk['explained']):.0%}. The arc is no finding; only what goes beyond the walk is."
        )
    else:
        warning += "do not read the arc as a turn of evolution."
    points = (
        ()
        if found["points"] == "centre"
        else (f"The search ({found['algorithm']}) has no centre: points are {_POINTS['best']}, and jump about.",)
    )
    return (f"{way} {warning}", *points)


def _path_chart(found: Json) -> Chart:
    path, walk, generations = found["path"], found["path"]["walk"], found["generations"]
    notes = tuple(f"generation {generation:,}" for generation in generations)
    x, y = tuple(path["x"]), tuple(path["y"])
    series = [
        Series("path", _PATH, "line", x, y),
        Series("path", _PATH, "points", x, y, notes=notes),
        Series("this DNA", _HERE, "points", (path["here"]["x"],), (path["here"]["y"],), notes=("this DNA",)),
    ]
    if walk:
        walked = Series("random walk, steps as long", _WALK, "line", tuple(walk["x"]), tuple(walk["y"]))
        series.insert(0, walked)
    first, second = path["explained"]
    return Chart(
        "lineage_path",
        "The path of the search",
        f"Each mark is {_POINTS[found['points']]} at a generation that was kept, from left to right, in the plane of "
        "the path's first two principal components; units are start-spreads. Dotted: a random walk with steps as "
        "long, in its own plane. Its arc looks alike though it aims at nothing.",
        "",
        (
            View(
                "path",
                (
                    Panel(
                        Axis(f"first component ({first:.0%} of variance)"),
                        Axis(f"second component ({second:.0%})"),
                        tuple(series),
                        height=420,
                    ),
                ),
            ),
        ),
    )


# --- tables ---


def _ancestors(found: Json) -> Table:
    path, scores = found["path"], found["scores"]
    logged = dict(zip(found["logged"]["generation"], found["logged"]["fitness"], strict=True))
    lived = {generation: place for place, generation in enumerate(scores["generations"])} if scores else {}
    rows = []
    for place, generation in enumerate(found["generations"]):
        at = lived.get(generation)
        rows.append(
            (
                float(generation),
                path["steps"][place - 1] if place else None,
                path["from_start"][place],
                None if at is None else scores["birth"]["mean"][at],
                None if at is None else scores["learned"]["mean"][at],
                logged.get(generation),
            )
        )
    return Table(
        "lineage_ancestors",
        "Ancestors",
        "Step since the ancestor before and distance from the start in start-spreads; scores as means over lives; "
        "fitness as evolution saw it, in other lives.",
        ("generation", "step", "from start", "birth score", "after learning", "fitness logged"),
        tuple(rows),
        (True,) * 6,
        SHOWN,
    )

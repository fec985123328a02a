"""The lesions section: what an animal loses with each of its parts, against shams of equal size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report.chart import Axis, Chart, Look, Panel, Rule, Series, View
from evolearn.report.looks import BLUE, GREY, VERMILION
from evolearn.report.section import Json, Section, Table
from evolearn.report.texts import probability, quantity, shortened, with_interval

UNITS = {"birth": "score", "ceiling": "score", "speed": "world steps"}
HARM = {"birth": -1.0, "ceiling": -1.0, "speed": 1.0}  # the sign of a change for the worse
HOWS = {"zero": "set to zero", "mean": "set to the mean", "permuted": "permuted", "off": "switched off"}
READINGS = {
    "none": "no difference in any life",
    "unclear": "cannot be told",
    "harm": "harms",
    "help": "helps",
    "harm as shams": "harms; not shown to exceed its shams",
    "help as shams": "helps; not shown to exceed its shams",
}
NAMED = 5  # in a sentence
SHOWN = 12  # rows of a table
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
        tables += [_table(found, at, metric) for metric in at["intact"]]
    return Section("lesions", "Lesions", tuple(_sentences(found)), tuple(charts), tuple(tables))


# --- words ---


def _sentences(found: Json) -> Iterator[str]:
    for at in found["ages"]:
        for metric in at["intact"]:
            yield _worst(found, at, metric)
        learner = [lesion for lesion in at["lesions"] if lesion["kind"] == "learner"]
        if learner:
            yield _learner(at, learner[0])
    yield from _left_out(found)
    yield (
        f"Every copy lives the same {found['lives']} lives of {quantity(found['lifetime'], 'world steps')} steps. "
        "Weights set to zero or to a mean are held there and do not grow back; permuted ones go on learning. The unit "
        "is the life: this tells of this animal, not of evolution. A part without effect may still be used, where "
        "others or learning make up for it."
    )


def _worst(found: Json, at: Json, metric: str) -> str:
    name, unit, when = found["metrics"][metric], UNITS[metric], _when(at)
    harmful = [lesion for lesion in _ordered(at, metric) if _reading(lesion, metric) == "harm"]
    harmful.sort(key=lambda lesion: lesion["kind"] == "layer")  # that whole layers are needed is no news
    before = f"{quantity(at['intact'][metric]['value'], unit)} intact"
    if not harmful:
        return (
            f"No lesion {when} does more harm to the {name} ({before}) than shams of its size, as far as can be told."
        )
    worst = harmful[0]
    effect = worst["effects"][metric]
    shams = effect["shams"]
    against = f"shams of its size: {quantity(shams['mean'], unit)}" if shams else "there is no equal sham for it"
    others = list(dict.fromkeys(_part(lesion) for lesion in harmful if lesion["name"] != worst["name"]))
    rest = (
        f" It suffers from {_listed(others)} too."
        if others
        else " Of no other part can more harm than that of its shams be shown."
    )
    return (
        f"The {name} ({before}) suffers most from {_part(worst)} {HOWS[worst['how']]} {when}, by "
        f"{with_interval(effect['change']['of'], unit, 'value')}; {against}.{rest}"
    )


def _learner(at: Json, lesion: Json) -> str:
    effect = lesion["effects"]["ceiling"]
    change = with_interval(effect["change"]["of"], "score", "value")
    when = "at birth" if at["age"] == 0 else f"from the age of {quantity(at['age'], 'world steps')} steps on"
    meaning = {
        "harm": "it lives by what it learns",
        "help": "learning spoils what it has",
        "none": "learning changes nothing",
        "unclear": "with a correction for so many lesions, a difference cannot be told",
    }[effect["reading"]]
    return f"With the learner switched off {when} the ceiling changes by {change}: {meaning}."


def _left_out(found: Json) -> Iterator[str]:
    if not found["learns"]:
        yield "It does not learn where it evolved: lesions of drives, critic and learner could change nothing."
    elif not found["drives"]:
        yield "Drive weights are drawn anew in each life, so that no drive could be lesioned."
    if found["observations_left_out"]:
        yield (
            f"{found['observations_left_out']} observations that it reads by the smallest weights were not cut one by "
            "one."
        )
    tests = max(len(at["lesions"]) for at in found["ages"])
    if found["least_p"] * tests > 0.05:
        yield (
            f"With {found['lives']} lives and {tests} lesions no test can come out under Holm's correction: look at "
            "the intervals, or let more lives be lived."
        )
    for at in found["ages"]:
        if at["threshold"] is None:
            yield (
                f"Intact it does no better than random actions ({quantity(at['random'], 'score')}): there is no "
                "threshold to be reached, and no speed."
            )
            return


def _when(at: Json) -> str:
    return "at birth" if at["age"] == 0 else f"at the age of {quantity(at['age'], 'world steps')} steps"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])}, and {len(names) - NAMED} more parts"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _part(lesion: Json) -> str:
    """What is lesioned, in a sentence."""
    kind, name = lesion["kind"], lesion["name"]
    if kind in ("critic", "learner"):
        return f"the {name}"
    return f"{kind} {name}" if kind != "observation" else f"sense {name}"


# --- what pictures and tables need ---


def _ordered(at: Json, metric: str) -> list[Json]:
    """Lesions by their change of a metric, the most harmful first."""
    return sorted(at["lesions"], key=lambda lesion: -HARM[metric] * _change(lesion, metric))


def _change(lesion: Json, metric: str) -> float:
    return float(lesion["effects"][metric]["change"]["of"]["value"])


def _reading(lesion: Json, metric: str) -> str:
    return str(lesion["effects"][metric]["reading"])


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
        f"What lesions {_when(at)} change",
        "Change over the intact animal on the same lives, with intervals over lives, the most harmful on top. Grey: "
        "what shams of equal size change, nine in ten of them within the bar; for a drive, the same done to each of "
        "the others. Only what lies clearly beyond its shams says something about the part and not about the loss of "
        "so many weights. What could not change a measure is left out of its picture.",
        "measure",
        tuple(views),
    )


def _panel(found: Json, at: Json, metric: str, how: str) -> Panel:
    lesions = [
        lesion
        for lesion in _ordered(at, metric)
        if lesion["how"] in (how, "off") and lesion["effects"][metric]["change"]["p"] is not None
    ]
    places = {id(lesion): float(len(lesions) - 1 - rank) for rank, lesion in enumerate(lesions)}
    beyond = [lesion for lesion in lesions if _reading(lesion, metric) in ("harm", "help")]
    within = [lesion for lesion in lesions if lesion not in beyond]
    series = [_shams(lesions, places, metric)]
    series += [
        _points(name, look, some, places, metric)
        for name, look, some in (("beyond its shams", BEYOND, beyond), ("not shown to be", WITHIN, within))
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
            f"{READINGS[_reading(lesion, metric)]}"
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


def _table(found: Json, at: Json, metric: str) -> Table:
    unit, intact = UNITS[metric], at["intact"][metric]
    note = (
        f"Intact: {with_interval(intact, unit, 'value')}. Change: lesion minus intact; beyond sham: lesion minus the "
        "mean of its shams; both with 95% intervals over lives. Outdone: share of its shams that it outdoes. p: sign "
        "flips over lives; p beyond: the larger of that and of a t test that it is one more of its shams; each with "
        "Holm over all lesions that could change it."
    )
    if metric == "speed":
        note += (
            f" Steps until the score over {quantity(found['birth_steps'], 'world steps')} steps first reaches "
            f"{quantity(at['threshold'], 'score')}, halfway from random actions to the intact ceiling; cut off at the "
            "end of life."
        )
    if metric == "birth":
        note += " Learning is off here: drives, critic and learner cannot change it, and are not tested."
    return Table(
        f"lesions_{metric}" + ("" if at["age"] == 0 else "_later"),
        f"Lesions {_when(at)}: {found['metrics'][metric]}",
        note,
        ("part", "lesion", "change", "p", "shams", "beyond sham", "p beyond", "outdone", "reading"),
        tuple(_row(lesion, metric, unit) for lesion in _ordered(at, metric)),
        (False, False, True, True, True, True, True, True, False),
        shown=SHOWN,
    )


def _row(lesion: Json, metric: str, unit: str) -> tuple[str | float | None, ...]:
    effect = lesion["effects"][metric]
    change, shams = effect["change"], effect["shams"]
    part = f"{lesion['kind']}: {lesion['name']}" if lesion["name"] != lesion["kind"] else str(lesion["name"])
    ours = (part, HOWS[lesion["how"]], with_interval(change["of"], unit, "value"), probability(change["p_holm"]))
    reading = READINGS[effect["reading"]]
    if not shams:
        return (*ours, None, None, None, None, reading)
    outdone = None if effect["reading"] == "none" else f"{100 * shams['outdone']:.0f}% of {shams['count']}"
    net = with_interval(shams["net"]["of"], unit, "value")
    return (*ours, quantity(shams["mean"], unit), net, probability(shams["net"]["p_holm"]), outdone, reading)

"""The lesions section: what an animal loses with each of its parts, against shams of equal size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evolearn.report._chart import Axis, Chart, Look, Panel, Rule, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLUE, GREY, VERMILION
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import probability, quantity, shortened, with_interval

UNITS = {"birth": "score", "ceiling": "score", "speed": "world steps"}
HARM = {"birth": -1.0, "ceiling": -1.0, "speed": 1.0}  # the sign of a change for the worse
HOWS = {
    "zero": "set to zero",
    "mean": "set to the mean",
    "permuted": "permuted",
    "noise": "disturbed by noise",
    "off": "switched off",
}
READINGS = {
    "none": "no difference in any life",
    "unclear": "cannot be told",
    "harm": "harms",
    "help": "helps",
    "harm as shams": "harms; not shown to exceed its shams",
    "help as shams": "helps; not shown to exceed its shams",
    "diverged": "its brain diverged",
}
_BY_NAME = ("critic", "learner", "memory", "value")  # of which there is one
NAMED = 5  # in a sentence
SHOWN = 12  # rows of a table
BEYOND, WITHIN, SHAM = Look(VERMILION), Look(BLUE, marker="square"), Look(GREY, marker="diamond")


def lesions_section(found: Json, about: Json) -> Section:
    """What lesions did to birth score, ceiling and steps to threshold.

    Args:
        found: from `evolearn.inspection._lesions.inspect_lesions`.
        about: whose DNA it is.
    """
    charts, tables = [], []
    for at in found["ages"]:
        charts.append(_forest(found, at))
        tables += [_table(found, at, metric) for metric in at["intact"]]
        tables += [_senses_table(at)] if at.get("senses") else []
    return Section("lesions", "Lesions", tuple(_sentences(found)), tuple(charts), tuple(tables))


# --- pictures ---


def _beyond(lesion: Json, metric: str) -> bool:
    return _reading_of(lesion, metric) in ("harm", "help") and bool(lesion["effects"][metric]["shams"])


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
        f"What lesions {_when_words(at)} change",
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
        for lesion in _ordered(at, metric)
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
    return Panel(
        Axis(f"change of {found['metrics'][metric]}, {UNITS[metric]}"),
        Axis("", ticks=ticks, span=(-0.7, len(lesions) - 0.3)),
        tuple(one for one in series if one.x),
        (Rule(0.0, "", "x"),),
        height=110 + 22 * len(lesions),
    )


def _label(lesion: Json) -> str:
    kind, name = lesion["kind"], lesion["name"]
    return str(name) if kind in (*_BY_NAME, "observation") else f"{kind}: {name}"


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
            f"{_reading_words(lesion, metric)}"
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


# --- sentences, and the words that pictures and tables share ---


def _sentences(found: Json) -> Iterator[str]:
    """What is to be said of lesions, the most important first."""
    for at in found["ages"]:
        for metric in at["intact"]:
            yield from _worst(found, at, metric)
        yield from (_memory(at, lesion) for lesion in at["lesions"] if lesion["kind"] == "memory")
        yield from (_value(at, lesion) for lesion in at["lesions"] if lesion["kind"] == "value")
        learner = [lesion for lesion in at["lesions"] if lesion["kind"] == "learner"]
        if learner:
            yield _learner(at, learner[0])
    yield from _diverged(found)
    yield from _left_out(found)
    yield (
        f"Every copy lives the same {found['lives']} lives of {quantity(found['lifetime'], 'world steps')} steps. The "
        "largest of many effects is chosen in one half of the lives and measured in the other, both ways. "
        '"More than all shams" is not corrected for many lesions: one more of n shams would outdo the rest with a '
        "chance of 1 in n + 1. "
        "Weights set to zero or to a mean are held there and do not grow back; permuted ones go on learning. The unit "
        "is the life: this tells of this animal, not of evolution. A part without effect may still be used, where "
        "others or learning make up for it."
    )


def _worst(found: Json, at: Json, metric: str) -> Iterator[str]:
    name, largest = found["metrics"][metric], at["largest"][metric]
    before = f"{_intact_words(at, metric)} intact"
    harmful = [lesion for lesion in _ordered(at, metric) if _reading_of(lesion, metric) == "harm"]
    first = largest["all"] and at["lesions"][largest["all"]["lesion"]]
    if not first or _reading_of(first, metric) not in ("harm", "harm as shams"):
        yield f"No lesion {_when_words(at)} is shown to harm the {name} ({before})."
    else:
        yield (
            f"Of {len(at['lesions'])} lesions {_when_words(at)}, {_part(first)} {HOWS[first['how']]} harms the {name} "
            f"({before}) most, by {_size(largest['all'], first, at, metric)}; {_against(first, metric)}."
        )
        even = _parts(
            other for other in at["lesions"] if other["name"] != first["name"] and _even(other, first, metric)
        )
        if even:
            yield f"As much harm to it is done by lesions of {_listed(even)}."
    part = largest["parts"] and at["lesions"][largest["parts"]["lesion"]]
    if part and part is not first:
        yield (
            f"Of single parts, what harms the {name} most beyond its shams is {_part(part)} {HOWS[part['how']]}, by "
            f"{_size(largest['parts'], part, at, metric)}; {_against(part, metric)}."
        )
    named = [lesion["name"] for lesion in (first, part) if lesion]
    beyond = _parts(lesion for lesion in harmful if lesion["effects"][metric]["shams"] and lesion["name"] not in named)
    if beyond:
        yield f"Beyond their shams, {_listed(beyond)} harm{'s' * (len(beyond) == 1)} it too."
    elif not part:
        yield f"Of no single part that has shams can more harm to the {name} than theirs be shown."
    unpaired = [lesion for lesion in harmful if lesion["kind"] == "drive" and lesion["name"] not in named]
    if unpaired:
        yield (
            f"Lesions of {_listed(_parts(unpaired))} harm the {name} as well; no sham is of equal size to a drive, so "
            "that others may do as much."
        )


def _size(chosen: Json, lesion: Json, at: Json, metric: str) -> str:
    lives = _lives_of(lesion, metric)
    if lives["never"] == lives["of"]:
        return f"at least {quantity(chosen['size']['value'], UNITS[metric])}, as no life reaches it any more"
    return _bound_words(lives["never"], at["intact"][metric]["never"]) + with_interval(
        chosen["size"], UNITS[metric], "value"
    )


def _even(one: Json, other: Json, metric: str) -> bool:
    return _change(one, metric) == _change(other, metric) and _reading_of(one, metric) != "none"


def _against(lesion: Json, metric: str) -> str:
    """How it compares with its shams, in a sentence."""
    shams = lesion["effects"][metric]["shams"]
    if not shams:
        return "no sham is of its size"
    mean = f"{quantity(shams['mean'], UNITS[metric])} on average"
    if _reading_of(lesion, metric) == "harm":
        return f"more than all {shams['count']} shams ({mean})"
    return f"it outdoes {shams['outdone']} of its {shams['count']} shams ({mean}) and is not shown to exceed them"


def _learner(at: Json, lesion: Json) -> str:
    effect = lesion["effects"]["ceiling"]
    change = with_interval(effect["change"]["of"], "score", "value")
    when = "at birth" if at["age"] == 0 else _since_words(at)
    same = "the ceiling is the same in every life; learning may still change what this score does not show"
    if at["intact"]["ceiling"]["same"]:
        same += f" (all lives come to {_intact_words(at, 'ceiling')}: the score may be at the top of its scale)"
    meaning = {
        "harm": "it lives by what it learns",
        "help": "learning spoils what it has",
        "none": same,
        "unclear": "with a correction for so many lesions, a difference cannot be told",
        "diverged": "its brain diverged, so that this is no gain",
    }[effect["reading"]]
    return f"With the learner switched off {when} the ceiling changes by {change}: {meaning}."


def _memory(at: Json, lesion: Json) -> str:
    """What the loss of the carried state did, measure by measure."""
    return (
        f"With the carried state held at zero {_since_words(at)}, so that it remembers nothing, "
        f"{_measured(lesion, ('birth', 'ceiling'))}. Its shams exchange its units: where behaviour rests on what is "
        "remembered in one place, they harm too."
    )


def _value(at: Json, lesion: Json) -> str:
    """What the loss of the innate value did, measure by measure."""
    metrics = [metric for metric in ("birth", "ceiling") if _is_tested(lesion, metric)]
    return f"With the innate value {HOWS[lesion['how']]} {_since_words(at)}, {_measured(lesion, metrics)}."


def _is_tested(lesion: Json, metric: str) -> bool:
    return metric in lesion["effects"] and lesion["effects"][metric]["change"]["p"] is not None


def _measured(lesion: Json, metrics: Sequence[str]) -> str:
    """By how much a lesion changes scores, in a sentence."""
    parts = []
    for metric, name in (("birth", "birth score"), ("ceiling", "ceiling")):
        if metric not in lesion["effects"] or metric not in metrics:
            continue
        change = with_interval(lesion["effects"][metric]["change"]["of"], "score", "value")
        shams = lesion["effects"][metric]["shams"]
        against = f"; {quantity(shams['mean'], 'score')} in its shams" if shams else "; no sham"
        parts.append(f"the {name} changes by {change} ({_reading_words(lesion, metric)}{against})")
    return " and ".join(parts)


def _since_words(at: Json) -> str:
    return "from birth on" if at["age"] == 0 else f"from the age of {quantity(at['age'], 'world steps')} steps on"


def _diverged(found: Json) -> Iterator[str]:
    """Lives whose score says nothing."""
    for at in found["ages"]:
        intact = max(one["diverged"] for one in at["intact"].values())
        if intact:
            yield f"Intact, its brain diverged in {intact} of {found['lives']} lives: read nothing there."
        broken = [
            lesion
            for lesion in at["lesions"]
            if any(effect["lives"]["diverged"] for effect in lesion["effects"].values())
        ]
        if broken:
            yield (
                f"Brains diverged after lesions {_when_words(at)} of {_listed(_parts(broken))}, see the tables. Steps "
                "that are not lived earn 0, which may be the best there is: such a lesion is never said to help."
            )


def _idle(lesions: Sequence[Json]) -> str:
    """What does nothing without learning: the critic too, but where it is read in acting and so is tested at birth."""
    found = [
        lesion["effects"]["birth"] for lesion in lesions if lesion["kind"] == "critic" and "birth" in lesion["effects"]
    ]
    tested = any(effect["change"]["p"] is not None for effect in found)
    return "drives and learner" if tested else "drives, critic and learner"


def _left_out(found: Json) -> Iterator[str]:
    if not found["learns"]:
        idle = _idle([lesion for at in found["ages"] for lesion in at["lesions"]])
        yield f"It does not learn where it evolved: lesions of {idle} could change nothing."
    elif not found["drives"]:
        yield "Drive weights are drawn anew in each life, so that no drive could be lesioned."
    if found.get("memory"):
        yield found["memory"]
    if found["observations_left_out"]:
        which = "that come last" if found["draws_weights"] else "that it reads by the smallest weights"
        why = ", since each life draws its weights and none are larger," if found["draws_weights"] else ""
        yield f"{found['observations_left_out']} observations {which}{why} were not cut one by one."
    tests = max(len(at["lesions"]) for at in found["ages"])
    if found["least_p"] * tests > 0.05:
        yield (
            f"With {found['lives']} lives and {tests} lesions no test can come out under Holm's correction: look at "
            "the intervals, or let more lives be lived."
        )
    for at in found["ages"]:
        level = at["level"]
        if level["threshold"] is None:
            yield (
                f"Whether it does better than random actions, intact, cannot be told (in other lives: "
                f"{quantity(level['intact'], 'score')} against {quantity(level['random'], 'score')}, difference "
                f"{with_interval(level['above'], 'score', 'value')}"
                + (f", brains diverged in {level['diverged']} lives" if level["diverged"] else "")
                + "): there is no threshold to be reached, and no speed."
            )
            return


def _when_words(at: Json) -> str:
    """When the lesions were made."""
    return "at birth" if at["age"] == 0 else f"at the age of {quantity(at['age'], 'world steps')} steps"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])}, and {len(names) - NAMED} more parts"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _part(lesion: Json) -> str:
    """What is lesioned, in a sentence."""
    kind, name = lesion["kind"], lesion["name"]
    if kind in _BY_NAME:
        return f"the {name}"
    return f"{kind} {name}" if kind != "observation" else f"sense {name}"


def _parts(lesions: Iterable[Json]) -> list[str]:
    """What is lesioned, each once."""
    return list(dict.fromkeys(_part(lesion) for lesion in lesions))


def _lives_of(lesion: Json, metric: str) -> Json:
    """Of how many lives something is true."""
    lives: Json = lesion["effects"][metric]["lives"]
    return lives


def _bound_words(never: int, never_before: int) -> str:
    """What a difference of mean times is, where times that were never reached are cut off."""
    if not never and not never_before:
        return ""
    if never and never_before:
        return "about "  # cut off on both sides
    return "at least " if never else "at most "


def _intact_words(at: Json, metric: str) -> str:
    """What the intact animal comes to."""
    one = at["intact"][metric]
    return ("at least " if one["never"] else "") + quantity(one["value"], UNITS[metric])


def _reading_words(lesion: Json, metric: str) -> str:
    """The reading, for a table or a note."""
    effect = lesion["effects"][metric]
    reading, shams, lives = effect["reading"], effect["shams"], effect["lives"]
    if reading in ("harm", "help") and shams:
        return f"{reading}s, more than all {shams['count']} shams"
    text = READINGS[reading] + ("; no sham" if reading in ("harm", "help") else "")
    if not lives["diverged"]:
        return text
    count = f"its brain diverged in {lives['diverged']} of {lives['of']} lives"
    return count if reading == "diverged" else f"{text}; {count}"


def _ordered(at: Json, metric: str) -> list[Json]:
    """Lesions by their change of a metric, the most harmful first."""
    return sorted(at["lesions"], key=lambda lesion: -HARM[metric] * _change(lesion, metric))


def _change(lesion: Json, metric: str) -> float:
    return float(lesion["effects"][metric]["change"]["of"]["value"])


def _reading_of(lesion: Json, metric: str) -> str:
    """What can be said of it, see READINGS."""
    return str(lesion["effects"][metric]["reading"])


# --- tables ---


def _table(found: Json, at: Json, metric: str) -> Table:
    """What every lesion at one age did to a metric, the most harmful first."""
    columns: dict[str, tuple[str | float | None, ...]] = {}
    lesions = _ordered(at, metric)
    numbers = {id(lesion): place for place, lesion in enumerate(at["lesions"])}
    columns["part"] = tuple(map(_row_name, lesions))
    columns["lesion"] = tuple(HOWS[lesion["how"]] for lesion in lesions)
    columns["reading"] = tuple(_reading_words(lesion, metric) for lesion in lesions)
    columns |= _own_columns(at, metric, lesions) | _sham_columns(metric, lesions)
    if found["norms"]:
        norms = [found["norms"][numbers[id(lesion)]] for lesion in lesions]
        columns["norm (shams)"] = tuple(f"{quantity(one['lesion'])} ({quantity(one['shams'])})" for one in norms)
    if any(_lives_of(lesion, metric)["diverged"] for lesion in lesions):
        columns["diverged"] = tuple(_share(_lives_of(lesion, metric), "diverged") for lesion in lesions)
    return Table(
        f"lesions_{metric}" + ("" if at["age"] == 0 else "_later"),
        f"Lesions {_when_words(at)}: {found['metrics'][metric]}",
        " ".join(_notes(found, at, metric)),
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        tuple(name not in ("part", "lesion", "reading") for name in columns),
        shown=SHOWN,
    )


def _senses_table(at: Json) -> Table:
    """What every lesion at one age did to what the world senses, those of the innate value first."""
    senses = at["senses"]
    rows = [
        (
            _row_name(lesion),
            HOWS[lesion["how"]],
            *(
                with_interval(change, "", "value") + (f" ({quantity(sham)})" if sham is not None else "")
                for change, sham in zip(changes, shams or [None] * len(changes), strict=True)
            ),
        )
        for lesion, changes, shams in zip(at["lesions"], senses["changes"], senses["shams"], strict=True)
    ]
    first = [lesion["kind"] != "value" for lesion in at["lesions"]]
    before = ", ".join(
        f"{name} {quantity(intact['value'])}" for name, intact in zip(senses["names"], senses["intact"], strict=True)
    )
    return Table(
        "lesions_senses" + ("" if at["age"] == 0 else "_later"),
        f"Lesions {_when_words(at)}: what the world senses",
        "Change of each sense, mean per step over the whole life, lesion minus intact with 95% intervals over lives; "
        f"in brackets the mean change of its shams. Nothing is tested here. Intact: {before}.",
        ("part", "lesion", *senses["names"]),
        tuple(row for _, row in sorted(zip(first, rows, strict=True), key=lambda pair: pair[0])),
        (False, False, *(True for _ in senses["names"])),
        shown=SHOWN,
    )


def _row_name(lesion: Json) -> str:
    """What is lesioned, in a table: one of its kind by its name alone."""
    kind, name = lesion["kind"], lesion["name"]
    return f"{kind}: {name}" if name != kind else str(name)


def _share(lives: Json, which: str) -> str:
    return f"{lives[which]} of {lives['of']}"


def _own_columns(at: Json, metric: str, lesions: Sequence[Json]) -> dict[str, tuple[str | None, ...]]:
    before = at["intact"][metric]["never"]
    changes = [lesion["effects"][metric]["change"] for lesion in lesions]
    columns: dict[str, tuple[str | None, ...]] = {
        "change": tuple(
            _bound_words(_lives_of(lesion, metric)["never"], before)
            + with_interval(change["of"], UNITS[metric], "value")
            for lesion, change in zip(lesions, changes, strict=True)
        ),
        "p": tuple(probability(change["p_holm"]) for change in changes),
    }
    if metric == "speed":
        columns["never"] = tuple(_share(_lives_of(lesion, metric), "never") for lesion in lesions)
    return columns


def _sham_columns(metric: str, lesions: Sequence[Json]) -> dict[str, tuple[str | None, ...]]:
    rows: list[tuple[str | None, ...]] = []
    for lesion in lesions:
        effect = lesion["effects"][metric]
        shams, lives = effect["shams"], effect["lives"]
        if not shams:
            rows.append(("no sham", None, None, None))
            continue
        bound = _bound_words(lives["never"], shams["lives"]["never"])
        rows.append((
            quantity(shams["mean"], UNITS[metric]),
            bound + with_interval(shams["net"]["of"], UNITS[metric], "value"),
            probability(shams["net"]["p_holm"]),
            None if effect["reading"] == "none" else f"{shams['outdone']} of {shams['count']}",
        ))  # fmt: skip
    return dict(zip(("shams", "beyond sham", "p beyond", "outdone"), zip(*rows, strict=True), strict=True))


def _notes(found: Json, at: Json, metric: str) -> Iterator[str]:
    """What the columns mean."""
    intact = at["intact"][metric]
    yield (
        f"Intact: {_bound_words(intact['never'], 0)}{with_interval(intact, UNITS[metric], 'value')}. Change: lesion "
        "minus intact; beyond sham: lesion minus the mean of its shams; both with 95% intervals over lives, and "
        "tested by sign flips over lives with Holm over all lesions that could change it. Outdone: shams that did less."
    )
    counts = [
        lesion["effects"][metric]["shams"]["count"]
        for lesion in at["lesions"]
        if lesion["effects"][metric]["shams"] and lesion["effects"][metric]["change"]["p"] is not None
    ]
    if counts:
        yield (
            "More than all shams: both tests come out, and no sham of at least 19 does as much. That last is not "
            f"corrected for many lesions: were these {len(counts)} no more than shams, about "
            f"{sum(1 / (count + 1) for count in counts):.1f} of them would still outdo all of theirs."
        )
    yield (
        "A sham is of equal size by the number of weights; for an observation they are drawn from trunk and policy "
        "head, and from the critic as many as the lesion takes there; else from the whole brain. Dead "
        "weights are among them."
    )
    if any(lesion["kind"] == "memory" for lesion in at["lesions"]):
        yield (
            "The carried state is held at zero before every thought; no weight changes. In its shams units are read "
            "from each other's places before every thought: as much is carried as ever, as large, in the wrong places. "
            "A brain may be harmed by that too, since it looks for what it remembers in its place: no more harm than "
            "its shams does not say that it does without memory."
        )
    if any(lesion["kind"] == "value" for lesion in at["lesions"]):
        yield (
            "The innate value is set to 0 everywhere, or noise of its own norm is added. In its shams the same is "
            "done to as many weights of the brain, drawn at random. A value that is disturbed or permuted is another "
            "value of its size: a second lesion, and no sham of the first."
        )
    if found["norms"]:
        yield "Norm: root of the summed squares by which weights change at birth; in brackets the mean of its shams."
    if metric == "birth":
        yield f"Learning is off here: {_idle(at['lesions'])} cannot change it, and are not tested."
    if metric == "speed":
        level = at["level"]
        yield (
            f"Steps until the score over {quantity(found['birth_steps'], 'world steps')} steps first reaches "
            f"{quantity(level['threshold'], 'score')}, halfway from random actions "
            f"({quantity(level['random'], 'score')}) to the intact animal "
            f"({quantity(level['intact'], 'score')}) over the window of the ceiling, in "
            f"{found['lives']} other lives. Never: lives that did not reach it, {intact['never']} of {found['lives']} "
            "intact; in means they count as cut off at the end of life, in tests as later than all others (ranks)."
        )

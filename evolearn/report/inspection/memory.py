"""The memory as a reader sees it: what can be read from the carried state, of the past and of what a life hides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report._chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLUE, GREY, VERMILION
from evolearn.report.inspection.marks import listed, percent
from evolearn.report.inspection.section import Cell, Section, Table
from evolearn.report.texts import shortened

MOST_PANELS = 12  # of a chart
MOST_TICKS = 4
MOST_ENDS = 60  # of episodes, drawn into one life
LITTLE = 0.05  # a skill that is as good as none
_SOURCES = (
    ("state", "the carried state", Look(VERMILION)),
    ("inputs", "what it is told in that step", Look(BLUE, "dash", "square")),
    ("others", "the states of other lives", Look(GREY, "dot", "cross")),
)


def memory_section(found: Json, about: Json) -> Section:
    """The section of the memory.

    Args:
        found: see `evolearn.inspection._memory.inspect_memory`.
        about: the head of inspection.json; not used.
    """
    charts = []
    if found["hidden"]:
        charts.append(_hidden_chart(found))
    if found["past"]:
        charts.append(_past_chart(found))
    charts.append(_example_chart(found))
    tables = [_table(found, which) for which in ("hidden", "past") if found[which]]
    return Section("memory", "Memory", tuple(_sentences(found)), tuple(charts), tuple(tables))


# --- sentences ---


def _sentences(found: Json) -> Iterator[str]:
    yield from _of_the_life(found)
    yield from _of_the_past(found)
    yield (
        f"Read by a linear decoder from the {found['units']} numbers that go from step to step, in {found['lives']} "
        f"lives of {found['steps']:,} steps without learning, each life by a decoder that was fitted to others: 0 is "
        "what the best constant answer does, 1 is without error. What can be read need not be used: whether it is, "
        "lesions of the carried state show. What is stored in a form that is not linear is not seen here."
    )
    if found["constant"]:
        yield f"Never varied, so that there was nothing to remember: {listed(found['constant'])}."
    if found["left_out"]:
        yield f"{found['left_out']} more observations and draws were not asked for."


def _of_the_life(found: Json) -> Iterator[str]:
    """What it knows of what its life hides, once it has lived."""
    draws, oracle = (
        [entry for entry in found["hidden"] if entry["kind"] == kind and _last(entry) is not None]
        for kind in ("draw", "oracle")
    )
    if draws:
        yield from _of_draws(draws)
    for entry in oracle[:1]:
        last = _last(entry)
        assert last is not None
        yield (
            f"What would be best to do, as {entry['name']} tells, can be read with a skill of "
            f"{_with_ends(last, 'state')} {_steps_words(last)}, {_score_words(last, 'state')}; "
            f"{_two(_skill(last, 'inputs'))} from what it is told then, {_two(_skill(last, 'others'))} from the "
            "states of other lives."
        )
    if found["why_nothing_hidden"]:
        yield f"Nothing is asked that its life hides from birth to end: {found['why_nothing_hidden']}."
    elif not draws:
        yield "Too few lives came so far that what they hide could be asked for."
    if found["changing"]:
        yield (
            "Drawn at birth, but not as it was for all of the life, so that it is not asked for: "
            f"{listed(found['changing'])}."
        )


def _of_draws(draws: Sequence[Json]) -> Iterator[str]:
    """What can be read of what was drawn at birth."""
    best = max(draws, key=lambda entry: _skill(_last(entry), "state"))
    last = _last(best)
    assert last is not None
    if _skill(last, "state") < LITTLE:
        yield (
            f"Of what a life hides ({listed(entry['name'] for entry in draws)}) nothing can be read from its state at "
            f"the end, {_steps_words(last)}: {best['name']}, which can be read best, with a skill of "
            f"{_with_ends(last, 'state')}."
        )
        return
    chosen = f" (the best of {len(draws)}, which chance favours)" if len(draws) > 1 else ""
    yield (
        f"Of what a life hides, {best['name']}{chosen} can be read best from its state: skill "
        f"{_with_ends(last, 'state')} {_steps_words(last)}, {_score_words(last, 'state')}; "
        f"{_two(_skill(last, 'inputs'))} from what it is told at that step, {_two(_skill(last, 'others'))} from the "
        f"states of other lives. {_rise(best)}"
    )
    rest = [f"{entry['name']} ({_two(_skill(_last(entry), 'state'))})" for entry in draws if entry is not best]
    if rest:
        yield f"At the same age the skill for the others is: {listed(rest)}."


def _rise(entry: Json) -> str:
    """From when on half of what is known at the end is known."""
    last = _last(entry)
    at = [one for one in entry["at"] if one["state"]]
    early = next(one for one in at if _skill(one, "state") >= _skill(last, "state") / 2.0)
    return f"Half of that skill is there {_steps_words(early)}."


def _of_the_past(found: Json) -> Iterator[str]:
    """How far back it remembers, thing by thing; observations only the best of them."""
    seen = [entry for entry in found["past"] if entry["kind"] == "observation"]
    best = sorted(seen, key=lambda entry: -max(_skill(at, "state") for at in entry["at"] if at["state"]))[:1]
    for entry in [*best, *(entry for entry in found["past"] if entry["kind"] != "observation")]:
        at = [one for one in entry["at"] if one["state"]]
        name = {"observation": f"what was observed as {entry['name']}", "pay": "what was felt"}.get(
            entry["kind"], "what was done" if entry["name"] == "action" else f"the action {entry['name']}"
        )
        which = " (the one that is kept best)" if entry["kind"] == "observation" and len(seen) > 1 else ""
        parts = [
            f"{one['lag']} back {_two(_skill(one, 'state'))}"
            + (f" ({_two(_skill(one, 'inputs'))} from what it is told)" if one["inputs"] else "")
            for one in (at if len(at) < 3 else (at[0], at[1], at[-1]))
        ]
        yield f"Of the past, {name}{which} can be read with a skill of: {'; '.join(parts)}."


def _two(value: float) -> str:
    """A skill or a score: two digits after the point, and nothing that rounding makes of nothing."""
    text = f"{value:.2f}"
    return ("0.00" if text == "-0.00" else text).replace("-", "\N{MINUS SIGN}")


def _last(entry: Json) -> Json | None:
    """The last window in which there is a reading."""
    at = [one for one in entry["at"] if one["state"]]
    return at[-1] if at else None


def _skill(one: Json | None, source: str) -> float:
    return float("nan") if not one or not one[source] else float(one[source]["skill"]["value"])


def _with_ends(one: Json, source: str) -> str:
    skill = one[source]["skill"]
    if skill["low"] is None:
        return _two(skill["value"])
    return f"{_two(skill['value'])} [{_two(skill['low'])}, {_two(skill['high'])}]"


def _score_words(one: Json, source: str) -> str:
    """What the skill is in the unit of what was read."""
    reading = one[source]
    if one["is_class"]:
        return f"right in {percent(reading['score'])} of the steps, where {percent(reading['chance'])} are chance"
    return "an R\N{SUPERSCRIPT TWO} on lives not fitted to"


def _steps_words(one: Json) -> str:
    if one["first"] == one["last"]:
        return "at birth" if one["first"] == 0 else f"after {one['first']:,} step{'s' * (one['first'] > 1)}"
    return f"after {_span(one)} steps"


def _span(one: Json) -> str:
    first, last = one["first"], one["last"]
    return f"{first:,}" if first == last else f"{first:,}\N{EN DASH}{last:,}"


# --- pictures ---


def _series(places: Sequence[float], at: Sequence[Json]) -> tuple[Series, ...]:
    """Skill by source, a line each; what could not be read is left out."""
    found = []
    for source, name, look in _SOURCES:
        some = [(place, one[source]["skill"]) for place, one in zip(places, at, strict=True) if one[source]]
        if not some:
            continue
        known = all(skill["low"] is not None for _, skill in some)
        found.append(
            Series(
                name,
                look,
                "line",
                tuple(place for place, _ in some),
                tuple(skill["value"] for _, skill in some),
                tuple(skill["low"] for _, skill in some) if known else (),
                tuple(skill["high"] for _, skill in some) if known else (),
            )
        )
    return tuple(found)


def _panel(title: str, axis: Axis, places: Sequence[float], at: Sequence[Json]) -> Panel:
    return Panel(
        axis, Axis("skill", span=(-0.15, 1.05)), _series(places, at), (Rule(0.0, "", "y"),), title=shortened(title),
        height=210,
    )  # fmt: skip


def _places(texts: Sequence[str], title: str) -> Axis:
    """An axis of places with names, not more of them than can be read."""
    every = -(-len(texts) // MOST_TICKS)
    ticks = tuple((float(place), text) for place, text in enumerate(texts) if place % every == 0)
    return Axis(title, ticks=ticks, span=(-0.3, len(texts) - 0.7))


def _hidden_chart(found: Json) -> Chart:
    panels = []
    for entry in found["hidden"][:MOST_PANELS]:
        axis = _places([_span(one) for one in entry["at"]], "age, world steps")
        panels.append(_panel(entry["name"], axis, [float(place) for place in range(len(entry["at"]))], entry["at"]))
    return Chart(
        "memory_hidden",
        "What it knows of what its life hides",
        "How well what was drawn for the life at birth can be read, by age: a line that rises above that of what it is "
        "told in that step is knowledge that was gathered and kept. The grey line reads the states of other lives of "
        "the same age, which know nothing of this one. Skill: 0 as good as a constant answer, 1 without error; bands "
        "are 95% intervals over lives. Each window of age is twice as long as the one before.",
        "life",
        (View("life", tuple(panels), _more(found["hidden"])),),
        small=len(panels) > 2,
    )


def _past_chart(found: Json) -> Chart:
    ranked = sorted(found["past"], key=lambda entry: entry["kind"] == "observation")
    panels = []
    for entry in ranked[:MOST_PANELS]:
        axis = _places([str(one["lag"]) for one in entry["at"]], "steps back")
        panels.append(_panel(entry["name"], axis, [float(place) for place in range(len(entry["at"]))], entry["at"]))
    return Chart(
        "memory_past",
        "How far back it remembers",
        "How well can be read what was done, felt and seen so many steps ago. What a brain is told of the step before "
        "need not be remembered (dashed). Where behaviour is regular, the past can be guessed from the present: only "
        "what lies above the dashed line is memory.",
        "past",
        (View("past", tuple(panels), _more(ranked)),),
        small=len(panels) > 2,
    )


def _more(entries: Sequence[Json]) -> str:
    left = len(entries) - MOST_PANELS
    return f"{left} more are in the table." if left > 0 else ""


def _example_chart(found: Json) -> Chart:
    example = found["example"]
    states = example["states"]
    bound = max((abs(value) for row in states for value in row), default=0.0) or 1.0
    heat = Heat(
        (),
        (),
        tuple(tuple(row) for row in states),
        (),
        "state",
        bound,
        at=(tuple(float(age) for age in example["age"]), tuple(float(unit) for unit in range(len(states)))),
    )
    ends = [age for age in example["ends"] if age < example["age"][-1]]
    rules = tuple(Rule(age + 0.5, "", "x") for age in ends[:MOST_ENDS])
    shown = f" The first {len(states)} of {found['units']} units." if len(states) < found["units"] else ""
    kept = "it is kept" if found["kept"] == "life" else "it is cleared"
    return Chart(
        "memory_example",
        "The carried state along one life",
        f"Each row is a unit, each column a step of life {example['life']} without learning. Stripes that last are "
        f"memory; what flickers follows what is seen.{shown}"
        + (f" Lines are ends of episodes, at which {kept}." if rules else ""),
        "life",
        (
            View(
                "state",
                (Panel(Axis("age, world steps"), Axis("unit"), (), rules, heat, height=120 + 14 * len(states)),),
            ),
        ),
    )


# --- tables ---


def _table(found: Json, which: str) -> Table:
    """Every reading, with what it is held against."""
    rows: list[tuple[Cell, ...]] = []
    for entry in found[which]:
        for one in entry["at"]:
            when = _span(one) if which == "hidden" else str(one["lag"])
            cells: list[Cell] = [entry["name"], when, "share right" if one["is_class"] else "R\N{SUPERSCRIPT TWO}"]
            cells += [_two(one[source]["score"]) if one[source] else None for source, _, _ in _SOURCES]
            cells.append(_two(one["state"]["chance"]) if one["state"] else None)
            cells += [_with_ends(one, source) if one[source] else None for source in ("state", "inputs")]
            rows.append(tuple(cells))
    when = "age" if which == "hidden" else "steps back"
    title = "What it knows of what its life hides" if which == "hidden" else "What it remembers of the past"
    return Table(
        f"memory_{which}_table",
        title,
        "State, inputs, others: the score of a decoder that reads the carried state, what the brain is told in that "
        "step, and the states of other lives at that age. Chance: of the best constant answer. Skill: 1 less the "
        "errors over those of the constant, with 95% intervals over lives. A dash: fewer than 20 lives were left.",
        ("what", when, "score", "state", "inputs", "others", "chance", "skill of state", "skill of inputs"),
        tuple(rows),
        (False, True, False, *(True,) * 6),
        shown=16,
    )

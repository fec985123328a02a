"""Tables of lesions: every effect with its interval and test, beside what shams of equal size did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report.inspection.lesion_words import (
    HOWS,
    UNITS,
    bound_words,
    lives_of,
    ordered,
    reading_words,
    when_words,
)
from evolearn.report.inspection.section import Json, Table
from evolearn.report.texts import probability, quantity, with_interval

SHOWN = 12  # rows of a table


def lesions_table(found: Json, at: Json, metric: str) -> Table:
    """What every lesion at one age did to a metric, the most harmful first."""
    columns: dict[str, tuple[str | float | None, ...]] = {}
    lesions = ordered(at, metric)
    numbers = {id(lesion): place for place, lesion in enumerate(at["lesions"])}
    columns["part"] = tuple(
        f"{one['kind']}: {one['name']}" if one["name"] != one["kind"] else str(one["name"]) for one in lesions
    )
    columns["lesion"] = tuple(HOWS[lesion["how"]] for lesion in lesions)
    columns["reading"] = tuple(reading_words(lesion, metric) for lesion in lesions)
    columns |= _own_columns(at, metric, lesions) | _sham_columns(metric, lesions)
    if found["norms"]:
        norms = [found["norms"][numbers[id(lesion)]] for lesion in lesions]
        columns["norm (shams)"] = tuple(f"{quantity(one['lesion'])} ({quantity(one['shams'])})" for one in norms)
    if any(lives_of(lesion, metric)["diverged"] for lesion in lesions):
        columns["diverged"] = tuple(_share(lives_of(lesion, metric), "diverged") for lesion in lesions)
    return Table(
        f"lesions_{metric}" + ("" if at["age"] == 0 else "_later"),
        f"Lesions {when_words(at)}: {found['metrics'][metric]}",
        " ".join(_notes(found, at, metric)),
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        tuple(name not in ("part", "lesion", "reading") for name in columns),
        shown=SHOWN,
    )


def _share(lives: Json, which: str) -> str:
    return f"{lives[which]} of {lives['of']}"


def _own_columns(at: Json, metric: str, lesions: Sequence[Json]) -> dict[str, tuple[str | None, ...]]:
    before = at["intact"][metric]["never"]
    changes = [lesion["effects"][metric]["change"] for lesion in lesions]
    columns: dict[str, tuple[str | None, ...]] = {
        "change": tuple(
            bound_words(lives_of(lesion, metric)["never"], before) + with_interval(change["of"], UNITS[metric], "value")
            for lesion, change in zip(lesions, changes, strict=True)
        ),
        "p": tuple(probability(change["p_holm"]) for change in changes),
    }
    if metric == "speed":
        columns["never"] = tuple(_share(lives_of(lesion, metric), "never") for lesion in lesions)
    return columns


def _sham_columns(metric: str, lesions: Sequence[Json]) -> dict[str, tuple[str | None, ...]]:
    rows: list[tuple[str | None, ...]] = []
    for lesion in lesions:
        effect = lesion["effects"][metric]
        shams, lives = effect["shams"], effect["lives"]
        if not shams:
            rows.append(("no sham", None, None, None))
            continue
        bound = bound_words(lives["never"], shams["lives"]["never"])
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
        f"Intact: {bound_words(intact['never'], 0)}{with_interval(intact, UNITS[metric], 'value')}. Change: lesion "
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
    if found["norms"]:
        yield "Norm: root of the summed squares by which weights change at birth; in brackets the mean of its shams."
    if metric == "birth":
        yield "Learning is off here: drives, critic and learner cannot change it, and are not tested."
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

"""What a part of a claim can ask of a study: what bands can, a cell of its command's tables, whether evolution paid."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from evolearn.config import Part
from evolearn.study.bands import STUDY_MEASURES, Measure, Measured, StudyTable
from evolearn.verdict import Json

NOT_MADE = "its command has not been run"
NO_CELL = "its command's tables have no such cell"
_WORDS = {"yes": 1.0, "no": 0.0}
_NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)"
_INTERVAL = re.compile(rf"({_NUMBER}) \[({_NUMBER}), ({_NUMBER})\]")
_COUNT = re.compile(r"(\d+) of (\d+)")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that a claim's command printed."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Results(StudyTable):
    """A verdict, and the tables that a command made of the same study."""

    def __init__(self, verdict: Json, tables: Sequence[Table] = ()) -> None:
        """Read `verdict`, as in verdict.json, beside `tables`."""
        super().__init__(verdict)
        self.tables = tuple(tables)

    def lacking(self, of: Mapping[str, Any]) -> str:
        """What a study with other settings lacks of what a part names; empty: nothing."""
        condition = of.get("condition")
        if condition not in (None, *self.conditions):
            return f"condition {condition!r}"
        arms = self.condition(condition)["arms"]
        return next(
            (f"arm {of[name]!r}" for name in ("arm", "against") if of.get(name, next(iter(arms))) not in arms), ""
        )


class Cell(Part):
    """Arguments of `table`."""

    title: str = Field("", description="how the table's title begins; none: any table that has such a row")
    where: dict[str, str] = Field(min_length=1, description="what stands in a row, by column; the first such row")
    column: str


class Paid(Part):
    """Arguments of `paid`."""

    arm: str
    against: str
    condition: str | None = None
    descendants: int = Field(ge=1)


def tables_of(markdown: str) -> list[Table]:
    r"""The tables of a text in Markdown, each with the bold line above it as its title.

    >>> tables_of("**bands**\n\n| what | met |\n| --- | --- |\n| a | **no** |\n")
    [Table(title='bands', heads=('what', 'met'), rows=(('a', 'no'),))]
    """
    found: list[Table] = []
    title, rows = "", list[tuple[str, ...]]()
    for line in [*markdown.splitlines(), ""]:
        text = line.strip()
        if text.startswith("|"):
            rows.append(tuple(cell.strip().strip("*`") for cell in text.strip("|").split("|")))
        elif len(rows) > 1:
            found.append(Table(title, rows[0], tuple(rows[2:])))
            title, rows = "", []
        elif text:
            title = text.strip("*")
    return found


def read_cell(text: str) -> Measured:
    """What a cell says: a value with its interval, a share of counts, or yes and no as 1 and 0; else nothing.

    >>> read_cell("no learner: +5.21 [+2.47, +8.53]"), read_cell("9 of 10").value, read_cell("undecided").value
    (Measured(value=5.21, low=2.47, high=8.53, note='no learner: +5.21 [+2.47, +8.53]'), 0.9, None)
    """
    if interval := _INTERVAL.search(text):
        value, low, high = (float(number.replace(",", "")) for number in interval.groups())
        return Measured(value, low, high, text)
    if counts := _COUNT.search(text):
        count, total = map(int, counts.groups())
        return Measured(count / total if total else None, note=text)
    return Measured(_WORDS.get(text.partition(":")[0]), note=text)


def _table(results: Results, of: Cell) -> Measured:
    """A cell of a table that the claim's command printed."""
    if not results.tables:
        return Measured(None, note=NOT_MADE)
    for table in results.tables:
        if not table.title.startswith(of.title) or not {of.column, *of.where} <= set(table.heads):
            continue
        rows = [dict(zip(table.heads, row, strict=False)) for row in table.rows]
        for row in rows:
            if of.column in row and all(row.get(column) == text for column, text in of.where.items()):
                return read_cell(row[of.column])
    return Measured(None, note=NO_CELL)


def _paid(results: Results, of: Paid) -> Measured:
    """Steps that descendants save in catching up, over all that the arm's evolution cost; its rival's is let off."""
    found = results.contrast(of.arm, of.against, of.condition, "catch_up", None)
    bill = next(
        (row["evolution_steps"] for row in results.condition(of.condition)["break_even"] if row["arm"] == of.arm), None
    )
    if found is None or not bill or found["difference"]["iqm"] is None:
        return Measured(None, note="the study does not say when the two catch up, or what evolution cost")
    if found.get("unfinished"):
        return Measured(None, note=f"no verdict on when the two catch up, since {found['unfinished']}")
    times = -of.descendants / bill
    value, low, high = (
        math.nan if end is None else times * end
        for end in (found["difference"][name] for name in ("iqm", "high", "low"))
    )
    saved = f"{-found['difference']['iqm']:,.0f} steps saved by each, of {bill:,}"
    paid = f": paid for after {of.descendants / value:,.0f}" if value > 0 else ""
    return Measured(value, low, high, saved + paid)


MEASURES: Mapping[str, Measure] = {
    **STUDY_MEASURES,
    "table": Measure("a cell of a table that the claim's command printed", Cell, _table),
    "paid": Measure("steps that descendants save, over what evolution cost", Paid, _paid),
}

"""Sections of the inspection's page as plain records: sentences, charts and tables, before anybody draws them."""

from __future__ import annotations

import dataclasses

from evolearn.report._chart import Chart

Cell = str | float | None  # none is shown as a dash


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a section; the reader can sort it by any column, and search it where it is long."""

    key: str  # no other table of the page has it
    title: str
    note: str  # what the columns mean, with units
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]  # [rows, columns]
    numeric: tuple[bool, ...]  # [columns], set to the right; their cells are numbers, none, or texts with a number
    shown: int = 0  # rows before "show all"; 0: all

    def __post_init__(self) -> None:
        """Check the shape.

        Raises:
            ValueError: a row or `numeric` is not as long as `columns`.
        """
        for what, found in (("numeric", self.numeric), *((f"row {place}", row) for place, row in enumerate(self.rows))):
            if len(found) != len(self.columns):
                raise ValueError(f"table {self.key}: {what} has {len(found)} entries for {len(self.columns)} columns")


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of an inspection as the page and the terminal show it."""

    key: str
    title: str
    sentences: tuple[str, ...]  # plain text; the first says the most
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    missing: str = ""  # why there is nothing

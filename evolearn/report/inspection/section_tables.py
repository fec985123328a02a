"""Tables of sections as the page holds them: the first rows as they stand, the rest as data for its script."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from evolearn.report.inspection.section import Cell, Table
from evolearn.report.texts import quantity

SEARCHED = 20  # rows from which a table can be searched
Texts = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class TableOnPage:
    """A table in texts."""

    table: Table
    first: tuple[Texts, ...]  # rows that stand in the page
    rest: tuple[Texts, ...]  # rows that its script can show
    left_out: int = 0  # rows for which the page has no room

    @property
    def rows(self) -> int:
        """How many rows the page has."""
        return len(self.first) + len(self.rest)

    @property
    def searched(self) -> bool:
        """Whether the reader is offered a search."""
        return self.rows >= SEARCHED


def table_on_page(table: Table) -> TableOnPage:
    """A table with its cells as texts.

    Args:
        table: of a section.
    """
    columns = [_column_texts([row[place] for row in table.rows]) for place in range(len(table.columns))]
    rows = tuple(zip(*columns, strict=True))
    shown = table.shown or len(rows)
    return TableOnPage(table, rows[:shown], rows[shown:])


def fitted(tables: Sequence[TableOnPage], budget: int) -> list[TableOnPage]:
    """Tables whose further rows take at most `budget` bytes together; the last are left out where they would not.

    Args:
        tables: of the page.
        budget: bytes.
    """
    sizes = [len(json.dumps(table.rest, ensure_ascii=True)) for table in tables]
    share = min(1.0, max(budget, 0) / max(sum(sizes), 1))
    return [table if share == 1.0 else _cut(table, int(share * len(table.rest))) for table in tables]


def _cut(table: TableOnPage, kept: int) -> TableOnPage:
    return dataclasses.replace(table, rest=table.rest[:kept], left_out=len(table.rest) - kept)


def _column_texts(cells: Sequence[Cell]) -> list[str]:
    """One column: numbers alike, whole ones without a point if all are."""
    whole = all(float(cell).is_integer() for cell in cells if isinstance(cell, int | float))
    unit = "world steps" if whole else ""  # as steps are written
    return [cell if isinstance(cell, str) else quantity(cell, unit) for cell in cells]

"""The page of an inspection: an HTML file that needs nothing else, a section after the other."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from evolearn.report._looks import DARK, LIGHT, arm_looks
from evolearn.report._page_parts import PAGE_BYTES, as_json, drawings, own_file, plotly, templates
from evolearn.report._replays import pack_replays
from evolearn.report.inspection.files import Inspection
from evolearn.report.inspection.section import Cell, Section, Table
from evolearn.report.texts import commit_in_words, quantity

PLAYED_IN = "repertoire"  # the section in which replays are played
SEARCHED = 20  # rows from which a table can be searched
Texts = tuple[str, ...]


def render_inspection(inspection: Inspection, sections: Sequence[Section], figures: bool) -> str:
    """The page as text.

    Args:
        inspection: from `read_inspection`.
        sections: of it, in the order of the page.
        figures: whether figures for papers lie beside the page and are linked.
    Raises:
        ValueError: two charts or two tables go by one key.
    """
    charts = [chart for section in sections for chart in section.charts]
    tables = [_table_on_page(table) for section in sections for table in section.tables]
    _check_keys([chart.key for chart in charts])
    _check_keys([table.table.key for table in tables])
    played = {section.key for section in sections if not section.missing} & {PLAYED_IN}
    replays = inspection.replays if played else ()
    content: dict[str, Any] = {
        "about": inspection.about,
        "both": [about for about in (inspection.about, inspection.about.get("other")) if about],
        "sections": sections,
        "environment": inspection.environment,
        "commit": commit_in_words(inspection.environment.get("commit")),
        "command": inspection.command,
        "figures": figures,
        "light": LIGHT,
        "dark": DARK,
        "played_in": PLAYED_IN,
        "replayed": list(dict.fromkeys(replay["condition"] for replay in replays)),
        "plotly": plotly(),
        "style": own_file("page.css") + own_file("inspection.css"),
        "scripts": [own_file(name) for name in ("page.js", "replay.js", "inspection.js")],
        "drawings": drawings(charts),
    }
    template = templates().get_template("inspection.html.jinja")
    without = template.render(**content, tables=_by_key(tables), rows=as_json({}), replays=as_json([]))
    room = PAGE_BYTES - len(without.encode())
    tables = _fitted(tables, room * 2 // 3 if replays else room)
    rows = as_json({table.table.key: table.rest for table in tables if table.rest})
    names = list(dict.fromkeys(arm["arm"] for replay in replays for arm in replay["arms"]))
    packed = pack_replays(replays, arm_looks(names), room - len(rows.encode()))
    return template.render(**content, tables=_by_key(tables), rows=rows, replays=as_json(packed))


def _by_key(tables: Sequence[Any]) -> dict[str, Any]:
    return {table.table.key: table for table in tables}


def _check_keys(keys: Sequence[str]) -> None:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise ValueError(f"keys={twice}: two charts or tables of a page cannot have the same key")


# --- tables: the first rows as they stand, the rest as data for the page's script ---


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


def _table_on_page(table: Table) -> TableOnPage:
    """A table with its cells as texts.

    Args:
        table: of a section.
    """
    columns = [_column_texts([row[place] for row in table.rows]) for place in range(len(table.columns))]
    rows = tuple(zip(*columns, strict=True))
    shown = table.shown or len(rows)
    return TableOnPage(table, rows[:shown], rows[shown:])


def _fitted(tables: Sequence[TableOnPage], budget: int) -> list[TableOnPage]:
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

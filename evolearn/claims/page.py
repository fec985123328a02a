"""One page of all claims, from the studies that are found."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from evolearn.claims._measures import NOT_MADE
from evolearn.claims.found import Standing, standings
from evolearn.claims.judgement import FAILED, HELD, IN_PART, WORDS
from evolearn.claims.markdown import cost_words
from evolearn.claims.records import TABLES_FILE
from evolearn.files import explained, write_whole
from evolearn.report import ClaimOnPage, decisive_chart, read_results, render_claims

_CLASSES = {HELD: "better", FAILED: "worse", IN_PART: "equivalent"}


def write_claims_page(page: Path, places: Iterable[Path]) -> tuple[list[Standing], list[str]]:
    """Write the page of all claims.

    Args:
        page: the file to write; one that is there is replaced.
        places: study directories, and folders of them.
    Returns:
        How each claim stands; and of studies that are left out, why.
    Raises:
        RunDirectoryError: it cannot be written.
    """
    page = page.absolute()
    rows, left_out = standings(places)
    text = render_claims([_on_page(row, page.parent) for row in rows], WORDS)
    with explained(page.parent):
        page.parent.mkdir(parents=True, exist_ok=True)
        write_whole(page, text.encode())
    return rows, left_out


def _on_page(row: Standing, folder: Path) -> ClaimOnPage:
    claim, chart, link = row.claim, None, None
    if row.study is not None:
        decides = row.record["parts"][0]["of"].get("condition") if row.record else None
        chart = decisive_chart(read_results(row.study).verdict, claim.name, claim.chart, decides)
        own = row.study / "report" / "index.html"
        link = Path(os.path.relpath(own, folder)).as_posix() if own.exists() else None
    return ClaimOnPage(
        number=claim.number,
        name=claim.name,
        claim=claim.claim,
        question=claim.question,
        word=row.word,
        class_name=_CLASSES.get(row.word, "inconclusive"),
        study=claim.study,
        record=row.record,
        cost="" if row.record is None else cost_words(row.record),
        notes=_notes(row),
        link=link,
        chart=chart,
    )


def _notes(row: Standing) -> tuple[str, ...]:
    notes = []
    if row.record is not None and row.study is None:
        notes.append("From the record that is kept of it: no study of it was found here.")
    if not row.shipped:
        notes.append("The study that was found has other settings than the shipped one.")
    if row.full:
        notes.append("From the version for a cluster.")
    if row.record is not None and row.record["extended"]:
        notes.append("The study was extended after it had begun; its own page says how.")
    if row.record is not None and any(part["note"] == NOT_MADE for part in row.record["parts"]):
        notes.append(f"Tables that decide it are missing: `{row.claim.command} > STUDY/{TABLES_FILE}` makes them.")
    return tuple(notes)

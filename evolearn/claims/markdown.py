"""The table of all claims as the documentation has it, made from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from evolearn.claims.found import Standing, standings
from evolearn.claims.judgement import SHOWN, WORDS
from evolearn.errors import UserError
from evolearn.files import explained, read_text, write_whole
from evolearn.verdict import Json

BEGIN, END = "<!-- evolearn claims table -->", "<!-- the end of the table -->"


def claims_table(kept: Mapping[str, Json] | None = None) -> str:
    """How many claims came to what, and all of them in a table, in Markdown for docs/claims.

    Args:
        kept: records by claim; none: those of the repository.
    """
    rows, _ = standings((), kept)
    lines = [
        _counts(rows),
        "",
        "| # | claim | came out | parts shown | runs | tried in | study |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, rows), "", *_sentences(rows)])


def put_into(page: Path, table: str) -> None:
    """Put the table between the marks of a page in Markdown.

    Args:
        page: holds both marks.
        table: from `claims_table`.
    Raises:
        UserError: it holds no marks.
    """
    text = read_text(page, "give a page that is there")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{page}: has no place for the table: put {BEGIN} and {END} into it, a line each")
    with explained(page.parent):
        write_whole(page, f"{before}{BEGIN}\n\n{table}\n\n{END}{after}".encode())


def _counts(rows: Sequence[Standing]) -> str:
    counts = Counter(row.word for row in rows)
    return f"Of {len(rows)} claims: " + ", ".join(f"**{counts[word]} {word}**" for word in WORDS if counts[word]) + "."


def _row(row: Standing) -> str:
    claim, record = row.claim, row.record
    page = claim.page.removeprefix("claims/") if claim.page.startswith("claims/") else f"../{claim.page}"
    study = f"[`{claim.study}`]({page})" if claim.is_shipped else f"`{claim.study}`"
    if record is None:
        return f"| {claim.number} | {claim.claim} | {row.word} | | | | {study} |"
    told = [part["told"] for part in record["parts"]]
    worlds = ", ".join(f"`{world}`" for world in record["worlds"])
    shown = f"{told.count(SHOWN)} of {len(told)}"
    return f"| {claim.number} | {claim.claim} | **{row.word}** | {shown} | {record['runs']} | {worlds} | {study} |"


def _sentences(rows: Sequence[Standing]) -> list[str]:
    """What came of each claim that was run, where and at what cost, a line each."""
    return [
        f"- **{row.claim.number}. {row.claim.claim}.** {row.record['sentence']} {cost_words(row.record)}"
        for row in rows
        if row.record is not None
    ]


def cost_words(record: Json) -> str:
    """What a record cost, on which machine and of which commit, in a line."""
    cost, machine = record["cost"], record["machine"]
    lived = cost["world_steps"] - cost["settings_steps"]
    before = f", and {cost['settings_steps'] / 1e6:,.0f} M before for settings" if cost["settings_steps"] else ""
    commit = f", commit {str(record['commit'])[:10]}" if record["commit"] else ""
    return (
        f"{lived / 1e6:,.0f} M world steps{before}; {cost['seconds'] / 60:.1f} minutes of evolution, over all "
        f"processes, on {machine['cpu'] or 'an unknown processor'}; config {record['config_sha256'][:10]}{commit}."
    )

"""What the table of claims looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evolearn.claims import FAILED, HELD, IN_PART, WORDS, Cost, Standing
from evolearn.cli.terminal import print_line, shown
from evolearn.report import duration

_COLOURS = {HELD: "green", FAILED: "red", IN_PART: "blue"}


def print_claims(console: Console, rows: Sequence[Standing], costs: Mapping[str, Cost]) -> None:
    """A line per claim: number, name, what it says, what its study costs, what came out."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("name", no_wrap=True)
    table.add_column("claim")
    table.add_column("cost", no_wrap=True)
    table.add_column("came out")
    for row in rows:
        claim = row.claim
        table.add_row(str(claim.number), claim.name, claim.claim, _cost(costs.get(claim.name)), _came_out(row))
    console.print(table)
    counts = Counter(row.word for row in rows)
    console.print(Text(", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word]) + "."))
    console.print(
        Text("Minutes are of evolution over all processes as measured (m), or estimated on this machine (e).")
    )
    print_line(console, "evolearn claims NAME runs one; --full is for a cluster, --dry-run says what it would cost")


def print_left_out(console: Console, reasons: Sequence[str]) -> None:
    """Studies that could not be read, each with its cause."""
    for reason in reasons:
        print_line(console, f"Left out: {reason}")


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return "--estimate"
    return f"{cost.steps / 1e6:,.0f} M, {duration(cost.seconds)} ({'m' if cost.measured else 'e'})"


def _came_out(row: Standing) -> Text:
    if row.record is None:
        return Text(row.word, style="dim")
    said = Text(row.word, style=_COLOURS.get(row.word, ""))
    runs = f"{row.record['runs']} run{'' if row.record['runs'] == 1 else 's'}"
    where = "the kept record" if row.study is None else str(shown(row.study))
    differs = "" if row.shipped else ", other settings"
    return said.append(f", {runs}{differs}: {_short(where)}", style="dim")


def _short(where: str) -> str:
    return where if len(where) <= 40 else f".../{Path(where).name}"

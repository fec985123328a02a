"""Tables for papers: contrasts, what each arm scored, and the ledger, as CSV and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from evolearn.report._files import Json

Row = dict[str, Any]


def save_tables(verdict: Json, folder: Path) -> None:
    """Write every table as NAME.csv and NAME.tex.

    Args:
        verdict: verdict.json.
        folder: is made.
    """
    folder.mkdir(exist_ok=True)
    for name, rows in (
        ("contrasts", contrast_rows(verdict)),
        ("arms", arm_rows(verdict)),
        ("ledger", ledger_rows(verdict)),
    ):
        table = pd.DataFrame(list(rows))
        table.map(harmless).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        readable = table.rename(columns=lambda column: str(column).replace("_", " "))
        latex = readable.to_latex(index=False, escape=True, na_rep="--", float_format="%.4g", longtable=True)
        (folder / f"{name}.tex").write_text(latex, encoding="utf-8")


_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # what a spreadsheet takes for the start of one
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet computes: a text that looks like a formula gets an apostrophe in front.

    Source: OWASP, CSV injection.

    >>> harmless("=1+1"), harmless("-1.5"), harmless(-1.5), harmless("as it is")
    ("'=1+1", '-1.5', -1.5, 'as it is')
    """
    if not isinstance(cell, str):
        return cell
    apostrophe = "'" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else ""
    return apostrophe + cell.replace("\r", " ")  # which begins a line for some readers, in quotes or not


def contrast_rows(verdict: Json) -> Iterator[Row]:
    """A row per condition and contrast, the primary one first."""
    for condition in verdict["conditions"]:
        for rank, contrast in [("primary", condition["primary"]), *(("secondary", c) for c in condition["secondary"])]:
            yield {
                "condition": condition["name"],
                "rank": rank,
                **{name: contrast[name] for name in ("arm", "against", "metric", "verdict", "p")},
                "p_holm": contrast.get("p_holm"),
                **{f"difference_{end}": contrast["difference"][end] for end in ("iqm", "low", "high")},
                **{f"improvement_{end}": contrast["improvement"][end] for end in ("probability", "low", "high")},
                **{name: contrast[name] for name in ("margin", "equivalence_p", "smallest_margin")},
                "runs_arm": contrast["runs"][0],
                "runs_against": contrast["runs"][1],
                "never_arm": contrast["censored"][0],
                "never_against": contrast["censored"][1],
                "test": contrast["test"],
                "withheld": contrast["withheld"],
                "unfinished": contrast.get("unfinished"),
            }


def arm_rows(verdict: Json) -> Iterator[Row]:
    """A row per condition, arm and metric."""
    for condition in verdict["conditions"]:
        for arm, entry in condition["arms"].items():
            for metric, summary in entry["metrics"].items():
                yield {
                    "condition": condition["name"],
                    "arm": arm,
                    "metric": metric,
                    "unit": verdict["metrics"][metric]["unit"],
                    **{name: summary[name] for name in ("iqm", "mean", "low", "high", "runs", "censored")},
                }


def ledger_rows(verdict: Json) -> Iterator[Row]:
    """A row per condition and arm, in world steps."""
    for condition, arms in verdict["ledger"]["conditions"].items():
        for arm, steps in arms.items():
            yield {"condition": condition, "arm": arm, **steps}

"""Numbers and names as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

VERDICT_LETTERS = {"better": "B", "worse": "W", "equivalent": "E", "inconclusive": "I"}


def quantity(value: float | None, unit: str = "") -> str:
    """A number for a table: whole steps with separators, everything else to three digits.

    Args:
        value: none is shown as a dash.
        unit: "world steps", "score", "ratio" or nothing.
    """
    return "\N{EN DASH}" if value is None else _digits(value, unit).replace("-", "\N{MINUS SIGN}")


def _digits(value: float, unit: str) -> str:
    if unit == "world steps" or (abs(value) >= 1000 and float(value).is_integer()):
        return f"{value:,.0f}"
    if unit != "score" and value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def with_interval(entry: Mapping[str, Any] | None, unit: str = "", centre: str = "iqm") -> str:
    """A value and its interval: "0.91 [0.89, 0.93]"; "≥" where never-reached runs are in it.

    Args:
        entry: holds `centre`, "low" and "high", and for times "censored", "runs" and "at_least".
        unit: see `quantity`.
        centre: name of the middle value.
    """
    if entry is None or entry.get(centre) is None:
        return "\N{EN DASH}"
    if entry.get("censored") and entry["censored"] == entry["runs"]:
        return f"never by {quantity(entry[centre], unit)}"
    text = ("\N{GREATER-THAN OR EQUAL TO} " if entry.get("at_least") else "") + quantity(entry[centre], unit)
    if entry.get("low") is not None and entry.get("high") is not None:
        text += f" [{quantity(entry['low'], unit)}, {quantity(entry['high'], unit)}]"
    return text + (f", {entry['censored']} of {entry['runs']} never" if entry.get("censored") else "")


def probability(value: float | None) -> str:
    """A p-value: three digits, and never "0.000"."""
    if value is None:
        return "\N{EN DASH}"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def shortened(name: str, length: int = 22) -> str:
    """A name that fits beside an axis."""
    return name if len(name) <= length else name[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def parameters_in_words(parameters: Mapping[str, Any]) -> str:
    """World parameters in a line: "alpha = 0, drag = 0.5"."""
    return ", ".join(f"{name} = {value:g}" if isinstance(value, int | float) else f"{name} = {value}"
                     for name, value in parameters.items())  # fmt: skip


def extension_in_words(change: Mapping[str, Any]) -> str:
    """What was added to a study after its start, and whether the verdict was known by then.

    Args:
        change: an entry of `extended` in verdict.json.
    """
    before, after, arms = change.get("runs_before"), change.get("runs_after"), change.get("arms_added")
    added = [f"from {before} to {after} runs per arm"] if before != after else []
    added += [f"arms added: {', '.join(arms)}"] if arms else []
    if not change.get("verdict_seen"):
        return f"The study was extended before any verdict ({'; '.join(added)})."
    said = f"The study was extended after its verdict had been seen ({'; '.join(added)}): "
    if before == after:
        return f"{said}its contrasts are those planned beforehand; what is said of the added arms was not planned."
    looks = [f"{look['runs']} runs at {look['level']:.3g}" for look in change.get("looks_before", ())]
    once = (
        f" Planned were looks ({', '.join(looks)}); now it is judged once, at the level of the last." if looks else ""
    )
    return f"{said}this is optional stopping, which inflates errors, so the level of the tests no longer holds.{once}"


def commit_in_words(commit: Any) -> str:
    """The commit of the source in a sentence; a plus sign at its end marks a changed working tree."""
    if not commit:
        return "The commit of the source is unknown (installed without a checkout)."
    if str(commit).endswith("+"):
        return f"Source: commit {str(commit)[:-1]}, with uncommitted changes (dirty working tree)."
    return f"Source: commit {commit}, clean working tree."


def band_value(band: Mapping[str, Any]) -> str:
    """The value behind an acceptance band with its interval and unit: "0.51 [0.49, 0.53] of all switches".

    Args:
        band: an entry of `bands` in replication.json.
    """
    value = band["value"]
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, str):
        return value
    text = _three_digits(value)
    if band["low"] is not None and band["high"] is not None:
        text += f" [{_three_digits(band['low'])}, {_three_digits(band['high'])}]"
    return f"{text} {band['unit']}".rstrip()


def cost_in_words(cost: Mapping[str, Any]) -> str:
    """What a replication cost, in a line.

    Args:
        cost: of replication.json.
    """
    parts = [f"{cost['world_steps']:,} world steps"] if cost["world_steps"] else []
    parts.append(f"{cost['evaluations']:,} {cost['evaluations_are']}")
    parts.append(f"{cost['seconds']:,.0f} seconds {cost.get('seconds_are', '')}".rstrip())
    return ", ".join(parts)


def _three_digits(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")

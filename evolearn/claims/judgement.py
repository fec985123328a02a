"""From the parts of a claim to its word: held, held in part, failed or cannot be told. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evolearn.claims._measures import MEASURES, Results
from evolearn.study.bands import CONTRAST, BandPart, band_arguments, judge_band
from evolearn.verdict import CLAIM_RUNS, Json

SHOWN, REFUTED, OPEN = "shown", "refuted", "open"
COUNTS = ("share_of_runs", "share_in_order")  # measures of so many runs of so many: as they are, not as they may be
HELD, IN_PART, FAILED, UNTOLD, NOT_RUN, MISSING = (
    "held", "held in part", "failed", "cannot be told", "not run", "no study yet",
)  # fmt: skip
WORDS = (HELD, IN_PART, FAILED, UNTOLD, NOT_RUN, MISSING)


def primary_parts(verdict: Mapping[str, Any]) -> tuple[BandPart, ...]:
    """What decides a claim that names no parts: under every condition its arm must be better, as the study names it."""
    return tuple(
        BandPart(
            name=f"{condition['name']}: {row['arm']} is better than {row['against']} in {row['metric']}"[:120],
            source="the study's primary contrast",
            measure="contrast",
            of={name: row[name] for name in ("arm", "against", "metric")} | {"condition": condition["name"]},
            verdict="better",
        )
        for condition in verdict["conditions"]
        for row in [condition["primary"]]
    )


def judged_parts(bands: Sequence[BandPart], results: Results) -> list[Json]:
    """Every part with its value, and whether it is shown, refuted or open.

    Args:
        bands: of the claim.
        results: of its study.
    """
    kept = ("name", "source", "measure", "of", "band", "value", "low", "high", "note")
    parts = []
    for band in bands:
        lacking = results.lacking(band.of)
        found = _not_asked(band, lacking) if lacking else judge_band(band, MEASURES, results)
        said = "" if lacking else _said(band, results)
        parts.append({name: found[name] for name in kept} | {"told": as_told(found), "sentence": said})
    return parts


def _said(band: BandPart, results: Results) -> str:
    """The study's own sentence on a contrast, without the number of runs; empty: it has none."""
    if band.measure != CONTRAST:
        return ""
    of = band_arguments(band, MEASURES)
    found = results.contrast(of.arm, of.against, of.condition, of.metric, of.lifetime) or {}
    return str(found.get("sentence", "")).partition("; from ")[0].removesuffix(".")


def _not_asked(band: BandPart, lacking: str) -> Json:
    """A part of a claim that a study with other settings does not ask."""
    about = {"band": band.words, "note": f"the study has no {lacking}"}
    return band.model_dump(mode="json") | dict.fromkeys(("value", "low", "high")) | about


def as_told(band: Mapping[str, Any]) -> str:
    """Whether a judged band is shown, refuted, or neither.

    A contrast is what its test says, and a number is shown or refuted where its whole interval is. A count, and a value
    without an interval, are taken as they are.

    Args:
        band: as `evolearn.study.bands.judge` has it.

    >>> found = {"measure": "score", "value": 0.7, "low": 0.5, "high": 0.9}
    >>> as_told(found | {"band": "above 0.6", "bounds": {"low": 0.6, "high": None}})
    'open'
    """
    value = band["value"]
    if value is None or value == "inconclusive":
        return OPEN
    if isinstance(value, str):
        return SHOWN if value == band["band"] else REFUTED
    known = band["measure"] not in COUNTS
    low, high = (band[end] if known and band[end] is not None else value for end in ("low", "high"))
    least, most = (band["bounds"][end] for end in ("low", "high"))
    least, most = -math.inf if least is None else least, math.inf if most is None else most
    strict = band["band"].startswith(("above", "below"))
    if (low > least and high < most) if strict else (low >= least and high <= most):
        return SHOWN
    outside = (high <= least or low >= most) if strict else (high < least or low > most)
    return REFUTED if outside else OPEN


def word_of(told: Sequence[str], runs: int, whole: bool = False) -> str:
    """What came of a claim.

    Args:
        told: of its parts, see `as_told`.
        runs: evolution runs per arm; fewer than ten decide nothing.
        whole: whether no part counts without the others.

    >>> word_of(["shown", "shown"], 10), word_of(["shown", "refuted"], 10), word_of(["shown", "shown"], 9)
    ('held', 'held in part', 'cannot be told')
    """
    if runs < CLAIM_RUNS:
        return UNTOLD
    if REFUTED in told:
        return IN_PART if SHOWN in told and not whole else FAILED
    return UNTOLD if OPEN in told or not told else HELD


def sentence_of(word: str, parts: Sequence[Mapping[str, Any]], worlds: Sequence[str], runs: int) -> str:
    """What came of a claim in one sentence, with the worlds that it was tried in and nothing beyond them.

    Args:
        word: see `word_of`.
        parts: see `judged_parts`.
        worlds: names.
        runs: evolution runs per arm.
    """
    told = [part["told"] for part in parts]
    counts = [f"{told.count(SHOWN)} of {len(told)} parts shown"]
    counts += [f"{told.count(kind)} {kind}" for kind in (REFUTED, OPEN) if kind in told]
    few = f", fewer than {CLAIM_RUNS}: exploratory" if runs < CLAIM_RUNS else ""
    tried = f"{' and '.join(worlds)}, {runs} run{'' if runs == 1 else 's'} per arm{few}"
    kind = next((kind for kind in (REFUTED, OPEN, SHOWN) if kind in told), None)
    decisive = next((_told(part) for part in parts if part["told"] == kind), "nothing was measured")
    return f"{word[0].upper()}{word[1:]} in {tried}: {', '.join(counts)}; {_FIRST[kind or OPEN]}: {decisive}."


_FIRST = {SHOWN: "the first", REFUTED: "refuted", OPEN: "open"}


def _told(part: Mapping[str, Any]) -> str:
    if part["sentence"]:
        return f"{part['name']} ({part['sentence']})"
    found = part["note"]
    value = part["value"]
    if isinstance(value, float):
        span = "" if part["low"] is None else f" [{part['low']:.3g}, {part['high']:.3g}]"
        found = f"{value:.3g}{span}, asked was {part['band']}"
    elif value is not None:
        found = ", ".join(text for text in (value, part["note"]) if text)
    return f"{part['name']} ({found or 'not measured'})"

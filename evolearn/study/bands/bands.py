"""Measured values against their bands: reproduced or not. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pydantic
from scipy import stats as scipy_stats

from evolearn.config import ConfigError, Part, explain_validation
from evolearn.errors import offer
from evolearn.study.bands.parts import BandPart, ReplicationPart
from evolearn.verdict import CLAIM_RUNS, FloatArray, Json, stats

REPRODUCED, MISSED, UNMEASURED, SHOWN = "reproduced", "not reproduced", "not measured", "no band"
RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Measured:
    """A value with its interval over runs."""

    value: float | str | None  # None: could not be measured
    low: float = math.nan
    high: float = math.nan
    note: str = ""  # counts, or why there is no value


@dataclasses.dataclass(frozen=True)
class Measure:
    """A row of a table of measures: what a band may ask for."""

    doc: str
    of: type[Part]  # its arguments
    take: Callable[[Any, Any], Measured]  # results, arguments


def band_arguments(band: BandPart, measures: Mapping[str, Measure]) -> Any:
    """A band's arguments, checked.

    Raises:
        ConfigError: no such measure, or arguments that it does not take.
    """
    field = f"replication.bands {band.name!r}"
    if band.measure not in measures:
        raise ConfigError(f"{field}: measure={band.measure!r}: unknown.{offer(band.measure, measures)}")
    model = measures[band.measure].of
    try:
        return model.model_validate(band.of)
    except pydantic.ValidationError as error:
        raise ConfigError(explain_validation(error, model, f"{field}: of")) from error


def judge(part: ReplicationPart, measures: Mapping[str, Measure], results: Any) -> list[Json]:
    """Every band with its value and what comes of it.

    Args:
        part: of the config.
        measures: the table that its bands name.
        results: what these measures read.
    Returns:
        A record per band, in order: the band, value, low, high, note and judgement.
    """
    return [judge_band(band, measures, results) for band in part.bands]


def judge_band(band: BandPart, measures: Mapping[str, Measure], results: Any) -> Json:
    """A band with its value and what comes of it; see `judge`."""
    return _record(band, measures[band.measure].take(results, band_arguments(band, measures)))


def summary(bands: Sequence[Json], runs: int) -> Json:
    """What comes of all bands together.

    Args:
        bands: from `judge`.
        runs: independent repetitions behind the values.
    """
    counted = [band for band in bands if band["accept"] and band["judgement"] != SHOWN]
    missed = [band for band in counted if band["judgement"] != REPRODUCED]
    many = f"{len(counted)} acceptance band" + ("" if len(counted) == 1 else "s")
    if missed:
        names = "; ".join(f"{band['name']} ({band['judgement']})" for band in missed)
        sentence = f"Not reproduced: {len(missed)} of {many} missed: {names}."
    else:
        sentence = f"Reproduced: all of {many}." if len(counted) > 1 else "Reproduced: its acceptance band is met."
    exploratory = runs < CLAIM_RUNS
    if exploratory:
        sentence += f" Exploratory: {runs} run{'' if runs == 1 else 's'}, fewer than {CLAIM_RUNS}."
    return {
        "reproduced": not missed,
        "met": len(counted) - len(missed),
        "of": len(counted),
        "exploratory": exploratory,
        "sentence": sentence,
    }


def measure_over_runs(
    values: FloatArray, statistic: Callable[[FloatArray], FloatArray], level: float = 0.05
) -> Measured:
    """A statistic over runs with its bootstrap interval.

    Args:
        values: [R] one number per run.
        statistic: [.., R] -> [..].
        level: the interval covers 1 - level.
    """
    draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = stats.interval(statistic(values[draws]), level, len(values))
    return Measured(float(statistic(values)), float(low), float(high))


def measure_share(met: npt.ArrayLike, of: str, level: float = 0.05) -> Measured:
    """How often something was so, with an exact interval.

    Args:
        met: one entry per run or cell.
        of: what is counted, in the plural.
        level: the interval covers 1 - level.
    Source: Clopper and Pearson 1934.
    """
    count, total = int(np.sum(met)), np.size(met)
    ends = scipy_stats.binomtest(count, total).proportion_ci(1 - level)
    return Measured(count / total, float(ends.low), float(ends.high), f"{count} of {total} {of}")


def _record(band: BandPart, measured: Measured) -> Json:
    scaled = _scaled(measured, band.scale)
    return {
        **band.model_dump(mode="json", include={"name", "source", "published", "measure", "of", "unit", "accept"}),
        "band": band.words,
        "bounds": {"low": _lower(band), "high": _upper(band)},
        **{name: _whole(getattr(scaled, name)) for name in ("value", "low", "high")},
        "note": scaled.note,
        "judgement": _judgement(band, scaled.value),
    }


def _scaled(measured: Measured, scale: float) -> Measured:
    if not isinstance(measured.value, float):
        return measured
    ends = sorted((measured.low * scale, measured.high * scale))
    return dataclasses.replace(measured, value=measured.value * scale, low=ends[0], high=ends[1])


def _judgement(band: BandPart, value: float | str | None) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNMEASURED
    if not band.words:
        return SHOWN
    if isinstance(value, str):
        return REPRODUCED if value == band.verdict else MISSED
    met = [
        band.at_least is None or value >= band.at_least,
        band.at_most is None or value <= band.at_most,
        band.above is None or value > band.above,
        band.below is None or value < band.below,
        band.between is None or band.between[0] <= value <= band.between[1],
    ]
    return REPRODUCED if all(met) else MISSED


def _lower(band: BandPart) -> float | None:
    ends = (band.at_least, band.above, band.between[0] if band.between else None)
    return next((end for end in ends if end is not None), None)


def _upper(band: BandPart) -> float | None:
    ends = (band.at_most, band.below, band.between[1] if band.between else None)
    return next((end for end in ends if end is not None), None)


def _whole(value: float | str | None) -> float | str | None:
    """A number to six digits; none if it is not finite."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None

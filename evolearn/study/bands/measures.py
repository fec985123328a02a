"""What a band can ask of a study: a table of measures over its verdict, one function each.

A measure is a model of its arguments and a function; a new one is both and a row of STUDY_MEASURES. Arguments that
several measures share have the same names (arm, against, condition, metric, lifetime), and are checked by these names
before anything is lived.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from evolearn.config import ConfigError, Part
from evolearn.errors import offer
from evolearn.study.bands.bands import Measure, Measured, band_arguments, measure_share
from evolearn.study.bands.parts import CONTRAST, ReplicationPart
from evolearn.verdict import METRICS, FloatArray, Json, iqm, stats

Lifetime = Annotated[int, Field(ge=1)]


class Score(Part):
    """Arguments of `score`."""

    arm: str
    condition: str | None = Field(None, description="none: the only one")
    metric: str = "total"
    lifetime: Lifetime | None = Field(None, description="world steps, of totals; none: the longest")


class Difference(Score):
    """Arguments of `difference`, `paired_difference` and `relative_advantage`."""

    against: str


class Reached(Score):
    """Arguments of `share_of_runs`."""

    reaches: float = Field(description="what a run's score must be at least, in the metric's unit")


class Change(Part):
    """Arguments of `advantage_lost`."""

    arm: str
    against: str
    condition: str | None = None
    shorter: Lifetime = Field(description="world steps")
    longer: Lifetime = Field(description="world steps")


class Contrast(Part):
    """Arguments of `contrast`."""

    arm: str
    against: str
    condition: str | None = None
    metric: str = "total"
    lifetime: Lifetime | None = Field(None, description="world steps, of totals of the primary contrast's arms")


class Order(Part):
    """Arguments of `share_in_order`."""

    arm: str
    condition: str | None = None
    group: Literal["drives", "plasticity"] = "drives"
    genes: tuple[str, ...] = Field(min_length=2, description="names, the largest value first")


class Gene(Part):
    """Arguments of `gene`."""

    arm: str
    condition: str | None = None
    group: Literal["drives", "plasticity"] = "drives"
    gene: str


class StudyTable:
    """A verdict as numbers per run, the same runs drawn again with replacement, and what the verdict says itself."""

    def __init__(self, verdict: Json) -> None:
        """Read `verdict`, as in verdict.json."""
        self.level = float(verdict["study"]["level"])
        self._resamples = int(verdict["study"]["resamples"])
        self._seed = int(verdict["study"]["seed"])
        self._lifetime = max(verdict["lifetimes"])
        self._conditions = {entry["name"]: entry for entry in verdict["conditions"]}

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of all conditions."""
        return tuple(self._conditions)

    def condition(self, name: str | None) -> Json:
        """The entry of a condition; of the first if none is named."""
        return self._conditions[name or next(iter(self._conditions))]

    def values(self, arm: str, condition: str | None, metric: str, lifetime: int | None) -> FloatArray:
        """One number per run, [R]; NaN where a run has none, and times never reached are cut off at the lifetime."""
        entry = self.condition(condition)["arms"][arm]
        if lifetime is not None and metric == "total":
            places = [row["lifetime"] for row in entry["totals"]]
            if lifetime not in places:
                return np.full(len(entry["runs"]), np.nan)
            return _numbers(run["totals"][places.index(lifetime)] for run in entry["runs"])
        values = _numbers(run.get(metric) for run in entry["runs"])
        if METRICS[metric].censored and entry["metrics"][metric]["iqm"] is not None:
            return np.where(np.isnan(values), self._lifetime, values)
        return values

    def drawn(self, arm: str, values: FloatArray) -> FloatArray:
        """The runs of an arm drawn with replacement, [S, R]; the same draw for all its values."""
        seed = [self._seed, *arm.encode()]
        draws = np.random.default_rng(seed).integers(0, len(values), (self._resamples, len(values)))
        return values[draws]

    def contrast(self, arm: str, against: str, condition: str | None, metric: str, lifetime: int | None) -> Json | None:
        """A contrast that the study holds: primary, secondary, or by lifetime."""
        entry = self.condition(condition)
        if lifetime is not None:
            rows = [row | {"metric": "total"} for row in entry["by_lifetime"] if row["lifetime"] == lifetime]
        else:
            rows = [entry["primary"], *entry["secondary"]]
        wanted = arm, against, metric
        return next((row for row in rows if (row["arm"], row["against"], row["metric"]) == wanted), None)

    def known(self, arm: str, condition: str | None, metric: str, lifetime: int | None) -> Json:
        """What the verdict says of an arm over runs: iqm, low and high."""
        entry = self.condition(condition)["arms"][arm]
        if lifetime is None or metric != "total":
            return dict(entry["metrics"][metric])
        return dict(next(row for row in entry["totals"] if row["lifetime"] == lifetime))

    def genes(self, arm: str, condition: str | None, group: str, names: Iterable[str]) -> FloatArray:
        """Evolved values in natural units, [R, names]."""
        dna = self.condition(condition)["arms"][arm]["dna"]
        return np.array([[run[group].get(name, math.nan) for name in names] for run in dna], np.float64)


def _score(table: StudyTable, of: Score) -> Measured:
    """The interquartile mean over runs, as the verdict has it."""
    values = table.values(of.arm, of.condition, of.metric, of.lifetime)
    return _gap(values) or _stated(table.known(of.arm, of.condition, of.metric, of.lifetime))


def _difference(table: StudyTable, of: Difference) -> Measured:
    """First arm minus second, interquartile means over runs; as the verdict has it where it compares the two."""
    held = table.contrast(of.arm, of.against, of.condition, of.metric, of.lifetime)
    if held is not None and held["difference"]["iqm"] is not None:
        return _stated(held["difference"])
    if METRICS[of.metric].of_two:
        return Measured(None, note="the study has no such number")
    return _between(table, of, lambda one, other: one - other)


def _paired_difference(table: StudyTable, of: Difference) -> Measured:
    """First arm minus second run by run, in which both live the same lives; then the interquartile mean over runs."""
    one, other = (table.values(arm, of.condition, of.metric, of.lifetime) for arm in (of.arm, of.against))
    if gap := _gap(one, other):
        return gap
    apart = one - other
    return _with_interval(table, iqm(apart), iqm(table.drawn(of.arm, apart)), len(apart))


def _relative_advantage(table: StudyTable, of: Difference) -> Measured:
    """(First arm - second) / |second|, interquartile means over runs."""
    return _between(table, of, _relative)


def _advantage_lost(table: StudyTable, of: Change) -> Measured:
    """Relative advantage in the shorter life minus that in the longer one."""
    sides = [
        (arm, table.values(arm, of.condition, "total", lifetime))
        for lifetime in (of.shorter, of.longer)
        for arm in (of.arm, of.against)
    ]
    if gap := _gap(*(values for _, values in sides)):
        return gap
    plain = [iqm(values) for _, values in sides]
    drawn = [iqm(table.drawn(arm, values)) for arm, values in sides]
    early, late = (float(_relative(*plain[place : place + 2])) for place in (0, 2))
    lost = [_relative(*means[:2]) - _relative(*means[2:]) for means in (plain, drawn)]
    note = f"{early:+.0%} in lives of {of.shorter:,} steps, {late:+.0%} in lives of {of.longer:,}"
    return _with_interval(table, lost[0], lost[1], len(sides[0][1]), note)


def _share_in_order(table: StudyTable, of: Order) -> Measured:
    """Share of runs in which evolved values come in an order, the largest first."""
    values = table.genes(of.arm, of.condition, of.group, of.genes)
    if gap := _gap(values):
        return gap
    return measure_share((np.diff(values, axis=1) < 0).all(axis=1), "runs", table.level)


def _share_of_runs(table: StudyTable, of: Reached) -> Measured:
    """Share of runs whose score is at least as asked."""
    values = table.values(of.arm, of.condition, of.metric, of.lifetime)
    return _gap(values) or measure_share(values >= of.reaches, "runs", table.level)


def _gene(table: StudyTable, of: Gene) -> Measured:
    """An evolved value in its natural unit, the interquartile mean over runs."""
    values = table.genes(of.arm, of.condition, of.group, [of.gene])[:, 0]
    return _gap(values) or _with_interval(table, iqm(values), iqm(table.drawn(of.arm, values)), len(values))


def _contrast(table: StudyTable, of: Contrast) -> Measured:
    """The study's verdict on a contrast; none where the runs were too few for a test."""
    found = table.contrast(of.arm, of.against, of.condition, of.metric, of.lifetime)
    if found is None:
        return Measured(None, note="the study does not hold this contrast")
    if found["p"] is None:
        return Measured(None, note=f"test withheld: {found.get('withheld') or 'too few runs'}")
    return Measured(found["verdict"], note=_p_words(found))


STUDY_MEASURES: Mapping[str, Measure] = {
    "score": Measure("score of an arm", Score, _score),
    "difference": Measure("score of an arm minus that of another", Difference, _difference),
    "paired_difference": Measure("the same run by run, in equal lives", Difference, _paired_difference),
    "relative_advantage": Measure("the same, as a share of the other's score", Difference, _relative_advantage),
    "advantage_lost": Measure("relative advantage in shorter lives minus that in longer ones", Change, _advantage_lost),
    "share_of_runs": Measure("share of runs whose score is at least as asked", Reached, _share_of_runs),
    "share_in_order": Measure("share of runs whose evolved genes come in an order", Order, _share_in_order),
    "gene": Measure("evolved value of a gene, natural unit", Gene, _gene),
    CONTRAST: Measure("the verdict on a contrast", Contrast, _contrast),
}


def _between(table: StudyTable, of: Difference, how: Any) -> Measured:
    sides = [(arm, table.values(arm, of.condition, of.metric, of.lifetime)) for arm in (of.arm, of.against)]
    if gap := _gap(*(values for _, values in sides)):
        return gap
    plain, drawn = [iqm(values) for _, values in sides], [iqm(table.drawn(*side)) for side in sides]
    note = f"{float(plain[0]):.3g} against {float(plain[1]):.3g}"
    return _with_interval(table, how(*plain), how(*drawn), len(sides[0][1]), note)


def _stated(record: Json) -> Measured:
    """An interquartile mean with its interval, of runs and lives drawn again, from the verdict."""
    low, high = (math.nan if record[end] is None else float(record[end]) for end in ("low", "high"))
    never = f"never reached in {record['censored']} of {record['runs']} runs" if record.get("censored") else ""
    return Measured(float(record["iqm"]), low, high, never)


def _relative(one: FloatArray, other: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((one - other) / np.abs(other))


def _gap(*values: FloatArray) -> Measured | None:
    """Not measured, if a run is without a number: dropping it would flatter."""
    without = sum(int(np.isnan(part).reshape(len(part), -1).any(axis=1).sum()) for part in values)
    if not without:
        return None
    return Measured(None, note=f"{without} of {sum(map(len, values))} runs have no such number")


def _with_interval(table: StudyTable, value: FloatArray, drawn: FloatArray, runs: int, note: str = "") -> Measured:
    if not np.isfinite(value):
        return Measured(None, note="the other arm's score is 0")
    finite = drawn[np.isfinite(drawn)]
    low, high = stats.interval(finite, table.level, runs) if len(finite) else (math.nan, math.nan)
    return Measured(float(value), float(low), float(high), note)


def _p_words(contrast: Json) -> str:
    p = contrast.get("p_holm", contrast["p"])
    return "" if p is None else f"p = {p:.3g}" + (f" {contrast['adjustment']}" if "p_holm" in contrast else "")


def _numbers(values: Iterable[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], np.float64)


@dataclasses.dataclass(frozen=True)
class StudyFacts:
    """What a study's bands may name."""

    arms: Sequence[str]
    evolving: Sequence[str]  # arms that have DNA
    conditions: Sequence[str]
    lifetimes: Sequence[int]  # world steps
    contrasts: Mapping[str, Sequence[tuple[str, str, str]]]  # condition -> arm, against, metric
    # of those, the ones in whose world termination is a death; None: the world is not known yet
    dying: Sequence[str] | None = None


def check_bands(part: ReplicationPart, facts: StudyFacts, genes: Mapping[str, Sequence[str]] | None = None) -> None:
    """Refuse bands that ask for what a study will not have.

    Args:
        part: of the study's config.
        facts: what the study has.
        genes: names by group, where the world is known.
    Raises:
        ConfigError: names band, field, value and remedy.
    """
    for band in part.bands:
        of = band_arguments(band, STUDY_MEASURES)
        for problem in itertools.chain(_problems(of, facts, genes), _metric_problems(band.measure, of, facts)):
            raise ConfigError(f"replication.bands {band.name!r}: {problem}")


def _problems(of: Any, facts: StudyFacts, genes: Mapping[str, Sequence[str]] | None) -> Iterator[str]:
    given = of.model_dump()
    needs_dna = "group" in given
    for field in ("arm", "against"):
        if field in given and given[field] not in facts.arms:
            yield f"of.{field}={given[field]!r}: no such arm in the study.{offer(given[field], facts.arms)}"
    if needs_dna and given["arm"] not in facts.evolving:
        yield f"of.arm={given['arm']!r}: has no evolution of its own. Those that have: {', '.join(facts.evolving)}"
    if given["condition"] is None and len(facts.conditions) > 1:
        yield f"of.condition: missing; the study has several: {', '.join(facts.conditions)}"
    elif given["condition"] not in (None, *facts.conditions):
        yield f"of.condition={given['condition']!r}: no such condition.{offer(given['condition'], facts.conditions)}"
    if given.get("metric", "total") not in METRICS:
        yield f"of.metric={given['metric']!r}: unknown.{offer(given['metric'], METRICS)}"
    for field in ("lifetime", "shorter", "longer"):
        if given.get(field) not in (None, *facts.lifetimes):
            listed = ", ".join(map(str, facts.lifetimes))
            yield f"of.{field}={given[field]}: must be one of evaluation.lifetimes: {listed}"
    if given.get("lifetime") is not None and given["metric"] != "total":
        yield f"of.lifetime={given['lifetime']}: only totals are known by lifetime; leave it out, or set metric=total"
    if isinstance(of, Contrast):
        yield from _not_compared(of, facts)
    if needs_dna and genes is not None:
        for name in given.get("genes") or (given["gene"],):
            if name not in genes[given["group"]]:
                yield f"of: {name!r} is no gene of {given['group']} here.{offer(name, genes[given['group']])}"


def _metric_problems(measure: str, of: Any, facts: StudyFacts) -> Iterator[str]:
    """A metric that arms do not have by themselves, of a measure that reads arm by arm."""
    if not isinstance(of, Score):
        return
    condition = of.condition or facts.conditions[0]
    rest = "name another metric"
    if isinstance(of, Difference) and measure == "difference":
        if (of.arm, of.against, of.metric) in facts.contrasts[condition]:
            return  # the verdict has it
        rest = f"add the contrast to secondary, or {rest}"
    field = f"of.metric={of.metric!r}"
    if METRICS[of.metric].of_two:
        yield f"{field}: no arm has it by itself, only one against another: {rest}"
    elif of.metric == "birth_reborn" and facts.dying is not None and condition not in facts.dying:
        yield f"{field}: in this world termination is no death, so it is birth: set of.metric=birth"


def _not_compared(of: Contrast, facts: StudyFacts) -> Iterator[str]:
    """A contrast that the study does not make."""
    wanted = of.arm, of.against, of.metric
    first = facts.contrasts[of.condition or facts.conditions[0]][0]
    if of.lifetime is not None and wanted[:2] != first[:2]:
        yield (
            f"of.lifetime={of.lifetime}: only the arms of the primary contrast, {first[0]} and {first[1]}, are "
            "compared by lifetime; leave it out"
        )
    elif of.lifetime is None and wanted not in facts.contrasts[of.condition or facts.conditions[0]]:
        yield (
            f"of: the study does not compare {of.arm} with {of.against} in {of.metric}; make it the primary contrast, "
            "or add it to secondary"
        )

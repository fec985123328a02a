"""How a verdict is written down: records of JSON, every number to the same number of digits. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evolearn.verdict import metrics, sentences, stats
from evolearn.verdict._contrasts import NOTHING, Contrast, Estimate, count_censored, estimate, includes_censored
from evolearn.verdict._convergence import ArmSearch, Cluster, clusters
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.metrics import METRICS, OPTIONAL, Levels
from evolearn.verdict.rules import VerdictRules
from evolearn.verdict.stats import iqm

Json = dict[str, Any]
DIGITS = 6  # significant, of every number in verdict.json
NOISE = 1e-12  # smaller numbers are 0: last bits depend on the order of a sum, and so on the number of cores
OF_ONE_ARM = tuple(name for name, metric in METRICS.items() if not metric.of_two)


def for_json(value: Any) -> Any:
    """A copy that JSON can hold: every float to `DIGITS` significant digits, noise as 0, what is not finite as null.

    >>> for_json({"score": np.float32(1 / 3), "times": (600.0, math.inf), "noise": 1e-17})
    {'score': 0.333333, 'times': [600.0, None], 'noise': 0.0}
    """
    if isinstance(value, Mapping):
        return {str(key): for_json(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return for_json(value.tolist())
    if isinstance(value, list | tuple):
        return [for_json(part) for part in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return 0.0 if abs(value) < NOISE else float(f"{value:.{DIGITS}g}")
    return value


def contrast_record(contrast: Contrast, levels: Levels) -> Json:
    """A contrast as verdict.json has it; adjusted p, and how it was adjusted, only where it is one of several."""
    tests = contrast.tests
    chance = contrast.improvement
    steps = {} if contrast.head_start is None else {"head_start": contrast.head_start}
    adjusted: Json = {}
    if tests.adjusted:
        adjusted = {"p_holm": tests.p_holm, "equivalence_p_holm": tests.equivalence_p_holm}
        adjusted["adjustment"] = tests.adjustment
    return {
        "arm": contrast.arm,
        "against": contrast.against,
        "metric": contrast.metric,
        "verdict": contrast.verdict,
        "p": tests.p,
        **adjusted,
        "withheld": tests.withheld,
        "unfinished": contrast.unfinished,
        "test": contrast.test,
        "difference": iqm_record(contrast.difference),
        "improvement": {"probability": chance.value, "low": chance.low, "high": chance.high},
        "margin": contrast.margin,
        "equivalence_p": tests.equivalence.p,
        "smallest_margin": tests.equivalence.smallest_margin,
        "within_margin": contrast.within_margin,
        "runs": contrast.runs,
        "censored": contrast.censored,
        **steps,
        "sentence": sentences.contrast_sentence(contrast, levels),
    }


def arm_record(
    values: ArmValues, rules: VerdictRules, evolution: Sequence[Json] | None, search: ArmSearch | None
) -> Json:
    """An arm as verdict.json has it.

    Args:
        values: of the arm.
        rules: of the study.
        evolution: one record per run, see `judge_condition`; None: it has no evolution of its own.
        search: how it ended, or its origin's; None: there is none.
    """
    low, high = stats.interval(values.resampled_curve, rules.level, values.lives.runs)
    birth_deaths = values.lives.birth_deaths
    score = values.curve
    if values.lives.no_dna:
        low, high, score = (np.full_like(score, np.nan) for _ in range(3))
        birth_deaths = None if birth_deaths is None else np.full(1, np.nan)
    ended = came_to_dna(evolution or ())
    return {
        "runs": [_run_record(values, run, evolution) for run in range(values.lives.runs)],
        "diverged": values.lives.broken[values.lives.lived].sum(),
        "metrics": {name: _summary(values, name, rules.level) for name in _recorded(values)},
        **({} if birth_deaths is None else {"birth_deaths": birth_deaths.mean()}),
        "totals": [
            {"lifetime": lifetime, **iqm_record(_over_runs(values, place, rules.level))}
            for place, lifetime in enumerate(values.lives.lifetimes)
        ],
        "curve": {"age": values.curve_ages, "score": score, "low": low, "high": high},
        "clusters": [_cluster_record(values, cluster) for cluster in _clusters(values, search, bool(evolution))],
        "evolution": _evolution_record(ended, search) if ended and search else None,
        "dna": [{name: run[name] for name in ("run", "drives", "plasticity")} for run in evolution]
        if evolution
        else None,
    }


def came_to_dna(evolution: Sequence[Json]) -> list[Json]:
    """The records of an arm's evolutions without those that left the finite numbers, or could not begin."""
    return [run for run in evolution if run.get("no_dna") is None]


def _run_record(values: ArmValues, run: int, evolution: Sequence[Json] | None) -> Json:
    seeds = {record["run"]: record["seed"] for record in evolution or ()}
    if (why := values.lives.no_dna.get(run)) is not None:
        nothing = dict.fromkeys((*_recorded(values), "deaths"))
        totals = [None] * len(values.lives.lifetimes)
        return {"run": run, "seed": seeds.get(run), "no_dna": why, **nothing, "totals": totals, "diverged": 0}
    by_metric = {name: values.values[name][run] if name in values.values else None for name in _recorded(values)}
    lives = values.lives
    deaths = {"deaths": metrics.mean_over_lives(lives.deaths)[run]}
    if lives.birth_deaths is not None:
        deaths["birth_deaths"] = metrics.mean_over_lives(lives.birth_deaths)[run]
    diverged = {"diverged": lives.broken[run].sum()}
    return {"run": run, "seed": seeds.get(run), **by_metric, "totals": values.totals[run], **deaths, **diverged}


def _recorded(values: ArmValues) -> tuple[str, ...]:
    """Metrics of an arm: all but those that it does not have; birth_reborn would be birth where nobody dies."""
    lives = values.lives
    return tuple(
        name for name in OF_ONE_ARM if name not in (*OPTIONAL, "birth_reborn") or getattr(lives, name) is not None
    )


def _summary(values: ArmValues, metric: str, level: float) -> Json:
    """A metric over runs; all null if the study has no level to measure it to, or a run has no DNA."""
    runs = values.lives.runs
    if metric not in values.values or values.lives.no_dna:
        nothing = dict.fromkeys(("iqm", "mean", "low", "high"))
        return {**nothing, "runs": runs, "censored": None, "at_least": False}
    of_runs = values.values[metric]
    cut, resampled = of_runs, values.resampled[metric]
    if METRICS[metric].censored:
        cut, resampled = (metrics.restricted(times, values.lives.lifetime) for times in (of_runs, resampled))
    found = estimate(iqm(cut), iqm(resampled), level, runs)
    counts = {"runs": runs, "censored": count_censored(of_runs), "at_least": includes_censored(of_runs)}
    return {**iqm_record(found), "mean": cut.mean(), **counts}


def _over_runs(values: ArmValues, place: int, level: float) -> Estimate:
    """Life fitness over the lifetime at `place`."""
    if values.lives.no_dna:
        return NOTHING
    found = iqm(values.totals[:, place]), iqm(values.resampled_totals[..., place])
    return estimate(*found, level, values.lives.runs)


def iqm_record(found: Estimate) -> Json:
    """An interquartile mean and its interval."""
    return {"iqm": found.value, "low": found.low, "high": found.high}


_CURVES = ("run", "centre", "best", "stdev", "restart", "from_restart", "diverged")


def _evolution_record(evolution: Sequence[Json], search: ArmSearch) -> Json:
    return {
        "converged": search.ended,
        "gain": None if search.gain is None else dataclasses.asdict(search.gain),
        "stuck": search.stuck,
        # Curves are of the restart that the result came from; restart and from_restart say where it lies in the run.
        "runs": [
            {name: run[name] for name in _CURVES if name in run} | dataclasses.asdict(ended)
            for run, ended in zip(evolution, search.runs, strict=True)
        ],
    }


def _clusters(values: ArmValues, search: ArmSearch | None, own: bool) -> tuple[Cluster, ...]:
    """Those of the arm's search; of its origin's only if its own scores lie as far apart."""
    found = clusters(search) if search and not values.lives.no_dna else ()
    if found and not own:
        through, stuck = (values.values["total"][list(cluster.runs)] for cluster in found)
        return found if through.min() > stuck.max() else ()
    return found


def _cluster_record(values: ArmValues, cluster: Cluster) -> Json:
    """What runs that ended alike scored: interquartile means over them, times cut off at the end of life."""
    rows = list(cluster.runs)
    found = {name: values.values[name][rows] for name in OF_ONE_ARM if name in values.values}
    points = np.searchsorted(values.lives.ages, values.curve_ages)
    curves = metrics.mean_over_lives(values.lives.running)[rows][:, points]
    return {
        **dataclasses.asdict(cluster),
        "metrics": {
            name: {
                "iqm": iqm(metrics.restricted(runs, values.lives.lifetime) if METRICS[name].censored else runs),
                "runs": len(rows),
                "censored": count_censored(runs),
                "at_least": includes_censored(runs),
            }
            for name, runs in found.items()
        },
        "curve": {"age": values.curve_ages, "score": iqm(curves, axis=0)},
    }

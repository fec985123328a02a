"""Bootstrap of test lives: evolution runs are drawn, then lives within each run. Pure.

Stratified by arm: every arm draws its own runs, since evolution runs of different arms have nothing in common. The
draws of lives are common to all arms, because life i of run r is the same life for each of them. Everything is a matrix
product over [S, R, L]; nothing loops over resamples.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping

import numpy as np

from evolearn.verdict import metrics
from evolearn.verdict.metrics import ArmLives, IntArray, Levels
from evolearn.verdict.stats import FloatArray, iqm

CURVE_POINTS = 80  # at most so many ages of a learning curve are kept, denser in early life
CHUNK_NUMBERS = 1_000_000  # of an array that spans resamples, runs and windows


@dataclasses.dataclass(frozen=True)
class Draws:
    """Which runs and lives make up each of S resamples of an arm."""

    runs: IntArray  # [S, R] run drawn in each place
    weights: FloatArray  # [S, R, L] share of each life in its run's mean; by run, not by place


@dataclasses.dataclass(frozen=True)
class ArmValues:
    """What is known of one arm: a number per run, as lived and in each of S resamples."""

    lives: ArmLives
    values: Mapping[str, FloatArray]  # by metric: [R], times infinite where never reached
    resampled: Mapping[str, FloatArray]  # by metric: [S, R]
    totals: FloatArray  # [R, T]
    resampled_totals: FloatArray  # [S, R, T]
    curve_ages: IntArray  # [points] world steps
    curve: FloatArray  # [points] IQM over runs of the running score
    resampled_curve: FloatArray  # [S, points]


def draw(arms: Mapping[str, ArmLives], resamples: int, seed: int) -> dict[str, Draws]:
    """Draw runs and lives with replacement.

    Args:
        arms: test lives by arm.
        resamples: S.
        seed: of the study. An arm's draws depend on its name and shape, and on no other arm of the study.
    """
    weights: dict[tuple[int, int], FloatArray] = {}
    drawn = {}
    for arm, lives in arms.items():
        runs, count = shape = lives.birth.shape
        if shape not in weights:
            of_lives = np.random.default_rng([seed, count])
            counts = of_lives.multinomial(count, np.full(count, 1 / count), size=(runs, resamples))
            weights[shape] = np.ascontiguousarray(counts.transpose(1, 0, 2)) / count
        of_runs = np.random.default_rng([seed, zlib.crc32(arm.encode())])
        drawn[arm] = Draws(of_runs.integers(runs, size=(resamples, runs)), weights[shape])
    return drawn


def pick(values: FloatArray, runs: IntArray) -> FloatArray:
    """Values of the runs drawn: [S, R, ..] by run to [S, R, ..] by place."""
    return np.take_along_axis(values, runs.reshape(runs.shape + (1,) * (values.ndim - 2)), axis=1)


def study_levels(
    arms: Mapping[str, ArmLives],
    draws: Mapping[str, Draws] | None,
    target_arm: str,
    catch_up_share: float,
    threshold_share: float,
    threshold_of: str,
) -> Levels:
    """The scores that times are measured to, as lived or in each resample.

    Args:
        arms: test lives by arm; the threshold's scale ends at the oracle or the best ceiling of the others. Nothing is
            measured by an arm with a run that has no score.
        draws: by arm; None: as lived.
        target_arm: whose birth score is to be caught up with.
        catch_up_share: see `find_levels`.
        threshold_share: see `find_levels`.
        threshold_of: oracle or best.
    """

    def over_runs(arm: str, metric: str) -> FloatArray:
        if draws is None:
            return iqm(metrics.run_values(arms[arm], metric))
        values = metrics.run_values(arms[arm], metric, weights=draws[arm].weights)
        return iqm(pick(values, draws[arm].runs))

    candidates = [arm for arm in arms if arm not in ("random", "oracle") and not arms[arm].lost_runs]
    top = None
    if threshold_of == "best" and candidates:
        top = np.max([over_runs(arm, "ceiling") for arm in candidates], axis=0)
    elif threshold_of == "oracle" and "oracle" in arms:
        top = over_runs("oracle", "birth")
    floor = over_runs("random", "birth") if "random" in arms else None
    target = None if arms[target_arm].lost_runs else over_runs(target_arm, "birth")
    return metrics.find_levels(floor, target, top, catch_up_share, threshold_share)


def arm_values(lives: ArmLives, draws: Draws, levels: Levels, resampled_levels: Levels) -> ArmValues:
    """Everything that is known of an arm.

    The levels are drawn again with the runs that they come from: an interval of a time to reach a score includes how
    surely that score is known.

    Args:
        lives: of the arm.
        draws: of the arm.
        levels: as lived.
        resampled_levels: [S] each.
    Returns:
        ArmValues; a time whose level the study does not have is left out.
    """
    had = tuple(name for name in metrics.OPTIONAL if getattr(lives, name) is not None)
    steady = ("birth", "birth_reborn", "ceiling", "gain", "total", *had)
    timed = tuple(name for name in ("catch_up", "threshold") if getattr(levels, name) is not None)
    values = {name: metrics.run_values(lives, name, levels) for name in (*steady, *timed)}
    resampled = {name: pick(metrics.run_values(lives, name, weights=draws.weights), draws.runs) for name in steady}
    points = curve_points(len(lives.ages))
    times, curve = _resample_running(lives, draws, resampled_levels, timed, points)
    return ArmValues(
        lives=lives,
        values=values,
        resampled={**resampled, **times},
        totals=metrics.mean_over_lives(lives.totals),
        resampled_totals=pick(metrics.mean_over_lives(lives.totals, draws.weights), draws.runs),
        curve_ages=lives.ages[points],
        curve=iqm(metrics.mean_over_lives(lives.running)[:, points], axis=0),
        resampled_curve=curve,
    )


def curve_points(windows: int) -> IntArray:
    """Which windows of a learning curve are kept: at most `CURVE_POINTS`, first and last among them."""
    return np.unique(np.geomspace(1, windows, CURVE_POINTS).round().astype(np.int64)) - 1


def _resample_running(
    lives: ArmLives, draws: Draws, levels: Levels, timed: tuple[str, ...], points: IntArray
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Times [S, R] by metric, and IQM curves [S, points], a chunk of resamples at a time to bound memory."""
    resamples, (runs, _, windows) = len(draws.runs), lives.running.shape
    times = {name: np.empty((resamples, runs)) for name in timed}
    curve = np.empty((resamples, len(points)))
    chunk = max(1, CHUNK_NUMBERS // (runs * windows))
    for start in range(0, resamples, chunk):
        part = slice(start, start + chunk)
        curves = metrics.mean_over_lives(lives.running, draws.weights[part])
        for name in timed:
            level = np.broadcast_to(getattr(levels, name), resamples)[part]
            times[name][part] = pick(metrics.first_age(curves, lives.ages, level), draws.runs[part])
        curve[part] = iqm(pick(curves[..., points], draws.runs[part]), axis=1)
    return times, curve

"""What a fitness landscape looks like in numbers: how much of it is fit, how sharply it bends, how wide its basin is.

All numbers are of the landscape that unlimited lives would show. Where a square would take up the luck of few lives,
products of different lives stand for it, so that a landscape is not rougher for having been looked at more briefly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from evolearn.inspection.over_lives import Estimate, estimate, life_counts
from evolearn.stats import ROUNDING, FloatArray

MEASURES = {
    "evolved": "fitness at the evolved point",
    "start": "fitness at the random initialisation",
    "plane": "mean fitness over the plane",
    "share": "share of the plane at least halfway up",
    "width": "width of the basin along the line",
    "bend": "bend from point to point",
}


@dataclasses.dataclass(frozen=True)
class Surface:
    """Fitness as lived in one condition: N x N points of the plane, K of the line, the same L lives at each."""

    plane: FloatArray  # [N, N, L]; the evolved point is in the middle
    line: FloatArray  # [K, L]

    @property
    def lives(self) -> int:
        """L."""
        return self.line.shape[1]


@dataclasses.dataclass(frozen=True)
class Scale:
    """What both conditions are measured by."""

    lowest: float  # mean fitness anywhere on plane and line
    highest: float
    level: float  # halfway from the lowest to the evolved point, in the condition in which that is fitter

    @property
    def span(self) -> float:
        """From the lowest to the highest; 0 if there is no difference but rounding."""
        span = self.highest - self.lowest
        return span if span > ROUNDING * max(abs(self.highest), abs(self.lowest)) else 0.0


def common_scale(surfaces: Mapping[str, Surface]) -> Scale:
    """The scale of all conditions together."""
    means = [part.mean(axis=-1).ravel() for one in surfaces.values() for part in (one.plane, one.line)]
    everywhere = np.concatenate(means)
    evolved = max(float(_centre(one).mean()) for one in surfaces.values())
    lowest = float(everywhere.min())
    return Scale(lowest, float(everywhere.max()), (lowest + evolved) / 2)


def measure(surface: Surface, positions: FloatArray, scale: Scale, counts: FloatArray) -> dict[str, FloatArray]:
    """Every measure of a landscape, in each resample of its lives.

    Args:
        surface: as lived.
        positions: [K] of the line's points, 0 at the random initialisation, 1 at the evolved point.
        scale: see `common_scale`.
        counts: [S, L] how often each life counts, L in all.
    Returns:
        by name in MEASURES: [S].
    """
    side, lives = surface.plane.shape[0], surface.lives
    plane = counts @ surface.plane.reshape(-1, lives).T / lives
    line = counts @ surface.line.T / lives
    bar = scale.level - ROUNDING * abs(scale.level)
    return {
        "evolved": plane[:, side * side // 2],
        "start": line[:, int(np.abs(positions).argmin())],
        "plane": plane.mean(axis=1),
        "share": (plane >= bar).mean(axis=1),
        "width": np.array([basin_width(positions, curve, bar) for curve in line]),
        "bend": bend(surface.plane, counts) / scale.span if scale.span else np.zeros(len(counts)),
    }


def bend(plane: FloatArray, counts: FloatArray) -> FloatArray:
    """How sharply a landscape bends: root mean square of its second differences along both axes of the grid.

    Args:
        plane: [N, N, L] fitness, N >= 3.
        counts: [S, L] how often each life counts, L in all.
    Returns:
        [S], in units of fitness; the squares are mean products of two different lives, 0 where that is negative.
    """
    lives = plane.shape[-1]
    second = np.concatenate(
        [np.diff(plane, 2, axis=0).reshape(-1, lives), np.diff(plane, 2, axis=1).reshape(-1, lives)]
    )
    if lives == 1:
        return np.broadcast_to(np.sqrt((second**2).mean()), len(counts)).copy()
    products = second.T @ second / len(second)  # [L, L], of every two lives
    sums = np.einsum("sl,lm,sm->s", counts, products, counts) - counts**2 @ np.diag(products)
    pairs = counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)
    # A resample of one life alone has no pairs: it says that the lives say nothing.
    return np.sqrt(np.maximum(np.divide(sums, pairs, out=np.zeros_like(sums), where=pairs > 0), 0.0))


def basin_width(positions: FloatArray, curve: FloatArray, level: float) -> float:
    """How far one can go from the evolved point along the line, both ways together, before fitness is below a level.

    Args:
        positions: [K] ascending; 1 is the evolved point.
        curve: [K] fitness there.
        level: of fitness.
    Returns:
        In lengths of the way from the random initialisation to the evolved point; cut off at the ends of the line, and
        0 if the evolved point itself is below the level.
    """
    here = int(np.abs(positions - 1.0).argmin())
    if curve[here] < level:
        return 0.0
    reach = 0.0
    for way in (-1, 1):
        place = here
        while 0 <= place + way < len(curve) and curve[place + way] >= level:
            place += way
        reach += abs(positions[place] - positions[here])
        if 0 <= place + way < len(curve):
            share = (curve[place] - level) / (curve[place] - curve[place + way])
            reach += share * abs(positions[place + way] - positions[place])
    return float(reach)


def estimates(
    surfaces: Mapping[str, Surface], positions: FloatArray, scale: Scale
) -> tuple[dict[str, dict[str, Estimate]], dict[str, Estimate]]:
    """Every measure of every condition with its interval over lives, and what learning changes.

    Args:
        surfaces: by condition: "without" learning, and "learning" unless it never learns.
        positions: see `measure`.
        scale: see `common_scale`; it and its level are taken as known.
    Returns:
        by condition and measure; and with learning minus without, on the same lives, by measure.
    """
    lives = next(iter(surfaces.values())).lives
    drawn = life_counts(lives)
    once = np.ones((1, lives))
    values = {name: measure(one, positions, scale, once) for name, one in surfaces.items()}
    resampled = {name: measure(one, positions, scale, drawn) for name, one in surfaces.items()}
    found = {
        name: {key: estimate(values[name][key][0], resampled[name][key], lives) for key in MEASURES}
        for name in surfaces
    }
    if len(surfaces) < 2:
        return found, {}
    differences = {
        key: estimate(
            values["learning"][key][0] - values["without"][key][0],
            resampled["learning"][key] - resampled["without"][key],
            lives,
        )
        for key in MEASURES
    }
    return found, differences


def verdict_of(differences: Mapping[str, Estimate], measure: str) -> str:
    """Whether learning changes a measure: more, less, or unclear where its interval holds zero, or there is none."""
    change = differences[measure]
    if change.low is not None and change.low > 0:
        return "more"
    if change.high is not None and change.high < 0:
        return "less"
    return "unclear"


def _centre(surface: Surface) -> FloatArray:
    side = surface.plane.shape[0]
    return np.asarray(surface.plane[side // 2, side // 2])

"""What a fitness landscape looks like in numbers: how much of it is fit, how sharply it bends, how wide its basin is.

All numbers are of the landscape that unlimited lives would show. Where a square would take up the luck of few lives,
products of different lives stand for it, so that a landscape is not rougher for having been looked at more briefly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from evolearn.inspection._over_lives import Estimate, estimate, life_counts
from evolearn.verdict import ROUNDING, FloatArray

MEASURES = {
    "evolved": "fitness at the evolved point",
    "foot": "fitness at the foot: the lowest tenth of the plane",
    "plane": "mean fitness over the plane",
    "height": "the evolved point above the plane's mean",
    "start": "fitness at the random initialisation",
    "share": "share of the plane at least halfway up",
    "width": "width of the basin along the line",
    "bend": "bend from point to point",
}
SHAPES = ("share", "width", "bend")  # of a peak; without one they mean nothing
NOTHING = 1e-9  # of a peak's shape: differences of equal numbers after a shift of level
FOOT = 0.1  # share of the plane's points that are its foot


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
    """From the lowest to the highest mean fitness anywhere, for colours and axes."""

    lowest: float
    highest: float

    @property
    def span(self) -> float:
        """0 if there is no difference but rounding."""
        span = self.highest - self.lowest
        return span if span > ROUNDING * max(abs(self.highest), abs(self.lowest)) else 0.0


def common_scale(surfaces: Mapping[str, Surface]) -> Scale:
    """The scale of all conditions together."""
    means = [part.mean(axis=-1).ravel() for one in surfaces.values() for part in (one.plane, one.line)]
    everywhere = np.concatenate(means)
    return Scale(float(everywhere.min()), float(everywhere.max()))


def foot_of(plane: FloatArray) -> FloatArray:
    """Mean fitness of the lowest tenth of the points in each life.

    The lowest of many noisy points is too low by chance: so they are chosen by one half of the lives, and looked at in
    the other, both ways.

    Args:
        plane: [N, N, L].
    Returns:
        [L].
    """
    points = plane.reshape(-1, plane.shape[-1])
    few = max(1, round(FOOT * len(points)))
    halves = np.arange(points.shape[1]) % 2 == 0
    foot = np.empty(points.shape[1])
    for half in (halves, ~halves):
        chosen = np.argsort(points[:, half if half.any() else ~half].mean(axis=1), kind="stable")[:few]
        foot[~half] = points[chosen][:, ~half].mean(axis=0)
    return foot


def measure(surface: Surface, positions: FloatArray, counts: FloatArray) -> dict[str, FloatArray]:
    """Every measure of a landscape, in each resample of its lives.

    Halfway up is between the foot and the evolved point of the same surface and the same resample: a surface that is
    higher everywhere, or stretched, has the same shape.

    Args:
        surface: as lived.
        positions: [K] of the line's points, 0 at the random initialisation, 1 at the evolved point.
        counts: [S, L] how often each life counts, L in all.
    Returns:
        by name in MEASURES: [S].
    """
    side, lives = surface.plane.shape[0], surface.lives
    plane = counts @ surface.plane.reshape(-1, lives).T / lives
    line = counts @ surface.line.T / lives
    evolved, foot = plane[:, side * side // 2], counts @ foot_of(surface.plane) / lives
    level = (evolved + foot) / 2
    bar = level - ROUNDING * np.abs(level)
    rise = evolved - foot
    return {
        "evolved": evolved,
        "foot": foot,
        "plane": plane.mean(axis=1),
        "height": evolved - plane.mean(axis=1),
        "start": line[:, int(np.abs(positions).argmin())],
        "share": (plane >= bar[:, None]).mean(axis=1),
        "width": np.array([basin_width(positions, curve, one) for curve, one in zip(line, bar, strict=True)]),
        "bend": np.divide(bend(surface.plane, counts), rise, out=np.zeros_like(rise), where=rise > 0),
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
    surfaces: Mapping[str, Surface], positions: FloatArray
) -> tuple[dict[str, dict[str, Estimate | None]], dict[str, Estimate | None]]:
    """Every measure of every condition with its interval over lives, and what learning changes.

    Args:
        surfaces: by condition: "without" learning, and "learning" unless it never learns.
        positions: see `measure`.
    Returns:
        by condition and measure; and with learning minus without, on the same lives, by measure. None: the evolved
        point is not shown to be a peak, so that there is no shape to be measured.
    """
    lives = next(iter(surfaces.values())).lives
    drawn = life_counts(lives)
    once = np.ones((1, lives))
    end = float(np.ptp(positions))
    values = {name: measure(one, positions, once) for name, one in surfaces.items()}
    resampled = {name: measure(one, positions, drawn) for name, one in surfaces.items()}
    found = {
        name: {key: _estimate(key, values[name][key][0], resampled[name][key], lives, (0.0, end)) for key in MEASURES}
        for name in surfaces
    }
    peaks = {name: is_peak(measures) for name, measures in found.items()}
    kept: dict[str, dict[str, Estimate | None]] = {
        name: {key: one if peaks[name] or key not in SHAPES else None for key, one in measures.items()}
        for name, measures in found.items()
    }
    if len(surfaces) < 2:
        return kept, {}
    differences: dict[str, Estimate | None] = {
        key: _estimate(
            key,
            values["learning"][key][0] - values["without"][key][0],
            resampled["learning"][key] - resampled["without"][key],
            lives,
            (-end, end),
        )
        if key not in SHAPES or all(peaks.values())
        else None
        for key in MEASURES
    }
    return kept, differences


def is_peak(measures: Mapping[str, Estimate | None]) -> bool:
    """Whether lives show that the evolved point is above the plane's mean."""
    height, evolved = measures["height"], measures["evolved"]
    if height is None or evolved is None or height.low is None:
        return False
    return height.low > ROUNDING * abs(evolved.value)


def _estimate(key: str, value: float, resamples: FloatArray, lives: int, ends: tuple[float, float]) -> Estimate:
    """With an interval that allows for the bias of what counts points above a level.

    Noise lifts points over a bar, or drops them below, and resampling it a second time does so again: the interval of
    resamples lies on one side, the same mirrored about the value on the other. Both together cover.
    """
    found = estimate(value, resamples, lives)
    if key not in ("share", "width") or found.low is None or found.high is None:
        return found
    low, high = ends if key == "width" else (-1.0 if ends[0] < 0 else 0.0, 1.0)
    mirrored = (max(low, 2 * found.value - found.high), min(high, 2 * found.value - found.low))
    return Estimate(found.value, min(found.low, mirrored[0]), max(found.high, mirrored[1]))


def verdict_of(differences: Mapping[str, Estimate | None], measure: str) -> str:
    """Whether learning changes a measure: more, less, or unclear where its interval holds zero, or there is none."""
    change = differences[measure]
    if change is not None and change.low is not None and change.low > NOTHING:
        return "more"
    if change is not None and change.high is not None and change.high < -NOTHING:
        return "less"
    return "unclear"

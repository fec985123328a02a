"""Replays in as few bytes as the page can spare: sixteen bits a number, fewer frames where that is not enough."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.report._chart import Look
from evolearn.report._files import Json

Packed = dict[str, Any]
_TOP = 2**16 - 1


def pack_replays(replays: Sequence[Json], looks: dict[str, Look], budget: int) -> list[Packed]:
    """Replays as the page's script reads them.

    Args:
        replays: as `evolearn.study.record_replay` makes them.
        looks: of the arms.
        budget: bytes that all of them may take; frames are left out evenly until they fit.
    """
    for every in range(1, 1000):
        packed = [_replay(replay, looks, every) for replay in replays]
        if sum(_size(replay) for replay in packed) <= budget:
            return packed
    return []


def _replay(replay: Json, looks: dict[str, Look], every: int) -> Packed:
    names = list(dict.fromkeys(name for arm in replay["arms"] for name in arm["drives"]))
    return {
        "condition": replay["condition"],
        "life": replay["life"],
        "start": replay.get("start", 0),
        "steps": replay["step_stride"] * every,
        "score": replay.get("score", "fitness"),
        "bounds": replay.get("bounds"),
        "tracks": ["score", *names],
        "arms": [_arm(arm, looks.get(arm["arm"], Look(0)), names, every) for arm in replay["arms"]],
    }


def _arm(arm: Json, look: Look, names: Sequence[str], every: int) -> Packed:
    length = len(arm["score"])
    nothing = [0.0] * length
    tracks = [_averaged(arm["score"], every), *(_averaged(arm["drives"].get(name, nothing), every) for name in names)]
    observations = {} if arm["frames"] else arm.get("observations") or {}
    return {
        "arm": arm["arm"],
        "label": arm.get("label") or arm["arm"],
        "colour": look.colour,
        "ends": sorted({end // every for end in arm["ends"]}),
        "shapes": [dict(shape) for shape in arm["shapes"]],
        "frames": _pack(_matrix(arm["frames"][::every])),
        "tracks": _pack(np.stack(tracks, axis=1)),
        "observed": list(observations),
        "observations": _pack(_matrix([values[::every] for values in observations.values()]).T),
        "pictures": list(arm.get("pictures", ())[::every]),
    }


def _matrix(rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    return np.asarray(rows, np.float64) if len(rows) else np.zeros((0, 0))


def _averaged(values: Sequence[float], every: int) -> npt.NDArray[np.float64]:
    """Means of `every` neighbours, so that a short reward is not left out with its frame."""
    starts = np.arange(0, len(values), every)
    sums = np.add.reduceat(np.asarray(values, np.float64), starts) if len(values) else np.zeros(0)
    return sums / np.diff(np.append(starts, len(values)))


def _pack(matrix: npt.NDArray[np.float64]) -> Packed:
    """A matrix [frames, columns] as 16-bit places between each column's low and high.

    Returns:
        "rows"; "low" and "high", one number per column; "data": base64 of little-endian uint16, row by row.
    """
    if matrix.size == 0:
        return {"rows": 0, "low": [], "high": [], "data": ""}
    matrix = np.nan_to_num(matrix)
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    places = np.rint((matrix - low) / span * _TOP).astype("<u2")
    return {
        "rows": len(matrix),
        "low": [float(f"{value:.6g}") for value in low],
        "high": [float(f"{value:.6g}") for value in high],
        "data": base64.b64encode(places.tobytes()).decode("ascii"),
    }


def _size(replay: Packed) -> int:
    blocks = [arm[name]["data"] for arm in replay["arms"] for name in ("frames", "tracks", "observations")]
    pictures = [picture for arm in replay["arms"] for picture in arm["pictures"]]
    return sum(len(block) + 600 for block in blocks) + sum(len(picture) + 3 for picture in pictures)

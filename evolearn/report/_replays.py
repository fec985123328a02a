"""Replays in as few bytes as the page can spare: sixteen bits a number, deflated; fewer frames where that is too much.

What the page's script reads of a replay is one text: base64 of deflated bytes, which are

- the length of the head, uint32, little-endian;
- the head, JSON in UTF-8: what is said once, and for every arm what its columns are and between which two numbers;
- columns of uint16, little-endian: places between the two numbers, each as the difference to the frame before, modulo
  2^16. A column that never changes is not there, and one that runs as an earlier one is there once.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.files import json_text
from evolearn.report._chart import Look
from evolearn.report._files import Json

Packed = dict[str, Any]
_TOP = 2**16 - 1
_NAMED = ("observations", "actions", "senses")


def pack_replays(replays: Sequence[Json], looks: dict[str, Look], budget: int) -> list[Packed]:
    """Replays as the page's script reads them.

    Args:
        replays: as `evolearn.study.record_replay` makes them.
        looks: of the arms.
        budget: bytes that all of them may take; frames are left out evenly until they fit.
    Returns:
        "condition", "run", "start" and "data" of each; and "pictures" by arm, as they are: they are small already.
    """
    most = max((len(arm["score"]) for replay in replays for arm in replay["arms"]), default=1)
    for every in range(1, most + 1):
        packed = [_replay(replay, looks, every) for replay in replays]
        if sum(len(json_text(one)) for one in packed) <= budget:
            return packed
    return []


def _replay(replay: Json, looks: dict[str, Look], every: int) -> Packed:
    names = list(dict.fromkeys(name for arm in replay["arms"] for name in arm["drives"]))
    arms = [_arm(arm, looks.get(arm["arm"], Look(0)), names, every) for arm in replay["arms"]]
    head = {
        "condition": replay["condition"],
        "run": replay.get("run", 0),
        "life": replay["life"],
        "start": replay.get("start", 0),
        "steps": replay["step_stride"] * every,
        "score": replay.get("score", "fitness"),
        "bounds": replay.get("bounds"),
        "tracks": ["score", *names],
        "arms": [about for about, _ in arms],
    }
    text = json_text(head, separators=(",", ":")).encode()
    content = np.uint32(len(text)).astype("<u4").tobytes() + text + b"".join(columns for _, columns in arms)
    return {
        **{name: head[name] for name in ("condition", "run", "start")},
        "pictures": [list(arm.get("pictures", ())[::every]) for arm in replay["arms"]],
        "data": base64.b64encode(zlib.compress(content, 9)).decode("ascii"),
    }


def _arm(arm: Json, look: Look, names: Sequence[str], every: int) -> tuple[Packed, bytes]:
    """The head of an arm, and its columns: shapes, tracks, observations, actions and senses, in that order."""
    length = len(arm["score"])
    nothing = [0.0] * length
    named = {name: arm.get(name) or {} for name in _NAMED}
    columns = [
        *(np.asarray(arm["frames"][::every], np.float64).T if arm["frames"] else ()),
        _averaged(arm["score"], every),
        *(_averaged(arm["drives"].get(name, nothing), every) for name in names),
        *(
            np.asarray(values, np.float64)[::every]
            for name in ("observations", "actions")
            for values in named[name].values()
        ),
        *(_averaged(values, every) for values in named["senses"].values()),
    ]
    block, content = _pack(np.stack(columns, axis=1))
    return {
        "arm": arm["arm"],
        "label": arm.get("label") or arm["arm"],
        "colour": look.colour,
        "ends": sorted({end // every for end in arm["ends"]}),
        "shapes": [dict(shape) for shape in arm["shapes"]],
        "drawn": len(arm["frames"][0]) if arm["frames"] else 0,
        **{name: list(values) for name, values in named.items()},
        "choices": list(arm.get("choices", ())),
        **block,
    }, content


def _averaged(values: Sequence[float], every: int) -> npt.NDArray[np.float64]:
    """Means of `every` neighbours, so that a short reward is not left out with its frame."""
    starts = np.arange(0, len(values), every)
    sums = np.add.reduceat(np.asarray(values, np.float64), starts) if len(values) else np.zeros(0)
    return sums / np.diff(np.append(starts, len(values)))


def _pack(matrix: npt.NDArray[np.float64]) -> tuple[Packed, bytes]:
    """A matrix [frames, columns] as 16-bit places between each column's low and high.

    Returns:
        "rows"; "low" and "high", one number per column; "kept", for each the place of its column among those that are
        kept, or -1: it is `low` throughout; and those columns.
    """
    matrix = np.nan_to_num(np.asarray(matrix, np.float64))
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    places = np.rint((matrix - low) / span * _TOP).astype("<u2")
    steps = np.diff(places, axis=0, prepend=np.zeros((1, places.shape[1]), "<u2"))
    kept: dict[bytes, int] = {}
    of = [
        kept.setdefault(steps[:, column].tobytes(), len(kept)) if high[column] > low[column] else -1
        for column in range(matrix.shape[1])
    ]
    about = {
        "rows": len(matrix),
        "low": [float(f"{value:.6g}") for value in low],
        "high": [float(f"{value:.6g}") for value in high],
        "kept": of,
    }
    return about, b"".join(kept)

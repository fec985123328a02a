"""How alike the weights of two DNAs are, before and after their hidden units are aligned. Pure.

Matching finds likeness in anything: two networks of random numbers come nearer too. So what is left after alignment
stands beside what is left between networks that have nothing in common, aligned alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec
from evolearn.genome import initial_distribution
from evolearn.inspection.alignment import align, aligned, block_slices, symmetry_of
from evolearn.inspection.specimen import Json

FloatArray = npt.NDArray[np.float64]

PAIRS = 5  # unrelated networks for a baseline


def likeness(
    brain: BrainSpec, first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> tuple[Json, FloatArray]:
    """Distances of two networks, and the second in the order of the first.

    Args:
        brain: what both are made of.
        first: [W], weights.
        second: [W].
    Returns:
        "units", "moved" (units that take another place or sign), "signs", "scales" (what is and is not aligned),
        "total" and "blocks": Euclidean distances "raw" and "aligned", and between unrelated networks, means over
        `PAIRS`: "random_raw" and "random_aligned" of the standard initialisation, "shuffled": the second with the
        entries of each block shuffled, aligned; "shuffles": least and largest of these; and float64 [W], the second
        aligned.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    alignment = align(brain, one, other)
    near = aligned(brain, other, alignment)
    pairs = {"raw": [(one, other)], "aligned": [(one, near)]}
    randoms = list(_randoms(brain))
    pairs["random_raw"] = randoms
    pairs["random_aligned"] = [(left, _brought(brain, left, right)) for left, right in randoms]
    pairs["shuffled"] = [(one, _brought(brain, one, mixed)) for mixed in _shuffles(brain, other)]
    places = block_slices(brain)
    found = {
        "units": sum(brain.hidden),
        "moved": alignment.moved,
        "signs": symmetry_of(brain) == "sign",
        "scales": symmetry_of(brain) == "scale",
        "shuffles": [pick(_distances(pairs["shuffled"], slice(None))) for pick in (min, max)],
        "total": {name: _distance(some, slice(None)) for name, some in pairs.items()},
        "blocks": [
            {
                "block": tensor.name,
                "numbers": tensor.size,
                **{name: _distance(some, places[tensor.name]) for name, some in pairs.items()},
            }
            for tensor in brain.tensors
        ],
    }
    return found, near


def _brought(brain: BrainSpec, first: FloatArray, second: FloatArray) -> FloatArray:
    return aligned(brain, second, align(brain, first, second))


def _distance(pairs: list[tuple[FloatArray, FloatArray]], place: slice) -> float:
    return float(np.mean(_distances(pairs, place)))


def _distances(pairs: list[tuple[FloatArray, FloatArray]], place: slice) -> list[float]:
    return [float(np.linalg.norm(first[place] - second[place])) for first, second in pairs]


def _randoms(brain: BrainSpec) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Pairs of networks of the standard initialisation."""
    rng = np.random.default_rng(0)
    mean, stdev = initial_distribution(brain)
    for _ in range(PAIRS):
        left, right = mean + stdev * rng.normal(size=(2, brain.weights))
        yield left, right


def _shuffles(brain: BrainSpec, weights: FloatArray) -> Iterator[FloatArray]:
    """The network with the entries of each block shuffled: its scale without its knowledge."""
    rng = np.random.default_rng(0)
    places = block_slices(brain).values()
    for _ in range(PAIRS):
        yield np.concatenate([rng.permutation(weights[place]) for place in places])

"""Genes: named blocks of a genome, how each becomes a natural value, and where evolution starts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec
from evolearn.numerics import compiled, exp_of, expm1_of, log1p_of, log_of
from evolearn.rng import INIT, at_step, new_rng, normal, open_stream

FloatArray = npt.NDArray[np.float32]

_LARGEST_LOG = 60.0  # beyond it float32 overflows; evolution's random walk must not reach infinity


@dataclasses.dataclass(frozen=True)
class Transform:
    """A row of TRANSFORMS: gene to natural value and back.

    A learning rate of .002 as a gene, and a gene that is one unit higher:

    >>> log = TRANSFORMS["log"]
    >>> round(log.encode(0.002), 3)
    -6.215
    >>> [round(float(value), 5) for value in log.decode(np.float32([-6.215, -5.215]))]
    [0.002, 0.00543]
    """

    decode: Callable[[FloatArray], FloatArray]
    encode: Callable[[float], float]
    doc: str


def _share_encode(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{value:g}: must be 0 to 1")
    return float(value)


def _symlog_decode(gene: FloatArray) -> FloatArray:
    return np.sign(gene) * expm1_of(np.minimum(np.abs(gene), _LARGEST_LOG))


TRANSFORMS = {
    "identity": Transform(lambda gene: gene, float, "value = gene"),
    "log": Transform(
        lambda gene: exp_of(np.clip(gene, -_LARGEST_LOG, _LARGEST_LOG)), log_of, "value = exp(gene), positive"
    ),
    "logit": Transform(
        lambda gene: np.float32(1.0) / (np.float32(1.0) + exp_of(-np.clip(gene, -_LARGEST_LOG, _LARGEST_LOG))),
        lambda value: log_of(value / (1.0 - value)),
        "value = 1 / (1 + exp(-gene)), between 0 and 1",
    ),
    "share": Transform(
        lambda gene: np.clip(gene, np.float32(0.0), np.float32(1.0)),
        _share_encode,
        "value = gene, held between 0 and 1, both included",
    ),
    "symlog": Transform(
        _symlog_decode,
        lambda value: math.copysign(log1p_of(abs(value)), value),
        "value = sign(gene) (exp(|gene|) - 1): any sign, many orders of magnitude",
    ),
}


@dataclasses.dataclass(frozen=True)
class Gene:
    """One named block of a newborn, and of the genome if its group evolves."""

    name: str
    group: str  # of GROUPS
    shape: tuple[int, ...]
    transform: str  # of TRANSFORMS
    centre: FloatArray  # [size], in gene units: where evolution starts, or the fixed value
    spread: FloatArray  # [size], > 0, in gene units: how widely evolution, or a fresh draw, starts
    held: bool = False  # fixed at its centre, whatever becomes of its group
    published: float | None = (
        None  # natural value of the published defaults, of all its numbers; plasticity alone has one
    )

    @property
    def size(self) -> int:
        """Numbers in the gene."""
        return math.prod(self.shape)


def encoded(transform: str, values: float | Sequence[float]) -> FloatArray:
    """Natural values in gene units, [values]; [1] of a single one.

    Args:
        transform: a name in TRANSFORMS.
        values: natural.
    Raises:
        ValueError, ArithmeticError: a value does not fit the transform.
    """
    encode = TRANSFORMS[transform].encode
    several = [values] if isinstance(values, int | float) else values
    return np.array([encode(value) for value in several], np.float32)


def initial_weights(brain: BrainSpec, seed: int) -> FloatArray:
    """One draw [W] of the standard initialisation, from the run's seed."""
    mean, stdev = initial_distribution(brain)
    return mean + stdev * draws_for(seed, 0, brain.weights)


def draws_for(seed: int, step: int, count: int) -> FloatArray:
    """Standard normal draws [count] of a run for one purpose.

    Args:
        seed: of the run.
        step: of its stream of initial draws: every purpose has its own.
        count: how many.
    """
    rng, draws = new_rng(), np.zeros(count, np.float32)
    open_stream(rng, np.array([seed, 0, 0, 0], np.int64), INIT)
    at_step(rng, step)
    draw_normals(rng, draws)
    return draws


@compiled
def draw_normals(rng: Any, draws: Any) -> None:
    """Fill `draws`, float32, from a stream."""
    for place in range(len(draws)):
        draws[place] = normal(rng)


def initial_distribution(brain: BrainSpec) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation [W] of the standard initialisation."""
    mean = joined([np.full(tensor.size, tensor.initial_mean, np.float32) for tensor in brain.tensors])
    stdev = joined([np.full(tensor.size, tensor.initial_stdev, np.float32) for tensor in brain.tensors])
    return mean, stdev


def joined(parts: Sequence[FloatArray]) -> FloatArray:
    """All numbers side by side; [0] of no parts."""
    return np.concatenate([*parts, np.zeros(0, np.float32)]).astype(np.float32)

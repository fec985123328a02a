"""Encodings: which genes stand for the weights of a brain, and how they become weights.

All but `direct` are codes. A code may leave out heads, whose weights are then 0 at birth. What it needs beside genes
a `Code` says: what is drawn from the run's seed is the same for all genomes of a run, is searched by nobody, and counts
as no part of a genome.

Source: Li, Farkhoor, Liu and Yosinski 2018, "Measuring the intrinsic dimension of objective landscapes", eq. 2
(`subspace`); Shuvaev, Lachi, Koulakov and Zador 2024, "Encoding innate ability through a genomic bottleneck"
(`neuron_codes`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec
from evolearn.config import ConfigError
from evolearn.genome.genes import FloatArray, Gene, draws_for, initial_weights
from evolearn.numerics import expm1_of
from evolearn.plugins import Kind, find

Array = TypeVar("Array")  # of NumPy or of torch

DIRECT = "direct"
FLOAT_BITS = 32  # of a gene that is a float
RANGE = 3.0  # a gene of fewer bits lies within so many units of its middle
MOST_DRAWN = 1 << 27  # numbers in a projection: 512 MB
_CODE_STEP = 4  # of the stream of initial draws: those before are for weights, genes, permutations and values
_LOG_STDEV = "policy.log_stdev"  # its block stands for itself: it is no weight between neurons
_STEEPEST = np.float32(15.0)  # beyond it the hyperbolic tangent is 1 in float32


@dataclasses.dataclass(frozen=True)
class Code:
    """What a code needs beside its genes: where it is drawn from, and the section `genome.code` of a config."""

    seed: int = 0  # of the run
    spread: float = 1.0  # of the weights group
    left_out: tuple[str, ...] = ()  # heads, by what names of their blocks begin with
    genes: int | None = None
    bits: int = FLOAT_BITS
    numbers: int = 2
    units: int = 8


NO_CODE = Code()


@dataclasses.dataclass(frozen=True)
class Encoding:
    """A row of ENCODINGS: how the genes of the weights group become weights."""

    # Brain, initial weights [W] and spread -> the genes; and a `Code` behind them, if the row has settings.
    genes: Callable[..., tuple[Gene, ...]]
    # Brain and gene values [P, genes] -> weights [P, W]; and a `Code` behind them, likewise.
    weights: Callable[..., FloatArray]
    settings: frozenset[str] = frozenset()  # fields of the section `genome.code` that it uses
    # In torch, see `evolearn.genome.torch_codes`: a function, or ``module:attribute``, imported when called. None:
    # nothing can be fitted through it by gradient.
    torch_weights: str | Callable[..., Any] | None = None


def coded(brain: BrainSpec, left_out: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Places in the weight vector of what a code makes: all but the heads that it leaves out."""
    kept = [np.full(tensor.size, tensor.name.partition(".")[0] not in left_out) for tensor in brain.tensors]
    return np.flatnonzero(np.concatenate(kept))


def quantised(values: FloatArray, bits: int) -> FloatArray:
    """Values in the middle of one of 2 ** `bits` cells of equal width between -RANGE and RANGE; 32 bits: as they are.

    >>> quantised(np.float32([-9, -0.1, 0.1, 2]), 1).tolist(), quantised(np.float32([-9, -0.1, 0.1, 2]), 2).tolist()
    ([-1.5, -1.5, 1.5, 1.5], [-2.25, -0.75, 0.75, 2.25])
    """
    if bits == FLOAT_BITS:
        return values
    cells = 2.0**bits
    width = 2.0 * RANGE / cells
    cell = np.clip(np.floor((values.astype(np.float64) + RANGE) / width), 0.0, cells - 1.0)
    return ((cell + 0.5) * width - RANGE).astype(np.float32)


def _blocks(brain: BrainSpec, initial: FloatArray, spread: float, left_out: tuple[str, ...]) -> Iterator[Gene]:
    start = 0
    for tensor in brain.tensors:
        centre = initial[start : start + tensor.size]
        if tensor.name.partition(".")[0] not in left_out:
            yield _gene(tensor.name, tensor.shape, centre, spread)
        start += tensor.size


def _gene(name: str, shape: tuple[int, ...], centre: FloatArray, spread: float) -> Gene:
    return Gene(name, "weights", shape, "identity", centre, np.full(centre.size, spread, np.float32))


# --- direct: a weight is a gene ---


def direct_genes(brain: BrainSpec, initial: FloatArray, spread: float) -> tuple[Gene, ...]:
    """One gene per block of weights, one number per weight."""
    return tuple(_blocks(brain, initial, spread, ()))


def direct_weights(brain: BrainSpec, values: FloatArray) -> FloatArray:
    """The gene values are the weights."""
    return values


# --- quantised: a weight is a gene of few bits ---


def quantised_genes(brain: BrainSpec, initial: FloatArray, spread: float, code: Code) -> tuple[Gene, ...]:
    """Those of `direct`."""
    return tuple(_blocks(brain, initial, spread, code.left_out))


def quantised_weights(brain: BrainSpec, values: FloatArray, code: Code) -> FloatArray:
    """The gene values, each as near to where evolution started, in spreads, as its bits can say."""
    if code.bits == FLOAT_BITS:
        return placed(brain, code, values)
    start, spread = initial_of(brain, code), np.float32(code.spread)
    return placed(brain, code, start + spread * quantised((values - start) / spread, code.bits))


# --- subspace: a random plane through the initial weights ---


def subspace_genes(brain: BrainSpec, initial: FloatArray, spread: float, code: Code) -> tuple[Gene, ...]:
    """One gene of d numbers, the place in the plane.

    Raises:
        ConfigError: nobody says how many, they are more than the weights, or there would be no memory for the plane.
    """
    weights, size = len(coded(brain, code.left_out)), code.genes
    if size is None:
        raise ConfigError(
            f"genome.code.genes: must be given with genome.encoding='subspace': 1 .. {weights:,}, the weights of this "
            "brain; set for example genome.code={genes: 32}"
        )
    if size > weights:
        raise ConfigError(
            f"genome.code.genes={size}: must be at most {weights:,}, the weights that they stand for; make it smaller, "
            "or set genome.encoding=quantised, with a gene for each weight"
        )
    if size * weights > MOST_DRAWN:
        raise ConfigError(
            f"genome.code.genes={size}: makes a projection of {size * weights:,} numbers on {weights:,} weights: must "
            f"be at most {MOST_DRAWN:,}; make it smaller, or brain.hidden"
        )
    return (_gene("code", (size,), np.zeros(size, np.float32), 1.0),)


def subspace_weights(brain: BrainSpec, values: FloatArray, code: Code) -> FloatArray:
    """The initial weights, and the spread times the genes' projection: W = W0 + spread P z."""
    scaled = np.float32(code.spread) * quantised(values, code.bits)
    weights = np.tile(initial_of(brain, code), (len(values), 1))
    for gene, direction in enumerate(projection_of(brain, code)):  # no matrix product: rows must not know of each other
        weights += scaled[:, gene : gene + 1] * direction
    return placed(brain, code, weights)


# --- neuron codes: a decoder from two neurons' codes to the weight between them ---


def neuron_genes(brain: BrainSpec, initial: FloatArray, spread: float, code: Code) -> tuple[Gene, ...]:
    """Codes of all neurons, and of the one that is always on for biases; decoders of all layers; log deviations.

    Raises:
        ConfigError: the brain has something else than layers, or fewer weights than this would be genes.
    """
    shapes = _neuron_shapes(brain, code)
    lone = [gene for gene in _blocks(brain, initial, spread, code.left_out) if gene.name not in _made(brain, code)]
    if foreign := [gene.name for gene in lone if gene.name not in shapes]:
        raise ConfigError(
            f"genome.encoding='neuron_codes': has no code for {', '.join(foreign)}: must be 'direct', 'quantised' or "
            "'subspace' with such a brain; set one of these, or a brain of plain layers: brain.trunk=mlp, "
            "brain.readout=plain, and genome.prediction=learned where it predicts"
        )
    size, weights = sum(map(math.prod, shapes.values())), len(coded(brain, code.left_out))
    if size > weights:
        raise ConfigError(
            f"genome.code.numbers={code.numbers}: makes {size:,} genes with genome.code.units={code.units}: must make "
            f"at most {weights:,}, the weights that they stand for; make one of the two smaller, or brain.hidden larger"
        )
    draws = draws_for(code.seed, _CODE_STEP, size)
    genes, start = {}, 0
    for name, shape in shapes.items():
        genes[name] = _gene(name, shape, draws[start : start + math.prod(shape)], spread)
        start += math.prod(shape)
    return tuple((genes | {gene.name: gene for gene in lone}).values())


def _neuron_shapes(brain: BrainSpec, code: Code) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"codes.inputs": (brain.told, code.numbers), "codes.bias": (code.numbers,)}
    for layer, neurons in _layers(brain, code).items():
        shapes[f"codes.{layer}"] = (neurons, code.numbers)
        shapes[f"decoder.{layer}.inward"] = (2 * code.numbers + 1, code.units)
        shapes[f"decoder.{layer}.outward"] = (code.units,)
    return shapes | ({_LOG_STDEV: (brain.log_stdevs,)} if brain.log_stdevs else {})


def neuron_weights(brain: BrainSpec, values: FloatArray, code: Code) -> FloatArray:
    """What the decoders make of the codes, one genome at a time: a decoder needs U numbers for every weight."""
    weights = np.empty((len(values), len(coded(brain, code.left_out))), np.float32)
    for genome, row in enumerate(quantised(values, code.bits)):
        weights[genome] = np.concatenate(neuron_blocks(brain, row[None], code, _tanh), axis=1)[0]
    return placed(brain, code, weights)


def neuron_blocks(brain: BrainSpec, values: Array, code: Code, tanh: Callable[[Array], Array]) -> list[Array]:
    """The blocks of weights, [P, numbers] each, in the brain's order.

    The weight from neuron a to neuron b of a layer is sqrt(2 / U) sum_u out_u tanh((in_u . [a, b, 1]) / sqrt(c)), for
    codes a and b of c numbers each and a decoder of U units; that of a bias has the code of a neuron that is always on.

    Args:
        brain: what it is made of.
        values: [P, genes], in the order of `neuron_genes`; of NumPy, or of torch.
        code: of how many numbers and units.
        tanh: of such an array.
    """
    rows: Any = values
    blocks: dict[str, Any] = {}
    start = 0
    for name, shape in _neuron_shapes(brain, code).items():
        blocks[name] = rows[:, start : start + math.prod(shape)].reshape(-1, *shape)
        start += math.prod(shape)
    made: dict[str, Any] = {_LOG_STDEV: blocks.get(_LOG_STDEV)}
    before = blocks["codes.inputs"]
    for layer in _layers(brain, code):
        after, inward = blocks[f"codes.{layer}"], blocks[f"decoder.{layer}.inward"]
        outward = blocks[f"decoder.{layer}.outward"]
        for name, source in ((f"{layer}.weight", before), (f"{layer}.bias", blocks["codes.bias"][:, None])):
            made[name] = _between(source, after, inward, outward, code, tanh)
        if layer.startswith("hidden"):
            before = after
        else:  # a head has a row for each output
            made[f"{layer}.weight"] = made[f"{layer}.weight"].swapaxes(1, 2)
    kept = [tensor for tensor in brain.tensors if tensor.name.partition(".")[0] not in code.left_out]
    return [made[tensor.name].reshape(-1, tensor.size) for tensor in kept]


def _between(before: Any, after: Any, inward: Any, outward: Any, code: Code, tanh: Callable[[Any], Any]) -> Any:
    """Weights [P, before, after] between neurons with codes [P, neurons, c]."""
    drive = inward[:, None, None, 2 * code.numbers]  # [P, 1, 1, U]; with what is added [P, before, after, U]
    for number in range(code.numbers):
        drive = drive + before[:, :, None, number, None] * inward[:, None, None, number]
        drive = drive + after[:, None, :, number, None] * inward[:, None, None, code.numbers + number]
    units = tanh(drive * (1.0 / math.sqrt(code.numbers))) * outward[:, None, None]
    return units.sum(-1) * math.sqrt(2.0 / code.units)


def _layers(brain: BrainSpec, code: Code) -> dict[str, int]:
    """Neurons of every plain layer that the code makes, by its name."""
    heads = {"policy": brain.actions, "value": 1}
    layers = {f"hidden{place}": units for place, units in enumerate(brain.hidden, start=1)}
    return layers | {head: size for head, size in heads.items() if head not in code.left_out}


def _made(brain: BrainSpec, code: Code) -> set[str]:
    return {f"{layer}.{part}" for layer in _layers(brain, code) for part in ("weight", "bias")}


def _tanh(values: Any) -> Any:
    """The same bits on every processor, and whatever stands beside a number."""
    twice = expm1_of(np.float32(2.0) * np.clip(values, -_STEEPEST, _STEEPEST))
    return twice / (twice + np.float32(2.0))


# --- what codes share ---


def placed(brain: BrainSpec, code: Code, made: FloatArray) -> FloatArray:
    """Weights [P, W] of what a code made, [P, coded]; those of heads that it leaves out are 0."""
    if not code.left_out:
        return made
    weights = np.zeros((len(made), brain.weights), np.float32)
    weights[:, coded(brain, code.left_out)] = made
    return weights


@functools.lru_cache(maxsize=8)
def initial_of(brain: BrainSpec, code: Code) -> FloatArray:
    """The run's draw [coded] of the standard initialisation, of what the code makes."""
    return initial_weights(brain, code.seed)[coded(brain, code.left_out)]


@functools.lru_cache(maxsize=4)
def projection_of(brain: BrainSpec, code: Code) -> FloatArray:
    """P [d, coded], each number normal with variance 1 / d: one draw per run."""
    size, weights = code.genes or 0, len(coded(brain, code.left_out))
    return (draws_for(code.seed, _CODE_STEP, size * weights) / np.float32(math.sqrt(size))).reshape(size, weights)


_BITS = frozenset({"bits"})
_TORCH = "evolearn.genome.torch_codes"
ENCODINGS = {
    DIRECT: Encoding(direct_genes, direct_weights, torch_weights=f"{_TORCH}:direct"),
    "quantised": Encoding(quantised_genes, quantised_weights, _BITS, f"{_TORCH}:quantised"),
    "subspace": Encoding(subspace_genes, subspace_weights, _BITS | {"genes"}, f"{_TORCH}:subspace"),
    "neuron_codes": Encoding(neuron_genes, neuron_weights, _BITS | {"numbers", "units"}, f"{_TORCH}:neuron_codes"),
}
ENCODING = Kind("encoding", "Encoding", "evolearn.encodings", lambda: Encoding, ENCODINGS)


def find_encoding(name: str, asked: str = "") -> Encoding:
    """The encoding of a name, see `evolearn.plugins.find`."""
    return find(ENCODING, name, asked)

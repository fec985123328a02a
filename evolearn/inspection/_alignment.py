"""Hidden units of one brain in the order, and with the signs, that another's have; how alike both then are. Pure.

A layer's units can change places, and with tanh a unit can change its sign together with all weights into and out of
it, and the network computes the same. A gated unit has weights into its candidate, which change sign with it, and into
its gates, which do not. Two networks are compared only after that freedom is taken out.

Matching finds likeness in anything: two networks of random numbers come nearer too. So what is left after alignment
stands beside what is left between networks that have nothing in common, aligned alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from evolearn.agent import BrainSpec, Symmetry, find_trunk
from evolearn.errors import lacking
from evolearn.genome import initial_distribution
from evolearn.inspection._specimen import IntArray, Json
from evolearn.verdict import FloatArray

SWEEPS = 20  # over all layers; a permuted network needs two or three, unrelated ones gain ever less
ROUNDING = 1e-12  # a gain in overlap below this share of it is none
PAIRS = 5  # unrelated networks for a baseline


def symmetry_of(brain: BrainSpec) -> Symmetry:
    """What besides the order of hidden units leaves a network's function unchanged; scales are not aligned here.

    Raises:
        PartError: the trunk's row does not say.
    """
    row = find_trunk(brain.trunk)
    if row.torch_cell is not None:  # the candidate's tanh: its weights, those that recall, and all that read the unit
        return "sign"
    if row.has_hidden and row.symmetry is None:
        remedy = 'what of a hidden unit changes nothing that the network does, "place", "sign" or "scale"'
        raise lacking("trunk", brain.trunk, "symmetry", "two of its networks cannot be aligned", remedy)
    return row.symmetry or "place"


@dataclasses.dataclass(frozen=True)
class Alignment:
    """For each hidden layer: which unit takes each place, and whether its sign changes."""

    orders: tuple[IntArray, ...]  # [H] per layer
    signs: tuple[FloatArray, ...]  # [H] per layer, 1 or -1

    @property
    def moved(self) -> int:
        """Units that take another place or sign."""
        return sum(
            int(((order != np.arange(order.size)) | (sign < 0)).sum())
            for order, sign in zip(self.orders, self.signs, strict=True)
        )


def align(brain: BrainSpec, first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Alignment:
    """The order and the signs of the second's hidden units that bring its weights nearest to the first's.

    Layer by layer the best assignment, given those of the other layers, until none changes anything; from several
    starting points, of which the best counts. One dense layer is solved exactly; with more or gated ones it is a
    good local optimum.

    Args:
        brain: what both are made of.
        first: [W], weights.
        second: [W], weights.
    Returns:
        What `aligned` applies to the second. With no hidden layer there is nothing in it.
    Source: Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin", section 3.2, weight matching; signs are added.
    """
    pair = _layers(brain, first), _layers(brain, second)
    signed = symmetry_of(brain) == "sign"
    found = [_improved(pair, start, signed) for start in _starts(pair, brain, signed)]
    return max(found, key=lambda alignment: _overlap(pair, alignment))


def aligned(brain: BrainSpec, weights: npt.NDArray[Any], alignment: Alignment) -> npt.NDArray[Any]:
    """The same network with its hidden units in another order, [W]; computes the same function.

    Args:
        brain: what it is made of.
        weights: [W].
        alignment: orders and signs.
    """
    return _flat(brain, weights, _moved(_layers(brain, weights), alignment))


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


def block_slices(brain: BrainSpec) -> dict[str, slice]:
    """Where each block of weights lies in the flat vector, by name."""
    places, start = {}, 0
    for tensor in brain.tensors:
        places[tensor.name] = slice(start, start + tensor.size)
        start += tensor.size
    return places


@dataclasses.dataclass(frozen=True)
class _Layer:
    """What leads into the units of a hidden layer: of dense ones a sum each, of gated ones several."""

    weights: FloatArray  # [inputs, sums, H]
    biases: FloatArray  # [biases, H]
    states: FloatArray  # [H, sums, H], by which units read their own layer's state; of dense ones [H, 0, H]

    @property
    def is_gated(self) -> bool:
        """Whether it is a gated layer."""
        return self.states.shape[1] > 0

    @property
    def signed(self) -> tuple[IntArray, IntArray, IntArray]:
        """Which sums of `weights`, `biases` and `states` change sign with the unit, 1; the others are of gates, 0."""
        if self.is_gated:  # candidate, reset, update; the biases of these and of recall; reset, update, recall
            return np.array([1, 0, 0]), np.array([1, 0, 0, 1]), np.array([0, 0, 1])
        return np.array([1]), np.array([1]), np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True)
class _Layers:
    """A brain as a chain: what leads into each hidden layer, and out of the last."""

    layers: tuple[_Layer, ...]
    heads: FloatArray  # [H of the last, outputs]
    gains: FloatArray  # [observations, H of the last], by which a product weighs the last layer; [0, H] without one


_Pair = tuple[_Layers, _Layers]
_Agreement = tuple[FloatArray, FloatArray]


def _blocks(brain: BrainSpec, weights: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    places = block_slices(brain)
    return {tensor.name: weights[places[tensor.name]].reshape(tensor.shape) for tensor in brain.tensors}


def _heads(blocks: Collection[str]) -> list[str]:
    """The matrices by which heads read the last layer."""
    return [name for name in ("policy.weight", "value.weight", "prediction.weight") if name in blocks]


def _layers(brain: BrainSpec, weights: npt.NDArray[Any]) -> _Layers:
    blocks = _blocks(brain, np.asarray(weights, np.float64))
    layers = []
    for number, units in enumerate(brain.hidden, start=1):
        name = f"hidden{number}"
        if f"{name}.state.weight" in blocks:
            biases = [blocks[f"{name}.{gate}.bias"] for gate in ("candidate", "reset", "update", "recall")]
            into, states = blocks[f"{name}.inputs.weight"], blocks[f"{name}.state.weight"].reshape(units, 3, units)
        else:
            biases, into, states = [blocks[f"{name}.bias"]], blocks[f"{name}.weight"], np.zeros((units, 0, units))
        layers.append(_Layer(into.reshape(len(into), -1, units), np.stack(biases), states))
    heads = np.concatenate([blocks[name].reshape(-1, blocks[name].shape[-1]) for name in _heads(blocks)]).T
    return _Layers(tuple(layers), heads, blocks.get("readout.weight", np.zeros((0, len(heads)))))


def _flat(brain: BrainSpec, weights: npt.NDArray[Any], moved: _Layers) -> npt.NDArray[Any]:
    """The inverse of `_layers`; what no unit has a part in is as in `weights`."""
    blocks = _blocks(brain, weights)
    for number, layer in enumerate(moved.layers, start=1):
        name = f"hidden{number}"
        if layer.is_gated:
            blocks[f"{name}.inputs.weight"], blocks[f"{name}.state.weight"] = layer.weights, layer.states
            for gate, bias in zip(("candidate", "reset", "update", "recall"), layer.biases, strict=True):
                blocks[f"{name}.{gate}.bias"] = bias
        else:
            blocks[f"{name}.weight"], blocks[f"{name}.bias"] = layer.weights, layer.biases
    start = 0
    for name in _heads(blocks):
        rows = blocks[name].size // blocks[name].shape[-1]
        blocks[name] = moved.heads.T[start : start + rows]
        start += rows
    if "readout.weight" in blocks:
        blocks["readout.weight"] = moved.gains
    return np.concatenate([blocks[tensor.name].reshape(-1) for tensor in brain.tensors]).astype(weights.dtype)


def _moved(brain: _Layers, alignment: Alignment) -> _Layers:
    """A brain with its units in another order, and with other signs."""
    layers: list[_Layer] = []
    rows: Any = slice(None)
    row_signs = np.ones((1, 1, 1))
    for layer, order, sign in zip(brain.layers, alignment.orders, alignment.signs, strict=True):
        into, biases, states = (np.where(signed[:, None] == 1, sign, 1.0) for signed in layer.signed)
        layers.append(
            _Layer(
                layer.weights[rows][:, :, order] * row_signs * into,
                layer.biases[:, order] * biases,
                layer.states[order][:, :, order] * sign[:, None, None] * states,
            )
        )
        rows, row_signs = order, sign[:, None, None]
    return _Layers(tuple(layers), brain.heads[rows] * row_signs[:, :, 0], brain.gains[:, rows])


def _starts(pair: _Pair, brain: BrainSpec, signed: bool) -> list[Alignment]:
    """As it is; and with several layers matched from the observations upwards, and from the outputs downwards."""
    layers = len(brain.hidden)
    still = Alignment(
        tuple(np.arange(units) for units in brain.hidden), tuple(np.ones(units) for units in brain.hidden)
    )
    if layers < 2 and not any(layer.is_gated for layer in pair[0].layers):
        return [still]  # the first assignment is the best one
    return [
        still,
        _passed(pair, still, range(layers), _agreement_below, signed),
        _passed(pair, still, range(layers - 1, -1, -1), _agreement_above, signed),
    ]


def _improved(pair: _Pair, alignment: Alignment, signed: bool) -> Alignment:
    """The alignment after assigning layer by layer, both sides in view, until nothing is gained."""
    reached = _overlap(pair, alignment)
    for _ in range(SWEEPS):
        layers = range(len(alignment.orders))
        candidate = _passed(pair, alignment, layers, _agreement, signed)
        overlap = _overlap(pair, candidate)
        if overlap <= reached + ROUNDING * abs(reached):
            break
        alignment, reached = candidate, overlap
    return alignment


def _passed(
    pair: _Pair, alignment: Alignment, layers: range, agreement: Callable[..., _Agreement], signed: bool
) -> Alignment:
    """One assignment per layer, in the order given, each by the agreement of units under the others so far."""
    for layer in layers:
        turning, steady = agreement(pair, alignment, layer)
        _, order = linear_sum_assignment(steady + (np.abs(turning) if signed else turning), maximize=True)
        sign = np.ones(order.size)
        if signed:
            sign[turning[np.arange(order.size), order] < 0] = -1.0
        orders, signs = list(alignment.orders), list(alignment.signs)
        orders[layer], signs[layer] = order, sign
        alignment = Alignment(tuple(orders), tuple(signs))
    return alignment


def _agreement(pair: _Pair, alignment: Alignment, layer: int) -> _Agreement:
    """Inner products of all weights into and out of the units of a layer.

    Returns:
        Twice [H of the first, H of the second]: of weights that change sign with the unit of the second, and of those
        that do not. A gated layer's own units are taken as they have been assigned so far.
    """
    below, above = _agreement_below(pair, alignment, layer), _agreement_above(pair, alignment, layer)
    order, sign = alignment.orders[layer], alignment.signs[layer]
    first, second = (brain.layers[layer] for brain in pair)
    signed = second.signed[2] == 1
    into = np.einsum("icj,ick->cjk", first.states, second.states[order] * sign[:, None, None])
    columns = second.states[:, :, order] * np.where(signed[:, None], sign, 1.0)
    out_of = np.einsum("jci,kci->jk", first.states, columns)
    turning = below[0] + above[0] + into[signed].sum(axis=0) + out_of
    return turning, below[1] + above[1] + into[~signed].sum(axis=0)


def _agreement_below(pair: _Pair, alignment: Alignment, layer: int) -> _Agreement:
    first, second = (brain.layers[layer] for brain in pair)
    weights = second.weights
    if layer > 0:
        weights = weights[alignment.orders[layer - 1]] * alignment.signs[layer - 1][:, None, None]
    by_sum = np.einsum("igj,igk->gjk", first.weights, weights)
    by_bias = np.einsum("bj,bk->bjk", first.biases, second.biases)
    of_sum, of_bias = (signed == 1 for signed in second.signed[:2])
    return (
        by_sum[of_sum].sum(axis=0) + by_bias[of_bias].sum(axis=0),
        by_sum[~of_sum].sum(axis=0) + by_bias[~of_bias].sum(axis=0),
    )


def _agreement_above(pair: _Pair, alignment: Alignment, layer: int) -> _Agreement:
    first, second = pair
    if layer + 1 == len(first.layers):
        return first.heads @ second.heads.T, first.gains.T @ second.gains
    signed = np.where(second.layers[layer + 1].signed[0][:, None] == 1, alignment.signs[layer + 1], 1.0)
    weights = second.layers[layer + 1].weights[:, :, alignment.orders[layer + 1]] * signed
    turning = np.einsum("jgi,kgi->jk", first.layers[layer + 1].weights, weights)
    return turning, np.zeros_like(turning)


def _overlap(pair: _Pair, alignment: Alignment) -> float:
    """Inner product of the first's weights with the aligned second's: the larger, the nearer."""
    first, second = pair[0], _moved(pair[1], alignment)
    total = float((first.heads * second.heads).sum() + (first.gains * second.gains).sum())
    for one, other in zip(first.layers, second.layers, strict=True):
        for mine, theirs in ((one.weights, other.weights), (one.biases, other.biases), (one.states, other.states)):
            total += float((mine * theirs).sum())
    return total


# --- distances, and what unrelated networks have in common ---


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

"""The same codes in torch: from genes to weights, with a gradient, so that a newborn can be fitted through its code."""

from __future__ import annotations

from collections.abc import Callable

import torch

from evolearn.agent import BrainSpec
from evolearn.errors import lacking
from evolearn.genome import encodings
from evolearn.genome.encodings import Code, find_encoding
from evolearn.genome.genome import GenePool
from evolearn.plugins import referred

Tensor = torch.Tensor
Decoder = Callable[[Tensor], Tensor]  # from gene values [genes] to weights [W]


def decoder_of(pool: GenePool) -> Decoder:
    """From the genes of a pool whose weights evolve to weights [W], differentiable.

    Raises:
        PartError: its encoding does not say how.
    """
    row = find_encoding(pool.encoding)
    if row.torch_weights is None:
        remedy = "a function of brain and code to one of gene values [genes] to weights [W], of torch"
        raise lacking("encoding", pool.encoding, "torch_weights", "nothing can be fitted through it", remedy)
    decoder: Decoder = referred(row.torch_weights)(pool.brain, pool.code)
    return decoder


def direct(brain: BrainSpec, code: Code) -> Decoder:
    """The gene values are the weights."""
    return lambda values: values


def quantised(brain: BrainSpec, code: Code) -> Decoder:
    """See `encodings.quantised_weights`."""
    start = torch.from_numpy(encodings.initial_of(brain, code))
    if code.bits == encodings.FLOAT_BITS:
        return lambda values: _placed(brain, code, values)
    return lambda values: _placed(
        brain, code, start + code.spread * straight_through((values - start) / code.spread, code.bits)
    )


def subspace(brain: BrainSpec, code: Code) -> Decoder:
    """See `encodings.subspace_weights`."""
    start = torch.from_numpy(encodings.initial_of(brain, code))
    plane = torch.from_numpy(encodings.projection_of(brain, code))
    return lambda values: _placed(brain, code, start + code.spread * (straight_through(values, code.bits) @ plane))


def neuron_codes(brain: BrainSpec, code: Code) -> Decoder:
    """See `encodings.neuron_weights`."""

    def decode(values: Tensor) -> Tensor:
        rows = straight_through(values, code.bits)[None]
        return _placed(brain, code, torch.cat(encodings.neuron_blocks(brain, rows, code, torch.tanh), dim=1)[0])

    return decode


def straight_through(values: Tensor, bits: int) -> Tensor:
    """Values of so many bits, with the gradient let through as if they were floats.

    Source: Bengio, Leonard and Courville 2013, "Estimating or propagating gradients through stochastic neurons".
    """
    if bits == encodings.FLOAT_BITS:
        return values
    rounded = torch.from_numpy(encodings.quantised(values.detach().numpy(), bits))
    return values + (rounded - values).detach()


def _placed(brain: BrainSpec, code: Code, made: Tensor) -> Tensor:
    if not code.left_out:
        return made
    places = torch.from_numpy(encodings.coded(brain, code.left_out))
    return torch.zeros(brain.weights).index_copy(0, places, made)

"""Recurrent trunks at the speed of the machine: `evolearn.agent.trunks.tiles` for `evolearn.agent.trunks.gru`."""

from __future__ import annotations

import functools
from typing import Any

from evolearn.agent.trunks._tile_cuts import Registers, Work
from evolearn.agent.trunks._tile_gru import GruShape, think_gru_team
from evolearn.agent.trunks._tile_gru_shared import MOST_SCRATCH, scratch_of, think_gru_shared
from evolearn.agent.trunks._tile_through_time import backpropagate_through_time
from evolearn.agent.trunks.tiles import learning, registers_here, thinking, thinking_together
from evolearn.agent.trunks.trunk import DenseFunctions, Layers
from evolearn.numerics import VectorCode


def _shape(layers: Layers, linear_outputs: int, log_stdevs: int, by_product: bool) -> GruShape:
    known = layers[-1] if by_product else 0
    return GruShape(layers[:-1] if by_product else layers, known, linear_outputs, log_stdevs)


@functools.cache
def gru_functions(
    layers: Layers,
    linear_outputs: int,
    log_stdevs: int,
    by_product: bool = False,
    registers: Registers | None = None,
    spare: int = 0,
) -> DenseFunctions:
    """The compiled brain of one shape, from disk if it was compiled before.

    Args:
        layers: what it is told, then units per layer; with the readout by product, the world's observations last.
        linear_outputs: actions and the value; >= 2.
        log_stdevs: how many numbers an output row has besides.
        by_product: whether the heads read by `evolearn.agent.trunks.product`.
        registers: for which code is cut; None for this processor's.
        spare: floats of a life's weights behind those of this brain.
    """
    shape = _shape(layers, linear_outputs, log_stdevs, by_product)._replace(spare=spare)
    registers = registers or registers_here()

    def think(code: VectorCode, *arguments: Any) -> None:
        think_gru_team(code, shape, registers, *arguments)

    def backward(code: VectorCode, *arguments: Any) -> None:
        backpropagate_through_time(code, shape, registers, *arguments)

    alone = f"{shape._replace(spare=0)} {registers}"  # a gradient is one life's
    return DenseFunctions(*thinking(f"{shape} {registers}", think), learning(alone, backward))


@functools.cache
def gru_shared(
    layers: Layers,
    linear_outputs: int,
    log_stdevs: int,
    by_product: bool = False,
    registers: Registers | None = None,
) -> Any:
    """`DenseFunctions.think_all` for lives that share their weights, of which it takes one copy; None for a huge brain.

    Activations are not written. For the arguments see `gru_functions`.
    """
    shape = _shape(layers, linear_outputs, log_stdevs, by_product)
    registers = registers or registers_here()
    if scratch_of(shape, registers.lanes) > MOST_SCRATCH:
        return None

    def think(code: VectorCode, told: Any, weights: Any, observations: Any, activations: Any, *arguments: Any) -> None:
        think_gru_shared(Work(code, shape.heads, registers), shape, told, weights, observations, *arguments)

    return thinking_together(f"shared {shape} {registers}", think)

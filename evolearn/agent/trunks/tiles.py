"""Dense trunks at the speed of the machine: for one shape, the brain of a team of lives and its gradient over a window.

Layouts are those of `evolearn.agent.trunks.mlp` and `evolearn.agent.trunks.trunk.Window`; the functions there say in
plain Python what is computed here. Every size but that of the window is a literal, vectors are explicit, and products
are cut into tiles, of rows by columns, whose sums stay in registers until they are done. How large tiles are depends on
the processor's registers. The order in which each sum is added up does not: bits are the same whatever the tiles, the
team and the processor.

Orders of sums, for what it is worth: a unit's from the bias on, over inputs, in up to four parts that take turns; an
output's in eight lanes; a gradient's from what was there on, over the window's rows; a slope's over units.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from evolearn.agent.trunks._tile_cuts import Activation, Registers, Shape, Work
from evolearn.agent.trunks._tile_gradient import backpropagate
from evolearn.agent.trunks._tile_think import think_team
from evolearn.agent.trunks.trunk import BACKWARD_TYPE, THINK_ALL_TYPE, THINK_TYPE, DenseFunctions, Layers
from evolearn.numerics import VectorCode, specialised


@functools.cache
def registers_here() -> Registers:
    """Those of the processor that Numba compiles for: it is asked what it makes of a vector of 16 floats."""
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features)
    sum_ = "%x = load <16 x float>, ptr %p %y = fadd <16 x float> %x, %x store <16 x float> %y, ptr %p ret void"
    asked = llvm.parse_assembly(f"define void @f(ptr %p) {{ {sum_} }}")
    return Registers(16, 32) if "zmm" in machine.emit_assembly(asked) else Registers(8, 16)


@functools.cache
def dense_functions(
    layers: Layers,
    linear_outputs: int,
    log_stdevs: int,
    activation: Activation = "tanh",
    registers: Registers | None = None,
    spare: int = 0,
) -> DenseFunctions:
    """The compiled brain of one shape, from disk if it was compiled before.

    Args:
        layers: units per layer, observations first; without a hidden layer the heads read the observation.
        linear_outputs: actions and the value; >= 2.
        log_stdevs: how many numbers an output row has besides.
        activation: of the hidden layers.
        registers: for which tiles are cut; None for this processor's.
        spare: floats of a life's weights behind those of this brain.
    """
    shape = Shape(layers, linear_outputs, log_stdevs, activation, spare)
    registers = registers or registers_here()

    def think(code: VectorCode, *arguments: Any) -> None:
        think_team(Work(code, shape, registers), *arguments)

    def backward(code: VectorCode, *arguments: Any) -> None:
        backpropagate(Work(code, shape, registers), *arguments)

    alone = f"{shape._replace(spare=0)} {registers}"  # a gradient is one life's
    return DenseFunctions(*thinking(f"{shape} {registers}", think), learning(alone, backward))


def thinking(label: str, write: Callable[..., None]) -> tuple[Any, Any]:
    """`think_all` and `think` of the brain whose code a function writes.

    Args:
        label: names the brain's shape and the registers; code on disk is found by it.
        write: of a `VectorCode`, pointers to what `DenseFunctions.think_all` takes, rows, count and row.
    """
    think_all = thinking_together(label, write)
    return think_all, specialised(_think, THINK_TYPE, label, from_python=False, think_all=think_all)


def thinking_together(label: str, write: Callable[..., None]) -> Any:
    """`think_all` alone; for the arguments see `thinking`."""
    return specialised(_think_all, THINK_ALL_TYPE, label, from_python=False, think_rows=_think_rows(write))


def learning(label: str, write: Callable[..., None]) -> Any:
    """`backward` of the brain whose code a function writes.

    Args:
        label: see `thinking`.
        write: of a `VectorCode`, pointers to weights, observations, activations, deltas, gradient and scratch, and how
            many rows.
    """
    return specialised(_backward, BACKWARD_TYPE, label, from_python=False, backward_rows=_backward_rows(write))


think_rows: Any = None  # parts, see `dense_functions`
think_all: Any = None
backward_rows: Any = None


def _think_all(
    observation: int,
    weights: int,
    observations: int,
    activations: int,
    outputs: int,
    carry: int,
    rows: int,
    count: int,
    row: int,
) -> None:
    think_rows(observation, weights, observations, activations, outputs, carry, rows, count, row)


def _think(weights: Any, layers: Any, window: Any, row: int) -> None:
    observations = window.observations.ctypes.data
    think_all(
        observations + 4 * row * window.observations.shape[1],
        weights.ctypes.data,
        observations,
        window.activations.ctypes.data,
        window.outputs.ctypes.data,
        window.carry.ctypes.data,
        window.observations.shape[0],
        1,
        row,
    )


def _backward(weights: Any, layers: Any, window: Any, deltas: Any, gradient: Any, scratch: Any) -> None:
    backward_rows(
        weights.ctypes.data,
        window.observations.ctypes.data,
        window.activations.ctypes.data,
        deltas.ctypes.data,
        gradient.ctypes.data,
        scratch.ctypes.data,
        deltas.shape[0],
    )


def _think_rows(write: Callable[..., None]) -> Any:
    """The intrinsic behind `_think_all`."""

    @intrinsic
    def think_rows(  # type: ignore[no-untyped-def]
        typing_context, observation, weights, observations, activations, outputs, carry, rows, count, row
    ):
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            code = VectorCode(builder)
            write(code, *(code.pointer(address) for address in arguments[:6]), *arguments[6:])
            return context.get_dummy_value()

        return types.void(observation, weights, observations, activations, outputs, carry, rows, count, row), generate

    return think_rows


def _backward_rows(write: Callable[..., None]) -> Any:
    """The intrinsic behind `_backward`."""

    @intrinsic
    def backward_rows(  # type: ignore[no-untyped-def]
        typing_context, weights, observations, activations, deltas, gradient, scratch, rows
    ):
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            code = VectorCode(builder)
            write(code, *(code.pointer(address) for address in arguments[:6]), *arguments[6:])
            return context.get_dummy_value()

        return types.void(weights, observations, activations, deltas, gradient, scratch, rows), generate

    return backward_rows

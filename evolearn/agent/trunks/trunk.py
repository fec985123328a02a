"""What trunks, heads and learners exchange: the window of a life, blocks of weights, and what a trunk is.

A trunk that carries a state (`Trunk.carry` above 0) reads it from `Window.carry` when it thinks, and writes it back:

- Row N of a window only looks ahead: thinking there leaves `carry` as it is.
- The first numbers of a row of activations are those that `carry` held when the row was thought. So the state at the
  window's beginning stays known, and row N holds the state with which life goes on.
- The last number of `carry` is the link: 1 after a thought, 0 where everything was cleared, at birth and at whatever
  begins anew. Gradients flow from a row to the one before it if that link is 1, and never out of the window.
- A learner that thinks a window again does so by `think_again`, for all rows in order.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import types

from evolearn.numerics import inlined

Layers = tuple[int, ...]  # units per layer, what the brain is told first; see `evolearn.agent.brain.BrainSpec.layers`
# Nothing but a unit's place; its sign, f(-x) = -f(x); its scale, f(cx) = c f(x) for c > 0.
Symmetry = Literal["place", "sign", "scale"]


class Window(NamedTuple):
    """What one life remembers between two learning updates: N steps, and the observation after them."""

    observations: Any  # float32 [N + 1, told]: what the brain was told, the world's observation first
    activations: Any  # float32 [N + 1, `Trunk.units`, by default the units of all trunk layers]
    outputs: Any  # float32 [N + 1, policy parameters + 1]
    actions: Any  # float32 [N, action dimensions]; a choice is one number
    rewards: Any  # float32 [N]
    ends: Any  # int64 [N]: GOES_ON, TERMINATED or TRUNCATED
    final_outputs: Any  # float32 [N, policy parameters + 1]: of the last observation of an episode truncated here
    carry: Any  # float32 [`Trunk.carry`]: what a recurrent trunk carries from step to step; zero at birth
    # float32 [N, choices or numbers of an action]: what a teacher did, or would have done; of a choice one 1 among
    # zeros. [0, 0] without a teacher.
    lessons: Any = np.zeros((0, 0), np.float32)
    taught: Any = np.zeros(0, np.int64)  # int64 [1]: NOT_TAUGHT, ASKED or WATCHED in all of its steps; [0] without one


GOES_ON, TERMINATED, TRUNCATED = 0, 1, 2
# How a teacher teaches: not; it says what it would do where its pupil acts; or it acts, and its pupil watches.
NOT_TAUGHT, ASKED, WATCHED = 0, 1, 2
_UNLINKED = np.float32(0.0)

_FLOATS = types.float32[::1]
_ROWS = types.float32[:, ::1]
_SIZES = types.int64[::1]
WINDOW_TYPE = types.NamedTuple((_ROWS, _ROWS, _ROWS, _ROWS, _FLOATS, _SIZES, _ROWS, _FLOATS, _ROWS, _SIZES), Window)
THINK_TYPE = types.void(_FLOATS, _SIZES, WINDOW_TYPE, types.int64)
BACKWARD_TYPE = types.void(_FLOATS, _SIZES, WINDOW_TYPE, _ROWS, _FLOATS, _FLOATS)
THINK_ALL_TYPE = types.void(*[types.uintp] * 6, *[types.int64] * 3)


class DenseFunctions(NamedTuple):
    """A trunk and its heads compiled for one shape. They think alike, to the bit.

    `think_all` is for a team of lives. It takes the addresses of what they are told now, of their weights, each life's
    from a new cache line on, of their windows' observations, activations and outputs, and of what they carry; then how
    many rows a window has, N + 1, how many lives there are, and the row.
    """

    think_all: Callable[[int, int, int, int, int, int, int, int, int], None]  # THINK_ALL_TYPE
    think: Callable[..., None]  # THINK_TYPE
    backward: Callable[..., None]  # BACKWARD_TYPE


@inlined
def think_again(think: Any, weights: Any, layers: Any, window: Window) -> None:
    """Think rows 0 .. N - 1 of a window anew, with weights that have changed, from the state at its beginning.

    Where the state was cleared it is cleared again; afterwards `carry` is as it was. Row N must have been thought last.

    Args:
        think: of a trunk, THINK_TYPE.
        weights: float32 [W].
        layers: int64, the trunk's description.
        window: see `Window`.
    """
    carried = window.carry.size
    rows = window.rewards.size
    for row in range(rows):
        if carried > 0 and (row == 0 or window.activations[row, carried - 1] == _UNLINKED):
            for i in range(carried):
                window.carry[i] = window.activations[row, i]
        think(weights, layers, window, row)
    for i in range(carried):
        window.carry[i] = window.activations[rows, i]


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One named block of the flat weight vector."""

    name: str
    shape: tuple[int, ...]
    initial_stdev: float  # of the standard initialisation: normal, mean `initial_mean`
    initial_mean: float = 0.0

    @property
    def size(self) -> int:
        """Numbers in the block."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A row of `evolearn.agent.trunks.table.TRUNKS`: how a trunk is laid out and run.

    The fields from `torch_module` on are what a trunk is known by elsewhere. Where one that is left out is missed, what
    needs it says so. `torch_module`, `onnx_operator` and `symmetry` speak of dense layers, laid out as
    `evolearn.agent.trunks.mlp` says, with one activation; `torch_cell` of recurrent ones, laid out as
    `evolearn.agent.trunks.gru` says.
    """

    tensors: Callable[[Layers], tuple[Tensor, ...]]
    think: Callable[..., None]  # THINK_TYPE
    backward: Callable[..., None]  # BACKWARD_TYPE
    scratch: Callable[[Layers, int], int]  # floats that `backward` needs for a window of so many steps
    carry: Callable[[Layers], int]  # floats carried from step to step, see the module; 0 without memory
    # For layers, linear outputs (actions and the value) and log standard deviations, and by keyword `spare`, floats of
    # a life's weights behind those of trunk and heads; None: `think` and `backward` do.
    tiled: Callable[..., DenseFunctions] | None = None
    # Of the first three: `DenseFunctions.think_all` for lives that share their weights, of which it takes one copy. It
    # need not write activations. None, or None of a brain: such lives think like any others.
    shared: Callable[..., Any] | None = None
    units: Callable[[Layers], int] | None = None  # floats of a row of activations; None: the units of all trunk layers
    # The same with `brain.readout: product`, see `evolearn.agent.trunks.product`; its layers end in one entry more.
    product: Trunk | None = None
    has_hidden: bool = True  # False: `brain.hidden` is [], and the heads read the observation
    torch_module: str | None = None  # class of the activation in torch.nn: "Tanh"
    onnx_operator: str | None = None  # name of the activation among ONNX's operators: "Tanh"
    torch_cell: Literal["GRUCell"] | None = None  # class of its layers in torch.nn
    symmetry: Symmetry | None = None  # what of a hidden unit, beside its place, changes nothing that the network does

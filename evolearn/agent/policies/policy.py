"""Policies: how an action is drawn from an output row, and how a loss flows back to that row.

An output row is ``[logits.., value]`` for a categorical policy, ``[means.., log standard deviations.., value]`` for a
diagonal Gaussian, ``[action values.., not used]`` for an epsilon-greedy and ``[actions.., not used]`` for a
deterministic one. Which of them a brain has follows from its learner and the world's actions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from evolearn.agent.trunks.trunk import WINDOW_TYPE, Window
from evolearn.numerics import compiled, inlined, select, vector

_FLOATS = types.float32[::1]
_ROWS = types.float32[:, ::1]
# output, plasticity, action stream, action (written)
CHOOSE_TYPE = types.void(_FLOATS, _FLOATS, types.int64[::1], _FLOATS)
DELTAS_TYPE = types.void(_FLOATS, _FLOATS, types.float64, _FLOATS, types.float64, types.float64, _FLOATS)
# deltas, window, epoch, advantages, returns, old (written in epoch 0), clip, bonus, value weight, slopes (written),
# scratch (written)
SLOPES_TYPE = types.void(
    types.FunctionType(DELTAS_TYPE),
    WINDOW_TYPE,
    types.int64,
    *(_FLOATS,) * 3,
    *(types.float64,) * 3,
    _ROWS,
    _FLOATS,
)

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@dataclasses.dataclass(frozen=True)
class Policy:
    """A row of `evolearn.agent.policies.table.POLICIES`.

    The fields from `has_value` on are what a policy is known by elsewhere. Where one that is left out is missed, what
    needs it says so.
    """

    has_log_stdev: bool  # one weight per action dimension, independent of the observation
    choose: Callable[..., None]  # CHOOSE_TYPE
    deltas: Callable[..., None]  # DELTAS_TYPE
    initial_scale: float  # of the policy head's weights at the start, see `evolearn.agent.trunks.heads.head_tensors`
    initial_value_scale: float  # of the value head's
    has_value: bool = True  # whether anybody reads the value output
    genes: tuple[str, ...] = ()  # of the learner's plasticity that it reads, also in a life without learning
    is_relative: bool = False  # what is added to all outputs changes no action, as with logits
    output: str = "the policy's output"  # what one output is, in a sentence: "the value of a choice"
    curve: str = "policy output"  # what is drawn against an observation: "probability"
    curve_of: Callable[[Any], Any] | None = None  # from outputs [n, ..] to that, [n, A]; None: the first A outputs
    how_to_act: str | None = None  # for whoever gets the brain without evolearn: what it puts out, and what to do
    how_to_act_by_graph: str | None = None  # the same of an ONNX graph; None: the same
    torch_code: str | None = None  # the action, from ``brain``, ``weights`` and ``observation``, a line of Python
    torch_law: str | Callable[..., Any] | None = None  # log probability and entropy in torch, see `torch_losses`
    torch_imitation: Any = None  # how it is imitated, an `Imitation` or its "module:name", see `torch_imitation`
    # `choose` for a team at once, see `evolearn.agent.policies.together`; None: life by life
    choose_all: Callable[..., None] | None = None
    slopes: Callable[..., None] | None = None  # SLOPES_TYPE, `deltas` for a window at once; None: step by step
    slopes_scratch: Callable[[int], int] = lambda outputs: 0  # floats that `slopes` needs, for the length of a row


@compiled
def policy_weight(ratio: float, advantage: float, clip: float) -> float:
    """Derivative of PPO's clipped objective by the log probability of the action taken; 0 where the clip holds.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms", eq. 7.
    """
    if advantage > 0.0 and ratio > 1.0 + clip:
        return 0.0
    if advantage < 0.0 and ratio < 1.0 - clip:
        return 0.0
    return ratio * advantage


@inlined
def policy_weights(ratio: Any, advantage: Any, clip: Any) -> Any:
    """`policy_weight` of sixteen steps; `clip` is a float32."""
    weight = ratio * advantage
    above = select(advantage > _ZERO, select(ratio > _ONE + clip, _ZERO, weight), weight)
    return select(advantage < _ZERO, select(ratio < _ONE - clip, _ZERO, weight), above)


@compiled
def no_deltas(output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any) -> None:
    """Of policies that no policy gradient teaches."""


@inlined
def slopes_by_steps(
    deltas: Any,
    window: Window,
    epoch: int,
    advantages: Any,
    returns: Any,
    old: Any,
    clip: float,
    bonus: float,
    value_weight: float,
    slopes: Any,
    scratch: Any,
) -> None:
    """Derivative of an actor-critic's mean loss over a window by the outputs, step by step.

    The loss of a step is ``-min(ratio A, clip(ratio) A) + value_weight (V - R)^2 / 2 - bonus H``. What a policy brings
    of its own for a window at once, `Policy.slopes`, takes the same and gives the same.

    Args:
        deltas: the policy's.
        window: actions, and outputs of rows 0 .. N - 1, are read.
        epoch: 0 when a window is first learned from.
        advantages: float32 [N].
        returns: float32 [N].
        old: float32 [N], log probabilities of the actions when they were taken: written in epoch 0, read later.
        clip: largest change of a probability ratio from 1.
        bonus: weight of the entropy.
        value_weight: weight of the value's error.
        slopes: float32 [N, outputs], written.
        scratch: float32 [`Policy.slopes_scratch`], overwritten; not used here.
    """
    rows, width = slopes.shape
    actions = window.actions.shape[1]
    share = np.float32(1.0 / rows)
    weight = np.float32(value_weight)
    for row in range(rows):
        output = vector(window.outputs, row * width, width)
        slope = vector(slopes, row * width, width)
        if epoch == 0:
            old[row] = np.nan
        action = vector(window.actions, row * actions, actions)
        deltas(output, action, advantages[row], vector(old, row, 1), clip, bonus, slope)
        slope[width - 1] = weight * (output[width - 1] - returns[row])
        for k in range(width):
            slope[k] *= share

"""Surgery: a life is operated on once, at an age, and what was removed may be held so.

An operation says of every weight what it is afterwards:

    new[i] = factor[i] * old[source[i]] + added_factor[i] * old[added_source[i]] + constant[i]

which covers weights set to zero, permuted, exchanged or replaced by given numbers, and an observation replaced by its
mean: its weights are zero, and the bias of every unit that read it takes up mean * weight.

Of the state that a trunk carries from step to step it says from where every number is read from then on: from another
number's place, or from nowhere, which is 0. That holds for every thought. Where any number is read from elsewhere,
learning takes what comes in as given: no gradient passes through it from one step to the one before.
Drive weights and innate value are given new numbers.
`evolearn.inspection._operations` builds operations. The optimiser's memory and the window under way are left as they
are: steps before the operation are learned from with the weights after it, unless a learning update comes right before
it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types

from evolearn.genome import Newborns
from evolearn.life.records import copy
from evolearn.numerics import within


class Surgeries(NamedTuple):
    """What newborns are operated on by: one row per newborn, or no rows for no surgery.

    P newborns, W weights, D drive weights.
    """

    factor: Any  # float32 [P, W]
    source: Any  # int64 [P, W], 0 .. W - 1
    added_factor: Any  # float32 [P, W]
    added_source: Any  # int64 [P, W], 0 .. W - 1
    constant: Any  # float32 [P, W]
    # uint8 [P, W]: 1 for a weight that does not change any more. Its gradient still counts in the gradient's norm, and
    # within an update of several epochs it moves; at the end of every update it is put back.
    held: Any
    drives: Any  # float32 [P, D], drive weights from then on, NaN: as it was born with; or [P, 0], all as born with
    # int64 [P, S], for each number of the carried state the place from where it is read, 0 .. S - 1, its own for no
    # change, or NOWHERE; or [P, 0], all as they are.
    recalled: Any
    value: Any  # float32 [P, V], numbers of innate value from then on, NaN: as it was born with; or [P, 0], all are

    def rows(self, which: Any) -> Surgeries:
        """Some of them: a slice or indices of newborns; copies."""
        return Surgeries(*(array[which].copy() for array in self))

    def of_lives(self, genomes: Any) -> Surgeries:
        """Those for the newborns that `Newborns.of_lives` gives for the same genomes; none of none."""
        return self.rows(np.unique(genomes)) if len(self.factor) else self


NOWHERE = -1  # from where a number of the state is read that is held at 0

_F2, _I2 = types.float32[:, ::1], types.int64[:, ::1]
SURGERIES_TYPE = types.NamedTuple((_F2, _I2, _F2, _I2, _F2, types.uint8[:, ::1], _F2, _I2, _F2), Surgeries)
_DTYPES = Surgeries(np.float32, np.int64, np.float32, np.int64, np.float32, np.uint8, np.float32, np.int64, np.float32)

NO_SURGERIES = Surgeries(*(np.zeros((0, 0), dtype) for dtype in _DTYPES))


def check_surgeries(surgeries: Surgeries, newborns: Newborns, operate_at: int | None, lifetime: int) -> None:
    """Make sure that surgeries fit newborns and plan: compiled code would read beyond the weights.

    Args:
        surgeries: to be checked.
        newborns: to be operated on.
        operate_at: age, world steps; None: never.
        lifetime: world steps.
    Raises:
        ValueError: they do not fit; says what is wrong and what to do.
    """
    rows = len(surgeries.factor)
    if operate_at is None:
        if rows:
            raise ValueError(f"plan.operate_at=None, with {rows} surgeries: must be an age in world steps")
        return
    if not rows:
        raise ValueError(f"plan.operate_at={operate_at}: give surgeries, one row per newborn, or leave it None")
    if not 0 <= operate_at < lifetime:
        raise ValueError(f"plan.operate_at={operate_at}: must be 0 .. {lifetime - 1}, within the lifetime")
    shape = newborns.weights.shape
    for name, array, dtype in zip(Surgeries._fields, surgeries, _DTYPES, strict=True):
        fitting: tuple[tuple[int, ...], ...] = (shape,)
        if name in ("drives", "value"):
            fitting = ((shape[0], 0), getattr(newborns, name).shape)
        if name == "recalled":  # how many there are is the brain's: see `check_recall`
            fitting = ((shape[0], 0), (shape[0], array.shape[-1]))
        if array.dtype != dtype or array.shape not in fitting or not array.flags.carray:
            raise ValueError(
                f"surgeries.{name}: {array.dtype} {list(array.shape)}: must be {np.dtype(dtype)} {list(fitting[-1])}, "
                "contiguous and writeable; evolearn.inspection._operations makes such"
            )
    for name in ("source", "added_source"):
        array = getattr(surgeries, name)
        if array.min() < 0 or array.max() >= shape[1]:
            raise ValueError(f"surgeries.{name}: {array.min()} .. {array.max()}: must be within 0 .. {shape[1] - 1}")
    if surgeries.recalled.size:
        array, most = surgeries.recalled, surgeries.recalled.shape[1] - 1
        if array.min() < NOWHERE or array.max() > most:
            raise ValueError(
                f"surgeries.recalled: {array.min()} .. {array.max()}: must be within 0 .. {most}, or {NOWHERE} for "
                "what is held at 0"
            )


def check_recall(surgeries: Surgeries, states: int) -> None:
    """Make sure that what surgeries say of a carried state is of as many numbers as the brain's.

    Args:
        surgeries: to be checked.
        states: numbers that the brain's trunk carries from step to step, without the link.
    Raises:
        ValueError: they say something of more or fewer.
    """
    told = surgeries.recalled.shape[1]
    if told not in (0, states):
        remedy = f"{states} numbers, or none to leave it as it is" if states else "none: this brain carries no state"
        raise ValueError(f"surgeries.recalled: {told} numbers of a carried state: must be {remedy}")


@within
def note_recall(surgeries: Surgeries, genome: int, recalled: Any) -> int:
    """Note from where one life reads the numbers of its state from now on.

    Args:
        surgeries: see Surgeries.
        genome: row of it.
        recalled: int64 [S], written.
    Returns:
        How many are read from elsewhere, or from nowhere.
    """
    count = 0
    for i in range(recalled.size):
        recalled[i] = surgeries.recalled[genome, i]
        count += recalled[i] != i
    return count


@within
def operate(
    surgeries: Surgeries, genome: int, weights: Any, drive_weights: Any, value: Any, operated: Any, held: Any
) -> int:
    """Operate on one life: change what it was born with, and note which weights are to be held, and at what.

    Args:
        surgeries: see Surgeries.
        genome: row of it.
        weights: float32 [W], changed.
        drive_weights: float32 [D], changed.
        value: float32 [V], changed.
        operated: float32 [W], written: the weights right after.
        held: uint8 [W], written: which of them are to be held.
    Returns:
        How many weights are to be held.
    """
    copy(weights, operated)
    count = 0
    for i in range(weights.size):
        new = np.float64(0.0)
        # What has no part is left out: a weight that is not finite times zero would not be zero.
        if surgeries.factor[genome, i] != 0.0:
            new = np.float64(surgeries.factor[genome, i]) * np.float64(operated[surgeries.source[genome, i]])
        if surgeries.added_factor[genome, i] != 0.0:
            source = surgeries.added_source[genome, i]
            new += np.float64(surgeries.added_factor[genome, i]) * np.float64(operated[source])
        if surgeries.constant[genome, i] != 0.0:
            new += np.float64(surgeries.constant[genome, i])
        weights[i] = new
        held[i] = surgeries.held[genome, i]
        count += surgeries.held[genome, i] != 0
    copy(weights, operated)
    for i in range(surgeries.drives.shape[1]):
        if not math.isnan(surgeries.drives[genome, i]):
            drive_weights[i] = surgeries.drives[genome, i]
    for i in range(surgeries.value.shape[1]):
        if not math.isnan(surgeries.value[genome, i]):
            value[i] = surgeries.value[genome, i]
    return count


@within
def put_back(held: Any, operated: Any, weights: Any) -> None:
    """Give weights that are held the values that they had right after the operation.

    Args:
        held: uint8 [W], which.
        operated: float32 [W], weights right after the operation.
        weights: float32 [W], changed.
    """
    for i in range(weights.size):
        if held[i] != 0:
            weights[i] = operated[i]

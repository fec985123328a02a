"""Growth: weights and a learning rate that change with age, whatever is lived, by timetables that evolution writes.

A weight at an age is ``young + s (old - young)``, and what was learned comes on top. Young is what it was born with,
old is a gene beside it, and s = 1 / (1 + exp(-(age - onset) / width)): a timetable can turn a sign, which a gain alone
cannot. There are genes for young and old, and not for a change, since searches move genes one by one: what is good when
young can be found without spoiling what is good when old. Weights that read the same sense, a number that the brain is
told, share a timetable of that sense; all others share one of their layer or head. The learning rate is
``young (1 + s (late - 1))`` by a timetable of its own: a critical period that closes, or opens. The weights of a
prediction head do not grow.

Onsets and widths are shares of a life of so many steps, see `evolearn.life.Conditions.grown_life`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evolearn.agent.trunks.dense import tanh
from evolearn.numerics import inlined_within

if TYPE_CHECKING:
    from evolearn.agent.brain import BrainSpec

GROWN_WEIGHTS, GROWN_RATE = "weights", "rate"  # what may grow, see `evolearn.agent.BrainSpec.growth`

_HALF, _ONE = np.float32(0.5), np.float32(1.0)


def timetable_names(brain: BrainSpec) -> tuple[str, ...]:
    """A name for each timetable of weights: ``sense 0`` for what the brain is told first, then layers and heads.

    Raises:
        ValueError: the brain's first block of weights has no row for each number that it is told.
    """
    return _timetables(brain)[0]


def timetables(brain: BrainSpec) -> npt.NDArray[np.int64]:
    """Which timetable each weight but a prediction head's follows, [thinking weights].

    Raises:
        ValueError: see `timetable_names`.
    """
    return _timetables(brain)[1]


def _timetables(brain: BrainSpec) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    tensors = brain.thinking.tensors
    first = tensors[0]
    if brain.hidden and (len(first.shape) != 2 or first.shape[0] != brain.told):
        raise ValueError(
            f"trunk {brain.trunk!r}: its first weights are {list(first.shape)}: must be [{brain.told}, ..], a row for "
            "each number that it is told, for senses to grow; leave growth out, or choose another trunk"
        )
    names = [f"sense {place}" for place in range(brain.told)]
    parts = []
    for tensor in tensors:
        senses = np.arange(brain.told)
        if brain.hidden and tensor is first:
            parts.append(np.repeat(senses, first.shape[1]))
        elif not brain.hidden and tensor.name.endswith(".weight"):  # of heads that read what the brain is told
            parts.append(np.tile(senses, tensor.shape[0]))
        else:
            layer = tensor.name.partition(".")[0]
            if layer not in names:
                names.append(layer)
            parts.append(np.full(tensor.size, names.index(layer)))
    return tuple(names), np.concatenate(parts).astype(np.int64)


@inlined_within
def grown_share(age: Any, onset: Any, width: Any) -> Any:
    """How far something has grown at an age, 0 .. 1: the logistic function of (age - onset) / width.

    Args:
        age: float32, of any unit, as the next two.
        onset: float32, at which it is half grown.
        width: float32, > 0.
    """
    return _HALF + _HALF * tanh(_HALF * (age - onset) / width)


@inlined_within
def grow_weights(
    weights: Any,
    timetables: Any,
    extent: Any,
    young: Any,
    old: Any,
    onsets: Any,
    widths: Any,
    grown: Any,
    moves: Any,
    age: Any,
) -> None:
    """Add to weights what has grown since they grew last.

    Args:
        weights: float32 [at least thinking weights], changed.
        timetables: int64 [thinking weights], see `timetables`.
        extent: float32, 1; 0 for a brain that does not grow.
        young: float32 [at least thinking weights], with which it was born.
        old: float32 [thinking weights].
        onsets: float32 [K], shares of a life.
        widths: float32 [K], likewise.
        grown: float32 [K], how far each had grown then, 0 at birth; overwritten.
        moves: float32 [K], overwritten.
        age: float32, share of a life.
    """
    any_moves = False
    for k in range(grown.size):
        share = grown_share(age, onsets[k], widths[k])
        moves[k] = share - grown[k]
        grown[k] = share
        any_moves = any_moves or moves[k] != np.float32(0.0)
    if any_moves:
        for i in range(timetables.size):
            weights[i] += extent * moves[timetables[i]] * (old[i] - young[i])


@inlined_within
def grown_rate(young: Any, late: Any, onset: Any, width: Any, age: Any) -> Any:
    """The learning rate at an age.

    Args:
        young: float32, at birth.
        late: float32, how many times as much it comes to.
        onset: float32, share of a life.
        width: float32, likewise.
        age: float32, likewise.
    """
    return young * (_ONE + grown_share(age, onset, width) * (late - _ONE))

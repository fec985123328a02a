"""Operations for lesions: what is cut, what is put in its place, and a sham of equal size. See `evolearn.life.surgery`.

Each builder gives one row of `Surgeries`; `stack_surgeries` makes one record of many. Whatever is done is one of HOWS:
the weights are set to zero, to a mean, or permuted among each other. Drive weights stay as the newborn has them unless
the lesion is one of a drive, and the carried state unless it is one of the memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec
from evolearn.life import NOWHERE, Surgeries, states_of

ZERO, MEAN, PERMUTED = "zero", "mean", "permuted"
NOISE = "noise"  # of the innate value alone
HOWS = (ZERO, MEAN, PERMUTED)
LOG_STDEV = "policy.log_stdev"
CRITIC = ("value.weight", "value.bias")
PREDICTION = ("prediction.weight", "prediction.bias")

Places = npt.NDArray[np.int64]  # in the flat weight vector
NO_PLACES: Places = np.zeros(0, np.int64)


def places(brain: BrainSpec) -> dict[str, Places]:
    """Where each tensor's entries are in the flat weight vector, in the tensor's shape."""
    found, start = {}, 0
    for tensor in brain.tensors:
        found[tensor.name] = np.arange(start, start + tensor.size, dtype=np.int64).reshape(tensor.shape)
        start += tensor.size
    return found


def intact(brain: BrainSpec) -> Surgeries:
    """The operation that changes nothing."""
    size = brain.weights
    return Surgeries(
        factor=np.ones((1, size), np.float32),
        source=np.arange(size, dtype=np.int64)[None].copy(),
        added_factor=np.zeros((1, size), np.float32),
        added_source=np.arange(size, dtype=np.int64)[None].copy(),
        constant=np.zeros((1, size), np.float32),
        held=np.zeros((1, size), np.uint8),
        drives=np.zeros((1, 0), np.float32),
        recalled=np.zeros((1, 0), np.int64),
        value=np.zeros((1, 0), np.float32),
    )


def stack_surgeries(surgeries: Sequence[Surgeries]) -> Surgeries:
    """One record of several, in their order; what one leaves alone, drive weights and the like, it does beside others.

    Raises:
        ValueError: none are given.
    """
    if not surgeries:
        raise ValueError("surgeries: none are given; must be one or more, use NO_SURGERIES for lives without")
    drives = max(one.drives.shape[1] for one in surgeries)
    states = max(one.recalled.shape[1] for one in surgeries)
    values = max(one.value.shape[1] for one in surgeries)
    padded = [
        one._replace(
            drives=_padded(one.drives, drives),
            recalled=_recalled(one.recalled, states),
            value=_padded(one.value, values),
        )
        for one in surgeries
    ]
    return Surgeries(*(np.concatenate(arrays) for arrays in zip(*padded, strict=True)))


def lesion_of_observation(
    brain: BrainSpec,
    observation: int,
    how: str,
    mean: float = 0.0,
    rng: np.random.Generator | None = None,
    held: bool = False,
) -> Surgeries:
    """Cut off an observation: change the weights by which the brain reads it.

    Those are its weights in the first layer, or in all heads where there is no layer; where the heads read a product
    with the world's observations, the weights of that too.

    Args:
        brain: to be operated on.
        observation: which of all that the brain is told, 0 .. I - 1; the world's observations are the first.
        how: zero: the brain as if it were always 0; mean: as if it were always `mean`, which the biases take up;
            permuted: its weights exchanged at random among the units that read it, block by block.
        mean: of the observation, in its own unit; used for mean only.
        rng: draws the permutation; used for permuted only.
        held: the weights that read it learn no more; biases that took up its mean go on learning.
    Raises:
        ValueError: an observation, way or mean out of range, no rng to permute by, a trunk of which nobody knows how
            it reads, or the mean of what is in a product, which no bias can take up.
    """
    if not 0 <= observation < brain.told:
        raise ValueError(f"observation={observation}: must be 0 .. {brain.told - 1}")
    if not np.isfinite(mean):
        raise ValueError(f"mean={mean}: must be finite")
    weights, biases = _readers(brain, observation)
    factors = weights_of_product(brain, observation)
    surgery = intact(brain)
    _check_how(how)
    if how == MEAN and len(factors):
        raise ValueError(f"how={how!r}: must be zero or permuted for observation {observation}, which is in a product")
    for block in (weights, factors):
        if how == PERMUTED:
            surgery.source[0, block] = _generator(rng).permutation(block)
        else:
            surgery.factor[0, block] = 0.0
        surgery.held[0, block] = held
    if how == MEAN:
        surgery.added_factor[0, biases] = mean
        surgery.added_source[0, biases] = weights
    return surgery


def lesion_of_layer(
    brain: BrainSpec,
    names: str | Sequence[str],
    how: str,
    weights: npt.NDArray[np.floating] | None = None,
    rng: np.random.Generator | None = None,
    held: bool = False,
) -> Surgeries:
    """Change a whole layer, or any tensors of the brain: ``("hidden1.weight", "hidden1.bias")``.

    Args:
        brain: to be operated on.
        names: of one or more tensors, see `BrainSpec.tensors`.
        how: zero; mean: every entry becomes the mean of its tensor; permuted: within each tensor.
        weights: float [W], whose means are taken; used for mean only.
        rng: draws the permutations; used for permuted only.
        held: the tensors learn no more.
    Raises:
        ValueError: an unknown name or way, or what the way needs is missing.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    found = places(brain)
    unknown = [name for name in names if name not in found]
    if unknown or not names:
        raise ValueError(f"names={list(names)}: must be one or more of {', '.join(found)}")
    _check_how(how)
    surgery = intact(brain)
    for name in names:
        block = found[name].reshape(-1)
        if how == PERMUTED:
            surgery.source[0, block] = _generator(rng).permutation(block)
        else:
            surgery.factor[0, block] = 0.0
        if how == MEAN:
            surgery.constant[0, block] = np.mean(_weights_of(brain, weights)[block], dtype=np.float64)
        surgery.held[0, block] = held
    return surgery


def lesion_of_critic(
    brain: BrainSpec,
    how: str,
    weights: npt.NDArray[np.floating] | None = None,
    rng: np.random.Generator | None = None,
    held: bool = False,
) -> Surgeries:
    """Change the value head, weights and bias; see `lesion_of_layer`. At birth the policy acts as before."""
    return lesion_of_layer(brain, CRITIC, how, weights, rng, held)


def lesion_of_drive(
    brain: BrainSpec,
    drive_weights: npt.NDArray[np.floating],
    drive: int,
    how: str,
    rng: np.random.Generator | None = None,
) -> Surgeries:
    """Change what one drive is worth to the learner; the brain stays as it is.

    Args:
        brain: of the newborn.
        drive_weights: float [D], the newborn's.
        drive: which, 0 .. D - 1.
        how: zero: it is worth nothing; mean: what drives are worth on average; permuted: it changes places with
            another drive, drawn at random.
        rng: draws the other drive; used for permuted only.
    Raises:
        ValueError: a drive or way out of range, no rng, or no other drive to change places with.
    """
    count = len(drive_weights)
    if not 0 <= drive < count:
        raise ValueError(f"drive={drive}: must be 0 .. {count - 1}")
    _check_how(how)
    changed = np.array(drive_weights, np.float32)
    if how == PERMUTED:
        if count < 2:
            raise ValueError("drive=0: is the only one, none to change places with; use how='zero'")
        other = (drive + 1 + int(_generator(rng).integers(count - 1))) % count
        changed[[drive, other]] = changed[[other, drive]]
    else:
        changed[drive] = 0.0 if how == ZERO else np.mean(drive_weights)
    return intact(brain)._replace(drives=changed[None].copy())


def lesion_of_value(
    brain: BrainSpec, own: npt.NDArray[np.floating], how: str, rng: np.random.Generator | None = None
) -> Surgeries:
    """Change the innate value; the brain stays as it is.

    Args:
        brain: of the newborn.
        own: float [V], the newborn's numbers of it; those that are to stay may be left out at the end.
        how: zero: all that is seen is worth the same, nothing; noise: normal numbers are added to it, of its own norm;
            permuted: its numbers change places.
        rng: draws noise and permutation.
    Raises:
        ValueError: another way, or no rng.
    """
    if how == ZERO:
        changed = np.zeros(len(own))
    elif how == NOISE:
        changed = own + _noise(len(own), float(np.linalg.norm(own)), _generator(rng))
    elif how == PERMUTED:
        changed = _generator(rng).permutation(own)
    else:
        raise ValueError(f"how={how!r}: must be {ZERO}, {NOISE} or {PERMUTED}")
    return intact(brain)._replace(value=np.array([changed], np.float32))


def sham_of_value(
    brain: BrainSpec, own: npt.NDArray[np.floating], how: str, rng: np.random.Generator, held: bool = False
) -> Surgeries:
    """What `lesion_of_value` does, done to as many weights of the brain, drawn at random; or to all, if it has fewer.

    Args:
        brain: to be operated on; log standard deviations have no part.
        own: float [V], the numbers that a lesion of value changes.
        how: zero; noise: of the norm of `own`; permuted: the weights change places.
        rng: draws the weights, and what is done to them.
        held: the weights learn no more.
    """
    eligible = np.concatenate([block.reshape(-1) for name, block in places(brain).items() if name != LOG_STDEV])
    block = rng.choice(eligible, min(len(own), len(eligible)), replace=False)
    surgery = intact(brain)
    if how == ZERO:
        surgery.factor[0, block] = 0.0
    elif how == NOISE:
        surgery.constant[0, block] = _noise(len(block), float(np.linalg.norm(own)), rng)
    else:
        surgery.source[0, block] = rng.permutation(block)
    surgery.held[0, block] = held
    return surgery


def _noise(size: int, norm: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    drawn = rng.standard_normal(size)
    return np.asarray(drawn * (norm / float(np.linalg.norm(drawn))))


def lesion_of_memory(brain: BrainSpec) -> Surgeries:
    """Hold the state that a brain carries at zero before every thought, so that it thinks as in its first step.

    Args:
        brain: to be operated on.
    Raises:
        ValueError: a brain that carries no state.
    """
    return intact(brain)._replace(recalled=np.full((1, _states_of(brain)), NOWHERE, np.int64))


def shams_of_memory(brain: BrainSpec, count: int, rng: np.random.Generator) -> list[Surgeries]:
    """As much is carried as ever, but in the wrong places: before every thought units are read from each other's.

    Each sham is one exchange within layers, the same before every thought. Nothing that was remembered is removed, and
    numbers as many and as large as ever come in; the brain is only as little used to them as to zeros.

    Args:
        brain: to be operated on.
        count: shams; fewer where there are no more exchanges, none where no layer has two units.
        rng: draws the exchanges.
    Raises:
        ValueError: a brain that carries no state.
    """
    states = _states_of(brain)
    count = min(count, math.prod(math.factorial(units) for units in brain.hidden) - 1)
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        layers, start = [], 0
        for units in brain.hidden:
            layers.append(start + rng.permutation(units))
            start += units
        exchange = tuple(np.concatenate(layers).tolist())
        if exchange != tuple(range(states)):
            found[exchange] = None
    return [intact(brain)._replace(recalled=np.array([exchange], np.int64)) for exchange in found]


def _states_of(brain: BrainSpec) -> int:
    states = states_of(brain)
    if not states:
        raise ValueError(f"trunk {brain.trunk!r}: must carry a state from step to step, this one has no memory to lose")
    return states


def sham(operation: Surgeries, brain: BrainSpec, rng: np.random.Generator, alike: bool = False) -> Surgeries:
    """The same operation on as many weights drawn at random from the whole brain.

    Every weight that the operation changes, or reads for another, gets a stand-in, all different; then the same is done
    among the stand-ins: as many set to zero, permuted among each other, added to others by the same factor, held. Log
    standard deviations have no part, nor has a prediction head in a sham of what is none of its own. Stand-ins may
    be among the weights of the true operation. Drive weights stay.

    Args:
        operation: one row.
        brain: to be operated on.
        rng: draws the stand-ins.
        alike: those for weights of the critic are drawn from the critic, those for weights of the prediction head
            from that, all others from what the policy reads, trunk and policy head: weights that the policy never
            reads are no match for some that it does.
    Raises:
        ValueError: more than one row, or an operation on more weights than there are stand-ins for.
    """
    if len(operation.factor) != 1:
        raise ValueError(f"operation: has {len(operation.factor)} rows, must be one; see Surgeries.rows")
    found = places(brain)
    eligible = np.concatenate([block.reshape(-1) for name, block in found.items() if name != LOG_STDEV])
    touched = changed_weights(operation)
    read = np.concatenate([operation.source[0, touched], operation.added_source[0, touched]])
    involved = np.union1d(touched, read)
    predicts = np.concatenate([found[name].reshape(-1) for name in PREDICTION if name in found] + [NO_PLACES])
    if not np.isin(involved, predicts).any():
        eligible = np.setdiff1d(eligible, predicts)
    stand_in = np.arange(brain.weights)
    if alike:
        kinds = np.zeros(brain.weights, np.int64)
        kinds[predicts] = 2
        for name in CRITIC:
            kinds[found[name]] = 1
        for kind in (1, 2, 0) if len(predicts) else (1, 0):
            some = involved[kinds[involved] == kind]
            stand_in[some] = rng.choice(eligible[kinds[eligible] == kind], len(some), replace=False)
    elif len(involved) > len(eligible):
        raise ValueError(
            f"operation: has to do with {len(involved)} weights, a sham has {len(eligible)} to draw from, all but "
            f"{LOG_STDEV}; leave that out of the operation"
        )
    else:
        stand_in[involved] = rng.choice(eligible, len(involved), replace=False)
    surgery = intact(brain)
    for name in ("factor", "added_factor", "constant", "held"):
        getattr(surgery, name)[0, stand_in[touched]] = getattr(operation, name)[0, touched]
    for name in ("source", "added_source"):
        getattr(surgery, name)[0, stand_in[touched]] = stand_in[getattr(operation, name)[0, touched]]
    return surgery


def changed_weights(operation: Surgeries) -> Places:
    """Places of the weights that an operation of one row changes or holds; a permuted one may stay where it is."""
    here = np.arange(operation.factor.shape[1])
    is_intact = (operation.factor[0] == 1.0) & (operation.source[0] == here) & (operation.added_factor[0] == 0.0)
    return np.flatnonzero(~is_intact | (operation.constant[0] != 0.0) | (operation.held[0] != 0))


def lost_weights(operation: Surgeries) -> Places:
    """Places of the weights that an operation of one row sets to something else; not of those it only adds to."""
    changed = changed_weights(operation)
    return changed[operation.added_factor[0, changed] == 0.0]


def norm_of_change(
    operation: Surgeries, weights: npt.NDArray[np.floating], value: npt.NDArray[np.floating] | None = None
) -> float:
    """Root of the summed squares by which an operation of one row changes weights [W] and innate value [V]."""
    one, before = operation, np.asarray(weights, np.float64)
    after = one.factor[0] * before[one.source[0]] + one.added_factor[0] * before[one.added_source[0]]
    changes = np.asarray(after + one.constant[0] - before)
    if value is not None and one.value.size:
        changes = np.append(changes, np.nan_to_num(one.value[0, : len(value)] - np.asarray(value, np.float64)))
    return float(np.linalg.norm(changes))


def reading_weights(brain: BrainSpec) -> Places | None:
    """Where the weights are by which the first layer, or without layers the policy, reads what the brain is told.

    Returns:
        [I, ..], a row for each number that it is told; None of a trunk whose layers are neither dense nor gated.
    """
    found = places(brain)
    if not brain.hidden:
        return found["policy.weight"].T
    return found.get("hidden1.weight", found.get("hidden1.inputs.weight"))


def weights_of_product(brain: BrainSpec, observation: int) -> Places:
    """Where the weights are by which the heads read an observation in a product; none where they do not."""
    found = places(brain)
    if "readout.weight" not in found or observation >= brain.observations:
        return np.zeros(0, np.int64)
    return found["readout.weight"][observation]


def _readers(brain: BrainSpec, observation: int) -> tuple[Places, Places]:
    """The weights that read an observation, and the bias of the unit of each."""
    found = places(brain)
    if brain.hidden:
        first = reading_weights(brain)
        if first is None:
            raise ValueError(f"trunk {brain.trunk!r}: must have dense or gated layers to cut off an observation")
        gates = ("candidate", "reset", "update")  # in the order of the weights
        biases = [
            found[name] for name in ("hidden1.bias", *(f"hidden1.{gate}.bias" for gate in gates)) if name in found
        ]
        return first[observation], np.concatenate(biases)
    heads = [head for head in ("policy", "value", "prediction") if f"{head}.weight" in found]
    weights = np.concatenate([found[f"{head}.weight"][..., observation].reshape(-1) for head in heads])
    return weights, np.concatenate([found[f"{head}.bias"].reshape(-1) for head in heads])


def _check_how(how: str) -> None:
    if how not in HOWS:
        raise ValueError(f"how={how!r}: must be one of {', '.join(HOWS)}")


def _generator(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ValueError("rng=None: how='permuted' needs a generator, numpy.random.default_rng(seed)")
    return rng


def _weights_of(brain: BrainSpec, weights: npt.NDArray[np.floating] | None) -> npt.NDArray[Any]:
    if weights is None or weights.shape != (brain.weights,):
        shape = None if weights is None else list(weights.shape)
        raise ValueError(f"weights of shape {shape}: how='mean' needs the newborn's, [{brain.weights}]")
    return weights


def _recalled(recalled: Places, states: int) -> Places:
    """Where nothing is said of the state, that it is read as it is."""
    if recalled.shape[1] == states:
        return recalled
    return np.tile(np.arange(states, dtype=np.int64), (len(recalled), 1))


def _padded(drives: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    missing = size - drives.shape[1]
    return np.pad(drives, ((0, 0), (0, missing)), constant_values=np.nan) if missing else drives

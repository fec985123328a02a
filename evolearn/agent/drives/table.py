"""Generic intrinsic rewards: drives that need nothing but observations and actions, so that any world has them.

A new drive is a function here, or in a file of its own, and a row of DRIVES; or a user's own file.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import types

from evolearn.agent.drives.centring import CENTRING_MEMORY, LARGEST, MEAN, NONE, less_its_mean
from evolearn.agent.drives.foreseeing import PROGRESS_MEMORY, empowerment, empowerment_memory, progress, surprise
from evolearn.agent.drives.novelty import PLACES, novelty
from evolearn.agent.plugging import does_not_compile, plain
from evolearn.numerics import (
    COMPILES,
    adapter,
    compiled,
    is_ours,
    plug,
    source_fingerprint,
    specialised,
    world_code_within,
)
from evolearn.plugins import Kind, find

_FLOATS = types.float32[::1]
# memory, observation, action, next observation, what had been foreseen, control (see Drive), drives (written)
FEEL_TYPE = types.void(_FLOATS, _FLOATS, _FLOATS, _FLOATS, _FLOATS, types.float32[:, ::1], _FLOATS)


@dataclasses.dataclass(frozen=True)
class Drive:
    """A row of DRIVES."""

    doc: str
    # (memory, observation, action, observation_next) -> float; of a drive that reads the prediction head
    # (memory, foreseen, control, observation_next), see `evolearn.agent.drives.foreseeing`
    feel: Callable[..., Any]
    # Floats kept through a life, zero at birth, for so many observations and numbers of an action; of a drive that
    # reads the prediction head, for so many observations and columns of control.
    memory: Callable[[int, int], int] = lambda observations, actions: 0
    explores: bool = False  # never below 0, and wanted for what it falls from: felt centred, see `drives.centring`
    largest: float | None = None  # that it can be, of a drive that explores; None: there is no such bound
    reads_prediction: bool = False  # what the brain's prediction head had foreseen of the step
    reads_control: bool = False  # and how that depends on the action; without, control has no columns


@compiled
def effort(memory: Any, observation: Any, action: Any, observation_next: Any) -> Any:
    """Mean squared action, commands beyond -1 .. 1 counted as the limit; weigh it negatively to save energy.

    Source: the quadratic control cost of Todorov and Jordan 2002, eq. 1, in its simplest form.
    """
    total = 0.0
    for i in range(action.size):
        command = min(max(action[i], -1.0), 1.0)
        total += command * command
    return total / action.size


@compiled
def constant(memory: Any, observation: Any, action: Any, observation_next: Any) -> Any:
    """1 in every step: weighed negatively a cost of time, positively a reason to go on living.

    Source: the step cost of Sutton and Barto 2018, section 3.2, whose -1 per step makes an agent escape a maze soon.
    """
    return 1.0


@compiled
def change(memory: Any, observation: Any, action: Any, observation_next: Any) -> Any:
    """Root mean squared change of the observations in this step: how much happens.

    Source: the information-gain-free limit of the surprise bonuses of Schmidhuber 1991, with "no change" as model.
    """
    total = 0.0
    for i in range(observation.size):
        difference = observation_next[i] - observation[i]
        total += difference * difference
    return np.sqrt(total / observation.size)


@compiled
def linear_surprise(memory: Any, observation: Any, action: Any, observation_next: Any) -> Any:
    """Error of a linear model of the next change, learned in life: squared, and bounded by 1 through e / (1 + e).

    The memory is the model, one row per observation: weights of all observations and actions, and a bias. It learns
    by normalised least mean squares with step 0.05.
    Source: Schmidhuber 1991, prediction error as reward; Widrow and Hoff 1960 in normalised form for the model.
    """
    observations = observation.size
    actions = action.size
    width = observations + actions + 1
    power = 1.0
    for i in range(observations):
        power += observation[i] * observation[i]
    for i in range(actions):
        power += action[i] * action[i]
    total = 0.0
    for target in range(observations):
        at = target * width
        predicted = memory[at + width - 1]
        for i in range(observations):
            predicted += memory[at + i] * observation[i]
        for i in range(actions):
            predicted += memory[at + observations + i] * action[i]
        error = observation_next[target] - observation[target] - predicted
        total += error * error
        rate = 0.05 * error / power
        for i in range(observations):
            memory[at + i] += rate * observation[i]
        for i in range(actions):
            memory[at + observations + i] += rate * action[i]
        memory[at + width - 1] += rate
    mean = total / observations
    return mean / (1.0 + mean)


DRIVES = {
    "effort": Drive("mean squared action", effort),
    "constant": Drive("1 in every step", constant),
    "change": Drive("root mean squared change of the observations", change, explores=True),
    "linear_surprise": Drive(
        "error of a linear model of the world learned in life",
        linear_surprise,
        lambda observations, actions: observations * (observations + actions + 1),
        explores=True,
        largest=1.0,
    ),
    "novelty": Drive(
        "1 / sqrt(n) at the n-th visit in life",
        novelty,
        lambda observations, actions: PLACES,
        explores=True,
        largest=1.0,
    ),
    "surprise": Drive(
        "error of the brain's prediction head",
        surprise,
        explores=True,
        largest=1.0,
        reads_prediction=True,
    ),
    "progress": Drive(
        "how fast the error of the brain's prediction head falls",
        progress,
        lambda observations, actions: PROGRESS_MEMORY,
        reads_prediction=True,
    ),
    "empowerment": Drive(
        "how much of what is seen next hangs on what is done, by the brain's prediction head",
        empowerment,
        empowerment_memory,
        explores=True,
        reads_prediction=True,
        reads_control=True,
    ),
}
DRIVE = Kind("drive", "Drive", "evolearn.drives", lambda: Drive, DRIVES)


def find_drive(name: str, asked: str = "") -> Drive:
    """The drive of a name, see `evolearn.plugins.find`."""
    return find(DRIVE, name, asked)


@compiled
def feel_nothing(
    memory: Any, observation: Any, action: Any, observation_next: Any, foreseen: Any, control: Any, drives: Any
) -> None:
    """The generic drives of a brain without any."""


def compose(
    names: Sequence[str], observations: int, action_size: int, centrings: Sequence[str] = (), columns: int = 0
) -> tuple[Callable[..., None], int]:
    """One function that writes the named drives in order, and the floats of memory that it needs.

    Args:
        names: see `find_drive`.
        observations: the world's.
        action_size: length of an action.
        centrings: MEAN, LARGEST or NONE for each name; empty: NONE for all.
        columns: of control, for drives that read the prediction head.
    Returns:
        A function of FEEL_TYPE ready for the kernel, and the size of its memory.
    Raises:
        PartError: one does not compile; the message ends with the compiler's reason.
    """
    rows = [find_drive(name) for name in names]
    joined, end = _NOTHING, 0
    try:
        for place, (drive, centring) in enumerate(zip(rows, centrings or (NONE,) * len(rows), strict=True)):
            start, end = end, end + drive.memory(observations, columns if drive.reads_prediction else action_size)
            joined = _joined(joined, drive, centring, place, start, end, place + 1 == len(rows))
            end += CENTRING_MEMORY if centring == MEAN else 0
    except Exception:
        for name, drive in zip(names, rows, strict=True):
            _check_compiles(drive, "drives.generic", name, "")
        raise
    return joined.feel if rows else plug(feel_nothing, FEEL_TYPE), end


def ready_drive(drive: Drive) -> Callable[..., None]:
    """A drive alone, compiled, as a function of FEEL_TYPE with the drive's own memory."""
    try:
        return _joined(_NOTHING, drive, NONE, 0, 0, sys.maxsize, True).feel
    except Exception:
        _check_compiles(drive, "drive", drive.doc, plain(drive.feel).__name__)
        raise


class _Joined(NamedTuple):
    """Drives that are felt by one call."""

    feel: Callable[..., None]
    label: str  # all that its code depends on
    kept: bool  # on disk; False where that cannot be told


_NOTHING = _Joined(feel_nothing, "", True)


@functools.cache
def _joined(before: _Joined, drive: Drive, centring: str, place: int, start: int, end: int, last: bool) -> _Joined:
    """What is felt before, and behind it a drive, with its memory from `start` to `end`; the last is the kernel's."""
    source = plain(drive.feel)
    feel: Any = drive.feel
    if COMPILES and not hasattr(feel, "py_func"):  # a user's, whose slips are to raise
        feel = world_code_within(feel)
    label: str | None = f"{source.__module__}.{source.__qualname__}"
    if COMPILES and not is_ours(source):
        label = source_fingerprint([source], f"{label} {feel.targetoptions}")
    parts: dict[str, Any] = {
        "of_model": drive.reads_prediction,
        "less_mean": centring == MEAN,
        "less_largest": centring == LARGEST,
        "place": place,
        "start": start,
        "end": end,
        "behind": end + CENTRING_MEMORY,
        "largest": drive.largest,
    }
    described = f"{before.label}\n{label} {parts}"
    kept = before.kept and label is not None
    code = specialised(_and_then, FEEL_TYPE, described, kept, called=last, before=before.feel, drive_code=feel, **parts)
    return _Joined(code, described, kept)


def _check_compiles(drive: Drive, field: str, name: str, function: str) -> None:
    """Say of a drive that does not compile that it does not."""
    feel = plain(drive.feel)
    try:
        memory, observation, action, after, foreseen, control, _ = FEEL_TYPE.args
        read = (foreseen, control) if drive.reads_prediction else (observation, action)
        adapter(feel, types.float64(memory, *read, after))
    except Exception as error:
        raise does_not_compile(field, name, error, function) from error


# Parts, see `_joined`; what none of them asks for is not compiled.
before: Any = None
drive_code: Any = None
of_model = less_mean = less_largest = False
place = start = end = behind = 0
largest = 0.0


def _and_then(memory, observation, action, observation_next, foreseen, control, drives):  # type: ignore[no-untyped-def]
    before(memory, observation, action, observation_next, foreseen, control, drives)
    if of_model:
        felt = drive_code(memory[start:end], foreseen, control, observation_next)
    else:
        felt = drive_code(memory[start:end], observation, action, observation_next)
    if less_mean:
        felt = less_its_mean(memory[end:behind], felt)
    elif less_largest:
        felt = felt - largest
    drives[place] = felt

"""Generic intrinsic rewards: drives that need nothing but observations and actions, so that any world has them.

A new drive is a function here, or in a file of its own, and a row of DRIVES; or a user's own file.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import types

from evolearn.agent.drives.centring import CENTRING_MEMORY, LARGEST, MEAN, NONE, less_its_mean
from evolearn.agent.drives.foreseeing import PROGRESS_MEMORY, empowerment, empowerment_memory, progress, surprise
from evolearn.agent.drives.novelty import PLACES, novelty
from evolearn.agent.plugging import does_not_compile, plain
from evolearn.numerics import COMPILES, adapter, compiled, plug, world_code
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
    composed: Callable[..., None] = feel_nothing
    end = 0
    for place, (name, centring) in enumerate(zip(names, centrings or (NONE,) * len(names), strict=True)):
        drive = find_drive(name)
        feel = _ready(drive)
        start, end = end, end + drive.memory(observations, columns if drive.reads_prediction else action_size)
        if centring == MEAN:
            composed = _joined(_and_then_less_its_mean, composed, feel, place, start, end)
            end += CENTRING_MEMORY
        elif centring == LARGEST:
            composed = _joined(_and_then_less, composed, feel, place, start, end, drive.largest)
        else:
            composed = _joined(_and_then, composed, feel, place, start, end)
    if not names:
        return plug(feel_nothing, FEEL_TYPE), 0
    try:
        return _for_kernel(composed), end
    except Exception:
        for name in names:
            _check_compiles(find_drive(name), "drives.generic", name, "")
        raise


def ready_drive(drive: Drive) -> Callable[..., None]:
    """A drive alone, compiled, as a function of FEEL_TYPE with the drive's own memory."""

    def feel_one(memory, observation, action, observation_next, foreseen, control, drives):  # type: ignore[no-untyped-def]
        drives[0] = feel(memory, observation, action, observation_next, foreseen, control)

    feel = _ready(drive)
    try:
        return adapter(feel_one, FEEL_TYPE)
    except Exception:
        _check_compiles(drive, "drive", drive.doc, plain(drive.feel).__name__)
        raise


# Closures, which are kept on no disk: compiled once in a process, however many worlds and brains feel the same.
@functools.cache
def _joined(join: Callable[..., Any], *parts: Any) -> Any:
    return adapter(join(*parts))


@functools.cache
def _for_kernel(composed: Any) -> Any:
    return adapter(getattr(composed, "py_func", composed), FEEL_TYPE)


@functools.cache
def _ready(drive: Drive) -> Callable[..., Any]:
    """A drive as a function of all that any of them reads; a user's is compiled with checked indices."""
    of_model = drive.reads_prediction
    feel = drive.feel
    if COMPILES and not hasattr(feel, "py_func"):
        feel = world_code(feel)

    def feel_model(memory, observation, action, observation_next, foreseen, control):  # type: ignore[no-untyped-def]
        return feel(memory, foreseen, control, observation_next)

    def feel_step(memory, observation, action, observation_next, foreseen, control):  # type: ignore[no-untyped-def]
        return feel(memory, observation, action, observation_next)

    return adapter(feel_model if of_model else feel_step)


def _check_compiles(drive: Drive, field: str, name: str, function: str) -> None:
    """Say of a drive that does not compile that it does not."""
    feel = plain(drive.feel)
    try:
        memory, observation, action, after, foreseen, control, _ = FEEL_TYPE.args
        read = (foreseen, control) if drive.reads_prediction else (observation, action)
        adapter(feel, types.float64(memory, *read, after))
    except Exception as error:
        raise does_not_compile(field, name, error, function) from error


def _and_then(before: Any, feel: Any, place: int, start: int, end: int) -> Any:
    def feel_all(memory, observation, action, observation_next, foreseen, control, drives):  # type: ignore[no-untyped-def]
        before(memory, observation, action, observation_next, foreseen, control, drives)
        drives[place] = feel(memory[start:end], observation, action, observation_next, foreseen, control)

    return feel_all


def _and_then_less(before: Any, feel: Any, place: int, start: int, end: int, largest: float | None) -> Any:
    def feel_all(memory, observation, action, observation_next, foreseen, control, drives):  # type: ignore[no-untyped-def]
        before(memory, observation, action, observation_next, foreseen, control, drives)
        drives[place] = feel(memory[start:end], observation, action, observation_next, foreseen, control) - largest

    return feel_all


def _and_then_less_its_mean(before: Any, feel: Any, place: int, start: int, end: int) -> Any:
    behind = end + CENTRING_MEMORY

    def feel_all(memory, observation, action, observation_next, foreseen, control, drives):  # type: ignore[no-untyped-def]
        before(memory, observation, action, observation_next, foreseen, control, drives)
        felt = feel(memory[start:end], observation, action, observation_next, foreseen, control)
        drives[place] = less_its_mean(memory[end:behind], felt)

    return feel_all

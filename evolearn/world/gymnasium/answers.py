"""What an environment answers, taken as numbers, or refused by saying what it is and what it must be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

MOST_REWARD = float(np.finfo(np.float32).max)  # what is learned from is float32
PLAIN = frozenset({float, int, bool, np.float64, np.float32})  # classes of rewards that need no second look
_SHOWN = 80  # characters of a value in an error


class WrongAnswer(ValueError):
    """An environment's answer that breaks the contract of `gymnasium.Env`; the text says how, and what to do."""


def taken_reset(result: Any) -> Any:
    """The observation among what `reset` returned."""
    if isinstance(result, tuple | list) and len(result) == 2 and isinstance(result[1], dict | None):
        return result[0]
    raise WrongAnswer(
        f"reset returned {_kind(result)}: must be a pair, the observation and a dict (return observation, {{}})"
    )


def taken_step(result: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The five parts of what `step` returned."""
    if isinstance(result, tuple | list) and len(result) == 5:
        observation, reward, terminated, truncated, info = result
        return observation, reward, terminated, truncated, info
    old = (
        "; four are those of the old gym library: split done into terminated and truncated"
        if isinstance(result, tuple | list) and len(result) == 4
        else ""
    )
    raise WrongAnswer(
        f"step returned {_kind(result)}: must be five values: observation, reward, terminated, truncated, info{old}"
    )


def taken_flag(name: str, value: Any) -> bool:
    """`terminated` or `truncated` as a truth."""
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return bool(value)
    if getattr(value, "shape", None) == () and value is not None:
        return bool(value)
    raise WrongAnswer(f"{name} is {_kind(value)}: must be True or False; return bool(..)")


def taken_reward(value: Any) -> float:
    """A reward as a number; one that is not finite is passed on: who lives with it notices.

    Raises:
        WrongAnswer: it is no single real number, or one beyond float32.
    """
    shape = getattr(value, "shape", None)
    if isinstance(value, str | bytes | complex | np.complexfloating) or value is None or shape not in (None, ()):
        remedy = "; return float(reward[0])" if shape == (1,) else ""
        raise WrongAnswer(f"reward is {_kind(value)}: must be a single real number{remedy}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongAnswer(f"reward is {_kind(value)}: must be a single real number ({error})") from error
    if math.isfinite(number) and abs(number) > MOST_REWARD:
        raise WrongAnswer(
            f"reward {number:g}: must lie within ±{MOST_REWARD:.2g}, what float32 holds; scale it, for example by "
            "gymnasium.wrappers.TransformReward in a function of yours"
        )
    return number


def taken_observation(observation: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """An observation of a Box as an array of its space's shape."""
    if observation is None or isinstance(observation, dict | str | bytes):
        raise WrongAnswer(f"observation is {_kind(observation)}: must be an array of shape {shape}")
    try:
        array = np.asarray(observation)
    except Exception as error:  # ragged lists, tensors elsewhere
        raise WrongAnswer(f"observation is {_kind(observation)}: must be an array of shape {shape}: {error}") from error
    if array.shape != shape:
        raise WrongAnswer(
            f"observation of shape {array.shape}: must be of shape {shape}, that of its observation_space; return "
            "it so, or correct the space"
        )
    if array.dtype.kind not in "fiub":
        raise WrongAnswer(f"observation of dtype {array.dtype}: must hold real numbers")
    if np.ma.is_masked(observation):
        raise WrongAnswer("observation has masked entries, which are no numbers: return observation.filled(..)")
    return array


def narrowed(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """An observation as float32 [O].

    Raises:
        WrongAnswer: a finite number is beyond float32.
    """
    flat = np.ravel(array)
    if flat.dtype != np.float64:
        return flat.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        row = flat.astype(np.float32)
    if (lost := np.isinf(row) & np.isfinite(flat)).any():
        at = int(np.flatnonzero(lost)[0])
        raise WrongAnswer(
            f"observation {at} is {flat[at]:g}: must lie within ±{MOST_REWARD:.2g}, what float32 holds; scale it, for "
            "example by gymnasium.wrappers.TransformObservation in a function of yours"
        )
    return row


def check_last(row: npt.NDArray[np.float32]) -> None:
    """See that the observation after an episode's last step is finite: no brain acts on it, but some learn from it.

    Raises:
        WrongAnswer: it is not.
    """
    # Quick, and finite only if all are; it may overflow, so what is not is looked at again.
    if not math.isfinite(row.dot(row)) and not np.isfinite(row).all():
        at = int(np.flatnonzero(~np.isfinite(row))[0])
        raise WrongAnswer(
            f"observation {at} after the last step of an episode is {row[at]}: must be finite, also there"
        )


def check_within(observation: Any, space: Box) -> None:
    """See that an observation is finite and lies in its space.

    Raises:
        WrongAnswer: it does not; says in which number, and why.
    """
    array = taken_observation(observation, space.shape)
    row = narrowed(array)
    if not np.isfinite(row).all():
        at = int(np.flatnonzero(~np.isfinite(row))[0])
        raise WrongAnswer(f"observation {at} is {row[at]}: must be finite")
    if space.contains(observation):
        return
    outside = (array < space.low) | (array > space.high)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        low, high = np.ravel(space.low)[at], np.ravel(space.high)[at]
        raise WrongAnswer(
            f"observation {at} is {np.ravel(array)[at]:g}: must lie within {low:g} .. {high:g}, as its "
            "observation_space says; correct the one or the other"
        )
    raise WrongAnswer(
        f"observation is of dtype {array.dtype}, and its observation_space of {space.dtype}: return "
        f"observation.astype(np.{space.dtype}), or declare the space with dtype=np.{array.dtype}"
    )


def _kind(value: Any) -> str:
    """What a value is, for an error."""
    if value is None:
        return "None"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{_a(type(value).__name__.removeprefix('nd'))} of shape {tuple(shape)}"
    if isinstance(value, tuple | list):
        return f"{_a(type(value).__name__)} of {len(value)}"
    text = repr(value)
    return f"{_a(type(value).__name__)}, {text if len(text) <= _SHOWN else text[:_SHOWN] + '..'}"


def _a(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"

"""Learners made ready for the kernel: with a policy's slopes of a window compiled into them, where both allow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evolearn.agent.learners.learner import LEARN_TYPE, Learner
from evolearn.agent.plugging import plain, plugged
from evolearn.agent.policies.policy import SLOPES_TYPE, Policy
from evolearn.numerics import source_fingerprint, specialised

_PLACE = "slopes_of_window"  # the global of a learner of this package in whose place a policy's own slopes are put
_OURS = __name__.partition(".")[0] + "."


def ready_learner(
    learner: Learner, policy: Policy, learner_name: str = "learn", policy_name: str = "slopes"
) -> Callable[..., bool]:
    """A learner's function compiled for LEARN_TYPE, as fast as the policy allows.

    Args:
        learner: which.
        policy: that it teaches; with `slopes` of its own the learner calls those directly, else its `deltas`.
        learner_name: for errors.
        policy_name: for errors.
    Raises:
        PartError: one of them does not compile; names it by its field.
    """
    learn = plain(learner.learn)
    if policy.slopes is None or not _is_ours(learn) or _PLACE not in learn.__code__.co_names:
        return plugged(learner.learn, LEARN_TYPE, "learner.name", learner_name)
    slopes = plain(policy.slopes)
    if _is_ours(slopes):
        label: str | None = f"{slopes.__module__}.{slopes.__qualname__}"
        part = policy.slopes
    else:
        label = source_fingerprint([slopes], _PLACE)
        part = plugged(policy.slopes, SLOPES_TYPE, "policy", policy_name)
    parts: dict[str, Any] = {_PLACE: part}
    return specialised(learn, LEARN_TYPE, f"{_PLACE}={label}", label is not None, **parts)


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith(_OURS)

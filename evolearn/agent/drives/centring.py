"""Centring: what an exploring drive is felt less than, so that the usual is worth nothing.

A drive that is never below 0 makes whatever was visited look better than what was not, where values start at 0: it
holds a learner back instead of drawing it on. Less its running mean it is good news and bad news about the same amount
of time; less its largest value it is never good news, and what is new the least bad.
"""

from __future__ import annotations

from typing import Any

from evolearn.numerics import compiled

MEAN, LARGEST, NONE = "mean", "largest", "none"  # what is taken off
CENTRING_MEMORY = 2  # floats of a life's memory for a drive centred by its mean
SPAN = 1000.0  # steps that a running mean is over, once there were so many

_STEPS, _MEAN = 0, 1  # places in that memory


@compiled
def less_its_mean(memory: Any, felt: Any) -> Any:
    """A drive less its mean in this life, this step included: over all steps so far, fading over SPAN later.

    Args:
        memory: float32 [CENTRING_MEMORY], changed; zeros at birth.
        felt: of the drive in this step.
    Returns:
        0 in the first step of a life.
    Source: as the baseline of Williams 1992, "Simple statistical gradient-following algorithms", section 4, taken off
    the reward of one drive.
    """
    memory[_STEPS] = min(memory[_STEPS] + 1.0, SPAN)
    memory[_MEAN] += (felt - memory[_MEAN]) / memory[_STEPS]
    return felt - memory[_MEAN]

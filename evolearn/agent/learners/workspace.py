"""How learners that descend a gradient lay out the memory that they are given: views of it, one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent.learners.optimisers import whole_lines
from evolearn.numerics import matrix, spliced, vector

Floats = np.ndarray[Any, Any]


@spliced
def descent_views(memory: Floats, weights: int) -> tuple[Any, Any, Any, int]:
    """Where a gradient and an optimiser's two running means are.

    Args:
        memory: float32, zero at birth.
        weights: W, of the brain.
    Returns:
        Three views, float32 [W], each from a whole cache line on; and the place after them.
    """
    padded = whole_lines(weights)
    gradient = vector(memory, 0, weights)
    first = vector(memory, padded, weights)
    second = vector(memory, 2 * padded, weights)
    return gradient, first, second, 3 * padded


@spliced
def window_views(memory: Floats, start: int, rows: int, width: int) -> tuple[Any, Any, Any, Any, Any]:
    """Where the numbers of a window's actor and critic are.

    Args:
        memory: float32.
        start: the first place that is free.
        rows: N, of the window.
        width: of the brain's outputs.
    Returns:
        Advantages, returns and log probabilities of what was done, float32 [N] each; slopes, [N, width]; and what is
        left of memory, as scratch.
    """
    advantages = vector(memory, start, rows)
    returns = vector(memory, start + rows, rows)
    old = vector(memory, start + 2 * rows, rows)
    slopes = matrix(memory, start + 3 * rows, rows, width)
    end = start + 3 * rows + rows * width
    return advantages, returns, old, slopes, vector(memory, end, memory.size - end)

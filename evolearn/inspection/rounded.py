"""Numbers as JSON can hold them: finite, to as many digits as anybody reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

DIGITS = 6  # significant


def rounded(values: npt.ArrayLike) -> Any:
    """A number, or nested lists of numbers: to 6 significant digits; None for what is not finite.

    Args:
        values: of any shape.
    """
    return _plain(np.asarray(values, np.float64).tolist())


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None

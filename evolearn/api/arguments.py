"""What functions of the API check of their arguments."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from evolearn.config_reading import ConfigError


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Refuse an argument that is no whole number in its range.

    Raises:
        ConfigError: names the argument, its value and its range.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ConfigError(f"{name}={value!r}: must be a whole number, {low:,} to {high:,}")


def worker_count(workers: int | None) -> int:
    """How many workers to use: as many as asked for, else as there are cores."""
    if workers is not None:
        check_whole("workers", workers, 1, 4096)
    return workers or os.cpu_count() or 1

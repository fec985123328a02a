"""What a measurement gives."""

from __future__ import annotations

from typing import NamedTuple

MEGABYTE = 1e6


class Measured(NamedTuple):
    """A number and what it was made of."""

    value: float
    detail: str

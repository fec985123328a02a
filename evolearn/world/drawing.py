"""Shapes: what a world's `draw` is made of, in the world's own units. Plain Python, never compiled.

A drawing is a sequence of shapes, first ones at the back. A world may centre it where it likes; whoever shows it
looks at all frames to know how much space they take. x goes right, y goes up.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

# What a shape is to the one whose life it is; a page gives each a colour.
ROLES = {
    "self": "who lives this life",
    "friend": "who helps",
    "foe": "who harms",
    "ground": "what there is besides",
    "goal": "where fitness is",
    "mark": "a sign that is not in the world",
}


@dataclasses.dataclass(frozen=True)
class Shape:
    """One thing in a drawing: a Circle, a Line or a Polygon.

    Raises:
        ValueError: an unknown role, an opacity out of range, or a number that is not finite.
    """

    role: str = dataclasses.field(kw_only=True)  # a name in ROLES
    label: str = dataclasses.field(default="", kw_only=True)  # what it is, in a word
    opacity: float = dataclasses.field(default=1.0, kw_only=True)  # 1: as it is; 0: not there in this frame
    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"{self._said}: role={self.role!r}: must be one of {', '.join(ROLES)}")
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f"{self._said}: opacity={self.opacity}: must be 0 to 1")
        if not all(math.isfinite(number) for number in self.numbers):
            raise ValueError(f"{self._said}: {self.numbers}: every number must be finite")

    @property
    def numbers(self) -> tuple[float, ...]:
        """Everything that may differ from frame to frame, opacity last."""
        raise NotImplementedError

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Smallest and largest x, smallest and largest y."""
        xs, ys = self.numbers[:-1:2], self.numbers[1:-1:2]
        return min(xs), max(xs), min(ys), max(ys)

    @property
    def _said(self) -> str:
        return f"{self.kind} {self.label!r}"


@dataclasses.dataclass(frozen=True)
class Circle(Shape):
    """A disc, or an outline if its role is ground or mark; numbers: x, y, radius, opacity."""

    x: float
    y: float
    radius: float  # >= 0
    kind: ClassVar[str] = "circle"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radius < 0.0:
            raise ValueError(f"{self._said}: radius={self.radius}: must be >= 0")

    @property
    def numbers(self) -> tuple[float, ...]:
        """See Shape."""
        return self.x, self.y, self.radius, self.opacity

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """See Shape."""
        return self.x - self.radius, self.x + self.radius, self.y - self.radius, self.y + self.radius


@dataclasses.dataclass(frozen=True)
class Line(Shape):
    """A straight stroke, of a width that whoever shows it chooses; numbers: x1, y1, x2, y2, opacity."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: ClassVar[str] = "line"

    @property
    def numbers(self) -> tuple[float, ...]:
        """See Shape."""
        return self.x1, self.y1, self.x2, self.y2, self.opacity


@dataclasses.dataclass(frozen=True)
class Polygon(Shape):
    """A filled outline; numbers: x and y of every point, opacity."""

    points: Sequence[tuple[float, float]]  # at least 3, (x, y)
    kind: ClassVar[str] = "polygon"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 3 or any(len(point) != 2 for point in self.points):
            raise ValueError(f"{self._said}: points={self.points}: must be at least 3 pairs x, y")

    @property
    def numbers(self) -> tuple[float, ...]:
        """See Shape."""
        return *(number for point in self.points for number in point), self.opacity

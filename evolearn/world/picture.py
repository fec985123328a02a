"""What a world draws, as pixels: for `render` of environments and whoever makes films of lives.

Pages draw the same shapes by the same rules, in `evolearn/report/replay.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from evolearn.numerics import record
from evolearn.world.compiled import parameter_dtype
from evolearn.world.contract import World, WorldError
from evolearn.world.drawing import Circle, Line, Polygon, Shape

Bounds = tuple[float, float, float, float]  # x from, x to, y from, y to

MARGIN = 0.02  # around a drawing, share of its larger side
_PAPER, _INK = "#ffffff", "#16191d"
_COLOURS = {
    "self": "#d55e00", "friend": "#4f7c8a", "foe": _INK, "ground": "#d8dde2", "goal": "#8fb3bd", "mark": "#5a636e",
}  # fmt: skip
_FINER = 2  # pixels are means of so many squared
_STROKE = 2.5  # pixels
_LEAST_RADIUS = 2.0  # pixels
_LETTERS = 11  # pixels high


def shapes_of(
    world: World, state: npt.NDArray[np.uint8], parameters: npt.NDArray[np.uint8], where: str
) -> tuple[Shape, ...]:
    """What a world draws of a state.

    Args:
        world: one with `draw`.
        state: bytes of the state, a copy: what `draw` writes there is lost.
        parameters: bytes of the parameters, a copy.
        where: names the moment in an error.
    Raises:
        WorldError: `draw` raised, or returned something else than shapes.
    """
    assert world.draw is not None
    given: tuple[Any, Any] = record(state, world.state), record(parameters, parameter_dtype(world))
    try:
        shapes = world.draw(*given)
    except Exception as error:
        raise WorldError(f"{where}: draw raised {type(error).__name__}: {error}") from error
    if not isinstance(shapes, Sequence) or not all(isinstance(shape, Shape) for shape in shapes):
        raise WorldError(f"{where}: draw returned {shapes!r}: must be a sequence of Circle, Line and Polygon")
    return tuple(shapes)


def bounds_of(shapes: Iterable[Shape]) -> Bounds | None:
    """Around all that is seen of some shapes, without a margin; None if nothing is."""
    extents = np.array([shape.extent for shape in shapes if shape.opacity > 0.0]).reshape(-1, 4)
    extents = extents[np.isfinite(extents).all(axis=1)]
    if not extents.size:
        return None
    low, high = extents.min(axis=0), extents.max(axis=0)
    return float(low[0]), float(high[1]), float(low[2]), float(high[3])


def with_margin(bounds: Bounds) -> Bounds:
    """Bounds and a little more on every side."""
    left, right, bottom, top = bounds
    margin = MARGIN * max(right - left, top - bottom) or 1.0
    return left - margin, right + margin, bottom - margin, top + margin


def paint(
    shapes: Iterable[Shape], bounds: Bounds, width: int, height: int, own: str = _COLOURS["self"]
) -> npt.NDArray[np.uint8]:
    """A picture of shapes on white, the bounds in its middle, as large as they fit.

    Args:
        shapes: first ones at the back.
        bounds: what is to be seen, in the world's own units.
        width: pixels, >= 1.
        height: pixels, >= 1.
        own: colour of who lives the life, "#rrggbb".
    Returns:
        Red, green and blue, uint8 [height, width, 3].
    """
    image = Image.new("RGB", (width * _FINER, height * _FINER), _PAPER)
    brush = _Brush(ImageDraw.Draw(image, "RGBA"), bounds, image.size, own)
    for shape in shapes:
        if shape.opacity > 0.0:
            brush.draw(shape)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


class _Brush:
    """Draws shapes of a world's units on an image."""

    def __init__(self, pen: ImageDraw.ImageDraw, bounds: Bounds, size: tuple[int, int], own: str) -> None:
        left, right, bottom, top = bounds
        self._pen, self._size, self._colours = pen, size, {**_COLOURS, "self": own}
        self._centre = (left + right) / 2, (bottom + top) / 2
        self._scale = min(size[0] / (right - left), size[1] / (top - bottom))

    def draw(self, shape: Shape) -> None:
        opacity = round(255 * shape.opacity)
        colour = f"{self._colours[shape.role]}{opacity:02x}"
        stroke = round(_STROKE * _FINER)
        if isinstance(shape, Circle):
            x, y = self._at(shape.x, shape.y)
            radius = max(shape.radius * self._scale, _LEAST_RADIUS * _FINER)
            box = (x - radius, y - radius, x + radius, y + radius)
            if shape.role in ("goal", "mark"):
                self._pen.ellipse(box, outline=colour, width=stroke)
            else:
                self._pen.ellipse(box, fill=colour)
        elif isinstance(shape, Line):
            self._pen.line((self._at(shape.x1, shape.y1), self._at(shape.x2, shape.y2)), colour, stroke)
        elif isinstance(shape, Polygon):
            self._pen.polygon([self._at(*point) for point in shape.points], fill=colour)
        if shape.label and shape.role in ("friend", "foe"):
            left, right, _, top = shape.extent
            x, y = self._at((left + right) / 2, top)
            font = ImageFont.load_default(_LETTERS * _FINER)
            ink = f"{_INK}{max(opacity, round(0.7 * 255)):02x}"
            self._pen.text((x, y - 4 * _FINER), shape.label, fill=ink, font=font, anchor="ms")

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return (
            self._size[0] / 2 + (x - self._centre[0]) * self._scale,
            self._size[1] / 2 - (y - self._centre[1]) * self._scale,
        )

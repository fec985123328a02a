"""Floor plans: a grid with walls drawn in text, where each move leads on it, how far it is to walk, and its picture.

A world computes its tables once, when its file is imported; in its steps it only looks them up. Plain Python, never
compiled.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from evolearn.world.drawing import Line

Table = npt.NDArray[np.int64]

MOVES = {"north": (-1, 0), "south": (1, 0), "east": (0, 1), "west": (0, -1)}  # rows, columns


@dataclasses.dataclass(frozen=True)
class FloorPlan:
    """Cells in R rows and C columns, numbered from 0 row by row, the first row in the north.

    Every other character of every other line is a cell. What stands between two cells is a wall unless it is a blank;
    around the whole plan there is one.

    Raises:
        ValueError: the lines make no grid; the message names the line and the remedy.
    """

    lines: tuple[str, ...]  # 2 R - 1 of at most 2 C - 1 characters; blanks at the end of a line may be left out

    def __post_init__(self) -> None:
        if len(self.lines) % 2 == 0:
            raise ValueError(f"floor plan of {len(self.lines)} lines: must be odd: rows of cells with one line between")
        width = len(self.lines[0])
        for number, line in enumerate(self.lines):
            if number % 2 == 1 and len(line) <= width:
                continue
            if number % 2 == 0 and len(line) == width and width % 2 == 1:
                continue
            wanted = (
                f"must be at most as long as a row of cells, {width}"
                if number % 2 == 1
                else "every row of cells must have the same odd number: cells with one character between"
            )
            raise ValueError(f"floor plan, line {number} {line!r}: {len(line)} characters: {wanted}")

    @property
    def rows(self) -> int:
        """R."""
        return (len(self.lines) + 1) // 2

    @property
    def columns(self) -> int:
        """C."""
        return (len(self.lines[0]) + 1) // 2

    @property
    def cells(self) -> int:
        """R C."""
        return self.rows * self.columns

    @functools.cached_property
    def leads(self) -> Table:
        """Where one is after a move, int64 [R C, 4], moves as in MOVES: the next cell, or the same behind a wall."""
        return np.array(
            [[self._after(cell, down, right) for down, right in MOVES.values()] for cell in range(self.cells)]
        )

    def _after(self, cell: int, down: int, right: int) -> int:
        row, column = divmod(cell, self.columns)
        inside = 0 <= row + down < self.rows and 0 <= column + right < self.columns
        if not inside or self._between(2 * row + down, 2 * column + right) != " ":
            return cell
        return cell + down * self.columns + right

    def _between(self, line: int, place: int) -> str:
        return self.lines[line].ljust(2 * self.columns)[place]

    @functools.cached_property
    def distances(self) -> Table:
        """Moves on a shortest way, int64 [R C from, R C to]; R C where there is no way."""
        steps = np.full((self.cells, self.cells), self.cells)
        for start in range(self.cells):
            steps[start, start], ring, age = 0, [start], 0
            while ring:
                age += 1
                ring = sorted({int(cell) for here in ring for cell in self.leads[here] if steps[start, cell] > age})
                steps[start, ring] = age
        return steps

    def at(self, cell: int) -> tuple[int, int]:
        """Where a cell's middle is drawn: x, y; cells are 1 wide, cell 0 is at 0, 0."""
        row, column = divmod(int(cell), self.columns)
        return column, -row

    def walls(self) -> tuple[Line, ...]:
        """The picture: a stroke between every two cells that a wall parts, and the wall around."""
        left, right, bottom, top = -0.5, self.columns - 0.5, 0.5 - self.rows, 0.5
        strokes = [(left, top, right, top), (right, top, right, bottom)]
        strokes += [(right, bottom, left, bottom), (left, bottom, left, top)]
        for cell in range(self.cells):
            x, y = self.at(cell)
            if x + 1 < self.columns and self.leads[cell, 2] == cell:
                strokes.append((x + 0.5, y - 0.5, x + 0.5, y + 0.5))
            if cell + self.columns < self.cells and self.leads[cell, 1] == cell:
                strokes.append((x - 0.5, y - 0.5, x + 0.5, y - 0.5))
        return tuple(Line(*stroke, role="ground", label="wall") for stroke in strokes)

"""How the arrays of a dense brain are cut: into vectors, groups of them, and tiles that fit a processor's registers."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from evolearn.agent.trunks.trunk import Layers
from evolearn.numerics import VectorCode

Activation = Literal["tanh", "relu"]


def whole_lines(floats: int) -> int:
    """`floats` rounded up to whole cache lines of 16."""
    return -(-floats // 16) * 16


class Registers(NamedTuple):
    """Of a processor: how many floats a vector register has, and how many such registers there are."""

    lanes: int
    number: int


class Shape(NamedTuple):
    """Of a brain: all that its code depends on."""

    layers: Layers
    linear: int  # linear outputs: policy, then value
    log_stdevs: int
    activation: Activation
    spare: int = 0  # floats of a life's weights behind these, which others read

    @property
    def outputs(self) -> int:
        """Numbers in a row of outputs: policy parameters, value."""
        return self.linear + self.log_stdevs

    @property
    def starts(self) -> tuple[int, ...]:
        """Place of each layer's matrix in the weights, and of the heads'."""
        sizes = [(inputs + 1) * units for inputs, units in itertools.pairwise(self.layers)]
        return tuple(itertools.accumulate(sizes, initial=0))

    @property
    def columns(self) -> tuple[int, ...]:
        """Place of each layer's units in a row of activations, and the length of the row."""
        return tuple(itertools.accumulate(self.layers[1:], initial=0))

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.starts[-1] + (self.layers[-1] + 1) * self.linear + self.log_stdevs

    @property
    def stride(self) -> int:
        """Floats from one life's weights to the next's: whole cache lines."""
        return whole_lines(self.weights + self.spare)


class Work(NamedTuple):
    """What the code of one brain is written with, and for what."""

    code: VectorCode
    shape: Shape
    registers: Registers


def chunks(floats: int, lanes: int) -> list[tuple[int, int]]:
    """Place and lanes of the vectors that `floats` floats are cut into: whole ones, then smaller and smaller."""
    cut = [(at, lanes) for at in range(0, floats - lanes + 1, lanes)]
    at = len(cut) * lanes
    while at < floats:
        lanes //= 2
        if at + lanes <= floats:
            cut.append((at, lanes))
            at += lanes
    return cut


class Columns(NamedTuple):
    """Vectors side by side that are worked on together, some of them once more, so many columns on."""

    first: int
    width: int
    times: int
    chunks: list[tuple[int, int]]


def column_groups(columns: int, lanes: int, most: int) -> Iterator[Columns]:
    """Cut columns into groups of at most `most` vectors."""
    rest = chunks(columns, lanes)
    if len(rest) <= most:
        yield Columns(0, 0, 1, rest)
        return
    whole = columns // lanes
    if whole >= most:
        size = next((size for size in range(most, most // 2, -1) if whole % size == 0), most)
        yield Columns(0, size * lanes, whole // size, rest[:size])
        rest = rest[whole // size * size :]
    while rest:
        first = rest[0][0]
        yield Columns(first, 0, 1, [(at - first, width) for at, width in rest[:most]])
        rest = rest[most:]


def columns_of(work: Work, columns: int, most: int) -> Iterator[tuple[Any, list[tuple[int, int]]]]:
    """For each group of columns, inside a loop where there are several alike: where it begins, and its vectors."""
    code = work.code
    for group in column_groups(columns, work.registers.lanes, most):
        with code.loop(group.times) as number:
            yield code.plus(code.times(number, group.width), group.first), group.chunks


class Tile(NamedTuple):
    """How many rows, and how many vectors of columns, of a product are added up at once."""

    rows: int
    vectors: int


@functools.cache
def tile_for(rows: int, vectors: int, registers: Registers) -> Tile:
    """The tile that a product of so many rows and vectors of columns takes the fewest cycles with.

    Per term a tile takes two multiply-adds a cycle, two loads a cycle, and no less than the four cycles that a
    multiply-add takes. It needs a register per sum, one per vector of columns, and one more.
    """

    def cost(tile: Tile) -> tuple[float, int]:
        def parts(whole: int, part: int) -> list[tuple[int, int]]:
            return [(part, whole // part), (whole % part, min(1, whole % part))]

        total = sum(
            max(r * v / 2, (r + v) / 2, 4) * m * n
            for r, m in parts(rows, tile.rows)
            for v, n in parts(vectors, tile.vectors)
        )
        return total, tile.rows + tile.vectors

    tiles = [Tile(r, v) for r in range(1, min(rows, 8) + 1) for v in range(1, min(vectors, 8) + 1)]
    return min((tile for tile in tiles if _needed(tile) <= registers.number), key=cost)


def _needed(tile: Tile) -> int:
    return tile.rows * tile.vectors + tile.vectors + 1

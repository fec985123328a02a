"""The noise that genomes are drawn from: standard normals, each a function of where it stands and of nothing else.

The number at (seed, generation, direction, gene) is the same in any company, in any order, on any machine: Philox
words, turned into normals by float32 arithmetic that every processor rounds alike (no fused operations, no
mathematical library), so that it is cheaper to draw a population again than to keep or to send it. In plain Python the
bits are the same too.

Sources: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and table 2;
Box and Muller 1958, eq. 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.genome import FloatArray
from evolearn.numerics import adapter

SPAN = 1024  # genes that are drawn in one go; a genome's noise is cut into such spans, from its first gene on

_NOISE = np.uint64(3)  # key space, beside those of lives in `evolearn.rng`
_LANES = SPAN // 4  # every Philox block gives four normals, that many genes apart: long plain loops
_ROUNDS = 10

# NumPy's numbers, not Python's: in compiled code they keep the loops as narrow as their data, so that these vectorise.
_WORD, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_EXPONENT = np.int32(23)  # place of a float32's exponent
_TWO_THIRDS = np.int32(0x3F2AAAAB)  # bits of the float32
_F = np.float32
_ZERO, _ONE, _TWO = _F(0.0), _F(1.0), _F(2.0)
_HALF_STEP, _STEP = _F(0.5), _F(2.0**-31)
_LOG_2 = _F(math.log(2.0))
_LOG = tuple(_F(1.0 / n) for n in (3, 5, 7, 9))
_SIN = tuple(_F(1.0 / math.factorial(n)) for n in (3, 5, 7, 9))
_COS = tuple(_F(1.0 / math.factorial(n)) for n in (2, 4, 6, 8))
_RADIANS = _F(math.pi / 2.0**29)
_EIGHTH, _QUARTER = np.int32(1 << 27), np.int32(28)  # of a turn of 2**30; the second as a shift

_I, _U = types.int64, types.uint64
_F1, _F2 = types.float32[::1], types.float32[:, ::1]
_D2 = types.float64[:, ::1]
# What was sent from another process may be in memory that must not be written.
_READ_U1 = types.Array(types.uint64, 1, "C", readonly=True)
_READ_D1 = types.Array(types.float64, 1, "C", readonly=True)
_N2 = types.int32[:, ::1]


def _words(seed: Any, generation: Any, direction: Any, lane: Any, radii: Any, turns: Any) -> None:
    """Philox-4x32-10: 31 bits for each of two radii, 30 for each of two angles, per lane."""
    for q in range(radii.shape[1]):
        c0, c1, c2, c3 = np.uint64(lane + q), direction, np.uint64(0), generation
        k0, k1 = seed, _NOISE
        for _ in range(_ROUNDS):
            product0 = _MULTIPLIER_0 * c0
            product1 = _MULTIPLIER_1 * c2
            c0 = ((product1 >> _HALF) ^ c1 ^ k0) & _WORD
            c1 = product1 & _WORD
            c2 = ((product0 >> _HALF) ^ c3 ^ k1) & _WORD
            c3 = product0 & _WORD
            k0 = (k0 + _WEYL_0) & _WORD
            k1 = (k1 + _WEYL_1) & _WORD
        radii[0, q] = np.int32(c0 >> np.uint64(1))
        radii[1, q] = np.int32(c2 >> np.uint64(1))
        turns[0, q] = np.int32(c1 >> np.uint64(2))
        turns[1, q] = np.int32(c3 >> np.uint64(2))


words = adapter(_words, types.void(_U, _U, _U, _I, _N2, _N2), cached=True)


def _normals(radii: Any, turns: Any, pair: Any, uniform: Any, bits: Any, exponents: Any, out: Any) -> None:
    """Normals by Box and Muller, one pair per lane, into `out` and, half a span of lanes further on, again.

    Three loops: `uniform` and `bits` are the same memory, which a vectorised loop must not both read and write.
    """
    lanes = exponents.size
    # Slices: an index that might be negative would keep the last loop from vectorising.
    one = out[2 * pair * lanes : (2 * pair + 1) * lanes]
    other = out[(2 * pair + 1) * lanes : (2 * pair + 2) * lanes]
    radius_word, turn_word = radii[pair], turns[pair]
    for q in range(lanes):
        uniform[q] = (_F(radius_word[q]) + _HALF_STEP) * _STEP
    for q in range(lanes):
        exponents[q] = (bits[q] - _TWO_THIRDS) >> _EXPONENT
        bits[q] -= exponents[q] << _EXPONENT
    for q in range(lanes):
        # log x = e log 2 + 2 artanh((m - 1) / (m + 1)), x = m 2**e, m from 2/3 to 4/3.
        s = (uniform[q] - _ONE) / (uniform[q] + _ONE)
        z = s * s
        series = z * (_LOG[0] + z * (_LOG[1] + z * (_LOG[2] + z * _LOG[3])))
        logarithm = _F(exponents[q]) * _LOG_2 + _TWO * (s + s * series)
        radius = _F(math.sqrt(max(-_TWO * logarithm, _ZERO)))
        # The nearest quarter of a turn and what is left, at most an eighth either way: Taylor's series are short there.
        turn = turn_word[q]
        quarter = (turn + _EIGHTH) >> _QUARTER
        x = _F(turn - (quarter << _QUARTER)) * _RADIANS
        y = x * x
        sine = x - x * y * (_SIN[0] - y * (_SIN[1] - y * (_SIN[2] - y * _SIN[3])))
        cosine = _ONE - y * (_COS[0] - y * (_COS[1] - y * (_COS[2] - y * _COS[3])))
        odd = (quarter & np.int32(1)) != np.int32(0)
        across, along = (-sine, cosine) if odd else (cosine, sine)
        if (quarter & np.int32(2)) != np.int32(0):
            across, along = -across, -along
        one[q] = radius * across
        other[q] = radius * along


normals = adapter(_normals, types.void(_N2, _N2, _I, _F1, types.int32[::1], types.int32[::1], _F1), cached=True)


def _fill(seed: Any, generation: Any, directions: Any, first_span: int, out: Any) -> None:
    radii, turns = np.empty((2, _LANES), np.int32), np.empty((2, _LANES), np.int32)
    uniform, exponents = np.empty(_LANES, np.float32), np.empty(_LANES, np.int32)
    bits = uniform.view(np.int32)
    span = np.empty(SPAN, np.float32)
    genes = out.shape[1]
    for row in range(directions.size):
        for start in range(0, genes, SPAN):
            words(seed, generation, directions[row], (first_span + start // SPAN) * _LANES, radii, turns)
            for pair in range(2):
                normals(radii, turns, pair, uniform, bits, exponents, span)
            there = out[row, start : start + SPAN]
            for j in range(there.size):
                there[j] = span[j]


fill = adapter(_fill, types.void(_U, _U, _READ_U1, _I, _F2), cached=True)


def _add_up(seed: Any, generation: Any, first_span: int, first: Any, second: Any, sums: Any) -> None:
    radii, turns = np.empty((2, _LANES), np.int32), np.empty((2, _LANES), np.int32)
    uniform, exponents = np.empty(_LANES, np.float32), np.empty(_LANES, np.int32)
    bits = uniform.view(np.int32)
    span = np.empty(SPAN, np.float32)
    genes = sums.shape[1]
    for start in range(0, genes, SPAN):
        sum_first, sum_second = sums[0, start : start + SPAN], sums[1, start : start + SPAN]
        for direction in range(first.size):
            a, b = first[direction], second[direction]
            if a == 0.0 and b == 0.0:
                continue
            words(seed, generation, np.uint64(direction), (first_span + start // SPAN) * _LANES, radii, turns)
            for pair in range(2):
                normals(radii, turns, pair, uniform, bits, exponents, span)
            for j in range(sum_first.size):
                value = np.float64(span[j])
                sum_first[j] += a * value
                sum_second[j] += b * (value * value)


add_up = adapter(_add_up, types.void(_U, _U, _I, _READ_D1, _READ_D1, _D2), cached=True)


def noise(
    seed: int, generation: int, directions: npt.NDArray[np.integer], genes: int, first_span: int = 0
) -> FloatArray:
    """Standard normals [directions, genes].

    Args:
        seed: of the run, 0 .. 2**32 - 1.
        generation: 0 .. 2**32 - 1.
        directions: whole numbers from 0 .. 2**32 - 1, one per row, in any order.
        genes: how many, 0 .. 2**32.
        first_span: begin at gene first_span x SPAN.
    """
    out = np.empty((len(directions), genes), np.float32)
    fill(np.uint64(seed), np.uint64(generation), np.ascontiguousarray(directions, np.uint64), first_span, out)
    return out


def noise_sums(
    seed: int,
    generation: int,
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    genes: int,
    first_span: int = 0,
) -> npt.NDArray[np.float64]:
    """Weighted sums of the noise and of its squares, [2, genes], over directions 0, 1, .. in that order.

    The noise is drawn anew, a span at a time, and never kept.

    Args:
        seed: of the run.
        generation: from 0.
        first: float64 [directions], weights of the noise.
        second: float64 [directions], weights of its squares.
        genes: how many.
        first_span: begin at gene first_span x SPAN.
    """
    sums = np.zeros((2, genes))
    add_up(np.uint64(seed), np.uint64(generation), first_span, first, second, sums)
    return sums

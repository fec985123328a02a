"""Counter-based random numbers inside compiled code: Philox-4x32-10.

A draw is a pure function of (seed, space, generation, life, stream, step, position in the step). No two lives
share a number, a longer life begins with the numbers of a shorter one, and the luck of step t is the same
whatever happened before it, so that two genomes can be compared under common random numbers.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and table 2.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from evolearn.numerics import COMPILES, compiled, inlined

Rng = npt.NDArray[np.int64]  # [RNG_SIZE], see open_stream
Keys = npt.NDArray[np.int64]  # [L, 4]; or [L, 12] with births, or [L, 13] with the world's age at birth beside them

# Key spaces: lives that select genomes, lives for tables while developing, lives opened once by a study, lives in which
# an arm's settings are searched before there is a study.
SELECTION, VALIDATION, TEST, TUNING = 0, 1, 2, 3

# Streams of one life.
INIT, BIRTH, WORLD, ACTION, IMAGINATION, TEACHING = 0, 1, 2, 3, 4, 5

_WORD = 0xFFFFFFFF
_ROUNDS = 10
# Places in an Rng: four counter words (draw block and stream, step, life, generation), two key words,
# the four words of a block, how many of the last one's are spent, which steps have been drawn ahead, where the last
# block's words lie: here, or among those drawn ahead, a block of four words for each of those steps; of a birth's
# stream how old the world is.
_BLOCK, _STEP, _LIFE, _GENERATION, _SEED, _SPACE, _OUTPUT, _SPENT, _DRAWN, _AT, _WORLD_AGE = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    10,
    11,
    12,
    13,
)
_AHEAD_FROM = 16
# A block for each of so many steps at once, in vector registers, costs little more than one of them alone.
_AHEAD_SHIFT = 4
_AHEAD = 1 << _AHEAD_SHIFT
RNG_SIZE = _AHEAD_FROM + 4 * _AHEAD
_STREAM_SHIFT = 28
_FIRST_OF_STEP = (1 << _STREAM_SHIFT) - 1
OPPONENTS = 4  # added to the space of a life's key: of its opponent's own luck; see `opponent_keys`
KEY_SIZE = 4  # numbers that name a life; after them may follow those of its first and its second birth
AGED = 3 * KEY_SIZE  # and then the age of the world at both
SECOND_LIFE = 1 << 31  # added to a life's number: of the life, never lived, whose birth is its second
REDRAW = 1 << 20  # added to a generation for every birth that is passed over; see `redrawn`


class LifeKey(NamedTuple):
    """What names one life: the same key and genome give the same life, bit for bit, anywhere."""

    seed: int  # 0 .. 2**32 - 1
    space: int  # SELECTION, VALIDATION, TEST or TUNING
    generation: int  # 0 .. 2**32 - 1
    life: int  # 0 .. 2**32 - 1

    @classmethod
    def of(cls, key: Any) -> LifeKey:
        """That of a key, int64 [4], or [12] with its births, see `with_births`."""
        return cls(*(int(part) for part in key[:KEY_SIZE]))

    def __str__(self) -> str:
        space = ("selection", "validation", "test", "tuning")[self.space]
        return f"(seed {self.seed}, {space}, generation {self.generation}, life {self.life})"


@compiled
def open_stream(rng: Any, key: Any, stream: int) -> None:
    """Point `rng` at the first draw of step 0 of one stream of the life named by `key` (int64 [4])."""
    rng[_BLOCK] = stream << _STREAM_SHIFT
    rng[_STEP] = 0
    rng[_SEED] = key[0]
    rng[_SPACE] = key[1]
    rng[_GENERATION] = key[2]
    rng[_LIFE] = key[3]
    rng[_SPENT] = 4
    rng[_DRAWN] = -1
    rng[_WORLD_AGE] = 0


@compiled
def open_birth(rng: Any, key: Any, again: int) -> None:
    """Point `rng` at the draws of what is fixed in the life named by `key`: int64 [4], [12] or [13], see `with_births`.

    `again` is 0 for its first birth, 1 for the second. A key of four numbers has its own birth stream for the first,
    and that of a life that is never lived for the second.
    """
    open_stream(rng, key, BIRTH)
    if key.size > KEY_SIZE:
        at = KEY_SIZE * (1 + again)
        rng[_SEED] = key[at]
        rng[_SPACE] = key[at + 1]
        rng[_GENERATION] = key[at + 2]
        rng[_LIFE] = key[at + 3]
        if key.size > AGED:
            rng[_WORLD_AGE] = key[AGED]
    elif again != 0:
        rng[_LIFE] = key[3] + SECOND_LIFE


@inlined
def world_age(rng: Any) -> int:
    """World steps since a birth's stream began, where a life is born into a world that was there before it; else 0.

    The draws of a birth are the same at any age. What changes in such a world of itself, and not by luck of a life, a
    world draws from this stream, and at birth makes up for what was before.
    """
    return int(rng[_WORLD_AGE])


@inlined
def at_step(rng: Any, step: int) -> None:
    """Move to the first draw of `step`, however many draws the steps before it took."""
    rng[_BLOCK] = (rng[_BLOCK] >> _STREAM_SHIFT) << _STREAM_SHIFT
    rng[_STEP] = step
    rng[_SPENT] = 4


@compiled
def _block(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """The four words of a counter of four words under a key of two."""
    for _ in range(_ROUNDS):
        # A 64-bit product that wraps in int64 still has the right high and low words once masked.
        product0 = 0xD2511F53 * c0
        product1 = 0xCD9E8D57 * c2
        c0 = ((product1 >> 32) & _WORD) ^ c1 ^ k0
        c1 = product1 & _WORD
        c2 = ((product0 >> 32) & _WORD) ^ c3 ^ k1
        c3 = product0 & _WORD
        k0 = (k0 + 0x9E3779B9) & _WORD
        k1 = (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


def _draw_ahead(rng: Any, block: int, first: int) -> None:
    """Write the words of one block of each of `_AHEAD` steps."""
    for ahead in range(_AHEAD):
        words = _block(block, first + ahead, int(rng[_LIFE]), int(rng[_GENERATION]), int(rng[_SEED]), int(rng[_SPACE]))
        for place in range(4):
            rng[_AHEAD_FROM + 4 * ahead + place] = words[place]


@intrinsic
def _draw_ahead_in_lanes(typing_context: Any, rng: Any, block: Any, first: Any) -> Any:
    """`_draw_ahead` with a step in each lane of a vector, for which the compiler finds no way by itself.

    A lane has 64 bits. The lower 32 are the word; what the upper are does not matter, so that a product leaves its low
    word where it is.
    """
    word, long = ir.IntType(32), ir.IntType(64)
    longs = ir.VectorType(long, _AHEAD)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        words, half = (ir.Constant(longs, [number] * _AHEAD) for number in (_WORD, 32))

        def all_lanes(value: Any) -> Any:
            first_lane = builder.insert_element(ir.Constant(longs, ir.Undefined), value, word(0))
            return builder.shuffle_vector(
                first_lane, first_lane, ir.Constant(ir.VectorType(word, _AHEAD), [0] * _AHEAD)
            )

        def kept(place: int) -> Any:
            return all_lanes(builder.load(builder.gep(data, [long(place)])))

        def product(factor: int, lanes: Any) -> tuple[Any, Any]:
            whole = builder.mul(builder.and_(lanes, words), ir.Constant(longs, [factor] * _AHEAD))
            return builder.lshr(whole, half), whole

        c0 = all_lanes(arguments[1])
        c1 = builder.add(all_lanes(arguments[2]), ir.Constant(longs, list(range(_AHEAD))))
        c2, c3, k0, k1 = kept(_LIFE), kept(_GENERATION), kept(_SEED), kept(_SPACE)
        for _ in range(_ROUNDS):
            high0, low0 = product(0xD2511F53, c0)
            high1, low1 = product(0xCD9E8D57, c2)
            c0, c1 = builder.xor(builder.xor(high1, c1), k0), low1
            c2, c3 = builder.xor(builder.xor(high0, c3), k1), low0
            k0 = builder.add(k0, ir.Constant(longs, [0x9E3779B9] * _AHEAD))
            k1 = builder.add(k1, ir.Constant(longs, [0xBB67AE85] * _AHEAD))
        # From words of steps to steps of words: two to a lane, then lanes by turns.
        twos = [builder.or_(builder.and_(a, words), builder.shl(b, half)) for a, b in ((c0, c1), (c2, c3))]
        fours = builder.bitcast(_interleaved(builder, *twos), ir.VectorType(word, 4 * _AHEAD))
        fours = builder.zext(fours, ir.VectorType(long, 4 * _AHEAD))
        at = builder.gep(data, [long(_AHEAD_FROM)])
        builder.store(fours, builder.bitcast(at, fours.type.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(rng, types.int64, types.int64), generate


def _interleaved(builder: Any, even: Any, odd: Any) -> Any:
    """Two vectors of n as one of 2 n, by turns."""
    size = even.type.count
    order = [lane + part * size for lane in range(size) for part in range(2)]
    return builder.shuffle_vector(even, odd, ir.Constant(ir.VectorType(ir.IntType(32), 2 * size), order))


@overload(_draw_ahead, jit_options={"error_model": "numpy", "nogil": True})
def _draw_ahead_compiled(rng, block, first):  # type: ignore[no-untyped-def]
    return lambda rng, block, first: _draw_ahead_in_lanes(rng, block, first)


@compiled
def _next_block(rng: Any) -> None:
    # int(): in plain Python these must not be NumPy integers, whose products would overflow with a warning.
    block, step = int(rng[_BLOCK]), int(rng[_STEP])
    if COMPILES and step > 0 and block & _FIRST_OF_STEP == 0:
        first = (step >> _AHEAD_SHIFT) << _AHEAD_SHIFT
        if rng[_DRAWN] != first:
            _draw_ahead(rng, block, first)
            rng[_DRAWN] = first
        rng[_AT] = _AHEAD_FROM + 4 * (step - first)
    else:
        words = _block(block, step, int(rng[_LIFE]), int(rng[_GENERATION]), int(rng[_SEED]), int(rng[_SPACE]))
        for place in range(4):
            rng[_OUTPUT + place] = words[place]
        rng[_AT] = _OUTPUT
    rng[_BLOCK] = block + 1
    rng[_SPENT] = 0


@inlined
def uniform(rng: Any) -> float:
    """One draw from the open interval (0, 1), 32 random bits."""
    if rng[_SPENT] == 4:
        _next_block(rng)
    word = rng[rng[_AT] + rng[_SPENT]]
    rng[_SPENT] += 1
    return uniform_of(word)


@inlined
def words_ahead(rng: Any, step: int) -> int:
    """Make sure that the first block of `step` is drawn, and say where in `rng` its four words lie.

    They are what `at_step` and four times `uniform` would give, without moving the stream, and for the price of a
    look. `step` is 1 or later.
    """
    first = (step >> _AHEAD_SHIFT) << _AHEAD_SHIFT
    if rng[_DRAWN] != first:
        _draw_ahead(rng, (rng[_BLOCK] >> _STREAM_SHIFT) << _STREAM_SHIFT, first)
        rng[_DRAWN] = first
    return _AHEAD_FROM + 4 * (step - first)


@inlined
def uniform_of(word: int) -> float:
    """The draw from the open interval (0, 1) that a word of 32 bits gives."""
    return (word + 0.5) * (1.0 / 4294967296.0)


@compiled
def normal(rng: Any) -> float:
    """One draw from the standard normal distribution. Source: Box and Muller 1958, eq. 1."""
    radius = math.sqrt(-2.0 * math.log(uniform(rng)))
    return radius * math.cos(2.0 * math.pi * uniform(rng))


@compiled
def normal_pair(rng: Any) -> tuple[float, float]:
    """Two independent standard normal draws for the price of one. Source: Box and Muller 1958, eq. 1."""
    radius = math.sqrt(-2.0 * math.log(uniform(rng)))
    angle = 2.0 * math.pi * uniform(rng)
    return radius * math.cos(angle), radius * math.sin(angle)


@compiled
def integer(rng: Any, low: int, high: int) -> int:
    """One whole number from low .. high - 1, all equally likely to within 2**-32."""
    return low + int(uniform(rng) * (high - low))


@compiled
def shuffle(values: Any, start: int, size: int, rng: Any) -> None:
    """Permute `size` entries of `values` from `start` on in place, all orders equally likely.

    Source: Durstenfeld 1964, algorithm 235.
    """
    for last in range(size - 1, 0, -1):
        other = integer(rng, 0, last + 1)
        kept = values[start + last]
        values[start + last] = values[start + other]
        values[start + other] = kept


def new_rng() -> Rng:
    """An unopened stream; pass it to `open_stream` before drawing.

    A draw depends on key, stream and step alone, whatever was drawn before:

    >>> rng, key = new_rng(), life_keys(seed=0, space=VALIDATION, generation=3, lives=1)[0]
    >>> open_stream(rng, key, WORLD)
    >>> at_step(rng, 100)
    >>> first = uniform(rng)
    >>> at_step(rng, 7)
    >>> other = normal(rng)
    >>> at_step(rng, 100)
    >>> uniform(rng) == first
    True
    """
    return np.zeros(RNG_SIZE, dtype=np.int64)


def life_keys(seed: int, space: int, generation: int, lives: int) -> npt.NDArray[np.int64]:
    """Keys of `lives` lives, int64 [lives, 4], one row per `LifeKey`.

    >>> life_keys(seed=7, space=TEST, generation=0, lives=2).tolist()
    [[7, 2, 0, 0], [7, 2, 0, 1]]
    >>> print(LifeKey(seed=7, space=TEST, generation=0, life=1))
    (seed 7, test, generation 0, life 1)
    """
    keys = np.empty((lives, 4), dtype=np.int64)
    keys[:, 0] = seed
    keys[:, 1] = space
    keys[:, 2] = generation
    keys[:, 3] = np.arange(lives)
    return keys


def opponent_keys(keys: Keys) -> Keys:
    """Keys of the same lives for the bodies of their opponents, whose weights and actions have luck of their own.

    Args:
        keys: int64 [L, 4] or [L, 12].
    """
    others = keys.copy()
    others[:, 1] += OPPONENTS
    return others


def with_births(keys: Keys, first: Keys, second: Keys) -> Keys:
    """Keys int64 [L, 12] of the same lives, in which what is fixed comes from elsewhere; all their luck stays theirs.

    Args:
        keys: int64 [L, 4] or [L, 12].
        first: int64 [L, 4], whose birth stream the lives are born from.
        second: int64 [L, 4], likewise where the world is born a second time.
    """
    return np.ascontiguousarray(np.concatenate([keys[:, :KEY_SIZE], first, second], axis=1))


def aged(keys: Keys, steps: int) -> Keys:
    """The same lives, int64 [L, 13], born into a world that is so many steps old: see `world_age`.

    Args:
        keys: int64 [L, 12].
        steps: since the births' own, 0 or more.
    """
    return np.ascontiguousarray(np.concatenate([keys, np.full((len(keys), 1), steps, np.int64)], axis=1))


def births_of(keys: Keys, again: bool = False) -> Keys:
    """Keys int64 [L, 4] whose birth streams the lives with these keys, int64 [L, 4] or [L, 12], are born from.

    Args:
        keys: of the lives.
        again: their second births.
    """
    if keys.shape[1] > KEY_SIZE:
        start = KEY_SIZE * (1 + again)
        return keys[:, start : start + KEY_SIZE].copy()
    births = keys.copy()
    births[:, 3] += SECOND_LIFE * again
    return births


def from_set(keys: Keys, seed: int, space: int, size: int, first: int) -> Keys:
    """The same lives, born from a set of births that they share: keys int64 [L, 12].

    Life i is born from birth (first + i) mod size, and a second time from the next.

    Args:
        keys: int64 [L, 4].
        seed: of the set.
        space: key space of the set.
        size: births in it.
        first: place that the first life has among all that are born from the set.

    >>> from_set(life_keys(seed=7, space=VALIDATION, generation=0, lives=3), 7, SELECTION, 2, 0)[:, 4:].tolist()
    [[7, 0, 0, 0, 7, 0, 0, 1], [7, 0, 0, 1, 7, 0, 0, 0], [7, 0, 0, 0, 7, 0, 0, 1]]
    """
    births = life_keys(seed, space, 0, size)
    places = (first + np.arange(len(keys))) % size
    return with_births(keys, births[places], births[(places + 1) % size])


def redrawn(births: Keys, times: int) -> Keys:
    """Other births int64 [L, 4] in the place of these, that no life has: drawn again for the `times`-th time."""
    others = births.copy()
    others[:, 2] += times * REDRAW
    return others


def derived_seed(*parts: object) -> int:
    """A seed of its own for a part of a whole, such as a run of a study, 0 .. 2**32 - 1.

    It follows from what the part is called alone, not from how many others there are.

    Args:
        parts: what names it, from the whole down, seed of the whole included; texts and whole numbers.

    >>> derived_seed(0, "alpha 0", "evolved", 3)
    3281523209
    """
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

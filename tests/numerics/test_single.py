"""Elementary functions of float32 against float64's, over a dense grid, at special values, and sixteen at a time."""

import numba
import numpy as np
import pytest

from evolearn.numerics import LANES, exp32, highest, load_part, log32, sincos_turn32, some, store_part


def sine(u):
    return sincos_turn32(u)[0]


def cosine(u):
    return sincos_turn32(u)[1]


@numba.njit
def highest_of(x):
    return highest(load_part(x, 0, x.size))


@numba.njit
def some_of(x):
    return some(load_part(x, 0, x.size))


def test_some_of_sixteen_is_whatever_is_not_zero():
    for number in (1.0, -1e-45, np.inf, np.nan):
        for place in range(LANES):
            x = np.zeros(LANES, np.float32)
            x[place] = number
            assert some_of(x)
            assert some(x)
    x = np.float32([0.0, -0.0, 0.0])
    assert not some_of(x)
    assert not some(x)


def test_the_highest_of_sixteen_is_found_wherever_it_is():
    x = np.random.default_rng(0).uniform(1.0, 2.0, LANES).astype(np.float32)
    for place in range(LANES):
        x[place] += 1.0
        assert highest_of(x) == x[place] == highest(x)
        x[place] -= 1.0
    assert highest_of(-x) == -x.min() == highest(-x)
    assert highest_of(-x[:5]) == 0.0, "what is not read is 0"


FUNCTIONS = {
    "exp": (exp32, np.exp),
    "log": (log32, np.log),
    "sine": (numba.njit(sine), lambda u: np.sin(2.0 * np.pi * u)),
    "cosine": (numba.njit(cosine), lambda u: np.cos(2.0 * np.pi * u)),
}
EVERY = 4099  # of all float32, one of so many
BOUND = 1.1  # units in the last place


def each(name):
    function = FUNCTIONS[name][0]

    @numba.njit
    def of_all(x, found):
        for i in range(x.size):
            found[i] = function(x[i])

    @numba.njit
    def of_sixteen(x, found):
        for i in range(0, x.size, LANES):
            store_part(found, i, function(load_part(x, i, x.size - i)), x.size - i)

    return of_all, of_sixteen


def found_by(function, x):
    found = np.full(x.size, 7.0, np.float32)
    function(x, found)
    return found


@pytest.fixture(scope="module", params=FUNCTIONS)
def case(request):
    name = request.param
    if name in ("exp", "log"):
        x = np.arange(0, 2**32, EVERY, dtype=np.uint64).astype(np.uint32).view(np.float32)
        x = np.concatenate([x, np.linspace(0.5, 2.0, 200_001, dtype=np.float32)])
    else:
        x = np.concatenate([np.linspace(-3.0, 3.0, 600_001), np.geomspace(1e-30, 1.0, 100_001)]).astype(np.float32)
    return name, x, found_by(each(name)[0], x)


def test_results_are_close_to_the_true_ones(case):
    name, x, found = case
    with np.errstate(all="ignore"):
        true = FUNCTIONS[name][1](x.astype(np.float64))
        rounded = true.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite], rounded[~finite])
    # Near a zero of sine or cosine that is no zero of u: in units of the last place of 1.
    least = 0.5 if name in ("sine", "cosine") else 0.0
    unit = np.spacing(np.maximum(np.abs(rounded[finite]), np.float32(least)))
    assert (np.abs(found[finite] - true[finite]) / unit).max() < BOUND


def test_sixteen_at_a_time_have_the_bits_of_one(case):
    name, x, found = case
    for size in (1, 15, 16, 33, 4000):
        np.testing.assert_array_equal(found_by(each(name)[1], x[:size]), found[:size])
    np.testing.assert_array_equal(found_by(each(name)[1], x), found)


def test_plain_python_computes_the_same(case):
    name, x, found = case
    x, found = x[::371], found[::371]
    plain = {"exp": exp32, "log": log32}.get(name, sincos_turn32)
    plain = getattr(plain, "py_func", plain)
    with np.errstate(all="ignore"):
        expected = plain(x)
        one_by_one = [plain(number) for number in x[:200]]
    if name in ("sine", "cosine"):
        place = 0 if name == "sine" else 1
        expected, one_by_one = expected[place], [both[place] for both in one_by_one]
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-7 if name in ("sine", "cosine") else 1e-45)
    assert expected.dtype == np.asarray(one_by_one).dtype == np.float32
    np.testing.assert_array_equal(one_by_one, expected[:200])


INFINITY = np.inf


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        *[
            ("exp", x, y)
            for x, y in ((0.0, 1.0), (INFINITY, INFINITY), (-INFINITY, 0.0), (89.0, INFINITY), (-104.0, 0.0))
        ],
        *[("exp", -103.0, 1e-45), ("exp", np.nan, np.nan), ("log", np.nan, np.nan), ("log", 1.0, 0.0)],
        *[("log", x, y) for x, y in ((0.0, -INFINITY), (-0.0, -INFINITY), (-1.0, np.nan), (INFINITY, INFINITY))],
        *[("log", -INFINITY, np.nan), ("log", 1e-45, -103.27893)],
        *[("sine", u, y) for u, y in ((0.0, 0.0), (0.25, 1.0), (0.5, 0.0), (0.75, -1.0), (1.0, 0.0), (-0.25, -1.0))],
        *[("cosine", u, y) for u, y in ((0.0, 1.0), (0.25, 0.0), (0.5, -1.0), (0.75, 0.0), (1.0, 1.0), (-0.5, -1.0))],
        *[("sine", np.nan, np.nan), ("cosine", np.nan, np.nan)],
    ],
)
def test_special_values(name, x, expected):
    found = FUNCTIONS[name][0](np.float32(x))
    np.testing.assert_allclose(found, np.float32(expected), rtol=1e-7)

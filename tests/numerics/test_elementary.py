"""Elementary functions in plain arithmetic against those of longer precision, and at their special values."""

import functools
import math
import random

import numba
import numpy as np
import pytest

from evolearn.numerics.elementary import circular, error_function, exponential
from evolearn.numerics.elementary.bits import from_bits, scale, shrunk, split, to_bits
from evolearn.numerics.elementary.pairs import add_exactly, multiply_exactly

LARGE = 8e307
MOST = 1e-15  # relative
# Where each function is finite and not merely 0.
RANGES = {
    "exp": (-745.0, 709.7), "exp2": (-1074.0, 1023.9), "expm1": (-50.0, 709.7),
    "log": (5e-324, LARGE), "log2": (5e-324, LARGE), "log10": (5e-324, LARGE), "log1p": (-0.999999999, LARGE),
    "sinh": (-710.0, 710.0), "cosh": (-710.0, 710.0), "tanh": (-25.0, 25.0),
    "asinh": (-LARGE, LARGE), "acosh": (1.0, LARGE), "atanh": (-0.999999999, 0.999999999),
    "sin": (-LARGE, LARGE), "cos": (-LARGE, LARGE), "tan": (-LARGE, LARGE),
    "asin": (-1.0, 1.0), "acos": (-1.0, 1.0), "atan": (-LARGE, LARGE), "cbrt": (-LARGE, LARGE),
}  # fmt: skip
NUMPY_NAMES = {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "asin": "arcsin", "acos": "arccos"}
NUMPY_NAMES |= {"atan": "arctan", "pow": "power", "atan2": "arctan2"}
EXTENDED = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="the references need a long double that is longer than a double"
)


def own(name):
    for module in (exponential, circular, error_function):
        if hasattr(module, name) and getattr(module, name).__module__ == module.__name__:
            return getattr(module, name)
    raise AssertionError(name)


def numpys(name):
    return getattr(np, NUMPY_NAMES.get(name, name))


def arguments(low, high, count=3000):
    """Even over the range, over its exponents, and over those near 1."""
    draw = random.Random(f"{low} {high}")
    found = [draw.uniform(low, high) for _ in range(count)]
    found += [draw.choice((-1.0, 1.0)) * 10.0 ** draw.uniform(-320.0, 307.9) for _ in range(2 * count)]
    found += [draw.choice((-1.0, 1.0)) * 10.0 ** draw.uniform(-12.0, 2.0) for _ in range(2 * count)]
    found += [1.0 + draw.uniform(-0.4, 0.6) for _ in range(count)]
    return np.array([value for value in found if low <= value <= high])


@functools.cache
def compiled(function):
    return numba.njit(error_model="numpy")(function)


def over(function, *columns):
    return np.array(
        [compiled(function)(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    )


def errors(results, references):
    """Relative distance from the reference; of what is smaller than normal numbers, as if it were the smallest."""
    size = np.maximum(np.abs(references), 2.2250738585072014e-308)
    return (np.abs(results.astype(np.longdouble) - references) / size).astype(np.float64)


@EXTENDED
@pytest.mark.parametrize("name", list(RANGES))
def test_a_function_of_one_number_is_right_to_1e_15(name: str) -> None:
    values = arguments(*RANGES[name])
    with np.errstate(all="ignore"):
        worst = errors(over(own(name), values), numpys(name)(values.astype(np.longdouble))).max()
    assert worst <= MOST


@EXTENDED
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_that_are_nearly_whole_quarter_turns(name: str) -> None:
    draw = random.Random(2)
    turns = [float(draw.randrange(1, 2 ** draw.randrange(2, 60))) * (math.pi / 2) for _ in range(3000)]
    values = np.array([*turns, 6381956970095103.0 * 2.0**797])  # the float64 that comes closest of all
    with np.errstate(all="ignore"):
        references = numpys(name)(values.astype(np.longdouble))
    assert errors(over(own(name), values), references).max() <= MOST


@EXTENDED
def test_powers() -> None:
    bases, exponents = arguments(5e-324, LARGE, 1500), arguments(-1e3, 1e3, 1500)
    count = min(len(bases), len(exponents))
    draw = np.random.default_rng(3)
    bases, exponents = draw.permutation(bases)[:count], draw.permutation(exponents)[:count]
    with np.errstate(all="ignore"):
        references = np.power(bases.astype(np.longdouble), exponents.astype(np.longdouble))
        shown = (references < 1.7e308) & (references > 1e-307)
        results = over(exponential.pow, bases, exponents)
        assert shown.sum() > count / 4
        assert errors(results[shown], references[shown]).max() <= MOST
        assert np.array_equal(results[references > 1.8e308], np.full((references > 1.8e308).sum(), math.inf))
        assert (results[references < 1e-324] == 0.0).all()


@EXTENDED
@pytest.mark.parametrize("name", ["hypot", "atan2"])
def test_functions_of_a_point(name: str) -> None:
    draw = np.random.default_rng(4)
    x, y = draw.permutation(arguments(-LARGE, LARGE, 1500)), draw.permutation(arguments(-LARGE, LARGE, 1500))
    y[::2] = x[::2] * draw.uniform(-3.0, 3.0, len(x[::2])).clip(-1.0, 1.0)
    with np.errstate(all="ignore"):
        references = numpys(name)(x.astype(np.longdouble), y.astype(np.longdouble))
        assert errors(over(own(name), x, y), references).max() <= MOST


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_the_error_function(name: str) -> None:
    values = arguments(-7.0, 26.5 if name == "erfc" else 7.0, 1000)
    references = np.array([getattr(math, name)(value) for value in values.tolist()])
    # The C library's is itself only right to one unit.
    assert errors(over(own(name), values), references.astype(np.longdouble)).max() <= MOST


SPECIAL = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -2.0,
    5e-324,
    -5e-324,
    2.2e-308,
    1.7e308,
    -1.7e308,
    math.inf,
    -math.inf,
    math.nan,
)


def same(result: float, reference: float) -> bool:
    if math.isnan(reference):
        return math.isnan(result)
    close = result == reference or abs(result - reference) <= MOST * abs(reference)
    return close and math.copysign(1.0, result) == math.copysign(1.0, reference)


@pytest.mark.parametrize("name", list(RANGES))
def test_special_values_of_one_number(name: str) -> None:
    values = np.array(SPECIAL)
    with np.errstate(all="ignore"):
        references = numpys(name)(values)
    for value, result, reference in zip(SPECIAL, over(own(name), values), references, strict=True):
        assert same(float(result), float(reference)), (name, value, result, reference)


@pytest.mark.parametrize("name", ["pow", "hypot", "atan2"])
def test_special_values_of_two_numbers(name: str) -> None:
    numbers = (*SPECIAL, 3.0, -3.0, 0.3, -0.3, 1e20, -1e20, 9007199254740993.0)
    x, y = (column.ravel() for column in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        references = numpys(name)(x, y)
    for one, other, result, reference in zip(x, y, over(own(name), x, y), references, strict=True):
        assert same(float(result), float(reference)), (name, one, other, result, reference)


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_special_values_of_the_error_function(name: str) -> None:
    for value in SPECIAL:
        assert same(own(name)(value), getattr(math, name)(value)), value


@pytest.mark.parametrize("name", list(RANGES))
def test_compiled_and_plain_python_are_the_same_bits(name: str) -> None:
    values = arguments(*RANGES[name], 20)
    plain = np.array([own(name)(value) for value in values.tolist()])
    assert plain.tobytes() == over(own(name), values).tobytes()


def test_pairs_lose_nothing() -> None:
    from fractions import Fraction

    draw = random.Random(5)
    for _ in range(200):
        a, b = (draw.uniform(-1.0, 1.0) * 10.0 ** draw.uniform(-9.0, 9.0) for _ in range(2))
        assert sum(map(Fraction, add_exactly(a, b))) == Fraction(a) + Fraction(b)
        assert sum(map(Fraction, multiply_exactly(a, b))) == Fraction(a) * Fraction(b)


def test_bits_and_scaling() -> None:
    for value in (1.0, -0.0, 5e-324, 1.7e308, math.inf):
        assert from_bits(to_bits(value)) == value
    assert scale(1.5, 2000) == math.inf
    assert scale(1.5, -3000) == 0.0
    assert scale(1.5, -1074) == 1e-323  # rounded once, to even
    for value in (5e-324, 0.7, 0.71, 1.0, 1.41, 1.42, 1.7e308):
        mantissa, exponent = split(value)
        assert 0.7071 < mantissa < 1.4143
        assert math.ldexp(mantissa, exponent) == value
        assert shrunk(value, exponent) == mantissa

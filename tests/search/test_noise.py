"""The noise that genomes are drawn from: what it is a function of, and that it is what it claims to be."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from evolearn import rng as philox
from evolearn.search._noise import SPAN, noise, noise_sums

LANES = SPAN // 4


def test_normals_are_those_of_the_philox_words_of_seed_generation_direction_and_gene() -> None:
    seed, generation, direction, span = 2**32 - 5, 70_000, 2**31 + 3, 7
    drawn = noise(seed, generation, np.array([direction]), 3 * SPAN, first_span=span - 1)[0, SPAN : 2 * SPAN]
    stream = philox.new_rng()
    for q in range(LANES):
        philox.open_stream(stream, np.array([seed, 3, generation, 0], np.int64), 0)
        stream[0], stream[1] = span * LANES + q, direction
        a, b, c, d = (int(philox.uniform(stream) * 2**32) for _ in range(4))
        for radius, angle, place in ((a, b, q), (c, d, q + 2 * LANES)):
            length = np.sqrt(-2 * np.log((radius // 2 + 0.5) / 2**31))
            turned = 2 * np.pi * (angle // 4) / 2**30
            assert drawn[place] == pytest.approx(length * np.cos(turned), abs=2e-6)
            assert drawn[place + LANES] == pytest.approx(length * np.sin(turned), abs=2e-6)


def test_noise_is_standard_normal_and_its_rows_and_columns_are_not_related() -> None:
    drawn = noise(1, 2, np.arange(400), 2500).astype(float)
    everything = drawn.ravel()
    assert abs(everything.mean()) < 4 / np.sqrt(everything.size)
    assert abs(everything.var() - 1) < 4 * np.sqrt(2 / everything.size)
    assert stats.kstest(everything, "norm").pvalue > 1e-3
    assert 4.5 < np.abs(everything).max() < 6.7
    other = {
        "next direction": (drawn[:-1], drawn[1:]),
        "next gene": (drawn[:, :-1], drawn[:, 1:]),
        "the pair of Box and Muller": (drawn[:, :LANES], drawn[:, LANES : 2 * LANES]),
        "next span": (drawn[:, :1000], drawn[:, SPAN : SPAN + 1000]),
        "next generation": (drawn, noise(1, 3, np.arange(400), 2500)),
        "next seed": (drawn, noise(2, 2, np.arange(400), 2500)),
    }
    for what, (one, another) in other.items():
        assert abs(np.mean(one * another)) < 4.5 / np.sqrt(one.size), what
        assert abs(np.mean((one**2 - 1) * (another**2 - 1))) < 4.5 * 2 / np.sqrt(one.size), what


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=6),
    st.integers(1, 3 * SPAN),
    st.integers(0, 2),
    st.integers(0, 2**32 - 1),
)
def test_a_number_depends_on_its_place_alone(directions: list[int], genes: int, first_span: int, seed: int) -> None:
    whole = noise(seed, 5, np.arange(51), 3 * SPAN)
    part = noise(seed, 5, np.array(directions), genes - min(genes - 1, first_span * SPAN), first_span)
    start = first_span * SPAN
    width = min(part.shape[1], whole.shape[1] - start)
    np.testing.assert_array_equal(part[:, :width], whole[directions, start : start + width])


@pytest.mark.parametrize("genes", [1, 7, SPAN, SPAN + 1, 2 * SPAN + 300])
def test_sums_are_added_up_in_the_order_of_directions(genes: int) -> None:
    draws = np.random.default_rng(genes)
    first, second = draws.normal(size=(2, 40))
    first[::3] = 0.0
    second[::6] = 0.0
    sums = np.zeros((2, genes))
    for row, a, b in zip(noise(9, 1, np.arange(40), genes).astype(np.float64), first, second, strict=True):
        sums[0] += a * row
        sums[1] += b * (row * row)
    np.testing.assert_array_equal(noise_sums(9, 1, first, second, genes), sums)


PLAIN = """
import sys, numpy as np
from evolearn.numerics.compiler import COMPILES
from evolearn.search._noise import noise, noise_sums
assert not COMPILES
weights = np.array([[1.0, 0.0, -0.5], [0.3, 0.0, 0.1]])
np.savez(sys.argv[1], noise(2**32 - 1, 3, np.array([5, 2]), 1500), noise_sums(1, 2, *weights, 1100, 4))
"""


def test_plain_python_draws_the_same_bits(tmp_path) -> None:
    """So nothing is fused or reordered by the compiler: the bits do not depend on the processor."""
    file = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-W", "error", "-c", PLAIN, str(file)], env=environment, check=True)
    drawn, sums = np.load(file).values()
    weights = np.array([[1.0, 0.0, -0.5], [0.3, 0.0, 0.1]])
    np.testing.assert_array_equal(drawn, noise(2**32 - 1, 3, np.array([5, 2]), 1500))
    np.testing.assert_array_equal(sums, noise_sums(1, 2, *weights, 1100, 4))

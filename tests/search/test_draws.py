"""Drawn populations: genome i depends on distribution, seed, generation and i, and on nothing else."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st

from evolearn.search import Draw, Noise, draw_genomes
from evolearn.search._noise import noise, noise_sums
from evolearn.search.draws import BLOCK_GENES, sum_noise

GENES = 30


def population(genomes: int, symmetric: bool, genes: int = GENES) -> Draw:
    draws = np.random.default_rng(4)
    centre = draws.normal(size=genes).astype(np.float32)
    return Draw(Noise(11, 6, genomes, genes, symmetric), centre, draws.uniform(0.1, 2.0, genes).astype(np.float32))


@pytest.mark.parametrize("symmetric", [False, True])
def test_genomes_are_centre_plus_standard_deviation_times_noise(symmetric: bool) -> None:
    draw = population(6, symmetric)
    found = draw_genomes(draw, np.arange(6))
    rows = noise(11, 6, np.arange(6), GENES)
    if symmetric:
        rows = np.repeat(rows[:3], 2, axis=0) * np.tile([[1], [-1]], (3, 1)).astype(np.float32)
        np.testing.assert_allclose(found[0::2] + found[1::2], 2 * np.tile(draw.centre, (3, 1)), atol=1e-6)
    np.testing.assert_array_equal(found, draw.centre + draw.stdev * rows)


@given(
    st.lists(st.integers(0, 19), min_size=1, max_size=30),
    st.integers(10, 40).map(lambda half: 2 * half),
    st.booleans(),
)
def test_a_genome_is_the_same_in_any_company(members: list[int], genomes: int, symmetric: bool) -> None:
    expected = draw_genomes(population(20, symmetric), np.arange(20))
    found = draw_genomes(population(genomes, symmetric), np.array(members))
    np.testing.assert_array_equal(found, expected[members])


@given(st.integers(1, 3000), st.integers(1, 200_000), st.booleans())
def test_blocks_hold_every_genome_once_and_keep_pairs_together(half: int, genes: int, symmetric: bool) -> None:
    about = Noise(0, 0, 2 * half, genes, symmetric)
    members = [about.members(block) for block in range(about.blocks)]
    np.testing.assert_array_equal(np.concatenate(members), np.arange(2 * half))
    assert all(len(block) % 2 == 0 for block in members)
    assert about.block_size * genes <= max(2 * genes, 1 << 20), "a block is bounded in memory, whatever the genes"
    assert about.blocks <= 2 * 4096 or about.block_size * (genes + 1) * 2 > 1 << 20


def test_a_large_population_of_large_genomes_makes_work_for_many() -> None:
    about = Noise(0, 0, 2000, 100_000, True)
    assert (about.blocks, about.gene_blocks) == (1000, 25)


def test_other_seeds_generations_and_genomes_are_other_noise() -> None:
    draw = population(4, False)
    seen = [draw_genomes(draw, np.arange(4))]
    for change in ({"seed": 12}, {"generation": 7}):
        seen.append(
            draw_genomes(dataclasses.replace(draw, noise=dataclasses.replace(draw.noise, **change)), np.arange(4))
        )
    rows = {row.tobytes() for genomes in seen for row in genomes}
    assert len(rows) == 12


def test_sums_of_blocks_are_the_sums_of_the_whole() -> None:
    genes = 2 * BLOCK_GENES + 17
    about = Noise(3, 1, 12, genes, True)
    first, second = np.random.default_rng(0).normal(size=(2, 6))
    joined = np.concatenate([sum_noise(about, first, second, block) for block in range(about.gene_blocks)], axis=1)
    np.testing.assert_array_equal(joined, noise_sums(3, 1, first, second, genes))

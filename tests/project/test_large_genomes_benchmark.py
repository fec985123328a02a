"""Low-rank noise by its definition, a search that climbs with either noise, contenders of a million genes as toys."""

import contextlib

import numpy as np
import pytest

from benchmarks import low_rank, million_genes
from evolearn.life import new_driver

SHAPES = [(5, 7), (7,), (7, 2)]


def matrices(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return noise[:, :35].reshape(-1, 5, 7), noise[:, 35:42], noise[:, 42:].reshape(-1, 7, 2)


@pytest.mark.parametrize("rank", [1, 3])
def test_noise_of_a_rank_has_that_rank_and_no_other_moments_than_full_noise(rank):
    noise = low_rank.perturbations(np.random.default_rng(0), 40_000, SHAPES, rank)
    first, bias, last = matrices(noise)
    assert noise.shape == (40_000, 5 * 7 + 7 + 7 * 2)
    assert {int(np.linalg.matrix_rank(one, tol=1e-4)) for one in first[:50]} == {rank}
    assert {int(np.linalg.matrix_rank(one, tol=1e-4)) for one in last[:50]} == {min(rank, 2)}
    for part in (first, bias, last):
        assert np.abs(part.mean(axis=0)).max() < 0.03
        assert np.abs(part.var(axis=0) - 1.0).max() < 0.08
    assert abs(np.mean(first[:, 0, 0] * first[:, 1, 1])) < 0.03, "entries are not correlated"


def test_full_noise_is_normal():
    first, _, _ = matrices(low_rank.perturbations(np.random.default_rng(0), 40_000, SHAPES, 0))
    assert np.mean(first**4) == pytest.approx(3.0, abs=0.1)
    assert {int(np.linalg.matrix_rank(one)) for one in first[:50]} == {5}


@pytest.mark.parametrize("rank", [0, 1])
def test_a_search_climbs_with_either_noise(rank):
    setup = low_rank.setup_of(hidden=8)
    with contextlib.closing(new_driver(setup.conditions, 2)) as driver:
        begun, ended = (low_rank.search(setup, driver, rank, 0.2, generations, seed=0) for generations in (1, 15))
    assert ended.judged > begun.judged + 0.05
    assert begun.judged != begun.chosen, "on other lives"
    assert ended.steps == np.inf


@pytest.mark.mujoco
@pytest.mark.whole
@pytest.mark.parametrize("name", list(million_genes.CONTENDERS))
def test_contenders_do_the_same_work(name):
    took = million_genes.alone(name, million_genes.Work(population=4, steps=20, hidden=16))
    assert took.genes == pytest.approx(18 * 16 + 17 * 16 + 17 * 6, abs=6 + 17 + 7), (
        "spreads of actions, a critic, drives and plasticity"
    )
    assert 0 < took.searching < took.seconds
    assert took.megabytes > 50

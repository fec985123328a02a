"""Restarts: what stagnates begins again with other luck, within the budget, and what was reached is kept."""

import numpy as np
import pytest

from evolearn.config import ConfigError, SearchPart
from evolearn.search import ALGORITHMS, BlockwiseSearch, PopulationSearch, Restarting, check_search, restart_window
from evolearn.search.options import OPTIONS, evaluations_per_generation, is_whole, planned_evaluations
from evolearn.search.restarts import LEAST_WINDOWS, restarted_population, stagnates
from tests.helpers.training import CLONING
from tests.helpers.trials import Asked

GENES = 6
WINDOW = 3
SOONEST = 2 * WINDOW + 2  # generations until a standstill can be seen


def restarting(
    algorithm: str, generations: int, restart: str = "stagnation", population: int = 8, **more
) -> Restarting:
    search = SearchPart(
        algorithm=algorithm,
        generations=generations,
        population=population,
        restart=restart,
        restart_window=WINDOW,
        **more,
    )
    options = check_search(algorithm, search.options, population, GENES, search.sampling, restart)
    kind = BlockwiseSearch if search.sampling == "blockwise" else PopulationSearch
    return Restarting(search, lambda number, size: kind(algorithm, options, GENES, size, 100 + number), leaders=3)


class Lived(Asked):
    """A trial that counts the genomes of each generation, the centre among them."""

    def __init__(self, fitness=lambda z: np.ones(len(z))) -> None:
        super().__init__(fitness)
        self.restarts: list[int] = []
        self.populations: list[int] = []
        self.lived: list[int] = []
        self.means: list[float] = []


def made(search: Restarting, trial: Lived, most: int = 1000) -> Lived:
    """Make generations to the end of the budget."""
    for _ in range(most):
        if search.is_over:
            return trial
        before = len(trial.seen)
        search.step(trial)
        asked = trial.seen[before:]
        mean = float(np.mean([trial.fitness(z).mean() for z in asked]))
        search.told(float(trial.fitness(search.centre()[None])[0]), mean)
        trial.restarts.append(search.restart)
        trial.populations.append(len(asked[0]))
        trial.lived.append(sum(map(len, asked)) + 1)
        trial.means.append(mean)
    return trial


@pytest.mark.parametrize("restart", ["stagnation", "ipop"])
@pytest.mark.parametrize(("generations", "population"), [(1, 8), (14, 8), (21, 12), (40, 8)])
@pytest.mark.parametrize("algorithm", list(OPTIONS))
def test_all_restarts_together_live_no_more_genomes_than_the_search_without(
    algorithm: str, generations: int, population: int, restart: str
) -> None:
    search = restarting(algorithm, generations, restart, population)
    trial = made(search, Lived())
    budget = generations * evaluations_per_generation(algorithm, population)
    assert sum(trial.lived) <= budget
    assert sum(trial.lived) + trial.lived[-1] > budget, "what still fits is lived"
    if restart == "stagnation":
        assert len(trial.lived) == generations
    larger = evaluations_per_generation(
        algorithm, restarted_population(SearchPart(population=population, restart=restart), 1)
    )
    assert (max(trial.restarts) > 0) == (SOONEST * trial.lived[0] + LEAST_WINDOWS * WINDOW * larger <= budget)
    config = SearchPart(algorithm=algorithm, generations=generations, population=population, restart=restart)
    assert planned_evaluations(config) == budget
    assert is_whole(config, trial.lived)
    assert not is_whole(config, trial.lived[:-1])


@pytest.mark.parametrize(
    ("algorithm", "more"),
    [*((name, {}) for name in OPTIONS), *((name, {"sampling": "blockwise"}) for name in ("pgpe", "snes", "cem"))],
)
def test_a_flat_plateau_is_left_for_the_same_start_with_other_luck(algorithm: str, more: dict) -> None:
    search = restarting(algorithm, 29, **more)
    trial = made(search, Lived())
    firsts = [trial.restarts.index(number) for number in range(max(trial.restarts) + 1)]
    assert firsts == [0, SOONEST, 2 * SOONEST]
    populations = 2 if algorithm == "genetic" else 1
    starts = [trial.seen[populations * first] for first in firsts]
    assert not np.array_equal(starts[0], starts[1])
    for start in starts:
        assert np.abs(start.mean(axis=0)).max() < 1.6, "about z = 0 again"
    assert [stretch.generation for stretch in search.stretches()] == [SOONEST - 1, 2 * SOONEST - 1, 28]
    assert [stretch.restart for stretch in search.stretches()] == [0, 1, 2]


def test_the_first_start_is_that_of_the_search_without_restarts() -> None:
    plain, trial = PopulationSearch("snes", check_search("snes", {}, 8, GENES), GENES, 8, 100), Lived()
    search = restarting("snes", 20)
    for _ in range(SOONEST):
        plain.step(trial)
    found = made(search, Lived(), most=SOONEST)
    assert np.array_equal(np.stack(trial.seen), np.stack(found.seen))


def test_ipop_doubles_the_population_at_every_restart_and_begins_none_that_would_be_too_short() -> None:
    search = restarting("snes", 60, "ipop")
    trial = made(search, Lived())
    assert sorted(set(zip(trial.restarts, trial.populations, strict=True))) == [(0, 8), (1, 16), (2, 32)]
    # 60 x 9 genomes: 8 generations of 9, 8 of 17 and 10 of 33 leave too little for 6 of 65, and for one more of 33.
    assert [trial.restarts.count(number) for number in range(3)] == [8, 8, 10]
    assert sum(trial.lived) == 8 * 9 + 8 * 17 + 10 * 33 <= 60 * 9
    assert len(search.stretches()[1].leaders) == 3
    assert restarted_population(SearchPart(population=8, restart="stagnation"), 2) == 8


@pytest.mark.parametrize("restart", ["stagnation", "ipop"])
def test_a_climb_is_left_alone(restart: str) -> None:
    trial = made(restarting("snes", 40, restart, 32), Lived(lambda z: z.sum(axis=1).astype(float)))
    assert trial.means[-1] > trial.means[0]
    assert set(trial.restarts) == {0}


@pytest.mark.parametrize("restart", ["stagnation", "ipop"])
@pytest.mark.parametrize("stop", [SOONEST, SOONEST + 3])
@pytest.mark.parametrize(("algorithm", "more"), [*((name, {}) for name in OPTIONS), ("cem", {"sampling": "blockwise"})])
def test_a_restored_search_goes_on_bit_for_bit_across_restarts(
    algorithm: str, more: dict, stop: int, restart: str
) -> None:
    whole = restarting(algorithm, 40, restart, **more)
    expected = made(whole, Lived())
    assert max(expected.restarts) > 0
    halted = restarting(algorithm, 40, restart, **more)
    made(halted, Lived(), most=stop)
    resumed = restarting(algorithm, 40, restart, **more)
    resumed.restore(halted.state())
    assert_same(resumed.state(), halted.state())
    found = made(resumed, Lived())
    assert found.restarts == expected.restarts[stop:]
    assert all(
        np.array_equal(one, other) for one, other in zip(found.seen, expected.seen[-len(found.seen) :], strict=True)
    )
    assert_same(resumed.state(), whole.state())


def assert_same(state: dict, expected: dict) -> None:
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensor.dtype == state[name].dtype, name
        assert tensor.numpy().tobytes() == state[name].numpy().tobytes(), name


@pytest.mark.parametrize("window", [5, 10, 20])
def test_noise_about_a_level_stagnates_and_a_climb_out_of_the_noise_does_not(window: int) -> None:
    random = np.random.default_rng(1)
    lengths = range(1, 10 * window + 1)
    noise = random.standard_normal((40, len(lengths), 2))
    climb = noise + 0.4 * np.arange(len(lengths))[:, None]
    stuck = [any(stagnates(curves[:length], window) for length in lengths) for curves in noise]
    left = [any(stagnates(curves[:length], window) for length in lengths) for curves in climb]
    assert np.mean(stuck) > 0.8
    assert np.mean(left) < 0.05


def test_one_lucky_generation_neither_brings_a_restart_nor_prevents_it() -> None:
    flat = np.full((30, 2), 0.4)
    assert stagnates(flat, 5)
    flat[22] = 0.9
    assert stagnates(flat, 5)
    climb = np.repeat(0.05 * np.arange(30)[:, None], 2, axis=1)
    climb[20] = 3.0
    assert not stagnates(climb, 5)


def test_one_curve_that_climbs_is_enough_to_go_on() -> None:
    curves = np.stack([np.full(30, 0.4), 0.01 * np.arange(30)], axis=1)
    assert not stagnates(curves, 5)
    assert stagnates(curves[:, :1], 5)


def test_what_is_not_finite_has_stagnated() -> None:
    for value in (np.nan, -np.inf):
        assert stagnates(np.full((13, 2), value), 5)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("generation", [0, 3])
def test_one_generation_that_is_not_finite_makes_no_standstill_of_a_climb(value: float, generation: int) -> None:
    climb = np.repeat(0.05 * np.arange(13)[:, None], 2, axis=1)
    climb[generation] = value
    assert not stagnates(climb, 5)
    assert not stagnates(np.concatenate([np.full((8, 2), value), climb]), 5), "what begins late has begun"


def test_what_has_no_luck_of_its_own_is_refused() -> None:
    for algorithm, options in {"reptile": {}, "maml": {}, "clone": CLONING}.items():
        assert ALGORITHMS[algorithm].trains_weights
        with pytest.raises(ConfigError, match=r"search\.restart='ipop': must be 'none' with search\.algorithm=.*set"):
            check_search(algorithm, options, 8, 10, "whole", "ipop")
    assert restart_window(SearchPart(restart_window=3)) == 3

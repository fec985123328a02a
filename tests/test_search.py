"""Searches: they maximise, resume bit for bit, and refuse what they cannot do."""

import numpy as np
import pytest
import safetensors.torch

from evolearn.config_reading import ConfigError
from evolearn.search import Search
from evolearn.search_options import OPTIONS, check_search

GENES, POPULATION, GENERATIONS = 10, 20, 12
VARIANTS = [(name, {}) for name in OPTIONS] + [
    ("pgpe", {"optimizer": "adam"}),
    ("pgpe", {"symmetric": False, "optimizer": "sgd", "center_learning_rate": 0.2}),
    ("snes", {"optimizer": "sgd", "optimizer_config": {"momentum": 0.9}, "center_learning_rate": 0.1}),
    ("cmaes", {"separable": True}),
    ("genetic", {"cross_over": "none"}),
]


def new_search(algorithm: str, options: dict) -> Search:
    return Search(algorithm, check_search(algorithm, options, POPULATION, GENES), GENES, POPULATION, seed=3)


def towards_half(z: np.ndarray) -> np.ndarray:
    return -((z - 0.5) ** 2).sum(axis=1).astype(float)


def evaluated(search: Search, generations: int, seen: list) -> None:
    for _ in range(generations):
        search.step(lambda z: (seen.append(z.copy()), towards_half(z))[1])


@pytest.mark.parametrize(("algorithm", "options"), VARIANTS)
def test_resume_is_bitwise_at_any_generation(algorithm: str, options: dict) -> None:
    whole: list[np.ndarray] = []
    evaluated(new_search(algorithm, options), GENERATIONS, whole)
    for cut in (0, 1, 5, GENERATIONS - 1):
        pieces: list[np.ndarray] = []
        before = new_search(algorithm, options)
        evaluated(before, cut, pieces)
        on_disk = safetensors.torch.save(before.state())
        after = new_search(algorithm, options)
        after.restore(safetensors.torch.load(on_disk))
        evaluated(after, GENERATIONS - cut, pieces)
        assert len(pieces) == len(whole)
        assert all(np.array_equal(a, b) for a, b in zip(pieces, whole, strict=True))


@pytest.mark.parametrize("algorithm", list(OPTIONS))
def test_every_search_climbs(algorithm: str) -> None:
    search = new_search(algorithm, {})
    seen: list[np.ndarray] = []
    evaluated(search, 60, seen)
    assert towards_half(seen[-1]).mean() > towards_half(seen[0]).mean() + 2.0
    assert search.stdev().shape == (GENES,)
    assert search.best(3).shape == (3, GENES)
    assert towards_half(search.best(1))[0] == pytest.approx(towards_half(search.best(20)).max())


@pytest.mark.parametrize("algorithm", [name for name in OPTIONS if name != "genetic"])
def test_the_centre_seen_during_a_step_made_that_population(algorithm: str) -> None:
    search = new_search(algorithm, {})
    centres = []

    def evaluate(z: np.ndarray) -> np.ndarray:
        centres.append((search.centre(), z.mean(axis=0)))
        return towards_half(z)

    search.step(evaluate)
    assert np.array_equal(centres[0][0], np.zeros(GENES))
    for _ in range(5):
        search.step(evaluate)
    for centre, mean in centres:
        assert np.abs(centre - mean).max() < 1.5, "the mean of 20 draws lies near their centre"


def test_a_genetic_algorithm_shows_its_last_champion_as_centre() -> None:
    search = new_search("genetic", {})
    search.step(towards_half)
    champion = search.best(1)[0]
    seen = []
    search.step(lambda z: (seen.append(search.centre()), towards_half(z))[1])
    assert np.array_equal(seen[0], champion)
    assert len(seen) == 2, "parents, then children"


@pytest.mark.parametrize(
    ("algorithm", "options", "population", "genes", "text"),
    [
        ("pgp", {}, 8, 10, "search.algorithm='pgp': unknown. Did you mean pgpe? Known: pgpe, snes"),
        ("pgpe", {"center_lr": 1}, 8, 10, "search.options.center_lr=1: unknown key. Did you mean"),
        ("pgpe", {"stdev_learning_rate": -1}, 8, 10, "search.options.stdev_learning_rate=-1: must be greater than 0"),
        ("pgpe", {"optimizer": "rmsprop"}, 8, 10, "search.options.optimizer='rmsprop': must be 'clipup', 'adam' or"),
        ("pgpe", {}, 7, 10, "search.population=7: must be even for pgpe"),
        ("genetic", {}, 3, 10, "search.population=3: must be at least 4 for genetic: tournaments are among 4"),
        ("cem", {"parenthood_ratio": 0.1}, 10, 10, "search.population=10: must be at least 20 for cem"),
        ("cmaes", {}, 3, 10, "search.population=3: must be at least 4 for cmaes"),
        ("cmaes", {}, 8, 5000, "quadratic in genes, and there are 5000: must be at most 2000; use search.options.sep"),
        ("xnes", {}, 8, 5000, "must be at most 2000; use snes or pgpe"),
        ("snes", {}, 8, 0, "no gene group has mode evolved"),
    ],
)
def test_what_a_search_cannot_do_is_refused(algorithm, options, population, genes, text) -> None:
    with pytest.raises(ConfigError) as caught:
        check_search(algorithm, options, population, genes)
    assert text in str(caught.value)


def test_separable_cmaes_takes_many_genes() -> None:
    check_search("cmaes", {"separable": True}, 8, 5000)

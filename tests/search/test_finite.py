"""What is not finite: no step where fitness tells nothing, the worst rank, and an error where a search left it."""

import math

import numpy as np
import pytest
import torch

from evolearn.search import MAML, BlockwiseSearch, LeftFinite, MAMLOptions, PopulationSearch, Reptile, check_search
from evolearn.search.finite import clipped, is_flat, told
from evolearn.search.options import ReptileOptions
from tests.helpers.trials import Asked, towards_half

GENES, POPULATION = 6, 8
RANKINGS = ("centered", "linear", "nes", "normalized", "raw")
RANKED = [(name, {"ranking_method": ranking}) for name in ("pgpe", "snes", "xnes") for ranking in RANKINGS]
WITH_A_CENTRE = [
    *RANKED,
    ("pgpe", {"ranking_method": "raw", "optimizer": "adam"}),
    ("pgpe", {"ranking_method": "normalized", "optimizer": "sgd", "symmetric": False}),
    ("snes", {"ranking_method": "raw", "optimizer": "clipup", "center_learning_rate": 0.1}),
    ("cem", {}),
    ("cmaes", {}),
    ("cmaes", {"separable": True}),
]
EVERY = [*WITH_A_CENTRE, ("genetic", {}), ("genetic", {"cross_over": "none", "elitist": False})]
BLOCKWISE = [case for case in WITH_A_CENTRE if case[0] in ("pgpe", "snes", "cem")]


def searches(cases):
    return [
        *((PopulationSearch, *case) for case in cases),
        *((BlockwiseSearch, *case) for case in cases if case in BLOCKWISE),
    ]


def new(kind, algorithm, options):
    sampling = "blockwise" if kind is BlockwiseSearch else "whole"
    taken = {name: value for name, value in options.items() if not is_beyond(value)}
    checked = check_search(algorithm, taken, POPULATION, GENES, sampling)
    # Larger than a config may say: a step out of the numbers that does not take years.
    checked = checked.model_copy(update={name: value for name, value in options.items() if is_beyond(value)})
    return kind(algorithm, checked, GENES, POPULATION, 3)


def is_beyond(value):
    return isinstance(value, float) and value > 1e9


def equal(value):
    return lambda z: np.full(len(z), value)


@pytest.mark.parametrize(("kind", "algorithm", "options"), searches(WITH_A_CENTRE))
def test_equal_fitness_makes_no_step(kind, algorithm: str, options: dict) -> None:
    for fitness in (-200.0, 0.0, 0.1, -1e300, math.nan, -math.inf):
        search = new(kind, algorithm, options)
        search.step(Asked())
        search.step(Asked(equal(fitness)))
        trial = Asked(equal(fitness))
        before = search.centre(), search.stdev()
        for _ in range(3):
            search.step(trial)
        assert np.array_equal(search.centre(), before[0]), fitness
        assert np.array_equal(search.stdev(), before[1]), fitness
        assert not np.array_equal(trial.seen[0], trial.seen[1]), (fitness, "each generation is drawn anew")
        search.step(Asked())
        search.step(Asked())
        assert not np.array_equal(search.centre(), before[0]), (fitness, "it goes on as soon as there is a difference")


def _few(values):
    """Fitness of three genomes among equals."""

    def fitness(z):
        result = z[:, 0].astype(float)
        result[: len(values)] = values
        return result

    return fitness


ODD = {
    "a NaN": _few([math.nan]),
    "all but one NaN": _few([math.nan] * (POPULATION - 1)),
    "both infinities": _few([math.inf, -math.inf]),
    "near the end of the numbers": lambda z: 1e300 * towards_half(z),
    "up to the end of the numbers": _few([1.7e308, -1.7e308]),
    "too small for float32": lambda z: 1e-60 * towards_half(z),
    "squares too small": lambda z: 1e-30 * towards_half(z),
    "apart by rounding": lambda z: -200.0 * (1.0 + np.arange(len(z)) * 1e-16),
    "apart by less than float32": lambda z: 1e9 + 1e-3 * towards_half(z),
    "two outcomes, alike in every pair": lambda z: np.repeat(np.arange(-(-len(z) // 2)) % 2.0, 2)[: len(z)],
}


@pytest.mark.parametrize(("kind", "algorithm", "options"), searches(EVERY))
def test_odd_fitness_leaves_genes_finite(kind, algorithm: str, options: dict) -> None:
    for how, fitness in ODD.items():
        search = new(kind, algorithm, options)
        try:
            for _ in range(4):
                search.step(Asked(fitness))
        except LeftFinite:
            # its values enter an exponent as they are: an end with a name is all that can be asked
            assert (algorithm, options.get("ranking_method")) == ("xnes", "raw"), how
            continue
        for found in (search.centre(), search.stdev(), search.best(POPULATION)):
            assert np.isfinite(found).all(), how


@pytest.mark.parametrize(("kind", "algorithm", "options"), searches(EVERY))
def test_what_is_not_finite_is_never_the_best(kind, algorithm: str, options: dict) -> None:
    search = new(kind, algorithm, options)
    trial = Asked(_few([math.nan, math.inf]))
    search.step(trial)
    bad = np.concatenate([seen[:2] for seen in trial.seen])
    best = search.best(POPULATION - 2)
    assert not any((genome == other).all() for genome in best for other in bad)


# Not snes by raw values, which does not centre them: where all are negative, its every step leads away from all.
CLIMBING = [case for case in RANKED if case != ("snes", {"ranking_method": "raw"})]


@pytest.mark.parametrize(("kind", "algorithm", "options"), searches([*CLIMBING, ("cem", {}), ("cmaes", {})]))
def test_a_search_climbs_away_from_what_diverges(kind, algorithm: str, options: dict) -> None:
    # Fitness is negative throughout: whoever kept the 0 of a life that ended at once would go the other way.
    search = new(kind, algorithm, options)
    for _ in range(12):
        search.step(Asked(lambda z: np.where(z[:, 0] > 0.0, -np.inf, -5.0 + 0.1 * z[:, 1])))
    assert search.centre()[0] < 0.0


@pytest.mark.parametrize("ranking", [None, *RANKINGS])
def test_what_a_search_is_told_keeps_the_order(ranking: str | None) -> None:
    fitness = np.array([3.0, -math.inf, 1.0, math.nan, 2.0])
    shown = told(fitness, ranking).numpy()
    assert np.isfinite(shown).all()
    assert shown[[1, 3]].max() < shown[2] < shown[4] < shown[0]


@pytest.mark.parametrize("ranking", [None, *RANKINGS])
def test_ordinary_fitness_is_told_as_it_is(ranking: str | None) -> None:
    fitness = np.array([-200.0, 0.1, 17.25, -3e-7])
    assert torch.equal(told(fitness, ranking), torch.as_tensor(fitness, dtype=torch.float32))
    assert torch.equal(clipped(fitness), torch.as_tensor(fitness, dtype=torch.float32))


def test_flat_is_equal_but_for_rounding() -> None:
    assert is_flat([0.1 + 0.2, 0.3])
    assert not is_flat([0.3, 0.3 + 1e-9])
    assert is_flat([1.7e308, 1.7e308])
    assert not is_flat([1.7e308, -1.7e308])


@pytest.mark.parametrize(
    ("kind", "algorithm", "options"),
    [
        *((kind, "pgpe", {"center_learning_rate": 3e38}) for kind in (PopulationSearch, BlockwiseSearch)),
        (PopulationSearch, "pgpe", {"stdev_learning_rate": 1e38, "stdev_max_change": None}),
        (PopulationSearch, "snes", {"stdev_learning_rate": 1e4}),
        (BlockwiseSearch, "snes", {"stdev_learning_rate": 1e4}),
        (PopulationSearch, "xnes", {"stdev_learning_rate": 1e4, "scale_learning_rate": False}),
        (PopulationSearch, "cmaes", {"c_m": 3e38}),
        (PopulationSearch, "cmaes", {"c_1_ratio": 1e30}),
        (PopulationSearch, "genetic", {"mutation_stdev": 3e38}),
    ],
)
def test_a_step_out_of_the_finite_numbers_is_an_error_before_anything_lives(kind, algorithm, options) -> None:
    search = new(kind, algorithm, options)
    luck = np.random.default_rng(0)
    trial = Asked(lambda z: luck.normal(size=len(z)))

    def steps():
        for _ in range(40):
            search.step(trial)

    with pytest.raises(LeftFinite, match=r"^the (centre|spread|new population|covariance) "):
        steps()
    assert all(np.isfinite(z).all() for z in trial.seen)


class Trained:
    """A trial of a trainer of weights."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def learn_alone(self, z, batch):
        return np.full_like(z, self.answer)

    def differentiate(self, z, batch, first_order):
        return np.full_like(z, self.answer)

    def judge_centre(self, z, batch):
        assert np.isfinite(z).all()


@pytest.mark.parametrize("gradient", [math.nan, math.inf, 0.0])
def test_a_gradient_that_says_nothing_is_no_step_of_maml(gradient: float) -> None:
    search = MAML(MAMLOptions(), GENES, 2)
    search.step(Trained(gradient))
    assert not search.centre().any()


def test_trainers_that_leave_the_finite_numbers_are_an_error() -> None:
    maml = MAML(MAMLOptions().model_copy(update={"step_size": 3e38}), GENES, 2)
    with pytest.raises(LeftFinite, match=r"the centre has 6 of 6 numbers that are not finite"):
        maml.step(Trained(1.0))
    reptile = Reptile(ReptileOptions(), GENES, 1, 4)
    with pytest.raises(LeftFinite, match="the centre"):
        reptile.step(Trained(math.inf))

"""One contract for every search: at any generation it can be saved, and goes on from there bit for bit."""

from collections.abc import Callable

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, strategies as st

from evolearn.config import check_config
from evolearn.run import assemble
from evolearn.search import (
    MAML,
    BlockwiseSearch,
    Clone,
    Lessons,
    Noise,
    PopulationSearch,
    Reptile,
    Search,
    check_search,
)
from evolearn.search._algorithms import packed, unpacked
from evolearn.search.options import OPTIONS
from tests.helpers.lessons import lessons_in
from tests.helpers.runs import toy_with
from tests.helpers.training import CLONING, WEIGHTS_ONLY
from tests.helpers.trials import Asked

GENES, POPULATION, GENERATIONS = 10, 20, 12
CLONED = assemble(check_config(toy_with("clone", {"options": CLONING}, genome=WEIGHTS_ONLY), "toy")).pool
RANKINGS = ("centered", "linear", "nes", "normalized", "raw")


def whole(algorithm: str, *, lamarckian: bool = False, **options) -> Callable[[], Search]:
    checked = check_search(algorithm, options, POPULATION, GENES)
    return lambda: PopulationSearch(algorithm, checked, GENES, POPULATION, 3, lamarckian)


def blockwise(algorithm: str, **options) -> Callable[[], Search]:
    checked = check_search(algorithm, options, POPULATION, GENES, "blockwise")
    return lambda: BlockwiseSearch(algorithm, checked, GENES, POPULATION, seed=3)


def reptile(**options) -> Callable[[], Search]:
    return lambda: Reptile(check_search("reptile", options, POPULATION, GENES), GENES, POPULATION, GENERATIONS)


def maml(**options) -> Callable[[], Search]:
    return lambda: MAML(check_search("maml", options, POPULATION, GENES), GENES, POPULATION)


def clone(**options) -> Callable[[], Search]:
    checked = check_search("clone", {**CLONING, "minibatch": 7, **options}, POPULATION, GENES)
    return lambda: Clone(checked, CLONED, POPULATION, GENERATIONS, 3)


CLIMBING = {"optimizer": "sgd", "center_learning_rate": 0.2}
MOMENTUM = {"optimizer": "sgd", "optimizer_config": {"momentum": 0.9}, "center_learning_rate": 0.1}
SEARCHES: dict[str, Callable[[], Search]] = {
    **{algorithm: whole(algorithm) for algorithm in OPTIONS},
    "pgpe, adam": whole("pgpe", optimizer="adam"),
    "pgpe, not in pairs, sgd": whole("pgpe", symmetric=False, **CLIMBING),
    "snes, momentum": whole("snes", **MOMENTUM),
    "cmaes, separable": whole("cmaes", separable=True),
    "genetic, no crossover": whole("genetic", cross_over="none"),
    "lamarckian": whole("genetic", lamarckian=True),
    "lamarckian, no crossover": whole("genetic", lamarckian=True, cross_over="none"),
    "lamarckian, not elitist": whole("genetic", lamarckian=True, elitist=False),
    **{f"blockwise pgpe, {ranking}": blockwise("pgpe", ranking_method=ranking) for ranking in RANKINGS},
    "blockwise pgpe, not in pairs": blockwise("pgpe", symmetric=False),
    "blockwise pgpe, adam": blockwise("pgpe", optimizer="adam"),
    "blockwise pgpe, bounds": blockwise("pgpe", **CLIMBING, stdev_min=0.9, stdev_max=1.05),
    **{f"blockwise snes, {ranking}": blockwise("snes", ranking_method=ranking) for ranking in RANKINGS},
    "blockwise snes, momentum": blockwise("snes", **MOMENTUM),
    "blockwise cem": blockwise("cem"),
    "blockwise cem, many parents": blockwise("cem", parenthood_ratio=0.7, stdev_max_change=0.05),
    "reptile": reptile(),
    "reptile, constant": reptile(step_size=0.25, anneal=False),
    "maml": maml(),
    "clone": clone(),
    "clone, constant": clone(gain=3.0, epochs=2, anneal=False),
    "maml, first order": maml(first_order=True, step_size=0.1),
}
every_search = pytest.mark.parametrize("new", SEARCHES.values(), ids=SEARCHES.keys())


class Answering(Asked):
    """A trial that answers whatever a search asks with functions of z, and remembers all that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple] = []

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        self.asked.append(("evaluate", z.copy()))
        return super().evaluate(z)

    def learn(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.evaluate(z), np.float32(0.9) * z + np.float32(0.05)

    def learn_alone(self, z: np.ndarray, batch: int) -> np.ndarray:
        self.asked.append(("learn alone", z.copy(), batch))
        return np.float32(0.9) * z + np.float32(0.01 * batch)

    def differentiate(self, z: np.ndarray, batch: int, first_order: bool) -> np.ndarray:
        self.asked.append(("differentiate", z.copy(), batch, first_order))
        return np.float32(2.0) * z - np.float32(1.0 + 0.1 * batch)

    def lessons(self, z: np.ndarray, batch: int) -> Lessons:
        self.asked.append(("lessons", z.copy(), batch))
        told = np.float32([[batch, 1.0, -1.0, 0.5], [0.1, z[0], z[1], 0.0], [-0.3, 0.2, batch, 1.0]])
        return lessons_in(told, np.float32([[1.0, 0.0], [0.2, 0.8], [0.0, 1.0]]))

    def judge_centre(self, z: np.ndarray, batch: int) -> None:
        self.asked.append(("judge", z.copy(), batch))

    def sum_drawn(self, noise: Noise, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        self.asked.append(("sum", noise, first.copy(), second.copy()))
        return super().sum_drawn(noise, first, second)


def went_on(search: Search, generations: int) -> list[tuple]:
    """What a search asks in so many generations."""
    trial = Answering()
    for _ in range(generations):
        search.step(trial)
    return trial.asked


def restored(new: Callable[[], Search], search: Search) -> Search:
    """Another search in the state of `search`, which has been bytes of a file in between."""
    after = new()
    after.restore(safetensors.torch.load(safetensors.torch.save(search.state())))
    return after


def same(one: object, other: object) -> bool:
    return one.tobytes() == other.tobytes() if isinstance(one, np.ndarray) else one == other


def kept(search: Search) -> dict[str, torch.Tensor]:
    """Every tensor and array that a search keeps, those in its algorithm and in its distribution included."""
    algorithm = getattr(search, "_algorithm", None)
    distribution = getattr(algorithm, "_distribution", None)
    population = getattr(algorithm, "population", None) if isinstance(search, PopulationSearch) else None
    everything = {
        **vars(search),
        **(vars(algorithm) if algorithm is not None else {}),
        **(distribution.parameters if distribution is not None else {}),
        **({"population": population.values, "evals": population.evals} if population is not None else {}),
    }
    tensors = {name: torch.from_numpy(it) if isinstance(it, np.ndarray) else it for name, it in everything.items()}
    return {name: it for name, it in tensors.items() if isinstance(it, torch.Tensor)}


@every_search
def test_it_goes_on_bitwise_from_any_generation(new: Callable[[], Search]) -> None:
    undisturbed = new()
    asked = went_on(undisturbed, GENERATIONS)
    for cut in (0, 1, 5, GENERATIONS - 1):
        before = new()
        first = went_on(before, cut)
        after = restored(new, before)
        for view in ("centre", "stdev"):
            np.testing.assert_array_equal(getattr(after, view)(), getattr(before, view)())
        if cut:
            np.testing.assert_array_equal(after.best(3), before.best(3))
        pieces = [*first, *went_on(after, GENERATIONS - cut)]
        assert len(pieces) == len(asked)
        for one, other in zip(pieces, asked, strict=True):
            assert all(same(a, b) for a, b in zip(one, other, strict=True))
        assert safetensors.torch.save(after.state()) == safetensors.torch.save(undisturbed.state())


@every_search
def test_all_that_it_keeps_comes_back_as_it_lay_in_memory(new: Callable[[], Search]) -> None:
    before = new()
    went_on(before, 3)
    after = restored(new, before)
    expected, found = kept(before), kept(after)
    assert expected
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.equal(expected[name], found[name]), name
        assert expected[name].stride() == found[name].stride(), name


@every_search
def test_a_state_is_a_copy(new: Callable[[], Search]) -> None:
    search = new()
    went_on(search, 2)
    state = search.state()
    saved = safetensors.torch.save(state)
    after = new()
    after.restore(state)
    went_on(search, 2)
    went_on(after, 2)
    assert safetensors.torch.save(state) == saved


def test_a_factor_in_columns_comes_back_in_columns_and_an_older_state_can_be_read() -> None:
    before, after = SEARCHES["cmaes"](), SEARCHES["cmaes"]()
    went_on(before, 3)
    assert before._algorithm.A.stride() == (1, GENES), "Cholesky's, on any processor"
    state = before.state()
    after.restore(state)
    assert torch.equal(after._algorithm.A, before._algorithm.A)
    assert after._algorithm.A.stride() == (1, GENES)
    after.restore({name: tensor for name, tensor in state.items() if not name.endswith(".strides")})
    assert torch.equal(after._algorithm.A, before._algorithm.A)


@given(order=st.permutations(range(3)), gaps=st.integers(1, 2))
def test_packed_tensors_come_back_with_values_and_strides(order: list[int], gaps: int) -> None:
    tensor = torch.arange(2 * 3 * 4 * gaps).reshape(2, 3, 4 * gaps)[:, :, ::gaps].permute(order)
    ((name, back),) = unpacked(packed({"it": tensor})).items()
    assert name == "it"
    assert torch.equal(back, tensor)
    assert back.stride() == tensor.stride()
    assert back.data_ptr() != tensor.data_ptr()

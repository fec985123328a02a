"""Runs whose genomes are codes: their DNA, what is cloned through them, what reads them, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from evolearn.agent import imitation_loss
from evolearn.api import load
from evolearn.config import ConfigError, check_config
from evolearn.export import export
from evolearn.genome import ENCODINGS, Encoding, decode
from evolearn.inspection._comparison import mixtures
from evolearn.inspection._landscape import inspect_landscape
from evolearn.inspection._specimen import QUICK, Specimen
from evolearn.life import new_driver
from evolearn.run import DNAError, assemble, load_dna, setup_of
from evolearn.run.dna import _checksum, altered_dna, save_dna
from evolearn.search import Clone, Lessons
from tests.helpers.lessons import lessons_in
from tests.helpers.runs import toy, toy_with
from tests.helpers.training import CLONING, WEIGHTS_ONLY

SUBSPACE = {"encoding": "subspace", "code": {"genes": 5, "bits": 4}}
ABOUT = {"role": "centre", "lineage": {"generation": 0}}


def setup_with(genome: dict, algorithm: str = "snes", search: dict | None = None, **changes):
    return assemble(check_config(toy_with(algorithm, search, genome=genome, **changes), "toy"))


def test_dna_of_a_code_is_read_back_as_it_was_born(undisturbed: Callable[[str], Path], tmp_path: Path) -> None:
    dna = load_dna(undisturbed("code"))
    assert dna.pool.slices()["weights", "code"] == slice(0, 5)
    others = dna.pool.size - 5
    assert dna.pool.bits == dna.header["bits"] == 5 * 4 + 32 * others
    lived = setup_of(dna)
    np.testing.assert_array_equal(decode(lived.pool, dna.genome[None]).weights, dna.newborns.weights)
    assert not dna.newborns.weights[0, 28:32].any(), "the critic is left out"
    assert f"{dna.pool.size}, {dna.pool.bits} bits" in repr(load(undisturbed("code")))
    changed = altered_dna(dna, dna.genome + np.float32(2.0))
    assert not np.array_equal(changed.newborns.weights, dna.newborns.weights)
    planted = tmp_path / "dna.safetensors"
    save_dna(planted, lived, dna.genome, dna.stdev, {**ABOUT, "bits": 7})
    with pytest.raises(DNAError, match="bits is 7, and the genome of its config has"):
        load_dna(planted)


def test_each_run_has_a_plane_of_its_own() -> None:
    one, other = (setup_with({**SUBSPACE, **WEIGHTS_ONLY}, seed=seed) for seed in (5, 6))
    genome = np.ones((1, 5), np.float32)
    assert not np.array_equal(decode(one.pool, genome).weights, decode(other.pool, genome).weights)


class Giving:
    """A trial whose lessons are given."""

    def __init__(self, told: np.ndarray, answers: np.ndarray) -> None:
        self.given = lessons_in(told, answers)

    def lessons(self, z: np.ndarray, batch: int) -> Lessons:
        return self.given

    def judge_centre(self, z: np.ndarray, batch: int) -> None:
        pass


def cloned(genome: dict, rounds: int, told: np.ndarray, answers: np.ndarray, **changes) -> np.ndarray:
    """Weights of a newborn that was fitted through a code."""
    options = {**CLONING, "step_size": 0.02, "epochs": 20}
    setup = setup_with({**WEIGHTS_ONLY, **genome}, "clone", {"options": options}, **changes)
    search = Clone(setup.options, setup.pool, 1, rounds, seed=7)
    for _ in range(rounds):
        search.step(Giving(told, answers))
    genomes = setup.pool.centre + setup.pool.spread * search.centre()
    return decode(setup.pool, genomes[None].astype(np.float32)).weights[0]


def random_lessons() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    told = random.standard_normal((128, 4)).astype(np.float32)
    logits = told @ random.standard_normal((4, 2)) * 3.0
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return told, answers.astype(np.float32)


def test_to_clone_through_weights_of_32_bits_is_to_clone() -> None:
    lessons = random_lessons()
    direct, quantised = (cloned({"encoding": name}, 2, *lessons) for name in ("direct", "quantised"))
    np.testing.assert_allclose(quantised, direct, atol=1e-6)


def loss_of(weights: np.ndarray, told: np.ndarray, answers: np.ndarray) -> float:
    setup = setup_with({"encoding": "direct"})
    parts = (torch.from_numpy(part) for part in (weights, told, answers))
    return float(imitation_loss(setup.conditions.brain, *parts))


@pytest.mark.parametrize(
    "genome",
    [
        {"encoding": "quantised", "code": {"bits": 4}, "critic": "learned"},
        {"encoding": "subspace", "code": {"genes": 20, "bits": 5}, "critic": "learned", "weights": {"spread": 1.0}},
        {"encoding": "neuron_codes", "code": {"numbers": 1, "units": 1}, "critic": "learned"},
    ],
)
def test_what_is_fitted_through_a_code_comes_nearer_to_its_teacher(genome: dict) -> None:
    lessons = random_lessons()
    before = loss_of(cloned({"encoding": "direct"}, 0, *lessons), *lessons)
    after = loss_of(cloned(genome, 4, *lessons), *lessons)
    assert after < 0.75 * before


def test_deviations_are_fitted_with_a_code_since_no_gene_is_theirs() -> None:
    setup = setup_with(
        {**SUBSPACE, "code": {"genes": 60}, **WEIGHTS_ONLY},
        "clone",
        {"options": {**CLONING, "step_size": 0.05, "epochs": 300, "stdev": 0.3}},
        world={"name": "savannah"},
    )
    search = Clone(setup.options, setup.pool, 1, 2, seed=7)
    random = np.random.default_rng(2)
    told = random.standard_normal((64, setup.conditions.brain.told)).astype(np.float32)
    for _ in range(2):
        search.step(Giving(told, np.zeros((64, 4), np.float32)))
    genome = setup.pool.centre + setup.pool.spread * search.centre()
    weights = decode(setup.pool, genome[None].astype(np.float32)).weights[0]
    np.testing.assert_allclose(np.exp(weights[-4:]), 0.3, rtol=0.1)


def test_inspection_compares_codes_by_their_weights_and_has_no_plane_of_them(
    undisturbed: Callable[[str], Path], tmp_path: Path
) -> None:
    one, direct = load_dna(undisturbed("code")), load_dna(undisturbed("snes"))
    between = mixtures(one, direct, direct.newborns.weights[0].astype(np.float64), np.array([0.0, 1.0])).weights
    np.testing.assert_allclose(between, [one.newborns.weights[0], direct.newborns.weights[0]], atol=1e-6)
    setup = setup_of(one)
    driver = new_driver(setup.conditions)
    with pytest.raises(DNAError, match=r"its genes are a code and no weights \(genome.encoding='subspace'\)"):
        inspect_landscape(Specimen(one, setup, driver, QUICK, 60, lambda done, of: None))
    driver.close()


def test_a_brain_that_a_code_made_is_exported(undisturbed: Callable[[str], Path], tmp_path: Path) -> None:
    dna = load_dna(undisturbed("code"))
    export(dna, tmp_path / "brain.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "brain.safetensors")
    np.testing.assert_array_equal(tensors["policy.weight"].ravel(), dna.newborns.weights[0][20 : 20 + 8])


@pytest.mark.parametrize(
    ("genome", "search", "text"),
    [
        (
            {"code": {"bits": 8}},
            {},
            "genome.code.bits=8: genome.encoding='direct' does not use it; leave it out, or set ",
        ),
        ({"encoding": "quantised", "code": {"bits": 33}}, {}, "genome.code.bits=33: must be 32 or less"),
        ({"encoding": "quantised", "code": {"bits": 0}}, {}, "genome.code.bits=0: must be 1 or more"),
        (
            {"encoding": "quantised", "code": {"genes": 3}},
            {},
            "genome.code.genes=3: genome.encoding='quantised' does not",
        ),
        ({"encoding": "subspace", "code": {"genes": 36}}, {}, "genome.code.genes=36: must be at most 35, the weights"),
        ({**SUBSPACE, "critic": "learned", "code": {"genes": 31}}, {}, "genome.code.genes=31: must be at most 30"),
        ({"encoding": "neuron_codes", "code": {"numbers": 9}}, {}, "genome.code.numbers=9: makes"),
        (
            {**SUBSPACE, **WEIGHTS_ONLY},
            {"algorithm": "clone", "options": {**CLONING, "gain": 2.0}},
            "search.options.gain=2: must be 1 with genome.encoding='subspace'",
        ),
        (
            {**SUBSPACE, **WEIGHTS_ONLY},
            {"algorithm": "reptile"},
            "genome.encoding='subspace': must be 'direct' with search.algorithm='reptile'",
        ),
        (
            {**SUBSPACE, "inheritance": "lamarckian"},
            {"algorithm": "genetic"},
            "genome.encoding='subspace': must be 'direct' with genome.inheritance='lamarckian'",
        ),
    ],
)
def test_what_a_code_cannot_do_is_refused(genome: dict, search: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        setup_with(genome, search=search)
    assert text in str(caught.value)


def test_weights_given_at_the_start_are_for_direct_genes() -> None:
    with pytest.raises(ConfigError, match=r"brain.weights: must be left out with genome.encoding='subspace'"):
        assemble(check_config(toy(genome=SUBSPACE, brain={"hidden": [4], "weights": {"policy.bias": 0.0}}), "toy"))


def test_a_code_that_torch_does_not_know_clones_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODINGS, "folded", Encoding(ENCODINGS["direct"].genes, ENCODINGS["direct"].weights))
    with pytest.raises(ConfigError) as caught:
        setup_with({"encoding": "folded", **WEIGHTS_ONLY}, "clone", {"options": CLONING})
    assert "genome.encoding='folded': its row has no torch_weights" in str(caught.value)


def test_old_dna_that_says_nothing_of_bits_is_read(undisturbed: Callable[[str], Path], tmp_path: Path) -> None:
    dna = load_dna(undisturbed("snes"))
    header = {name: value for name, value in dna.header.items() if name not in ("sha256", "bits")}
    header["sha256"] = _checksum(header, dna.genome, dna.stdev)
    file = tmp_path / "old.safetensors"
    tensors = {"genome": dna.genome, "stdev": dna.stdev}
    safetensors.numpy.save_file(tensors, file, metadata={"evolearn": json.dumps(header)})
    assert load_dna(file).pool.bits == dna.pool.bits

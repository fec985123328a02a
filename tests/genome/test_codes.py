"""Codes of genomes: decoding against plain NumPy and torch, levels of quantisation, reductions, sizes in bits."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import evolearn.genome.encodings as encodings
from evolearn.agent import BrainSpec
from evolearn.config import CodePart, ConfigError
from evolearn.genome import ENCODINGS, EVOLVED, FIXED, GenePool, decode, decoder_of, gene_pool
from evolearn.genome.encodings import RANGE, quantised
from evolearn.genome.genes import initial_weights

SPEC = BrainSpec("mlp", 3, (9, 6), 2, "gaussian")
DISCRETE = BrainSpec("linear", 30, (), 3, "categorical")
CODES = {
    "quantised": {"bits": 3},
    "subspace": {"genes": 7, "bits": 5},
    "neuron_codes": {"numbers": 1, "units": 3, "bits": 6},
}
MODES = {"weights": EVOLVED, "drives": FIXED, "plasticity": FIXED}
SPREADS = {"weights": 0.2, "drives": 0.3, "plasticity": 0.3}


def pool_of(encoding: str, brain: BrainSpec = SPEC, seed: int = 4, learned=(), modes=MODES, **code) -> GenePool:
    learner = "actor_critic"
    part = CodePart(**code)
    return gene_pool(
        brain, learner, ("fitness",), modes, {}, {}, SPREADS, seed, encoding=encoding, code=part, learned=learned
    )


def genomes_of(pool: GenePool, count: int = 6) -> np.ndarray:
    draws = np.random.default_rng(3).standard_normal((count, pool.size))
    return (pool.centre + 1.5 * pool.spread * draws).astype(np.float32)


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_a_gene_takes_one_of_two_to_the_bits_levels_evenly_spaced_and_the_nearest(bits: int) -> None:
    values = np.linspace(-5, 5, 20_001, dtype=np.float32)
    found = quantised(values, bits)
    levels = np.unique(found)
    assert len(levels) == 2**bits
    np.testing.assert_allclose(np.diff(levels), 2 * RANGE / 2**bits, rtol=1e-5)
    np.testing.assert_allclose(levels, -levels[::-1])
    inside = np.abs(values) <= RANGE
    assert np.abs(found - values)[inside].max() <= RANGE / 2**bits * 1.0001
    np.testing.assert_array_equal(quantised(found, bits), found)


def test_more_bits_come_nearer_and_32_are_the_float_itself() -> None:
    values = np.linspace(-2.9, 2.9, 101, dtype=np.float32)
    errors = [np.abs(quantised(values, bits) - values).max() for bits in (4, 8, 16)]
    assert errors[0] > 10 * errors[1] > 1000 * errors[2] > 0
    far = np.float32([-100.0, 0.123, 7.0])
    np.testing.assert_array_equal(quantised(far, 32), far)


def test_a_subspace_is_the_initial_weights_and_a_projection_of_the_genes() -> None:
    pool = pool_of("subspace", genes=7, bits=5)
    genomes = genomes_of(pool)
    plane = encodings.projection_of(SPEC, pool.code)
    expected = initial_weights(SPEC, 4) + 0.2 * quantised(genomes, 5).astype(np.float64) @ plane
    np.testing.assert_allclose(decode(pool, genomes).weights, expected, atol=1e-6)
    large = encodings.projection_of(
        BrainSpec("mlp", 30, (90,), 2, "gaussian"), dataclasses.replace(pool.code, genes=50)
    )
    np.testing.assert_allclose(large.std(), 1 / math.sqrt(50), rtol=0.01)
    np.testing.assert_allclose(large.mean(), 0.0, atol=1e-3)
    other = encodings.projection_of(SPEC, dataclasses.replace(pool.code, seed=5))
    assert np.abs(np.corrcoef(plane.ravel(), other.ravel())[0, 1]) < 0.2, "each run has its own"


def test_quantised_weights_are_levels_around_where_evolution_began() -> None:
    pool = pool_of("quantised", bits=2)
    weights = decode(pool, genomes_of(pool)).weights
    levels = np.unique(np.round((weights - initial_weights(SPEC, 4)) / 0.2, 4))
    np.testing.assert_allclose(levels, [-2.25, -0.75, 0.75, 2.25])


def by_hand(pool: GenePool, genome: np.ndarray) -> dict[str, np.ndarray]:
    """Blocks of the weights of one genome of `neuron_codes`, a connection at a time."""
    genes = {}
    for (_, name), place in pool.slices().items():
        shape = next(gene.shape for gene in pool.genes if gene.name == name)
        genes[name] = quantised(genome[place], pool.code.bits).reshape(shape).astype(np.float64)
    blocks = {}
    before = genes["codes.inputs"]
    for layer in ("hidden1", "hidden2", "policy", "value"):
        after = genes[f"codes.{layer}"]

        def weight(a: np.ndarray, b: np.ndarray, layer: str = layer) -> float:
            drive = np.concatenate([a, b, [1.0]]) @ genes[f"decoder.{layer}.inward"] / math.sqrt(len(a))
            outward = genes[f"decoder.{layer}.outward"]
            return float(np.tanh(drive) @ outward * math.sqrt(2.0 / len(outward)))

        matrix = np.array([[weight(a, b) for b in after] for a in before])
        blocks[f"{layer}.weight"] = matrix if layer.startswith("hidden") else matrix.T
        blocks[f"{layer}.bias"] = np.array([weight(genes["codes.bias"], b) for b in after])
        before = after if layer.startswith("hidden") else before
    return blocks | {"policy.log_stdev": genes["policy.log_stdev"]}


@pytest.mark.parametrize("numbers", [1, 2])
def test_a_decoder_makes_each_weight_of_the_codes_of_its_two_neurons(numbers: int) -> None:
    brain = BrainSpec("mlp", 3, (9, 6), 2, "gaussian")
    pool = pool_of("neuron_codes", brain, numbers=numbers, units=2, bits=9)
    genomes = genomes_of(pool, 2)
    for genome, weights in zip(genomes, decode(pool, genomes).weights, strict=True):
        blocks = by_hand(pool, genome)
        expected = np.concatenate([blocks[tensor.name].ravel() for tensor in brain.tensors])
        np.testing.assert_allclose(weights, expected, atol=2e-6)


@pytest.mark.parametrize("encoding", CODES)
@pytest.mark.parametrize("learned", [(), ("value",)])
def test_torch_makes_the_same_weights_and_lets_the_gradient_through(encoding: str, learned) -> None:
    pool = pool_of(encoding, learned=learned, **CODES[encoding])
    for genome, weights in zip(genomes_of(pool), decode(pool, genomes_of(pool)).weights, strict=True):
        genes = torch.tensor(genome, requires_grad=True)
        made = decoder_of(pool)(genes)
        np.testing.assert_allclose(made.detach().numpy(), weights, atol=2e-6)
        (gradient,) = torch.autograd.grad((made * torch.arange(1.0, len(made) + 1)).sum(), genes)
        assert torch.count_nonzero(gradient) > 0.9 * len(genes)


@pytest.mark.parametrize("encoding", CODES)
def test_a_genome_decodes_to_the_same_bits_in_any_company(encoding: str) -> None:
    pool = pool_of(encoding, **CODES[encoding])
    genomes = genomes_of(pool, 9)
    together = decode(pool, genomes).weights
    for place in (0, 4, 8):
        np.testing.assert_array_equal(decode(pool, genomes[place : place + 1]).weights[0], together[place])
    np.testing.assert_array_equal(decode(pool, genomes[::-1]).weights, together[::-1])


def test_codes_reduce_to_direct_genes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All weights of 32 bits, or of 31 within their range, and a plane that is every axis by itself."""
    direct = pool_of("direct")
    genomes = direct.centre + direct.spread * np.random.default_rng(5).uniform(-2.9, 2.9, (4, direct.size))
    expected = decode(direct, genomes).weights
    for bits in (31, 32):
        pool = pool_of("quantised", bits=bits)
        assert pool.slices() == direct.slices()
        np.testing.assert_allclose(decode(pool, genomes).weights, expected, atol=1e-6 * (bits < 32))
    monkeypatch.setattr(encodings, "projection_of", lambda brain, code: np.eye(brain.weights, dtype=np.float32))
    plane = pool_of("subspace", genes=SPEC.weights)
    z = ((genomes - direct.centre) / direct.spread).astype(np.float32)
    np.testing.assert_allclose(decode(plane, z).weights, expected, atol=1e-6)


@pytest.mark.parametrize("encoding", CODES)
def test_heads_that_are_left_out_are_zero_at_birth_and_no_genes(encoding: str) -> None:
    whole, pool = (pool_of(encoding, learned=learned, **CODES[encoding]) for learned in ((), ("value",)))
    weights = decode(pool, genomes_of(pool)).weights
    start, blocks = 0, {}
    for tensor in SPEC.tensors:
        blocks[tensor.name] = weights[:, start : start + tensor.size]
        start += tensor.size
    for name, block in blocks.items():
        assert block.any() == (not name.startswith("value.")), name
    if encoding != "subspace":
        assert pool.size < whole.size


def test_the_size_of_a_genome_is_counted_in_bits() -> None:
    assert pool_of("direct").bits == 32 * SPEC.weights
    assert pool_of("quantised", bits=3).bits == 3 * SPEC.weights
    assert pool_of("subspace", genes=7, bits=5).bits == 35
    pool = pool_of("subspace", genes=7, bits=5, modes=dict.fromkeys(MODES, EVOLVED))
    assert pool.bits == 35 + 32 * (pool.size - 7), "drives and plasticity are floats"
    units, numbers = 3, 1
    neurons = 3 + 1 + 9 + 6 + 2 + 1
    genes = neurons * numbers + 4 * (2 * numbers + 2) * units + 2
    assert pool_of("neuron_codes", numbers=numbers, units=units, bits=6).bits == 6 * genes


@pytest.mark.parametrize(
    ("brain", "encoding", "code", "text"),
    [
        (SPEC, "subspace", {"genes": 200}, "genome.code.genes=200: must be at most 119, the weights"),
        (SPEC, "subspace", {}, "genome.code.genes: must be given with genome.encoding='subspace': 1 .. 119"),
        (SPEC, "neuron_codes", {"numbers": 9}, "genome.code.numbers=9: makes "),
        (
            BrainSpec("mlp", 3000, (100,), 2, "gaussian"),
            "subspace",
            {"genes": 1000},
            "numbers on 300,405 weights: must be at most 134,217,728",
        ),
        (
            dataclasses.replace(SPEC, trunk="gru"),
            "neuron_codes",
            {},
            "genome.encoding='neuron_codes': has no code for hidden1.inputs.weight",
        ),
        (
            dataclasses.replace(SPEC, prediction="of_numbers"),
            "neuron_codes",
            {},
            "has no code for prediction.weight, prediction.bias: must be 'direct', 'quantised' or 'subspace'",
        ),
    ],
)
def test_what_no_code_can_make_is_refused(brain: BrainSpec, encoding: str, code: dict, text: str) -> None:
    with pytest.raises(ConfigError, match="genome") as caught:
        pool_of(encoding, brain, **code)
    assert text in str(caught.value)


def test_neurons_of_a_brain_without_layers_have_codes_too() -> None:
    pool = pool_of("neuron_codes", DISCRETE, numbers=1, units=3)
    assert "policy.log_stdev" not in {gene.name for gene in pool.genes}
    assert decode(pool, genomes_of(pool)).weights.shape == (6, DISCRETE.weights)


def test_every_encoding_in_the_box_can_be_fitted_in_torch() -> None:
    assert all(row.torch_weights for row in ENCODINGS.values())

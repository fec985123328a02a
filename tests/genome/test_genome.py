import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from evolearn.agent import LEARNERS, BrainSpec
from evolearn.genome import EVOLVED, FIXED, FRESH, GROUPS, TRANSFORMS, decode, gene_pool, initial_distribution
from evolearn.genome.genes import initial_weights

SPEC = BrainSpec("mlp", 3, (4, 2), 2, "gaussian")
DRIVES = ("fitness", "uprightness", "surprise")
SPREADS = {"weights": 0.2, "drives": 0.3, "plasticity": 0.4}
NATURAL = {
    "identity": st.floats(-1e6, 1e6, width=32),
    "log": st.floats(1e-20, 1e20),
    "logit": st.floats(1e-6, 0.999),
    "share": st.floats(0.0, 1.0, width=32),
    "symlog": st.floats(-1e8, 1e8),
}


def pool_with(weights=EVOLVED, drives=EVOLVED, plasticity=EVOLVED, seed=1, **plasticity_centres):
    modes = {"weights": weights, "drives": drives, "plasticity": plasticity}
    return gene_pool(SPEC, "actor_critic", DRIVES, modes, {"fitness": 1.0}, plasticity_centres, SPREADS, seed)


def through(transform, value):
    gene = np.array([TRANSFORMS[transform].encode(value)], np.float32)
    decoded = TRANSFORMS[transform].decode(gene)
    assert decoded.dtype == np.float32
    return float(decoded[0])


@pytest.mark.parametrize("transform", TRANSFORMS)
@given(data=st.data())
def test_what_is_encoded_decodes_to_itself(transform, data):
    value = data.draw(NATURAL[transform])
    assert through(transform, value) == pytest.approx(value, rel=1e-5, abs=1e-6 if transform == "symlog" else 1e-37)


@pytest.mark.parametrize("transform", TRANSFORMS)
@given(gene=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_no_gene_decodes_to_something_that_is_not_a_number(transform, gene):
    assert np.all(np.isfinite(TRANSFORMS[transform].decode(np.array([gene], np.float32))))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_decoding_rises_with_the_gene(transform):
    values = TRANSFORMS[transform].decode(np.linspace(-20, 20, 401).astype(np.float32))
    assert np.all(np.diff(values) >= 0.0)
    assert values[0] < values[-1]


def test_known_values_of_the_transforms():
    assert through("log", 3e-4) == pytest.approx(3e-4)
    assert TRANSFORMS["log"].encode(math.e) == pytest.approx(1.0)
    assert TRANSFORMS["logit"].encode(0.5) == 0.0
    assert TRANSFORMS["logit"].encode(0.99) == pytest.approx(math.log(99.0))
    assert TRANSFORMS["symlog"].encode(-(math.e - 1.0)) == pytest.approx(-1.0)
    assert TRANSFORMS["symlog"].encode(0.0) == 0.0


@pytest.mark.parametrize("evolved", [("weights",), ("drives", "plasticity"), GROUPS])
def test_the_slices_cover_the_genome_in_order_and_without_gaps(evolved):
    pool = pool_with(**{group: EVOLVED if group in evolved else FIXED for group in GROUPS})
    places = list(pool.slices().values())
    assert places[0].start == 0
    assert places[-1].stop == pool.size == pool.centre.size == pool.spread.size
    assert all(one.stop == after.start for one, after in itertools.pairwise(places))
    assert list(pool.slices()) == [(gene.group, gene.name) for gene in pool.genes if gene.group in evolved]


def test_the_gene_table_names_every_tensor_drive_and_plasticity_value():
    pool = pool_with()
    names = {group: [gene.name for gene in pool.genes if gene.group == group] for group in GROUPS}
    assert names["weights"] == [tensor.name for tensor in SPEC.tensors]
    assert names["drives"] == list(DRIVES)
    assert names["plasticity"] == [gene.name for gene in LEARNERS["actor_critic"].plasticity]
    assert len({gene.name for gene in pool.genes}) == len(pool.genes)
    assert [gene.shape for gene in pool.genes if gene.group == "weights"] == [tensor.shape for tensor in SPEC.tensors]
    assert all(np.all(gene.spread == np.float32(SPREADS[gene.group])) for gene in pool.genes)


def test_the_centre_decodes_to_one_standard_draw_and_the_published_defaults():
    pool = pool_with(discount=0.9)
    born = decode(pool, pool.centre[None])
    np.testing.assert_array_equal(born.weights[0], initial_weights(SPEC, seed=1))
    np.testing.assert_array_equal(born.drives[0], [1.0, 0.0, 0.0])
    expected = [0.9 if gene.name == "discount" else gene.default for gene in LEARNERS["actor_critic"].plasticity]
    np.testing.assert_allclose(born.plasticity[0], expected, rtol=1e-5)
    assert born.scale[0] == born.plasticity[0, 5]


@given(seed=st.integers(0, 1000), count=st.integers(1, 7))
def test_a_genome_decodes_to_the_same_bits_in_any_company(seed, count):
    pool = pool_with()
    genomes = pool.centre + 3.0 * np.random.default_rng(seed).standard_normal((count, pool.size)).astype(np.float32)
    together = decode(pool, genomes)
    for row in range(count):
        alone = decode(pool, genomes[row : row + 1])
        for name in ("weights", "drives", "plasticity", "scale"):
            np.testing.assert_array_equal(getattr(together, name)[row], getattr(alone, name)[0], err_msg=name)


def test_every_gene_reaches_its_own_place_and_no_other():
    pool = pool_with()
    base = decode(pool, pool.centre[None])
    for gene in pool.genes:
        genome = pool.centre.copy()
        genome[pool.slices()[gene.group, gene.name]] += 0.5
        born = decode(pool, genome[None])
        changed = {group: int(np.sum(getattr(born, group) != getattr(base, group))) for group in GROUPS}
        assert changed == {group: gene.size if group == gene.group else 0 for group in GROUPS}, gene.name


@pytest.mark.parametrize("group", GROUPS)
def test_a_fixed_group_is_the_same_in_every_newborn_and_no_part_of_the_genome(group):
    pool = pool_with(**{group: FIXED})
    assert pool.size == pool_with().size - sum(gene.size for gene in pool.genes if gene.group == group)
    born = decode(pool, np.random.default_rng(0).standard_normal((3, pool.size)))
    centre = decode(pool_with(), pool_with().centre[None])
    for row in range(3):
        np.testing.assert_array_equal(getattr(born, group)[row], getattr(centre, group)[0])


def test_fresh_weights_are_what_they_are_drawn_around_and_bring_how_widely():
    pool = pool_with(weights=FRESH)
    born = decode(pool, np.zeros((2, pool.size)))
    mean, stdev = initial_distribution(SPEC)
    np.testing.assert_array_equal(born.weights, [mean, mean])
    np.testing.assert_array_equal(born.initial_stdev, stdev)
    for mode in (EVOLVED, FIXED):
        other = pool_with(weights=mode)
        inherited = decode(other, np.zeros((2, other.size)))
        assert inherited.initial_stdev.size == 0


def test_newborns_are_what_the_kernel_takes():
    pool = pool_with()
    born = decode(pool, np.zeros((3, pool.size), np.float64))
    for name in ("weights", "drives", "plasticity", "scale"):
        array = getattr(born, name)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert len(array) == 3
    assert born.weights.shape[1] == SPEC.weights


def test_initial_weights_follow_the_standard_initialisation_and_the_seed():
    wide = BrainSpec("mlp", 50, (200,), 4, "gaussian")
    weights = initial_weights(wide, seed=5)
    start = 0
    for tensor in wide.tensors:
        block = weights[start : start + tensor.size]
        assert block.std() == pytest.approx(tensor.initial_stdev, rel=0.15, abs=1e-9)
        assert block.mean() == pytest.approx(tensor.initial_mean, abs=0.3 * tensor.initial_stdev + 1e-9)
        start += tensor.size
    np.testing.assert_array_equal(weights, initial_weights(wide, seed=5))
    assert not np.array_equal(weights, initial_weights(wide, seed=6))

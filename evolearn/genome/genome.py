"""The genome: a flat vector whose slices are named genes, and how it becomes a newborn.

A gene holds a number in the units of its transform; evolution moves it, `decode` turns it into a natural value.
Decoding is NumPy, one genome at a time, so that a genome decodes to the same bits in any company.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import BETA, INITIAL_SCALE, INITIAL_VALUE, BrainSpec, ValueSpec, find_learner
from evolearn.config import CodePart
from evolearn.genome.encodings import DIRECT, FLOAT_BITS, NO_CODE, Code, find_encoding
from evolearn.genome.genes import (
    TRANSFORMS,
    FloatArray,
    Gene,
    draw_normals,
    draws_for,
    encoded,
    initial_distribution,
    initial_weights,
    joined,
)
from evolearn.genome.newborns import Newborns
from evolearn.rng import INIT, at_step, new_rng, open_stream

GROUPS = ("weights", "drives", "plasticity", "value")
# How a group comes into a life: searched by evolution, the same in every life, or drawn anew in every life.
EVOLVED, FIXED, FRESH = "evolved", "fixed", "fresh"

_VALUE_STEP = 3  # of the stream of initial draws: those before it are for weights, fresh genes and permutations


@dataclasses.dataclass(frozen=True)
class GenePool:
    """The gene table: every gene of a newborn in order, and how each group comes into a life."""

    genes: tuple[Gene, ...]
    modes: Mapping[str, str]  # group -> mode
    brain: BrainSpec
    encoding: str = DIRECT  # see `find_encoding`
    code: Code = NO_CODE  # of an encoding with settings

    @property
    def evolved(self) -> tuple[Gene, ...]:
        """The genes that make up a genome, in order."""
        return tuple(gene for gene in self.genes if self.mode(gene) == EVOLVED)

    def mode(self, gene: Gene) -> str:
        """How one gene comes into a life."""
        return FIXED if gene.held else self.modes[gene.group]

    @property
    def size(self) -> int:
        """Length of a genome."""
        return sum(gene.size for gene in self.evolved)

    @property
    def bits(self) -> int:
        """Size of a genome: 32 bits for a gene that is a float, and for those of the weights what their code says."""
        sizes = {"weights": self.code.bits}
        return sum(gene.size * sizes.get(gene.group, FLOAT_BITS) for gene in self.evolved)

    @property
    def holds_weights(self) -> bool:
        """Whether the genes of the weights group are the brain's blocks, a number for each weight of theirs."""
        blocks = {tensor.name: tensor.shape for tensor in self.brain.tensors}
        return all(blocks.get(gene.name) == gene.shape for gene in self.genes if gene.group == "weights")

    @property
    def centre(self) -> FloatArray:
        """Genome [G] at which evolution starts, in gene units."""
        return joined([gene.centre for gene in self.evolved])

    @property
    def spread(self) -> FloatArray:
        """Standard deviation [G] with which evolution starts, in gene units."""
        return joined([gene.spread for gene in self.evolved])

    def slices(self) -> dict[tuple[str, str], slice]:
        """Where each evolved gene lies in a genome, by group and name."""
        places = {}
        start = 0
        for gene in self.evolved:
            places[gene.group, gene.name] = slice(start, start + gene.size)
            start += gene.size
        return places


def gene_pool(
    brain: BrainSpec,
    learner: str,
    drive_names: Sequence[str],
    modes: Mapping[str, str],
    drive_centres: Mapping[str, float],
    plasticity_centres: Mapping[str, float | Sequence[float]],
    spreads: Mapping[str, float],
    seed: int,
    encoding: str = DIRECT,
    drive_transform: str = "identity",
    evolved_drives: Sequence[str] | None = None,
    value: ValueSpec | None = None,
    weight_centres: Mapping[str, float | Sequence[float]] | None = None,
    learned: Sequence[str] = (),
    held_plasticity: Sequence[str] = (),
    plasticity_spreads: Mapping[str, float] | None = None,
    code: CodePart | None = None,
) -> GenePool:
    """Lay out the genes of a newborn.

    Args:
        brain: what the brain is made of.
        learner: its name; its plasticity genes and published defaults are used.
        drive_names: see `Conditions.drive_names`.
        modes: EVOLVED, FIXED or FRESH for each of GROUPS.
        drive_centres: natural weight of drives at the start; 0 for those not named.
        plasticity_centres: natural values that differ from the published defaults: one for a gene, or one for each of
            its numbers.
        spreads: standard deviation at the start per group, in gene units.
        seed: of the run: the initial weights are one draw of the standard initialisation.
        encoding: see `find_encoding`.
        drive_transform: a name in TRANSFORMS, of any sign.
        evolved_drives: drives that follow the mode of their group; the others are held at the start. None: all do.
        value: what an innate value is made of; None: newborns have none.
        held_plasticity: plasticity genes that are held at their start, whatever becomes of their group.
        plasticity_spreads: of plasticity genes, where they are not those of their group. None: all are.
        weight_centres: weights at the start by tensor, where they differ from that draw: one for all of a tensor's, or
            one for each; for direct genes. None: they differ nowhere.
        learned: heads that are held at 0 at birth, by what names of their blocks begin with; for direct genes, and for
            codes, which leave them out.
        code: settings of the encoding. None: its defaults.

    Raises:
        ValueError: the learner cannot teach such a brain; says why, and what to do.
        ConfigError: the encoding cannot make such a brain.
    """
    row = find_encoding(encoding)
    settings = Code(seed, spreads["weights"], tuple(learned), **(code or CodePart()).model_dump())
    more = (settings,) if row.settings else ()
    genes = list(row.genes(brain, initial_weights(brain, seed), spreads["weights"], *more))
    given_weights = weight_centres or {}
    for place, gene in enumerate(genes):
        if gene.name in given_weights:
            given = np.broadcast_to(encoded(gene.transform, given_weights[gene.name]), gene.size)
            genes[place] = dataclasses.replace(gene, centre=np.ascontiguousarray(given))
    if learned:
        genes = [_held_at_zero(gene) if gene.name.partition(".")[0] in learned else gene for gene in genes]
    for name in drive_names:
        centre = TRANSFORMS[drive_transform].encode(drive_centres.get(name, 0.0))
        gene = _gene(name, "drives", (), drive_transform, centre, spreads["drives"])
        held = evolved_drives is not None and name not in evolved_drives
        genes.append(dataclasses.replace(gene, held=held))
    for plastic in find_learner(learner).genes(brain):
        centres = encoded(plastic.transform, plasticity_centres.get(plastic.name, plastic.default))
        spread = (plasticity_spreads or {}).get(plastic.name, spreads["plasticity"])
        gene = _gene(plastic.name, "plasticity", plastic.shape, plastic.transform, centres, spread)
        held = plastic.name in held_plasticity
        genes.append(dataclasses.replace(gene, published=plastic.default, held=held))
    if value is not None:
        genes += _value_genes(value, spreads["value"], seed)
    return GenePool(tuple(genes), dict(modes), brain, encoding, settings if row.settings else NO_CODE)


def _held_at_zero(gene: Gene) -> Gene:
    return dataclasses.replace(gene, held=True, centre=np.zeros_like(gene.centre))


def _value_genes(value: ValueSpec, spread: float, seed: int) -> Iterator[Gene]:
    """Those of an innate value: at the start it is 0 everywhere, since the last layer is, and beta is 1."""
    draws = draws_for(seed, _VALUE_STEP, sum(tensor.size for tensor in value.tensors))
    for tensor in value.tensors:
        own, draws = draws[: tensor.size], draws[tensor.size :]
        centre = np.float32(tensor.initial_mean) + np.float32(tensor.initial_stdev) * own
        spreads = np.full(tensor.size, spread, np.float32)
        yield Gene(tensor.name, "value", tensor.shape, "identity", centre, spreads)
    if value.acting:
        yield _gene(BETA, "value", (), "identity", 1.0, spread)


def _gene(
    name: str, group: str, shape: tuple[int, ...], transform: str, centre: float | FloatArray, spread: float
) -> Gene:
    size = math.prod(shape)
    return Gene(name, group, shape, transform, np.full(size, centre, np.float32), np.full(size, spread, np.float32))


def from_z(pool: GenePool, z: FloatArray) -> FloatArray:
    """Genomes [.., G] in gene units from those of a search, z: gene = centre + spread z."""
    with np.errstate(over="ignore", invalid="ignore"):  # a genome beyond the numbers lives, and diverges
        return pool.centre + pool.spread * z


def decode(pool: GenePool, genomes: npt.NDArray[Any]) -> Newborns:
    """Turn genomes into newborns.

    Args:
        pool: the gene table.
        genomes: float [P, G], in gene units.
    Returns:
        Newborns with natural values: weights [P, W], or what they are drawn around, drives [P, D], plasticity [P, K],
        value [P, V].
    """
    genomes = np.ascontiguousarray(genomes, np.float32)
    places = pool.slices()
    count = len(genomes)
    groups: dict[str, list[FloatArray]] = {group: [] for group in GROUPS}
    for gene in pool.genes:
        decoder = TRANSFORMS[gene.transform].decode
        values = np.empty((count, gene.size), np.float32)
        if (gene.group, gene.name) not in places:
            values[:] = decoder(gene.centre)
        elif gene.transform == "identity":
            values[:] = genomes[:, places[gene.group, gene.name]]
        else:
            for genome in range(count):
                values[genome] = decoder(genomes[genome, places[gene.group, gene.name]])
        groups[gene.group].append(values)
    row = find_encoding(pool.encoding)
    more = (pool.code,) if row.settings else ()
    weights = row.weights(pool.brain, np.concatenate(groups["weights"], axis=1), *more)
    plasticity = np.concatenate(groups["plasticity"], axis=1)
    stdev = np.zeros(0, np.float32)
    if pool.modes["weights"] == FRESH:
        mean, stdev = initial_distribution(pool.brain)
        weights = _set_values(pool, np.tile(mean, (count, 1)), plasticity)
    return Newborns(
        weights=np.ascontiguousarray(weights),
        drives=np.ascontiguousarray(np.concatenate(groups["drives"], axis=1)),
        plasticity=np.ascontiguousarray(plasticity),
        scale=_initial_scale(pool, plasticity),
        initial_stdev=stdev,
        value=np.concatenate([np.zeros((count, 0), np.float32), *groups["value"]], axis=1),
    )


def draw_fresh(
    pool: GenePool, newborns: Newborns, genomes: npt.NDArray[np.int64], keys: npt.NDArray[np.int64]
) -> tuple[Newborns, npt.NDArray[np.int64]]:
    """Give every life drives, plasticity and innate value of its own where those groups are drawn afresh.

    Fresh weights need nothing here: the kernel draws them. All draws come from the life's key, so a life's draw is
    the same for every genome.

    Args:
        pool: the gene table.
        newborns: as decoded.
        genomes: int64 [L], which newborn each life is born as.
        keys: int64 [L, 4].
    Returns:
        Newborns and genomes, unchanged if none of these groups is fresh; else one newborn per life.
    """
    # In the order of the draws.
    groups = [group for group in ("drives", "plasticity", "value") if pool.modes.get(group) == FRESH]
    if not groups:
        return newborns, genomes
    rows = {group: getattr(newborns, group)[genomes].copy() for group in groups}
    rng = new_rng()
    for life, key in enumerate(keys):
        open_stream(rng, key, INIT)
        at_step(rng, 1)  # step 0 is for weights
        for group in groups:
            for gene, place in _columns(pool, group):
                draws = np.zeros(gene.size, np.float32)
                draw_normals(rng, draws)
                if not gene.held:
                    rows[group][life, place] = TRANSFORMS[gene.transform].decode(gene.centre + gene.spread * draws)
    own = newborns._replace(weights=np.ascontiguousarray(newborns.weights[genomes]), scale=newborns.scale[genomes])
    own = own._replace(drives=own.drives[genomes], plasticity=own.plasticity[genomes], value=own.value[genomes])
    own = own._replace(**rows)
    if "plasticity" in groups:
        own = own._replace(scale=_initial_scale(pool, own.plasticity))
        if pool.modes["weights"] == FRESH:
            own = own._replace(weights=_set_values(pool, own.weights, own.plasticity))
    return own, np.arange(len(genomes))


def _columns(pool: GenePool, group: str) -> Iterator[tuple[Gene, slice]]:
    """The genes of a group, and where each lies among the group's numbers."""
    start = 0
    for gene in pool.genes:
        if gene.group == group:
            yield gene, slice(start, start + gene.size)
            start += gene.size


def plasticity_by_gene(pool: GenePool, plasticity: FloatArray) -> dict[str, float | FloatArray]:
    """A newborn's plasticity [K] by gene: a number, or an array of the gene's shape."""
    return _by_gene(pool, "plasticity", plasticity)


def value_by_gene(pool: GenePool, value: FloatArray) -> dict[str, float | FloatArray]:
    """A newborn's innate value [V] by gene, likewise; empty of newborns without one."""
    return _by_gene(pool, "value", value)


def _by_gene(pool: GenePool, group: str, values: FloatArray) -> dict[str, float | FloatArray]:
    return {
        gene.name: values[place].reshape(gene.shape) if gene.shape else float(values[place.start])
        for gene, place in _columns(pool, group)
    }


def _initial_scale(pool: GenePool, plasticity: FloatArray) -> FloatArray:
    for gene, place in _columns(pool, "plasticity"):
        if gene.name == INITIAL_SCALE:
            return np.ascontiguousarray(plasticity[:, place.start])
    return np.ones(len(plasticity), np.float32)


def _set_values(pool: GenePool, means: FloatArray, plasticity: FloatArray) -> FloatArray:
    """The means [P, W] of fresh weights, with action values that start where a gene says; changed in place."""
    for gene, place in _columns(pool, "plasticity"):
        if gene.name == INITIAL_VALUE:
            start = 0
            for tensor in pool.brain.tensors:
                if tensor.name == "policy.bias":
                    means[:, start : start + tensor.size] = plasticity[:, place]
                start += tensor.size
    return means

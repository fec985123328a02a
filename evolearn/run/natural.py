"""What a genome decodes to, as configs keep it: natural values by gene, and weights by tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from evolearn.genome import TRANSFORMS, FloatArray, GenePool, decode

Number = float | tuple[float, ...]  # a gene's natural value; one for each of its numbers where these are many
Values = Mapping[str, Mapping[str, Number]]  # group -> gene -> natural value


def natural_values(
    pool: GenePool, genome: FloatArray, precision: npt.DTypeLike = np.float64
) -> dict[str, dict[str, Number]]:
    """Natural values of drives and plasticity that a genome decodes to, by group and gene.

    Args:
        pool: the gene table.
        genome: [G], in gene units.
        precision: double, so that a value that float32 would round to 1 can be encoded again; float32 for the very
            numbers that a newborn lives with.
    """
    places = pool.slices()
    values: dict[str, dict[str, Number]] = {"drives": {}, "plasticity": {}}
    for gene in pool.genes:
        if gene.group in values:
            place = places.get((gene.group, gene.name))
            number = gene.centre if place is None else genome[place]
            several = TRANSFORMS[gene.transform].decode(number.astype(precision)).tolist()
            values[gene.group][gene.name] = tuple(several) if gene.shape else several[0]
    return values


def born_weights(pool: GenePool, genome: FloatArray) -> dict[str, Number]:
    """The weights that a genome is born with, by tensor; where they are drawn in each life, what they are drawn around.

    Args:
        pool: the gene table.
        genome: float32 [G], in gene units.
    """
    tensors = pool.brain.tensors
    ends = np.cumsum([tensor.size for tensor in tensors])
    parts = np.split(decode(pool, genome[None]).weights[0], ends[:-1])
    return {tensor.name: tuple(part.tolist()) for tensor, part in zip(tensors, parts, strict=True)}

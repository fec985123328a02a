"""A population that is never whole: genomes as a function of a distribution, a seed, a generation and their number.

Blocks are portions of work. Their sizes depend on nothing but the population and the genes, and no number depends on
them: genome i is the same in a block of any size.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from evolearn.genome import FloatArray
from evolearn.search._noise import SPAN, noise, noise_sums

Weights = npt.NDArray[np.float64]

# Numbers in a block of genomes: some megabytes, whatever the genes.
BLOCK_NUMBERS = 1 << 20
# Blocks of a population that has so many genomes: enough for many workers to share.
BLOCKS = 4096
# Genes in a block of the sums: their accumulators stay in a nearby cache, and 25 workers share 100,000 genes.
BLOCK_GENES = 4 * SPAN


@dataclasses.dataclass(frozen=True)
class Noise:
    """What the noise of one generation is a function of."""

    seed: int  # of the run
    generation: int  # from 0
    population: int  # genomes; even if symmetric
    genes: int
    symmetric: bool  # genomes in pairs, one on either side of the centre

    @property
    def directions(self) -> int:
        """Rows of noise: one per genome, or per pair."""
        return self.population // 2 if self.symmetric else self.population

    @property
    def block_size(self) -> int:
        """Genomes in a block, the last one excepted; even."""
        most = min(BLOCK_NUMBERS // max(1, self.genes), -(-self.population // BLOCKS))
        return max(2, most - most % 2)

    @property
    def blocks(self) -> int:
        """Blocks of genomes."""
        return -(-self.population // self.block_size)

    @property
    def gene_blocks(self) -> int:
        """Blocks of genes, of the sums."""
        return -(-self.genes // BLOCK_GENES)

    def members(self, block: int) -> npt.NDArray[np.int64]:
        """Numbers of the genomes of a block, 0 .. population - 1."""
        first = block * self.block_size
        return np.arange(first, min(first + self.block_size, self.population))


@dataclasses.dataclass(frozen=True)
class Draw:
    """A population: what its genomes are a function of. Search runs in z, see `evolearn.search.search`."""

    noise: Noise
    centre: FloatArray  # z [G]
    stdev: FloatArray  # z [G]


def draw_genomes(draw: Draw, members: npt.NDArray[np.integer]) -> FloatArray:
    """Genomes z [members, G]: centre + stdev x noise, with the other sign for the second of a pair.

    Args:
        draw: the population.
        members: their numbers, 0 .. population - 1, in any order.
    """
    about = draw.noise
    if not about.symmetric:
        z = noise(about.seed, about.generation, members, about.genes)
    else:
        directions, rows = np.unique(members // 2, return_inverse=True)
        z = noise(about.seed, about.generation, directions, about.genes)[rows]
        z[members % 2 == 1] *= np.float32(-1.0)
    z *= draw.stdev
    z += draw.centre
    return z


def sum_noise(about: Noise, first: Weights, second: Weights, block: int) -> npt.NDArray[np.float64]:
    """Weighted sums over all directions for one block of genes, [2, genes of the block].

    Each gene's sum is added up in the order of the directions, whatever the blocks.

    Args:
        about: the noise.
        first: float64 [directions], weights of the noise.
        second: float64 [directions], weights of its squares.
        block: 0 .. `gene_blocks` - 1.
    """
    start = block * BLOCK_GENES
    genes = min(BLOCK_GENES, about.genes - start)
    return noise_sums(about.seed, about.generation, first, second, genes, start // SPAN)

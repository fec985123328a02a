"""How many bits selection writes, with recombination and without, where the fitter half of all children live.

Fitness is the number of right bits. With recombination a population gains about sqrt(G) / 3 of them in a generation,
with mutation alone less than one. Theory for recombination: children of two parents, loci independent, a population so
large that none is lost; truncation to the fitter half then moves the mean by sqrt(2 / (pi + 2)) standard deviations of
independent loci.

Source: MacKay 2003, Information Theory, Inference, and Learning Algorithms, chapter 19, Why have sex?
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from evolearn.config import Part
from evolearn.experiments._pictures import over_runs, picture, theory, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.study.bands import Measure, Measured, measure_over_runs
from evolearn.verdict import FloatArray, Json

Words = npt.NDArray[np.uint64]  # [N, ceil(G / 64)]; the bits of the last word beyond G are 0

RECOMBINATION, MUTATION = "recombination", "mutation"
SERIES = {RECOMBINATION: 0, MUTATION: 1}  # in seeds
SHARE_OF_A_DEVIATION = math.sqrt(2 / (math.pi + 2))  # by which the mean moves in a generation
_WORD = 64
Variation = Literal["recombination", "mutation"]


class Settings(Part):
    """Sizes of genomes, and how long populations are followed."""

    bits: tuple[Annotated[int, Field(ge=2, le=10_000)], ...] = Field(
        (100, 400, 900), min_length=1, description="of a genome; each is a population of its own"
    )
    agents_per_bit: float = Field(1.0, gt=0, le=100, description="in a population")
    roots: float = Field(3.5, gt=0, le=100, description="generations with recombination, in sqrt(bits)")
    mutations: float = Field(1.0, gt=0, description="expected in a child, without recombination")
    mutating_generations: int = Field(120, ge=1, le=100_000)

    @field_validator("bits")
    @classmethod
    def _differ(cls, bits: tuple[int, ...]) -> tuple[int, ...]:
        if list(bits) != sorted(set(bits)):
            raise ValueError(f"bits={list(bits)}: must ascend, and no two may be the same")
        return bits

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        if self.mutations > self.bits[0]:
            raise ValueError(
                f"mutations={self.mutations:g}: must be {self.bits[0]} or less, the bits of the smallest genome"
            )
        return self

    def agents(self, bits: int) -> int:
        """Size of a population, two at least."""
        return max(2, round(self.agents_per_bit * bits))

    def generations(self, variation: str, bits: int) -> int:
        """How long a population is followed."""
        return math.ceil(self.roots * math.sqrt(bits)) if variation == RECOMBINATION else self.mutating_generations


@dataclasses.dataclass(frozen=True)
class Populations:
    """All populations: the share of right bits by generation."""

    settings: Settings
    right: Mapping[tuple[str, int], FloatArray]  # variation, bits -> [R, generations + 1]


def random_words(count: int, bits: int, random: np.random.Generator) -> Words:
    """Genomes of random bits, [count, ceil(bits / 64)]."""
    words = random.integers(0, 2**_WORD, (count, -(-bits // _WORD)), np.uint64)
    words[:, -1] &= np.uint64((1 << (bits - 1) % _WORD + 1) - 1)
    return words


def right_bits(genomes: Words) -> npt.NDArray[np.int64]:
    """Fitness [N]: bits that are 1."""
    return np.bitwise_count(genomes).sum(axis=1, dtype=np.int64)


def recombined(parents: Words, count: int, random: np.random.Generator) -> Words:
    """Children [count, W]: each bit is that of one of two random parents."""
    mothers, fathers = parents[random.integers(0, len(parents), (2, count))]
    return fathers ^ ((mothers ^ fathers) & random.integers(0, 2**_WORD, fathers.shape, np.uint64))


def mutated(genomes: Words, bits: int, rate: float, random: np.random.Generator) -> Words:
    """Copies [N, W] in which each of the bits is turned with probability `rate`."""
    sites = len(genomes) * bits
    turned = random.choice(sites, random.binomial(sites, rate), replace=False, shuffle=False)
    rows, places = np.divmod(turned, bits)
    copies = genomes.copy()
    masks = np.left_shift(np.uint64(1), (places % _WORD).astype(np.uint64))
    np.bitwise_xor.at(copies, (rows, places // _WORD), masks)
    return copies


def fittest(genomes: Words, count: int) -> Words:
    """The `count` with the most right bits; of equals, the first."""
    return genomes[np.argsort(-right_bits(genomes), kind="stable")[:count]]


def follow(settings: Settings, variation: str, bits: int, random: np.random.Generator) -> FloatArray:
    """Share of right bits from generation 0 on, [generations + 1]; of 2 N children the fitter N live."""
    count = settings.agents(bits)
    agents = random_words(count, bits, random)
    shares = [right_bits(agents).mean() / bits]
    for _ in range(settings.generations(variation, bits)):
        if variation == RECOMBINATION:
            children = recombined(agents, 2 * count, random)
        else:
            children = mutated(np.repeat(agents, 2, axis=0), bits, settings.mutations / bits, random)
        agents = fittest(children, count)
        shares.append(right_bits(agents).mean() / bits)
    return np.array(shares)


def in_theory(bits: int, generations: npt.ArrayLike) -> FloatArray:
    """Share of right bits with recombination, after so many generations from one half.

    Source: MacKay 2003, section 19.2, a population that selection leaves with independent loci.
    """
    angle = SHARE_OF_A_DEVIATION * np.asarray(generations, float) / math.sqrt(bits)
    return 0.5 * (1.0 + np.sin(np.minimum(angle, math.pi / 2)))


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Populations:
    """Follow all populations; the same for any number of workers.

    Args:
        settings: of the model.
        seed: of everything; a population's draws come of it, how it varies, its bits and its number.
        runs: populations of each kind.
        workers: threads.
        done: told the share of the work that is done.
    """
    kinds = [(variation, bits) for variation in SERIES for bits in settings.bits]
    jobs = [(variation, bits, run) for variation, bits in kinds for run in range(runs)]

    def one(job: tuple[str, int, int]) -> FloatArray:
        variation, bits, run = job
        return follow(settings, variation, bits, np.random.default_rng([seed, SERIES[variation], bits, run]))

    def size(job: tuple[str, int, int]) -> float:
        return settings.generations(job[0], job[1]) * settings.agents(job[1]) * (1 + job[1] / _WORD)

    followed = iter(side_by_side(one, jobs, workers, done, size))
    return Populations(settings, {kind: np.array([next(followed) for _ in range(runs)]) for kind in kinds})


def cost(settings: Settings, runs: int) -> Json:
    """Children born, each of whom is judged once."""
    per_run = sum(
        2 * settings.agents(bits) * settings.generations(variation, bits)
        for variation in SERIES
        for bits in settings.bits
    )
    return {"world_steps": 0, "evaluations": runs * per_run, "evaluations_are": "children"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} population{'' if runs == 1 else 's'} with recombination and as many with mutation alone, of genomes "
        f"of {', '.join(f'{bits:,}' for bits in settings.bits)} bits."
    )


class Passes(Part):
    """Arguments of `roots_to_pass`."""

    bits: int
    share: float = Field(0.95, gt=0, lt=1)


class Gain(Part):
    """Arguments of `bits_per_generation`."""

    bits: int
    variation: Variation
    after: int = Field(ge=0, description="generation")
    until: int = Field(ge=1, description="generation")
    per_root: bool = Field(False, description="in sqrt(bits)")

    @model_validator(mode="after")
    def _later(self) -> Gain:
        if self.until <= self.after:
            raise ValueError(f"until={self.until}: must be later than after={self.after}")
        return self


def _roots_to_pass(lived: Populations, of: Passes) -> Measured:
    """First generation with recombination whose mean is above a share of right bits, in sqrt(bits), mean over runs."""
    if of.bits not in lived.settings.bits:
        return _no_such(of.bits)
    past = lived.right[RECOMBINATION, of.bits] > of.share
    never = int((~past.any(axis=1)).sum())
    if never:
        return Measured(None, note=f"never in {never} of {len(past)} runs")
    return measure_over_runs(past.argmax(axis=1) / math.sqrt(of.bits), lambda drawn: drawn.mean(axis=-1))


def _bits_per_generation(lived: Populations, of: Gain) -> Measured:
    """Right bits gained in a generation, mean over runs."""
    if of.bits not in lived.settings.bits:
        return _no_such(of.bits)
    right = lived.right[of.variation, of.bits]
    if of.until >= right.shape[1]:
        return Measured(None, note="no run was followed for so long")
    gained = (right[:, of.until] - right[:, of.after]) * of.bits / (of.until - of.after)
    unit = math.sqrt(of.bits) if of.per_root else 1.0
    return measure_over_runs(gained / unit, lambda drawn: drawn.mean(axis=-1))


def _no_such(bits: int) -> Measured:
    return Measured(None, note=f"no population has genomes of {bits} bits; settings.bits says which have")


MEASURES: Mapping[str, Measure] = {
    "roots_to_pass": Measure("generations until right bits pass a share, in sqrt(bits)", Passes, _roots_to_pass),
    "bits_per_generation": Measure("right bits gained in a generation", Gain, _bits_per_generation),
}


def pictures(lived: Populations) -> Json:
    """Right bits by generation: with recombination beside theory, and with mutation alone."""
    views = []
    for bits in lived.settings.bits:
        mixed, turned = lived.right[RECOMBINATION, bits], lived.right[MUTATION, bits]
        generations, later = np.arange(mixed.shape[1]), np.arange(turned.shape[1])
        curves = (
            over_runs("recombination", generations, mixed),
            theory("recombination, in theory", generations, in_theory(bits, generations)),
            over_runs("mutation alone", later, turned),
        )
        axes = ("generation", "share of bits that are right")
        views.append(view(f"{bits:,} bits", axes, curves, [(0.95, "0.95")], (0.48, 1.02)))
    sentence = (
        "Share of right bits, mean over populations with its interval. With recombination a population gains about "
        "sqrt(G) / 3 bits in a generation, and follows theory; by mutation alone less than one, whatever G."
    )
    return {"charts": [picture("bits", "How fast selection writes bits", sentence, "genomes", views)]}

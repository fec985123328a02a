"""Which lesions are made, and the operations that make them: one row per operation, lived by a copy of the animal."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from evolearn.agent import LAST_REWARD, BrainSpec
from evolearn.genome import FRESH, FloatArray as Weights
from evolearn.inspection._operations import (
    CRITIC,
    HOWS,
    LOG_STDEV,
    MEAN,
    NOISE,
    PERMUTED,
    PREDICTION,
    ZERO,
    Places,
    intact,
    lesion_of_critic,
    lesion_of_drive,
    lesion_of_layer,
    lesion_of_memory,
    lesion_of_observation,
    lesion_of_value,
    lost_weights,
    norm_of_change,
    places,
    reading_weights,
    sham,
    sham_of_value,
    shams_of_memory,
    weights_of_product,
)
from evolearn.inspection._specimen import Json, Specimen
from evolearn.life import Surgeries
from evolearn.verdict import FloatArray

Kind = Literal["drive", "observation", "layer", "memory", "value", "critic", "learner"]
Role = Literal["intact", "lesion", "sham"]
OFF = "off"  # how the learner is lesioned
PERMUTATIONS = 4  # that are drawn of each thing permuted
MOST_OBSERVATIONS = 40  # that are cut one by one; beyond it those that the brain reads most
DRAWS = 100  # at most, until a sham is not the lesion itself
WEIGHTLESS = ("drive", "memory", "learner")  # their lesions touch no weight
MEMORY = "carried state"
INNATE_VALUE = "innate value"
LESIONS = 19  # a stream of random numbers of its own
VALUE_SHAMS = 1  # likewise within it


@dataclasses.dataclass(frozen=True)
class Lesion:
    """One thing that is put out of action in one way."""

    kind: Kind
    name: str
    how: str  # of HOWS; OFF for the learner
    place: int = 0  # of the drive or observation
    in_product: bool = False  # an observation that the heads read as well, in a product
    dormant: bool = False  # an innate value, or a critic, that nothing reads before there is learning

    @property
    def pool(self) -> tuple[str, str, str]:
        """Which shams it is held against: those of all observations of one size together."""
        shared = "in product" if self.in_product else ""
        return self.kind, shared if self.kind == "observation" else self.name, self.how


@dataclasses.dataclass(frozen=True)
class Row:
    """One operation, and what it is for."""

    role: Role
    lesion: Lesion | None
    build: Callable[[], Surgeries]  # when it is needed: many rows together may not fit into memory


def evolved_learning(specimen: Specimen) -> bool:
    """Whether it learns at all where it evolved."""
    return specimen.setup.selection.learn_until != 0


def all_lesions(specimen: Specimen) -> list[Lesion]:
    """Every lesion in every way, the learner last.

    Drives, critic and learner are left out of an animal that never learns, and drives where each life draws its own;
    a sole drive has none to change places with, nor a mean that differs. Weights that each life draws have no mean of
    their own, to which layers or the critic could be set. A carried state is held at zero; to exchange its
    units is what its shams are. An innate value is set to zero, disturbed by noise of its own norm, and permuted
    where that is asked for: other values of its size, and no shams of it.
    """
    dna = specimen.dna
    lesions = []
    for how in (how for how in HOWS if how in specimen.extent.lesion_modes):
        if has_drives(specimen) and (len(dna.drives) > 1 or how not in (MEAN, PERMUTED)):
            lesions += [Lesion("drive", name, how, place) for place, name in enumerate(dna.drives)]
        lesions += _cuts(specimen, how)
        if dna.brain.carries and how == ZERO:
            lesions.append(Lesion("memory", MEMORY, how))
        lesions += _devaluations(specimen, how)
        if how == MEAN and draws_weights(specimen):
            continue
        lesions += [Lesion("layer", name, how) for name in layers_of(dna.brain)]
        if evolved_learning(specimen) or reads_critic(specimen):
            lesions.append(Lesion("critic", "critic", how, dormant=not reads_critic(specimen)))
    if evolved_learning(specimen):
        lesions.append(Lesion("learner", "learner", OFF))
    return lesions


def reads_critic(specimen: Specimen) -> bool:
    """Whether what the critic expects is read in acting."""
    part = specimen.setup.conditions.value
    return part is not None and part.learned


def _devaluations(specimen: Specimen, how: str) -> Iterator[Lesion]:
    """Lesions of the innate value; where each life draws its own, or it is 0 everywhere, there is none to disturb.

    Where the critic is read in its place, the lesion is the critic's.
    """
    dna = specimen.dna
    if dna.config.value is None or how == MEAN or reads_critic(specimen):
        return
    drawn = dna.pool.modes["value"] == FRESH
    acts = "acting" in dna.config.value.uses
    if not drawn and not values_to_lose(specimen).any():
        return
    if acts or evolved_learning(specimen) or LAST_REWARD in dna.brain.inputs:
        dormant = not acts and LAST_REWARD not in dna.brain.inputs
        for each in (how, NOISE) if how == ZERO else (how,):
            if each == ZERO or not drawn:
                yield Lesion("value", INNATE_VALUE, each, dormant=dormant)


def values_to_lose(specimen: Specimen) -> Weights:
    """The numbers of the innate value's network; how much it weighs in acting is left as it is. None without one."""
    part = specimen.setup.conditions.value
    numbers: Weights = specimen.dna.newborns.value[0, : 0 if part is None else part.weights]
    return numbers


def _cuts(specimen: Specimen, how: str) -> Iterator[Lesion]:
    """Lesions of observations. What is in a product has no mean that a bias could take up."""
    dna = specimen.dna
    for place in cut_observations(specimen):
        in_product = len(weights_of_product(dna.brain, place)) > 0
        if how != MEAN or not in_product:
            yield Lesion("observation", dna.inputs[place], how, place, in_product)


def has_drives(specimen: Specimen) -> bool:
    """Whether drives can be lesioned."""
    return evolved_learning(specimen) and specimen.dna.pool.modes["drives"] != FRESH


def draws_weights(specimen: Specimen) -> bool:
    """Whether each life draws its own weights, so that none are larger than others."""
    return bool(specimen.dna.pool.modes["weights"] == FRESH)


def cut_observations(specimen: Specimen) -> list[int]:
    """Places of what is cut of all that the brain is told: all, or those with the largest weights of the first layer.

    Where each life draws its own weights: the first.
    """
    dna = specimen.dna
    count = dna.brain.told
    if count <= MOST_OBSERVATIONS:
        return list(range(count))
    if draws_weights(specimen):
        return list(range(MOST_OBSERVATIONS))
    sizes = np.linalg.norm(standing_weights(specimen)[reading_weights(dna.brain)], axis=1)
    return sorted(int(place) for place in np.argsort(-sizes, kind="stable")[:MOST_OBSERVATIONS])


def why_uncut(brain: BrainSpec) -> str:
    """Why no lesions are made of a brain; empty where they are."""
    if reading_weights(brain) is None:
        return (
            "lesions are made of dense or gated layers, whose weights are named hidden1.weight or "
            f"hidden1.inputs.weight and so on; trunk {brain.trunk!r} has none"
        )
    return ""


def why_no_memory(brain: BrainSpec) -> str:
    """Why a brain's memory cannot be lesioned; empty where it is."""
    if brain.carries:
        return ""
    if brain.told_of_the_past:
        return (
            "Its trunk carries no state from step to step: all that it knows of the past is what it is told of the "
            "step before, which lesions cut off like an observation."
        )
    return "It carries no state from step to step and is told nothing of the step before: it has no memory to lose."


def layers_of(brain: BrainSpec) -> Mapping[str, Sequence[str]]:
    """Tensors by layer: those of the trunk, and the policy head without its log standard deviations."""
    layers: dict[str, list[str]] = {}
    for tensor in brain.tensors:
        if tensor.name not in (*CRITIC, LOG_STDEV):
            layers.setdefault(tensor.name.partition(".")[0], []).append(tensor.name)
    return layers


def standing_weights(specimen: Specimen) -> Weights:
    """The newborn's weights [W]; where they are drawn afresh in each life, the mean of the draw."""
    weights: Weights = specimen.dna.newborns.weights[0]
    return weights


def all_rows(specimen: Specimen, lesions: Sequence[Lesion], means: FloatArray) -> list[Row]:
    """The intact animal first; then every lesion, each with its shams.

    Drives and the learner have none: nothing else is of their size. Those of the carried state exchange
    its units.

    Args:
        specimen: to be operated on.
        lesions: from `all_lesions`.
        means: [I] of what the brain is told.
    """
    brain = specimen.dna.brain
    observed = [lost_weights(lesion_of_observation(brain, place, ZERO)) for place in cut_observations(specimen)]
    rows = [Row("intact", None, lambda: intact(brain))]
    for number, lesion in enumerate(lesions):
        if lesion.kind == "learner":  # what is done to it is in how it lives
            rows.append(Row("lesion", lesion, lambda: intact(brain)))
            continue
        for draw in range(PERMUTATIONS if lesion.how in (PERMUTED, NOISE) else 1):
            rows.append(Row("lesion", lesion, _builder(specimen, lesion, means, (number, draw))))
        if lesion.kind == "value":
            for draw in range(specimen.extent.shams):
                rows.append(Row("sham", lesion, _value_sham(specimen, lesion, (number, draw))))
            continue
        if lesion.kind == "memory":
            rng = np.random.default_rng([specimen.setup.config.seed, LESIONS, number])
            exchanged = shams_of_memory(brain, specimen.extent.shams, rng)
            rows += [Row("sham", lesion, functools.partial(_given, one)) for one in exchanged]
            continue
        sharing = sum(other.pool == lesion.pool for other in lesions)
        shams = 0 if lesion.kind in WEIGHTLESS else -(-specimen.extent.shams // sharing)
        for draw in range(shams):
            rows.append(Row("sham", lesion, _builder(specimen, lesion, means, (number, draw), observed)))
    return rows


def _value_sham(specimen: Specimen, lesion: Lesion, which: tuple[int, int]) -> Callable[[], Surgeries]:
    def build() -> Surgeries:
        rng = np.random.default_rng([specimen.setup.config.seed, LESIONS, *which, VALUE_SHAMS])
        own = values_to_lose(specimen)
        return sham_of_value(specimen.dna.brain, own, lesion.how, rng, held=lesion.how == ZERO)

    return build


def _given(operation: Surgeries) -> Surgeries:
    return operation


def norms(specimen: Specimen, lesions: Sequence[Lesion], rows: Sequence[Row]) -> list[Json]:
    """By how much lesions change the newborn's weights: roots of the summed squares, means over draws, for JSON.

    Returns:
        One record per lesion: ``lesion``, none if no weight is touched, and ``shams``, none if it has none.
    """
    weights = standing_weights(specimen)
    sizes: dict[tuple[Role, object], list[float]] = {}
    for row in rows:
        if row.lesion is not None:
            whose = row.lesion if row.role == "lesion" else row.lesion.pool
            size = norm_of_change(row.build(), weights, values_to_lose(specimen))
            sizes.setdefault((row.role, whose), []).append(size)
    return [
        {
            "lesion": None if lesion.kind in WEIGHTLESS else float(np.mean(sizes["lesion", lesion])),
            "shams": None if lesion.kind in WEIGHTLESS else float(np.mean(sizes["sham", lesion.pool])),
        }
        for lesion in lesions
    ]


def _builder(
    specimen: Specimen,
    lesion: Lesion,
    means: FloatArray,
    which: tuple[int, int],
    observed: Sequence[Places] | None = None,
) -> Callable[[], Surgeries]:
    """Of a lesion; with the weights that read each observation, of a sham."""

    def build() -> Surgeries:
        rng = np.random.default_rng([specimen.setup.config.seed, LESIONS, *which])
        operation = _operation(specimen, lesion, means, rng)
        return operation if observed is None else _sham(specimen.dna.brain, lesion, operation, observed, rng)

    return build


def _sham(
    brain: BrainSpec, lesion: Lesion, operation: Surgeries, observed: Sequence[Places], rng: np.random.Generator
) -> Surgeries:
    """A sham that is not the lesion itself, nor one of those it shares its shams with, if there are others at all.

    Of little brains chance draws the very lesion often, and nothing outdoes itself.
    """
    alike = lesion.kind == "observation"
    found = places(brain)
    apart = np.concatenate([found[name].reshape(-1) for name in (*CRITIC, *PREDICTION) if name in found])
    taken = [np.setdiff1d(some, apart) for some in observed] if alike else [lost_weights(operation)]
    for _ in range(DRAWS):
        drawn = sham(operation, brain, rng, alike)
        lost = lost_weights(drawn)
        if not any(len(some) and np.isin(some, lost).all() for some in taken):
            break
    return drawn


def _operation(specimen: Specimen, lesion: Lesion, means: FloatArray, rng: np.random.Generator) -> Surgeries:
    """The operation of a lesion. What is removed is held; what is permuted goes on learning."""
    brain, how = specimen.dna.brain, lesion.how
    held = how != PERMUTED
    if lesion.kind == "drive":
        return lesion_of_drive(brain, specimen.dna.newborns.drives[0], lesion.place, how, rng)
    if lesion.kind == "observation":
        return lesion_of_observation(brain, lesion.place, how, float(means[lesion.place]), rng, held)
    if lesion.kind == "memory":
        return lesion_of_memory(brain)
    if lesion.kind == "value":
        own = values_to_lose(specimen)
        operation = lesion_of_value(brain, own, how, rng)
        kept = np.full((1, specimen.dna.newborns.value.shape[1] - len(own)), np.nan, np.float32)
        return operation._replace(value=np.concatenate([operation.value, kept], axis=1))
    weights = standing_weights(specimen)
    if lesion.kind == "critic":
        return lesion_of_critic(brain, how, weights, rng, held)
    return lesion_of_layer(brain, layers_of(brain)[lesion.name], how, weights, rng, held)

"""DNA: a genome as an artefact on disk, with all that is needed to read it. The only reader and writer of DNA files.

A file holds two float32 vectors, ``genome`` and ``stdev``, and a header in JSON: the gene table, the resolved config of
the run that made it, the names of what its world shows and asks, lineage, and a checksum of all of that. Nothing in it
is a pickle. The gene table is laid out again from the config and the names alone: DNA can be read where its world
cannot be found.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from evolearn.agent import LAST_OBSERVATION, OBSERVATION, BrainSpec, input_names
from evolearn.config import ConfigError, RunConfig, WorldPart, check_kept_config, shown
from evolearn.errors import PartNotFound, RunDirectoryError
from evolearn.files import FileMissing, FileUnfit, check_record, explained, parse_json, read_tensors, write_whole
from evolearn.genome import FloatArray, GenePool, Newborns, decode
from evolearn.run._brain_checks import check_teachable
from evolearn.run._dna_header import DNAHeader, contradictions
from evolearn.run._growth import grows
from evolearn.run.setup import Setup, assemble, first_values, pool_of
from evolearn.run.sources import source_hashes
from evolearn.run.zoo import in_zoo, why_not_in_zoo
from evolearn.world import Declaration, Discrete

FORMAT = 2  # of DNA files; a change that old code cannot read raises it
NAME = "dna.safetensors"  # of a run's DNA
_HEADER = "evolearn"  # its name among a file's metadata
ANCESTORS = "ancestors"  # folder of a run
_LARGEST = 1 << 29  # bytes of a DNA file: two vectors of as many numbers as a brain may have weights, and a header
_REMEDY = "copy it again, or use the evolearn that made it"
_KEPT = ("run", "algorithm", "generations", "generation", "restart")  # of the lineage of altered DNA
ALTERED = "altered"  # role of DNA whose genome was changed by hand


class DNAError(RunDirectoryError):
    """DNA that cannot be read, or does not fit a world; the text says which and what to do."""


@dataclasses.dataclass(frozen=True)
class DNA:
    """A genome with all that is needed to read it."""

    path: Path  # of the file; of DNA that was not written: where a run would keep it
    header: Mapping[str, Any]
    config: RunConfig  # resolved, of the run that made it
    pool: GenePool  # the gene table: where evolution started, and how widely
    genome: FloatArray  # [G], in gene units
    stdev: FloatArray  # [G], in gene units: spread left in the search

    @property
    def brain(self) -> BrainSpec:
        """What the brain is made of."""
        return self.pool.brain

    @property
    def observations(self) -> tuple[str, ...]:
        """Names of what the world shows, in order: the first that the brain is told."""
        return tuple(self.header["brain"]["observations"])

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for every number that the brain is told, in order; see `evolearn.agent.input_names`."""
        return input_names(self.brain, self.observations, self.actions)

    @property
    def input_units(self) -> tuple[str, ...]:
        """The unit of every number that the brain is told, in order; empty for what has none."""
        brain = self.brain
        seen = tuple(self.header["brain"]["units"])
        return tuple(
            unit
            for name, width in zip(brain.inputs, brain.widths, strict=True)
            for unit in (seen if name in (OBSERVATION, LAST_OBSERVATION) else ("",) * width)
        )

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of choices or of dimensions of an action, in order."""
        return tuple(self.header["brain"]["action_names"])

    @property
    def drives(self) -> tuple[str, ...]:
        """Names of all drives, in the order of the drive weights: fitness, the world's senses, generic ones."""
        return tuple(self.header["drives"])

    @property
    def role(self) -> str:
        """What it is of its search: centre or best; or altered, made by hand of one of these."""
        return str(self.header["role"])

    @property
    def generation(self) -> int:
        """The generation that lived it, from 0; of altered DNA: that lived what it was made of."""
        return int(self.header["lineage"]["generation"])

    @property
    def world(self) -> str:
        """Name of the world that it evolved in."""
        return self.config.world.name

    @property
    def run(self) -> Path | None:
        """The run directory that the file lies in, itself or among the ancestors.

        None: it lies elsewhere, or is altered DNA, which no run made.
        """
        return None if self.role == ALTERED else run_directory_of(self.path)

    @property
    def sha256(self) -> str:
        """Checksum of header, genome and spread: that of its file, also where it was never written."""
        return _checksum(self.header, self.genome, self.stdev)

    @cached_property
    def newborns(self) -> Newborns:
        """The newborn that it decodes to, a record of one: weights [1, W], drives [1, D], plasticity [1, K]."""
        return decode(self.pool, self.genome[None])


def run_directory_of(path: Path) -> Path | None:
    """The run directory that a file lies in, or would, itself or among the ancestors; None: it lies elsewhere."""
    folder = path.resolve().parent
    folder = folder.parent if folder.name == ANCESTORS else folder
    return folder if (folder / "run.json").exists() else None


def load_dna(path: Path) -> DNA:
    """Read DNA.

    Args:
        path: of a DNA file, or of a run directory, whose DNA is then read; or a name in the zoo, see
            `evolearn.run.zoo`: ``zoo/foal``.
    Raises:
        DNAError: there is none; it is no DNA file, was altered, is of another format, or of a part that is not found.
    """
    file = path / NAME if os.path.isdir(path) else path if os.path.exists(path) else in_zoo(path) or path
    try:
        labels, tensors = read_tensors(file, most=_LARGEST)
    except FileMissing as error:
        raise DNAError(_why_none(path)) from error
    except FileUnfit as error:
        raise DNAError(f"{file}: is not a DNA file of evolearn: {str(error).removeprefix(f'{file}: ')}") from error
    if _HEADER not in labels:
        raise DNAError(_why_no_dna(file, labels))
    header = _header_in(file, labels[_HEADER])
    genome, stdev = (_vector(file, tensors, name) for name in ("genome", "stdev"))
    if header.get("sha256") != _checksum(header, genome, stdev):
        raise DNAError(f"{file}: was altered since it was written: its bytes do not match its checksum; copy it again")
    try:
        checked = check_record(DNAHeader, header, file, _REMEDY)
        config = check_kept_config(checked.config, f"{file}: config")
        _refuse(file, contradictions(checked, config))
        pool = _pool_in(checked, config)
        _refuse(file, _misfits(checked, pool, genome, stdev))
    except PartNotFound as error:
        raise DNAError(f"{file}: is of a part that is not here; put it back to read this DNA: {error}") from error
    except (FileUnfit, ConfigError) as error:
        raise DNAError(str(error) if str(error).startswith(str(file)) else f"{file}: {error}") from error
    _require_finite(file, genome, stdev)
    return DNA(file, header, config, pool, genome, stdev)


def dna_so_far(path: Path) -> DNA:
    """Read DNA; of a run whose evolution is not over, the last centre that it kept.

    Args:
        path: see `load_dna`.
    Raises:
        DNAError: as `load_dna` does; the first generation is not over.
    """
    kept = [] if os.path.exists(path / NAME) else _kept_files(path)
    return load_dna(kept[-1] if kept else path)


def why_not_over(dna: DNA) -> str:
    """What to say of DNA from a run whose evolution is not over; empty of any other."""
    if dna.run is None or (dna.run / NAME).exists():
        return ""
    return (
        f"{dna.run}: is not finished; this is the centre that lived generation {dna.generation + 1:,} of "
        f"{dna.config.search.generations:,}, and evolearn resume {dna.run} goes on if it was stopped"
    )


def _header_in(file: Path, label: str) -> dict[str, Any]:
    """A header whose format is that of this evolearn; else unchecked."""
    try:
        header = parse_json(label)
        if not isinstance(header, dict):
            raise ValueError("its header is no table of names and values")
        if "format" not in header:
            raise ValueError("its header has no 'format'")
        written = header["format"]
        if isinstance(written, bool) or not isinstance(written, int):
            raise ValueError(f"its header has format {shown(written)}, no whole number")
    except ValueError as error:
        raise DNAError(f"{file}: is not a DNA file of evolearn: {error}") from error
    if written != FORMAT:
        remedy = "update evolearn" if written > FORMAT else "evolve again, or use the evolearn that made it"
        raise DNAError(f"{file}: has format {shown(written)}, this evolearn reads {FORMAT}; {remedy}")
    return header


def _vector(file: Path, tensors: Mapping[str, np.ndarray], name: str) -> FloatArray:
    vector = tensors.get(name)
    if vector is None or vector.dtype != np.float32 or vector.ndim != 1:
        held = "nothing" if vector is None else f"{vector.dtype} {list(vector.shape)}"
        raise DNAError(f"{file}: is not a DNA file of evolearn: {name} must be float32 of one dimension, is {held}")
    return vector


def _require_finite(file: Path, genome: FloatArray, stdev: FloatArray) -> None:
    for what, values in (("genome", genome), ("stdev", stdev)):
        if bad := int((~np.isfinite(values)).sum()):
            raise DNAError(
                f"{file}: {what}: {bad} of {values.size} numbers are not finite, so nothing can live with this DNA; "
                "evolve again, with smaller learning rates in search.options"
            )


def _refuse(file: Path, problems: Iterator[str]) -> None:
    for problem in problems:
        raise DNAError(f"{file}: {problem}; {_REMEDY}")


def _misfits(header: DNAHeader, pool: GenePool, genome: FloatArray, stdev: FloatArray) -> Iterator[str]:
    """What does not fit the table of genes that its config lays out."""
    for name, vector in (("genome", genome), ("stdev", stdev)):
        if vector.shape != (pool.size,):
            yield f"{name} has {vector.size} numbers, and this evolearn lays out {pool.size} genes for its config"
    if header.bits not in (None, pool.bits):
        yield f"bits is {header.bits:,}, and the genome of its config has {pool.bits:,}"
    if (stdev < 0).any():
        yield "stdev holds negative numbers"
    tables = json.loads(json.dumps(_gene_tables(pool)))
    if tables != {"genes": header.genes, "not_evolved": header.not_evolved}:
        yield "its table of genes is not the one that this evolearn lays out for its config"


def _pool_in(header: DNAHeader, config: RunConfig) -> GenePool:
    """The gene table that a header describes, laid out again."""
    brain = BrainSpec(
        trunk=header.brain.trunk,
        observations=len(header.brain.observations),
        hidden=tuple(header.brain.hidden),
        actions=header.brain.actions,
        policy=header.brain.policy,
        inputs=tuple(header.brain.inputs),
        memory=header.brain.memory,
        readout=header.brain.readout,
        **first_values(config.learner),
        prediction=header.brain.prediction,
        auxiliary=config.learner.auxiliary,
        growth=grows(config),
    )
    check_teachable(config, brain)
    return pool_of(config, brain, header.drives)


def dna_of(path: Path, setup: Setup, genome: FloatArray, stdev: FloatArray, about: Mapping[str, Any]) -> DNA:
    """DNA that is on no disk yet.

    Args:
        path: where it would be kept.
        setup: of the run.
        genome: float32 [G], in gene units.
        stdev: float32 [G], spread left in the search, in gene units.
        about: ``role``, see `DNA.role`, and ``lineage``: among others ``generation``, the one that lived it.
    """
    size = {"bits": setup.pool.bits}
    header = {"format": FORMAT, **_gene_tables(setup.pool), **size, **_described(setup), **about}
    genome, stdev = (np.ascontiguousarray(values, np.float32) for values in (genome, stdev))
    return DNA(path, header, setup.config, setup.pool, genome, stdev)


def altered_dna(dna: DNA, genome: FloatArray) -> DNA:
    """DNA with another genome, which no search made and no generation lived: its role is ALTERED.

    Of the lineage it keeps ``run``, ``algorithm``, ``generations``, ``generation`` and ``restart``, those of the DNA
    that a search made, and gets ``of``, the checksum of that DNA: also where it is made of altered DNA.

    Args:
        dna: what it is made of.
        genome: float32 [G], in gene units.
    """
    before = dna.header["lineage"]
    lineage = {name: before[name] for name in _KEPT if name in before}
    lineage["of"] = before["of"] if dna.role == ALTERED else dna.sha256
    header = {name: value for name, value in dna.header.items() if name != "sha256"}
    return dataclasses.replace(dna, header={**header, "role": ALTERED, "lineage": lineage}, genome=genome)


def write_dna(dna: DNA) -> None:
    """Write DNA to its path, whole or not at all.

    Raises:
        DNAError: a gene or the spread is not finite: no life could be read of it.
        RunDirectoryError: the disk refuses.
    """
    _require_finite(dna.path, dna.genome, dna.stdev)
    header = {**dna.header, "sha256": dna.sha256}
    with explained(dna.path.parent):
        dna.path.parent.mkdir(exist_ok=True)
        tensors = {"genome": dna.genome, "stdev": dna.stdev}
        write_whole(dna.path, safetensors.numpy.save(tensors, metadata={_HEADER: json.dumps(header)}))


def save_dna(path: Path, setup: Setup, genome: FloatArray, stdev: FloatArray, about: Mapping[str, Any]) -> None:
    """Write a DNA file, whole or not at all; see `dna_of` and `write_dna`."""
    write_dna(dna_of(path, setup, genome, stdev, about))


def ancestors(run: Path) -> list[DNA]:
    """The centres that a run kept of its way, the earliest first.

    Args:
        run: a run directory.
    Raises:
        DNAError: a file is damaged.
    """
    return [load_dna(file) for file in _kept_files(run)]


def _kept_files(run: Path) -> list[Path]:
    return sorted((run / ANCESTORS).glob("generation_*.safetensors"))


def ancestor_file(run: Path, generation: int) -> Path:
    """Where the centre that lived a generation is kept."""
    return run / ANCESTORS / f"generation_{generation:06d}.safetensors"


def is_ancestor(generation: int, generations: int) -> bool:
    """Whether the centre of a generation is kept: the first, the last, and two in every doubling between.

    Args:
        generation: from 0.
        generations: of the run.

    >>> [generation for generation in range(40) if is_ancestor(generation, 40)]
    [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 39]
    """
    if generation in (0, 3, generations - 1):
        return True
    lowest = generation & -generation  # its lowest binary digit
    return generation in (lowest, 3 * lowest)


def setup_of(dna: DNA, world: WorldPart | None = None, users_world: bool = False) -> Setup:
    """What is needed to live with some DNA.

    Args:
        dna: who is to live.
        world: another one than its own, or its own in other settings; None: as it evolved.
        users_world: see `assemble`.
    Raises:
        ConfigError: the world cannot be found, or refuses its settings.
        DNAError: the world is not one that this DNA can live in.
    """
    config = dna.config if world is None else dna.config.model_copy(update={"world": world})
    setup = assemble(config, users_world)
    here = setup.conditions.world
    if world is None and signals_of(here) != (dna.observations, dna.actions, dna.drives[1 : 1 + len(here.senses)]):
        raise DNAError(
            f"{dna.path}: is DNA of a world {dna.world} that shows {', '.join(dna.observations)}; the world of this "
            f"name here shows {', '.join(signals_of(here)[0])}, or differs in actions or senses: it was changed since, "
            "or is another; put back the one that it evolved in"
        )
    for what, there, found in (
        ("observations", dna.brain.observations, setup.conditions.brain.observations),
        ("action outputs", dna.brain.actions, setup.conditions.brain.actions),
        ("policy", dna.brain.policy, setup.conditions.brain.policy),
        ("drives", ", ".join(dna.drives), ", ".join(setup.conditions.drive_names)),
    ):
        if there != found:
            raise DNAError(
                f"{dna.path}: DNA of the world {dna.world} cannot live in {config.world.name}: {what} {there} there, "
                f"{found} here; choose a world with the same"
            )
    return dataclasses.replace(setup, pool=dna.pool)


def _why_none(path: Path) -> str:
    if why_not := why_not_in_zoo(path):
        return why_not
    if os.path.exists(path / "study.json"):
        runs = sorted(str(found.parent) for found in path.glob("runs/*/*/run_*/dna.safetensors"))
        runs = runs or sorted(str(found.parent) for found in path.glob(f"runs/*/*/run_*/{ANCESTORS}"))
        return f"{path}: is a study; name one of its runs: {', '.join(runs[:6]) or 'none has any DNA yet'}" + (
            f" and {len(runs) - 6} more" if len(runs) > 6 else ""
        )
    if os.path.exists(path / "run.json"):
        kept = _kept_files(path)
        centre = f"; or name the last centre that it kept, {kept[-1]}" if kept else ""
        return (
            f"{path}: has no DNA yet, its evolution is not over; evolearn resume {path} continues it, or says why it "
            f"came to none{centre}"
        )
    if os.path.isdir(path):
        if os.path.exists(path.resolve().parent / "run.json"):
            return f"{path}: is a folder of the run {path.parent}; name that, or a DNA file"
        return f"{path}: is not a run directory (no run.json)"
    known = ", ".join(sorted(str(found.parent) for found in Path("runs").glob("*/dna.safetensors"))) or "none in runs/"
    return f"{path}: does not exist; runs with DNA here: {known}"


def _why_no_dna(file: Path, labels: Mapping[str, str]) -> str:
    if "evolearn_brain" not in labels:
        return f"{file}: is not a DNA file of evolearn: it is a safetensors file that something else wrote"
    return (
        f"{file}: is an exported brain, which holds no DNA, only the network that some DNA is born with; name the run "
        f"that it came from{_run_of_brain(labels['evolearn_brain'])}"
    )


def _run_of_brain(description: str) -> str:
    try:
        return f": {parse_json(description)['lineage']['run']}"
    except (ValueError, KeyError, TypeError):
        return ""


def signals_of(world: Declaration) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of what a world shows, of its choices or dimensions of action, and of its senses."""
    observations = tuple(signal.name for signal in world.observations)
    first = world.actions.start if isinstance(world.actions, Discrete) else 0
    actions = world.actions.names or tuple(str(first + place) for place in range(world.action_outputs))
    return observations, tuple(actions), tuple(sense.name for sense in world.senses)


def _described(setup: Setup) -> dict[str, Any]:
    """What of a run its DNA carries along."""
    config, conditions = setup.config, setup.conditions
    brain = conditions.brain
    observations, actions, _ = signals_of(conditions.world)
    return {
        "config": config.model_dump(mode="json"),
        "world": {"name": config.world.name, "parameters": dict(conditions.parameters)},
        "brain": {
            "trunk": brain.trunk,
            "observations": list(observations),
            "units": [signal.unit for signal in conditions.world.observations],
            "hidden": list(brain.hidden),
            "actions": brain.actions,
            "action_names": list(actions),
            "policy": brain.policy,
            "inputs": list(brain.inputs),
            "memory": brain.memory,
            "readout": brain.readout,
            "prediction": brain.prediction,
        },
        "drives": list(conditions.drive_names),
        "seed": config.seed,
        "sources": source_hashes([config]),
    }


def _gene_tables(pool: GenePool) -> dict[str, Any]:
    """Every gene: where it lies in the genome, or how else it comes into a life."""
    places = pool.slices()
    tables: dict[str, Any] = {"genes": [], "not_evolved": []}
    for gene in pool.genes:
        row = {"gene": gene.name, "group": gene.group, "shape": list(gene.shape), "transform": gene.transform}
        place = places.get((gene.group, gene.name))
        if place is None:
            tables["not_evolved"].append({**row, "mode": pool.mode(gene)})
        else:
            tables["genes"].append({**row, "start": place.start, "stop": place.stop})
    return tables


def _checksum(header: Mapping[str, Any], genome: FloatArray, stdev: FloatArray) -> str:
    rest = json.dumps({name: value for name, value in header.items() if name != "sha256"}, sort_keys=True)
    return hashlib.sha256(rest.encode() + genome.astype("<f4").tobytes() + stdev.astype("<f4").tobytes()).hexdigest()

"""What `evolearn.load` gives: DNA with everything that can be read from it at hand, by name."""

from __future__ import annotations

import dataclasses
import html
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evolearn.agent import TorchBrain, brain_of, find_policy, find_trunk
from evolearn.api.arguments import refusals_in_python
from evolearn.config import RunConfig
from evolearn.genome import FRESH, GROUPS, TRANSFORMS, FloatArray, plasticity_by_gene, value_by_gene
from evolearn.run import (
    ALTERED,
    DNA,
    DNAError,
    Generation,
    admit_sources,
    altered_dna,
    dna_so_far,
    open_run,
    run_directory_of,
    why_not_over,
    write_dna,
)

_HISTORY = tuple(field for field in dataclasses.fields(Generation) if field.name not in ("cluster", "opponent"))


@dataclasses.dataclass(frozen=True)
class Newborn:
    """What is there at birth, in natural values, by name; read-only.

    Where a group is drawn afresh in every life: no weights; of the others what the draws lie around.
    """

    # By tensor of the brain: matrices [units, inputs], biases [units]; log standard deviations within their bounds.
    weights: Mapping[str, FloatArray]
    drives: Mapping[str, float]  # what each drive is worth, reward per unit of the drive
    plasticity: Mapping[str, float | FloatArray]  # by gene of the learner; arrays of those of many numbers
    # By gene of the innate value: matrices [inputs, units], biases [units], beta; empty without one.
    value: Mapping[str, float | FloatArray] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        own = {name: _read_only(np.array(values)) for name, values in self.weights.items()}
        groups = {"weights": own, "drives": self.drives}
        groups |= {"plasticity": _held(self.plasticity), "value": _held(self.value)}
        for field, values in groups.items():
            object.__setattr__(self, field, MappingProxyType(dict(values)))

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and pickles, which refuse what the fields are held in."""
        return Newborn, tuple(dict(values) for values in (self.weights, self.drives, self.plasticity, self.value))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Evolved:
    """DNA, and what can be read from it."""

    record: DNA  # as the file holds it: header, gene pool, names
    rows: Sequence[Mapping[str, Any]] = ()  # of the generations; may go on after that of the DNA

    @property
    def config(self) -> RunConfig:
        """The resolved config of the run that made it."""
        return self.record.config

    @property
    def genome(self) -> FloatArray:
        """The genome, float32 [G], in gene units; read-only, see `with_genome`."""
        return _read_only(self.record.genome)

    @property
    def stdev(self) -> FloatArray:
        """Spread left in the search, float32 [G], in gene units; read-only."""
        return _read_only(self.record.stdev)

    @cached_property
    def newborn(self) -> Newborn:
        """What it is born with."""
        newborns, pool = self.record.newborns, self.record.pool
        groups = {group: [gene.name for gene in pool.genes if gene.group == group] for group in GROUPS}
        weights = {} if pool.modes["weights"] == FRESH else self._new_brain().state_dict()
        return Newborn(
            weights={name: tensor.numpy() for name, tensor in weights.items()},
            drives=dict(zip(groups["drives"], newborns.drives[0].tolist(), strict=True)),
            plasticity=plasticity_by_gene(pool, newborns.plasticity[0]),
            value=value_by_gene(pool, newborns.value[0]),
        )

    @cached_property
    def brain(self) -> TorchBrain:
        """The brain at birth, a torch module: observations [.., O] to policy parameters [.., actions] and values [..].

        Yours to train, hook or damage: `evolearn.live` lives the genome, not this.

        Raises:
            DNAError: weights are drawn afresh in every life.
        """
        if self.record.pool.modes["weights"] == FRESH:
            raise DNAError(
                f"{self.record.path}: has no brain at birth: its weights are drawn afresh in every life "
                "(genome.weights.mode=fresh); evolve with genome.weights.mode=evolved to have one"
            )
        return self._new_brain()

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per generation, up to the one that lived it, see `evolearn.run.record.Generation`.

        No rows where the DNA file lies outside of its run directory, and none of altered DNA.

        Raises:
            DNAError: the file lies in the directory of another run than the one that made it.
        """
        self._check_run()
        # Runs have no word of what came to be after them: restarts, teachers, lineages.
        usual = {field.name: field.default for field in _HISTORY if field.default is not dataclasses.MISSING}
        lived = [{**usual, **row} for row in self.rows[: self.record.generation + 1]]
        names = [field.name for field in _HISTORY]
        table = pd.DataFrame([[row[name] for name in names] for row in lived], columns=names)
        return table.astype({"paired_correlation": float}).set_index("generation")

    @cached_property
    def genes(self) -> pd.DataFrame:
        """A row per number of the genome, in order.

        Columns: ``group``, ``gene``, ``entry`` (place in the gene's array), ``value`` (natural), ``genome`` and
        ``stdev`` (gene units), ``start`` and ``spread`` (centre and standard deviation at which evolution started),
        ``moved`` (from the start, in spreads), ``left`` (of the spread, a proportion).
        """
        dna = self.record
        rows = [(gene.group, gene.name, entry) for gene in dna.pool.evolved for entry in np.ndindex(*gene.shape)]
        table = pd.DataFrame(rows, columns=["group", "gene", "entry"])
        values = np.empty(len(table), np.float32)
        for gene, place in zip(dna.pool.evolved, dna.pool.slices().values(), strict=True):
            values[place] = TRANSFORMS[gene.transform].decode(dna.genome[place])
        start, spread = dna.pool.centre, dna.pool.spread
        return table.assign(
            value=values,
            genome=dna.genome,
            stdev=dna.stdev,
            start=start,
            spread=spread,
            moved=(dna.genome - start) / spread,
            left=dna.stdev / spread,
        )

    def _check_run(self) -> None:
        dna = self.record
        lived = self.rows[dna.generation] if dna.generation < len(self.rows) else {}
        if self.rows and lived.get("fitness_sha256") != dna.header["lineage"]["fitness_sha256"]:
            raise DNAError(
                f"{dna.path}: was not made by the run that it lies in: its generation {dna.generation} is another; "
                "put the file elsewhere to read it without a history, or back into its run"
            )

    def with_genome(self, genome: npt.ArrayLike) -> Evolved:
        """The same with another genome: to lesion, mix or disturb DNA by hand.

        Its role is altered and its history empty, since no generation lived it; its lineage names what it was made of.

        Args:
            genome: finite numbers [G], in gene units; `genes` says what lies where.
        Raises:
            DNAError: it is of another shape, or not finite.
        """
        try:
            with np.errstate(over="ignore"):  # becomes infinite, and is refused as such
                changed = np.array(genome, np.float32)
        except (TypeError, ValueError) as error:
            raise DNAError(
                f"genome of type {type(genome).__name__}: must be {self.record.genome.size} finite numbers; start from "
                "a copy of dna.genome"
            ) from error
        if changed.shape != self.record.genome.shape or not np.isfinite(changed).all():
            raise DNAError(
                f"genome of shape {changed.shape}: must be {self.record.genome.size} finite numbers, within float32; "
                "start from a copy of dna.genome"
            )
        return Evolved(altered_dna(self.record, changed))

    def save(self, path: str | Path) -> Path:
        """Write it to a DNA file, which every command takes that takes DNA; a file that is there is replaced.

        Args:
            path: must end in ``.safetensors``, and lie outside of run directories, which hold what their run made.
        Returns:
            The path.
        Raises:
            RunDirectoryError: the name does not fit, or the disk refuses.
        """
        if not isinstance(path, str | Path):
            raise DNAError(f"path={path!r}: must be the path of a file, ending in .safetensors")
        path = Path(path)
        if path.suffix != ".safetensors":
            raise DNAError(f"{path}: must end in .safetensors, as DNA files do")
        run = run_directory_of(path)
        if run is not None:
            raise DNAError(f"{path}: lies in the run directory {run}, which holds what its run made; save it elsewhere")
        with refusals_in_python(str(path), "name another place, or make room"):
            write_dna(dataclasses.replace(self.record, path=path))
        return path

    def _new_brain(self) -> TorchBrain:
        return brain_of(self.record.brain, self.record.newborns.weights[0])

    def _facts(self) -> dict[str, str]:
        """What to say of it in few words."""
        dna, search = self.record, self.config.search
        parameters = [f"{name} {value:g}" for name, value in dna.header["world"]["parameters"].items()]
        brain = dna.brain
        evolved = dna.pool.evolved
        genes = {group: sum(gene.size for gene in evolved if gene.group == group) for group in GROUPS}
        return {
            "world": dna.world + (f" ({', '.join(parameters)})" if parameters else ""),
            "is": f"{'altered by hand, from' if dna.role == ALTERED else f'{dna.role} of'} generation "
            f"{dna.generation}, of {search.generations} from 0 on; {self._restarted()}"
            f"{search.algorithm}, seed {self.config.seed}",
            "brain": f"{brain.trunk} {'-'.join(str(units) for units in (brain.told, *brain.hidden, brain.actions))}, "
            f"policy {brain.policy}{self._drawn('weights')}",
            "genes": f"{dna.pool.size}, {dna.pool.bits:,} bits: "
            + ", ".join(f"{count} {group}" for group, count in genes.items() if count),
            "drives": _listed(self.newborn.drives) + self._drawn("drives"),
            "plasticity": _listed(self.newborn.plasticity) + self._drawn("plasticity"),
        } | ({"value": _listed(self.newborn.value) + self._drawn("value")} if self.newborn.value else {})

    def _restarted(self) -> str:
        restart = self.record.header["lineage"].get("restart", 0)
        return f"restart {restart}; " if restart else ""

    def _drawn(self, group: str) -> str:
        return "; drawn afresh in every life" if self.record.pool.modes[group] == FRESH else ""

    def __repr__(self) -> str:
        return "\n".join(["Evolved", *(f"  {name}: {fact}" for name, fact in self._facts().items())])

    def _repr_html_(self) -> str:
        return as_table(self._facts())


def read_evolved(path: Path) -> Evolved:
    """See `evolearn.load`."""
    dna = dna_so_far(path)
    if path.is_dir() and (not_over := why_not_over(dna)):
        warnings.warn(not_over, stacklevel=3)
    admit_sources([dna.config], worlds=False)
    find_trunk(dna.brain.trunk), find_policy(dna.brain.policy)  # now, that who opens it is asked once
    return Evolved(dna, open_run(dna.run).rows() if dna.run else ())


def as_table(facts: Mapping[str, str]) -> str:
    """A few facts as HTML, for notebooks."""
    rows = [
        f'<tr><th style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(fact)}</td></tr>'
        for name, fact in facts.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _listed(values: Mapping[str, float | FloatArray]) -> str:
    parts = (
        f"{name} of {value.size:,}" if isinstance(value, np.ndarray) else f"{name} {value:.3g}"
        for name, value in values.items()
    )
    return ", ".join(parts) or "none"


def _held(values: Mapping[str, float | FloatArray]) -> dict[str, float | FloatArray]:
    """Numbers, and arrays that are read-only copies."""
    return {
        name: _read_only(np.array(value)) if isinstance(value, np.ndarray) else value for name, value in values.items()
    }


def _read_only(values: FloatArray) -> FloatArray:
    view = values.view()
    view.flags.writeable = False
    return view

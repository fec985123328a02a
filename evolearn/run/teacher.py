"""What a teacher needs of a config: found, refused early in the words of its fields, and what to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolearn.agent import ASKED, LEARNERS, WATCHED, BrainSpec, find_learner
from evolearn.config import ConfigError, RunConfig, TeacherPart
from evolearn.errors import UserError, offer
from evolearn.genome import FIXED
from evolearn.life import FROM_BRAIN, FROM_ORACLE, TeacherSpec
from evolearn.search import planned_outer_steps
from evolearn.world import Declaration, World

if TYPE_CHECKING:
    from evolearn.run.dna import DNA

ORACLE, PARENT = "oracle", "parent"  # of teacher.source
_MODES = {"asked": ASKED, "watched": WATCHED}
_MUST_AGREE = ("trunk", "observations", "hidden", "actions", "policy", "inputs", "memory", "readout", "prediction")


def settled_teacher(part: TeacherPart) -> TeacherPart:
    """The same teacher, holding in any folder: where its DNA lies, which it is, what it cost, and what it sees.

    DNA that cannot be read is left as it is named: `teacher_of` says so.
    """
    if part.source in (ORACLE, PARENT):
        return part.model_copy(update={"privileged": part.source == ORACLE})
    path = Path(part.source).absolute()
    try:
        dna = _read(part)
    except ConfigError:
        return part.model_copy(update={"source": str(path)})
    own = dna.config.teacher
    steps = planned_outer_steps(dna.config.search, dna.config.lives_each)
    steps += int(dna.header["lineage"].get("validation_steps") or 0)
    steps += (own.evolution_steps or 0) if own is not None else 0
    known = {"source": str(path), "privileged": False, "sha256": part.sha256 or dna.sha256, "evolution_steps": steps}
    return part.model_copy(update=known)


def settled_teacher_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The same of dotted keys that name another teacher for some of a run's lives: what goes with that source."""
    source = keys.get("teacher.source")
    if not isinstance(source, str) or not source:
        return dict(keys)
    part = settled_teacher(TeacherPart(source=source))
    about = part.model_dump(include={"privileged", "sha256", "evolution_steps"})
    return {**{f"teacher.{name}": value for name, value in about.items()}, **keys, "teacher.source": part.source}


def teacher_of(config: RunConfig, world: Declaration, brain: BrainSpec) -> TeacherSpec | None:
    """Who teaches the lives of a run; None: nobody does.

    Args:
        config: of the run.
        world: that it is lived in.
        brain: of its newborns.
    Raises:
        ConfigError: there is no such teacher, it cannot teach these lives, or nobody learns from it; names the field.
    """
    part, learner = config.teacher, config.learner
    imitates = find_learner(learner.name).imitates
    if part is None:
        if imitates:
            raise ConfigError(
                f"learner.name={learner.name!r}: has nobody to imitate without the section teacher; write teacher: "
                "{source: oracle}, or the path of DNA, or choose another learner.name"
            )
        return None
    if not imitates:
        able = " or ".join(name for name, row in LEARNERS.items() if row.imitates)
        raise ConfigError(
            f"teacher.source={part.source!r}: nobody learns from it with learner.name={learner.name!r}, which does not "
            f"imitate; set learner.name={able}, or leave the section teacher out"
        )
    _check_evolved(config, part)
    mode, life = _MODES[part.mode], config.search.selection_lifetime
    if part.source == ORACLE:
        _check_privileged(part, True, "knows what is drawn at birth, which no pupil sees")
        if not isinstance(world, World) or world.oracle is None:
            raise ConfigError(
                f"teacher.source='oracle': world {world.name} has no oracle; choose a world that has one, or set "
                "teacher.source to the path of DNA"
            )
        return TeacherSpec(FROM_ORACLE, mode, life)
    _check_privileged(part, False, "sees what its pupil sees")
    if part.source == PARENT:
        if config.lineage is None:
            raise ConfigError(
                "teacher.source='parent': no life has a parent without the section lineage; write lineage: "
                "{generations: 8}, or set teacher.source to oracle or the path of DNA"
            )
        return TeacherSpec(FROM_BRAIN, mode, life)
    dna = _read(part)
    _check_dna(config, part, dna, world, brain)
    return TeacherSpec(FROM_BRAIN, mode, life, dna.newborns.weights[0].tobytes())


def held_genes(config: RunConfig) -> tuple[str, ...]:
    """Genes of plasticity that stay at their start, since `teacher.evolved` does not name them."""
    if config.teacher is None or config.teacher.evolved is None:
        return ()
    return tuple(name for name in _genes_of_teaching(config) if name not in config.teacher.evolved)


def remarks_on_teacher(config: RunConfig) -> tuple[str, ...]:
    """What a user should know of a run's teacher."""
    part = config.teacher
    if part is None or part.source != ORACLE:
        return ()
    return (
        "teacher.source=oracle: a privileged teacher: it knows what is drawn at birth, which its pupils do not see, so "
        "that what it does may be out of their reach; each step that it is asked or watched is charged",
    )


def _genes_of_teaching(config: RunConfig) -> tuple[str, ...]:
    own = {gene.name for gene in find_learner(config.learner.name).plasticity}
    return tuple(name for name in ("taught_from", "taught_share", "imitation_weight") if name in own)


def _check_evolved(config: RunConfig, part: TeacherPart) -> None:
    if part.evolved is None:
        return
    known = _genes_of_teaching(config)
    for name in part.evolved:
        if name not in known:
            raise ConfigError(
                f"teacher.evolved: {name!r} is no gene of learner.name={config.learner.name!r}.{offer(name, known)}"
            )
    if part.evolved and config.genome.plasticity.mode == FIXED:
        raise ConfigError(
            f"teacher.evolved={list(part.evolved)}: nothing of plasticity is a gene with "
            "genome.plasticity.mode='fixed'; leave teacher.evolved out, or set genome.plasticity.mode=evolved"
        )


def _check_privileged(part: TeacherPart, is_so: bool, why: str) -> None:
    if part.privileged is not None and part.privileged != is_so:
        raise ConfigError(
            f"teacher.privileged={str(part.privileged).lower()}: must be {str(is_so).lower()}, or null, with "
            f"teacher.source={part.source!r}, which {why}; leave it out"
        )


def _read(part: TeacherPart) -> DNA:
    from evolearn.run.dna import load_dna  # which needs a setup, and so this module

    try:
        return load_dna(Path(part.source))
    except UserError as error:
        raise ConfigError(f"teacher.source={part.source!r}: must be oracle or the path of DNA: {error}") from error


def _check_dna(config: RunConfig, part: TeacherPart, dna: DNA, world: Declaration, brain: BrainSpec) -> None:
    from evolearn.run.dna import signals_of

    teacher = f"teacher.source={part.source!r}"
    if part.sha256 is not None and part.sha256 != dna.sha256:
        raise ConfigError(
            f"{teacher}: is other DNA than it was when teacher.sha256={part.sha256} was written down; put that back, "
            "or leave teacher.sha256 and teacher.evolution_steps out to be taught by what is there now"
        )
    if dna.world != config.world.name or signals_of(world)[:2] != (dna.observations, dna.actions):
        changed = ", of another body" if dna.world == config.world.name else ""
        raise ConfigError(
            f"{teacher}: is DNA of world {dna.world}{changed}, and its pupils live in {config.world.name}; teach them "
            "by DNA that evolved there"
        )
    for field in _MUST_AGREE:
        there, here = getattr(dna.brain, field), getattr(brain, field)
        if there != here:
            raise ConfigError(
                f"{teacher}: has a brain with {field} {there}, and its pupils' have {here}; a teacher and its pupils "
                "must be of one brain: set the same section brain, or evolve a teacher with this one"
            )
    if dna.newborns.initial_stdev.size:
        raise ConfigError(
            f"{teacher}: its weights are drawn afresh in every life (genome.weights.mode={dna.pool.modes['weights']!r}"
            "): there is nothing innate to teach; choose DNA whose weights evolved"
        )
    if dna.config.value is not None and "acting" in dna.config.value.uses:
        raise ConfigError(
            f"{teacher}: acts by an innate value beside its weights (value.uses={list(dna.config.value.uses)}), and "
            "only weights teach; choose DNA without value.uses: [acting]"
        )

"""Who teaches a clone before its birth: read from DNA, checked against the pupil, ready to live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evolearn.agent import LEARNERS, find_learner, find_policy, find_trunk
from evolearn.config import ConfigError, RunConfig
from evolearn.errors import RunDirectoryError
from evolearn.genome import DIRECT, FRESH, FloatArray, GenePool, Newborns, decode
from evolearn.life import Conditions
from evolearn.rng import Keys
from evolearn.run.natural import born_weights, natural_values
from evolearn.search import ORACLE, CloneOptions, Options, TeacherPart, planned_outer_steps
from evolearn.world import World

if TYPE_CHECKING:
    from evolearn.run.dna import DNA
    from evolearn.run.setup import Setup
    from evolearn.search import LessonLives

CLONE = "search.algorithm='clone'"
_FIELD = "search.options.teacher"
_MOST_NUMBERS = 500_000_000  # in the lessons of a generation, which are kept in memory


def with_teacher(config: RunConfig, conditions: Conditions) -> RunConfig:
    """The same config with its teacher in it, where it names DNA: a run depends on no file of another.

    Args:
        config: of a run.
        conditions: that the pupil will live under.
    Raises:
        ConfigError: there is no such DNA, or it cannot teach this pupil.
    """
    options = config.search.options
    teacher = options.get("teacher") if config.search.algorithm == "clone" else None
    if not isinstance(teacher, str) or teacher == ORACLE:
        return config
    from evolearn.run.dna import DNAError, load_dna  # which imports what imports this

    try:
        dna = load_dna(Path(teacher))
    except (DNAError, RunDirectoryError) as error:
        raise ConfigError(f"{_FIELD}={teacher!r}: must be oracle, or DNA: {error}") from error
    _check_dna(teacher, dna, config, conditions)
    steps = planned_outer_steps(dna.config.search, dna.config.lives_each)
    # in float32, so that the teacher is the newborn to the bit
    values = natural_values(dna.pool, dna.genome, np.float32)
    part = {"weights": born_weights(dna.pool, dna.genome), **values, "steps": steps}
    search = config.search.model_copy(update={"options": {**options, "teacher": part}})
    return config.model_copy(update={"search": search})


def _check_dna(teacher: str, dna: DNA, config: RunConfig, conditions: Conditions) -> None:
    from evolearn.run.dna import signals_of

    observations, actions, senses = signals_of(conditions.world)
    drives = ("fitness", *senses, *dna.drives[1 + len(senses) :])
    for what, there, here in (
        ("observations", dna.observations, observations),
        ("actions", dna.actions, actions),
        ("drives", dna.drives, drives),
        ("drives", dna.drives, conditions.drive_names),
    ):
        if there != here:
            raise ConfigError(
                f"{_FIELD}={teacher!r}: is of another world than {config.world.name}: its {what} are "
                f"{', '.join(there)}, and here {', '.join(here)}; name DNA of a world with the same"
            )
    if dna.brain != conditions.brain:
        raise ConfigError(
            f"{_FIELD}={teacher!r}: has another brain than its pupil: {_said(dna.brain, conditions.brain)}; give both "
            "the same section brain, or name other DNA"
        )
    if dna.config.learner.name != config.learner.name:
        raise ConfigError(
            f"{_FIELD}={teacher!r}: learns by {dna.config.learner.name}, its pupil by {config.learner.name}: must be "
            "the same, since both live under the same conditions; set learner.name, or name other DNA"
        )
    if dna.pool.modes["weights"] == FRESH:
        raise ConfigError(
            f"{_FIELD}={teacher!r}: has weights that are drawn afresh in each life, and so nothing to teach; name DNA "
            "whose weights evolved"
        )
    if dna.config.value is not None:
        raise ConfigError(
            f"{_FIELD}={teacher!r}: has an innate value, which its pupil has not; name DNA without the section value"
        )


def _said(there: Any, here: Any) -> str:
    fields = [name for name in vars(there) if getattr(there, name) != getattr(here, name)]
    return ", ".join(f"{name} {getattr(there, name)!r}, and here {getattr(here, name)!r}" for name in fields)


def newborn_of(pool: GenePool, teacher: TeacherPart) -> Newborns:
    """A teacher as a record of one newborn.

    Args:
        pool: of the pupil, whose brain, drives and plasticity have the same names.
        teacher: its natural values.
    Raises:
        ConfigError: they do not fit.
    """
    sizes: dict[str, dict[str, int]] = {"weights": {tensor.name: tensor.size for tensor in pool.brain.tensors}}
    for group in ("drives", "plasticity"):
        sizes[group] = {gene.name: gene.size for gene in pool.genes if gene.group == group}
    rows = {group: _row(group, getattr(teacher, group), sizes[group]) for group in sizes}
    like = decode(pool, pool.centre[None])
    return like._replace(**rows, scale=np.ones(1, np.float32), initial_stdev=np.zeros(0, np.float32))


def _row(group: str, given: Mapping[str, Any], sizes: Mapping[str, int]) -> FloatArray:
    if set(given) != set(sizes):
        raise ConfigError(
            f"{_FIELD}.{group}: is of another body: has {', '.join(given) or 'nothing'}, must have {', '.join(sizes)}"
        )
    parts = []
    for name, size in sizes.items():
        numbers = np.atleast_1d(np.array(given[name], np.float32))
        if len(numbers) != size:
            raise ConfigError(
                f"{_FIELD}.{group}.{name}: is of another body: has {len(numbers):,} numbers, must have {size:,}"
            )
        parts.append(numbers)
    return np.concatenate([*parts, np.zeros(0, np.float32)])[None]


def check_clone(config: RunConfig) -> None:
    """Refuse a pupil that cannot be cloned, whoever teaches.

    Raises:
        ConfigError: names the field, and what to set.
    """
    if config.value is not None:
        raise ConfigError(
            f"value.uses={list(config.value.uses)}: must be left out with {CLONE}, which knows of no innate value; "
            "leave value out"
        )
    trunk = find_trunk(config.brain.trunk)
    if trunk.has_hidden and trunk.torch_module is None and trunk.torch_cell is None:
        raise ConfigError(
            f"brain.trunk={config.brain.trunk!r}: its row has no torch_module, and {CLONE} fits the brain in torch; "
            "give it one, or set brain.trunk='mlp'"
        )
    policies = find_learner(config.learner.name).policies.values()
    if not any(find_policy(name).torch_imitation for name in policies):
        able = " or ".join(
            repr(name)
            for name, row in LEARNERS.items()
            if any(find_policy(policy).torch_imitation for policy in row.policies.values())
        )
        raise ConfigError(
            f"learner.name={config.learner.name!r}: must be {able} with {CLONE}: of its policy, "
            f"{' or '.join(policies)}, nobody has said how it is imitated; set one of these, or give its row a "
            "torch_imitation"
        )


def check_teacher(config: RunConfig, options: Options, conditions: Conditions, pool: GenePool) -> None:
    """Refuse a teacher that cannot teach, or that is not said to be privileged where it is.

    Args:
        config: of the run.
        options: of its search; of another one nothing is checked.
        conditions: of the pupil's lives.
        pool: of the pupil.
    Raises:
        ConfigError: names the field, and what to set.
    """
    if not isinstance(options, CloneOptions):
        return
    world, lifetime = conditions.world, config.search.selection_lifetime
    of_oracle = options.teacher == ORACLE
    if of_oracle and not (isinstance(world, World) and world.oracle is not None):
        raise ConfigError(
            f"{_FIELD}='oracle': world {config.world.name} has no oracle; name DNA that evolved there, or another world"
        )
    if of_oracle and options.age:
        raise ConfigError(
            f"search.options.age={options.age}: must be 0 with teacher='oracle', which has nothing to learn; leave it "
            "out"
        )
    if options.age and not options.age < lifetime:
        raise ConfigError(
            f"search.options.age={options.age}: must be less than search.selection_lifetime={lifetime}, since lessons "
            "are what is lived from that age to the end; live longer, or make it smaller"
        )
    if options.age and config.learner.learn_until == 0:
        raise ConfigError(
            f"search.options.age={options.age}: must be 0 with learner.learn_until=0, with which a teacher learns "
            "nothing by getting older; leave one of the two out"
        )
    if options.privileged != (of_oracle or options.age > 0):
        why = (
            "'oracle', which knows what each life has drawn"
            if of_oracle
            else f"an adult, age={options.age}, which has learned in its own life"
            if options.age
            else "a newborn, which sees what its pupil sees"
        )
        raise ConfigError(
            f"search.options.privileged={options.privileged}: must be {not options.privileged} with the teacher {why}; "
            f"set search.options.privileged={str(not options.privileged).lower()}"
        )
    if options.window is not None and not conditions.brain.carries:
        raise ConfigError(
            f"search.options.window={options.window}: must be left out with brain.trunk={config.brain.trunk!r}, which "
            "carries no state, so that each step of a lesson is fitted by itself; leave it out, or set brain.trunk=gru"
        )
    if world.is_discrete and options.stdev is not None:
        raise ConfigError(
            f"search.options.stdev={options.stdev:g}: must be left out in world {config.world.name}, whose actions are "
            "choices; what makes them surer is search.options.gain"
        )
    if options.gain != 1.0 and pool.encoding != DIRECT:
        raise ConfigError(
            f"search.options.gain={options.gain:g}: must be 1 with genome.encoding={pool.encoding!r}, in which no gene "
            "is a weight of the policy's layer alone; leave it out"
        )
    search, brain = config.search, conditions.brain
    numbers = search.population * search.lives * (lifetime - options.age) * (brain.told + brain.actions)
    if numbers > _MOST_NUMBERS:
        raise ConfigError(
            f"search.population={search.population}: makes lessons of {numbers:,} numbers a generation with "
            f"search.lives and search.selection_lifetime: must be at most {_MOST_NUMBERS:,}; make one of them smaller, "
            "and search.generations larger"
        )
    if isinstance(options.teacher, TeacherPart):
        newborn_of(pool, options.teacher)


def lesson_lives(setup: Setup, pupil: FloatArray, keys: Keys, number: int) -> LessonLives:
    """The lives of one batch of lessons.

    Args:
        setup: its search clones.
        pupil: float32 [G], in gene units.
        keys: of the lives.
        number: of the genome in its generation, for errors.
    """
    from evolearn.search import LessonLives  # PyTorch takes long to import; most commands never search

    options = setup.options
    assert isinstance(options, CloneOptions), "another search has no teacher"
    teacher = newborn_of(setup.pool, options.teacher) if isinstance(options.teacher, TeacherPart) else None
    asks = options.lessons == "ask"
    return LessonLives(setup.pool, pupil, teacher, number, keys, setup.selection, options.age, asks)


def check_given_weights(config: RunConfig, tensors: Mapping[str, int]) -> None:
    """Refuse weights at the start of evolution that the brain has no place for.

    Args:
        config: of the run.
        tensors: numbers in each tensor of its brain.
    Raises:
        ConfigError: names the field.
    """
    given = config.brain.weights
    if not given:
        return
    if config.genome.encoding != "direct":
        raise ConfigError(
            f"brain.weights: must be left out with genome.encoding={config.genome.encoding!r}, whose genes are a code "
            "and no weights; set genome.encoding=direct"
        )
    if config.genome.weights.mode == FRESH:
        raise ConfigError(
            "brain.weights: must be left out with genome.weights.mode='fresh', which draws them in each life; set "
            "genome.weights.mode=evolved, or fixed"
        )
    for name, numbers in given.items():
        if name not in tensors:
            raise ConfigError(f"brain.weights: {name!r} is unknown: this brain has {', '.join(tensors)}")
        if isinstance(numbers, tuple) and len(numbers) != tensors[name]:
            raise ConfigError(
                f"brain.weights.{name}: has {len(numbers):,} numbers, must have one, or {tensors[name]:,}"
            )

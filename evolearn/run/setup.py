"""From a config to what a run is made of, checking it against the world and the algorithm that it names."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evolearn.agent import (
    DRIVE,
    GROWN,
    GROWN_WEIGHT,
    INITIAL_VALUE,
    LARGEST,
    LEARNER,
    LEARNERS,
    MEAN,
    NO_PREDICTION,
    NONE,
    OF_CHOICES,
    OF_NUMBERS,
    OPTIMISERS,
    POLICY,
    TRUNK,
    BrainSpec,
    Learner,
    LearnerSettings,
    find_drive,
    find_learner,
    find_policy,
    find_trunk,
)
from evolearn.config import OF_GYMNASIUM, ConfigError, DrivesPart, LearnerPart, RunConfig, WorldPart
from evolearn.errors import SettingRefused, WorldNotFound
from evolearn.genome import (
    ENCODING,
    FIXED,
    GROUPS,
    FloatArray,
    GenePool,
    decode,
    draw_fresh,
    find_encoding,
    from_z,
    gene_pool,
)
from evolearn.life import Conditions, Driver, Drivers, Plan, rehearse
from evolearn.plugins import Part, absolute, named_by_user, short
from evolearn.rng import SELECTION, life_keys
from evolearn.run._brain_checks import (
    check_choices,
    check_known,
    check_memory_and_start,
    check_teachable,
    found,
)
from evolearn.run._cloning import check_given_weights, check_teacher, with_teacher
from evolearn.run._foresight import check_foresight, remarks_on_foresight
from evolearn.run._growth import check_growth, grows, growth_at_start
from evolearn.run._innate_value import check_value, learned_heads, remarks_on_value, value_spec
from evolearn.run._memory import check_brain_size, check_memory
from evolearn.run._rivals import DriverOfBoth, check_opponent, check_opponents_world, opponent_config
from evolearn.run._setup_checks import check_code, check_encoding, check_training, learning_ends, lineage_of
from evolearn.run.teacher import held_genes, remarks_on_teacher, settled_teacher, settled_teacher_keys, teacher_of
from evolearn.search import Options, check_search, lives_per_generation
from evolearn.world import GYMNASIUM, Declaration, World, find_world, settled as settled_world


@dataclasses.dataclass(frozen=True)
class Setup:
    """Everything that a run needs, checked and ready."""

    config: RunConfig
    conditions: Conditions
    pool: GenePool
    selection: Plan
    options: Options  # of the search
    space: int = SELECTION  # key space of the lives that evolution selects on
    opponent: Setup | None = None  # of the world's opponent, as it lives alone; None: the world scripts its part

    @property
    def opponents(self) -> tuple[Setup, ...]:
        """Of every population of opponents; they differ in their seed."""
        part, own = self.config.opponent, self.opponent
        if part is None or own is None:
            return ()
        return tuple(
            dataclasses.replace(own, config=opponent_config(self.config, number)) for number in range(part.populations)
        )

    def driver(self, drivers: Drivers) -> Driver:
        """The one of `drivers` that lives are lived with under the setup's conditions, in pairs too if there are."""
        alone = drivers.of(self.conditions, self.config.hang_seconds)
        if self.opponent is None:
            return alone
        pairs = dataclasses.replace(self.conditions, opponent=self.opponent.conditions)
        return DriverOfBoth(alone, drivers.of(pairs, self.config.hang_seconds))


def make_ready(setup: Setup, drivers: Drivers) -> None:
    """Have refused, before anything is on disk, what does not compile, or keeps something from life to life.

    Raises:
        PartError, WorldError: a part does not compile.
        KeepsState: an environment keeps something from life to life.
    """
    driver = setup.driver(drivers)
    keys = life_keys(setup.config.seed, setup.space, 0, 1)
    newborns = decode(setup.pool, setup.pool.centre[np.newaxis])
    newborns, born_as = draw_fresh(setup.pool, newborns, np.zeros(1, np.int64), keys)
    rehearse(driver, newborns, born_as, keys, setup.selection)


def assemble(config: RunConfig, users_world: bool = False) -> Setup:
    """Put together what `config` describes.

    Args:
        config: of a run.
        users_world: its world is named by the user's own call, also where a directory names all else.
    Raises:
        ConfigError: the config does not fit the world, the learner or the algorithm.
    """
    with named_by_user() if users_world else contextlib.nullcontext():
        world = _world_of(config.world, config.hang_seconds)
    try:
        parameters = world.resolve(config.world.parameters)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    found("brain.trunk", config.brain.trunk, find_trunk)
    found("learner.name", config.learner.name, find_learner)
    check_encoding(config)
    found("genome.encoding", config.genome.encoding, find_encoding)
    check_code(config)
    for name in config.drives.generic:
        found("drives.generic", name, find_drive)
    check_choices(config)
    brain = BrainSpec(
        trunk=config.brain.trunk,
        observations=len(world.observations),
        hidden=config.brain.hidden,
        actions=world.action_outputs,
        policy=_policy(config, world),
        inputs=config.brain.inputs,
        memory=config.brain.memory,
        readout=config.brain.readout,
        **first_values(config.learner),
        prediction=_prediction(config, world),
        auxiliary=config.learner.auxiliary,
        growth=grows(config),
    )
    check_teachable(config, brain)
    check_memory_and_start(config, brain)
    learner = config.learner
    conditions = Conditions(
        world=world,
        parameters=parameters,
        brain=brain,
        learner=config.learner.name,
        settings=LearnerSettings(
            learner.epochs,
            learner.clip,
            learner.gradient_norm,
            learner.first_decay,
            learner.second_decay,
            learner.epsilon,
            OPTIMISERS[learner.optimiser],
        ),
        window=learner.window,
        generic_drives=config.drives.generic,
        switch_at=config.world.switch_at,
        reset_from={"none": None, "heads": brain.heads_from, "brain": 0}[learner.reset],
        imagined=learner.imagined,
        repeated=learner.repeated,
        remembered=learner.remembered,
        value=value_spec(config, brain.observations),
        teacher=teacher_of(config, world, brain),
        lineage=lineage_of(config),
        grown_life=config.search.selection_lifetime if config.growth else 0,
        found_as=config.world.full_name,
        centrings=_centrings(config.drives),
    )
    _check_births(config, world)
    for name in map(short, config.drives.generic):
        if conditions.drive_names.count(name) > 1:
            raise ConfigError(
                f"drives.generic: {name!r} is named twice, or is a sense of world {world.name} already; leave it out"
            )
    check_known("drives.weights", config.drives.weights, conditions.drive_names)
    _check_evolved_drives(config, conditions)
    _check_teacher(config)
    check_value(config, world, brain)
    check_foresight(config, brain)
    check_training(config)
    check_growth(config)
    config = with_teacher(config, conditions)
    pool = pool_of(config, brain, conditions.drive_names)
    search = config.search
    options = check_search(
        search.algorithm, search.options, search.population, pool.size, search.sampling, search.restart
    )
    check_teacher(config, options, conditions, pool)
    selection = Plan(search.selection_lifetime, learner.learn_from, learning_ends(config, options))
    setup = Setup(config, conditions, pool, selection, options)
    return (
        setup
        if config.opponent is None
        else dataclasses.replace(setup, opponent=_opponent_of(config, world, users_world))
    )


def _opponent_of(config: RunConfig, world: Declaration, users_world: bool) -> Setup:
    """The setup of a run's opponent, as it lives alone; its errors say whose they are."""
    check_opponent(config, world)
    try:
        setup = assemble(opponent_config(config), users_world)
    except ConfigError as error:
        raise ConfigError(f"of the opponent, whose fields begin with opponent.: {error}") from error
    check_opponents_world(config, world, setup.conditions.world)
    return setup


def first_values(learner: LearnerPart) -> dict[str, Any]:
    """Fields of a `BrainSpec`: where action values start, and whether evolution moves that."""
    named = learner.plasticity.get(INITIAL_VALUE)
    return {
        "first_value": named if isinstance(named, int | float) else learner.first_value,
        "first_value_is_a_gene": named is not None,
    }


def settled(config: RunConfig) -> RunConfig:
    """The same config, holding in any folder: the paths of files of worlds and parts are made absolute."""
    brain = config.brain.model_copy(update={"trunk": absolute(config.brain.trunk)})
    learner = config.learner.model_copy(update={"name": absolute(config.learner.name)})
    drives = config.drives.model_copy(update={"generic": tuple(map(absolute, config.drives.generic))})
    genome = config.genome.model_copy(update={"encoding": absolute(config.genome.encoding)})
    teacher = None if config.teacher is None else settled_teacher(config.teacher)
    named = {"brain": brain, "learner": learner, "drives": drives, "genome": genome}
    parts: dict[str, Any] = {**named, "teacher": teacher}
    if config.opponent is not None:
        other = settled(opponent_config(config))
        theirs = {name: getattr(other, name) for name in named}
        parts["opponent"] = config.opponent.model_copy(update={"world": other.world.name, **theirs})
    return config.model_copy(update={"world": settled_world(config.world), **parts})


_NAMING = ("brain.trunk", "learner.name", "drives.generic", "genome.encoding")


def settled_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The same of dotted keys that set some of a run's fields: paths of files of parts are made absolute."""

    def held(value: Any) -> Any:
        if isinstance(value, str):
            return absolute(value)
        return [held(one) for one in value] if isinstance(value, list | tuple) else value

    return settled_teacher_keys({key: held(value) if key in _NAMING else value for key, value in keys.items()})


def names_parts(keys: Mapping[str, Any]) -> bool:
    """Whether dotted keys that set some of a run's fields may name parts of its agent."""
    return any(naming.partition(".")[0] == key.partition(".")[0] for naming in _NAMING for key in keys)


def parts_of(config: RunConfig) -> tuple[Part, ...]:
    """The parts of a run's agent that somebody else brings, by names that hold in any folder.

    Raises:
        ConfigError: the learner, which says what policies there may be, is not found.
    """
    config = settled(config)
    learner = found("learner.name", config.learner.name, find_learner)
    named = [
        Part(TRUNK, config.brain.trunk),
        Part(LEARNER, config.learner.name),
        Part(ENCODING, config.genome.encoding),
        *(Part(DRIVE, name) for name in config.drives.generic),
        *(Part(POLICY, absolute(name)) for name in learner.policies.values()),
    ]
    others = () if config.opponent is None else parts_of(opponent_config(config))
    return (*(part for part in named if part.name not in part.kind.box), *others)


def pool_of(config: RunConfig, brain: BrainSpec, drive_names: Sequence[str]) -> GenePool:
    """The gene table of a run; needs no world beyond what its brain and its drives say.

    Args:
        config: of the run.
        brain: what the brain is made of; `check_teachable` has nothing against it.
        drive_names: see `Conditions.drive_names`.
    Raises:
        ConfigError: the brain has too many weights, or no place for those that are given.
    """
    check_brain_size(config, brain)
    check_given_weights(config, {tensor.name: tensor.size for tensor in brain.tensors})
    return gene_pool(
        brain=brain,
        encoding=config.genome.encoding,
        learner=config.learner.name,
        drive_names=drive_names,
        modes={group: getattr(config.genome, group).mode for group in GROUPS},
        drive_centres=config.drives.weights,
        drive_transform=config.drives.transform,
        evolved_drives=config.drives.evolved,
        plasticity_centres=growth_at_start(config, brain) | config.learner.plasticity,
        spreads={group: getattr(config.genome, group).spread for group in GROUPS},
        seed=config.seed,
        value=value_spec(config, brain.observations),
        weight_centres=config.brain.weights,
        learned=learned_heads(config),
        held_plasticity=(*held_genes(config), GROWN),
        plasticity_spreads={GROWN_WEIGHT: config.genome.weights.spread},
        code=config.genome.code,
    )


def _world_of(part: WorldPart, hang_seconds: float) -> Declaration:
    """The world that a config names, in the settings that it gives."""
    if not part.name.startswith(GYMNASIUM):
        for field in OF_GYMNASIUM:
            if field != "check" and getattr(part, field) != WorldPart.model_fields[field].default:
                raise ConfigError(
                    f"world.{field}: is for Gymnasium environments, and world {part.name!r} is none; leave it out, and "
                    "set what the world offers in world.parameters"
                )
    try:
        return find_world(part.full_name, hang_seconds)
    except WorldNotFound as error:
        raise ConfigError(f"world.name={part.name!r}: {error}") from error
    except ValueError as error:  # a setting that cannot be written down, or that the environment does not take
        raise ConfigError(str(error)) from error


def remarks_on(setup: Setup) -> tuple[str, ...]:
    """What a user should know of a setup's world before it is lived in: a Gymnasium environment is checked here.

    Raises:
        ConfigError: the environment breaks Gymnasium's contract, or the run needs more memory than there is.
    """
    check_memory(setup)
    name = setup.config.world.name
    remarks = (
        *_remarks_on_set(setup.config),
        *remarks_on_value(setup.config, setup.conditions, setup.pool),
        *remarks_on_foresight(setup.config),
        *remarks_on_teacher(setup.config),
    )
    if not name.startswith(GYMNASIUM):
        return remarks
    if not setup.config.world.check:
        return (
            *remarks,
            f"world {name}: world.check=false: nobody asked whether its environment keeps anything from life to life; "
            "if it does, results hold for one number of workers alone",
        )
    from evolearn.world import GymnasiumWorld, check_environment

    world = setup.conditions.world
    assert isinstance(world, GymnasiumWorld)
    try:
        return (*remarks, *check_environment(world, setup.config.hang_seconds))
    except SettingRefused as error:
        raise ConfigError(str(error)) from error


def _remarks_on_set(config: RunConfig) -> tuple[str, ...]:
    size, search = config.world.set, config.search
    shown = search.generations * lives_per_generation(search)
    if size is None or size <= shown:
        return ()
    return (
        f"world.set={size}: evolution lives no more than {shown} births with search.generations={search.generations} "
        f"and {lives_per_generation(search)} lives in each, so that some of the set are never seen; make it at most "
        f"{shown}, or raise search.generations or search.lives",
    )


def _check_births(config: RunConfig, world: Declaration) -> None:
    """Refuse births that cannot be told apart: of an environment nothing is drawn at birth but what it varies."""
    if isinstance(world, World) or config.world.vary:
        return
    for field, value in (("set", config.world.set), ("switch_at", config.world.switch_at)):
        if value is not None:
            raise ConfigError(
                f"world.{field}={value}: world {config.world.name} draws nothing at birth that holds for a life; say "
                f"in world.vary what is to be drawn, or leave world.{field} out"
            )


def _policy(config: RunConfig, world: Declaration) -> str:
    """The policy by which the learner teaches the kind of actions that the world takes."""
    kind = "discrete" if world.is_discrete else "box"

    def teaches(row: Learner) -> bool:
        return kind in row.policies and world.action_outputs <= (row.most_actions or world.action_outputs)

    learner = find_learner(config.learner.name)
    if teaches(learner):
        policy = absolute(learner.policies[kind])
        found(f"learner.name={config.learner.name!r}: policies[{kind!r}]", policy, find_policy)
        return policy
    which = f"Discrete({world.action_outputs})" if world.is_discrete else f"Box({world.action_size})"
    fitting = ", ".join(name for name, row in LEARNERS.items() if teaches(row))
    raise ConfigError(
        f"learner.name={config.learner.name!r}: cannot teach the actions of world {world.name}, {which}; must be one "
        f"of: {fitting}"
    )


def _prediction(config: RunConfig, world: Declaration) -> str:
    """What the brain's prediction head takes the world's actions for."""
    if not config.brain.prediction:
        return NO_PREDICTION
    return OF_CHOICES if world.is_discrete else OF_NUMBERS


def _centrings(drives: DrivesPart) -> tuple[str, ...]:
    """How each generic drive is centred."""
    rows = {short(name): find_drive(name) for name in drives.generic}
    named = drives.centred if isinstance(drives.centred, dict) else {}
    check_known("drives.centred", named, rows)
    usual = MEAN if isinstance(drives.centred, dict) else drives.centred
    asked = {name: named.get(name, usual if row.explores else NONE) for name, row in rows.items()}
    for name, row in rows.items():
        field = f"drives.centred.{name}={asked[name]}" if name in named else f"drives.centred={asked[name]}"
        if not row.explores and asked[name] != NONE:
            raise ConfigError(
                f"{field}: must be none, since {name!r} is no drive that explores: what it is below 0, or a cost for, "
                "would be lost; leave it out, or give the row of a drive of your own explores=True"
            )
        if asked[name] == LARGEST and row.largest is None:
            able = ", ".join(
                f"{other}: {MEAN if other == name else asked[other]}" for other in asked if rows[other].explores
            )
            raise ConfigError(
                f"{field}: must be mean or none with the drive {name!r}, which has no largest value; set "
                f"drives.centred={{{able}}}, or give the row of a drive of your own its `largest`"
            )
    return tuple(asked[short(name)] for name in drives.generic)


def _check_evolved_drives(config: RunConfig, conditions: Conditions) -> None:
    evolved = config.drives.evolved
    if evolved is None:
        return
    check_known("drives.evolved", evolved, conditions.drive_names)
    if config.genome.drives.mode == FIXED:
        raise ConfigError(
            f"drives.evolved={list(evolved)}: no drive weight is a gene with genome.drives.mode='fixed'; leave "
            "drives.evolved out, or set genome.drives.mode=evolved"
        )


def _check_teacher(config: RunConfig) -> None:
    if not find_learner(config.learner.name).taught:
        return
    drives, mode = config.drives, config.genome.drives.mode
    learner = f"with learner.name={config.learner.name!r}, which takes the reward for its teacher's signal"
    fitness = drives.weights.get("fitness", 0.0)
    if fitness:
        raise ConfigError(
            f"drives.weights.fitness={fitness:g}: must be 0 {learner}; weigh the sense that teaches, for example "
            "drives.weights={target: 1}"
        )
    if not any(drives.weights.values()):
        raise ConfigError(
            f"drives.weights={dict(drives.weights)}: must weigh a sense {learner}; for example "
            "drives.weights={target: 1}"
        )
    if mode != FIXED and (drives.evolved is None or "fitness" in drives.evolved):
        raise ConfigError(
            f"genome.drives.mode={mode!r}: the drive fitness must not be a gene {learner}; set "
            "genome.drives.mode=fixed, or name the teachers that may differ in drives.evolved"
        )


def to_genomes(setup: Setup, z: FloatArray) -> FloatArray:
    """Genomes [.., G] in gene units from z: gene = centre + spread z."""
    return from_z(setup.pool, z)


def to_spread(setup: Setup, stdev: FloatArray) -> FloatArray:
    """Standard deviation [G] in gene units from that in z."""
    with np.errstate(over="ignore", invalid="ignore"):
        return setup.pool.spread * stdev

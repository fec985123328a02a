"""Whether a config's brain and learner are known, and fit each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from evolearn.agent import (
    FOR_LIFE,
    INITIAL_VALUE,
    LEARNERS,
    PLAIN,
    TRUNKS,
    BrainSpec,
    LearnerSettings,
    find_learner,
    find_policy,
    find_trunk,
    trunk_of,
)
from evolearn.config import ConfigError, LearnerPart, RunConfig
from evolearn.errors import NotFound, offer
from evolearn.genome import TRANSFORMS, encoded

Row = TypeVar("Row")


def check_choices(config: RunConfig) -> None:
    """Refuse layers that the trunk has not, and settings that the learner would not heed.

    Raises:
        ConfigError: see there.
    """
    _check_layers(config)
    _check_settings(config)


def check_teachable(config: RunConfig, brain: BrainSpec) -> None:
    """Refuse a readout that the trunk has not, a brain that its learner cannot teach, and values that fit no gene.

    Raises:
        ConfigError: see there.
    """
    _check_readout(config)
    _check_rules(config, brain)
    _check_plasticity(config, brain)


def check_memory_and_start(config: RunConfig, brain: BrainSpec) -> None:
    """Refuse memory that carries nothing or is not learned through, and first values of what has none.

    Raises:
        ConfigError: see there.
    """
    _check_memory(config, brain)
    _check_memory_learner(config, brain)
    _check_first_value(config, brain)


def check_known(field: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse what a field names and nobody knows."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ConfigError(f"{field}: {name!r} is unknown.{offer(name, known)}")


def found(field: str, name: str, find: Callable[[str, str], Row]) -> Row:
    """What a field names; refused by that field if there is no such thing."""
    try:
        return find(name, f"{field}: {name!r}")
    except NotFound as error:
        raise ConfigError(str(error)) from error


def _check_layers(config: RunConfig) -> None:
    trunk, hidden = config.brain.trunk, config.brain.hidden
    has_hidden = find_trunk(trunk).has_hidden
    if has_hidden == bool(hidden):
        return
    others = " or ".join(name for name, row in TRUNKS.items() if row.has_hidden != has_hidden)
    if hidden:
        raise ConfigError(
            f"brain.hidden={list(hidden)}: must be [] with brain.trunk={trunk!r}, which has no hidden layers; set "
            f"brain.hidden=[], or brain.trunk={others}"
        )
    raise ConfigError(
        f"brain.hidden=[]: must have at least 1 entry with brain.trunk={trunk!r}; name units per layer, for "
        f"example [24], or set brain.trunk={others}"
    )


def _check_settings(config: RunConfig) -> None:
    """Refuse settings that the learner would not heed."""
    heeded = find_learner(config.learner.name).settings
    if config.learner.auxiliary:
        heeded |= {"gradient_norm"}
    for name in LearnerSettings._fields:
        value, default = getattr(config.learner, name), LearnerPart.model_fields[name].default
        if name not in heeded and value != default:
            raise ConfigError(
                f"learner.{name}={value}: learner {config.learner.name} does not use it; leave it out, or {default}"
            )


def _check_readout(config: RunConfig) -> None:
    trunk, readout = config.brain.trunk, config.brain.readout
    if readout == PLAIN or find_trunk(trunk).product is not None:
        return
    able = " or ".join(repr(name) for name, row in TRUNKS.items() if row.product is not None)
    remedy = f", or brain.trunk={able}" if able else ""
    raise ConfigError(
        f"brain.readout={readout!r}: must be {PLAIN!r} with brain.trunk={trunk!r}, which has no readout by product; "
        f"set brain.readout={PLAIN}{remedy}"
    )


def _check_rules(config: RunConfig, brain: BrainSpec) -> None:
    name = config.learner.name
    try:
        find_learner(name).genes(brain)
    except ValueError as error:
        raise ConfigError(
            f"learner.name={name!r}: cannot teach this brain: {error}; or choose another learner.name"
        ) from error


def _check_plasticity(config: RunConfig, brain: BrainSpec) -> None:
    genes = {gene.name: gene for gene in find_learner(config.learner.name).genes(brain)}
    check_known("learner.plasticity", config.learner.plasticity, genes)
    for name, given in config.learner.plasticity.items():
        gene, several = genes[name], isinstance(given, tuple)
        values = given if isinstance(given, tuple) else (given,)
        if several and (not gene.shape or len(values) != gene.size):
            must = f"one, or {gene.size:,}, one for each connection" if gene.shape else "one"
            raise ConfigError(f"learner.plasticity.{name}: has {len(values):,} numbers, must have {must}")
        for place, value in enumerate(values):
            try:
                encoded(gene.transform, value)
            except (ValueError, ArithmeticError) as error:
                which = f"{name}[{place}]" if several else name
                raise ConfigError(
                    f"learner.plasticity.{which}={value:g}: must fit its gene, {TRANSFORMS[gene.transform].doc}"
                ) from error


def _check_memory(config: RunConfig, brain: BrainSpec) -> None:
    if brain.memory == FOR_LIFE and not brain.remembers:
        raise ConfigError(
            f"brain.memory={brain.memory!r}: must be 'episode' with brain.trunk={brain.trunk!r}, which carries nothing "
            f"from step to step, and brain.inputs={list(brain.inputs)}, which tell nothing of the step before; leave "
            "brain.memory out, choose a recurrent trunk, or add last_action and last_reward to brain.inputs"
        )


def _check_memory_learner(config: RunConfig, brain: BrainSpec) -> None:
    learner = config.learner
    if trunk_of(brain).carry(brain.layers) == 0 or find_learner(learner.name).recurrent or learner.learn_until == 0:
        return
    able = " or ".join(repr(name) for name, row in LEARNERS.items() if row.recurrent)
    own = "" if learner.name in LEARNERS else ", or give its row recurrent=True once it learns through a window"
    raise ConfigError(
        f"learner.name={learner.name!r}: must be {able} with brain.trunk={brain.trunk!r}, which carries a state from "
        "step to step: it would learn from each step as if nothing had been before; set one of these, or "
        f"learner.learn_until=0 for weights that never change{own}"
    )


def _check_first_value(config: RunConfig, brain: BrainSpec) -> None:
    if config.learner.first_value and find_policy(brain.policy).curve != "action value":
        raise ConfigError(
            f"learner.first_value={config.learner.first_value:g}: must be 0 with policy {brain.policy!r} of "
            f"learner.name={config.learner.name!r}, whose outputs are no values of actions; leave it out, or set "
            "learner.name=q_learning"
        )
    if config.learner.first_value and brain.first_value_is_a_gene:
        raise ConfigError(
            f"learner.first_value={config.learner.first_value:g}: must be 0 with learner.plasticity.{INITIAL_VALUE}, "
            "which says where action values start and is a gene; leave one of the two out"
        )

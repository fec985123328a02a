"""What learned weights and a gradient through learning need of a config: refused early; when learning ends."""

from __future__ import annotations

from evolearn.agent import LEARNERS, TRUNKS, find_learner, find_trunk
from evolearn.config import CodePart, ConfigError, RunConfig
from evolearn.genome import DIRECT, ENCODINGS, EVOLVED, find_encoding
from evolearn.life import Lineage
from evolearn.run._cloning import check_clone
from evolearn.run.teacher import PARENT
from evolearn.search import ALGORITHMS, MAMLOptions, Options

_MAML = "search.algorithm='maml'"


def check_encoding(config: RunConfig) -> None:
    """Refuse to leave heads out of genes of which nobody knows what they make.

    Raises:
        ConfigError: names the field, and what to set.
    """
    genome = config.genome
    for field in ("prediction", "critic"):
        if getattr(genome, field) == "learned" and genome.encoding not in ENCODINGS:
            raise ConfigError(
                f"genome.{field}='learned': must be 'inherited' with genome.encoding={genome.encoding!r}: "
                "only of direct genes and of the codes in the box is known which are the head's; leave one of the two "
                "out"
            )


def check_code(config: RunConfig) -> None:
    """Refuse settings that the encoding would not heed.

    Raises:
        ConfigError: names the field.
    """
    genome = config.genome
    for name, field in CodePart.model_fields.items():
        value = getattr(genome.code, name)
        if value != field.default and name not in find_encoding(genome.encoding).settings:
            able = " or ".join(other for other, row in ENCODINGS.items() if name in row.settings)
            raise ConfigError(
                f"genome.code.{name}={value}: genome.encoding={genome.encoding!r} does not use it; leave it out, or "
                f"set genome.encoding={able}"
            )


def check_training(config: RunConfig) -> None:
    """Refuse what cannot train weights, or write learned ones into a genome, where that is asked for.

    Raises:
        ConfigError: names the field, and what to set.
    """
    genome, algorithm = config.genome, config.search.algorithm
    if algorithm in ALGORITHMS and ALGORITHMS[algorithm].trains_weights:
        asking = f"search.algorithm={algorithm!r}"
        _needs_weights_as_genes(config, asking)
        if algorithm != "clone":
            _needs_learning(config, asking)
        for group in ("drives", "plasticity", *(["value"] if config.value else [])):
            mode = getattr(genome, group).mode
            if mode == EVOLVED:
                raise ConfigError(
                    f"genome.{group}.mode={mode!r}: must be 'fixed' or 'fresh' with {asking}, which "
                    f"trains weights only; set genome.{group}.mode=fixed"
                )
    if algorithm == "maml":
        _needs_gradient_through_learning(config)
    if algorithm == "clone":
        check_clone(config)
    if genome.inheritance == "lamarckian":
        _needs_weights_as_genes(config, "genome.inheritance='lamarckian'")
        _needs_learning(config, "genome.inheritance='lamarckian'")
        if algorithm != "genetic":
            raise ConfigError(
                f"genome.inheritance='lamarckian': must be 'darwinian' with search.algorithm={algorithm!r}, which "
                "breeds from a centre and not from genomes; set search.algorithm=genetic, or "
                "genome.inheritance=darwinian"
            )


def lineage_of(config: RunConfig) -> Lineage | None:
    """How the lives of a run follow one another; None: each is by itself.

    Raises:
        ConfigError: what its search does with learned weights leaves none for a lineage.
    """
    part = config.lineage
    if part is None:
        return None
    algorithm = config.search.algorithm
    given = f"lineage.generations={part.generations}"
    if algorithm in ALGORITHMS and ALGORITHMS[algorithm].trains_weights:
        raise ConfigError(
            f"{given}: must be left out with search.algorithm={algorithm!r}, which trains the weights of lives by "
            "themselves; set search.algorithm=pgpe, or leave the section lineage out"
        )
    if config.genome.inheritance != "darwinian":
        raise ConfigError(
            f"{given}: must be left out with genome.inheritance={config.genome.inheritance!r}: what is learned stays "
            "in a lineage, or goes into the genome; leave one of the two out"
        )
    is_taught = config.teacher is not None and config.teacher.source == PARENT
    if part.elders > 1 and not is_taught:
        raise ConfigError(
            f"lineage.elders={part.elders}: several elders teach by turns, and nobody is taught by one here; set "
            "teacher.source=parent, or leave lineage.elders out"
        )
    return Lineage(part.generations, part.siblings, part.elder, part.inherit, part.kept, part.elders, part.world)


def learning_ends(config: RunConfig, options: Options) -> int | None:
    """Age in steps at which selection lives stop learning; None: never.

    With MAML after its inner updates, since what comes then is judged.

    Args:
        config: of the run, checked by `check_training`.
        options: of its search.
    Raises:
        ConfigError: selection lives, or their learning, are too short for the updates of `options`.
    """
    learner, lifetime = config.learner, config.search.selection_lifetime
    if not isinstance(options, MAMLOptions):
        return learner.learn_until
    ends = learner.learn_from + options.inner_updates * learner.window
    why = (
        f"{options.inner_updates} update(s) of search.options.inner_updates, of learner.window={learner.window} steps "
        f"each from age learner.learn_from={learner.learn_from}"
    )
    if lifetime <= ends:
        raise ConfigError(
            f"search.selection_lifetime={lifetime}: must be more than {ends} with {_MAML}: what a life does after "
            f"{why} is judged; live longer, or make the window or the number of updates smaller"
        )
    if learner.learn_until is not None and learner.learn_until < ends:
        raise ConfigError(
            f"learner.learn_until={learner.learn_until}: must be at least {ends}, or null, with {_MAML}: it takes "
            f"{why}; leave learner.learn_until out, or make the window or the number of updates smaller"
        )
    return ends


def _needs_weights_as_genes(config: RunConfig, asking: str) -> None:
    genome = config.genome
    if genome.weights.mode != EVOLVED:
        raise ConfigError(
            f"genome.weights.mode={genome.weights.mode!r}: must be 'evolved' with {asking}, which changes weights that "
            "are genes; set genome.weights.mode=evolved"
        )
    if genome.encoding != DIRECT:
        if config.search.algorithm == "clone":
            _needs_torch_weights(genome.encoding)
            return
        raise ConfigError(
            f"genome.encoding={genome.encoding!r}: must be 'direct' with {asking}: only there is a weight a gene; set "
            "genome.encoding=direct"
        )
    for head in ("prediction", "critic"):
        if getattr(genome, head) != "inherited":
            raise ConfigError(
                f"genome.{head}={getattr(genome, head)!r}: must be 'inherited' with {asking}, for which every weight "
                f"is a gene; leave genome.{head} out"
            )


def _needs_torch_weights(encoding: str) -> None:
    if find_encoding(encoding).torch_weights is None:
        able = " or ".join(repr(name) for name, row in ENCODINGS.items() if row.torch_weights is not None)
        raise ConfigError(
            f"genome.encoding={encoding!r}: its row has no torch_weights, and search.algorithm='clone' fits its genes "
            f"in torch; give it one, or set genome.encoding={able}"
        )


def _needs_learning(config: RunConfig, asking: str) -> None:
    if config.learner.learn_until == 0:
        raise ConfigError(
            f"learner.learn_until=0: must be at least 1, or null, with {asking}: nothing would be learned; leave "
            "learner.learn_until out"
        )


def _needs_gradient_through_learning(config: RunConfig) -> None:
    learner = config.learner
    if config.value is not None:
        raise ConfigError(
            f"value.uses={list(config.value.uses)}: must be left out with {_MAML}, whose gradient through learning "
            "knows of drives alone; leave value out, or set search.algorithm=reptile"
        )
    if find_learner(learner.name).torch_loss is None:
        able = " or ".join(repr(name) for name, row in LEARNERS.items() if row.torch_loss is not None)
        own = "" if learner.name in LEARNERS else ", or give its row a torch_loss"
        raise ConfigError(
            f"learner.name={learner.name!r}: must be {able} with {_MAML}, which takes "
            f"the gradient through its update; set one of these, or search.algorithm=reptile{own}"
        )
    trunk = find_trunk(config.brain.trunk)
    if trunk.has_hidden and trunk.torch_module is None:
        able = " or ".join(repr(name) for name, row in TRUNKS.items() if row.torch_module is not None)
        raise ConfigError(
            f"brain.trunk={config.brain.trunk!r}: its row has no torch_module, and {_MAML} takes the gradient through "
            f"the brain in torch; give it one, set {able}, or search.algorithm=reptile"
        )
    if len(config.brain.inputs) > 1:
        raise ConfigError(
            f"brain.inputs={list(config.brain.inputs)}: must be ['observation'] with {_MAML}, which takes the gradient "
            "through what the world showed alone; leave brain.inputs out, or set search.algorithm=reptile"
        )
    if learner.optimiser != "sgd":
        raise ConfigError(
            f"learner.optimiser={learner.optimiser!r}: must be 'sgd' with {_MAML}: its inner update is a step along "
            "the gradient; set learner.optimiser=sgd, or search.algorithm=reptile"
        )
    if learner.reset != "none":
        raise ConfigError(
            f"learner.reset={learner.reset!r}: must be 'none' with {_MAML}, whose inner update is all that changes "
            "weights; leave learner.reset out, or set search.algorithm=reptile"
        )
    if learner.epochs != 1:
        raise ConfigError(
            f"learner.epochs={learner.epochs}: must be 1 with {_MAML}: its inner update is one step along the "
            "gradient; set learner.epochs=1 and search.options.inner_updates to the number of steps, or "
            "search.algorithm=reptile"
        )

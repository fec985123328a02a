"""What a prediction head, and what reads it, need of a config: refused early, or remarked upon."""

from __future__ import annotations

from evolearn.agent import DRIVES, LEARNERS, NO_PREDICTION, OBSERVATION, TRUNKS, BrainSpec, find_drive, find_learner
from evolearn.config import ConfigError, RunConfig
from evolearn.plugins import short

_HEAD = "brain.prediction=true"


def check_foresight(config: RunConfig, brain: BrainSpec) -> None:
    """Refuse what would read a head that is not there, or teach by it where that means nothing.

    Args:
        config: of the run.
        brain: what its brain is made of.
    Raises:
        ConfigError: names the field, and what to set.
    """
    has_head = brain.prediction != NO_PREDICTION
    for name in config.drives.generic:
        if find_drive(name).reads_prediction and not has_head:
            others = ", such as linear_surprise, which has a model of its own" if short(name) == "surprise" else ""
            raise ConfigError(
                f"drives.generic: {name!r} reads what the brain's prediction head foresees, and brain.prediction is "
                f"false: set {_HEAD}, or choose another drive{others}"
            )
    _check_auxiliary(config, has_head)
    _check_imagined(config, brain, has_head)
    learner = config.learner
    if learner.repeated:
        _needs_off_policy(config, f"learner.repeated={learner.repeated}")


def remarks_on_foresight(config: RunConfig) -> tuple[str, ...]:
    """What a user should know of a head that nothing reads."""
    learner, value = config.learner, config.value
    acts = value is not None and "acting" in value.uses
    read = any(find_drive(name).reads_prediction for name in config.drives.generic)
    if not config.brain.prediction or learner.auxiliary or learner.imagined or read or acts:
        return ()
    drives = ", ".join(name for name, row in DRIVES.items() if row.reads_prediction)
    return (
        f"{_HEAD}: nothing reads what the head foresees, and learning it takes time; add one of the drives {drives}, "
        "set learner.auxiliary=true or learner.imagined, give an innate value that is used in acting, or leave "
        "brain.prediction out",
    )


def _check_auxiliary(config: RunConfig, has_head: bool) -> None:
    if not config.learner.auxiliary:
        return
    asking = "learner.auxiliary=true"
    if not has_head:
        raise ConfigError(
            f"{asking}: must be false with brain.prediction=false, since there is nothing to predict with; set "
            f"{_HEAD}, or leave learner.auxiliary out"
        )
    if not config.brain.hidden:
        able = " or ".join(repr(name) for name, row in TRUNKS.items() if row.has_hidden)
        raise ConfigError(
            f"{asking}: must be false with brain.trunk={config.brain.trunk!r}, which has no weights that errors could "
            f"change; leave it out, or set brain.trunk to {able}"
        )
    _refuse_maml(config, asking)


def _check_imagined(config: RunConfig, brain: BrainSpec, has_head: bool) -> None:
    learner = config.learner
    if not learner.imagined:
        usual = type(learner).model_fields["remembered"].default
        if learner.remembered != usual:
            raise ConfigError(
                f"learner.remembered={learner.remembered}: is read where steps are imagined, and learner.imagined is "
                f"0; set learner.imagined, or leave learner.remembered out"
            )
        return
    asking = f"learner.imagined={learner.imagined}"
    _needs_off_policy(config, asking)
    if not has_head:
        raise ConfigError(
            f"{asking}: must be 0 with brain.prediction=false, since nothing can be imagined without a head that "
            f"predicts; set {_HEAD}, or leave learner.imagined out"
        )
    if brain.inputs != (OBSERVATION,) or brain.remembers:
        raise ConfigError(
            f"{asking}: must be 0 with brain.trunk={brain.trunk!r} and brain.inputs={list(brain.inputs)}, since an "
            "imagined step holds what the world shows and nothing of what was before; set brain.inputs=[observation] "
            "and a trunk that carries nothing, or leave learner.imagined out"
        )


def _needs_off_policy(config: RunConfig, asking: str) -> None:
    name = config.learner.name
    if find_learner(name).off_policy:
        return
    able = " or ".join(repr(other) for other, row in LEARNERS.items() if row.off_policy)
    own = "" if name in LEARNERS else ", or give its row off_policy=True if that does it no harm"
    raise ConfigError(
        f"{asking}: must be 0 with learner.name={name!r}, which learns from what its policy does now and from nothing "
        f"else; leave it out, or set learner.name={able}{own}"
    )


def _refuse_maml(config: RunConfig, asking: str) -> None:
    if config.search.algorithm == "maml":
        raise ConfigError(
            f"{asking}: must be false with search.algorithm='maml', whose gradient through learning knows the "
            "learner's update alone; leave it out, or set search.algorithm=reptile"
        )

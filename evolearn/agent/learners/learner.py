"""What a learner is: what it is handed, what it may not evolve, and the row by which it is found.

A learner turns one window of a life into one change of the weights. It sees rewards and never fitness. Learners are in
files of their own; `evolearn.agent.learners.table` is their table.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numba import types

from evolearn.agent.brain import BrainSpec
from evolearn.agent.growth import GROWN_RATE, GROWN_WEIGHTS, timetable_names, timetables
from evolearn.agent.learners.optimisers import ADAM
from evolearn.agent.policies.policy import DELTAS_TYPE
from evolearn.agent.prediction import NO_PREDICTION
from evolearn.agent.trunks.trunk import BACKWARD_TYPE, THINK_TYPE, WINDOW_TYPE


class LearnerSettings(NamedTuple):
    """What of the learner does not evolve; each learner uses some of it, see `Learner.settings`."""

    epochs: int  # passes over a window; 1 is the plain actor-critic
    clip: float  # PPO: largest change of a probability ratio from 1; used from the second epoch on
    gradient_norm: float  # longer gradients are shortened to this
    first_decay: float  # Adam's decay of the first moment
    second_decay: float  # Adam's decay of the second moment
    epsilon: float  # Adam's guard against a zero second moment
    optimiser: int = ADAM  # a value of `evolearn.agent.learners.optimisers.OPTIMISERS`


_FLOATS = types.float32[::1]
SETTINGS_TYPE = types.NamedTuple((types.int64, *(types.float64,) * 5, types.int64), LearnerSettings)
LEARN_TYPE = types.boolean(
    types.FunctionType(THINK_TYPE),
    types.FunctionType(BACKWARD_TYPE),
    types.FunctionType(DELTAS_TYPE),
    _FLOATS,
    types.int64[::1],
    _FLOATS,
    SETTINGS_TYPE,
    WINDOW_TYPE,
    _FLOATS,
    types.int64,
)


@dataclasses.dataclass(frozen=True)
class PlasticityGene:
    """One number of the inner learner that evolution may set, or an array of them."""

    name: str
    transform: str  # a name in `evolearn.genome.genes.TRANSFORMS`: how the gene becomes the natural value
    default: float  # natural value of the published defaults
    source: str  # of the default
    shape: tuple[int, ...] = ()  # of many numbers that evolve by themselves; all begin at the default

    @property
    def size(self) -> int:
        """Numbers in the gene."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class Learner:
    """A row of `evolearn.agent.learners.table.LEARNERS`.

    Policies are named and not held, since DNA and the workers of a cluster know them by name. One of your own is named
    as in a config; in the learner's own file ``f"{__file__}:SOFTER"`` holds in any folder.
    """

    learn: Callable[..., bool]  # LEARN_TYPE; False if an update was skipped, for not being finite
    memory: Callable[[BrainSpec, int], int]  # floats of memory for one life with a window of so many steps
    policies: Mapping[str, str]  # kind of action, "discrete" or "box", -> the policy it teaches; others it cannot teach
    settings: frozenset[str]  # fields of LearnerSettings that it uses
    plasticity: tuple[PlasticityGene, ...]  # in the order of the plasticity array, whatever the brain
    most_actions: int | None = None  # dimensions that it can teach; None: any number
    taught: bool = False  # the reward is a teacher's signal: which drive teaches is the task's, in every arm
    value: str | None = None  # what it makes of the value output, for whoever gets the brain; None: it does not use it
    # Whether it can teach a trunk that carries a state: it learns from whole windows, and thinks one again, if at all,
    # by `evolearn.agent.trunks.trunk.think_again`.
    recurrent: bool = False
    # In torch, see `evolearn.agent.torch_losses.loss_of`: a function, or ``module:attribute``, imported when called.
    # None: nothing can take a gradient through its update.
    torch_loss: str | Callable[..., Any] | None = None
    # Whether it may be taught by steps that its policy did not take now, one at a time, as imagined or repeated ones.
    off_policy: bool = False
    imitates: bool = False  # it learns to do what a teacher does, and when it is taught its genes say: `TAUGHT_GENES`
    # Genes that follow those of `plasticity` and depend on the brain: one for each layer, or an array with a number for
    # each weight. Raises ValueError, with what to do, of a brain that the learner cannot teach.
    rules: Callable[[BrainSpec], tuple[PlasticityGene, ...]] | None = None

    def genes(self, brain: BrainSpec) -> tuple[PlasticityGene, ...]:
        """All of its genes for a brain, in the order of the plasticity array.

        Its own come first, then those of a prediction head, then those of growth.

        Raises:
            ValueError: it cannot teach such a brain, or the brain cannot grow; says why, and what to do.
        """
        own = self.plasticity + (() if self.rules is None else self.rules(brain.thinking))
        grown = growth_genes(brain)
        if brain.prediction == NO_PREDICTION:
            return own + grown
        return (*own, PREDICTION_RATE_GENE, *([PREDICTION_WEIGHT_GENE] if brain.auxiliary else []), *grown)


# How far a step of learning goes, and how much of the next step's value counts now: of most learners, each at its own
# default.
LEARNING_RATE, DISCOUNT = "learning_rate", "discount"

# Scales weights that are drawn afresh; a learner without this gene draws them as they are.
INITIAL_SCALE = "initial_scale"
INITIAL_SCALE_GENE = PlasticityGene(INITIAL_SCALE, "log", 1.0, "1: the standard initialisation as it is")
# Where the value of every action starts, of weights that are drawn afresh: the biases of the policy head at birth.
INITIAL_VALUE = "initial_value"
OF_FRESH_WEIGHTS = (INITIAL_SCALE, INITIAL_VALUE)  # no life reads these where weights are inherited

# Of a learner that imitates: the age at which its teacher begins, and for how long it teaches; both in shares of a life
# of so many steps, see `evolearn.life.TeacherSpec`.
TAUGHT_FROM, TAUGHT_SHARE = "taught_from", "taught_share"
TAUGHT_GENES = (
    PlasticityGene(TAUGHT_FROM, "share", 0.0, "no source: from birth on"),
    PlasticityGene(TAUGHT_SHARE, "share", 0.5, "no source: half of a life"),
)

# Of a brain with a prediction head, whatever the learner: how far a step of life corrects what is predicted, and how
# far along the gradient of its errors a window moves the trunk.
PREDICTION_RATE, PREDICTION_WEIGHT = "prediction_rate", "prediction_weight"
PREDICTION_RATE_GENE = PlasticityGene(
    PREDICTION_RATE, "logit", 0.1, "Haykin 2002, section 6.2: normalised steps are stable between 0 and 2"
)
PREDICTION_WEIGHT_GENE = PlasticityGene(
    PREDICTION_WEIGHT, "log", 0.1, "no source: small beside the learner's own steps"
)

# Of a brain that grows, see `evolearn.agent.growth`: whether it does, old weights, onset and width by timetable; and of
# the learning rate how many times as much it comes to, by a timetable of its own.
GROWN, GROWN_WEIGHT, GROWN_ONSET, GROWN_WIDTH = "grown", "grown_weight", "grown_onset", "grown_width"
LATE_RATE, LATE_ONSET, LATE_WIDTH = "late_rate", "late_onset", "late_width"
_ONSET = (0.5, "no source: in the middle of life")
_WIDTH = (0.1, "no source: within half of a life")


def growth_genes(brain: BrainSpec) -> tuple[PlasticityGene, ...]:
    """Genes of what grows in a brain; at their defaults nothing does.

    Raises:
        ValueError: the brain cannot grow; says why, and what to do.
    """
    genes: tuple[PlasticityGene, ...] = ()
    if GROWN_WEIGHTS in brain.growth:
        each = (len(timetable_names(brain)),)
        genes += (
            PlasticityGene(GROWN, "share", 0.0, "0: as young, for life"),
            PlasticityGene(GROWN_WEIGHT, "identity", 0.0, "none: not read", timetables(brain).shape),
            PlasticityGene(GROWN_ONSET, "share", *_ONSET, each),
            PlasticityGene(GROWN_WIDTH, "log", *_WIDTH, each),
        )
    if GROWN_RATE in brain.growth:
        genes += (
            PlasticityGene(LATE_RATE, "log", 1.0, "1: late as early"),
            PlasticityGene(LATE_ONSET, "share", *_ONSET),
            PlasticityGene(LATE_WIDTH, "log", *_WIDTH),
        )
    return genes

"""The brain: a trunk with a policy head, a value head and perhaps a prediction head, on one flat weight vector.

An output row holds the policy's parameters, see `evolearn.agent.policies.policy`, then the value. What it is told
begins with what the world shows; the rest is of the step before, see `INPUTS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from evolearn.agent.policies.table import find_policy
from evolearn.agent.prediction import BESIDE, NO_PREDICTION, prediction_tensors
from evolearn.agent.trunks.heads import head_tensors
from evolearn.agent.trunks.table import find_trunk
from evolearn.agent.trunks.trunk import Layers, Tensor, Trunk

MOST_WEIGHTS = 1 << 25  # of a brain: 128 MB of float32, for each genome of a population

OBSERVATION, LAST_OBSERVATION, LAST_ACTION = "observation", "last_observation", "last_action"
LAST_REWARD, NEW_EPISODE = "last_reward", "new_episode"
# What a brain may be told, and what each is.
INPUTS = {
    OBSERVATION: "what the world shows",
    LAST_OBSERVATION: "what it showed in the step before",
    LAST_ACTION: "what was done then: of choices one 1 among zeros, of a box its numbers",
    LAST_REWARD: "what the newborn felt then: its drives, weighed",
    NEW_EPISODE: "1 in the first step of an episode, else 0",
}
FOR_AN_EPISODE, FOR_LIFE = "episode", "life"  # for how long a brain remembers
PLAIN, PRODUCT = "plain", "product"  # how the heads read a trunk, see `trunk_of`


@dataclasses.dataclass(frozen=True)
class BrainSpec:
    """What a brain is made of; enough to lay out and run its weights."""

    trunk: str  # see `evolearn.agent.trunks.table.find_trunk`
    observations: int  # that the world shows
    hidden: tuple[int, ...]  # units per layer; none with a trunk that has no layers
    actions: int  # choices or dimensions
    policy: str  # see `evolearn.agent.policies.table.find_policy`
    inputs: tuple[str, ...] = (OBSERVATION,)  # of INPUTS: what it is told, in this order, the observation first
    memory: str = FOR_AN_EPISODE  # or FOR_LIFE: after an episode's end it still knows what was before
    readout: str = PLAIN  # or PRODUCT
    first_value: float = 0.0  # of every action at the start, for policies that read action values
    first_value_is_a_gene: bool = False  # and then where evolution starts, see `evolearn.agent.INITIAL_VALUE`
    # NO_PREDICTION; or OF_CHOICES or OF_NUMBERS: it has a head that predicts what an action leads to, and those it is
    # of, see `evolearn.agent.prediction`.
    prediction: str = NO_PREDICTION
    auxiliary: bool = False  # whether that head's errors change the trunk as well
    growth: tuple[
        str, ...
    ] = ()  # what of it grows with age, of GROWN_WEIGHTS and GROWN_RATE: see `evolearn.agent.growth`

    @property
    def widths(self) -> tuple[int, ...]:
        """How many numbers each of `inputs` is."""
        sizes = {OBSERVATION: self.observations, LAST_OBSERVATION: self.observations, LAST_ACTION: self.actions}
        return tuple(sizes.get(name, 1) for name in self.inputs)

    @property
    def told(self) -> int:
        """Numbers that it is told at every step; the first are what the world shows."""
        return sum(self.widths)

    @property
    def starts(self) -> dict[str, int]:
        """Where each of `inputs` begins among the numbers that it is told."""
        return {name: sum(self.widths[:place]) for place, name in enumerate(self.inputs)}

    @property
    def remembers(self) -> bool:
        """Whether anything goes from step to step beside the weights: what its trunk carries, or what it is told."""
        return self.told_of_the_past or self.carries

    @property
    def carries(self) -> bool:
        """Whether its answer depends on more than on what it is told now: its trunk carries a state."""
        return trunk_of(self).carry(self.layers) > 0

    @property
    def told_of_the_past(self) -> bool:
        """Whether it is told anything of the step before."""
        return any(name in self.inputs for name in (LAST_OBSERVATION, LAST_ACTION, LAST_REWARD))

    @property
    def layers(self) -> Layers:
        """Units per layer, what it is told first: the kernel's description of the trunk.

        A trunk that is read by its product with the observation finds how many numbers these are at the end.
        """
        layers = (self.told, *self.hidden)
        return (*layers, self.observations) if self.readout == PRODUCT else layers

    @property
    def log_stdevs(self) -> int:
        """Log standard deviations among the weights."""
        return self.actions if find_policy(self.policy).has_log_stdev else 0

    @property
    def outputs(self) -> int:
        """Length of an output row: the policy's parameters and the value."""
        return self.actions + self.log_stdevs + 1

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The blocks of the weight vector, in order, with the standard initialisation of each."""
        policy = find_policy(self.policy)
        scales = (policy.initial_scale, policy.initial_value_scale)
        heads = head_tensors(self.read, self.actions, self.log_stdevs, *scales, self.first_value)
        return trunk_of(self).tensors(self.layers) + heads + self._prediction_tensors

    @property
    def _prediction_tensors(self) -> tuple[Tensor, ...]:
        return prediction_tensors(self.prediction, self.observations, self.actions, self.read)

    @property
    def read(self) -> int:
        """Numbers that the heads read: the trunk's last activations, or what it is told."""
        return (self.told, *self.hidden)[-1]

    @property
    def outcomes(self) -> int:
        """Numbers that the prediction head predicts; 0 without one."""
        return 0 if self.prediction == NO_PREDICTION else self.observations + BESIDE

    @property
    def thinking(self) -> BrainSpec:
        """The same without the prediction head: what its trunk, and learners, know of it."""
        return dataclasses.replace(self, prediction=NO_PREDICTION, auxiliary=False)

    @property
    def predicting(self) -> int:
        """Weights of the prediction head, the last of the flat weight vector."""
        return sum(tensor.size for tensor in self._prediction_tensors)

    @property
    def heads_from(self) -> int:
        """Where in the flat weight vector the heads begin; they reach to its end."""
        return sum(tensor.size for tensor in trunk_of(self).tensors(self.layers))

    @property
    def units(self) -> int:
        """Floats that the trunk keeps of every row of a window."""
        kept = trunk_of(self).units
        return sum(self.hidden) if kept is None else kept(self.layers)

    def scratch(self, window: int) -> int:
        """Floats that the trunk's backward pass needs for a window of so many steps."""
        return trunk_of(self).scratch(self.layers, window)

    @property
    def weights(self) -> int:
        """Length of the flat weight vector."""
        return sum(tensor.size for tensor in self.tensors)


def trunk_of(spec: BrainSpec) -> Trunk:
    """The trunk that a brain runs on: the one that it names, or that one's twin by its readout.

    Raises:
        ValueError: the trunk has no such twin.
    """
    trunk = find_trunk(spec.trunk)
    if spec.readout == PLAIN:
        return trunk
    if trunk.product is None:
        raise ValueError(f"readout={spec.readout!r}: must be {PLAIN!r} with trunk {spec.trunk!r}, which has no other")
    return trunk.product


def input_names(spec: BrainSpec, observations: Sequence[str], actions: Sequence[str]) -> tuple[str, ...]:
    """A name for every number that a brain is told, in order, no two the same where the world's are not.

    Args:
        spec: what the brain is made of.
        observations: names of what the world shows.
        actions: names of the choices, or of the dimensions of an action.

    >>> told = ("observation", "last_action", "last_reward")
    >>> input_names(BrainSpec("mlp", 1, (4,), 2, "categorical", told), ["light"], ["left", "right"])
    ('light', 'last action left', 'last action right', 'last reward')
    """
    named = {
        OBSERVATION: list(observations),
        LAST_OBSERVATION: [f"last {name}" for name in observations],
        LAST_ACTION: [f"last action {name}" for name in actions],
        LAST_REWARD: ["last reward"],
        NEW_EPISODE: ["new episode"],
    }
    told = [(name, by) for by in spec.inputs for name in named[by]]
    names = [name for name, _ in told]
    # The "left" of an action, and a "left" or an "action left" that the world shows, can come to one name.
    return tuple(name if names.count(name) == 1 or by == OBSERVATION else f"{name} ({by})" for name, by in told)

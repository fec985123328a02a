"""The brain: a trunk with a policy head and a value head, on one flat weight vector.

An output row holds the policy's parameters, see `evolearn.agent.policies.policy`, then the value. A new trunk is a file
like `evolearn.agent.trunks.relu` and a row of TRUNKS.
"""

from __future__ import annotations

import dataclasses

from evolearn.agent.policies.policy import POLICIES
from evolearn.agent.trunks.heads import head_tensors
from evolearn.agent.trunks.linear import LINEAR
from evolearn.agent.trunks.mlp import MLP
from evolearn.agent.trunks.relu import RELU
from evolearn.agent.trunks.trunk import Layers, Tensor

TRUNKS = {"mlp": MLP, "relu": RELU, "linear": LINEAR}


@dataclasses.dataclass(frozen=True)
class BrainSpec:
    """What a brain is made of; enough to lay out and run its weights."""

    trunk: str  # a name in TRUNKS
    observations: int
    hidden: tuple[int, ...]  # units per layer; none with the linear trunk
    actions: int  # choices or dimensions
    policy: str  # a name in POLICIES

    @property
    def layers(self) -> Layers:
        """Units per layer, observations first: the kernel's description of the trunk."""
        return (self.observations, *self.hidden)

    @property
    def log_stdevs(self) -> int:
        """Log standard deviations among the weights."""
        return self.actions if POLICIES[self.policy].has_log_stdev else 0

    @property
    def outputs(self) -> int:
        """Length of an output row: the policy's parameters and the value."""
        return self.actions + self.log_stdevs + 1

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The blocks of the weight vector, in order, with the standard initialisation of each."""
        policy = POLICIES[self.policy]
        heads = head_tensors(
            self.layers[-1], self.actions, self.log_stdevs, policy.initial_scale, policy.initial_value_scale
        )
        return TRUNKS[self.trunk].tensors(self.layers) + heads

    @property
    def weights(self) -> int:
        """Length of the flat weight vector."""
        return sum(tensor.size for tensor in self.tensors)

"""The brain: a trunk with a policy head and a value head, on one flat weight vector.

An output row holds the policy's parameters, then the value: ``[logits.., value]`` for a categorical policy,
``[means.., log standard deviations.., value]`` for a diagonal Gaussian. A new trunk is a file like `evolearn.mlp` and a
row of TRUNKS.
"""

from __future__ import annotations

import dataclasses

from evolearn.heads import head_tensors
from evolearn.mlp import backward_mlp, mlp_scratch, mlp_tensors, think_mlp
from evolearn.policy import POLICIES
from evolearn.trunk import Layers, Tensor, Trunk

TRUNKS = {"mlp": Trunk(mlp_tensors, think_mlp, backward_mlp, mlp_scratch, carry=lambda layers: 0)}


@dataclasses.dataclass(frozen=True)
class BrainSpec:
    """What a brain is made of; enough to lay out and run its weights."""

    trunk: str  # a name in TRUNKS
    observations: int
    hidden: tuple[int, ...]
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
        return TRUNKS[self.trunk].tensors(self.layers) + head_tensors(self.layers[-1], self.actions, self.log_stdevs)

    @property
    def weights(self) -> int:
        """Length of the flat weight vector."""
        return sum(tensor.size for tensor in self.tensors)

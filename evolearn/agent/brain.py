"""The brain: a trunk with a policy head and a value head, on one flat weight vector.

An output row holds the policy's parameters, see `evolearn.agent.policies.policy`, then the value.
"""

from __future__ import annotations

import dataclasses

from evolearn.agent.policies.table import find_policy
from evolearn.agent.trunks.heads import head_tensors
from evolearn.agent.trunks.table import find_trunk
from evolearn.agent.trunks.trunk import Layers, Tensor

MOST_WEIGHTS = 1 << 25  # of a brain: 128 MB of float32, for each genome of a population


@dataclasses.dataclass(frozen=True)
class BrainSpec:
    """What a brain is made of; enough to lay out and run its weights."""

    trunk: str  # see `evolearn.agent.trunks.table.find_trunk`
    observations: int
    hidden: tuple[int, ...]  # units per layer; none with a trunk that has no layers
    actions: int  # choices or dimensions
    policy: str  # see `evolearn.agent.policies.table.find_policy`

    @property
    def layers(self) -> Layers:
        """Units per layer, observations first: the kernel's description of the trunk."""
        return (self.observations, *self.hidden)

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
        heads = head_tensors(
            self.layers[-1], self.actions, self.log_stdevs, policy.initial_scale, policy.initial_value_scale
        )
        return find_trunk(self.trunk).tensors(self.layers) + heads

    def scratch(self, window: int) -> int:
        """Floats that the trunk's backward pass needs for a window of so many steps."""
        return find_trunk(self.trunk).scratch(self.layers, window)

    @property
    def weights(self) -> int:
        """Length of the flat weight vector."""
        return sum(tensor.size for tensor in self.tensors)

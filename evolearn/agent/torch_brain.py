"""The same brain as a `torch.nn.Module`: oracle of the tests, and the form in which evolved brains leave the house."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from evolearn.agent.brain import BrainSpec
from evolearn.agent.policies.gaussian import MAX_LOG_STDEV, MIN_LOG_STDEV
from evolearn.agent.trunks.table import find_trunk
from evolearn.errors import PartError, lacking, nearest


def activation_of(trunk: str) -> nn.Module:
    """What a trunk's hidden units make of their sums; of a trunk without any, the identity.

    Raises:
        PartError: its row does not say.
    """
    row = find_trunk(trunk)
    if not row.has_hidden:
        return nn.Identity()
    if row.torch_module is None:
        remedy = 'the class of its activation in torch.nn, for example torch_module="Tanh"'
        raise lacking("trunk", trunk, "torch_module", "its brains cannot be had in torch", remedy)
    return torch_activation(f"trunk {trunk!r}", row.torch_module)


def torch_activation(asked: str, module: str) -> nn.Module:
    """An activation by the name of its class in torch.nn; `asked` is what to begin the text of an error with.

    Raises:
        PartError: there is none of that name, or it cannot be made without arguments.
    """
    made = getattr(nn, module, None)
    known = [
        name for name in vars(nn) if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    ]
    refused = f"{asked}: torch_module={module!r}:"
    remedy = 'give the class of its activation, one that is made without arguments, for example torch_module="Tanh"'
    if made is None or module not in known:
        close = nearest(module, known)
        raise PartError(
            f"{refused} torch.nn has no such class.{f' Did you mean {close}?' if close else ''} Or {remedy}"
        )
    try:
        return made()
    except TypeError as error:
        raise PartError(f"{refused} cannot be made: {error}; {remedy}") from error


class PolicyHead(nn.Linear):
    """Logits, action values or actions, or means followed by log standard deviations that no observation changes."""

    log_stdev: nn.Parameter | None

    def __init__(self, inputs: int, actions: int, log_stdevs: int) -> None:
        super().__init__(inputs, actions)
        self.log_stdev = nn.Parameter(torch.zeros(log_stdevs)) if log_stdevs else None

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        """Policy parameters [.., policy parameters] of activations [.., H]."""
        means = super().forward(source)
        if self.log_stdev is None:
            return means
        return torch.cat([means, self.log_stdev.expand_as(means)], dim=-1)


class TorchBrain(nn.Module):
    """The brain that a `BrainSpec` describes; its parameters have the names of `BrainSpec.tensors`.

    A trunk's matrices are [inputs, units] in the flat vector and, as always in torch, [units, inputs] here.
    """

    def __init__(self, spec: BrainSpec) -> None:
        """Lay out the brain; weights are torch's own until `load_flat`.

        Raises:
            PartError: a trunk that says of no counterpart in torch.
        """
        super().__init__()
        activation_of(spec.trunk)
        self.spec = spec
        for number, (inputs, units) in enumerate(itertools.pairwise(spec.layers), start=1):
            self.add_module(f"hidden{number}", nn.Linear(inputs, units))
        self.policy = PolicyHead(spec.layers[-1], spec.actions, spec.log_stdevs)
        self.value = nn.Linear(spec.layers[-1], 1)

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Policy parameters [.., policy parameters] and value [..] of observations [.., O]."""
        active, activation = observation, activation_of(self.spec.trunk)
        for number in range(1, len(self.spec.hidden) + 1):
            active = activation(self.get_submodule(f"hidden{number}")(active))
        return self.policy(active), self.value(active).squeeze(-1)

    def load_flat(self, weights: npt.NDArray[Any]) -> None:
        """Take over a flat weight vector [W], laid out as the trunk and `evolearn.agent.trunks.heads` say.

        Raises:
            ValueError: a vector of another length.
        """
        if weights.shape != (self.spec.weights,):
            raise ValueError(f"weights of shape {weights.shape}: this brain needs ({self.spec.weights},)")
        start = 0
        with torch.no_grad():
            for tensor in self.spec.tensors:
                block = weights[start : start + tensor.size].reshape(tensor.shape)
                parameter = self.get_parameter(tensor.name)
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(_turned(tensor.name, block))))
                start += tensor.size

    def flat(self, pick: Callable[[nn.Parameter], Any] = lambda parameter: parameter) -> npt.NDArray[Any]:
        """The flat weight vector [W], the inverse of `load_flat`; or what `pick` takes from each parameter."""
        blocks = [
            _turned(tensor.name, pick(self.get_parameter(tensor.name)).detach().numpy()) for tensor in self.spec.tensors
        ]
        return np.concatenate([block.reshape(-1) for block in blocks])


def brain_of(spec: BrainSpec, weights: npt.NDArray[Any]) -> TorchBrain:
    """The brain that some weights make, as the compiled policy acts with it.

    Its log standard deviations are held within the policy's bounds, `evolearn.agent.policies.gaussian.MIN_LOG_STDEV`
    and ``MAX_LOG_STDEV``.

    Args:
        spec: what it is made of.
        weights: float32 [W], see `TorchBrain.load_flat`; copied.
    Returns:
        The module, in evaluation mode.
    Raises:
        ValueError: weights of another length.
        PartError: a trunk that says of no counterpart in torch.
    """
    brain = TorchBrain(spec)
    brain.load_flat(weights)
    if brain.policy.log_stdev is not None:
        with torch.no_grad():
            brain.policy.log_stdev.clamp_(MIN_LOG_STDEV, MAX_LOG_STDEV)
    return brain.eval()


def _turned(name: str, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    is_trunk_matrix = name.startswith("hidden") and name.endswith(".weight")
    return block.T if is_trunk_matrix else block

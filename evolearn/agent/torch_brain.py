"""The same brain as a `torch.nn.Module`: oracle of the tests, and the form in which evolved brains leave the house."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from evolearn.agent.brain import PRODUCT, BrainSpec
from evolearn.agent.policies.gaussian import MAX_LOG_STDEV, MIN_LOG_STDEV
from evolearn.agent.prediction import OF_CHOICES
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


class PredictionHead(nn.Module):
    """What comes next by what is done: see `evolearn.agent.prediction`."""

    def __init__(self, spec: BrainSpec) -> None:
        super().__init__()
        weight, bias = spec.tensors[-2:]
        self.weight = nn.Parameter(torch.zeros(weight.shape))
        self.bias = nn.Parameter(torch.zeros(bias.shape))
        self.kind = spec.prediction

    def forward(self, active: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        """Changes of what the world shows, reward and end [.., O + 2] of activations [.., H] and actions [.., A].

        A choice is one number, its place.
        """
        each = torch.einsum("kzh,...h->...kz", self.weight, active) + self.bias
        if self.kind == OF_CHOICES:
            factors = nn.functional.one_hot(action[..., 0].long(), len(self.weight)).to(each.dtype)
        else:
            factors = torch.cat([torch.ones_like(action[..., :1]), action.clamp(-1.0, 1.0)], dim=-1)
        return torch.einsum("...k,...kz->...z", factors, each)


class TorchBrain(nn.Module):
    """The brain that a `BrainSpec` describes.

    Its parameters have the names of `BrainSpec.tensors`, but that a recurrent layer's are those of torch's cell. A
    trunk's matrices are [inputs, units] in the flat vector and, as always in torch, [units, inputs] here.
    """

    def __init__(self, spec: BrainSpec) -> None:
        """Lay out the brain; weights are torch's own until `load_flat`.

        Raises:
            PartError: a trunk that says of no counterpart in torch.
        """
        super().__init__()
        self.spec = spec
        self.is_recurrent = find_trunk(spec.trunk).torch_cell is not None
        if not self.is_recurrent:
            activation_of(spec.trunk)
        sizes = (spec.told, *spec.hidden)
        for number, (inputs, units) in enumerate(itertools.pairwise(sizes), start=1):
            self.add_module(f"hidden{number}", _cell(inputs, units) if self.is_recurrent else nn.Linear(inputs, units))
        if spec.readout == PRODUCT:
            self.readout = nn.Linear(spec.observations, sizes[-1], bias=False)
        self.policy = PolicyHead(sizes[-1], spec.actions, spec.log_stdevs)
        self.value = nn.Linear(sizes[-1], 1)
        if spec.outcomes:
            self.prediction = PredictionHead(spec)

    @property
    def state_size(self) -> int:
        """Numbers that it remembers from step to step."""
        return sum(self.spec.hidden) if self.is_recurrent else 0

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Policy parameters [.., policy parameters] and value [..] of what it is told [.., I], remembering nothing."""
        policy, value, _ = self.step(observation, observation.new_zeros(*observation.shape[:-1], self.state_size))
        return policy, value

    def step(self, observation: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Think once.

        Args:
            observation: [.., I], what it is told.
            state: [.., state_size], of all layers side by side; zeros at birth.
        Returns:
            Policy parameters [.., policy parameters], value [..], and the state for the next step.
        """
        active, state = self.read(observation, state)
        return self.policy(active), self.value(active).squeeze(-1), state

    def read(self, observation: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the heads read, [.., H], and the state for the next step; arguments as those of `step`."""
        active, states = observation, []
        if self.is_recurrent:
            for number, old in enumerate(torch.split(state, list(self.spec.hidden), dim=-1), start=1):
                cell = self.get_submodule(f"hidden{number}")
                active = cell(active.reshape(-1, active.shape[-1]), old.reshape(-1, old.shape[-1])).reshape(old.shape)
                states.append(active)
        else:
            activation = activation_of(self.spec.trunk)
            for number in range(1, len(self.spec.hidden) + 1):
                active = activation(self.get_submodule(f"hidden{number}")(active))
        if self.spec.readout == PRODUCT:
            active = active * (1.0 + self.readout(observation[..., : self.spec.observations]))
        return active, torch.cat(states, dim=-1) if states else state

    def load_flat(self, weights: npt.NDArray[Any]) -> None:
        """Take over a flat weight vector [W], laid out as the trunk and `evolearn.agent.trunks.heads` say.

        Raises:
            ValueError: a vector of another length.
        """
        if weights.shape != (self.spec.weights,):
            raise ValueError(f"weights of shape {weights.shape}: this brain needs ({self.spec.weights},)")
        start = 0
        blocks = {}
        for tensor in self.spec.tensors:
            blocks[tensor.name] = weights[start : start + tensor.size].reshape(tensor.shape)
            start += tensor.size
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                block = _of_cell(name, blocks) if self._is_of_cell(name) else _turned(name, blocks[name])
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(block)))

    def flat(self, pick: Callable[[nn.Parameter], Any] = lambda parameter: parameter) -> npt.NDArray[Any]:
        """The flat weight vector [W], the inverse of `load_flat`; or what `pick` takes from each parameter."""
        found: dict[str, npt.NDArray[Any]] = {}
        for name, parameter in self.named_parameters():
            block = pick(parameter).detach().numpy()
            if self._is_of_cell(name):
                _add_blocks(name, block, found)
            else:
                found[name] = _turned(name, block)
        return np.concatenate([found[tensor.name].reshape(-1) for tensor in self.spec.tensors])

    def _is_of_cell(self, name: str) -> bool:
        return self.is_recurrent and name.startswith("hidden")


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
    is_trunk_matrix = name.startswith(("hidden", "readout")) and name.endswith(".weight")
    return block.T if is_trunk_matrix else block


def _cell(inputs: int, units: int) -> nn.GRUCell:
    """A layer of `evolearn.agent.trunks.gru`.

    torch gives the reset and the update gate two biases each, which it adds up: here the second ones stay 0.
    """
    cell = nn.GRUCell(inputs, units)

    def without_gates(gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone()
        gradient[: 2 * units] = 0.0
        return gradient

    torch.Tensor.register_hook(cell.bias_hh, without_gates)  # type: ignore[no-untyped-call]
    return cell


def _of_cell(name: str, blocks: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """A parameter of torch's cell, whose rows are those of the gates r, z, n, from the blocks of the flat vector."""
    layer, _, kind = name.partition(".")
    candidate, reset, update, recall = (
        blocks[f"{layer}.{gate}.bias"] for gate in ("candidate", "reset", "update", "recall")
    )
    if kind == "bias_ih":
        return np.concatenate([reset, update, candidate])
    if kind == "bias_hh":
        return np.concatenate([np.zeros_like(reset), np.zeros_like(update), recall])
    if kind == "weight_hh":
        return blocks[f"{layer}.state.weight"].T
    by_candidate, by_reset, by_update = np.split(blocks[f"{layer}.inputs.weight"], 3, axis=1)
    return np.concatenate([by_reset, by_update, by_candidate], axis=1).T


def _add_blocks(name: str, block: npt.NDArray[Any], blocks: dict[str, npt.NDArray[Any]]) -> None:
    """The inverse of `_of_cell`; biases that torch adds up are added up."""
    layer, _, kind = name.partition(".")
    first, second, third = np.split(block, 3)
    if kind == "weight_hh":
        blocks[f"{layer}.state.weight"] = block.T
    elif kind == "weight_ih":
        blocks[f"{layer}.inputs.weight"] = np.concatenate([third, first, second]).T
    else:
        last = "candidate" if kind == "bias_ih" else "recall"
        for gate, share in (("reset", first), ("update", second), (last, third)):
            place = f"{layer}.{gate}.bias"
            blocks[place] = blocks[place] + share if place in blocks else share

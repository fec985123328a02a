"""What somebody is imitated by in torch: what a brain answers when it is asked, and how far another is from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from evolearn.agent.brain import BrainSpec
from evolearn.agent.policies.table import find_policy
from evolearn.agent.torch_losses import think, think_along
from evolearn.errors import lacking
from evolearn.plugins import referred

Tensor = torch.Tensor


@dataclasses.dataclass(frozen=True)
class Imitation:
    """How brains of one policy are asked and imitated. An answer has a number per choice or dimension of action, A."""

    answer: Callable[[Tensor], Tensor]  # of policy parameters [.., P], [.., A]
    loss: Callable[[Tensor, Tensor], Tensor]  # of policy parameters [.., P] and answers [.., A], [..]


def _cross_entropy(logits: Tensor, answers: Tensor) -> Tensor:
    return -(answers * torch.log_softmax(logits, dim=-1)).sum(-1)


def _means(parameters: Tensor) -> Tensor:
    return parameters.chunk(2, dim=-1)[0]


def _squared_error(parameters: Tensor, answers: Tensor) -> Tensor:
    return (_means(parameters) - answers).square().sum(-1)


# A choice is answered by the probabilities of all: what is the expected loss against choices that are drawn.
OF_CHOICES = Imitation(lambda logits: torch.softmax(logits, dim=-1), _cross_entropy)
OF_NUMBERS = Imitation(_means, _squared_error)


def imitation_of(policy: str) -> Imitation:
    """How brains of a policy are imitated.

    Raises:
        PartError: its row does not say.
    """
    found = find_policy(policy).torch_imitation
    if found is None:
        remedy = "an Imitation, see evolearn.agent.torch_imitation"
        raise lacking("policy", policy, "torch_imitation", "nobody who acts by it can be imitated", remedy)
    imitation: Any = referred(found) if isinstance(found, str) else found
    assert isinstance(imitation, Imitation), f"torch_imitation of {policy}"
    return imitation


def answers_of(spec: BrainSpec, weights: Tensor, told: Tensor, begins: Tensor) -> Tensor:
    """What B brains answer to what each is told in one life, [B, N, A].

    Args:
        spec: what they are made of.
        weights: [B, W].
        told: [B, N, I].
        begins: bool [B, N], whether nothing is remembered when a step comes, as at the first one.
    Raises:
        PartError: see `evolearn.agent.torch_losses.think` and `imitation_of`.
    """
    with torch.no_grad():
        if spec.carries:
            empty = told.new_zeros(len(weights), 1, sum(spec.hidden))
            parameters = think_along(spec, weights, told.unsqueeze(1), begins.unsqueeze(1), empty)[0].squeeze(1)
        else:
            parameters, _ = think(spec, weights, told)
        return imitation_of(spec.policy).answer(parameters)


def imitation_loss(spec: BrainSpec, weights: Tensor, told: Tensor, answers: Tensor) -> Tensor:
    """Mean over steps of a brain's loss against answers, a scalar: cross-entropy of choices, squared error of a Box.

    The squared error is summed over dimensions of action. Neither depends on the value head, nor on log standard
    deviations.

    Args:
        spec: what it is made of.
        weights: [W].
        told: [N, I], what it is told.
        answers: [N, A], what its teacher does or answers there.
    Raises:
        PartError: see `answers_of`.
    Source: Pomerleau 1989, "ALVINN"; Ross, Gordon and Bagnell 2011, "A reduction of imitation learning and structured
        prediction to no-regret online learning", section 2.
    """
    parameters, _ = think(spec, weights[None], told[None])
    return imitation_of(spec.policy).loss(parameters[0], answers).mean()


def imitation_loss_along(
    spec: BrainSpec, weights: Tensor, told: Tensor, answers: Tensor, begins: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """The same of a brain that remembers, along consecutive steps of M lives; and its states after them, [M, S].

    Args:
        spec: what it is made of.
        weights: [W].
        told: [M, N, I].
        answers: [M, N, A].
        begins: bool [M, N], whether nothing is remembered when a step comes.
        state: [M, S], before the first step; the gradient ends there.
    """
    parameters, after = think_along(spec, weights[None], told[None], begins[None], state[None])
    return imitation_of(spec.policy).loss(parameters[0], answers).mean(), after[0].detach()

"""The inner learners' losses and their gradient step in torch, over a batch of lives, for gradients through learning.

Every life of a batch has weights of its own; the same arithmetic as the compiled learners', in other order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import torch

from evolearn.agent.brain import PRODUCT, BrainSpec
from evolearn.agent.learners.actor_critic import DISCOUNT, ENTROPY_BONUS, GAE_LAMBDA, VALUE_WEIGHT
from evolearn.agent.learners.learner import LEARNING_RATE as NAMED_RATE
from evolearn.agent.learners.table import find_learner
from evolearn.agent.policies.gaussian import MAX_LOG_STDEV, MIN_LOG_STDEV
from evolearn.agent.policies.table import find_policy
from evolearn.agent.torch_brain import activation_of
from evolearn.agent.trunks.trunk import GOES_ON, TERMINATED
from evolearn.errors import PartError, lacking
from evolearn.plugins import referred

Tensor = torch.Tensor

_LONGEST = 1e18  # its square is a float32


@dataclasses.dataclass(frozen=True)
class Steps:
    """Consecutive steps of B lives, N each, lived with one set of weights per life."""

    observations: Tensor  # [B, N, O], before the step
    next_observations: Tensor  # [B, N, O], after the step, before a new episode begins
    actions: Tensor  # [B, N, action size]
    rewards: Tensor  # [B, N]
    ends: Tensor  # int64 [B, N]: GOES_ON, TERMINATED or TRUNCATED

    def between(self, first: int, last: int) -> Steps:
        """Steps `first` .. `last` - 1 of every life."""
        return Steps(*(getattr(self, field.name)[:, first:last] for field in dataclasses.fields(self)))


def think(spec: BrainSpec, weights: Tensor, observations: Tensor) -> tuple[Tensor, Tensor]:
    """Policy parameters [B, N, policy parameters] and values [B, N].

    Args:
        spec: what the brains are made of.
        weights: [B, W], flat, laid out as `BrainSpec.tensors` says.
        observations: [B, N, O].
    Raises:
        PartError: the trunk carries a state, or says of no counterpart in torch.
    """
    if spec.carries:
        raise PartError(
            f"trunk {spec.trunk!r}: carries a state, which steps in a batch do not hold: there is no gradient through "
            "learning by it in torch; choose another"
        )
    blocks = _blocks_of(spec, weights)
    active, activation = observations, activation_of(spec.trunk)
    for number in range(1, len(spec.hidden) + 1):
        bias = blocks[f"hidden{number}.bias"].unsqueeze(1)
        active = activation(torch.baddbmm(bias, active, blocks[f"hidden{number}.weight"]))
    return _speak(spec, blocks, active, observations)


def think_along(spec: BrainSpec, weights: Tensor, told: Tensor, begins: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Policy parameters [B, M, N, policy parameters] of B brains that remember, each in M lives, and their states.

    Args:
        spec: what the brains are made of; its trunk is the GRU.
        weights: [B, W].
        told: [B, M, N, I], consecutive steps of lives.
        begins: bool [B, M, N], whether nothing is remembered when a step comes.
        state: [B, M, S], of all layers side by side, before the first step; the gradient ends there.
    Returns:
        The parameters, and the state after the last step, [B, M, S].
    Source: the equations of `evolearn.agent.trunks.gru`; Werbos 1990, "Backpropagation through time".
    """
    blocks = _blocks_of(spec, weights)
    kept = (~begins).to(told.dtype).unsqueeze(-1)
    active, states = told, []
    for number, old in enumerate(torch.split(state.detach(), list(spec.hidden), dim=-1), start=1):
        layer = f"hidden{number}"
        gates = [blocks[f"{layer}.{gate}.bias"] for gate in ("candidate", "reset", "update")]
        inputs = active @ blocks[f"{layer}.inputs.weight"].unsqueeze(1) + torch.cat(gates, dim=1)[:, None, None]
        by_state, bias = blocks[f"{layer}.state.weight"], blocks[f"{layer}.recall.bias"].unsqueeze(1)
        rows = []
        for step, of_input in enumerate(inputs.unbind(dim=2)):
            old = old * kept[:, :, step]
            to_candidate, to_reset, to_update = of_input.chunk(3, dim=-1)
            from_reset, from_update, recalled = torch.bmm(old, by_state).chunk(3, dim=-1)
            candidate = torch.tanh(to_candidate + torch.sigmoid(to_reset + from_reset) * (recalled + bias))
            old = candidate + torch.sigmoid(to_update + from_update) * (old - candidate)
            rows.append(old)
        active = torch.stack(rows, dim=2)
        states.append(old)
    parameters, _ = _speak(spec, blocks, active.flatten(1, 2), told.flatten(1, 2))
    return parameters.reshape(*told.shape[:3], -1), torch.cat(states, dim=-1)


def _blocks_of(spec: BrainSpec, weights: Tensor) -> dict[str, Tensor]:
    """The tensors of flat weights [B, W], each with a leading axis B."""
    flat = torch.split(weights, [tensor.size for tensor in spec.tensors], dim=1)
    return {
        tensor.name: block.reshape(len(weights), *tensor.shape)
        for tensor, block in zip(spec.tensors, flat, strict=True)
    }


def _speak(spec: BrainSpec, blocks: Mapping[str, Tensor], active: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
    """Policy parameters [B, N, policy parameters] and values [B, N] by what the heads read, [B, N, H]."""
    if spec.readout == PRODUCT:
        gains = torch.bmm(told[..., : spec.observations], blocks["readout.weight"])
        active = active * (1.0 + gains)
    heads = torch.cat([blocks["policy.weight"], blocks["value.weight"]], dim=1).transpose(1, 2)
    biases = torch.cat([blocks["policy.bias"], blocks["value.bias"]], dim=1).unsqueeze(1)
    outputs = torch.baddbmm(biases, active, heads)
    parameters, values = outputs[..., :-1], outputs[..., -1]
    if spec.log_stdevs:
        parameters = torch.cat([parameters, blocks["policy.log_stdev"].unsqueeze(1).expand_as(parameters)], dim=-1)
    return parameters, values


def estimate_advantages(
    spec: BrainSpec, weights: Tensor, steps: Steps, values: Tensor, plasticity: Tensor
) -> tuple[Tensor, Tensor]:
    """Advantages and the critic's targets, [B, N] each: see `evolearn.agent.learners.actor_critic.estimate_advantages`.

    Args:
        spec: what the brains are made of.
        weights: [B, W].
        steps: what was lived with these weights.
        values: [B, N], of the observations before the steps.
        plasticity: [B, K], in the learner's order.
    """
    _, values_next = think(spec, weights, steps.next_observations)
    discount = plasticity[:, DISCOUNT, None]
    errors = steps.rewards + discount * values_next * (steps.ends != TERMINATED) - values
    kept = discount * plasticity[:, GAE_LAMBDA, None] * (steps.ends == GOES_ON)
    # Backwards in time in NumPy: torch needs several times as long for a small array.
    error, keep = np.ascontiguousarray(errors.numpy().T), np.ascontiguousarray(kept.numpy().T)
    for row in range(len(error) - 2, -1, -1):
        error[row] += keep[row] * error[row + 1]
    advantages = torch.from_numpy(np.ascontiguousarray(error.T))
    return advantages, advantages + values


def actor_critic_loss(spec: BrainSpec, weights: Tensor, steps: Steps, plasticity: Tensor) -> Tensor:
    """Loss [B] of the actor-critic in its first epoch; advantages and returns are constants.

    Args:
        spec: what the brains are made of.
        weights: [B, W].
        steps: what was lived with these weights.
        plasticity: [B, K], in the learner's order.
    """
    parameters, values = think(spec, weights, steps.observations)
    advantages, returns = estimate_advantages(spec, weights.detach(), steps, values.detach(), plasticity)
    log_probability, entropy = law_of(spec.policy)(parameters, steps.actions)
    critic = 0.5 * plasticity[:, VALUE_WEIGHT, None] * (values - returns).square()
    return (critic - log_probability * advantages - plasticity[:, ENTROPY_BONUS, None] * entropy).mean(dim=1)


def regression_loss(spec: BrainSpec, weights: Tensor, steps: Steps, plasticity: Tensor) -> Tensor:
    """Loss [B] of regression: the mean squared error between output and reward.

    Args:
        spec: what the brains are made of.
        weights: [B, W].
        steps: observations and rewards are read.
        plasticity: not used.
    """
    outputs, _ = think(spec, weights, steps.observations)
    return (outputs[..., 0] - steps.rewards).square().mean(dim=1)


def categorical_law(logits: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Log probability of choices [B, N, 1], and entropy, [B, N] each."""
    logs = torch.log_softmax(logits, dim=-1)
    return logs.gather(-1, actions.long()).squeeze(-1), -(logs.exp() * logs).sum(-1)


def gaussian_law(parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Log density of actions [B, N, A], and entropy, [B, N] each, up to constants."""
    means, logs = parameters.chunk(2, dim=-1)
    # Held within bounds, but with the gradient let through.
    held = logs + (logs.clamp(MIN_LOG_STDEV, MAX_LOG_STDEV) - logs).detach()
    z = (actions - means) * torch.exp(-held)
    return -(0.5 * z.square() + held).sum(-1), logs.clamp(max=MAX_LOG_STDEV).sum(-1)


Law = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Loss = Callable[[BrainSpec, Tensor, Steps, Tensor], Tensor]


def law_of(policy: str) -> Law:
    """From a policy's parameters [B, N, ..] and actions [B, N, A] to log probability and entropy, [B, N] each.

    Raises:
        PartError: its row has none.
    """
    law = find_policy(policy).torch_law
    if law is None:
        remedy = "a function of parameters [B, N, ..] and actions [B, N, A] to log probability and entropy, [B, N] each"
        raise lacking("policy", policy, "torch_law", "there is no gradient through its actions", remedy)
    return referred(law)


def loss_of(learner: str) -> Loss:
    """The loss that a learner's update descends: of spec, weights [B, W], steps and plasticity [B, K], [B].

    Raises:
        PartError: its row has none.
    """
    loss = find_learner(learner).torch_loss
    if loss is None:
        remedy = "a function of spec, weights [B, W], steps and plasticity [B, K] to losses [B]"
        raise lacking("learner", learner, "torch_loss", "there is no gradient through its update", remedy)
    return referred(loss)


def shortened(gradient: Tensor, longest: float) -> Tensor:
    """Gradients [B, W], each scaled to a norm of at most `longest`, as the learners do."""
    bound = min(longest, _LONGEST)
    square = gradient.square().sum(dim=1, keepdim=True)
    return gradient * (bound / square.clamp(min=bound**2).sqrt())


def learned(
    learner: str,
    spec: BrainSpec,
    weights: Tensor,
    steps: Steps,
    plasticity: Tensor,
    longest: float,
    first_order: bool = False,
) -> Tensor:
    """Weights [B, W] after one update by gradient descent, as a function of the weights before it.

    Args:
        learner: its name; see `loss_of`.
        spec: what the brains are made of.
        weights: [B, W]; require a gradient.
        steps: the window that the update is made from.
        plasticity: [B, K], in the learner's order.
        longest: longer gradients are shortened to this.
        first_order: let the gradient through as if the update did not depend on the weights.
    """
    loss = loss_of(learner)(spec, weights, steps, plasticity).sum()
    (gradient,) = torch.autograd.grad(loss, weights, create_graph=not first_order)
    rate = [gene.name for gene in find_learner(learner).plasticity].index(NAMED_RATE)
    return weights - plasticity[:, rate, None] * shortened(gradient, longest)


def meta_gradient(
    learner: str,
    spec: BrainSpec,
    weights: Tensor,
    windows: list[Steps],
    judged: Steps,
    plasticity: Tensor,
    longest: float,
    first_order: bool,
) -> tuple[Tensor, Tensor]:
    """Gradient of every life's loss after learning by the weights before it.

    Args:
        learner: its name; see `loss_of`.
        spec: what the brains are made of.
        weights: [B, W], with which lives begin.
        windows: of the updates, in order.
        judged: steps after the last update.
        plasticity: [B, K].
        longest: see `learned`.
        first_order: see `learned`.
    Returns:
        The gradients, [B, W], and the weights after the updates, [B, W].
    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning", eq. 1 and algorithms 2 and 3.
    """
    born = weights.detach().requires_grad_()
    current = born
    for window in windows:
        current = learned(learner, spec, current, window, plasticity, longest, first_order)
    loss = loss_of(learner)(spec, current, judged, plasticity).sum()
    (gradient,) = torch.autograd.grad(loss, born)
    return gradient, current.detach()

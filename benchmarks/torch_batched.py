"""PyTorch, eager: all lives in step, one batched product per layer (`baddbmm`), gradients by autograd."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from benchmarks import work

UPDATES = 40  # enough for a clear reading; rates are compared

Weights = list[torch.Tensor]  # per layer: matrix [P, inputs, units], bias [P, 1, units]


def think(weights: Weights, observations: torch.Tensor) -> torch.Tensor:
    """Output rows [P, N, 3] of every life's network for its observations [P, N, 4]."""
    # Torch's own tanh is one call and vectorised; that of `work`, a dozen eager operations, is slower here.
    first = torch.tanh(torch.baddbmm(weights[1], observations, weights[0]))
    second = torch.tanh(torch.baddbmm(weights[3], first, weights[2]))
    return torch.baddbmm(weights[5], second, weights[4])


def step(cart: torch.Tensor, age: torch.Tensor, action: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Carts [P, 4] after a push, and whether their episodes are over, [P]."""
    _, velocity, angle, angular_velocity = cart.unbind(1)
    force = work.FORCE * (2.0 * action - 1.0)
    moment = work.POLE_MASS * work.HALF_LENGTH
    sine, cosine = angle.sin(), angle.cos()
    thrust = (force + moment * angular_velocity * angular_velocity * sine) / work.TOTAL_MASS
    inertia = work.HALF_LENGTH * (4.0 / 3.0 - work.POLE_MASS * cosine * cosine / work.TOTAL_MASS)
    angular_acceleration = (work.GRAVITY * sine - cosine * thrust) / inertia
    acceleration = thrust - moment * angular_acceleration * cosine / work.TOTAL_MASS
    change = torch.stack((velocity, acceleration, angular_velocity, angular_acceleration), 1)
    cart = cart + work.DT * change
    over = (cart[:, 0].abs() > work.CART_LIMIT) | (cart[:, 2].abs() > work.POLE_LIMIT) | (age >= work.STEP_LIMIT)
    return cart, over


def advantages_of(values: torch.Tensor, goes_on: torch.Tensor) -> torch.Tensor:
    """Advantages [P, N] from values [P, N + 1]. Source: Schulman et al. 2016, eq. 16."""
    advantage = torch.zeros_like(values[:, 0])
    errors = 1.0 + work.DISCOUNT * values[:, 1:] * goes_on - values[:, :-1]
    advantages = []
    for row in range(work.WINDOW - 1, -1, -1):
        advantage = errors[:, row] + work.DISCOUNT * work.GAE_LAMBDA * goes_on[:, row] * advantage
        advantages.append(advantage)
    return torch.stack(advantages[::-1], 1)


def loss_of(outputs: torch.Tensor, actions: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """Sum over lives of the mean loss over the window: lives share no weight, so each gets its own gradient."""
    logs = outputs[..., : work.CHOICES].log_softmax(-1)
    values = outputs[..., work.CHOICES]
    chosen = logs.gather(2, actions.long().unsqueeze(2)).squeeze(2)
    entropy = -(logs.exp() * logs).sum(-1)
    returns = (advantages + values).detach()
    losses = -chosen * advantages + 0.5 * (values - returns) ** 2 - work.ENTROPY_BONUS * entropy
    return losses.mean(1).sum()


def newborns(lives: int) -> Weights:
    """Random weights for every life."""
    sizes = ((work.OBSERVATIONS, work.HIDDEN), (work.HIDDEN, work.HIDDEN), (work.HIDDEN, work.CHOICES + 1))
    weights = []
    for inputs, units in sizes:
        weights.append(torch.randn(lives, inputs, units) / math.sqrt(inputs))
        weights.append(torch.zeros(lives, 1, units))
    return [tensor.requires_grad_() for tensor in weights]


def live(size: work.Size) -> None:
    """Live all lives to their end, in step."""
    lives = size.lives
    weights = newborns(lives)
    adam = torch.optim.Adam(
        weights, work.LEARNING_RATE, (work.FIRST_DECAY, work.SECOND_DECAY), work.EPSILON, foreach=True
    )
    cart = 0.1 * torch.rand(lives, 4) - 0.05
    age = torch.zeros(lives)
    for _ in range(size.updates):
        observations, actions, going_on = [], [], []
        with torch.no_grad():
            for _ in range(work.WINDOW):
                outputs = think(weights, cart.unsqueeze(1)).squeeze(1)
                action = (torch.rand(lives) < torch.sigmoid(outputs[:, 1] - outputs[:, 0])).float()
                observations.append(cart)
                cart, over = step(cart, age + 1.0, action)
                cart = torch.where(over.unsqueeze(1), 0.1 * torch.rand(lives, 4) - 0.05, cart)
                age = torch.where(over, 0.0, age + 1.0)
                actions.append(action)
                going_on.append(~over)
        outputs = think(weights, torch.stack((*observations, cart), 1))
        advantages = advantages_of(outputs[..., work.CHOICES].detach(), torch.stack(going_on, 1).float())
        loss = loss_of(outputs[:, :-1], torch.stack(actions, 1), advantages)
        adam.zero_grad()
        loss.backward()
        adam.step()


def lives_of(size: work.Size) -> Callable[[], None]:
    """All lives in step, on all cores."""
    live(work.Size(size.lives, 2))
    return lambda: live(size)


if __name__ == "__main__":
    work.main(lives_of, updates=UPDATES)

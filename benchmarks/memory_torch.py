"""Brains that remember in PyTorch, eager, on one core: the work of `benchmarks.memory_work`, all lives in step.

Lives of one genome are columns of one batched product (`baddbmm`) with its weights, and share the luck of their keys
with all other genomes; lives that learn have weights of their own, and gradients by autograd.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from benchmarks import memory_work, memory_worlds as worlds, work
from benchmarks.memory_work import Workload


class Brains(NamedTuple):
    """Weights of B brains."""

    inputs: torch.Tensor  # [B, 3 H, I]
    inputs_bias: torch.Tensor  # [B, 3 H, 1]
    state: torch.Tensor  # [B, 3 H, H]
    state_bias: torch.Tensor  # [B, 3 H, 1]: zeros for the gates, which have one bias
    heads: torch.Tensor  # [B, A + 1, H]
    heads_bias: torch.Tensor  # [B, A + 1, 1]
    stdev: torch.Tensor  # [B, A, 1], or empty


class Told(NamedTuple):
    """What brains are told of the step before, and what they remember; C lives of each."""

    action: torch.Tensor  # [B, A, C], one-hot for choices
    reward: torch.Tensor  # [B, C]
    state: torch.Tensor  # [B, H, C]


def brains_of(workload: Workload) -> Brains:
    """Those of all genomes."""
    named = {name: torch.from_numpy(tensor.copy()) for name, tensor in memory_work.weights_of(workload).items()}
    hidden, bias = workload.hidden, named["bias"].unsqueeze(2)
    return Brains(
        named["inputs"].transpose(1, 2).contiguous(),
        bias[:, : 3 * hidden].clone(),
        named["state"].transpose(1, 2).contiguous(),
        torch.cat([torch.zeros_like(bias[:, : 2 * hidden]), bias[:, 3 * hidden :]], 1),
        named["heads"],
        named["heads_bias"].unsqueeze(2).clone(),
        named["log_stdev"].clamp(-5.0, 2.0).exp().unsqueeze(2) if "log_stdev" in named else torch.empty(0),
    )


def think(brains: Brains, shown: list[torch.Tensor], told: Told) -> tuple[torch.Tensor, torch.Tensor]:
    """States [B, H, C] and outputs [B, A + 1, C] after an observation. Source: Cho et al. 2014, eqs. 5 - 8."""
    met = torch.cat([torch.stack(shown, 1), told.action, told.reward.unsqueeze(1)], 1)
    hidden = told.state.shape[1]
    fed = torch.baddbmm(brains.inputs_bias, brains.inputs, met)
    recalled = torch.baddbmm(brains.state_bias, brains.state, told.state)
    gates = torch.sigmoid(fed[:, hidden:] + recalled[:, : 2 * hidden])
    candidate = torch.tanh(torch.addcmul(fed[:, :hidden], gates[:, :hidden], recalled[:, 2 * hidden :]))
    state = torch.lerp(candidate, told.state, gates[:, hidden:])
    return state, torch.baddbmm(brains.heads_bias, brains.heads, state)


def pull(brains: Brains, bandit: worlds.Bandit, told: Told, luck: torch.Tensor) -> tuple[worlds.Bandit, Told, Any]:
    """One step in the bandit with two uniform draws; returns the outputs too."""
    state, output = think(brains, worlds.bandit_shows(torch, bandit), told)
    with torch.no_grad():
        action = (luck[0] < torch.sigmoid(output[:, 1] - output[:, 0])).float()
        bandit, paid = worlds.bandit_step(torch, bandit, action, luck[1])
    return bandit, Told(torch.stack([1.0 - action, action], 1), paid, state), output


def run_about(brains: Brains, foal: worlds.Foal, told: Told, luck: Any) -> tuple[worlds.Foal, Told]:
    """One step in the savannah; `luck` has an action's noise, then four draws."""
    state, output = think(brains, worlds.foal_shows(torch, foal), told)
    action = torch.addcmul(output[:, :-1], brains.stdev, luck[0])
    foal, fitness, dead = worlds.foal_step(torch, foal, action.unbind(1), luck[1])
    if dead.any():
        lives = dead.shape[1]
        reborn = worlds.foal_begins(torch, (torch.randn(lives), *torch.rand(3, lives)))
        foal = worlds.Foal(*(torch.where(dead, new, old) for new, old in zip(reborn, foal, strict=True)))
    return foal, Told(action, fitness, state)


def nothing_yet(workload: Workload, brains: int, lives: int) -> Told:
    """What brains are told in their first step."""
    shapes = ((workload.actions, lives), (lives,), (workload.hidden, lives))
    return Told(*(torch.zeros(brains, *shape) for shape in shapes))


@torch.inference_mode()
def live(workload: Workload, brains: Brains) -> torch.Tensor:
    """Fitness of frozen lives, mean per step, [G, L]."""
    genomes, lives = workload.genomes, workload.keys
    told, fitness = nothing_yet(workload, genomes, lives), torch.zeros(genomes, lives)
    if workload.world == "bandit":
        bandit = worlds.bandit_born(torch, torch.rand(2, 1, lives).expand(2, genomes, lives))
        for luck in torch.rand(workload.steps, 2, lives):
            bandit, told, _ = pull(brains, bandit, told, luck)
            fitness += told.reward
        return fitness / workload.steps
    foal = worlds.foal_begins(torch, (torch.randn(lives), *torch.rand(3, lives)))
    foal = worlds.Foal(*(field.expand(genomes, lives) for field in foal))
    noise, uniform = torch.randn(workload.steps, 6, lives), torch.rand(workload.steps, 2, lives)
    for normal, chance in zip(noise, uniform, strict=True):
        foal, told = run_about(brains, foal, told, (normal[:4], (*normal[4:], *chance)))
        fitness += told.reward
    return fitness / workload.steps


def advantages_of(values: torch.Tensor, rewards: torch.Tensor) -> torch.Tensor:
    """Advantages [N, B] from values [N + 1, B]. Source: Schulman et al. 2016, eq. 16."""
    advantage, advantages = torch.zeros_like(values[0]), []
    errors = rewards + work.DISCOUNT * values[1:] - values[:-1]
    for error in errors.flip(0):
        advantage = error + work.DISCOUNT * work.GAE_LAMBDA * advantage
        advantages.append(advantage)
    return torch.stack(advantages[::-1])


def window_loss(brains: Brains, bandit: worlds.Bandit, told: Told, luck: Any) -> tuple[torch.Tensor, Any, Told, Any]:
    """Live a window: sum over lives, which share no weight, of its mean loss; the bandit, what is told, the fitness."""
    told = told._replace(state=told.state.detach())
    outputs, actions, rewards = [], [], []
    for row in luck:
        bandit, told, output = pull(brains, bandit, told, row)
        outputs.append(output.squeeze(2))
        actions.append(told.action.squeeze(2))
        rewards.append(told.reward.squeeze(1))
    output, reward = torch.stack(outputs), torch.stack(rewards)
    logs, values = output[..., :2].log_softmax(-1), output[..., 2]
    with torch.no_grad():
        last_value = think(brains, worlds.bandit_shows(torch, bandit), told)[1][:, 2, 0]
        advantages = advantages_of(torch.cat([values, last_value.unsqueeze(0)]), reward)
        returns = advantages + values
    chosen, entropy = (logs * torch.stack(actions)).sum(-1), -(logs.exp() * logs).sum(-1)
    losses = -chosen * advantages + 0.5 * (values - returns) ** 2 - work.ENTROPY_BONUS * entropy
    return losses.mean(0).sum(), bandit, told, reward.sum(0)


def live_and_learn(workload: Workload, genomes: Brains) -> torch.Tensor:
    """Fitness of lives that learn, mean per step, [G, L]: a brain for each life."""
    lives = workload.genomes * workload.keys
    brains = Brains(*(tensor.repeat_interleave(workload.keys, 0) for tensor in genomes))
    gates = 2 * workload.hidden
    recall_bias = brains.state_bias[:, gates:].clone().requires_grad_()
    learned = [brains.inputs, brains.inputs_bias, brains.state, recall_bias, brains.heads, brains.heads_bias]
    decays = (work.FIRST_DECAY, work.SECOND_DECAY)
    adam = torch.optim.Adam(
        [tensor.requires_grad_() for tensor in learned], memory_work.LEARNING_RATE, decays, work.EPSILON, foreach=True
    )
    no_bias = torch.zeros(lives, gates, 1)
    bandit = worlds.bandit_born(
        torch, torch.rand(2, 1, workload.keys).repeat(1, workload.genomes, 1).reshape(2, lives, 1)
    )
    told, fitness = nothing_yet(workload, lives, 1), torch.zeros(lives)
    for _ in range(workload.steps // workload.window):
        luck = torch.rand(workload.window, 2, 1, workload.keys).repeat(1, 1, workload.genomes, 1)
        now = brains._replace(state_bias=torch.cat([no_bias, recall_bias], 1))
        loss, bandit, told, earned = window_loss(now, bandit, told, luck.reshape(workload.window, 2, lives, 1))
        adam.zero_grad()
        loss.backward()
        adam.step()
        fitness += earned
    return fitness.reshape(workload.genomes, workload.keys) / workload.steps


def prepare(workload: Workload) -> Callable[[int], Any]:
    """Torch's threads are one; see `benchmarks.memory_work.main`."""
    torch.set_num_threads(1)
    brains = brains_of(workload)

    def evaluation(number: int) -> torch.Tensor:
        torch.manual_seed(number)
        return live_and_learn(workload, brains) if workload.learns else live(workload, brains)

    return evaluation


def main() -> None:
    """Live when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=memory_work.WORKLOADS)
    memory_work.main(parser.parse_args().workload, prepare)


if __name__ == "__main__":
    main()

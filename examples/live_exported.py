"""Live a life on a bandit with a brain that remembers, as `evolearn export` wrote it, with torch alone.

    evolearn run bandit-memory.yaml            # world: {name: bandit}, brain: {trunk: gru, hidden: [8], memory: life}
    evolearn export runs/bandit-memory-seed0-1 --to brain.pt
    python examples/live_exported.py brain.pt --pulls 100 --lives 1000

Two arms pay 1 or nothing, each as often as was drawn at birth. The brain sees what it pulled last, what that paid, and
a constant; its weights never change, and what it finds out is in its state. Printed is what it earned and what the
better arm would have paid.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

ARMS = 2


class Brain(nn.Module):
    """The network of the file for several lives side by side, and its state."""

    def __init__(self, weights: dict[str, torch.Tensor], lives: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList()
        for number in range(1, sum(name.endswith(".weight_ih") for name in weights) + 1):
            rows, inputs = weights[f"hidden{number}.weight_ih"].shape
            self.cells.append(nn.GRUCell(inputs, rows // 3))
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            self.cells[-1].load_state_dict({part: weights[f"hidden{number}.{part}"] for part in parts})
        self.weights = weights
        self.states = [torch.zeros(lives, cell.hidden_size) for cell in self.cells]  # as at birth

    def forward(self, told: torch.Tensor) -> torch.Tensor:
        """Logits [lives, actions] of what the brains are told [lives, I]; the states go on."""
        active = told
        for place, cell in enumerate(self.cells):
            active = self.states[place] = cell(active, self.states[place])
        if "readout.weight" in self.weights:
            gains = self.weights["readout.weight"]
            active = active * (1 + told[:, : gains.shape[1]] @ gains.T)
        return active @ self.weights["policy.weight"].T + self.weights["policy.bias"]


def live(brain: Brain, payoffs: torch.Tensor, pulls: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Live that many pulls.

    Args:
        brain: as at birth.
        payoffs: [lives, arms], how often each arm pays.
        pulls: how many.
    Returns:
        What was seen [pulls, lives, arms + 2], pulled [pulls, lives] and paid [pulls, lives].
    """
    lives = len(payoffs)
    told = torch.zeros(lives, ARMS + 2)  # last pull, what it paid, a constant
    told[:, -1] = 1.0
    seen, pulled, paid = [], [], []
    with torch.no_grad():
        for _ in range(pulls):
            seen.append(told)
            arm = torch.distributions.Categorical(logits=brain(told)).sample()
            pays = (torch.rand(lives) < payoffs.gather(1, arm[:, None])[:, 0]).float()
            told = torch.cat([nn.functional.one_hot(arm, ARMS).float(), pays[:, None], torch.ones(lives, 1)], dim=1)
            pulled.append(arm)
            paid.append(pays)
    return torch.stack(seen), torch.stack(pulled), torch.stack(paid)


def read(path: Path) -> dict[str, torch.Tensor]:
    """Weights by name.

    Raises:
        ValueError: no brain that could live here; the text says why.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; evolearn export RUN --to {path} writes one")
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            weights = dict(torch.load(path, weights_only=True))
    except Exception as error:  # of whatever kind the readers of damaged files raise
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if "hidden1.weight_ih" not in weights:
        raise ValueError(f"{path}: is no brain that remembers; evolve one with brain.trunk=gru")
    inputs, actions = weights["hidden1.weight_ih"].shape[1], weights["policy.weight"].shape[0]
    if (inputs, actions) != (ARMS + 2, ARMS):
        raise ValueError(
            f"{path}: is told {inputs} numbers and has {actions} actions; a bandit of {ARMS} arms shows {ARMS + 2} and "
            f"takes {ARMS}: evolve it with world.name=bandit and no more brain.inputs than the observation"
        )
    return weights


def main() -> None:
    """Print what some lives earned."""
    parser = argparse.ArgumentParser(description="Live a bandit with an exported brain that remembers.")
    parser.add_argument("file", type=Path, help="as evolearn export wrote it: .pt, .pth or .safetensors")
    parser.add_argument("--pulls", type=int, default=100, help="in a life")
    parser.add_argument("--lives", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.pulls < 1 or given.lives < 1:
        parser.error(f"--pulls {given.pulls} --lives {given.lives}: must be at least 1")
    try:
        weights = read(given.file)
    except ValueError as error:
        parser.error(str(error))
    torch.manual_seed(given.seed)
    payoffs = torch.rand(given.lives, ARMS)
    _, pulled, paid = live(Brain(weights, given.lives), payoffs, given.pulls)
    best = payoffs.max(dim=1).values
    regret = given.pulls * best - payoffs.gather(1, pulled.T).sum(dim=1)
    print(f"paid per pull: {paid.mean():.3f}; the better arm: {best.mean():.3f}; regret: {regret.mean():.2f}")


if __name__ == "__main__":
    main()

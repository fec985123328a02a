"""Load a brain that `evolearn export` wrote, with torch alone, whatever its size, and see what it does.

    evolearn export runs/cart-pole-seed0-1 --to brain.safetensors
    python examples/load_exported.py brain.safetensors 0.0 0.0 0.05 0.0
    python examples/load_exported.py brain.pt 0.0 0.0 0.05 0.0 --trunk mlp --policy categorical

The numbers are what the brain is told, one per observation; all zeros if none is given. One that remembers is shown as
it is at birth; examples/live_exported.py lives a life with it. A file that ends in
.safetensors needs safetensors too, and says itself which trunk and which policy it has. One that ends in .pt needs
torch alone, and must be told.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

ACTIVATIONS = {"mlp": nn.Tanh, "relu": nn.ReLU, "linear": nn.Identity}
# What a number that `policy` puts out is, for policies without standard deviations.
MEANINGS = {"categorical": "probability", "epsilon_greedy": "value", "deterministic": "action"}


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Weights by name, and the description if the file has one.

    Raises:
        ValueError: it is no file that this reads; the text says why.
    """
    suffix = path.suffix.lower()
    if suffix not in (".pt", ".pth", ".safetensors"):
        raise ValueError(f"{path}: must end in .pt, .pth or .safetensors; evolearn export writes all of them")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; evolearn export RUN --to {path} writes one")
    try:
        weights, description = _described(path) if suffix == ".safetensors" else (_plain(path), {})
    except ImportError as error:
        raise ValueError(f"{path}: needs the package {error.name}: pip install {error.name}; or export .pt") from error
    except Exception as error:  # of whatever kind the readers of damaged files raise
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if "policy.weight" not in weights:
        raise ValueError(f"{path}: is no exported brain; evolearn export {path} --to FILE makes one of DNA")
    return weights, description


def _plain(path: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(path, weights_only=True))


def _described(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return weights, json.loads((file.metadata() or {}).get("evolearn_brain", "{}"))


def network(weights: dict[str, torch.Tensor], head: str = "policy", trunk: str = "mlp") -> nn.Module:
    """Trunk and one head, "policy" or "value": from what the brain is told [.., I] to that head's outputs."""
    if trunk == "gru":
        return Remembering(weights, head)
    depth = sum(name.startswith("hidden") and name.endswith(".weight") for name in weights)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, depth + 1):
        layers[f"hidden{number}"] = linear(weights, f"hidden{number}")
        layers[f"active{number}"] = ACTIVATIONS[trunk]()
    if "readout.weight" in weights:
        return Product(nn.Sequential(layers), weights, head)
    layers[head] = linear(weights, head)
    return nn.Sequential(layers)


def linear(weights: dict[str, torch.Tensor], name: str) -> nn.Linear:
    """A layer of the file."""
    outputs, inputs = weights[f"{name}.weight"].shape
    layer = nn.Linear(inputs, outputs, bias=f"{name}.bias" in weights)
    layer.load_state_dict({part: weights[f"{name}.{part}"] for part in layer.state_dict()})
    return layer


class Product(nn.Module):
    """Reads a trunk's last layer times 1 + what is observed: `brain.readout: product`."""

    def __init__(self, trunk: nn.Module, weights: dict[str, torch.Tensor], head: str) -> None:
        super().__init__()
        self.trunk, self.readout, self.head = trunk, linear(weights, "readout"), linear(weights, head)

    def forward(self, told: torch.Tensor) -> torch.Tensor:
        """Outputs of what the brain is told; the world's observations are the first of it."""
        return self.head(self.trunk(told) * (1 + self.readout(told[..., : self.readout.in_features])))


class Remembering(nn.Module):
    """A trunk that carries a state, and one head. `states` is what it remembers; clear it to begin anew."""

    def __init__(self, weights: dict[str, torch.Tensor], head: str) -> None:
        super().__init__()
        self.cells = nn.ModuleList()
        for number in range(1, sum(name.endswith(".weight_ih") for name in weights) + 1):
            rows, inputs = weights[f"hidden{number}.weight_ih"].shape
            cell = nn.GRUCell(inputs, rows // 3)
            cell.load_state_dict({part: weights[f"hidden{number}.{part}"] for part in cell.state_dict()})
            self.cells.append(cell)
        self.readout = linear(weights, "readout") if "readout.weight" in weights else None
        self.head = linear(weights, head)
        self.states: list[torch.Tensor] = []

    def forward(self, told: torch.Tensor) -> torch.Tensor:
        """Outputs of what the brain is told [I] or, of several brains side by side, [B, I]; moves the states on."""
        states, active = self.states or [None] * len(self.cells), told
        self.states = []
        for cell, state in zip(self.cells, states, strict=True):
            active = cell(active, state)
            self.states.append(active)
        if self.readout is not None:
            active = active * (1 + self.readout(told[..., : self.readout.in_features]))
        return self.head(active)


def shown(weights: dict[str, torch.Tensor], outputs: torch.Tensor, kind: str | None, names: list[str]) -> list[str]:
    """A line per action: what it is drawn from, or what the output is; just the output if the policy is not known."""
    if "policy.log_stdev" in weights:
        stdevs = weights["policy.log_stdev"].exp()
        return [f"{n}: normal, mean {m:.4f}, stdev {s:.4f}" for n, m, s in zip(names, outputs, stdevs, strict=True)]
    numbers = outputs.softmax(-1) if kind == "categorical" else outputs
    meaning = MEANINGS.get(kind or "", "output")
    return [f"{name}: {meaning} {number:.4f}" for name, number in zip(names, numbers, strict=True)]


def main() -> None:
    """Print what the brain makes of one observation."""
    parser = argparse.ArgumentParser(description="See what an exported brain makes of an observation.")
    parser.add_argument("file", type=Path, help="as evolearn export wrote it: .pt, .pth or .safetensors")
    parser.add_argument("observation", type=float, nargs="*", help="one number per observation; 0 if none is given")
    parser.add_argument("--trunk", choices=list(ACTIVATIONS), help="of a .pt file, which does not say it")
    parser.add_argument("--policy", choices=list(MEANINGS), help="of a .pt file; without it, outputs are shown as such")
    given = parser.parse_args()
    try:
        weights, description = read(given.file)
    except ValueError as error:
        parser.error(str(error))
    trunk = "gru" if "hidden1.weight_ih" in weights else description.get("trunk", given.trunk)
    if trunk is None and "hidden1.weight" in weights:
        parser.error(
            f"{given.file}: does not say its trunk; give --trunk {' or '.join(ACTIVATIONS)}, as its run had it"
        )
    policy, value = (network(weights, head, trunk or "linear") for head in ("policy", "value"))
    first = next((name for name in ("hidden1.weight", "hidden1.weight_ih") if name in weights), "policy.weight")
    inputs = weights[first].shape[1]
    observed = given.observation or [0.0] * inputs
    if len(observed) != inputs:
        parser.error(f"{len(observed)} numbers given: this brain observes {inputs}; give all, or none")
    observation = torch.tensor(observed)
    with torch.no_grad():
        outputs, worth = policy(observation), value(observation)
    names = description.get("actions", [str(place) for place in range(len(outputs))])
    lines = shown(weights, outputs, description.get("policy", given.policy), names)
    print("\n".join([*lines, f"value: {worth.item():.4f}"]))


if __name__ == "__main__":
    main()

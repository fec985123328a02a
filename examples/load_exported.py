"""Load a brain that `evolearn export` wrote, with torch alone, whatever its size, and see what it does.

    evolearn export runs/cart-pole-seed0-1 --to brain.pt
    python examples/load_exported.py brain.pt 0.0 0.0 0.05 0.0

The numbers are what the brain observes, one per observation; zeros where they are left out. A file that ends in .pt
needs torch alone; one in .safetensors safetensors too, and says itself which trunk and which policy it has.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

ACTIVATIONS = {"mlp": nn.Tanh, "relu": nn.ReLU, "linear": nn.Identity}


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Weights by name, and the description if the file has one."""
    if path.suffix != ".safetensors":
        return torch.load(path, weights_only=True), {}
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["evolearn_brain"])  # noqa: SIM118


def network(weights: dict[str, torch.Tensor], head: str = "policy", trunk: str = "mlp") -> nn.Sequential:
    """Trunk and one head, "policy" or "value": from observations [.., O] to that head's outputs."""
    depth = sum(name.startswith("hidden") and name.endswith(".weight") for name in weights)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name in [*(f"hidden{number}" for number in range(1, depth + 1)), head]:
        outputs, inputs = weights[f"{name}.weight"].shape
        layers[name] = nn.Linear(inputs, outputs)
        if name != head:
            layers[f"{name}_active"] = ACTIVATIONS[trunk]()
    brain = nn.Sequential(layers)
    brain.load_state_dict({name: weights[name] for name in brain.state_dict()})
    return brain


def main() -> None:
    """Print what the brain makes of one observation."""
    parser = argparse.ArgumentParser(description="See what an exported brain makes of an observation.")
    parser.add_argument("file", type=Path, help="as evolearn export wrote it: .pt, .pth or .safetensors")
    parser.add_argument("observation", type=float, nargs="*", help="one number per observation; 0 if left out")
    parser.add_argument("--trunk", choices=list(ACTIVATIONS), help="of a .pt file; mlp if not given")
    given = parser.parse_args()
    weights, description = read(given.file)
    trunk = given.trunk or description.get("trunk", "mlp")
    policy, value = network(weights, "policy", trunk), network(weights, "value", trunk)
    observation = torch.zeros(policy[0].in_features)
    observation[: len(given.observation)] = torch.tensor(given.observation)
    with torch.no_grad():
        outputs, worth = policy(observation), value(observation)
    kind = description.get("policy", "gaussian" if "policy.log_stdev" in weights else "categorical")
    names = description.get("actions", [str(place) for place in range(len(outputs))])
    if kind == "categorical":
        shown = [f"{name}: probability {p:.4f}" for name, p in zip(names, outputs.softmax(-1), strict=True)]
    elif kind == "gaussian":
        stdevs = weights["policy.log_stdev"].exp()
        shown = [f"{n}: normal, mean {m:.4f}, stdev {s:.4f}" for n, m, s in zip(names, outputs, stdevs, strict=True)]
    else:
        shown = [f"{name}: {output:.4f}" for name, output in zip(names, outputs, strict=True)]
    print("\n".join([*shown, f"value: {worth.item():.4f}"]))


if __name__ == "__main__":
    main()

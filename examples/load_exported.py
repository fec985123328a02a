"""Load a brain that `evolearn export` wrote, with torch alone, whatever its size, and see what it does.

    evolearn export runs/cart-pole-seed0-1 --to brain.safetensors
    python examples/load_exported.py brain.safetensors 0.0 0.0 0.05 0.0
    python examples/load_exported.py brain.pt 0.0 0.0 0.05 0.0 --trunk mlp --policy categorical

The numbers are what the brain observes, one per observation; all zeros if none is given. A file that ends in
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
    trunk = description.get("trunk", given.trunk)
    if trunk is None and "hidden1.weight" in weights:
        parser.error(
            f"{given.file}: does not say its trunk; give --trunk {' or '.join(ACTIVATIONS)}, as its run had it"
        )
    policy, value = (network(weights, head, trunk or "linear") for head in ("policy", "value"))
    observed = given.observation or [0.0] * policy[0].in_features
    if len(observed) != policy[0].in_features:
        parser.error(f"{len(observed)} numbers given: this brain observes {policy[0].in_features}; give all, or none")
    observation = torch.tensor(observed)
    with torch.no_grad():
        outputs, worth = policy(observation), value(observation)
    names = description.get("actions", [str(place) for place in range(len(outputs))])
    lines = shown(weights, outputs, description.get("policy", given.policy), names)
    print("\n".join([*lines, f"value: {worth.item():.4f}"]))


if __name__ == "__main__":
    main()

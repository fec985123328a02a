"""The lines of Python that load an exported brain where there is no evolearn."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from evolearn.dna import DNA

_ACTIVATIONS = {"mlp": "Tanh", "relu": "ReLU", "linear": ""}
_ACTION = {
    "categorical": "torch.distributions.Categorical(logits=brain(observation)).sample()",
    "gaussian": 'torch.distributions.Normal(brain(observation), weights["policy.log_stdev"].exp()).sample()',
    "epsilon_greedy": "brain(observation).argmax(-1)",
    "deterministic": "brain(observation)",
}


def loading_code(dna: DNA, path: Path) -> str:
    """Python that loads an exported brain and lets it act once; needs torch, or ONNX Runtime, and no evolearn.

    Args:
        dna: that was exported.
        path: of the file, as the code is to name it; its suffix says how it is read.
    """
    seen = _listed(dna.observations)
    if path.suffix.lower() == ".onnx":
        return "\n".join(
            [
                "import numpy as np",
                "import onnxruntime",
                "",
                f"session = onnxruntime.InferenceSession({_quoted(path)})",
                f"observation = np.zeros((1, {dna.brain.observations}), np.float32)  # {seen}",
                'policy, value = session.run(None, {"observation": observation})',
            ]
        )
    return "\n".join([*_opening(path), *_network(dna), *_acting(dna, seen)])


def _opening(path: Path) -> list[str]:
    imports = ["import torch"]
    if path.suffix.lower() == ".safetensors":
        imports += ["from safetensors.torch import load_file", "from torch import nn"]
        return [*imports, "", f"weights = load_file({_quoted(path)})"]
    return [*imports, "from torch import nn", "", f"weights = torch.load({_quoted(path)}, weights_only=True)"]


def _network(dna: DNA) -> list[str]:
    activation = _ACTIVATIONS[dna.brain.trunk]
    layers = []
    for number, (inputs, units) in enumerate(itertools.pairwise(dna.brain.layers), start=1):
        layers.append(f'brain.add_module("hidden{number}", nn.Linear({inputs}, {units}))')
        layers.append(f'brain.add_module("{activation.lower()}{number}", nn.{activation}())')
    return [
        "brain = nn.Sequential()",
        *layers,
        f'brain.add_module("policy", nn.Linear({dna.brain.layers[-1]}, {dna.brain.actions}))',
        "brain.load_state_dict({name: weights[name] for name in brain.state_dict()})",
    ]


def _acting(dna: DNA, seen: str) -> list[str]:
    return [
        f"observation = torch.zeros({dna.brain.observations})  # {seen}",
        f"action = {_ACTION[dna.brain.policy]}  # {_listed(dna.actions)}",
    ]


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def _listed(names: tuple[str, ...], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest

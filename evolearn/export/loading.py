"""The lines of Python that load an exported brain where there is no evolearn."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evolearn.agent import FOR_LIFE, PRODUCT, activation_of, find_learner, find_policy, find_trunk, input_names
from evolearn.errors import lacking
from evolearn.files import FileDamaged
from evolearn.run import DNA
from evolearn.world import GYMNASIUM, GymnasiumWorld, find_world

CONVERSION = "clip(action * (high - low) / 2 + (high + low) / 2, low, high), where both bounds are finite"


def loading_code(dna: DNA, path: Path) -> str:
    """Python that loads an exported brain and lets it act once; needs torch, or ONNX Runtime, and no evolearn.

    If the brain evolved in a Gymnasium environment, the action becomes one that it takes: of a Discrete, by its start;
    of a Box, whose bounds are looked up; where the environment is not to be had, a comment says what to do.

    Args:
        dna: that was exported.
        path: of the file, as the code is to name it; its suffix says how it is read.
    Raises:
        PartError: the row of a part of its brain does not say what it is in torch.
    """
    seen = _listed(input_names(dna.brain, dna.observations, dna.actions))
    if path.suffix.lower() == ".onnx":
        counted = choice_in_environment(dna, "the number of the choice, from 0")
        return "\n".join(
            [
                "import numpy as np",
                "import onnxruntime",
                "",
                f"session = onnxruntime.InferenceSession({_quoted(path)})",
                f"observation = np.zeros((1, {dna.brain.told}), np.float32)  # {seen}",
                *_run(dna),
                *([f"# an action is {', '.join(counted)}"] if counted else []),
            ]
        )
    return "\n".join([*_opening(path), *_network(dna), *_acting(dna, seen)])


def _opening(path: Path) -> list[str]:
    imports = ["import torch"]
    if path.suffix.lower() == ".safetensors":
        imports += ["from safetensors.torch import load_file", "from torch import nn"]
        return [*imports, "", f"weights = load_file({_quoted(path)})"]
    return [*imports, "from torch import nn", "", f"weights = torch.load({_quoted(path)}, weights_only=True)"]


def _run(dna: DNA) -> list[str]:
    """Of a session of ONNX Runtime, once."""
    if not dna.brain.carries:
        return ['policy, value = session.run(None, {"observation": observation})']
    return [
        f"state = np.zeros((1, {sum(dna.brain.hidden)}), np.float32)  # {_beginning(dna)}",
        'policy, value, state = session.run(None, {"observation": observation, "state": state})',
    ]


def _beginning(dna: DNA) -> str:
    return "zeros at birth alone" if dna.brain.memory == FOR_LIFE else "zeros at birth, and at every new episode"


def _network(dna: DNA) -> list[str]:
    brain = dna.brain
    if brain.readout == PRODUCT or brain.carries:
        return [
            "",
            "class Brain(nn.Module):",
            *_layers(dna),
            "",
            "    def forward(self, observation):",
            *_thinking(dna),
            "",
            "brain = Brain()",
            "brain.load_state_dict({name: weights[name] for name in brain.state_dict()})",
        ]
    activation = type(activation_of(dna.brain.trunk)).__name__
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


def _layers(dna: DNA) -> list[str]:
    """The layers of a brain that is no mere sequence of them."""
    brain, cell = dna.brain, find_trunk(dna.brain.trunk).torch_cell
    sizes = (brain.told, *brain.hidden)
    lines = ["def __init__(self):", "    super().__init__()"]
    for number, (inputs, units) in enumerate(itertools.pairwise(sizes), start=1):
        lines.append(f"    self.hidden{number} = nn.{cell or 'Linear'}({inputs}, {units})")
    if brain.readout == PRODUCT:
        lines.append(f"    self.readout = nn.Linear({brain.observations}, {sizes[-1]}, bias=False)")
    lines.append(f"    self.policy = nn.Linear({sizes[-1]}, {brain.actions})")
    if cell:
        states = ", ".join(f"torch.zeros({units})" for units in brain.hidden)
        lines.append(f"    self.states = [{states}]  # {_beginning(dna)}")
    return [f"    {line}" for line in lines]


def _thinking(dna: DNA) -> list[str]:
    """What such a brain does with its layers, once per step."""
    brain = dna.brain
    activation = None if brain.carries else type(activation_of(brain.trunk)).__name__
    lines, active = [], "observation"
    for number in range(1, len(brain.hidden) + 1):
        if brain.carries:
            lines.append(f"self.states[{number - 1}] = self.hidden{number}({active}, self.states[{number - 1}])")
            active = f"self.states[{number - 1}]"
        else:
            lines.append(f"active = nn.{activation}()(self.hidden{number}({active}))")
            active = "active"
    if brain.readout == PRODUCT:
        lines.append(f"active = {active} * (1 + self.readout(observation[:{brain.observations}]))")
        active = "active"
    return [f"        {line}" for line in [*lines, f"return self.policy({active})"]]


def _acting(dna: DNA, seen: str) -> list[str]:
    code = find_policy(dna.brain.policy).torch_code
    if code is None:
        remedy = 'the action, from brain, weights and observation, a line of Python: "brain(observation)"'
        raise lacking("policy", dna.brain.policy, "torch_code", "there is no code that acts by its brains", remedy)
    return [
        f"observation = torch.zeros({dna.brain.told})  # {seen}",
        f"action = {code}  # {_listed(dna.actions)}",
        *_converting(dna),
    ]


def choice_in_environment(dna: DNA, choice: str) -> tuple[str, str] | None:
    """What its environment of Gymnasium takes for a choice, and what that is.

    None: it takes no choices, or is no such environment.

    Args:
        dna: that evolved there.
        choice: the brain's, from 0: a text, or an expression of Python.
    """
    policies = find_learner(dna.config.learner.name).policies
    if not dna.world.startswith(GYMNASIUM) or dna.brain.policy == policies.get("box"):
        return None
    try:
        first, last = int(dna.actions[0]), int(dna.actions[-1])
    except ValueError as error:
        raise FileDamaged(
            f"{dna.path}: its actions are not numbered, as those of {dna.world} are; copy it again"
        ) from error
    plus = f" + {first}" if first > 0 else f" - {-first}" if first else ""
    return f"{choice}{plus}", f"of the environment's Discrete, {first} .. {last}"


def _converting(dna: DNA) -> list[str]:
    """From the brain's action to one that its environment takes; nothing where they are the same."""
    if not dna.world.startswith(GYMNASIUM):
        return []
    if counted := choice_in_environment(dna, "int(action)"):
        return [f"action = {'  # '.join(counted)}"]
    bounds = _bounds(dna)
    if bounds is None:
        return [f"# then, with the bounds of the environment's actions: {CONVERSION}"]
    low, high = map(np.array, bounds)
    bounded = np.maximum(np.abs(low), np.abs(high)) < np.finfo(np.float32).max
    if np.isinf([low, high]).all():
        return []
    with np.errstate(invalid="ignore"):  # inf - inf, of dimensions that are not scaled
        scale, centre = np.where(bounded, (high - low) / 2, 1.0), np.where(bounded, (high + low) / 2, 0.0)
    return [
        f"scale, centre = {_tensor(scale)}, {_tensor(centre)}  # of the environment's Box",
        f"low, high = {_tensor(low)}, {_tensor(high)}",
        "action = (action * scale + centre).clamp(low, high)",
    ]


def _bounds(dna: DNA) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Of the actions of the environment that the brain evolved in; None if it has none, or cannot be looked at."""
    try:
        world = find_world(dna.config.world.full_name, dna.config.hang_seconds)
    except Exception:  # somebody else's constructor, or not installed here: no reason not to load a brain
        return None
    return world.bounds if isinstance(world, GymnasiumWorld) else None


def _tensor(values: npt.NDArray[np.float64]) -> str:
    numbers = ", ".join(str(number) for number in values.astype(np.float32)).replace("inf", "torch.inf")
    return f"torch.tensor([{numbers}])"


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def _listed(names: tuple[str, ...], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    listed = ", ".join(names[:most]) + rest
    return "".join(character if character.isprintable() else " " for character in listed)  # a comment is one line

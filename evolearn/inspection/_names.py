"""Names of what a brain is made of: its inputs, its outputs, and every single weight by what it connects."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

from evolearn.agent import OF_CHOICES, BrainSpec, find_policy
from evolearn.run import DNA

VALUE = "value"


def action_labels(dna: DNA) -> tuple[str, ...]:
    """Names of choices or of dimensions of an action; those without a name of their own by number."""
    return tuple(f"action {name}" if name.removeprefix("-").isdigit() else name for name in dna.actions)


def output_labels(dna: DNA) -> tuple[str, ...]:
    """Names of the policy's outputs, then the value's if anything reads it."""
    return action_labels(dna) + ((VALUE,) if find_policy(dna.brain.policy).has_value else ())


_GATES = ("candidate", "reset", "update")  # of a gated unit, in the order of its weights


def weight_names(brain: BrainSpec, told: Sequence[str], actions: Sequence[str]) -> dict[str, list[str]]:
    """A name for every weight, by block, in the order of the block: ``hidden1.weight[angle -> 3]``.

    Blocks of a trunk whose layers are neither dense nor gated go by place.

    Args:
        brain: whose.
        told: names of all that the brain is told, see `DNA.inputs`.
        actions: names of the policy's outputs.
    Returns:
        Lists as long as the blocks of `BrainSpec.tensors`; hidden units are counted from 0.
    """
    layers = [list(told), *([str(unit) for unit in range(size)] for size in brain.hidden)]
    heads = {"policy": list(actions), VALUE: [VALUE], "prediction": _predicted(brain, told, actions)}
    names = {}
    for tensor in brain.tensors:
        block, part = tensor.name.rsplit(".", 1)
        layer = re.fullmatch(r"hidden(\d+)(\.inputs|\.state)?", block)
        if block in heads:
            ends = [f"{one} -> {unit}" for unit in heads[block] for one in layers[-1]]
            own = heads[block]
        elif block == "readout":
            ends = [f"{one} -> {unit}" for one in told[: brain.observations] for unit in layers[-1]]
            own = []
        elif layer is not None:
            number = int(layer[1])
            own = (
                layers[number] if layer[2] is None else [f"{gate} {unit}" for gate in _GATES for unit in layers[number]]
            )
            ends = [f"{one} -> {unit}" for one in layers[number - (layer[2] != ".state")] for unit in own]
        else:
            ends = own = []
        known = [f"{tensor.name}[{end}]" for end in (ends if part == "weight" else own)]
        names[tensor.name] = known if len(known) == tensor.size else numbered(tensor.name, tensor.shape)
    return names


def value_names(observations: Sequence[str], hidden: Sequence[int]) -> dict[str, list[str]]:
    """A name for every number of an innate value's network, by gene: ``value.0.weight[angle -> 3]``.

    Args:
        observations: names of what the world shows.
        hidden: units per layer.
    """
    layers = [list(observations), *([str(unit) for unit in range(units)] for units in hidden), [VALUE]]
    names = {}
    for number, (below, above) in enumerate(itertools.pairwise(layers)):
        gene = f"{VALUE}.{number}"
        names[f"{gene}.weight"] = [f"{gene}.weight[{one} -> {unit}]" for one in below for unit in above]
        names[f"{gene}.bias"] = [f"{gene}.bias[{unit}]" for unit in above]
    return names


def _predicted(brain: BrainSpec, told: Sequence[str], actions: Sequence[str]) -> list[str]:
    """What each number of the prediction head's blocks is of: ``left: change of light``."""
    outcomes = [f"change of {name}" for name in told[: brain.observations]] + ["reward", "end"]
    blocks = list(actions) if brain.prediction == OF_CHOICES else ["any action", *actions]
    return [f"{block}: {outcome}" for block in blocks for outcome in outcomes]


def numbered(name: str, shape: tuple[int, ...]) -> list[str]:
    """Names of the entries of a block of which nothing but its shape is known."""
    if not shape:
        return [name]
    size = math.prod(shape)
    places = []
    for flat in range(size):
        place, rest = [], flat
        for length in reversed(shape):
            rest, index = divmod(rest, length)
            place.append(str(index))
        places.append(f"{name}[{', '.join(reversed(place))}]")
    return places

"""Names of what a brain is made of: its inputs, its outputs, and every single weight by what it connects."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from evolearn.agent import BrainSpec, find_policy
from evolearn.run import DNA

VALUE = "value"


def action_labels(dna: DNA) -> tuple[str, ...]:
    """Names of choices or of dimensions of an action; those without a name of their own by number."""
    return tuple(f"action {name}" if name.removeprefix("-").isdigit() else name for name in dna.actions)


def output_labels(dna: DNA) -> tuple[str, ...]:
    """Names of the policy's outputs, then the value's if anything reads it."""
    return action_labels(dna) + ((VALUE,) if find_policy(dna.brain.policy).has_value else ())


def weight_names(brain: BrainSpec, observations: Sequence[str], actions: Sequence[str]) -> dict[str, list[str]]:
    """A name for every weight, by block, in the order of the block: ``hidden1.weight[angle -> 3]``.

    Blocks of a trunk that is not laid out in dense layers go by place.

    Args:
        brain: whose.
        observations: names of the inputs.
        actions: names of the policy's outputs.
    Returns:
        Lists as long as the blocks of `BrainSpec.tensors`; hidden units are counted from 0.
    """
    last = [str(unit) for unit in range(brain.hidden[-1])] if brain.hidden else list(observations)
    names = {}
    for tensor in brain.tensors:
        layer, part = tensor.name.rsplit(".", 1)
        units = {"policy": list(actions), VALUE: [VALUE]}.get(layer)
        if units is None and not re.fullmatch(r"hidden\d+\.(weight|bias)", tensor.name):
            names[tensor.name] = numbered(tensor.name, tensor.shape)
            continue
        if units is None:
            number = int(layer.removeprefix("hidden"))
            units = [str(unit) for unit in range(brain.layers[number])]
            inputs = [str(unit) for unit in range(brain.layers[number - 1])] if number > 1 else list(observations)
            ends = [f"{one} -> {unit}" for one in inputs for unit in units]
        else:
            ends = [f"{one} -> {unit}" for unit in units for one in last]
        names[tensor.name] = [f"{tensor.name}[{end}]" for end in (ends if part == "weight" else units)]
    return names


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

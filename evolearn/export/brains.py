"""Brains that leave the house: a newborn's network as a file that needs no evolearn to be used.

What the file is follows from its suffix, see FORMATS. Weights carry the names of `BrainSpec.tensors`, matrices as torch
has them, [outputs, inputs]; a recurrent layer is torch's cell, with the names of its parameters. They are those of
birth, before any learning. Log standard deviations are held within the bounds that the compiled policy holds them to,
so that whoever reads them draws from the same distribution. The same DNA gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from evolearn.agent import (
    FOR_LIFE,
    NO_PREDICTION,
    OF_CHOICES,
    BrainSpec,
    TorchBrain,
    brain_of,
    find_learner,
    find_policy,
    input_names,
)
from evolearn.errors import UserError, lacking, offer
from evolearn.export.loading import CONVERSION, choice_in_environment
from evolearn.files import FileUnfit, parse_json, read_tensor_labels, write_whole
from evolearn.genome import FRESH, FloatArray, plasticity_by_gene, value_by_gene
from evolearn.run import DNA
from evolearn.world import GYMNASIUM

FORMAT = 1  # of the description; a change that old readers do not understand raises it
DESCRIPTION = "evolearn_brain"  # its name among the metadata of .safetensors and .onnx
OPSET, IR_VERSION = 13, 7  # of ONNX 1.8, 2020

_FROM_GYMNASIUM = (
    "observations as the environment gives them, flattened, float32; those of a Discrete space one-hot, as they are "
    "listed. "
)
_TO_BOX = f"An action for a Box space is {CONVERSION}"
_FROM_WORLD = "observations float32, in their order; actions of several dimensions are held within bounds by the world"

Tensors = dict[str, torch.Tensor]


class ExportError(UserError, ValueError):
    """DNA that has no brain to export, or a file that cannot be written; the text says which and what to do."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    tensors: Tensors  # by name, as they were written
    description: Mapping[str, Any]  # see `describe`
    replaced: bool  # whether a file was there


def export(dna: DNA, to: Path, force: bool = False) -> Exported:
    """Write the brain that some DNA is born with.

    Args:
        dna: whose.
        to: the file; its suffix, a key of FORMATS, says what it becomes.
        force: whether a file that is there may be replaced; one with DNA never is.
    Raises:
        ExportError: the DNA carries no weights, its newborn acts by more than its network, `to` is refused, or what
            writes that format is not installed.
        PartError: the row of a part of its brain does not say what that format needs.
    """
    replaced = _check_target(to, force)
    _check_weights(dna)
    _check_acting(dna)
    brain = brain_of(dna.brain, dna.newborns.weights[0])
    suffix = to.suffix.lower()
    description = describe(dna, suffix)
    payload = FORMATS[suffix](brain, description)
    try:
        write_whole(to, payload)
    except OSError as error:
        raise ExportError(f"--to {to}: cannot be written: {error.strerror}; name another") from error
    return Exported(to, _tensors(brain), description, replaced)


def describe(dna: DNA, suffix: str = ".safetensors") -> dict[str, Any]:
    """All that is needed to use a brain rightly and to say where it comes from, for JSON.

    Args:
        dna: whose brain it is.
        suffix: of the file, a key of FORMATS: what it puts out follows from it.

    Keys: ``format``, ``world`` (as in a config), ``observations`` and ``units``, ``actions``, ``trunk``, ``hidden``
    (units per layer), ``inputs`` (a name for every number that it is told), ``memory`` (what is carried from step to
    step; null: nothing), ``readout``, ``prediction`` (what its prediction head is; null: it has none), ``policy``,
    ``outputs`` (what they mean), ``conversion`` (how the world's numbers become those of the brain and back),
    ``learner``, ``drives`` and ``plasticity`` (natural values; null where a value is drawn in every life), ``value``
    (of DNA with an innate value: its ``uses``, ``numbers`` and ``how``), ``role``, ``lineage``, ``seed``,
    ``dna_sha256``.
    """
    is_gymnasium = dna.world.startswith(GYMNASIUM)
    return {
        "format": FORMAT,
        "world": {**dna.config.world.model_dump(mode="json"), "parameters": dict(dna.header["world"]["parameters"])},
        "observations": list(dna.observations),
        "units": list(dna.header["brain"]["units"]),
        "actions": list(dna.actions),
        "trunk": dna.brain.trunk,
        "hidden": list(dna.brain.hidden),
        "inputs": list(input_names(dna.brain, dna.observations, dna.actions)),
        "memory": _memory(dna.brain),
        "readout": dna.brain.readout,
        "prediction": _prediction(dna.brain, suffix),
        "policy": dna.brain.policy,
        "outputs": {
            "policy": how_to_act(dna.brain.policy, suffix),
            "value": find_learner(dna.config.learner.name).value or "not used by this learner",
        },
        "conversion": _FROM_GYMNASIUM + _to_gymnasium(dna) if is_gymnasium else _FROM_WORLD,
        "learner": dna.config.learner.name,
        "drives": _natural(dna, "drives", dict(zip(dna.drives, dna.newborns.drives[0].tolist(), strict=True))),
        "plasticity": _natural(dna, "plasticity", plasticity_by_gene(dna.pool, dna.newborns.plasticity[0])),
        **_value(dna),
        "role": dna.role,
        "lineage": dict(dna.header["lineage"]),
        "seed": dna.config.seed,
        "dna_sha256": dna.sha256,
    }


def _value(dna: DNA) -> dict[str, Any]:
    """The innate value, of DNA that has one; it is no part of the network, which nothing shapes once it has left."""
    part = dna.config.value
    if part is None:
        return {}
    layers = f"layers of {list(part.hidden)} tanh units" if part.hidden else "no hidden layers"
    what = f"observations @ weight + bias, {layers}, one output"
    if part.read == "learned":
        what = "V is the value output of the network, which life teaches"
    return {
        "value": {
            "uses": list(part.uses),
            "numbers": _natural(dna, "value", value_by_gene(dna.pool, dna.newborns.value[0])),
            "how": f"{what}; potential adds discount x V(next) - V(now) to "
            "the reward, with V = 0 after an episode that terminated; acting adds beta x V of what is predicted to "
            "follow to each choice, which at birth is the same for all of them, since nothing is predicted yet",
        }
    }


def _memory(brain: BrainSpec) -> str | None:
    """What a brain carries from step to step, and for how long."""
    if not brain.remembers:
        return None
    state = f"a state of {sum(brain.hidden)} numbers, that of all layers side by side" if brain.carries else ""
    told = "what it is told of the step before" if brain.told_of_the_past else ""
    carried = " and ".join(filter(None, [state, told]))
    lasting = ", kept over episodes" if brain.memory == FOR_LIFE else " and at every new episode"
    return f"{carried}: zeros at birth{lasting}"


def _prediction(brain: BrainSpec, suffix: str) -> str | None:
    """What a brain's prediction head is, and whether it is in the file."""
    if brain.prediction == NO_PREDICTION:
        return None
    if suffix == ".onnx":
        return "left out, since acting does not read it: it is in a .safetensors or .pt file"
    of = "a block for each choice" if brain.prediction == OF_CHOICES else "a block for any action, one for each number"
    return (
        f"prediction.weight and prediction.bias, {of}: changes of the observations, then reward and end, from what the "
        "other heads read"
    )


def _to_gymnasium(dna: DNA) -> str:
    counted = choice_in_environment(dna, "the number of the choice, from 0")
    return _TO_BOX if counted is None else f"An action is {', '.join(counted)}"


def how_to_act(policy: str, suffix: str) -> str:
    """What to do with what a policy puts out, by the format of the file.

    Raises:
        PartError: its row does not say.
    """
    row = find_policy(policy)
    if row.how_to_act is None:
        remedy = 'what the layer `policy` puts out, and how to act by it: "policy holds the action itself"'
        raise lacking("policy", policy, "how_to_act", "nobody could use an exported brain", remedy)
    return (row.how_to_act_by_graph if suffix == ".onnx" else None) or row.how_to_act


def description_of(path: Path) -> dict[str, Any]:
    """The description in an exported ``.safetensors`` file.

    Raises:
        ExportError: it has none.
    """
    try:
        content = parse_json(read_tensor_labels(path)[DESCRIPTION])
        if not isinstance(content, dict):
            raise ValueError("its description is no table of names and values")
        return content
    except (FileUnfit, KeyError, ValueError) as error:
        raise ExportError(f"{path}: is not a brain that evolearn exported as .safetensors: {error}") from error


def _natural(dna: DNA, group: str, values: Mapping[str, float | FloatArray]) -> dict[str, Any]:
    """Natural values of the genes of a group, by name: numbers, or lists."""
    natural = {name: value if isinstance(value, float) else value.tolist() for name, value in values.items()}
    return {
        gene.name: None if dna.pool.mode(gene) == FRESH else natural[gene.name]
        for gene in dna.pool.genes
        if gene.group == group
    }


def _check_weights(dna: DNA) -> None:
    if dna.pool.modes["weights"] == FRESH:
        carried = ", ".join(f"{gene.group}.{gene.name}" for gene in dna.pool.evolved)
        raise ExportError(
            f"{dna.path}: carries no weights (genome.weights.mode=fresh): they are drawn afresh in every life, and "
            f"there is no brain to export; what it carries, `evolearn inspect` shows: {carried}"
        )


def _check_acting(dna: DNA) -> None:
    """Refuse a network without the value by which its newborn prefers what it predicts: it would act otherwise.

    A newborn that predicts nothing is led nowhere by value: what is added to its choices is the same for all of them.
    """
    part = dna.config.value
    predicting = dna.newborns.weights[0, dna.brain.weights - dna.brain.predicting :]
    if part is None or "acting" not in part.uses or not predicting.any():
        return
    raise ExportError(
        f"{dna.path}: acts by more than its network (value.uses={list(part.uses)}): at birth it adds what it predicts "
        "each choice to lead to, weighed by value, and the network alone would act otherwise; live with it in Python "
        "by evolearn.live, or evolve with genome.prediction=learned, whose newborns predict nothing, or without acting"
    )


def _check_target(to: Path, force: bool) -> bool:
    """Whether there is a file to be replaced; refuses what cannot be written, before any work."""
    if to.suffix.lower() not in FORMATS:
        raise ExportError(f"--to {to}: must end in one of {', '.join(FORMATS)}.{_meant(to.suffix)}")
    if not os.path.isdir(to.parent):
        raise ExportError(f"--to {to}: there is no folder {to.parent}; make it, or name another")
    if os.path.isdir(to):
        raise ExportError(f"--to {to}: is a folder; name a file")
    if _is_dna(to):
        raise ExportError(f"--to {to}: is DNA, which an export never replaces; name another file")
    if (there := os.path.lexists(to)) and not force:
        raise ExportError(f"--to {to}: exists already; give --force to replace it, or name another")
    if there and not os.path.isfile(to):
        raise ExportError(f"--to {to}: is not a regular file, which an export never replaces; name another")
    return there


def _meant(suffix: str) -> str:
    return offer(suffix, FORMATS).partition(" Known:")[0] if suffix else ""


def _is_dna(path: Path) -> bool:
    try:
        return "evolearn" in read_tensor_labels(path)
    except FileUnfit:
        return False


def _tensors(brain: TorchBrain) -> Tensors:
    return {name: tensor.detach().contiguous() for name, tensor in brain.state_dict().items()}


def _safetensors(brain: TorchBrain, description: Mapping[str, Any]) -> bytes:
    return safetensors.torch.save(_tensors(brain), metadata={DESCRIPTION: json.dumps(description)})


def _state_dict(brain: TorchBrain, description: Mapping[str, Any]) -> bytes:
    """A plain dictionary of tensors; it has no place for the description."""
    buffer = io.BytesIO()  # a file's name would get into the bytes
    torch.save(_tensors(brain), buffer)
    return buffer.getvalue()


def _onnx(brain: TorchBrain, description: Mapping[str, Any]) -> bytes:
    try:
        from evolearn.export._onnx_graph import onnx_graph
    except ModuleNotFoundError as error:
        raise ExportError(
            f"--to .onnx: needs the package {error.name}, which is not installed: pip install 'evolearn[onnx]'; or "
            "export to .safetensors or .pt"
        ) from error
    tensors = {name: tensor.numpy() for name, tensor in _tensors(brain).items()}
    return onnx_graph(brain.spec, tensors, {DESCRIPTION: json.dumps(description)}, OPSET, IR_VERSION)


# From a brain and its description to the bytes of a file, by suffix.
FORMATS: dict[str, Callable[[TorchBrain, Mapping[str, Any]], bytes]] = {
    ".safetensors": _safetensors,
    ".pt": _state_dict,
    ".pth": _state_dict,
    ".onnx": _onnx,
}

"""A brain as an ONNX graph. The only importer of onnx, which the extra ``[onnx]`` brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from evolearn.agent import PRODUCT, BrainSpec, find_trunk
from evolearn.errors import PartError, lacking, nearest


def onnx_graph(
    spec: BrainSpec, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str], opset: int, ir_version: int
) -> bytes:
    """The bytes of an ONNX file.

    Input ``observation`` [batch, I], what it is told; outputs ``policy`` [batch, policy parameters] and ``value``
    [batch]; all float32, batch of any size. A brain that carries a state has besides an input ``state`` [batch, S] and
    an output ``next_state`` [batch, S]. A prediction head is left out: acting does not read it.

    Args:
        spec: of the brain.
        tensors: float32, by the names that they have in `TorchBrain`; matrices [outputs, inputs].
        metadata: texts that the file carries along.
        opset: version of ONNX's operators.
        ir_version: version of the file format.
    Raises:
        PartError: the trunk's row names no operator, or one that is none.
    """
    nodes, active = _trunk(spec, opset)
    if spec.log_stdevs:
        nodes += [
            _dense("policy", active, "means"),
            helper.make_node("Shape", ["means"], ["shape"]),
            helper.make_node("Expand", ["policy.log_stdev", "shape"], ["log_stdevs"]),
            helper.make_node("Concat", ["means", "log_stdevs"], ["policy"], axis=1),
        ]
    else:
        nodes.append(_dense("policy", active, "policy"))
    nodes += [_dense("value", active, "values"), helper.make_node("Squeeze", ["values", "last axis"], ["value"])]
    constants = [
        numpy_helper.from_array(array, name) for name, array in tensors.items() if not name.startswith("prediction.")
    ]
    constants.append(helper.make_tensor("last axis", TensorProto.INT64, [1], [1]))
    constants += _sizes(spec)
    told = [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", spec.told])]
    spoken = [
        helper.make_tensor_value_info("policy", TensorProto.FLOAT, ["batch", spec.outputs - 1]),
        helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch"]),
    ]
    if spec.carries:
        size = sum(spec.hidden)
        told.append(helper.make_tensor_value_info("state", TensorProto.FLOAT, ["batch", size]))
        spoken.append(helper.make_tensor_value_info("next_state", TensorProto.FLOAT, ["batch", size]))
    graph = helper.make_graph(
        nodes,
        "brain",
        told,
        spoken,
        constants,
    )
    model = helper.make_model(graph, producer_name="evolearn", opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _trunk(spec: BrainSpec, opset: int) -> tuple[list[Any], str]:
    """The nodes from what is told to what the heads read, and the name of that."""
    row = find_trunk(spec.trunk)
    nodes: list[Any] = []
    active = "observation"
    numbers = range(1, len(spec.hidden) + 1)
    if spec.carries:
        olds = [f"hidden{number}.old" for number in numbers]
        nodes.append(helper.make_node("Split", ["state", "layers"], olds, axis=1))
        for number in numbers:
            nodes += _cell(f"hidden{number}", active)
            active = f"hidden{number}"
        nodes.append(helper.make_node("Concat", [f"hidden{number}" for number in numbers], ["next_state"], axis=1))
    else:
        if row.has_hidden and row.onnx_operator is None:
            remedy = 'the name of its activation among ONNX\'s operators, for example onnx_operator="Tanh"'
            raise lacking("trunk", spec.trunk, "onnx_operator", "its brains cannot be had as .onnx", remedy)
        if row.onnx_operator is not None:
            _check_operator(spec.trunk, row.onnx_operator, opset)
        for number in numbers:
            layer = f"hidden{number}"
            nodes += [
                _dense(layer, active, f"{layer}.sum"),
                helper.make_node(str(row.onnx_operator), [f"{layer}.sum"], [layer]),
            ]
            active = layer
    if spec.readout == PRODUCT:
        nodes += [
            helper.make_node("Slice", ["observation", "first", "observations", "last axis"], ["observed"]),
            helper.make_node("Gemm", ["observed", "readout.weight"], ["gains"], transB=1),
            helper.make_node("Add", ["gains", "one"], ["factors"]),
            helper.make_node("Mul", [active, "factors"], ["product"]),
        ]
        active = "product"
    return nodes, active


def _cell(layer: str, source: str) -> list[Any]:
    """A recurrent layer as torch.nn.GRUCell computes it, from ``.old`` to a state of the layer's own name."""

    def node(operator: str, inputs: list[str], output: str) -> Any:
        return helper.make_node(operator, [f"{layer}{name}" for name in inputs], [f"{layer}{output}"])

    fed, recalled = ([f"{layer}.{gate}.{of}" for gate in ("r", "z", "n")] for of in ("fed", "recalled"))
    return [
        helper.make_node("Gemm", [source, f"{layer}.weight_ih", f"{layer}.bias_ih"], [f"{layer}.fed"], transB=1),
        helper.make_node(
            "Gemm", [f"{layer}.old", f"{layer}.weight_hh", f"{layer}.bias_hh"], [f"{layer}.recalled"], transB=1
        ),
        helper.make_node("Split", [f"{layer}.fed"], fed, axis=1),
        helper.make_node("Split", [f"{layer}.recalled"], recalled, axis=1),
        node("Add", [".r.fed", ".r.recalled"], ".r.sum"),
        node("Sigmoid", [".r.sum"], ".r"),
        node("Add", [".z.fed", ".z.recalled"], ".z.sum"),
        node("Sigmoid", [".z.sum"], ".z"),
        node("Mul", [".r", ".n.recalled"], ".n.reset"),
        node("Add", [".n.fed", ".n.reset"], ".n.sum"),
        node("Tanh", [".n.sum"], ".n"),
        node("Sub", [".old", ".n"], ".change"),
        node("Mul", [".z", ".change"], ".kept"),
        node("Add", [".n", ".kept"], ""),
    ]


def _sizes(spec: BrainSpec) -> list[Any]:
    """Constants of the nodes of `_trunk`."""
    sizes = []
    if spec.carries:
        sizes.append(helper.make_tensor("layers", TensorProto.INT64, [len(spec.hidden)], spec.hidden))
    if spec.readout == PRODUCT:
        sizes.append(helper.make_tensor("first", TensorProto.INT64, [1], [0]))
        sizes.append(helper.make_tensor("observations", TensorProto.INT64, [1], [spec.observations]))
        sizes.append(helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]))
    return sizes


def _check_operator(trunk: str, operator: str, opset: int) -> None:
    """Refuse what is no activation among ONNX's operators, before ONNX refuses the graph."""
    known = set()
    for schema in onnx.defs.get_all_schemas_with_history():
        takes_one = schema.min_input <= 1 <= schema.max_input
        needs_more = any(attribute.required for attribute in schema.attributes.values())
        if not schema.domain and schema.since_version <= opset and takes_one and not needs_more:
            known.add(schema.name)
    if operator not in known:
        close = nearest(operator, sorted(known))
        raise PartError(
            f"trunk {trunk!r}: onnx_operator={operator!r}: ONNX has no such operator of one input, up to opset {opset}."
            f"{f' Did you mean {close}?' if close else ''} Or give the name of its activation there, for example "
            'onnx_operator="Tanh"'
        )


def _dense(layer: str, source: str, target: str) -> Any:
    """A matrix [outputs, inputs] and a bias, applied to rows."""
    return helper.make_node("Gemm", [source, f"{layer}.weight", f"{layer}.bias"], [target], transB=1)

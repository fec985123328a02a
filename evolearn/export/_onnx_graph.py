"""A brain as an ONNX graph. The only importer of onnx, which the extra ``[onnx]`` brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from evolearn.agent import BrainSpec, find_trunk
from evolearn.errors import PartError, lacking, nearest


def onnx_graph(
    spec: BrainSpec, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str], opset: int, ir_version: int
) -> bytes:
    """The bytes of an ONNX file.

    Input ``observation`` [batch, O]; outputs ``policy`` [batch, policy parameters] and ``value`` [batch]; all float32,
    batch of any size.

    Args:
        spec: of the brain.
        tensors: float32, by the names of `BrainSpec.tensors`; matrices [outputs, inputs].
        metadata: texts that the file carries along.
        opset: version of ONNX's operators.
        ir_version: version of the file format.
    Raises:
        PartError: the trunk's row names no operator, or one that is none.
    """
    nodes = []
    active = "observation"
    row = find_trunk(spec.trunk)
    if row.has_hidden and row.onnx_operator is None:
        remedy = 'the name of its activation among ONNX\'s operators, for example onnx_operator="Tanh"'
        raise lacking("trunk", spec.trunk, "onnx_operator", "its brains cannot be had as .onnx", remedy)
    if row.onnx_operator is not None:
        _check_operator(spec.trunk, row.onnx_operator, opset)
    for number in range(1, len(spec.hidden) + 1):
        layer = f"hidden{number}"
        nodes += [
            _dense(layer, active, f"{layer}.sum"),
            helper.make_node(str(row.onnx_operator), [f"{layer}.sum"], [layer]),
        ]
        active = layer
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
    constants = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    constants.append(helper.make_tensor("last axis", TensorProto.INT64, [1], [1]))
    graph = helper.make_graph(
        nodes,
        "brain",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", spec.observations])],
        [
            helper.make_tensor_value_info("policy", TensorProto.FLOAT, ["batch", spec.outputs - 1]),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch"]),
        ],
        constants,
    )
    model = helper.make_model(graph, producer_name="evolearn", opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


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

"""ONNX models made node by node, and what ONNX Runtime says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra onnx)")
pytest.importorskip("onnx_ir", reason="onnx-ir is not installed (extra onnx)")

TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper
IR_VERSION = 10


class Net:
    """A model being made: a call adds an operator. Weights are seeded multiples of 1/4."""

    def __init__(self, opset: int = 21, samples: int | str | None = "N", seed: int = 0) -> None:
        self.opset, self.samples = opset, samples
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.weights: list[Any] = []

    def input(self, *shape: Any, name: str = "", kind: int = TensorProto.FLOAT) -> str:
        """An input of a shape without the samples."""
        name = name or f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, kind, [self.samples, *shape]))
        return name

    def __call__(self, op: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> Any:
        name = name or f"{op.lower()}_{len(self.nodes)}"
        made = [f"{name}_out{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), made, name=name, **attributes))
        return made[0] if outputs == 1 else made

    def weight(self, *shape: int, values: Any = None, name: str = "") -> str:
        """A constant; by default of small multiples of 1/4."""
        array = self.rng.integers(-4, 5, shape) / 4 if values is None else np.asarray(values)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def whole(self, *numbers: int) -> str:
        """A constant of whole numbers."""
        return self.weight(values=np.array(numbers, dtype=np.int64))

    def scalar(self, number: float) -> str:
        return self.weight(values=np.array(number, dtype=np.float32))

    def output(self, *names: str) -> None:
        """The outputs; their types are inferred."""
        self.outputs += [onnx.ValueInfoProto(name=name) for name in names]

    def model(self) -> Any:
        graph = helper.make_graph(self.nodes, "net", self.inputs, self.outputs, self.weights)
        domains = sorted({node.domain for node in self.nodes} - {""})
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        made = onnx.shape_inference.infer_shapes(made)
        for output in made.graph.output:
            if not output.type.tensor_type.elem_type:  # of which the library infers nothing
                output.type.tensor_type.elem_type = TensorProto.FLOAT
        return made


def runtime(model: Any, x: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs that ONNX Runtime computes, without its rewriting of graphs."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra dev)")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {entry.name: array for entry, array in zip(session.get_inputs(), x, strict=True)}
    return [np.asarray(result) for result in session.run(None, given)]

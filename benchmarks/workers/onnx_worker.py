"""ONNX Runtime, float32: the network is written as ONNX from the Keras file, without TensorFlow.

Images are channels last at the input, as Keras has them; one Transpose brings them to ONNX's order, and
another restores the order before Flatten. Quantisers of QKeras layers are applied to the weights and left
out of the activations: this is the float network of the same shape.
"""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np
import onnx
import onnxruntime
from measure import Task, answer, peak_memory, throughput
from onnx import TensorProto, helper, numpy_helper

BATCHES = (64, 512, 4096, 32768)
MOST_BYTES = 64 * 2**20
"""Of one batch of inputs."""


class Exporter:
    """Writes the nodes of one Keras 2 ``.h5``."""

    def __init__(self, path: Any) -> None:
        self.file = h5py.File(path, "r")
        config = json.loads(self.file.attrs["model_config"])
        self.layers: list[dict[str, Any]] = config["config"]["layers"]
        self.sequential = config["class_name"] == "Sequential"
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.tensors: dict[str, str] = {}  # the output of each Keras layer
        self.ranks: dict[str, int] = {}

    def weights(self, layer: str) -> dict[str, Any]:
        group = self.file["model_weights"][layer]
        names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
        return {n.split("/")[-1].split(":")[0]: np.asarray(group[n], np.float32) for n in names}

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def run(self) -> Any:
        """Return the ONNX model: inputs (batch, *shape) as Keras has them."""
        previous = ""
        for entry in self.layers:
            kind, config = entry["class_name"], entry["config"]
            name = config["name"]
            if kind == "InputLayer":
                shape = config["batch_input_shape"][1:]
                self.tensors[name] = self.source(shape)
            else:
                parents = [previous] if self.sequential else [p[0] for p in entry["inbound_nodes"][0]]
                inputs = [self.tensors[p] for p in parents]
                self.ranks[name] = self.ranks[parents[0]]
                self.tensors[name] = self.layer(kind, name, config, inputs)
                if kind == "Flatten":
                    self.ranks[name] = 1
                previous = name
                continue
            self.ranks[name] = len(shape)
            previous = name
        output = helper.make_tensor_value_info(self.tensors[previous], TensorProto.FLOAT, ["batch", None])
        source = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
        graph = helper.make_graph(self.nodes, "network", [source], [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def source(self, shape: list[int]) -> str:
        if len(shape) == 1:
            return "x"
        return self.node("Transpose", ["x"], "x_first", perm=[0, len(shape), *range(1, len(shape))])

    def layer(self, kind: str, name: str, config: dict[str, Any], inputs: list[str]) -> str:
        """Add one layer and its activation; return its output."""
        x = inputs[0]
        base = kind.removeprefix("Q")
        if base == "Dense":
            w = self.weights(name)
            x = self.node("MatMul", [x, self.constant(f"{name}.w", w["kernel"])], f"{name}.mm")
            if "bias" in w:
                x = self.node("Add", [x, self.constant(f"{name}.b", w["bias"])], f"{name}.add")
        elif base in ("Conv1D", "Conv2D"):
            x = self.convolution(name, config, x)
        elif kind in ("MaxPooling1D", "MaxPooling2D", "AveragePooling2D"):
            pool = config["pool_size"] if isinstance(config["pool_size"], list) else [config["pool_size"]]
            strides = config["strides"] if isinstance(config["strides"], list) else [config["strides"]]
            operator = "MaxPool" if kind.startswith("Max") else "AveragePool"
            x = self.node(operator, [x], name, kernel_shape=pool, strides=strides)
        elif kind == "BatchNormalization":
            w = self.weights(name)
            order = ("gamma", "beta", "moving_mean", "moving_variance")
            values = [self.constant(f"{name}.{k}", w[k]) for k in order]
            x = self.node("BatchNormalization", [x, *values], name, epsilon=config["epsilon"])
        elif kind == "Flatten":
            x = self.node("Transpose", [x], f"{name}.last", perm=[0, *range(2, self.ranks[name] + 1), 1])
            x = self.node("Flatten", [x], name)
        elif kind == "Add":
            x = self.node("Add", inputs, name)
        elif kind not in ("Activation", "QActivation", "Softmax"):
            raise ValueError(f"the exporter does not know {kind}")
        return self.activation("softmax" if kind == "Softmax" else config.get("activation"), name, x)

    def activation(self, what: str | None, name: str, x: str) -> str:
        text = what or "linear"
        if text.startswith(("relu", "quantized_relu")):
            return self.node("Relu", [x], f"{name}.relu")
        if text == "softmax":
            return self.node("Softmax", [x], f"{name}.softmax", axis=-1)
        if text != "linear":
            raise ValueError(f"the exporter does not know the activation {text}")
        return x

    def convolution(self, name: str, config: dict[str, Any], x: str) -> str:
        w = self.weights(name)
        kernel = w["kernel"]
        order = (kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
        inputs = [x, self.constant(f"{name}.w", kernel.transpose(order))]
        if "bias" in w:
            inputs.append(self.constant(f"{name}.b", w["bias"]))
        padding = {"auto_pad": "SAME_UPPER"} if config["padding"] == "same" else {}
        return self.node("Conv", inputs, f"{name}.conv", strides=config["strides"], **padding)


def main() -> None:
    """Answer one task."""
    task = Task()
    task.pin()
    model = Exporter(task.model).run()
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(task.cores)
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def predict(x: Any, batch: int) -> list[Any]:
        return [session.run(None, {"x": x[i : i + batch]})[0] for i in range(0, len(x), batch)]

    batches = [b for b in BATCHES if b * task.samples(1).nbytes <= MOST_BYTES]
    speeds = {b: throughput(task, lambda x, b=b: predict(x, b), multiple=b) for b in batches}
    best = max(speeds, key=lambda b: speeds[b])
    answer(speed=speeds[best], batch=best, **peak_memory())


if __name__ == "__main__":
    main()

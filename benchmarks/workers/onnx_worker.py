"""ONNX Runtime, float32: the network is written as ONNX from the Keras file, without TensorFlow.

Images are channels last at the input, as Keras has them; one Transpose brings them to ONNX's order, and
another restores the order before Flatten. Sequences of recurrent and attention layers stay as they are. Quantisers of QKeras layers are applied to the weights and left
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
_SEQUENCES = ("LSTM", "MultiHeadAttention")
"""Layers of sequences, which ONNX has with the channels last."""


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
        self.channels_last = any(layer["class_name"] in _SEQUENCES for layer in self.layers)

    def weights(self, layer: str, depth: int = 1) -> dict[str, Any]:
        """The weights by the last ``depth`` parts of their names."""
        group = self.file["model_weights"][layer]
        names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
        return {"/".join(n.split("/")[-depth:]).split(":")[0]: np.asarray(group[n], np.float32) for n in names}

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
        if len(shape) == 1 or self.channels_last:
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
        elif kind == "LSTM":
            self.ranks[name] = 1
            return self.lstm(name, config, x)
        elif kind == "MultiHeadAttention":
            x = self.attention(name, config, x)
        elif kind == "LayerNormalization":
            w = self.weights(name)
            values = [self.constant(f"{name}.{k}", w[k]) for k in ("gamma", "beta")]
            x = self.node("LayerNormalization", [x, *values], name, axis=-1, epsilon=config["epsilon"])
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

    def lstm(self, name: str, config: dict[str, Any], x: str) -> str:
        """The output of the last step; ONNX has steps in front, and the gates in the order i, o, f, c."""
        w = self.weights(name)
        order = np.r_[tuple(np.arange(config["units"]) + config["units"] * gate for gate in (0, 3, 1, 2))]
        kernels = [w[role].T[order][None] for role in ("kernel", "recurrent_kernel")]
        bias = np.concatenate([w["bias"][order], np.zeros_like(w["bias"])])[None]
        names = [self.constant(f"{name}.{i}", value) for i, value in enumerate((*kernels, bias))]
        steps = self.node("Transpose", [x], f"{name}.steps", perm=[1, 0, 2])
        self.nodes.append(helper.make_node("LSTM", [steps, *names], ["", f"{name}.last"], hidden_size=config["units"]))
        front = self.constant(f"{name}.front", np.array([0], np.int64))
        return self.node("Squeeze", [f"{name}.last", front], name)

    def attention(self, name: str, config: dict[str, Any], x: str) -> str:
        """Of one tensor with itself."""
        w = self.weights(name, depth=2)
        heads, size = config["num_heads"], config["key_dim"]
        apart = self.constant(f"{name}.apart", np.array([0, 0, heads, size], np.int64))
        parts = {}
        for role, order in (("query", (0, 2, 1, 3)), ("key", (0, 2, 3, 1)), ("value", (0, 2, 1, 3))):
            scale = 1 / np.sqrt(size) if role == "query" else 1
            kernel, bias = w[f"{role}/kernel"].reshape(-1, heads * size) * scale, w[f"{role}/bias"].reshape(-1) * scale
            y = self.node(
                "MatMul", [x, self.constant(f"{name}.{role}.w", kernel.astype(np.float32))], f"{name}.{role}.mm"
            )
            y = self.node("Add", [y, self.constant(f"{name}.{role}.b", bias.astype(np.float32))], f"{name}.{role}.add")
            y = self.node("Reshape", [y, apart], f"{name}.{role}.heads")
            parts[role] = self.node("Transpose", [y], f"{name}.{role}.turned", perm=order)
        scores = self.node("MatMul", [parts["query"], parts["key"]], f"{name}.scores")
        shares = self.node("Softmax", [scores], f"{name}.shares", axis=-1)
        y = self.node("MatMul", [shares, parts["value"]], f"{name}.sums")
        y = self.node("Transpose", [y], f"{name}.back", perm=(0, 2, 1, 3))
        y = self.node(
            "Reshape", [y, self.constant(f"{name}.flat", np.array([0, 0, heads * size], np.int64))], f"{name}.joined"
        )
        kernel = self.constant(f"{name}.o.w", w["attention_output/kernel"].reshape(heads * size, -1))
        y = self.node("MatMul", [y, kernel], f"{name}.o.mm")
        return self.node("Add", [y, self.constant(f"{name}.o.b", w["attention_output/bias"])], name)

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

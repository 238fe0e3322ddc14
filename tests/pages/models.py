"""Small networks for pages, of which names can be anything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

import hlsgen


def network(
    nodes: Sequence[NodeProto], weights: Sequence[TensorProto], size: int, last: str, outputs: int
) -> ModelProto:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", size])
    made = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", outputs])
    graph = helper.make_graph(list(nodes), "net", [given], [made], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def perceptron(names: Sequence[str], sizes: Sequence[int], seed: int = 3) -> ModelProto:
    """Dense layers of these names, with a rectifier between them."""
    rng = np.random.default_rng(seed)
    nodes, weights, last = [], [], "x"
    for k, (name, (before, behind)) in enumerate(zip(names, pairwise(sizes), strict=True)):
        values = rng.normal(size=(before, behind)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"w{k}"))
        weights.append(numpy_helper.from_array(rng.normal(size=behind).astype(np.float32), f"b{k}"))
        nodes.append(helper.make_node("Gemm", [last, f"w{k}", f"b{k}"], [f"t{k}"], name=name))
        last = f"t{k}"
        if k + 1 < len(names):
            nodes.append(helper.make_node("Relu", [last], [f"r{k}"], name=f"relu{k}"))
            last = f"r{k}"
    return network(nodes, weights, sizes[0], last, sizes[-1])


def long_network(blocks: int) -> ModelProto:
    """Four operations a block: dense, rectifier, dense, and a sum with what entered the block."""
    rng = np.random.default_rng(7)
    nodes, weights, last = [], [], "x"
    for k in range(blocks):
        for half in ("a", "b"):
            values = (rng.normal(size=(4, 4)) / 8).astype(np.float32)
            weights.append(numpy_helper.from_array(values, f"w{half}{k}"))
        nodes += [
            helper.make_node("MatMul", [last, f"wa{k}"], [f"a{k}"], name=f"block{k}_expand"),
            helper.make_node("Relu", [f"a{k}"], [f"r{k}"], name=f"block{k}_relu"),
            helper.make_node("MatMul", [f"r{k}", f"wb{k}"], [f"b{k}"], name=f"block{k}_project"),
            helper.make_node("Add", [f"b{k}", last], [f"s{k}"], name=f"block{k}_add"),
        ]
        last = f"s{k}"
    return network(nodes, weights, 4, last, 4)


def image_model() -> ModelProto:
    """A convolution of images of 6 by 5 pixels with 2 channels, which ONNX has in front."""
    weight = np.random.default_rng(1).normal(size=(3, 2, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv")
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 6, 5])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3, 4, 3])
    graph = helper.make_graph([node], "image", [given], [made], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def project(names: Sequence[str] = ("fc1", "fc2", "scores"), **settings: object) -> hlsgen.Project:
    """A perceptron of 6 inputs and 4 outputs, converted."""
    sizes = (6, *(5 for _ in names[1:]), 4)
    return hlsgen.convert(perceptron(names, sizes), **settings)


def samples(count: int = 200, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)

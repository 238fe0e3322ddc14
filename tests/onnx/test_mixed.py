"""Samples that share an axis with heads between reshapes, as exporters write attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input
from tests.onnx.nets import Net, runtime


def attention(net: Net, axis: int = -1) -> str:
    """Two heads of depth 4 over 5 steps: (samples * 2, 5, 4), then (steps * samples, 8) for the last product."""
    x = net("Transpose", net.input(5, 8), perm=[1, 0, 2])
    heads = []
    for name in ("q", "k", "v"):
        part = net("MatMul", x, net.weight(8, 8), name=name)
        heads.append(net("Transpose", net("Reshape", part, net.whole(5, -1, 4)), perm=[1, 0, 2]))
    scores = net("MatMul", net("Mul", heads[0], net.scalar(0.5)), net("Transpose", heads[1], perm=[0, 2, 1]))
    mixed = net("Transpose", net("MatMul", net("Softmax", scores, axis=axis), heads[2]), perm=[1, 0, 2])
    rows = net("Gemm", net("Reshape", mixed, net.whole(-1, 8)), net.weight(8, 8), net.weight(8), name="out")
    return str(net("Transpose", net("Reshape", rows, net.whole(5, -1, 8)), perm=[1, 0, 2]))


def test_heads_beside_samples() -> None:
    net = Net(seed=11)
    net.output(attention(net))
    project = hlsgen.convert(net.model(), input_precision="fixed<8,4>")
    x = grid_input((5, 8), seed=1, bound=16, samples=20)
    right = runtime(net.model(), [x.astype(np.float32)])[0]
    by_key, keys = project.evaluate(x), project.trace_keys()
    got = next(by_key[key] for key, tensor in keys.items() if tensor is project.design.outputs[0])
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 2.0**-9 * max(1.0, float(np.abs(right).max()))


def joined(net: Net) -> str:
    return str(net("Reshape", net.input(6, 4), net.whole(-1, 3, 4)))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (joined, ["output", "samples"]),
        (lambda net: net("ReduceSum", joined(net), net.whole(0)), ["reducesum", "samples and others in one axis"]),
        (lambda net: net("Softmax", joined(net), axis=2), ["softmax", "this Softmax"]),
        (lambda net: net("Mul", joined(net), net.weight(1, 3, 4)), ["mul", "samples and others in one axis"]),
        (lambda net: net("Add", joined(net), net.weight(4)), ["add", "samples and others in one axis"]),
        (lambda net: net("Relu", net("Transpose", joined(net), perm=[1, 0, 2])), ["relu", "samples and others"]),
        (lambda net: attention(net, axis=2), ["this Softmax"]),
    ],
)
def test_what_would_mix_them_is_refused(build: Any, words: list[str]) -> None:
    net = Net(seed=12)
    net.output(build(net))
    with pytest.raises(UnsupportedError) as caught:
        hlsgen.convert(net.model())
    assert all(word in str(caught.value) for word in words)

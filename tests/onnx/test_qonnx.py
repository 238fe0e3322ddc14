"""QONNX: quantisers of constants and of what is computed, equal to their specification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, UnsupportedError
from tests.ladder.harness import executors_agree, grid_input
from tests.onnx.nets import Net
from tests.onnx.quant import DOMAIN, MODES, executed

INPUT = "fixed<10,5>"
"""32 steps in 1: every tie of the scales below, and both of its neighbours."""


def every_input(features: int) -> np.ndarray:
    """Every number of the input's type, in each feature."""
    grid = np.arange(-512, 512) / 32
    return np.stack([np.roll(grid, 7 * place) for place in range(features)], axis=1).astype(np.float32)


def quant(net: Net, x: str, scale: Any, bits: int, zero: float = 0.0, op: str = "Quant", **options: Any) -> str:
    scale = net.weight(values=np.asarray(scale, dtype=np.float32))
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | options
    made: str = net(op, x, scale, net.scalar(zero), net.scalar(bits), domain=DOMAIN, **options)
    return made


def check(net: Net, output: str, x: list[np.ndarray], step: float | None = None, **config: Any) -> Any:
    """Equal to the reference, in every number; with a ``step`` in every multiple of that, which float32 may round."""
    net.output(output)
    model = net.model()
    project = hlsgen.convert(model, **({"input_precision": INPUT} | config))
    got = project.evaluate(x if len(x) > 1 else x[0])
    keys = project.trace_keys()
    (right,) = executed(model, x)
    (value,) = project.design.outputs
    found = next(got[key] for key, tensor in keys.items() if tensor is value)
    assert found.shape == right.shape
    if step is not None:
        np.testing.assert_allclose(found, right, rtol=2.0**-22)  # each has rounded a product
        found, right = np.rint(found / step), np.rint(right / step)
    assert np.array_equal(found, right)
    assert len(np.unique(right)) > 1
    return project


# -- one quantiser -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("narrow", [0, 1])
@pytest.mark.parametrize("mode", [*MODES, "floor"])
def test_modes(mode: str, narrow: int, signed: int) -> None:
    net = Net()
    check(net, quant(net, net.input(2), 0.25, 4, rounding_mode=mode, narrow=narrow, signed=signed), [every_input(2)])


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 16])
@pytest.mark.parametrize("scale", [0.125, 1.0, 4.0])
def test_widths(bits: int, scale: float) -> None:
    for signed in (0, 1):
        net = Net()
        check(net, quant(net, net.input(2), scale, bits, signed=signed), [every_input(2)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zero", [-3, 1, 4, 6])
def test_zero_point(zero: int, mode: str) -> None:
    net = Net()
    x = quant(net, net.input(2), 0.5, 4, zero, op="IntQuant", rounding_mode=mode, signed=int(zero < 0))
    check(net, x, [every_input(2)])


def test_scale_of_each_channel() -> None:
    net = Net()
    check(net, quant(net, net.input(3), [0.125, 1.0, 0.5], 4, rounding_mode="CEIL"), [every_input(3)])


def test_bipolar() -> None:
    for scale in (1.0, 0.25, [[0.5, 2.0]]):
        net = Net()
        check(
            net, net("BipolarQuant", net.input(2), net.weight(values=np.array(scale)), domain=DOMAIN), [every_input(2)]
        )


def truncated(net: Net, x: str, bits: tuple[int, int], mode: str, *scales: float) -> str:
    """Trunc of version 1 (one scale) or 2 (that of the result, too)."""
    first, *second = (net.scalar(scale) for scale in scales)
    inputs = [x, first, net.scalar(0), net.scalar(bits[0]), *second, net.scalar(bits[1])]
    options = {"signed": 1, "narrow": 0} if second else {}
    made: str = net("Trunc", *inputs, domain=DOMAIN, rounding_mode=mode, **options)
    return made


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR"])
def test_trunc(mode: str) -> None:
    """Also of what is not on the grid yet, which is rounded to it first."""
    net = Net()
    check(net, truncated(net, net.input(2), (9, 5), mode, 0.125), [every_input(2)])
    net = Net()
    check(net, truncated(net, quant(net, net.input(2), 0.125, 8), (8, 5), mode, 0.125, 0.5), [every_input(2)])


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "ROUND_TO_ZERO"])
@pytest.mark.parametrize("scales", [(0.3,), (0.3, 1.2), (0.25, 0.3), (0.11, 0.11 * 8), (0.3, 0.3 / 4)])
def test_trunc_of_any_scale(mode: str, scales: tuple[float, ...]) -> None:
    """By the places where the result steps: two roundings behind each other."""
    net = Net()
    bits = {0.3: (8, 6), 0.3 / 4: (6, 8)}.get(scales[-1], (8, 4))
    check(net, truncated(net, net.input(2), bits, mode, *scales), [every_input(2)], step=scales[-1])
    net = Net()
    x = quant(net, net.input(2), scales[0], 8)
    check(net, truncated(net, x, bits, mode, *scales), [every_input(2)], step=scales[-1])


@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general"])
def test_domains(domain: str) -> None:
    """Also where the file states no opset of it, and has the annotations of FINN."""
    net = mlp()
    right = hlsgen.convert(net.model(), input_precision=INPUT)
    model = net.model()
    del model.opset_import[1:]
    for node in model.graph.node:
        node.domain = node.domain and domain
    note = model.graph.quantization_annotation.add(tensor_name=net.nodes[0].output[0])
    note.quant_parameter_tensor_names.add(key="finn_datatype", value="INT6")
    assert str(hlsgen.convert(model, input_precision=INPUT).design) == str(right.design)
    assert len(model.opset_import) == 1


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "input 1 is missing"),
        (["x"], "input 1 is missing"),
        (["x", "s", "z"], "input 3 is missing"),
        (["x", "x", "z", "b"], "input 1 ('x0') is computed"),
        (["x", "s", "z", "x"], "input 3 ('x0') is computed"),
        (["x", "z", "z", "b"], "above 0"),
        (["x", "s", "s", "b"], "zero point"),
        (["x", "s", "huge", "b"], "zero point"),
        (["several", "s", "huge", "b"], "zero point"),
        (["x", "s", "z", "z"], "0 bits"),
        (["x", "s", "z", "several"], "bit width"),
        (["x", "several", "z", "b"], "do not go together"),
        (["nan", "s", "z", "b"], "NaN"),
        (["x", "nan", "z", "b"], "NaN"),
    ],
)
def test_refused(inputs: list[str], words: str) -> None:
    """ONNX's checker knows nothing of these operators: all is checked here."""
    net = Net()
    numbers = {
        "s": 0.5,
        "z": 0.0,
        "b": 4.0,
        "several": np.array([0.5, 0.25, 2.0]),
        "nan": np.full((1, 2), np.nan),
        "huge": 1e30,
    }
    names = {"x": net.input(2)} | {key: net.weight(values=np.float32(n)) for key, n in numbers.items()}
    out = net("Quant", *(names[key] for key in inputs), domain=DOMAIN)
    net.output(net("Add", names["x"], out))
    with pytest.raises(HlsgenError) as caught:
        hlsgen.convert(net.model())
    assert words in str(caught.value) and "quant_0" in str(caught.value), str(caught.value)


def test_attribute_that_is_none() -> None:
    net = Net()
    net.output(quant(net, net.input(2), 0.5, 4, stochastic=1))
    with pytest.raises(UnsupportedError, match="stochastic=1"):
        hlsgen.convert(net.model())


# -- networks ----------------------------------------------------------------------------------------


def weight(net: Net, *shape: int, scale: Any = 0.125, bits: int = 4, **options: Any) -> str:
    """Quantised weights, of any real numbers."""
    return quant(net, net.weight(values=net.rng.normal(0, 0.5, shape).astype(np.float32)), scale, bits, **options)


def mlp(**options: Any) -> Net:
    net = Net(seed=1)
    x = quant(net, net.input(6), 0.25, 6)
    x = net("Add", net("MatMul", x, weight(net, 6, 8, narrow=1)), weight(net, 8, scale=2.0**-5, bits=8))
    x = quant(net, net("Relu", x), 0.125, 5, signed=0, **options)
    scales = 2.0 ** -np.arange(1, 6)[:, None]  # of each output
    turned = net("Transpose", weight(net, 5, 8, scale=scales, bits=5), perm=[1, 0])
    net.output(net("MatMul", x, turned))
    return net


def cnn() -> Net:
    """Per-channel scales, a depthwise convolution, a residual sum, a sign."""
    net = Net(seed=2)
    x = quant(net, net.input(2, 6, 6), 0.5, 5)
    scales = 2.0 ** -np.array([1, 3, 2, 4], dtype=np.float32).reshape(4, 1, 1, 1)
    kernel = weight(net, 4, 2, 3, 3, scale=scales, bits=3)
    x = quant(net, net("Relu", net("Conv", x, kernel, weight(net, 4, bits=8), pads=[1] * 4)), 0.5, 4, signed=0)
    y = net("Conv", x, weight(net, 4, 1, 3, 3, scale=scales), pads=[1] * 4, group=4)
    y = quant(net, y, 0.25, 6, rounding_mode="FLOOR")
    pooled = net("MaxPool", net("Add", x, y), kernel_shape=[2, 2], strides=[2, 2])
    signs = net("BipolarQuant", net("Sub", pooled, net.scalar(1.0)), net.scalar(0.5), domain=DOMAIN)
    net.output(net("Gemm", net("Flatten", signs), weight(net, 3, 36), weight(net, 3, bits=8), transB=1, alpha=0.5))
    return net


def inputs_of(net: Net) -> np.ndarray:
    shape = [entry.dim_value for entry in net.inputs[0].type.tensor_type.shape.dim][1:]
    return grid_input(tuple(shape), seed=3, bound=32, samples=100)


@pytest.mark.parametrize("make", [mlp, cnn])
def test_networks(make: Any) -> None:
    net = make()
    check(net, net.outputs.pop().name, [inputs_of(net)], default_width=24)


@pytest.mark.parametrize("make", [mlp, cnn])
def test_exact_whatever_the_budget_is(make: Any) -> None:
    """Weights and what is quantised have the types of the model's quantisers."""
    net = make()
    check(net, quant(net, net.outputs.pop().name, 0.5, 7), [inputs_of(net)], default_width=6)


def test_types() -> None:
    net = mlp()
    project = hlsgen.convert(net.model(), input_precision=INPUT)
    dense = [op for op in project.design.ops if op.layer.kind == "Dense"]
    assert [str(op.layer.weight.type) for op in dense] == ["fixed<4,1>", "fixed<6,1>"]
    assert all(op.layer.weight.given for op in dense)


@pytest.mark.slow
@pytest.mark.parametrize("make", [mlp, cnn])
def test_executors(make: Any) -> None:
    net = make()
    executors_agree(hlsgen.convert(net.model(), input_precision=INPUT), inputs_of(net))


# -- scales that are no powers of two ----------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [0.1, 0.3, 0.0123])
def test_any_scale(scale: float, mode: str) -> None:
    """The level of every number, also where float32 makes a tie of a quotient that is none: 0.75 / 0.3."""
    net = Net()
    net.output(quant(net, net.input(2), scale, 6, rounding_mode=mode))
    x = every_input(2)
    numbers = hlsgen.convert(net.model(), input_precision=INPUT).evaluate(x)["quant_0_quantizer"]
    assert np.array_equal(numbers, np.rint(executed(net.model(), [x])[0] / np.float32(scale)))


@pytest.mark.parametrize("seed", range(4))
def test_other_scales(seed: int) -> None:
    """Quantisers are exact behind each other: they step where the real numbers do, not their roundings."""
    net = Net(seed=seed)
    first, second, third = (np.float32(number) for number in net.rng.uniform(0.05, 0.4, 3))
    scales = net.rng.uniform(0.05, 0.1, (1, 8)).astype(np.float32)
    real = net.rng.normal(0, 0.5, (6, 8)).astype(np.float32)
    head = net.rng.integers(-8, 8, (8, 3)) / 8
    x = quant(net, net.input(6), first, 6)
    x = net("Relu", net("MatMul", x, quant(net, net.weight(values=real), scales, 4, narrow=1)))
    x = quant(net, x, second, 5, signed=0)
    net.output(quant(net, net("MatMul", x, quant(net, net.weight(values=head), 0.125, 4)), third, 4, 3, signed=0))
    given = inputs_of(net).astype(np.float64)
    matrix = np.clip(np.rint(real / scales), -7, 7) * scales.astype(np.float64)
    x64 = np.maximum(whole(given, first, -32, 31) @ matrix, 0)
    right = whole(whole(x64, second, 0, 31) @ head, third, -3, 12) / third
    project = hlsgen.convert(net.model(), input_precision=INPUT)
    numbers = next(v for k, v in project.evaluate(given).items() if k == f"{net.nodes[-1].name}_quantizer")
    assert np.array_equal(numbers, np.rint(right))
    assert len(np.unique(right)) > 5


def whole(x: np.ndarray, scale: np.float32, low: int, high: int) -> np.ndarray:
    """Quantised in float64, which holds all of this exactly but for ties, which do not occur."""
    return np.clip(np.rint(x / np.float64(scale)), low, high) * np.float64(scale)

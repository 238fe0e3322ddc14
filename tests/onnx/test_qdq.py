"""ONNX's own quantised operators, equal to what ONNX Runtime computes."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, UnsupportedError
from tests.ladder.harness import executors_agree, grid_input
from tests.onnx.nets import Net, TensorProto, onnx, runtime

INPUT = "fixed<10,5>"


def every_input(features: int) -> np.ndarray:
    """Every number of the input's type, in each feature."""
    grid = np.arange(-512, 512) / 32
    return np.stack([np.roll(grid, 7 * place) for place in range(features)], axis=1).astype(np.float32)


def words(net: Net, kind: Any, *numbers: int) -> str:
    """A constant of words: a zero point, or several."""
    return net.weight(values=np.array(numbers if len(numbers) > 1 else numbers[0], dtype=kind))


def qdq(net: Net, x: str, scale: Any, zero: str, clip: tuple[int, int] | None = None, **options: Any) -> str:
    """QuantizeLinear and DequantizeLinear, with a Clip between them where it is given."""
    factor = net.weight(values=np.asarray(scale, dtype=np.float32))
    made = net("QuantizeLinear", x, factor, zero, **options)
    if clip is not None:
        made = net("Clip", made, *(words(net, np.int8, bound) for bound in clip))
    out: str = net("DequantizeLinear", made, factor, zero, **options)
    return out


def held(net: Net, kind: Any, shape: tuple[int, ...], scale: Any, zero: Any = None, **options: Any) -> str:
    """Words and their DequantizeLinear."""
    ends = np.iinfo(kind)
    numbers = net.weight(values=net.rng.integers(max(ends.min, -200), min(ends.max, 200) + 1, shape).astype(kind))
    inputs = [numbers, net.weight(values=np.asarray(scale, dtype=np.float32))]
    zeros = [] if zero is None else [net.weight(values=np.asarray(zero, dtype=kind))]
    out: str = net("DequantizeLinear", *inputs, *zeros, **options)
    return out


def compared(net: Net, output: str, x: np.ndarray, **config: Any) -> tuple[np.ndarray, np.ndarray]:
    """What a design gives, and what the runtime does."""
    net.output(output)
    model = net.model()
    (right,) = runtime(model, [x])
    project = hlsgen.convert(model, **({"input_precision": INPUT} | config))
    got, keys = project.evaluate(x), project.trace_keys()
    (value,) = project.design.outputs
    found = next(got[key] for key, tensor in keys.items() if tensor is value)
    assert found.shape == right.shape
    assert len(np.unique(right)) > 2
    return found, right


def equal(net: Net, output: str, x: np.ndarray, **config: Any) -> None:
    found, right = compared(net, output, x, **config)
    assert np.array_equal(found, right)


# -- one quantiser -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("zero", [0, 3, 100, 128, 255])
def test_pair(kind: Any, zero: int) -> None:
    """Zero points cancel; half a step goes to the even number before they are added."""
    if zero <= np.iinfo(kind).max:
        net = Net()
        equal(net, qdq(net, net.input(2), 0.125, words(net, kind, zero)), every_input(2))


@pytest.mark.parametrize("zero", [0, 7])
def test_words(zero: int) -> None:
    """Words that another operator reads, or nobody."""
    net = Net()
    equal(net, net("QuantizeLinear", net.input(2), net.scalar(0.25), words(net, np.int8, zero)), every_input(2))
    net = Net()
    quantised = net("QuantizeLinear", net.input(2), net.scalar(0.3), words(net, np.uint8, zero))
    equal(net, net("DequantizeLinear", quantised, net.scalar(0.5), words(net, np.uint8, 9)), every_input(2))


@pytest.mark.parametrize(("zero", "clip"), [(0, (-7, 7)), (2, (-8, 7))])
def test_clip_between(zero: int, clip: tuple[int, int]) -> None:
    """Fewer bits than a type of ONNX has, as Brevitas exports them."""
    net = Net()
    equal(net, qdq(net, net.input(2), 0.5, words(net, np.int8, zero), clip), every_input(2))


def test_scales_of_channels() -> None:
    net = Net()
    zeros = words(net, np.int8, 0, 0, 0)
    equal(net, qdq(net, net.input(3), [0.125, 0.5, 1.0], zeros, axis=1), every_input(3))


def test_weights_quantised_by_operators() -> None:
    """Real weights behind QuantizeLinear and Clip, as Brevitas and PyTorch export them."""
    net = Net(seed=2)
    real = net.weight(values=net.rng.normal(0, 0.5, (6, 4)).astype(np.float32))
    factor, zeros = net.weight(values=2.0 ** -np.arange(2, 6)), words(net, np.int8, 0, 0, 0, 0)
    made = net("QuantizeLinear", real, factor, zeros, axis=1)
    made = net("Clip", made, words(net, np.int8, -7), words(net, np.int8, 7))
    weights = net("DequantizeLinear", made, factor, zeros, axis=1)
    x = qdq(net, net.input(6), 0.25, words(net, np.int8, 0))
    equal(net, net("MatMul", x, weights), grid_input((6,), bound=32, samples=60), default_width=32)
    project = hlsgen.convert(net.model(), input_precision=INPUT)
    (dense,) = (op for op in project.design.ops if op.layer.kind == "Dense")
    assert dense.layer.weight.given and dense.layer.weight.type.width <= 4 + 3


# -- networks ----------------------------------------------------------------------------------------


def network(scale: float, zero: int) -> tuple[Net, str, np.ndarray]:
    """A CNN as quantisers of a runtime write it: pairs around all, words as weights, 32 bits as a bias."""
    net = Net(seed=4)
    point = words(net, np.uint8, zero)
    x = qdq(net, net.input(2, 5, 5), scale, point)
    kernel = held(net, np.int8, (4, 2, 3, 3), scale * 2.0 ** -np.arange(1, 5), [0] * 4, axis=0)
    bias = held(net, np.int32, (4,), scale * scale * 2.0 ** -np.arange(1, 5), axis=0)
    x = qdq(net, net("Relu", net("Conv", x, kernel, bias, pads=[1] * 4)), scale * 16, words(net, np.uint8, 0))
    x = net("Flatten", qdq(net, net("MaxPool", x, kernel_shape=[2, 2]), scale * 16, words(net, np.uint8, 0)))
    return net, net("MatMul", x, held(net, np.int8, (64, 3), scale, 5)), grid_input((2, 5, 5), bound=32, samples=60)


def test_network() -> None:
    net, output, x = network(0.125, 128)
    equal(net, output, x, default_width=32)


def test_network_of_other_scales() -> None:
    """As near as float32, in which the runtime computes, is to exact arithmetic."""
    net, output, x = network(0.117, 100)
    found, right = compared(net, output, x, default_width=32)
    assert np.abs(found - right).max() <= 1e-5 * np.abs(right).max()


@pytest.mark.slow
def test_executors() -> None:
    net, output, x = network(0.117, 100)
    net.output(output)
    executors_agree(hlsgen.convert(net.model(), input_precision=INPUT), x[:20])


# -- products of words -------------------------------------------------------------------------------


def codes(net: Net, kind: Any, *shape: int) -> str:
    ends = np.iinfo(kind)
    return net.weight(values=net.rng.integers(ends.min, ends.max + 1, shape).astype(kind))


def of_words(kind: Any, *shape: int) -> np.ndarray:
    ends = np.iinfo(kind)
    return np.random.default_rng(9).integers(ends.min, ends.max + 1, (80, *shape)).astype(kind)


KINDS = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}


@pytest.mark.parametrize("zeros", [(0, 0), (120, 7)])
def test_matmul_integer(zeros: tuple[int, int]) -> None:
    """The input of a model may be words."""
    net = Net()
    first, second = words(net, np.uint8, zeros[0]), words(net, np.int8, zeros[1])
    out = net("MatMulInteger", net.input(6, kind=KINDS[np.uint8]), codes(net, np.int8, 6, 4), first, second)
    equal(net, net("Cast", out, to=TensorProto.FLOAT), of_words(np.uint8, 6), input_precision=None, default_width=32)


@pytest.mark.parametrize("zeros", [(0, 0), (120, 7)])
def test_conv_integer(zeros: tuple[int, int]) -> None:
    """Pads are the zero point."""
    net = Net()
    first, second = words(net, np.uint8, zeros[0]), words(net, np.uint8, zeros[1])
    x = net.input(2, 5, 4, kind=KINDS[np.uint8])
    out = net("ConvInteger", x, codes(net, np.uint8, 3, 2, 3, 3), first, second, pads=[1] * 4, strides=[2, 1])
    equal(
        net, net("Cast", out, to=TensorProto.FLOAT), of_words(np.uint8, 2, 5, 4), input_precision=None, default_width=32
    )


@pytest.mark.parametrize("scale", [2.0**-6, 0.0117])
@pytest.mark.parametrize("by_channel", [False, True])
def test_qlinear_conv(by_channel: bool, scale: float) -> None:
    net = Net(seed=int(by_channel))
    scales, zeros = (scale * 2.0 ** -np.arange(3), [0] * 3) if by_channel else (scale, [0])
    weights = [codes(net, np.int8, 3, 2, 3, 3), net.weight(values=np.float32(scales)), words(net, np.int8, *zeros)]
    result = [net.scalar(0.5), words(net, np.uint8, 110)]
    bias = net.weight(values=net.rng.integers(-1000, 1000, 3).astype(np.int32))
    x = [net.input(2, 5, 4, kind=KINDS[np.uint8]), net.scalar(0.25), words(net, np.uint8, 131)]
    out = net("QLinearConv", *x, *weights, *result, bias, pads=[1] * 4)
    equal(
        net,
        net("DequantizeLinear", out, net.scalar(1.0), words(net, np.uint8, 0)),
        of_words(np.uint8, 2, 5, 4),
        input_precision=None,
    )


@pytest.mark.parametrize("scale", [2.0**-6, 0.0117])
def test_qlinear_matmul(scale: float) -> None:
    net = Net()
    x = [net.input(6, kind=KINDS[np.int8]), net.scalar(0.25), words(net, np.int8, -3)]
    weights = [codes(net, np.int8, 6, 4), net.scalar(scale), words(net, np.int8, 0)]
    out = net("QLinearMatMul", *x, *weights, net.scalar(0.5), words(net, np.int8, 5))
    equal(net, out, of_words(np.int8, 6), input_precision=None)


# -- what is refused ---------------------------------------------------------------------------------


def damaged(seed: int) -> Any:
    """A model some of whose bytes are others; None where they are no message."""
    net, output, _ = network(0.117, 100)
    net.output(output)
    rng = np.random.default_rng(seed)
    content = bytearray(net.model().SerializeToString())
    for place in rng.integers(0, len(content), 1 + seed % 4):
        content[place] = rng.integers(0, 256)
    with contextlib.suppress(Exception):  # of protobuf, which has several
        return onnx.ModelProto.FromString(bytes(content))
    return None


def test_damaged_bytes() -> None:
    """Refused, or read as some model; nothing else is raised."""
    models = [model for seed in range(100) if (model := damaged(seed)) is not None]
    assert len(models) > 20
    for model in models:
        with contextlib.suppress(HlsgenError):
            hlsgen.convert(model)


def test_dynamic() -> None:
    net = Net()
    words_of_x, scale, zero = net("DynamicQuantizeLinear", net.input(4), outputs=3)
    net.output(net("DequantizeLinear", words_of_x, scale, zero))
    with pytest.raises(UnsupportedError, match=r"dynamicquantizelinear_0.*statically"):
        hlsgen.convert(net.model())

"""What becomes of every operator of ONNX: the rows of docs/onnx.md, each with a model that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.onnx.nets import Net

EXACT, CLOSE, REFUSED = "exact", "close", "refused"
VOLUME, IMAGE, LINE, VECTOR = (2, 4, 5, 6), (4, 6, 5), (3, 8), (6,)
Build = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: ``build(net, *inputs)`` returns the outputs; ``words`` have to be in a refusal."""

    text: str
    shapes: tuple[tuple[int, ...], ...]
    build: Build
    status: str
    note: str = ""
    words: tuple[str, ...] = ()
    opset: int = 21

    def model(self) -> Any:
        net = Net(self.opset)
        results = self.build(net, *(net.input(*shape) for shape in self.shapes))
        net.output(*([results] if isinstance(results, str) else results))
        return net.model()


class Section(list[Row]):
    """A heading and its rows; ``right`` and ``refused`` add one."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def right(self, text: str, shapes: Any, build: Build, status: str = EXACT, note: str = "", opset: int = 21) -> None:
        self.append(Row(text, _several(shapes), build, status, note, opset=opset))

    def refused(self, text: str, shapes: Any, build: Build, *words: str, opset: int = 21) -> None:
        self.append(Row(text, _several(shapes), build, REFUSED, words[0], words, opset))


def _several(shapes: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(shapes) if isinstance(shapes, list) else (shapes,)


def _op(name: str, *extra: Any, **attributes: Any) -> Build:
    """An operator of the inputs and of constants: a tuple is a shape of weights, a list whole numbers."""

    def build(net: Net, *x: str) -> Any:
        return net(name, *x, *(_made(net, one) for one in extra), **attributes)

    return build


def _made(net: Net, given: Any) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        return net.whole(*given)
    return net.weight(*given) if isinstance(given, tuple) else net.scalar(given)


def _biased(net: Net, x: str, shape: tuple[int, ...]) -> str:
    return net("Add", x, net.weight(*shape))


# -- sections --------------------------------------------------------------------------------------


def _linear() -> Section:
    section = Section("Products and convolutions")
    section.right("Gemm", VECTOR, _op("Gemm", (6, 4), (4,)))
    section.right("Gemm(transB, alpha, beta)", VECTOR, _op("Gemm", (4, 6), (4,), transB=1, alpha=0.5, beta=2.0))
    section.right("MatMul", LINE, _op("MatMul", (8, 4)), note="at every position of the leading axes")

    def with_bias(net: Net, x: str) -> str:
        return net("Add", net.weight(4), net("MatMul", x, net.weight(6, 4)))

    section.right("MatMul, Add", VECTOR, with_bias, note="a Dense layer with a bias")
    section.right("MatMul, constant first", LINE, lambda net, x: net("MatMul", net.weight(5, 3), x))
    section.right("MatMul by a vector", LINE, _op("MatMul", (8,)))
    section.right("MatMul of two tensors", [(2, 3, 4), (2, 4, 5)], _op("MatMul"))
    section.right("MatMul, matrices repeated", [(2, 3, 4), (1, 4, 5)], _op("MatMul"))
    section.right("Einsum", [(4, 3), (5, 3)], _op("Einsum", equation="bqd,bkd->bqk"))
    section.right("Einsum of a constant", LINE, _op("Einsum", (8, 4), equation="bcl,ld->bcd"))
    section.refused("Einsum across samples", [VECTOR, VECTOR], _op("Einsum", equation="ac,bc->ab"), "across samples")
    conv = "Conv"
    section.right("Conv, one axis", LINE, _op(conv, (4, 3, 3), (4,), pads=[2, 0], dilations=[1]))
    section.right("Conv, two axes", IMAGE, _op(conv, (3, 4, 3, 2), (3,), strides=[2, 1], dilations=[1, 2]))
    section.right(
        "Conv, Add", (2, 4, 3), lambda net, x: _biased(net, net("Conv", x, net.weight(3, 2, 2, 1)), (3, 1, 1))
    )
    section.right(
        "Conv, Add along another axis",
        (2, 4, 3),
        lambda net, x: _biased(net, net("Conv", x, net.weight(3, 2, 2, 1)), (3,)),
    )
    section.right("Conv(pads)", IMAGE, _op(conv, (3, 4, 3, 2), pads=[0, 1, 2, 0]), note="of any size on each side")
    section.right("Conv(auto_pad)", IMAGE, _op(conv, (3, 4, 4, 3), auto_pad="SAME_LOWER", strides=[2, 2]))
    section.right("Conv(group)", IMAGE, _op(conv, (6, 2, 3, 3), (6,), group=2))
    section.right("Conv, depthwise", IMAGE, _op(conv, (8, 1, 3, 3), (8,), group=4))
    section.right(
        "Conv, three axes", VOLUME, _op(conv, (3, 2, 2, 3, 2), (3,), strides=[1, 2, 1], pads=[1, 0, 0, 0, 1, 1])
    )
    section.right("ConvTranspose", IMAGE, _op("ConvTranspose", (4, 3, 3, 3), (3,), strides=[2, 2], pads=[1, 1, 1, 1]))
    section.right("ConvTranspose, one axis", LINE, _op("ConvTranspose", (3, 2, 4), strides=[3], output_padding=[1]))
    section.right(
        "ConvTranspose(auto_pad)", IMAGE, _op("ConvTranspose", (4, 2, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
    )
    section.right("ConvTranspose(group)", IMAGE, _op("ConvTranspose", (4, 2, 3, 3), (4,), group=2, strides=[2, 2]))
    section.refused("ConvTranspose, three axes", VOLUME, _op("ConvTranspose", (2, 2, 2, 2, 2)), "volumes")
    return section


def _normalisation() -> Section:
    section = Section("Normalisation")

    def batch(net: Net, x: str) -> str:
        variance = net.weight(values=np.array([0.25, 1.0, 4.0, 1.0]))
        parts = [net.weight(4), net.weight(4), net.weight(4), variance]
        return net("BatchNormalization", x, *parts, epsilon=0.0)

    section.right("BatchNormalization", IMAGE, batch, note="fused into what is in front of it, or 24 bits a constant")
    section.refused(
        "BatchNormalization(training_mode)",
        IMAGE,
        lambda net, x: net("BatchNormalization", x, *(net.weight(4) for _ in range(4)), training_mode=1, outputs=3)[0],
        "training_mode=1",
    )
    section.right("InstanceNormalization", IMAGE, _op("InstanceNormalization", (4,), (4,)), CLOSE)
    section.right("GroupNormalization", IMAGE, _op("GroupNormalization", (4,), (4,), num_groups=2), CLOSE)
    section.right("LayerNormalization", LINE, _op("LayerNormalization", (8,), (8,)), CLOSE, "the last axes")

    def in_pieces(net: Net, x: str) -> str:
        difference = net("Sub", x, net("ReduceMean", x, axes=[-1]))
        variance = net("ReduceMean", net("Pow", difference, net.scalar(2.0)), axes=[-1])
        y = net("Div", difference, net("Sqrt", net("Add", variance, net.scalar(1e-5))))
        return net("Add", net("Mul", y, net.weight(8)), net.weight(8))

    section.right(
        "LayerNormalization in pieces", LINE, in_pieces, CLOSE, "as it was exported before opset 17", opset=13
    )
    section.refused("Sqrt alone", LINE, lambda net, x: net("Sqrt", net("Abs", x)), "not supported")
    section.right("LayerNormalization(axis)", IMAGE, _op("LayerNormalization", (6, 5), (6, 5), axis=2), CLOSE)
    return section


def _pooling() -> Section:
    section = Section("Pooling")
    section.right("MaxPool, one axis", LINE, _op("MaxPool", kernel_shape=[2], strides=[2]))
    section.right("MaxPool, two axes", IMAGE, _op("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]))
    section.right("MaxPool(ceil_mode)", IMAGE, _op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1))
    section.right("MaxPool(dilations)", IMAGE, _op("MaxPool", kernel_shape=[2, 2], dilations=[2, 3]))
    section.right("MaxPool, three axes", VOLUME, _op("MaxPool", kernel_shape=[2, 2, 3], strides=[2, 1, 1]))
    section.right("AveragePool", IMAGE, _op("AveragePool", kernel_shape=[2, 2], strides=[2, 1]))
    section.right(
        "AveragePool(pads)",
        IMAGE,
        _op("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        CLOSE,
        "1/count has 24 bits where inexact",
    )
    section.right(
        "AveragePool(count_include_pad)",
        IMAGE,
        _op("AveragePool", kernel_shape=[2, 4], pads=[1, 1, 0, 2], count_include_pad=1),
    )
    section.right(
        "AveragePool(ceil_mode)", IMAGE, _op("AveragePool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1), CLOSE
    )
    section.right("AveragePool, three axes", VOLUME, _op("AveragePool", kernel_shape=[2, 2, 2]), CLOSE)
    section.right("GlobalMaxPool", IMAGE, _op("GlobalMaxPool"))
    section.right("GlobalAveragePool", IMAGE, _op("GlobalAveragePool"), CLOSE)
    section.right("GlobalAveragePool, one axis", LINE, _op("GlobalAveragePool"))
    return section


def _activations() -> Section:
    section = Section("Activations")
    section.right("Relu", VECTOR, _op("Relu"))
    section.right("LeakyRelu", VECTOR, _op("LeakyRelu", alpha=0.125))
    section.right("PRelu", IMAGE, _op("PRelu", (4, 1, 1)), note="a slope for each channel, or for each element")
    section.right("PRelu, each element", IMAGE, _op("PRelu", (4, 6, 5)))
    section.right("ThresholdedRelu", VECTOR, _op("ThresholdedRelu", alpha=0.5))
    section.right("Clip", VECTOR, _op("Clip", -0.5, 1.0))
    section.right("Clip from 0 on", VECTOR, _op("Clip", 0.0, 6.0), note="a ReLU with a ceiling")
    section.right("Clip from above", VECTOR, _op("Clip", "", 0.5))
    section.right("Clip, opset 9", VECTOR, _op("Clip", min=-1.0, max=1.5), opset=9)
    section.right("Abs", VECTOR, _op("Abs"))
    section.right("Neg", VECTOR, _op("Neg"))
    section.right("Shrink(bias=0)", VECTOR, _op("Shrink", lambd=0.5))
    section.right("Shrink", VECTOR, _op("Shrink", lambd=0.5, bias=0.5), CLOSE)
    for name in "Sigmoid Tanh Softplus Softsign Elu Selu Celu Mish Gelu HardSwish Erf".split():
        section.right(name, VECTOR, _op(name), CLOSE)
    falling = lambda net, x: net("Exp", net("Neg", net("Abs", x)))  # noqa: E731
    section.right("Exp", VECTOR, falling, CLOSE, "its range can be huge: give calibration data, or the result's type")
    section.right("Gelu(tanh)", VECTOR, _op("Gelu", approximate="tanh"), CLOSE)
    section.right("HardSigmoid", VECTOR, _op("HardSigmoid"), CLOSE)
    section.right("Swish", VECTOR, _op("Swish"), CLOSE, opset=24)
    section.right("Softmax", LINE, _op("Softmax"), CLOSE)
    section.right("Softmax(axis)", IMAGE, _op("Softmax", axis=1), CLOSE, "any axis; before opset 13 with all behind it")
    section.right("Softmax, opset 12", LINE, _op("Softmax", axis=1), CLOSE, opset=12)
    section.right("LogSoftmax", LINE, _op("LogSoftmax", axis=1), CLOSE)

    def masked(net: Net, x: str) -> str:
        """Scores of 8 queries and keys, each of which sees itself and those before."""
        scores = net("MatMul", net("Transpose", x, perm=[0, 2, 1]), x)
        hidden = np.where(np.tri(8, dtype=bool), 0, -np.inf).astype(np.float32)
        return net("Softmax", net("Add", net("Mul", scores, net.scalar(0.0625)), net.weight(values=hidden)))

    section.right("Softmax of what a mask leaves", LINE, masked, CLOSE, "Add of zeros and numbers far below them")
    section.refused("Softmax over samples", LINE, _op("Softmax", axis=0), "axis 0 is that of the samples")
    section.refused("Hardmax", VECTOR, _op("Hardmax"), "not supported")
    return section


def _arithmetic() -> Section:
    section = Section("Arithmetic")
    for name in ("Add", "Sub", "Mul"):
        section.right(f"{name} of tensors", [IMAGE, IMAGE], _op(name))
        section.right(f"{name} of a constant", IMAGE, _op(name, (4, 1, 1)))
    section.refused("Add of a huge constant", VECTOR, _op("Add", -1e30), "leaves fixed point")
    section.right("Sub from a constant", VECTOR, lambda net, x: net("Sub", net.weight(6), x))
    section.right("Add of a constant, each element", IMAGE, _op("Add", (4, 6, 5)))
    section.right("Add, axes of 1 repeated", [IMAGE, (4, 1, 1)], _op("Add"))
    section.right("Add, four axes repeated", [(2, 4, 1, 3), (2, 1, 5, 1)], _op("Add"))
    section.right("Div by a constant", VECTOR, _op("Div", 4.0))
    section.refused("Div of tensors", [VECTOR, VECTOR], _op("Div"), "a quotient of two tensors")
    section.right("Sum", [VECTOR, VECTOR, VECTOR], _op("Sum"), note="any number of inputs, like Max, Min and Mean")
    section.right("Max", [VECTOR, VECTOR], _op("Max"))
    section.right("Max with a constant", VECTOR, _op("Max", 0.25))
    section.right("Min", [VECTOR, VECTOR, VECTOR], _op("Min"))
    section.right("Min with a constant", IMAGE, _op("Min", (4, 1, 1)))
    section.right("Mean", [VECTOR, VECTOR], _op("Mean"))
    section.right("Pow", VECTOR, _op("Pow", 2.0), note="by whole numbers from 1 to 8")
    section.refused("Pow by a fraction", VECTOR, _op("Pow", 0.5), "whole number")
    return section


def _shapes() -> Section:
    section = Section("Shapes and order")
    section.right("Identity", VECTOR, lambda net, x: net("Relu", net("Identity", x)))
    section.right("Dropout", VECTOR, lambda net, x: net("Relu", net("Dropout", x)))
    section.right("Cast", VECTOR, lambda net, x: net("Relu", net("Cast", x, to=1)), note="to float32")
    section.right(
        "CastLike",
        VECTOR,
        lambda net, x: net("Relu", net("CastLike", x, net("Neg", x))),
        note="of a constant, or to the same type",
    )
    section.right(
        "CastLike of a constant",
        VECTOR,
        lambda net, x: net("Mul", x, net("CastLike", net.weight(values=np.array([2])), x)),
    )
    section.right("Flatten", IMAGE, lambda net, x: net("Gemm", net("Flatten", x), net.weight(120, 3)))
    section.right("Reshape", IMAGE, _op("Reshape", [0, 6, -1]), note="that keeps the samples apart")
    section.refused("Reshape that mixes samples", IMAGE, _op("Reshape", [-1, 6]), "samples")
    section.right("Transpose", IMAGE, _op("Transpose", perm=[0, 2, 3, 1]))
    section.right("Squeeze", (4, 1, 5), _op("Squeeze", [2]))
    section.right("Squeeze, opset 11", (4, 1, 5), _op("Squeeze", axes=[2]), opset=11)
    section.right("Unsqueeze", LINE, _op("Unsqueeze", [2]))
    return section


def _moving() -> Section:
    section = Section("Elements joined, chosen, repeated")
    section.right("Concat", [IMAGE, (2, 6, 5)], _op("Concat", axis=1), note="any axis but the samples'")

    def token(net: Net, x: str) -> str:
        """A constant for every sample, as the token of a class is written."""
        shape = net("Concat", net("Shape", x, end=1), net.whole(1, 8), axis=0)
        return net("Concat", net("Expand", net.weight(1, 1, 8), shape), x, axis=1)

    section.right("Concat of a constant", LINE, token)
    section.refused("Concat of samples", [LINE, LINE], _op("Concat", axis=0), "axis 0 is that of the samples")
    section.right("Split", IMAGE, lambda net, x: net("Split", x, net.whole(1, 3), axis=1, outputs=2))
    section.right("Split(num_outputs)", LINE, lambda net, x: net("Split", x, axis=2, num_outputs=3, outputs=3))
    section.right("Split, opset 11", LINE, lambda net, x: net("Split", x, axis=1, outputs=3), opset=11)
    section.right("Slice", IMAGE, _op("Slice", [1, -1], [4, -7], [1, 2], [2, -2]), note="steps, also backwards")
    section.right("Slice, opset 9", IMAGE, _op("Slice", starts=[0, 1], ends=[2, 9], axes=[2, 3]), opset=9)
    section.right("Gather", IMAGE, _op("Gather", [2, 0, -1], axis=1), note="places that a constant says")
    section.right("Gather of one place", IMAGE, lambda net, x: net("Gather", x, net.weight(values=np.array(1)), axis=2))
    section.right("Pad", IMAGE, _op("Pad", [0, 1, 0, 2, 0, 0, 3, 0]))
    section.right("Pad with a number", IMAGE, _op("Pad", [0, 0, 1, 1, 0, 0, 0, 2], 0.5))
    section.right(
        "Pad(reflect)", IMAGE, _op("Pad", [0, 0, 2, 1, 0, 0, 1, 0], mode="reflect"), note="edge and wrap, too"
    )
    section.right("Pad that cuts", LINE, _op("Pad", [0, 0, -2, 0, 0, 1]))
    section.right("Pad, opset 9", IMAGE, _op("Pad", pads=[0, 0, 1, 0, 0, 0, 0, 1]), opset=9)
    section.right("Expand", (3, 1, 4), _op("Expand", [1, 3, 2, 4]))
    section.right("Tile", LINE, _op("Tile", [1, 2, 3]))
    section.right(
        "Resize, nearest",
        IMAGE,
        _op("Resize", "", "", [12, 10], axes=[2, 3], coordinate_transformation_mode="asymmetric"),
    )
    by_scales = np.array([1, 1, 2, 2], dtype=np.float32)
    section.right("Resize by scales", IMAGE, lambda net, x: net("Resize", x, "", net.weight(values=by_scales)))
    section.right("Resize, any size", IMAGE, _op("Resize", "", "", [4, 7], axes=[2, 3], nearest_mode="floor"))
    section.right("Resize, linear", IMAGE, _op("Resize", "", "", [12, 10], axes=[2, 3], mode="linear"))
    section.right(
        "Resize, linear, any size",
        IMAGE,
        _op("Resize", "", "", [4, 7], axes=[2, 3], mode="linear", coordinate_transformation_mode="align_corners"),
        CLOSE,
        "denominators that are no powers of two have 24 bits",
    )
    section.refused("Resize, cubic", IMAGE, _op("Resize", "", "", [1, 4, 12, 10], mode="cubic"), "mode='cubic'")
    section.right("Upsample", IMAGE, lambda net, x: net("Upsample", x, net.weight(values=by_scales)), opset=9)
    section.right("DepthToSpace", (8, 3, 2), _op("DepthToSpace", blocksize=2))
    section.right("DepthToSpace(CRD)", (8, 3, 2), _op("DepthToSpace", blocksize=2, mode="CRD"))
    section.right("SpaceToDepth", (2, 6, 4), _op("SpaceToDepth", blocksize=2))
    return section


def _reductions() -> Section:
    section = Section("Sums, extremes and their places")
    section.right("ReduceSum", IMAGE, _op("ReduceSum", [2, 3]), note="any axes but the samples'")
    section.right("ReduceSum(keepdims=0)", IMAGE, _op("ReduceSum", [1, 3], keepdims=0))
    section.right("ReduceSum, opset 11", IMAGE, _op("ReduceSum", axes=[1]), opset=11)
    section.right("ReduceMean", IMAGE, _op("ReduceMean", [1]))
    section.right("ReduceMax", IMAGE, _op("ReduceMax", [1, 2]))
    section.right("ReduceMin", IMAGE, _op("ReduceMin", [3], keepdims=0))
    section.right("ReduceProd", (3, 4), _op("ReduceProd", [1]))
    section.right("ReduceL1", IMAGE, _op("ReduceL1", [2]))
    section.right("ReduceSumSquare", LINE, _op("ReduceSumSquare", [2]))
    section.refused("ReduceL2", LINE, _op("ReduceL2", [2]), "not supported")
    section.right("ArgMax", LINE, _op("ArgMax", axis=1), note="of equal ones the first")
    section.right("ArgMin", IMAGE, _op("ArgMin", axis=1, keepdims=0))
    section.right("TopK", IMAGE, lambda net, x: net("TopK", x, net.whole(3), axis=2, outputs=2))
    section.right("TopK(largest=0)", LINE, lambda net, x: net("TopK", x, net.whole(2), largest=0, outputs=2)[0])
    return section


def _recurrent() -> Section:
    section = Section("Recurrent")

    def sequence(op: str, gates: int, result: int = 0, **attributes: Any) -> Build:
        """An operator over (samples, 6 steps, 4 channels), as exporters write it: the steps brought to the front."""

        def build(net: Net, x: str) -> str:
            ways = 2 if attributes.get("direction") == "bidirectional" else 1
            weights = [net.weight(ways, gates * 3, 4), net.weight(ways, gates * 3, 3), net.weight(ways, gates * 6)]
            steps = net("Transpose", x, perm=[1, 0, 2])
            outputs = net(op, steps, *weights, hidden_size=3, outputs=2, **attributes)
            if result:
                return net("Transpose", outputs[1], perm=[1, 0, 2])
            return net("Transpose", outputs[0], perm=[2, 0, 1, 3])

        return build

    both = {"direction": "bidirectional"}
    shape = (6, 4)
    section.right("LSTM", shape, sequence("LSTM", 4), CLOSE, "all steps, or the states behind the last")
    section.right("LSTM, last state", shape, sequence("LSTM", 4, 1), CLOSE)
    section.right("LSTM(direction)", shape, sequence("LSTM", 4, **both), CLOSE, "forward, reverse or bidirectional")
    section.right("GRU", shape, sequence("GRU", 3), CLOSE)
    section.right("GRU(linear_before_reset)", shape, sequence("GRU", 3, linear_before_reset=1), CLOSE)
    section.right("RNN", shape, sequence("RNN", 1, direction="reverse"), CLOSE)
    section.right("RNN(activations)", shape, sequence("RNN", 1, activations=["Relu"]), CLOSE)
    section.refused("LSTM(clip)", shape, sequence("LSTM", 4, clip=1.0), "clip=1.0")
    return section


def _sections() -> list[Section]:
    return [
        _linear(),
        _normalisation(),
        _pooling(),
        _activations(),
        _arithmetic(),
        _shapes(),
        _moving(),
        _reductions(),
        _recurrent(),
    ]


SECTIONS = _sections()
ROWS = [row for section in SECTIONS for row in section]


HEADER = """\
# ONNX models

`hlsgen.convert("net.onnx")`, `model: net.onnx` in a configuration, or a `ModelProto` in place of the path; the extra
`onnx` installs what reads them (`pip install 'hlsgen[onnx]'`). Opsets from 9 to the newest that the installed `onnx` knows.
In `layers:` and `layer_types:` of the configuration, and in traces, layers have the names and types of ONNX's operators;
`hlsgen config net.onnx -g name` lists them. An operator without a name has that of its first output.

Quantised models, those of QONNX and Brevitas and of ONNX's own operators, are in [qonnx.md](qonnx.md).

## Samples and channels

* The samples are the one extent of an input that is open (`N`, `batch_size`). If none is, they are the first axis of every
  input, whatever number it has, or the second one where an LSTM, GRU or RNN reads an input whose steps are in front.
  Every sample is computed by itself: what mixes samples is refused.
* The samples come first in every array that you give and get, also where the model has another axis in front.
* ONNX has the channels of an image first, a design has them last: it reads a pixel a clock, with all its channels.
  **`predict`, `evaluate`, `trace`, `simulate`, calibration data and test vectors take inputs in the model's order**,
  `(samples, channels, rows, columns)`, and hlsgen turns them round. **Outputs have the model's order**, too.
  Boards' drivers, which are programs of their own, take the port's order, below.
* Between reshapes the samples may share an axis with another one, as heads of attention do (`samples * heads`). Products
  of matrices, Gemm, Softmax over the last axis, and Mul and Div by constants read such tensors; others refuse them.
* Inside nothing is transposed for that. A Transpose or a Flatten adds no hardware: the weights that follow are brought
  into the order in which elements are held. Traces of layers inside have the channels last, and so has the port of the
  design: what drives a board or a test bench of its own gives it pixel by pixel, `x.transpose(0, 2, 3, 1)`.
* Where an operator needs another order than its input is held in (a model that returns an image; a Reshape that cuts
  through rows and channels), a permutation is added, and seen in `project.design`.

Where ONNX counts a computed index of a table from its end (a negative one), a design takes the first row, and beyond the
table the last one; constant indices are what ONNX says.

## What is refused

A file that is damaged, or that `onnx.checker` refuses; operators of other domains than ONNX's and QONNX's; control flow (If, Loop,
Scan); open extents other than the samples'; weights and inputs of another type than float32 (whole numbers as indices
apart); tensors beside the model that lie outside of its folder; training mode. Nothing of a model is executed; constants
are computed by ONNX's reference implementation, operator by operator from a list. Limits are those of all models
([configuration.md](configuration.md#limits)).

## Operators

Each line is a model in `tests/onnx/inventory.py`, which the tests convert and compare with ONNX Runtime; the tables are
written from that list. *exact*: equal numbers, as long as weights and results fit their types. *close*: some constant,
table or result is rounded; within 2^-10 of the largest value with 16 bits. *refused*: an error that names the layer, with
the words given. Attributes that a line does not mention are supported, or refused by name.
"""


def tables(sections: Iterable[Section]) -> str:
    """The rows of some sections, below their titles."""
    parts = []
    for section in sections:
        parts.append(f"\n### {section.title}\n\n| | | |\n|---|---|---|\n")
        parts += [f"| {row.text} | {row.status} | {row.note} |\n" for row in section]
    return "".join(parts)


def document() -> str:
    """The text of docs/onnx.md."""
    return HEADER + tables(SECTIONS)

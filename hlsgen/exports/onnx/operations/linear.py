"""Dense layers, convolutions, scales and products of tensors: one exact sum each.

In float32 where no order of the additions leaves its 24 bits, in the operators that tools for QONNX know; in float64
and among whole numbers a convolution gathers its windows, since runtimes have none of such numbers.
"""

from __future__ import annotations

import numpy as np

from hlsgen.exports.onnx.kinds import EVERY, Kind, Wire
from hlsgen.exports.onnx.network import Network, ends_at
from hlsgen.exports.onnx.operations.cells import gathered_cells, options
from hlsgen.exports.onnx.whole import Whole
from hlsgen.exports.onnx.writing import Result, writes
from hlsgen.ir.arithmetic import shifted
from hlsgen.ir.constant import Constant
from hlsgen.ir.interval import Interval
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.axis_windows import SumsAlongAxis
from hlsgen.layers.conv2d import Conv2D, Convolution
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.scale import Scale


@writes(Dense)
def dense(layer: Dense, op: Op, network: Network) -> Result:
    """The last axis times a matrix."""
    kind = kind_of_sum(op, network, layer.weight, layer.bias)
    weight = network.weights(layer.weight, layer.weight.fixed[0], kind, f"{op.name}.weight")
    name = network.nodes.one("MatMul", numbers(op, network, kind), weight, hint=op.name)
    return _biased(layer, op, network, kind, name)


@writes(Conv2D, DepthwiseConv2D)
def convolution(layer: Convolution, op: Op, network: Network) -> Result:
    """Conv in float32, else the windows times a matrix."""
    kind = kind_of_sum(op, network, layer.weight, layer.bias)
    if kind is not Kind.FLOAT:
        return _gathered(layer, op, network, kind)
    given, mantissas, groups = options(layer.window, len(op.input.shape)), layer.weight.fixed[0], 1
    if isinstance(layer, Conv2D):
        groups, kernel = layer.group_count, mantissas.transpose(3, 2, 0, 1)
    else:
        groups = mantissas.shape[2]
        kernel = mantissas.transpose(2, 3, 0, 1).reshape(layer.n_out, 1, *layer.window.size)
    kernel = kernel.reshape(*kernel.shape[:2], *given["kernel_shape"])
    x = network.read(op.input, kind, first=True)
    inputs = [x.name, network.weights(layer.weight, kernel, kind, f"{op.name}.weight")]
    if layer.bias.effective.any():
        inputs.append(network.weights(layer.bias, layer.bias.fixed[0], kind, f"{op.name}.bias"))
    name = network.nodes.one("Conv", *inputs, hint=op.name, group=groups, **given)
    return Wire(name, kind, op.output.shape, first=True)


def _gathered(layer: Convolution, op: Op, network: Network, kind: Kind) -> Result:
    """A convolution of windows that are gathered: (samples, places, cells, channels)."""
    nodes, mantissas, taps = network.nodes, layer.weight.fixed[0], layer.window.taps
    cells, places = gathered_cells(network, layer.window, op.input, numbers(op, network, kind))
    if isinstance(layer, Conv2D):
        groups, inputs = layer.group_count, layer.weight.shape[2]
        apart = nodes.one("Reshape", cells, network.places([0, places, taps, groups, inputs]))
        turned = nodes.one("Transpose", apart, perm=[0, 3, 1, 2, 4])
        rows = nodes.one("Reshape", turned, network.places([0, groups, places, taps * inputs]))
        kernel = mantissas.reshape(taps * inputs, groups, -1).transpose(1, 0, 2)
        sums = nodes.one("MatMul", rows, network.weights(layer.weight, kernel, kind, f"{op.name}.weight"))
        found = nodes.one("Transpose", sums, perm=[0, 2, 1, 3])
    else:
        kernel = mantissas.reshape(taps, *layer.weight.shape[2:])
        apart = nodes.one("Unsqueeze", cells, network.places([-1]))
        products = nodes.one("Mul", apart, network.weights(layer.weight, kernel, kind, f"{op.name}.weight"))
        found = nodes.one("ReduceSum", products, network.places([2]), keepdims=0)
    name = nodes.one("Reshape", found, network.places([0, *op.output.shape]), hint=op.name)
    return _biased(layer, op, network, kind, name)


def _biased(layer: LinearLayer, op: Op, network: Network, kind: Kind, name: str, first: bool = False) -> Result:
    """The bias added to sums of products, on the finer of the two grids."""
    bias, bias_frac = layer.bias.fixed
    frac = op.input.type.frac + layer.weight.fixed[1]
    if kind is Kind.WHOLE:
        common = max(frac, bias_frac)
        if common > frac:
            name = network.nodes.one("Mul", name, network.places([1 << (common - frac)]))
        added = network.nodes.one("Add", name, network.places(shifted(bias, common - bias_frac)))
        return summed(op, added, common)
    if bias.any():
        spread = bias.reshape(-1, *(1 for _ in op.output.shape[1:])) if first else bias
        name = network.nodes.one(
            "Add", name, network.weights(layer.bias, spread, kind, f"{op.name}.bias"), hint=op.name
        )
    return Wire(name, kind, op.output.shape, first)


@writes(Scale)
def scale(layer: Scale, op: Op, network: Network) -> Result:
    """A factor and a shift for each channel."""
    kind = kind_of_sum(op, network, layer.weight, layer.bias)
    first = kind is not Kind.WHOLE and network.read(op.input).first
    x = numbers(op, network, kind) if kind is Kind.WHOLE else network.read(op.input, kind).name
    factors = layer.weight.fixed[0]
    factors = factors.reshape(-1, *(1 for _ in op.output.shape[1:])) if first else factors
    name = network.nodes.one("Mul", x, network.weights(layer.weight, factors, kind, f"{op.name}.scale"), hint=op.name)
    return _biased(layer, op, network, kind, name, first)


@writes(MatMul)
def matrices(layer: MatMul, op: Op, network: Network) -> Result:
    """Matrices of one tensor times those of another."""
    kind = kind_of_sum(op, network)
    a, b = (numbers(op, network, kind, place) for place in (0, 1))
    if layer.transposed:
        rank = len(op.inputs[1].shape) + 1
        b = network.nodes.one("Transpose", b, perm=[*range(rank - 2), rank - 1, rank - 2])
    name = network.nodes.one("MatMul", a, b, hint=op.name)
    if kind is Kind.WHOLE:
        return summed(op, name, sum(tensor.type.frac for tensor in op.inputs))
    return Wire(name, kind, op.output.shape)


@writes(SumsAlongAxis)
def sums_along_axis(layer: SumsAlongAxis, op: Op, network: Network) -> Result:
    """An axis times a matrix with the weights of each window in a column."""
    kind = kind_of_sum(op, network, layer.weight)
    matrix = np.zeros((op.input.shape[layer.axis], len(layer.spans.first)), dtype=object)
    for column, (first, end) in enumerate(zip(layer.spans.first, layer.spans.end, strict=True)):
        matrix[first:end, column] = layer.weight.fixed[0][column, : end - first]
    turned = [axis for axis in range(len(op.input.shape) + 1) if axis != layer.axis + 1] + [layer.axis + 1]
    x = network.nodes.one("Transpose", numbers(op, network, kind), perm=turned)
    weight = network.weights(layer.weight, matrix, kind, f"{op.name}.weight")
    name = network.nodes.one("MatMul", x, weight, hint=op.name)
    name = network.nodes.one("Transpose", name, hint=op.name, perm=np.argsort(turned).tolist())
    if kind is Kind.WHOLE:
        return summed(op, name, op.input.type.frac + layer.weight.fixed[1])
    return Wire(name, kind, op.output.shape)


def kind_of_sum(op: Op, network: Network, *constants: Constant) -> Kind:
    """How a sum is computed: whatever is added up first, no part of it leaves the kind."""
    widest = [_either_sign(tensor.interval) for tensor in op.inputs]
    reach = op.layer.interval(widest, [tensor.shape for tensor in op.inputs])
    held = [_span(constant.fixed) for constant in constants]
    return network.kind(op, op.output.typing.exact, reach, *held, among=EVERY)


def _either_sign(span: Interval) -> Interval:
    """The same magnitudes with both signs: then the range of a sum bounds every part of it."""
    low, high = span.low.astype(object), span.high.astype(object)
    size = np.maximum(np.maximum(-low, high), 0)
    return Interval(-size, size, span.frac)


def _span(fixed: tuple[Ints, int]) -> Interval:
    flat = fixed[0].reshape(-1)
    return Interval(flat, flat, fixed[1])


def numbers(op: Op, network: Network, kind: Kind, place: int = 0) -> str:
    """An input as real numbers of a kind, or as mantissas of its type; channels last."""
    tensor = op.inputs[place]
    if kind is not Kind.WHOLE:
        return network.read(tensor, kind, first=False).name
    return network.whole(op, tensor).name


def summed(op: Op, name: str, frac: int) -> Whole:
    """Mantissas of an exact result on a grid, with the range that was proved for it."""
    return Whole(name, frac, *ends_at(op.output.typing.exact, frac))

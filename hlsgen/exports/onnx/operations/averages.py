"""Sums of cells times a reciprocal: average poolings."""

from __future__ import annotations

from math import prod

from hlsgen.exports.onnx.kinds import Kind, Wire
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.operations.cells import gathered_cells, options
from hlsgen.exports.onnx.operations.linear import kind_of_sum, numbers, summed
from hlsgen.exports.onnx.writing import Result, writes
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.pooling2d import Average, AveragePooling2D, GlobalAveragePooling
from hlsgen.layers.sums import GlobalSum, WindowSum


@writes(AveragePooling2D, WindowSum)
def average_pooling(layer: AveragePooling2D, op: Op, network: Network) -> Result:
    """The mean of each window's cells: AveragePool where it is exact, else sums of what the windows see."""
    kind = kind_of_sum(op, network, layer.reciprocal)
    window = layer.window
    if kind is Kind.FLOAT and not window.padded and layer.reciprocal.effective[window.taps] * window.taps == 1.0:
        x, given = network.read(op.input, kind, first=True), options(window, len(op.input.shape))
        if window.dilation == (1, 1):
            del given["dilations"]  # which it got later
            return Wire(network.nodes.one("AveragePool", x.name, hint=op.name, **given), kind, op.output.shape, True)
    cells, _ = gathered_cells(network, window, op.input, numbers(op, network, kind))
    total = network.nodes.one("ReduceSum", cells, network.places([2]), keepdims=0)
    image = network.nodes.one("Reshape", total, network.places([0, *op.output.shape]))
    factors = layer.reciprocal.fixed[0][window.counts(op.input.shape)].reshape(*op.output.shape[:-1], 1)
    return _divided(layer, op, network, kind, image, factors)


@writes(GlobalAveragePooling, GlobalSum)
def global_average(layer: GlobalAveragePooling, op: Op, network: Network) -> Result:
    """The mean of each channel."""
    kind = kind_of_sum(op, network, layer.reciprocal)
    axes, keepdims = network.places(range(1, len(op.input.shape))), int(layer.keepdims)
    x = numbers(op, network, kind)
    if kind is not Kind.WHOLE and layer.reciprocal.effective[0] * prod(op.input.shape[:-1]) == 1.0:
        return Wire(network.nodes.one("ReduceMean", x, axes, hint=op.name, keepdims=keepdims), kind, op.output.shape)
    total = network.nodes.one("ReduceSum", x, axes, hint=op.name, keepdims=keepdims)
    return _divided(layer, op, network, kind, total, layer.reciprocal.fixed[0])


def _divided(layer: Average, op: Op, network: Network, kind: Kind, total: str, factors: Ints) -> Result:
    """Sums times what stands for a division."""
    frac = op.input.type.frac + layer.reciprocal.fixed[1]
    name = network.nodes.one("Mul", total, network.weights(layer.reciprocal, factors, kind, f"{op.name}.reciprocal"))
    return summed(op, name, frac) if kind is Kind.WHOLE else Wire(name, kind, op.output.shape)

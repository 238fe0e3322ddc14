"""Layers that move numbers, pick some or put zeros around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.exports.onnx.kinds import Kind, Wire
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.operations.cells import gathered_cells, options
from hlsgen.exports.onnx.writing import Result, writes
from hlsgen.ir.interval import Interval
from hlsgen.ir.op import Op
from hlsgen.layers.axis_windows import LargestAlongAxis
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.pooling2d import GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.split import Split
from hlsgen.layers.take import Take
from hlsgen.layers.top import Top, TopIndices, TopValues
from hlsgen.layers.window import as_image


def _last(op: Op, network: Network) -> Wire:
    return network.read(op.input, first=False)


def _moved(op: Op, x: Wire, name: str) -> Wire:
    return replace(x, name=name, shape=op.output.shape)


@writes(Reshape)
def reshape(layer: Reshape, op: Op, network: Network) -> Result:
    """Another shape of the same numbers, channels last."""
    x = _last(op, network)
    return _moved(op, x, network.nodes.one("Reshape", x.name, network.places([0, *layer.shape]), hint=op.name))


@writes(Permute)
def permute(layer: Permute, op: Op, network: Network) -> Result:
    """Axes in another order: where channels go in front or come from there, another way to look at the same numbers."""
    rank = len(layer.order)
    if layer.order == (rank - 1, *range(rank - 1)):
        x = network.read(op.input, first=True)
        return replace(x, shape=op.output.shape, first=False)
    x = _last(op, network)
    if layer.order == (*range(1, rank), 0):
        return replace(x, shape=op.output.shape, first=True)
    order = [0, *(axis + 1 for axis in layer.order)]
    return _moved(op, x, network.nodes.one("Transpose", x.name, hint=op.name, perm=order))


@writes(ZeroPadding)
def zero_padding(layer: ZeroPadding, op: Op, network: Network) -> Result:
    """Zeros around an image."""
    x, rank = _last(op, network), len(op.input.shape)
    top, bottom, left, right = layer.padding
    before, behind = ([0, *ends[3 - rank :], 0] for ends in ((top, left), (bottom, right)))
    return _moved(op, x, network.nodes.one("Pad", x.name, network.places([*before, *behind]), hint=op.name))


@writes(Cropping)
def cropping(layer: Cropping, op: Op, network: Network) -> Result:
    """A part of an image."""
    x, rank = _last(op, network), len(op.input.shape)
    height, width, _ = as_image(op.input.shape)
    top, bottom, left, right = layer.crop
    axes = [1, 2][: rank - 1]
    starts, ends = [top, left][3 - rank :], [height - bottom, width - right][3 - rank :]
    parts = [network.places(values) for values in (starts, ends, axes)]
    return _moved(op, x, network.nodes.one("Slice", x.name, *parts, hint=op.name))


@writes(UpSampling)
def up_sampling(layer: UpSampling, op: Op, network: Network) -> Result:
    """Every pixel several times."""
    x, rank = _last(op, network), len(op.input.shape)
    name = x.name
    for axis, factor in enumerate(layer.factors[3 - rank :]):
        if factor > 1:
            places = np.arange(op.input.shape[axis]).repeat(factor)
            name = network.nodes.one("Gather", name, network.places(places), hint=op.name, axis=axis + 1)
    return _moved(op, x, name)


@writes(DepthToSpace)
def depth_to_space(layer: DepthToSpace, op: Op, network: Network) -> Result:
    """Channels spread over pixels; what lies beyond the extent is cut off."""
    x, (rows, columns) = _last(op, network), layer.factors
    height, width, depth = as_image(op.input.shape)
    nodes, channels = network.nodes, depth // layer.cells
    blocks = nodes.one("Reshape", x.name, network.places([0, height, width, rows, columns, channels]))
    turned = nodes.one("Transpose", blocks, perm=[0, 1, 3, 2, 4, 5])
    image = nodes.one("Reshape", turned, network.places([0, height * rows, width * columns, channels]))
    kept = nodes.one("Slice", image, network.places([0, 0]), network.places(layer.extent), network.places([1, 2]))
    return _moved(op, x, nodes.one("Reshape", kept, network.places([0, *op.output.shape]), hint=op.name))


@writes(Take)
def take(layer: Take, op: Op, network: Network) -> Result:
    """Some places of an axis."""
    x = _last(op, network)
    name = network.nodes.one("Gather", x.name, network.places(layer.places), hint=op.name, axis=layer.axis + 1)
    return _moved(op, x, name)


@writes(Split)
def split(layer: Split, op: Op, network: Network) -> tuple[Result, ...]:
    """Two parts of an axis."""
    x = _last(op, network)
    sizes = network.places([tensor.shape[layer.axis] for tensor in op.outputs])
    names = network.nodes.add("Split", x.name, sizes, hint=op.name, outputs=2, axis=layer.axis + 1)
    return tuple(replace(x, name=name, shape=t.shape) for name, t in zip(names, op.outputs, strict=True))


@writes(Concatenate)
def concatenate(layer: Concatenate, op: Op, network: Network) -> Result:
    """Two tensors joined along an axis."""
    first = all(network.read(tensor).first for tensor in op.inputs)
    kind = network.kind(op)
    a, b = (network.read(tensor, kind, first) for tensor in op.inputs)
    last = layer.axis == len(op.output.shape) - 1
    axis = (1 if last else layer.axis + 2) if first else layer.axis + 1
    return _moved(op, a, network.nodes.one("Concat", a.name, b.name, hint=op.name, axis=axis))


@writes(Embedding)
def embedding(layer: Embedding, op: Op, network: Network) -> Result:
    """Rows of a table, by whole numbers cut off at its ends."""
    wholes, x = network.wholes(op), network.whole(op, op.input)
    index = wholes.high_bits(x, x.frac) if x.frac > 0 else wholes.finer(x, 0)
    index = wholes.clipped(index, 0, layer.rows - 1)
    flat = network.nodes.one("Squeeze", index.name, network.places([-1]))
    mantissas = layer.table.fixed[0]
    span = Interval(mantissas.reshape(-1), mantissas.reshape(-1), layer.table.fixed[1])
    kind = network.kind(op, span)
    table = network.weights(layer.table, mantissas, kind, f"{op.name}.table")
    return Wire(network.nodes.one("Gather", table, flat, hint=op.name), kind, op.output.shape)


# -- the largest ------------------------------------------------------------------------------------


@writes(MaxPooling2D)
def max_pooling(layer: MaxPooling2D, op: Op, network: Network) -> Result:
    """The largest cell of each window; padding never counts."""
    x, window = network.read(op.input, first=True), layer.window
    if any(pad >= size for pad, size in zip(window.padding, np.repeat(window.size, 2), strict=True)):
        return _largest_gathered(layer, op, network)
    given = options(window, len(op.input.shape))
    return _moved(op, x, network.nodes.one("MaxPool", x.name, hint=op.name, **given))


def _largest_gathered(layer: MaxPooling2D, op: Op, network: Network) -> Result:
    """Where padding is as wide as the window, which runtimes refuse: what is beside the image is the least number."""
    x, least = _last(op, network), float(op.input.type.min)
    moved = network.nodes.one("Sub", x.name, network.number(least, x.kind))  # so that zeros beside are the least
    cells, _ = gathered_cells(network, layer.window, op.input, moved)
    largest = network.nodes.one("ReduceMax", cells, network.places([2]), keepdims=0)
    back = network.nodes.one("Add", largest, network.number(least, x.kind))
    return _moved(op, x, network.nodes.one("Reshape", back, network.places([0, *op.output.shape]), hint=op.name))


@writes(GlobalMaxPooling)
def global_max_pooling(layer: GlobalMaxPooling, op: Op, network: Network) -> Result:
    """The largest number of each channel."""
    x = _last(op, network)
    axes = network.places(range(1, len(op.input.shape)))
    return _moved(op, x, network.nodes.one("ReduceMax", x.name, axes, hint=op.name, keepdims=int(layer.keepdims)))


@writes(LargestAlongAxis)
def largest_along_axis(layer: LargestAlongAxis, op: Op, network: Network) -> Result:
    """The largest cell of each span, cell by cell."""
    x, spans = _last(op, network), layer.spans
    cells = []
    for tap in range(spans.taps):
        places = np.minimum(np.array(spans.first) + tap, np.array(spans.end) - 1)
        cells.append(network.nodes.one("Gather", x.name, network.places(places), axis=layer.axis + 1))
    return _moved(op, x, network.nodes.one("Max", *cells, hint=op.name) if len(cells) > 1 else cells[0])


def _top(layer: Top, op: Op, network: Network) -> tuple[Wire, str, str]:
    x = _last(op, network)
    count = network.places([layer.count])
    values, places = network.nodes.add(
        "TopK", x.name, count, hint=op.name, outputs=2, axis=-1, largest=int(not layer.least), sorted=1
    )
    return x, values, places


@writes(TopValues)
def top_values(layer: TopValues, op: Op, network: Network) -> Result:
    """The largest or least channels, in order."""
    x, values, _ = _top(layer, op, network)
    return _moved(op, x, values)


@writes(TopIndices)
def top_indices(layer: TopIndices, op: Op, network: Network) -> Result:
    """Which those are; of equal ones, the lower number first."""
    _, _, places = _top(layer, op, network)
    name = network.nodes.one("Cast", places, hint=op.name, to=Kind.FLOAT.onnx)
    return Wire(name, Kind.FLOAT, op.output.shape)

"""How much of a network a probe runs through: enough for its ranges, and no more than a conversion can wait for.

Small networks are probed whole, with many samples. Where that takes too long, the inputs are cut down: a layer that
does the same at every place of an image has the same ranges in a part of it, so that time does not grow with the
pixels. Where some layer needs the whole (a Flatten in front of a Dense, whose weights grow with the pixels too), there
are fewer samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Graph, Node, Value

_SAMPLES, _FEWER, _FEWEST = 256, 16, 2
"""At most; of large tensors; of networks that take long."""
_BATCH_CELLS = 1 << 17
_MOST_CELLS = 1 << 26
"""Elements of one tensor, all samples together: half a gigabyte."""
_WORK = 1 << 32
"""Multiplications (or comparisons) that a probe may take before it is cut down."""
MOST_WORK = 1 << 37
"""And after that: a minute of work."""
_LEAST_EXTENT = 32
"""Images are not cut to less."""

Shapes = Mapping[Value, Shape]


@dataclass(frozen=True)
class ProbeSize:
    """How many samples, and of which shape for each input."""

    samples: int
    inputs: Shapes


def probe_size(graph: Graph) -> ProbeSize:
    """The size of a probe. Raises UnsupportedError for a network that takes too long even so."""
    shapes: Shapes = {value: value.shape for value in graph.values}
    samples = batch_size(graph, shapes)
    while _work(graph, shapes) * samples > _WORK:
        smaller = _cut(graph, shapes)
        if smaller is None:
            break
        shapes = smaller
        samples = batch_size(graph, shapes)
    work = _work(graph, shapes)
    samples = min(samples, max(_WORK // work, _FEWEST))
    if work * samples > MOST_WORK:
        raise UnsupportedError(
            f"the network is too large: one sample takes {work:.2g} multiplications, more than the "
            f"{MOST_WORK // _FEWEST:.2g} supported; give it smaller inputs"
        )
    return ProbeSize(samples, {value: shapes[value] for value in graph.inputs})


def batch_size(graph: Graph, shapes: Shapes | None = None) -> int:
    """Samples evaluated at once: few for large tensors, but enough for the statistics of a batch."""
    sizes = [prod(shapes[value]) if shapes is not None else value.size for value in graph.values]
    samples = min(max(_BATCH_CELLS // max(sizes), _FEWER), _SAMPLES)
    return min(samples, max(_MOST_CELLS // max(sizes), _FEWEST))


def _work(graph: Graph, shapes: Shapes) -> int:
    """Multiplications or comparisons that one sample takes, roughly."""
    total = 0
    for node in graph:
        for value in node.outputs:
            *positions, channels = shapes[value]
            total += prod(positions) * max(node.layer.products, channels * node.layer.cells_read)
    return max(total, 1)


def _cut(graph: Graph, shapes: Shapes) -> Shapes | None:
    """The shapes of all values with half of every extent of the inputs; None where that is not possible."""
    cut = {value: _half(shapes[value]) for value in graph.inputs}
    if all(cut[value] == shapes[value] for value in graph.inputs):
        return None
    for node in graph:
        if not node.is_input:
            outputs = _shapes_behind(node, [cut[value] for value in node.inputs])
            if outputs is None:
                return None
            cut.update(zip(node.outputs, outputs, strict=True))
    return cut


def _half(shape: Shape) -> Shape:
    *extents, channels = shape
    return (*(max((extent + 1) // 2, min(extent, _LEAST_EXTENT)) for extent in extents), channels)


def _shapes_behind(node: Node, inputs: list[Shape]) -> tuple[Shape, ...] | None:
    """The shapes of a node's results for smaller inputs; None where it does not take them."""
    whole = [value.shape for value in node.inputs]
    if inputs == whole:
        return tuple(value.shape for value in node.outputs)
    agree = len(set(inputs)) == 1 or len(set(whole)) > 1
    if not (node.layer.local and agree):
        return None
    try:
        outputs = node.layer.output_shapes(inputs)
    except ValueError:
        return None
    fits = all(
        min(shape) >= 1 and len(shape) == len(value.shape) and shape[-1] == value.shape[-1]
        for shape, value in zip(outputs, node.outputs, strict=True)
    )
    return outputs if fits else None

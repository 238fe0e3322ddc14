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
_MOST_CELLS = 1 << 25
"""Elements of one tensor, all samples together: a quarter of a gigabyte."""
_WORK = 1 << 32
"""Multiplications (or comparisons) that a probe may take before it is cut down."""
MOST_WORK = 1 << 37
"""And after that: a minute of work."""
_GATHERING = 16
"""Multiplications that take as long as gathering one number."""
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
    while _takes_long(graph, shapes):
        smaller = _cut(graph, shapes)
        if smaller is None:
            break
        shapes = smaller
    work = _work(graph, shapes)
    samples = min(batch_size(graph, shapes), max(_WORK // work, _FEWEST))
    if work * samples > MOST_WORK:
        raise UnsupportedError(
            f"the network is too large: one sample takes {work:.2g} multiplications, more than the "
            f"{MOST_WORK // _FEWEST:.2g} supported; give it smaller inputs"
        )
    return ProbeSize(samples, {value: shapes[value] for value in graph.inputs})


def batch_size(graph: Graph, shapes: Shapes | None = None) -> int:
    """Samples evaluated at once: few for large tensors, but enough for the statistics of a batch."""
    largest = _largest(graph, shapes)
    return min(_wanted(largest), max(_MOST_CELLS // largest, _FEWEST))


def _wanted(largest: int) -> int:
    """Samples of a network with a tensor of so many elements, if time and memory did not matter."""
    return min(max(_BATCH_CELLS // largest, _FEWER), _SAMPLES)


def _largest(graph: Graph, shapes: Shapes | None) -> int:
    return max(value.size if shapes is None else prod(shapes[value]) for value in graph.values)


def _takes_long(graph: Graph, shapes: Shapes) -> bool:
    largest = _largest(graph, shapes)
    samples = _wanted(largest)
    return samples * largest > _MOST_CELLS or samples * _work(graph, shapes) > _WORK


def _work(graph: Graph, shapes: Shapes) -> int:
    """Multiplications or comparisons that one sample takes, roughly.

    What a convolution multiplies is gathered before; a narrow one waits for that.
    """
    total = 0
    for node in graph:
        for value in node.outputs:
            *positions, channels = shapes[value]
            gathered = _GATHERING * node.layer.products // channels
            total += prod(positions) * max(node.layer.products + gathered, channels * node.layer.cells_read)
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

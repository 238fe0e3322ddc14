"""How much of a network a probe runs through: enough for its ranges, and no more than a conversion can wait for.

Small networks are probed whole, with many samples. Where that takes too long, a part of the inputs' images is
(:mod:`hlsgen.precision.part`), and there are fewer samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.ir.graph import Graph, Value
from hlsgen.precision.part import LEAST_POSITIONS, Part, part_of, whole_of

_SAMPLES, _FEWER, _FEWEST = 256, 16, 2
"""At most; of large tensors; of networks that take long."""
_BATCH_CELLS = 1 << 17
_MOST_CELLS = 1 << 25
"""Elements of one tensor, all samples together: a quarter of a gigabyte."""
_WORK = 1 << 32
"""Multiplications (or comparisons) that a probe may take before it is cut down."""
MOST_WORK = 1 << 35
"""And after that, with what is not done sample by sample: ten to twenty seconds."""
_GATHERING = 16
"""Multiplications that take as long as gathering one number."""
_SURVEYING = 64
"""And as computing one number of a result and looking at it: its size, its channel's statistics."""
_TYPING = 1 << 12
"""And as one channel costs in inference, whose bounds and errors are found channel by channel."""


@dataclass(frozen=True)
class ProbeSize:
    """How many samples, and which part of every value."""

    samples: int
    part: Part[Value]


def probe_size(graph: Graph) -> ProbeSize:
    """The size of a probe. Raises UnsupportedError for a network that takes too long even so."""
    for positions in (LEAST_POSITIONS, 1):
        part = _cut(graph, positions)
        work = _work(graph, part)
        samples = min(batch_size(graph, part), max(_WORK // work, _FEWEST))
        total = work * samples + _TYPING * sum(value.shape[-1] for value in graph.values)
        if total <= MOST_WORK:
            return ProbeSize(samples, part)
    raise UnsupportedError(
        f"the network is too large: inferring its types takes as long as {total:.2g} multiplications, more than "
        f"the {MOST_WORK:.2g} supported; give it smaller inputs"
    )


def _cut(graph: Graph, positions: int) -> Part[Value]:
    """As large a part as does not take long, or as little as leaves every value so many positions."""
    part, halvings = whole_of(graph), 0
    while _takes_long(graph, part):
        smaller = part_of(graph, halvings := halvings + 1, positions)
        if smaller == part:
            break
        part = smaller
    return part


def batch_size(graph: Graph, part: Part[Value]) -> int:
    """Samples evaluated at once: few for large tensors, but enough for the statistics of a batch."""
    largest = _largest(graph, part)
    return min(_wanted(largest), max(_MOST_CELLS // largest, _FEWEST))


def _wanted(largest: int) -> int:
    """Samples of a network with a tensor of so many elements, if time and memory did not matter."""
    return min(max(_BATCH_CELLS // largest, _FEWER), _SAMPLES)


def _largest(graph: Graph, part: Part[Value]) -> int:
    """Elements of the largest tensor, of those, too, that are repeated for a layer that needs the whole."""
    taken = (prod(shape) for node in graph for shape in part.taken_shapes(node))
    return max(*(prod(part.shapes[value]) for value in graph.values), *taken, 1)


def _takes_long(graph: Graph, part: Part[Value]) -> bool:
    largest = _largest(graph, part)
    samples = _wanted(largest)
    return samples * largest > _MOST_CELLS or samples * _work(graph, part) > _WORK


def _work(graph: Graph, part: Part[Value]) -> int:
    """Multiplications or comparisons that one sample takes, roughly.

    What a convolution multiplies is gathered before; a narrow one waits for that. Layers that multiply nothing still
    go over every number of a tensor several times.
    """
    total = 0
    for node in graph:
        for value in node.outputs:
            *positions, channels = part.shapes[value]
            gathered = _GATHERING * node.layer.products // channels
            computed = max(node.layer.products + gathered, channels * node.layer.cells_read)
            total += prod(positions) * (computed + channels * _SURVEYING)
    return max(total, 1)

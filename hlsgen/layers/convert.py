"""Convert: a cast and nothing else (a linear quantiser on an edge)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.layers.base import Exact, Floats, Layer
from hlsgen.layers.kernel import Kernel, typed


@dataclass(frozen=True, eq=False)
class Convert(Layer):
    """The input in the result type."""

    kind = "Convert"
    structural = True

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return inputs[0]

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return inputs[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]

    def kernel(self, node: Node) -> Kernel:
        return Kernel("convert", "convert.h", {**typed(node), "size": node.output.size})

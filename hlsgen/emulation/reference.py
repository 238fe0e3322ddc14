"""The exact NumPy meaning of a typed graph: what every other executor must agree with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import Ints
from hlsgen.layers.base import Exact, Floats
from hlsgen.layers.input import Input


def evaluate(graph: Graph, inputs: Mapping[str, Ints]) -> dict[Value, Ints]:
    """Return the mantissas of every value for input mantissas (samples, *shape) by input name."""
    known: dict[Value, Ints] = {}
    for node in graph:
        if isinstance(node.layer, Input):
            known[node.output] = inputs[node.output.name]
        else:
            known[node.output] = _step(node, [Exact(known[v], v.type.frac) for v in node.inputs if v.type])
    return known


def _step(node: Node, inputs: list[Exact]) -> Ints:
    """One node: the exact result, cast to the accumulator, then to the result type."""
    assert node.output.type is not None
    mantissas, frac = node.layer.exact(inputs)
    assert _as_proved(node, mantissas, frac), f"{node!r}: a value lies outside of the range that was proved for it"
    if node.settings.accum is not None:
        mantissas, frac = node.settings.accum.cast(mantissas, frac), node.settings.accum.frac
    return node.output.type.cast(mantissas, frac)


def _as_proved(node: Node, mantissas: Ints, frac: int) -> bool:
    """Whether exact results keep to the range on which types, and the modes they do without, rely."""
    if node.exact is None or not mantissas.size:
        return True
    axes = tuple(range(mantissas.ndim - 1))
    common = max(frac, node.exact.frac)
    found, proved = Interval(mantissas.min(axis=axes), mantissas.max(axis=axes), frac).at(common), node.exact.at(common)
    return bool((proved.low <= found.low).all() and (found.high <= proved.high).all())


def evaluate_float(graph: Graph, inputs: Mapping[str, Floats]) -> dict[Value, Floats]:
    """Return the real-number meaning of every value, with effective (quantised) constants."""
    known: dict[Value, Floats] = {}
    for node in graph:
        if isinstance(node.layer, Input):
            known[node.output] = np.asarray(inputs[node.output.name], dtype=np.float64)
        else:
            known[node.output] = node.layer.evaluate_float([known[v] for v in node.inputs])
    return known

"""Give every value a type, and every constant its mantissas: precision from values, not widths.

Forwards from the inputs. For each node the exact range of its result follows from the ranges of its
inputs and its real weights; ``sum`` holds that exactly. What the user or the model's quantisers fixed is
kept. What is left is exact where that is free (see ``_keeps_exact``), else placed in ``width`` bits by
the range expected in use, rounded to nearest and saturating.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.base import Layer
from hlsgen.layers.input import Input
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.table import Table
from hlsgen.passes.base import Pass

_EXACT_LIMIT = 64
"""An exact result wider than this is not carried along; it is placed instead."""
_WIDEST_SUM = 120
"""The emulator computes in up to 128 bits."""
DEFAULT_INPUT = FixedType(16, 6, True, Rounding.RND, Overflow.SAT)


@dataclass(frozen=True)
class InferTypes(Pass):
    """Options: the budget in bits for what nobody fixed; the widest accumulator and exact result (None: no cap)."""

    exact = False
    optional = False
    width: int = 16
    max_width: int | None = None

    def run(self, graph: Graph) -> bool:
        pure: set[Value] = set()
        for node in graph:
            self._infer(graph, node, pure)
            if _is_pure(node, pure):
                pure.add(node.output)
        return True

    def _infer(self, graph: Graph, node: Node, pure: set[Value]) -> None:
        value = node.output
        if isinstance(node.layer, Input):
            value.type = node.settings.result or DEFAULT_INPUT
            value.interval = Interval.of_type(value.type, value.shape[-1])
            return
        casts = [r.settings.result for r in (node, *_readers(graph, value)) if r.settings.result]
        node.read_frac = max((cast.frac for cast in casts), default=0)
        layer = node.layer.with_constants(node, self.width)
        wish = node.settings.result or layer.natural_type(node, self.width)
        if wish is not None:
            layer = layer.finish(node, wish)
        node.layer = layer
        intervals = [known_interval(v) for v in node.inputs]
        exact = layer.interval(intervals, [v.shape for v in node.inputs])
        node.sum_type = exact.type()
        _check_width(node, node.sum_type)
        if node.settings.accum is None and layer.parameters():
            node.settings.accum = self._capped(graph, node, node.sum_type)
        node.accum_type = node.settings.accum or node.sum_type
        summed = exact if node.settings.accum is None else exact.cast(node.settings.accum)
        value.type = wish or self._place(graph, node, summed, pure)
        value.interval = summed.cast(value.type)
        self._report_losses(graph, node, exact)

    def _place(self, graph: Graph, node: Node, exact: Interval, pure: set[Value]) -> FixedType:
        """The result type nobody fixed."""
        full = exact.type()
        if full.width <= self.width or node.layer.structural or self._keeps_exact(graph, node, full, pure):
            return full
        expected = node.output.expected
        integer = full.integer
        if expected is not None:
            integer = min(integer, int(np.frexp(max(expected, 2.0**-64))[1]) + full.signed)
        frac = min(self.width - integer, full.frac)
        return (
            FixedType(integer + frac, integer, full.signed, Rounding.RND, Overflow.SAT) if integer + frac > 0 else full
        )

    def _keeps_exact(self, graph: Graph, node: Node, full: FixedType, pure: set[Value]) -> bool:
        """Exact values stay exact where everything so far is the model's own fixed point, or a cast follows anyway."""
        if full.width > min(_EXACT_LIMIT, self.max_width or _EXACT_LIMIT):
            return False
        return _cast_follows(graph, node.output) or _is_pure(node, pure)

    def _capped(self, graph: Graph, node: Node, full: FixedType) -> FixedType | None:
        """The accumulator that ``max_width`` leaves where the exact one is wider; None where nothing is cut."""
        if self.max_width is None or full.width <= self.max_width:
            return None
        capped = FixedType(self.max_width, full.integer, full.signed, Rounding.RND, Overflow.SAT)
        graph.notes.append(f"warning: {node.name}: max_width cuts the accumulator from {full} to {capped}")
        return capped

    def _report_losses(self, graph: Graph, node: Node, exact: Interval) -> None:
        """Say where a type the user fixed can overflow or wrap."""
        for what, fixed in (("accum", node.settings.accum), ("result", node.settings.result)):
            if fixed is None or fixed.overflow in (Overflow.SAT, Overflow.SAT_SYM) or node.settings.result_by_model:
                continue
            room = FixedType(fixed.width, fixed.integer, fixed.signed)
            if not (float(room.min) <= _real(exact.lowest, exact) and _real(exact.highest, exact) <= float(room.max)):
                graph.notes.append(
                    f"warning: {node.name}: {what} {fixed} can wrap: values reach "
                    f"{_real(exact.lowest, exact):g} .. {_real(exact.highest, exact):g}; "
                    f"{exact.type()} would hold them, or add ,RND,SAT"
                )


def _readers(graph: Graph, value: Value) -> list[Node]:
    """The nodes that do something with a value; what only picks or moves values is looked through."""
    found: list[Node] = []
    for user in graph.uses(value):
        moved = user.layer.structural and user.settings.result is None
        found += _readers(graph, user.output) if moved else [user]
    return found


def _cast_follows(graph: Graph, value: Value) -> bool:
    """Whether every reader (seen through layers that only pick or move values) casts to the model's own type."""
    users = graph.uses(value)
    if not users or value in graph.outputs:
        return False
    return all(
        user.settings.result_by_model
        or (user.layer.structural and user.settings.result is None and _cast_follows(graph, user.output))
        for user in users
    )


def _check_width(node: Node, fixed: FixedType) -> None:
    if fixed.width > _WIDEST_SUM:
        raise UnsupportedError(
            f"layer '{node.source.name}': an exact sum needs {fixed} ({fixed.width} bits, at most {_WIDEST_SUM} are "
            "supported); give narrower types to its inputs or weights"
        )


def _real(mantissa: int, exact: Interval) -> float:
    return float(mantissa) * 2.0**-exact.frac


def known_interval(value: Value) -> Interval:
    """Return the proved range of a value that was visited."""
    assert value.interval is not None, f"{value!r} has no range yet"
    return value.interval


def _is_pure(node: Node, pure: set[Value]) -> bool:
    """Whether a value is exactly what the model's own fixed-point arithmetic says (no rounding of ours)."""
    if isinstance(node.layer, Input):
        return True
    if isinstance(node.layer, Softmax | Table):
        return False
    if any(v not in pure for v in node.inputs):
        return False
    return all(p.given or _is_exactly_held(node.layer, name) for name, p in node.layer.parameters().items())


def _is_exactly_held(layer: Layer, name: str) -> bool:
    """Whether a parameter born as real numbers lost nothing (zeros, halves, 1/4 of an average)."""
    parameter = layer.parameters()[name]
    return parameter.mantissas is not None and bool((parameter.effective == parameter.values).all())

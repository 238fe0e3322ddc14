"""Give every value a type, and every constant its mantissas: precision from values, not widths.

Forwards from the inputs. For each node the exact range of its result follows from the ranges of its
inputs and its real weights; ``sum`` holds that exactly. What the user or the model's quantisers fixed is
kept. What is left is exact where that is free (see ``_keeps_exact``), else placed in ``width`` bits by
the range expected in use, rounded to nearest and saturating.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.errors import UnsupportedError
from hlsgen.ir.constant import as_exact
from hlsgen.ir.expected import Expected
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.reason import Reason
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.base import Layer
from hlsgen.layers.input import Input
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.table import Table
from hlsgen.passes.base import Pass
from hlsgen.passes.expect_ranges import DEFAULT_INPUT
from hlsgen.passes.narrow_types import demands

_EXACT_LIMIT = 64
"""An exact result wider than this is not carried along; its leading bits are."""
_CONSTANT_WIDTH = 24
"""Biases and factors of a channel get as many bits as this where nothing stands against it."""
_WIDEST_SUM = 120
"""The emulator computes in up to 128 bits."""


@dataclass(frozen=True)
class InferTypes(Pass):
    """Options: the budget in bits for what nobody fixed; the widest accumulator and exact result (None: no cap)."""

    exact = False
    optional = False
    width: int = 16
    max_width: int | None = None

    def run(self, graph: Graph) -> bool:
        work = _Inference(graph, min(self.width, self.max_width or self.width), self.max_width)
        for node in graph:
            work.infer(node)
        work.report_narrow_budget(self.width)
        return True


class _Inference:
    """One walk over a graph, inputs first; what it needs to know of readers is found in a walk from the back."""

    def __init__(self, graph: Graph, width: int, widest: int | None) -> None:
        self.graph, self.width, self.widest = graph, width, widest
        self.pure: set[Value] = set()
        self.wanted = demands(graph)
        self.readers = _Readers(graph)

    def infer(self, node: Node) -> None:
        value = node.output
        node.wishes = _wishes(node)
        if isinstance(node.layer, Input):
            value.type = node.settings.result or DEFAULT_INPUT
            value.interval = Interval.of_type(value.type, value.shape[-1])
            self.pure.add(value)
            return
        node.read_frac = self.readers.read_frac(node)
        layer = node.layer.with_constants(node, self.width)
        natural = layer.natural_type(node, self.width) if node.settings.result is None else None
        wish = node.settings.result or natural
        if wish is not None:
            layer = layer.finish(node, wish)
        node.layer = layer
        intervals = [known_interval(v) for v in node.inputs]
        node.exact = layer.interval(intervals, [v.shape for v in node.inputs])
        node.sum_type = node.exact.type()
        _check_width(node, node.sum_type)
        node.settings.accum = node.settings.accum or layer.accumulator(node.sum_type) or self._capped(node)
        node.accum_type = node.settings.accum or node.sum_type
        summed = node.exact if node.settings.accum is None else node.exact.cast(node.settings.accum)
        if is_pure(node, self.pure):
            self.pure.add(value)
        value.type, node.reason = (wish, _wisher(node)) if wish is not None else self._place(node, summed)
        value.interval = summed.cast(value.type)

    def _place(self, node: Node, exact: Interval) -> tuple[FixedType, Reason]:
        """The result type nobody fixed.

        Bits count only where readers look: of what goes into a ReLU, the sign costs nothing.
        """
        full, wanted = exact.type(), self.wanted[node.output]
        used = exact.clipped(wanted.low, wanted.high).type()
        if used.width <= self.width or node.layer.structural:
            return full, Reason.EXACT
        if self._keeps_exact(node, full):
            return _within_limit(full)
        placed = _placed_in(self.width, full, used, node.output.expected)
        return (full, Reason.EXACT) if placed is None else (placed, Reason.BUDGET)

    def _keeps_exact(self, node: Node, full: FixedType) -> bool:
        """Exact values stay exact where everything so far is the model's own fixed point, or a cast follows anyway."""
        if not (self.readers.cast(node.output) or node.output in self.pure):
            return False
        if self.widest is not None and full.width > self.widest:
            self._warn(node, f"the exact result from {full} to {self.widest} bits")
            return False
        return True

    def _capped(self, node: Node) -> FixedType | None:
        """The accumulator that ``max_width`` leaves where the exact one is wider; None where nothing is cut."""
        full, widest = node.sum_type, self.widest
        if full is None or widest is None or full.width <= widest or not node.layer.constants():
            return None
        capped = _placed_in(widest, full, full, node.output.expected) or full
        self._warn(node, f"the accumulator from {full} to {capped}")
        return capped

    def report_narrow_budget(self, width: int) -> None:
        """Name the layers whose results or constants would have got more bits without ``max_width``."""
        if self.widest is None:
            return
        placed = [n.name for n in self.graph if n.reason is Reason.BUDGET and self.widest < width]
        cut = [n.name for n in self.graph if _has_placed(n) and self.widest < max(width, _CONSTANT_WIDTH)]
        for what, names in (("results", placed), ("constants", cut)):
            if names:
                text = f"warning: max_width leaves {self.widest} bits for inferred {what} of {', '.join(names)}"
                self.graph.notes.append(text)

    def _warn(self, node: Node, what: str) -> None:
        self.graph.notes.append(f"warning: {node.name}: max_width cuts {what}")


def _within_limit(full: FixedType) -> tuple[FixedType, Reason]:
    """An exact type, or its leading bits: far more than the float32 of a model whose constants need so many."""
    if full.width <= _EXACT_LIMIT:
        return full, Reason.EXACT
    return FixedType(_EXACT_LIMIT, full.integer, full.signed, Rounding.RND), Reason.BUDGET


def _placed_in(width: int, full: FixedType, used: FixedType, expected: Expected | None) -> FixedType | None:
    """The type of ``width`` bits for values of type ``full``, of which readers want what ``used`` holds.

    A sign that nobody wants does not count: it goes in NarrowTypes. None if nothing of the values would be left.
    """
    integer = used.integer
    if expected is not None:
        integer = min(integer, expected.integer_bits(width, used.signed, full.frac))
    frac = min(width - integer, full.frac)
    if integer + frac <= 0:
        return None
    stored = integer + full.signed - used.signed
    return FixedType(stored + frac, stored, full.signed, Rounding.RND, Overflow.SAT)


class _Readers:
    """What reads a value, seen through layers that only pick or move values; each value is looked at once."""

    def __init__(self, graph: Graph) -> None:
        self._cast: dict[Value, bool] = {}
        self._grid: dict[Value, int | None] = {}
        for node in reversed(graph.nodes):
            value, users = node.output, graph.uses(node.output)
            read_here = not users or value in graph.outputs
            self._cast[value] = not read_here and all(self._casts(user) for user in users)
            grids = [self._reading_grid(user) for user in users]
            known = [grid for grid in grids if grid is not None]
            self._grid[value] = max(known) if known and len(known) == len(grids) and not read_here else None

    def cast(self, value: Value) -> bool:
        """Whether every reader casts to the model's own type."""
        return self._cast[value]

    def read_frac(self, node: Node) -> int | None:
        """The finest grid on which the result of a node is rounded: by itself, or by all who read it."""
        return self._grid[node.output] if node.settings.result is None else node.settings.result.frac

    def _casts(self, user: Node) -> bool:
        return user.settings.result_by_model or (_passes(user) and self._cast[user.output])

    def _reading_grid(self, user: Node) -> int | None:
        return self._grid[user.output] if _passes(user) else user.layer.step_frac(user)


def _passes(node: Node) -> bool:
    """Whether a node hands on (some of) the values it is given, as they are."""
    return node.layer.structural and node.settings.result is None


def _wishes(node: Node) -> dict[str, FixedType]:
    """What the configuration fixed for a node, by role."""
    settings = node.settings
    result = None if settings.result_by_model else settings.result
    found = {"weight": settings.weight, "bias": settings.bias, "accum": settings.accum, "result": result}
    return {role: fixed for role, fixed in found.items() if fixed is not None}


def _has_placed(node: Node) -> bool:
    """Whether a node has constants whose type nobody fixed."""
    roles = {"bias" if name == "bias" else "weight" for name, p in node.layer.constants().items() if not p.given}
    return bool(roles - node.wishes.keys())


def _wisher(node: Node) -> Reason:
    if node.settings.result is None:
        return Reason.EXACT if isinstance(node.layer, Reshape) else Reason.FUNCTION
    return Reason.MODEL if node.settings.result_by_model else Reason.CONFIGURATION


def _check_width(node: Node, fixed: FixedType) -> None:
    if fixed.width > _WIDEST_SUM:
        raise UnsupportedError(
            f"layer '{node.source.name}': an exact sum needs {fixed} ({fixed.width} bits, at most {_WIDEST_SUM} are "
            "supported); give narrower types to its inputs or weights"
        )


def known_interval(value: Value) -> Interval:
    """Return the proved range of a value that was visited."""
    assert value.interval is not None, f"{value!r} has no range yet"
    return value.interval


def is_pure(node: Node, pure: set[Value]) -> bool:
    """Whether a value is exactly what the model's own fixed-point arithmetic says (no rounding of ours).

    What a quantiser of the model cast is: whatever was rounded in front of it, the model goes on with that very grid.
    """
    if isinstance(node.layer, Input) or node.settings.result_by_model:
        return True
    if isinstance(node.layer, Softmax | Table):
        return False
    if any(v not in pure for v in node.inputs):
        return False
    return all(p.given or _is_exactly_held(node.layer, name) for name, p in node.layer.constants().items())


def _is_exactly_held(layer: Layer, name: str) -> bool:
    """Whether a constant born as real numbers lost nothing that counts.

    Nothing at all (zeros, halves, 1/4 of an average), or a bias that stands for its real numbers beside exact weights.
    """
    constant = layer.constants()[name]
    if name == "bias" and isinstance(layer, LinearLayer) and layer.stands_for_real_bias:
        return True
    if constant.mantissas is None and not isinstance(layer, LinearLayer):
        return as_exact(constant, layer.constant_width) is not None  # before constants got their types
    return constant.mantissas is not None and bool((constant.effective == constant.values).all())

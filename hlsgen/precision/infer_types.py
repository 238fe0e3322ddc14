"""Give every value a type, and every constant its mantissas: precision from values, not widths.

Forwards from the inputs. For each node the exact range of its result follows from the ranges of its
inputs and its real weights; ``sum`` holds that exactly. What the user or the model's quantisers fixed is
kept. What is left is exact where that is free (see ``_keeps_exact``), else placed in ``width`` bits by
the range expected in use, rounded to nearest and saturating (``placement.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hlsgen.errors import UnsupportedError
from hlsgen.ir.demand import Demand
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Context, Layer
from hlsgen.ir.loop import Border, Role
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor, Typing
from hlsgen.passes.purity import is_pure
from hlsgen.precision.draft import Draft, Step, demands, wished_casts
from hlsgen.precision.inputs import place_input
from hlsgen.precision.placement import Room, expected_frac, placed_for, placed_in, within_limit
from hlsgen.precision.readers import Readers
from hlsgen.precision.states import States, slot_of
from hlsgen.precision.widths import UNEQUAL, Widths

_CONSTANT_WIDTH = 24
"""Biases and factors of a channel get as many bits as this where nothing stands against it."""
_WIDEST_SUM = 120
"""The emulator computes in up to 128 bits."""
_DEEP = 16
"""In networks of more sums one behind the other, what each result is rounded by adds up to what tells classes apart (in
a MobileNet of random weights it doubles every five layers). In others the bit is not worth its longer sums."""
_WIDEST_INSIDE = _WIDEST_SUM - 32
"""Of a product of many factors this is kept, so that another factor of 32 bits can follow."""


@dataclass(frozen=True)
class InferTypes(Step):
    """Give every value a type and every constant its mantissas, from the inputs on.

    before: ``x -> Dense -> Relu`` with real weights and no types
    after:  ``x : fixed<16,6> -> Dense : fixed<16,8,RND,SAT> -> Relu : ufixed<16,8>``

    Options: the budget in bits for what nobody fixed and of which nothing else is said; the widest accumulator and
    exact result (None: no cap); whether what is expected of the inputs comes from calibration data, by which their
    types are placed then.
    """

    exact = False
    optional = False
    width: int = 16
    max_width: int | None = None
    calibrated: bool = False

    def run(self, draft: Draft) -> bool:
        notes = len(draft.notes)
        work = _Inference(draft, self.width, self.max_width)
        work.walk(self.calibrated)
        while work.states.narrowed({node: draft.tensors[node.output].typing.exact for node in work.carrying}):
            del draft.notes[notes:]  # they are said again
            work.walk(self.calibrated)
        work.report_assumptions()
        work.report_narrow_budget()
        return True


class _Inference:
    """Walks over a graph, inputs first; what it needs to know of readers is found in a walk from the back."""

    def __init__(self, draft: Draft, width: int, widest: int | None) -> None:
        self.draft, self.graph, self.width, self.widest = draft, draft.graph, width, widest
        self.carrying: list[Node] = []
        """The nodes whose results are states of the next step."""
        self.pure: set[Value] = set()
        layers = {node: node.layer for node in self.graph}
        casts = {node: wished_casts(node) for node in self.graph}
        self.wanted = demands(self.graph, layers, casts)
        deep = _sums_in_a_row(self.graph) > _DEEP
        self.read = demands(self.graph, layers, casts, traced=False) if deep else self.wanted
        self.readers = Readers(self.graph)
        self.widths = Widths(self.graph, width, widest)
        self.states = States(self.graph, self.widths)

    def walk(self, calibrated: bool) -> None:
        """Infer everything, inputs first. ``calibrated``: whether inputs are placed by calibration data."""
        self.carrying.clear()
        self.pure.clear()
        for value in self.graph.inputs:
            self.take_input(value, value.producer.wish.bits("result", self.width) if calibrated else None)
        for node in self.graph:
            border = node.layer.border
            if border is not None and border.role is Role.STATE:
                self.take_state(node, border)
            elif not node.is_input:
                self.infer(node)

    def take_state(self, node: Node, border: Border) -> None:
        """A state reaches as far as its type, whatever the step."""
        slot, value = slot_of(border), node.output
        fixed = self.states.types[slot]
        every = Interval.of_type(fixed, value.shape[-1])
        exact = hull([every, *(tensor.interval for tensor in self.draft.inputs(node))])
        self.draft.layers[node] = node.layer
        typing = Typing(exact, None, fixed, self.states.reasons[slot])
        self.draft.tensors[value] = Tensor(value.name, value.shape, typing, every, value.expected, value.held)
        if node.wish.result_by_model:
            self.pure.add(value)

    def take_input(self, value: Value, calibrated_width: int | None) -> None:
        fixed, reason, note = place_input(value, calibrated_width, self.readers)
        interval = Interval.of_type(fixed, value.shape[-1])
        self.draft.layers[value.producer] = value.producer.layer
        self.draft.tensors[value] = Tensor(
            value.name,
            value.shape,
            Typing(interval, None, fixed, reason),
            interval,
            value.expected,
            value.held,
            value.order,
        )
        self.pure.add(value)
        if note is not None:
            self.draft.notes.append(note)

    def infer(self, node: Node) -> None:
        context = self._context(node)
        layer = node.layer.prepared(context)
        results = self._fixed_results(node, layer, context)
        if len(results) == 1 and results[0] is not None:
            layer = layer.finished(results[0])
        self.draft.layers[node] = layer
        exacts = layer.intervals([tensor.interval for tensor in context.inputs], node.input_shapes)
        if is_pure(node, layer, self.pure):
            self.pure.update(node.outputs)
        for value, exact, result in zip(node.outputs, exacts, results, strict=True):
            self.draft.tensors[value] = self._typed(node, layer, value, exact, result)

    def _context(self, node: Node) -> Context:
        room = self.widths.of(node)
        budget = self.widths.weight(node)
        context = Context(node.name, self.draft.inputs(node), node.wish, room.width, budget, self.widest)
        if len(node.outputs) > 1:
            return context
        fixed = node.wish.result
        read_frac = self.readers.read_frac(node.output) if fixed is None else fixed.frac
        result_frac = expected_frac(room, node.output.expected) if fixed is None else fixed.frac
        return replace(context, expected=node.output.expected, read_frac=read_frac, result_frac=result_frac)

    def _fixed_results(self, node: Node, layer: Layer, context: Context) -> Sequence[FixedType | None]:
        """The result types that are wished, or that the layer's nature suggests; of a state, that of all steps."""
        border = node.layer.border
        if border is not None and border.role is Role.CARRY:
            self.carrying.append(node)
            return [self.states.types[slot_of(border)]]
        if node.wish.result is not None:
            return [node.wish.result] * len(node.outputs)
        return layer.natural_types(context)

    def _typed(self, node: Node, layer: Layer, value: Value, exact: Interval, result: FixedType | None) -> Tensor:
        full = exact.type()
        _check_width(node, full)
        accum = node.wish.accum or layer.accumulator(full) or self._capped(node, layer, value, full)
        summed = exact if accum is None else exact.cast(accum)
        fixed, reason = (result, _wisher(node, layer)) if result is not None else self._place(layer, value, summed)
        typing = Typing(exact, accum, fixed, reason)
        return Tensor(value.name, value.shape, typing, summed.cast(fixed), value.expected, value.held)

    def _place(self, layer: Layer, value: Value, exact: Interval) -> tuple[FixedType, Reason]:
        """The result type nobody fixed.

        Bits count only where readers look: of what goes into a ReLU, the sign costs nothing. Where traces show it all
        the same, it comes on top of the bits that are read, if the network is so deep that each counts.
        """
        full, room = exact.type(), self.widths.of(value.producer)
        used, read = (_within(exact, demand[value]) for demand in (self.wanted, self.read))
        if used.width <= room.width or layer.structural:
            return full, Reason.EXACT
        inside = self._is_inside(layer, value)
        if (inside or self._keeps_exact(value)) and self._within_cap(value, full):
            return self._held_inside(value, full) if inside else within_limit(full)
        return placed_for(room, full, used, read, value.expected)

    def _keeps_exact(self, value: Value) -> bool:
        """Exact values stay exact where everything so far is the model's own fixed point, or a cast follows anyway."""
        return self.readers.cast(value) or value in self.pure

    def _is_inside(self, layer: Layer, value: Value) -> bool:
        """Whether the value is half of an operation that is cast once, at its end (docs/numerics.md, rule 11)."""
        return layer.exact_inside and not value.producer.source.final

    def _held_inside(self, value: Value, full: FixedType) -> tuple[FixedType, Reason]:
        """All of a partial sum or product, or as much of it as leaves room for what follows; a note where that cuts."""
        held, reason = within_limit(full, _WIDEST_INSIDE)
        if held is not full:
            self.draft.notes.append(
                f"warning: {value.name}: the exact product needs {full}, of which {held} is held for the next factor; "
                "give narrower types to the inputs"
            )
        return held, reason

    def _within_cap(self, value: Value, full: FixedType) -> bool:
        """Whether ``max_width`` lets a result be held exactly; a note where it does not."""
        if self.widest is not None and full.width > self.widest:
            self._warn(value, f"the exact result from {full} to {self.widest} bits")
            return False
        return True

    def _capped(self, node: Node, layer: Layer, value: Value, full: FixedType) -> FixedType | None:
        """The accumulator that ``max_width`` leaves where the exact one is wider; None where nothing is cut."""
        if self.widest is None or full.width <= self.widest or not layer.accumulates:
            return None
        capped, _ = placed_in(Room(self.widest, widest=self.widest), full, full, value.expected)
        self._warn(value, f"the accumulator from {full} to {capped}")
        return capped

    def report_assumptions(self) -> None:
        """Say of inputs that nobody knows how large they get, where results were placed by that."""
        tensors = self.draft.tensors
        values = [v for v in self.graph.values if v.expected is not None and v.expected.octaves >= UNEQUAL]
        unsure = [tensors[value] for value in values]
        nodes = [v.producer for v in values if tensors[v].typing.reason is Reason.BUDGET]
        rooms, budget = [self.widths.of(node).width for node in nodes], max(map(self.widths.result, nodes), default=0)
        for value in self.graph.inputs if rooms else ():
            if value in values and value.expected is not None:
                text = _assumption(tensors[value].type, value.expected.octaves, max(rooms), budget)
                self.draft.notes.append(f"{value.name}: {text}")
        placed = [tensor for tensor in unsure if tensor.typing.reason in (Reason.BUDGET, Reason.FUNCTION)]
        cut = ", ".join(f"{tensor.name} ({tensor.type})" for tensor in placed if _cannot_fill(tensor))
        if cut:
            self.draft.notes.append(
                f"{cut}: what standardised inputs make of it is held, not what inputs that fill their types do; "
                "predict says if data do, calibration= settles it"
            )

    def report_narrow_budget(self) -> None:
        """Name the layers whose results or constants would have got more bits without ``max_width``."""
        if self.widest is None:
            return
        placed = [v.name for v in self.graph.values if self._lacks(v.producer, "result", 0) and self._is_placed(v)]
        cut = [n.name for n in self.graph if self._has_placed(n) and self._lacks(n, "weight", _CONSTANT_WIDTH)]
        for what, names in (("results", placed), ("constants", cut)):
            if names:
                text = f"warning: max_width leaves {self.widest} bits for inferred {what} of {', '.join(names)}"
                self.draft.notes.append(text)

    def _lacks(self, node: Node, role: str, least: int) -> bool:
        """Whether ``max_width`` leaves less than the budget of a role, or than ``least``."""
        return self.widest is not None and self.widest < max(node.wish.bits(role, self.width), least)

    def _is_placed(self, value: Value) -> bool:
        """Whether a result is placed in the budget: what is computed, and what a function gives."""
        typing = self.draft.tensors[value].typing
        of_function = typing.reason is Reason.FUNCTION and not self.draft.layers[value.producer].pure
        return typing.reason is Reason.BUDGET or (of_function and typing.result.width == self.widest)

    def _has_placed(self, node: Node) -> bool:
        """Whether a node has constants whose type nobody fixed."""
        layer, wished = self.draft.layers[node], node.wish.configured()
        roles = [layer.constant_roles.get(name) for name, constant in layer.constants().items() if not constant.given]
        return any(role not in wished for role in roles)

    def _warn(self, value: Value, what: str) -> None:
        self.draft.notes.append(f"warning: {value.name}: max_width cuts {what}")


def _sums_in_a_row(graph: Graph) -> int:
    """The most products and convolutions that lie one behind the other."""
    found: dict[Value, int] = {}
    for node in graph:
        before = max((found.get(value, 0) for value in node.inputs), default=0)
        found.update(dict.fromkeys(node.outputs, before + node.layer.has_multiplier))
    return max(found.values(), default=0)


def _within(exact: Interval, demand: Demand) -> FixedType:
    """The type of as much of a range as is wanted."""
    return exact.clipped(demand.low, demand.high).type()


def _assumption(fixed: FixedType, octaves: int, width: int, budget: int) -> str:
    """What is assumed of an input whose stated type holds far more than standardised data."""
    held = f"results hold data that fill {fixed}"
    if width > budget:
        return f"{held} and are fine enough for standardised data, in up to {width} bits; calibration= takes {budget}"
    return f"{held}; standardised data leave {octaves} bits of them unused: then give calibration= or a narrower type"


def _cannot_fill(tensor: Tensor) -> bool:
    """Whether inputs that fill their types are expected to go beyond a type."""
    expected, fixed = tensor.expected, tensor.type
    return expected is not None and expected.largest > float(max(fixed.max, -fixed.min)) + float(fixed.step)


def _check_width(node: Node, fixed: FixedType) -> None:
    if fixed.width > _WIDEST_SUM:
        raise UnsupportedError(
            f"layer '{node.source.name}': an exact sum needs {fixed} ({fixed.width} bits, at most {_WIDEST_SUM} are "
            "supported); give narrower types to its inputs or weights"
        )


def _wisher(node: Node, layer: Layer) -> Reason:
    if node.wish.result is None:
        return Reason.EXACT if layer.renames else Reason.FUNCTION
    return Reason.MODEL if node.wish.result_by_model else Reason.CONFIGURATION

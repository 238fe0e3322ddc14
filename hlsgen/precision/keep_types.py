"""Give other weights the types of a design that is there: every cast stays, or the weights are refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hlsgen.errors import WeightsError
from hlsgen.ir.constant import Constant
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.graph import Node, Value
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Context, Layer
from hlsgen.ir.loop import Role
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.draft import Draft, Step, demands
from hlsgen.precision.readers import Readers
from hlsgen.precision.widths import Widths

_FEWEST_STEPS = 16
"""With fewer steps up to the largest, a type is too coarse for constants to go unmentioned."""
_ADVICE = "convert the model anew, or fix the type in the configuration of both"


@dataclass(frozen=True)
class KeepTypes(Step):
    """Take every type from the operations of a design of the same architecture, which had other weights.

    before: ``x -> Dense with real weights``; in the design a Dense of ``weight:fixed<8,1> -> fixed<16,6,RND,SAT>``
    after:  ``x -> Dense``, its weights cast to ``fixed<8,1>``, its sums proved to fit, with that result type

    Constants that nobody fixed are rounded to nearest even and saturate; those of the model's quantisers are exact or
    refused. The design's types rest on proved ranges: those of the new weights have to lie within wherever a type holds
    all values (sums, results without saturation) or drops what no reader can tell apart. Raises WeightsError.

    Options: the operations; the same as inference left them, before anything was narrowed to what readers can tell
    apart (none: nothing was); budget and cap in bits, as of InferTypes, for what follows from ranges inside of layers.
    """

    exact = False
    optional = False
    ops: tuple[Op, ...]
    inferred: tuple[Op, ...] = ()
    width: int = 16
    max_width: int | None = None

    def run(self, draft: Draft) -> bool:
        self._keep(draft, self.ops)
        if any(tensor.typing.demand != EVERYTHING for op in self.ops for tensor in op.outputs):
            wide = Draft(draft.graph)
            self._keep(wide, self.inferred)
            _check_demands(draft, wide)
        return True

    def _keep(self, draft: Draft, ops: tuple[Op, ...]) -> None:
        work = _Keeping(draft, self.width, self.max_width)
        for node, op in zip(draft.graph.nodes, ops, strict=True):
            work.keep(node, op)


class _Keeping:
    """One walk over a graph beside the operations whose types it takes."""

    def __init__(self, draft: Draft, default: int, widest: int | None) -> None:
        self.draft, self.graph, self.widest = draft, draft.graph, widest
        self.readers, self.widths = Readers(self.graph), Widths(self.graph, default, widest)
        self.ranges: dict[Value, Interval] = {}
        """The proved range of each value with the new weights; tensors have that of all weights so far."""

    def keep(self, node: Node, op: Op) -> None:
        border = node.layer.border
        if node.is_input or (border is not None and border.role is Role.STATE):  # what fills its type, whatever weights
            self.draft.layers[node] = node.layer
            self._take(node.output, op.output, op.output)
            return
        layer = self._layer(node, op)
        self.draft.layers[node] = layer
        exacts = layer.intervals([self.ranges[value] for value in node.inputs], node.input_shapes)
        for value, exact, former in zip(node.outputs, exacts, op.outputs, strict=True):
            inner = None if node.wish.accum is not None else layer.accumulator(former.typing.sum_type)
            if inner not in (None, former.typing.accum):
                raise _refused(node, f"it would round to {inner} inside, and rounds to {former.typing.accum}", "")
            self._keep_casts(node, value, exact, former)

    def _take(self, value: Value, former: Tensor, found: Tensor) -> None:
        """Enter a tensor whose ``interval`` is that of the new weights."""
        self.ranges[value] = found.interval
        both = found.interval if found is former else hull([former.interval, found.interval])
        self.draft.tensors[value] = replace(found, interval=both, expected=value.expected)

    # -- constants ----------------------------------------------------------------------------

    def _layer(self, node: Node, op: Op) -> Layer:
        """The layer with its constants in the types of the operation."""
        fresh = node.layer
        known = op.layer.constants() if type(fresh) is type(op.layer) else {}
        casts = {name: self._recast(node, name, known[name]) for name in fresh.constants() if name in known}
        fresh = replace(fresh, **{name: constant for name, constant in casts.items() if constant is not None})
        finished = op.outputs[0].typing.reason not in (Reason.EXACT, Reason.BUDGET) and len(op.outputs) == 1
        result = (node.wish.result or op.outputs[0].type) if finished else None
        layer = fresh.in_place_of(op.layer, self._context(node), result)
        held = {name: _held(node, layer, name, constant, op.layer) for name, constant in layer.constants().items()}
        return replace(layer, **held) if held else layer

    def _context(self, node: Node) -> Context:
        width, budget = self.widths.of(node).width, self.widths.weight(node)
        context = Context(node.name, self.draft.inputs(node), node.wish, width, budget, self.widest)
        if len(node.outputs) > 1:
            return context
        fixed = node.wish.result
        return replace(context, read_frac=self.readers.read_frac(node.output) if fixed is None else fixed.frac)

    def _recast(self, node: Node, name: str, former: Constant) -> Constant | None:
        """A constant that nobody fixed, in its former type; None of any other."""
        constant, role = node.layer.constants()[name], node.layer.constant_roles.get(name)
        if constant.mantissas is not None or (role is not None and node.wish.type(role) is not None):
            return None
        fixed, found = former.known_type, node.layer.recast(name, former.known_type)
        if found is not None:
            if constant.values.any() and not former.values.any():
                raise _refused(node, f"its {name} was all zeros, of which {fixed} holds no others", "")
            if not fixed.signed and (constant.values < -float(fixed.step) / 2).any():
                raise _refused(node, f"its {name} was never below zero, and {fixed} holds no such numbers", "")
            self._note_loss(node, name, constant, fixed)
        return found

    def _note_loss(self, node: Node, name: str, constant: Constant, fixed: FixedType) -> None:
        """Say of constants that they lie beyond their type, or that it is coarse for them."""
        values, step = constant.values, float(fixed.step)
        beyond = (values < float(fixed.min) - step / 2) | (values > float(fixed.max) + step / 2)
        largest = float(np.abs(values).max(initial=0.0))
        if beyond.any():
            text = (
                f"cannot hold {int(beyond.sum())} of {values.size} new constants, up to +-{largest:.4g}: they saturate"
            )
            self.draft.notes.append(f"warning: {node.name}: {name} {fixed} {text}")
        elif 0 < largest < _FEWEST_STEPS * step and (values / step % 1 != 0).any():
            text = f"is coarse for the new constants: its step is {step:g}, they reach +-{largest:.4g}"
            self.draft.notes.append(f"warning: {node.name}: {name} {fixed} {text}")

    # -- casts --------------------------------------------------------------------------------

    def _keep_casts(self, node: Node, value: Value, exact: Interval, former: Tensor) -> None:
        """The casts as they were. Raises WeightsError where one does not hold what it has to."""
        typing = former.typing
        both = hull([typing.exact, exact])
        if both.type() != typing.sum_type:
            raise _refused(
                node, f"its exact results need {both.type()}, and are held in {typing.sum_type}", _spans(exact)
            )
        accum, result = typing.accum, typing.result
        if accum is not None and node.wish.accum is None:
            _check_end(node, exact, accum, "sums")
        summed = exact if accum is None else exact.cast(accum)
        wished = node.wish.result
        if wished is None or wished.saturates:
            _check_end(node, summed, result, "results")
        found = replace(typing, exact=both)
        self._take(value, former, replace(former, typing=found, interval=summed.cast(result)))


def _check_demands(draft: Draft, wide: Draft) -> None:
    """Refuse what makes readers tell apart more of a value than is stored of it; ``wide``: in types not narrowed."""
    casts = {node: wide.casts(node) for node in wide.graph if len(node.outputs) == 1}
    for value, demand in demands(wide.graph, wide.layers, casts).items():
        tensor = draft.tensors[value]
        if tensor.typing.demand == EVERYTHING:
            continue
        if not _stores(tensor.type, wide.tensors[value], demand):
            was, now = _spelt(tensor.typing.demand), _spelt(demand)
            text = f"{tensor.type} was enough for what its readers tell apart ({was}), and is not any more ({now})"
            raise _refused(value.producer, text, _spans(tensor.typing.summed))
        draft.tensors[value] = replace(tensor, typing=replace(tensor.typing, demand=demand))


def _stores(fixed: FixedType, wide: Tensor, wanted: Demand) -> bool:
    """Whether a narrowed type holds all that is wanted of a value, which ``wide`` holds before it is narrowed."""
    low, high = (end * Fraction(2) ** -wide.interval.frac for end in wide.interval.whole())
    below = low >= fixed.min or (wanted.low is not None and wanted.low >= fixed.min)
    above = high <= fixed.max or (wanted.high is not None and wanted.high <= fixed.max)
    fine = wide.type.frac <= fixed.frac or (wanted.frac is not None and wanted.frac <= fixed.frac)
    return below and above and fine


def _spelt(demand: Demand) -> str:
    ends = [f"from {float(demand.low):g}" if demand.low is not None else "from the least"]
    ends.append(f"to {float(demand.high):g}" if demand.high is not None else "to the largest")
    return " ".join(ends) + (f" in {demand.frac} fraction bits" if demand.frac is not None else "")


def _held(node: Node, layer: Layer, name: str, constant: Constant, typed: Layer) -> Constant:
    """A constant in the type that the design has for it, exactly. What nobody can name may have another one."""
    former = typed.constants().get(name)
    if former is None or constant.type == former.type:
        return constant
    fixed, (mantissas, frac) = former.known_type, constant.fixed
    spans = Interval(np.atleast_1d(mantissas.min()), np.atleast_1d(mantissas.max()), frac)
    same = spans.fits(fixed) and (fixed.to_float(fixed.cast(mantissas, frac)) == constant.effective).all()
    if same:
        return replace(constant, type=fixed, mantissas=fixed.cast(mantissas, frac))
    if name not in layer.constant_roles:
        return constant
    by = "by the model's quantiser " if constant.given else ""
    raise _refused(node, f"its {name} is fixed {by}and needs {constant.known_type}, the design has {fixed}", "")


def _check_end(node: Node, values: Interval, fixed: FixedType, what: str) -> None:
    """Raise WeightsError where values leave a type without saturation."""
    if not fixed.saturates and not values.fits(fixed):
        raise _refused(node, f"its {what} would leave {fixed}, which does not saturate", _spans(values))


def _spans(values: Interval) -> str:
    low, high = (float(np.ldexp(float(end), -values.frac)) for end in values.whole())
    return f"with the new weights they reach {low:g} .. {high:g}"


def _refused(node: Node, what: str, numbers: str) -> WeightsError:
    parts = [f"{node.source.where}: {what}", *([numbers] if numbers else []), _ADVICE]
    return WeightsError("; ".join(parts))

"""A network in the making: what every tensor of a design is called, in which form, and its casts."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.exports.onnx.kinds import REAL, Kind, Wire, kind_for, kind_of_type
from hlsgen.exports.onnx.nodes import Constants, Names, Nodes, readable
from hlsgen.exports.onnx.rounding import DOMAIN, WORDS, rounded
from hlsgen.exports.onnx.whole import Whole, Wholes
from hlsgen.ir.constant import Constant
from hlsgen.ir.interval import Interval
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.typing import Tensor

_WIDEST_WRAP = 52
"""Bits of a type into which a float64 wraps exactly."""


class Network:
    """Nodes and constants, and the wires that carry the tensors of a design."""

    def __init__(self, taken: Sequence[str], kept: Sequence[str], samples: int | None = None) -> None:
        self.samples = "samples" if samples is None else samples
        self.names = Names(taken, kept)
        self.nodes = Nodes(self.names)
        self.constants = Constants(self.names)
        self.words: set[str] = set()
        """The rounding modes of all Quant nodes."""
        self.wires: ChainMap[Tensor, tuple[Wire, ...]] = ChainMap()
        """Every form in which a tensor is there; what is inside of a loop is on top."""
        self._carriers: set[str] = set()
        """Names of wires that carry a tensor, which keep them."""
        self.notes: dict[str, str] = {}
        """What the file says of each operation: its types, and what it computes with."""

    def wholes(self, op: Op) -> Wholes:
        """Arithmetic of whole numbers for an operation."""
        return Wholes(op.source.where, self.nodes, self.constants)

    # -- reading --------------------------------------------------------------------------------

    def read(self, tensor: Tensor, kind: Kind | None = None, first: bool | None = None) -> Wire:
        """A tensor as real numbers of a kind (else as it is), with its channels first or last (else as it is)."""
        known = self.wires[tensor]
        kind = known[0].kind if kind is None else kind
        first = known[0].first if first is None else first
        same = next((w for w in known if (w.kind, w.first) == (kind, first)), None)
        if same is not None:
            return same
        ordered = next((w for w in known if w.first == first), None) or self.in_order(known[0], first)
        found = self.converted(ordered, kind)
        self._carriers |= {ordered.name, found.name}
        self.wires[tensor] = (*known, *dict.fromkeys((ordered, found)))
        return found

    def converted(self, wire: Wire, kind: Kind) -> Wire:
        """The same real numbers, held otherwise."""
        if wire.kind is kind:
            return wire
        return replace(wire, name=self.nodes.one("Cast", wire.name, hint=wire.name, to=kind.onnx), kind=kind)

    def in_order(self, wire: Wire, first: bool) -> Wire:
        """The same numbers with channels first or last."""
        rank = len(wire.shape)
        if wire.first == first or rank == 1:
            return replace(wire, first=first)
        axes = (0, rank, *range(1, rank)) if first else (0, *range(2, rank + 1), 1)
        return replace(wire, name=self.nodes.one("Transpose", wire.name, hint=wire.name, perm=axes), first=first)

    def whole(self, op: Op, tensor: Tensor) -> Whole:
        """The mantissas of a tensor that an operation reads, channels last."""
        wire, frac = self.read(tensor, first=False), tensor.type.frac
        return self.wholes(op).of_reals(wire.name, wire.kind, frac, *ends_at(tensor.interval, frac))

    def kind(self, op: Op, *spans: Interval, among: tuple[Kind, ...] = REAL) -> Kind:
        """How an operation computes: the first kind that holds these ranges and its inputs."""
        return kind_for(op.source.where, *spans, *(tensor.interval for tensor in op.inputs), among=among)

    def scaled(self, wire: Wire, fixed: FixedType, exponents: Sequence[int]) -> Wire:
        """Numbers of a type times powers of two, one a channel, in what holds the results."""
        reach = max(fixed.frac - min(exponents), fixed.integer + max(exponents))
        wire = self.converted(wire, wire.kind if reach <= Kind.FLOAT.reach else Kind.DOUBLE)
        factors = np.exp2(np.array(exponents, dtype=np.float64))
        spread = factors.reshape(-1, *(1 for _ in wire.shape[1:])) if wire.first else factors
        return replace(wire, name=self.nodes.one("Mul", wire.name, self.number(spread, wire.kind)))

    def hold(self, tensor: Tensor, wire: Wire) -> None:
        """Say what carries a tensor."""
        self._carriers.add(wire.name)
        self.wires[tensor] = (wire,)

    def store(self, op: Op, tensor: Tensor, wire: Wire, kind: Kind) -> None:
        """Keep what carries a tensor, and what is to be said of it; ``kind`` is what it was computed with."""
        if wire.name not in self._carriers:
            name = self.names.claim(readable(tensor.name))
            if name is not None and self.nodes.rename(wire.name, name):
                wire = replace(wire, name=name)
        self.hold(tensor, wire)
        accum = "" if tensor.typing.accum is None else f", accum {tensor.typing.accum}"
        said = f"{op.layer.kind} of {op.source.where}: result {tensor.type}{accum}"
        self.notes[readable(f"hlsgen.{tensor.name}")] = readable(f"{said}, computed with {kind.dtype}")

    # -- constants ------------------------------------------------------------------------------

    def number(self, value: float | NDArray[Any], kind: Kind, hint: str = "constant") -> str:
        """Numbers that are there from the beginning."""
        return self.constants.add(np.asarray(value, dtype=kind.dtype), hint)

    def places(self, values: Sequence[int] | Ints, hint: str = "shape") -> str:
        """Whole numbers that say where or how much: a shape, axes, indices."""
        return self.constants.add(np.array(values, dtype=np.int64), hint)

    def weights(self, constant: Constant, mantissas: Ints, kind: Kind, hint: str) -> str:
        """Constants of a layer in another order: real numbers behind a Quant that says their type, or mantissas."""
        if kind is Kind.WHOLE:
            return self.constants.add(mantissas.astype(np.int64), hint)
        fixed = constant.known_type
        name = self.number(np.ldexp(mantissas.astype(np.float64), -fixed.frac), kind, hint)
        return self._quant(name, kind, fixed.plain(), "ROUND", hint) if _has_quant(fixed) else name

    # -- casts ----------------------------------------------------------------------------------

    def cast(self, op: Op, source: Wire, span: Interval | None, fixed: FixedType, hint: str) -> Wire:
        """A value in a type, as :meth:`FixedType.cast` says; ``span`` is its proved range, None for any number."""
        kind = kind_of_type(op.source.where, fixed)
        wide = self.converted(source, source.kind.wider(kind))
        word = _word(span, fixed)
        fits = span is not None and span.fits(fixed)
        if not (_has_quant(fixed) and (fits or fixed.saturates)):
            found = self._otherwise(op, wide, span, fixed)
        elif word is not None:
            found = replace(wide, name=self._quant(wide.name, wide.kind, fixed, word, hint))
        elif span is None:
            name = self._quant(self._on_grid(wide, fixed), wide.kind, fixed, "ROUND", hint)
            found = replace(wide, name=name)
        else:
            found = self._moved(op, wide, span, fixed, hint)
        return self.converted(found, kind)

    def cast_any(self, op: Op, tensor: Tensor, source: Wire | Whole, span: Interval, fixed: FixedType) -> Wire:
        """The same of real or of whole numbers, for an output of an operation."""
        if isinstance(source, Wire):
            return self.cast(op, source, span, fixed, tensor.name)
        wholes, kind = self.wholes(op), kind_of_type(op.source.where, fixed)
        low, high = ends_at(span, source.frac)
        source = replace(source, low=max(source.low, low), high=min(source.high, high))
        return Wire(wholes.reals(wholes.cast(source, fixed), kind, tensor.name), kind, tensor.shape)

    def _moved(self, op: Op, wire: Wire, span: Interval, fixed: FixedType, hint: str) -> Wire:
        """QONNX has no rounding whose ties all go up, or all down: half a step is added, or taken."""
        up = fixed.rounding is Rounding.RND
        half = 1 << (span.frac - fixed.frac - 1)
        moved = Interval(span.low.astype(object) - half, span.high.astype(object) + half, span.frac)
        wire = self.converted(wire, wire.kind.wider(kind_for(op.source.where, moved)))
        step = self.number(np.ldexp(1.0, -(fixed.frac + 1)), wire.kind, "half")
        name = self.nodes.one("Add" if up else "Sub", wire.name, step, hint=hint)
        return replace(wire, name=self._quant(name, wire.kind, fixed, "FLOOR" if up else "CEIL", hint))

    def _quant(self, name: str, kind: Kind, fixed: FixedType, word: str, hint: str) -> str:
        narrow = fixed.signed and fixed.overflow is Overflow.SAT_SYM
        self.words.add(word)
        scale = self.number(np.ldexp(1.0, -fixed.frac), kind, "scale")
        zero, bits = self.number(0.0, kind, "zero"), self.number(float(fixed.width), Kind.FLOAT, "bits")
        modes: dict[str, Any] = {"signed": int(fixed.signed), "narrow": int(narrow), "rounding_mode": word}
        return self.nodes.one("Quant", name, scale, zero, bits, hint=hint, domain=DOMAIN, **modes)

    def _on_grid(self, wire: Wire, fixed: FixedType) -> str:
        """Any real numbers, rounded to the grid of a type by standard operators."""
        step = self.number(np.ldexp(1.0, -fixed.frac), wire.kind, "scale")
        return self.nodes.one("Mul", self._steps(wire, fixed), step)

    def _steps(self, wire: Wire, fixed: FixedType) -> str:
        """Real numbers in steps of a type, rounded to whole ones."""
        nodes = self.nodes
        scaled = nodes.one("Div", wire.name, self.number(np.ldexp(1.0, -fixed.frac), wire.kind, "scale"))
        if fixed.rounding in WORDS:
            return rounded(nodes, scaled, WORDS[fixed.rounding])
        # What is left of a number below its whole one may be rounded, but to a half only from below: a tie either way.
        up = fixed.rounding is Rounding.RND
        whole = nodes.one("Floor" if up else "Ceil", scaled)
        rest = nodes.one("Sub", scaled, whole) if up else nodes.one("Sub", whole, scaled)
        over = nodes.one("Cast", nodes.one("GreaterOrEqual", rest, self.number(0.5, wire.kind)), to=wire.kind.onnx)
        return nodes.one("Add" if up else "Sub", whole, over)

    def _otherwise(self, op: Op, wire: Wire, span: Interval | None, fixed: FixedType) -> Wire:
        """A cast for which QONNX has no word, in standard operators."""
        fits = span is not None and span.fits(fixed)
        if span is not None and not fits and fixed.overflow in (Overflow.WRAP, Overflow.WRAP_SM):
            wholes = self.wholes(op)
            mantissas = wholes.of_reals(wire.name, wire.kind, span.frac, *span.whole())
            return replace(wire, name=wholes.reals(wholes.cast(mantissas, fixed), Kind.DOUBLE, ""), kind=Kind.DOUBLE)
        wire = self.converted(wire, Kind.DOUBLE)
        nodes, steps = self.nodes, self._steps(wire, fixed)
        low, high = (self.number(float(end), wire.kind) for end in (fixed.min_mantissa, fixed.max_mantissa))
        match fixed.overflow:
            case _ if fits:
                kept = steps
            case Overflow.SAT | Overflow.SAT_SYM:
                kept = nodes.one("Max", nodes.one("Min", steps, high), low)
            case Overflow.SAT_ZERO:
                inside = nodes.one(
                    "And", nodes.one("GreaterOrEqual", steps, low), nodes.one("LessOrEqual", steps, high)
                )
                kept = nodes.one("Where", inside, steps, self.number(0.0, wire.kind))
            case Overflow.WRAP if fixed.saturation_bits == 0 and fixed.width <= _WIDEST_WRAP:
                kept = self._wrapped(steps, fixed)
            case _:
                raise UnsupportedError(
                    f"{op.source.where}: export onnx: an input of type {fixed}, whose mode of overflow is not exported;"
                    f" let it saturate (SAT) or wrap (WRAP, up to {_WIDEST_WRAP} bits)"
                )
        step = self.number(np.ldexp(1.0, -fixed.frac), wire.kind, "scale")
        return replace(wire, name=nodes.one("Mul", kept, step))

    def _wrapped(self, steps: str, fixed: FixedType) -> str:
        """The low bits: a float64 less a multiple of ``2**width``, which loses nothing."""
        nodes, span = self.nodes, self.number(2.0**fixed.width, Kind.DOUBLE)
        turns = nodes.one("Floor", nodes.one("Div", steps, span))
        low = nodes.one("Sub", steps, nodes.one("Mul", turns, span))
        if not fixed.signed:
            return low
        over = nodes.one("Greater", low, self.number(float(fixed.max_mantissa), Kind.DOUBLE))
        return nodes.one("Where", over, nodes.one("Sub", low, span), low)


def ends_at(span: Interval, frac: int) -> tuple[int, int]:
    """The least and the greatest mantissa of a range on another grid, moved outwards to it."""
    low, high = span.whole()
    by = frac - span.frac
    return (low << by, high << by) if by >= 0 else (low >> -by, -(-high >> -by))


def _has_quant(fixed: FixedType) -> bool:
    """Whether QONNX means the same by a Quant of so many bits: one signed bit is a sign there."""
    return fixed.width > 1 or not fixed.signed


def _word(span: Interval | None, fixed: FixedType) -> str | None:
    """QONNX's name for a rounding, or for one that does the same to all numbers of a range."""
    if span is not None and span.frac <= fixed.frac:
        return "ROUND"
    never_below = not fixed.signed or (span is not None and span.lowest >= 0)
    if fixed.rounding is Rounding.RND and never_below:
        return "HALF_UP"
    return WORDS.get(fixed.rounding)

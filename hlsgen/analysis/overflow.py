"""Overflow counters: how many values of each layer did not fit their type, measured on data.

A second design is built in which every cast that can overflow is a step of its own, with the exact
value in front of it as an output. It is compiled from the same kernels; counting happens in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.hls.plan import make_plan
from hlsgen.design.design import Design
from hlsgen.emulation.emulator import Emulator
from hlsgen.ir.constant import Floats
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.op import Op
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType, Ints
from hlsgen.ir.typing import Reason, Tensor, Typing
from hlsgen.ir.wish import Wish
from hlsgen.layers.convert import Convert

_BATCH_VALUES = 1 << 22


@dataclass
class Overflow:
    """What happened at one cast: ``count`` of ``total`` values lay outside of ``type``."""

    layer: str
    role: str
    type: FixedType
    wanted: Demand = EVERYTHING
    """What readers can tell apart: a ReLU's input may be cut off at zero, and that is no overflow."""
    count: int = 0
    total: int = 0
    largest: float = 0.0
    """The largest magnitude met before the cast; of channels held times powers of two, that nearest to its end."""
    factors: Floats | None = None
    """What the values of each channel are multiplied by to be the model's; None: by nothing."""
    factor: float = 1.0
    """That of the channel that ``largest`` is of."""

    @property
    def representable(self) -> float:
        """The largest magnitude the type holds (in that channel)."""
        return float(max(abs(self.type.min), abs(self.type.max))) * self.factor

    def add(self, mantissas: Ints, frac: int) -> None:
        """Count one batch of exact values; rounding happens before the range is checked, as in the cast."""
        unbounded = FixedType(1024, 1024 - self.type.frac, True, self.type.rounding)
        rounded = within(unbounded.cast(mantissas, frac), self.type.frac, self.wanted)
        outside = (rounded < self.type.min_mantissa) | (rounded > self.type.max_mantissa)
        self.count += int(outside.sum())
        self.total += int(mantissas.size)
        top = max(abs(int(mantissas.max(initial=0))), abs(int(mantissas.min(initial=0))))
        held = float(top) * 2.0**-frac
        if held > self.largest / self.factor:
            if self.factors is not None:
                channels = np.abs(mantissas.reshape(-1, len(self.factors))).max(axis=0)
                self.factor = float(self.factors[int(np.argmax(channels))])
            self.largest = held * self.factor


@dataclass(frozen=True)
class OverflowReport:
    """All casts that can overflow, in the order of the layers."""

    entries: tuple[Overflow, ...]

    @property
    def total(self) -> int:
        return sum(entry.count for entry in self.entries)

    def __getitem__(self, layer: str) -> int:
        """How many values of a layer overflowed."""
        return sum(entry.count for entry in self.entries if entry.layer == layer)

    def __str__(self) -> str:
        if not self.entries:
            return "no cast in this design can overflow"
        rows = [
            [e.layer, e.role, str(e.type), f"{e.count} of {e.total}", f"{e.largest:.6g}", f"{e.representable:.6g}"]
            for e in self.entries
        ]
        return table(["layer", "cast", "type", "overflowed", "largest met", "largest representable"], rows)


class OverflowCounter:
    """The counting design of a design."""

    def __init__(self, design: Design, name: str) -> None:
        self._exposed = _expose_casts(design)
        self._tensors = self._exposed.design.outputs
        plan = make_plan(self._exposed.design, "io_parallel", name, self._tensors)
        self._emulator = Emulator(plan) if self._tensors else None

    def count(self, inputs: Mapping[str, NDArray[Any]]) -> OverflowReport:
        """Run the data through and count; memory stays bounded whatever the number of samples."""
        entries = [
            Overflow(cast.layer, cast.role, cast.type, cast.wanted, factors=cast.factors)
            for cast in self._exposed.casts
        ]
        if self._emulator is not None:
            flat = [x.reshape(len(x), -1) for x in inputs.values()]
            step = max(1, _BATCH_VALUES // sum(tensor.size for tensor in self._tensors))
            for start in range(0, len(flat[0]), step):
                self._count_batch([x[start : start + step] for x in flat], entries)
        return OverflowReport(tuple(entries))

    def _count_batch(self, flat: Sequence[NDArray[Any]], entries: Sequence[Overflow]) -> None:
        assert self._emulator is not None
        results = dict(zip(self._tensors, self._emulator.run(flat, raw=True), strict=True))
        for entry, cast in zip(entries, self._exposed.casts, strict=True):
            entry.add(results[cast.tensor], cast.tensor.type.frac)


@dataclass(frozen=True, eq=False)
class _Cast:
    """A cast that can overflow: the exact value in front of it, whose it is, and what is wanted of it."""

    tensor: Tensor
    layer: str
    role: str
    type: FixedType
    wanted: Demand

    @property
    def factors(self) -> Floats | None:
        return None if self.tensor.exponents is None else self.tensor.factors


@dataclass(frozen=True, eq=False)
class _Exposed:
    design: Design
    casts: tuple[_Cast, ...]


def _expose_casts(design: Design) -> _Exposed:
    """The same design, up to the last lossy cast, with each of them as an operation of its own."""
    known: dict[Tensor, Tensor] = {}
    ops: list[Op] = []
    casts: list[_Cast] = []
    for op in design:
        lossy = {tensor: _lossy(op, tensor) for tensor in op.outputs}
        made = replace(
            op,
            inputs=tuple(known[tensor] for tensor in op.inputs),
            outputs=tuple(_uncast(tensor) if lossy[tensor] else tensor for tensor in op.outputs),
        )
        ops.append(made)
        for tensor, value in zip(op.outputs, made.outputs, strict=True):
            for role, fixed in lossy[tensor]:
                wanted = tensor.typing.demand if role == "result" else EVERYTHING
                casts.append(_Cast(value, op.source.name, role, fixed, wanted))
                name = f"{tensor.name}_{role}"
                typing = Typing(value.typing.exact, None, fixed, Reason.EXACT)
                after = Tensor(name, tensor.shape, typing, tensor.interval, exponents=tensor.exponents)
                ops.append(Op(name, Convert(), (value,), (after,), Wish(), op.source))
                value = after
            known[tensor] = value
    counted = tuple(dict.fromkeys(cast.tensor for cast in casts))
    names = tuple(tensor.name for tensor in counted)
    return _Exposed(Design(design.name, _leading_to(counted, ops), counted, names, {}), tuple(casts))


def _leading_to(tensors: Sequence[Tensor], ops: Sequence[Op]) -> tuple[Op, ...]:
    """The operations that ``tensors`` depend on, and all inputs; what is behind the last cast is not computed."""
    needed, kept = set(tensors), []
    for op in reversed(ops):
        if op.is_input or not needed.isdisjoint(op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))


def _uncast(tensor: Tensor) -> Tensor:
    """The exact result of a layer, in front of its casts."""
    typing = tensor.typing
    exact = Typing(typing.exact, None, typing.sum_type, Reason.EXACT)
    return replace(tensor, typing=exact)


def _lossy(op: Op, tensor: Tensor) -> list[tuple[str, FixedType]]:
    """The casts of a result that can overflow, by the proved range of what they are given."""
    typing = tensor.typing
    if op.is_input:
        return []
    reach, found = typing.exact, []
    for role, fixed in (("accum", typing.accum), ("result", typing.result)):
        wanted = typing.demand if role == "result" else EVERYTHING
        if fixed is not None and not reach.clipped(wanted.low, wanted.high).fits(fixed):
            found.append((role, fixed))
        if fixed is not None:
            reach = reach.cast(fixed)
    if any(role == "accum" for role, _ in found) and all(role != "result" for role, _ in found):
        found.append(("result", typing.result))
    return found


def within(mantissas: Ints, frac: int, wanted: Demand) -> Ints:
    """Cut values off where nobody can tell the difference (outwards on their grid)."""
    low = None if wanted.low is None else floor(wanted.low * Fraction(2) ** frac)
    high = None if wanted.high is None else ceil(wanted.high * Fraction(2) ** frac)
    return mantissas if low is high is None else np.clip(mantissas, low, high)

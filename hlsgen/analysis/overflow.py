"""Overflow counters: how many values of each layer did not fit their type, measured on data.

The counting design (``exposed_casts.py``) is compiled from the same kernels as the design; counting happens in NumPy.
What counts as an overflow is defined in docs/numerics.md, rule 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.analysis.exposed_casts import Cast, expose_casts
from hlsgen.backends.hls.plan import make_plan
from hlsgen.design.design import Design
from hlsgen.emulation.emulator import Emulator
from hlsgen.errors import UnknownNameError, nearest
from hlsgen.ir.constant import Floats
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType, Ints, bit_length, integers, to_float
from hlsgen.ir.typing import Tensor
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.functions import Unary

_BATCH_VALUES = 1 << 22


@dataclass(frozen=True)
class Overflow:
    """What happened at one cast: ``count`` of ``total`` values lay outside of ``type``."""

    layer: str
    role: str
    """accum or result."""
    type: FixedType
    wanted: Demand = EVERYTHING
    """What readers can tell apart: a ReLU's input may be cut off at zero, and that is no overflow."""
    function: Unary | None = None
    """What is cast is this function of the values."""
    count: int = 0
    total: int = 0
    largest: float = 0.0
    """The largest magnitude met before the cast; of channels held times factors, that nearest to its end;
    less the offset, where they have one."""
    each: CastEach | None = None
    """What casts every element to a type of its own."""
    factors: Floats | None = None
    """What the values of each channel are multiplied by to be the model's; None: by nothing."""
    factor: float = 1.0
    """That of the channel that ``largest`` is of."""

    @property
    def representable(self) -> float:
        """The largest magnitude the type holds."""
        return float(to_float(max(-self.type.min_mantissa, self.type.max_mantissa), self.type.frac))

    @property
    def row(self) -> list[str]:
        """As it stands in the report's table."""
        own = (str(self.type), f"{self.representable:.6g}") if self.each is None else ("each its own", "")
        return [self.layer, self.role, own[0], f"{self.count} of {self.total}", f"{self.largest:.6g}", own[1]]

    def counted(self, mantissas: Ints, frac: int) -> Overflow:
        """The same with one batch of exact values more, ``mantissas * 2**-frac``, as they are in front of the cast."""
        if self.function is not None:
            return self._counted_results(self.function(to_float(mantissas, frac)))
        if self.each is not None:
            outside = self.each.overflowing(mantissas, frac)
        else:
            rounded = self.type.rounded(within(mantissas, frac, self.wanted), frac)
            outside = (rounded < self.type.min_mantissa) | (rounded > self.type.max_mantissa)
        met, factor = self._largest(mantissas, frac)
        if met / factor < self.largest / self.factor:
            met, factor = self.largest, self.factor
        return replace(
            self,
            count=self.count + int(outside.sum()),
            total=self.total + int(mantissas.size),
            largest=met,
            factor=factor,
        )

    def _counted_results(self, results: Floats) -> Overflow:
        """The same with results of the function: those more than a step beyond the range, as a bound of it is not."""
        steps = np.ldexp(results, self.type.frac)
        outside = (steps < self.type.min_mantissa - 1) | (steps > self.type.max_mantissa + 1)
        return replace(
            self,
            count=self.count + int(outside.sum()),
            total=self.total + results.size,
            largest=max(self.largest, float(np.abs(results).max(initial=0.0))),
        )

    def _largest(self, mantissas: Ints, frac: int) -> tuple[float, float]:
        """The largest magnitude of a batch, as the model means it, and the factor of its channel."""
        held = float(to_float(max(-int(mantissas.min(initial=0)), int(mantissas.max(initial=0))), frac))
        if self.factors is None or not mantissas.size:
            return held, 1.0
        channels = np.abs(mantissas.reshape(-1, len(self.factors))).max(axis=0)
        factor = float(self.factors[int(np.argmax(channels))])
        return held * factor, factor


class OverflowReport(Mapping[str, int]):
    """How many values of each layer overflowed, by the layer's name in the source model, in the order of the design.

    Every layer but the inputs has an entry, inner steps count with their layer, and a layer that was fused away has the
    count of what it was fused into, as in traces; ``total`` counts every value once. ``entries`` are the casts that can
    overflow; print the report to see them.
    """

    def __init__(self, entries: Sequence[Overflow], counted_as: Mapping[str, str], inputs: Sequence[str] = ()) -> None:
        """``counted_as``: each layer, and the layer by whose name its values are counted."""
        self.entries = tuple(entries)
        self._counted_as = dict(counted_as)
        self._inputs = tuple(inputs)

    @property
    def total(self) -> int:
        """How many values overflowed in all casts together."""
        return sum(entry.count for entry in self.entries)

    def __getitem__(self, layer: str) -> int:
        """How many values of a layer overflowed. Raises UnknownNameError (a KeyError) for what is no layer."""
        if layer in self._inputs:
            raise UnknownNameError(
                f"overflows: '{layer}' is an input; predict warns of values outside of its type (ClippedInputWarning), "
                "and does not count them here"
            )
        if layer not in self._counted_as:
            raise UnknownNameError(f"overflows: the model has no layer {layer!r}{nearest(str(layer), self)}")
        return sum(entry.count for entry in self.entries if entry.layer == self._counted_as[layer])

    def __iter__(self) -> Iterator[str]:
        return iter(self._counted_as)

    def __len__(self) -> int:
        return len(self._counted_as)

    def __repr__(self) -> str:
        where = ", ".join(f"'{layer}': {self[layer]}" for layer in self if self[layer])
        return f"<overflows: {self.total}{f' ({where})' if where else ''}>"

    def __str__(self) -> str:
        if not self.entries:
            return "no cast in this design can overflow"
        return table(
            ["layer", "cast", "type", "overflowed", "largest met", "largest representable"],
            [e.row for e in self.entries],
        )


class OverflowCounter:
    """Counts the overflows of a design, on any number of batches."""

    def __init__(self, design: Design, name: str) -> None:
        exposed = expose_casts(design)
        self._casts, self._tensors = exposed.casts, exposed.design.outputs
        plan = make_plan(exposed.design, "io_parallel", name, self._tensors)
        self._emulator = Emulator(plan) if self._tensors else None
        self._counted_as = _counted_as(design)
        self._inputs = _inputs(design)

    def count(self, inputs: Mapping[str, NDArray[Any]]) -> OverflowReport:
        """Run the data through and count; memory stays bounded whatever the number of samples."""
        entries = [entry_of(cast) for cast in self._casts]
        if self._emulator is not None:
            arrays = list(inputs.values())
            step = max(1, _BATCH_VALUES // sum(tensor.size for tensor in self._tensors))
            for start in range(0, len(arrays[0]), step):
                results = self._emulator.run([x[start : start + step] for x in arrays], raw=True)
                given = dict(zip(self._tensors, results, strict=True))
                entries = [
                    entry.counted(seen(cast, given[cast.given]), cast.given.type.frac)
                    for entry, cast in zip(entries, self._casts, strict=True)
                ]
        return OverflowReport(entries, self._counted_as, self._inputs)


def entry_of(cast: Cast) -> Overflow:
    """The entry of a cast before anything is counted."""
    factors = _factors(cast.given)
    return Overflow(cast.layer, cast.role, cast.type, cast.wanted, cast.function, each=cast.each, factors=factors)


def seen(cast: Cast, mantissas: Ints) -> Ints:
    """Of the values in front of a cast, those that the model has."""
    if not cast.kept and cast.each is None:
        return mantissas
    values = mantissas.reshape(len(mantissas), *cast.given.shape)
    for mover in cast.kept:
        values = mover.move(values)
    return values


def _factors(tensor: Tensor) -> Floats | None:
    return None if tensor.held is None else tensor.factors


def _counted_as(design: Design) -> dict[str, str]:
    """Every layer of the source model that computes something, and the layer by whose name its values are counted."""
    found = {op.source.name: op.source.name for op in design if not op.is_input}
    for layer, tensor in design.aliases.items():
        op = design.producer(tensor)
        if not op.is_input and layer != tensor.name:  # an output of several bears its own name
            found.setdefault(layer, op.source.name)
    return found


def _inputs(design: Design) -> list[str]:
    """The inputs, and the layers that hand them on as they are."""
    return [layer for layer, tensor in design.aliases.items() if design.producer(tensor).is_input]


def within(mantissas: Ints, frac: int, wanted: Demand) -> Ints:
    """Cut values off where nobody can tell the difference (outwards on their grid)."""
    low = None if wanted.low is None else floor(wanted.low * Fraction(2) ** frac)
    high = None if wanted.high is None else ceil(wanted.high * Fraction(2) ** frac)
    ends = [end.bit_length() for end in (low, high) if end is not None]
    return np.clip(integers(mantissas, max(bit_length(mantissas), *ends)), low, high) if ends else mantissas

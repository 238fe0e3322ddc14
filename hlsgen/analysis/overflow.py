"""Overflow counters: how many values of each layer did not fit their type, measured on data.

A second design is built in which every cast that can overflow is a step of its own, with the exact
value in front of it as an output. It is compiled from the same kernels; counting happens in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.codegen.plan import make_plan
from hlsgen.emulation.emulator import Emulator
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType, Ints
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
    """The largest magnitude met before the cast."""

    @property
    def representable(self) -> float:
        """The largest magnitude the type holds."""
        return float(max(abs(self.type.min), abs(self.type.max)))

    def add(self, mantissas: Ints, frac: int) -> None:
        """Count one batch of exact values; rounding happens before the range is checked, as in the cast."""
        unbounded = FixedType(1024, 1024 - self.type.frac, True, self.type.rounding)
        rounded = within(unbounded.cast(mantissas, frac), self.type.frac, self.wanted)
        outside = (rounded < self.type.min_mantissa) | (rounded > self.type.max_mantissa)
        self.count += int(outside.sum())
        self.total += int(mantissas.size)
        top = max(abs(int(mantissas.max(initial=0))), abs(int(mantissas.min(initial=0))))
        self.largest = max(self.largest, float(top) * 2.0**-frac)


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
    """The counting design of a graph."""

    def __init__(self, graph: Graph, name: str) -> None:
        self._exposed = _expose_casts(graph)
        values = list(dict.fromkeys(value for value, *_ in self._exposed.casts))
        self._values = values
        self._emulator = Emulator(make_plan(self._exposed.graph, "io_parallel", name, values)) if values else None

    def count(self, inputs: Mapping[str, NDArray[Any]]) -> OverflowReport:
        """Run the data through and count; memory stays bounded whatever the number of samples."""
        entries = [Overflow(layer, role, fixed, wanted) for _, (layer, role), fixed, wanted in self._exposed.casts]
        if self._emulator is not None:
            flat = [x.reshape(len(x), -1) for x in inputs.values()]
            step = max(1, _BATCH_VALUES // sum(v.size for v in self._values))
            for start in range(0, len(flat[0]), step):
                self._count_batch([x[start : start + step] for x in flat], entries)
        return OverflowReport(tuple(entries))

    def _count_batch(self, flat: Sequence[NDArray[Any]], entries: Sequence[Overflow]) -> None:
        assert self._emulator is not None
        results = dict(zip(self._values, self._emulator.run(flat, raw=True), strict=True))
        for entry, (value, *_) in zip(entries, self._exposed.casts, strict=True):
            assert value.type is not None
            entry.add(results[value], value.type.frac)


_Cast = tuple[Value, tuple[str, str], FixedType, Demand]


@dataclass(frozen=True, eq=False)
class _Exposed:
    graph: Graph
    casts: tuple[_Cast, ...]
    """The exact value before a cast, the layer and role it belongs to, the type it is cast to, what is wanted of it."""


def _expose_casts(graph: Graph) -> _Exposed:
    copy = Graph(graph.name)
    known: dict[Value, Value] = {}
    casts: list[_Cast] = []
    for node in graph:
        value = _copied(copy, node, [known[v] for v in node.inputs])
        for role, fixed in _lossy(node):
            value.type = value.type if role != "accum" else node.sum_type
            casts.append((value, (node.source.name, role), fixed, node.wanted if role == "result" else EVERYTHING))
            value = copy.add(Convert(), [value], f"{node.name}_{role}", node.source)
            value.type, value.interval = fixed, node.output.interval
        known[node.output] = value
    copy.set_outputs([known[v] for v in graph.outputs], graph.output_names)
    return _Exposed(copy, tuple(casts))


def _copied(copy: Graph, node: Node, inputs: Sequence[Value]) -> Value:
    """Copy a node; if one of its casts is exposed, its result is the exact sum."""
    value = copy.add(node.layer, inputs, node.name, node.source)
    made = value.producer
    made.settings, made.sum_type = node.settings, node.sum_type
    exposed = bool(_lossy(node))
    made.accum_type = node.sum_type if exposed else node.accum_type
    value.type = node.sum_type if exposed else node.output.type
    value.interval = node.output.interval
    return value


def _lossy(node: Node) -> list[tuple[str, FixedType]]:
    """The casts of a node that can overflow, by the proved range of what they are given."""
    if node.exact is None or node.output.type is None:
        return []
    reach = node.exact
    found = []
    for role, fixed in (("accum", node.settings.accum), ("result", node.output.type)):
        wanted = node.wanted if role == "result" else EVERYTHING
        if fixed is not None and not reach.clipped(wanted.low, wanted.high).fits(fixed):
            found.append((role, fixed))
        if fixed is not None:
            reach = reach.cast(fixed)
    if any(role == "accum" for role, _ in found) and all(role != "result" for role, _ in found):
        found.append(("result", node.output.type))
    return found


def within(mantissas: Ints, frac: int, wanted: Demand) -> Ints:
    """Cut values off where nobody can tell the difference (outwards on their grid)."""
    low = None if wanted.low is None else floor(wanted.low * Fraction(2) ** frac)
    high = None if wanted.high is None else ceil(wanted.high * Fraction(2) ** frac)
    return mantissas if low is high is None else np.clip(mantissas, low, high)

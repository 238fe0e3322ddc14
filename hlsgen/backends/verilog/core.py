"""Cores: what computes a layer, a static pipeline that never stalls.

A core takes a word of each operand at each clock with ``start``, at most every ``interval`` clocks, and gives its
result, with ``done``, exactly ``latency`` clocks later. It has no ready and no enable: whoever starts it has room for
the result (:mod:`hlsgen.backends.verilog.circuit`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hlsgen.backends.verilog.logic import Section
from hlsgen.errors import UnsupportedError
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import Dsp

MOST_SIDE_BY_SIDE = 16384
"""Multipliers or comparisons of a layer: a large device has some ten thousand multipliers, and small ones are built of
logic."""

_ADVICE = "use backend: vitis for this model"


@dataclass(frozen=True)
class Words:
    """What passes on a stream: ``beats`` words a sample, each of ``elements``, the first in the lowest bits."""

    type: FixedType
    elements: int
    beats: int

    @property
    def width(self) -> int:
        """The bits of a word."""
        return self.type.width * self.elements

    def __str__(self) -> str:
        text = f"{self.elements} x {self.type}"
        return text if self.beats == 1 else f"{self.beats} words of {text}"


@dataclass(frozen=True)
class Core:
    """A module with ``clk``, ``rst``, ``start``, ``x`` (or ``x0``, ``x1``, ...), ``done``, ``y``, and its clocks."""

    module: str
    xs: tuple[Words, ...]
    y: Words
    latency: int
    interval: int
    texts: Mapping[str, str]
    """The Verilog of each module that it is made of, by the module's name."""
    inside: tuple[Section, ...] = ()
    """The pipelines in it, from inputs to results, as far as they can be drawn."""
    inner: tuple[Core, ...] = ()
    """The cores that it starts itself, as that of a loop does."""

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of its ports for operands."""
        return operand_names(self.xs)


@dataclass(frozen=True)
class Place:
    """Where a core is built: its module's name, the words it takes and gives, levels of logic between registers."""

    module: str
    xs: tuple[Words, ...]
    y: Words
    levels: int

    @property
    def x(self) -> Words:
        """The words of the only operand."""
        (only,) = self.xs
        return only

    @property
    def operands(self) -> tuple[tuple[str, Words], ...]:
        """The ports for operands: name and words."""
        return tuple(zip(operand_names(self.xs), self.xs, strict=True))


def operand_names(xs: tuple[Words, ...]) -> tuple[str, ...]:
    """The names of a core's ports for operands: ``x``, or ``x0``, ``x1``, ... where it has several."""
    return ("x",) if len(xs) == 1 else tuple(f"x{k}" for k in range(len(xs)))


@dataclass(frozen=True)
class Builder:
    """How a layer gets its core, and what it refuses."""

    build: Callable[[Any, Op, Place], Core]
    check: Callable[[Any, Op], None]


L = TypeVar("L", bound=Layer)
BUILDERS: dict[type[Layer], Builder] = {}


def _anything(layer: Layer, op: Op) -> None:
    """Refuses nothing."""


def core_of(
    kind: type[L], check: Callable[[L, Op], None] = _anything
) -> Callable[[Callable[[L, Op, Place], Core]], Callable[[L, Op, Place], Core]]:
    """Register the builder of a layer's core. ``check`` raises UnsupportedError for what it cannot build."""

    def register(builder: Callable[[L, Op, Place], Core]) -> Callable[[L, Op, Place], Core]:
        if kind in BUILDERS:
            raise TypeError(f"{kind.__name__} has two circuits: {BUILDERS[kind].build.__module__} has one")
        BUILDERS[kind] = Builder(builder, check)
        return builder

    return register


def build_core(op: Op, place: Place) -> Core:
    """The core of an operation that :func:`check_core` let pass."""
    core = BUILDERS[type(op.layer)].build(op.layer, op, place)
    if op.dsp is Dsp.AUTO:
        return core
    return replace(core, texts={name: _with_dsp(op.dsp, text) for name, text in core.texts.items()})


def _with_dsp(dsp: Dsp, text: str) -> str:
    """A module with the attribute that Vivado reads."""
    return re.sub("^module ", f'(* use_dsp = "{dsp}" *)\nmodule ', text, flags=re.MULTILINE)


def check_core(op: Op) -> None:
    """Raise UnsupportedError for an operation that has no core."""
    builder = BUILDERS.get(type(op.layer))
    if builder is None:
        raise refused(op, f"{op.layer.kind} has no circuit yet")
    builder.check(op.layer, op)


def refused(op: Op, what: str, advice: str = _ADVICE) -> UnsupportedError:
    """The error for what has no circuit."""
    return UnsupportedError(f"{op.source.where}: {what}; {advice}")


def check_side_by_side(op: Op, count: int, what: str, advice: str = _ADVICE) -> None:
    """Raise UnsupportedError for an operation of which too much would be computed at once."""
    if count > MOST_SIDE_BY_SIDE:
        raise refused(op, f"takes {count} {what} side by side, at most {MOST_SIDE_BY_SIDE} are built", advice)

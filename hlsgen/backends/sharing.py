"""Reuse factors that are left to hlsgen: each layer shares multipliers for as long as a sample may take."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from hlsgen.design.design import Design
from hlsgen.ir.op import Op


def is_left_open(op: Op) -> bool:
    """Whether its ``reuse_factor`` is auto."""
    return op.wish.hardware.balanced and op.layer.has_multiplier


def shared_within(design: Design, most: int, cycles: Callable[[Op], int]) -> Design:
    """The same design, with a factor for every layer whose ``reuse_factor`` is auto.

    It is the largest with which the layer takes no more than ``most`` cycles a sample; ``cycles(op)`` says how many it
    takes. A layer that takes longer with every factor has the least, and a note says so. No bit depends on it.
    """
    ops, notes = [], list(design.notes)
    for op in design:
        if is_left_open(op):
            op = _within(op, most, cycles)
            if cycles(op) > most:
                notes.append(f"warning: {op.name}: takes {cycles(op)} cycles a sample at least, not the wished {most}")
        ops.append(op)
    return replace(design, ops=tuple(ops), notes=tuple(notes))


def _within(op: Op, most: int, cycles: Callable[[Op], int]) -> Op:
    """The operation with the largest factor that keeps to so many cycles."""
    factors: Sequence[int] = op.layer.valid_reuse_factors(op.strategy)
    fitting = bisect_right(factors, most, key=lambda factor: cycles(with_factor(op, factor)))
    return with_factor(op, factors[max(fitting - 1, 0)])


def with_factor(op: Op, factor: int) -> Op:
    """The operation with another reuse factor."""
    return replace(op, wish=replace(op.wish, hardware=replace(op.wish.hardware, reuse_factor=factor)))

"""Functions that every framework has, built from the layers that compute them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.functions import Unary
from hlsgen.layers.gate import Gate
from hlsgen.layers.merge import Merge
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.table import Table

MAX_POWER = 8
"""An exact power has as many times the bits of its root; beyond, and of more than 11 bits, it is cut off."""


def add_line(builder: Builder, value: Value, slope: float, shift: float, step: str) -> Value:
    """Add ``slope * x + shift``."""
    channels = value.shape[-1]
    return builder.add(
        Scale(Constant.of(np.full(channels, slope)), Constant.of(np.full(channels, shift))), [value], step
    )


def add_relu(builder: Builder, value: Value, slope: float = 0.0, ceiling: float | None = None) -> Value:
    """Add a ReLU; slope 0 and no ceiling are left out of the hardware."""
    return builder.add(
        Relu(
            None if slope == 0 else Constant.of(slope),
            None if ceiling is None or ceiling == float("inf") else Constant.of(ceiling),
        ),
        [value],
        "relu",
    )


def add_absolute(builder: Builder, value: Value) -> Value:
    """``|x|``: a ReLU that turns what is below zero around."""
    return builder.add(Relu(Constant.exactly(np.array(-1), FixedType(1, 1), given=False)), [value], "abs")


def add_gate(builder: Builder, value: Value, high: float, low: float | None = None, level: float = 0.0) -> Value:
    """Add ``x where x > high (or x < low), else level``; frameworks compare with the ends as float32 numbers."""
    first = None if low is None else Fraction(float(np.float32(low)))
    gate = Gate(Fraction(float(np.float32(high))), first, None if level == 0 else Constant.of(level))
    return builder.add(gate, [value], "gate")


def add_relu_above(builder: Builder, value: Value, threshold: float, slope: float, ceiling: float | None) -> Value:
    """Keras's ReLU with a threshold: ``clip(x, 0, ceiling)`` above it (x as it is without), ``slope * (x - threshold)``
    else."""
    above = add_gate(builder, value, threshold)
    if ceiling is not None:
        above = add_relu(builder, above, ceiling=ceiling)
    if slope == 0:
        return above
    missing = add_relu(builder, add_line(builder, value, -1.0, threshold, "turned"))
    return builder.add(Merge("add"), [above, add_line(builder, missing, -slope, 0.0, "below")], "sum")


def add_clip(builder: Builder, value: Value, low: float, high: float | None) -> Value:
    """``clip(x, low, high)``, shifted so that a ReLU does it."""
    above = add_relu(builder, add_line(builder, value, 1.0, -low, "up"), ceiling=None if high is None else high - low)
    return add_line(builder, above, 1.0, low, "down")


def add_power(builder: Builder, value: Value, exponent: int) -> Value:
    """``value ** exponent`` by squares and products of those, which are exact but for the cast of the last one."""
    if exponent == 1:
        return value
    root = add_power(builder, value, exponent // 2)
    square = builder.add(Merge("multiply"), [root, root], "square")
    return builder.add(Merge("multiply"), [square, value], "power") if exponent % 2 else square


def add_table(builder: Builder, value: Value, unary: Unary) -> Value:
    """Add a function that no adder computes."""
    return builder.add(Table(unary), [value], unary.name)

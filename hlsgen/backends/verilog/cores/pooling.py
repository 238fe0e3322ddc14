"""Pooling: one result of each channel from the cells of a window, which come as one word."""

from __future__ import annotations

from functools import partial

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import elementwise, pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.sums import GlobalSum, WindowSum


@core_of(MaxPooling2D)
def max_pooling(layer: MaxPooling2D, op: Op, place: Place) -> Core:
    """The largest cell; the stage in front pads with the least number there is."""
    channels = op.output.shape[-1]

    def largest(logic: Logic, x: list[Number]) -> list[Number]:
        join = partial(logic.larger, hint="largest")
        return [
            Number(logic.tree([number.signal for number in x[c::channels]], join), place.x.type.frac)
            for c in range(channels)
        ]

    return pipeline(op, place, largest)


@core_of(WindowSum)
@core_of(AveragePooling2D)
def average_pooling(layer: AveragePooling2D, op: Op, place: Place) -> Core:
    """The sum of the cells times the reciprocal of their number, which padding makes another at the edges."""
    channels = op.output.shape[-1]
    reciprocals, frac = layer.reciprocal.fixed
    factors = reciprocals[layer.window.counts(op.input.shape)].reshape(-1, 1).tolist()

    def means(logic: Logic, number: Signal, x: list[Number]) -> list[Number]:
        (factor,) = logic.row(factors, number, "reciprocal")
        totals = (logic.total([number.signal for number in x[c::channels]]) for c in range(channels))
        return [Number(logic.multiply(total, factor, "mean"), place.x.type.frac + frac) for total in totals]

    return pipeline(op, place, means, turn=len(factors))


@core_of(GlobalMaxPooling)
def global_max_pooling(layer: GlobalMaxPooling, op: Op, place: Place) -> Core:
    """The cast of what the stage in front found in the whole image."""
    return elementwise(op, place, lambda logic, x: x)


@core_of(GlobalSum)
@core_of(GlobalAveragePooling)
def global_average_pooling(layer: GlobalAveragePooling, op: Op, place: Place) -> Core:
    """The sum of the whole image, from the stage in front, times the reciprocal of the number of positions."""
    reciprocals, frac = layer.reciprocal.fixed
    factor = constant(int(reciprocals[0]))
    return elementwise(op, place, lambda logic, x: Number(logic.multiply(x.signal, factor, "mean"), x.frac + frac))

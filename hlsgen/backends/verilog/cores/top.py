"""The largest or least channels of a position: a tree for one, a sorting network for several."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.cores.sorting import largest_first
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.backends.verilog.text import counter_bits
from hlsgen.ir.op import Op
from hlsgen.layers.top import Top, TopIndices, TopValues


@core_of(TopValues)
def top_values(layer: TopValues, op: Op, place: Place) -> Core:
    """Of equal values it does not matter which one it is."""

    def values(logic: Logic, x: list[Number]) -> list[Number]:
        found = _first(logic, layer, [_rising(logic, layer, number.signal) for number in x])
        return [Number(_rising(logic, layer, signal), x[0].frac) for signal in found]

    return pipeline(op, place, values)


@core_of(TopIndices)
def top_indices(layer: TopIndices, op: Op, place: Place) -> Core:
    """What is compared has the channel in its lowest bits, counted from the last one: so all differ, and of equal
    values the first is the largest."""
    last, bits = place.x.elements - 1, counter_bits(place.x.elements)

    def indices(logic: Logic, x: list[Number]) -> list[Number]:
        if not last:
            return [Number(constant(0), 0)]
        keys = [_key(logic, _rising(logic, layer, n.signal), last - channel, bits) for channel, n in enumerate(x)]
        from_last = [logic.bits(key, 0, bits, "from_last") for key in _first(logic, layer, keys)]
        return [Number(_channel(logic, last, number), 0) for number in from_last]

    return pipeline(op, place, indices)


def _rising(logic: Logic, layer: Top, x: Signal) -> Signal:
    """A number that is the larger the sooner x comes, or x of that."""
    return logic.subtract(constant(0), x, "negated") if layer.least else x


def _key(logic: Logic, x: Signal, number: int, bits: int) -> Signal:
    bounds = x.low << bits, (x.high << bits) + (1 << bits) - 1
    return logic.define("key", bounds, 0, [x], lambda p: f"{{{p}, {bits}'d{number}}}", signed=False)


def _channel(logic: Logic, last: int, from_last: Signal) -> Signal:
    return logic.bounded(logic.subtract(constant(last), from_last, "channel"), 0, last)


def _first(logic: Logic, layer: Top, keys: list[Signal]) -> list[Signal]:
    if layer.count == 1:
        return [logic.tree(keys, lambda a, b: logic.larger(a, b, "largest"))]
    return largest_first(logic, keys, layer.count)

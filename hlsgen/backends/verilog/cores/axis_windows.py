"""Windows along one axis: their weighted sums, or their largest cells. A stage in front gives their cells as one word.

A window that has fewer cells than the largest one has them at the end of the word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import numpy as np

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.axis_windows import AlongAxis, LargestAlongAxis, SumsAlongAxis

_Join = Callable[[Logic, Sequence[Signal], Sequence[Signal]], Signal]


@core_of(LargestAlongAxis)
def largest_along_axis(layer: LargestAlongAxis, op: Op, place: Place) -> Core:
    """A cell that is in no window counts as the least number there is."""
    least = constant(place.x.type.min_mantissa)

    def largest(logic: Logic, inside: Sequence[Signal], cells: Sequence[Signal]) -> Signal:
        kept = [logic.choose(bit, cell, least, "kept") for bit, cell in zip(inside, cells, strict=True)]
        return logic.tree(kept, partial(logic.larger, hint="largest"))

    rows = _at_the_end(layer, layer.spans.inside.astype(np.int64))
    return _core(layer, op, place, rows, 0, largest)


@core_of(SumsAlongAxis)
def sums_along_axis(layer: SumsAlongAxis, op: Op, place: Place) -> Core:
    weight, frac = layer.weight.fixed

    def total(logic: Logic, weights: Sequence[Signal], cells: Sequence[Signal]) -> Signal:
        return logic.total([logic.multiply(cell, w) for cell, w in zip(cells, weights, strict=True)])

    return _core(layer, op, place, _at_the_end(layer, weight), frac, total)


def _at_the_end(layer: AlongAxis, of_taps: Ints) -> list[list[int]]:
    """What belongs to the cells of each window, (outputs, taps), behind zeros for those that it does not have."""
    taps = layer.spans.taps
    sizes = layer.spans.sizes
    return [[0] * (taps - size) + row[:size] for size, row in zip(sizes, of_taps.tolist(), strict=True)]


def _core(layer: AlongAxis, op: Op, place: Place, rows: list[list[int]], frac: int, join: _Join) -> Core:
    """``rows``: what each window has for each cell."""
    channels = op.output.shape[-1]
    inner = prod(op.output.shape[layer.axis + 1 : -1])
    by_word = [row for row in rows for _ in range(inner)]

    def joined(logic: Logic, number: Signal, x: list[Number]) -> list[Number]:
        row = logic.row(by_word, number)
        cells = [[number.signal for number in x[c::channels]] for c in range(channels)]
        return [Number(join(logic, row, of_channel), place.x.type.frac + frac) for of_channel in cells]

    return pipeline(op, place, joined, turn=len(by_word))

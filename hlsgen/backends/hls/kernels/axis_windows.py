"""Windows along one axis."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.backends.hls.kernel import ConstantArray, Kernel, Members, Word, call, kernel_of, summed
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import AlongAxis as Timing
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, integers
from hlsgen.layers.axis_windows import AlongAxis, LargestAlongAxis, SumsAlongAxis


@kernel_of(LargestAlongAxis)
def largest_along_axis(layer: LargestAlongAxis, op: Op) -> Kernel:
    sizes = np.array(layer.spans.sizes)
    fixed = FixedType.covering(0, layer.spans.taps, 0)
    constant = ConstantArray.of("size", sizes, fixed, "window")
    return _call(layer, op, "largest_along_axis", {"size_word": Word(fixed)}, constant, compared=layer.spans.taps)


@kernel_of(SumsAlongAxis)
def sums_along_axis(layer: SumsAlongAxis, op: Op) -> Kernel:
    w, fixed = layer.weight.fixed[0], layer.weight.known_type
    taps = layer.spans.taps
    from_last = np.zeros_like(w)
    for row, (weights, size) in enumerate(zip(w, layer.spans.sizes, strict=True)):
        from_last[row, :size] = weights[:size][::-1]
    constant = ConstantArray.of("w", from_last, fixed, "window, cell from the last")
    members: Members = {**summed(op), "weight_t": fixed, "weight_word": Word(fixed)}
    return _call(layer, op, "sums_along_axis", members, constant, terms=taps)


def _call(
    layer: AlongAxis,
    op: Op,
    function: str,
    members: Members,
    constant: ConstantArray,
    terms: int = 0,
    compared: int = 0,
) -> Kernel:
    shape, last = op.input.shape, tuple(end - 1 for end in layer.spans.end)
    place = FixedType.covering(0, shape[layer.axis] - 1, 0)
    timing = Timing(
        interval=op.reuse_factor,
        depth=pipeline_depth(terms=terms, compared=compared),
        outer=prod(shape[: layer.axis]),
        extent=shape[layer.axis],
        last=last,
    )
    geometry: Members = {
        "outer": timing.outer,
        "extent": timing.extent,
        "inner": prod(shape[layer.axis + 1 :]),
        "count": len(last),
        "taps": layer.spans.taps,
        "passes": timing.passes,
        "last_word": Word(place),
    }
    places = ConstantArray.of("last", integers(np.array(last)), place, "window")
    return call(op, function, "axis_windows.h", {**members, **geometry}, places, constant, timing=timing)

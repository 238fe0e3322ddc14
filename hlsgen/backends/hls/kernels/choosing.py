"""The largest or least channels of each position."""

from __future__ import annotations

from math import prod

from hlsgen.backends.hls.kernel import Kernel, Members, call, kernel_of
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Passing
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.top import Top, TopIndices, TopValues

_MOST_POSITIONS = 16
"""Up to so many positions are compared side by side."""


@kernel_of(TopValues)
def top_values(layer: TopValues, op: Op) -> Kernel:
    return _top(layer, op, "top_values")


@kernel_of(TopIndices)
def top_indices(layer: TopIndices, op: Op) -> Kernel:
    return _top(layer, op, "top_indices")


def _top(layer: Top, op: Op, function: str) -> Kernel:
    positions, channels = prod(op.input.shape[:-1]), op.input.shape[-1]
    members: Members = {
        "index_t": FixedType.covering(0, channels - 1, 0),
        "positions": positions,
        "channels": channels,
        "count": layer.count,
        "least": layer.least,
    }
    depth = pipeline_depth(compared=channels)
    timing = Passing(interval=op.reuse_factor, depth=depth, array_steps=positions)
    return call(op, function, "top.h", members, small=positions <= _MOST_POSITIONS, timing=timing)

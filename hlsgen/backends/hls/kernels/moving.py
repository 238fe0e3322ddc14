"""Layers that only move data."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.backends.hls.kernel import ConstantArray, Kernel, Members, Word, call, call_into_two, call_of_two, kernel_of
from hlsgen.backends.hls.kernels.geometry import image
from hlsgen.backends.hls.timing import Alternating, Buffering, Framing, Passing, Repeating, Spreading, Taking, Timing
from hlsgen.ir.constant import Shape
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.shape_ops import Concatenate, Permute, UpSampling, ZeroPadding
from hlsgen.layers.split import Split
from hlsgen.layers.take import Take
from hlsgen.layers.window import as_image


@kernel_of(Permute)
def permute(layer: Permute, op: Op) -> Kernel:
    front = 3 - len(layer.order)
    shape = (1,) * front + op.input.shape
    order = (*range(front), *(axis + front for axis in layer.order))
    members = {f"in_d{i}": shape[i] for i in range(3)} | {f"perm{i}": order[i] for i in range(3)}
    return call(op, "permute", "permute.h", members, timing=Buffering())


@kernel_of(ZeroPadding)
def zero_padding(layer: ZeroPadding, op: Op) -> Kernel:
    sides = dict(zip(("pad_top", "pad_bottom", "pad_left", "pad_right"), layer.padding, strict=True))
    timing = Framing(shape=op.input.shape, margins=layer.padding)
    return call(op, "zero_padding2d", "zero_padding2d.h", {**image(op.input.shape), **sides}, timing=timing)


@kernel_of(UpSampling)
def up_sampling(layer: UpSampling, op: Op) -> Kernel:
    rows, columns = layer.factors
    members = {**image(op.input.shape), "factor_height": rows, "factor_width": columns}
    timing = Repeating(shape=op.input.shape, factors=layer.factors)
    return call(op, "upsampling2d", "upsampling2d.h", members, timing=timing)


@kernel_of(Concatenate)
def concatenate(layer: Concatenate, op: Op) -> Kernel:
    a, b = op.inputs
    members = {
        "outer": prod(a.shape[: layer.axis]),
        "inner0": prod(a.shape[layer.axis :]),
        "inner1": prod(b.shape[layer.axis :]),
        "last_axis": layer.axis == len(a.shape) - 1,
    }
    return call_of_two(op, "concatenate", "concatenate.h", members, timing=_in_turn(a.shape, layer.axis))


@kernel_of(Split)
def split(layer: Split, op: Op) -> Kernel:
    shape, (a, b) = op.input.shape, op.outputs
    members = {
        "outer": prod(shape[: layer.axis]),
        "inner0": prod(a.shape[layer.axis :]),
        "inner1": prod(b.shape[layer.axis :]),
        "last_axis": layer.axis == len(shape) - 1,
    }
    return call_into_two(op, "split", "split.h", members, timing=_in_turn(shape, layer.axis))


def _in_turn(shape: Shape, axis: int) -> Timing:
    """Words are joined or cut along the last axis; along another one both sides take turns."""
    return Passing() if axis == len(shape) - 1 else Alternating(outer=prod(shape[:axis]))


@kernel_of(Take)
def take(layer: Take, op: Op) -> Kernel:
    shape, last_axis = op.input.shape, layer.axis == len(op.input.shape) - 1
    place = FixedType.covering(0, shape[layer.axis] - 1, 0)
    outer, extent = prod(shape[: layer.axis]), shape[layer.axis]
    members: Members = {
        "outer": outer,
        "extent": extent,
        "inner": prod(shape[layer.axis + 1 :]),
        "count": len(layer.places),
        "place_word": Word(place),
        "last_axis": last_axis,
        "late": 0 if layer.rises else len(layer.places),
    }
    timing = Passing() if last_axis else Taking(outer=outer, extent=extent, places=layer.places, rises=layer.rises)
    constant = ConstantArray.of("places", np.array(layer.places), place, "place")
    return call(op, "take", "take.h", members, constant, timing=timing)


@kernel_of(DepthToSpace)
def depth_to_space(layer: DepthToSpace, op: Op) -> Kernel:
    return _rearranged(op, layer.factors, (0, 0))


@kernel_of(Cropping)
def cropping(layer: Cropping, op: Op) -> Kernel:
    return _rearranged(op, (1, 1), (layer.crop[0], layer.crop[2]))


def _rearranged(op: Op, factors: tuple[int, int], corner: tuple[int, int]) -> Kernel:
    in_height, in_width, _ = as_image(op.input.shape)
    height, width, channels = as_image(op.output.shape)
    members = {
        "in_height": in_height,
        "in_width": in_width,
        "channels": channels,
        "factor_height": factors[0],
        "factor_width": factors[1],
        "crop_top": corner[0],
        "crop_left": corner[1],
        "out_height": height,
        "out_width": width,
    }
    timing = Spreading(shape=op.input.shape, factors=factors, corner=corner, kept=(height, width))
    return call(op, "depth_to_space", "depth_to_space.h", members, small=height * width == 1, timing=timing)

"""Tensors repeated, padded, put on top of each other and turned: ``keras.ops.tile``, ``tf.pad`` and their like."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.axes import place_of
from hlsgen.frontends.keras.call import Call, operation
from hlsgen.frontends.keras.options import AXIS, COUNT, NUMBER, TEXT, maybe, several
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.frontends.moving import add_repeat, add_take, add_zeros
from hlsgen.frontends.permuting import add_permute, add_reshape
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import Concatenate


@operation("Stack", "stack")
def read_stack(call: Call) -> Value:
    """Tensors of one shape along a new axis."""
    shape = call.inputs[0].shape
    axis = place_of(call, call.take("axis", AXIS, 0), len(shape) + 1)
    if any(value.shape != shape for value in call.inputs):
        raise ModelError(f"{call.where}: stacks tensors of different shapes, {[v.shape for v in call.inputs]}")
    result, *others = (add_reshape(call, value, (*shape[:axis], 1, *shape[axis:])) for value in call.inputs)
    for other in others:
        result = call.add(Concatenate(axis), [result, other])
    return result


@operation("Tile", "tile")
def read_tile(call: Call) -> Value:
    """The whole axis so many times, one behind the other; fewer numbers than axes are those of the last ones."""
    repeats = call.take("repeats" if call.keras3 else "multiples", several(COUNT))
    rank = len(call.input.shape) + 1
    times = [1] * (rank - len(repeats)) + list(repeats)
    if len(times) != rank or times[0] != 1 or min(times) < 1:
        raise UnsupportedError(
            f"{call.where}: repeats {list(repeats)} of a tensor of {rank} axes, that of the batch included, which has "
            "to be 1; the others have to be 1 or more, and no more of them than axes"
        )
    result = call.input
    for axis, count in enumerate(times[1:]):
        _bound(call, result, count)
        result = add_take(call, result, axis, list(range(result.shape[axis])) * count)
    return result


@operation("Repeat", "repeat")
def read_repeat(call: Call) -> Value:
    """Every element of an axis so many times, or as often as a list says of each."""
    repeats = call.take("repeats", several(COUNT))
    axis = place_of(call, call.take("axis", maybe(AXIS), None), len(call.input.shape))
    extent = call.input.shape[axis]
    if len(repeats) not in (1, extent):
        raise ModelError(f"{call.where}: {len(repeats)} numbers of repetitions for {extent} elements")
    _bound(call, call.input, max(repeats))
    if len(repeats) == 1 and repeats[0] > 0:
        return add_repeat(call, call.input, axis, repeats[0])
    return add_take(call, call.input, axis, np.repeat(np.arange(extent), repeats).tolist())


def _bound(call: Call, value: Value, times: int) -> None:
    call.bound(value.size * times, MAX_TENSOR, "its result")


@operation("Pad", "compat.v1.pad", "pad")
def read_pad(call: Call) -> Value:
    """Zeros around a tensor, or its own elements mirrored (``reflect`` without the edge, ``symmetric`` with it)."""
    sides = call.take("pad_width" if call.keras3 else "paddings", several(several(COUNT)))
    mode = call.take("mode", TEXT, "constant").lower()
    constant = call.take("constant_values", maybe(NUMBER), None) or 0.0
    shape = call.input.shape
    if len(sides) == 1:
        sides *= len(shape) + 1
    if mode not in ("constant", "reflect", "symmetric") or constant != 0:
        raise UnsupportedError(f"{call.where}: mode {mode!r}, value {constant:g}; supported are zeros and mirrors")
    if len(sides) != len(shape) + 1 or any(len(pair) != 2 for pair in sides) or any(sides[0]):
        raise UnsupportedError(f"{call.where}: widths {sides} for a tensor of {len(shape) + 1} axes; none of the batch")
    result = call.input
    for axis, (before, behind) in enumerate(sides[1:]):
        call.bound(result.size // result.shape[axis] * (result.shape[axis] + before + behind), MAX_TENSOR, "its result")
        if mode == "constant":
            result = add_zeros(call, result, axis, before, behind)
        else:
            places = np.pad(np.arange(shape[axis]), (before, behind), mode=mode)  # type: ignore[call-overload]
            result = add_take(call, result, axis, places.tolist())
    return result


@operation("Swapaxes")
def read_swap_axes(call: Call) -> Value:
    rank = len(call.input.shape)
    first, second = (place_of(call, call.take(f"axis{number}", AXIS), rank) for number in (1, 2))
    order = list(range(rank))
    order[first], order[second] = second, first
    return add_permute(call, call.input, order)


@operation("Moveaxis")
def read_move_axes(call: Call) -> Value:
    """The axes ``source`` get the places ``destination``, the others keep their order."""
    rank = len(call.input.shape)
    source = [place_of(call, axis, rank) for axis in call.take("source", several(AXIS))]
    target = [place_of(call, axis, rank) for axis in call.take("destination", several(AXIS))]
    if len(source) != len(target) or len(set(source)) != len(source) or len(set(target)) != len(target):
        raise ModelError(f"{call.where}: axes {source} cannot get the places {target}")
    order = [axis for axis in range(rank) if axis not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return add_permute(call, call.input, order)

"""Slices and choices of elements: ``x[:, 1:3]``, ``keras.ops.take``, ``flip``, ``roll``; the same of TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.frontends.keras.axes import place_of, places_of
from hlsgen.frontends.keras.call import Call, operation
from hlsgen.frontends.keras.options import (
    AXIS,
    LARGEST,
    Kind,
    NotOfKind,
    listed,
    maybe,
    several,
    whole,
)
from hlsgen.frontends.limits import MAX_PARTS
from hlsgen.frontends.moving import add_take
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.graph import Value
from hlsgen.ir.types import Ints

INDEX = whole(-LARGEST, LARGEST)
NEW_AXIS = None
Part = slice | int | None
"""One part of what stands in the brackets behind a tensor; an ellipsis has been replaced before."""


def _part(value: Any) -> Any:
    """A part as the two libraries write it, live and in files."""
    if value is None or value is Ellipsis:
        return value
    if isinstance(value, Mapping):
        tag, config = value.get("class_name"), value.get("config", value)
        if tag == "__ellipsis__":
            return Ellipsis
        if tag in (None, "__slice__") and isinstance(config, Mapping):
            return slice(*(maybe(INDEX).read(config.get(key)) for key in ("start", "stop", "step")))
    return INDEX.read(value)


def _parts(value: Any) -> list[Any]:
    return [_part(item) for item in (value if isinstance(value, list | tuple) else [value])]


PARTS = Kind("slices, whole numbers, new axes and an ellipsis", _parts)


@operation("GetItem", "__operators__.getitem")
def read_get_item(call: Call) -> Value:
    """``x[parts]``: axis by axis, then in the shape that axes which go and come leave."""
    parts = _whole(call, call.argument("key" if call.keras3 else "slice_spec", 1, PARTS))
    result, shape = call.input, []
    axis = 0
    for part in parts:
        if part is NEW_AXIS:
            shape.append(1)
            continue
        extent = call.input.shape[axis]
        chosen = _chosen(call, part, extent, axis)
        result = add_take(call, result, axis, chosen)
        if isinstance(part, slice):
            shape.append(len(chosen))
        axis += 1
    return add_reshape(call, result, tuple(shape))


def _chosen(call: Call, part: slice | int, extent: int, axis: int) -> Sequence[int]:
    """The places of an axis. Raises UnsupportedError for one that it does not have, ModelError for steps of 0."""
    if isinstance(part, slice):
        if part.step == 0:
            raise ModelError(f"{call.where}: a slice of axis {axis + 1} has steps of 0; the file is damaged")
        return range(extent)[part]
    if not -extent <= part < extent:
        raise UnsupportedError(f"{call.where}: axis {axis + 1} has {extent} elements, of which {part} is none")
    return [part % extent]


def _whole(call: Call, parts: list[Any]) -> list[Part]:
    """One part for every axis but the batch's, and the new ones. Raises UnsupportedError where the batch is cut."""
    rank = len(call.input.shape) + 1
    missing = rank - sum(part is not NEW_AXIS and part is not Ellipsis for part in parts)
    place = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    rest = parts[place + 1 :]
    if missing < 0 or Ellipsis in [part for part in rest if not isinstance(part, slice)]:
        raise ModelError(f"{call.where}: {len(parts)} indices for a tensor of {rank} axes; the file is damaged")
    filled: list[Part] = [*parts[:place], *([slice(None)] * missing), *rest]
    first, others = filled[0], filled[1:]
    if not isinstance(first, slice) or first not in (slice(None), slice(0, None), slice(None, None, 1)):
        raise UnsupportedError(
            f"{call.where}: the first index is that of the batch, and has to take all of it (x[:, ...]), found {first}"
        )
    return others


@operation("Slice", "slice")
def read_slice(call: Call) -> Value:
    """From a place on so many elements of each axis; -1: all that are left."""
    starts = call.argument("start_indices" if call.keras3 else "begin", 1, listed(whole(0, LARGEST)))
    sizes = call.take("shape" if call.keras3 else "size", listed(whole(-1, LARGEST)))
    shape = call.input.shape
    if len(starts) != len(shape) + 1 or len(sizes) != len(starts):
        raise ModelError(f"{call.where}: {len(starts)} starts and {len(sizes)} sizes for {len(shape) + 1} axes")
    if starts[0] != 0 or sizes[0] != -1:
        raise UnsupportedError(
            f"{call.where}: it cuts the batch ({starts[0]}, {sizes[0]}); the first start has to be 0 and its size -1"
        )
    result = call.input
    for axis, (start, size) in enumerate(zip(starts[1:], sizes[1:], strict=True)):
        stop = shape[axis] if size == -1 else start + size
        if stop > shape[axis]:
            raise UnsupportedError(f"{call.where}: {start} to {stop} is beyond the {shape[axis]} of axis {axis + 1}")
        result = add_take(call, result, axis, range(start, stop))
    return result


def _indices(value: Any) -> Ints:
    """Whole numbers in nested lists, or one alone; of a constant of NumPy or TensorFlow, its value."""
    if isinstance(value, Mapping) and value.get("class_name") in ("__numpy__", "__tensor__"):
        value = value.get("config", {}).get("value")
    array = np.array(value)
    if array.dtype.kind != "i" and not (array.dtype.kind == "f" and (array == array.round()).all()):
        raise NotOfKind
    return array.astype(np.int64)


INDICES = Kind("whole numbers", _indices)


@operation("Take", "compat.v1.gather", "gather")
def read_take(call: Call) -> Value:
    """The places ``indices`` of an axis, which gets their shape. Keras 3 counts negative ones from the end."""
    call.expect("batch_dims", 0)
    indices = call.argument("indices", 1, INDICES)
    axis = place_of(call, call.take("axis", maybe(AXIS), None), len(call.input.shape))
    shape = call.input.shape
    least = -shape[axis] if call.keras3 else 0
    if not indices.size or indices.min() < least or indices.max() >= shape[axis]:
        raise UnsupportedError(
            f"{call.where}: indices {brief(indices.reshape(-1).tolist())} of axis {axis + 1}; expected numbers from "
            f"{least} to {shape[axis] - 1}"
        )
    taken = add_take(call, call.input, axis, (indices.reshape(-1) % shape[axis]).tolist())
    return add_reshape(call, taken, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))


@operation("Flip", "reverse")
def read_flip(call: Call) -> Value:
    result = call.input
    for axis in places_of(call, call.take("axis", maybe(several(AXIS)), None)):
        result = add_take(call, result, axis, range(result.shape[axis])[::-1])
    return result


@operation("Roll", "roll")
def read_roll(call: Call) -> Value:
    shifts = call.take("shift", several(INDEX))
    axes = call.take("axis", maybe(several(AXIS)), None)
    places = [place_of(call, axis, len(call.input.shape)) for axis in (axes or (None,))]
    if len(shifts) != len(places):
        raise UnsupportedError(f"{call.where}: {len(shifts)} shifts for {len(places)} axes; give one for each")
    result = call.input
    for axis, shift in zip(places, shifts, strict=True):
        result = add_take(call, result, axis, np.roll(np.arange(result.shape[axis]), shift).tolist())
    return result


@operation("Unstack", "unstack")
def read_unstack(call: Call) -> Sequence[Value]:
    """Every place of an axis by itself."""
    shape = call.input.shape
    axis = place_of(call, call.take("axis", AXIS, 0), len(shape))
    number = call.take("num", maybe(whole(1, LARGEST)), None)
    if shape[axis] > MAX_PARTS or number not in (None, shape[axis]):
        raise ModelError(
            f"{call.where}: {number or shape[axis]} parts of an axis of {shape[axis]}, at most {MAX_PARTS}"
        )
    left = (*shape[:axis], *shape[axis + 1 :])
    return [add_reshape(call, add_take(call, call.input, axis, [place]), left) for place in range(shape[axis])]


@operation("compat.v1.squeeze", "squeeze", "Squeeze")
def read_squeeze(call: Call) -> Value:
    """Axes of 1 go: those that are named, or all (of the batch Keras does not know that it is none)."""
    shape = call.input.shape
    axes = call.take("axis", maybe(several(AXIS, 0)), None)
    chosen = places_of(call, axes) if axes else [axis for axis, extent in enumerate(shape) if extent == 1]
    if any(shape[axis] != 1 for axis in chosen):
        raise ModelError(f"{call.where}: axes {axes} of a tensor of shape {shape} are not all of one element")
    return add_reshape(call, call.input, tuple(e for axis, e in enumerate(shape) if axis not in chosen))

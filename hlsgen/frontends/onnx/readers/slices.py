"""Elements that are joined, cut, chosen, repeated and padded along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.limits import MAX_PARTS, MAX_TENSOR
from hlsgen.frontends.moving import add_take, add_zeros
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import SAMPLES, Tensor
from hlsgen.frontends.onnx.readers.arithmetic import add_affine, repeated
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.ir.types import Ints
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.shape_ops import Concatenate
from hlsgen.layers.split import Split


def along(call: Call, tensor: Tensor, axis: int, change: Callable[[Value, int], Value]) -> Tensor:
    """What ``change`` makes of a value along one axis of the source, whose extent may become another."""
    value, order = tensor.by_axes(call)
    return Tensor.of(change(value, order.index(axis)), order, tensor.samples)


def taken(call: Call, tensor: Tensor, axis: int, places: Sequence[int]) -> Tensor:
    """Some places of an axis, in any order."""
    if list(places) == list(range(tensor.shape[axis])):
        return tensor
    return along(call, tensor, axis, lambda value, place: add_take(call, value, place, places))


# -- joined and cut ------------------------------------------------------------------------------


@reads("Concat")
def read_concat(call: Call) -> Tensor:
    """Tensors one behind the other; constants among them are put into zeros beside what is computed."""
    tensors = [operand for operand in call.operands if isinstance(operand, Tensor)]
    if len(call.operands) > MAX_PARTS:
        raise ModelError(f"{call.where}: {len(call.operands)} parts, more than the {MAX_PARTS} supported")
    first = tensors[0]
    axis = first.place(call.integer("axis", 0), call.where)
    if len(tensors) < len(call.operands):
        return _with_constants(call, axis)
    if any(len(t.axes) != len(first.axes) or t.samples != first.samples for t in tensors):
        raise UnsupportedError(f"{call.where}: tensors of shapes {', '.join(t.shape_text for t in tensors)}")
    order = first.natural_order()
    place = order.index(axis)
    values = [tensor.in_order(call, order) for tensor in tensors]
    result = values[0]
    for other in values[1:]:
        result = call.add(Concatenate(place), [result, other])
    return Tensor.of(result, order, first.samples)


def _with_constants(call: Call, axis: int) -> Tensor:
    """Of one computed tensor and constants: zeros around it, and a sum."""
    place = [isinstance(operand, Tensor) for operand in call.operands].index(True)
    tensor = call.tensor(place)
    parts: list[np.ndarray] = []
    for number, operand in enumerate(call.operands):
        if number == place:
            parts.append(np.zeros([1 if e == SAMPLES.extent else e for e in tensor.shape]))
            continue
        if isinstance(operand, Tensor):
            raise UnsupportedError(f"{call.where}: constants between several tensors; join the tensors first")
        parts.append(call.weight(number))
    try:
        offset = np.concatenate(parts, axis=axis)
    except ValueError as error:
        raise UnsupportedError(
            f"{call.where}: constants of shapes {', '.join(str(part.shape) for part in parts)} are not joined with a "
            f"tensor of shape {tensor.shape_text}; they have to be the same for all samples"
        ) from error
    before = sum(part.shape[axis] for part in parts[:place])
    behind = sum(part.shape[axis] for part in parts[place + 1 :])
    padded = along(call, tensor, axis, lambda value, at: add_zeros(call, value, at, before, behind))
    return add_affine(call, padded, 1.0, offset, "joined")


@reads("Split")
def read_split(call: Call) -> list[Tensor]:
    """Parts of given sizes, or of equal ones (the last of which may be smaller)."""
    tensor = call.tensor()
    axis = tensor.place(call.integer("axis", 0), call.where)
    given, count = call.numbers("split", 1), call.integer("num_outputs", len(call.node.outputs))
    extent = tensor.shape[axis]
    size = -(-extent // max(count, 1))
    sizes = [min(size, extent - done) for done in range(0, extent, size)] if given is None else given
    if sum(sizes) != extent or min(sizes, default=0) < 1 or len(sizes) != len(call.node.outputs):
        raise UnsupportedError(
            f"{call.where}: parts of {sizes} elements of {extent} along axis {axis}; none may be empty"
        )
    if len(sizes) > MAX_PARTS:
        raise ModelError(f"{call.where}: {len(sizes)} parts, more than the {MAX_PARTS} supported")
    rest, order = tensor.by_axes(call)
    place, parts = order.index(axis), []
    for part in sizes[:-1]:
        first, rest = call.add_several(Split(place, part), [rest])
        parts.append(first)
    return [Tensor.of(part, order, tensor.samples) for part in (*parts, rest)]


# -- chosen --------------------------------------------------------------------------------------


@reads("Slice")
def read_slice(call: Call) -> Tensor:
    """From a start to an end by steps, along some axes."""
    tensor = call.tensor()
    starts, ends = (call.numbers(key, place) or [] for place, key in enumerate(("starts", "ends"), 1))
    axes, steps = call.numbers("axes", 3), call.numbers("steps", 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise ModelError(
            f"{call.where}: starts {starts}, ends {ends}, axes {axes}, steps {steps}; the model is damaged"
        )
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        rank = len(tensor.axes)
        if axis in (tensor.samples, tensor.samples - rank) and start == 0 and end >= 2**31 - 1 and step == 1:
            continue  # all samples
        place = tensor.place(axis, call.where)
        extent = tensor.shape[place]
        tensor = taken(call, tensor, place, range(extent)[_slice(start, end, step, extent)])
    return tensor


def _slice(start: int, end: int, step: int, extent: int) -> slice:
    """Ends that are far beyond the axis, also in front of it, as Python means them."""
    if step > 0:
        return slice(start, end, step)
    start, end = (place + extent if place < 0 else place for place in (start, end))
    return slice(min(start, extent - 1) if start >= 0 else 0, None if end < 0 else end, step)


@reads("Gather")
def read_gather(call: Call) -> Tensor:
    """The places of an axis that a constant says; or the rows of a constant that a tensor says."""
    axis = call.integer("axis", 0)
    data = call.operand(0)
    if not isinstance(data, Tensor):
        return _embedding(call, axis)
    place = data.place(axis, call.where)
    indices = np.asarray(call.constant(1))
    extent = data.shape[place]
    if indices.dtype.kind != "i" or not indices.size or indices.min() < -extent or indices.max() >= extent:
        raise ModelError(f"{call.where}: indices of axis {axis} that has {extent} elements; expected from {-extent} on")
    result = taken(call, data, place, (indices.reshape(-1) % extent).tolist())
    shape = (*result.shape[:place], *indices.shape, *result.shape[place + 1 :])
    return result if shape == result.shape else result.reshaped(call, shape)


def _embedding(call: Call, axis: int) -> Tensor:
    """Numbers beyond the rows take the first or the last; ONNX counts negative ones from the end."""
    numbers, table = call.tensor(1), call.weight(0)
    if axis not in (0, -table.ndim) or table.ndim != 2:
        raise UnsupportedError(
            f"{call.where}: it picks places of axis {axis} of a constant of shape {table.shape}; expected rows"
        )
    value, order = numbers.by_axes(call)
    rows = call.add(Embedding(Constant.of(table)), [add_reshape(call, value, (*value.shape, 1))])
    return Tensor.of(rows, (*order, len(numbers.axes)), numbers.samples)


# -- repeated and padded -------------------------------------------------------------------------


@reads("Expand")
def read_expand(call: Call) -> Tensor:
    tensor, shape = call.tensor(), call.whole_numbers(1)
    place = tensor.samples - len(tensor.axes) + len(shape)
    if 0 <= place < len(shape) and call.is_samples(shape[place]):
        shape[place] = 1
    return repeated(call, tensor, tuple(shape))


@reads("Tile")
def read_tile(call: Call) -> Tensor:
    """Each axis so many times, one behind the other."""
    tensor, times = call.tensor(), call.whole_numbers(1)
    if len(times) != len(tensor.axes) or min(times) < 1 or times[tensor.samples] != 1:
        raise UnsupportedError(f"{call.where}: repeats {times} of a tensor of shape {tensor.shape_text}; samples once")
    for axis, count in enumerate(times):
        if count > 1:
            call.bound(tensor.value.size * count, MAX_TENSOR, "its result")
            tensor = taken(call, tensor, axis, list(range(tensor.shape[axis])) * count)
    return tensor


@reads("Pad")
def read_pad(call: Call) -> Tensor:
    """With a constant, or with elements of the tensor itself; pads below zero cut off."""
    tensor, rank = call.tensor(), len(call.tensor().axes)
    mode = call.text("mode", "constant", "reflect", "edge", "wrap")
    pads = call.numbers("pads", 1) or []
    axes = list(range(rank)) if not call.has(3) else [a + rank if a < 0 else a for a in call.whole_numbers(3)]
    level = float(call.take("value", 0.0))
    if call.has(2) and np.asarray(call.constant(2)).size:
        level = float(np.asarray(call.constant(2), dtype=np.float64).reshape(-1)[0])
    if len(pads) != 2 * len(axes) or not np.isfinite(level):
        raise ModelError(f"{call.where}: pads {pads} for {len(axes)} axes, with {level}; expected two for each axis")
    margins = {axis: (pads[i], pads[len(axes) + i]) for i, axis in enumerate(axes)}
    margins = {axis: margin for axis, margin in margins.items() if margin != (0, 0)}
    for axis in margins:
        tensor.place(axis, call.where)
    if mode != "constant":
        for axis, margin in margins.items():
            tensor = taken(call, tensor, axis, _padded_places(call, tensor.shape[axis], margin, mode).tolist())
        return tensor
    for axis, (before, behind) in margins.items():
        extent = tensor.shape[axis]
        tensor = taken(call, tensor, axis, range(max(-before, 0), extent - max(-behind, 0)))
    return _constant_pad(call, tensor, {a: (max(b, 0), max(e, 0)) for a, (b, e) in margins.items()}, level)


def _constant_pad(call: Call, tensor: Tensor, margins: dict[int, tuple[int, int]], level: float) -> Tensor:
    """Zeros around the tensor; another number is a sum of them and of a constant that is zero elsewhere."""
    shape = [1 if extent == SAMPLES.extent else extent for extent in tensor.shape]
    for axis, (before, behind) in margins.items():
        shape[axis] += before + behind
    call.bound(prod(shape), MAX_TENSOR, "its result")
    inside = tuple(slice(margins.get(a, (0, 0))[0], margins.get(a, (0, 0))[0] + e) for a, e in enumerate(tensor.shape))
    for axis, (before, behind) in margins.items():
        value, order = tensor.by_axes(call)
        tensor = Tensor.of(add_zeros(call, value, order.index(axis), before, behind), order, tensor.samples)
    if level == 0:
        return tensor
    offset = np.full(shape, level)
    offset[inside] = 0.0
    return add_affine(call, tensor, 1.0, offset, "level")


def _padded_places(call: Call, extent: int, margin: tuple[int, int], mode: str) -> Ints:
    """Which element each place takes."""
    if min(margin) < 0 or (mode == "reflect" and max(margin) >= extent) or max(margin) > MAX_TENSOR:
        raise UnsupportedError(
            f"{call.where}: pads {margin} of {extent} elements, by {mode}; expected fewer, from 0 on"
        )
    return np.pad(np.arange(extent), margin, mode=mode)  # type: ignore[call-overload,no-any-return]

"""Operators that change the shape or the order of axes alone: they add nothing, until somebody reads the result."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import SAMPLES, Tensor


@reads("Identity", "Dropout", "Cast")
def read_identity(call: Call) -> Tensor:
    """What does nothing at inference; casts to float32."""
    call.only_output()
    for key in ("ratio", "seed", "saturate", "round_mode"):
        call.take(key, None)
    target = call.take("to", None)
    if target is not None and int(target) != 1 and not _is_same_type(call, int(target)):
        raise UnsupportedError(f"{call.where}: it casts to type {int(target)}, expected FLOAT (1); export with float32")
    if call.node.op_type == "Dropout" and call.has(2) and bool(np.asarray(call.constant(2)).any()):
        raise UnsupportedError(f"{call.where}: it is in training mode; export the model for inference (eval())")
    return call.tensor()


def _is_same_type(call: Call, target: int) -> bool:
    value = call.node.inputs[0]
    return value is not None and value.dtype is not None and int(value.dtype) == target


@reads("CastLike")
def read_cast_like(call: Call) -> Tensor:
    """To the type of the second input, which is the same."""
    call.take("saturate", None)
    first, second = call.node.inputs[:2]
    if first is None or second is None or first.dtype is None or first.dtype != second.dtype:
        raise UnsupportedError(f"{call.where}: it casts to another type; export with float32")
    return call.tensor()


@reads("Flatten")
def read_flatten(call: Call) -> Tensor:
    """All axes in front of one, and that with all behind."""
    tensor = call.tensor()
    axis = call.integer("axis", 1)
    axis += len(tensor.axes) if axis < 0 else 0
    if axis != 1 and prod(tensor.shape[1:axis]) != 1:
        raise UnsupportedError(f"{call.where}: axis {axis} mixes samples; expected 1")
    call.samples_in_front(tensor)
    return tensor.reshaped(call, (SAMPLES.extent, tensor.value.size))


@reads("Reshape")
def read_reshape(call: Call) -> Tensor:
    tensor = call.tensor()
    target = call.numbers("shape", 1) or []
    keeps_zero = bool(call.integer("allowzero", 0))
    if len(target) > 32 or min(target, default=0) < -1 or target.count(-1) > 1:
        raise ModelError(f"{call.where}: new shape {target[:40]}; the model is damaged")
    shape = list(target)
    for place, extent in enumerate(target):
        if extent == 0 and not keeps_zero and place < len(tensor.axes):
            shape[place] = tensor.shape[place]
    place, meant = 0 if tensor.is_mixed else tensor.samples, [shape]
    if place < len(shape) and call.is_samples(shape[place]):  # the number that the model was exported for
        meant.append([*shape[:place], SAMPLES.extent, *shape[place + 1 :]])
    filled = [_filled(each, prod(tensor.shape)) for each in meant]
    possible = [each for each in filled if each is not None and any(extent % SAMPLES.extent == 0 for extent in each)]
    found = next((each for each in possible if SAMPLES.extent in each), possible[0] if possible else None)
    if found is None:
        raise UnsupportedError(
            f"{call.where}: a tensor of shape {tensor.shape_text} is to get the shape {target}; expected one that has "
            "all its elements, and the samples as an axis by themselves"
        )
    return tensor.reshaped(call, tuple(found))


def _filled(shape: list[int], total: int) -> list[int] | None:
    """The shape with -1 as what is left; None where there is no such shape."""
    rest = prod(extent for extent in shape if extent != -1)
    if rest < 1 or total % rest or (-1 not in shape and rest != total):
        return None
    return [total // rest if extent == -1 else extent for extent in shape]


@reads("Transpose")
def read_transpose(call: Call) -> Tensor:
    tensor = call.tensor()
    rank = len(tensor.axes)
    order = call.integers("perm", range(rank)[::-1])
    if sorted(order) != list(range(rank)):
        raise ModelError(f"{call.where}: {order} is no order of {rank} axes; the model is damaged")
    return tensor.transposed(order)


@reads("Squeeze")
def read_squeeze(call: Call) -> Tensor:
    """Axes of 1 go: those that are named, or all."""
    tensor = call.tensor()
    rank = len(tensor.axes)
    given = call.numbers("axes", 1)
    if given is None:
        axes = {axis for axis, extent in enumerate(tensor.shape) if extent == 1}
    else:
        axes = {tensor.place(axis, call.where) for axis in given}
    if any(tensor.shape[axis] != 1 for axis in axes):
        raise ModelError(f"{call.where}: axes {sorted(axes)} of a tensor of shape {tensor.shape_text} are not all of 1")
    return Tensor(tensor.value, tuple(tensor.axes[axis] for axis in range(rank) if axis not in axes), tensor.held)


@reads("Unsqueeze")
def read_unsqueeze(call: Call) -> Tensor:
    """New axes of 1, at places of the result."""
    tensor = call.tensor()
    given = call.numbers("axes", 1) or []
    rank = len(tensor.axes) + len(given)
    places = {axis + rank if axis < 0 else axis for axis in given}
    if len(places) < len(given) or not all(0 <= place < rank for place in places):
        raise ModelError(f"{call.where}: axes {given} of {rank}; expected each once")
    rest = iter(tensor.axes)
    return Tensor(tensor.value, tuple(() if place in places else next(rest) for place in range(rank)), tensor.held)

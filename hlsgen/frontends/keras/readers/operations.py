"""Operators and functions on tensors: ``x + y``, ``2 * x``, ``keras.ops.relu(x)``, ``tf.nn.relu(x)``.

Names in lower case with a dot are TensorFlow's (Keras 2 wraps them), the others are classes of keras.ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.functions import MAX_POWER, add_absolute, add_clip, add_line, add_power, add_relu
from hlsgen.frontends.keras.axes import place_of
from hlsgen.frontends.keras.call import ACTIVATIONS, OPERATIONS, READERS, Call, operation
from hlsgen.frontends.keras.options import AXIS, LARGEST, NUMBER, Kind, listed, maybe, several, whole
from hlsgen.frontends.keras.readers import activations, shapes  # noqa: F401  (registered before they are looked up)
from hlsgen.frontends.keras.readers.activations import read_softmax
from hlsgen.frontends.limits import MAX_PARTS
from hlsgen.frontends.merging import merge_chain
from hlsgen.frontends.permuting import add_permute
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.split import Split

_FUNCTIONS: dict[str, str] = {
    "relu": "Relu nn.relu",
    "relu6": "Relu6 nn.relu6",
    "sigmoid": "Sigmoid nn.sigmoid math.sigmoid",
    "tanh": "Tanh nn.tanh math.tanh",
    "softplus": "Softplus nn.softplus math.softplus",
    "softsign": "Softsign nn.softsign math.softsign",
    "silu": "Silu nn.silu nn.swish",
    "mish": "Mish",
    "gelu": "Gelu nn.gelu",
    "elu": "Elu nn.elu",
    "selu": "Selu nn.selu",
    "celu": "Celu",
    "exponential": "Exp math.exp",
    "hard_shrink": "HardShrink",
    "hard_sigmoid": "HardSigmoid",
    "hard_silu": "HardSilu",
    "hard_tanh": "HardTanh",
    "leaky_relu": "nn.leaky_relu",
    "log_sigmoid": "LogSigmoid math.log_sigmoid",
    "sparse_plus": "SparsePlus",
    "sparse_sigmoid": "SparseSigmoid",
    "squareplus": "Squareplus",
    "soft_shrink": "SoftShrink",
    "tanh_shrink": "TanhShrink",
    "log_softmax": "LogSoftmax nn.log_softmax",
    "sparsemax": "Sparsemax",
    "glu": "Glu",
}


def _read_function(name: str, call: Call) -> Value:
    call.ignore("function")
    return ACTIVATIONS[name](call, call.input)


for _name, _spellings in _FUNCTIONS.items():
    operation(*_spellings.split())(partial(_read_function, _name))
OPERATIONS |= {name: READERS[name] for name in ("ReLU", "Softmax", "Concatenate")} | {"LeakyRelu": READERS["LeakyReLU"]}
OPERATIONS["concat"] = READERS["Concatenate"]


@operation("nn.softmax")
def read_tensorflow_softmax(call: Call) -> Value:
    call.ignore("function")
    return read_softmax(call)


# -- arithmetic -------------------------------------------------------------------------------------

_MERGES = {
    "add": "Add math.add __operators__.add",
    "subtract": "Subtract math.subtract __operators__.sub",
    "multiply": "Multiply math.multiply __operators__.mul",
    "maximum": "Maximum math.maximum",
    "minimum": "Minimum math.minimum",
    "divide": "TrueDivide Divide math.truediv math.divide __operators__.truediv",
}


def _read_arithmetic(op: str, call: Call) -> Value:
    """Two tensors are merged; a tensor and a number are a line, or a line, a ReLU and a line."""
    call.ignore("function")
    numbers = call.numbers()
    if not numbers and op == "divide":
        raise UnsupportedError(f"{call.where}: a quotient of two tensors is not supported; divide by a number")
    if not numbers:
        return merge_chain(call, op, align=False)
    if len(numbers) != 2 or len(call.inputs) != 1:
        raise UnsupportedError(f"{call.where}: arguments {numbers} are not supported; expected a tensor and a number")
    number = float(np.float32(next(n for n in numbers if n is not None)))
    return _with_number(call, op, number, first=numbers[0] is not None)


def _with_number(call: Call, op: str, number: float, first: bool) -> Value:
    x = call.input
    match op:
        case "add":
            return add_line(call, x, 1.0, number, "line")
        case "subtract":
            return add_line(call, x, -1.0, number, "line") if first else add_line(call, x, 1.0, -number, "line")
        case "multiply":
            return add_line(call, x, number, 0.0, "line")
        case "maximum":
            return add_clip(call, x, number, None)
        case "minimum":
            turned = add_relu(call, add_line(call, x, -1.0, number, "turned"))
            return add_line(call, turned, -1.0, number, "back")
    if first or number == 0:
        raise UnsupportedError(f"{call.where}: dividing {'a number by a tensor' if first else 'by 0'} is not supported")
    return add_line(call, x, 1.0 / number, 0.0, "line")


for _op, _spellings in _MERGES.items():
    operation(*_spellings.split())(partial(_read_arithmetic, _op))


@operation("Clip")
def read_clip(call: Call) -> Value:
    low, high = call.take("x_min", NUMBER), call.take("x_max", NUMBER)
    if low > high:
        raise UnsupportedError(f"{call.where}: bounds {low!r} and {high!r} are not supported; expected two that rise")
    return add_clip(call, call.input, low, high)


@operation("Square", "math.square")
def read_square(call: Call) -> Value:
    return add_power(call, call.input, 2)


@operation("Power", "math.pow")
def read_power(call: Call) -> Value:
    """``x ** n`` of a whole number."""
    numbers = call.numbers()
    exponent = numbers[1] if len(numbers) == 2 and numbers[0] is None else None
    if exponent is None or exponent not in range(1, MAX_POWER + 1):
        raise UnsupportedError(
            f"{call.where}: supported are powers of a tensor by a whole number from 1 to {MAX_POWER}, found "
            f"{'that of a number or by a tensor' if exponent is None else exponent}"
        )
    return add_power(call, call.input, int(exponent))


@operation("Abs", "Absolute", "math.abs")
def read_absolute(call: Call) -> Value:
    return add_absolute(call, call.input)


@operation("Negative", "math.negative")
def read_negative(call: Call) -> Value:
    call.ignore("function")
    return add_line(call, call.input, -1.0, 0.0, "line")


# -- shapes -----------------------------------------------------------------------------------------


@operation("Reshape", "reshape")
def read_reshape(call: Call) -> Value:
    key = "newshape" if call.keras3 else "shape"
    batch, *others = call.take(key, several(maybe(whole(-1, LARGEST))))
    rest = [extent or 0 for extent in others]
    if batch not in (-1, None) or min(rest, default=0) < 1 or prod(rest) != call.input.size:
        raise UnsupportedError(
            f"{call.where}: new shape {(batch, *others)}; the first extent, of the batch, has to be -1 and the "
            "others known"
        )
    return call.add(Reshape(tuple(rest)))


def _sections(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, list | tuple):
        return listed(whole(0, LARGEST)).read(value)
    return whole(1, LARGEST).read(value)


def _sizes(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, list | tuple):
        return listed(whole(-1, LARGEST)).read(value)
    return whole(1, LARGEST).read(value)


SECTIONS = Kind("a number of sections or a list of places to cut at", _sections)
SIZES = Kind("a number of sections or a list of their sizes", _sizes)


@operation("Split")
def read_split(call: Call) -> Sequence[Value]:
    """``keras.ops.split``: into equal sections, or at indices."""
    sections = call.take("indices_or_sections", SECTIONS)
    axis = call.take("axis", AXIS, 0)
    place = place_of(call, axis, len(call.input.shape))
    if isinstance(sections, int):
        return _cut(call, place, _equal_sections(call, axis, call.input.shape[place], sections))
    return _cut(call, place, sections)


@operation("split")
def read_tensorflow_split(call: Call) -> Sequence[Value]:
    """``tf.split``: into equal sections, or into such of given sizes, of which one may be -1: what is left."""
    sections = call.take("num_or_size_splits", SIZES)
    call.ignore("num")  # of the sections, which the sizes tell
    axis = call.take("axis", AXIS, 0)
    place = place_of(call, axis, len(call.input.shape))
    if isinstance(sections, int):
        return _cut(call, place, _equal_sections(call, axis, call.input.shape[place], sections))
    rest, extent = sum(size for size in sections if size != -1), call.input.shape[place]
    sizes = [extent - rest if size == -1 else size for size in sections]
    if sum(sizes) != extent:
        raise ModelError(f"{call.where}: sizes {list(sections)} of {extent} elements along axis {axis}")
    return _cut(call, place, np.cumsum(sizes)[:-1].tolist())


def _equal_sections(call: Call, axis: int, extent: int, sections: int) -> list[int]:
    if sections > MAX_PARTS:
        raise ModelError(f"{call.where}: {sections} parts, more than the {MAX_PARTS} supported")
    if sections < 1 or extent % sections:
        raise ModelError(f"{call.where}: {extent} elements along axis {axis} are not {sections} equal parts")
    return [extent * i // sections for i in range(1, sections)]


def _cut(call: Call, place: int, cuts: Sequence[int]) -> Sequence[Value]:
    """Cut in two, again and again."""
    if len(cuts) >= MAX_PARTS:
        raise ModelError(f"{call.where}: {len(cuts) + 1} parts, more than the {MAX_PARTS} supported")
    extent = call.input.shape[place]
    ends = [0, *cuts, extent]
    if any(a >= b for a, b in pairwise(ends)):
        raise UnsupportedError(f"{call.where}: cuts at {list(cuts)} of {extent} elements; no part may be empty")
    parts, rest = [], call.input
    for done, cut in pairwise(ends[:-1]):
        first, rest = call.add_several(Split(place, cut - done), [rest])
        parts.append(first)
    return [*parts, rest]


@operation("ExpandDims", "expand_dims")
def read_expand_dims(call: Call) -> Value:
    """Axes are those of the result, the batch counted."""
    axes, rest = call.take("axis", several(AXIS)), iter(call.input.shape)
    rank = len(call.input.shape) + len(axes)
    places = {place_of(call, axis, rank) for axis in axes}
    if len(places) < len(axes):
        raise UnsupportedError(f"{call.where}: axes {list(axes)} of {rank}; expected each once")
    return call.add(Reshape(tuple(1 if place in places else next(rest) for place in range(rank))))


@operation("Transpose", "compat.v1.transpose", "transpose")
def read_transpose(call: Call) -> Value:
    rank = len(call.input.shape)
    call.expect("conjugate", False)
    given = call.take("axes" if call.keras3 else "perm", maybe(listed(AXIS)))
    axes = list(given or ())
    if axes[:1] != [0] or sorted(axes) != list(range(rank + 1)):
        raise UnsupportedError(f"{call.where}: axes {axes}; expected all of {rank + 1}, the batch as the first")
    return add_permute(call, call.input, [a - 1 for a in axes[1:]])

"""Arrays that users give and get: checked against the ports of a design, real values and integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import InputError, brief, nearest
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.ir.typing import Tensor

Array = NDArray[Any]
_FLOAT64_BYTES = 8
_MOST_AXES = 64
"""Of NumPy's arrays."""
_READ = frozenset(np.dtype(code) for code in "efd?bBhHiIlLqQ")
"""What is read as it is, whatever it holds."""
_NO_LISTS = (str, bytes, bytearray, memoryview)
"""Sequences that are one value to NumPy, or numbers without a mask."""


class Port(Protocol):
    """An input of a graph or a design."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def order(self) -> tuple[int, ...] | None: ...


class TypedPort(Port, Protocol):
    """An input of a design, which takes integers."""

    @property
    def type(self) -> FixedType: ...
    @property
    def exponents(self) -> tuple[int, ...] | None: ...


def mantissas(ports: Sequence[TypedPort], inputs: Mapping[str, Array]) -> dict[str, Ints]:
    """Real values or integers by input name (as the model means them) as mantissas, as the ports take them."""
    types = {port.name: port.type for port in ports}
    return {
        name: types[name].quantize(data) if data.dtype.kind == "f" else types[name].cast(data, 0)
        for name, data in as_held(ports, inputs).items()
    }


def as_held(ports: Sequence[TypedPort], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Real values or integers by input name, with their axes as the ports hold them, and times their powers of two."""
    return scaled(ports, in_order(ports, inputs))


def given_shape(port: Port) -> Shape:
    """The shape of what users give for a port, without the batch."""
    if port.order is None:
        return port.shape
    return tuple(port.shape[port.order.index(axis)] for axis in range(len(port.order)))


def in_order(ports: Sequence[Port], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays as users give them, with their axes as the ports hold them."""
    moved = {port.name: (0, *(axis + 1 for axis in port.order)) for port in ports if port.order is not None}
    return {**inputs, **{name: inputs[name].transpose(order) for name, order in moved.items()}}


def scaled(ports: Sequence[TypedPort], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Real values or integers in the order of the ports, times the powers of two that these hold each channel times."""
    shifted = [port for port in ports if port.exponents is not None]
    return {**inputs, **{port.name: _shifted(inputs[port.name], port.exponents) for port in shifted}}


def _shifted(data: Array, exponents: tuple[int, ...] | None) -> Array:
    """Exact, but for integers beyond 2**53; what leaves the range of floats becomes infinite, and saturates."""
    enough = data if data.dtype.kind == "f" and data.dtype.itemsize >= 4 else data.astype(np.float64)
    with np.errstate(over="ignore"):
        held: Array = np.ldexp(enough, np.array(exponents))
    return held


def real(mantissas: Ints, fixed: FixedType) -> Array:
    """Real values: float32 where its 24 bits and its exponents hold the type, else float64."""
    result = fixed.to_float(mantissas)
    narrow = fixed.width - fixed.signed <= 24 and fixed.frac <= 126 and fixed.integer <= 127
    return result.astype(np.float32) if narrow else result


def in_model_units(values: Array, tensor: Tensor) -> Array:
    """Real values of a tensor (samples, *shape) as the model means them, however it holds them.

    Exact where it holds them times powers of two: float64 where the exponents of float32 do not hold the result.
    """
    if tensor.held is None:
        return values
    if tensor.exponents is None:
        return tensor.held.in_model_units(values.astype(np.float64))
    exponents = -np.array(tensor.exponents)
    lowest = int(exponents.min()) - tensor.type.frac, int(exponents.max()) + tensor.type.integer
    wide = values if lowest[0] >= -126 and lowest[1] <= 127 else values.astype(np.float64)
    units: Array = np.ldexp(wide, exponents)
    return units


def reason(error: Exception) -> str:
    """What an exception says; its class, if that is nothing."""
    return str(error) or type(error).__name__


def shaped(result: Array, shape: Shape) -> Array:
    """(samples, elements) as (samples, *shape)."""
    return result if len(shape) == 1 else result.reshape(len(result), *shape)


def checked_inputs(ports: Sequence[Port], x: Any) -> dict[str, Array]:
    """Return arrays by input name, in the model's order. NaN are not looked for.

    Raises InputError for what does not fit.
    """
    if len(ports) == 1 and _is_batch(ports[0], x):  # in a microsecond: a call of one sample takes ten
        return {ports[0].name: x}
    values = {port.name: port for port in ports}
    given = by_name(values, x)
    arrays = {name: _checked_array(value, given[name]) for name, value in values.items()}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise InputError(f"inputs differ in their number of samples: {counts}")
    return arrays


def checked_calibration(ports: Sequence[Port], x: Any) -> dict[str, Array]:
    """The same for calibration data, which must be finite and not empty; with their axes as the ports hold them."""
    arrays = checked_inputs(ports, x)
    refuse_nan(arrays)
    for name, array in arrays.items():
        if not len(array):
            raise InputError(f"calibration: input '{name}' has no samples; give representative ones")
        if not np.isfinite(array).all():
            raise InputError(f"calibration: input '{name}' holds infinities, by which no range can be placed")
    return in_order(ports, arrays)


def by_name(values: Mapping[str, Port], x: Any) -> dict[str, Any]:
    """What is given for each port, as a dict or in order. Raises InputError for other names, or another number."""
    names = list(values)
    if isinstance(x, Mapping):
        for name in x:
            if name not in names:
                raise InputError(f"the model has no input {brief(name)}{nearest(name, names)}")
        missing = [name for name in names if name not in x]
        if missing:
            raise InputError(f"no data for input {', '.join(repr(m) for m in missing)}")
        return dict(x)
    if len(names) == 1:
        (name,) = names
        batch = len(values[name].shape) + 1
        single = isinstance(x, list | tuple) and len(x) == 1 and isinstance(x[0], np.ndarray) and x[0].ndim == batch
        return {name: x[0] if single else x}
    if not isinstance(x, list | tuple) or len(x) != len(names):
        found = f"{len(x)}" if isinstance(x, list | tuple) else type(x).__name__
        raise InputError(
            f"the model has {len(names)} inputs ({', '.join(names)}); give a list or a dict of them, found {found}"
        )
    return dict(zip(names, x, strict=True))


def _is_batch(value: Port, x: Any) -> bool:
    """Whether it is an array (no subclass, which may have a mask) of numbers and shape that need no second look."""
    return type(x) is np.ndarray and x.dtype in _READ and x.shape[1:] == given_shape(value)


def _checked_array(value: Port, data: Any) -> Array:
    array = real_array(f"input '{value.name}'", data)
    check_shape(value, array.shape)
    return array


def check_shape(value: Port, shape: tuple[int, ...]) -> None:
    """Raise InputError unless an array of this shape is a batch for a port."""
    expected = given_shape(value)
    if shape[1:] != expected or len(shape) != len(expected) + 1:
        hint = "; add a batch axis: x[None]" if shape == expected else ""
        raise InputError(
            f"input '{value.name}': shape {shape}, expected (samples, {', '.join(map(str, expected))}){hint}"
        )


def real_array(what: str, data: Any, *, of_any_size: bool = False) -> Array:
    """An array of numbers that every executor reads alike: floats of 16, 32 or 64 bits, integers or bool.

    ``of_any_size``: Python's integers too, as mantissas beyond 64 bits are. ``what`` begins the message. Raises
    InputError for anything else, and for masked values, which would come back as what lies under the mask.
    """
    try:
        if _is_masked(data, _depth(data)):
            raise InputError(f"{what}: some values are masked; fixed point has no missing values, fill them in first")
        array = np.asarray(data)
    except InputError:
        raise
    except Exception as error:  # objects convert themselves, and may raise anything
        raise InputError(f"{what}: not an array: {reason(error)}") from error
    if of_any_size and array.dtype == object and all(type(v) is int for v in array.flat):
        return integers(array)
    if array.dtype == object and not array.ndim:
        raise InputError(f"{what}: an object of {type(data).__name__} is no array; give floats or integers")
    if array.dtype.kind == "f" and array.dtype.itemsize > _FLOAT64_BYTES:
        raise InputError(f"{what}: dtype {array.dtype} is not read; give floats of 16, 32 or 64 bits, or integers")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what}: dtype {array.dtype} holds no real numbers; give floats or integers")
    return array


def _depth(data: Any) -> int:
    """How deep lists are nested, by their first items: others of an array are as deep.

    Raises ValueError for what is deeper than any array, as is a list in itself, on which NumPy would work for ever.
    """
    depth = 0
    while isinstance(data, Sequence) and not isinstance(data, _NO_LISTS) and len(data):
        data, depth = data[0], depth + 1
        if depth > _MOST_AXES:
            raise ValueError(f"nested more than {_MOST_AXES} deep")
    return depth + (data.ndim if isinstance(data, np.ndarray) else 0)


def _is_masked(data: Any, depth: int) -> bool:
    """Whether values are masked, also where masked arrays are the items of lists, so many deep."""
    if not isinstance(data, Sequence) or isinstance(data, _NO_LISTS):
        return bool(np.ma.is_masked(data))
    may_be = {kind for kind in set(map(type, data)) if issubclass(kind, Sequence | np.ma.MaskedArray)}
    return depth > 0 and bool(may_be) and any(_is_masked(item, depth - 1) for item in data if type(item) in may_be)


def refuse_nan(inputs: Mapping[str, Array]) -> None:
    """Raise InputError for NaN, saying where."""
    for name, array in inputs.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            where = np.argwhere(np.isnan(array))[0].tolist()
            raise InputError(f"input '{name}': NaN at index {where}; fixed point has no NaN, clean the data first")

"""Arrays that users give and get: checked against the ports of a design, real values and integers."""

from __future__ import annotations

import tokenize
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import InputError, nearest
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType, Ints
from hlsgen.ir.typing import Tensor
from hlsgen.named_files import checked_file

Array = NDArray[Any]
_DAMAGED = (
    OSError, EOFError, ValueError, SyntaxError, TypeError, OverflowError, MemoryError, RecursionError,
    tokenize.TokenError, zipfile.BadZipFile,
)  # fmt: skip
"""What NumPy raises for files that are no arrays; it parses their headers as Python."""


class Port(Protocol):
    """An input of a graph or a design."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Shape: ...


def mantissas(ports: Sequence[Tensor], inputs: Mapping[str, Array]) -> dict[str, Ints]:
    """Real values or integers by input name as mantissas, as the ports take them."""
    types = {port.name: port.type for port in ports}
    return {
        name: types[name].quantize(data) if data.dtype.kind == "f" else types[name].cast(data, 0)
        for name, data in inputs.items()
    }


def real(mantissas: Ints, fixed: FixedType) -> Array:
    """Real values: float32 where its 24 bits and its exponents hold the type, else float64."""
    result = fixed.to_float(mantissas)
    narrow = fixed.width - fixed.signed <= 24 and fixed.frac <= 126 and fixed.integer <= 127
    return result.astype(np.float32) if narrow else result


def load_array(path: str | Path) -> Array:
    """Read an .npy file. Raises InputError; pickled objects are refused."""
    file = checked_file(path, "an .npy array", InputError)
    try:
        # Mapped: a header that promises more than the file holds is an error before anything of that size is made.
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except _DAMAGED as error:
        raise InputError(f"{file}: cannot be read as an .npy array ({error})") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{file}: holds several arrays; expected one, saved by numpy.save(...) as .npy")
    return np.array(array)


def shaped(result: Array, shape: Shape) -> Array:
    """(samples, elements) as (samples, *shape)."""
    return result.reshape(len(result), *shape)


def checked_inputs(ports: Sequence[Port], x: Any) -> dict[str, Array]:
    """Return arrays by input name, in the model's order. NaN are not looked for.

    Raises InputError for what does not fit.
    """
    values = {port.name: port for port in ports}
    given = _by_name(values, x)
    arrays = {name: _checked_array(value, given[name]) for name, value in values.items()}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise InputError(f"inputs differ in their number of samples: {counts}")
    return arrays


def checked_calibration(ports: Sequence[Port], x: Any) -> dict[str, Array]:
    """The same for calibration data, which must be finite and not empty."""
    arrays = checked_inputs(ports, x)
    refuse_nan(arrays)
    for name, array in arrays.items():
        if not len(array):
            raise InputError(f"calibration: input '{name}' has no samples; give representative ones")
        if not np.isfinite(array).all():
            raise InputError(f"calibration: input '{name}' holds infinities, by which no range can be placed")
    return arrays


def _by_name(values: Mapping[str, Port], x: Any) -> dict[str, Any]:
    names = list(values)
    if isinstance(x, Mapping):
        for name in x:
            if name not in names:
                raise InputError(f"the model has no input '{name}'{nearest(str(name), names)}")
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


def _checked_array(value: Port, data: Any) -> Array:
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise InputError(f"input '{value.name}': not an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"input '{value.name}': dtype {array.dtype} holds no real numbers; give floats or integers")
    if array.shape[1:] != value.shape or array.ndim != len(value.shape) + 1:
        hint = "; add a batch axis: x[None]" if array.shape == value.shape else ""
        raise InputError(
            f"input '{value.name}': shape {array.shape}, expected (samples, {', '.join(map(str, value.shape))}){hint}"
        )
    return array


def refuse_nan(inputs: Mapping[str, Array]) -> None:
    """Raise InputError for NaN, saying where."""
    for name, array in inputs.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            where = np.argwhere(np.isnan(array))[0].tolist()
            raise InputError(f"input '{name}': NaN at index {where}; fixed point has no NaN, clean the data first")

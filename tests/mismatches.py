"""Arrays of shapes and dtypes that do not belong where they are put."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


def other_shapes(shape: Shape) -> dict[str, Shape]:
    """Shapes near ``shape`` but none of them equal: transposed, broadcastable, one more, one less, another rank..."""
    found: dict[str, Shape] = {
        "scalar": (),
        "one element": (1,),
        "ones": (1,) * len(shape),
        "flat": (prod(shape),),
        "an axis in front": (1, *shape),
        "an axis behind": (*shape, 1),
    }
    if shape:
        found |= {
            "transposed": shape[::-1],
            "one more": (*shape[:-1], shape[-1] + 1),
            "one less": (*shape[:-1], shape[-1] - 1),
            "one more in front": (shape[0] + 1, *shape[1:]),
            "twice": (*shape[:-1], 2 * shape[-1]),
            "broadcastable behind": (*shape[:-1], 1),
            "broadcastable in front": (1, *shape[1:]),
            "an axis less": shape[1:],
            "empty": (0, *shape[1:]),
        }
    return {name: other for name, other in found.items() if other != shape}


def reshaped(array: Array, shape: Shape) -> Array:
    """An array of another shape with values of this one."""
    return np.resize(array, shape) if prod(shape) else np.zeros(shape, array.dtype)


def other_values(array: Array) -> dict[str, Array]:
    """Arrays of the same shape that hold no numbers, or numbers that float32 does not have."""
    found: dict[str, Array] = {
        "bool": np.ones(array.shape, bool),
        "complex": np.ones(array.shape, np.complex64),
        "bytes": np.full(array.shape, b"abc"),
        "beyond float32": np.full(array.shape, 1e300),
    }
    for value in (np.nan, np.inf, -np.inf):
        changed = np.array(array, np.float32)
        changed.reshape(-1)[-1:] = value
        found[str(value)] = changed
    return found

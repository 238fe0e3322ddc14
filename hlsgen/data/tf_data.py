"""``tf.data.Dataset`` as arrays; TensorFlow is not imported, the object brings it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.errors import InputError, brief

_INFINITE = -1
"""``tf.data.INFINITE_CARDINALITY``."""


def is_dataset(source: object) -> bool:
    """Whether it is one, by what it can do."""
    return hasattr(source, "as_numpy_iterator") and hasattr(source, "element_spec")


def read_dataset(source: Any, batched: bool | None) -> tuple[Array, Array | None]:
    """Samples and labels, all in memory. ``batched``: whether elements are batches; None: as their shapes say.

    Raises InputError for endless datasets, and for elements that are neither ``x`` nor ``(x, y)``.
    """
    if int(source.cardinality()) == _INFINITE:
        raise InputError("load(): the tf.data.Dataset has no end; take(...) a number of elements")
    whole = _is_batched(source.element_spec) if batched is None else batched
    xs: list[Array] = []
    ys: list[Array] = []
    for x, y in _elements(source):
        xs.append(x if whole else x[None])
        if y is not None:
            ys.append(y if whole else y[None])
    if not xs:
        raise InputError("load(): the tf.data.Dataset is empty")
    return _joined(xs, "x"), _joined(ys, "y") if ys else None


def _elements(source: Any) -> Iterator[tuple[Array, Array | None]]:
    for element in source.as_numpy_iterator():
        pair = element if isinstance(element, tuple) else (element, None)
        if len(pair) != 2 or not all(isinstance(item, np.ndarray | np.generic | None) for item in pair):
            raise InputError(
                f"load(): elements of the tf.data.Dataset are {brief(source.element_spec)}, expected x, or (x, y); "
                "map(...) them to that"
            )
        yield np.asarray(pair[0]), None if pair[1] is None else np.asarray(pair[1])


def _is_batched(spec: Any) -> bool:
    """Whether elements are batches: their first axis has no fixed length. Raises InputError where that is not said."""
    first, labels = spec if isinstance(spec, tuple) and len(spec) == 2 else (spec, None)
    shape = getattr(first, "shape", None)
    if shape is None or shape.rank in (None, 0):
        raise InputError(f"load(): elements of the tf.data.Dataset are {brief(spec)}; say batched=True or False")
    if shape[0] is None:
        return True
    if labels is None or (labels.shape.rank and labels.shape[0] == shape[0]):
        raise InputError(
            f"load(): elements of the tf.data.Dataset are {brief(spec)}, which may be samples or batches of one size; "
            "say batched=True or False"
        )
    return False


def _joined(parts: list[Array], name: str) -> Array:
    try:
        return np.concatenate(parts)
    except ValueError as error:
        raise InputError(
            f"load(): elements of the tf.data.Dataset have {name} of different shapes ({error})"
        ) from error

"""Whether a layer fits its inputs: asked wherever one is joined to a graph or becomes an operation of a design.

Constants are never spread over an input by broadcasting: what does not have the very shape that the layer declares
(:meth:`Layer.constant_shapes`) is refused, whoever made the layer: a frontend, a pass, inference or a user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import GraphError
from hlsgen.ir.constant import Constant, Shape
from hlsgen.ir.layer import Layer, Statistics
from hlsgen.ir.shape_pattern import fits, spelled

Arrays = dict[str, list[NDArray[Any]]]
"""By the field that holds them."""


def output_shapes(where: str, layer: Layer, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """The shapes of a layer's outputs for inputs of ``shapes`` (all without the batch).

    Raises GraphError, which begins with ``where``, for inputs that the layer does not take, for constants or tables of
    another shape than it needs for them, and for what is no number.
    """
    if len(shapes) != layer.arity:
        raise GraphError(f"{where}: {layer.kind} reads {layer.arity} tensors, and is given {len(shapes)}")
    arrays = _arrays(layer)
    try:
        _check_shapes(layer, arrays, shapes)
        results = layer.output_shapes(shapes)
    except (ValueError, IndexError) as error:
        raise GraphError(f"{where}: {layer.kind} does not fit its {_inputs(shapes)}: {error}") from error
    for name, held in arrays.items():
        if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in held):
            raise GraphError(f"{where}: '{name}' of {layer.kind} holds NaN or infinite values, expected numbers")
    for shape in results:
        if not shape or min(shape) < 1:
            raise GraphError(f"{where}: {layer.kind} would leave nothing of its {_inputs(shapes)}: {shape}")
    return results


def _check_shapes(layer: Layer, arrays: Arrays, shapes: Sequence[Shape]) -> None:
    """Raise ValueError for the first array that does not have the shape that the layer declares."""
    needed, known = layer.constant_shapes(shapes), dict[str, int]()
    for name, held in arrays.items():
        if name not in needed:
            raise ValueError(f"the layer declares no shape for its '{name}' (Layer.constant_shapes)")
        for array in held:
            if not fits(needed[name], array.shape, known):
                raise ValueError(f"'{name}' has shape {array.shape}, expected {spelled(needed[name], known)}")


def _arrays(layer: Layer) -> Arrays:
    """The arrays of a layer: constants (real numbers, mantissas), tables, statistics."""
    found = {field.name: _arrays_in(getattr(layer, field.name)) for field in fields(layer)}
    return {name: arrays for name, arrays in found.items() if arrays}


def _arrays_in(value: object) -> list[NDArray[Any]]:
    match value:
        case Constant():
            return [value.values] if value.mantissas is None else [value.values, value.mantissas]
        case Statistics():
            return [value.mean, value.deviation]
        case np.ndarray():
            return [value]
    return []


def _inputs(shapes: Sequence[Shape]) -> str:
    return f"input{'s' * (len(shapes) > 1)} of shape {' and '.join(map(str, shapes))}"

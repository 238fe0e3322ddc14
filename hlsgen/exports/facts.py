"""Types, tensors and layers as JSON spells them, for all exports alike."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.layer import Layer
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.layers.window import Window


def grid_facts(fixed: FixedType) -> dict[str, object]:
    """Which numbers a type has: a mantissa m is ``m * 2**-fraction``."""
    return {
        "type": str(fixed),
        "width": fixed.width,
        "integer": fixed.integer,
        "fraction": fixed.frac,
        "signed": fixed.signed,
    }


def type_facts(fixed: FixedType) -> dict[str, object]:
    """The same, and how a value becomes one of them."""
    return {
        **grid_facts(fixed),
        "rounding": fixed.rounding.value,
        "overflow": fixed.overflow.value,
        "saturation_bits": fixed.saturation_bits,
    }


def tensor_facts(tensor: Tensor) -> dict[str, object]:
    """A tensor. Channel c (of the last axis) holds ``2**exponents[c]`` times what the model means, where there are
    such; where there is more to it, ``scale[c]`` times what that is more than ``offset[c]``."""
    return {"name": tensor.name, "shape": list(tensor.shape), **type_facts(tensor.type), **_held(tensor)}


def _held(tensor: Tensor) -> dict[str, object]:
    if tensor.held is None:
        return {}
    if tensor.exponents is not None:
        return {"exponents": list(tensor.exponents)}
    return {"scale": list(tensor.held.scale), "offset": list(tensor.held.offset)}


def option_facts(layer: Layer) -> dict[str, object]:
    """The options of a layer but its window; constants and tables are none."""
    found = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return {name: _fact(value) for name, value in found.items() if not _is_apart(value)}


def _is_apart(value: object) -> bool:
    return value is None or isinstance(value, Constant | np.ndarray | Window)


def _fact(value: object) -> object:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Fraction | FixedType):
        return str(value)
    if isinstance(value, tuple | list):
        return [_fact(item) for item in value]
    if not is_dataclass(value):  # of a layer from outside
        return type(value).__name__
    inner = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _fact(held) for name, held in inner.items() if not (_is_apart(held) or callable(held))}

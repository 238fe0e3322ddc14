"""Shapes known in part: of weights before their input is, of constants that tell the number of outputs themselves."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.ir.constant import Shape

Dimension = int | str | tuple[str, int] | None
"""An extent; a symbol, which stands for one extent wherever it occurs; a symbol times a number; anything."""
Pattern = tuple[Dimension, ...]


def fits(pattern: Pattern, shape: Shape, known: dict[str, int]) -> bool:
    """Whether ``shape`` is of ``pattern``: as many axes, none of them empty, every extent as the pattern says.

    ``known`` holds the extents that symbols stand for; those met for the first time are added.
    """
    if len(pattern) != len(shape) or 0 in shape:
        return False
    return all(_fits(dimension, extent, known) for dimension, extent in zip(pattern, shape, strict=True))


def _fits(dimension: Dimension, extent: int, known: dict[str, int]) -> bool:
    if dimension is None or isinstance(dimension, int):
        return dimension is None or extent == dimension
    symbol, factor = _parts(dimension)
    return extent % factor == 0 and known.setdefault(symbol, extent // factor) == extent // factor


def spelled(pattern: Pattern, known: Mapping[str, int]) -> str:
    """A pattern for messages: numbers where they are known, else symbols."""
    words = [_spelled(dimension, known) for dimension in pattern]
    return f"({', '.join(words)}{',' * (len(words) == 1)})"


def _spelled(dimension: Dimension, known: Mapping[str, int]) -> str:
    if dimension is None or isinstance(dimension, int):
        return "any" if dimension is None else str(dimension)
    symbol, factor = _parts(dimension)
    if symbol in known:
        return str(known[symbol] * factor)
    return symbol if factor == 1 else f"{factor} * {symbol}"


def _parts(dimension: str | tuple[str, int]) -> tuple[str, int]:
    return (dimension, 1) if isinstance(dimension, str) else dimension

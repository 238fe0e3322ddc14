"""Merges of any number of tensors and shapes, as chains of merges of two."""

from __future__ import annotations

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.layers.merge import Merge
from hlsgen.layers.shape_ops import Reshape, UpSampling
from hlsgen.layers.window import as_image


def merge_chain(builder: Builder, op: str, align: bool = True) -> Value:
    """Merge all inputs from left to right; a per-channel operand is put second.

    Tensors of fewer axes get axes of 1 behind the batch; where the source means something else by that (``align``
    is False), they are refused.
    """
    result = builder.inputs[0]
    for other in builder.inputs[1:]:
        result = builder.add(Merge(op), _ordered(builder, op, result, other, align), op)
    return result


def _ordered(builder: Builder, op: str, a: Value, b: Value, align: bool) -> list[Value]:
    """The operands of one merge: of one shape, or the second with one value per channel."""
    a, b = _of_one_rank(builder, a, b, align)
    if a.shape == b.shape or _per_channel(b.shape, a.shape):
        return [a, b]
    if _per_channel(a.shape, b.shape) and op != "subtract":
        return [b, a]
    common = tuple(max(x, y) for x, y in zip(a.shape, b.shape, strict=True))
    return [_spread_out(builder, value, common, (a.shape, b.shape)) for value in (a, b)]


def _of_one_rank(builder: Builder, a: Value, b: Value, align: bool) -> tuple[Value, Value]:
    """Axes of 1 are put behind the batch until both have as many; without ``align``, other numbers are refused."""
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) != len(b.shape) and not align:
        raise UnsupportedError(
            f"{builder.where}: shapes {a.shape} and {b.shape} have different numbers of axes, which the operator would "
            "align with the batch; Reshape one of them"
        )

    def lifted(value: Value) -> Value:
        shape = (*(1 for _ in range(rank - len(value.shape))), *value.shape)
        return value if shape == value.shape else builder.add(Reshape(shape), [value], "lifted")

    return lifted(a), lifted(b)


def _spread_out(builder: Builder, value: Value, common: Shape, shapes: tuple[Shape, Shape]) -> Value:
    """Repeat a tensor along its axes of 1 up to ``common``: nearest-neighbour enlargement, channel by channel first."""
    shape = value.shape
    if any(extent not in (1, target) for extent, target in zip(shape, common, strict=True)) or len(shape) > 3:
        raise UnsupportedError(
            f"{builder.where}: shapes {shapes[0]} and {shapes[1]} cannot be merged; supported are extents that are "
            "equal or 1, in up to three axes"
        )
    if shape[-1] != common[-1]:
        line = builder.add(Reshape((value.size, 1)), [value], "line")
        value = builder.add(
            Reshape((*shape[:-1], common[-1])), [builder.add(UpSampling((1, common[-1])), [line])], "spread"
        )
    if len(common) == 1:
        return value
    rows, columns = (
        target // extent for extent, target in zip(as_image(value.shape)[:2], as_image(common)[:2], strict=True)
    )
    return value if (rows, columns) == (1, 1) else builder.add(UpSampling((rows, columns)), [value], "spread")


def _per_channel(small: Shape, big: Shape) -> bool:
    return len(small) == len(big) and small[-1] == big[-1] and all(extent == 1 for extent in small[:-1])

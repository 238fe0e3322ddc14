"""Axes as Keras counts them, the batch's being 0, and as tensors here are: without it."""

from __future__ import annotations

from collections.abc import Iterable

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call


def place_of(call: Call, axis: int | None, rank: int) -> int:
    """The axis of a tensor of ``rank`` axes besides the batch. Raises UnsupportedError for the batch's, or for None.

    None is all axes, the batch's among them, in what Keras does to elements in a row.
    """
    if axis is None:
        raise UnsupportedError(
            f"{call.where}: without an axis it runs through the batch; name the axis, or several (not 0)"
        )
    place = axis - 1 if axis > 0 else rank + axis
    if axis == 0 or not 0 <= place < rank:
        raise UnsupportedError(f"{call.where}: axis {axis} is that of the batch, or outside of {rank} axes")
    return place


def places_of(call: Call, axes: Iterable[int] | None) -> list[int]:
    """Several axes of the call's input, ascending, each once."""
    rank = len(call.input.shape)
    if axes is None:
        place_of(call, None, rank)
    return sorted({place_of(call, axis, rank) for axis in axes or ()})

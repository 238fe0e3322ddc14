"""Which axis of a model's tensors the samples are: the first one is only a custom."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.frontends.values import NotRunError
from hlsgen.ir.constant import Shape


def samples_axis(what: str, extents: Sequence[object], shape: Shape) -> int:
    """The axis of the samples, where the others have this shape. Raises NotRunError unless there is one."""
    fits = [a for a in range(len(extents)) if (*extents[:a], *extents[a + 1 :]) == shape]
    if len(fits) != 1 and 0 in fits and isinstance(extents[0], int) and extents[0] == 1:
        fits = [0]
    if len(fits) != 1:
        reason = f"which axis of {list(extents)} the samples are is not clear"
        raise NotRunError(what, reason, "save it with a name for the number of samples")
    return fits[0]


def samples_axis_of_result(
    what: str, extents: Sequence[object], shape: Shape, found: Shape, symbols: set[object]
) -> int:
    """The same of a result: by the name of their number, else by the shape that is declared, or that was found."""
    if len(extents) != len(found):
        return samples_axis(what, found, shape)
    named = [a for a, extent in enumerate(extents) if isinstance(extent, str) and extent in symbols]
    if len(named) == 1:
        return named[0]
    try:
        return samples_axis(what, extents, shape)
    except NotRunError:
        return samples_axis(what, found, shape)

"""What ONNX's kernel shapes, strides, pads and words for padding mean: windows along the axes of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.frontends.onnx.call import Call
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.ir.graph import Value
from hlsgen.layers.window import Window

_AUTO_PAD = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Along:
    """A window along one axis: ``before`` and ``behind`` are padded, ``over`` is how far the last window reaches beyond
    that."""

    extent: int
    size: int
    stride: int
    dilation: int
    before: int
    behind: int
    over: int = 0

    @property
    def reach(self) -> int:
        """Cells that the window spans."""
        return (self.size - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        return (self.before + self.extent + self.behind + self.over - self.reach) // self.stride + 1


def image_of(call: Call, tensor: Tensor) -> Value:
    """The tensor (samples, channels, *axes) with its channels last. Raises UnsupportedError for other axes."""
    rank = len(tensor.axes)
    call.samples_in_front(tensor)
    if rank not in (3, 4, 5):
        raise UnsupportedError(
            f"{call.where}: its input has shape {tensor.shape_text}, expected samples, channels, and one to three axes"
        )
    return tensor.in_order(call, channels_last(tensor))


def channels_last(tensor: Tensor) -> tuple[int, ...]:
    """The order of axes that an image has here."""
    return (*range(2, len(tensor.axes)), 1)


def windows_of(call: Call, extents: Sequence[int], size: Sequence[int]) -> list[Along]:
    """The windows along the axes of an image; consumes strides, dilations, pads, auto_pad and ceil_mode."""
    count = len(extents)
    strides, dilations = (call.integers(key, [1] * count) for key in ("strides", "dilations"))
    auto = call.text("auto_pad", *_AUTO_PAD)
    given = call.integers("pads", [0] * 2 * count)
    rounds_up = bool(call.integer("ceil_mode", 0))
    if not len(size) == len(strides) == len(dilations) == count or len(given) != 2 * count:
        raise ModelError(
            f"{call.where}: kernel {list(size)}, strides {strides}, dilations {dilations} and pads {given} "
            f"for an image of {count} axes; the model is damaged"
        )
    if min(*size, *strides, *dilations) < 1:
        raise ModelError(
            f"{call.where}: kernel {list(size)}, strides {strides}, dilations {dilations}; expected 1 or more"
        )
    if min(given) < 0:
        raise UnsupportedError(f"{call.where}: pads {given} cut cells off; Slice them off before")
    found = []
    for axis, extent in enumerate(extents):
        reach = (size[axis] - 1) * dilations[axis] + 1
        before, behind = given[axis], given[count + axis]
        if auto != "NOTSET":
            before, behind = _automatic(auto, extent, reach, strides[axis])
        over = _over(extent + before + behind, extent + before, reach, strides[axis]) if rounds_up else 0
        found.append(Along(extent, size[axis], strides[axis], dilations[axis], before, behind, over))
    call.bound(prod(max(axis.outputs, 0) for axis in found), MAX_TENSOR, "its result")
    return found


def _automatic(auto: str, extent: int, reach: int, stride: int) -> tuple[int, int]:
    """SAME: ceil(extent / stride) outputs, the odd cell behind (upper) or in front (lower)."""
    if auto == "VALID":
        return 0, 0
    outputs = -(-extent // stride)
    total = max((outputs - 1) * stride + reach - extent, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if auto == "SAME_UPPER" else (more, less)


def _over(padded: int, begun: int, reach: int, stride: int) -> int:
    """How far the last window reaches over what is padded, if the number of windows is rounded up: one that would
    begin behind the image and its first pads is left out."""
    outputs = -(-(padded - reach) // stride) + 1
    if (outputs - 1) * stride >= begun:
        outputs -= 1
    return max((outputs - 1) * stride + reach - padded, 0)


def window_of(axes: Sequence[Along], padded: bool = True) -> Window:
    """The window of an image of one or two axes; not ``padded``: but for what it reaches over the pads."""
    rows, columns = axes if len(axes) == 2 else (Along(1, 1, 1, 1, 0, 0), axes[0])
    padding = (0, rows.over, 0, columns.over)
    if padded:
        padding = (rows.before, rows.behind + rows.over, columns.before, columns.behind + columns.over)
    return Window((rows.size, columns.size), (rows.stride, columns.stride), (rows.dilation, columns.dilation), padding)


def image_padding(axes: Sequence[Along]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of an image of one or two axes."""
    rows, columns = axes if len(axes) == 2 else (Along(1, 1, 1, 1, 0, 0), axes[0])
    return rows.before, rows.behind, columns.before, columns.behind

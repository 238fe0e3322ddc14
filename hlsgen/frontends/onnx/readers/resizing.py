"""Images of another size (Resize, Upsample), and channels that become pixels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.axis_windows import Mix, add_largest, add_mixed
from hlsgen.frontends.limits import MAX_TENSOR, MAX_WINDOW
from hlsgen.frontends.moving import add_take
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.windows import channels_last, image_of
from hlsgen.ir.graph import Value
from hlsgen.layers.axis_windows import Spans
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.shape_ops import UpSampling

_COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric")
Place = Callable[[int], Fraction]
"""Where an output lies among the inputs."""


@reads("Resize")
def read_resize(call: Call) -> Tensor:
    """Nearest or linear, by scales or to sizes; all axes but the samples'."""
    tensor = call.tensor()
    how = call.text("mode", "nearest", "linear")
    coordinates = call.text("coordinate_transformation_mode", *_COORDINATES)
    rounding = call.text("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    call.expect("antialias", 0)
    call.expect("keep_aspect_ratio_policy", b"stretch", "stretch")
    for key in ("cubic_coeff_a", "extrapolation_value", "exclude_outside"):  # of modes that are refused
        call.take(key, None)
    rank = len(tensor.axes)
    axes = [axis + rank if axis < 0 else axis for axis in call.integers("axes", range(rank))]
    scales, sizes = _scales_and_sizes(call, tensor, axes)
    cut = [axis for axis, size in sizes.items() if scales[axis] * tensor.shape[axis] != size]
    if cut and coordinates in ("align_corners", "pytorch_half_pixel"):
        raise UnsupportedError(
            f"{call.where}: {coordinates} with scales by which axis {cut[0]} gets no whole extent, where runtimes "
            "differ; give sizes"
        )
    return _resized(call, tensor, sizes, scales, how, coordinates, rounding)


@reads("Upsample")
def read_upsample(call: Call) -> Tensor:
    """As Resize with asymmetric coordinates, rounded down."""
    tensor = call.tensor()
    how = call.text("mode", "nearest", "linear")
    scales = [Fraction(float(s)) for s in np.asarray(call.constant(1)).reshape(-1)]
    if scales[tensor.samples] != 1:
        raise UnsupportedError(f"{call.where}: it resizes the axis of the samples; leave them apart")
    sizes = {a: _enlarged(tensor.shape[a], float(s)) for a, s in enumerate(scales) if a != tensor.samples}
    return _resized(call, tensor, sizes, dict(enumerate(scales)), how, "asymmetric", "floor")


def _scales_and_sizes(call: Call, tensor: Tensor, axes: list[int]) -> tuple[dict[int, Fraction], dict[int, int]]:
    """Of each axis but the samples': what it is enlarged by, and its new extent."""
    by_size = call.has(3) and np.asarray(call.constant(3)).size > 0
    place = 3 if by_size else 2 if call.opset >= 11 else 1
    given = np.asarray(call.constant(place)).reshape(-1)
    if len(given) != len(axes) or len(set(axes)) != len(axes):
        raise ModelError(f"{call.where}: {len(given)} numbers for axes {axes}; the model is damaged")
    scales, sizes = {}, {}
    for axis, number in zip(axes, given.tolist(), strict=True):
        extent = tensor.shape[axis]
        if axis == tensor.samples:
            if not (call.is_samples(int(number)) if by_size else number == 1):
                raise UnsupportedError(
                    f"{call.where}: it resizes the axis of the samples to {number}; leave them apart"
                )
            continue
        sizes[axis] = int(number) if by_size else _enlarged(extent, number)
        scales[axis] = Fraction(int(number), extent) if by_size else Fraction(float(number))
    return scales, sizes


def _enlarged(extent: int, scale: float) -> int:
    """Computed in float32, as runtimes do."""
    return int(np.floor(np.float32(extent) * np.float32(scale)))


def _resized(
    call: Call,
    tensor: Tensor,
    sizes: dict[int, int],
    scales: dict[int, Fraction],
    how: str,
    coordinates: str,
    rounding: str,
) -> Tensor:
    if min(sizes.values(), default=1) < 1 or max(sizes.values(), default=1) > MAX_WINDOW:
        raise ModelError(f"{call.where}: a result of {list(sizes.values())} is empty, or longer than {MAX_WINDOW}")
    call.bound(prod(sizes.values()), MAX_TENSOR, "its result")
    axes = [axis for axis, size in sizes.items() if size != tensor.shape[axis] or scales[axis] != 1]
    if not axes:
        return tensor
    order = channels_last(tensor) if len(tensor.axes) > 2 and tensor.samples == 0 else tensor.natural_order()
    value = tensor.in_order(call, order)
    places = {axis: _place(coordinates, tensor.shape[axis], sizes[axis], scales[axis]) for axis in axes}
    spans: dict[int, Spans] = {}
    mixes: dict[int, Mix] = {}
    for axis in axes:
        if how == "nearest":
            spans[order.index(axis)] = _nearest(places[axis], tensor.shape[axis], sizes[axis], rounding)
        else:
            mixes[order.index(axis)] = _linear(places[axis], tensor.shape[axis], sizes[axis])
    if how == "linear":
        return Tensor.of(add_mixed(call, value, mixes), order, tensor.samples)
    factors = _whole_factors(value.shape, spans)
    if factors is not None:
        return Tensor.of(call.add(UpSampling(factors), [value]), order, tensor.samples)
    return Tensor.of(add_largest(call, value, spans), order, tensor.samples)


def _whole_factors(shape: tuple[int, ...], spans: dict[int, Spans]) -> tuple[int, int] | None:
    """(rows, columns) by which every pixel of an image is repeated; None where it is something else."""
    if len(shape) not in (2, 3) or len(shape) - 1 in spans:
        return None
    factors = [1, 1]
    for axis, span in spans.items():
        factor, rest = divmod(len(span.first), shape[axis])
        if rest or span.first != tuple(place // factor for place in range(len(span.first))):
            return None
        factors[axis + 3 - len(shape)] = factor
    return factors[0], factors[1]


def _place(coordinates: str, extent: int, size: int, scale: Fraction) -> Place:
    """Where output ``x`` lies: as the standard's table says."""
    match coordinates:
        case "asymmetric":
            return lambda x: x / scale
        case "align_corners":
            return lambda x: Fraction(x * (extent - 1), size - 1) if size > 1 else Fraction(0)
        case "pytorch_half_pixel":
            return lambda x: (x + Fraction(1, 2)) / scale - Fraction(1, 2) if size > 1 else Fraction(0)
        case "half_pixel_symmetric":
            adjusted = Fraction(size) / (scale * extent)
            offset = Fraction(extent, 2) * (1 - adjusted)
            return lambda x: offset + (x + Fraction(1, 2)) / scale - Fraction(1, 2)
    return lambda x: (x + Fraction(1, 2)) / scale - Fraction(1, 2)


def _nearest(place: Place, extent: int, size: int, rounding: str) -> Spans:
    half = Fraction(1, 2)
    rounded: dict[str, Callable[[Fraction], int]] = {
        "round_prefer_floor": lambda x: ceil(x - half),
        "round_prefer_ceil": lambda x: floor(x + half),
        "floor": floor,
        "ceil": ceil,
    }
    cells = tuple(min(max(rounded[rounding](place(x)), 0), extent - 1) for x in range(size))
    return Spans(cells, tuple(cell + 1 for cell in cells))


def _linear(place: Place, extent: int, size: int) -> Mix:
    """The line between the two cells that an output lies between; beyond all, the last one."""
    first, end, weights = [], [], []
    for x in range(size):
        at = min(max(place(x), Fraction(0)), Fraction(extent - 1))
        low, high, share = floor(at), ceil(at), at - floor(at)
        first.append(low)
        end.append(high + 1)
        weights.append([1 - share, share] if high > low else [Fraction(1)])
    return Mix(Spans(tuple(first), tuple(end)), weights)


# -- channels and pixels -------------------------------------------------------------------------


@reads("DepthToSpace")
def read_depth_to_space(call: Call) -> Tensor:
    """Channels are (row, column, channel) of a block (DCR), or (channel, row, column) (CRD)."""
    tensor = call.tensor()
    block, by_columns = call.integer("blocksize", 0), call.text("mode", "DCR", "CRD") == "CRD"
    image = _image(call, tensor)
    rows, columns, channels = image.shape
    if block < 1 or channels % block**2:
        raise ModelError(f"{call.where}: {channels} channels are no blocks of {block} x {block} pixels")
    if by_columns:
        places = np.arange(channels).reshape(-1, block * block).T.reshape(-1)
        image = add_take(call, image, 2, places.tolist())
    shuffled = call.add(DepthToSpace((block, block), (rows * block, columns * block)), [image])
    return Tensor.of(shuffled, channels_last(tensor))


@reads("SpaceToDepth")
def read_space_to_depth(call: Call) -> Tensor:
    """Channels become (row, column, channel) of a block (DCR), or (channel, row, column) (CRD)."""
    tensor = call.tensor()
    by_columns = call.text("mode", "DCR", "CRD") == "CRD"
    block = call.integer("blocksize", 0)
    rows, columns, channels = _image(call, tensor).shape
    if block < 1 or rows % block or columns % block:
        raise ModelError(f"{call.where}: {rows} x {columns} pixels are no blocks of {block} x {block}")
    samples = tensor.shape[0]
    parts = tensor.reshaped(call, (samples, channels, rows // block, block, columns // block, block))
    moved = parts.transposed((0, 1, 3, 5, 2, 4) if by_columns else (0, 3, 5, 1, 2, 4))
    return moved.reshaped(call, (samples, channels * block**2, rows // block, columns // block))


def _image(call: Call, tensor: Tensor) -> Value:
    if len(tensor.axes) != 4:
        raise ModelError(f"{call.where}: its input has shape {tensor.shape_text}, expected four axes")
    return image_of(call, tensor)

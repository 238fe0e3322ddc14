"""What a network with user-given types computes, worked out once more from the source model and the numeric contract.

Nothing of the program's arithmetic is used: integers of Python, the cast of :mod:`tests.vendor.reference` in rational
numbers, and loops where the program has matrices. Only layers that are one exact operation are known here
(docs/numerics.md, rule 2), and the types are those that the user wrote, not those that the program reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hlsgen.frontends.keras.source import LayerCall, SourceModel
from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.vendor.reference import cast, cast_mantissa

Roles = Mapping[str, str]
"""Types as the user writes them: of "weight", "bias", "accum" and "result"."""


class Value(NamedTuple):
    """Exact numbers ``mantissas * 2**-frac``; mantissas (samples, *shape), integers of Python."""

    mantissas: Any
    frac: int


class Taps(NamedTuple):
    """The cells of a window, one after the other, each for all its places: (taps, samples, rows, columns, channels)."""

    cells: Any
    inside: Any
    """Whether a cell lies in the image: (taps, rows, columns)."""


def evaluate(
    source: SourceModel, types: Mapping[str, Roles], inputs: Mapping[str, str], x: Mapping[str, Any]
) -> dict[str, Value]:
    """Every layer's value by name; ``types`` by layer, ``inputs``: the types of the inputs, ``x`` their real values."""
    known = {spec.name: read_input(x[spec.name], inputs[spec.name]) for spec in source.inputs}
    for call in source.calls:
        layer = _Layer(call, types.get(call.name, {}), [known[tensor.call] for tensor in call.inputs])
        known[call.name] = layer.casts(MEANINGS[call.class_name](layer))
    return known


def read_input(x: Any, text: str) -> Value:
    """Real numbers in the type of an input, which rounds to nearest and saturates unless modes are spelt out."""
    fixed = FixedType.parse(text)
    if text.count(",") < 2:
        fixed = fixed.with_modes(Rounding.RND, Overflow.SAT)
    mantissas = [cast(fixed, Fraction(float(v))) for v in x.reshape(-1)]
    return Value(np.array(mantissas, dtype=object).reshape(x.shape), fixed.frac)


def casted(value: Value, text: str | None) -> Value:
    if text is None:
        return value
    fixed = FixedType.parse(text)
    mantissas = [cast_mantissa(fixed, int(m), value.frac) for m in value.mantissas.reshape(-1)]
    return Value(np.array(mantissas, dtype=object).reshape(value.mantissas.shape), fixed.frac)


def constant(values: Any, text: str) -> Value:
    """Real numbers as a constant: to nearest even and saturated, unless modes are spelt out."""
    fixed = FixedType.parse(text)
    if text.count(",") < 2:
        fixed = fixed.with_modes(Rounding.RND_CONV, Overflow.SAT)
    array = np.asarray(values, dtype=np.float64)
    mantissas = [cast(fixed, Fraction(float(v))) for v in array.reshape(-1)]
    return Value(np.array(mantissas, dtype=object).reshape(array.shape), fixed.frac)


def exactly(values: Any) -> Value:
    """Binary fractions as they are."""
    array = np.asarray(values, dtype=np.float64)
    fractions = [Fraction(float(v)) for v in array.reshape(-1)]
    frac = max((f.denominator.bit_length() - 1 for f in fractions), default=0)
    return Value(np.array([int(f * 2**frac) for f in fractions], dtype=object).reshape(array.shape), frac)


def aligned(*values: Value) -> tuple[list[Any], int]:
    frac = max(v.frac for v in values)
    return [v.mantissas * 2 ** (frac - v.frac) for v in values], frac


@dataclass(frozen=True)
class _Layer:
    call: LayerCall
    types: Roles
    inputs: Sequence[Value]

    @property
    def x(self) -> Value:
        return self.inputs[0]

    @property
    def options(self) -> dict[str, Any]:
        return self.call.config

    def weight(self, name: str) -> Any:
        return np.asarray(self.call.weights[name], dtype=np.float64)

    def casts(self, value: Value) -> Value:
        return casted(casted(value, self.types.get("accum")), self.types.get("result"))

    def affine(self, products: Any, frac: int, bias: Any) -> Value:
        """A sum of products and the bias."""
        (total, shift), common = aligned(Value(products, frac), constant(bias, self.types["bias"]))
        return Value(total + shift, common)


# -- products --------------------------------------------------------------------------------------


def _dense(layer: _Layer) -> Value:
    prefix = "layer/" if layer.call.class_name == "TimeDistributed" else ""
    weight = constant(layer.weight(f"{prefix}kernel"), layer.types["weight"])
    total = sum(layer.x.mantissas[..., i, None] * weight.mantissas[i] for i in range(weight.mantissas.shape[0]))
    return layer.affine(total, layer.x.frac + weight.frac, layer.weight(f"{prefix}bias"))


def _pair(value: Any, flat: bool, default: int) -> tuple[int, int]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    return (default, int(items[-1])) if flat else (int(items[0]), int(items[-1]))


def _taps(layer: _Layer, size: Any, stride: Any, padding: str) -> Taps:
    """The windows of an image, or of a line as an image of one row."""
    x = layer.x.mantissas
    flat = x.ndim == 3
    image = x[:, None] if flat else x
    (height, width), (down, right) = _pair(size, flat, 1), _pair(stride, flat, 1)
    starts, counts = [], []
    for extent, kernel, step in zip(image.shape[1:3], (height, width), (down, right), strict=True):
        count = -(-extent // step) if padding != "valid" else (extent - kernel) // step + 1
        zeros = max((count - 1) * step + kernel - extent, 0) if padding == "same" else 0
        starts.append({"same": -(zeros // 2), "causal": 1 - kernel, "valid": 0}[padding])
        counts.append(count)
    cells = np.zeros((height * width, len(x), *counts, x.shape[-1]), dtype=object)
    inside = np.zeros((height * width, *counts), dtype=bool)
    for tap, row, column in product(range(height * width), range(counts[0]), range(counts[1])):
        i, j = starts[0] + row * down + tap // width, starts[1] + column * right + tap % width
        if 0 <= i < image.shape[1] and 0 <= j < image.shape[2]:
            cells[tap, :, row, column], inside[tap, row, column] = image[:, i, j], True
    return Taps(cells, inside)


def _line(layer: _Layer, image: Any) -> Any:
    return image[:, 0] if layer.x.mantissas.ndim == 3 else image


def _convolution(layer: _Layer) -> Value:
    kernel = constant(layer.weight("kernel"), layer.types["weight"])
    taps = _taps(layer, layer.options["kernel_size"], layer.options.get("strides", 1), layer.options["padding"])
    by_tap = kernel.mantissas.reshape(len(taps.cells), *kernel.mantissas.shape[-2:])
    groups, reads = layer.options.get("groups", 1), by_tap.shape[1]
    totals = [
        sum(
            cells[..., group * reads + c, None] * np.split(weights[c], groups)[group]
            for cells, weights in zip(taps.cells, by_tap, strict=True)
            for c in range(reads)
        )
        for group in range(groups)
    ]
    total = np.concatenate(totals, axis=-1)
    return layer.affine(_line(layer, total), layer.x.frac + kernel.frac, layer.weight("bias"))


def _depthwise(layer: _Layer) -> Value:
    kernel = constant(layer.weight("depthwise_kernel"), layer.types["weight"])
    taps = _taps(layer, layer.options["kernel_size"], layer.options.get("strides", 1), layer.options["padding"])
    by_tap = kernel.mantissas.reshape(len(taps.cells), *kernel.mantissas.shape[-2:])
    total = sum(cells[..., None] * weights for cells, weights in zip(taps.cells, by_tap, strict=True))
    total = total.reshape(*total.shape[:-2], -1)
    return layer.affine(_line(layer, total), layer.x.frac + kernel.frac, layer.weight("bias"))


def _normalisation(layer: _Layer) -> Value:
    root = np.sqrt(layer.weight("moving_variance") + layer.options["epsilon"])
    scale = layer.weight("gamma") / root
    return _scaled(layer, scale, layer.weight("beta") - layer.weight("moving_mean") * scale)


def _rescaling(layer: _Layer) -> Value:
    channels = layer.x.mantissas.shape[-1]
    factor, shift = (np.float64(np.float32(layer.options[key])) for key in ("scale", "offset"))
    return _scaled(layer, np.full(channels, factor), np.full(channels, shift))


def _scaled(layer: _Layer, scale: Any, shift: Any) -> Value:
    factor = constant(scale, layer.types["weight"])
    return layer.affine(layer.x.mantissas * factor.mantissas, layer.x.frac + factor.frac, shift)


# -- element by element ----------------------------------------------------------------------------


def _rectified(layer: _Layer) -> Value:
    slope = layer.options.get("alpha", layer.options.get("negative_slope")) or 0.0
    name = layer.options.get("activation")
    top = layer.options.get("max_value", 6.0 if name == "relu6" else None)
    if name == "linear":
        return layer.x
    factor = exactly(slope)
    below = Value(np.minimum(layer.x.mantissas, 0) * int(factor.mantissas), layer.x.frac + factor.frac)
    (positive, negative), frac = aligned(Value(np.maximum(layer.x.mantissas, 0), layer.x.frac), below)
    result = Value(positive + negative, frac)
    if top is None:
        return result
    (y, limit), frac = aligned(result, exactly(top))
    return Value(np.minimum(y, limit), frac)


def _merged(operate: Callable[[Any, Any], Any]) -> Callable[[_Layer], Value]:
    def meaning(layer: _Layer) -> Value:
        values, frac = aligned(*layer.inputs)
        result = values[0]
        for other in values[1:]:
            result = operate(result, other)
        return Value(result, frac)

    return meaning


def _product(layer: _Layer) -> Value:
    result = layer.x
    for other in layer.inputs[1:]:
        result = Value(result.mantissas * other.mantissas, result.frac + other.frac)
    return result


def _average(layer: _Layer) -> Value:
    assert len(layer.inputs) == 2, "1/3 is no binary fraction"
    total = _merged(np.add)(layer)
    return Value(total.mantissas, total.frac + 1)


# -- what moves and what pools ---------------------------------------------------------------------


def _largest(layer: _Layer) -> Value:
    taps = _taps(layer, layer.options["pool_size"], _stride(layer), layer.options.get("padding", "valid"))
    lowest = min(layer.x.mantissas.reshape(-1), default=0)
    cells = np.where(taps.inside[:, None, :, :, None], taps.cells, lowest)
    return Value(_line(layer, cells.max(axis=0)), layer.x.frac)


def _mean(layer: _Layer) -> Value:
    """The sum of the cells in the image, by their number, which is a power of two."""
    taps = _taps(layer, layer.options["pool_size"], _stride(layer), layer.options.get("padding", "valid"))
    counts = taps.inside.sum(axis=0)
    most = int(counts.max())
    factors = np.array([most // int(n) for n in counts.reshape(-1)], dtype=object).reshape(counts.shape)
    total = taps.cells.sum(axis=0) * factors[:, :, None]
    return Value(_line(layer, total), layer.x.frac + most.bit_length() - 1)


def _stride(layer: _Layer) -> Any:
    return layer.options.get("strides", layer.options["pool_size"])


def _by_channel(layer: _Layer) -> Any:
    x = layer.x.mantissas
    return x.reshape(len(x), -1, x.shape[-1])


def _whole_mean(layer: _Layer) -> Value:
    cells = _by_channel(layer)
    return Value(cells.sum(axis=1), layer.x.frac + cells.shape[1].bit_length() - 1)


def _moved(move: Callable[[Any, dict[str, Any]], Any]) -> Callable[[_Layer], Value]:
    return lambda layer: Value(move(layer.x.mantissas, layer.options), layer.x.frac)


def _padded(x: Any, options: dict[str, Any]) -> Any:
    sides = [options["padding"]] if x.ndim == 3 else options["padding"]
    result = np.zeros(
        (len(x), *(n + sum(s) for n, s in zip(x.shape[1:-1], sides, strict=True)), x.shape[-1]), dtype=object
    )
    result[(slice(None), *(slice(s[0], s[0] + n) for n, s in zip(x.shape[1:-1], sides, strict=True)))] = x
    return result


def _cropped(x: Any, options: dict[str, Any]) -> Any:
    sides = [options["cropping"]] if x.ndim == 3 else options["cropping"]
    return x[(slice(None), *(slice(s[0], n - s[1]) for n, s in zip(x.shape[1:-1], sides, strict=True)))]


def _enlarged(x: Any, options: dict[str, Any]) -> Any:
    sizes = [options["size"]] if x.ndim == 3 else options["size"]
    for axis, times in enumerate(sizes, start=1):
        x = np.repeat(x, times, axis=axis)
    return x


def _concatenated(layer: _Layer) -> Value:
    values, frac = aligned(*layer.inputs)
    return Value(np.concatenate(values, axis=layer.options["axis"]), frac)


MEANINGS: dict[str, Callable[[_Layer], Value]] = {
    "Dense": _dense,
    "TimeDistributed": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), _convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    "BatchNormalization": _normalisation,
    "Rescaling": _rescaling,
    **dict.fromkeys(("ReLU", "LeakyReLU", "Activation"), _rectified),
    "Add": _merged(np.add),
    "Subtract": _merged(np.subtract),
    "Maximum": _merged(np.maximum),
    "Minimum": _merged(np.minimum),
    "Multiply": _product,
    "Average": _average,
    "Concatenate": _concatenated,
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), _largest),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D"), _mean),
    **dict.fromkeys(
        ("GlobalMaxPooling1D", "GlobalMaxPooling2D"), lambda n: Value(_by_channel(n).max(axis=1), n.x.frac)
    ),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), _whole_mean),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _moved(_padded)),
    **dict.fromkeys(("Cropping1D", "Cropping2D"), _moved(_cropped)),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _moved(_enlarged)),
    "Flatten": _moved(lambda x, options: x.reshape(len(x), -1)),
    "Reshape": _moved(lambda x, options: x.reshape(len(x), *options["target_shape"])),
    "Permute": _moved(lambda x, options: x.transpose(0, *options["dims"])),
    "RepeatVector": _moved(lambda x, options: np.repeat(x[:, None], options["n"], axis=1)),
    **dict.fromkeys(("Dropout", "GaussianDropout", "AlphaDropout", "GaussianNoise"), _moved(lambda x, options: x)),
    **dict.fromkeys(("ActivityRegularization", "Identity"), _moved(lambda x, options: x)),
}

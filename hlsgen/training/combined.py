"""The arithmetic of QBatchNormalization, the same for every Keras.

``y = x * scale + bias`` with ``scale = q_scale(gamma / sqrt(variance + epsilon))`` and
``bias = q_bias(beta - mean * scale)``: two quantisers on the two numbers the hardware will hold.
Gradients go straight through the quantisers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.quantizers.qkeras import Library, QuantizedBits, parse_quantizer

Tensor = Any
TensorFunction = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Backend:
    """The few operations needed, as a framework names them."""

    library: Library
    sqrt: TensorFunction
    round: TensorFunction
    clip: Callable[[Tensor, float, float], Tensor]
    where: Callable[[Tensor, Any, Any], Tensor]
    stop_gradient: TensorFunction
    ones_like: TensorFunction


class Statistics(NamedTuple):
    """Mean and variance per channel."""

    mean: Tensor
    variance: Tensor


@dataclass(frozen=True)
class Combined:
    """Both quantisers, ready to be called on tensors."""

    backend: Backend
    scale_quantizer: TensorFunction | None
    bias_quantizer: TensorFunction | None

    def scale_and_bias(
        self, statistics: Statistics, gamma: Tensor | None, beta: Tensor | None, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        """Return the quantised scale and bias, float32, shape (channels,)."""
        scale = 1.0 / self.backend.sqrt(statistics.variance + epsilon)
        scale = scale if gamma is None else scale * gamma
        scale = scale if self.scale_quantizer is None else self.scale_quantizer(scale)
        bias = -statistics.mean * scale if beta is None else beta - statistics.mean * scale
        return scale, bias if self.bias_quantizer is None else self.bias_quantizer(bias)


def make_quantizer(backend: Backend, spec: Any, option: str) -> TensorFunction | None:
    """A function on tensors for what the user gave: None, a string, a serialised quantiser, or a QKeras object.

    Strings naming ``quantized_bits`` need no QKeras. Raises ConfigError or UnsupportedError.
    """
    where = f"QBatchNormalization: {option}"
    if spec is None:
        return None
    if not isinstance(spec, str | Mapping):
        if not callable(spec):
            raise ConfigError(f"{where}={spec!r}; expected None, a string or a QKeras quantizer")
        parse_quantizer(spec, where=where)  # refuse now what conversion would refuse
        known: TensorFunction = spec
        return known
    quantizer = parse_quantizer(dict(spec) if isinstance(spec, Mapping) else spec, library=backend.library, where=where)
    if isinstance(quantizer, QuantizedBits) and not isinstance(quantizer.alpha, str | tuple):
        return quantized_bits(backend, quantizer)
    module = sys.modules.get("qkeras.quantizers")
    if module is None:
        raise UnsupportedError(
            f"{where}={spec!r} needs QKeras: import qkeras first, or use quantized_bits(bits, integer)"
        )
    found: TensorFunction = module.get_quantizer(spec)
    return found


def quantized_bits(backend: Backend, quantizer: QuantizedBits) -> TensorFunction:
    """``quantized_bits`` with no alpha or a number, rounding ties to even, as its QKeras quantiser defines it."""
    fixed = quantizer.type
    step, alpha = float(fixed.step), float(quantizer.alpha or 1.0)  # type: ignore[arg-type]

    def quantize(x: Tensor) -> Tensor:
        if quantizer.is_sign:
            levels = backend.where(x >= 0, backend.ones_like(x), -backend.ones_like(x))
        else:
            levels = backend.clip(backend.round(x / step), fixed.min_mantissa, fixed.max_mantissa) * step
        # x - x is 0, so the value is the level to the last bit, and the gradient is that of x.
        return backend.stop_gradient(levels * alpha) + (x - backend.stop_gradient(x))

    return quantize


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options of BatchNormalization that have no meaning here."""
    for name in ("renorm", "fused", "virtual_batch_size", "adjustment", "synchronized"):
        if options.get(name):
            raise ConfigError(f"QBatchNormalization: {name}={options[name]!r} is not supported; leave it out")


def check_axis(name: str, axis: Any, rank: int) -> None:
    """Refuse any axis but the last."""
    axes = [axis] if isinstance(axis, int) else list(axis)
    if axes not in ([-1], [rank - 1]):
        raise ConfigError(f"QBatchNormalization '{name}': axis={axis}; only the last axis (channels) is supported")

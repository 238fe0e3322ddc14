"""Explain every difference between hlsgen and QKeras, layer by layer.

Each layer of a QKeras model is computed again on *hlsgen's* values of its inputs, in float64, together with a bound on
what QKeras's float32 arithmetic may add: zero where every float32 operation is exact (sums below 2^24 steps, quotients
that float32 holds), else one rounding per operation. Quantisers are QKeras's own, called at both ends of the interval
so found. hlsgen has to lie in the interval of every layer; so has QKeras itself, which shows that the interval is
right. What is left of a difference in the model's output is then float32's own rounding, and the place is known.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.layers.scale import Scale
from hlsgen.project import Project
from tests.qkeras_layers.random_models import LIBRARY, Network, Step

Reals = NDArray[np.float64]
Operation = Callable[[Reals, Reals], Reals]

UNIT = 2.0**-24
"""Half a unit in the last place of float32, relative."""
_LONG = 2.0**-22
"""What two or three float32 roundings amount to."""


class Bounded(NamedTuple):
    """Real values and how far QKeras's float32 arithmetic may be from them."""

    value: Reals
    radius: Reals

    @classmethod
    def exact(cls, value: Any) -> Bounded:
        array = np.asarray(value, dtype=np.float64)
        return cls(array, np.zeros_like(array))

    @property
    def size(self) -> Reals:
        return np.abs(self.value) + self.radius


@dataclass
class Explanation:
    """What the comparison of one network found."""

    wrong: list[str] = field(default_factory=list)
    """Values of hlsgen that float32's rounding cannot explain."""
    doubtful: list[str] = field(default_factory=list)
    """Values of QKeras outside of the interval: the interval is wrong."""
    rounded: dict[str, int] = field(default_factory=dict)
    """By layer: values where QKeras's float32 differs from hlsgen, within the interval."""
    budget: dict[str, int] = field(default_factory=dict)
    """By layer: results that no quantiser follows, held in the default width."""
    different: int = 0
    """Outputs of the model that differ from QKeras's."""
    outputs: int = 0


def explain(network: Network, project: Project) -> Explanation:
    """Compare a network's every layer."""
    with network.internal_sigmoid():
        return _Comparison(network, project).run()


class _Comparison:
    def __init__(self, network: Network, project: Project) -> None:
        self.network, self.project = network, project
        self.ours = project.evaluate(network.x)
        self.known: dict[str, Bounded] = {"in0": Bounded.exact(network.x)}
        self.own = _own_names(network, project)
        self.found = Explanation()

    def run(self) -> Explanation:
        for step in self.network.steps:
            inputs = [self.known[name] for name in step.sources]
            result = compute(step, inputs)
            self.known[step.name] = self._compare(step, inputs, result) if step.name in self.own else result
        self._compare_outputs()
        return self.found

    def _compare(self, step: Step, inputs: list[Bounded], result: Bounded) -> Bounded:
        ours = np.asarray(self.ours[step.name], dtype=np.float64).reshape(result.value.shape)
        distance = np.abs(ours - result.value)
        slack = result.radius * (1 + 1e-9)
        rest = self._held_in_default_width(step)
        if rest and (distance > slack).any():
            self.found.budget[step.name] = int((distance > slack).sum())
            slack = slack + rest
        outside = distance > slack
        if outside.any():
            at = tuple(int(i) for i in np.argwhere(outside)[0])
            self.found.wrong.append(
                f"{step.name}: {int(outside.sum())} of {ours.size}; at {at} hlsgen has {ours[at]!r}, QKeras "
                f"{result.value[at]!r} +- {result.radius[at]:.3g}"
            )
        if not any(i.radius.any() for i in inputs):
            self._compare_live(step, inputs, result, ours)
        return Bounded.exact(ours)

    def _held_in_default_width(self, step: Step) -> float:
        """The rounding of a result that no quantiser gives a type."""
        fixed = self.project.trace_keys()[step.name].type
        assert fixed is not None
        float_weights = step.kind in ("Dense", "BatchNormalization")
        if _quantises(step) or (fixed.width < 16 and not float_weights):
            return 0.0
        return float(fixed.step) * (64 if float_weights else 0.51)

    def _compare_live(self, step: Step, inputs: list[Bounded], result: Bounded, ours: Reals) -> None:
        arrays = [_tensor(i.value) for i in inputs]
        live = np.asarray(step.layer(arrays if len(arrays) > 1 else arrays[0], training=False), dtype=np.float64)
        doubtful = np.abs(live - result.value) > result.radius * (1 + 1e-9)
        if doubtful.any():
            at = tuple(int(i) for i in np.argwhere(doubtful)[0])
            self.found.doubtful.append(
                f"{step.name}: QKeras has {live[at]!r} at {at}, expected {result.value[at]!r} +- {result.radius[at]:.3g}"
            )
        if (live != ours).any():
            self.found.rounded[step.name] = int((live != ours).sum())

    def _compare_outputs(self) -> None:
        theirs = self.network.model(self.network.x, training=False)
        theirs = theirs if isinstance(theirs, list | tuple) else [theirs]
        for name, array in zip(self.network.outputs, theirs, strict=True):
            ours = np.asarray(self.ours[name], dtype=np.float64)
            self.found.different += int((ours != np.asarray(array, dtype=np.float64)).sum())
            self.found.outputs += ours.size
        excuses = self.found.rounded or self.found.budget or any(b.radius.any() for b in self.known.values())
        if self.found.different and not excuses:
            self.found.wrong.append("the outputs differ and no layer does")


def _own_names(network: Network, project: Project) -> set[str]:
    """Layers whose value hlsgen has; one that was fused with a later layer has that layer's."""
    last: dict[Any, Step] = {}
    keys = project.trace_keys()
    order = {step.name: place for place, step in enumerate(network.steps)}
    for step in network.steps:
        if (
            step.name in keys
            and order.get(project.design.producer(keys[step.name]).source.name, -1) <= order[step.name]
        ):
            last[keys[step.name]] = step
    own = {
        s.name for value, s in last.items() if not (_quantises(s) and _cast_by_a_reader(project.design.producer(value)))
    }
    return {s.name for s in last.values() if s.name in own and (_quantises(s) or s.name in network.outputs)}


def _cast_by_a_reader(producer: Any) -> bool:
    """Whether the scale that ends a quantiser took in the cast of a later quantiser, which has a scale of its own."""
    return isinstance(producer.layer, Scale) and producer.wish.result_by_model


# -- layers ---------------------------------------------------------------------------------


def compute(step: Step, inputs: list[Bounded]) -> Bounded:
    """The layer's result in real arithmetic, and QKeras's rounding around it."""
    inputs = [_as_float32(i) for i in inputs]
    kind, layer = step.kind, step.layer
    if kind in ("QActivation", "QAdaptiveActivation"):
        return activated(getattr(layer, "quantizer", None) or layer.activation, inputs[0])
    if kind in _MERGES:
        return _merged(kind, inputs)
    if kind in ("QDense", "QDenseBatchnorm", "Dense"):
        return _dense(step, inputs[0])
    if "Separable" in kind:
        return _separable(layer, inputs[0])
    if "Conv" in kind:
        return _convolution(step, inputs[0])
    if "Average" in kind:
        return _average(step, inputs[0])
    if "BatchNormalization" in kind:
        return _normalized(step, inputs[0])
    if kind in _MONOTONE:
        return _moved(layer, inputs[0])
    raise AssertionError(f"no such layer in random networks: {kind}")


_MERGES: dict[str, Callable[[Reals, Reals], Reals]] = {
    "Add": np.add,
    "Subtract": np.subtract,
    "Multiply": np.multiply,
    "Maximum": np.maximum,
}
_MERGES["Concatenate"] = lambda a, b: np.concatenate([a, b], axis=-1)
_MONOTONE = ("ReLU", "Flatten", "Reshape", "ZeroPadding2D", "UpSampling2D", "MaxPooling1D", "MaxPooling2D")


def _quantises(step: Step) -> bool:
    given = getattr(step.layer, "activation", None)
    return step.kind in ("QActivation", "QAdaptiveActivation") or type(given).__module__.startswith("qkeras")


def _moved(layer: Any, x: Bounded) -> Bounded:
    """Layers that pick values: both ends of the interval go the same way."""
    ends = [np.asarray(layer(_tensor(v)), dtype=np.float64) for v in (x.value - x.radius, x.value + x.radius)]
    return _between(ends)


def _merged(kind: str, inputs: list[Bounded]) -> Bounded:
    a, b = inputs
    value = _MERGES[kind](a.value, b.value)
    match kind:
        case "Multiply":
            radius = a.size * b.size - np.abs(a.value * b.value)
        case "Concatenate":
            return Bounded(value, _MERGES[kind](a.radius, b.radius))
        case _:
            radius = a.radius + b.radius
    return _rounded(Bounded(value, radius))


def _dense(step: Step, x: Bounded) -> Bounded:
    def product(a: Reals, b: Reals) -> Reals:
        return np.asarray(np.tensordot(a, b, axes=1))

    return _linear(step, x, product, "kernel")


def _convolution(step: Step, x: Bounded) -> Bounded:
    depthwise = "Depthwise" in step.kind
    return _linear(step, x, _windowed(step.layer, depthwise), "depthwise_kernel" if depthwise else "kernel")


def _linear(step: Step, x: Bounded, product: Operation, role: str) -> Bounded:
    layer = step.layer
    kernel, bias = _constants(step, role)
    total = _summed(product, x, kernel)
    if bias is not None:
        total = _rounded(Bounded(total.value + bias.value, total.radius + bias.radius))
    if step.kind == "Dense":  # float weights and bias get 16 bits, placed by the largest
        largest = np.full_like(kernel.value, kernel.size.max())
        total = Bounded(total.value, total.radius + 2.0**-13 * (product(x.size, largest) + np.abs(bias.value).max()))
    return activated(layer.activation, total)


def _separable(layer: Any, x: Bounded) -> Bounded:
    kernels = [np.asarray(k) for k in (layer.depthwise_kernel, layer.pointwise_kernel)]
    kernels = [k[None] if k.ndim == 3 else k for k in kernels]  # 1D: QKeras adds a height before it quantises
    depthwise = _quantized(layer.depthwise_quantizer_internal, kernels[0])
    pointwise = _quantized(layer.pointwise_quantizer_internal, kernels[1])
    middle = _summed(_windowed(layer, True), x, depthwise)
    total = _summed(lambda a, b: np.tensordot(a, b.reshape(b.shape[-2:]), axes=1), middle, pointwise)
    if layer.use_bias:
        bias = _quantized(layer.bias_quantizer_internal, layer.bias)
        total = _rounded(Bounded(total.value + bias.value, total.radius + bias.radius))
    return activated(layer.activation, total)


def _constants(step: Step, role: str) -> tuple[Bounded, Bounded | None]:
    """Quantised kernel and bias, folded where the layer folds."""
    layer = step.layer
    if step.kind == "Dense":
        return Bounded.exact(layer.kernel), Bounded.exact(layer.bias)
    kernel = np.asarray(getattr(layer, role), dtype=np.float32)
    quantizer = getattr(layer, "depthwise_quantizer_internal" if "depthwise" in role else "kernel_quantizer_internal")
    if not step.kind.endswith("Batchnorm"):
        bias = _quantized(layer.bias_quantizer_internal, layer.bias) if layer.use_bias else None
        return _quantized(quantizer, kernel), bias
    norm = layer.batchnorm
    root = np.sqrt(np.asarray(norm.moving_variance, dtype=np.float64) + float(norm.epsilon))
    gamma = np.asarray(norm.gamma, dtype=np.float64) if norm.scale else 1.0
    mean, beta = (np.asarray(v, dtype=np.float64) for v in (norm.moving_mean, norm.beta))
    inverse = gamma / root
    shift = inverse * ((np.asarray(layer.bias, dtype=np.float64) if layer.use_bias else 0.0) - mean)
    spread = inverse.reshape(kernel.shape[-2:]) if "depthwise" in role else inverse
    folded = spread * kernel.astype(np.float64)
    error = 6 * UNIT * (np.abs(shift) + np.abs(beta)) + 2 * UNIT * np.abs(mean * inverse)
    return (
        _quantized_near(quantizer, folded, 6 * UNIT * np.abs(folded)),
        _quantized_near(layer.bias_quantizer_internal, shift + beta, error),
    )


def _windowed(layer: Any, depthwise: bool) -> Operation:
    """The layer's convolution in float64, by TensorFlow."""
    tf = importlib.import_module("tensorflow")
    rank = len(layer.strides) if isinstance(layer.strides, tuple | list) else 1

    def convolve(x: Reals, w: Reals) -> Reals:
        flat = rank == 1
        strides, dilation, padding = list(layer.strides), list(layer.dilation_rate), str(layer.padding)
        if padding == "causal":
            before = dilation[0] * (w.shape[0] - 1)
            x, padding = np.pad(x, [(0, 0), (before, 0), (0, 0)]), "valid"
        if not depthwise:
            return np.asarray(tf.nn.convolution(x, w, strides=strides, padding=padding.upper(), dilations=dilation))
        if flat:
            x, w = x[:, None], w.reshape(1, *w.shape[-3:])
            strides, dilation = strides * 2, [1, *dilation]
        y = tf.nn.depthwise_conv2d(x, w, [1, strides[0], strides[-1], 1], padding.upper(), dilations=dilation[-2:])
        return np.asarray(y)[:, 0] if flat else np.asarray(y)

    return convolve


def _summed(product: Operation, x: Bounded, w: Bounded) -> Bounded:
    """A sum of products: exact in float32 while it stays below 2^24 steps of the products' grid."""
    value, size = product(x.value, w.value), product(x.size, w.size)
    spread = size - product(np.abs(x.value), np.abs(w.value))
    known = not (x.radius.any() or w.radius.any())
    if known and float(size.max(initial=0.0)) <= 2.0**24 * _grid(x.value) * _grid(w.value):
        return Bounded.exact(value)
    terms = float(product(np.ones_like(x.value), np.ones_like(w.value)).max(initial=1.0))
    return Bounded(value, spread + (terms + 1) * UNIT * size)


def _normalized(step: Step, x: Bounded) -> Bounded:
    layer = step.layer
    if step.kind == "BatchNormalization":
        scale, shift = _plain_constants(layer)
        exact = Bounded(x.value * scale + shift, x.radius * np.abs(scale))
        return _rounded(exact, 2.0**-19 * (np.abs(x.value) * np.abs(scale).max() + np.abs(shift).max()))
    tf = importlib.import_module("tensorflow")

    def constant(role: str, variable: Any) -> Any:
        quantizer = getattr(layer, f"{role}_quantizer_internal", None)
        return tf.convert_to_tensor(variable) if quantizer is None else quantizer(tf.convert_to_tensor(variable))

    gamma = constant("gamma", layer.gamma) if layer.scale else tf.constant(1.0)
    beta = constant("beta", layer.beta) if layer.center else tf.constant(0.0)
    mean, variance = constant("mean", layer.moving_mean), constant("variance", layer.moving_variance)
    root = variance + np.float32(layer.epsilon)
    inverse = gamma / tf.sqrt(root) if LIBRARY == "qkeras-v3" else tf.math.rsqrt(root) * gamma
    inverse = tf.constant(1.0) / tf.sqrt(root) * gamma if LIBRARY == "qkeras-v3" else inverse
    final = getattr(layer, "inverse_quantizer_internal", None)
    spread = [1] * (x.value.ndim - 1) if int(np.ravel(layer.axis)[0]) < 0 else []
    quantized = inverse if final is None else tf.reshape(final(tf.reshape(inverse, [*spread, -1])), [-1])
    scale, shift = (np.asarray(v, dtype=np.float64) for v in (quantized, beta - mean * quantized))
    real = np.asarray(gamma, np.float64) / np.sqrt(np.asarray(root, np.float64)) if final is None else scale
    real_shift = np.asarray(beta, np.float64) - np.asarray(mean, np.float64) * real
    off, off_shift = np.abs(real - scale), np.abs(real_shift - shift)
    if not (_short(scale, 18).all() and _short(shift, 18).all()):  # hlsgen holds 26 bits of the largest
        off, off_shift = off + 2.0**-26 * np.abs(scale).max(), off_shift + 2.0**-26 * np.abs(shift).max()
    product = _rounded(Bounded(x.value * scale, x.radius * np.abs(scale) + np.abs(x.value) * off))
    return _rounded(Bounded(product.value + shift, product.radius + off_shift))


def _plain_constants(layer: Any) -> tuple[Reals, Reals]:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (np.asarray(getattr(layer, n), dtype=np.float64) for n in names)
    scale = gamma / np.sqrt(variance + float(layer.epsilon))
    return scale, beta - mean * scale


def _average(step: Step, x: Bounded) -> Bounded:
    """TensorFlow divides the sum of a window; qkeras 0.9 multiplies by the area again, v3 did so before."""
    layer = step.layer
    quantizer = getattr(layer, "average_quantizer_internal", None)
    total, count, area = _window_sums(step, x)
    factor = None if quantizer is None else np.float64(np.asarray(quantizer(_area_reciprocal(area))).reshape(-1)[0])
    if factor is None:
        return activated(
            getattr(layer, "activation", None), _rounded(Bounded(total.value / count, total.radius / count))
        )
    if LIBRARY == "qkeras-v3":
        whole = _rounded(Bounded(total.value * area / count, total.radius * area / count))
    else:
        mean = _rounded(Bounded(total.value / count, total.radius / count))
        whole = _rounded(Bounded(mean.value * area, mean.radius * area))
    result = _rounded(Bounded(whole.value * factor, whole.radius * abs(factor)))
    return activated(layer.activation, result)


def _area_reciprocal(area: int) -> Any:
    tf = importlib.import_module("tensorflow")
    return tf.constant(1.0 / area) if LIBRARY == "qkeras-v3" else 1.0 / area


def _window_sums(step: Step, x: Bounded) -> tuple[Bounded, Reals, int]:
    """Sums of the windows' cells, how many cells each has, and the area of a whole window."""
    layer, channels = step.layer, x.value.shape[-1]
    if "Global" in step.kind:
        area = int(np.prod(x.value.shape[1:-1]))
        ones = np.ones(area)
        total = _summed(lambda a, b: np.tensordot(a.reshape(len(a), area, channels), b, axes=(1, 0)), x,
                        Bounded.exact(ones))  # fmt: skip
        return total, np.full(total.value.shape, float(area)), area
    tf = importlib.import_module("tensorflow")
    size = tuple(layer.pool_size)
    strides = list(layer.strides or size)

    def pooled(a: Reals, b: Reals) -> Reals:
        return np.asarray(tf.nn.convolution(a, b, strides=strides, padding=str(layer.padding).upper()))

    ones = np.zeros((*size, channels, channels)) + np.eye(channels)
    total = _summed(pooled, x, Bounded.exact(ones))
    return total, pooled(np.ones((1, *x.value.shape[1:])), ones), int(np.prod(size))


# -- quantisers -----------------------------------------------------------------------------


def activated(function: Any, x: Bounded) -> Bounded:
    """The values a quantiser (or ReLU) may give for any number in the interval."""
    if function is None or getattr(function, "__name__", "") == "linear":
        return x
    if not type(function).__module__.startswith("qkeras"):
        raise AssertionError(f"no such activation in random networks: {function}")
    real = _real_function(function)
    if real is not None:
        return real(x)
    ends = [np.asarray(function(_tensor(v)), dtype=np.float64) for v in _points(x)]
    low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    short = _short(low, 16) & _short(high, 16) & _short(_alpha(function), 8)
    tail = np.where(short, 0.0, _LONG * np.maximum(np.abs(x.value), np.abs(high)))
    return _between([low - tail, high + tail])


def _alpha(function: Any) -> Reals:
    alpha = getattr(function, "alpha", None)
    return np.asarray(1.0 if alpha is None or isinstance(alpha, str) else alpha, dtype=np.float64)


def _points(x: Bounded) -> Iterable[Reals]:
    """The interval's ends and middle; a number of more than 20 bits is rounded inside of some quantisers."""
    spread = np.where(
        _short(x.value, 20, np.maximum(np.abs(x.value), 1.0)), 0.0, _LONG * np.maximum(np.abs(x.value), 1)
    )
    radius = np.maximum(x.radius, spread)
    yield x.value
    if radius.any():
        yield np.where(radius > 0, x.value - radius - UNIT * x.size, x.value)
        yield np.where(radius > 0, x.value + radius + UNIT * x.size, x.value)


def _real_function(function: Any) -> Callable[[Bounded], Bounded] | None:
    """quantized_tanh and quantized_sigmoid of the real functions, whose float32 values are a few units off."""
    quantizers = importlib.import_module("qkeras.quantizers")
    switch = quantizers._sigmoid.__name__ == "sigmoid"
    name = type(function).__name__
    if name == "quantized_tanh" and (function.use_real_tanh or switch):
        gain = 1.0 if function.use_real_tanh else 0.5
        return lambda x: _real_steps(np.tanh, gain, x, 2.0 ** (function.bits - 1), -1.0, bool(function.symmetric))
    if name == "quantized_sigmoid" and (function.use_real_sigmoid or switch):
        return lambda x: _real_steps(
            lambda v: 1 / (1 + np.exp(-v)), 1.0, x, 2.0**function.bits, 0.0, bool(function.symmetric)
        )
    return None


def _real_steps(
    f: Callable[[Reals], Reals], gain: float, x: Bounded, levels: float, low: float, symmetric: bool
) -> Bounded:
    with np.errstate(over="ignore"):
        ends = [f(gain * (x.value - x.radius)) - 8 * UNIT, f(gain * (x.value + x.radius)) + 8 * UNIT]
    return _between([np.clip(np.rint(e * levels) / levels, low + symmetric / levels, 1 - 1 / levels) for e in ends])


def _quantized(quantizer: Any, weights: Any) -> Bounded:
    """Weights as QKeras quantises them; a scale of 24 bits is off by the rounding of the product."""
    w = np.asarray(weights, dtype=np.float32)
    if quantizer is None:
        return Bounded.exact(w)
    q = np.asarray(quantizer(_tensor(w)), dtype=np.float64).reshape(w.shape)
    return Bounded(q, np.where(_short(q, 16), 0.0, _LONG * np.maximum(np.abs(w), np.abs(q))))


def _quantized_near(quantizer: Any, weights: Reals, error: Reals) -> Bounded:
    """The same for weights that float32 computed with an ``error``."""
    if quantizer is None:
        return Bounded(weights, error)
    ends = [_quantized(quantizer, weights + d) for d in (-error, 0 * error, error)]
    rounding = np.maximum.reduce([e.radius for e in ends])
    middle = _between([np.minimum.reduce([e.value for e in ends]), np.maximum.reduce([e.value for e in ends])])
    return Bounded(middle.value, middle.radius + rounding)


# -- float32 --------------------------------------------------------------------------------


def _tensor(values: Any) -> Any:
    return importlib.import_module("tensorflow").constant(np.asarray(values, dtype=np.float32))


def _between(ends: list[Reals]) -> Bounded:
    low, high = ends
    return Bounded((low + high) / 2, (high - low) / 2)


def _as_float32(x: Bounded) -> Bounded:
    held = x.value == x.value.astype(np.float32)
    return x if held.all() else Bounded(x.value, np.where(held, x.radius, x.radius + UNIT * np.abs(x.value)))


def _rounded(x: Bounded, more: Reals | float = 0.0) -> Bounded:
    """The result of one float32 operation: exact where float32 holds it."""
    held = (x.radius == 0) & (x.value == x.value.astype(np.float32))
    return Bounded(x.value, np.where(held, 0.0, x.radius + 2 * UNIT * x.size) + more)


def _short(values: Reals, bits: int, relative_to: Reals | None = None) -> NDArray[np.bool_]:
    """Whether numbers (next to others, if given) have at most so many significant bits."""
    _, exponent = np.frexp(values if relative_to is None else relative_to)
    steps = np.ldexp(values, bits - exponent)
    return np.asarray(steps == np.rint(steps))


def _grid(values: Reals) -> float:
    """The largest power of two that divides all values."""
    fraction, exponent = np.frexp(values[values != 0])
    if not fraction.size:
        return 1.0
    digits = np.ldexp(fraction, 53).astype(np.int64)
    lowest = (digits & -digits).astype(np.float64)
    return float(np.ldexp(lowest, exponent - 53).min())

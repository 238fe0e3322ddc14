"""How a layer of a Keras model is read: every option is taken, expected or ignored by name, or refused.

A file of ``readers/`` registers one function per Keras class with :func:`reads`. The function gets a
:class:`Call`, consumes its options, adds nodes to the graph and returns the value that carries the
layer's output. Options left over at the end are an error, so nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ConfigError, HlsgenError, ModelError, UnsupportedError, brief
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.constants import channel_scale, fold_power_of_two, given_constant
from hlsgen.frontends.keras.extents import window_of
from hlsgen.frontends.keras.options import ANYTHING, REQUIRED, SWITCH, Kind, T, extents, take
from hlsgen.frontends.keras.ranks import check_rank
from hlsgen.frontends.keras.source import End, LayerCall
from hlsgen.frontends.keras.unsupported import suggestion, why_refused
from hlsgen.frontends.keras.variables import CHANNELS, check_shape, shapes_of
from hlsgen.frontends.limits import MAX_WINDOW
from hlsgen.frontends.permuting import add_permute
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import integers
from hlsgen.layers.window import Window
from hlsgen.quantizers import Quantizer
from hlsgen.quantizers.qkeras import Library, parse_quantizer

TRAINING_ONLY = frozenset(
    [
        "name",
        "trainable",
        "dtype",
        "batch_input_shape",
        "batch_shape",
        "input_shape",
        "seed",
        "autocast",
        "build_config",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
        "depthwise_initializer",
        "depthwise_regularizer",
        "depthwise_constraint",
        "pointwise_initializer",
        "pointwise_regularizer",
        "pointwise_constraint",
        "beta_initializer",
        "beta_regularizer",
        "beta_constraint",
        "gamma_initializer",
        "gamma_regularizer",
        "gamma_constraint",
        "moving_mean_initializer",
        "moving_variance_initializer",
        "activity_regularizer",
        "kernel_range",
        "bias_range",
        "depthwise_range",
        "pointwise_range",
        "implementation",
        "quantization_config",
        "lora_alpha",
        "registered_name",
        "module",
        "noise_shape",
        "rate",
        "input_dim",
        "input_length",
    ]
)
"""Options that matter in training only (or that another option already said)."""


Reader = Callable[["Call"], Value | Sequence[Value]]
"""Adds the nodes of a layer and returns its output; a sequence where it has several."""
ActivationReader = Callable[["Call", Value], Value]
R = TypeVar("R", bound=Reader)
READERS: dict[str, Reader] = {}
OPERATIONS: dict[str, Reader] = {}
ACTIVATIONS: dict[str, ActivationReader] = {}


def _register(table: dict[str, Any], names: Sequence[str], function: Any) -> None:
    for name in names:
        if name in table:
            raise TypeError(f"{name!r} is read twice: {table[name].__module__} does it")
        table[name] = function


def reads(*class_names: str) -> Callable[[R], R]:
    """Register the reader of Keras (or QKeras) classes."""

    def register(function: R) -> R:
        _register(READERS, class_names, function)
        return function

    return register


def operation(*names: str) -> Callable[[R], R]:
    """Register the reader of operations on tensors: classes of keras.ops, functions of TensorFlow."""

    def register(function: R) -> R:
        _register(OPERATIONS, names, function)
        return function

    return register


def activation(*names: str) -> Callable[[ActivationReader], ActivationReader]:
    """Register the reader of activation functions given by name."""

    def register(function: ActivationReader) -> ActivationReader:
        _register(ACTIVATIONS, names, function)
        return function

    return register


class Call(Builder):
    """One call of a Keras layer, being read."""

    def __init__(self, source: LayerCall, inputs: Sequence[Value], graph: Graph, library: Library) -> None:
        super().__init__(graph, source.shown, source.class_name, inputs)
        self.source, self.library = source, library
        self.options = _options(source.config) | source.arguments
        if source.is_operation:
            self.options.pop("function", None)  # by which its reader was found
        self.weights = dict(source.weights)
        self.exact_weights: set[str] = set()
        """Roles of weights that are quantised already: numbers of the model's own fixed point."""
        self._numbers_taken = not source.numbers
        self.inner_class = source.class_name
        """The class that is read: behind a wrapper, that of the layer it holds."""
        self.inner_config: Mapping[str, Any] = source.config
        """Its configuration, whole."""

    @property
    def keras3(self) -> bool:
        """Whether the model is one of Keras 3 (some functions of Keras 2 differ under the same name)."""
        return self.library == "qkeras-v3"

    @property
    def is_qkeras(self) -> bool:
        """Whether the layer is one of QKeras, where some functions of Keras have another meaning."""
        return self.inner_class[:1] == "Q" and self.inner_class[1:2].isupper()

    def unwrap(self, prefix: str, class_name: str, config: Mapping[str, Any]) -> None:
        """Go on as the layer that a wrapper holds: its options, and the weights whose roles begin with ``prefix``."""
        self.inner_class, self.inner_config = class_name, config
        self.options |= _options(config)
        self.weights = {role.removeprefix(prefix): array for role, array in self.weights.items()}

    @property
    def is_operation(self) -> bool:
        """Whether this is an operator or function applied to tensors (``x + y``), not a layer."""
        return self.source.is_operation

    # -- inputs -----------------------------------------------------------------------------

    @property
    def input(self) -> Value:
        """The input of a layer that has one. Raises ModelError."""
        if len(self.inputs) != 1:
            raise ModelError(f"{self.where}: reads {len(self.inputs)} tensors, expected one; the file is damaged")
        return self.inputs[0]

    @property
    def flat(self) -> bool:
        """Whether this is a layer of one axis (1D): of (steps, channels), not of (rows, columns, channels).

        Raises ModelError where its input is not of that form.
        """
        flat, shape = "1D" in self.inner_class, self.input.shape
        if len(shape) != (2 if flat else 3):
            form = "(steps, channels)" if flat else "(rows, columns, channels)"
            raise ModelError(f"{self.where}: works on tensors {form}, found {shape}; the file is damaged")
        return flat

    # -- options ----------------------------------------------------------------------------

    def take(self, key: str, kind: Kind[T], default: Any = REQUIRED) -> T:
        """Consume an option and return it, read as its kind; ``default`` where it is absent."""
        value = take(self.options, self.where, key, kind, default)
        self.options.pop(key, None)
        return value

    def argument(self, key: str, place: int, kind: Kind[T], default: Any = REQUIRED) -> T:
        """Consume what an operation is given by keyword ``key``, or as argument number ``place`` (from 0 on)."""
        number = dict(enumerate(self.numbers())).get(place)
        if number is not None:
            self.options[key] = int(number) if number.is_integer() else number
        elif str(place) in self.options:
            self.options[key] = self.options.pop(str(place))
        return self.take(key, kind, default)

    def numbers(self) -> tuple[float | None, ...]:
        """Consume the numbers that an operation is given: its arguments in order, None for a tensor."""
        self._numbers_taken = True
        return self.source.numbers

    def expect(self, key: str, *allowed: Any) -> Any:
        """Consume an option that must be absent or one of ``allowed``."""
        value = self.options.pop(key, allowed[0])
        if not any(value == a and isinstance(value, bool) == isinstance(a, bool) for a in allowed):
            wanted = " or ".join(repr(a) for a in allowed)
            raise UnsupportedError(
                f"{self.where}: option {key}={brief(value)} is not supported (only {wanted}); rebuild the layer with "
                "that"
            )
        return value

    def ignore(self, *keys: str) -> None:
        """Consume options that do not change what the layer computes at inference."""
        for key in keys:
            self.options.pop(key, None)

    def check_options(self) -> None:
        """Refuse what nobody consumed."""
        left = {k: v for k, v in self.options.items() if v is not None}
        if not self._numbers_taken:
            left["arguments"] = self.source.numbers
        constants = [value for key, value in left.items() if key.isdecimal()]
        if constants:
            raise UnsupportedError(
                f"{self.where}: it is called with the constant {brief(constants[0])}; it takes tensors and single "
                "numbers only; use a layer that holds the constant (for example Rescaling, or a frozen Dense or "
                "BatchNormalization)"
            )
        if left:
            spelled = ", ".join(f"{k}={brief(v)}" for k, v in left.items())
            raise UnsupportedError(f"{self.where}: unknown option {spelled}; hlsgen refuses what it cannot honour")

    def finish(self, *results: Value) -> None:
        """Refuse what nobody consumed; give the nodes their names."""
        self.check_options()
        super().finish(*results)

    # -- weights ----------------------------------------------------------------------------

    def weight(self, role: str, shape: Pattern | None = None) -> Floats:
        """Return a weight as real numbers.

        Raises ModelError if it is missing or has not the shape that the layer needs for this input: ``shape``, by
        default what its configuration says.
        """
        if role not in self.weights:
            have = ", ".join(self.weights) or "none"
            raise ModelError(f"{self.where}: weight '{role}' is missing from the model (it has: {have})")
        array = np.asarray(self.weights[role], dtype=np.float64)
        expected = shapes_of(self.inner_class, self.inner_config).get(role) if shape is None else shape
        if expected is not None:
            given = self.inputs[0].shape
            source, known = f"its input of shape {given}", {CHANNELS: given[-1]}
            check_shape(self.where, role, array.shape, expected, known, source)
        return array

    def quantizer(self, key: str) -> Quantizer | None:
        config = self.options.pop(key, None)
        try:
            return parse_quantizer(config, library=self.library)
        except (ConfigError, UnsupportedError) as error:
            raise type(error)(f"{self.where}: {key}: {error}") from error

    def constant(
        self,
        role: str,
        prefix: str | None = None,
        reshape: Callable[[NDArray[Any]], NDArray[Any]] = lambda k: k,
    ) -> tuple[Constant, Floats | None]:
        """Read a kernel through its quantiser: the constant and its per-output scale (None if one)."""
        values = self.weight(role)
        quantizer = self.quantizer(f"{prefix or role}_quantizer")
        if quantizer is None:
            return self.made(role, reshape(values)), None
        if self.source.class_name == "QSeparableConv1D":
            values = values[None]  # QKeras gives the kernels a height before it quantises them: scale_axis counts it
        done = quantizer.quantize_weights(values.astype(np.float32))
        mantissas = reshape(integers(done.mantissas))
        if done.scale is None:
            return Constant.exactly(mantissas, done.type), None
        outputs = 2 if role == "depthwise_kernel" else 1
        scale = reshape(np.broadcast_to(done.scale, values.shape))
        folded = fold_power_of_two(mantissas, done.type, scale)
        if folded is not None:
            return folded, None
        per_output = channel_scale(scale, outputs)
        if per_output is None:  # the scale varies along the inputs: the products, as float32 holds them
            products = self.held_exactly(role, reshape(done.values()))
            return replace(products, given=True), None
        return Constant.exactly(mantissas, done.type), per_output.reshape(-1)

    def made(self, role: str, values: Floats) -> Constant:
        """The constant of a weight, or of a part of it: exactly, if it is quantised already."""
        return given_constant(values) if role in self.exact_weights else Constant.of(values)

    def bias(self, units: int) -> Constant:
        """Read the bias through its quantiser; zeros where the layer has none."""
        if not self.take("use_bias", SWITCH, True):
            self.options.pop("bias_quantizer", None)
            return no_bias(units)
        values = self.weight("bias")
        quantizer = self.quantizer("bias_quantizer")
        if quantizer is None:
            return self.made("bias", values)
        done = quantizer.quantize_weights(values.astype(np.float32))
        if done.scale is None:
            return Constant.exactly(integers(done.mantissas), done.type)
        scale = np.broadcast_to(done.scale, values.shape)
        folded = fold_power_of_two(integers(done.mantissas), done.type, scale)
        if folded is not None:
            return folded
        return Constant.of((done.type.to_float(done.mantissas) * scale).astype(np.float32))

    def window(self) -> Window:
        """Read size, strides, dilation and padding of a convolution."""
        size, stride, dilation = self.cells()
        padding = self.expect("padding", "valid", "same", "causal")
        return self.checked(window_of(self.input.shape, size, stride, dilation, padding))

    def cells(self) -> tuple[tuple[int, int], ...]:
        """Read size, strides and dilation of a convolution. Raises UnsupportedError where Keras has no such layer."""
        self.expect("data_format", "channels_last")
        pair = extents(self.flat)
        size, stride = self.take("kernel_size", pair), self.take("strides", pair, (1, 1))
        dilation = self.take("dilation_rate", pair, (1, 1))
        both = self.keras3 and self.inner_class.startswith(("Depthwise", "Separable"))
        if max(stride) > 1 and max(dilation) > 1 and not both:
            raise UnsupportedError(
                f"{self.where}: strides={stride} with dilation_rate={dilation}; one of them has to be 1, as in Keras"
            )
        return size, stride, dilation

    def bound(self, elements: int, most: int, what: str) -> None:
        """Refuse what would have too many elements, before it is made."""
        if elements > most:
            raise ModelError(f"{self.where}: {what} would have {elements} elements, more than the {most} supported")

    def checked(self, window: Window) -> Window:
        """Refuse a window that does not fit its input, or is too large."""
        self.bound(window.taps, MAX_WINDOW, f"a window of {window}")
        if min(window.output_extent(self.input.shape)) < 1:
            raise ModelError(f"{self.where}: a window of {window} does not fit its input of shape {self.input.shape}")
        return window

    # -- activations ----------------------------------------------------------------------

    def activate(self, value: Value) -> Value:
        """Apply the layer's ``activation`` option."""
        return self.apply_activation(value, self.take("activation", ANYTHING, None))

    def apply_activation(self, value: Value, spec: Any) -> Value:
        """Apply an activation given as Keras gives it: a name, a quantiser's spelling or a serialized object."""
        name = _activation_name(spec)
        if name in ACTIVATIONS:
            if isinstance(spec, Mapping) and isinstance(spec.get("config"), Mapping):
                self.options |= _options(spec["config"])
            return ACTIVATIONS[name](self, value)
        try:
            quantizer = parse_quantizer(dict(spec) if isinstance(spec, Mapping) else str(spec), library=self.library)
        except HlsgenError as error:
            raise self._unknown_activation(name, error) from error
        if quantizer is None:
            raise self._unknown_activation(name, None)
        return self.apply_quantizer(value, quantizer)

    def _unknown_activation(self, name: str, error: HlsgenError | None) -> UnsupportedError:
        if any(word in name for word in ("quantized", "ternary", "binary", "bernoulli")):
            return UnsupportedError(f"{self.where}: activation {brief(name)} is not supported: {error}")
        return UnsupportedError(
            f"{self.where}: activation {brief(name)} is not supported{suggestion(name, ACTIVATIONS)}; a quantiser of "
            "QKeras is possible too"
        )

    def apply_quantizer(self, value: Value, quantizer: Quantizer) -> Value:
        """Apply a quantiser to data."""
        try:
            return self.quantize(value, quantizer.activation())
        except UnsupportedError as error:
            raise UnsupportedError(f"{self.where}: {error}") from error


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in config.items() if k not in TRAINING_ONLY}


def _activation_name(spec: Any) -> str:
    if spec is None:
        return "linear"
    if isinstance(spec, Mapping):
        config = spec.get("config")
        return str(config if isinstance(config, str) else spec.get("class_name"))
    return str(spec)


def read_call(source: LayerCall, inputs: Sequence[Value], graph: Graph, library: Library = "qkeras") -> Sequence[Value]:
    """Add the nodes of one source layer to the graph and return its outputs.

    ``library`` is the QKeras that a quantiser's spelling belongs to (defaults and positions differ).
    """
    reader = _operation_reader(source) if source.is_operation else READERS.get(source.class_name)
    if reader is None:
        why = why_refused(source.class_name, source.config, READERS)
        raise UnsupportedError(f"layer '{source.name}' ({source.class_name}) is not supported: {why}")
    if not inputs:
        raise ModelError(f"layer '{source.name}' ({source.class_name}): it reads no tensor; the file is damaged")
    call = Call(source, inputs, graph, library)
    try:
        check_rank(source, inputs[0].shape)
        results = read_as_last(call, reader)
    except ValueError as error:  # by which layers say that their constants and options do not go together
        if isinstance(error, HlsgenError):
            raise
        raise ModelError(
            f"{call.where}: its weights, options and inputs do not go together: {error}; the file is damaged or of an "
            "unknown version"
        ) from error
    call.finish(*(results if source.end is not End.FIRST else ()))  # then the layer's own are still to come
    return results


def read_as_last(call: Call, reader: Reader) -> Sequence[Value]:
    """What a reader makes of a call; of one with ``data_format="channels_first"``, with the channels brought to the end
    in front of it and back behind it.

    Kernels of Keras have the same axes either way. An activation is applied where Keras does: to its own axes.
    """
    if call.options.get("data_format") != "channels_first":
        return _several(reader(call))
    if "axis" in call.options:  # of the folded layers of QKeras: that of their normalisation
        raise UnsupportedError(
            f"{call.where}: options data_format='channels_first' and axis={brief(call.options['axis'])}; rebuild the "
            "layer with data_format='channels_last'"
        )
    # channels of ConvLSTM come behind the steps, its activation is inside; weights of LocallyConnected lie otherwise
    if call.source.class_name.startswith(("ConvLSTM", "LocallyConnected")):
        raise UnsupportedError(
            f"{call.where}: option data_format='channels_first' is not supported; rebuild the layer with "
            "data_format='channels_last'"
        )
    call.options["data_format"] = "channels_last"
    activation = call.options.pop("activation", None)
    rank = len(call.inputs[0].shape)
    last, first = (*range(1, rank), 0), (rank - 1, *range(rank - 1))
    call.inputs = [add_permute(call, value, last, "channels_last") for value in call.inputs]
    results = [
        add_permute(call, value, first, "channels_first") if len(value.shape) == rank else value
        for value in _several(reader(call))
    ]
    return [call.apply_activation(value, activation) for value in results]


def _several(result: Value | Sequence[Value]) -> Sequence[Value]:
    return [result] if isinstance(result, Value) else list(result)


def _operation_reader(source: LayerCall) -> Reader:
    name = str(source.config.get("function", source.class_name))
    if name not in OPERATIONS:
        raise UnsupportedError(
            f"operation '{source.name}' ({name}) is not supported{suggestion(name, OPERATIONS)}; most have a "
            "layer that does the same"
        )
    return OPERATIONS[name]

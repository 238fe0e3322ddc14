"""Read a quantiser as models spell it: a serialised dict, a string, or a live object."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias, cast

import numpy as np

from hlsgen.errors import ConfigError, UnsupportedError, brief, nearest
from hlsgen.quantizers.qkeras.functions import InternalSigmoid, QuantizedRelu, QuantizedSigmoid, QuantizedTanh
from hlsgen.quantizers.qkeras.linear import QuantizedBits, QuantizedHswish, QuantizedLinear
from hlsgen.quantizers.qkeras.po2 import WIDEST_EXPONENT, PowerOfTwo
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer
from hlsgen.quantizers.qkeras.scales import Alpha, ScaleAxis
from hlsgen.quantizers.qkeras.signatures import SIGNATURES, Library, Signature, signature
from hlsgen.quantizers.qkeras.signs import Binary, BinaryFunction, Ternary


def parse_quantizer(
    config: object,
    *,
    library: Library | None = None,
    sigmoid: InternalSigmoid | None = None,
    where: str = "quantizer",
) -> QKerasQuantizer | None:
    """Return what ``config`` means, or None for None (and for an empty string).

    ``config`` is a serialised dict (``{"class_name": ..., "config": {...}}``), a string such as
    ``"quantized_relu(6,2)"``, a live QKeras object, or None. ``library`` decides positions, defaults
    and arithmetic where the two libraries differ; by default a dict that says ``qkeras>...`` and
    live objects speak for themselves and the rest is qkeras 0.9. ``sigmoid`` is what
    ``set_internal_sigmoid`` was given (read from the live library for objects, "hard" for the rest);
    ``where`` begins the messages.

    Raises ConfigError for misspelt names and impossible values, UnsupportedError for what QKeras
    can do but hlsgen refuses.
    """
    if config is None or config == "":
        return None
    if isinstance(config, str):
        name, args, options = _read_string(config, where)
        found: Library = library or _library_of_name(name)
        bound = _bind(signature(name, found, where), args, options, where)
    elif isinstance(config, Mapping):
        name, options = _read_dict(config, where)
        found = library or _library_of_dict(config, name)
        sigmoid = sigmoid or config.get(_SIGMOID)
        bound = _bind(signature(name, found, where), [], options, where)
    else:
        name, found = type(config).__name__, library or _library_of_object(config)
        bound = _read_object(config, signature(name, found, where))
        sigmoid = sigmoid or _sigmoid_of_object(config)
    return _Options(name, bound, found, sigmoid or "hard", where).build()


def live_configuration(quantizer: object) -> dict[str, Any] | None:
    """A live QKeras quantiser as a dict for :func:`parse_quantizer`, complete where ``get_config`` forgets options.

    Returns None for anything that is no QKeras quantiser.
    """
    name = type(quantizer).__name__
    if name not in SIGNATURES or type(quantizer).__module__.partition(".")[0] != "qkeras":
        return None
    known = signature(name, _library_of_object(quantizer), "quantizer")
    options = {key: _plain(value) for key, value in _read_object(quantizer, known).items()}
    return {"class_name": name, "config": options, _SIGMOID: _sigmoid_of_object(quantizer)}


_SIGMOID = "internal_sigmoid"
"""Key of a serialised quantiser that says what ``set_internal_sigmoid`` was given."""


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


# -- spellings ------------------------------------------------------------------------------


def _read_string(text: str, where: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Read ``name`` or ``name(literal, key=literal)``."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{where}: {brief(text)} is not of the form name(value, key=value)") from None
    if isinstance(tree, ast.Name):
        return tree.id, [], {}
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        raise ConfigError(f"{where}: {brief(text)} is not of the form name(value, key=value)")
    args = [_literal(node, text, where) for node in tree.args]
    options: dict[str, Any] = {}
    for keyword in tree.keywords:
        if keyword.arg is None or keyword.arg in options:
            raise ConfigError(f"{where}: {brief(text)} gives an argument twice or by **")
        options[keyword.arg] = _literal(keyword.value, text, where)
    return tree.func.id, args, options


def _literal(node: ast.expr, text: str, where: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise ConfigError(
            f"{where}: '{ast.unparse(node)[:80]}' in {brief(text)} is not a number, a string, True, False or None"
        ) from None


def _read_dict(config: Mapping[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    name, options = config.get("class_name"), config.get("config")
    if name == "__function__" or isinstance(options, str):  # a bare function, serialised by name
        return str(options), {}
    if not isinstance(name, str) or not isinstance(options, Mapping | None):
        keys = ", ".join(sorted(map(str, config)))
        raise ConfigError(f"{where}: a serialised quantizer has 'class_name' and 'config', found {keys}")
    return name.rpartition(">")[2], dict(options or {})


def _library_of_dict(config: Mapping[str, Any], name: str) -> Library:
    registered = str(config.get("registered_name") or config.get("class_name"))
    return "qkeras-v3" if registered.startswith("qkeras>") else _library_of_name(name)


def _library_of_name(name: str) -> Library:
    return "qkeras-v3" if name == "quantized_linear" else "qkeras"


def _library_of_object(quantizer: object) -> Library:
    module = sys.modules.get(type(quantizer).__module__)
    return "qkeras-v3" if hasattr(module, "quantized_linear") else "qkeras"


def _sigmoid_of_object(quantizer: object) -> InternalSigmoid:
    function = getattr(sys.modules.get(type(quantizer).__module__), "_sigmoid", None)
    names: dict[str, InternalSigmoid] = {
        "hard_sigmoid": "hard",
        "smooth_sigmoid": "smooth",
        "sigmoid": "real",
    }
    return names.get(getattr(function, "__name__", ""), "hard")


def _read_object(quantizer: object, known: Signature) -> dict[str, Any]:
    """A live object's options; its own ``get_config`` forgets several that change the result."""
    bound = {}
    for key, default in known.options.items():
        value = getattr(quantizer, key, default)
        bound[key] = value.numpy() if hasattr(value, "numpy") else value
    return bound


def _bind(known: Signature, args: list[Any], options: dict[str, Any], where: str) -> dict[str, Any]:
    if len(args) > len(known.options):
        raise ConfigError(f"{where}: {known.name} takes at most {len(known.options)} arguments, found {len(args)}")
    bound = dict(zip(known.options, args, strict=False))
    for key, value in options.items():
        if key in bound:
            raise ConfigError(f"{where}: {known.name} gets '{key}' twice, by position and by name")
        if key not in known.options and key not in known.saved_only:
            raise ConfigError(f"{where}: {known.name} has no option '{key}'{nearest(key, known.options)}")
        bound[key] = value
    return {**known.options, **known.saved_only, **bound}


# -- meanings -------------------------------------------------------------------------------


class _Options:
    """The options of one quantiser, taken one by one with their checks."""

    def __init__(
        self, name: str, values: dict[str, Any], library: Library, sigmoid: InternalSigmoid, where: str
    ) -> None:
        self.name, self.values, self.library, self.sigmoid = name, values, library, sigmoid
        self.where = f"{where}: {name}"

    def build(self) -> QKerasQuantizer:
        if "qnoise_factor" in self.values and self.number("qnoise_factor") != 1:
            raise UnsupportedError(
                f"{self.where}: qnoise_factor={self.values['qnoise_factor']} mixes unquantised values in; "
                "set it to 1 before export"
            )
        return _BUILDERS[self.name](self)

    def number(self, key: str) -> float:
        value = self.values[key]
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise self.wrong(key, "a number") from None
        if array.size != 1 or not np.isfinite(array).all():
            raise self.wrong(key, "a finite number")
        return float(array.reshape(-1)[0])

    def integer(self, key: str, low: int, high: int) -> int:
        value = self.number(key)
        if value != int(value) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return int(value)

    def optional_number(self, key: str) -> float | None:
        return None if self.values[key] is None else self.number(key)

    def optional_integer(self, key: str) -> int | None:
        return None if self.values.get(key) is None else self.integer(key, -126, 127)

    def flag(self, key: str) -> bool:
        value = self.values[key]
        if value in ("True", "False"):
            return bool(value == "True")
        if self.number(key) not in (0, 1):
            raise self.wrong(key, "0, 1, True or False")
        return bool(self.number(key))

    def alpha(self) -> Alpha:
        value = self.values["alpha"]
        if value is None or (isinstance(value, str) and value in ("auto", "auto_po2")):
            return cast(Alpha, value)
        array = self.array("alpha")
        return float(array) if array.ndim == 0 else _nested(array)

    def array(self, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        value = self.values[key]
        if isinstance(value, Mapping):  # a serialised array or tensor
            inside = value.get("config", value)
            value = inside.get("value") if isinstance(inside, Mapping) else None
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise self.wrong(key, 'a number, numbers, "auto", "auto_po2" or None') from None
        if not np.isfinite(array).all():
            raise self.wrong(key, "finite")
        return array

    def scale_axis(self) -> ScaleAxis:
        value = self.values.get("scale_axis")
        if value is None:
            return None
        axes = [value] if np.ndim(value) == 0 else list(value)
        if not all(isinstance(a, int | np.integer) and a >= 0 for a in axes):
            raise self.wrong("scale_axis", "None or axes from 0")
        return int(axes[0]) if np.ndim(value) == 0 else tuple(int(a) for a in axes)

    def exponents(self) -> tuple[int | None, int | None]:
        if self.values.get("elements_per_scale") is not None:
            raise UnsupportedError(f"{self.where}: elements_per_scale gives groups of weights scales; leave it out")
        limits = self.optional_integer("min_po2_exponent"), self.optional_integer("max_po2_exponent")
        if limits != (None, None) and self.values["alpha"] != "auto_po2" and self.name == "quantized_bits":
            raise ConfigError(f"{self.where}: min_po2_exponent and max_po2_exponent need alpha='auto_po2'")
        return limits

    def slope(self) -> Fraction:
        slope = Fraction(self.number("negative_slope"))
        parts = slope.numerator, slope.denominator
        if slope < 0 or (slope and any(part & (part - 1) for part in parts)):
            raise self.wrong("negative_slope", "0 or a power of two")
        return slope

    def wrong(self, key: str, expected: str) -> ConfigError:
        return ConfigError(f"{self.where}: {key}={brief(self.values[key])} is not {expected}")


def _nested(array: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[object, ...]:
    if array.ndim == 1:
        return tuple(float(v) for v in array)
    return tuple(_nested(row) for row in array)


_Builder: TypeAlias = Callable[[_Options], QKerasQuantizer]


def _quantized_bits(o: _Options) -> QuantizedBits:
    alpha = o.alpha()
    scale = None if o.values.get("post_training_scale") is None else o.array("post_training_scale")
    if scale is not None and not isinstance(alpha, str):
        raise ConfigError(f"{o.where}: post_training_scale needs alpha='auto' or 'auto_po2'")
    return QuantizedBits(
        o.name,
        bits=o.integer("bits", 1, 62),
        integer=o.integer("integer", -64, 64),
        symmetric=o.flag("symmetric") or isinstance(alpha, str),
        keep_negative=o.flag("keep_negative"),
        alpha=alpha,
        scale_axis=o.scale_axis(),
        exponents=o.exponents(),
        post_training_scale=None if scale is None else float(scale) if scale.ndim == 0 else _nested(scale),
        library=o.library,
    )


def _quantized_linear(o: _Options) -> QKerasQuantizer:
    return QuantizedLinear(
        o.name,
        bits=o.integer("bits", 1, 25),
        integer=o.integer("integer", -64, 64),
        symmetric=o.flag("symmetric"),
        keep_negative=o.flag("keep_negative"),
        alpha=o.alpha(),
        scale_axis=o.scale_axis(),
    )


def _quantized_hswish(o: _Options) -> QKerasQuantizer:
    if not o.flag("keep_negative"):
        raise o.wrong("keep_negative", "True, the only value quantized_hswish takes")
    shift, upper = Fraction(o.number("relu_shift")), Fraction(o.number("relu_upper_bound"))
    if shift <= 0 or upper <= 0:
        raise ConfigError(f"{o.where}: relu_shift and relu_upper_bound must be positive")
    return QuantizedHswish(o.name, _quantized_bits(o), shift, upper)


def _quantized_relu(o: _Options) -> QKerasQuantizer:
    bound = None if o.flag("is_quantized_clip") else o.optional_number("relu_upper_bound")
    if bound is not None and bound < 0:
        raise o.wrong("relu_upper_bound", "None or positive")
    slope, squeezed = o.slope(), o.flag("use_sigmoid")
    if squeezed and slope:
        raise UnsupportedError(f"{o.where}: use_sigmoid with a negative_slope; leave one of them out")
    return QuantizedRelu(
        o.name,
        bits=o.integer("bits", 1, 24 + (slope != 0)),
        integer=o.integer("integer", -64, 30),
        negative_slope=slope,
        upper=Fraction(float(np.float32(bound))) if bound else None,
        sigmoid=o.sigmoid if squeezed else None,
    )


def _quantized_sigmoid(o: _Options) -> QKerasQuantizer:
    shape: InternalSigmoid = "real" if o.flag("use_real_sigmoid") else o.sigmoid
    return QuantizedSigmoid(o.name, o.integer("bits", 1, 24), o.flag("symmetric"), shape)


def _quantized_tanh(o: _Options) -> QKerasQuantizer:
    return QuantizedTanh(o.name, o.integer("bits", 1, 24), o.flag("symmetric"), o.sigmoid, o.flag("use_real_tanh"))


def _power_of_two(o: _Options) -> QKerasQuantizer:
    rounding = o.values["log2_rounding"]
    if rounding not in ("rnd", "floor"):
        raise o.wrong("log2_rounding", "'rnd' or 'floor'")
    limit = o.optional_number("max_value")
    if limit is not None and limit < 0:
        raise o.wrong("max_value", "None or positive")
    relu = o.name == "quantized_relu_po2"
    return PowerOfTwo(
        o.name,
        bits=o.integer("bits", 1, WIDEST_EXPONENT),
        relu=relu,
        max_value=limit,
        negative_slope=float(o.slope()) if relu else 0.0,
        quadratic=o.flag("quadratic_approximation"),
        floor=rounding == "floor",
        straight_through=o.flag("use_ste"),
    )


def _binary(o: _Options) -> QKerasQuantizer:
    if o.values.get("training") and o.flag("training"):
        raise UnsupportedError(f"{o.where}: training=True keeps it random at inference; leave it out")
    use_01 = "use_01" in o.values and o.flag("use_01")
    return Binary(o.name, use_01, o.alpha(), o.scale_axis(), o.exponents())


def _binary_function(o: _Options) -> QKerasQuantizer:
    return BinaryFunction(o.name, -1 if o.name == "binary_tanh" else 0)


def _ternary(o: _Options) -> QKerasQuantizer:
    alpha, threshold = o.alpha(), o.optional_number("threshold")
    if isinstance(alpha, str) and threshold is not None:
        raise ConfigError(f"{o.where}: threshold={threshold} with alpha='{alpha}', which fits it; give one of them")
    return Ternary(o.name, alpha, 0.33 if threshold is None else threshold, o.integer("number_of_unrolls", 0, 1000))


def _refused(reason: str, advice: str) -> _Builder:
    def build(o: _Options) -> QKerasQuantizer:
        raise UnsupportedError(f"{o.where} {reason}; {advice}")

    return build


_BUILDERS: dict[str, _Builder] = {
    "quantized_bits": _quantized_bits,
    "quantized_linear": _quantized_linear,
    "quantized_hswish": _quantized_hswish,
    "quantized_relu": _quantized_relu,
    "quantized_sigmoid": _quantized_sigmoid,
    "quantized_tanh": _quantized_tanh,
    "quantized_po2": _power_of_two,
    "quantized_relu_po2": _power_of_two,
    "binary": _binary,
    "stochastic_binary": _binary,
    "binary_sigmoid": _binary_function,
    "binary_tanh": _binary_function,
    "ternary": _ternary,
    "stochastic_ternary": _ternary,
    "bernoulli": _refused("is random at inference too", "use binary(use_01=True)"),
    "quantized_ulaw": _refused(
        "returns logarithms that lie on no fixed-point grid", "use quantized_tanh or quantized_bits"
    ),
}
assert _BUILDERS.keys() == SIGNATURES.keys()

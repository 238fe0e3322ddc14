"""The configuration: one model for YAML files, dicts and keyword arguments.

Three levels of settings (``defaults``, ``layer_types``, ``layers``) and one lookup rule: the most
specific level that says something wins. A model's own quantiser stands between layer name and layer type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    StrictBool,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from hlsgen.errors import ConfigError, TypeSpecError, brief, nearest
from hlsgen.ir.spelling import INPUT_MODES, WrittenType
from hlsgen.ir.text import is_storable
from hlsgen.ir.types import FixedType
from hlsgen.named_files import checked_file
from hlsgen.names_of_hls4ml import advice_on_key, advice_on_value
from hlsgen.strict_yaml import MAX_BYTES, Document, parse

IoType = Literal["io_parallel", "io_stream"]
InterfaceName = Literal["ap_vld", "axis", "axi_master"]
ControlName = Literal["ap_ctrl_hs", "ap_ctrl_chain", "ap_ctrl_none"]
Strategy = Literal["auto", "latency", "resource", "unrolled", "distributed_arithmetic"]
Storage = Literal["auto", "bram", "uram", "lutram"]
PipelineForm = Literal["auto", "dataflow", "flat"]
CalibrationMethod = Literal["max", "percentile", "mse"]
WeightCalibration = Literal["max", "mse", "percentile"]
Dsp = Literal["auto", "yes", "no"]
WeightsAt = Literal["constant", "axi", "bram_port"]
RecurrenceForm = Literal["loop", "unrolled"]
WeightGranularity = Literal["auto", "tensor", "channel"]
InputLayout = Literal["channels_first", "channels_last"]
InputGranularity = Literal["tensor", "channel"]
Granularity = Literal["model", "type", "name"]
"""How far a printed configuration goes into detail: one set of defaults, also one per layer type, one per layer."""
_LONGEST_TEXT = 1000
"""Characters of a name or a path."""
_MOST_DIGITS = 18
"""Of a whole number, as in files."""
_DEEPEST = 1 << 24
"""Words of a stream: a whole tensor of the largest size."""
_NARROWEST, _WIDEST_INFERRED = 2, 64
"""Bits that inferred weights and results may be given."""
_MOST_OCTAVES = 40
"""By which channels may be held times powers of two."""
_LARGEST_NUMBER = 1e30
"""Beyond what any layer computes."""
_WIDEST, _REACH = 120, 256
"""What a type may hold: as many bits as a sum, and twice the exponents of float32."""


def _parse_type(value: Any) -> Any:
    if value is None or (isinstance(value, str) and value == "auto"):
        return None
    if not isinstance(value, str | FixedType | WrittenType):
        raise TypeSpecError("a type is text, such as 'fixed<16,6>' or 'auto'")
    written = WrittenType.parse(value)
    fixed = written.type
    if fixed.width > _WIDEST or max(abs(fixed.integer), abs(fixed.frac)) > _REACH:
        raise TypeSpecError(
            f"{written} cannot be computed with; supported are up to {_WIDEST} bits, from 2^{_REACH} down to "
            f"2^-{_REACH} (twice as far as float32 reaches)"
        )
    return written


def _spell(value: WrittenType | None) -> str:
    return "auto" if value is None else str(value)


TypeSpec = Annotated[
    WrittenType | None,
    BeforeValidator(_parse_type),
    PlainSerializer(_spell, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["auto", "fixed<16,6,RND,SAT>"]}),
]
"""A type as it is written. What is left out of it is completed where it is known what the type is for."""


def _whole(value: Any) -> Any:
    """Whole numbers of Python and NumPy; no boolean, no text, no 4.0."""
    if isinstance(value, bool) or not isinstance(value, Integral | None):
        raise ValueError("expected a whole number")
    if value is not None and abs(value) >= 10**_MOST_DIGITS:
        raise ValueError(f"expected a whole number of up to {_MOST_DIGITS} digits")
    return None if value is None else int(value)


def _real(value: Any) -> Any:
    """Numbers of Python and NumPy; no boolean, no text."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("expected a number that a float holds") from None


def _percent(value: Any) -> Any:
    """A number of %, without a sign."""
    if isinstance(value, str) and value.strip().endswith("%"):
        raise ValueError("expected the number without its '%'")
    return _real(value)


def _yes_or_no(value: Any) -> Any:
    """The words for what a YAML file says by true and false."""
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _writable(value: Any) -> Any:
    """A text or path that a file or a file system takes: not endless, no NUL, no half of a character."""
    text = str(value)
    if len(text) > _LONGEST_TEXT or not is_storable(text):
        raise ValueError(f"expected up to {_LONGEST_TEXT} characters, none of them a NUL or half of one")
    return value


def _alike(types: tuple[WrittenType | None, ...]) -> tuple[WrittenType | None, ...]:
    """Types of one port: of all, only the binary point may be another."""
    known = [one.completed(INPUT_MODES) for one in types if one is not None]
    if not known or len(known) < len(types) or len({replace(one, integer=0) for one in known}) > 1:
        raise ValueError("expected types for each feature that differ in nothing but their integer bits")
    return types


InputType = Annotated[
    Annotated[TypeSpec, Tag("[one]")] | Annotated[tuple[TypeSpec, ...], AfterValidator(_alike), Tag("[by feature]")],
    Discriminator(lambda value: "[by feature]" if isinstance(value, list | tuple) else "[one]"),
]
"""A type for an input, or one for each of its features (last axis)."""
InputTypes = Annotated[
    Annotated[TypeSpec, Tag("[one]")] | Annotated[dict[str, InputType], Tag("[by name]")],
    Discriminator(lambda value: "[by name]" if isinstance(value, Mapping) else "[one]"),
]
"""A type for all inputs, or types by the inputs' names; an error is then said of the one that was meant."""
Text = Annotated[str, AfterValidator(_writable)]
File = Annotated[Path, AfterValidator(_writable)]
Whole = BeforeValidator(_whole)
Number = BeforeValidator(_real)
ReuseFactor = Annotated[
    Annotated[Literal["auto"], Tag("[auto]")] | Annotated[int | None, Field(ge=1), Whole, Tag("[number]")],
    Discriminator(lambda value: "[auto]" if isinstance(value, str) and value == "auto" else "[number]"),
]
"""A factor, or ``auto``: chosen by how long other layers take."""


def _numbers(value: Any) -> Any:
    """One real number, or a list of them."""
    many = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(many, list | tuple):
        return _finite(many)
    if not many:
        raise ValueError("expected a number, or a list of one at least")
    return tuple(_finite(number) for number in many)


def _finite(value: Any) -> float:
    number: float = _real(value)
    if not isfinite(number) or abs(number) > _LARGEST_NUMBER:
        raise ValueError(f"expected numbers up to {_LARGEST_NUMBER:g}")
    return number


Numbers = Annotated[
    float | tuple[float, ...],
    BeforeValidator(_numbers),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}),
]
"""A number for all channels, or one for each."""


@dataclass(frozen=True)
class _Origin:
    """Where settings come from, which begins the messages about them."""

    where: str
    document: Document | None = None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, validate_assignment=True)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a setting. Raises ConfigError."""
        try:
            super().__setattr__(name, value)
        except _REFUSALS as error:
            raise _refusal(error, _Origin(type(self).__name__), type(self)) from error


class Precision(_Strict):
    """Types by role; ``auto`` (or nothing) means inferred. A bare string is that string for weight, bias and result.

    Which layer has which of these roles, the layer declares; a layer with a role of its own needs a field here.
    """

    weight: TypeSpec = None
    bias: TypeSpec = None
    accum: TypeSpec = None
    result: TypeSpec = None


PRECISION_ROLES = tuple(Precision.model_fields)


def _parse_precision(value: Any) -> Any:
    if value is None or value == "auto":
        return Precision()
    if isinstance(value, str | FixedType | WrittenType):
        return Precision.model_validate({"weight": value, "bias": value, "result": value})
    return value


class Width(_Strict):
    """Bits for what nobody fixed, by what it is for; nothing: what less specific levels say, at last default_width."""

    weight: Annotated[int | None, Field(ge=_NARROWEST, le=_WIDEST_INFERRED), Whole] = None
    result: Annotated[int | None, Field(ge=_NARROWEST, le=_WIDEST_INFERRED), Whole] = None


WIDTH_ROLES = tuple(Width.model_fields)


def _parse_width(value: Any) -> Any:
    """One number is that number for weights and results."""
    if value is None or value == "auto":
        return None
    if isinstance(value, Mapping | Width):
        return value
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError("expected bits: a whole number, or a mapping with 'weight', 'result'")
    bits = int(value)
    if not _NARROWEST <= bits <= _WIDEST_INFERRED:
        raise ValueError(f"expected {_NARROWEST} to {_WIDEST_INFERRED} bits")
    return {"weight": bits, "result": bits}


class LayerSettings(_Strict):
    """What can be said at each of the three levels."""

    precision: Annotated[Precision, BeforeValidator(_parse_precision)] = Field(default_factory=Precision)
    width: Annotated[
        Width | None,
        Field(description="bits for weights and results whose types nobody fixed, in place of default_width"),
        BeforeValidator(_parse_width),
    ] = None
    strategy: Strategy | None = None
    reuse_factor: ReuseFactor = None
    parallelization_factor: Annotated[
        int | None, Field(ge=1, description="pixels of a convolution that are computed at once, of arrays"), Whole
    ] = None
    storage: Annotated[Storage | None, Field(description="memory for weights that are read turn by turn")] = None
    weights: Annotated[
        WeightsAt | None,
        Field(description="weights and biases of dense layers and convolutions: in the text, in memory, or at ports"),
    ] = None
    dsp: Annotated[
        Dsp | None,
        Field(description="circuits: products by a device's multipliers, by other logic, or by the tool's choice"),
        BeforeValidator(_yes_or_no),
    ] = None
    recurrence: Annotated[
        RecurrenceForm | None,
        Field(description="steps of a sequence: one cell that is gone through for each, or a copy of it for each"),
    ] = None
    weight_granularity: Annotated[
        WeightGranularity | None,
        Field(
            description="inferred weights: one binary point for the tensor, one for each output channel, or as needed"
        ),
    ] = None
    inner: Annotated[
        dict[str, TypeSpec] | None,
        Field(description="types of inner steps of a layer, by the names that the summary has for them; by name alone"),
    ] = None
    weight_calibration: Annotated[
        WeightCalibration | None,
        Field(description="inferred weights: types hold all, all but a few ('percentile'), or with the least error"),
    ] = None
    fifo_depth: Annotated[
        int | None,
        Field(
            ge=2,
            le=_DEEPEST,
            description="words that the streams of a layer's output hold; in defaults, the least of all streams",
        ),
        Whole,
    ] = None


def _scales(value: Any) -> Any:
    """Numbers above zero, one or a list of them."""
    numbers = _numbers(value)
    for number in numbers if isinstance(numbers, tuple) else (numbers,):
        if not 2.0**-_MOST_OCTAVES <= number <= 2.0**_MOST_OCTAVES:
            raise ValueError(f"expected numbers from 2^-{_MOST_OCTAVES} to 2^{_MOST_OCTAVES}")
    return numbers


class Hold(_Strict):
    """How ``v``, which a layer yields, is held: as ``(v - offset) * scale``, each one number or one a channel."""

    scale: Annotated[Numbers | None, BeforeValidator(_scales)] = None
    offset: Numbers | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Hold:
        if self.scale is None and self.offset is None:
            raise ValueError("expected a scale, an offset, or both")
        return self


class NamedSettings(LayerSettings):
    """What can be said of a layer by its name, and what of it alone."""

    @model_validator(mode="before")
    @classmethod
    def _of_any_level(cls, data: Any) -> Any:
        """Settings of less specific levels are settings of a layer, too."""
        return _said(data) if isinstance(data, LayerSettings) and not isinstance(data, cls) else data

    bias_correction: Annotated[
        Numbers | None,
        Field(description="real numbers that are added to the bias, one for each channel or one for all"),
    ] = None
    hold: Annotated[
        Hold | None,
        Field(
            description="its result v is held as (v - offset) * scale, each one number for all channels or one for each"
        ),
    ] = None


def _factors(value: Any) -> Any:
    """Numbers of which none is zero."""
    numbers = _numbers(value)
    if 0 in (numbers if isinstance(numbers, tuple) else (numbers,)):
        raise ValueError("expected numbers other than 0")
    return numbers


class InputScaling(_Strict):
    """The model reads ``(x - offset) * scale`` of raw data ``x``: one number for all channels, or one for each."""

    offset: Numbers = 0.0
    scale: Annotated[Numbers, BeforeValidator(_factors)] = 1.0


def _is_by_name(value: Any) -> str:
    every = isinstance(value, Mapping) and any(isinstance(said, Mapping | InputScaling) for said in value.values())
    return "[by name]" if every else "[one]"


InputScalings = Annotated[
    Annotated[InputScaling, Tag("[one]")] | Annotated[dict[str, InputScaling], Tag("[by name]")],
    Discriminator(_is_by_name),
]
"""That of the only input, or of some by their names."""


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_real)]
Shares = Annotated[
    Annotated[Share, Tag("[one]")] | Annotated[dict[str, Share], Tag("[by name]")],
    Discriminator(lambda value: "[by name]" if isinstance(value, Mapping) else "[one]"),
]
"""That of all inputs, or of some by their names."""


class TestVectors(_Strict):
    """Stored inputs (``x``, .npy) and labels or expected outputs (``y``, .npy)."""

    x: File
    y: File | None = None


class Config(_Strict):
    """A complete project configuration. Raises ConfigError for settings that are unknown or impossible."""

    @model_validator(mode="wrap")
    @classmethod
    def _explained(cls, data: Any, validate: ModelWrapValidatorHandler[Config], info: ValidationInfo) -> Config:
        """However it is made or changed, what is wrong with it is said in our words."""
        try:
            return validate(data)
        except _REFUSALS as error:
            raise _refusal(error, info.context or _Origin("Config"), cls) from error

    model: File | None = None
    weights: File | None = None
    output_dir: File | None = None
    project_name: Text | None = None
    backend: Annotated[Text, Field(description="one of hlsgen.backends.base.BACKENDS")] = "vitis"
    board: Annotated[
        Text | None,
        Field(description="a board of hlsgen.backends.boards.BOARDS: how to build for it, and a driver"),
    ] = None
    part: Text = "xcu250-figd2104-2L-e"
    clock_period: Annotated[float, Field(gt=0, allow_inf_nan=False, description="ns"), Number] = 5.0
    clock_uncertainty: Annotated[
        float | None,
        Field(ge=0, lt=100, allow_inf_nan=False, description="% of the period kept for wires; default: the tool's own"),
        BeforeValidator(lambda value: None if value is None else _percent(value)),
    ] = None
    io_type: IoType = "io_parallel"
    pipeline: Annotated[
        PipelineForm, Field(description="the top function: one flat pipeline, or a dataflow of kernels")
    ] = "auto"
    interval: Annotated[
        int | None, Field(ge=1, description="wished cycles a sample, of a flat pipeline and for auto reuse"), Whole
    ] = None
    interface: Annotated[
        InterfaceName | None,
        Field(description="ports: ap_vld of io_parallel, axis of io_stream (both the default), axi_master of either"),
    ] = None
    control: Annotated[
        ControlName, Field(description="how a sample is begun and ended: handshake, one that waits to go on, or none")
    ] = "ap_ctrl_hs"
    axi_lite: Annotated[
        StrictBool | None, Field(description="control by registers on AXI4-Lite; default: with axi_master alone")
    ] = None
    tlast: Annotated[
        StrictBool, Field(description="AXI streams with TLAST at the end of a sample, TKEEP and TSTRB, as for DMA")
    ] = False
    batch: Annotated[
        StrictBool,
        Field(description="axi_master: a call computes as many samples as its argument says, as a kernel of XRT does"),
    ] = False
    port_width: Annotated[
        int | None,
        Field(ge=8, le=4096, description="bits of the widest word of an AXI port; default: the widest there is"),
        Whole,
    ] = None
    input_layout: Annotated[
        InputLayout | None,
        Field(description="how users give inputs of two axes and more, if not as the model has them"),
    ] = None
    input_precision: InputTypes = None
    input_scaling: Annotated[
        InputScalings | None,
        Field(
            description="raw data at the inputs, of which the model reads (x - offset) * scale; by name or of the one"
        ),
    ] = None
    input_granularity: Annotated[
        InputGranularity,
        Field(
            description="inputs typed by calibration data: one binary point for the port, or, where features differ so "
            "much that it would lose small ones, one for each channel (last axis)"
        ),
    ] = "channel"
    input_clipping: Annotated[
        Shares, Field(description="the part of the values of inputs that is meant to lie outside of their types")
    ] = 0.0
    default_width: Annotated[int, Field(ge=_NARROWEST, le=_WIDEST_INFERRED), Whole] = 16
    max_width: Annotated[int | None, Field(ge=2, le=_WIDEST), Whole] = None
    calibration: File | None = None
    calibration_method: Annotated[
        CalibrationMethod,
        Field(description="binary points by calibration data: hold the largest value, all but a few, or least error"),
    ] = "max"
    percentile: Annotated[
        float,
        Field(
            gt=0,
            le=100,
            allow_inf_nan=False,
            description="% of the magnitudes that 'percentile' holds, of calibration_method and weight_calibration",
        ),
        BeforeValidator(_percent),
    ] = 99.99
    defaults: LayerSettings = Field(default_factory=LayerSettings)
    layer_types: dict[str, LayerSettings] = Field(default_factory=dict)
    layers: dict[str, NamedSettings] = Field(default_factory=dict)
    fuse_quantized: Annotated[
        StrictBool, Field(description="fuse scales into quantised weights, and fit types to those")
    ] = False
    skip_passes: tuple[Text, ...] = ()
    test_vectors: TestVectors | None = None

    def levels(self, name: str, class_name: str) -> Iterator[LayerSettings]:
        """The settings that apply to a layer, most specific first."""
        if name in self.layers:
            yield self.layers[name]
        if class_name in self.layer_types:
            yield self.layer_types[class_name]
        yield self.defaults

    def lookup(self, name: str, class_name: str, key: str, default: Any) -> Any:
        """The one lookup rule."""
        for level in self.levels(name, class_name):
            value = getattr(level, key)
            if value is not None:
                return value
        return default

    def input_type(self, name: str) -> FixedType | None:
        """The type wished for an input, which rounds to nearest and saturates unless the modes are written.

        Of types for each feature, that which reaches farthest.
        """
        types = self._input_types(name)
        return max(types, key=lambda fixed: fixed.integer) if types else None

    def input_octaves(self, name: str) -> tuple[int, ...] | None:
        """By how many octaves the type of each feature of an input reaches less far than that; None without such."""
        types = self._input_types(name)
        if len(types) < 2:
            return None
        farthest = max(fixed.integer for fixed in types)
        return tuple(farthest - fixed.integer for fixed in types)

    def clipped_share(self, name: str) -> float:
        """The part of the values of an input that is meant to lie outside of its type."""
        said = self.input_clipping
        return said.get(name, 0.0) if isinstance(said, dict) else said

    def _input_types(self, name: str) -> list[FixedType]:
        every = self.input_precision
        written = every.get(name) if isinstance(every, dict) else every
        types = written if isinstance(written, tuple) else (written,)
        return [one.completed(INPUT_MODES) for one in types if one is not None]


_MODEL_LEVEL = tuple(key for key in LayerSettings.model_fields if key not in Config.model_fields)
"""Settings of layers that are keywords too; ``weights`` is the path of a file there."""
_BY_NAME = tuple(key for key in NamedSettings.model_fields if key not in LayerSettings.model_fields)


def make_config(
    config: Config | Mapping[str, Any] | str | Path | None = None, caller: str = "convert()", /, **overrides: Any
) -> Config:
    """Make a Config from a path to YAML, a dict, a Config or nothing; ``overrides`` are model-level settings.

    ``caller`` begins the message about an override that does not exist.

    Raises ConfigError naming the key, what was found and the nearest valid name.
    """
    if isinstance(config, str | Path):
        config = load_config(config)
    data = _as_dict(config, "the configuration")
    valid = {*Config.model_fields, *_MODEL_LEVEL}
    for key, value in overrides.items():
        if key not in valid:
            raise ConfigError(f"{caller}: unknown setting '{key}'{_advice(key, [], valid)}")
        if key in _MODEL_LEVEL:
            data["defaults"] = {**_as_dict(data.get("defaults"), "defaults"), key: value}
        else:
            data[key] = value
    return _validated(data, "configuration")


def _as_dict(value: Any, what: str) -> dict[str, Any]:
    """Settings as a dict of their own. Raises ConfigError for anything but a mapping, settings or None."""
    if value is None or isinstance(value, Mapping):
        return dict(value or {})
    if not isinstance(value, _Strict):
        raise ConfigError(f"{what}: expected a mapping of settings or a file of them, found {brief(value)}")
    return _said(value)


def _said(model: BaseModel) -> dict[str, Any]:
    """What somebody set, as copies of the values themselves (pydantic's own dump would take types apart)."""
    return {name: deepcopy(getattr(model, name)) for name in model.model_fields_set}


def load_config(path: str | Path) -> Config:
    """Read a YAML file; paths in it are relative to the file. Raises ConfigError that names line and column."""
    file = checked_file(path, "a YAML configuration", ConfigError, MAX_BYTES)
    try:
        document = parse(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); give the path of a YAML configuration"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not valid YAML: {error}") from error
    config = _validated(document.data, str(file), document)
    return _with_absolute_paths(config, file.resolve().parent)


def _with_absolute_paths(config: Config, base: Path) -> Config:
    for name in ("model", "weights", "output_dir", "calibration"):
        value = getattr(config, name)
        if value is not None:
            setattr(config, name, base / value)
    vectors = config.test_vectors
    if vectors is not None:
        vectors.x, vectors.y = base / vectors.x, None if vectors.y is None else base / vectors.y
    return config


def _validated(data: Any, where: str, document: Document | None = None) -> Config:
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: expected a mapping of settings, found {type(data).__name__}")
    return Config.model_validate(data, context=_Origin(where, document))


_REFUSALS = (ValidationError, UnicodeEncodeError)


def _refusal(error: Exception, origin: _Origin, model: type[BaseModel]) -> ConfigError:
    """What pydantic refused to make a ``model`` of, in our words."""
    if isinstance(error, ValidationError):
        return ConfigError("\n".join(_explain(e, origin, model) for e in error.errors()))
    assert isinstance(error, UnicodeEncodeError)
    text = ascii(error.object)[:80]
    return ConfigError(f"{origin.where}: a text holds half of a character (a lone surrogate): {text}")


def _explain(error: Any, origin: _Origin, model: type[BaseModel]) -> str:
    """Turn one of pydantic's errors into ours: where, what, what would be right."""
    path = tuple(part for part in error["loc"] if not _is_branch_name(part))
    unknown = error["type"] in ("extra_forbidden", "no_such_attribute")
    where = origin.where
    if origin.document is not None:
        where = f"{where}, {origin.document.place(path, of_key=unknown)}"
    place = ".".join(_shortened(part) for part in path)
    if unknown:
        *parents, key = error["loc"]
        if model is Config and not parents and key in LayerSettings.model_fields:
            advice = "; it is a setting of layers: put it below 'defaults:', or a layer of 'layers:'"
            return f"{where}: unknown key '{place}'{advice}"
        if key in _BY_NAME and parents[:1] != ["layers"]:
            return f"{where}: unknown key '{place}'; it is said of a layer by its name: put it below 'layers:'"
        return f"{where}: unknown key '{place}'{_advice(str(key), parents, _fields_at(parents, model))}"
    found = f", found {brief(error['input'])}" if not isinstance(error["input"], dict) else ""
    return f"{where}: {place}: {error['msg'].removeprefix('Value error, ')}{found}{_advice_on_value(error)}"


def _advice(key: str, parents: Sequence[Any], valid: Collection[str]) -> str:
    """What to write instead of a key that is unknown below ``parents``, where these are valid."""
    return advice_on_key(key, "precision" in parents) or nearest(key, valid)


def _advice_on_value(error: Any) -> str:
    """What to write instead of a word that is none of those that are valid."""
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    words = re.findall("'([^']*)'", error["ctx"]["expected"])
    return advice_on_value(str(error["loc"][-1]), error["input"], words)


def _shortened(part: str | int) -> str:
    text = str(part)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_branch_name(part: Any) -> bool:
    return isinstance(part, str) and ("[" in part or part.startswith("function-"))


def _fields_at(path: list[Any], model: type[BaseModel]) -> list[str]:
    """The keys that are valid at a place below a model."""
    for part in path:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        model = next(_models_in(field.annotation), model) if field is not None else model
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)

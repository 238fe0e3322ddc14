"""Dtypes of inputs: what a layer makes of whole numbers, which Keras casts to float32 nowhere but in some layers.

Real inputs of another width than float32 are rounded by Keras before anything is computed, and are refused. Whole
numbers stay what they are through layers that only move or choose values; the layers of ``_CASTING`` make float32 of
them. Everything else computes in whole numbers there (a mean is cut off, a uint8 wraps), which no design does.
"""

from __future__ import annotations

from collections.abc import Iterable

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.frontends.keras.source import Border, LayerCall, SourceModel, Tensor

REAL = ("float32", "float64")
"""Layers cast them to float32, which is what a design is compared with."""
WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_OTHER = ("float16", "bfloat16", "half", "complex64", "complex128", "string")
_MOVING = frozenset(
    """
    Flatten Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D
    MaxPooling1D MaxPooling2D GlobalMaxPooling1D GlobalMaxPooling2D Concatenate Dropout SpatialDropout1D
    SpatialDropout2D ActivityRegularization
    """.split()
)
_CASTING = frozenset("Dense Rescaling Normalization BatchNormalization LeakyReLU Embedding".split())
_CASTING_3 = _CASTING | {"GlobalAveragePooling1D", "GlobalAveragePooling2D"}
_ADVICE = "rebuild the model with float32 inputs and load the weights into it"


def input_dtype(name: str, dtype: object) -> str:
    """The dtype of an input as its configuration says. Raises ModelError for what is none, UnsupportedError."""
    if dtype is None:
        return "float32"
    if dtype in (*REAL, *WHOLE):
        return str(dtype)
    if dtype in _OTHER:
        raise UnsupportedError(f"input '{name}' is of dtype {dtype}, to which Keras rounds what it is given; {_ADVICE}")
    raise ModelError(f"input '{name}': dtype {brief(dtype)} is none of an input; the file is damaged")


def check_whole_numbers(source: SourceModel) -> None:
    """Refuse layers that compute in whole numbers, because an input is of such. Raises UnsupportedError."""
    keras3 = source.flavour.startswith("keras3")
    whole = {Tensor(spec.name): spec.dtype for spec in source.inputs if spec.dtype in WHOLE}
    casting = _CASTING_3 if keras3 else _CASTING
    for call in source.calls:
        if not keras3:
            whole |= _counted(call)
        found = [whole[tensor] for tensor in call.inputs if tensor in whole]
        if not found or (call.class_name in casting and not call.is_operation):
            continue
        if (call.class_name not in _MOVING and call.end is None) or call.is_operation:
            raise UnsupportedError(_message(call, found[0]))
        if len(found) == len(call.inputs):  # together with real numbers they become such
            whole[Tensor(call.name)] = found[0]
    _check_borders(source.borders, whole)


def _counted(call: LayerCall) -> dict[Tensor, str]:
    """The results of a function of TensorFlow that are whole numbers; Keras 3 makes real ones of its own in time."""
    match call.config.get("function") if call.is_operation else None:
        case "math.argmax" | "math.argmin":
            return {Tensor(call.name): "int64"}
        case "math.top_k":
            return {Tensor(call.name, 1): "int32"}
        case _:
            return {}


def _message(call: LayerCall, dtype: str) -> str:
    return (
        f"layer '{call.name}' ({call.class_name}): it computes in {dtype}, the dtype of its input, and not in "
        f"float32; put a Rescaling in front, or {_ADVICE}"
    )


def _check_borders(borders: Iterable[Border], whole: dict[Tensor, str]) -> None:
    """A nested model casts what it is given to the dtype of its own input."""
    for border in borders:
        if border.dtype in WHOLE and whole.get(border.tensor) != border.dtype:
            raise UnsupportedError(
                f"model '{border.model}' inside the model has an input of dtype {border.dtype}, which cuts off "
                f"what it is given; {_ADVICE}"
            )

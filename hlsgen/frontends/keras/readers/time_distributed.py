"""TimeDistributed: one layer at every position of the second axis.

What works on the last axis alone, or element by element, does that anyway; the wrapper then changes nothing. Any other
layer is computed position by position, in a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import READERS, Call, Reader, read_as_last, reads
from hlsgen.frontends.keras.options import FIELDS
from hlsgen.frontends.keras.unsupported import why_refused
from hlsgen.ir.graph import Value
from hlsgen.layers.loops import KeepSteps, TakeStep
from hlsgen.layers.shape_ops import Reshape

_LOOPS = frozenset(
    "TimeDistributed Bidirectional SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D "
    "QBidirectional QSimpleRNN QLSTM QGRU".split()
)
_LAST_AXIS = frozenset(
    "Dense QDense Activation QActivation ReLU LeakyReLU ELU BatchNormalization QBatchNormalization Rescaling Identity "
    "Dropout SpatialDropout1D SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout "
    "ActivityRegularization".split()
)


@reads("TimeDistributed")
def read_time_distributed(call: Call) -> Value | Sequence[Value]:
    inner = call.take("layer", FIELDS)
    if not isinstance(inner.get("config"), dict):
        raise ModelError(f"{call.where}: it wraps no layer; the file is damaged")
    class_name = str(inner.get("class_name"))
    if class_name == "Flatten":
        call.unwrap("layer/", class_name, inner["config"])
        call.expect("data_format", "channels_last", None)
        first, *rest = call.input.shape
        return call.add(Reshape((first, prod(rest))))
    if class_name in _LAST_AXIS:
        call.unwrap(
            "layer/", class_name, _outer_axis(inner["config"]) if "axis" in inner["config"] else inner["config"]
        )
        return READERS[class_name](call)
    if class_name not in READERS or class_name in _LOOPS:
        why = why_refused(class_name, {}, READERS) if class_name not in READERS else "a loop in a loop is not there"
        raise UnsupportedError(f"{call.where} is not supported: it wraps {class_name}: {why}")
    call.unwrap("layer/", class_name, inner["config"])
    return _position_by_position(call, READERS[class_name])


def _position_by_position(call: Call, read: Reader) -> Value:
    """What a reader adds, of each position of the second axis."""
    loop = call.graph.new_loop(call.name, call.input.shape[0])
    call.inputs = [call.add(TakeStep(loop), step="position")]
    (value,) = read_as_last(call, read)
    return call.add(KeepSteps(loop), [value], "positions")


def _outer_axis(config: dict[str, Any]) -> dict[str, Any]:
    """The wrapped layer's options, its axes counted in the whole tensor: one more, where not from the end."""

    def outer(axis: Any) -> Any:
        return axis + 1 if type(axis) is int and axis > 0 else axis

    axis = config.get("axis")
    return config | {"axis": [outer(each) for each in axis] if isinstance(axis, list) else outer(axis)}

"""TimeDistributed: one layer at every position of the second axis.

What works on the last axis alone, or element by element, does that anyway; the wrapper then changes nothing. Any other
layer, and a whole model, is computed position by position, in a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import READERS, Call, Reader, read_as_last, reads
from hlsgen.frontends.keras.options import FIELDS
from hlsgen.frontends.keras.source import End
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
    if call.source.end is not None:
        return _ENDS[call.source.end](call)
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
    call.inputs = [_position(call)]
    (value,) = read_as_last(call, read)
    return _positions(call, value)


def _position(call: Call) -> Value:
    """One position of the second axis, in a loop over all of them."""
    return call.add(TakeStep(call.new_loop(call.input.shape[0])), step="position")


def _positions(call: Call, value: Value) -> Value:
    """What became of all positions."""
    assert value.loop is not None
    return call.add(KeepSteps(value.loop), [value], "positions")


def _model_done(call: Call) -> Value:
    """The result of a whole model, whose layers are calls of their own, at all positions."""
    return _positions(call, call.inputs[0])


_ENDS = {End.FIRST: _position, End.LAST: _model_done}


def _outer_axis(config: dict[str, Any]) -> dict[str, Any]:
    """The wrapped layer's options, its axes counted in the whole tensor: one more, where not from the end."""

    def outer(axis: Any) -> Any:
        return axis + 1 if type(axis) is int and axis > 0 else axis

    axis = config.get("axis")
    return config | {"axis": [outer(each) for each in axis] if isinstance(axis, list) else outer(axis)}

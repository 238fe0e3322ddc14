"""TimeDistributed: one layer at every position of the second axis.

What works on the last axis alone, or element by element, does that anyway; the wrapper then changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import READERS, Call, reads
from hlsgen.frontends.keras.options import FIELDS
from hlsgen.frontends.keras.unsupported import why_refused
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import Reshape

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
    if class_name not in _LAST_AXIS:
        why = why_refused(class_name, {}, READERS)
        why = why if class_name not in READERS else "only layers that work on the last axis alone are supported in it"
        raise UnsupportedError(f"{call.where} is not supported: it wraps {class_name}: {why}")
    call.unwrap("layer/", class_name, _outer_axis(inner["config"], len(call.input.shape)))
    return READERS[class_name](call)


def _outer_axis(config: dict[str, Any], rank: int) -> dict[str, Any]:
    """The wrapped layer's options; its last axis (it counts one less) is the last of the whole tensor."""
    axis = config.get("axis")
    return config | {"axis": -1} if axis in (rank - 1, [rank - 1], [-1]) else config

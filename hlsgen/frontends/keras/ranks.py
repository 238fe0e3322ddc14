"""How many axes the input of a Keras layer has to have, where its class or its configuration says so."""

from __future__ import annotations

import re

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.source import End, LayerCall
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Source

_DIMENSIONS = re.compile(r"([123])D(?:Transpose|Batchnorm)?$")
_KEEPS_RANK = ("BatchNormalization", "QBatchNormalization")
"""Built for one number of axes, they refuse any other."""


def check_rank(call: LayerCall, shape: Shape) -> None:
    """Raise ModelError for an input of ``shape`` (without the batch) with more or fewer axes than Keras allows."""
    wanted = _axes(call)
    if wanted is not None and len(shape) != wanted:
        raise ModelError(_message(call, shape, f"{wanted}"))
    if call.class_name == "TimeDistributed" and call.end is not End.LAST and len(shape) < 2:
        raise ModelError(_message(call, shape, "at least 2"))


def _axes(call: LayerCall) -> int | None:
    """The axes besides the batch; None where any number will do."""
    dimensions = _DIMENSIONS.search(call.class_name)
    if dimensions is not None and not call.is_operation:
        return int(dimensions[1]) + 1 + call.class_name.startswith("ConvLSTM")  # of a sequence
    built = call.build_config.get("input_shape")
    return len(built) - 1 if call.class_name in _KEEPS_RANK and isinstance(built, list) else None


def _message(call: LayerCall, shape: Shape, wanted: str) -> str:
    where = Source(call.shown, call.class_name).where
    return (
        f"{where}: it takes tensors of {wanted} axes besides the batch, and its input has shape {shape}; the model's "
        "parts do not belong together"
    )

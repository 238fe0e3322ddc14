"""In which order an input of the model is held, and which axis is that of its samples: as its first reader wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir

_WITH_CHANNELS = frozenset(
    "Conv ConvTranspose MaxPool AveragePool GlobalMaxPool GlobalAveragePool BatchNormalization InstanceNormalization "
    "GroupNormalization Resize Upsample DepthToSpace SpaceToDepth ConvInteger QLinearConv".split()
)
"""Operators whose second axis is that of channels."""
_BY_ELEMENT = frozenset(
    "Add Sub Mul Div Max Min Relu LeakyRelu PRelu Clip Sigmoid Tanh HardSigmoid HardSwish Elu Selu Softplus Softsign "
    "Abs Neg Pow Identity Dropout Cast Pad Concat Quant IntQuant BipolarQuant Trunc "
    "QuantizeLinear DequantizeLinear".split()
)
"""Operators that take their inputs in any order."""


def channels_wanted_last(value: onnx_ir.Value) -> bool:
    """Whether the first operator that is not indifferent has channels behind the samples."""
    seen, waiting = set(), [value]
    while waiting:
        for use in waiting.pop(0).uses():
            if use.node in seen:
                continue
            seen.add(use.node)
            if use.node.op_type in _WITH_CHANNELS:
                return True
            if use.node.op_type in _BY_ELEMENT:
                waiting += use.node.outputs
    return False


def begins_with_steps(value: onnx_ir.Value) -> bool:
    """Whether a recurrent operator reads an input as it is, and has the steps in front of the samples."""
    readers = [use.node for use in value.uses() if use.idx == 0 and use.node.op_type in ("LSTM", "GRU", "RNN")]
    return any("layout" not in node.attributes or node.attributes["layout"].as_int() == 0 for node in readers)

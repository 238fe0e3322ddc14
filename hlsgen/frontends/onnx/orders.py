"""In which order an input of the model is held: as whoever reads it first wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir

_WITH_CHANNELS = frozenset(
    "Conv ConvTranspose MaxPool AveragePool GlobalMaxPool GlobalAveragePool BatchNormalization InstanceNormalization "
    "GroupNormalization Resize Upsample DepthToSpace SpaceToDepth".split()
)
"""Operators whose second axis is that of channels."""
_BY_ELEMENT = frozenset(
    "Add Sub Mul Div Max Min Relu LeakyRelu PRelu Clip Sigmoid Tanh HardSigmoid HardSwish Elu Selu Softplus Softsign "
    "Abs Neg Pow Identity Dropout Cast Pad Concat".split()
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

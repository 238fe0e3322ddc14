"""Which elements of tensors are built at all: those that depend on an input, and that somebody reads.

Zeros of dense layers decide it. A column of zeros is an output that is a constant, a row of zeros an input that nobody
reads; the tool drops both, with all that lies between them element by element.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.design.design import Design
from hlsgen.ir.layer import Packing
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Strategy
from hlsgen.layers.dense import Dense

Mask = NDArray[np.bool_]
"""Of the channels of a tensor."""


def live_shares(design: Design) -> dict[str, float]:
    """The share of each tensor's channels that is built, by its name."""
    depends: dict[Tensor, Mask] = {}
    for op in design:
        for tensor in op.outputs:
            depends[tensor] = _depends(op, tensor, depends)
    read = {tensor: np.zeros(len(mask), dtype=bool) for tensor, mask in depends.items()}
    for tensor in design.outputs:
        read[tensor][:] = True
    for op in reversed(list(design)):
        for tensor in op.inputs:
            read[tensor] |= _reads(op, tensor, read)
    return {tensor.name: float((mask & read[tensor]).mean()) for tensor, mask in depends.items()}


def _depends(op: Op, tensor: Tensor, known: dict[Tensor, Mask]) -> Mask:
    """The channels of a result that depend on an input."""
    if _is_matrix(op):
        return np.asarray(_used(op)[known[op.input]].any(axis=0))
    if _is_elementwise(op):
        return known[op.input]
    return np.ones(_channels(tensor), dtype=bool)


def _reads(op: Op, tensor: Tensor, read: dict[Tensor, Mask]) -> Mask:
    """The channels of an input that are read for results that are."""
    if _is_matrix(op):
        return np.asarray(_used(op)[:, read[op.output]].any(axis=1))
    if _is_elementwise(op):
        return read[op.output]
    return np.ones(_channels(tensor), dtype=bool)


def _used(op: Op) -> Mask:
    """Where the matrix of a dense layer is not zero."""
    assert isinstance(op.layer, Dense)
    return np.asarray(op.layer.matrix() != 0)


def _is_matrix(op: Op) -> bool:
    """Whether the tool sees the constants of a matrix, of which zeros drop out."""
    return isinstance(op.layer, Dense) and op.strategy is Strategy.LATENCY and not op.loads_weights


def _is_elementwise(op: Op) -> bool:
    return op.layer.packing is Packing.ELEMENTS and len(op.inputs) == len(op.outputs) == 1


def _channels(tensor: Tensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1

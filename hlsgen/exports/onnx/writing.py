"""Which function writes which layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hlsgen.errors import UnsupportedError
from hlsgen.exports.onnx.kinds import Wire
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.whole import Whole
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op

Result = Wire | Whole
"""An exact result: real numbers, or mantissas with the channels last."""
L = TypeVar("L", bound=Layer)
Writer = Callable[[L, Op, Network], Result | tuple[Result, ...]]
"""Appends the operators of a layer to a network; returns its exact results, before their casts."""
WRITERS: dict[type[Layer], Writer[Layer]] = {}
"""By the class of the layer; filled when :mod:`hlsgen.exports.onnx.operations` is imported."""


def writes(*layers: type[L]) -> Callable[[Writer[L]], Writer[L]]:
    """Register the function that writes layers of these types."""

    def register(writer: Writer[L]) -> Writer[L]:
        for layer in layers:
            assert layer not in WRITERS, layer
            WRITERS[layer] = writer  # type: ignore[assignment]
        return writer

    return register


def written(op: Op, network: Network) -> tuple[Result, ...]:
    """The exact results of an operation. Raises UnsupportedError for a layer that is not exported."""
    writer = WRITERS.get(type(op.layer))
    if writer is None:
        raise UnsupportedError(
            f"{op.source.where}: export onnx: its operation {op.layer.kind} is not written as ONNX; use another kind "
            "of export, or replace the layer"
        )
    found = writer(op.layer, op, network)
    return found if isinstance(found, tuple) else (found,)

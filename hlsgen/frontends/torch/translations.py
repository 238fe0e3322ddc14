"""Calls of PyTorch that its own exporter takes apart, written as operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Translation = Callable[..., Any]


def translations() -> dict[Callable[..., Any], Translation]:
    """For ``custom_translation_table`` of ``torch.onnx.export``."""
    import torch

    return {
        torch.ops.aten.rnn_tanh.input: _rnn("Tanh"),
        torch.ops.aten.rnn_relu.input: _rnn("Relu"),
        torch.ops.aten.softplus.default: softplus,
        torch.ops.aten.log_sigmoid.default: log_sigmoid,
        torch.ops.aten.threshold.default: threshold,
        torch.ops.aten.adaptive_avg_pool1d.default: adaptive_average,
        torch.ops.aten.adaptive_avg_pool2d.default: adaptive_average,
    }


# -- functions of one number -------------------------------------------------------------------


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + exp(beta x)) / beta``; from ``threshold`` on PyTorch takes x, which is as close as float32 gets."""
    from onnxscript import opset18 as op

    return op.Softplus(x) if beta == 1 else op.Mul(op.Softplus(op.Mul(x, float(beta))), 1.0 / beta)


def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, as ``-softplus(-x)``."""
    from onnxscript import opset18 as op

    return op.Neg(op.Softplus(op.Neg(x)))


def threshold(x: Any, at: float, value: float) -> Any:
    """``x where x > at, else value``."""
    from onnxscript import opset18 as op

    if not value:
        return op.ThresholdedRelu(x, alpha=float(at))
    return op.Add(op.ThresholdedRelu(op.Sub(x, float(value)), alpha=float(at) - float(value)), float(value))


# -- nn.RNN ------------------------------------------------------------------------------------


def _rnn(activation: str) -> Translation:
    def rnn(
        x: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Any, Any]:
        """Layer upon layer; ``params`` are, for each layer and direction, the weights of inputs and of states and, with
        ``has_biases``, as many biases."""
        from onnxscript import opset18 as op

        directions = 2 if bidirectional else 1
        number = 4 if has_biases else 2
        values = op.Transpose(x, perm=[1, 0, 2]) if batch_first else x
        last = []
        for layer in range(num_layers):
            first = layer * directions
            own = [params[number * at : number * (at + 1)] for at in range(first, first + directions)]
            weights, recurrent = (_stacked(op, [of[place] for of in own]) for place in (0, 1))
            bias = _stacked(op, [op.Concat(of[2], of[3], axis=0) for of in own]) if has_biases else None
            state = op.Slice(hx, [first], [first + directions], axes=[0])
            results, end = op.RNN(
                values,
                weights,
                recurrent,
                bias,
                None,
                state,
                activations=[activation] * directions,
                direction="bidirectional" if bidirectional else "forward",
                hidden_size=hx.shape[2],
            )
            # (steps, directions, samples, units), of which directions and units are one axis
            values = op.Reshape(op.Transpose(results, perm=[0, 2, 1, 3]), [0, 0, -1])
            last.append(end)
        states = op.Concat(*last, axis=0) if num_layers > 1 else last[0]
        return (op.Transpose(values, perm=[1, 0, 2]) if batch_first else values), states

    return rnn


def _stacked(op: Any, arrays: Sequence[Any]) -> Any:
    """One array for each direction along a new first axis."""
    parts = [op.Unsqueeze(array, [0]) for array in arrays]
    return op.Concat(*parts, axis=0) if len(parts) > 1 else parts[0]


# -- adaptive pooling --------------------------------------------------------------------------


def adaptive_average(x: Any, output_size: Sequence[int]) -> Any:
    """The average of each of ``output_size`` parts of the last axes: of all, of windows side by side, or of parts that
    overlap by a position, axis by axis."""
    from onnxscript import opset18 as op

    count = len(output_size)
    extents = [int(extent) for extent in x.shape[-count:]]
    if all(size == 1 for size in output_size):
        return op.GlobalAveragePool(x)
    if all(extent % size == 0 for extent, size in zip(extents, output_size, strict=True)):
        window = [extent // size for extent, size in zip(extents, output_size, strict=True)]
        return op.AveragePool(x, kernel_shape=window, strides=window)
    for axis, (extent, size) in enumerate(zip(extents, output_size, strict=True), start=2):
        if extent != size:
            x = op.Concat(*(_mean(op, x, axis, *_part(place, extent, size)) for place in range(size)), axis=axis)
    return x


def _part(place: int, extent: int, size: int) -> tuple[int, int]:
    """The first position of a part, and the one behind its last."""
    return place * extent // size, -(-(place + 1) * extent // size)


def _mean(op: Any, x: Any, axis: int, start: int, end: int) -> Any:
    return op.ReduceMean(op.Slice(x, [start], [end], [axis]), [axis], keepdims=1)

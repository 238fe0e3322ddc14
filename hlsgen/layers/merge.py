"""Element-wise merges of two tensors. Merges of more inputs are chains of these, exact in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.arithmetic import exact_product, exact_sum
from hlsgen.ir.graph import Node, Shape, Value
from hlsgen.ir.interval import Interval, aligned
from hlsgen.layers.base import Exact, Floats, Layer, Parameter, align
from hlsgen.layers.kernel import Kernel, typed
from hlsgen.layers.reading import Call, reads
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Reshape, UpSampling
from hlsgen.layers.window import as_image

_FLOAT: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@dataclass(frozen=True, eq=False)
class Merge(Layer):
    """``op`` of two tensors of one shape, or of a tensor and one value per channel (1, ..., 1, channels)."""

    kind = "Merge"
    op: str

    @property
    def structural(self) -> bool:  # type: ignore[override]
        return self.op in ("maximum", "minimum")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return _FLOAT[self.op](inputs[0], _spread(inputs[1], inputs[0]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x0, x1 = inputs[0], Exact(_spread(inputs[1].mantissas, inputs[0].mantissas), inputs[1].frac)
        if self.op == "multiply":
            return Exact(exact_product(x0.mantissas, x1.mantissas), x0.frac + x1.frac)
        (a, b), frac = align([x0, x1])
        match self.op:
            case "add":
                return Exact(exact_sum(a, b), frac)
            case "subtract":
                return Exact(exact_sum(a, -b), frac)
            case "maximum":
                return Exact(np.maximum(a, b), frac)
            case _:
                return Exact(np.minimum(a, b), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x0, x1 = inputs
        match self.op:
            case "add":
                return x0.add(x1)
            case "subtract":
                return x0.add(x1.negate())
            case "multiply":
                return x0.multiply(x1)
        a, b = aligned([x0, x1])
        pick = np.maximum if self.op == "maximum" else np.minimum
        return Interval(pick(a.low, b.low), pick(a.high, b.high), a.frac)

    def kernel(self, node: Node) -> Kernel:
        a, b = node.inputs
        assert a.type is not None and b.type is not None and node.sum_type is not None
        exact = node.sum_type
        if self.structural:  # compared in a type that holds both operands, not only the result
            spans = [Interval.of_type(t, 1) for t in (a.type, b.type)]
            both = aligned(spans)
            low = min(i.lowest for i in both)
            high = max(i.highest for i in both)
            from hlsgen.ir.types import FixedType

            exact = FixedType.covering(low, high, both[0].frac)
        fields = typed(node)
        del fields["input_t"]
        fields |= {
            "input0_t": a.type,
            "input1_t": b.type,
            "value_t": exact,
            "size": node.output.size,
            "inner": b.size,
            "broadcast": a.shape != b.shape,
            "op": f"hlsgen::merge_op::{self.op}",
        }
        return Kernel("merge", "merge.h", fields)


def _spread(small: Floats, big: Floats) -> Floats:
    """Broadcast one value per channel over a tensor."""
    if small.shape == big.shape:
        return small
    flat = small.reshape(len(small), *(1 for _ in big.shape[1:-1]), small.shape[-1])
    return np.broadcast_to(flat, big.shape)


def merge_chain(call: Call, op: str) -> Value:
    """Merge all inputs from left to right; a per-channel operand is put second."""
    result = call.inputs[0]
    for other in call.inputs[1:]:
        result = call.add(Merge(op), _ordered(call, op, result, other), op)
    return result


def _ordered(call: Call, op: str, a: Value, b: Value) -> list[Value]:
    """The operands of one merge: of one shape, or the second with one value per channel."""
    a, b = _of_one_rank(call, a, b)
    if a.shape == b.shape or _per_channel(b.shape, a.shape):
        return [a, b]
    if _per_channel(a.shape, b.shape) and op != "subtract":
        return [b, a]
    common = tuple(max(x, y) for x, y in zip(a.shape, b.shape, strict=True))
    return [_spread_out(call, value, common, (a.shape, b.shape)) for value in (a, b)]


def _of_one_rank(call: Call, a: Value, b: Value) -> tuple[Value, Value]:
    """Keras puts axes of 1 behind the batch until both have as many; its operators instead align the last axes."""
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) != len(b.shape) and call.is_operation:
        raise UnsupportedError(
            f"{call.where}: shapes {a.shape} and {b.shape} have different numbers of axes, which the operator would "
            "align with the batch; Reshape one of them"
        )

    def lifted(value: Value) -> Value:
        shape = (*(1 for _ in range(rank - len(value.shape))), *value.shape)
        return value if shape == value.shape else call.add(Reshape(shape), [value], "lifted")

    return lifted(a), lifted(b)


def _spread_out(call: Call, value: Value, common: Shape, shapes: tuple[Shape, Shape]) -> Value:
    """Repeat a tensor along its axes of 1 up to ``common``: nearest-neighbour enlargement, channel by channel first."""
    shape = value.shape
    if any(extent not in (1, target) for extent, target in zip(shape, common, strict=True)) or len(shape) > 3:
        raise UnsupportedError(
            f"{call.where}: shapes {shapes[0]} and {shapes[1]} cannot be merged; supported are extents that are "
            "equal or 1, in up to three axes"
        )
    if shape[-1] != common[-1]:
        line = call.add(Reshape((value.size, 1)), [value], "line")
        value = call.add(Reshape((*shape[:-1], common[-1])), [call.add(UpSampling((1, common[-1])), [line])], "spread")
    rows, columns = (
        target // extent for extent, target in zip(as_image(value.shape)[:2], as_image(common)[:2], strict=True)
    )
    return value if (rows, columns) == (1, 1) else call.add(UpSampling((rows, columns)), [value], "spread")


def _per_channel(small: Shape, big: Shape) -> bool:
    return len(small) == len(big) and small[-1] == big[-1] and all(extent == 1 for extent in small[:-1])


def _read_merge(op: str, call: Call) -> Value:
    if len(call.inputs) < 2:
        return call.inputs[0]
    return merge_chain(call, op)


for _class, _op in (("Add", "add"), ("Multiply", "multiply"), ("Maximum", "maximum"), ("Minimum", "minimum")):
    reads(_class)(partial(_read_merge, _op))


@reads("Subtract")
def read_subtract(call: Call) -> Value:
    if len(call.inputs) != 2:
        raise UnsupportedError(f"{call.where}: subtracts exactly two inputs, found {len(call.inputs)}")
    return merge_chain(call, "subtract")


@reads("Average")
def read_average(call: Call) -> Value:
    """The sum of all inputs, exact, times 1 / n."""
    total = _read_merge("add", call)
    channels = total.shape[-1]
    mean = Scale(Parameter.of(np.full(channels, 1.0 / len(call.inputs))), Parameter.of(np.zeros(channels)))
    return call.add(mean, [total])

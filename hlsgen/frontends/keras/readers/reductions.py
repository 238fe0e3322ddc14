"""Sums, means, products, extremes and where those are: ``keras.ops.sum``, ``tf.reduce_sum``, ``argmax``, ``top_k``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.axes import place_of, places_of
from hlsgen.frontends.keras.call import Call, operation
from hlsgen.frontends.keras.options import AXIS, POSITIVE, SWITCH, maybe, several
from hlsgen.frontends.permuting import add_permute, add_reshape
from hlsgen.frontends.reductions import add_reduction
from hlsgen.ir.graph import Value
from hlsgen.layers.top import TopIndices, TopValues

_REDUCTIONS = {
    "sum": "Sum math.reduce_sum",
    "mean": "Mean math.reduce_mean",
    "max": "Max Amax math.reduce_max",
    "min": "Min Amin math.reduce_min",
    "prod": "Prod math.reduce_prod",
}


def _read_reduction(op: str, call: Call) -> Value:
    axes = places_of(call, call.take("axis", maybe(several(AXIS)), None))
    call.expect("initial", None)
    return add_reduction(call, call.input, op, axes, call.take("keepdims", SWITCH, False))


for _op, _spellings in _REDUCTIONS.items():
    operation(*_spellings.split())(partial(_read_reduction, _op))


def _read_place(least: bool, call: Call) -> Value:
    """The number of the largest (or least) along an axis; of equal ones the first."""
    value = call.input
    rank = len(value.shape)
    axis = place_of(call, call.take("axis", maybe(AXIS), None if call.keras3 else 0), rank)
    kept = call.take("keepdims", SWITCH, False)
    call.ignore("output_type", "dimension")
    others = [a for a in range(rank) if a != axis]
    found = call.add(TopIndices(1, least), [add_permute(call, value, [*others, axis])], "place")
    shape = tuple(value.shape[a] for a in others)
    return add_reshape(call, found, (*shape[:axis], 1, *shape[axis:]) if kept else shape)


operation("Argmax", "math.argmax")(partial(_read_place, False))
operation("Argmin", "math.argmin")(partial(_read_place, True))


@operation("TopK", "math.top_k")
def read_top_k(call: Call) -> Sequence[Value]:
    """The ``k`` largest of the last axis, and their numbers; what order ``sorted=False`` has nobody says."""
    count = call.argument("k", 1, POSITIVE, 1)
    call.expect("sorted", True)
    call.ignore("index_type")
    if count > call.input.shape[-1]:
        raise UnsupportedError(f"{call.where}: {count} of {call.input.shape[-1]} elements of the last axis")
    return [call.add(TopValues(count), step="values"), call.add(TopIndices(count), step="indices")]

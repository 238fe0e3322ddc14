"""Casts, rectifiers, tables and steps: element by element, and the softmax."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from hlsgen.backends.hls.kernel import (
    ConstantArray,
    Enumerator,
    Kernel,
    Member,
    Members,
    Word,
    call,
    call_of_two,
    kernel_of,
)
from hlsgen.backends.hls.kernels.pieces import members_of_pieces
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Gathering, Holding, Passing
from hlsgen.ir.interval import Interval, aligned
from hlsgen.ir.layer import Exact
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.convert import Convert
from hlsgen.layers.exponentials import Exponentials
from hlsgen.layers.gate import Gate
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.merge import Merge
from hlsgen.layers.piecewise import Direct, Piecewise
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.table import Table
from hlsgen.layers.thresholds import Thresholds

_BIT = FixedType(1, 1, False)
"""What a place of a mask is stored in; and in place of a constant that is not there."""
_MOST_POSITIONS = 16


@kernel_of(Convert)
def convert(layer: Convert, op: Op) -> Kernel:
    return call(op, "convert", "convert.h", {"size": op.output.size})


@kernel_of(CastEach)
def cast_each(layer: CastEach, op: Op) -> Kernel:
    steps = layer.steps(op.input.type)
    numbers = steps.columns()
    members: Members = {
        "size": op.output.size,
        "types": len(numbers),
        "numbers": numbers.shape[1],
        "saturates": steps.high is not None,
        "by_sign": steps.other is not None and steps.odd is None,
        "by_parity": steps.odd is not None,
        "value_t": steps.type,
        "value_word": Word(steps.type),
    }
    constant = ConstantArray.of("n", integers(numbers), steps.type, "element (or channel), number")
    return call(op, "cast_each", "cast_each.h", members, constant, timing=_passing(op, terms=2, compared=2))


@kernel_of(Saturate)
def saturate(layer: Saturate, op: Op) -> Kernel:
    return call(op, "convert", "convert.h", {"size": op.output.size})


@kernel_of(Merge)
def merge(layer: Merge, op: Op) -> Kernel:
    a, b = op.inputs
    exact = op.output.typing.sum_type
    if layer.structural:  # compared in a type that holds both operands, not only the result
        spans = aligned([Interval.of_type(tensor.type, 1) for tensor in op.inputs])
        exact = FixedType.covering(min(s.lowest for s in spans), max(s.highest for s in spans), spans[0].frac)
    broadcast = a.shape != b.shape
    members: Members = {
        "value_t": exact,
        "size": op.output.size,
        "inner": b.size,
        "broadcast": broadcast,
        "op": Enumerator("merge_op", layer.op),
    }
    form = Holding if broadcast else Passing
    depth = pipeline_depth(terms=1) if layer.op == "multiply" else pipeline_depth(compared=2)
    return call_of_two(op, "merge", "merge.h", members, timing=form(interval=op.reuse_factor, depth=depth))


# -- rectifiers ------------------------------------------------------------------------------


@kernel_of(Relu)
def relu(layer: Relu, op: Op) -> Kernel:
    slope = _BIT if layer.slope is None else layer.slope.known_type
    top = _BIT if layer.ceiling is None else layer.ceiling.known_type
    members: Members = {
        "size": op.output.size,
        "has_slope": layer.slope is not None,
        "has_max": layer.ceiling is not None,
        "slope_t": slope,
        "slope_word": Word(slope),
        "max_t": top,
        "max_word": Word(top),
        "value_t": layer.held(op.input.type),
        "slope_mantissa": 0 if layer.slope is None else int(layer.slope.fixed[0]),
        "max_mantissa": 0 if layer.ceiling is None else int(layer.ceiling.fixed[0]),
    }
    return call(op, "relu", "relu.h", members, timing=_passing(op, terms=int(layer.slope is not None), compared=2))


def _passing(op: Op, **work: int) -> Passing:
    """Element by element; ``work``: see :func:`pipeline_depth`."""
    return Passing(interval=op.reuse_factor, depth=pipeline_depth(**work))


@kernel_of(Gate)
def gate(layer: Gate, op: Op) -> Kernel:
    x = op.input.type
    first, last = layer.ends(x)
    level = _BIT if layer.level is None else layer.level.known_type
    members: Members = {
        "size": op.output.size,
        "compared_t": layer.compared(x),
        "value_t": layer.held(x),
        "has_low": layer.low is not None,
        "first_mantissa": 0 if layer.low is None else first,
        "last_mantissa": last,
        "has_level": layer.level is not None,
        "level_t": level,
        "level_word": Word(level),
        "level_mantissa": 0 if layer.level is None else int(layer.level.fixed[0]),
    }
    return call(op, "gate", "gate.h", members, timing=_passing(op, compared=2))


@kernel_of(PRelu)
def prelu(layer: PRelu, op: Op) -> Kernel:
    slopes = layer.slopes.known_type
    members: Members = {
        "size": op.output.size,
        "slopes": layer.slopes.values.size,
        "slope_t": slopes,
        "slope_word": Word(slopes),
        "value_t": layer.held(op.input.type),
    }
    return call(
        op,
        "prelu",
        "prelu.h",
        members,
        ConstantArray.of("a", layer.slopes.fixed[0], slopes, "element (or channel)"),
        timing=_passing(op, terms=1, compared=2),
    )


# -- tables and steps --------------------------------------------------------------------------


@kernel_of(Table)
def table(layer: Table, op: Op) -> Kernel:
    form, found = layer.filled
    if isinstance(form, Direct):
        return _by_table(op, form.index, Exact(found, form.result.frac))
    return _in_pieces(op, form, found)


def _in_pieces(op: Op, form: Piecewise, table: Ints) -> Kernel:
    lines = form.lines
    slope = lines.slope_type or _BIT
    members, words = members_of_pieces(form, table)
    own: Members = {
        "size": op.output.size,
        "accum_t": op.output.typing.accum_type,
        "line_t": _line_type(form, op.input.type),
        "has_negative": lines.negative,
        "has_positive": lines.positive,
        "has_slope": lines.slope_type is not None,
        "slope_t": slope,
        "slope_word": Word(slope),
        "slope_mantissa": lines.slope,
    }
    timing = _passing(op, terms=1, compared=2, tables=1 + 2 * form.degree)
    return call(op, "piecewise", "piecewise.h", {**own, **members}, words, timing=timing)


def _line_type(form: Piecewise, x: FixedType) -> FixedType:
    """A signed type that holds every x, and every product with the slope."""
    lines = form.lines
    if lines.slope_type is None:
        return FixedType.covering(min(x.min_mantissa, -1), x.max_mantissa, x.frac)
    frac = lines.slope_type.frac
    low, high = min(x.min_mantissa, -1) << frac, max(x.max_mantissa << frac, x.max_mantissa * lines.slope)
    return FixedType.covering(low, high, x.frac + frac)


@kernel_of(QuantizedFunction)
def quantized_function(layer: QuantizedFunction, op: Op) -> Kernel:
    assert layer.table is not None and layer.input_type is not None
    return _by_table(op, layer.input_type, Exact(layer.table, layer.function.type.frac))


def _by_table(op: Op, index: FixedType, table: Exact) -> Kernel:
    """A function by table; the words are of the result type."""
    result = op.output.type
    words = ConstantArray.of("table", result.cast(*table), result, "bits of the index")
    members: Members = {"size": op.output.size, "index_t": index, "table_word": Word(result)}
    return call(op, "table_activation", "table_activation.h", members, words, timing=_passing(op, tables=1))


@kernel_of(Thresholds)
def thresholds(layer: Thresholds, op: Op) -> Kernel:
    cuts, frac = layer.thresholds.fixed
    x, result = op.input.type, op.output.type
    spans = aligned([Interval.of_type(fixed, 1) for fixed in (x, layer.thresholds.known_type)])  # of any such cuts
    lowest, highest = min(-1, *(s.lowest for s in spans)), max(s.highest for s in spans)
    compared = FixedType.covering(lowest, highest, spans[0].frac)
    members: Members = {
        "size": op.output.size,
        "channels": cuts.shape[0],
        "n_thresholds": layer.n,
        "threshold_t": compared,
        "threshold_word": Word(compared),
        "level_word": Word(result),
    }
    constants = (
        ConstantArray.of("cuts", compared.cast(cuts, frac), compared, "channel, step"),
        ConstantArray.of("levels", result.cast(*layer.levels.fixed), result, "channel, steps reached"),
    )
    timing = _passing(op, compared=layer.n, tables=1)
    return call(op, "thresholds", "thresholds.h", members, *constants, timing=timing)


@kernel_of(Softmax)
def softmax(layer: Softmax, op: Op) -> Kernel:
    assert layer.plan is not None
    plan, mask = layer.plan, []
    own: dict[str, Member] = {"inverse_t": plan.inverse}
    if layer.mask is not None:
        own |= {"mask_rows": prod(layer.mask.shape[:-1]), "mask_word": Word(_BIT)}
        mask.append(ConstantArray.of("mask", layer.mask.astype(np.int64), _BIT, "row, place"))
    return _by_exponentials(op, "softmax", plan, "inverse", plan.reciprocal, own, *mask)


@kernel_of(LogSoftmax)
def log_softmax(layer: LogSoftmax, op: Op) -> Kernel:
    plan = layer.planned
    own: Members = {"difference_t": layer.difference(op.input.type), "logarithm_t": plan.logarithm}
    return _by_exponentials(op, "log_softmax", plan, "logarithms", plan.of_sum, own)


@kernel_of(Sparsemax)
def sparsemax(layer: Sparsemax, op: Op) -> Kernel:
    plan, positions, n = layer.planned, prod(op.output.shape[:-1]), op.output.shape[-1]
    members: Members = {
        "positions": positions,
        "n": n,
        "of_partial_sums": layer.of_partial_sums,
        "compared_t": plan.compared,
        "distance_t": plan.distance,
        "sum_t": plan.sum,
        "count_t": plan.count,
        "half_t": FixedType(plan.count.width, plan.count.width - 1, False),
        "inverse_t": plan.inverse,
        "inverse_word": Word(plan.inverse),
        "threshold_t": plan.threshold,
        "value_t": layer.held(op.input.type),
        "one_mantissa": 1 << plan.sum.frac,
    }
    inverses = ConstantArray.of("inverses", plan.reciprocals(n), plan.inverse, "how many are above zero")
    depth = pipeline_depth(terms=n, compared=n * n.bit_length(), tables=1) + pipeline_depth(terms=1, compared=n)
    timing = Gathering(positions=positions, interval=op.reuse_factor, depth=depth, array_steps=positions)
    small = positions <= _MOST_POSITIONS
    return call(op, "sparsemax", "sparsemax.h", members, inverses, small=small, timing=timing)


def _by_exponentials(
    op: Op, name: str, plan: Exponentials, role: str, of_sum: tuple[Piecewise, Ints], own: Members, *more: ConstantArray
) -> Kernel:
    """A position a step: exponentials, their sum and a function of that, by a table of role ``role``."""
    positions, n = prod(op.output.shape[:-1]), op.output.shape[-1]
    members, words = members_of_pieces(*of_sum)
    shared: Members = {
        "positions": positions,
        "n": n,
        "distance_t": plan.distance,
        "distance_index_t": plan.index,
        "share_t": plan.share,
        "tables": plan.tables,
        "exp_t": plan.exponential,
        "exp_word": Word(plan.exponential),
        "sum_t": plan.sum,
        **own,
    }
    constants = (
        ConstantArray.of("exps", plan.words(), plan.exponential, "table, bits of the distance"),
        replace(words, role=role),
        *more,
    )
    small = positions <= _MOST_POSITIONS
    depth = _softmax_depth(n, plan.tables, of_sum[0])
    timing = Gathering(positions=positions, interval=op.reuse_factor, depth=depth, array_steps=positions)
    return call(op, name, f"{name}.h", {**shared, **members}, *constants, small=small, timing=timing)


def _softmax_depth(n: int, tables: int, of_sum: Piecewise) -> int:
    """The largest, the tables of exponentials, their sum, the pieces of its function, and a product."""
    return pipeline_depth(terms=n, compared=n, tables=tables) + pipeline_depth(terms=1, tables=1 + 2 * of_sum.degree)

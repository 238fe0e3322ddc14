"""What each kind of layer costs: a function for each, registered as bindings of kernels are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, floor, prod
from typing import Any

import numpy as np

from hlsgen.backends.hls.kernel import Kernel
from hlsgen.backends.hls.program import Step
from hlsgen.estimation import memory
from hlsgen.estimation.cost import Basis, Cost, Setting
from hlsgen.estimation.digits import signed_digits
from hlsgen.estimation.elements import averages, casts, maxima, softmax_cost
from hlsgen.estimation.products import constant_products, products_in_turns, within_reports
from hlsgen.estimation.terms import HARD, Terms
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.wish import Storage, Strategy, WeightSource
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.conv2d import Convolution
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.exponentials import Exponentials
from hlsgen.layers.gate import Gate
from hlsgen.layers.input import Input
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.loops import LoopBorder
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.piecewise import Direct, Piecewise
from hlsgen.layers.pooling2d import (
    Average,
    AveragePooling2D,
    GlobalAveragePooling,
    GlobalMaxPooling,
    MaxPooling2D,
)
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate, Mover
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.split import Split
from hlsgen.layers.table import Table
from hlsgen.layers.thresholds import Thresholds
from hlsgen.layers.window import Window, as_image

_SELECTED = 2
"""Cycles of a loop's pipeline for selecting from an array by its counters, and for putting a result to its place."""


@dataclass(frozen=True, eq=False)
class Call:
    """A kernel call whose cost is asked. ``interval``: the cycles over which the tool may share its multipliers."""

    op: Op
    step: Step
    setting: Setting
    stream: bool
    flat: bool
    interval: int
    live: float = 1.0
    """The share of the result's elements that is built: the others are constants, or nobody reads them."""

    @property
    def kernel(self) -> Kernel:
        return self.step.kernel

    @property
    def at_once(self) -> int:
        """Elements of the result that are computed side by side."""
        return self.step.outputs[0].pack if self.stream else self.op.outputs[0].size

    @property
    def positions(self) -> int:
        """Positions that are computed side by side."""
        return self.kernel.positions if self.flat else 1

    @property
    def limit(self) -> int:
        """The multipliers that the program allows, where they are shared."""
        built = self.kernel.multipliers * self.positions * self.kernel.reuse_factor
        return max(ceil(built / self.interval), 1)


Rule = Callable[[Any, Call], Cost]
RULES: dict[type[Layer], Rule] = {}


def cost_of(*kinds: type[Layer]) -> Callable[[Rule], Rule]:
    """Register what layers of these kinds, and of kinds made of them, cost."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return register


def call_cost(call: Call) -> Cost:
    """The cost of a call, by the rule of its layer's kind or of what that is made of."""
    layer = call.op.layer
    rule = next((RULES[kind] for kind in type(layer).__mro__ if kind in RULES), _unknown)
    return rule(layer, call)


def _unknown(layer: Layer, call: Call) -> Cost:
    """Multipliers as the schedule counts them, and some logic for each bit that is computed."""
    bits = max(tensor.type.width for tensor in (*call.op.inputs, *call.op.outputs))
    multipliers = call.setting.multiplier(call.kernel.multipliers * call.positions, bits, bits)
    work = Cost(lut=4.0 * bits * call.at_once, ff=3.0 * bits * call.at_once, latency=call.kernel.timing.depth)
    tables = [memory.table(c.array.words.size, c.array.width, 1) for c in call.step.constants]
    return sum([multipliers, *tables], work).less_sure(Basis.GUESS, f"no rule for {layer.kind}: by its size alone")


# -- products ----------------------------------------------------------------------------------


@cost_of(LinearLayer)
def linear(layer: LinearLayer, call: Call) -> Cost:
    """A matrix at a position, or a window that slides over an image."""
    if call.op.strategy is Strategy.DISTRIBUTED_ARITHMETIC:
        return _by_adders(call)
    known = call.op.weight_source is WeightSource.CONSTANT
    if call.op.strategy is Strategy.LATENCY:
        return _at_once(call, Terms.of(layer.matrix(), layer.bias.fixed[0]))
    if known and call.kernel.reuse_factor == 1:  # a single turn: its weights are constants like others
        return _at_once(call, Terms.of(layer.matrix(), layer.bias.fixed[0])).less_sure(Basis.MODEL)
    return _in_turns(layer, call)


@cost_of(Scale)
def scale(layer: Scale, call: Call) -> Cost:
    """A product and an addition for each element: those of a channel have the same constant."""
    weight, bias = (constant.fixed[0].reshape(-1) for constant in (layer.weight, layer.bias))
    repeats = max(call.at_once // weight.size, 1)
    return _at_once(call, Terms.of_each(weight, bias), copies=repeats)


@cost_of(Convolution)
def convolution(layer: Convolution, call: Call) -> Cost:
    """The products of a window, and what holds the window."""
    found = linear(layer, call).less_sure(Basis.MODEL)
    return found + _window(layer.window, call) if call.stream else found


def _at_once(call: Call, terms: Terms, copies: int | None = None) -> Cost:
    """All products of the matrix side by side."""
    op, typing = call.op, call.op.output.typing
    layer = op.layer
    assert isinstance(layer, LinearLayer)
    constant, x = layer.weight.known_type.width, op.input.type.width
    found = constant_products(
        terms,
        call.setting,
        input_bits=x,
        constant_bits=constant,
        sum_bits=_kept_bits(typing.sum_type, typing.accum_type, op.output.type),
        interval=call.interval,
        limit=call.limit,
        copies=call.positions * op.parallelization if copies is None else copies,
        unsigned=not op.input.type.signed,
    )
    known = type(layer) is Dense and within_reports(x, constant)
    return found if known else found.less_sure(Basis.MODEL)


def _kept_bits(total: FixedType, *casts: FixedType) -> int:
    """Bits of a sum that casts behind it tell apart: what wraps anyway is not computed."""
    integer = total.integer
    for cast in casts:
        if cast.overflow is not Overflow.WRAP:
            break
        integer = min(integer, cast.integer)
    return max(integer + total.frac, 1)


def _in_turns(layer: LinearLayer, call: Call) -> Cost:
    """Strategies of turns: multipliers that are not told constants, and a memory of weights."""
    op, kernel = call.op, call.kernel
    turns = kernel.reuse_factor
    weight, sums = layer.weight.known_type.width, op.output.typing.sum_type.width
    multipliers = max(kernel.multipliers, 1)
    outputs = layer.bias.shape[0]
    found = products_in_turns(
        call.setting,
        multipliers=multipliers,
        turns=turns,
        outputs=outputs,
        input_bits=op.input.type.width,
        weight_bits=weight,
        sum_bits=sums,
        inputs_of_turn=max(layer.matrix().shape[0] // turns, 1),
        unsigned=not op.input.type.signed,
    )
    if op.weight_source is WeightSource.BRAM_PORT:
        return found.less_sure(Basis.MODEL, "weights are in memories outside of the design")
    if op.strategy is Strategy.UNROLLED:  # constants are in multiplexers in front of the multipliers
        selected = multipliers * weight * ceil((turns - 1) / 3)
        return found + Cost(lut=selected)
    in_memory = op.storage is not Storage.LUTRAM
    return found + memory.rows(turns, multipliers * weight, memory=in_memory)


def _by_adders(call: Call) -> Cost:
    """Shared adders: the very graph that the program writes out."""
    (adders,) = (c.array.adders for c in call.step.constants if c.array.adders is not None)
    graph, coefficients = adders.graph, call.setting.coefficients
    nodes = graph.nodes[len(graph.sources) :]
    bits = sum(FixedType.covering(node.low, node.high, 0).width for node in nodes)
    typing = call.op.output.typing
    outputs = len(graph.outputs) * typing.sum_type.width
    depth = max((len(graph.adders) + 1).bit_length() - 1, 1)
    work = Cost(
        lut=coefficients.lut["adder"] * (bits + outputs),
        ff=coefficients.ff["adder"] * (bits + outputs),
        latency=depth,
        interval=call.interval,
    )
    return work.times(call.positions).less_sure(Basis.MODEL)


@cost_of(MatMul)
def matmul(layer: MatMul, call: Call) -> Cost:
    """Products of two computed matrices."""
    op = call.op
    a, b = (tensor.type.width for tensor in op.inputs)
    multipliers = max(call.kernel.multipliers, 1)
    found = products_in_turns(
        call.setting,
        multipliers=multipliers,
        turns=call.kernel.reuse_factor,
        outputs=op.output.shape[-1],
        input_bits=a,
        weight_bits=b,
        sum_bits=op.output.typing.sum_type.width,
        inputs_of_turn=max(layer.depth // call.kernel.reuse_factor, 1),
    )
    held = prod(op.inputs[1].shape[-2:]) * b
    return found + Cost(ff=held)


# -- windows -----------------------------------------------------------------------------------


def _window(window: Window, call: Call) -> Cost:
    """Registers for a window over a stream, and memories for the lines above it."""
    _, width, channels = as_image(call.op.input.shape)
    bits = call.op.input.type.width
    rows, columns = window.reach
    lines = max(rows - 1, 0)
    held = memory.fifo(width, channels * bits).times(lines) if lines else Cost()
    return held + Cost(ff=rows * columns * channels * bits, lut=60, latency=1, basis=Basis.MODEL)


@cost_of(MaxPooling2D, AveragePooling2D)
def pooling(layer: MaxPooling2D | AveragePooling2D, call: Call) -> Cost:
    """All windows side by side in a flat pipeline, where those at a border have fewer cells; else one at a time."""
    counts = layer.window.counts(call.op.input.shape).reshape(-1) if call.flat else np.array([layer.window.taps])
    channels = call.op.output.shape[-1]
    found = _of_cells(layer, call, np.repeat(counts, channels))
    if call.flat:
        return found
    return found + (_window(layer.window, call) if call.stream else _gathered(layer.window.taps * channels, call))


@cost_of(GlobalMaxPooling, GlobalAveragePooling)
def global_pooling(layer: GlobalMaxPooling | GlobalAveragePooling, call: Call) -> Cost:
    """All positions at once in a flat pipeline; else a position at a time, with a register for each channel."""
    channels = call.op.output.size
    cells = call.op.input.size // channels if call.flat else 2
    found = _of_cells(layer, call, np.full(channels, cells))
    if call.flat:
        return found
    held = Cost(ff=float(channels * _pooled_bits(layer, call)))
    return found + held + (Cost() if call.stream else _gathered(channels, call))


def _pooled_bits(layer: Layer, call: Call) -> int:
    return call.op.output.typing.sum_type.width if isinstance(layer, Average) else call.op.input.type.width


def _of_cells(layer: Layer, call: Call, counts: Ints) -> Cost:
    """The largest or the mean of so many cells, for each result that is computed at once."""
    bits = _pooled_bits(layer, call)
    of_kind = averages if isinstance(layer, Average) else maxima
    found = of_kind(counts, bits, call.setting)
    if isinstance(layer, Average):
        found = found + _shares(layer, call, counts)
    if not call.flat and not call.stream:  # a loop has a register for what it writes
        found = found + Cost(ff=float(len(counts) * bits))
    return found.less_sure(Basis.BASELINES if call.flat else Basis.MODEL)


def _shares(layer: Average, call: Call, counts: Ints) -> Cost:
    """Sums by how many were added: a constant of each result in a flat pipeline, else a factor from a small table."""
    mantissas, width = layer.reciprocal.fixed[0].reshape(-1), layer.reciprocal.known_type.width
    places = {count: place for place, count in layer.divisors(call.op.input.shape).items()}
    bits = _pooled_bits(layer, call)
    if call.flat or len(places) == 1:
        of_count = {count: int(signed_digits(mantissas[[place]])[0]) for count, place in places.items()}
        only = next(iter(of_count.values()))
        digits = np.array([of_count.get(int(count), only) for count in counts])
        hard, added = int((digits >= HARD).sum()), int((digits == HARD - 1).sum())
    else:
        hard, added = len(counts), 0
    if not hard and not added:
        return Cost()
    cycles = call.setting.product_cycles if hard else 0
    products = call.setting.multiplier(hard, bits, width)  # of which the baselines have none
    return products + Cost(lut=float(added * bits), latency=cycles, basis=Basis.MODEL)


def _gathered(cells: int, call: Call) -> Cost:
    """Cells that a loop over positions selects from an array of registers."""
    choices = max(call.kernel.positions, call.step.schedule(False).steps)
    return Cost(lut=cells * call.op.input.type.width * ceil((choices - 1) / 3), latency=_SELECTED)


# -- element by element ------------------------------------------------------------------------


def _casting(call: Call) -> Cost:
    return casts(round(call.at_once * call.live), call.op.input.type.width, call.setting)


@cost_of(Relu)
def relu(layer: Relu, call: Call) -> Cost:
    """A comparison and a choice, with a slope also a product; a slope of 1 leaves all as it is."""
    if layer.ceiling is None and layer.slope is not None and float(layer.slope.effective) == 1.0:
        return convert(layer, call)
    found = _casting(call)
    if layer.slope is None and layer.ceiling is None:
        return _compared(call, found) if _is_plain(call.op.output.type) else found
    more = Cost() if layer.slope is None else _by_constant(layer.slope.fixed[0], layer.slope.known_type, call)
    return found + more + Cost(lut=call.at_once * call.op.input.type.width, basis=Basis.MODEL)


def _compared(call: Call, cast: Cost) -> Cost:
    """A comparison and a choice, whose result is not rounded or saturated."""
    pairs = np.full(round(call.at_once * call.live), 2)
    return replace(cast, lut=maxima(pairs, call.op.input.type.width, call.setting).lut)


def _by_constant(constant: Ints, fixed: FixedType, call: Call) -> Cost:
    """Every element times one constant."""
    terms = Terms.of(np.asarray(constant).reshape(1, 1), np.zeros(1, dtype=np.int64))
    count, bits = call.at_once, call.op.input.type.width
    found = call.setting.multiplier(terms.hard * count, bits, fixed.width)
    return found + Cost(lut=float(terms.shifted * count * (bits + terms.shifted_bits)))


@cost_of(CastEach, Gate)
def cast_each(layer: CastEach | Gate, call: Call) -> Cost:
    """A comparison and a choice of each element."""
    return _casting(call).less_sure(Basis.MODEL)


@cost_of(PRelu)
def prelu(layer: PRelu, call: Call) -> Cost:
    """A rectifier with a product by a constant of each channel, or each element."""
    slopes = layer.slopes.fixed[0].reshape(-1)
    terms = Terms.of_each(slopes, np.zeros(len(slopes), dtype=np.int64))
    copies, bits = call.at_once / len(slopes), call.op.input.type.width
    products = call.setting.multiplier(round(terms.hard * copies), bits, layer.slopes.known_type.width)
    return (_casting(call) + products + Cost(lut=terms.shifted * bits * copies)).less_sure(Basis.MODEL)


@cost_of(Convert, Saturate)
def convert(layer: Layer, call: Call) -> Cost:
    """Nothing where bits are only cut off."""
    return Cost() if _is_plain(call.op.output.type) else _casting(call).less_sure(Basis.MODEL)


def _is_plain(result: FixedType) -> bool:
    """Whether a cast to a type only cuts bits off."""
    return result.rounding is Rounding.TRN and result.overflow is Overflow.WRAP


@cost_of(Merge)
def merge(layer: Merge, call: Call) -> Cost:
    """An addition, a comparison or a product of each pair."""
    a, b = (tensor.type.width for tensor in call.op.inputs)
    if layer.op == "multiply":
        return call.setting.multiplier(call.at_once, a, b) + Cost(latency=1, basis=Basis.MODEL)
    each = 2.0 if layer.structural else 1.0
    return Cost(lut=call.at_once * each * max(a, b), ff=call.at_once * max(a, b), latency=1, basis=Basis.MODEL)


@cost_of(Mover, Concatenate, Split, LoopBorder, Input)
def moved(layer: Layer, call: Call) -> Cost:
    """Wires on arrays; on streams, the words that wait to be handed on in another order."""
    if not call.stream:
        return Cost()
    bits = sum(wire.type.width * wire.pack for wire in call.step.outputs)
    return Cost(lut=bits / 2 + 40, ff=20.0, latency=2, basis=Basis.MODEL)


# -- tables ------------------------------------------------------------------------------------


@cost_of(Table)
def table(layer: Table, call: Call) -> Cost:
    """A table, or polynomials in pieces whose coefficients are in one."""
    form, _ = layer.filled
    if isinstance(form, Direct):
        return _by_table(call)
    return _in_pieces(form, call)


@cost_of(QuantizedFunction)
def quantized_function(layer: QuantizedFunction, call: Call) -> Cost:
    """A table of results."""
    return _by_table(call)


def _by_table(call: Call) -> Cost:
    (words,) = (constant.array for constant in call.step.constants)
    index = _casting(call).times(0.5)
    read = memory.table(words.words.size, words.width, call.at_once)
    return (index + read + Cost(ff=call.at_once * words.width, latency=1)).less_sure(Basis.MODEL)


def _in_pieces(form: Piecewise, call: Call) -> Cost:
    (words,) = (constant.array for constant in call.step.constants)
    read = memory.table(words.words.size, words.width, call.at_once)
    steps = call.setting.multiplier(form.degree * call.at_once, form.offset_bits + 1, _factor_bits(form))
    setting, bits = call.setting, call.op.input.type.width
    computed = form.degree * (setting.family.dsp_ns + setting.family.level_ns) + setting.cast_ns
    depth = 1 + floor(computed / setting.period)  # the place in the table, and what follows the word behind each other
    logic = Cost(lut=call.at_once * 4.0 * bits, ff=call.at_once * float(bits * depth), latency=depth)
    return (read + steps + logic).less_sure(Basis.MODEL)


def _factor_bits(form: Piecewise) -> int:
    """Of what offsets are multiplied by: all coefficients but that of the offset's zeroth power."""
    return max((c.width for c in form.coefficients[1:]), default=1)


@cost_of(Embedding)
def embedding(layer: Embedding, call: Call) -> Cost:
    """A table whose words are whole vectors."""
    (words,) = (constant.array for constant in call.step.constants)
    size = call.op.output.shape[-1]
    read = memory.table(words.words.size // size, words.width * size, max(call.at_once // size, 1))
    return (read + Cost(lut=20, ff=float(words.width * size), latency=1)).less_sure(Basis.MODEL)


@cost_of(Thresholds)
def thresholds(layer: Thresholds, call: Call) -> Cost:
    """A comparison with every threshold, and the sum of what they say."""
    bits = call.op.input.type.width
    compared = call.at_once * layer.n * (0.5 * bits + 1)
    return Cost(lut=compared, ff=call.at_once * bits, latency=call.kernel.timing.depth // 2, basis=Basis.MODEL)


@cost_of(Softmax)
def softmax(layer: Softmax, call: Call) -> Cost:
    """Exponentials by tables, their sum, its reciprocal in pieces, and a product with that for each place."""
    plan = layer.plan
    assert plan is not None
    products = call.setting.multiplier(call.op.output.shape[-1], plan.exponential.width + 1, plan.inverse.width + 1)
    return (_exponentials(plan, plan.reciprocal[0], call) + products.times(call.positions)).less_sure(Basis.MODEL)


@cost_of(LogSoftmax)
def log_softmax(layer: LogSoftmax, call: Call) -> Cost:
    """The same sum, and its logarithm in pieces."""
    return _exponentials(layer.planned, layer.planned.of_sum[0], call).less_sure(Basis.MODEL)


def _exponentials(plan: Exponentials, of_sum: Piecewise, call: Call) -> Cost:
    """What both share. An exponential of two tables is a product of what they hold."""
    n, exponential = call.op.output.shape[-1], plan.exponential.width + 1
    exps, pieces = (constant.array for constant in call.step.constants[:2])
    one_more = call.setting.product_cycles + 1
    parts = [
        call.setting.multiplier((plan.tables - 1) * n, exponential, exponential),
        call.setting.multiplier(of_sum.degree, of_sum.offset_bits + 1, _factor_bits(of_sum)),
        replace(memory.table(exps.words.size, exps.width, n * plan.tables), latency=0),
        replace(memory.table(pieces.words.size, pieces.width, 1), latency=0),
        Cost(latency=(plan.tables - 1 + of_sum.degree) * one_more),
    ]
    return sum(parts, softmax_cost(n, call.op.input.type.width, call.setting)).times(call.positions)

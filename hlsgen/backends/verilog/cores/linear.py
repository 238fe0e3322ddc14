"""Products of a matrix: unrolled, or folded over as many clocks as its reuse factor says.

Unrolled (``reuse_factor`` 1), every weight is a constant in the logic: a zero costs nothing, a power of two a shift.
Folded, ``n_in * n_out / reuse_factor`` multipliers read their weights from a memory of ``reuse_factor`` words. The
inputs go past the multipliers first (``in_folds`` clocks), then the next outputs are computed (``out_folds`` times).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, Words, core_of, refused
from hlsgen.backends.verilog.logic import Logic, Rom, Section, Signal, constant, read_signed
from hlsgen.backends.verilog.pipeline import elements, finished, pipeline
from hlsgen.backends.verilog.text import counter_bits, described, joined, render, rom_texts
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer

MOST_PRODUCTS = 16384
"""Products that are unrolled: a large device has some ten thousand multipliers, and small ones are built of logic."""


def check_products(layer: LinearLayer, op: Op) -> None:
    """Raise UnsupportedError for a matrix of which too many products would be computed side by side."""
    weight = layer.weight.values
    count = int((weight != 0).sum()) if op.reuse_factor == 1 else -(-weight.size // op.reuse_factor)
    if count <= MOST_PRODUCTS:
        return
    valid = layer.valid_reuse_factors(Strategy.RESOURCE)
    enough = next((reuse for reuse in valid if -(-weight.size // reuse) <= MOST_PRODUCTS), valid[-1])
    raise refused(
        op,
        f"takes {count} multipliers side by side, at most {MOST_PRODUCTS} are built",
        f"set strategy: resource and reuse_factor: {enough} or more for this layer",
    )


@core_of(Dense, check=check_products)
def dense(layer: Dense, op: Op, place: Place) -> Core:
    return matrix_vector(op, layer, layer.weight.fixed[0], place)


def _check_convolution(layer: Conv2D | DepthwiseConv2D, op: Op) -> None:
    if op.reuse_factor > 1 and (isinstance(layer, DepthwiseConv2D) or layer.group_count > 1):
        raise refused(
            op, "channels that do not see each other are not folded yet", "set reuse_factor: 1 for this layer"
        )
    check_products(layer, op)


@core_of(Conv2D, check=_check_convolution)
def conv2d(layer: Conv2D, op: Op, place: Place) -> Core:
    """Behind windows that come as words, rows before columns before channels, as the weights lie."""
    matrix = layer.weight.fixed[0].reshape(layer.n_in, layer.n_out)
    if layer.group_count > 1:
        matrix = _spread(matrix, layer.window.taps, layer.group_count)
    return matrix_vector(op, layer, matrix, place)


@core_of(DepthwiseConv2D, check=_check_convolution)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op, place: Place) -> Core:
    """A group for each channel, of as many outputs as the depth multiplier says."""
    weight = layer.weight.fixed[0].reshape(layer.window.taps, layer.n_out)
    return matrix_vector(op, layer, _spread(weight, layer.window.taps, layer.weight.shape[2]), place)


def _spread(weight: Ints, taps: int, groups: int) -> Ints:
    """Weights (taps * channels of a group, outputs) of groups that see their own inputs, as a matrix of all inputs and
    outputs: the others are zero, and cost nothing where they are constants."""
    inputs, outputs = weight.shape[0] // taps, weight.shape[1] // groups
    found = np.zeros((taps, groups, inputs, groups, outputs), dtype=weight.dtype)
    for group in range(groups):
        columns = weight[:, group * outputs : (group + 1) * outputs]
        found[:, group, :, group, :] = columns.reshape(taps, inputs, outputs)
    return found.reshape(taps * groups * inputs, groups * outputs)


def matrix_vector(op: Op, layer: LinearLayer, weight: Ints, place: Place) -> Core:
    """``y = x W + b`` with ``weight`` (elements of x, elements of y), each result cast as the operation says."""
    if op.reuse_factor > 1:
        return _folded(op, layer, weight, place)
    (bias, bias_frac), weight_frac = layer.bias.fixed, layer.weight.fixed[1]

    def products(logic: Logic, x: list[Number]) -> list[Number]:
        found = []
        for o, column in enumerate(weight.T):
            terms = [
                logic.multiply(number.signal, constant(int(w)), f"product{o}_of_x{i}")
                for i, (number, w) in enumerate(zip(x, column, strict=True))
                if w
            ]
            total = Number(logic.total(terms, f"sum{o}"), place.x.type.frac + weight_frac)
            found.append(_with_bias(logic, total, Number(constant(int(bias[o])), bias_frac)))
        return found

    return pipeline(op, place, products)


def _with_bias(logic: Logic, total: Number, bias: Number) -> Number:
    a, b, frac = aligned(logic, total, bias)
    return Number(logic.add(a, b, "biased"), frac)


@dataclass(frozen=True)
class Folds:
    """How a matrix is gone through: ``simd`` inputs and ``lanes`` outputs at once."""

    in_folds: int
    out_folds: int
    simd: int
    lanes: int

    @classmethod
    def of(cls, n_in: int, n_out: int, reuse: int) -> Folds:
        in_folds = min(reuse, n_in)
        out_folds = reuse // in_folds
        exact = in_folds * out_folds == reuse and not n_in % in_folds and not n_out % out_folds
        assert exact, f"a reuse factor of {reuse} does not divide {n_in} x {n_out}"
        return cls(in_folds, out_folds, n_in // in_folds, n_out // out_folds)

    def rows(self, weight: Ints, width: int) -> tuple[int, ...]:
        """The words of the memory: for each clock the weights of all lanes, ``simd`` a lane, the first lowest."""
        mask, words = (1 << width) - 1, []
        for o in range(self.out_folds):
            for i in range(self.in_folds):
                lanes = slice(o * self.lanes, (o + 1) * self.lanes)
                block = weight[i * self.simd : (i + 1) * self.simd, lanes].T.reshape(-1)
                words.append(sum((int(w) & mask) << (k * width) for k, w in enumerate(block)))
        return tuple(words)


def _folded(op: Op, layer: LinearLayer, weight: Ints, place: Place) -> Core:
    """Latency: ``reuse_factor``, the clocks of products and their sum, one to add up, those of the casts, one to
    collect results."""
    folds = Folds.of(weight.shape[0], weight.shape[1], op.reuse_factor)
    weight_type = layer.weight.known_type
    word, rows = weight_type.width * folds.simd * folds.lanes, folds.rows(weight, weight_type.width)
    rom = Rom(f"{place.module}__weights", rows, word, counter_bits(op.reuse_factor))
    names: dict[str, int] = {}
    product, partial, product_latency = _partial_sums(layer, folds, place, names)
    ending, acc, results, latency = _ending(op, layer, folds, place, names)
    whole = op.reuse_factor + product_latency + 1 + latency + 1
    text = render(
        "folded.v.j2",
        place=place,
        about=described(op),
        folds=folds,
        reuse=op.reuse_factor,
        latency=whole,
        product_latency=product_latency,
        ending_latency=latency,
        rom=rom,
        step_width=counter_bits(op.reuse_factor),
        fold_width=counter_bits(folds.in_folds),
        product=product.lines(),
        turn_width=counter_bits(folds.out_folds),
        parts=[_part(signal, total.width) for signal, total in zip(partial, acc, strict=True)],
        acc=acc,
        biases=_biases(layer, folds, acc[0].width, _product_frac(layer, place)),
        ending=ending.lines(),
        results=joined(results, place.y.type.width),
    )
    texts = {place.module: text, **rom_texts([rom, *product.roms, *ending.roms])}
    inside = (
        Section(f"products, {folds.in_folds} clocks a sum", product, partial),
        Section(
            f"outputs in {folds.out_folds} turn{'s' if folds.out_folds > 1 else ''}",
            ending,
            results,
            tuple(zip(acc, partial, strict=True)),
        ),
    )
    return Core(place.module, place.xs, place.y, whole, op.reuse_factor, texts, inside)


def _part(signal: Signal, width: int) -> str:
    """What is added to a sum of ``width`` bits: a signed number that is no wider. A sum is right modulo its width."""
    if signal.width + (not signal.is_signed) > width:
        return f"$signed({signal.text}[{width - 1}:0])"
    return read_signed(signal)


def _product_frac(layer: LinearLayer, place: Place) -> int:
    """The grid on which products and bias are added up."""
    return max(place.x.type.frac + layer.weight.fixed[1], layer.bias.fixed[1])


def _partial_sums(
    layer: LinearLayer, folds: Folds, place: Place, names: dict[str, int]
) -> tuple[Logic, list[Signal], int]:
    """What a clock's inputs and weights add to each lane."""
    logic = Logic(place.levels, f"{place.module}__product", names)
    weight_type, x = layer.weight.known_type, place.x.type
    inputs = elements(logic, Words(x, folds.simd, 1), "inputs", "x")
    weights = elements(logic, Words(weight_type, folds.simd * folds.lanes, 1), "weights", "w")
    shift = _product_frac(layer, place) - x.frac - weight_type.frac
    sums = []
    for lane in range(folds.lanes):
        row = weights[lane * folds.simd : (lane + 1) * folds.simd]
        terms = [logic.multiply(a.signal, w.signal) for a, w in zip(inputs, row, strict=True)]
        sums.append(logic.shift_left(logic.total(terms), shift))
    results, latency = logic.registered(sums)
    return logic, results, latency


def _ending(
    op: Op, layer: LinearLayer, folds: Folds, place: Place, names: dict[str, int]
) -> tuple[Logic, list[Signal], list[Signal], int]:
    """The casts of complete sums; the registers in which they are added up, modulo their width: a sum that is
    complete fits."""
    logic = Logic(place.levels, f"{place.module}__ending", names)
    frac = _product_frac(layer, place)
    held = op.output.typing.exact
    low, high = (int(end) << (frac - held.frac) for end in held.whole())
    acc = [Signal(f"total{lane}", min(low, -1), max(high, 0)) for lane in range(folds.lanes)]
    results, latency = logic.registered([finished(logic, op, Number(signal, frac)) for signal in acc])
    return logic, acc, results, latency


def _biases(layer: LinearLayer, folds: Folds, width: int, frac: int) -> list[list[str]]:
    """The bias of each lane (outer) in each turn of outputs, as a word of the sum."""
    bias, bias_frac = layer.bias.fixed
    words = [(int(b) << (frac - bias_frac)) & ((1 << width) - 1) for b in bias]
    return [
        [f"{width}'d{words[o * folds.lanes + lane]}" for o in range(folds.out_folds)] for lane in range(folds.lanes)
    ]

"""Products of a matrix, folded over as many clocks as a reuse factor says.

``products / reuse_factor`` multipliers read their weights from a memory of ``reuse_factor`` words, or from registers
where the matrix is a tensor. The inputs go past the multipliers first (``in_folds`` clocks), then the next outputs are
computed (``out_folds`` times). Where channels are in groups that do not see each other, as in a depthwise convolution,
the groups follow each other (``group_folds`` times), several side by side if the reuse factor is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, Words
from hlsgen.backends.verilog.logic import Logic, Rom, Signal, read_signed
from hlsgen.backends.verilog.pipeline import elements, finished
from hlsgen.backends.verilog.text import counter_bits, described, joined, picked, render, rom_texts
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints
from hlsgen.layers.linear import LinearLayer


@dataclass(frozen=True)
class Folds:
    """How the blocks of a matrix are gone through, one block a group: ``simd`` inputs and ``lanes`` outputs of ``side``
    groups at once."""

    group_folds: int
    in_folds: int
    out_folds: int
    side: int
    simd: int
    lanes: int

    @classmethod
    def of(cls, blocks: tuple[int, int, int], reuse: int) -> Folds:
        """``blocks``: their number, the inputs and the outputs of one."""
        groups, n_in, n_out = blocks
        in_folds = gcd(reuse, n_in)
        out_folds = gcd(reuse // in_folds, n_out)
        group_folds = reuse // in_folds // out_folds
        assert not groups % group_folds, f"a reuse factor of {reuse} does not divide {groups} x {n_in} x {n_out}"
        return cls(group_folds, in_folds, out_folds, groups // group_folds, n_in // in_folds, n_out // out_folds)

    @property
    def reuse(self) -> int:
        return self.group_folds * self.in_folds * self.out_folds

    @property
    def sums(self) -> int:
        """Sums that are added up at once."""
        return self.side * self.lanes

    @property
    def turns(self) -> int:
        """How often sums are complete."""
        return self.group_folds * self.out_folds

    @property
    def multipliers(self) -> int:
        return self.sums * self.simd

    def by_step(self, blocks: Ints) -> Ints:
        """Something of each product, (groups, inputs, outputs), as (steps, multipliers)."""
        parts = blocks.reshape(self.group_folds, self.side, self.in_folds, self.simd, self.out_folds, self.lanes)
        return parts.transpose(0, 4, 2, 1, 5, 3).reshape(self.reuse, self.multipliers)

    def by_turn(self, outputs: Ints) -> Ints:
        """Something of each output, (groups * outputs,), as (turns, sums)."""
        parts = outputs.reshape(self.group_folds, self.side, self.out_folds, self.lanes)
        return parts.transpose(0, 2, 1, 3).reshape(self.turns, self.sums)


@dataclass(frozen=True)
class Folding:
    """A product to be built."""

    op: Op
    place: Place
    folds: Folds
    weight: FixedType
    frac: int
    """Of the sums."""
    biases: Ints
    """(turns, sums), on that grid."""
    order: list[int]
    """The elements of x, group by group."""

    @property
    def x(self) -> Words:
        return self.place.xs[0]

    @property
    def weights(self) -> Words:
        """What is read in a clock."""
        return Words(self.weight, self.folds.multipliers, self.folds.reuse)


def folded(op: Op, layer: LinearLayer, weight: Ints, order: Ints, place: Place) -> Core:
    """``y = x W + b`` for ``weight`` (groups, inputs, outputs); ``order`` (groups, inputs) are the elements of x that
    groups see."""
    folds = Folds.of(weight.shape, op.reuse_factor)
    fixed, (bias, bias_frac) = layer.weight.known_type, layer.bias.fixed
    frac = max(place.x.type.frac + fixed.frac, bias_frac)
    biases = folds.by_turn(bias.astype(object)) << (frac - bias_frac)
    folding = Folding(op, place, folds, fixed, frac, biases, order.reshape(-1).tolist())
    mask = (1 << fixed.width) - 1
    rows = (
        sum((int(w) & mask) << (k * fixed.width) for k, w in enumerate(step)) for step in folds.by_step(weight).tolist()
    )
    rom = Rom(f"{place.module}__weights", tuple(rows), folding.weights.width, counter_bits(folds.reuse))
    return _core(folding, rom, [])


def folded_tensors(op: Op, blocks: Ints, place: Place) -> Core:
    """The product of two tensors, ``y = x0 W``: ``blocks`` (1, inputs, outputs) are the elements of x1 that are the
    weights."""
    folds, (x, held) = Folds.of(blocks.shape, op.reuse_factor), place.xs
    biases = np.zeros((folds.turns, folds.sums), dtype=object)
    frac = x.type.frac + held.type.frac
    folding = Folding(op, place, folds, held.type, frac, biases, list(range(x.elements)))
    return _core(folding, None, folds.by_step(blocks).reshape(-1).tolist())


def _core(f: Folding, rom: Rom | None, held: list[int]) -> Core:
    """Latency: ``reuse_factor``, the clocks of products and their sum, one to add up, those of the casts, one to
    collect results. ``held``: the elements of the second operand in the order in which they are read."""
    folds, place = f.folds, f.place
    names: dict[str, int] = {}
    product, partial, product_latency = _partial_sums(f, names)
    ending, acc, results, latency = _ending(f, names)
    whole = folds.reuse + product_latency + 1 + latency + 1
    word_of = {int(y): place for place, y in enumerate(folds.by_turn(np.arange(place.y.elements)).reshape(-1))}
    collected = [word_of[y] for y in range(place.y.elements)]
    text = render(
        "folded.v.j2",
        place=place,
        x=f.x,
        about=described(f.op),
        folds=folds,
        reuse=folds.reuse,
        latency=whole,
        product_latency=product_latency,
        ending_latency=latency,
        rom=rom,
        held=picked("x1", f.weight.width, held),
        weight_width=f.weights.width,
        arriving=picked(place.operands[0][0], f.x.type.width, f.order),
        block=f.x.width // (folds.group_folds * folds.side),
        read=folds.simd * f.x.type.width,
        step_width=counter_bits(folds.reuse),
        fold_width=counter_bits(folds.in_folds),
        column_width=counter_bits(folds.out_folds),
        product=product.lines(),
        turn_width=counter_bits(folds.turns),
        parts=[_part(signal, total.width) for signal, total in zip(partial, acc, strict=True)],
        acc=acc,
        biases=_biases(f, acc[0].width),
        ending=ending.lines(),
        results=joined(results, place.y.type.width),
        in_order=collected == sorted(collected),
        collected=picked("collected", place.y.type.width, collected),
    )
    texts = {place.module: text, **rom_texts([*([] if rom is None else [rom]), *product.roms, *ending.roms])}
    return Core(place.module, place.xs, place.y, whole, folds.reuse, texts)


def _part(signal: Signal, width: int) -> str:
    """What is added to a sum of ``width`` bits: a signed number that is no wider. A sum is right modulo its width."""
    if signal.width + (not signal.is_signed) > width:
        return f"$signed({signal.text}[{width - 1}:0])"
    return read_signed(signal)


def _partial_sums(f: Folding, names: dict[str, int]) -> tuple[Logic, list[Signal], int]:
    """What a clock's inputs and weights add to each sum."""
    logic, simd = Logic(f.place.levels, f"{f.place.module}__product", names), f.folds.simd
    hint = "x" if len(f.place.xs) == 1 else "row"  # ports are x0 and x1
    inputs = elements(logic, Words(f.x.type, simd * f.folds.side, 1), "taken", hint)
    weights = elements(logic, f.weights, "weights", "w")
    shift = f.frac - f.x.type.frac - f.weight.frac
    sums = []
    for k in range(f.folds.sums):
        group = k // f.folds.lanes
        pairs = zip(inputs[group * simd :][:simd], weights[k * simd :][:simd], strict=True)
        sums.append(logic.shift_left(logic.total([logic.multiply(a.signal, w.signal) for a, w in pairs]), shift))
    results, latency = logic.registered(sums)
    return logic, results, latency


def _ending(f: Folding, names: dict[str, int]) -> tuple[Logic, list[Signal], list[Signal], int]:
    """The casts of complete sums; the registers in which they are added up, modulo their width: a sum that is
    complete fits."""
    logic = Logic(f.place.levels, f"{f.place.module}__ending", names)
    held = f.op.output.typing.exact
    low, high = (int(end) << (f.frac - held.frac) for end in held.whole())
    acc = [Signal(f"total{lane}", min(low, -1), max(high, 0)) for lane in range(f.folds.sums)]
    results, latency = logic.registered([finished(logic, f.op, Number(signal, f.frac)) for signal in acc])
    return logic, acc, results, latency


def _biases(f: Folding, width: int) -> list[list[str]]:
    """The bias of each sum (outer) in each turn, as a word of the sum."""
    mask = (1 << width) - 1
    return [[f"{width}'d{int(bias) & mask}" for bias in turns] for turns in f.biases.T]

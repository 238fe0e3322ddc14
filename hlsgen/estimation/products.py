"""Products of constants and their sums: the bulk of most designs."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, log2

from hlsgen.estimation.cost import Basis, Cost, Multipliers, Setting
from hlsgen.estimation.terms import Terms

BALANCED = 4096
"""Additions of a function up to which the tool makes trees of them; sums of larger ones stay in their order."""
_BETWEEN = (2650, 5870)
"""Additions of the largest tree and of the smallest chain among the reports."""
_TREE = -0.3
"""Cycles of a tree beyond one for each level: products and the first additions share some."""
_TAIL = 2
"""Cycles behind the last of products that take turns."""
_WAITING = (2.5, 0.12, 2.4)
"""Registers that a product waits in: none up to so many cycles of latency, so many for each more, so many at most
(longer waits are shift registers in LUTs)."""
_WIDEST = 24
"""Bits of an input or a constant up to which the reports are taken to speak."""


def constant_products(
    terms: Terms,
    setting: Setting,
    *,
    input_bits: int,
    constant_bits: int,
    sum_bits: int,
    interval: int,
    limit: int,
    dropped: int = 0,
    copies: int = 1,
    unsigned: bool = False,
) -> Cost:
    """A matrix whose products are all there at once, as the tool builds it when it knows the constants.

    ``interval``: cycles from sample to sample, over which ``limit`` multipliers at most are shared; ``sum_bits``: of
    the widest sum; ``dropped``: bits that are cut off products; ``copies``: of the matrix, for positions at once;
    ``unsigned``: whether inputs have no sign.
    """
    hard = terms.hard * copies
    built = min(hard, max(limit, 1))
    factor = constant_bits if setting.multipliers is Multipliers.LUT else min(constant_bits, terms.hard_widest)
    multipliers = setting.multiplier(built, input_bits, factor, unsigned=unsigned)
    if built < hard and multipliers.dsp_low is None:
        multipliers = replace(multipliers, dsp_low=multipliers.dsp / built * ceil(hard / interval))
    latency = _latency(terms, setting)
    if built < hard:
        shared = ceil(hard / built) + _TAIL
        latency = replace(latency, latency=max(latency.latency, shared))
    registers = _waiting(latency.latency, interval)
    lut, ff = setting.coefficients.lut, setting.coefficients.ff
    bits = input_bits - dropped
    shifted, hard_bits = terms.shifted * bits + terms.shifted_bits, terms.hard * bits + terms.hard_bits
    added = terms.adders * terms.mean_adder_bits(input_bits, sum_bits, dropped)
    delayed = (shifted + hard_bits) * registers
    held = copies if latency.latency else 0  # what is done in a cycle with its neighbours holds nothing
    logic = Cost(
        lut=copies
        * (
            lut["adder"] * added
            + lut["shifted"] * shifted
            + lut["delayed"] * delayed
            + lut["output"] * terms.sums * sum_bits
        )
        + lut["shared"] * (hard - built) * input_bits,
        ff=held * (ff["adder"] * added + ff["hard"] * hard_bits + ff["delayed"] * delayed),
        interval=min(interval, latency.latency + 1),
    )
    return multipliers + logic + latency


def _latency(terms: Terms, setting: Setting) -> Cost:
    """Cycles of the products and their sums."""
    tree, chain = _tree(terms.deepest, setting), _chain(terms.deepest, setting)
    found = chain if terms.adders > BALANCED else tree
    if _BETWEEN[0] <= terms.adders <= _BETWEEN[1]:
        note = "sums of so many terms: in trees or in a row, which no report tells"
        return Cost(latency=found, latency_low=min(tree, chain), latency_high=max(tree, chain), notes=(note,))
    return Cost(latency=found)


def _tree(terms: int, setting: Setting) -> int:
    if terms <= 1:
        return setting.product_cycles - 1
    levels = log2(terms) / setting.levels_of_cycle
    return max(0, floor(levels + _TREE + setting.product_cycles - 1 + 0.5))


def _chain(terms: int, setting: Setting) -> int:
    return ceil(terms * setting.family.chained_ns / setting.period)


def _waiting(latency: int, interval: int) -> float:
    """Registers of a product while it waits to be added, if a new sample comes every ``interval`` cycles."""
    if interval > latency:
        return 0.0
    free, each, most = _WAITING
    return min(max(each * (latency - free), 0.0), most) / interval


def products_in_turns(
    setting: Setting,
    *,
    multipliers: int,
    turns: int,
    outputs: int,
    input_bits: int,
    weight_bits: int,
    sum_bits: int,
    inputs_of_turn: int,
    unsigned: bool = False,
) -> Cost:
    """A matrix whose products take turns: weights from a memory, inputs by multiplexers, sums in registers.

    The memory of the weights is not in it.
    """
    coefficients = setting.coefficients
    built = setting.multiplier(multipliers, input_bits, weight_bits, unsigned=unsigned)
    added = multipliers * sum_bits
    selected = inputs_of_turn * input_bits * ceil(max(turns - 1, 0) / 3)  # a LUT of six inputs selects one of four
    counted = 2 * max(turns - 1, 1).bit_length()
    terms = max(ceil(multipliers / outputs), 1) + 1
    logic = Cost(
        lut=coefficients.lut["adder"] * added + selected + outputs * sum_bits + counted + 30,
        ff=coefficients.ff["adder"] * added
        + coefficients.ff["hard"] * multipliers * (input_bits + weight_bits)
        + outputs * sum_bits
        + counted,
        latency=_tree(terms, setting) + setting.product_cycles + 1,
    )
    return (built + logic).less_sure(Basis.MODEL)


def within_reports(input_bits: int, constant_bits: int) -> bool:
    """Whether factors are of widths of which reports can be taken to speak."""
    return max(input_bits, constant_bits) <= _WIDEST

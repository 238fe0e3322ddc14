"""A graph of adders: sums of constants times inputs without a multiplier, as a program without branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hlsgen.adders.cost import Word, bits, full_adders, in_units, negation
from hlsgen.ir.arithmetic import exact_sum, shifted
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import Ints, bit_length, integers

_ROWS_AT_ONCE = 1024
"""Nodes whose ranges are computed in one product."""
_SAFE_BITS = 61
"""Of magnitudes that are added as int64."""


@dataclass(frozen=True)
class Source:
    """An input: a mantissa from ``low`` to ``high``, whose value is ``mantissa << shift``."""

    low: int
    high: int
    shift: int = 0


@dataclass(frozen=True)
class Adder:
    """``(left << left_shift) ± (right << right_shift)``; one of the shifts is 0."""

    left: int
    left_shift: int
    right: int
    right_shift: int
    subtract: bool


@dataclass(frozen=True)
class Output:
    """``± node << shift``, or zero if ``node`` is None."""

    node: int | None
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class Node:
    """What is proved of a node: its exact range, bits at its lower end that are always zero, adders before it."""

    low: int
    high: int
    zeros: int
    depth: int

    @property
    def width(self) -> int:
        """Bits of its word, sign included."""
        return bits(self.low, self.high)

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def word(self) -> Word:
        return Word(self.low, self.high, self.zeros)


@dataclass(frozen=True)
class AdderGraph:
    """Nodes are numbered: the mantissas of the sources first, then the adders, each behind its operands."""

    sources: tuple[Source, ...]
    adders: tuple[Adder, ...]
    outputs: tuple[Output, ...]

    def forms(self) -> list[Ints]:
        """Each node as a linear form of the mantissas: arrays of shape (sources,), exact at any width."""
        known: list[Ints] = list(np.eye(len(self.sources), dtype=np.int64))
        sizes = [1] * len(known)  # bounds of the magnitudes, made tight where they come near to what overflows
        for a in self.adders:
            size = (sizes[a.left] << a.left_shift) + (sizes[a.right] << a.right_shift)
            left, right = known[a.left], known[a.right]
            if size.bit_length() > _SAFE_BITS:
                left, right = left.astype(object), right.astype(object)
            left, right = left << a.left_shift, right << a.right_shift
            known.append(left - right if a.subtract else left + right)
            sizes.append(int(np.abs(known[-1]).max()) if size.bit_length() > _SAFE_BITS // 2 else size)
        return known

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """What is proved of every node."""
        low, high, zeros = self._ranges(self.forms())
        depths = [0] * len(self.sources)
        for a in self.adders:
            depths.append(max(depths[a.left], depths[a.right]) + 1)
        return tuple(map(Node, low, high, zeros, depths))

    def _ranges(self, all_forms: Sequence[Ints]) -> tuple[list[int], list[int], list[int]]:
        """Least and greatest value of each node, and the zeros at its lower end."""
        inputs = Interval(
            integers(np.array([s.low for s in self.sources], dtype=object)),
            integers(np.array([s.high for s in self.sources], dtype=object)),
            0,
        )
        low: list[int] = []
        high: list[int] = []
        zeros: list[int] = []
        for start in range(0, len(all_forms), _ROWS_AT_ONCE):
            forms = integers(np.stack(_alike(all_forms[start : start + _ROWS_AT_ONCE])))
            reached = inputs.matmul(forms.T, 0)
            low += reached.low.tolist()
            high += reached.high.tolist()
            zeros += [_zeros(int(n)) for n in np.bitwise_or.reduce(forms, axis=1)]
        return low, high, zeros

    @property
    def depth(self) -> int:
        """Adders on the longest way from a source to an output."""
        return max((self.nodes[o.node].depth for o in self.outputs if o.node is not None), default=0)

    def adder_bits(self, unit: int = 1) -> tuple[int, ...]:
        """Full adders of each adder, in blocks of ``unit``."""
        first = len(self.sources)
        return tuple(in_units(self._full_adders(a, self.nodes[first + i]), unit) for i, a in enumerate(self.adders))

    def _full_adders(self, a: Adder, made: Node) -> int:
        left, right = self.nodes[a.left].word.shifted(a.left_shift), self.nodes[a.right].word.shifted(a.right_shift)
        return full_adders(left, right, a.subtract, made.word)

    def cost(self, unit: int = 1) -> int:
        """All full adders, those of negated outputs included (a bias behind them may take the sign for nothing)."""
        negated = [o.node for o in self.outputs if o.node is not None and o.negative]
        return sum(self.adder_bits(unit)) + sum(in_units(negation(self.nodes[n].word), unit) for n in negated)

    def matrix(self) -> Ints:
        """The matrix (sources, outputs) that the mantissas are multiplied by; shifts of sources are in it."""
        forms = self.forms()
        nothing = np.zeros(len(self.sources), dtype=np.int64)
        columns = [nothing if o.node is None else shifted(forms[o.node], o.shift) for o in self.outputs]
        signed = [-c if o.negative else c for o, c in zip(self.outputs, columns, strict=True)]
        return integers(np.stack(_alike(signed), axis=1)) if signed else np.zeros((len(self.sources), 0), np.int64)

    def evaluate(self, mantissas: Ints) -> Ints:
        """The outputs (..., outputs) for mantissas (..., sources), by the adders one after the other; exact."""
        known = [integers(np.asarray(mantissas)[..., i]) for i in range(len(self.sources))]
        for a in self.adders:
            right = shifted(known[a.right], a.right_shift)
            known.append(exact_sum(shifted(known[a.left], a.left_shift), -right if a.subtract else right))
        zero = np.zeros(np.asarray(mantissas).shape[:-1], dtype=np.int64)
        values = [zero if o.node is None else shifted(known[o.node], o.shift) for o in self.outputs]
        signed = [-v if o.negative else v for o, v in zip(self.outputs, values, strict=True)]
        return integers(np.stack(_alike(signed), axis=-1)) if signed else np.zeros((*zero.shape, 0), np.int64)


def _alike(arrays: Sequence[Ints]) -> list[Ints]:
    """Arrays of one dtype."""
    most = max((bit_length(array) for array in arrays), default=0)
    return [integers(array, most) for array in arrays]


def _zeros(form: int) -> int:
    """How often a number can be halved; 0 of zero."""
    return (form & -form).bit_length() - 1 if form else 0

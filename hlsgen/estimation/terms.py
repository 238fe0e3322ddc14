"""What a matrix of constants leaves to be computed, once the tool has seen its constants."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from hlsgen.estimation.digits import signed_digits
from hlsgen.ir.types import Ints

HARD = 3
"""Digits from which on a product is left to a multiplier; with one it is a wire, with two an addition. With it the DSPs
of every dense layer among the reports come out exactly."""


@dataclass(frozen=True)
class Terms:
    """The products and sums of a matrix (inputs, outputs); equal products of an input are computed once."""

    adders: int
    """Additions of products and biases, those within a product apart."""
    deepest: int
    """Terms of the longest sum."""
    term_bits: float
    """By how many bits products are wider than the input, on average over all terms; with a sign."""
    wires: int
    """Different products with a power of two."""
    shifted: int
    """Different products that are one addition: with a constant of two digits, or with minus a power of two."""
    shifted_bits: int
    """By how many bits these are wider than the input, all together."""
    hard: int
    """Different products that are left to a multiplier."""
    hard_bits: int
    hard_widest: int
    """Bits of the widest constant of these, with a sign: multipliers are as wide as constants, not as their type."""
    inputs: int
    """That are read at all."""
    outputs: int
    """That depend on an input."""
    sums: int
    """Outputs of two terms and more."""

    @property
    def distinct(self) -> int:
        """Different products that are more than wires."""
        return self.shifted + self.hard

    @classmethod
    def of(cls, matrix: Ints, bias: Ints) -> Terms:
        """Of whole numbers: ``matrix`` (inputs, outputs), ``bias`` (outputs,)."""
        used = matrix != 0
        live = used.any(axis=0)
        rows, columns = np.nonzero(used)
        terms = used.sum(axis=0) + (np.asarray(bias) != 0)
        return cls._counted(rows, np.asarray(matrix[rows, columns]), terms[live])

    @classmethod
    def of_each(cls, factors: Ints, bias: Ints) -> Terms:
        """Of a product and a sum for each input: ``factors`` and ``bias`` (inputs,)."""
        rows = np.flatnonzero(factors != 0)
        terms = 1 + (np.asarray(bias) != 0).astype(np.int64)
        return cls._counted(rows, np.asarray(factors[rows]), terms[rows])

    @classmethod
    def _counted(cls, rows: NDArray[np.int64], constants: Ints, terms: NDArray[np.int64]) -> Terms:
        """Of products that are not by zero, each with its input; ``terms`` of every output that has some."""
        products = _different(rows, constants)
        digits, bits = signed_digits(products), _bits(products)
        shifted = (digits == HARD - 1) | ((digits == 1) & (products < 0))
        hard = digits >= HARD
        return cls(
            adders=int(np.maximum(terms - 1, 0).sum()),
            deepest=int(terms.max(initial=0)),
            term_bits=float(_bits(constants).mean()) if constants.size else 0.0,
            wires=int((~shifted & ~hard).sum()),
            shifted=int(shifted.sum()),
            shifted_bits=int(bits[shifted].sum()),
            hard=int(hard.sum()),
            hard_bits=int(bits[hard].sum()),
            hard_widest=int(bits[hard].max(initial=0)),
            inputs=len(np.unique(rows)),
            outputs=len(terms),
            sums=int((terms > 1).sum()),
        )

    def mean_adder_bits(self, input_bits: int, widest: int, dropped: int = 0) -> float:
        """Bits of an adder, on average over a tree of the longest sum: a level has half as many, a bit wider each.

        ``dropped``: bits that are cut off each product before it is added; ``widest``: of the sum.
        """
        bits, left = input_bits + self.term_bits - dropped, self.deepest
        total = count = 0.0
        while left > 1:
            bits = min(bits + 1.0, float(widest))
            total, count, left = total + left // 2 * bits, count + left // 2, ceil(left / 2)
        return total / count if count else min(bits, float(widest))


def _different(rows: NDArray[np.int64], constants: Ints) -> Ints:
    """The constants of different products: of each row, each constant once."""
    order = np.lexsort((constants, rows))
    rows, constants = rows[order], constants[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (constants[1:] != constants[:-1])
    return np.asarray(constants[first])


def _bits(constants: Ints) -> NDArray[np.int64]:
    """By how many bits a product with each constant, which is not 0, is wider than the other factor; with a sign."""
    if constants.dtype == object:
        return np.array([(abs(int(v)) - 1).bit_length() + 1 for v in constants], dtype=np.int64)
    _, exponents = np.frexp((np.abs(constants) - 1).astype(np.float64))
    return np.asarray(exponents, dtype=np.int64) + 1

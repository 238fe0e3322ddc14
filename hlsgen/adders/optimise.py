"""From a matrix of constants to a graph of adders, and the proof that it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.adders.graph import Adder, AdderGraph, Output, Source
from hlsgen.adders.search import search_module
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.types import Ints, bit_length, integers

MOST_BITS = 56
"""Of a matrix entry, the shift of its source included: sums of such forms still fit the search's 64-bit masks."""
MOST_WEIGHTS = 100_000_000
"""Signed digits times inputs: the search holds a linear form for each of its nodes, 8 bytes an input."""
_MOST_OF_ANY = 1000
"""Of an option: more says nothing else."""


@dataclass(frozen=True)
class Options:
    """What a graph has to keep, and how long it is searched for.

    ``slack``: adders that the longest way may have beyond the fewest that do (what the longest column needs with
    nothing shared); None: any number. ``unit``: full adders in a block, 8 for a CARRY8: costs are whole blocks.
    ``tries``: graphs that are compared, of which the cheapest wins; up to 4 differ.
    """

    slack: int | None = None
    unit: int = 1
    tries: int = 1

    def __post_init__(self) -> None:
        for name, value, least in (("slack", self.slack, 0), ("unit", self.unit, 1), ("tries", self.tries, 1)):
            if value is not None and not least <= value <= _MOST_OF_ANY:
                raise ConfigError(f"adder graph: {name} is {value}; expected {least} to {_MOST_OF_ANY}")


def optimise(matrix: Ints, sources: Sequence[Source], options: Options | None = None) -> AdderGraph:
    """Return a graph whose outputs are ``sum over i of (mantissa[i] << shift[i]) * matrix[i, j]``.

    ``matrix``: integers (sources, outputs). The same input gives the same graph. Checked on each call: the graph's
    matrix, found by exact arithmetic, is the one given. Raises ConfigError for shapes and ranges that
    do not fit, UnsupportedError for what is too wide or too large, ToolError without a C++ compiler.
    """
    options = options or Options()
    reduced, shifts = _reduced(matrix, sources)
    _checked_work(reduced)
    adders, outputs, _ = search_module().search(
        reduced.astype(np.int64),
        np.array([s.low for s in sources], dtype=np.float64),
        np.array([s.high for s in sources], dtype=np.float64),
        -1 if options.slack is None else options.slack,
        options.unit,
        options.tries,
    )
    graph = AdderGraph(
        tuple(sources),
        tuple(Adder(a, b, c, d, bool(e)) for a, b, c, d, e in adders.tolist()),
        tuple(
            Output(node, shift + more, bool(negative)) if node >= 0 else Output(None)
            for (node, shift, negative), more in zip(outputs.tolist(), shifts, strict=True)
        ),
    )
    return proved(graph, matrix)


def work_of(matrix: Ints, sources: Sequence[Source]) -> int:
    """What a search has to do: signed digits times inputs. Raises as :func:`optimise` for what is none for it."""
    return _checked_work(_reduced(matrix, sources)[0])


def proved(graph: AdderGraph, matrix: Ints) -> AdderGraph:
    """The graph, if it is one of this matrix."""
    wanted = _without_constant_zeros(_shifted_rows(matrix, graph.sources), graph.sources)
    assert np.array_equal(graph.matrix(), wanted), "the graph is of another matrix"
    return graph


def _reduced(matrix: Ints, sources: Sequence[Source]) -> tuple[Ints, list[int]]:
    """What is searched for: columns without their power of two, and the powers."""
    return _odd_columns(_without_constant_zeros(_shifted_rows(matrix, sources), sources))


def _shifted_rows(matrix: Ints, sources: Sequence[Source]) -> Ints:
    """The matrix by which mantissas are multiplied. Raises ConfigError."""
    array = np.asarray(matrix)
    if array.ndim != 2 or array.shape[0] != len(sources) or (array.dtype.kind not in "iuO"):
        raise ConfigError(
            f"adder graph: a matrix of {array.dtype} and shape {array.shape} for {len(sources)} inputs; expected "
            f"integers and shape ({len(sources)}, outputs)"
        )
    for i, source in enumerate(sources):
        if source.low > source.high or source.shift < 0:
            raise ConfigError(f"adder graph: input {i} is {source}; expected low <= high, and a shift of 0 or more")
    shifts = np.array([s.shift for s in sources], dtype=object)
    return integers(array.astype(object) << shifts[:, None]) if array.size else np.zeros(array.shape, np.int64)


def _without_constant_zeros(matrix: Ints, sources: Sequence[Source]) -> Ints:
    """The matrix with nothing in the rows of inputs that are never anything but zero."""
    zero = np.array([s.low == s.high == 0 for s in sources], dtype=bool)
    return np.where(zero[:, None], 0, matrix)


def _odd_columns(matrix: Ints) -> tuple[Ints, list[int]]:
    """Each column without the factor 2**n that all its numbers have, and the n."""
    any_bit = np.bitwise_or.reduce(matrix, axis=0) if matrix.shape[0] else np.zeros(matrix.shape[1], np.int64)
    shifts = [(n & -n).bit_length() - 1 if n else 0 for n in map(int, any_bit)]
    return matrix >> np.array(shifts, dtype=matrix.dtype), shifts


def _checked_work(matrix: Ints) -> int:
    inputs, outputs = matrix.shape
    width = bit_length(matrix)
    if width > MOST_BITS:
        raise UnsupportedError(
            f"adder graph: constants of {width} bits, shifts of their inputs included; expected at most {MOST_BITS}. "
            "Give the weights fewer bits, or the inputs closer fractions"
        )
    digits = int(_count_digits(matrix.astype(np.int64)))
    if digits * inputs > MOST_WEIGHTS:
        raise UnsupportedError(
            f"adder graph: {inputs} × {outputs} constants with {digits} signed digits; expected at most "
            f"{MOST_WEIGHTS // inputs} for so many inputs. Split the columns, give the weights fewer bits, or use "
            "another strategy for this layer"
        )
    return int(digits * inputs)


def _count_digits(matrix: Ints) -> int:
    """Canonical signed digits that are not zero: they stand where a number and its triple differ (Reitwiesner 1960)."""
    differ = np.abs(matrix) ^ 3 * np.abs(matrix)
    return sum(int((differ >> n & 1).sum()) for n in range(MOST_BITS + 2))

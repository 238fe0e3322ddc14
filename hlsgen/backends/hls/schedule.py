"""When a call of a kernel reads and writes, counted in cycles: what its loops say, and an estimate of its pipeline.

Counts of steps and cycles are exact as long as the kernel never waits; they are those of its text, and tests count
there. How many cycles one step takes from its first register to its last is the tool's choice and estimated here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int64]
"""A cycle for each word of a stream, ascending; 0 is the first step of the call."""

_START = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Schedule:
    """One call that never waits.

    ``reads`` and ``writes`` have the cycle at which the step of each word begins, for each stream; they are empty where
    the kernel works on arrays. A word is written some cycles later, when it has gone through the pipeline: ``depth`` is
    an estimate of how many. What is written behind a loop has the cycle behind its last step.
    """

    steps: int
    """Iterations of the pipelined loops."""
    interval: int
    """Cycles from one step to the next."""
    cycles: int
    """All steps together: exact, without the depth of the pipeline."""
    depth: int
    reads: tuple[Cycles, ...] = ()
    writes: tuple[Cycles, ...] = ()
    fills: Cycles = field(default_factory=_START.copy)
    """The cycles at which a pipelined loop begins: the pipeline of the one before has drained then."""

    @property
    def latency(self) -> int:
        """From the first step to the last result, an estimate: each pipelined loop is filled once."""
        return self.cycles + self.depth * len(self.fills)

    @property
    def last_result(self) -> int:
        """The same, but that the last step need not be over: what the reader of a stream waits for."""
        return self.latency - (self.interval - 1)

    def with_fills(self, cycles: Cycles) -> Cycles:
        """When these cycles are, if every pipelined loop before them took its depth to drain."""
        drained = np.maximum(np.searchsorted(self.fills, cycles, side="right") - 1, 0)
        later: Cycles = cycles + self.depth * drained
        return later


def evenly(words: int, interval: int = 1, start: int = 0) -> Cycles:
    """The cycles of ``words`` words, one every ``interval`` cycles."""
    cycles: Cycles = start + interval * np.arange(words, dtype=np.int64)
    return cycles


def pipeline_depth(*, terms: int = 0, compared: int = 0, tables: int = 0) -> int:
    """Estimate the cycles from reading a word to the result, whatever the clock.

    Two to take the word and to hand on the result; three for products of which ``terms`` are added up in a tree, and
    one for each of its levels; one for each level of comparing ``compared`` values; two for each table behind another.
    """
    product = 3 + (terms - 1).bit_length() if terms else 0
    return 2 + product + (max(compared, 1) - 1).bit_length() + 2 * tables

"""What a simulation found: integers, and the clocks and words that it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.backends.verilog.core import Words
from hlsgen.ir.text import table
from hlsgen.ir.types import Ints


@dataclass(frozen=True)
class FifoUse:
    """How full a FIFO was: ``most`` words at once, with the one that comes in, of the ``depth`` that it has room for.

    ``name``: of its module in the circuit; the FIFO behind a chain of layers is a part of ``<first layer>__flow``.
    """

    name: str
    words: Words
    depth: int
    most: int


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a circuit gave for a batch, and its clocks; printed in one line, or in columns by :meth:`table`.

    ``results``: integer mantissas (samples, *shape) of each output. ``clocks``: those of the whole run. ``stalls``: in
    how many of them a word was offered to the circuit that it did not take; ``refused``: the same for each input.
    """

    results: tuple[Ints, ...]
    clocks: int
    stalls: int
    passed: tuple[Ints, ...]
    """For each port, inputs first, the clock in which each of its words passed."""
    refused: Mapping[str, int]
    fifos: tuple[FifoUse, ...]

    @property
    def result(self) -> Ints:
        """The integers of the only output."""
        (only,) = self.results
        return only

    @property
    def latency(self) -> int:
        """Clocks from taking the first word of the first sample to giving its last."""
        begun = min(int(clocks[0]) for clocks in self.passed[: len(self.refused)])
        return int(self._ends[0]) - begun

    @property
    def interval(self) -> float | None:
        """Clocks from sample to sample, on average over the batch, by their last words; None for one sample."""
        each = self.clocks_per_sample
        return float(each.mean()) if len(each) else None

    @property
    def clocks_per_sample(self) -> Ints:
        """For each sample but the first, the clocks from the last word of the one before to its own."""
        return np.diff(self._ends)

    @property
    def _ends(self) -> Ints:
        """The clock in which the last word of each sample was given."""
        samples = len(self.results[0])
        outputs = self.passed[len(self.refused) :]
        return np.asarray(np.max([clocks.reshape(samples, -1)[:, -1] for clocks in outputs], axis=0))

    def table(self) -> str:
        """The line that is printed, then clocks a sample, inputs and FIFOs in columns."""
        parts = [str(self)]
        each = self.clocks_per_sample
        if len(each):
            parts[0] += f"\nclocks from sample to sample: {each.min()} to {each.max()}"
        inputs = [
            [name, str(len(clocks)), str(refused)]
            for (name, refused), clocks in zip(self.refused.items(), self.passed, strict=False)
        ]
        parts.append(table(["input", "words", "stalls"], inputs))
        if self.fifos:
            rows = [[fifo.name, str(fifo.words.width), str(fifo.depth), str(fifo.most)] for fifo in self.fifos]
            parts.append(table(["FIFO", "bits of a word", "depth", "most words"], rows))
        return "\n\n".join(parts)

    def __str__(self) -> str:
        each = "" if self.interval is None else f", interval {self.interval:g}"
        samples = f"{len(self.results[0])} samples in {self.clocks} clocks"
        return f"{samples}: latency {self.latency}{each}, {self.stalls} stalls"

"""Which samples are looked at layer by layer, where there are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats

_MOST = 256
_CELLS, _WORK = 5 << 18, 1 << 27
"""Values and multiplications of a design on all samples, each step of a loop counted: what a second is enough for."""
_FEWEST = 24
_TRIED = 48
_CANDIDATES, _KEPT = 1024, 1 << 25
"""So many samples are run through the emulator and the reference, fewer of designs with more values than that."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Some samples of a batch, and how many of it each stands for."""

    chosen: Array
    counts: Floats

    def of(self, data: Mapping[str, Array]) -> dict[str, Array]:
        return {name: array[self.chosen] for name, array in data.items()}


def most_samples(design: Design) -> int:
    """How many samples of a design are looked at."""
    cells, products = 0, 0
    for op in design:
        steps = op.loop.steps if op.loop is not None else 1
        cells += steps * sum(tensor.size for tensor in op.outputs)
        products += steps * sum(op.layer.products * prod(tensor.shape[:-1]) for tensor in op.outputs)
    return max(_FEWEST, min(_MOST, _CELLS // max(1, cells), _WORK // max(1, products)))


def fewer(samples: Samples) -> Samples:
    """Some of them, by which settings are tried: those that say most are among the first."""
    some = np.arange(0, len(samples.chosen), -(-len(samples.chosen) // _TRIED))
    return Samples(samples.chosen[some], samples.counts[some])


def candidates(design: Design, count: int) -> Array:
    """The numbers of the samples that are run at all: evenly from all over a batch of ``count``."""
    most = max(_MOST, design.samples_within(_CANDIDATES, _KEPT))
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def choose(count: int, most: int, sizes: Sequence[Floats]) -> Samples:
    """All of ``count`` samples if they are at most so many, else half of them evenly from all over the batch, half
    those for which one of ``sizes`` (samples,) is largest: what saturates, saturates there."""
    if count <= most:
        return Samples(np.arange(count), np.ones(count))
    each = most // (2 * max(1, len(sizes)))
    extreme = np.unique(np.concatenate([np.argsort(-size, kind="stable")[:each] for size in sizes]))
    others = np.setdiff1d(np.arange(count), extreme)
    wanted = most - len(extreme)
    spread = others[np.linspace(0, len(others) - 1, wanted).astype(np.int64)]
    counts = np.concatenate([np.ones(len(extreme)), np.full(wanted, len(others) / wanted)])
    return Samples(np.concatenate([extreme, spread]), counts)


def largest(data: Array) -> Floats:
    """The largest magnitude of each sample."""
    flat = np.abs(np.asarray(data, dtype=np.float64)).reshape(len(data), -1)
    return np.asarray(flat.max(axis=1, initial=0.0))

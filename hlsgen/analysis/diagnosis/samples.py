"""Which samples are looked at layer by layer, where there are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats

_MOST = 256
_CELLS, _WORK = 1 << 22, 1 << 29
"""Values and multiplications of a design on all samples: what a second or two is enough for."""
_FEWEST = 8


@dataclass(frozen=True, eq=False)
class Samples:
    """Some samples of a batch, and how many of it each stands for."""

    chosen: Array
    counts: Floats

    def of(self, data: Mapping[str, Array]) -> dict[str, Array]:
        return {name: array[self.chosen] for name, array in data.items()}


def most_samples(design: Design) -> int:
    """How many samples of a design are looked at."""
    return max(_FEWEST, design.samples_within(_MOST, _CELLS, _WORK))


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

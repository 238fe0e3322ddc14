"""Rows of a table."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.backends.hls.kernel import ConstantArray, Kernel, Members, Word, call, kernel_of
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Passing
from hlsgen.ir.op import Op
from hlsgen.layers.embedding import Embedding

_MOST_POSITIONS = 16
"""Up to so many tables stand side by side."""


@kernel_of(Embedding)
def embedding(layer: Embedding, op: Op) -> Kernel:
    """The last row stands for all that an index could name beyond it."""
    index, result, positions = layer.numbers_read, op.output.type, prod(op.input.shape)
    held = result.cast(*layer.table.fixed)
    every = held[np.minimum(np.arange(1 << index.width), layer.rows - 1)]
    members: Members = {
        "index_t": index,
        "table_word": Word(result),
        "positions": positions,
        "channels": op.output.shape[-1],
    }
    table = ConstantArray.of("table", every.T, result, "channel, row")
    timing = Passing(interval=op.reuse_factor, depth=pipeline_depth(tables=1), array_steps=positions)
    return call(op, "embedding", "embedding.h", members, table, small=positions <= _MOST_POSITIONS, timing=timing)

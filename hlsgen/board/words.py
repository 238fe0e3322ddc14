"""Mantissas as bytes on the line and back: a word in whole bytes, the lowest first, its elements without gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.verilog.core import Words
from hlsgen.board.about import whole_bytes
from hlsgen.ir.types import Ints
from hlsgen.simulation.simulator import packed, unpacked


def as_bytes(values: Ints, words: Words) -> NDArray[np.uint8]:
    """Mantissas (samples, *shape) as (samples, bytes)."""
    found = packed(values.reshape(len(values) * words.beats, words.elements), words).view(np.uint8)
    return found[:, : whole_bytes(words.width)].reshape(len(values), words.beats * whole_bytes(words.width))


def from_bytes(data: NDArray[np.uint8], words: Words) -> Ints:
    """The reverse: (samples, elements)."""
    rows = data.reshape(len(data) * words.beats, whole_bytes(words.width))
    filled = np.zeros((len(rows), -(-words.width // 32) * 4), dtype=np.uint8)
    filled[:, : rows.shape[1]] = rows
    return unpacked(filled.view("<u4"), words).reshape(len(data), words.beats * words.elements)

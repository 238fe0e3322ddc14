"""Weights that are loaded at run time: what lies where in the memory outside, and who gets which of its words.

One process reads the memory and hands the words to the layers in order, each through a stream of its own; a layer holds
them in a memory of its own until others come. Whether a sample loads, it is told by another stream, a bit a sample, so
that samples before it are computed with what was there. What users read of it is docs/interface.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.hls.ports import WIDEST_OF_MEMORY
from hlsgen.backends.hls.program import NamedConstant, Plan, Step
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import WeightSource

FILE = "tb_data/weights.dat"
"""The words of a project's own weights, for the test bench and for drivers."""
_WIDEST_NATIVE = 63


@dataclass(frozen=True, eq=False)
class LoadedArray:
    """A constant in memory: ``rows`` of elements side by side, each in ``words_of_row`` words of its own."""

    constant: NamedConstant
    first: int
    """The number of its first word."""
    bits: int
    """Of a word."""

    @property
    def rows(self) -> int:
        """One a turn of weights, one of all biases."""
        return self.constant.words

    @property
    def elements(self) -> int:
        """Of a row."""
        return self.constant.array.extents[0]

    @property
    def row_bits(self) -> int:
        return self.constant.word_bits

    @property
    def row_bytes(self) -> int:
        """What it is held in: bytes, which every tool takes as static variables."""
        return _bytes_of(self.constant)

    @property
    def words_of_row(self) -> int:
        return -(-self.row_bits // self.bits)

    @property
    def words(self) -> int:
        return self.rows * self.words_of_row

    def packed(self) -> NDArray[np.uint8]:
        """The bytes of all words (words, bytes of a word), the lowest first."""
        array = self.constant.array
        by_row = array.words.reshape(self.elements, self.rows).T
        row = np.packbits(_bits_of(by_row, array.width).reshape(self.rows, -1), axis=1, bitorder="little")
        whole = np.zeros((self.rows, self.words_of_row * self.bits // 8), dtype=np.uint8)
        whole[:, : row.shape[1]] = row
        return whole.reshape(self.words, -1)


@dataclass(frozen=True, eq=False)
class LoadedLayer:
    """A kernel call whose weights and biases are loaded."""

    step: Step
    weights: LoadedArray
    biases: LoadedArray
    depth: int
    """Of the stream that says whether a sample loads: those that are under way before it, and two."""

    @property
    def words(self) -> int:
        return self.weights.words + self.biases.words

    @property
    def streams(self) -> list[str]:
        """What brings it whether a sample loads, and the words."""
        return [f"{self.step.name}_loads", f"{self.step.name}_words"]


@dataclass(frozen=True, eq=False)
class Loading:
    """All that a design loads, in words of ``bits`` bits that follow each other."""

    bits: int
    layers: tuple[LoadedLayer, ...]

    @property
    def arrays(self) -> list[LoadedArray]:
        return [array for layer in self.layers for array in (layer.weights, layer.biases)]

    @cached_property
    def words(self) -> int:
        return sum(layer.words for layer in self.layers)

    @property
    def burst(self) -> int:
        """Words of the longest AXI4 burst: 256, and none that leaves a page of 4,096 bytes."""
        return min(256, 4096 * 8 // self.bits)

    @property
    def streams(self) -> list[str]:
        """Those to all layers, in the order of the reading process's parameters."""
        return [name for layer in self.layers for name in layer.streams]

    @property
    def text(self) -> str:
        """All words, one a line: hexadecimal digits, the highest first."""
        lines = (row[::-1].tobytes().hex() for array in self.arrays for row in array.packed())
        return "".join(f"{line}\n" for line in lines)

    @property
    def layout(self) -> dict[str, Any]:
        """What a driver that packs has to know."""
        return {"bits": self.bits, "words": self.words, "arrays": [_described(array) for array in self.arrays]}

    def of(self, step: Step) -> LoadedLayer | None:
        """What a call loads, if it does."""
        return next((layer for layer in self.layers if layer.step is step), None)


def loading_of(plan: Plan) -> Loading | None:
    """What a design loads; None where all its weights are constants or come in at ports."""
    steps = [(number, step) for number, step in enumerate(plan.steps) if _loads(step)]
    if not steps:
        return None
    bits = _word_bits([step for _, step in steps], plan.interface.widest)
    layers, first = [], 0
    for number, step in steps:
        weights, biases = step.constants
        rows = LoadedArray(weights, first, bits)
        last = LoadedArray(biases, first + rows.words, bits)
        layers.append(LoadedLayer(step, rows, last, number + 3))
        first += layers[-1].words
    return Loading(bits, tuple(layers))


def _loads(step: Step) -> bool:
    return any(constant.array.source is WeightSource.AXI for constant in step.constants)


def _word_bits(steps: list[Step], widest: int) -> int:
    """The narrowest word with which a row of weights, of any layer, takes as few as it can."""
    most = min(WIDEST_OF_MEMORY, 1 << (widest.bit_length() - 1))
    row_bytes = max(_bytes_of(step.constants[0]) for step in steps)
    return min(most, 8 << (row_bytes - 1).bit_length())


def _bytes_of(constant: NamedConstant) -> int:
    return -(-constant.word_bits // 8)


def _bits_of(numbers: Ints, width: int) -> NDArray[np.uint8]:
    """The lowest bits of integers: an axis more, bit 0 first."""
    if width > _WIDEST_NATIVE:
        numbers = numbers.astype(object)
    found = np.empty((*numbers.shape, width), dtype=np.uint8)
    for bit in range(width):
        found[..., bit] = (numbers >> bit) & 1
    return found


def _described(array: LoadedArray) -> dict[str, Any]:
    constant = array.constant.array
    return {
        "name": array.constant.name,
        "layer": array.constant.owner,
        "axes": constant.axes,
        "shape": list(constant.shape),
        "width": constant.width,
        "signed": constant.signed,
        "first": array.first,
        "rows": array.rows,
        "words_of_row": array.words_of_row,
    }


def load_files(plan: Plan) -> dict[str, str]:
    """The words of a design that loads, by path; nothing of one that does not."""
    loading = loading_of(plan)
    return {} if loading is None else {FILE: loading.text}

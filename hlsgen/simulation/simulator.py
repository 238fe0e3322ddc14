"""Run a circuit clock by clock: integers in, integers out, and the clock of every word."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.text import render
from hlsgen.errors import DesignError
from hlsgen.ir.types import Ints, integers
from hlsgen.simulation.build import build_library

_OF = 65536
_PATIENCE = 1000
"""Clocks without a word, beyond those of a sample, after which a circuit is taken to stand still."""
_WAITING = 40
"""How many times as long as a word waits on average, where it waits at random, is taken for ever: it happens once in
e**40."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a circuit gave for a batch, and its clocks.

    ``result``: integer mantissas (samples, *shape). ``latency``: clocks from taking the first word of the first sample
    to giving its last. ``interval``: clocks from sample to sample, on average over the batch, by their last words
    (None for one sample). ``clocks``: those of the whole run. ``stalls``: in how many of them a word was offered to the
    circuit that it did not take.
    """

    result: Ints
    latency: int
    interval: float | None
    clocks: int
    stalls: int

    def __str__(self) -> str:
        each = "" if self.interval is None else f", interval {self.interval:g}"
        return f"{len(self.result)} samples in {self.clocks} clocks: latency {self.latency}{each}, {self.stalls} stalls"


class _Stream(ctypes.Structure):
    _fields_ = (
        ("words", ctypes.POINTER(ctypes.c_uint32)),
        ("count", ctypes.c_int64),
        ("clocks", ctypes.POINTER(ctypes.c_int64)),
    )


class Simulator:
    """A compiled circuit."""

    def __init__(self, circuit: Circuit) -> None:
        """Compile, or find it in the cache. Raises ToolError."""
        self.circuit = circuit
        driver = render(
            "driver.cpp.j2",
            input=circuit.input,
            output=circuit.output,
            input_words=_words32(circuit.x),
            output_words=_words32(circuit.y),
        )
        rtl = {path.rpartition("/")[2]: text for path, text in rtl_files(circuit).items()}
        self._run = build_library(rtl, circuit.name, driver).hlsgen_simulate
        self._run.restype = ctypes.c_int64

    def run(self, x: Ints, *, gaps: float = 0.0, stalls: float = 0.0, seed: int = 0) -> Simulation:
        """Simulate a batch of mantissas (samples, elements).

        ``gaps``, ``stalls``: the share of clocks, from 0 up to below 1, in which no word is offered and none is taken,
        at random from ``seed``. Returns a result of shape (samples, elements). Raises DesignError for a circuit that
        stands still.
        """
        circuit, samples = self.circuit, len(x)
        given, taken = packed(x.reshape(-1, circuit.x.elements), circuit.x), samples * circuit.x.beats
        found = np.zeros((samples * circuit.y.beats, _words32(circuit.y)), dtype=np.uint32)
        clocks_in, clocks_out = np.zeros(taken, dtype=np.int64), np.zeros(len(found), dtype=np.int64)
        streams = _stream(given, clocks_in), _stream(found, clocks_out)
        refused, shares = ctypes.c_int64(), [int(share * _OF) for share in (gaps, stalls)]
        patience = (_PATIENCE + 4 * circuit.interval) * (_WAITING * _OF // (_OF - max(shares)) if any(shares) else 1)
        clocks = self._run(
            *(ctypes.byref(stream) for stream in streams),
            *(ctypes.c_uint(share) for share in shares),
            ctypes.c_uint64(seed),
            ctypes.c_int64(patience),
            ctypes.byref(refused),
        )
        if streams[1].count < len(found):
            raise DesignError(
                f"circuit {circuit.name}: stands still after {clocks} clocks, with {streams[0].count} of {taken} words "
                f"taken and {streams[1].count} of {len(found)} given; this is a defect of hlsgen"
            )
        ends = clocks_out.reshape(samples, -1)[:, -1]
        return Simulation(
            result=unpacked(found, circuit.y).reshape(samples, -1),
            latency=int(ends[0] - clocks_in[0]),
            interval=None if samples == 1 else float(ends[-1] - ends[0]) / (samples - 1),
            clocks=int(clocks),
            stalls=int(refused.value),
        )


def _words32(words: Words) -> int:
    """Words of 32 bits that hold one of a stream; two at least, as ports of 64 bits read that."""
    return max(-(-words.width // 32), 2)


def _stream(words: NDArray[np.uint32], clocks: NDArray[np.int64]) -> _Stream:
    return _Stream(
        words.ctypes.data_as(ctypes.POINTER(ctypes.c_uint32)),
        len(words),
        clocks.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
    )


def packed(values: Ints, words: Words) -> NDArray[np.uint32]:
    """Mantissas (words, elements) as (words, words of 32 bits), the first element in the lowest bits."""
    exact = values if words.type.width <= 62 else values.astype(object)
    bits = (exact[..., None] >> np.arange(words.type.width)) & 1
    filled = np.zeros((len(values), _words32(words) * 32), dtype=np.uint8)
    filled[:, : words.width] = bits.reshape(len(values), words.width)
    return np.packbits(filled, axis=1, bitorder="little").view("<u4")


def unpacked(found: NDArray[np.uint32], words: Words) -> Ints:
    """The reverse: (words, elements)."""
    width = words.type.width
    bits = np.unpackbits(found.view(np.uint8), axis=1, bitorder="little")[:, : words.width]
    bits = bits.reshape(len(found), words.elements, width)
    values = np.zeros(bits.shape[:2], dtype=np.int64 if width <= 62 else object)
    for place in range(width):
        weight = -(1 << place) if words.type.signed and place == width - 1 else 1 << place
        values += bits[..., place].astype(values.dtype) * weight
    return integers(values)

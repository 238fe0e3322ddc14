"""Run a circuit clock by clock: integers in, integers out, and the clock of every word."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Chain, Circuit, Fifo, Stream
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.text import render
from hlsgen.errors import DesignError
from hlsgen.ir.types import Ints, integers
from hlsgen.simulation.build import build_library
from hlsgen.simulation.run import FifoUse, Simulation
from hlsgen.simulation.waves import Format, Waves
from hlsgen.tools import templates_dir

_OF = 65536
_PATIENCE = 1000
"""Clocks without a word, beyond those of a sample, after which a circuit is taken to stand still."""
_WAITING = 40
"""How many times as long as a word waits on average, where it waits at random, is taken for ever: it happens once in
e**40."""


class _Stream(ctypes.Structure):
    _fields_ = (
        ("words", ctypes.POINTER(ctypes.c_uint32)),
        ("count", ctypes.c_int64),
        ("clocks", ctypes.POINTER(ctypes.c_int64)),
        ("refused", ctypes.c_int64),
    )


class Simulator:
    """A compiled circuit."""

    def __init__(self, circuit: Circuit, waves: Format | None = None) -> None:
        """Compile, or find it in the cache; ``waves``: the waveforms that it can write. Raises ToolError."""
        self.circuit = circuit
        self._waves = waves
        inputs, outputs = ([(s.name, _words32(s.words)) for s in ports] for ports in (circuit.inputs, circuit.outputs))
        fifos = [_signals(circuit, block) for block in _with_fifo(circuit)]
        driver = render("driver.cpp.j2", inputs=inputs, outputs=outputs, fifos=fifos, waves=waves)
        rtl = {path.rpartition("/")[2]: text for path, text in rtl_files(circuit).items()}
        rtl["simulation.vlt"] = (templates_dir() / "verilog" / "simulation.vlt").read_text(encoding="utf-8")
        self._run = build_library(rtl, circuit.name, driver, waves).hlsgen_simulate
        self._run.restype = ctypes.c_int64

    def run(
        self,
        xs: Sequence[Ints],
        *,
        gaps: float = 0.0,
        stalls: float = 0.0,
        seed: int = 0,
        trace: Waves | None = None,
    ) -> Simulation:
        """Simulate a batch of mantissas (samples, elements), one array for each input.

        ``gaps``, ``stalls``: the share of clocks, from 0 up to below 1, in which no word is offered and none is taken,
        at random from ``seed``. ``trace``: where waveforms go, in the format that was compiled. Returns results of
        shape (samples, elements). Raises DesignError for a circuit that stands still, OutputDirError if waveforms
        cannot be written.
        """
        assert self._waves is (None if trace is None else trace.format), "compiled for other waveforms"
        with contextlib.nullcontext() if trace is None else trace.written() as file:
            return self._simulated(xs, gaps, stalls, seed, file)

    def _simulated(self, xs: Sequence[Ints], gaps: float, stalls: float, seed: int, waves: Path | None) -> Simulation:
        circuit, samples = self.circuit, len(xs[0])
        given = _Ports(circuit.inputs, [_packed(x, port.words) for x, port in zip(xs, circuit.inputs, strict=True)])
        taken = _Ports(circuit.outputs, [_empty(port.words, samples) for port in circuit.outputs])
        refused, shares = ctypes.c_int64(), [int(share * _OF) for share in (gaps, stalls)]
        blocks = _with_fifo(circuit)
        most = np.zeros(len(blocks), dtype=np.int64)
        patience = (_PATIENCE + 4 * (circuit.interval + circuit.latency)) * (
            _WAITING * _OF // (_OF - max(shares)) if any(shares) else 1
        )
        clocks = self._run(
            given.streams,
            taken.streams,
            *(ctypes.c_uint(share) for share in shares),
            ctypes.c_uint64(seed),
            ctypes.c_int64(patience),
            ctypes.byref(refused),
            ctypes.c_void_p(most.ctypes.data),
            None if waves is None else os.fsencode(waves),
        )
        if not (given.complete and taken.complete):
            raise DesignError(
                f"circuit {circuit.name}: stands still after {clocks} clocks, with {given} taken and {taken} given; "
                "this is a defect of hlsgen"
            )
        return Simulation(
            results=tuple(
                unpacked(bits, port.words).reshape(samples, -1)
                for bits, port in zip(taken.bits, circuit.outputs, strict=True)
            ),
            clocks=int(clocks),
            stalls=int(refused.value),
            passed=(*given.clocks, *taken.clocks),
            refused={port.name: int(given.streams[k].refused) for k, port in enumerate(circuit.inputs)},
            fifos=tuple(_use(block, int(count)) for block, count in zip(blocks, most, strict=True)),
        )


def _with_fifo(circuit: Circuit) -> list[Chain | Fifo]:
    return [block for block in circuit.blocks if isinstance(block, Chain | Fifo)]


def _instance(block: Chain | Fifo) -> str:
    """The name of the module in the circuit that holds words."""
    return block.name if isinstance(block, Fifo) else f"{block.name}__flow"


def _signals(circuit: Circuit, block: Chain | Fifo) -> tuple[str, str]:
    """How many words it holds and whether one comes, as Verilator's C++ names them: of two underscores it spells the
    second."""
    base = f"{circuit.name}.{_instance(block)}".replace("__", "___05F").replace(".", "__DOT__")
    return f"{base}__DOT__held", f"{base}__DOT__{'takes' if isinstance(block, Fifo) else 'done'}"


def _use(block: Chain | Fifo, most: int) -> FifoUse:
    return FifoUse(_instance(block), block.y, block.depth, most)


class _Ports:
    """The words of some ports: their bits, the clocks in which they passed, and how the driver takes both."""

    def __init__(self, ports: Sequence[Stream], bits: Sequence[NDArray[np.uint32]]) -> None:
        self.names, self.bits = [port.name for port in ports], bits
        self.clocks = [np.zeros(len(words), dtype=np.int64) for words in bits]
        self.streams = (_Stream * len(ports))(*map(_stream, bits, self.clocks))

    @property
    def complete(self) -> bool:
        """Whether all words have passed."""
        return all(self.streams[k].count == len(words) for k, words in enumerate(self.bits))

    def __str__(self) -> str:
        rows = (f"{self.streams[k].count} of {len(words)} words" for k, words in enumerate(self.bits))
        return ", ".join(f"{row} of {name}" for name, row in zip(self.names, rows, strict=True))


def _packed(x: Ints, words: Words) -> NDArray[np.uint32]:
    return packed(x.reshape(-1, words.elements), words)


def _empty(words: Words, samples: int) -> NDArray[np.uint32]:
    return np.zeros((samples * words.beats, _words32(words)), dtype=np.uint32)


def _words32(words: Words) -> int:
    """Words of 32 bits that hold one of a stream; two at least, as ports of 64 bits read that."""
    return max(-(-words.width // 32), 2)


def _stream(words: NDArray[np.uint32], clocks: NDArray[np.int64]) -> _Stream:
    return _Stream(
        words.ctypes.data_as(ctypes.POINTER(ctypes.c_uint32)),
        len(words),
        clocks.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
        0,
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

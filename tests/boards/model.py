"""A board in Python: DMA channels that split bytes into words, bit by bit, and hand them to the exact reference."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from hlsgen.backends.hls.program import Port
from hlsgen.design.reference import evaluate
from hlsgen.project import Project


def load(folder: Path, module: str = "driver") -> ModuleType:
    """A module of the package ``board`` of a project, under a name of its own."""
    name = f"board_{abs(hash(str(folder)))}"
    place = folder / "board"
    spec = importlib.util.spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"{name}.{module}")


class Channel:
    """One direction of a DMA. As in simple mode: one transfer at a time, none before the last was waited for."""

    def __init__(self) -> None:
        self.buffer: Any = None
        self.ready = lambda: None

    def transfer(self, buffer: Any) -> None:
        assert self.buffer is None, "a second transfer while one is under way"
        assert buffer.dtype == np.uint8 and buffer.ndim == 1
        self.buffer = buffer
        self.ready()

    def wait(self) -> None:
        assert self.buffer is not None, "waits for a transfer that was never begun"
        self.buffer = None


class Board:
    """An overlay: when all channels have a transfer, the design computes a sample. ``flip``: (output, bit) to disturb."""

    def __init__(self, project: Project, flip: tuple[int, int] | None = None) -> None:
        self.project, self.flip = project, flip
        ports = project.plan.ports
        self.inputs = [port for port in ports if port.is_input]
        self.outputs = [port for port in ports if not port.is_input]
        self.sends = [Channel() for _ in self.inputs]
        self.receives = [Channel() for _ in self.outputs]
        for channel in (*self.sends, *self.receives):
            channel.ready = self._compute
        for n in range(max(len(self.inputs), len(self.outputs))):
            dma = SimpleNamespace()
            if n < len(self.inputs):
                dma.sendchannel = self.sends[n]
            if n < len(self.outputs):
                dma.recvchannel = self.receives[n]
            setattr(self, f"dma_{n}", dma)

    def _compute(self) -> None:
        channels = [*self.sends, *self.receives]
        if any(channel.buffer is None for channel in channels):
            return
        design = self.project.design
        given = {}
        for port, tensor, channel in zip(self.inputs, design.inputs, self.sends, strict=True):
            given[tensor.name] = np.array(elements(port, channel.buffer)).reshape(1, *tensor.shape)
        exact = evaluate(design, given)
        for n, (port, tensor, channel) in enumerate(zip(self.outputs, design.outputs, self.receives, strict=True)):
            data = bytearray(as_bytes(port, [int(v) for v in exact[tensor].reshape(-1)]))
            if self.flip is not None and self.flip[0] == n:
                data[self.flip[1] // 8] ^= 1 << self.flip[1] % 8
            assert len(channel.buffer) == len(data)
            channel.buffer[:] = list(data)


def elements(port: Port, data: Any) -> list[int]:
    """The mantissas that the words in ``data`` hold; bits above the elements have to be zero."""
    width, step = port.wire.type.width, port.bits // 8
    assert len(data) == port.words * step
    found = []
    for first in range(0, len(data), step):
        word = sum(int(byte) << 8 * place for place, byte in enumerate(data[first : first + step]))
        assert word >> width * port.elements == 0
        for i in range(port.elements):
            mantissa = word >> width * i & (1 << width) - 1
            negative = port.wire.type.signed and mantissa >> width - 1
            found.append(mantissa - (1 << width) if negative else mantissa)
    return found


def as_bytes(port: Port, mantissas: list[int]) -> bytes:
    """The words of a port in memory, lowest byte first."""
    width, text = port.wire.type.width, b""
    for first in range(0, len(mantissas), port.elements):
        part = mantissas[first : first + port.elements]
        word = sum((m & (1 << width) - 1) << width * i for i, m in enumerate(part))
        text += word.to_bytes(port.bits // 8, "little")
    return text

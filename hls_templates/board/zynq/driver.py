"""The design on a Zynq board with PYNQ: predict, and a test with the project's stored vectors. Written by hlsgen.

    from board.driver import Design

    design = Design.load()
    print(design.self_test(), "samples are right")
    y = design.predict(x)

``Design`` takes any overlay with the attributes ``dma_0``, ``dma_1``, ... and any function that allocates buffers, so
that it runs without a board as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .ports import INPUTS, OUTPUTS, PROJECT
from .samples import HERE, Samples, SelfTestError

__all__ = ["Design", "SelfTestError"]


class Design(Samples):
    """The design in the programmable logic. A buffer for a sample of each port is allocated once."""

    def __init__(self, overlay: Any, allocate: Any = None) -> None:
        if allocate is None:
            from pynq import allocate
        self._sends = [getattr(overlay, f"dma_{n}").sendchannel for n in range(len(INPUTS))]
        self._receives = [getattr(overlay, f"dma_{n}").recvchannel for n in range(len(OUTPUTS))]
        self._given = [allocate(shape=(port.nbytes,), dtype=np.uint8) for port in INPUTS]
        self._taken = [allocate(shape=(port.nbytes,), dtype=np.uint8) for port in OUTPUTS]

    @classmethod
    def load(cls, bitstream: Path = HERE / f"{PROJECT}.bit") -> Design:
        """Load the bitstream (its .hwh lies beside it) and return the design."""
        from pynq import Overlay

        return cls(Overlay(str(bitstream)))

    def move(self, given: Sequence[np.ndarray], taken: Sequence[np.ndarray]) -> None:
        """Sample after sample."""
        for sample in range(len(given[0])):
            self._run_one([data[sample] for data in given], [data[sample] for data in taken])

    def _run_one(self, given: list[np.ndarray], taken: list[np.ndarray]) -> None:
        """All channels work at once: a port that waited for another one would stop the design."""
        for channel, buffer in zip(self._receives, self._taken, strict=True):
            channel.transfer(buffer)
        for channel, buffer, data in zip(self._sends, self._given, given, strict=True):
            buffer[:] = data
            channel.transfer(buffer)
        for channel in (*self._sends, *self._receives):
            channel.wait()
        for buffer, data in zip(self._taken, taken, strict=True):
            data[:] = buffer

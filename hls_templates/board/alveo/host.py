"""The design on an Alveo card with XRT: predict, and a test with the project's stored vectors. Written by hlsgen.

    from board.host import Design

    design = Design.load()
    print(design.self_test(), "samples are right")
    y = design.predict(x)

A call of the kernel computes many samples: a batch is divided into calls by the size of the buffers, of which there are
two sets, so that the card computes while the next call is prepared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .ports import INPUTS, OUTPUTS, PROJECT
from .samples import HERE, Samples, SelfTestError

__all__ = ["Design", "KernelError", "SelfTestError"]

BYTES_OF_CALL = 1 << 22
"""Of the port that has the most, for a call: some tenths of a millisecond on PCI Express."""


MOST_WORDS = 2**31 - 1
"""Of a port in a call: the kernel counts them so."""


class KernelError(Exception):
    """A call of the kernel has not come to its end."""


class Design(Samples):
    """The kernel on a card. ``xrt`` is the module pyxrt; ``device`` and ``kernel`` are its objects."""

    def __init__(self, xrt: Any, device: Any, kernel: Any, bytes_of_call: int = BYTES_OF_CALL) -> None:
        ports = (*INPUTS, *OUTPUTS)
        most = min(bytes_of_call // max(port.nbytes for port in ports), MOST_WORDS // max(port.words for port in ports))
        self._most = max(1, most)
        self._slots = [_Slot(xrt, device, kernel, self._most) for _ in range(2)]

    @classmethod
    def load(cls, xclbin: str | Path = HERE / f"{PROJECT}.hw.xclbin", device: int = 0) -> Design:
        """Load the binary into a card, by its number, and return the design."""
        import pyxrt

        card = pyxrt.device(device)
        return cls(pyxrt, card, pyxrt.kernel(card, card.load_xclbin(str(xclbin)), PROJECT))

    def move(self, given: Sequence[np.ndarray], taken: Sequence[np.ndarray]) -> None:
        """Call after call, one of them under way while the next is prepared. Raises KernelError."""
        for number, first in enumerate(range(0, len(given[0]), self._most)):
            part = slice(first, first + self._most)
            self._slots[number % 2].start([data[part] for data in given], [data[part] for data in taken])
            self._slots[(number + 1) % 2].finish()  # the call before this one
        for slot in self._slots:
            slot.finish()


class _Slot:
    """A call that is under way, if any, and a buffer of it for each port."""

    def __init__(self, xrt: Any, device: Any, kernel: Any, most: int) -> None:
        self._xrt, self._kernel = xrt, kernel
        ports = (*INPUTS, *OUTPUTS)
        groups = [kernel.group_id(place) for place in range(len(ports))]
        sizes = [port.nbytes * most for port in ports]
        self._buffers = [xrt.bo(device, size, xrt.bo.normal, group) for size, group in zip(sizes, groups, strict=True)]
        self._bytes = [np.frombuffer(buffer.map(), dtype=np.uint8) for buffer in self._buffers]
        self._run: Any = None
        self._taken: Sequence[np.ndarray] = ()

    def start(self, given: Sequence[np.ndarray], taken: Sequence[np.ndarray]) -> None:
        """Begin to compute samples, (samples, bytes) of each input; ``taken`` is filled by ``finish``."""
        to_device = self._xrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE
        for data, place, buffer in zip(given, self._bytes, self._buffers, strict=False):  # inputs come first
            place[: data.size] = data.reshape(-1)
            buffer.sync(to_device, data.size, 0)
        self._run, self._taken = self._kernel(*self._buffers, len(given[0])), taken

    def finish(self) -> None:
        """Wait for the call and fetch what it has computed. Raises KernelError."""
        if self._run is None:
            return
        run, self._run = self._run, None
        state = run.wait()
        if state != self._xrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
            raise KernelError(f"{PROJECT}: a call of the kernel ended as {state}; is the binary of this project?")
        from_device = self._xrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE
        of_outputs = slice(len(INPUTS), None)
        for data, place, buffer in zip(self._taken, self._bytes[of_outputs], self._buffers[of_outputs], strict=True):
            buffer.sync(from_device, data.size, 0)
            data[:] = place[: data.size].reshape(data.shape)

"""An Alveo card in Python: a module pyxrt whose kernel splits memory into words, bit by bit, for the exact reference."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from hlsgen.backends.hls.program import Port
from hlsgen.design.reference import evaluate
from hlsgen.project import Project
from tests.boards.model import as_bytes, elements

TO_DEVICE, FROM_DEVICE, NORMAL = "to device", "from device", "normal"
COMPLETED, FAILED = "completed", "aborted"


class Buffer:
    """A buffer object: the host's copy, and the card's, which differ until they are synchronised."""

    def __init__(self, device: Any, size: int, flags: str, group: int) -> None:
        assert device.loaded and size > 0 and flags == NORMAL
        self.group = group
        self.of_host, self.of_card = bytearray(size), bytearray(b"\xa5" * size)

    def map(self) -> memoryview:
        return memoryview(self.of_host)

    def sync(self, direction: str, size: int, offset: int) -> None:
        part = slice(offset, offset + size)
        assert 0 < size <= len(self.of_host) - offset
        if direction == TO_DEVICE:
            self.of_card[part] = self.of_host[part]
        else:
            assert direction == FROM_DEVICE
            self.of_host[part] = self.of_card[part]


class Card:
    """The module pyxrt. Calls run when they are waited for, since the host must not look before. ``flip``: (output,
    bit of a sample) to disturb; ``state``: how calls end."""

    def __init__(self, project: Project, flip: tuple[int, int] | None = None, state: str = COMPLETED) -> None:
        self.project, self.flip, self.state = project, flip, state
        self.calls: list[int] = []
        """How many samples each call had."""
        self.under_way = 0
        self.most_under_way = 0
        self.loaded = ""

    @property
    def module(self) -> ModuleType:
        found = ModuleType("pyxrt")
        found.__dict__.update(
            device=self.device,
            kernel=self.kernel,
            bo=Buffer,
            xclBOSyncDirection=SimpleNamespace(
                XCL_BO_SYNC_BO_TO_DEVICE=TO_DEVICE, XCL_BO_SYNC_BO_FROM_DEVICE=FROM_DEVICE
            ),
            ert_cmd_state=SimpleNamespace(ERT_CMD_STATE_COMPLETED=COMPLETED),
        )
        Buffer.normal = NORMAL  # type: ignore[attr-defined]
        return found

    def device(self, number: int) -> Card:
        assert number == 0
        return self

    def load_xclbin(self, path: str) -> str:
        self.loaded = path
        return "uuid"

    def kernel(self, device: Any, uuid: str, name: str) -> Kernel:
        assert device is self and uuid == "uuid" and name == self.project.name
        return Kernel(self)


class Kernel:
    """What the arguments are connected to: each its own memory."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def group_id(self, place: int) -> int:
        assert place < len(self.card.project.plan.ports)
        return 100 + place

    def __call__(self, *arguments: Any) -> Run:
        *buffers, samples = arguments
        assert [buffer.group for buffer in buffers] == [100 + n for n in range(len(self.card.project.plan.ports))]
        assert type(samples) is int and samples > 0
        return Run(self.card, buffers, samples)


class Run:
    """A call. Inputs are read when it begins; outputs are written when it is waited for."""

    def __init__(self, card: Card, buffers: list[Buffer], samples: int) -> None:
        self.card, self.buffers = card, buffers
        card.calls.append(samples)
        card.under_way += 1
        card.most_under_way = max(card.under_way, card.most_under_way)
        design, ports = card.project.design, card.project.plan.ports
        given = {}
        for port, buffer, tensor in zip(ports, buffers, design.inputs, strict=False):
            rows = [elements(port, part) for part in parts(port, buffer.of_card, samples)]
            given[tensor.name] = np.array(rows).reshape(samples, *tensor.shape)
        exact = evaluate(design, given)
        first = len(design.inputs)
        self.written = []
        for n, (port, tensor) in enumerate(zip(ports[first:], design.outputs, strict=True)):
            data = bytearray()
            for row in exact[tensor].reshape(samples, -1):
                data += as_bytes(port, [int(v) for v in row])
            if card.flip is not None and card.flip[0] == n:
                data[card.flip[1] // 8] ^= 1 << card.flip[1] % 8
            self.written.append(bytes(data))

    def wait(self) -> str:
        self.card.under_way -= 1
        for buffer, data in zip(self.buffers[-len(self.written) :], self.written, strict=True):
            buffer.of_card[: len(data)] = data
        return self.card.state


def parts(port: Port, data: bytearray, samples: int) -> list[bytes]:
    """The bytes of each sample."""
    size = port.words * port.bits // 8
    assert len(data) >= size * samples
    return [bytes(data[size * n : size * (n + 1)]) for n in range(samples)]

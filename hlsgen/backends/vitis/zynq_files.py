"""What a board with a Zynq device needs beside the HLS project: Vivado's block design, and a driver for PYNQ."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.boards import Zynq
from hlsgen.backends.hls.program import Plan, Port
from hlsgen.backends.hls.render import render, verbatim
from hlsgen.backends.vitis.script import ip_path
from hlsgen.errors import ConfigError

_LONGEST = 1 << 26
"""Bytes that a transfer of AXI DMA stays below: its length register has 26 bits."""
_MOST_MASTERS = 16
"""Masters of memory that one SmartConnect takes."""


@dataclass(frozen=True)
class Dma:
    """One AXI DMA: the port that it sends to, and that which it receives from."""

    sends: Port | None
    receives: Port | None

    @property
    def ports(self) -> tuple[Port, ...]:
        return tuple(port for port in (self.sends, self.receives) if port is not None)


def zynq_files(board: Zynq, job: Job, plan: Plan) -> dict[str, str]:
    """The texts by name. Raises ConfigError for what DMA or memory does not take."""
    ports = plan.ports
    for port in ports:
        _check(port)
    dmas = _paired([port for port in ports if port.is_input], [port for port in ports if not port.is_input])
    if len(ports) > _MOST_MASTERS:
        raise ConfigError(
            f"board: the design has {len(ports)} inputs and outputs, and its memory takes {_MOST_MASTERS}; "
            "concatenate some in the model, or leave board out"
        )
    script = render(
        "board/zynq/block_design.tcl.j2",
        plan,
        board=board,
        dmas=dmas,
        ip=ip_path(job.name),
        frequency=f"{1000 / job.config.clock_period:g}",
    )
    return {"driver.py": verbatim("board/zynq/driver.py"), "block_design.tcl": script}


def _paired(inputs: list[Port], outputs: list[Port]) -> list[Dma]:
    """Input n and output n share a DMA, since it has both directions."""
    count = max(len(inputs), len(outputs))
    return [Dma(inputs[n] if n < len(inputs) else None, outputs[n] if n < len(outputs) else None) for n in range(count)]


def _check(port: Port) -> None:
    name = port.wire.name
    if port.words * port.bits // 8 >= _LONGEST:
        raise ConfigError(
            f"board: a sample of port '{name}' has {port.words * port.bits // 8:,} bytes, and AXI DMA sends less than "
            f"{_LONGEST:,} at once; give the model smaller tensors, or leave board out"
        )

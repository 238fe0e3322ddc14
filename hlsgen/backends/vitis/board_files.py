"""What a board needs beside the HLS project: Vivado's block design, and a driver for PYNQ."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.boards import board_named
from hlsgen.backends.hls.plan import Plan, Port
from hlsgen.backends.hls.render import render
from hlsgen.backends.vitis.script import ip_path
from hlsgen.errors import ConfigError
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType, Overflow
from hlsgen.tools import templates_dir

FOLDER = "board"
_LONGEST = 1 << 26
"""Bytes that a transfer of AXI DMA stays below: its length register has 26 bits."""
_MOST_MASTERS = 16
"""Masters of memory that one SmartConnect takes."""
_TEXTS = ("__init__.py", "packing.py", "driver.py")
"""What depends on no model."""


@dataclass(frozen=True)
class Dma:
    """One AXI DMA: the port that it sends to, and that which it receives from."""

    sends: Port | None
    receives: Port | None

    @property
    def ports(self) -> tuple[Port, ...]:
        return tuple(port for port in (self.sends, self.receives) if port is not None)


def board_files(job: Job, plan: Plan) -> dict[str, str]:
    """The texts by path, none without a board. Raises ConfigError for what the board or the driver cannot do."""
    if job.config.board is None:
        return {}
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
        "board/block_design.tcl.j2",
        plan,
        board=board_named(job.config.board),
        dmas=dmas,
        ip=ip_path(job.name),
        frequency=f"{1000 / job.config.clock_period:g}",
    )
    shapes = [tensor.shape for tensor in (*job.design.inputs, *job.design.outputs)]
    numbers = render("board/ports.py.j2", plan, described=_described(ports, shapes))
    texts = {name: (templates_dir() / "board" / name).read_text(encoding="utf-8") for name in _TEXTS}
    return {
        f"{FOLDER}/{name}": text for name, text in {**texts, "ports.py": numbers, "block_design.tcl": script}.items()
    }


def _paired(inputs: list[Port], outputs: list[Port]) -> list[Dma]:
    """Input n and output n share a DMA, since it has both directions."""
    count = max(len(inputs), len(outputs))
    return [Dma(inputs[n] if n < len(inputs) else None, outputs[n] if n < len(outputs) else None) for n in range(count)]


def _check(port: Port) -> None:
    name, fixed = port.wire.name, port.wire.type
    if port.words * port.bits // 8 >= _LONGEST:
        raise ConfigError(
            f"board: a sample of port '{name}' has {port.words * port.bits // 8:,} bytes, and AXI DMA sends less than "
            f"{_LONGEST:,} at once; give the model smaller tensors, or leave board out"
        )
    if port.is_input and (fixed.overflow is Overflow.WRAP_SM or fixed.saturation_bits):
        raise ConfigError(
            f"board: the driver makes numbers of the type of port '{name}', and knows no {fixed}; give "
            "input_precision another overflow mode, such as SAT"
        )


def _described(ports: list[Port], shapes: list[Shape]) -> list[tuple[Port, Shape, str]]:
    """Each port with its tensor's shape and the NumPy type of its real values."""
    return [(port, shape, _real_type(port.wire.type)) for port, shape in zip(ports, shapes, strict=True)]


def _real_type(fixed: FixedType) -> str:
    return "float32" if fixed.width - fixed.signed <= 24 and fixed.frac <= 126 and fixed.integer <= 127 else "float64"

"""What stands beside the Verilog of a project: AXI streams, a test bench with its vectors, constraints, packaging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.backends.base import Job
from hlsgen.backends.vectors import vectors
from hlsgen.backends.verilog.circuit import Circuit, Stream
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.fabric import checked_device, size_of_ecp5
from hlsgen.backends.verilog.text import render
from hlsgen.ir.types import Ints

CONSTRAINTS, PACKAGING = "constraints.xdc", "package_ip.tcl"
LATTICE_CONSTRAINTS = "constraints.lpf"


@dataclass(frozen=True)
class AxisPort:
    """A stream of a circuit as a port with AXI4-Stream, and the words that the test bench has for it."""

    name: str
    """What the names of its wires begin with: ``s_axis`` or ``m_axis``, and behind that the stream's name where there
    are several."""
    stream: Stream
    hexadecimal: tuple[str, ...]

    @property
    def bits(self) -> int:
        """Those of a word, in whole bytes."""
        return -(-self.stream.words.width // 8) * 8


def project_files(job: Job, circuit: Circuit) -> dict[str, str]:
    """The files by path. Raises InputError for test vectors that do not fit the model."""
    exact = vectors(job)
    inputs = _ports("s_axis", circuit.inputs, [exact[tensor] for tensor in job.design.inputs])
    outputs = _ports("m_axis", circuit.outputs, [exact[tensor] for tensor in job.design.outputs])
    samples = len(exact[job.design.inputs[0]])
    facts = {
        "circuit": circuit,
        "clock_period": f"{job.config.clock_period:g}",
        "half_period": f"{job.config.clock_period / 2:g}",
        "megahertz": f"{1000 / job.config.clock_period:g}",
        "part": checked_device(job.config.part),
        "inputs": inputs,
        "outputs": outputs,
        "patience": 100000 + 8 * (circuit.interval * samples + circuit.latency),
    }
    return {
        f"rtl/{circuit.name}_axis.v": render("axis.v.j2", **facts),
        f"{circuit.name}_bench.v": render("bench.v.j2", **facts),
        **{
            f"tb_data/{port.stream.name}.hex": "".join(f"{word}\n" for word in port.hexadecimal)
            for port in (*inputs, *outputs)
        },
        **{name: render(f"{name}.j2", **facts) for name in _of_tools(job.config.part)},
    }


def _of_tools(part: str) -> tuple[str, ...]:
    """The files for the tools of the device's maker."""
    return (LATTICE_CONSTRAINTS,) if size_of_ecp5(part) else (CONSTRAINTS, PACKAGING)


def _ports(prefix: str, streams: Sequence[Stream], values: Sequence[Ints]) -> list[AxisPort]:
    return [
        AxisPort(prefix if len(streams) == 1 else f"{prefix}_{stream.name}", stream, tuple(_words(array, stream.words)))
        for stream, array in zip(streams, values, strict=True)
    ]


def _words(values: Ints, words: Words) -> list[str]:
    """Every word of all samples, as $readmemh reads them."""
    width, digits = words.type.width, -(-words.width // 4)
    mask = (1 << width) - 1
    rows = values.reshape(-1, words.elements).tolist()
    return [f"{sum((v & mask) << (width * k) for k, v in enumerate(row)):0{digits}x}" for row in rows]

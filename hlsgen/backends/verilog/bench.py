"""What stands beside the Verilog of a project: AXI streams, a test bench with its vectors, constraints, packaging."""

from __future__ import annotations

from hlsgen.backends.base import Job
from hlsgen.backends.devices import checked_part
from hlsgen.backends.vectors import vectors
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.text import render
from hlsgen.ir.types import Ints

CONSTRAINTS, PACKAGING = "constraints.xdc", "package_ip.tcl"


def project_files(job: Job, circuit: Circuit) -> dict[str, str]:
    """The files by path. Raises InputError for test vectors that do not fit the model."""
    exact = vectors(job)
    x, y = (exact[tensors[0]] for tensors in (job.design.inputs, job.design.outputs))
    words = {"x": _hexadecimal(x, circuit.x), "y": _hexadecimal(y, circuit.y)}
    facts = {
        "circuit": circuit,
        "clock_period": f"{job.config.clock_period:g}",
        "half_period": f"{job.config.clock_period / 2:g}",
        "part": checked_part(job.config.part),
        "x_bytes": -(-circuit.x.width // 8),
        "y_bytes": -(-circuit.y.width // 8),
        "words_in": len(words["x"]),
        "words_out": len(words["y"]),
    }
    return {
        f"rtl/{circuit.name}_axis.v": render("axis.v.j2", **facts),
        f"{circuit.name}_bench.v": render("bench.v.j2", **facts),
        **{f"tb_data/{name}.hex": "".join(f"{word}\n" for word in lines) for name, lines in words.items()},
        CONSTRAINTS: render("constraints.xdc.j2", **facts),
        PACKAGING: render("package_ip.tcl.j2", **facts),
    }


def _hexadecimal(values: Ints, words: Words) -> list[str]:
    """Every word of all samples, as $readmemh reads them."""
    width, digits = words.type.width, -(-words.width // 4)
    mask = (1 << width) - 1
    rows = values.reshape(-1, words.elements).tolist()
    return [f"{sum((v & mask) << (width * k) for k, v in enumerate(row)):0{digits}x}" for row in rows]

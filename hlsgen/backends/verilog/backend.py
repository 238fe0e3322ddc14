"""Verilog: the files of a project, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hlsgen.backends.base import Job
from hlsgen.backends.verilog.balance import balanced
from hlsgen.backends.verilog.bench import project_files
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.outline import outline
from hlsgen.backends.verilog.plan import plan_circuit
from hlsgen.backends.verilog.text import render
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.tools import templates_dir
from hlsgen.version import VERSION

RTL = "rtl"
OWN = {"chain": "hlsgen_flow", "fork": "hlsgen_fork", "fifo": "hlsgen_fifo"}
"""The modules that are the same in every circuit, by the kind of block that needs them."""


class Verilog:
    """The backend; see :class:`hlsgen.backends.base.Backend`."""

    def balanced(self, design: Design, config: Config) -> Design:
        return balanced(design, config)

    def check(self, job: Job) -> None:
        outline(job)

    def files(self, job: Job) -> dict[str, str]:
        circuit = plan_circuit(job)
        return {**rtl_files(circuit), **project_files(job, circuit)}

    def run(self, job: Job, write: Callable[[], Path], **options: Any) -> Any:
        raise ConfigError(
            "synthesize(): backend verilog runs no synthesis yet; write() gives rtl/*.v for any tool, and "
            "project.simulate() runs them"
        )


def rtl_files(circuit: Circuit) -> dict[str, str]:
    """The synthesizable Verilog, a module a file."""
    texts = {f"{RTL}/{name}.v": text for name, text in circuit.modules.items()}
    for name in sorted({OWN[block.kind] for block in circuit.blocks if block.kind in OWN}):
        texts[f"{RTL}/{name}.v"] = (templates_dir() / "verilog" / f"{name}.v").read_text(encoding="utf-8")
    texts[f"{RTL}/{circuit.name}.v"] = render("top.v.j2", circuit=circuit, version=VERSION)
    return texts


BACKEND = Verilog()

"""Verilog: the files of a project, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hlsgen.backends.base import Job
from hlsgen.backends.verilog.bench import project_files
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.outline import outline
from hlsgen.backends.verilog.plan import plan_circuit
from hlsgen.backends.verilog.text import render
from hlsgen.errors import ConfigError
from hlsgen.tools import templates_dir
from hlsgen.version import VERSION

FLOW = "hlsgen_flow"
RTL = "rtl"


class Verilog:
    """The backend; see :class:`hlsgen.backends.base.Backend`."""

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
    texts[f"{RTL}/{FLOW}.v"] = (templates_dir() / "verilog" / f"{FLOW}.v").read_text(encoding="utf-8")
    texts[f"{RTL}/{circuit.name}.v"] = render("top.v.j2", circuit=circuit, links=_links(circuit), version=VERSION)
    return texts


def _links(circuit: Circuit) -> list[tuple[str, object, str]]:
    """Each block between the names of the streams that it reads and writes."""
    names = [circuit.input, *(f"{block.name}__out" for block in circuit.blocks[:-1]), circuit.output]
    return list(zip(names[:-1], circuit.blocks, names[1:], strict=True))


BACKEND = Verilog()

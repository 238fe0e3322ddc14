"""``hlsgen doctor``: what hlsgen needs, what is there, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import dataclass

import typer

from hlsgen import tools
from hlsgen.cli.show import show_rows
from hlsgen.errors import ToolError


@dataclass(frozen=True)
class Finding:
    """One thing hlsgen may need. ``detail``: what was found, or what to do."""

    name: str
    found: bool
    required: bool
    detail: str


def findings() -> list[Finding]:
    """Look for everything."""
    return [
        Finding("Python", True, True, f"{platform.python_version()} on {platform.platform()}"),
        _required("C++ compiler", lambda: f"{(c := tools.find_compiler()).version} at {c.path}"),
        _required("Python headers", lambda: str(tools.python_headers())),
        _required("templates", lambda: str(tools.templates_dir())),
        _required("cache", lambda: str(tools.cache_dir())),
        *(_framework(*entry) for entry in _FRAMEWORKS),
        _vendor_headers(),
        _clang(),
        _libclang(),
        _optional("Verilator", "project.simulate()", lambda: f"{(v := tools.find_verilator()).version} at {v.path}"),
        _optional("yosys", "project.area()", lambda: _told(tools.find_yosys())),
        _optional("nextpnr-ecp5", "project.timing()", lambda: _told(tools.find_nextpnr())),
        _optional("ecppack", "project.bitstream()", lambda: _told(tools.find_packer())),
        _optional("openFPGALoader", "hlsgen bitstream --program", lambda: str(tools.find_loader())),
        _pyserial(),
        _vitis(),
    ]


def doctor() -> None:
    """Check the installation: compiler, headers, frameworks, Vitis; say what to do.

    MISSING marks what has to be there, '-' what is optional: model files are read without any framework, and Vitis
    HLS is for synthesis alone. Exit status 1 if something required is missing.
    """
    found = findings()
    show_rows([(_mark(finding), finding.name, finding.detail) for finding in found])
    if not all(finding.found for finding in found if finding.required):
        raise typer.Exit(1)


def _mark(finding: Finding) -> str:
    if finding.found:
        return "ok"
    return "MISSING" if finding.required else "-"


_FRAMEWORKS = (
    ("tensorflow", "keras"),
    ("keras", "keras"),
    ("tf_keras", "qkeras"),
    ("qkeras", "qkeras"),
    ("qkeras-v3", "qkeras3"),
    ("hgq2", "hgq"),
)
"""Distributions and the extra that brings them."""


def _required(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, True, look())
    except ToolError as error:
        return Finding(name, False, True, str(error))


def _framework(distribution: str, extra: str) -> Finding:
    try:
        return Finding(distribution, True, False, importlib.metadata.version(distribution))
    except importlib.metadata.PackageNotFoundError:
        return Finding(distribution, False, False, f"for live models: pip install 'hlsgen[{extra}]'")


def _vendor_headers() -> Finding:
    name = "vendor's ap_fixed.h"
    try:
        folder = tools.vendor_headers()
    except ToolError as error:
        return Finding(name, False, False, str(error))
    missing = "for hlsgen's own tests: pip install --no-deps hls4ml, or set HLSGEN_VENDOR_HEADERS"
    return Finding(name, folder is not None, False, missing if folder is None else str(folder))


def _clang() -> Finding:
    try:
        clang = tools.find_clang()
    except ToolError as error:
        return Finding("clang", False, False, str(error))
    if clang is None:
        return Finding("clang", False, False, "for 'hlsgen lint': pip install 'hlsgen[lint]', or set HLSGEN_CLANG")
    return Finding("clang", True, False, f"{clang.version} at {clang.path}")


def _libclang() -> Finding:
    try:
        return Finding("libclang", True, False, importlib.metadata.version("libclang"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("libclang", False, False, "for 'hlsgen lint' of text of your own: pip install 'hlsgen[lint]'")


def _optional(name: str, method: str, look: Callable[[], str]) -> Finding:
    """A tool that a method for circuits needs."""
    try:
        return Finding(name, True, False, look())
    except ToolError as error:
        return Finding(name, False, False, f"for {method} of backend verilog: {error}")


def _told(tool: tools.Synthesizer) -> str:
    return f"{tool.version} at {tool.command[0]}"


def _pyserial() -> Finding:
    try:
        return Finding("pyserial", True, False, importlib.metadata.version("pyserial"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("pyserial", False, False, "for 'hlsgen run --port': pip install 'hlsgen[board]'")


def _vitis() -> Finding:
    try:
        vitis = tools.find_vitis()
    except ToolError as error:
        return Finding("Vitis HLS", False, False, str(error))
    if vitis is None:
        return Finding("Vitis HLS", False, False, "for synthesis: source its settings64.sh or set HLSGEN_VITIS")
    return Finding("Vitis HLS", True, False, f"{vitis.kind} {vitis.version} at {vitis.path}")

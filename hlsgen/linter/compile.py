"""Clang makes LLVM IR of a top function, with headers in which every integer has the width of the hardware."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.linter.finding import Finding
from hlsgen.linter.ir import Module, read_module
from hlsgen.linter.limits import MOST_REGISTERS
from hlsgen.linter.obey import Obedience, obeyed
from hlsgen.linter.source import Source
from hlsgen.tools import Clang, run, templates_dir

_FLAGS = (
    *("--target=spir64-unknown-unknown", "-nostdinc", "-nostdinc++"),
    *("-std=c++14", "-D__SYNTHESIS__", "-O1", "-S", "-emit-llvm", "-gline-tables-only", "-fno-discard-value-names"),
    *("-fwrapv", "-fno-exceptions", "-fno-rtti", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops"),
    *("-mllvm", "-pragma-unroll-threshold=1000000000"),
    *("-Wno-everything", "-Wpass-failed", "-Wdeprecated-declarations"),
)
"""A machine without integers of its own, for which no width is rounded up, and no header but ours: the IR is the same
everywhere. Nothing is unrolled but what a pragma says, and that whatever its size; arithmetic wraps as in hardware."""
_WIDE_INTEGERS = ("-Xclang", "-fexperimental-max-bitint-width=65536")
"""Of clang 16 and newer, else 128 bits are the most."""
_SECONDS = 900
_WARNING = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: warning: (?P<text>.*)$", re.MULTILINE)
_TOO_WIDE = "of bit sizes greater than 128 not supported"


@dataclass(frozen=True)
class Compiled:
    """The IR of a top function, and what clang could not do of what the pragmas ask for."""

    module: Module
    findings: tuple[Finding, ...]


def lint_headers() -> Path:
    """The folder of ``ap_int.h``, ``ap_fixed.h`` and ``hls_stream.h`` with integers of exact width."""
    return templates_dir() / "lint"


def compile_top(sources: Mapping[str, Source], top: str, how: Obedience, clang: Clang) -> Compiled:
    """Compile ``<top>.cpp`` of ``sources`` in a folder that is removed again.

    Raises ToolError if clang does not take the text.
    """
    with tempfile.TemporaryDirectory(prefix="hlsgen_lint_") as name:
        folder = Path(name)
        for file, text in obeyed(sources, how).items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        headers = (f"-I{lint_headers()}", "-include", "registers.h", "-I.")
        wide = _WIDE_INTEGERS if clang.major >= 16 else ()
        command = [*clang.command, *_FLAGS, *wide, *headers, f"{top}.cpp", "-o", f"{top}.ll"]
        try:
            done = run(command, cwd=folder, timeout=_SECONDS)
        except ToolError as error:
            raise _refusal(error, clang) from error
        text = (folder / f"{top}.ll").read_text(encoding="utf-8", errors="replace")
        return Compiled(read_module(text), tuple(_warnings(done.output, sources)))


def _refusal(error: ToolError, clang: Clang) -> ToolError:
    if _TOO_WIDE in str(error):
        return ToolError(
            f"{clang.version}: integers of more than 128 bits, which this design has, need clang 16 or newer; "
            "pip install 'hlsgen[lint]' brings one"
        )
    text = str(error).partition("\nfull log:")[0]  # which is removed
    return ToolError(f"clang cannot compile the design: {text}")


def _warnings(output: str, sources: Mapping[str, Source]) -> Iterator[Finding]:
    for found in _WARNING.finditer(output):
        file = found["file"].removeprefix("./")
        if file not in sources:
            continue
        if "loop not unrolled" in found["text"]:
            yield Finding(
                file, int(found["line"]), "unroll", "a loop that UNROLL is said of cannot be unrolled",
                "make its number of turns a constant, or take UNROLL out",
            )  # fmt: skip
        elif "'fits'" in found["text"]:
            yield Finding(
                file, int(found["line"]), "limit", f"an array of more than {MOST_REGISTERS:,} elements is partitioned",
                f"at most {MOST_REGISTERS:,} become registers: leave it a memory, or compute less at a time",
            )  # fmt: skip

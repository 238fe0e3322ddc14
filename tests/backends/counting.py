"""Count the steps of kernels by running their text, with counters in the place of the pragmas that pipeline loops."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsgen.backends.hls.program import Plan, Step
from hlsgen.backends.hls.render import arguments, render
from hlsgen.backends.hls.texts import design_files, kernel_headers
from hlsgen.tools import run, templates_dir
from tests.compiled import program

COUNTED = Path(__file__).parent / "counted"
_PIPELINE = re.compile(r"^ *#pragma HLS PIPELINE(?: II=(\S+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Counted:
    """What one call did."""

    steps: int
    cycles: int
    reads: list[list[int]]
    writes: list[list[int]]


def count(plan: Plan) -> dict[str, Counted]:
    """Run every kernel call of a plan once, on zeros; by the names of the steps."""
    weights = {f"weights/{c.name}.h": render("project/weight.h.j2", plan, constant=c) for c in plan.constants}
    files = {
        **{f"firmware/{name}": _counting(text) for name, text in kernel_headers().items()},
        **design_files(plan),
        **weights,
        "weights.h": render("project/weights.h.j2", plan),
        "main.cpp": _main(plan),
    }
    options = ["-std=c++17", "-O0", "-fwrapv", "-w", "-DHLSGEN_PLAIN_MATVEC", "-I."]
    options += [f"-I{COUNTED}", f"-I{templates_dir() / 'emulation'}", "-Ifirmware"]
    counter = program(files, ["main.cpp"], options)
    with tempfile.TemporaryDirectory() as folder:
        lines = run([str(counter)], cwd=Path(folder)).output.splitlines()
    return dict(_counted(plan, lines))


def _counting(text: str) -> str:
    return _PIPELINE.sub(lambda m: f"::counted::step counted_step_({m[1] or 1});", text)


def _main(plan: Plan) -> str:
    lines = [
        '#include "parameters.h"',
        "int main() {",
        *(line for step in plan.steps for line in _call(plan, step)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _call(plan: Plan, step: Step) -> list[str]:
    wires = [*step.inputs, *step.outputs]
    if not plan.stream:
        declared = [f"static {wire.name}_t {wire.name}[{wire.size}];" for wire in wires]
        printed = []
    else:
        declared = [f"hls::stream<{wire.name}_word> {wire.name};" for wire in wires]
        declared += [f"{wire.name}.fill({wire.words});" for wire in step.inputs]
        printed = [f'counted::print("r", {wire.name}.reads);' for wire in step.inputs]
        printed += [f'counted::print("w", {wire.name}.writes);' for wire in step.outputs]
    return [
        "    {",
        *declared,
        "counted::time = {};",
        f"hlsgen::{step.kernel.function}<{step.name}_config>({arguments(step)});",
        'std::printf("%ld %ld\\n", counted::time.steps, counted::time.next);',
        *printed,
        "    }",
    ]


def _counted(plan: Plan, lines: Sequence[str]) -> list[tuple[str, Counted]]:
    found, rest = [], iter(lines)
    for step in plan.steps:
        steps, cycles = map(int, next(rest).split())
        streams = len(step.inputs) + len(step.outputs) if plan.stream else 0
        words = [[int(word) for word in next(rest).split()[1:]] for _ in range(streams)]
        found.append((step.name, Counted(steps, cycles, words[: len(step.inputs)], words[len(step.inputs) :])))
    return found

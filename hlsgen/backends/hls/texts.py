"""All texts of a project, in memory: file name -> text."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.headers import kernel_headers, registered_headers
from hlsgen.backends.hls.loading import load_files
from hlsgen.backends.hls.parts import borders, parts_of
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.render import render
from hlsgen.ir.wish import WeightSource

OWN_HEADERS = "own"
"""The folder of the emulator's texts that is an include path for headers registered from outside."""


def design_files(plan: Plan, *, with_facts: bool = False) -> dict[str, str]:
    """The texts that synthesis and emulation share, of what is called the same: the hardware's plan has other ports.

    ``with_facts``: with comments that depend on the weights. The emulator does without: new weights of the same types
    need no new compilation.
    """
    return {
        f"{plan.top}.cpp": render("project/top.cpp.j2", plan, with_facts=with_facts),
        f"{plan.top}.h": render("project/top.h.j2", plan),
        "types.h": render("project/types.h.j2", plan),
        "parameters.h": render("project/parameters.h.j2", plan),
        **({"loops.h": render("project/loops.h.j2", plan, with_facts=with_facts)} if plan.arrays else {}),
    }


def emulation_files(plan: Plan) -> dict[str, str]:
    """The texts of the emulator; weights are data, not text.

    A large design is divided into parts, each in a folder of its own; ``units`` are what is compiled.
    """
    parts = parts_of(plan)
    files = _own_headers(plan) | {
        "design.cpp": render("emulation/design.cpp.j2", plan, parts=parts, borders=borders(plan, parts))
    }
    if len(parts) == 1:
        return {**design_files(plan), **files, "weights.h": render("emulation/weights.h.j2", plan)}
    for part in parts:
        texts = {**design_files(part), "weights.h": render("emulation/weights.h.j2", part)}
        texts["unit.cpp"] = render("emulation/part.cpp.j2", part)
        files |= {f"{part.top}/{name}": text for name, text in texts.items()}
    return files


def process_files(plan: Plan) -> dict[str, str]:
    """The texts of an emulator whose kernel calls are processes on streams of limited depth, as on the chip."""
    texts = design_files(plan)
    return {
        **_own_headers(plan),
        **{name: texts[name] for name in ("types.h", "parameters.h", "loops.h") if name in texts},
        "weights.h": render("emulation/weights.h.j2", plan),
        "design.cpp": render("emulation/processes.cpp.j2", plan, parts=[plan], borders=[]),
    }


def _own_headers(plan: Plan) -> dict[str, str]:
    """What the emulator includes that lies in none of the project's folders."""
    return {f"{OWN_HEADERS}/{name}": text for name, text in registered_headers(plan.headers).items()}


def units(files: Mapping[str, str]) -> list[str]:
    """The texts of an emulator that are given to the compiler; the others are included by them."""
    return [name for name in files if name == "design.cpp" or name.endswith("/unit.cpp")]


def firmware_files(plan: Plan) -> dict[str, str]:
    """Everything below ``firmware/``: the design, its weights, and the kernels."""
    files = {**design_files(bordered(plan), with_facts=True), "weights.h": render("project/weights.h.j2", plan)}
    for constant in plan.constants:
        if constant.array.source is WeightSource.AXI:
            continue  # its words lie in memory: the file of the test bench and of drivers
        files[f"weights/{constant.name}.h"] = render("project/weight.h.j2", plan, constant=constant)
    return files | kernel_headers() | registered_headers(plan.headers)


def project_files(plan: Plan, extra: Mapping[str, str]) -> dict[str, str]:
    """A complete HLS project; ``extra`` are texts the backend adds."""
    files = {f"firmware/{name}": text for name, text in firmware_files(plan).items()}
    bench = "test_bench_of_batches" if plan.interface.batch else "test_bench"
    files[f"{plan.top}_test.cpp"] = render(f"project/{bench}.cpp.j2", bordered(plan))
    return files | load_files(plan) | dict(extra)

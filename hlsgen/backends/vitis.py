"""Vitis HLS: the files it needs beside the C++, and running it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hlsgen.analysis.report import Report, read_report
from hlsgen.codegen.render import render
from hlsgen.errors import ConfigError, InputError, ToolError
from hlsgen.ir.graph import Value
from hlsgen.tools import find_vitis, run

if TYPE_CHECKING:
    from hlsgen.project import Project

SOLUTION = "solution1"
SCRIPT = "build.tcl"
_PART = re.compile(r"x[a-z0-9]{3,20}(-[A-Za-z0-9]{1,12}){1,5}")
_SAMPLES = 10
"""Samples for the test bench: enough to see an error, few enough for RTL simulation."""


def project_files(project: Project) -> dict[str, str]:
    """Return the texts Vitis HLS needs beside the C++: the script and data for the test bench.

    Raises ConfigError for an impossible part, InputError for test vectors that do not fit the model.
    """
    config = project.config
    script = render(
        "project/build.tcl.j2",
        project.plan,
        part=_checked_part(config.part),
        clock_period=f"{config.clock_period:g}",
        project_folder=f"{project.name}_prj",
        solution=SOLUTION,
    )
    return {SCRIPT: script, **_test_bench_data(project)}


def report_path(project: Project, folder: Path) -> Path:
    """Where C synthesis puts its report."""
    return folder / f"{project.name}_prj" / SOLUTION / "syn" / "report" / "csynth.xml"


def synthesize(
    project: Project,
    *,
    csim: bool = False,
    csynth: bool = True,
    cosim: bool = False,
    export: bool = False,
    log: Callable[[str], None] | None = print,
    timeout: float | None = None,
) -> Report | None:
    """Write the project, run Vitis HLS on it and return its report (None if C synthesis was not run).

    ``cosim`` and ``export`` include C synthesis, which they need. Each line of the tool goes to ``log``
    as it comes, all of them to a log file in the project. ``timeout`` is in seconds.
    Raises ToolError if Vitis HLS is missing or fails, with its first ERROR line.
    """
    wishes = {"csim": csim, "csynth": csynth or cosim or export, "cosim": cosim, "export": export}
    steps = [step for step, wanted in wishes.items() if wanted]
    if not steps:
        raise ConfigError("synthesize(): nothing to do; set at least one of csim, csynth, cosim, export")
    vitis = find_vitis()
    if vitis is None:
        raise ToolError(
            "Vitis HLS was not found: neither vitis-run nor vitis_hls is on PATH; source settings64.sh of your "
            "Vitis installation (2022.2 or newer) or set HLSGEN_VITIS to its folder"
        )
    folder = project.write()
    if re.search(r"\s", str(folder)):
        raise ConfigError(f"output_dir {str(folder)!r}: Vitis HLS takes no white space in paths; choose another")
    report = report_path(project, folder)
    report.unlink(missing_ok=True)  # never mistake an old report for this run's
    command = vitis.command(SCRIPT)
    log_file = folder / "hlsgen_vitis.log"
    done = run(command, cwd=folder, log=log, timeout=timeout, log_file=log_file, env={"HLSGEN_STEPS": " ".join(steps)})
    if "csynth" not in steps:
        return None
    if not report.is_file():
        error = next((line for line in done.output.splitlines() if line.startswith("ERROR:")), "it named no error")
        raise ToolError(f"{vitis.kind} wrote no {report.name}: {error}\nfull log: {log_file}")
    return read_report(report)


def _checked_part(part: str) -> str:
    if not _PART.fullmatch(part):
        raise ConfigError(f"part: found {part!r}, expected a device as Vitis names it, such as xcu250-figd2104-2L-e")
    return part


# -- test bench data -----------------------------------------------------------------------------


def _test_bench_data(project: Project) -> dict[str, str]:
    """Inputs and expected outputs as integer mantissas, one sample a line, by the exact reference."""
    inputs = _test_inputs(project)
    exact = project.evaluate(inputs, raw=True)
    key_of = {value: key for key, value in project.trace_keys().items()}

    def lines(values: tuple[Value, ...]) -> str:
        columns = [exact[key_of[value]].reshape(len(exact[key_of[value]]), -1) for value in values]
        rows = zip(*columns, strict=True)
        return "".join(" ".join(str(int(v)) for part in row for v in part) + "\n" for row in rows)

    graph = project.graph
    return {"tb_data/inputs.dat": lines(tuple(graph.inputs)), "tb_data/expected.dat": lines(graph.outputs)}


def _test_inputs(project: Project) -> dict[str, NDArray[np.float64]]:
    """The first test vectors of the configuration, else seeded random values over the inputs' ranges."""
    values = project.graph.inputs
    vectors = project.config.test_vectors
    if vectors is not None and len(values) == 1:
        try:
            x = np.load(vectors.x, allow_pickle=False, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise InputError(f"test_vectors.x: {vectors.x} cannot be read as an .npy array ({error})") from error
        return {values[0].name: np.array(x[:_SAMPLES])}
    random = np.random.default_rng(0)
    return {value.name: _random(value, random) for value in values}


def _random(value: Value, random: np.random.Generator) -> NDArray[np.float64]:
    assert value.type is not None
    low, high = float(value.type.min), float(value.type.max)
    return random.uniform(low, high, size=(_SAMPLES, *value.shape))

"""Vitis HLS: the files of a project, and running the tool on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hlsgen.backends.base import Job
from hlsgen.backends.hls.balance import balanced
from hlsgen.backends.hls.planning import check_ports, planned
from hlsgen.backends.hls.texts import project_files
from hlsgen.backends.vitis.bench_data import bench_data
from hlsgen.backends.vitis.board_files import board_files
from hlsgen.backends.vitis.leftovers import remove_former
from hlsgen.backends.vitis.limits import check_limits
from hlsgen.backends.vitis.outputs import check_outputs
from hlsgen.backends.vitis.reports import Report
from hlsgen.backends.vitis.reports.folder import reports_of
from hlsgen.backends.vitis.script import OUTPUTS, SCRIPT, STEPS, report_path, script, solution_path
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, MismatchError, ToolError
from hlsgen.ir.wish import Dsp
from hlsgen.tools import Completed, find_vitis, run


def _refuse_dsp(design: Design) -> None:
    """Raise ConfigError for a layer whose products are to be built in a way that no kernel is told."""
    for op in design:
        if op.dsp is not Dsp.AUTO:
            raise ConfigError(
                f"{op.source.where}: dsp: {op.dsp} is for backend verilog, and Vitis HLS chooses how it builds a "
                "product; leave it out"
            )


class Vitis:
    """The backend; see :class:`hlsgen.backends.base.Backend`."""

    def balanced(self, design: Design, config: Config) -> Design:
        return balanced(design, config)

    def check(self, job: Job) -> None:
        """Ports; every layer has a kernel, or its binding says why not when the plan is made."""
        check_ports(job.design, job.config)
        _refuse_dsp(job.design)

    def files(self, job: Job) -> dict[str, str]:
        plan = planned(job.design, job.config, job.name)
        check_limits(plan, job.design, job.config.part)
        return project_files(plan, {SCRIPT: script(job, plan), **bench_data(job), **board_files(job, plan)})

    def run(
        self,
        job: Job,
        write: Callable[[], Path],
        *,
        csim: bool = False,
        csynth: bool = True,
        cosim: bool = False,
        export: bool = False,
        vsynth: bool = False,
        log: Callable[[str], None] | None = print,
        timeout: float | None = None,
        **unknown: Any,
    ) -> Report | None:
        """Write the project, run Vitis HLS on it and return its reports (None if C synthesis was not run).

        ``cosim``, ``export`` and ``vsynth`` include C synthesis, which they need; ``vsynth`` also packs the IP. What
        the test bench computes in ``csim`` and ``cosim`` is compared with the emulator's integers. Each line of the
        tool goes to ``log`` as it comes, all of them to a log file in the project. ``timeout`` is in seconds.
        Raises MismatchError for another integer than the emulator's, ToolError if Vitis HLS is missing or fails, with
        its first ERROR line, or if a step left no report.
        """
        if unknown:
            raise ConfigError(
                f"synthesize(): unknown option {', '.join(unknown)}; valid: {', '.join(STEPS)}, log, timeout"
            )
        further = cosim or export or vsynth
        wishes = {"csim": csim, "csynth": csynth or further, "cosim": cosim, "export": export, "vsynth": vsynth}
        steps = [step for step in STEPS if wishes[step]]
        if not steps:
            raise ConfigError(f"synthesize(): nothing to do; set at least one of {', '.join(STEPS)}")
        vitis = find_vitis()
        if vitis is None:
            raise ToolError(
                "Vitis HLS was not found: neither vitis-run nor vitis_hls is on PATH; source settings64.sh of your "
                "Vitis installation (2022.2 or newer) or set HLSGEN_VITIS to its folder"
            )
        folder = write()
        if re.search(r"\s", str(folder)):
            raise ConfigError(f"output_dir {str(folder)!r}: Vitis HLS takes no white space in paths; choose another")
        remove_former(job.name, folder)
        log_file = folder / "hlsgen_vitis.log"
        wanted = {"HLSGEN_STEPS": " ".join(steps)}
        try:
            done = run(vitis.command(SCRIPT), cwd=folder, log=log, timeout=timeout, log_file=log_file, env=wanted)
        except ToolError as failed:
            _look_for_mismatch(job, folder, steps, failed)
            raise
        return _outcome(job, folder, steps, f"{_first_error(done)}\nfull log: {log_file}")


def _outcome(job: Job, folder: Path, steps: Sequence[str], said: str) -> Report | None:
    """What a tool left that ended well. Raises ToolError if that is not all of it, and as :func:`check_outputs`."""
    _check_written(job, folder, steps, said)
    checked = {step: check_outputs(job, folder, step) for step in steps if step in OUTPUTS}
    if "csynth" not in steps:
        return None
    report = reports_of(folder, solution_path(job.name, folder))
    if report.cosim is None or "cosim" not in checked:
        return report
    if not report.cosim.passed:
        raise ToolError(f"co-simulation: Vitis HLS reports '{report.cosim.status}', expected 'Pass': {said}")
    return replace(report, cosim=replace(report.cosim, samples_checked=checked["cosim"]))


def _look_for_mismatch(job: Job, folder: Path, steps: Sequence[str], failed: ToolError) -> None:
    """Raise MismatchError if a failure is that of a test bench that found another integer, from what the tool says."""
    for step in (step for step in steps if step in OUTPUTS):
        try:
            check_outputs(job, folder, step)
        except MismatchError as mismatch:
            raise mismatch from failed
        except ToolError:
            continue  # it did not come so far


def _check_written(job: Job, folder: Path, steps: Sequence[str], said: str) -> None:
    """Raise ToolError for a step that left no report, though the tool says that all went well."""
    solution = solution_path(job.name, folder)
    expected = {
        "csynth": report_path(job.name, folder),
        "cosim": solution / "sim" / "report" / f"{job.name}_cosim.rpt",
        "vsynth": solution / "impl" / "report" / "verilog" / "export_syn.xml",
    }
    for step, file in expected.items():
        if step in steps and not file.is_file():
            raise ToolError(f"Vitis HLS wrote no {file.name}: {said}")


def _first_error(done: Completed) -> str:
    return next((line for line in done.output.splitlines() if line.startswith("ERROR:")), "it named no error")


BACKEND = Vitis()

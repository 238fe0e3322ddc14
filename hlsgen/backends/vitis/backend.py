"""Vitis HLS: the files of a project, and running the tool on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hlsgen.backends.base import Job
from hlsgen.backends.hls.balance import balanced
from hlsgen.backends.hls.planning import check_ports, planned
from hlsgen.backends.hls.texts import project_files
from hlsgen.backends.vitis.bench_data import bench_data
from hlsgen.backends.vitis.board_files import board_files
from hlsgen.backends.vitis.limits import check_limits
from hlsgen.backends.vitis.report import Report, read_report
from hlsgen.backends.vitis.script import SCRIPT, report_path, script
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, ToolError
from hlsgen.tools import find_vitis, run


class Vitis:
    """The backend; see :class:`hlsgen.backends.base.Backend`."""

    def balanced(self, design: Design, config: Config) -> Design:
        return balanced(design, config)

    def check(self, job: Job) -> None:
        """Ports; every layer has a kernel, or its binding says why not when the plan is made."""
        check_ports(job.design, job.config)

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
        log: Callable[[str], None] | None = print,
        timeout: float | None = None,
        **unknown: Any,
    ) -> Report | None:
        """Write the project, run Vitis HLS on it and return its report (None if C synthesis was not run).

        ``cosim`` and ``export`` include C synthesis, which they need. Each line of the tool goes to ``log``
        as it comes, all of them to a log file in the project. ``timeout`` is in seconds.
        Raises ToolError if Vitis HLS is missing or fails, with its first ERROR line.
        """
        if unknown:
            raise ConfigError(
                f"synthesize(): unknown option {', '.join(unknown)}; valid: csim, csynth, cosim, export, log, timeout"
            )
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
        folder = write()
        if re.search(r"\s", str(folder)):
            raise ConfigError(f"output_dir {str(folder)!r}: Vitis HLS takes no white space in paths; choose another")
        report = report_path(job.name, folder)
        try:
            report.unlink(missing_ok=True)  # never mistake an old report for this run's
        except OSError as refused:
            raise ToolError(f"{report}: cannot be removed ({refused.strerror}); remove it by hand") from refused
        log_file = folder / "hlsgen_vitis.log"
        wanted = {"HLSGEN_STEPS": " ".join(steps)}
        done = run(vitis.command(SCRIPT), cwd=folder, log=log, timeout=timeout, log_file=log_file, env=wanted)
        if "csynth" not in steps:
            return None
        if not report.is_file():
            error = next((line for line in done.output.splitlines() if line.startswith("ERROR:")), "it named no error")
            raise ToolError(f"{vitis.kind} wrote no {report.name}: {error}\nfull log: {log_file}")
        return read_report(report)


BACKEND = Vitis()

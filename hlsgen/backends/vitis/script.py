"""The Tcl script that builds a project."""

from __future__ import annotations

from pathlib import Path

from hlsgen.backends.base import Job
from hlsgen.backends.boards import Alveo, board_named
from hlsgen.backends.devices import checked_part
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.render import render

SOLUTION = "solution1"
SCRIPT = "build.tcl"
STEPS = ("csim", "csynth", "cosim", "export", "vsynth")
"""What ``HLSGEN_STEPS`` takes, in the order of the script. ``cosim``, ``export`` and ``vsynth`` need ``csynth``."""
OUTPUTS = {"csim": "csim_outputs.dat", "cosim": "rtl_outputs.dat"}
"""Step -> the file in ``tb_data`` in which the script keeps what the test bench wrote."""


def script(job: Job, plan: Plan) -> str:
    """The text of the script. Raises ConfigError for an impossible part."""
    uncertainty = job.config.clock_uncertainty
    board = None if job.config.board is None else board_named(job.config.board)
    return render(
        "project/build.tcl.j2",
        plan,
        part=checked_part(job.config.part),
        clock_period=f"{job.config.clock_period:g}",
        clock_uncertainty=None if uncertainty is None else f"{uncertainty:g}",
        project_folder=f"{job.name}_prj",
        solution=SOLUTION,
        is_kernel=isinstance(board, Alveo),
        steps=STEPS,
        outputs=OUTPUTS,
    )


def ip_path(name: str) -> str:
    """Where ``export`` puts the IP, from the project's folder."""
    return f"{name}_prj/{SOLUTION}/impl/ip"


def solution_path(name: str, folder: Path) -> Path:
    """Where Vitis HLS puts everything about a build."""
    return folder / f"{name}_prj" / SOLUTION


def report_path(name: str, folder: Path) -> Path:
    """Where C synthesis puts its report."""
    return solution_path(name, folder) / "syn" / "report" / "csynth.xml"

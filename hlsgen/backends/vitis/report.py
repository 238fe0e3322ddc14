"""What Vitis HLS estimates about a design: its ``csynth.xml``, parsed."""

from __future__ import annotations

from pathlib import Path

from hlsgen.backends.vitis.reports.csynth import Module, read_csynth
from hlsgen.backends.vitis.reports.figures import Performance
from hlsgen.backends.vitis.reports.report import Report

__all__ = ["Module", "Performance", "Report", "read_report"]


def read_report(path: Path) -> Report:
    """Parse a ``csynth.xml`` alone. Raises ToolError if it is missing, truncated or something else."""
    return Report(str(path), csynth=read_csynth(path))

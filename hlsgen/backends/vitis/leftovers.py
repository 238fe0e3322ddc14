"""What a former run of the tool left in a project."""

from __future__ import annotations

from pathlib import Path

from hlsgen.backends.vitis.script import OUTPUTS, report_path, solution_path
from hlsgen.errors import ToolError


def remove_former(name: str, folder: Path) -> None:
    """Remove the reports and outputs of a former run, so that none is mistaken for this run's. Raises ToolError."""
    solution = solution_path(name, folder)
    files = [
        report_path(name, folder),
        solution / "sim" / "report" / f"{name}_cosim.rpt",
        *(solution / "impl" / "report" / "verilog" / f"export_{stage}.xml" for stage in ("syn", "impl")),
        solution / "impl" / "report" / "verilog" / f"{name}_export.rpt",
        *(folder / "tb_data" / file for file in OUTPUTS.values()),
    ]
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as refused:
            raise ToolError(f"{file}: cannot be removed ({refused.strerror}); remove it by hand") from refused

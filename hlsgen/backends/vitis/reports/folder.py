"""Where the reports of a build lie, and reading them all.

A solution of Vitis HLS is a folder with ``syn``, ``sim`` and ``impl``: ``<name>_prj/solution1`` where a Tcl script made
it, ``<component>/hls`` where v++ did (2023.2 and newer). Texts of Vivado may lie anywhere above it: hls4ml writes
``vivado_synth.rpt`` beside the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from hlsgen.backends.vitis.reports.cosim import Cosimulation, read_cosim
from hlsgen.backends.vitis.reports.csynth import Estimates, read_csynth
from hlsgen.backends.vitis.reports.hardware import (
    IMPLEMENTATION,
    SYNTHESIS,
    Hardware,
    is_timing,
    read_export_text,
    read_export_xml,
    read_utilization,
    with_timing,
)
from hlsgen.backends.vitis.reports.layers import layers_of, steps_of_project
from hlsgen.backends.vitis.reports.report import Report
from hlsgen.errors import ToolError, brief
from hlsgen.named_files import named_path

_T = TypeVar("_T")
_DEEPEST = 8
"""Folders in one another that a solution is looked for in."""
_MOST_FOLDERS = 20_000
_NOT_IN = {".autopilot", ".git", "csim", "firmware", "misc", "ip", "verilog", "vhdl", "systemc", "tb_data"}
"""Folders in which no solution lies: ``impl/misc`` has copies of reports."""
_STALE = 60.0
"""Seconds by which a report may be older than that of C synthesis, on which it rests: files that are copied."""


def read_reports(folder: str | Path) -> Report:
    """Read all reports below a folder: a project, a solution, or what another tool left.

    Raises ToolError if there are none, if there are those of several builds, or if one is no report, truncated or of
    another design than the others.
    """
    place = named_path(folder, "the folder of a build", ToolError)
    if place.is_file():
        return _of_one(place)
    if not place.is_dir():
        raise ToolError(f"{brief(str(place))}: no such folder; expected one in which Vitis HLS or Vivado has run")
    return reports_of(place, _solution(place) or place)


def reports_of(folder: Path, solution: Path) -> Report:
    """Read the reports of one solution; ``folder`` is that of the project. Raises ToolError as :func:`read_reports`."""
    files = _Files(folder, solution)
    if not files.found:
        raise ToolError(
            f"{folder}: no report of Vitis HLS or Vivado is there (csynth.xml, <top>_cosim.rpt, export_syn.xml, "
            "vivado_synth.rpt ...); run synthesis there, or give the folder in which it ran"
        )
    return files.report()


class _Files:
    """The files of one build by what they are."""

    def __init__(self, folder: Path, solution: Path) -> None:
        self.folder = folder
        report, sim = solution / "syn" / "report", solution / "sim" / "report"
        impl = solution / "impl" / "report"
        around = tuple(dict.fromkeys((folder, solution, solution.parent, solution.parent.parent)))
        around = tuple(one for one in around if one == folder or folder in one.parents)
        tops = [*_sorted(report, "*_csynth.xml")]
        self.csynth = _first([report / "csynth.xml", *(tops if len(tops) == 1 else []), folder / "csynth.xml"])
        self.cosim = _first([*_sorted(sim, "*_cosim.rpt"), *_sorted(folder, "*_cosim.rpt")])
        self.syn = _first([impl / rtl / "export_syn.xml" for rtl in ("verilog", "vhdl")])
        self.impl = _first([impl / rtl / "export_impl.xml" for rtl in ("verilog", "vhdl")])
        self.export = _first([x for rtl in ("verilog", "vhdl") for x in _sorted(impl / rtl, "*_export.rpt")])
        texts = [x for place in around for x in _sorted(place, "vivado_synth.rpt", "*utilization*.rpt")]
        self.utilization = [x for x in texts if "hierarch" not in x.name]  # which has a table of its own
        self.timing = [x for place in around for x in _sorted(place, "*timing*.rpt") if is_timing(x)]

    @property
    def found(self) -> bool:
        known = (self.csynth, self.cosim, self.syn, self.impl, self.export)
        return bool(self.utilization) or any(file is not None for file in known)

    def report(self) -> Report:
        csynth = _read(read_csynth, self.csynth)
        cosim = _read(read_cosim, self.cosim)
        hardware = {one.stage: one for one in self._hardware()}
        if csynth is not None:
            self._check(csynth, cosim, hardware)
        best = hardware.get(IMPLEMENTATION) or hardware.get(SYNTHESIS)
        steps = () if csynth is None else steps_of_project(self.folder, csynth.top)
        return Report(
            folder=str(self.folder),
            csynth=csynth,
            cosim=cosim,
            synthesis=hardware.get(SYNTHESIS),
            implementation=hardware.get(IMPLEMENTATION),
            layers=layers_of(steps, csynth, best),
            notes=(*_concerns(csynth, hardware.values()), *self._notes()),
        )

    def _hardware(self) -> Iterator[Hardware]:
        """What is known of Vivado, the best last: a file of figures for each module tells more than a text."""
        for file in reversed(self.utilization):
            found = read_utilization(file)
            for timing in self.timing:
                found = with_timing(found, timing)
            yield found
        if self.export is not None:
            yield read_export_text(self.export)
        for path in (self.syn, self.impl):
            if path is not None:
                yield read_export_xml(path)

    def _check(self, csynth: Estimates, cosim: Cosimulation | None, hardware: dict[str, Hardware]) -> None:
        """Raise ToolError for reports of several builds."""
        simulated = "" if cosim is None or self.cosim is None else self.cosim.name.removesuffix("_cosim.rpt")
        if simulated and simulated != csynth.top:
            raise ToolError(
                f"{self.folder}: reports of two designs: {self.csynth} is of '{csynth.top}', {self.cosim} of "
                f"'{simulated}'; run both again, or remove what is of a former build"
            )
        for one in hardware.values():
            if one.part and csynth.part and not _same_part(one.part, csynth.part):
                raise ToolError(
                    f"{self.folder}: reports of two builds: C synthesis is for {csynth.part}, Vivado's {one.stage} for "
                    f"{one.part}; run both again, or remove what is of a former build"
                )

    def _notes(self) -> Iterator[str]:
        if self.csynth is None:
            return
        made = self.csynth.stat().st_mtime
        later = (self.cosim, self.syn, self.impl, self.export, *self.utilization, *self.timing)
        for file in later:
            if file is not None and file.stat().st_mtime < made - _STALE:
                yield f"{file} is older than {self.csynth.name}, on which it should rest: it may be of a former build"


def _concerns(csynth: Estimates | None, hardware: Iterable[Hardware]) -> Iterator[str]:
    """What a reader has to know before all figures: it does not fit, is too slow, or is not what was asked for."""
    if csynth is not None:
        for share in _too_much(csynth.utilization()):
            yield f"C synthesis: it does not fit: {share}"
        clock, target = csynth.estimated_clock, csynth.target_clock
        if clock is not None and target is not None and clock > target:
            yield f"C synthesis: the clock is not kept: estimated {clock:g} ns, target {target:g} ns"
        yield from (f"C synthesis: a pragma was not taken: {pragma}" for pragma in csynth.refused)
    for one in hardware:
        for share in _too_much(one.utilization()):
            yield f"{one.stage}: it does not fit: {share}"
        if one.met is False:
            yield f"{one.stage}: the clock is not kept"


def _too_much(shares: Mapping[str, float]) -> list[str]:
    return [f"{name} {share:.0%}" for name, share in shares.items() if share > 1]


def _of_one(file: Path) -> Report:
    """The report of a single file, by its name."""
    name = file.name
    if name.endswith(".xml"):
        if re.fullmatch(r"export_(syn|impl)\.xml", name):
            return _of_hardware(file, read_export_xml(file))
        return Report(str(file), csynth=read_csynth(file))
    if name.endswith("_cosim.rpt"):
        return Report(str(file), cosim=read_cosim(file))
    if name.endswith("_export.rpt"):
        return _of_hardware(file, read_export_text(file))
    return _of_hardware(file, read_utilization(file))


def _of_hardware(file: Path, found: Hardware) -> Report:
    report = Report(str(file))
    return replace(report, synthesis=found) if found.stage == SYNTHESIS else replace(report, implementation=found)


def _solution(folder: Path) -> Path | None:
    """The one solution below a folder, or the folder itself. Raises ToolError for several."""
    found = list(_solutions(folder))
    if len(found) > 1:
        shown = ", ".join(str(one.relative_to(folder)) for one in found[:5])
        raise ToolError(f"{folder}: reports of {len(found)} builds ({shown}); give the folder of one of them")
    return found[0] if found else None


def _solutions(folder: Path) -> Iterator[Path]:
    seen = 0
    for place, inner, _ in os.walk(folder):
        here, seen = Path(place), seen + 1
        if seen > _MOST_FOLDERS:
            raise ToolError(f"{folder}: more than {_MOST_FOLDERS:,} folders; give the folder of a build")
        if _is_solution(here):
            inner.clear()
            yield here
        elif len(here.relative_to(folder).parts) >= _DEEPEST:
            inner.clear()
        else:
            inner[:] = sorted(name for name in inner if name not in _NOT_IN)


def _is_solution(folder: Path) -> bool:
    places = ("syn/report", "sim/report", "impl/report")
    return any((folder / place).is_dir() for place in places)


def _sorted(folder: Path, *patterns: str) -> list[Path]:
    return [file for pattern in patterns for file in sorted(folder.glob(pattern)) if file.is_file()]


def _first(files: list[Path]) -> Path | None:
    return next((file for file in files if file.is_file()), None)


def _read(read: Callable[[Path], _T], path: Path | None) -> _T | None:
    return None if path is None else read(path)


def _same_part(one: str, other: str) -> bool:
    """Whether two ways to write a part name one: Vivado leaves out ``xc``, dashes, or the speed grade."""
    a, b = (re.sub(r"[-_]", "", text.lower()).removeprefix("xc") for text in (one, other))
    return a.startswith(b) or b.startswith(a)

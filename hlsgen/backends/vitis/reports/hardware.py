"""Vivado's figures: after synthesis (``vsynth``) or after place and route (``export_design -flow impl``).

Three forms of them are read. ``export_syn.xml`` and ``export_impl.xml`` are what ``export_design -flow`` writes, with
every module of the RTL. ``<top>_export.rpt`` is the short text beside them, which Vivado HLS wrote too.
``report_utilization`` and ``report_timing_summary`` are Vivado's own, as other scripts call them.

Block RAM is counted in blocks of 18 Kbit by the first two, in tiles of 36 Kbit (also halves) by the third.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from hlsgen.backends.vitis.reports.figures import RESOURCES, ns, shares, usage
from hlsgen.backends.vitis.reports.safe_xml import count, count_at, read_xml, real, real_at, text_at
from hlsgen.backends.vitis.reports.texts import read_text
from hlsgen.errors import ToolError

SYNTHESIS, IMPLEMENTATION = "synthesis", "implementation"
_XML = "an export_syn.xml or export_impl.xml of Vitis HLS"
_EXPORT = "the text that export_design writes (<top>_export.rpt)"
_UTILIZATION = "a text of Vivado's report_utilization"
_TIMING = "a text of Vivado's report_timing_summary"

_HEAD = re.compile(r"^\|\s*(Tool Version|Design|Device|Design State)\s*:\s*(.*?)\s*$", re.MULTILINE)
_ROW = re.compile(r"^\|\s*(.+?)\s*\|\s*([\d.]+)\s*\|(.*)\|\s*$", re.MULTILINE)
_SITES = {
    **dict.fromkeys(("CLB LUTs", "Slice LUTs", "CLB LUT"), "LUT"),
    **dict.fromkeys(("CLB Registers", "Slice Registers", "Registers"), "FF"),
    "Block RAM Tile": "BRAM",
    **dict.fromkeys(("DSPs", "DSP Slices", "DSP Slice"), "DSP"),
    "URAM": "URAM",
}
"""Names of sites -> ours: Slice of 7 series, CLB of UltraScale and later, Registers and DSP Slices of Versal."""
_TILE = 2
"""Blocks of 18 Kbit in a tile."""
_SUMMARY = re.compile(r"Design Timing Summary.*?WNS\(ns\)[^\n]*\n[-\s]*\n\s*(\S+)", re.DOTALL)
"""The slack is ``inf`` or ``NA`` where no path is constrained."""
_CLOCK = re.compile(r"^(\S+)\s+\{[\d. ]+\}\s+([\d.]+)\s+[\d.]+\s*$", re.MULTILINE)
_EXPORTED = re.compile(r"^(LUT|FF|DSP|BRAM|URAM):\s+([\d.]+)\s*$", re.MULTILINE)
_REQUIRED = re.compile(r"^CP required:\s+([\d.]+)", re.MULTILINE)
_ACHIEVED = re.compile(r"^CP achieved post-(synthesis|implementation):\s+([\d.]+)", re.MULTILINE)
_DEVICE = re.compile(r"^Device target:\s+(\S+)", re.MULTILINE)
_VIVADO = re.compile(r"\b(20\d\d\.\d)")


@dataclass(frozen=True)
class Cell:
    """A module of the RTL where it stands: its path from the top, its name, and what it uses with all inside."""

    path: str
    module: str
    resources: Mapping[str, float]


@dataclass(frozen=True)
class Hardware:
    """What Vivado made of the RTL. Clocks and slack in ns, resources in units (BRAM in blocks of 18 Kbit).

    ``stage``: synthesis or implementation. ``met``: whether the clock is kept; None where nothing says so.
    """

    stage: str
    part: str
    version: str
    top: str
    target_clock: float | None
    achieved_clock: float | None
    slack: float | None
    met: bool | None
    resources: Mapping[str, float]
    available: Mapping[str, float]
    cells: tuple[Cell, ...] = ()

    def utilization(self) -> dict[str, float]:
        """Return the used share of each resource, 0 to 1 (above 1: it does not fit)."""
        return shares(self.resources, self.available)

    def __str__(self) -> str:
        kept = {True: ", kept", False: ", not kept", None: ""}[self.met]
        lines = [
            f"after {self.stage} by Vivado {self.version or 'of unknown version'} on {self.part or 'unknown part'}"
        ]
        if self.target_clock is not None or self.achieved_clock is not None:
            lines.append(f"  clock     target {ns(self.target_clock)}, achieved {ns(self.achieved_clock)}{kept}")
        return "\n".join([*lines, *usage(self.resources, self.available)])


def read_export_xml(path: Path) -> Hardware:
    """Parse an ``export_syn.xml`` or ``export_impl.xml``. Raises ToolError if it is none, truncated or hostile."""
    root = read_xml(path, _XML)
    if root.find("AreaReport/Resources") is None:
        raise ToolError(f"{path}: expected {_XML}, found <{root.tag[:60]}> without AreaReport")
    facts = {item.get("NAME"): item.get("VALUE", "") for item in root.iterfind("GeneralInfo/item")}
    modules = root.findall("RtlModules/RtlModule")
    tops = [_attribute(module, "RTLNAME", "MODULENAME") for module in modules if module.get("IS_TOP") == "1"]
    is_synthesis = text_at(root, "RunData/RUN_TYPE").startswith("syn")
    met = text_at(root, "TimingReport/TIMING_MET").upper()
    slack = real_at(root, "TimingReport/WNS_FINAL")
    return Hardware(
        stage=SYNTHESIS if is_synthesis else IMPLEMENTATION,
        part=facts.get("Target device", ""),
        version=_version(text_at(root, "RunData/VIVADO_VERSION")),
        top=tops[0] if tops else "",
        target_clock=real_at(root, "TimingReport/TargetClockPeriod"),
        achieved_clock=real_at(root, "TimingReport/AchievedClockPeriod"),
        slack=slack,
        met={"TRUE": True, "FALSE": False}.get(met, None if slack is None else slack >= 0),
        resources=_counts(root, "AreaReport/Resources"),
        available=_counts(root, "AreaReport/AvailableResources"),
        cells=tuple(_cell(module) for module in modules if module.find("Resources") is not None),
    )


def _counts(element: Element, place: str) -> dict[str, float]:
    found = {name: count_at(element, f"{place}/{name}") for name in RESOURCES}
    return {name: number for name, number in found.items() if number is not None}


def _cell(module: Element) -> Cell:
    figures = module.find("Resources")
    named = {} if figures is None else {name: count(figures.get(name, "")) for name in RESOURCES}
    return Cell(
        module.get("CELL", ""),
        _attribute(module, "MODULENAME", "RTLNAME"),
        {name: number for name, number in named.items() if number is not None},
    )


def _attribute(element: Element, *names: str) -> str:
    return next((value for name in names if (value := element.get(name))), "")


def read_export_text(path: Path) -> Hardware:
    """Parse a ``<top>_export.rpt``. Raises ToolError if it is none."""
    text = read_text(path, _EXPORT)
    resources = {name: number for name, word in _EXPORTED.findall(text) if (number := real(word)) is not None}
    if not resources:
        raise ToolError(f"{path}: no figures of resources; expected {_EXPORT}")
    required, device = _REQUIRED.search(text), _DEVICE.search(text)
    achieved = {stage: real(period) for stage, period in _ACHIEVED.findall(text)}
    stage = IMPLEMENTATION if "Post-Implementation" in text or IMPLEMENTATION in achieved else SYNTHESIS
    target, period = real(required.group(1)) if required else None, achieved.get(stage)
    known = target is not None and period is not None
    return Hardware(
        stage=stage,
        part=device.group(1) if device else "",
        version=_version(text[:2000]),
        top=path.name.removesuffix("_export.rpt"),
        target_clock=target,
        achieved_clock=period,
        slack=round(target - period, 3) if target is not None and period is not None else None,
        met=("Timing met" in text) if known or "Timing" in text else None,
        resources={name: round(number) if number == int(number) else number for name, number in resources.items()},
        available={},
    )


def read_utilization(path: Path) -> Hardware:
    """Parse a text of ``report_utilization``: resources and no clock. Raises ToolError if it is none."""
    text = read_text(path, _UTILIZATION)
    head = dict(_HEAD.findall(text))
    used: dict[str, float] = {}
    available: dict[str, float] = {}
    for site, number, rest in _ROW.findall(text):
        ours = _SITES.get(site.rstrip("*"))
        if ours is None or ours in used:  # the first table of its kind is that of the whole design
            continue
        cells = [cell.strip() for cell in rest.split("|")]
        factor = _TILE if ours == "BRAM" else 1
        used[ours] = _units(number, factor)
        if len(cells) >= 2 and count(cells[-2]) is not None:
            available[ours] = _units(cells[-2], factor)
    if not used:
        raise ToolError(f"{path}: no table of LUTs, registers, block RAM or DSPs; expected {_UTILIZATION}")
    return Hardware(
        stage=_stage(head.get("Design State", "")),
        part=head.get("Device", ""),
        version=_version(head.get("Tool Version", "")),
        top=head.get("Design", ""),
        target_clock=None,
        achieved_clock=None,
        slack=None,
        met=None,
        resources=used,
        available=available,
    )


def is_timing(path: Path) -> bool:
    """Whether a text is one of ``report_timing_summary``: others of timing have paths alone."""
    return _SUMMARY.search(read_text(path, _TIMING)) is not None


def with_timing(hardware: Hardware, path: Path) -> Hardware:
    """The same with the clock of a text of ``report_timing_summary``, if that is of the same stage.

    Raises ToolError if it is no such text.
    """
    text = read_text(path, _TIMING)
    found = _SUMMARY.search(text)
    if found is None:
        raise ToolError(f"{path}: no Design Timing Summary; expected {_TIMING}")
    state = dict(_HEAD.findall(text)).get("Design State", "")
    if state and _stage(state) != hardware.stage:
        return hardware
    slack = real(found.group(1))
    clock = _CLOCK.search(text)
    target = real(clock.group(2)) if clock else None
    return replace(
        hardware,
        target_clock=target,
        achieved_clock=None if target is None or slack is None else round(target - slack, 3),
        slack=slack,
        met=None if slack is None else slack >= 0,
    )


def _stage(state: str) -> str:
    """Of a ``Design State``: Synthesized, Optimized, Fully Placed, Routed ..."""
    return IMPLEMENTATION if re.search("rout|placed", state, re.IGNORECASE) else SYNTHESIS


def _units(word: str, factor: int) -> float:
    number = (real(word) or 0) * factor
    return round(number) if number == int(number) else number


def _version(text: str) -> str:
    found = _VIVADO.search(text)
    return found.group(1) if found else ""

"""What Vitis HLS estimates about a design: its ``csynth.xml``, parsed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import ToolError

_RESOURCES = {"BRAM_18K": "BRAM", "DSP": "DSP", "DSP48E": "DSP", "FF": "FF", "LUT": "LUT", "URAM": "URAM"}
"""Names in the file -> ours (DSP48E: before 2020.2)."""


@dataclass(frozen=True)
class Performance:
    """Latency and initiation interval in clock cycles; None where the tool cannot tell (``undef``)."""

    latency_min: int | None
    latency_max: int | None
    interval_min: int | None
    interval_max: int | None


@dataclass(frozen=True)
class Module:
    """One function of the design: its timing and what it uses (``BRAM`` in blocks of 18 Kbit)."""

    name: str
    performance: Performance
    estimated_clock: float | None
    resources: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """The estimates of C synthesis. Clocks in ns, latency and interval in cycles, resources in units.

    ``resources`` and ``available`` have the keys BRAM (18 Kbit blocks), DSP, FF, LUT and, where the
    device has it, URAM.
    """

    top: str
    part: str
    version: str
    target_clock: float | None
    estimated_clock: float | None
    performance: Performance
    resources: Mapping[str, int]
    available: Mapping[str, int]
    modules: tuple[Module, ...]

    def utilization(self) -> dict[str, float]:
        """Return the used share of each resource, 0 to 1 (above 1: it does not fit)."""
        return {name: self.resources.get(name, 0) / count for name, count in self.available.items() if count}

    def __str__(self) -> str:
        timing = self.performance
        shares = self.utilization()
        lines = [
            f"{self.top} on {self.part} (Vitis HLS {self.version or 'of unknown version'})",
            f"  clock     target {_ns(self.target_clock)}, estimated {_ns(self.estimated_clock)}",
            f"  latency   {_span(timing.latency_min, timing.latency_max)} cycles",
            f"  interval  {_span(timing.interval_min, timing.interval_max)} cycles",
        ]
        for name, used in self.resources.items():
            share = f" of {self.available[name]} ({shares[name]:.1%})" if name in shares else ""
            lines.append(f"  {name:<9} {used}{share}")
        return "\n".join(lines)


def read_report(path: Path) -> Report:
    """Parse a ``csynth.xml``. Raises ToolError if it is missing, truncated or something else."""
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise ToolError(f"{path}: no synthesis report ({error.strerror}); did C synthesis run?") from error
    except ElementTree.ParseError as error:
        raise ToolError(f"{path}: not a complete XML file ({error}); run C synthesis again") from error
    if root.find("UserAssignments") is None or root.find("PerformanceEstimates") is None:
        raise ToolError(f"{path}: expected a csynth.xml of Vitis HLS, found <{root.tag}> without its sections")
    return Report(
        top=_text(root, "UserAssignments/TopModelName"),
        part=_text(root, "UserAssignments/Part"),
        version=_text(root, "ReportVersion/Version"),
        target_clock=_real(root, "UserAssignments/TargetClockPeriod"),
        estimated_clock=_real(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        performance=_performance(root),
        resources=_resources(root, "AreaEstimates/Resources"),
        available=_resources(root, "AreaEstimates/AvailableResources"),
        modules=tuple(_module(element) for element in root.iterfind("ModuleInformation/Module")),
    )


def _module(element: ElementTree.Element) -> Module:
    return Module(
        name=_text(element, "Name"),
        performance=_performance(element),
        estimated_clock=_real(element, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        resources=_resources(element, "AreaEstimates/Resources"),
    )


def _performance(element: ElementTree.Element) -> Performance:
    place = "PerformanceEstimates/SummaryOfOverallLatency"
    intervals = [_count(element, f"{place}/Interval-{end}") for end in ("min", "max")]
    if intervals == [None, None]:  # modules name theirs otherwise
        intervals = [_count(element, f"{place}/PipelineInitiationInterval")] * 2
    return Performance(
        _count(element, f"{place}/Best-caseLatency"), _count(element, f"{place}/Worst-caseLatency"), *intervals
    )


def _resources(element: ElementTree.Element, place: str) -> dict[str, int]:
    counts = {ours: _count(element, f"{place}/{theirs}") for theirs, ours in _RESOURCES.items()}
    dsp48 = _count(element, f"{place}/DSP")
    if dsp48 is not None:
        counts["DSP"] = dsp48
    return {name: count for name, count in counts.items() if count is not None}


def _text(element: ElementTree.Element, place: str) -> str:
    return (element.findtext(place) or "").strip()


def _real(element: ElementTree.Element, place: str) -> float | None:
    try:
        return float(_text(element, place))
    except ValueError:
        return None


def _count(element: ElementTree.Element, place: str) -> int | None:
    number = _real(element, place)
    return None if number is None else int(number)


def _ns(clock: float | None) -> str:
    return "unknown" if clock is None else f"{clock:g} ns"


def _span(low: int | None, high: int | None) -> str:
    ends = ["?" if end is None else str(end) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)

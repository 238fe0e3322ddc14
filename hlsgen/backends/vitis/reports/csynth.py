"""C synthesis: ``csynth.xml``, the estimates of Vitis HLS, and of Vivado HLS before.

Which version writes what: ``DSP48E`` is ``DSP`` from 2020.2 on; older files have no URAM, and those of Vivado HLS
neither modules (``ModuleInformation``) nor who calls whom (``RTLDesignHierarchy``). A module's initiation interval is
one word (``7``, ``4 ~ 9``, ``undef``) where that of the top function has two ends of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from hlsgen.backends.vitis.reports.figures import Performance, ns, shares, span, usage
from hlsgen.backends.vitis.reports.safe_xml import count_at, read_xml, real_at, span_at, text_at
from hlsgen.errors import ToolError

_RESOURCES = {"BRAM_18K": "BRAM", "DSP48E": "DSP", "DSP": "DSP", "FF": "FF", "LUT": "LUT", "URAM": "URAM"}
"""Names in the file -> ours; of two names of one, the later counts."""
_EXPECTED = "a csynth.xml of Vitis HLS"


@dataclass(frozen=True)
class Loop:
    """A loop of a module: its turns, cycles of all of them, and its interval and depth if it is pipelined."""

    name: str
    turns: int | None
    latency: int | None
    interval: int | None
    depth: int | None


@dataclass(frozen=True)
class Module:
    """One function: its timing and what it uses, with all that it calls (``BRAM`` in blocks of 18 Kbit)."""

    name: str
    performance: Performance
    estimated_clock: float | None
    resources: Mapping[str, int]
    loops: tuple[Loop, ...] = ()


@dataclass(frozen=True)
class Instance:
    """A module where another calls it; ``inner``: what it calls itself."""

    name: str
    module: str
    inner: tuple[Instance, ...] = ()


@dataclass(frozen=True)
class Estimates:
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
    instances: tuple[Instance, ...] = ()
    """What the top function calls; empty where the file does not say it (Vivado HLS)."""
    refused: tuple[str, ...] = ()
    """Pragmas that the tool did not take: what it says of each, with its place."""

    def utilization(self) -> dict[str, float]:
        """Return the used share of each resource, 0 to 1 (above 1: it does not fit)."""
        return shares(self.resources, self.available)

    def __str__(self) -> str:
        timing = self.performance
        lines = [
            f"{self.top} on {self.part} (Vitis HLS {self.version or 'of unknown version'})",
            f"  clock     target {ns(self.target_clock)}, estimated {ns(self.estimated_clock)}",
            f"  latency   {span(timing.latency_min, timing.latency_max)} cycles",
            f"  interval  {span(timing.interval_min, timing.interval_max)} cycles",
            *usage(self.resources, self.available),
        ]
        return "\n".join(lines)


def read_csynth(path: Path) -> Estimates:
    """Parse a ``csynth.xml``. Raises ToolError if it is missing, truncated, hostile or something else."""
    if not path.is_file():
        raise ToolError(f"{path}: no synthesis report (no such file); did C synthesis run?")
    root = read_xml(path, _EXPECTED)
    if root.find("UserAssignments") is None or root.find("PerformanceEstimates") is None:
        raise ToolError(f"{path}: expected {_EXPECTED}, found <{root.tag[:60]}> without its sections")
    return Estimates(
        top=text_at(root, "UserAssignments/TopModelName"),
        part=text_at(root, "UserAssignments/Part"),
        version=text_at(root, "ReportVersion/Version"),
        target_clock=real_at(root, "UserAssignments/TargetClockPeriod"),
        estimated_clock=real_at(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        performance=_performance(root),
        resources=_resources(root, "AreaEstimates/Resources"),
        available=_resources(root, "AreaEstimates/AvailableResources"),
        modules=tuple(_module(element) for element in root.iterfind("ModuleInformation/Module")),
        instances=_instances(root.find("RTLDesignHierarchy/TopModule")),
        refused=tuple(_refused(pragma) for pragma in root.iterfind("PragmaReport/Pragma") if _is_refused(pragma)),
    )


def _is_refused(pragma: Element) -> bool:
    return pragma.get("status", "valid") != "valid"


def _refused(pragma: Element) -> str:
    words = " ".join(word for name in ("type", "options") if (word := pragma.get(name, "")))
    said = next((text for name in ("msg_body", "message", "msg") if (text := pragma.get(name))), "")
    place = pragma.get("location", "")
    return f"'{words}' at {place}: {pragma.get('status')}" + (f", {said}" if said else "")


def _module(element: Element) -> Module:
    loops = element.find("PerformanceEstimates/SummaryOfLoopLatency")
    return Module(
        name=text_at(element, "Name"),
        performance=_performance(element),
        estimated_clock=real_at(element, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        resources=_resources(element, "AreaEstimates/Resources"),
        loops=() if loops is None else tuple(_loops(loops)),
    )


def _loops(element: Element) -> Iterator[Loop]:
    """The loops below an element, each behind the one that it lies in. Their tags are their names."""
    for child in element:
        if child.find("TripCount") is None and child.find("Latency") is None:
            continue
        yield Loop(
            text_at(child, "Name") or child.tag,
            span_at(child, "TripCount")[1],
            span_at(child, "Latency")[1],
            count_at(child, "PipelineII"),
            count_at(child, "PipelineDepth"),
        )
        yield from _loops(child)


def _performance(element: Element) -> Performance:
    place = "PerformanceEstimates/SummaryOfOverallLatency"
    intervals = (count_at(element, f"{place}/Interval-min"), count_at(element, f"{place}/Interval-max"))
    if intervals == (None, None):  # modules name theirs otherwise
        intervals = span_at(element, f"{place}/PipelineInitiationInterval")
    return Performance(
        count_at(element, f"{place}/Best-caseLatency"), count_at(element, f"{place}/Worst-caseLatency"), *intervals
    )


def _resources(element: Element, place: str) -> dict[str, int]:
    counts = {}
    for theirs, ours in _RESOURCES.items():
        found = count_at(element, f"{place}/{theirs}")
        if found is not None:
            counts[ours] = found
    return counts


def _instances(element: Element | None) -> tuple[Instance, ...]:
    if element is None:
        return ()
    return tuple(
        Instance(text_at(one, "InstName"), text_at(one, "ModuleName"), _instances(one))
        for one in element.iterfind("InstancesList/Instance")
    )

"""What a design costs: as ``project.estimate()`` expects it of Vitis HLS, as yosys and nextpnr find it of a circuit, or
as Vitis HLS itself reports it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hlsgen.config import Config
from hlsgen.errors import ConfigError, ToolError, UnsupportedError
from hlsgen.explore.goals import Goal
from hlsgen.explore.objectives.base import Seen
from hlsgen.tools import find_nextpnr, find_vitis, find_yosys


def _less(name: str, unit: str = "") -> Goal:
    return Goal(name, higher_is_better=False, unit=unit)


@dataclass(frozen=True)
class Estimated:
    """A figure of the estimate: what it takes of a device."""

    goal: Goal
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        if config.backend == "verilog":
            raise ConfigError(
                f"objective '{self.goal.name}' is an estimate of C++ for an HLS tool; of backend verilog, "
                f"'area_{self.goal.name}' is measured"
            )

    def value(self, seen: Seen) -> float:
        return float(getattr(seen.estimate, self.goal.name).value)


@dataclass(frozen=True)
class Clocked:
    """Latency or interval: of the estimate, or of the clocks of a circuit, which are exact."""

    goal: Goal
    figure: str
    """``latency`` or ``interval``."""
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        pass

    def value(self, seen: Seen) -> float:
        project = seen.project
        if project.config.backend == "verilog":
            cycles = getattr(project.circuit, self.figure)
        else:
            cycles = getattr(seen.estimate, self.figure).value
        return float(cycles * project.config.clock_period if self.goal.unit == "ns" else cycles)


@dataclass(frozen=True)
class Measured:
    """What yosys makes of the circuit of backend verilog."""

    goal: Goal
    resource: str
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        _check_circuit(self.goal, config)
        find_yosys()

    def value(self, seen: Seen) -> float:
        return float(getattr(seen.area.total, self.resource))


@dataclass(frozen=True)
class Fmax:
    """The frequency that the circuit of backend verilog reaches, placed and routed by nextpnr."""

    goal: Goal
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        _check_circuit(self.goal, config)
        find_yosys()
        find_nextpnr()

    def value(self, seen: Seen) -> float:
        return seen.project.timing(on_failure="ignore").fmax


@dataclass(frozen=True)
class Reported:
    """A figure of Vitis HLS' own report of C synthesis; the project is written to a folder that is removed again."""

    goal: Goal
    figure: str
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        if config.backend == "verilog":
            raise ConfigError(f"objective '{self.goal.name}' is of Vitis HLS, the backend is verilog")
        if find_vitis() is None:
            raise ToolError(
                f"objective '{self.goal.name}': Vitis HLS was not found; put it on PATH, set HLSGEN_VITIS, or take "
                f"'{self.goal.name.removeprefix('vitis_')}', which is estimated"
            )

    def value(self, seen: Seen) -> float:
        figures = _synthesized(seen)
        if self.figure not in figures:
            raise UnsupportedError(f"objective '{self.goal.name}': the report of this design has no {self.figure}")
        period = seen.project.config.clock_period if self.goal.unit == "ns" and self.figure != "clock" else 1.0
        return float(figures[self.figure] * period)


def _synthesized(seen: Seen) -> dict[str, float]:
    """The figures of C synthesis, once for all objectives of a design."""
    known: dict[str, float] | None = seen.__dict__.get("vitis")
    if known is None:
        with tempfile.TemporaryDirectory(prefix="hlsgen-sweep-") as folder:
            project = seen.project.with_settings(output_dir=Path(folder) / "project")
            known = seen.__dict__["vitis"] = project.synthesize(log=None).figures()
    return known


def _check_circuit(goal: Goal, config: Config) -> None:
    if config.backend != "verilog":
        raise ConfigError(
            f"objective '{goal.name}' is measured of circuits; set backend: verilog, or take "
            f"'{goal.name.removeprefix('area_') if goal.name != 'fmax' else 'latency'}', which is estimated"
        )


ESTIMATED = tuple(Estimated(_less(name)) for name in ("dsp", "lut", "ff", "bram", "uram"))
CLOCKED = tuple(
    Clocked(_less(figure + ("" if unit == "ns" else "_cycles"), unit), figure)
    for figure in ("latency", "interval")
    for unit in ("ns", "cycles")
)
MEASURED = tuple(
    Measured(_less(f"area_{name}"), resource)
    for name, resource in (("lut", "luts"), ("ff", "ffs"), ("dsp", "dsps"), ("bram", "brams"))
)
FMAX = Fmax(Goal("fmax", higher_is_better=True, unit="MHz"))
REPORTED = (
    *(Reported(_less(f"vitis_{name.lower()}"), name) for name in ("DSP", "LUT", "FF", "BRAM", "URAM")),
    *(Reported(_less(f"vitis_{figure}", "ns"), figure) for figure in ("latency", "interval", "clock")),
)

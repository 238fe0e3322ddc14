"""How fast a circuit is on a device, and what keeps it from being faster, by nextpnr."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.errors import ConfigError, ToolError
from hlsgen.ir.text import table
from hlsgen.native import store
from hlsgen.native.compilation import digest_of
from hlsgen.synthesis.area import Parts, known_parts, layer_of, taken_apart
from hlsgen.synthesis.critical_path import Hop, hops, read_report
from hlsgen.synthesis.devices import Device
from hlsgen.synthesis.resources import family_of
from hlsgen.synthesis.units import TOP
from hlsgen.synthesis.yosys import Log, Synthesis, keep, prepare, stored
from hlsgen.tools import Synthesizer, cache_dir, find_nextpnr, find_yosys, run

_NETLIST, _REPORT = "circuit.json", "report.json"
SEED = 1
"""From which nextpnr places, if no other is given."""
_USED = re.compile(r"(\w+): *(\d+)/ *(\d+) ")
"""A line of nextpnr: how many cells of a kind are taken of how many."""


@dataclass(frozen=True)
class Timing:
    """A circuit placed and routed on a device, by itself, without pins.

    ``fmax``: the highest frequency of its clock, in MHz. ``clock_period``: what was wished, in ns. ``path``: the
    slowest way from register to register, module by module. ``used``: cells of each kind, and how many there are.
    """

    device: str
    tool: str
    seed: int
    clock_period: float
    fmax: float
    path: tuple[Hop, ...]
    used: Mapping[str, tuple[int, int]]

    @property
    def least_period(self) -> float:
        """The shortest period of its clock, in ns."""
        return 1000 / self.fmax

    @property
    def met(self) -> bool:
        """Whether it is as fast as wished."""
        return self.least_period <= self.clock_period

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers on the slowest path, in its order."""
        return tuple(dict.fromkeys(hop.layer for hop in self.path if hop.layer is not None))

    @property
    def reached(self) -> str:
        """In a few words."""
        return f"{self.fmax:.1f} MHz on {self.device}, a period of {self.least_period:.2f} ns"

    def __str__(self) -> str:
        """What was reached of what was wished, the slowest path, and what is used of the device."""
        met = f"{self.clock_period:g} ns {'met' if self.met else 'not met'}"
        rows = [
            [hop.module, hop.layer or "", hop.first, hop.last, f"{hop.logic:.2f}", f"{hop.routing:.2f}"]
            for hop in self.path
        ]
        path = table(["slowest path", "layer", "from", "to", "logic, ns", "wires, ns"], rows)
        used = ", ".join(f"{count:,} of {there:,} {kind}" for kind, (count, there) in self.used.items())
        return f"{self.reached}: {met}\n{path}\nby {self.tool}, seed {self.seed}: {used}"


def place_and_route(circuit: Circuit, device: Device, period: float, seed: int, log: Log | None = None) -> Timing:
    """Synthesize, place and route what is not in the cache; ``period``: of the clock, in ns.

    Raises ToolError without yosys and nextpnr, or if one of them fails; ConfigError for a device that is too small.
    """
    synthesis = _synthesis(device)
    call = _Call(find_nextpnr(), device, period, seed)
    parts = taken_apart(circuit, synthesis, log)
    synthesis.all_of(parts.units, log)
    found = stored(call.place(synthesis, parts))
    if found is None:
        prepare(call.nextpnr, log)
        if log is not None:
            log(f"placing and routing on {device.name}")
        found = call.run(synthesis, parts)
    return _timing(circuit, parts, call, found)


def known_timing(circuit: Circuit, device: Device, period: float, seed: int) -> Timing | None:
    """The same, if it is in the cache. Raises ToolError without yosys and nextpnr."""
    synthesis = _synthesis(device)
    call = _Call(find_nextpnr(), device, period, seed)
    parts = known_parts(circuit, synthesis)
    found = None if parts is None else stored(call.place(synthesis, parts))
    return None if parts is None or found is None else _timing(circuit, parts, call, found)


def _synthesis(device: Device) -> Synthesis:
    return Synthesis(find_yosys(), family_of(device.family))


def _timing(circuit: Circuit, parts: Parts, call: _Call, report: str) -> Timing:
    found = read_report(report)
    path = hops(found.path, circuit.name, lambda name: layer_of(circuit, parts.instances[name]))
    return Timing(call.device.name, call.nextpnr.title, call.seed, call.period, found.fmax, path, found.used)


def joined(top: Mapping[str, Any], units: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The modules of a hierarchical netlist: the top, whose instances are the ``units`` by their names.

    Each gets a module of its own name: their parameters are settled.
    """
    names = {name: f"{TOP}_{number}" for number, name in enumerate(units)}
    cells = {
        name: {**cell, "type": names[name], "parameters": {}} if name in names else cell
        for name, cell in top["cells"].items()
    }
    inside = {names[name]: {**unit, "attributes": {}} for name, unit in units.items()}
    return {TOP: {**top, "cells": cells}, **inside}


@dataclass(frozen=True)
class _Call:
    """One call of nextpnr."""

    nextpnr: Synthesizer
    device: Device
    period: float
    seed: int

    @property
    def options(self) -> list[str]:
        """No pins are placed, and a clock that is not met is an answer like others."""
        files = ["--json", _NETLIST, "--report", _REPORT]
        clock = ["--freq", f"{1000 / self.period:.6g}", "--timing-allow-fail"]
        return [*self.device.options, *files, *clock, "--out-of-context", "--seed", str(self.seed)]

    def place(self, synthesis: Synthesis, parts: Parts) -> Path:
        """Where the cache has what it reports."""
        units = [synthesis.place(unit, "netlist").name for unit in (parts.top, *parts.units.values())]
        return cache_dir() / f"timing_{digest_of(self.nextpnr.version, *self.options, *units, *parts.units)}.json.z"

    def run(self, synthesis: Synthesis, parts: Parts) -> str:
        """What it reports, which is kept. Raises ToolError, and ConfigError for a device that is too small."""
        target = self.place(synthesis, parts)
        log_file = target.with_name(f"{target.name.partition('.')[0]}.failed.log")
        units = {name: synthesis.netlist(unit) for name, unit in parts.units.items()}
        modules = joined(synthesis.netlist(parts.top), units)
        with store.building() as folder:
            (folder / _NETLIST).write_text(json.dumps({"modules": modules}), encoding="utf-8")
            said: list[str] = []
            try:
                run(
                    [*self.nextpnr.command, *self.options],
                    cwd=folder,
                    env=self.nextpnr.environment,
                    log=said.append,
                    log_file=log_file,
                )
            except ToolError as error:
                self._check_size(said)
                raise ToolError(f"nextpnr does not place and route the circuit: {error}") from error
            log_file.unlink(missing_ok=True)
            report = (folder / _REPORT).read_text(encoding="utf-8")
            read_report(report)
            keep(report, folder, target)
        store.bound()
        return report

    def _check_size(self, said: Sequence[str]) -> None:
        """Raise ConfigError for a circuit that takes more of something than there is."""
        for kind, count, there in _USED.findall("\n".join(said)):
            if int(count) > int(there):
                raise ConfigError(
                    f"timing(): the circuit takes {int(count):,} {kind}, and {self.device.name} has {int(there):,}; "
                    "take a larger device, a reuse_factor for its largest layers, which project.area() names, or, for "
                    "multipliers, dsp: no"
                )

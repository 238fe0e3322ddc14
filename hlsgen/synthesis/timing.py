"""How fast a circuit is on a device, and what keeps it from being faster, by nextpnr."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.errors import ConfigError, ToolError
from hlsgen.ir.text import table
from hlsgen.native import store
from hlsgen.native.compilation import digest_of
from hlsgen.synthesis.critical_path import Hop, hops, read_report
from hlsgen.synthesis.devices import Device
from hlsgen.synthesis.parts import Part, known_parts, spot_of, taken_apart
from hlsgen.synthesis.resources import family_of
from hlsgen.synthesis.units import TOP, Unit
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
    top = taken_apart(circuit, synthesis, log)
    found = stored(call.place(synthesis, top))
    if found is None:
        prepare(call.nextpnr, log)
        if log is not None:
            log(f"placing and routing on {device.name}")
        found = call.run(synthesis, top)
    return _timing(circuit, top, call, found)


def known_timing(circuit: Circuit, device: Device, period: float, seed: int) -> Timing | None:
    """The same, if it is in the cache. Raises ToolError without yosys and nextpnr."""
    synthesis = _synthesis(device)
    call = _Call(find_nextpnr(), device, period, seed)
    top = known_parts(circuit, synthesis)
    found = None if top is None else stored(call.place(synthesis, top))
    return None if top is None or found is None else _timing(circuit, top, call, found)


def _synthesis(device: Device) -> Synthesis:
    return Synthesis(find_yosys(), family_of(device.family))


def _timing(circuit: Circuit, top: Part, call: _Call, report: str) -> Timing:
    found = read_report(report)
    path = hops(found.path, lambda name: spot_of(circuit, top, name))
    return Timing(call.device.name, call.nextpnr.title, call.seed, call.period, found.fmax, path, found.used)


def joined(top: Part, netlist: Callable[[Unit], Mapping[str, Any]]) -> dict[str, Any]:
    """The modules of a hierarchical netlist; ``netlist``: what yosys made of a unit.

    Units that are alike, with all that is in them, are one module: their parameters are settled.
    """
    modules: dict[str, Any] = {TOP: {}}
    names: dict[tuple[Unit, tuple[str, ...]], str] = {}

    def add(part: Part) -> str:
        inside = {name: add(inner) for name, inner in part.inside.items()}
        key = (part.unit, tuple(inside.values()))
        if key not in names:
            names[key] = f"{TOP}_{len(names)}"
            modules[names[key]] = {**_holding(netlist(part.unit), inside), "attributes": {}}
        return names[key]

    modules[TOP] = _holding(netlist(top.unit), {name: add(part) for name, part in top.inside.items()})
    return modules


def _holding(module: Mapping[str, Any], inside: Mapping[str, str]) -> dict[str, Any]:
    """A module of a netlist whose instances are of those that are named."""
    cells = {
        name: {**cell, "type": inside[name], "parameters": {}} if name in inside else cell
        for name, cell in module["cells"].items()
    }
    return {**module, "cells": cells}


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

    def place(self, synthesis: Synthesis, top: Part) -> Path:
        """Where the cache has what it reports."""
        known: dict[Part, str] = {}

        def digest(part: Part) -> str:
            if part not in known:
                inside = [f"{name} {digest(inner)}" for name, inner in part.inside.items()]
                known[part] = digest_of(synthesis.place(part.unit, "netlist").name, *inside)
            return known[part]

        return cache_dir() / f"timing_{digest_of(self.nextpnr.version, *self.options, digest(top))}.json.z"

    def run(self, synthesis: Synthesis, top: Part) -> str:
        """What it reports, which is kept. Raises ToolError, and ConfigError for a device that is too small."""
        target = self.place(synthesis, top)
        log_file = target.with_name(f"{target.name.partition('.')[0]}.failed.log")
        modules = joined(top, synthesis.netlist)
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

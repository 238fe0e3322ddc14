"""The slowest path of a circuit: nextpnr's report of cells and nets, as modules and their signals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from hlsgen.errors import ToolError

_MADE = re.compile(r"_[A-Z][A-Z0-9]{2,}(?:_|\[|$)")
"""With what yosys goes on in the name of what it made of a signal: the type of a cell."""


@dataclass(frozen=True)
class Step:
    """A part of a path: through a cell, or along a wire to one. ``net``: that wire, else empty. ``delay``: ns."""

    cell: str
    net: str
    delay: float


@dataclass(frozen=True)
class Report:
    """What nextpnr says: the highest frequency in MHz, the slowest path, and cells used of those there are."""

    fmax: float
    path: tuple[Step, ...]
    used: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Spot:
    """Where a cell or a net is: the module, its layer (None between layers), and its name there."""

    module: str
    layer: str | None
    name: str


@dataclass(frozen=True)
class Hop:
    """The part of a path that is in one module.

    ``module``: the instance within the circuit, and those of cores within it, joined by dots; ``layer``: of the model,
    None for what is between layers; ``first`` and ``last``: the signals at which it comes and goes; ``logic`` and
    ``routing``: ns within cells, and on wires.
    """

    module: str
    layer: str | None
    first: str
    last: str
    logic: float
    routing: float


def read_report(text: str) -> Report:
    """nextpnr's report, as JSON. Raises ToolError for one without a clock."""
    found = json.loads(text)
    clocks = {name: float(entry["achieved"]) for name, entry in found["fmax"].items()}
    paths = {(path["from"], path["to"]): path["path"] for path in found["critical_paths"]}
    if not clocks:
        raise ToolError("nextpnr reports no path from register to register")
    clock = min(clocks, key=lambda name: clocks[name])
    edge = f"posedge {clock}"
    steps = paths.get((edge, edge), [])
    used = {kind: (int(entry["used"]), int(entry["available"])) for kind, entry in found["utilization"].items()}
    taken = {kind: used[kind] for kind in sorted(used) if used[kind][0]}
    return Report(clocks[clock], tuple(_step(step) for step in steps), taken)


def _step(step: Mapping[str, Any]) -> Step:
    return Step(str(step["to"]["cell"]), str(step.get("net", "")), float(step["delay"]))


def hops(path: Sequence[Step], spot_of: Callable[[str], Spot]) -> tuple[Hop, ...]:
    """A path by modules. ``spot_of``: where a cell or a net is."""
    found = []
    for (module, layer), group in groupby(((spot_of(step.cell), step) for step in path), key=_module):
        spots, steps = zip(*group, strict=True)
        nets = [spot for step in steps if step.net and (spot := spot_of(step.net)).module == module]
        signals = [name for spot in (*nets, spots[-1]) if (name := signal(spot.name))]
        logic = sum(step.delay for step in steps if not step.net)
        routing = sum(step.delay for step in steps if step.net)
        first, last = (signals[0], signals[-1]) if signals else ("", "")
        found.append(Hop(module, layer, first, last, logic, routing))
    return tuple(found)


def _module(placed: tuple[Spot, Step]) -> tuple[str, str | None]:
    return placed[0].module, placed[0].layer


def signal(name: str) -> str:
    """The signal of the Verilog that a cell or a net was made of; empty for what a tool added."""
    return "" if "$" in name else _MADE.split(name.rpartition(".")[2])[0]

"""What a circuit takes of a device, module by module, as yosys estimates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.ir.text import table
from hlsgen.synthesis.resources import COLUMNS, Family, Resources, total
from hlsgen.synthesis.units import Instance, Unit, in_order, top_unit, unit_of
from hlsgen.synthesis.yosys import Log, Synthesis, Synthesized
from hlsgen.tools import find_yosys


@dataclass(frozen=True)
class Area:
    """The resources of a circuit: an estimate of yosys, before place and route.

    ``modules``: of each instance, by its name, in the order of the words. ``layers``: of all modules of a layer, by its
    name in the model. ``between``: of what lies between layers (FIFOs and counters of streams). ``total``: of all.
    """

    family: str
    tool: str
    modules: Mapping[str, Resources]
    layers: Mapping[str, Resources]
    between: Resources

    @property
    def total(self) -> Resources:
        return total(self.modules.values())

    def __str__(self) -> str:
        """A row for each module, one for all, and what the numbers are."""
        rows = [[name, *taken.row] for name, taken in self.modules.items()]
        others = ", ".join(f"{count:,} {name}" for name, count in self.total.others)
        told = f"{self.family}, an estimate of {self.tool}" + (f"; beside these {others}" if others else "")
        return table(["module", *COLUMNS], [*rows, ["total", *self.total.row]]) + f"\n{told}"


@dataclass(frozen=True)
class Parts:
    """A circuit taken apart: its top, and by their names in order the instances within and the units that they are."""

    top: Unit
    instances: Mapping[str, Instance]
    units: Mapping[str, Unit]


def estimate(circuit: Circuit, family: Family, log: Log | None = None) -> Area:
    """Synthesize what is not in the cache, each module by itself. Raises ToolError without yosys, or if it fails."""
    synthesis = Synthesis(find_yosys(), family)
    parts = taken_apart(circuit, synthesis, log)
    return area_of(circuit, synthesis, parts, synthesis.all_of(parts.units, log))


def known_area(circuit: Circuit, family: Family) -> Area | None:
    """The area, if all of it is in the cache. Raises ToolError without yosys."""
    synthesis = Synthesis(find_yosys(), family)
    parts = known_parts(circuit, synthesis)
    if parts is None:
        return None
    found = {unit: made for unit in parts.units.values() if (made := synthesis.known(unit)) is not None}
    return area_of(circuit, synthesis, parts, found) if len(found) == len(set(parts.units.values())) else None


def taken_apart(circuit: Circuit, synthesis: Synthesis, log: Log | None = None) -> Parts:
    """The units of a circuit; yosys says what its top holds. Raises ToolError."""
    texts = _texts(circuit)
    top = top_unit(circuit.name, texts)
    return _parts(circuit, texts, top, synthesis.all_of({circuit.name: top}, log)[top])


def known_parts(circuit: Circuit, synthesis: Synthesis) -> Parts | None:
    """The same, if the cache knows what the top holds."""
    texts = _texts(circuit)
    top = top_unit(circuit.name, texts)
    found = synthesis.known(top)
    return None if found is None else _parts(circuit, texts, top, found)


def _parts(circuit: Circuit, texts: Mapping[str, str], top: Unit, found: Synthesized) -> Parts:
    instances = {instance.name: instance for instance in in_order(found.instances, texts[circuit.name])}
    return Parts(top, instances, {name: unit_of(instance, texts) for name, instance in instances.items()})


def _texts(circuit: Circuit) -> dict[str, str]:
    """The Verilog of every module by its name."""
    return {path.rpartition("/")[2].removesuffix(".v"): text for path, text in rtl_files(circuit).items()}


def area_of(circuit: Circuit, synthesis: Synthesis, parts: Parts, found: Mapping[Unit, Synthesized]) -> Area:
    """The area of a circuit whose units were ``found``."""
    family = synthesis.family
    modules = {name: family.counted(found[unit].cells) for name, unit in parts.units.items()}
    layers: dict[str, Resources] = {}
    between = []
    for name, taken in modules.items():
        layer = layer_of(circuit, parts.instances[name])
        if layer is None:
            between.append(taken)
        else:
            layers[layer] = layers.get(layer, Resources()) + taken
    glue = synthesis.known(parts.top)
    assert glue is not None, "it was asked what it holds"
    own = {name: count for name, count in glue.cells.items() if name not in parts.top.holds}
    if own:
        modules[circuit.name] = family.counted(own)
        between.append(modules[circuit.name])
    return Area(family.name, synthesis.tool, modules, layers, total(between))


def layer_of(circuit: Circuit, instance: Instance) -> str | None:
    """The layer that an instance belongs to; None for what every circuit has between layers."""
    if instance.module not in circuit.modules:
        return None
    return circuit.layers[instance.name.partition("__")[0]]

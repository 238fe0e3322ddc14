"""What a circuit takes of a device, module by module, as yosys estimates it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.ir.text import table
from hlsgen.synthesis.parts import Part, known_parts, layer_of, taken_apart
from hlsgen.synthesis.resources import COLUMNS, Family, Resources, total
from hlsgen.synthesis.yosys import Log, Synthesis
from hlsgen.tools import find_yosys


@dataclass(frozen=True)
class Area:
    """The resources of a circuit: an estimate of yosys, before place and route.

    ``modules``: of each instance, by its name, in the order of the words. ``inside``: of those that start cores
    themselves, as loops do, what each of these takes of it, by its name. ``layers``: of all modules of a layer, by its
    name in the model. ``between``: of what lies between layers (FIFOs and counters of streams). ``total``: of all.
    """

    family: str
    tool: str
    modules: Mapping[str, Resources]
    inside: Mapping[str, Mapping[str, Resources]]
    layers: Mapping[str, Resources]
    between: Resources

    @property
    def total(self) -> Resources:
        return total(self.modules.values())

    def __str__(self) -> str:
        """A row for each module and each core within it, one for all, and what the numbers are."""
        rows = []
        for name, taken in self.modules.items():
            rows.append([name, *taken.row])
            rows += [[f"  {inner}", *part.row] for inner, part in self.inside.get(name, {}).items()]
        others = ", ".join(f"{count:,} {name}" for name, count in self.total.others)
        told = f"{self.family}, an estimate of {self.tool}" + (f"; beside these {others}" if others else "")
        return table(["module", *COLUMNS], [*rows, ["total", *self.total.row]]) + f"\n{told}"


def estimate(circuit: Circuit, family: Family, log: Log | None = None) -> Area:
    """Synthesize what is not in the cache, each unit by itself. Raises ToolError without yosys, or if it fails."""
    synthesis = Synthesis(find_yosys(), family)
    return area_of(circuit, synthesis, taken_apart(circuit, synthesis, log))


def known_area(circuit: Circuit, family: Family) -> Area | None:
    """The area, if all of it is in the cache. Raises ToolError without yosys."""
    synthesis = Synthesis(find_yosys(), family)
    top = known_parts(circuit, synthesis)
    return None if top is None else area_of(circuit, synthesis, top)


def area_of(circuit: Circuit, synthesis: Synthesis, top: Part) -> Area:
    """The area of a circuit that was taken apart."""
    family = synthesis.family
    modules = {name: taken_by(part, family) for name, part in top.inside.items()}
    cores = {name: dict(_cores(part, family)) for name, part in top.inside.items()}
    layers: dict[str, Resources] = {}
    between = []
    for name, taken in modules.items():
        layer = layer_of(circuit, name, top.inside[name])
        if layer is None:
            between.append(taken)
        else:
            layers[layer] = layers.get(layer, Resources()) + taken
    if top.cells:
        modules[circuit.name] = family.counted(top.cells)
        between.append(modules[circuit.name])
    inside = {name: found for name, found in cores.items() if found}
    return Area(family.name, synthesis.tool, modules, inside, layers, total(between))


def taken_by(part: Part, family: Family) -> Resources:
    """What a module takes with all that is in it, each as often as it stands there."""
    return total([family.counted(part.cells), *(taken_by(inner, family) for inner in part.inside.values())])


def _cores(part: Part, family: Family) -> Iterator[tuple[str, Resources]]:
    """The cores within a module by their names, those within these too."""
    for name, core in part.cores:
        yield name, taken_by(core, family)
        yield from ((f"{name}.{inner}", taken) for inner, taken in _cores(core, family))

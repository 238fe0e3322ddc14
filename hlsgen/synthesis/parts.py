"""A circuit taken apart: a tree of units, as yosys says which instances each of them holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Chain, Circuit
from hlsgen.backends.verilog.core import Core
from hlsgen.synthesis.critical_path import Spot
from hlsgen.synthesis.units import Modules, Parameters, Spelt, Unit, in_order, top_unit, unit_of
from hlsgen.synthesis.yosys import Log, Synthesis, Synthesized

_Key = tuple[str, Parameters]
"""What a unit is made of: a module and its parameters."""
_Ask = Callable[[Mapping[str, Unit]], Mapping[Unit, Synthesized] | None]
"""What yosys makes of units, by what they are called; None if that is not known."""


@dataclass(frozen=True, eq=False)
class Part:
    """A module as a unit. ``inside``: what it holds, by the names of the instances as yosys writes them, in order.
    ``is_core``: whether another core starts it. One that stands in several places is the same object there."""

    module: str
    spelt: Spelt
    found: Synthesized
    is_core: bool
    inside: Mapping[str, Part]

    @property
    def unit(self) -> Unit:
        return self.spelt.unit

    @property
    def cells(self) -> dict[str, int]:
        """How many cells of each type it has outside of the units that it holds."""
        return {name: count for name, count in self.found.cells.items() if name not in self.unit.holds}

    @property
    def cores(self) -> Iterator[tuple[str, Part]]:
        """The cores that it starts itself, by the names that their instances have in the Verilog."""
        return ((self.spelt.original(name), part) for name, part in self.inside.items() if part.is_core)


def taken_apart(circuit: Circuit, synthesis: Synthesis, log: Log | None = None) -> Part:
    """The top of a circuit with all that is within, level by level; what is not known is synthesized.

    Raises ToolError.
    """
    parts = _parts(circuit, lambda units: synthesis.all_of(units, log))
    assert parts is not None, "yosys was asked"
    return parts


def known_parts(circuit: Circuit, synthesis: Synthesis) -> Part | None:
    """The same, if the cache has all of it."""

    def known(units: Mapping[str, Unit]) -> Mapping[Unit, Synthesized] | None:
        found = {unit: made for unit in units.values() if (made := synthesis.known(unit)) is not None}
        return found if len(found) == len(set(units.values())) else None

    return _parts(circuit, known)


def _parts(circuit: Circuit, ask: _Ask) -> Part | None:
    modules = Modules(_texts(circuit), frozenset(_inner_cores(circuit)))
    level: dict[_Key, tuple[str, Spelt]] = {(circuit.name, ()): (circuit.name, top_unit(circuit.name, modules))}
    made: dict[_Key, tuple[Spelt, Synthesized]] = {}
    while level:
        found = ask({name: spelt.unit for name, spelt in level.values()})
        if found is None:
            return None
        made |= {key: (spelt, found[spelt.unit]) for key, (_, spelt) in level.items()}
        below: dict[_Key, str] = {}
        for key, (name, _) in level.items():
            for instance, inner in _held(*made[key]):
                called = made[key][0].original(instance)
                below.setdefault(inner, called if name == circuit.name else f"{name}.{called}")
        level = {key: (name, unit_of(key[0], modules, key[1])) for key, name in below.items() if key not in made}
    return _tree((circuit.name, ()), made, modules.cores, {})


def _held(spelt: Spelt, found: Synthesized) -> Iterator[tuple[str, _Key]]:
    """The instances that a unit holds, and what each is made of."""
    for instance in in_order(found.instances, spelt.unit.texts[0]):
        yield instance.name, (spelt.modules[instance.module], instance.parameters)


def _tree(
    key: _Key, made: Mapping[_Key, tuple[Spelt, Synthesized]], cores: frozenset[str], known: dict[_Key, Part]
) -> Part:
    if key not in known:
        inside = {name: _tree(inner, made, cores, known) for name, inner in _held(*made[key])}
        known[key] = Part(key[0], *made[key], key[0] in cores, inside)
    return known[key]


def _inner_cores(circuit: Circuit) -> Iterator[str]:
    """The modules of all cores that other cores start."""

    def below(core: Core) -> Iterator[str]:
        for inner in core.inner:
            yield inner.module
            yield from below(inner)

    for block in circuit.blocks:
        if isinstance(block, Chain):
            for core in block.cores:
                yield from below(core)


def _texts(circuit: Circuit) -> dict[str, str]:
    """The Verilog of every module by its name."""
    return {path.rpartition("/")[2].removesuffix(".v"): text for path, text in rtl_files(circuit).items()}


def layer_of(circuit: Circuit, name: str, part: Part) -> str | None:
    """The layer that an instance within the top belongs to; None for what every circuit has between layers."""
    return circuit.layers[name.partition("__")[0]] if part.module in circuit.modules else None


def spot_of(circuit: Circuit, top: Part, name: str) -> Spot:
    """Where a cell or a net of the whole netlist is: instances and signals by their names in the Verilog.

    What stands within a core without being one itself counts as the core's own.
    """
    modules: list[str] = []
    layer, part, rest = None, top, name
    while (step := _step(part, rest)) is not None:
        instance, rest = step
        inner = part.inside[instance]
        if part is top:
            layer = layer_of(circuit, instance, inner)
        if part is top or inner.is_core:
            modules.append(part.spelt.original(instance))
        part = inner
    return Spot(".".join(modules) or circuit.name, layer, part.spelt.original(rest))


def _step(part: Part, name: str) -> tuple[str, str] | None:
    """The instance within a part that a name begins with, and what follows; None if it begins with none."""
    dot = name.find(".")
    while dot >= 0:
        if name[:dot] in part.inside:
            return name[:dot], name[dot + 1 :]
        dot = name.find(".", dot + 1)
    return None

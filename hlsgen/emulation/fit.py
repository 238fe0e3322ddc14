"""Whether a compiled design is the one that was planned: the cache keeps files, and files get mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from hlsgen.backends.hls.program import Plan, Wire
from hlsgen.errors import DesignError
from hlsgen.ir.types import FixedType


def check_fit(plan: Plan, module: ModuleType) -> None:
    """Raise DesignError unless a compiled design says of its ports and constants what the plan says of them."""
    names = [constant.name for constant in plan.constants]
    arrays = [constant.array for constant in plan.constants]
    planned = [_constant(array.words.size, array.width, array.signed) for array in arrays]
    _compare(module, "constant", names, planned, [_constant(*facts) for facts in module.constants])
    for what, wires, ports in (("input", plan.inputs, module.inputs), ("output", plan.outputs, module.outputs)):
        found = [_port(port["elements"], port["width"], port["integer"], port["signed"]) for port in ports]
        _compare(module, what, [wire.name for wire in wires], [_planned(wire) for wire in wires], found)


def _compare(module: ModuleType, what: str, names: Sequence[str], planned: Sequence[str], found: Sequence[str]) -> None:
    advice = f"the compiled {module.__name__} belongs to another design; remove it with `hlsgen cache clear`"
    if len(found) != len(planned):
        raise DesignError(f"found {len(found)} {what}s, expected {len(planned)}: {advice}")
    for name, expected, other in zip(names, planned, found, strict=True):
        if expected != other:
            raise DesignError(f"{what} '{name}': found {other}, expected {expected}: {advice}")


def _planned(wire: Wire) -> str:
    return _port(wire.size, wire.type.width, wire.type.integer, wire.type.signed)


def _port(elements: int, width: int, integer: int, signed: bool) -> str:
    return f"{elements} elements of {FixedType(width, integer, signed)}"


def _constant(count: int, width: int, signed: bool) -> str:
    return f"{count} words of {width} bits{'' if signed else ', unsigned'}"

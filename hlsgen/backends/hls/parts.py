"""Large designs in parts that compilers can work on side by side: each part is a plan of its own.

The parts run one after another on wires that the emulator's entry point holds; what is called, in what
order and with which types is the same as in one piece. Hardware never sees parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hlsgen.backends.hls.program import Plan, Step, Wire

STEPS_OF_A_PART = 32
"""Kernel calls compiled in one unit: about two seconds of g++, of which parsing the headers is an eighth."""


def parts_of(plan: Plan, most: int = STEPS_OF_A_PART) -> list[Plan]:
    """Divide a plan into consecutive parts of at most ``most`` steps, as even as can be; one part is the plan."""
    count = -(-len(plan.steps) // most)
    if count <= 1:
        return [plan]
    ends = [len(plan.steps) * i // count for i in range(count + 1)]
    return [_part(plan, i, ends[i], ends[i + 1]) for i in range(count)]


def borders(plan: Plan, parts: Sequence[Plan]) -> list[Wire]:
    """The wires by which parts hand tensors to later ones."""
    ports = {wire.name for part in parts for wire in part.inputs}
    return [wire for wire in plan.wires if wire.name in ports]


def _part(plan: Plan, index: int, start: int, end: int) -> Plan:
    steps = plan.steps[start:end]
    made = _unique(wire for step in steps for wire in step.outputs)
    read = _unique(wire for step in steps for wire in step.inputs)
    needed = {*plan.outputs, *_read(plan.steps[end:])}
    return Plan(
        f"hlsgen_part_{index}",  # no name of a model becomes an identifier that begins so
        plan.stream,
        plan.dataflow,
        plan.interface,
        plan.pipeline,
        inputs=[wire for wire in read if wire not in made],
        outputs=[wire for wire in made if wire in needed],
        wires=[wire for wire in made if wire not in needed],
        steps=steps,
        fifos=plan.fifos,
    )


def _read(steps: Sequence[Step]) -> Iterable[Wire]:
    return (wire for step in steps for wire in step.inputs)


def _unique(wires: Iterable[Wire]) -> list[Wire]:
    return list(dict.fromkeys(wires))

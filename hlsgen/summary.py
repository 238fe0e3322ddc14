"""What a user has to know about a conversion, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsgen.codegen.plan import bits_per_word
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Node
from hlsgen.ir.text import graph_table, table

if TYPE_CHECKING:
    from hlsgen.project import Project


def summary(project: Project) -> str:
    """Everything a user has to know about a conversion, as text."""
    graph = project.graph
    parts = [
        f"{project.name}: {project.config.io_type}, {project.config.part}, {project.config.clock_period:g} ns",
        graph_table(graph),
        *project.precision.tables(),
    ]
    roundings = [row for node in graph for row in _rounding_rows(node)]
    if roundings:
        parts.append("Constants rounded\n" + table(["name", "constant", "type", "largest error"], roundings))
    parts.append("Ports of the top function\n" + _ports(project))
    aliases = _aliases(project)
    if aliases:
        parts.append("Names\n" + aliases)
    if graph.notes:
        parts.append("Notes\n" + "\n".join(f"  {note}" for note in graph.notes))
    return "\n\n".join(parts) + "\n"


def _rounding_rows(node: Node) -> list[list[str]]:
    rows = []
    for name, constant in node.layer.constants().items():
        error = _largest_error(constant)
        if error > 0:
            rows.append([node.name, name, str(constant.type), f"{error:.3g}"])
    return rows


def _largest_error(constant: Constant) -> float:
    return float(np.max(np.abs(constant.effective - constant.values), initial=0.0))


def _ports(project: Project) -> str:
    plan = project.plan
    rows = []
    for direction, wires in (("in", plan.inputs), ("out", plan.outputs)):
        for wire in wires:
            words = wire.words if plan.stream else 1
            order = "element 0 in the lowest bits"
            rows.append([wire.name, direction, str(wire.type), str(bits_per_word(wire)), str(words), order])
    return table(["port", "", "element", "bits a word", "words a sample", "packing"], rows)


def _aliases(project: Project) -> str:
    rows = [[repr(key), repr(value.name)] for key, value in project.graph.aliases.items() if key != value.name]
    rows += [
        [repr(step.note.split("'")[1]), step.name]
        for step in project.plan.steps
        if step.note.startswith("layer '") and step.note.split("'")[1] != step.name
    ]
    return table(["layer of the model", "found as"], rows) if rows else ""

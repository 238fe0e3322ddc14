"""The printable form of a graph: one line a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsgen.ir.graph import Graph, Node


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out text in columns."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def graph_table(graph: Graph) -> str:
    """One line a node: what it is, what it reads, its shape and every type."""
    rows = []
    for node in graph:
        reads = ", ".join(v.name for v in node.inputs)
        rows.append(
            [
                node.name,
                f"{node.layer.kind} {node.layer.describe()}".strip(),
                reads,
                "x".join(map(str, node.output.shape)),
                _constant_types(node),
                "" if node.accum_type is None or not node.layer.constants() else str(node.accum_type),
                "" if node.output.type is None else str(node.output.type),
            ]
        )
    return table(["name", "operation", "reads", "shape", "constants", "accum", "result"], rows)


def _constant_types(node: Node) -> str:
    return " ".join(f"{name}:{p.type}" for name, p in node.layer.constants().items() if p.type is not None)

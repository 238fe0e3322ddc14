"""Which layer of the source model a type belongs to, where several are computed together."""

from __future__ import annotations

from hlsgen.analysis.diagnosis.measurement import ACCUM, RESULT, TABLE
from hlsgen.config import Config
from hlsgen.ir.graph import Graph
from hlsgen.ir.op import Op


def layer_of(op: Op, role: str, config: Config, graph: Graph) -> str:
    """The layer that the configuration names for a role; else, of sums and results, the last that the operation
    computes, and of constants the one that has the operation's name."""
    role = RESULT if role == TABLE else role
    names = [source.name for source in op.origins]
    for name in names:
        settings = config.layers.get(name)
        if settings is not None and getattr(settings.precision, role, None) is not None:
            return name
    if role not in (ACCUM, RESULT):
        return op.source.name
    order = {node.source.name: place for place, node in enumerate(graph)}
    return max(names, key=lambda name: order.get(name, -1))


def others_of(op: Op, name: str) -> tuple[str, ...]:
    """The layers that an operation computes beside one."""
    return tuple(source.name for source in op.origins if source.name != name)

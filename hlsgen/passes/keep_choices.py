"""What a design chose by its weights, taken over by a graph with other ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.ir.graph import Graph
from hlsgen.ir.op import Op
from hlsgen.passes.base import Pass
from hlsgen.passes.choose_hardware import load_weights
from hlsgen.passes.move_channels import move_channels


@dataclass(frozen=True)
class KeepHeld(Pass):
    """Hold channels as a design does: as the configuration says, or :class:`EqualiseChannels` found for its weights.

    before: ``x -> Dense (columns W[:, c]) -> Relu -> Dense (rows V[c, :])``
    after:  ``x -> Dense (W[:, c] * 2**k[c]) -> Relu -> Dense (V[c, :] / 2**k[c])``

    Option: the graph of that design, with values of the same names.
    """

    exact = False
    optional = False
    former: Graph

    def run(self, graph: Graph) -> bool:
        known = {value.name: value.held for value in self.former.values}
        held = {value: found for value in graph.values if (found := known.get(value.name)) is not None}
        move_channels(graph, held)
        return bool(held)


@dataclass(frozen=True)
class KeepHardware(Pass):
    """Build each node as the operation of a design is built: with its strategy, reuse factor and memory.

    before: ``x -> Dense, reuse_factor auto``
    after:  ``x -> Dense, reuse_factor 8``

    Option: the operations, in the order of the nodes.
    """

    exact = True
    optional = False
    ops: tuple[Op, ...]

    def run(self, graph: Graph) -> bool:
        for node, op in zip(graph.nodes, self.ops, strict=False):  # of other graphs check_same says what they are
            node.wish = replace(node.wish, hardware=op.wish.hardware)
            load_weights(graph, node)
        return True

"""Fold exact scales into weights that the model's quantisers fixed, where not a bit changes."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.affine import Affine
from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass
from hlsgen.passes.fuse_batchnorm import exact_constants
from hlsgen.passes.purity import pure_values
from hlsgen.passes.scale_routes import Route, fixes_constants, merge_ahead, merge_back, route_ahead, route_back


@dataclass(frozen=True)
class FuseExactScales(Pass):
    """Multiply mantissas by mantissas: the product of two fixed-point numbers is one, exactly.

    before: ``x -> QDense -> Scale with quantised scale and bias``
    after:  ``x -> Dense`` with wider weights

    Exact, as the values in between are: only where all that comes before is the model's own fixed point, which is
    never rounded on the way. Option: the widest weights for which one wide multiplication is better than two
    narrow ones.
    """

    exact = True
    widest: int = 18

    def run(self, graph: Graph) -> bool:
        changed, exact = False, pure_values(graph)
        for node in graph:
            if isinstance(node.layer, Scale) and node.input in exact and self._fuse(graph, node):
                changed, exact = True, pure_values(graph)
        return changed

    def _fuse(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, Scale)
        if fixes_constants(node):
            return False
        affine = node.layer.affine
        route = route_back(graph, node, node.input, affine, self._fold_behind)
        if route is not None and _free(route.passed):
            graph.notes.append(f"{node.name} is fused into {_names(route)}, exactly")
            merge_back(graph, node, route)
            return True
        if node.wish.casts:
            return False
        route = route_ahead(graph, node.output, affine, self._fold_in_front)
        if route is not None and _free(route.passed):
            graph.notes.append(f"{node.name} is fused into {_names(route)}, exactly")
            merge_ahead(graph, node, route)
            return True
        return False

    def _fold_behind(self, node: Node, affine: Affine) -> LinearLayer | None:
        exact = self._constants(node, affine)
        if exact is None or not _free([node]):
            return None  # a cast in between would be lost
        layer, by = exact
        return layer.scaled_exactly(by.scale, by.shift, self.widest)

    def _fold_in_front(self, node: Node, affine: Affine) -> LinearLayer | None:
        exact = self._constants(node, affine)
        if exact is None:
            return None
        layer, by = exact
        return layer.behind_scale_exactly(by.scale, by.shift, self.widest)

    def _constants(self, node: Node, affine: Affine) -> tuple[LinearLayer, Affine] | None:
        """As exact constants. Sums with real numbers are out: those are rounded to the grid they are added on."""
        assert isinstance(node.layer, LinearLayer)
        added = (node.layer.bias, affine.shift)
        if any(constant.mantissas is None and constant.values.any() for constant in added):
            return None
        return exact_constants(node, affine, self.widest)


def _free(nodes: list[Node]) -> bool:
    """Whether no type is fixed for what these nodes give."""
    return not any(node.wish.casts for node in nodes)


def _names(route: Route) -> str:
    return ", ".join(node.name for node, _ in route.fused)

"""Fold BatchNormalization (any Scale) into the weights of a linear layer in front of it or behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hlsgen.ir.affine import Affine
from hlsgen.ir.constant import Constant, Floats, as_exact
from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass
from hlsgen.passes.scale_routes import (
    Fold,
    constants_pinned,
    fixes_constants,
    merge_ahead,
    merge_back,
    pinned,
    route_ahead,
    route_back,
)


@dataclass(frozen=True)
class FuseBatchnorm(Pass):
    """Multiply the scale into weights and bias: ``(x W + b) s + t = x (W s) + (b s + t)``.

    before: ``x -> Conv2D -> MaxPooling2D -> Scale -> y``
    after:  ``x -> Conv2D -> MaxPooling2D -> y``

    Or, where nothing in front can take it, into the layers behind: ``(x s + t) W + b = x (s W) + (t W + b)``.
    Between may be what commutes with the scale (see ``docs/passes.md``). Done where both hold real numbers, or exact
    constants with a short product; where nobody else reads what is in between; and where no type is fixed
    in between for a layer by its name. Changes numerics: one rounding of the fused weights replaces two.

    Options: fuse into weights that the model's quantisers fixed, too, and fit types to the result; the most that
    scales of different input channels may differ by (weights of one type hold their products), and the largest shift
    (a mean in deviations: what it is subtracted from is multiplied by rounded weights); the widest exact product; the
    scales that stay, by their names, if that was chosen before, by other numbers.
    """

    exact = False
    fuse_quantized: bool = False
    most_spread: float = 16.0
    most_shift: float = 4.0
    widest: int = 18
    staying: frozenset[str] | None = None

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            stays = self.staying is not None and node.name in self.staying
            if isinstance(node.layer, Scale) and not stays and not constants_pinned(node):
                changed |= self._back(graph, node) or self._ahead(graph, node)
        return changed

    def _back(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, Scale)
        route = route_back(graph, node, node.input, node.layer.affine, self._fold_behind)
        if route is None:
            return False
        self._note(graph, node, [producer for producer, _ in route.fused])
        merge_back(graph, node, route)
        return True

    def _ahead(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, Scale)
        if pinned(node):
            return False
        route = route_ahead(graph, node.output, node.layer.affine, self._folding(node))
        if route is None:
            return False
        self._note(graph, node, [reader for reader, _ in route.fused])
        merge_ahead(graph, node, route)
        return True

    def _folding(self, node: Node) -> Fold:
        """How readers take a scale in. Of an input whose features have types of their own, powers of two go into those
        types, so that weights need to hold what is left of the scale alone."""
        assert isinstance(node.layer, Scale)
        octaves = node.input.producer.wish.octaves
        if octaves is None:
            return self._fold_in_front
        left = node.layer.affine.scale.meant * np.exp2(-np.array(octaves, dtype=np.float64))
        mild = self._mild(Affine(Constant.of(left), node.layer.affine.shift))
        return partial(self._fold_in_front, mild=mild)

    def _note(self, graph: Graph, node: Node, into: list[Node]) -> None:
        assert isinstance(node.layer, Scale)
        for linear in into:
            assert isinstance(linear.layer, LinearLayer)
            if linear.layer.weight.given and node.layer.weight.mantissas is None:
                linear.refitted = True
        graph.notes.append(f"{node.name} is fused into {', '.join(linear.name for linear in into)}")

    def _fold_behind(self, node: Node, affine: Affine) -> LinearLayer | None:
        assert isinstance(node.layer, LinearLayer)
        if self._as_real_numbers(node, affine):
            return node.layer.scaled(affine.scale, affine.shift)
        exact = exact_constants(node, affine, self.widest)
        if exact is None or node.wish.casts:
            return None
        layer, by = exact
        return layer.scaled_exactly(by.scale, by.shift, self.widest)

    def _fold_in_front(self, node: Node, affine: Affine, mild: bool | None = None) -> LinearLayer | None:
        assert isinstance(node.layer, LinearLayer)
        if self._as_real_numbers(node, affine):
            mild = self._mild(affine) if mild is None else mild
            return node.layer.behind_scale(affine.scale, affine.shift) if mild else None
        exact = exact_constants(node, affine, self.widest)
        if exact is None:
            return None
        layer, by = exact
        return layer.behind_scale_exactly(by.scale, by.shift, self.widest)

    def _mild(self, affine: Affine) -> bool:
        """Whether rounded weights that hold the scale lose no more than a few bits, unless others were to decide. A
        correction changes nothing of it: it was found for a design with the same operations."""
        return self.staying is not None or (
            spread(affine.scale.meant) <= self.most_spread
            and float(np.abs(affine.shift.meant).max()) <= self.most_shift
        )

    def _as_real_numbers(self, node: Node, affine: Affine) -> bool:
        """Whether constants may be multiplied as real numbers: none was fixed, or the user wants it so."""
        assert isinstance(node.layer, LinearLayer)
        if constants_pinned(node):
            return False
        given = node.layer.given or affine.scale.given or affine.shift.given
        return self.fuse_quantized or not given


def exact_constants(node: Node, affine: Affine, widest: int) -> tuple[LinearLayer, Affine] | None:
    """Layer and scale as exact constants; None where one of them is rounded later or the user wants other types."""
    layer = node.layer
    assert isinstance(layer, LinearLayer)
    if fixes_constants(node):
        return None
    found: list[Constant] = []
    for constant in (layer.weight, layer.bias, affine.scale, affine.shift):
        exact = as_exact(constant, widest)
        if exact is None:
            return None
        found.append(exact)
    weight, bias, scale, shift = found
    return replace(layer, weight=weight, bias=bias), Affine(scale, shift)


def spread(scale: Floats) -> float:
    """How many times larger the largest factor is than the smallest that is not zero."""
    sizes = np.abs(scale[scale != 0])
    return float(sizes.max() / sizes.min()) if sizes.size else 1.0

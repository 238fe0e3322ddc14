"""Inputs whose axes users give in another order than the model has them: ``input_layout``."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.ir.graph import Graph
from hlsgen.layers.input import Input


def laid_out(graph: Graph, layout: str | None) -> Graph:
    """A graph whose inputs of two axes and more take the channels first or last, as ``layout`` says; None: as they are.

    What an input holds stays the same: only how users give it changes.
    """
    if layout is None:
        return graph
    changed = graph.copy()
    for node in changed:
        layer = node.layer
        if isinstance(layer, Input) and len(layer.shape) > 1:
            axes = len(layer.shape)
            order = (*range(1, axes), 0) if layout == "channels_first" else None
            if order != layer.order:
                changed.set_layer(node, replace(layer, order=order, relaid=not layer.relaid))
    return changed

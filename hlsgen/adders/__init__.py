"""Constant matrices as graphs of shared adders: found by :func:`optimise`, exact by construction, checked each time."""

from __future__ import annotations

from hlsgen.adders.graph import Adder, AdderGraph, Node, Output, Source
from hlsgen.adders.optimise import Options, optimise
from hlsgen.adders.product import product_graph, why_none

__all__ = ["Adder", "AdderGraph", "Node", "Options", "Output", "Source", "optimise", "product_graph", "why_none"]

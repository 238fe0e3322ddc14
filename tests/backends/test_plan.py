"""The plan of kernel calls: what grows with the graph."""

from __future__ import annotations

import pytest

from hlsgen.backends.hls.plan import make_plan
from hlsgen.config import Config
from hlsgen.frontends.builder import add_input
from hlsgen.ir.graph import Graph, Source
from hlsgen.layers.relu import Relu
from hlsgen.layers.shape_ops import Reshape
from hlsgen.pipeline import make_design


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_reshapes_without_end_are_one_wire(io_type):
    """More than Python can call itself."""
    graph = Graph("chain")
    value = add_input(graph, "x", (4, 4))
    for number in range(1200):
        shape = (4, 4) if number % 2 else (16,)
        value = graph.add(Reshape(shape), (value,), f"r{number}", Source(f"r{number}", "Reshape"))
    value = graph.add(Relu(), (value,), "relu", Source("relu", "ReLU"))
    graph.set_outputs([value], ["relu"])
    plan = make_plan(make_design(graph, Config()), io_type, "chain")
    assert [step.name for step in plan.steps] == ["relu"]
    assert list(plan.steps[0].inputs) == plan.inputs and not plan.wires

"""A design: its digest tells apart what computes differently; a wish of the source for an input is kept."""

from __future__ import annotations

import pytest

from hlsgen.config import Config
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By, Wished
from hlsgen.project import Project
from tests.passes.builders import Net, graph_of, project_of


def quantised(text: str, seed: int = 1) -> str:
    net = Net(seed)
    x = net.dense("fc", net.input((4,)), 4, 3)
    net.call("QActivation", "q", x, activation=text)
    return project_of(net.source("q"), input_precision="fixed<8,4>", precision="fixed<12,5>").design.digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("quantized_hswish(6,2)",), ("quantized_hswish(6,2,relu_shift=2,relu_upper_bound=5)",)),
        (("quantized_relu(4,1)",), ("quantized_relu(4,1)", 2)),
        (("ternary(threshold=0.5)",), ("ternary(threshold=0.25)",)),
        (("quantized_bits(4,1,alpha=1)",), ("quantized_bits(4,0,alpha=1)",)),
    ],
    ids=["tables", "weights", "thresholds", "types"],
)
def test_the_digest_tells_designs_apart(one, other):
    assert quantised(*one) == quantised(*one)
    assert quantised(*one) != quantised(*other)


def test_an_input_type_that_the_source_wished_is_kept():
    net = Net()
    net.call("ReLU", "relu", net.input((3,)))
    graph = graph_of(net.source("relu"))
    (value,) = graph.inputs
    value.producer.wish = value.producer.wish.with_type("result", Wished(FixedType(5, 2), By.MODEL))
    assert Project(graph, Config()).design.inputs[0].type == FixedType(5, 2)
    (stated,) = Project(graph, Config(input_precision="fixed<9,4>")).design.inputs
    assert str(stated.type) == "fixed<9,4,RND,SAT>"

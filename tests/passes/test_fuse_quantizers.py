"""FuseQuantizers: the producer casts, once, to the very same integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hlsgen.config import Config
from hlsgen.frontends.builder import add_input
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.layer import Layer, Packing
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By, Wish, Wished
from hlsgen.layers.convert import Convert
from hlsgen.passes.fuse_quantizers import FuseQuantizers
from hlsgen.pipeline import make_design
from hlsgen.project import Project
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of, typed_outline


def quantised_net() -> Net:
    net = Net()
    x = net.input((6,))
    x = net.dense("fc", x, 6, 5)
    x = net.quantize("q", x, 6, 2)
    x = net.call("ReLU", "relu", x)
    net.dense("out", x, 5, 3)
    return net


def test_before_and_after():
    graph = graph_of(quantised_net().source("out"))
    assert typed_outline(graph) == expected_text("""
        x = Input()
        fc = Dense(x)
        q = Convert(fc) : fixed<6,3,RND_CONV,SAT>
        relu = Relu(q)
        out = Dense(relu)
        -> out
    """)
    assert FuseQuantizers().run(graph)
    graph.verify()
    assert typed_outline(graph) == expected_text("""
        x = Input()
        fc = Dense(x) : fixed<6,3,RND_CONV,SAT>
        relu = Relu(fc)
        out = Dense(relu)
        -> out
    """)
    assert graph.aliases["q"] is graph.aliases["fc"]


def test_exact():
    x = grid((6,), samples=200)
    before = project_of(quantised_net().source("out", "q"), skip_passes=["fuse_quantizers"])
    after = project_of(quantised_net().source("out", "q"))
    assert "Convert" in outline(before.design) and "Convert" not in outline(after.design)
    first, second = before.evaluate(x, raw=True), after.evaluate(x, raw=True)
    for key in ("q", "relu", "out"):
        np.testing.assert_array_equal(first[key], second[key], err_msg=key)
        assert before.trace_keys()[key].type == after.trace_keys()[key].type


@dataclass(frozen=True, eq=False)
class Signs(Layer):
    """Two results: x and -x."""

    kind = "Signs"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})

    def output_shapes(self, shapes):
        return shapes[0], shapes[0]

    def evaluate_floats(self, inputs):
        return inputs[0], -inputs[0]

    def intervals(self, inputs, shapes):
        return inputs[0], inputs[0].negate()


def test_one_of_several_results():
    """The other result has no such type: the cast stays where it is."""
    graph = Graph("signs")
    x = add_input(graph, "x", (3,))
    plus, minus = graph.add_node(Signs(), [x], "signs", Source("signs", "Signs")).outputs
    cast = graph.add(Convert(), [plus], "q", Source("q", "QActivation"))
    cast.producer.wish = Wish().with_type("result", Wished(FixedType(4, 2), By.MODEL))
    graph.set_outputs([cast, minus], ["q", "minus"])
    assert not FuseQuantizers().run(graph)
    types = [str(tensor.type) for tensor in make_design(graph, Config(input_precision="fixed<8,4>")).outputs]
    assert types == ["fixed<4,2>", "fixed<9,5>"]


def test_two_readers():
    """The sum itself is read too: the cast stays where it is."""
    net = quantised_net()
    net.dense("side", "fc", 5, 2)
    graph = graph_of(net.source("out", "side"))
    assert not FuseQuantizers().run(graph)


@pytest.mark.parametrize("outputs", [("q", "fc"), ("q",)])
def test_outputs(outputs):
    x = grid((6,), samples=50)
    before = project_of(quantised_net().source(*outputs), skip_passes=["fuse_quantizers"])
    after = project_of(quantised_net().source(*outputs))
    for key in outputs:
        np.testing.assert_array_equal(before.evaluate(x, raw=True)[key], after.evaluate(x, raw=True)[key])
    assert ("Convert" in outline(after.design)) == (len(outputs) == 2)


def test_a_result_fixed_before_the_cast_stays():
    """Two casts in a row are not one: fixed<5,3> then fixed<6,3> loses what one cast would keep."""
    settings = {"layers": {"fc": {"precision": {"result": "fixed<5,4,TRN,SAT>"}}}}
    before = project_of(quantised_net().source("out"), skip_passes=["fuse_quantizers"], **settings)
    after = project_of(quantised_net().source("out"), **settings)
    assert "q = Convert(fc)" in outline(after.design)
    x = grid((6,), samples=100)
    np.testing.assert_array_equal(before.evaluate(x, raw=True)["out"], after.evaluate(x, raw=True)["out"])


def test_quantizers_in_a_row():
    net = Net()
    x = net.input((6,))
    x = net.dense("fc", x, 6, 5)
    x = net.quantize("coarse", x, 4, 3)
    net.quantize("fine", x, 8, 1)
    x = grid((6,), samples=100)
    before = project_of(net.source("fine"), skip_passes=["fuse_quantizers"])
    after = project_of(net.source("fine"))
    np.testing.assert_array_equal(before.evaluate(x, raw=True)["fine"], after.evaluate(x, raw=True)["fine"])
    assert outline(after.design) == expected_text("""
        x = Input()
        fc = Dense(x)
        fine = Convert(fc)
        -> fine
    """)


def test_fixed_accumulator_is_cast_first():
    """accum of the layer's name applies before the quantiser, fused or not."""
    settings = {"layers": {"fc": {"precision": {"accum": "fixed<6,4,TRN,WRAP>"}}}}
    x = grid((6,), samples=200)
    before = project_of(quantised_net().source("q"), skip_passes=["fuse_quantizers"], **settings)
    after = project_of(quantised_net().source("q"), **settings)
    np.testing.assert_array_equal(before.evaluate(x, raw=True)["q"], after.evaluate(x, raw=True)["q"])


def test_input_and_movers_do_not_cast():
    net = Net()
    x = net.input((2, 3))
    flat = net.call("Flatten", "flat", x)
    net.quantize("q", flat, 4, 1)
    net.quantize("q_in", x, 5, 1)
    graph = graph_of(net.source("q", "q_in"))
    assert not FuseQuantizers().run(graph)


@pytest.mark.parametrize("kind", ["move", "pad", "max", "wrapping max", "mean"])
def test_through_what_moves_or_picks(kind):
    """What only moves values may be cast before; so may the largest of several, unless the cast wraps."""
    layers = {
        "move": ("Permute", {"dims": [2, 1, 3]}),
        "pad": ("ZeroPadding2D", {"padding": [[1, 0], [0, 1]]}),
        "mean": ("AveragePooling2D", {"pool_size": [2, 2]}),
    }
    class_name, options = layers.get(kind, ("MaxPooling2D", {"pool_size": [2, 2]}))
    net = Net()
    x = net.conv("conv", net.input((6, 5, 2)), 2, 3)
    x = net.call("UpSampling2D", "up", x, size=[1, 2])
    net.quantize("q", net.call(class_name, "between", x, **options), 5, 2)

    def build(skip):
        graph = graph_of(net.source("q"))
        (cast,) = [n for n in graph if n.layer.kind == "Convert"]
        if kind == "wrapping max":
            cast.wish = cast.wish.with_type("result", Wished(FixedType(5, 3), By.MODEL))
        return Project(graph, Config(input_precision="fixed<7,3>", skip_passes=skip))

    before, after = build(["fuse_quantizers"]), build([])
    gone = {"move", "pad", "max", "mean"}
    assert ("Convert" in outline(after.design)) == (kind not in gone)
    if kind in ("move", "pad", "max"):
        conv = next(n for n in after.design if n.name == "conv")
        assert conv.output.type.width == 5, "narrow from the start"
    x = grid((6, 5, 2), samples=100)
    np.testing.assert_array_equal(before.evaluate(x)["q"], after.evaluate(x)["q"])

"""FuseExactScales (not a bit changes) and FuseThresholds (right at every tie, whatever the scale)."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.design.reference import evaluate
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.types import FixedType
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.scale import Scale
from hlsgen.passes.fuse_exact_scales import FuseExactScales
from hlsgen.pipeline import infer
from hlsgen.precision.infer_types import InferTypes
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of


def scaled_graph(scale_bits: int = 5) -> Graph:
    """Dense and Scale whose constants the model's quantisers fixed."""
    rng = np.random.default_rng(5)

    def given(*shape: int, bits: int, integer: int) -> Constant:
        fixed = FixedType(bits, integer)
        return Constant.exactly(rng.integers(fixed.min_mantissa, fixed.max_mantissa + 1, shape), fixed)

    graph = Graph("g")
    x = graph.add(Input((4,)), (), "x", Source("x", "InputLayer"))
    fc = graph.add(
        Dense(given(4, 3, bits=5, integer=1), given(3, bits=6, integer=2)), [x], "fc", Source("fc", "QDense")
    )
    scale = Scale(given(3, bits=scale_bits, integer=2), given(3, bits=7, integer=3))
    bn = graph.add(scale, [fc], "bn", Source("bn", "QBatchNormalization"))
    graph.aliases.update(x=x, fc=fc, bn=bn)
    graph.set_outputs([bn], ["bn"])
    return graph


def test_exact_scales_change_no_bit():
    before, after = scaled_graph(), scaled_graph()
    assert FuseExactScales().run(after)
    after.verify()
    assert outline(after) == "x = Input()\nfc = Dense(x)\n-> fc"
    assert after.aliases["bn"] is after.aliases["fc"]
    results = []
    for graph in (before, after):
        design = infer(graph, [InferTypes()])
        (value,), (result,) = design.inputs, design.outputs
        x = value.type.quantize(np.random.default_rng(1).uniform(-40, 40, (500, 4)))
        known = evaluate(design, {"x": x})[result]
        results.append([int(v) * 2.0**-result.type.frac for v in known.ravel()])
    assert results[0] == results[1]


def test_scales_that_make_weights_too_wide_stay():
    graph = scaled_graph(scale_bits=16)
    assert not FuseExactScales(widest=18).run(graph)
    assert FuseExactScales(widest=40).run(graph)


# -- thresholds ------------------------------------------------------------------------------------


def stepped(quantizer: str) -> Net:
    net = Net(11)
    x = net.input((6,))
    bits = net.quantized_bits(4, 1)
    weights = {"kernel": net.dyadic(6, 5), "bias": net.dyadic(5)}
    net.call("QDense", "fc", x, weights, units=5, kernel_quantizer=bits, bias_quantizer=bits, activation="linear")
    net.batchnorm("bn", "fc", 5)
    net.calls[-1].weights["gamma"][::2] *= -1  # a negative gamma turns the steps around
    net.call("QActivation", "q", "bn", activation=quantizer)
    return net


@pytest.mark.parametrize(
    "quantizer", ["binary(alpha=1)", "ternary(alpha=1)", "quantized_relu(2,1)", "quantized_bits(3,1,alpha=1)"]
)
def test_thresholds_are_right_for_the_real_scale(quantizer):
    net = stepped(quantizer)
    assert outline(graph_of(net.source("q"))).splitlines()[1:3] == ["fc = Dense(x)", "bn = Scale(fc)"]
    project = project_of(net.source("q"), input_precision="fixed<8,3>")
    assert outline(project.design) == expected_text("""
        x = Input()
        fc = Dense(x)
        q = Thresholds(fc)
        -> q
    """)
    assert any("bn is fused into q" in note for note in project.design.notes)
    plain = project_of(
        net.source("q"),
        input_precision="fixed<8,3>",
        skip_passes=["fuse_thresholds"],
        layers={"bn": {"precision": {"weight": "fixed<48,4>", "bias": "fixed<48,4>"}}},
    )
    x = grid((6,), samples=400)
    got, right = project.evaluate(x)["q"], plain.evaluate(x)["q"]
    # with 44 fractional bits the rounded scale moves a step only where a sum sits within 2^-36 of it
    np.testing.assert_array_equal(got, right)
    assert len(np.unique(got)) > 1

"""FuseThresholds: every input, every tie, whatever the scale; and through what lies between."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.ir.constant import Constant, exact_constant
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.wish import By, Wish, Wished
from hlsgen.layers.convert import Convert
from hlsgen.layers.input import Input
from hlsgen.layers.pooling2d import GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.quantized import QuantizedFunction, layer_of
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.thresholds import Thresholds
from hlsgen.layers.window import Window
from hlsgen.passes.fuse_thresholds import FuseThresholds
from hlsgen.pipeline import infer
from hlsgen.precision.infer_types import InferTypes
from hlsgen.quantizers import Activation
from tests.passes.builders import Net, outline, project_of

SCALES = [1.0, -1.0, 0.5, -0.25, 3.0, 0.0, 0.0, 0.1, -0.3, 1e-9, -1e9, 0.75, -1.5]
SHIFTS = [0.0, 0.5, -0.25, 0.125, -1.0, 0.3, -2.0, 0.05, 0.5, 0.25, 0.125, -0.375, 0.5]
SOURCE = Source("n", "")
INPUT = FixedType(7, 3)


def network(layer: Any, fixed: FixedType | None, between: Any = (), x_type: FixedType = INPUT) -> Graph:
    """Input -> Scale -> between -> quantiser, one channel for each of the scales."""
    graph = Graph("g")
    shape = (2, 2, len(SCALES)) if between else (len(SCALES),)
    value = graph.add(Input(shape), (), "x", SOURCE)
    value.producer.wish = Wish({"result": Wished(x_type, By.CONFIGURATION)})
    value = graph.add(Scale(Constant.of(SCALES), Constant.of(SHIFTS)), [value], "bn", SOURCE)
    for number, step in enumerate(between):
        value = graph.add(step, [value], f"between{number}", SOURCE)
    value = graph.add(layer, [value], "q", SOURCE)
    if fixed is not None:
        value.producer.wish = Wish({"result": Wished(fixed, By.MODEL)})
    graph.set_outputs([value], ["q"])
    return graph


def every_input(x_type: FixedType, shape: tuple[int, ...]) -> np.ndarray:
    mantissas = np.arange(x_type.min_mantissa, x_type.max_mantissa + 1)
    return np.broadcast_to(mantissas.reshape(-1, *(1 for _ in shape)), (len(mantissas), *shape))


def scaled(x: int, frac: int, channel: int) -> Fraction:
    return Fraction(SCALES[channel]) * x * Fraction(2) ** -frac + Fraction(SHIFTS[channel])


def cast(y: Fraction, fixed: FixedType) -> int:
    """The cast of an exact dyadic number."""
    bits = y.denominator.bit_length() - 1
    return int(fixed.cast(np.array([y.numerator], dtype=object), bits)[0])


def run(design: Design, x: np.ndarray) -> np.ndarray:
    return evaluate(design, {"x": x})[design.outputs[0]]


def fused(graph: Graph) -> Design:
    assert FuseThresholds().run(graph)
    graph.verify()
    design = infer(graph, [InferTypes()])
    assert not any(isinstance(op.layer, Scale) for op in design)
    return design


ROUNDINGS = list(Rounding)
TYPES = [
    FixedType(1, 1),
    FixedType(1, 0, False),
    FixedType(2, 2),
    FixedType(3, 2),
    FixedType(3, -1),
    FixedType(3, 5, False),
]


@pytest.mark.parametrize("overflow", [Overflow.SAT, Overflow.SAT_SYM], ids=lambda o: o.value)
@pytest.mark.parametrize("rounding", ROUNDINGS, ids=lambda r: r.value)
@pytest.mark.parametrize("plain", TYPES, ids=str)
def test_casts(plain: FixedType, rounding: Rounding, overflow: Overflow):
    fixed = plain.with_modes(rounding, overflow)
    design = fused(network(Convert(), fixed))
    x = every_input(INPUT, (len(SCALES),))
    right = [[cast(scaled(int(v), INPUT.frac, c), fixed) for c, v in enumerate(row)] for row in x]
    np.testing.assert_array_equal(run(design, x), right)


@pytest.mark.parametrize("ends", [(-3, 3), (-1, 2), (0, 1), (1, 1)])
def test_clipped_casts(ends: tuple[int, int]):
    """A quantiser that leaves levels of its type unused (symmetric ones do)."""
    fixed = FixedType(3, 2, True, Rounding.RND_CONV, Overflow.SAT)
    design = fused(network(QuantizedFunction(Activation("cast", fixed, *ends)), fixed))
    x = every_input(INPUT, (len(SCALES),))
    right = [
        [min(max(cast(scaled(int(v), INPUT.frac, c), fixed), ends[0]), ends[1]) for c, v in enumerate(row)] for row in x
    ]
    np.testing.assert_array_equal(run(design, x), right)


@pytest.mark.parametrize("ceiling", [None, 1.25])
@pytest.mark.parametrize("plain", TYPES, ids=str)
def test_rectifiers(plain: FixedType, ceiling: float | None):
    fixed = plain.with_modes(Rounding.RND_CONV, Overflow.SAT)
    top = None if ceiling is None else exact_constant(np.array(5), 2)
    design = fused(network(Relu(None, top), fixed))
    x = every_input(INPUT, (len(SCALES),))

    def right(y: Fraction) -> int:
        y = max(y, Fraction(0))
        return cast(y if ceiling is None else min(y, Fraction(ceiling)), fixed)

    wanted = [[right(scaled(int(v), INPUT.frac, c)) for c, v in enumerate(row)] for row in x]
    np.testing.assert_array_equal(run(design, x), wanted)


@pytest.mark.parametrize("threshold", [Fraction(0), Fraction(1, 2), Fraction(3, 8)])
def test_ternary(threshold: Fraction):
    function = Activation("ternary", FixedType(2, 2), low=-1, high=1, threshold=threshold)
    design = fused(network(layer_of(function, 1), function.type))
    x = every_input(INPUT, (len(SCALES),))

    def right(y: Fraction) -> int:
        return int(np.sign(y)) if abs(y) >= threshold else 0

    wanted = [[right(scaled(int(v), INPUT.frac, c)) for c, v in enumerate(row)] for row in x]
    np.testing.assert_array_equal(run(design, x), wanted)


@pytest.mark.parametrize("first_above", [0, 1])
def test_binary(first_above: int):
    fixed = FixedType(2, 2)
    steps = Thresholds(exact_constant(np.array([[first_above]]), 2), Constant.exactly(np.array([[-1, 1]]), fixed))
    design = fused(network(steps, fixed))
    x = every_input(INPUT, (len(SCALES),))
    wanted = [
        [1 if scaled(int(v), INPUT.frac, c) >= Fraction(first_above, 4) else -1 for c, v in enumerate(row)] for row in x
    ]
    np.testing.assert_array_equal(run(design, x), wanted)


BETWEEN = {
    "max": [MaxPooling2D(Window((2, 2)))],
    "global max": [GlobalMaxPooling()],
    "moved": [Permute((1, 0, 2)), UpSampling((2, 1))],
    "several": [Reshape((4, 1, len(SCALES))), MaxPooling2D(Window((2, 1))), UpSampling((1, 2))],
}


@pytest.mark.parametrize("kind", BETWEEN)
def test_through_what_moves_or_picks(kind: str):
    """A maximum behind a falling scale is none of the inputs' maxima: the steps go in front of it."""
    fixed = FixedType(3, 2, True, Rounding.RND, Overflow.SAT)
    plain, design = network(Convert(), fixed, BETWEEN[kind]), fused(network(Convert(), fixed, BETWEEN[kind]))
    assert [n.layer.kind for n in design][:2] == ["Input", "Thresholds"]
    x = np.random.default_rng(1).integers(INPUT.min_mantissa, INPUT.max_mantissa + 1, (300, 2, 2, len(SCALES)))
    scale = next(n for n in plain if n.name == "bn")
    ys = [[cast(scaled(int(v), INPUT.frac, c), fixed) for c, v in enumerate(row)] for row in x.reshape(-1, len(SCALES))]
    value = Exact(np.array(ys).reshape(x.shape), fixed.frac)
    for node in plain.nodes[plain.nodes.index(scale) + 1 : -1]:
        value = node.layer.exact([value])
    np.testing.assert_array_equal(run(design, x), value.mantissas)


def test_zeros_of_padding_stop_it():
    """The step of a padded zero is not the step of a scaled value."""
    assert not FuseThresholds().run(
        network(Convert(), FixedType(2, 2, True, Rounding.RND, Overflow.SAT), [ZeroPadding((1, 0, 0, 1))])
    )


@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT_ZERO], ids=lambda o: o.value)
def test_casts_that_fall_are_left_alone(overflow: Overflow):
    assert not FuseThresholds().run(network(Convert(), FixedType(2, 2, True, Rounding.RND, overflow)))


def test_more_levels_on_demand():
    fixed = FixedType(4, 2, True, Rounding.RND, Overflow.SAT)
    assert not FuseThresholds().run(network(Convert(), fixed))
    assert FuseThresholds(most_levels=16).run(network(Convert(), fixed))


@pytest.mark.parametrize("x_type", [FixedType(40, 20), FixedType(3, -5), FixedType(6, 9, False)], ids=str)
def test_thresholds_are_no_wider_than_what_they_are_compared_with(x_type: FixedType):
    """A scale of 1e-9 would put a step far beyond every input: it is never reached, and needs no bits."""
    fixed = FixedType(2, 2, True, Rounding.RND, Overflow.SAT)
    design = fused(network(Convert(), fixed, x_type=x_type))
    thresholds = design.ops[-1].layer.constants()["thresholds"]
    assert thresholds.type is not None and thresholds.type.width <= x_type.width + 1 + (not x_type.signed)
    x = np.array([x_type.min_mantissa, -1 if x_type.signed else 1, 0, x_type.max_mantissa // 3, x_type.max_mantissa])
    x = np.broadcast_to(x[:, None], (5, len(SCALES)))
    wanted = [[cast(scaled(int(v), x_type.frac, c), fixed) for c, v in enumerate(row)] for row in x]
    np.testing.assert_array_equal(run(design, x), wanted)


def test_emulator_agrees():
    """Behind a pooling, with negative and zero factors."""
    net = Net(2)
    x = net.input((4, 4, 2))
    bits = net.quantized_bits(4, 1)
    weights = {"kernel": net.dyadic(3, 3, 2, 5), "bias": net.dyadic(5)}
    net.call("QConv2D", "conv", x, weights, filters=5, kernel_size=[3, 3], kernel_quantizer=bits, bias_quantizer=bits)
    net.batchnorm("bn", "conv", 5)
    net.calls[-1].weights["gamma"][:] = [1.0, -0.7, 0.0, 0.3, -2.0]
    net.call("MaxPooling2D", "pool", "bn", pool_size=[2, 2])
    net.call("QActivation", "q", "pool", activation="quantized_relu(2,1)")
    project = project_of(net.source("q"), input_precision="fixed<6,2>")
    assert outline(project.design).splitlines()[2] == "bn = Thresholds(conv)"
    data = np.random.default_rng(0).integers(-32, 32, (200, 4, 4, 2)) / 16.0
    np.testing.assert_array_equal(project.predict(data), project.evaluate(data)["q"])
    assert len(np.unique(project.evaluate(data)["q"])) > 2

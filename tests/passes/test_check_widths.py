"""Types too wide for a kernel are refused when types are known, not by the C++ compiler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.kernel import Kernel, bind
from hlsgen.config import make_config
from hlsgen.design.design import Design
from hlsgen.errors import DesignError, UnsupportedError
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph, Source
from hlsgen.ir.layer import Layer
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By, Wished
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.window import Window
from hlsgen.pipeline import infer, steps
from tests.passes.builders import Net, project_of

IMAGE = (4, 4, 2)


def design(layer: Layer, input_type: str, inputs: int = 1, **types: str) -> Design:
    """One layer behind inputs of a type, the types of its roles wished."""
    graph = Graph("one")
    values = [graph.add(Input(IMAGE), (), f"x{i}", Source(f"x{i}", "InputLayer")) for i in range(inputs)]
    for value in values:
        fixed = Wished(FixedType.parse(input_type), By.CONFIGURATION)
        value.producer.wish = value.producer.wish.with_type("result", fixed)
    node = graph.add_node(layer, values, "y", Source("y", layer.kind))
    for role, text in types.items():
        node.wish = node.wish.with_type(role, Wished(FixedType.parse(text), By.LAYER))
    graph.set_outputs(node.outputs, ["y"])
    return infer(graph, steps(make_config()))


ONES = {n: Constant.of(np.ones(n)) for n in (1, 2)}
SMALL = Constant.of(np.full(2, 2.0**-20))


@pytest.mark.parametrize(
    ("make", "fits", "too_wide"),
    [
        (lambda: MaxPooling2D(Window((2, 2))), "fixed<64,32>", "fixed<65,32>"),
        (lambda: GlobalMaxPooling(), "ufixed<64,0>", "ufixed<65,0>"),
        (lambda: Scale(SMALL, Constant.of(np.zeros(2))), "fixed<103,20>", "fixed<104,20>"),
    ],
    ids=["window", "global", "scale"],
)
def test_values_and_products_have_limits(make: Any, fits: str, too_wide: str) -> None:
    types = {"weight": "fixed<25,1>"} if isinstance(make(), Scale) else {}
    design(make(), fits, **types)
    with pytest.raises(
        UnsupportedError, match=r"layer 'y': (a value|a product) .* bits, .*; give its inputs or weights narrower"
    ):
        design(make(), too_wide, **types)


@pytest.mark.parametrize(
    ("layer", "inputs", "expected"),
    [
        (Dense(Constant.of(np.ones((2, 3))), Constant.of(np.zeros(3))), 1, 20 + 1),
        (Scale(ONES[2], Constant.of(np.zeros(2))), 1, 20 + 1),
        (PRelu(Constant.of(np.full(2, 0.25))), 1, 20 + 1),
        (Relu(Constant.of(0.25)), 1, 20 + 1),
        (Relu(), 1, 0),
        (Merge("multiply"), 2, 20 + 20),
        (Merge("add"), 2, 0),
        (Merge("minimum"), 2, 0),
        (GlobalAveragePooling(Constant.of([1 / 16])), 1, 20 + 1),
        (GlobalMaxPooling(), 1, 0),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_products_are_declared(layer: Layer, inputs: int, expected: int) -> None:
    op = design(layer, "fixed<20,8>", inputs).ops[-1]
    assert op.layer.product_width([tensor.type for tensor in op.inputs]) == expected


def two_inputs(first: str, second: str) -> Design:
    """The smaller of two inputs."""
    net = Net()
    names = [net.input((2,), name) for name in "ab"]
    net.call("Minimum", "y", names)
    return project_of(net.source("y"), input_precision=dict(zip(names, (first, second), strict=True))).design


def test_what_is_compared_has_room_for_both():
    """Grids and ranges that lie far apart need a type that has the bits of both."""
    assert two_inputs("ufixed<70,60>", "ufixed<50,2>").outputs[0].type.width == 50
    with pytest.raises(UnsupportedError, match="layer 'y': the common grid of the operands of Merge has 15[01] bits"):
        two_inputs("ufixed<100,90>", "ufixed<60,0>")


@pytest.mark.parametrize("stated", ["fixed<62,6>", "fixed<70,6>", "fixed<100,20>"])
@pytest.mark.parametrize("upper", [6.0, 0.3])
def test_the_ceiling_of_a_relu_behind_a_fine_type(stated: str, upper: float):
    """The ceiling on the grid of such an input is no integer of 64 bits."""
    net = Net()
    net.call("ReLU", "y", net.input((4,)), max_value=upper)
    project = project_of(net.source("y"), input_precision=stated)
    x = np.array([[-1.0, 0.25, upper, 31.0], [0.0, 2.0**-40, upper / 2, upper + 2.0**-40]])
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["y"])
    np.testing.assert_allclose(project.predict(x), np.clip(x, 0, upper), rtol=2.0**-12)  # a ceiling of 16 bits


def test_no_type_of_a_kernel_is_wider_than_its_words():
    """Whatever a layer says of itself."""
    op = design(Dense(Constant.of(np.ones((2, 3))), Constant.of(np.zeros(3))), "fixed<20,8>").ops[-1]
    wide = replace(op.output, typing=replace(op.output.typing, result=FixedType(129, 20)))
    with pytest.raises(UnsupportedError, match="'output_t' of Dense has 129 bits, at most 128"):
        bind(replace(op, outputs=(wide,)))


def test_a_literal_of_a_kernel_has_64_bits():
    for fits in (-(1 << 63), (1 << 63) - 1):
        Kernel("relu", "relu.h", {"max_mantissa": fits})
    with pytest.raises(DesignError, match="'max_mantissa' of kernel relu"):
        Kernel("relu", "relu.h", {"max_mantissa": 1 << 63})


@pytest.mark.parametrize("kind", ["Add", "Subtract", "Minimum", "Maximum"])
def test_a_common_grid_has_a_limit(kind: str) -> None:
    """Proved ranges are narrow, but operands whose types are far apart need a word that spans both."""
    net = Net()
    x = net.input((2,))
    wide = net.call("LeakyReLU", "wide", x, alpha=0.25)
    net.call(kind, "y", [wide, x])
    types = {"wide": {"precision": {"result": "fixed<120,109>"}}}
    project_of(net.source("y"), input_precision="fixed<20,4>", layers=types)
    with pytest.raises(UnsupportedError, match="layer 'y': the common grid of the operands of Merge has .* bits"):
        project_of(net.source("y"), input_precision="fixed<48,14>", layers=types)


def test_a_ceiling_far_above_its_input_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="layer 'y': the common grid of the operands of Relu has 16[0-9] bits"):
        design(Relu(None, Constant.of(2.0**100)), "fixed<80,20>", result="fixed<16,6>")

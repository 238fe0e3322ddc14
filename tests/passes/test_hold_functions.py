"""hold through functions, poolings and joins: tables of what is held, offsets that pass or are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.held import Held
from hlsgen.layers.functions import FUNCTIONS
from tests.passes.builders import Net, graph_of, grid, project_of

LINES_BELOW = {"log_sigmoid", "tanh_shrink", "soft_shrink"}
NAMES = ["sigmoid", "tanh", "softsign", "elu", "selu", "gelu", "silu", "softplus", "exponential", "mish"]


def one_function(name: str) -> SourceModel:
    net = Net(3)
    x = net.call("Activation", "function", net.input((6,)), activation=name)
    net.dense("out", x, 6, 2)
    return net.source("out")


def hold(name: str, **how: Any) -> dict[str, Any]:
    return {"layers": {name: {"hold": how}}}


# -- functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.45), (0.3, 0.0), (5.5, -3.0), (64.0, 0.45)])
@pytest.mark.parametrize("precision", ["fixed<9,4>", "fixed<20,6>"])
@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_made_of_what_is_held(name: str, precision: str, offset: float, scale: float) -> None:
    """Off by no more than a step of the held result, in a table of results as in pieces."""
    x = grid((6,), 60)
    settings = hold("function", scale=scale, offset=offset)
    project = project_of(one_function(name), input_precision=precision, **settings)
    tensor = project.design.aliases["function"]
    meant = FUNCTIONS[name](project.evaluate(x)["x"].astype(np.float64))
    held = (meant - offset) * scale
    shown = np.clip(held, float(tensor.type.min), float(tensor.type.max))
    found = tensor.type.to_float(project.evaluate(x, raw=True)["function"])
    np.testing.assert_allclose(found, shown, rtol=0, atol=1.25 * float(tensor.type.step))


def test_a_sigmoid_uses_all_codes_of_few_bits() -> None:
    """0 .. 1 as -1 .. 1: a signed type of 4 bits has 16 levels of it, not 8."""
    x, layers = grid((6,), 200), {"function": {"precision": {"result": "fixed<4,1>"}}}
    plain = project_of(one_function("sigmoid"), input_precision="fixed<12,5>", layers=layers)
    layers = {"function": {**layers["function"], "hold": {"scale": 2.0, "offset": 0.5}}}
    said = project_of(one_function("sigmoid"), input_precision="fixed<12,5>", layers=layers)
    codes = [np.unique(p.evaluate(x, raw=True)["function"]).size for p in (plain, said)]
    right = FUNCTIONS["sigmoid"](x.astype(np.float64))
    off = [np.abs(p.evaluate(x)["function"] - right).max() for p in (plain, said)]
    assert codes[0] <= 8 < codes[1]
    assert off[1] < off[0]


@pytest.mark.parametrize("name", sorted(LINES_BELOW))
def test_a_line_below_zero_takes_an_offset_and_no_scale(name: str) -> None:
    project_of(one_function(name), **hold("function", offset=0.5))
    with pytest.raises(ConfigError, match="runs along a line below zero"):
        project_of(one_function(name), **hold("function", scale=3.0))


def test_what_calibration_meets_is_what_is_held() -> None:
    """8 .. 9 less 8.5: the range is that of the rest, not of both."""
    net = Net(3)
    kernel = np.eye(4) * 0.5
    x = net.call("Dense", "far", net.input((4,)), {"kernel": kernel, "bias": np.full(4, 8.5)}, units=4)
    net.dense("out", x, 4, 2)
    data = np.random.default_rng(0).uniform(-1, 1, (200, 4))
    project = project_of(net.source("out"), calibration={"x": data}, default_width=8, **hold("far", offset=8.5))
    tensor = project.design.aliases["far"]
    assert 0.49 <= float(tensor.type.max) < 2.0
    meant = data * 0.5 + 8.5
    np.testing.assert_allclose(project.evaluate(data)["far"], meant, atol=0.05)


# -- what offsets pass ------------------------------------------------------------------------------


def images(class_name: str, **config: Any) -> SourceModel:
    net = Net(5)
    x = net.conv("conv", net.input((4, 4, 2)), 2, 3, size=1)
    x = net.call(class_name, "between", x, **config)
    if class_name not in ("GlobalMaxPooling2D", "GlobalAveragePooling2D"):
        x = net.call("Flatten", "flat", x)
    net.dense("out", x, int(graph_size(net, x)), 2)
    return net.source("out")


def graph_size(net: Net, x: str) -> int:
    return graph_of(net.source(x)).outputs[0].shape[-1]


POOL = {"pool_size": [2, 2], "strides": [2, 2]}
PASSED: list[tuple[str, dict[str, Any]]] = [
    ("MaxPooling2D", {**POOL, "padding": "same"}),
    ("AveragePooling2D", {**POOL, "padding": "valid"}),
    ("AveragePooling2D", {"pool_size": [3, 3], "strides": [2, 2], "padding": "same"}),
    ("GlobalMaxPooling2D", {}),
    ("GlobalAveragePooling2D", {}),
    ("UpSampling2D", {"size": [2, 2], "interpolation": "nearest"}),
    ("Cropping2D", {"cropping": [[1, 0], [0, 1]]}),
]


@pytest.mark.parametrize(("class_name", "config"), PASSED)
def test_offsets_pass_what_commutes_with_them(class_name: str, config: dict[str, Any]) -> None:
    x, source = grid((4, 4, 2), 10), images(class_name, **config)
    plain, said = (
        project_of(source, **settings) for settings in ({}, hold("conv", offset=[0.3, -1.7, 2.9], scale=0.7))
    )
    tensor = said.design.aliases["between"]
    assert tensor.held == Held((0.7,) * 3, (0.3, -1.7, 2.9))
    for key, values in plain.evaluate(x).items():
        np.testing.assert_allclose(said.evaluate(x)[key], values, atol=0.05)


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("ZeroPadding2D", {"padding": [[1, 1], [1, 1]]}, "does not commute with offsets"),
        ("ReLU", {}, "does not commute with offsets"),
        ("Conv2D", {}, "pads these channels with zeros"),
    ],
)
def test_offsets_do_not_pass_zeros_that_come_in_behind(class_name: str, config: dict[str, Any], message: str) -> None:
    if class_name == "Conv2D":
        net = Net(5)
        x = net.conv("conv", net.input((4, 4, 2)), 2, 3, size=1)
        x = net.conv("between", x, 3, 2, padding="same")
        net.dense("out", net.call("Flatten", "flat", x), 32, 2)
        source = net.source("out")
    else:
        source = images(class_name, **config)
    with pytest.raises(ConfigError, match=message):
        project_of(source, **hold("conv", offset=0.5))
    project_of(source, **hold("conv", scale=0.7))


def test_each_part_of_what_is_joined_keeps_its_own() -> None:
    net = Net(5)
    x = net.input((4,))
    a, b = net.dense("a", x, 4, 2), net.dense("b", x, 4, 3, activation="relu")
    net.dense("out", net.call("Concatenate", "joined", [a, b], axis=-1), 5, 2)
    project = project_of(net.source("out"), layers={"a": {"hold": {"offset": [1.5, -2]}}, "b": {"hold": {"scale": 3}}})
    assert project.design.aliases["joined"].held == Held((1.0, 1.0, 3.0, 3.0, 3.0), (1.5, -2.0, 0.0, 0.0, 0.0))
    data, plain = grid((4,), 20), project_of(net.source("out"))
    np.testing.assert_allclose(project.evaluate(data)["out"], plain.evaluate(data)["out"], atol=0.01)


# -- how it is said ---------------------------------------------------------------------------------


def test_held_there_and_back() -> None:
    held = Held((2.0, 0.3), (0.5, -1.0))
    values = np.random.default_rng(0).normal(size=(5, 7, 2))
    np.testing.assert_allclose(held.in_model_units(held.as_held(values)), values, atol=1e-14)
    both = held.and_then(Held((4.0, 3.0), (1.0, 0.0)))
    assert both is not None
    np.testing.assert_allclose(both.as_held(values), (held.as_held(values) - [1.0, 0.0]) * [4.0, 3.0], atol=1e-12)
    assert Held.octaves([0, 0]) is None
    octaves = Held.octaves([1, -3])
    assert octaves is not None
    assert (octaves.exponents, str(octaves)) == ((1, -3), "times powers of two, from 2**-3 to 2**1")
    assert held.exponents is None
    assert str(held) == "less -1 to 0.5, times 0.3 to 2"

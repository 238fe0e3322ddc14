"""Features of very different sizes: each gets its own binary point, and all who meet the port are told."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.input_check import InputCheck
from hlsgen.backends.base import Job
from hlsgen.backends.vitis.bench_data import bench_data
from hlsgen.design.arrays import as_held, checked_inputs
from hlsgen.project import Project
from tests.passes.test_state_unequal_channels import warned
from tests.passes.unequal_networks import (
    UnequalNet,
    converted,
    deviation,
    normal_data,
    unequal_features,
)

SIZES = np.array([1e-3, 100.0, 0.5, 2e-2])


def first_layer(kind: str) -> Any:
    """A network whose input is read by a layer of some kind, for features of ``SIZES``."""
    net = UnequalNet(1)
    if kind == "dense":
        return net.source(net.fc("out", net.input((4,)), SIZES, np.ones(3)))
    if kind == "normalised":
        x = net.norm("norm", net.input((4,)), SIZES, np.ones(4))
        return net.source(net.fc("out", net.call("Activation", "tanh", x, activation="tanh"), np.ones(4), np.ones(3)))
    if kind == "sequence":
        x = net.relu("relu", net.fc("fc", net.input((5, 4)), SIZES, np.ones(6)))
        return net.source(net.fc("out", net.call("Flatten", "flat", x), np.ones(30), np.ones(3)))
    if kind == "flattened":
        return net.source(
            net.fc("out", net.call("Flatten", "flat", net.input((2, 2, 4))), np.tile(SIZES, 4), np.ones(3))
        )
    if kind == "depthwise":
        x = net.relu("relu", net.depthwise("depthwise", net.input((3, 3, 4)), SIZES, np.ones(4)))
        return net.source(net.fc("out", net.call("GlobalMaxPooling2D", "all", x), np.ones(4), np.ones(3)))
    assert kind == "two readers"
    x = net.input((4,))
    both = net.call(
        "Concatenate", "both", [net.fc("a", x, SIZES, np.ones(4)), net.fc("b", x, SIZES, np.ones(4))], axis=-1
    )
    return net.source(net.fc("out", both, np.ones(8), np.ones(3)))


pytestmark = pytest.mark.filterwarnings(
    "ignore::hlsgen.project.UnexpectedInputWarning", "ignore::hlsgen.project.ClippedInputWarning"
)
KINDS = ["dense", "normalised", "sequence", "flattened", "depthwise", "two readers"]


@pytest.mark.parametrize("kind", KINDS)
def test_first_layers(kind: str):
    source = first_layer(kind)
    x = normal_data(source, 300, 1, SIZES)
    project = converted(source, x)
    exponents = project.design.inputs[0].exponents
    assert exponents is not None and exponents[1] == 0 and 14 <= exponents[0] <= 17 and not warned(project)
    assert deviation(project, source, x) < 0.005
    assert deviation(converted(source, x, input_granularity="tensor"), source, x) > 0.02


def test_within_one_percent():
    for seed in range(4):
        source, features = unequal_features(seed)
        x = normal_data(source, 300, seed, features)
        assert deviation(converted(source, x), source, x) < 0.002


def project(**settings: Any) -> Project:
    source = first_layer("dense")
    return converted(source, normal_data(source, 300, 1, SIZES), **settings)


def test_a_feature_that_is_never_met():
    """Zero in all calibration data: its large weights do not take the bits of the others."""
    source = first_layer("dense")
    x = normal_data(source, 300, 1, SIZES * np.array([0, 1, 1, 1]))
    made = converted(source, x)
    exponents = made.design.inputs[0].exponents
    assert exponents is not None and 14 <= exponents[0] <= 18
    assert deviation(made, source, x) < 0.005 and not warned(made)
    met = normal_data(source, 300, 1, SIZES)
    assert deviation(made, source, met) < 0.02, "and if it is met after all, it is as large as its weights say"


# -- who is told -----------------------------------------------------------------------------------------


def test_words_are_what_the_header_says():
    """What a driver has to do: the model's value times 2**k, in the type of the port."""
    made = project()
    x = normal_data(first_layer("dense"), 50, 2, SIZES)
    port = made.design.inputs[0]
    assert port.exponents is not None
    raw, real = (made.evaluate(x, raw=raw)["x"] for raw in (True, False))
    np.testing.assert_array_equal(raw, port.type.quantize(x.astype(np.float64) * 2.0 ** np.array(port.exponents)))
    np.testing.assert_array_equal(real, np.ldexp(raw.astype(np.float64), -port.type.frac) * port.factors)
    assert (np.abs(real - x) <= np.ldexp(0.5, -port.type.frac) * port.factors).mean() > 0.99
    header = made.files["firmware/net.h"]
    powers = ", ".join(map(str, port.exponents))
    assert "element i holds the model's value times 2**k[i % 4], k =" in header and f"//{' ' * 26}{powers}\n" in header
    assert powers.replace(",", "") in made.summary() and "Ports whose channels c hold" in made.summary()
    assert any("input_granularity: tensor" in note for note in made.design.notes)
    assert json.loads(made.files["hlsgen.json"])["exponents"] == {"x": list(port.exponents)}


def test_executors_agree():
    made = project()
    x = normal_data(first_layer("dense"), 50, 2, 3 * SIZES)
    known = made.evaluate(x, raw=True)
    np.testing.assert_array_equal(made.predict(x, raw=True), known["out"])
    for key, values in made.trace(x).items():
        np.testing.assert_array_equal(values, made.evaluate(x)[key])
    made.predict(x, count_overflows=True)
    np.testing.assert_array_equal(made.with_settings(io_type="io_stream").predict(x, raw=True), known["out"])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "bool", "uint16"])
def test_every_dtype(dtype: str):
    made = project()
    x = (np.arange(40).reshape(10, 4) % 7 * (1 if dtype in ("bool", "uint16") else -1)).astype(dtype)
    right = made.evaluate(x.astype(np.float64), raw=True)["out"]
    np.testing.assert_array_equal(made.evaluate(x, raw=True)["out"], right)
    np.testing.assert_array_equal(made.predict(x, raw=True), right)


def test_extremes_saturate():
    """Values near the ends of their float type, infinities included, saturate as ever."""
    made = project()
    port = made.design.inputs[0]
    for dtype in (np.float32, np.float64):
        ends = np.array([np.inf, np.finfo(dtype).max, np.finfo(dtype).tiny, -np.finfo(dtype).max], dtype=dtype)
        x = np.stack([np.full(4, end, dtype=dtype) for end in ends])
        raw = made.evaluate(x, raw=True)["x"]
        wanted = [port.type.max_mantissa, port.type.max_mantissa, 0, port.type.min_mantissa]
        np.testing.assert_array_equal(raw, np.repeat(np.array(wanted)[:, None], 4, axis=1))
        with pytest.warns(UserWarning, match="outside of"):
            np.testing.assert_array_equal(made.predict(x, raw=True), made.evaluate(x, raw=True)["out"])


def test_data_for_the_test_bench():
    made = project()
    files = bench_data(Job(made.name, made.design, made.config))
    rows = np.array([[int(v) for v in line.split()] for line in files["tb_data/inputs.dat"].splitlines()])
    half = np.abs(rows).max(axis=0) > made.design.inputs[0].type.max_mantissa / 2
    assert half.all(), "random words fill the type in every feature"


def test_warnings_compare_what_is_held(recwarn: pytest.WarningsRecorder):
    made = project()
    made.predict(normal_data(first_layer("dense"), 50, 2, SIZES) * 0.9)
    assert not [w for w in recwarn if "larger than those" in str(w.message)]
    large = normal_data(first_layer("dense"), 50, 2, SIZES * np.array([100, 1, 1, 1]))
    held = as_held(made.design.inputs, checked_inputs(made.design.inputs, large))
    (found,) = InputCheck(made.design).findings(held, [made.evaluate(large)["out"]])
    assert re.search(r"'x': its values \(.* are 2\d times larger than those", found.text)


# -- when not --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [{"input_granularity": "tensor"}, {"input_precision": "fixed<16,8,RND,SAT>"}], ids=["setting", "fixed"]
)
def test_one_type_if_the_user_says_so(settings: dict[str, Any]):
    made = project(**settings)
    assert made.design.inputs[0].exponents is None and "2**k" not in made.files["firmware/net.h"]
    assert warned(made)[0] in ("x", "out"), "and named, since it cannot hold its features, nor the weights theirs"


def test_without_data_nothing_is_known():
    assert converted(first_layer("dense")).design.inputs[0].exponents is None


def test_features_that_agree():
    source, _ = unequal_features(0, -0.3, 0.3)
    made = converted(source, normal_data(source, 200, 1))
    assert made.design.inputs[0].exponents is None


@pytest.mark.parametrize("kind", ["tanh", "output"])
def test_a_reader_that_does_not_commute(kind: str):
    net = UnequalNet(1)
    x = net.input((4,))
    if kind == "tanh":
        source = net.source(net.fc("out", net.call("Activation", "t", x, activation="tanh"), SIZES, np.ones(3)))
    else:
        flat = net.call("ReLU", "relu", x)
        source = net.source("relu", net.fc("out", flat, SIZES, np.ones(3)))
    made = converted(source, normal_data(source, 300, 1, SIZES))
    assert made.design.inputs[0].exponents is None
    assert warned(made) == (["x"] if kind == "tanh" else ["out"])
    (text,) = (note for note in made.design.notes if note.startswith("warning: "))
    assert ("of 4 features keep only" if kind == "tanh" else "the weights of 3 of 3 channels") in text

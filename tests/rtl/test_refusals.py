"""What has no circuit is refused at conversion, by name, with what to do; so are inputs that cannot be simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.verilog.core import BUILDERS
from hlsgen.errors import ConfigError, HlsgenError, InputError, UnsupportedError
from hlsgen.layers.dense import Dense
from tests.passes.builders import Net, project_of


def dense(**settings: Any) -> Any:
    net = Net()
    net.dense("fc", net.input((4,)), 4, 3)
    return net.source("fc"), settings


def wide() -> Any:
    """A word of so many elements that no register holds them side by side."""
    net = Net()
    net.call("Flatten", "flat", net.input((128, 256)))
    net.call("ReLU", "turned", "flat")
    return net.source("turned"), {}


def stored() -> Any:
    """A permutation of so many elements that no memory holds them."""
    net = Net()
    net.call("Permute", "turned", net.input((1024, 1024)), dims=[2, 1])
    return net.source("turned"), {}


def too_large() -> Any:
    net = Net()
    net.dense("huge", net.input((256,)), 256, 256)
    return net.source("huge"), {"strategy": "latency"}


def large_product() -> Any:
    net = Net()
    a, b = net.input((256, 256), "a"), net.input((256, 256), "b")
    net.call("Dot", "product", [a, b], axes=[2, 2])
    return net.source("product"), {"strategy": "latency", "input_precision": "fixed<2,2>"}


CASES: list[tuple[str, Callable[[], Any], type[HlsgenError], str]] = [
    ("bits", wide, UnsupportedError, r"'turned' \(ReLU\): needs 524288 bits side by side, at most 262144"),
    ("memory", stored, UnsupportedError, r"'turned' \(Permute\): .* memory of 33554432 bits, at most 16777216"),
    (
        "size",
        too_large,
        UnsupportedError,
        r"'huge' .* multipliers side by side, at most 16384 .* reuse_factor: 4 or more",
    ),
    (
        "product",
        large_product,
        UnsupportedError,
        r"'product' .* 65536 multipliers side by side, at most 16384 .* reuse_factor: 4 or more",
    ),
    ("unrolled", lambda: dense(strategy="unrolled", reuse_factor=2), UnsupportedError, r"'fc' .* strategy: unrolled"),
    ("control", lambda: dense(control="ap_ctrl_none"), ConfigError, r"control: says how Vitis HLS builds"),
    ("pipeline", lambda: dense(pipeline="dataflow"), ConfigError, r"pipeline: says how Vitis HLS builds"),
    ("part", lambda: dense(part="no part"), ConfigError, r"part: found 'no part'"),
]


@pytest.mark.parametrize(("make", "error", "text"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_refused_at_conversion(make, error, text):
    source, settings = make()
    with pytest.raises(error, match=text):
        project_of(source, backend="verilog", **settings)


def test_a_layer_without_a_circuit(monkeypatch):
    """As one of an extension is."""
    source, _ = dense()
    project = project_of(source, backend="verilog")
    monkeypatch.delitem(BUILDERS, Dense)
    with pytest.raises(UnsupportedError, match=r"layer 'fc' \(Dense\): Dense has no circuit yet; use backend: vitis"):
        project.with_settings(clock_period=6)


def test_what_simulate_refuses():
    source, _ = dense()
    project = project_of(source, backend="verilog")
    x = np.zeros((2, 4))
    for settings, text in (
        ({"gaps": 1.0}, r"gaps is 1\.0, expected a number from 0 up to below 1"),
        ({"stalls": -0.1}, r"stalls is -0\.1"),
        ({"seed": 0.5}, r"seed is 0\.5, expected a whole number"),
    ):
        with pytest.raises(InputError, match=text):
            project.simulate(x, **settings)
    with pytest.raises(InputError, match="no samples"):
        project.simulate(x[:0])
    with pytest.raises(InputError, match="NaN"):
        project.simulate(x + np.nan)
    with pytest.raises(
        ConfigError, match=r"backend 'vitis', of which no circuit .* with_settings\(backend=\"verilog\"\)"
    ):
        project.with_settings(backend="vitis").simulate(x)
    with pytest.raises(ConfigError, match="runs no synthesis yet"):
        project.synthesize()


def test_what_is_told_is_of_the_circuit():
    """No port, schedule or estimate of a C++ program."""
    source, _ = dense()
    project = project_of(source, backend="verilog", strategy="resource", reuse_factor=4)
    assert f"4 clocks a sample, latency {project.circuit.latency}" in str(project.circuit)
    assert str(project.circuit) in project.summary()
    assert "top function" not in project.summary() and "ap_ctrl" not in project.summary()
    with pytest.raises(ConfigError, match="project.circuit has all clocks"):
        _ = project.schedule
    with pytest.raises(ConfigError, match="of backend 'vitis'.*backend=\"verilog\""):
        _ = project_of(source).circuit

"""Where values hold something else than the model's, their bits are placed by how that is distributed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.expected import Histogram
from hlsgen.passes.base import run_passes
from hlsgen.pipeline import passes
from hlsgen.precision.expect_ranges import calibration_margin
from tests.passes.builders import Net, evaluate_float, graph_of
from tests.passes.unequal_networks import UnequalNet, converted, float_outputs, mlp, unequal


def with_outliers(samples: int, units: Any) -> Any:
    data = np.random.default_rng(5).normal(size=(samples, 16))
    data[:2] *= 30
    return (data * units).astype(np.float32)


def equalised() -> tuple[SourceModel, Any]:
    net = UnequalNet(1, -3, 0)
    features = 10.0 ** net.rng.uniform(-3, 2, 16)
    return net.source(mlp(net, features)), with_outliers(600, features)


def carried() -> tuple[SourceModel, Any]:
    """A BatchNormalization behind a pooling, which goes into the weights in front of it."""
    net = Net(1)
    x = net.call("Reshape", "image", net.input((16,)), target_shape=[4, 2, 2])
    x = net.call("MaxPooling2D", "pool", net.conv("conv", x, 2, 4, size=1), pool_size=[2, 1])
    net.batchnorm("norm", x, 4)
    return net.source("norm"), with_outliers(600, 1.0)


@pytest.mark.parametrize("method", ["mse", "percentile"])
@pytest.mark.parametrize("network", [equalised, carried], ids=["equalised", "carried"])
def test_expectations_are_those_of_what_is_held(network: Any, method: str):
    source, x = network()
    graph, settings = graph_of(source), make_config(None, calibration_method=method, percentile=99.0)
    run_passes(graph, passes(settings, {"x": x}))
    held = np.array(graph.inputs[0].held.scale if graph.inputs[0].held else 1.0)
    for value, data in evaluate_float(graph, {"x": x.astype(np.float64) * held}).items():
        met = Histogram()
        met.add(data)
        assert value.expected is not None
        if method == "mse":
            assert value.expected.histogram is not None
            np.testing.assert_array_equal(value.expected.histogram.counts, met.counts)
        else:
            most = np.abs(data).max() * (
                1.0
                if value.producer.is_input
                else calibration_margin(settings.calibration_method, settings.default_width)
            )
            assert value.expected.reach == pytest.approx(min(met.percentile(99.0), most))


@pytest.mark.parametrize(("method", "gains"), [("mse", 0.75), ("percentile", 0.4)])
def test_a_few_outliers_cost_no_bits(method: str, gains: float):
    source, x = unequal("mlp", 1, -3.0, 0.0), with_outliers(4000, 1.0)
    right = float_outputs(source, x)[2:]

    def off(method: str) -> float:
        project = converted(source, x, default_width=8, calibration_method=method, percentile=99.9)
        return float(np.sqrt(np.square(project.evaluate(x[2:])["out"] - right).mean() / np.square(right).mean()))

    assert off(method) < gains * off("max")

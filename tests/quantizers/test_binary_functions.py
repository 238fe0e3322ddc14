"""Functions of QKeras that are quantisers by name: binary_tanh, binary_sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.quantizers.qkeras import parse_quantizer
from tests.passes.builders import Net, project_of
from tests.quantizers.reference import call, installed_library

LEVELS = {"binary_tanh": (-1, 1), "binary_sigmoid": (0, 1)}


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("spelling", ["string", "function"])
def test_where_they_step(name: str, spelling: str) -> None:
    """Only what is above zero is 1, behind sums as behind inputs; files say functions by their names."""
    net, low_high = Net(), LEVELS[name]
    spelled: Any = name if spelling == "string" else {"class_name": "function", "config": name}
    x = net.input((3,))
    net.call("QActivation", "at_once", x, activation=spelled)
    net.call("QActivation", "behind", net.dense("fc", x, 3, 4), activation=spelled)
    project = project_of(net.source("at_once", "behind"), input_precision="fixed<8,4>")
    data = np.random.default_rng(0).integers(-3, 4, (300, 3)) / 16
    found = project.evaluate(data)
    np.testing.assert_array_equal(found["at_once"], np.where(data > 0, *low_high[::-1]))
    np.testing.assert_array_equal(found["behind"], np.where(found["fc"] > 0, *low_high[::-1]))
    assert (found["fc"] == 0).any()


@pytest.mark.parametrize("name", LEVELS)
def test_behind_a_batch_normalization(name: str) -> None:
    """Thresholds instead of a multiplication, on the side of each that the real numbers are on."""
    net = Net()
    net.call("QActivation", "q", net.batchnorm("bn", net.input((3,)), 3), activation=name)
    project = project_of(net.source("q"), input_precision="fixed<8,4>")
    assert [op.layer.kind for op in project.design] == ["Input", "Thresholds"]


@pytest.mark.skipif(installed_library() is None, reason="needs a qkeras")
@pytest.mark.parametrize("name", LEVELS)
def test_float32_beside_a_half(name: str) -> None:
    """A constant up to 2**-24 is lost beside the half, and comes out low."""
    quantizer = parse_quantizer(name)
    assert quantizer is not None
    edge = np.float32(2.0**-24)
    w = np.float32([-1, -1e-9, 0, 1e-9, edge, np.nextafter(edge, np.float32(1)), 1e-7, 0.3, 5])
    np.testing.assert_array_equal(quantizer.quantize_weights(w).values(), call(name, w))

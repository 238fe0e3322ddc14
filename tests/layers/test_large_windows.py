"""Convolutions hold a few of their windows at once: all of them are many times the image."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from hlsgen.ir.constant import Constant
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers import conv2d as module
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.window import Window

RNG = np.random.default_rng(3)


def constant(*shape: int) -> Constant:
    return Constant.of(RNG.integers(-8, 8, shape) / 4).quantized(FixedType(8, 4))


def layers() -> list[LinearLayer]:
    window = Window((5, 3), (2, 1), (1, 2), padding=(2, 2, 1, 1))
    return [
        Conv2D(constant(5, 3, 2, 4), constant(4), window),
        DepthwiseConv2D(constant(5, 3, 2, 3), constant(6), window),
    ]


@pytest.mark.parametrize("at_once", [1, 100, 700, 5000])
@pytest.mark.parametrize("layer", layers(), ids=lambda layer: layer.kind)
def test_a_few_windows_at_a_time_are_the_same(
    layer: LinearLayer, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = RNG.integers(-100, 100, (3, 9, 11, 2))
    whole, real = layer.exact([Exact(x, 2)]), layer.evaluate_float([x / 4])
    monkeypatch.setattr(module, "_MOST_PATCHES", at_once)
    parts = layer.exact([Exact(x, 2)])
    assert (parts.mantissas == whole.mantissas).all() and parts.frac == whole.frac
    assert (layer.evaluate_float([x / 4]) == real).all()  # sums of short fractions: floats hold them exactly
    assert (real == whole.mantissas * 2.0**-whole.frac).all()


@pytest.mark.parametrize("kind", ["float", "exact"])
@pytest.mark.parametrize("layer_type", [Conv2D, DepthwiseConv2D])
def test_the_memory_of_a_large_window(
    layer_type: type[LinearLayer], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PATCHES", 1 << 18)
    weight = constant(15, 15, 4, 2)
    layer = layer_type(weight, constant(2 if layer_type is Conv2D else 8), Window((15, 15), padding=(7,) * 4))
    x = RNG.integers(-100, 100, (2, 60, 60, 4))
    tracemalloc.start()
    try:
        if kind == "float":
            layer.evaluate_float([x / 4])
        else:
            layer.exact([Exact(x, 2)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * 15 * x.nbytes / 4  # all windows: 225 times the image

"""Quantisers behind inputs too wide for a table: thresholds that equal the quantiser's own definition."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers.quantized import QuantizedFunction
from hlsgen.layers.thresholds import Thresholds
from hlsgen.quantizers.qkeras import parse_quantizer

WIDE = FixedType(22, 5)
FUNCTIONS = [
    "quantized_relu(4,1,negative_slope=0.25)",
    "quantized_relu(4,1,negative_slope=0.03125)",
    "quantized_po2(4)",
    "quantized_relu_po2(4)",
    "quantized_tanh(5)",
    "quantized_sigmoid(6)",
    "quantized_bits(6,1)",
    "quantized_hswish(6,2)",  # falls, then rises
]


def function_of(text: str) -> QuantizedFunction:
    quantizer = parse_quantizer(text)
    assert quantizer is not None
    return QuantizedFunction(quantizer.activation())


@pytest.mark.parametrize("text", FUNCTIONS)
def test_thresholds_equal_the_definition(text: str) -> None:
    layer = function_of(text)
    steps = layer._as_thresholds("q", WIDE)
    assert isinstance(steps, Thresholds)
    rng = np.random.default_rng(0)
    (places,), _ = steps.thresholds.fixed
    x = np.concatenate(
        [rng.integers(WIDE.min_mantissa, WIDE.max_mantissa + 1, 3000), places, places - 1, places + 1, [-1, 0, 1]]
    )
    x = np.clip(x, WIDE.min_mantissa, WIDE.max_mantissa)[:, None]
    found = steps.exact([Exact(x, WIDE.frac)])
    assert found.frac == layer.function.type.frac
    assert np.array_equal(found.mantissas, layer.function.apply(x, WIDE.frac))


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"quantise its input to at most 14 bits"):
        function_of("quantized_bits(12,3)")._as_thresholds("q", WIDE)

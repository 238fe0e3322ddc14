"""Powers of two of any width: weights to the bit, data as far as words reach."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.quantizers.qkeras import parse_quantizer
from tests.passes.builders import Net, project_of
from tests.quantizers.reference import call, installed_library

WIDTHS = [f"quantized_{kind}po2({bits}{options})"
          for kind in ("", "relu_") for bits in (6, 7, 8, 9, 12, 15, 18) for options in ("", ",4", ",0.5")]  # fmt: skip
needs_qkeras = pytest.mark.skipif(installed_library() is None, reason="needs a qkeras")


def project_with(text: str, input_precision: str):
    net = Net()
    net.call("QActivation", "q", net.input((1,)), activation=text)
    return project_of(net.source("q"), input_precision=input_precision)


@needs_qkeras
@pytest.mark.parametrize("text", [*WIDTHS, "quantized_relu_po2(9,4,0.25)", "quantized_relu_po2(12,negative_slope=2)"])
@pytest.mark.parametrize("fixed", ["fixed<10,5>", "fixed<20,4>"])
def test_data(text: str, fixed: str) -> None:
    """The library's values, but for 0 in place of a power below 2^-32."""
    project = project_with(text, fixed)
    rng, kind = np.random.default_rng(0), project.design.inputs[0].type
    x = kind.to_float(rng.integers(kind.min_mantissa, kind.max_mantissa + 1, 4000))
    x = np.concatenate([x, [0.0, float(kind.step), -float(kind.step), float(kind.min), float(kind.max)]])
    wanted = call(text, x)
    assert np.abs(project.evaluate(x[:, None])["q"][:, 0] - wanted).max() <= 2.0**-64
    assert project.design.outputs[0].type.width <= 66


def test_a_limit_below_epsilon() -> None:
    """What QKeras's float32 loses beside the argument it is detoured by."""
    quantizer = parse_quantizer("quantized_po2(8,1e-8)")
    assert quantizer is not None
    function = quantizer.activation()
    np.testing.assert_array_equal(function.type.to_float(function.apply([-3, 0, 5], 1)), [-(2.0**-27), 0, 2.0**-27])


def test_what_is_said_of_zero() -> None:
    """Where float32 has a number for the least power, the summary says what stands for it."""
    assert "q: values below 1e-7 become 0, not 2^-64" in project_with("quantized_po2(8)", "fixed<10,5>").graph.notes
    assert not project_with("quantized_po2(9)", "fixed<10,5>").graph.notes


@pytest.mark.parametrize("text", ["quantized_po2(8)", "quantized_relu_po2(12,negative_slope=2)"])
def test_arguments_beyond_its_words_are_refused(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"q: po2 quantiser behind an input that reaches 4.29\S+ \(fixed<14,33,"):
        project_with(text, "fixed<14,33>").design  # noqa: B018
    limited = project_with(text.replace("(12,", "(12,8,").replace("(8)", "(8,8)"), "fixed<14,33>")
    assert limited.evaluate(np.full((1, 1), 2.0**30))["q"][0, 0] == 8


@needs_qkeras
@pytest.mark.parametrize("bits", [*range(8, 16), 18, 24])
def test_weights(bits: int) -> None:
    """Of any width, as long as float32 holds what becomes of them."""
    quantizer = parse_quantizer(f"quantized_po2({bits})")
    assert quantizer is not None
    w = np.float32([0.0, 1e-9, -1e-7, 0.3, -5, 1e4, 1.1e-7])
    np.testing.assert_array_equal(quantizer.quantize_weights(w).values(), call(f"quantized_po2({bits})", w))


def test_weights_beyond_float32_are_refused() -> None:
    quantizer = parse_quantizer("quantized_po2(10)")
    assert quantizer is not None
    with pytest.raises(UnsupportedError, match="a weight becomes a power beyond float32; give a max_value"):
        quantizer.quantize_weights(np.float32([0.5, 3.3e38]))


@needs_qkeras
def test_large_weights_with_a_limit() -> None:
    """Weights that fill the exponents, as those of a network whose sums reach a million."""
    w = (2.0**18 * np.random.default_rng(3).random(200)).astype(np.float32)
    quantizer = parse_quantizer(f"quantized_po2(18,{2**20})")
    assert quantizer is not None
    np.testing.assert_array_equal(quantizer.quantize_weights(w).values(), call(f"quantized_po2(18,{2**20})", w))


def test_more_bits_than_float32_has_are_refused() -> None:
    with pytest.raises(ConfigError, match="bits=25 is not a whole number from 1 to 24"):
        parse_quantizer("quantized_po2(25)")

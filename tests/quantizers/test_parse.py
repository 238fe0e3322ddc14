"""Spellings, defaults and refusals; no framework needed."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ConfigError, HlsgenError, InputError, UnsupportedError
from hlsgen.ir.types import FixedType, Rounding
from hlsgen.quantizers.qkeras import (
    Binary,
    PowerOfTwo,
    QuantizedBits,
    QuantizedLinear,
    QuantizedRelu,
    parse_quantizer,
)


def test_nothing_is_nothing() -> None:
    assert parse_quantizer(None) is None
    assert parse_quantizer("") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quantized_bits(6,1)", "fixed<6,2,RND_CONV,SAT>"),
        ("quantized_bits(6,1,1)", "fixed<6,2,RND_CONV,SAT_SYM>"),
        ("quantized_bits(6,1,keep_negative=0)", "ufixed<6,1,RND_CONV,SAT>"),
        ("quantized_bits", "fixed<8,1,RND_CONV,SAT>"),
        ("quantized_bits(1)", "fixed<2,2>"),
        ("quantized_relu( 6 , 2 )", "ufixed<6,2,RND_CONV,SAT>"),
        ("quantized_relu(6,2,negative_slope=0.25)", "fixed<6,3,RND_CONV,SAT>"),
        ("quantized_tanh(5)", "fixed<5,1,RND_CONV,SAT>"),
        ("quantized_tanh(5,symmetric=True)", "fixed<5,1,RND_CONV,SAT_SYM>"),
        ("quantized_sigmoid(5)", "ufixed<5,0,RND_CONV,SAT>"),
        ("binary()", "fixed<2,2>"),
        ("binary(1)", "ufixed<1,1>"),
        ("binary(alpha=0.5)", "fixed<2,1>"),
        ("ternary", "fixed<2,2>"),
        ("quantized_po2(4)", "fixed<9,5>"),
        ("quantized_linear(6,1)", "fixed<6,2,RND_CONV,SAT_SYM>"),
        ("quantized_linear(6,1,alpha=0.5)", "fixed<6,1,RND_CONV,SAT_SYM>"),
        ("quantized_linear(1,1)", "fixed<2,2>"),
    ],
)
def test_type_on_data(text: str, expected: str) -> None:
    parsed = parse_quantizer(text)
    assert parsed is not None
    assert str(parsed.activation().type) == expected


def test_dict_and_string_agree() -> None:
    options: dict[str, Any] = {
        "bits": 4,
        "integer": 1,
        "symmetric": 1,
        "alpha": "auto_po2",
        "keep_negative": True,
    }
    saved = {"class_name": "quantized_bits", "config": options}
    assert parse_quantizer(saved) == parse_quantizer("quantized_bits(4,1,1,alpha='auto_po2')")
    modern = {**saved, "module": "qkeras.quantizers", "registered_name": "qkeras>quantized_bits"}
    parsed = parse_quantizer(modern)
    assert isinstance(parsed, QuantizedBits)
    assert parsed.library == "qkeras-v3"
    assert parsed == parse_quantizer("quantized_bits(4,1,1,alpha='auto_po2')", library="qkeras-v3")


def test_positions_differ_between_libraries() -> None:
    old = parse_quantizer("binary(0,'auto',1)")
    assert isinstance(old, Binary)
    with pytest.raises(UnsupportedError, match="training=True"):
        parse_quantizer("binary(0,'auto',1)", library="qkeras-v3")
    axis = parse_quantizer("binary(0,'auto',0,0,1)", library="qkeras-v3")
    assert isinstance(axis, Binary)
    assert axis.scale_axis == 1


def test_numbers_in_strings_and_arrays() -> None:
    options: dict[str, Any] = {"bits": "4", "integer": np.array([1]), "alpha": "1.0"}
    assert parse_quantizer({"class_name": "quantized_bits", "config": options}) == parse_quantizer(
        "quantized_bits(4,1,alpha=1.0)"
    )


def test_alpha_per_channel() -> None:
    saved = {"class_name": "__numpy__", "config": {"value": [[0.5, 2.0]], "dtype": "float32"}}
    parsed = parse_quantizer({"class_name": "quantized_bits", "config": {"bits": 4, "alpha": saved}})
    assert parsed is not None
    quantized = parsed.quantize_weights(np.full((3, 2), 0.25, np.float32))
    assert quantized.scale is not None
    assert quantized.scale.tolist() == [[0.5, 2.0]]
    np.testing.assert_array_equal(quantized.values(), np.tile(np.float32([0.125, 0.5]), (3, 1)))
    with pytest.raises(UnsupportedError, match="per channel"):
        parsed.activation()


def test_hswish_saves_what_it_does_not_take() -> None:
    config = {"bits": 6, "integer": 2, "keep_negative": True, "relu_shift": 3, "relu_upper_bound": 6}
    parsed = parse_quantizer({"class_name": "quantized_hswish", "config": config})
    assert parsed == parse_quantizer("quantized_hswish(6,2)")


def test_trainable_is_what_layers_do_to_kernels() -> None:
    for text in ("quantized_bits(4,0)", "binary", "ternary", "quantized_linear(4)"):
        parsed = parse_quantizer(text)
        assert parsed is not None
        assert parsed.trainable().alpha == "auto_po2"  # type: ignore[attr-defined]
    relu = parse_quantizer("quantized_relu(4)")
    assert relu is not None
    assert relu.trainable() is relu


def test_internal_sigmoid() -> None:
    smooth = parse_quantizer("quantized_sigmoid(4)", sigmoid="smooth")
    assert smooth is not None
    assert smooth.activation().gain == Fraction(3, 16)
    real = parse_quantizer("quantized_tanh(4)", sigmoid="real")
    assert real is not None
    act = real.activation()
    assert (act.kind, act.gain, act.exact) == ("tanh", Fraction(1, 2), False)


def test_scale_follows_the_rounding() -> None:
    parsed = parse_quantizer("quantized_bits(4,0,alpha=2)")
    assert parsed is not None
    act = parsed.activation()
    assert (act.type.frac, act.scale) == (3, 2)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("quantised_bits(4)", UnsupportedError, "did you mean 'quantized_bits'"),
        ("relu", UnsupportedError, "no quantizer hlsgen knows"),
        ("quantized_bits(4,bist=3)", ConfigError, "no option 'bist'; did you mean 'bits'"),
        ("quantized_bits(4,bits=3)", ConfigError, "'bits' twice"),
        ("quantized_bits(bits=4,bits=3)", ConfigError, "an argument twice"),
        ("quantized_bits(*[4])", ConfigError, "not a number"),
        ("quantized_bits(4,alpha=[2,'x'])", ConfigError, "alpha"),
        ("quantized_bits(4.5)", ConfigError, "bits=4.5 is not a whole number"),
        ("quantized_bits(0)", ConfigError, "from 1"),
        ("quantized_bits('x')", ConfigError, "bits='x' is not a number"),
        ("quantized_bits(4,symmetric=2)", ConfigError, "symmetric=2"),
        ("quantized_bits(4,alpha='aut')", ConfigError, "alpha='aut'"),
        ("quantized_bits(4,qnoise_factor=0.5)", UnsupportedError, "qnoise_factor=0.5"),
        ("quantized_bits(" + ",".join("1" * 30) + ")", ConfigError, "at most 11 arguments, found 30"),
        ("quantized_relu(4,use_sigmoid=1,negative_slope=0.5)", UnsupportedError, "use_sigmoid"),
        ("quantized_relu(4,negative_slope=0.3)", ConfigError, "power of two"),
        ("quantized_relu(4,negative_slope=-1)", ConfigError, "power of two"),
        ("binary(alpha='auto',theta=1)", ConfigError, "no option 'theta'"),
        ("ternary('auto',0.3)", ConfigError, "give one of them"),
        ("bernoulli", UnsupportedError, "random"),
        ("quantized_ulaw(4)", UnsupportedError, "no fixed-point grid"),
        ("quantized_po2(4,log2_rounding='up')", ConfigError, "log2_rounding='up'"),
        ("quantized_po2(4,-1)", ConfigError, "max_value"),
        ("__import__('os').system('true')", ConfigError, "form name"),
        ("quantized_bits(__import__('os'))", ConfigError, "not a number"),
        ("quantized_bits(4", ConfigError, "form name"),
        ("(" * 5000, ConfigError, "form name"),
    ],
)
def test_refusals(text: str, error: type[HlsgenError], message: str) -> None:
    with pytest.raises(error, match="quantizer") as caught:
        parse_quantizer(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantized_bits(4,alpha='auto')", "depends on"),
        ("binary(alpha='auto_po2')", "depends on"),
        ("quantized_linear(4,alpha=0.7)", "no power of two"),
        (f"quantized_relu(4,negative_slope={2.0**-24})", "21 bits below the grid of step 0.125"),
        ("quantized_relu(4,relu_upper_bound=0.3,is_quantized_clip=False)", "bits below the grid"),
        ("quantized_po2(4,quadratic_approximation=1)", "quadratic_approximation"),
        ("quantized_po2(4,log2_rounding='floor')", "floor"),
        ("quantized_hswish(4,alpha=2)", "alpha=2"),
    ],
)
def test_refused_on_data(text: str, message: str) -> None:
    parsed = parse_quantizer(text)
    assert parsed is not None
    with pytest.raises(UnsupportedError, match=r"quantizer (quantized|binary)") as caught:
        parsed.activation()
    assert message in str(caught.value)


def test_where_begins_the_message() -> None:
    with pytest.raises(ConfigError, match=r"^layer 'dense_1', kernel_quantizer: quantized_bits: bits=0"):
        parse_quantizer("quantized_bits(0)", where="layer 'dense_1', kernel_quantizer")


def test_not_a_number() -> None:
    parsed = parse_quantizer("quantized_bits(4)")
    assert parsed is not None
    with pytest.raises(InputError, match="1 of 2 weights"):
        parsed.quantize_weights(np.float32([0.5, np.nan]))


def test_no_weights() -> None:
    for text in ("binary(alpha='auto')", "quantized_bits(4,alpha='auto')", "quantized_po2(4)"):
        parsed = parse_quantizer(text)
        assert parsed is not None
        assert parsed.quantize_weights(np.zeros((0, 3), np.float32)).mantissas.shape == (0, 3)


def test_one_bit_has_no_levels_to_fit() -> None:
    parsed = parse_quantizer("quantized_bits(1,alpha='auto')")
    assert parsed is not None
    with pytest.raises(UnsupportedError, match="one bit"):
        parsed.quantize_weights(np.ones((2, 2), np.float32))


def test_power_of_two_uses_no_more_bits_than_the_weights_need() -> None:
    parsed = parse_quantizer("quantized_po2(8)")
    assert isinstance(parsed, PowerOfTwo)
    quantized = parsed.quantize_weights(np.float32([0.5, -0.25, 4.0]))
    assert quantized.type == FixedType(6, 4)
    assert quantized.mantissas.tolist() == [2, -1, 16]


def test_saturation_beyond_float32_is_within_a_unit_of_the_weight() -> None:
    """QKeras's additions lose the step beside a weight 2**24 steps large; ours saturate exactly."""
    parsed = parse_quantizer("quantized_bits(24,4)")
    assert parsed is not None
    quantized = parsed.quantize_weights(np.float32([1e5, -1e5]))
    assert quantized.mantissas.tolist() == [2**23 - 1, -(2**23)]


def test_activation_reads_like_its_layer() -> None:
    relu = parse_quantizer("quantized_relu(6,3,relu_upper_bound=6,is_quantized_clip=False)")
    assert isinstance(relu, QuantizedRelu)
    act = relu.activation()
    assert (act.kind, act.max_value) == ("relu", 6)
    bits = parse_quantizer("quantized_bits(6,1)")
    assert bits is not None
    assert bits.activation().kind == "cast"
    assert bits.activation().type.rounding is Rounding.RND_CONV


def test_quantized_linear_needs_v3() -> None:
    assert isinstance(parse_quantizer("quantized_linear(4)"), QuantizedLinear)
    with pytest.raises(ConfigError, match=r"qkeras 0\.9 has no quantized_linear"):
        parse_quantizer("quantized_linear(4)", library="qkeras")


def test_no_framework_is_imported() -> None:
    frameworks = {"tensorflow", "keras", "tf_keras", "qkeras"}
    code = f"import hlsgen.quantizers.qkeras, sys; assert not {frameworks} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

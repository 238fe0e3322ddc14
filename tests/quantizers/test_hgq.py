"""Quantisers of HGQ2 by their bits: types of elements, constants, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.quantizers.hgq import ElementTypes, parse_element_types

MODES = [(r, o) for r in Rounding for o in (Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM)]


def parsed(kind: str = "kif", bits: dict[str, Any] | None = None, **options: Any) -> ElementTypes:
    config = {"q_type": kind, "round_mode": "RND", "overflow_mode": "WRAP", **options}
    found = parse_element_types(config, {name: np.array(v) for name, v in (bits or {}).items()})
    assert found is not None
    return found


@pytest.mark.parametrize(("rounding", "overflow"), MODES, ids=str)
def test_constants_are_cast(rounding: Rounding, overflow: Overflow) -> None:
    """On ties, on steps and far beyond the ends, as the type of each element casts them."""
    rng = np.random.default_rng(0)
    k, i, f = (rng.integers(*ends, 400, endpoint=True) for ends in ((0, 1), (-3, 3), (-3, 5)))
    types = parsed(bits={"k": k, "i": i, "f": f}, round_mode=rounding.value, overflow_mode=overflow.value.lower())
    x = rng.integers(-2000, 2000, 400) / 64
    right = np.zeros(400)
    for place, (sign, width, frac) in enumerate(zip(types.signs, types.widths, types.fracs, strict=True)):
        alone = overflow is Overflow.SAT_SYM and (sign, width) == (1, 1)
        if width and not alone:
            fixed = FixedType(int(width), int(width - frac), bool(sign), rounding, overflow)
            right[place] = fixed.to_float(fixed.quantize(x[place]))
    np.testing.assert_array_equal(types.quantize(x), right)
    assert {0, 1, 9} <= set(types.widths.tolist())


def test_trained_bits_are_rounded_to_even() -> None:
    types = parsed("kbi", {"k": [1, 0, 1], "b": [3.5, 2.5, -0.4], "i": [0.5, 1.5, 0.0]})
    np.testing.assert_array_equal(types.widths, [5, 2, 1])
    np.testing.assert_array_equal(types.fracs, [4, 0, 0])


def test_a_scaler_moves_the_point() -> None:
    bits = {"k": [1], "i": [2], "f": [3]}
    assert parsed(bits=bits, scaler=4.0).single == FixedType.parse("fixed<6,5,RND,WRAP>")
    np.testing.assert_array_equal(parsed(bits=bits, scaler=4.0).quantize(np.array([3.25])), [3.5])


@pytest.mark.parametrize(("kind", "mode", "expected"), [("kbi", "RND", 9.5), ("kbi", "TRN", 1.0), ("kif", "TRN", 9.0)])
def test_weights_that_wrap_have_the_range_they_need(kind: str, mode: str, expected: float) -> None:
    """HGQ2 does not look at the range of weights that wrap, but of kind kbi only if they are rounded by RND."""
    bits = {"k": [1], "i": [2], "f": [1], "b": [3]}
    types = parsed(kind, bits, round_mode=mode, is_weight=True, trainable=True)
    np.testing.assert_array_equal(types.quantize(np.array([9.25])), [expected])


def test_a_dummy_is_none() -> None:
    assert parse_element_types({"q_type": "dummy"}, {}) is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"q_type": "float"}, UnsupportedError, "floating-point numbers"),
        ({"q_type": "fixed"}, ModelError, "a quantiser of kind 'fixed'"),
        ({"round_mode": None}, UnsupportedError, "round_mode"),
        ({"overflow_mode": "WRAP_SM"}, UnsupportedError, "overflow_mode 'WRAP_SM' of a quantiser"),
        ({"scaler": "1"}, UnsupportedError, "expected a power of two"),
        ({"scaler": -2.0}, UnsupportedError, "expected a power of two"),
        ({"affine": [1.0, 0.5]}, UnsupportedError, "affine"),
    ],
)
def test_what_is_refused(change: dict[str, Any], error: Any, message: str) -> None:
    config = {"q_type": "kif", "round_mode": "RND", "overflow_mode": "SAT", **change}
    with pytest.raises(error, match=message):
        parse_element_types(config, {name: np.ones(2) for name in "kif"})


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ({"k": [1], "i": [2]}, "the bits f of its quantiser are missing"),
        ({"k": [1], "i": [2], "f": [1, 2]}, "do not go together"),
        ({"k": [2], "i": [2], "f": [1]}, "do not go together"),
        ({"k": [1], "i": [1e9], "f": [1]}, "bits 'i' of a quantiser beyond 256"),
        ({"k": [1], "i": [1], "f": [np.nan]}, "bits 'f' of a quantiser beyond 256"),
    ],
)
def test_damaged_bits(bits: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parsed(bits=bits)

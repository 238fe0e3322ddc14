"""Against qkeras 0.9, if that is the one installed."""

from __future__ import annotations

import pytest

from tests.quantizers import cases, checks
from tests.quantizers.reference import SHAPES, installed_library

pytestmark = pytest.mark.skipif(installed_library() != "qkeras", reason="needs qkeras 0.9")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", cases.EXACT_WEIGHTS)
def test_weights_are_bit_exact(text: str, shape: str) -> None:
    checks.check_weights_exact(text, shape, "qkeras")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", cases.FITTED_WEIGHTS)
def test_fitted_scales_are_bit_exact(text: str, shape: str) -> None:
    checks.check_weights_fitted(text, shape, "qkeras")


@pytest.mark.parametrize(("bits", "frac"), [(12, 4), (12, 8), (10, 12), (8, -2)])
@pytest.mark.parametrize("text", cases.ACTIVATIONS)
def test_activation(text: str, bits: int, frac: int) -> None:
    checks.check_activation(text, "qkeras", bits, frac)

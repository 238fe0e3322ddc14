"""A real bias in front of a leaky quantiser is held as finely as the steps of its negative side are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.passes.builders import Net, grid, project_of


@pytest.mark.parametrize("slope", [4.0, 2.0, 1.0, 0.5, 0.125])
@pytest.mark.parametrize("seed", range(4))
def test_every_tie_falls_as_with_the_real_bias(slope: float, seed: int):
    """float64 biases of many bits, coarse weights and inputs: the sum has no finer grid that would hide a rounding."""
    net = Net(seed)
    n = 24
    kernel = net.rng.integers(-2, 2, (3, n)) * 1.0
    fine = net.rng.integers(1, 16, n)  # just above or below where the negative side steps
    bias = np.float32(-(net.rng.integers(1, 40, n) / 32.0 / slope) + net.rng.choice([-1, 0, 1], n) * 2.0**-12 * fine)
    relu = f"quantized_relu(6,2,negative_slope={slope})"
    quantizer = {"class_name": "quantized_bits", "config": {"bits": 2, "integer": 1, "alpha": 1.0}}
    net.call("QDense", "fc", net.input((3,)), {"kernel": kernel, "bias": bias}, units=n, kernel_quantizer=quantizer,
             bias_quantizer=None, activation=relu)  # fmt: skip
    project = project_of(net.source("fc"), input_precision="fixed<4,4>")
    x = np.rint(grid((3,), samples=200, frac=0, bound=7))
    fixed = FixedType(6, 3, True, Rounding.RND_CONV, Overflow.SAT)
    lowest = int(-slope * 2**5)  # QKeras ends the negative side at slope * -2**integer
    wanted = np.array(
        [[_leaky(row, kernel[:, c], float(bias[c]), Fraction(slope), fixed, lowest) for c in range(n)] for row in x]
    )
    np.testing.assert_array_equal(project.evaluate(x, raw=True)["fc"], wanted)
    np.testing.assert_array_equal(project.predict(x, raw=True), wanted)


def _leaky(x, w, b, slope: Fraction, fixed: FixedType, lowest: int) -> int:
    """Exactly, in fractions."""
    total = sum((Fraction(int(a)) * Fraction(float(c)) for a, c in zip(x, w, strict=True)), Fraction(b))
    value = total if total >= 0 else total * slope
    return max(round(min(value / fixed.step, Fraction(fixed.max_mantissa))), lowest)

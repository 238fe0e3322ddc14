"""Conversion of doubles: constructors of both worlds and FixedType.quantize agree."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from hlsgen.ir.types import FixedType, Overflow
from tests.vendor.differential import MODES, Case, base, check


def bits(x: float) -> int:
    return int.from_bytes(struct.pack("<d", x), "little")


def doubles(t: FixedType, rng: random.Random, count: int) -> list[float]:
    """Ties and their neighbours, values out of range, tiny and huge ones."""
    found = [0.0, 1e-30, -1e-30, 3.7e5, -3.7e5, float(t.max), float(t.min)]
    while len(found) < count:
        mantissa = rng.randint(t.min_mantissa - 3, t.max_mantissa + 3) * 4 + rng.randint(0, 3)
        x = float(np.ldexp(float(mantissa), -t.frac - 2))
        found.append(rng.choice([x, x, float(np.nextafter(x, 1e9)), float(np.nextafter(x, -1e9)), x * rng.gauss(0, 2)]))
    return found


def cases(count: int, seed: int) -> list[Case]:
    rng = random.Random(seed)
    found = []
    for i in range(count):
        rounding, overflow = MODES[i % len(MODES)]
        signed = rng.random() < 0.6 or overflow is Overflow.WRAP_SM
        width = rng.choice([1, 3, 8, 15, 16, 17, 24, 32, 33, 52])
        saturation = rng.choice([0, 1, 2]) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else 0
        t = FixedType(width, rng.randint(-4, width + 4), signed, rounding, overflow, min(saturation, width))
        x = doubles(t, rng, 100)
        expected = [int(v) for v in t.quantize(np.array(x))]
        found.append(Case(f"from_double<{base(t)}>", [bits(v) for v in x], expected=expected))
    return found


@pytest.mark.parametrize("count", [35, pytest.param(350, marks=pytest.mark.slow)])
def test_doubles_agree(tmp_path: Path, count: int) -> None:
    assert check(cases(count, count), tmp_path) > 0

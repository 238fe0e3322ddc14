"""Casts: vendor's headers, emulation and Python agree on every value of small types, and on samples of wide ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.vendor.differential import MODES, Case, base, check, vendor_takes

EXHAUSTIVE_BITS = 8
SAMPLES = 40


def mantissas(t: FixedType, rng: random.Random) -> list[int]:
    """Return all mantissas of a small type; ends, powers of two, ties and random ones of a wide one."""
    low, high = t.plain().min_mantissa, t.max_mantissa
    if t.width <= EXHAUSTIVE_BITS:
        return list(range(low, high + 1))
    chosen = {low, low + 1, -1, 0, 1, high - 1, high}
    chosen |= {s * (1 << k) + d for k in range(t.width) for s in (1, -1) for d in (-1, 0, 1)}
    chosen |= {rng.randint(low, high) >> rng.randrange(t.width) << rng.randrange(4) for _ in range(SAMPLES)}
    return sorted(v for v in chosen if low <= v <= high)


def case(source: FixedType, target: FixedType, rng: random.Random) -> Case:
    values = mantissas(source, rng)
    expected = [int(v) for v in target.cast(np.array(values, dtype=object), source.frac)]
    text = f"convert<{base(source)}, {base(target)}>"
    return Case(text, values, vendor=vendor_takes(source, target), expected=expected)


def variants(signed: bool, width: int) -> Iterator[tuple[Overflow, int]]:
    """Every overflow mode with every number of saturation bits it takes."""
    for overflow in Overflow:
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        counts = range(width + 1) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else range(1)
        yield from ((overflow, n) for n in counts)


def small_cases(count: int, seed: int) -> list[Case]:
    """Seeded sample of all small type pairs; every pair of modes occurs about equally often."""
    rng = random.Random(seed)
    cases = []
    for i in range(count):
        rounding = list(Rounding)[i % 7]
        source = FixedType(rng.randint(1, 7), rng.randint(-3, 8), rng.random() < 0.7)
        signed, width = rng.random() < 0.6, rng.randint(1, 6)
        overflow, bits = list(variants(signed, width))[(i // 7) % len(list(variants(signed, width)))]
        # Around the source's point, where something happens.
        integer = width - source.frac + rng.randint(-2, 5)
        cases.append(case(source, FixedType(width, integer, signed, rounding, overflow, bits), rng))
    return cases


def wide_cases(count: int, seed: int) -> list[Case]:
    rng = random.Random(seed)
    cases = []
    for i in range(count):
        rounding, overflow = MODES[i % len(MODES)]
        signed = rng.random() < 0.6 or overflow is Overflow.WRAP_SM
        source_width = rng.choice([8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 62, 63, 64, 65, 70, 80])
        source = FixedType(source_width, rng.randint(-4, source_width + 4), rng.random() < 0.7)
        width = rng.choice([4, 7, 8, 12, 15, 16, 17, 20, 31, 32, 33, 47, 63, 64, 65, 72])
        frac = source.frac - rng.randint(-6, min(source.width, 40))
        with_bits = overflow in (Overflow.WRAP, Overflow.WRAP_SM)
        bits = rng.choice([0, 0, 1, 2, width]) if with_bits else 0
        target = FixedType(width, width - frac, signed, rounding, overflow, bits)
        cases.append(case(source, target, rng))
    return cases


def parts(count: int) -> list[object]:
    """Part 0 always, the others with -m slow."""
    return [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, count))]


@pytest.mark.parametrize("part", parts(12))
def test_small_casts_agree(tmp_path: Path, part: int) -> None:
    assert check(small_cases(140 if part == 0 else 420, part), tmp_path) > 0


@pytest.mark.parametrize("part", parts(6))
def test_wide_casts_agree(tmp_path: Path, part: int) -> None:
    assert check(wide_cases(70 if part == 0 else 210, part), tmp_path) > 0


def test_rounding_may_drop_more_bits_than_the_source_holds(tmp_path: Path) -> None:
    """The vendor's headers stop there; hlsgen defines the exact answer."""
    rng = random.Random(0)
    cases = []
    for rounding in Rounding:
        for source in (FixedType(3, 1), FixedType(3, 1, False), FixedType(16, 6), FixedType(16, 6, False)):
            for beyond in (1, 2, 14, 70):
                target = FixedType(6, 6 - source.frac + source.width + beyond, True, rounding, Overflow.SAT)
                cases.append(case(source, target, rng))
    assert not any(c.vendor for c in cases if "AP_TRN," not in c.text)
    assert check(cases, tmp_path, with_vendor=False) > 0

"""Products of numbers of any width: of what no multiplier takes at once, several are added; the integer is the same."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from hlsgen.backends.verilog.core import Core, Place, Words
from hlsgen.backends.verilog.logic import Logic, Signal
from hlsgen.backends.verilog.pipeline import elements
from hlsgen.backends.verilog.text import joined, render
from hlsgen.ir.types import FixedType
from hlsgen.simulation.simulator import Simulator
from tests.circuits import circuit_of

WIDTHS = [(18, 25), (19, 20), (18, 26), (17, 42), (36, 36), (1, 40), (30, 31)]
SIGNS = list(product((True, False), repeat=2))
HELD = FixedType(74, 74)


def factors(logic: Logic, a: Signal, b: Signal, signs: tuple[bool, bool], widths: tuple[int, int]) -> list[Signal]:
    """The lowest bits of two numbers, with a sign or without."""
    bits = [logic.bits(x, 0, width) for x, width in zip((a, b), widths, strict=True)]
    return [logic.as_signed(x, x.width) if signed else x for x, signed in zip(bits, signs, strict=True)]


def text_of(x: Words, levels: int) -> tuple[Core, str]:
    """A core with the products of all signs and widths, and its Verilog."""
    cases = list(product(SIGNS, WIDTHS))
    place = Place(f"products{levels}_core", (x,), Words(HELD, len(cases), 1), levels)
    logic = Logic(levels, place.module)
    a, b = elements(logic, place.x, "x", "x")
    found = [logic.multiply(*factors(logic, a.signal, b.signal, *case)) for case in cases]
    for result, (signs, widths) in zip(found, cases, strict=True):
        ends = [FixedType(w, w, signed) for w, signed in zip(widths, signs, strict=True)]
        corners = [p * q for p, q in product(*((t.min_mantissa, t.max_mantissa) for t in ends))]
        assert (result.low, result.high) == (min(corners), max(corners)), "as wide as it has to be"
    results, latency = logic.registered(found)
    lines = {"turn": 0, "lines": logic.lines(), "results": joined(results, HELD.width)}
    text = render("pipeline.v.j2", place=place, latency=latency, about=["products"], **lines)
    return Core(place.module, place.xs, place.y, latency, 1, {place.module: text}), text


def low_bits(value: int, width: int, signed: bool) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if signed and value >> (width - 1) else value


@pytest.mark.parametrize(
    "levels", [3, pytest.param(1, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.slow)]
)
def test_products(levels: int):
    x = Words(FixedType(43, 43), 2, 1)
    core, _ = text_of(x, levels)
    ends = [x.type.min_mantissa, x.type.max_mantissa, 0, -1, 1, (1 << 17) - 1, 1 << 17, -(1 << 17), 1 << 35]
    rng = np.random.default_rng(5)
    samples = [*product(ends, ends), *rng.integers(x.type.min_mantissa, x.type.max_mantissa, (40, 2)).tolist()]
    run = Simulator(circuit_of(f"products{levels}", core)).run([np.array(samples)])
    for k, (signs, widths) in enumerate(product(SIGNS, WIDTHS)):
        for n, pair in enumerate(samples):
            a, b = (low_bits(v, w, s) for v, w, s in zip(pair, widths, signs, strict=True))
            assert int(run.result[n, k]) == a * b, (signs, widths, pair)
    assert run.latency == core.latency + 1


def factor_widths(text: str) -> list[tuple[int, int]]:
    """The bits of the factors of every product, as signed numbers."""
    width = {
        name: int(high or 0) + 1 + (not signed)
        for signed, high, name in re.findall(r"(?:wire|reg)( signed)?(?: \[(\d+):0\])? (\w+)", text)
    }
    unsigned = re.sub(r"\$signed\(\{1'b0, (\w+)\}\)", r"\1", text)
    return [(width[a], width[b]) for a, b in re.findall(r"= (\w+) \* (\w+);", unsigned)]


def test_a_multiplier_takes_each():
    """18 bits by 25 with signs, where a clock is too short for more."""
    _, text = text_of(Words(FixedType(43, 43), 2, 1), levels=3)
    found = [sorted(widths) for widths in factor_widths(text)]
    assert len(found) > 50 and max(a for a, _ in found) == 18 and max(b for _, b in found) == 25
    _, text = text_of(Words(FixedType(43, 43), 2, 1), levels=6)
    assert len(factor_widths(text)) == len(SIGNS) * len(WIDTHS), "one product each, in a clock"

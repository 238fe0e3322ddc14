"""Casts as logic: every rounding and overflow mode, for every value of small types, against ``FixedType.cast``."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hlsgen.backends.verilog.casts import cast
from hlsgen.backends.verilog.circuit import Chain, Circuit, Stream
from hlsgen.backends.verilog.core import Core, Place, Words
from hlsgen.backends.verilog.logic import Logic
from hlsgen.backends.verilog.pipeline import elements
from hlsgen.backends.verilog.schedule import clocks_of
from hlsgen.backends.verilog.text import joined, render, rom_texts
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.simulation.simulator import Simulator

FORMATS = [
    (4, 2, True),
    (4, 2, False),
    (3, 0, True),
    (2, 5, True),
    (1, 1, True),
    (1, 2, False),
    (9, 3, True),
    (2, -3, True),
]
OVERFLOWS = [(mode, 0) for mode in Overflow] + [(m, n) for m in (Overflow.WRAP, Overflow.WRAP_SM) for n in (1, 2, 3)]
HELD = FixedType(12, 12)
"""Mantissas of all results."""


def targets() -> list[FixedType]:
    found = []
    for (width, integer, signed), rounding, (overflow, bits) in product(FORMATS, Rounding, OVERFLOWS):
        if bits <= width and (signed or overflow is not Overflow.WRAP_SM):
            found.append(FixedType(width, integer, signed, rounding, overflow, bits))
    return found


def casting(name: str, x: FixedType, to: list[FixedType], levels: int) -> Circuit:
    """A circuit whose one core casts its input to all those types."""
    place = Place(f"{name}_core", (Words(x, 1, 1),), Words(HELD, len(to), 1), levels)
    logic = Logic(levels, place.module)
    (number,) = elements(logic, place.x, "x", "x")
    results, latency = logic.registered([cast(logic, number, fixed).signal for fixed in to])
    lines = {"turn": 0, "lines": logic.lines(), "results": joined(results, HELD.width)}
    text = render("pipeline.v.j2", place=place, latency=latency, about=["casts"], **lines)
    core = Core(place.module, place.xs, place.y, latency, 1, {place.module: text, **rom_texts(logic.roms)})
    reads, writes = (Stream("x", place.x),), (Stream("y", place.y),)
    blocks = (Chain("core", reads, writes, (core,), ("core",)),)
    return Circuit(name, reads, writes, blocks, clocks_of(reads, writes, blocks))


@pytest.mark.slow
@pytest.mark.parametrize("signed", [True, False])
def test_every_mode(signed: bool):
    x, to = FixedType(7, 3, signed), targets()
    assert len(to) > 400
    circuit = casting(f"casts_{'signed' if signed else 'unsigned'}", x, to, levels=1000)
    every = np.arange(x.min_mantissa, x.max_mantissa + 1)
    run = Simulator(circuit).run([every[:, None]])
    for k, fixed in enumerate(to):
        np.testing.assert_array_equal(run.result[:, k], fixed.cast(every, x.frac), err_msg=f"{x} to {fixed}")
    assert (run.latency, run.interval) == (2, 1.0)


def test_a_register_behind_each_level():
    """The same values whatever lies between registers, and the latency that is stated."""
    x = FixedType(6, 3)
    to = [
        FixedType(3, 2, True, rounding, overflow)
        for rounding in Rounding
        for overflow in (Overflow.SAT, Overflow.WRAP_SM)
    ]
    circuit = casting("casts_levels", x, to, levels=1)
    every = np.arange(x.min_mantissa, x.max_mantissa + 1)
    run = Simulator(circuit).run([every[:, None]], gaps=0.2, stalls=0.3, seed=5)
    for k, fixed in enumerate(to):
        np.testing.assert_array_equal(run.result[:, k], fixed.cast(every, x.frac), err_msg=f"{x} to {fixed}")
    assert circuit.latency > 5
    assert Simulator(circuit).run([every[:, None]]).latency == circuit.latency

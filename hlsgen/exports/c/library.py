"""The files of a library: what is written of a design that is exported as C."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from hlsgen.backends.base import Job
from hlsgen.backends.vectors import vectors
from hlsgen.exports.base import Export, Options
from hlsgen.exports.c.function import Table
from hlsgen.exports.c.numbers import ROUNDINGS, cast_to, within
from hlsgen.exports.c.program import Port, Program, make_program
from hlsgen.exports.c.texts import functions, helpers, indented, render
from hlsgen.ir.types import FixedType, Ints, Overflow
from hlsgen.ir.typing import Tensor

_MOST_EXPONENT = 300
"""Powers of two that floating point of 64 bits has, with room for what they are multiplied by."""
_WIDEST_REAL = 52
"""Bits of integers that are exact in it, and so are their neighbours."""
_FLOAT_BITS = 24


@dataclass(frozen=True, kw_only=True)
class CLibrary(Options):
    """There is nothing to choose."""


def files(job: Job, options: CLibrary) -> dict[str, str]:
    """All texts by path.

    Raises UnsupportedError for an operation that C is not written for, or whose numbers are too wide; InputError for
    test vectors that do not fit the model.
    """
    program = make_program(job)
    name = job.name
    texts = {f"{name}.h": _text("library.h.j2", program), f"{name}.c": _source(program)}
    if program.constant_bytes:
        texts[f"{name}_weights.h"] = _text("weights.h.j2", program)
    texts[f"{name}_test.c"] = _test(job, program)
    return texts | {"Makefile": _text("Makefile.j2", program), "README.md": _text("README.md.j2", program)}


def _text(template: str, program: Program, **more: object) -> str:
    return render(
        template,
        program,
        guard=program.name.upper(),
        macro=lambda port: f"{program.name}_{port.name}".upper(),
        quantises=_quantises,
        reads=lambda port: _is_real(port.tensor),
        real_type=_real_type,
        power=_power,
        overflow=_overflow,
        rounding=lambda fixed: f"real_{ROUNDINGS[fixed.rounding]}_64",
        given_strides=_given_strides,
        **more,
    )


def _source(program: Program) -> str:
    """The functions, the run, and behind them what has to do with floating point."""
    called, run, real = functions(program), indented(_text("run.c.j2", program)), indented(_text("real.c.j2", program))
    own = [text for text in helpers(real) if text not in called]
    return _text("library.c.j2", program, functions=called, run=run, real="\n".join([*own, real]))


def _test(job: Job, program: Program) -> str:
    known = vectors(job)
    tables = {port.name: _samples(known[port.tensor]) for port in (*program.inputs, *program.outputs)}
    samples = len(known[program.inputs[0].tensor])
    return _text("test.c.j2", program, samples=samples, vectors=tables)


def _samples(values: Ints) -> Table:
    return Table("samples", values.reshape(len(values), -1), "")


def _quantises(port: Port) -> bool:
    """Whether real numbers become its integers in floating point exactly as they should."""
    fixed = port.tensor.type
    plain = fixed.overflow is not Overflow.WRAP_SM and not fixed.saturation_bits
    return plain and fixed.width <= _WIDEST_REAL and _is_real(port.tensor)


def _is_real(tensor: Tensor) -> bool:
    """Whether a step of its type is a number of floating point."""
    exponents = [tensor.type.frac + e for e in tensor.exponents or (0,)]
    return max(map(abs, exponents)) <= _MOST_EXPONENT


def _real_type(port: Port) -> str:
    """As ``predict`` returns it."""
    fixed = port.tensor.type
    narrow = fixed.width - fixed.signed <= _FLOAT_BITS and abs(fixed.frac) <= 100 and not port.tensor.exponents
    return "float" if narrow else "double"


def _power(exponent: int) -> str:
    """A power of two as floating point of 64 bits."""
    return f"{1 << exponent}.0" if exponent >= 0 else f"(1.0 / {1 << -exponent}.0)"


def _overflow(fixed: FixedType, value: str) -> str:
    """What becomes of a whole number that is no further beyond a type than fits 64 bits."""
    return cast_to(within(1 << 62), fixed.frac, fixed).text(value, 64)


def _given_strides(tensor: Tensor) -> list[int]:
    """By how much the place of a user's value moves with each axis of the held ones."""
    assert tensor.order is not None
    given = [tensor.shape[tensor.order.index(axis)] for axis in range(len(tensor.order))]
    return [prod(given[axis + 1 :]) for axis in tensor.order]


EXPORT = Export("the network as a library of C99, with a test of its own", CLibrary, files)

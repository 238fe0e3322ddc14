"""Probes: one operation for one choice of types, with its operands and its exact result.

A probe is compared three ways (vendor's headers, emulation headers, Python), and casts a fourth (``reference``).
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers, wrap
from tests.vendor import reference
from tests.vendor.proof import values

Operands = tuple[Ints, Ints]
Draw = Callable[[int, np.random.Generator], Operands]
WIDEST = 128


@dataclass(frozen=True)
class Probe:
    """``text`` is the operation in probe.h; ``result`` its type if it is a fixed-point number."""

    kind: str
    text: str
    types: tuple[FixedType, ...]
    draw: Draw
    expected: Callable[[Ints, Ints], Ints]
    result: FixedType | None = None
    vendor: bool = True  # the vendor's headers define it
    emulation: bool = True  # the emulation has it
    naive: Callable[[int, int], int] | None = None

    @property
    def wide(self) -> bool:
        """Whether a type needs words of 128 bits."""
        return any(t.width > values.NATIVE for t in self.every_type)

    @property
    def slow_in_python(self) -> bool:
        """Whether Python computes with objects instead of int64."""
        return any(t.width > values.NATIVE - 2 for t in self.every_type)

    @property
    def every_type(self) -> tuple[FixedType, ...]:
        return self.types if self.result is None else (*self.types, self.result)


def spelled(t: FixedType) -> str:
    """The C++ type with every argument."""
    name = "ap_fixed" if t.signed else "ap_ufixed"
    return f"{name}<{t.width}, {t.integer}, AP_{t.rounding.value}, AP_{t.overflow.value}, {t.saturation_bits}>"


def vendor_casts(source: FixedType, target: FixedType) -> bool:
    """Whether the vendor's cast is defined: it reads a bit that the source does not have otherwise."""
    return target.rounding is Rounding.TRN or source.frac - target.frac <= source.width


def variants(signed: bool, width: int) -> Iterator[tuple[Overflow, int]]:
    """Every overflow mode with every number of saturation bits it takes."""
    for overflow in Overflow:
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        counts = range(width + 1) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else range(1)
        yield from ((overflow, n) for n in counts)


# -- random types ---------------------------------------------------------------------------------------------------


def random_type(rng: random.Random, widest: int, *, modes: bool = False) -> FixedType:
    """Any width, with the edges of native words more often; the point inside, left or right of the bits."""
    edges = [w for w in (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 62, 63, 64, 65, 96, 127, 128) if w <= widest]
    width = rng.choice(edges) if rng.random() < 0.4 else rng.randint(1, widest)
    return with_random_modes(rng, width, rng.randint(-5, width + 5), modes=modes)


def with_random_modes(rng: random.Random, width: int, integer: int, *, modes: bool = True) -> FixedType:
    """A type of this size; every pair of modes is equally likely."""
    signed = rng.random() < 0.6
    if not modes:
        return FixedType(width, integer, signed)
    overflow = rng.choice(list(Overflow))
    with_bits = overflow in (Overflow.WRAP, Overflow.WRAP_SM)
    bits = rng.choice([0, 0, 1, 2, rng.randint(0, width), width]) if with_bits else 0
    signed = signed or overflow is Overflow.WRAP_SM
    return FixedType(width, integer, signed, rng.choice(list(Rounding)), overflow, min(bits, width))


# -- casts ----------------------------------------------------------------------------------------------------------


def cast(kind: str, operation: str, source: FixedType, target: FixedType, *, exhaustive: bool = False) -> Probe:
    """``operation`` is convert, assign or kernel_cast (which the vendor's world defines for every pair)."""
    marks = values.cast_landmarks(source, target)

    def draw(n: int, rng: np.random.Generator) -> Operands:
        x = values.every(source) if exhaustive else values.mantissas(source, n, rng, marks, source.frac - target.frac)
        return x, x[:1]

    return Probe(
        *(kind, f"{operation}<{spelled(source)}, {spelled(target)} >", (source, target), draw),
        lambda x, _: target.cast(x, source.frac),
        target,
        vendor=operation == "kernel_cast" or vendor_casts(source, target),
        naive=lambda x, _: reference.cast_mantissa(target, x, source.frac),
    )


def from_real(target: FixedType, kind: str) -> Probe:
    """A double or a float; both travel as doubles."""

    def draw(n: int, rng: np.random.Generator) -> Operands:
        x = values.doubles(target, n, rng)
        if kind == "float":
            with np.errstate(over="ignore"):
                x = x.astype(np.float32).astype(np.float64)
            x[np.isinf(x)] = 2.0**100
        words = x.view(np.int64)
        return words, words[:1]

    return Probe(
        *(f"from {kind}", f"convert<{kind}, {spelled(target)} >", (target,), draw),
        lambda words, _: target.quantize(words.view(np.float64)),
        target,
        naive=lambda word, _: reference.cast(target, values.exact(word)),
    )


INTEGERS = {
    **{"bool": (1, False), "signed char": (8, True), "unsigned char": (8, False), "short": (16, True)},
    **{"unsigned short": (16, False), "int": (32, True), "unsigned int": (32, False), "long": (64, True)},
    **{"unsigned long": (64, False), "long long": (64, True), "unsigned long long": (64, False)},
}


def from_integer(target: FixedType, name: str) -> Probe:
    """A native integer of C++."""
    source = FixedType(INTEGERS[name][0], INTEGERS[name][0], INTEGERS[name][1])
    as_fixed = cast("from integer", "convert", source, target)
    text = f"convert<{name}, {spelled(target)} >"
    return Probe("from integer", text, (source, target), as_fixed.draw, as_fixed.expected, target, as_fixed.vendor)


def to_real(source: FixedType, kind: str) -> Probe:
    """The vendor's own conversion; hlsgen's is Python's (and the bindings'), correctly rounded."""

    def draw(n: int, rng: np.random.Generator) -> Operands:
        x = values.mantissas(source, n, rng)
        return x, x[:1]

    def expected(x: Ints, _: Ints) -> Ints:
        real = source.to_float(x)
        return (real if kind == "double" else real.astype(np.float32).astype(np.float64)).view(np.int64)

    return Probe(f"to {kind}", f"to_{kind}<{spelled(source)} >", (source,), draw, expected, emulation=False)


# -- arithmetic -----------------------------------------------------------------------------------------------------


def sum_type(a: FixedType, b: FixedType, *, difference: bool = False) -> FixedType:
    """The type of a + b or a - b: the vendor's rule."""
    integer = max(a.integer + (b.signed and not a.signed), b.integer + (a.signed and not b.signed)) + 1
    return FixedType(integer + max(a.frac, b.frac), integer, difference or a.signed or b.signed)


def product_type(a: FixedType, b: FixedType) -> FixedType:
    return FixedType(a.width + b.width, a.integer + b.integer, a.signed or b.signed)


def _aligned_sum(a: FixedType, b: FixedType, sign: int) -> Callable[[Ints, Ints], Ints]:
    frac = max(a.frac, b.frac)

    def total(x: Ints, y: Ints) -> Ints:
        x, y = shifted(integers(x), frac - a.frac), shifted(integers(y), frac - b.frac)
        return exact_sum(x, sign * y)

    return total


def _both(a: FixedType, b: FixedType) -> Draw:
    return lambda n, rng: (values.mantissas(a, n, rng), values.mantissas(b, n, rng))


def all_pairs(a: FixedType, b: FixedType) -> Draw:
    """Every value of ``a`` with every value of ``b``."""
    x, y = np.meshgrid(values.every(a), values.every(b))
    return lambda n, rng: (x.ravel(), y.ravel())


def arithmetic(name: str, a: FixedType, b: FixedType, draw: Draw | None = None) -> Probe:
    """``name`` is add, subtract or multiply, with _assign for the assignment to a's type."""
    plain = name.removesuffix("_assign")
    exact: Callable[[Ints, Ints], Ints]
    if plain == "multiply":
        result, exact = product_type(a, b), lambda x, y: exact_product(integers(x), integers(y))
    else:
        result = sum_type(a, b, difference=plain == "subtract")
        exact = _aligned_sum(a, b, -1 if plain == "subtract" else 1)
    text = f"{name}<{spelled(a)}, {spelled(b)} >"
    draw = draw or _both(a, b)
    if plain == name:
        return Probe(plain, text, (a, b), draw, exact, result)
    return Probe(
        *("compound assignment", text, (a, b, result), draw),
        lambda x, y: a.cast(exact(x, y), result.frac),
        a,
        vendor=vendor_casts(result, a),
    )


def negation(a: FixedType, *, exhaustive: bool = False) -> Probe:
    def draw(n: int, rng: np.random.Generator) -> Operands:
        x = values.every(a) if exhaustive else values.mantissas(a, n, rng)
        return x, x[:1]

    result = FixedType(a.width + 1, a.integer + 1)
    return Probe("negate", f"negate<{spelled(a)} >", (a,), draw, lambda x, _: -integers(x), result)


def shift(name: str, a: FixedType) -> Probe:
    """Bits moved by a run-time number, which may be negative or beyond the width; neither rounds nor saturates."""

    def draw(n: int, rng: np.random.Generator) -> Operands:
        return values.mantissas(a, n, rng), rng.integers(-a.width - 2, a.width + 3, n)

    def expected(x: Ints, by: Ints) -> Ints:
        left = by if name == "shift_left" else -by
        moved = [v << n if n >= 0 else v >> -n for v, n in zip(x.tolist(), left.tolist(), strict=True)]
        return wrap(np.array(moved, dtype=object), a.width, a.signed)

    return Probe("shift", f"{name}<{spelled(a)}, int>", (a,), draw, expected, a)


COMPARISONS = {
    **{"less": operator.lt, "less_equal": operator.le, "greater": operator.gt},
    **{"greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne},
}


def vendor_orders(a: FixedType, b: FixedType) -> bool:
    """Whether the vendor's comparison is that of the values.

    The headers align the points and then compare raw numbers by C's rules: from 32 bits on, a negative number against
    an unsigned one that is at least as wide counts as a large positive number.
    """
    if a.signed == b.signed:
        return True
    width_a = a.width + (b.frac - a.frac + 1 if b.frac > a.frac else 0)
    width_b = b.width + max(a.frac - b.frac, 0)
    signed, unsigned = (width_a, width_b) if a.signed else (width_b, width_a)
    return max(signed, unsigned) < 32 or signed > unsigned


def comparison(name: str, a: FixedType, b: FixedType, draw: Draw | None = None) -> Probe:
    """``name`` is one of COMPARISONS; exact in hlsgen for every pair of types."""
    difference = _aligned_sum(a, b, -1)

    def near(n: int, rng: np.random.Generator) -> Operands:
        x, y = values.mantissas(a, n, rng), values.mantissas(b, n, rng)
        if max(a.width, b.width) < values.NATIVE and abs(a.frac - b.frac) < values.NATIVE:
            by = a.frac - b.frac
            close = y[::2] << by if by >= 0 else y[::2] >> -by
            x[::2] = values.folded(close + rng.integers(-1, 2, close.size), a)
        return x, y

    return Probe(
        *("compare" if a.signed == b.signed else "compare mixed signs", f"{name}<{spelled(a)}, {spelled(b)} >"),
        *((a, b), draw or near),
        lambda x, y: np.asarray(COMPARISONS[name](difference(x, y), 0), dtype=np.int64),
        vendor=vendor_orders(a, b),
    )


def integer_comparison(name: str, a: FixedType) -> Probe:
    """A value against a C++ int; the vendor's int is signed."""
    number = FixedType(32, 32)

    def draw(n: int, rng: np.random.Generator) -> Operands:
        x, c = values.mantissas(a, n, rng), values.mantissas(number, n, rng)
        near = x[::2] >> a.frac if a.frac >= 0 else x[::2] << min(-a.frac, 60)
        c[::2] = values.folded((near + rng.integers(-1, 2, near.size)).astype(np.int64), number)
        return x, c

    difference = _aligned_sum(a, number, -1)
    return Probe(
        *("compare with int", f"{name}<{spelled(a)}, int>", (a,), draw),
        lambda x, c: np.asarray(COMPARISONS[name](difference(x, c), 0), dtype=np.int64),
        vendor=vendor_orders(a, number),
    )


# -- the kernels' words ---------------------------------------------------------------------------------------------


def smaller(a: FixedType) -> Probe:
    return Probe("select", f"minimum<{spelled(a)}, {spelled(a)} >", (a, a), _both(a, a), np.minimum, a)


def raw_bits(t: FixedType) -> Probe:
    def draw(n: int, rng: np.random.Generator) -> Operands:
        x = values.mantissas(t, n, rng)
        return x, x[:1]

    return Probe("raw bits", f"raw<{spelled(t)} >", (t,), draw, lambda x, _: x, t)


def lookup(t: FixedType, entry: FixedType) -> Probe:
    """A table of 2**width pseudo-random entries, the same formula as in probe.h."""
    index = np.arange(1 << t.width, dtype=np.uint64)
    content = values.folded((index * np.uint64(0x9E3779B97F4A7C15) + np.uint64(12345)).view(np.int64), entry)

    def draw(n: int, rng: np.random.Generator) -> Operands:
        return values.every(t), values.every(t)[:1]

    def expected(x: Ints, _: Ints) -> Ints:
        return content[x & ((1 << t.width) - 1)]

    return Probe("lookup", f"table<{spelled(t)}, {spelled(entry)} >", (t, entry), draw, expected, entry)


def accumulation(a: FixedType, b: FixedType) -> Probe:
    """a + a*b + b in the narrowest type that holds it."""
    frac = max(a.frac, b.frac, a.frac + b.frac)
    corners = [
        (x << (frac - a.frac)) + (x * y << (frac - a.frac - b.frac)) + (y << (frac - b.frac))
        for x in (a.min_mantissa, a.max_mantissa, 0)
        for y in (b.min_mantissa, b.max_mantissa, 0)
    ]
    total = FixedType.covering(min(*corners, -1), max(corners), frac)
    # The bound is that of the exact sum on the corners of the ranges; the sum is linear in each operand.

    def expected(x: Ints, y: Ints) -> Ints:
        x, y = integers(x), integers(y)
        product = shifted(exact_product(x, y), frac - a.frac - b.frac)
        return exact_sum(exact_sum(shifted(x, frac - a.frac), product), shifted(y, frac - b.frac))

    text = f"accumulation<{spelled(total)}, {spelled(a)}, {spelled(b)} >"
    return Probe("accumulate", text, (a, b, product_type(a, b)), _both(a, b), expected, total)

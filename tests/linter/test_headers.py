"""The fixed-point numbers of ``hls_templates/lint`` are those of Python, bit for bit: else their IR shows another circuit."""

from __future__ import annotations

import operator
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hlsgen.ir.types import FixedType
from tests.linter.native import PRELUDE, output_of

ROUNDINGS = "TRN TRN_ZERO RND RND_ZERO RND_INF RND_MIN_INF RND_CONV".split()
OVERFLOWS = [("WRAP", 0), ("WRAP", 1), ("WRAP", 3), ("SAT", 0), ("SAT_ZERO", 0), ("SAT_SYM", 0)]
MIRRORED = [("WRAP_SM", 0), ("WRAP_SM", 1), ("WRAP_SM", 2)]


def spelt(t: FixedType) -> str:
    name = "ap_fixed" if t.signed else "ap_ufixed"
    return f"{name}<{t.width}, {t.integer}, AP_{t.rounding.value}, AP_{t.overflow.value}, {t.saturation_bits}>"


def plain(rng: random.Random, widest: int = 20) -> FixedType:
    width = rng.choice([1, 2, 3, 5, 8, 13, widest])
    sign = rng.choice(["fixed", "ufixed"])
    return FixedType.parse(f"{sign}<{width},{rng.randint(-4, width + 4)}>")


def mantissas(t: FixedType, rng: random.Random, count: int = 24) -> list[int]:
    ends = [t.min_mantissa, t.max_mantissa, 0, min(1, t.max_mantissa), max(-1, t.min_mantissa)]
    return ends + [rng.randint(t.min_mantissa, t.max_mantissa) for _ in range(count)]


def literals(values: Sequence[int]) -> str:
    return ", ".join(f"{value}LL" for value in values)


def cast_case(source: FixedType, target: FixedType, values: Sequence[int]) -> str:
    return f"cast_all<{spelt(source)}, {spelt(target)}>({{{literals(values)}}}, {len(values)});"


PROGRAM = """
#include <ap_fixed.h>
template <class T> T made(long long mantissa) {
    T value;
    value.range(T::width - 1, 0) = ap_uint<T::width>(mantissa);
    return value;
}
template <class T> long long mantissa(const T& value) {
    const ap_int<65> bits = value.range(T::width - 1, 0).to_uint64();
    return T::is_signed && bits[T::width - 1] ? (long long)(bits - (ap_int<66>(1) << T::width)).to_int64() : bits.to_int64();
}
template <class A, class B> void cast_all(const long long (&values)[COUNT], int n) {
    for (int i = 0; i < n; i++) printf("%lld ", mantissa(B(made<A>(values[i]))));
    printf("\\n");
}
template <class A, class B> void combine_all(const long long (&a)[COUNT], const long long (&b)[COUNT]) {
    for (int i = 0; i < COUNT; i++) {
        const A x = made<A>(a[i]);
        const B y = made<B>(b[i]);
        auto sum = x + y;
        auto difference = x - y;
        auto product = x * y;
        auto negative = -x;
        A added = x;
        added += y;
        printf("%d %d %d %lld %d %d %d %lld %d %d %d %lld %d %d %lld %lld %d\\n", sum.width, sum.iwidth, sum.is_signed,
               mantissa(sum), difference.width, difference.iwidth, difference.is_signed, mantissa(difference),
               product.width, product.iwidth, product.is_signed, mantissa(product), negative.width, negative.iwidth,
               mantissa(negative), mantissa(added),
               (x < y) | (x <= y) << 1 | (x > y) << 2 | (x >= y) << 3 | (x == y) << 4 | (x != y) << 5);
    }
}
"""


def program(lines: Sequence[str], count: int) -> dict[str, str]:
    calls = "\n".join(f"static void case_{i}() {{ {line} }}" for i, line in enumerate(lines))
    runs = "\n".join(f"    case_{i}();" for i in range(len(lines)))
    text = f"{PRELUDE}#define COUNT {count}\n{PROGRAM}{calls}\nint main() {{\n{runs}\n    return 0;\n}}\n"
    return {"cases.cpp": text}


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_casts(rounding: str, tmp_path: Path) -> None:
    """Every overflow mode with every rounding, among types that drop bits and that do not."""
    rng = random.Random(f"casts {rounding}")
    cases = []
    for overflow, bits in [*OVERFLOWS, *MIRRORED]:
        for _ in range(7):
            source, t = plain(rng), plain(rng)
            while t.width < max(bits, 2) or (overflow == "WRAP_SM" and not t.signed):
                t = plain(rng)
            name = "fixed" if t.signed else "ufixed"
            target = FixedType.parse(f"{name}<{t.width},{t.integer},{rounding},{overflow},{bits}>")
            cases.append((source, target, mantissas(source, rng)))
    lines = [cast_case(*case) for case in cases]
    printed = output_of(tmp_path, program(lines, len(cases[0][2])))
    for (source, target, values), line in zip(cases, printed, strict=True):
        expected = [int(v) for v in target.cast(np.array(values, dtype=object), source.frac)]
        assert [int(word) for word in line.split()] == expected, f"{source} -> {target}, {values}"


def test_operations(tmp_path: Path) -> None:
    """Types and values of exact results, ``+=``, comparisons of any types."""
    rng = random.Random("operations")
    cases = [(plain(rng), plain(rng)) for _ in range(60)]
    drawn = [(mantissas(a, rng, 15), mantissas(b, rng, 15)) for a, b in cases]
    for _, b in drawn:
        rng.shuffle(b)
    lines = [
        f"combine_all<{spelt(a)}, {spelt(b)}>({{{literals(x)}}}, {{{literals(y)}}});"
        for (a, b), (x, y) in zip(cases, drawn, strict=True)
    ]
    printed = iter(output_of(tmp_path, program(lines, 20)))
    for (a, b), (x, y) in zip(cases, drawn, strict=True):
        for m, n in zip(x, y, strict=True):
            found = [int(word) for word in next(printed).split()]
            assert found == expected_of(a, b, m, n), f"{a} {m}, {b} {n}"


def expected_of(a: FixedType, b: FixedType, m: int, n: int) -> list[int]:
    x, y = Fraction(m) / Fraction(2) ** a.frac, Fraction(n) / Fraction(2) ** b.frac
    frac, signed = max(a.frac, b.frac), a.signed or b.signed
    integer = max(t.integer + (signed and not t.signed) for t in (a, b)) + 1

    def exact(value: Fraction, frac: int) -> int:
        scaled = value * Fraction(2) ** frac
        assert scaled.denominator == 1
        return int(scaled)

    relations = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    added = int(a.cast(np.array([exact(x + y, frac)], dtype=object), frac)[0])
    return [
        *(integer + frac, integer, signed, exact(x + y, frac)),
        *(integer + frac, integer, True, exact(x - y, frac)),
        *(a.width + b.width, a.integer + b.integer, signed, exact(x * y, a.frac + b.frac)),
        *(a.width + 1, a.integer + 1, -m),
        added,
        sum(relation(x, y) << i for i, relation in enumerate(relations)),
    ]


INTEGERS = """
#include <ap_int.h>
template <class A, class B> void integers(const long long (&a)[COUNT], const long long (&b)[COUNT]) {
    for (int i = 0; i < COUNT; i++) {
        const A x = a[i];
        const B y = b[i];
        A counter = x;
        counter++;
        counter += 2;
        --counter;
        const int shift = int(y) & 3;
        printf("%lld %lld %lld %lld %lld %lld %lld %d ", (x + y).to_int64(), (x - y).to_int64(), (x * y).to_int64(),
               (x & y).to_int64(), (x | y).to_int64(), (x ^ y).to_int64(), counter.to_int64(), x < y);
        printf("%lld %lld %lld %d %lld\\n", (x + 1000).to_int64(), (x << shift).to_int64(), (x >> shift).to_int64(),
               x == a[i], (3 - x).to_int64());
    }
}
"""


def test_integers(tmp_path: Path) -> None:
    """Counters and words: exact sums and products, wrapping where a value is stored."""
    rng = random.Random("integers")
    kinds = [(rng.choice([2, 3, 5, 9, 16, 31]), rng.random() < 0.5) for _ in range(40)]
    pairs = list(zip(kinds[::2], kinds[1::2], strict=True))
    lines, drawn = [], []
    for pair in pairs:
        values = [mantissas(FixedType(w, w, s), rng, 7) for w, s in pair]
        names = [f"ap_{'' if s else 'u'}int<{w}>" for w, s in pair]
        drawn.append(values)
        lines.append(f"integers<{', '.join(names)}>({{{literals(values[0])}}}, {{{literals(values[1])}}});")
    text = program(lines, 12)["cases.cpp"].replace("#include <ap_fixed.h>", f"{INTEGERS}#include <ap_fixed.h>")
    printed = iter(output_of(tmp_path, {"cases.cpp": text}))
    for ((width, signed), _), (x, y) in zip(pairs, drawn, strict=True):
        held = FixedType(width, width, signed)

        def wrapped(value: int, held: FixedType = held) -> int:
            return int(held.cast(np.array([value], dtype=object), 0)[0])

        for m, n in zip(x, y, strict=True):
            shift = n & 3
            values = [m + n, m - n, m * n, m & n, m | n, m ^ n, wrapped(m + 2), m < n]
            values += [m + 1000, wrapped(m << shift), m >> shift, True, 3 - m]
            assert [int(word) for word in next(printed).split()] == values, f"{held}: {m}, {n}"
